"""The throw-away project of the demo: a shell script with a test suite that is green, and five tasks for it."""

from autorun.core.model import TaskState

GREET = """\
#!/bin/sh
# Greets whoever is named.
echo "Hello, ${1:-world}!"
"""

CHECKS = """\
#!/bin/sh
# Every file in tests/ is a test: it passes if it ends with status 0.
set -eu
for test in tests/*.sh; do
  sh "$test" || { echo "FAILED: $test"; exit 1; }
done
echo "all tests passed"
"""

GREETS_THE_WORLD = '[ "$(sh greet.sh)" = "Hello, world!" ]\n'
GREETS_BY_NAME = '[ "$(sh greet.sh Ada)" = "Hello, Ada!" ]\n'

CONFIG = """\
state_provider:
  type: file
workspace:
  verify:
    - sh check.sh
  max_repair_attempts: 1
"""


def _task(title: str, priority: str, description: str, *criteria: str) -> str:
    listed = "\n".join(f"- [ ] {criterion}" for criterion in criteria)
    return f"""\
---
priority: {priority}
---
# Title: {title}

## Description
{description}

## Acceptance Criteria
{listed}
"""


COMPLETES = "Say goodbye too"
REPAIRED = "Shout when asked to"
BLOCKED = "Greet in the user's language"
UNCHANGED = "Make the greeting polite"
PROTECTED = "Run the tests on every push"

FILES = {
    "greet.sh": GREET,
    "check.sh": CHECKS,
    "tests/world.sh": GREETS_THE_WORLD,
    "tests/name.sh": GREETS_BY_NAME,
    ".ai-agents/config.yml": CONFIG,
    ".ai-agents/state/goodbye.md": _task(
        COMPLETES,
        "high",
        "`sh greet.sh --bye Ada` says goodbye.",
        '`sh greet.sh --bye Ada` prints "Goodbye, Ada!"',
        "a test covers it",
    ),
    ".ai-agents/state/shout.md": _task(
        REPAIRED,
        "high",
        "`sh greet.sh --loud Ada` greets in capitals.",
        '`sh greet.sh --loud Ada` prints "HELLO, ADA!"',
        "plain greetings stay as they are",
    ),
    ".ai-agents/state/language.md": _task(
        BLOCKED, "medium", "Greet people in their own language.", "the greeting is in the user's language"
    ),
    ".ai-agents/state/polite.md": _task(UNCHANGED, "medium", "The greeting is polite.", "the greeting is polite"),
    ".ai-agents/state/ci.md": _task(
        PROTECTED, "low", "Add a workflow that runs `sh check.sh`.", "pushes run the tests"
    ),
}

# What each task must come to, by key.
ENDINGS = {
    "goodbye": TaskState.IN_REVIEW,
    "shout": TaskState.IN_REVIEW,
    "language": TaskState.BLOCKED,
    "polite": TaskState.BLOCKED,
    "ci": TaskState.BLOCKED,
}
