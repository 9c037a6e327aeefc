# Each target does all the set-up it needs; nothing is done twice.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
CLAUDE := tools/claude/node_modules/.bin/claude
SCHEMAS := tools/dev/.schemas/.ready
STAND_INS := tools/act/node_modules/.ready
PURE := tests/unit tests/slack/test_blocks.py tests/sandbox/test_confinement.py
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/tools/claude/node_modules/.bin:$(PATH)

.PHONY: sandbox demo test coverage crash-sweep lint format generate bench lock clean

demo: .venv/.ready $(CLAUDE) sandbox  ## the main job on the embedded defaults: no network, no credentials
	$(BIN)/autorun demo

test: .venv/.ready $(CLAUDE) $(SCHEMAS) $(STAND_INS) sandbox  ## the whole suite
	$(BIN)/pytest -n 2 --dist worksteal

coverage: .venv/.ready  ## every branch of the core is taken by the tests that need nothing else
	$(BIN)/coverage run -m pytest -q --hypothesis-profile=few $(PURE)
	$(BIN)/coverage report

crash-sweep: .venv/.ready $(CLAUDE) $(SCHEMAS) sandbox  ## lives cut at every outward effect, and crowds of runners; minutes
	PYTHONPATH=tests $(BIN)/python -m crash.sweep
	PYTHONPATH=tests $(BIN)/python -m concurrency.crowd --rounds 3

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/generate.py --check

format: .venv/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: .venv/.ready  ## rewrite every file that is derived from the option table
	$(BIN)/python tools/generate.py

bench: .venv/.ready $(CLAUDE) $(SCHEMAS) $(STAND_INS) sandbox
	for each in benchmarks/*.py; do echo "## $$each"; $(BIN)/python $$each; done

lock: .venv/.ready  ## refresh the hashed lock files after editing pyproject.toml
	for extra in "" anthropic dev; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    $${extra:+--extra $$extra} pyproject.toml -o requirements/$${extra:-runtime}.txt; \
	done

# Bubblewrap comes from Debian's or Ubuntu's packages; without it the demo runs unconfined, and says so.
sandbox:
	@command -v bwrap >/dev/null || { \
	  asroot=$$([ "$$(id -u)" = 0 ] || echo sudo -n); \
	  $$asroot apt-get update -qq && $$asroot apt-get install -y -qq --no-install-recommends bubblewrap; \
	} || echo "bubblewrap is missing: install it with your package manager" >&2

# GitHub's cache and artifact clients, for running the action with act.
$(STAND_INS): tools/act/package-lock.json
	cd tools/act && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

clean:
	rm -rf .venv tools/*/node_modules tools/*/.schemas .mypy_cache .ruff_cache .pytest_cache .hypothesis dist

.venv/.ready: requirements/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# The CLI's installer only links the binary for this platform; it runs by our word, not as an npm script.
$(CLAUDE): tools/claude/package-lock.json
	cd tools/claude && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error \
	  && node node_modules/@anthropic-ai/claude-code/install.cjs
	touch $@

# GitHub's descriptions unpack to some 400 MB; a few megabytes of them are kept.
$(SCHEMAS): tools/dev/package-lock.json tests/github_double/digest.py | .venv/.ready
	cd tools/dev && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	$(BIN)/python -I tests/github_double/digest.py tools/dev/node_modules/@octokit $(@D)
	rm -rf tools/dev/node_modules/@octokit
	touch $@
