"""The option table is sound: one declaration per option, from which everything else follows."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

import autorun
from autorun.core.config import Config, Progress
from autorun.core.config.options import Kind, Option, build, sections, table
from autorun.core.config.reference import action_regions, generated_files
from autorun.core.config.retired import RETIRED
from autorun.core.config.schema import document_schema, value_schema
from autorun.core.config.surface import flags, inputs
from autorun.core.config.values import from_text, read, shown, shown_default, unstructured
from autorun.core.report.outputs import OUTPUTS

ROOT = Path(autorun.__file__).parents[2]
OPTIONS = table(Config)
by_key = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.key)


@by_key
def test_every_option_says_what_it_does_in_sentences(option: Option) -> None:
    assert re.fullmatch(r"[A-Z`].*\.", option.spec.about)
    assert shown_default(option)


@by_key
def test_every_default_is_a_value_the_option_takes(option: Option) -> None:
    defaults = [option.default, option.spec.on_actions, *(brought for _, brought in option.spec.brings)]
    for default in defaults:
        if default not in (None, ""):
            plain = unstructured(default)
            assert read(option, plain, "default") == default
            if isinstance(plain, str) and plain:
                assert read(option, from_text(option, plain), "default") == default


@by_key
def test_every_bound_belongs_to_a_number_and_every_pattern_to_text(option: Option) -> None:
    bounded = option.spec.minimum is not None or option.spec.maximum is not None
    assert not bounded or option.kind in {Kind.INTEGER, Kind.NUMBER}
    assert not option.spec.pattern or (option.kind in {Kind.TEXT, Kind.TEXTS} and option.spec.named)
    assert not option.spec.zero_is_none or option.optional
    Draft202012Validator.check_schema(value_schema(option))


def test_no_two_options_share_a_variable_a_flag_or_an_input() -> None:
    for names in (
        [option.environment for option in OPTIONS] + [found.environment for found in inputs() if found.environment],
        [flag.name for flag in flags()],
        [found.name for found in inputs()],
    ):
        assert [name for name, times in Counter(names).items() if times > 1] == []


def test_the_tree_is_built_from_its_own_defaults() -> None:
    assert build(Config, {option.key: option.default for option in OPTIONS}) == Config()


def test_a_secret_is_hidden_wherever_a_value_is_shown() -> None:
    secret = "https://hooks.slack.com/services/T0/B0/xyz"
    (option,) = [option for option in OPTIONS if option.spec.secret]
    assert option.key == "progress.slack_webhook"
    assert shown(option, secret) == "***"
    assert secret not in repr(Progress(slack_webhook=secret))


def test_the_action_offers_every_input_of_its_contract() -> None:
    promised = """anthropic-api-key claude-code-oauth-token github-token linear-api-key slack-webhook config provider
    label task comment-id workflow backend model mode max-tasks max-turns cost-limit resume dry-run fail-on sandbox
    phase handover claude-version setup verify"""
    assert {found.name for found in inputs()} == set(promised.split())
    assert all(found.about.endswith(".") for found in inputs())


def test_an_input_tells_its_values_and_default() -> None:
    about = {found.name: found.about for found in inputs()}
    assert about["sandbox"].endswith(
        "Values: one of required, auto, off. Default: `required` on GitHub Actions, else `auto`."
    )
    assert about["verify"].endswith("One a line. Default: none.")
    assert {found.name: found.environment for found in inputs()}["max-tasks"] == "AUTORUN_INPUT_MAX_TASKS"


def test_the_command_line_offers_every_flag_of_its_contract() -> None:
    promised = {"--config", "--resume", "--task", "--max-tasks", "--mode", "--backend", "--model", "--dry-run"}
    found = {flag.name: flag for flag in flags()}
    assert promised <= found.keys()
    assert found["--mode"].choices == ("autonomous", "interactive", "supervised")
    assert [name for name, flag in found.items() if flag.multiple] == ["--task"]
    assert [name for name, flag in found.items() if flag.switch] == ["--resume", "--dry-run"]


def test_the_schema_is_a_schema_and_holds_every_key() -> None:
    schema = document_schema()
    Draft202012Validator.check_schema(schema)
    keys = {option.key for option in OPTIONS if option.spec.in_file} | {retired.key for retired in RETIRED}
    assert set(_keys(schema)) == keys | set(sections(Config)) - {"run"} | {
        "execution.approval",
        "execution.approval.notification",
        "execution.limits",
        "security",
        "session",
    }


def _keys(schema: object, prefix: str = "") -> list[str]:
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    return [key for name, inner in properties.items() for key in (prefix + name, *_keys(inner, f"{prefix}{name}."))]


def test_the_configuration_page_names_every_key_flag_input_and_variable() -> None:
    page = generated_files()["docs/configuration.md"]
    words = {word for option in OPTIONS for word in (f"`{option.leaf}`", f"`{option.environment}`")}
    words |= {f"`{flag.name}`" for flag in flags()} | {f"`{retired.key}`" for retired in RETIRED}
    assert [word for word in sorted(words) if word not in page] == []


def test_every_table_of_the_page_has_rows_of_one_width() -> None:
    page = generated_files()["docs/configuration.md"]
    for block in page.split("\n\n"):
        if block.startswith("| "):
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in block.strip().splitlines()}) == 1


def test_the_parts_of_the_action_are_mappings_of_every_input_and_output() -> None:
    """Each input with its description and default, and each variable filled from its input."""
    parts = {name: yaml.safe_load(text) for name, text in action_regions().items()}
    assert parts["inputs"] == {
        each.name: {"description": each.about, "required": False, "default": each.default} for each in inputs()
    }
    assert {name: each["description"] for name, each in parts["outputs"].items()} == {
        each.name: each.about for each in OUTPUTS
    }
    assert set(parts["environment"]) == {each.environment for each in inputs() if each.environment}
    assert parts["outputs"]["matrix"]["value"] == "${{ steps.run.outputs.matrix }}"
    assert parts["outputs"]["state"]["value"] == "${{ steps.save.outputs.state || steps.run.outputs.state }}"
    assert parts["environment"]["AUTORUN_INPUT_MODE"] == "${{ inputs.mode }}"
    assert parts["environment"]["ANTHROPIC_API_KEY"] == "${{ inputs.anthropic-api-key || env.ANTHROPIC_API_KEY }}"


def _generate(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(ROOT / "tools/generate.py"), "--root", str(root), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False)  # a script, run as its users run it


def test_the_generated_files_are_fresh() -> None:
    """What is committed is what the option table gives; if not, run `make generate`."""
    assert _generate(ROOT, "--check").stderr == ""


def test_a_stale_file_is_named_with_the_command_that_renews_it(tmp_path: Path) -> None:
    assert _generate(tmp_path).returncode == 0
    assert _generate(tmp_path, "--check").returncode == 0
    (tmp_path / "docs/configuration.md").write_text("old")
    checked = _generate(tmp_path, "--check")
    assert checked.returncode == 1
    assert "docs/configuration.md" in checked.stderr
    assert "config.schema.json" not in checked.stderr
    assert "make generate" in checked.stderr
    assert (tmp_path / "docs/configuration.md").read_text() == "old"
