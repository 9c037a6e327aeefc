"""What the scripted model says and does in the demo, task by task."""

from autorun.demo.project import BLOCKED, COMPLETES, PROTECTED, REPAIRED, UNCHANGED
from autorun.demo.script import Script, run, say, state, write

_WITH_BYE = """\
#!/bin/sh
# Greets whoever is named, or says goodbye.
if [ "${1:-}" = --bye ]; then
  shift
  echo "Goodbye, ${1:-world}!"
else
  echo "Hello, ${1:-world}!"
fi
"""

_ALWAYS_LOUD = """\
#!/bin/sh
# Greets whoever is named, loudly.
[ "${1:-}" = --loud ] && shift
echo "Hello, ${1:-world}!" | tr a-z A-Z
"""

_LOUD_WHEN_ASKED = """\
#!/bin/sh
# Greets whoever is named; loudly when asked to.
if [ "${1:-}" = --loud ]; then
  shift
  echo "Hello, ${1:-world}!" | tr a-z A-Z
else
  echo "Hello, ${1:-world}!"
fi
"""

_WORKFLOW = """\
on: push
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - run: sh check.sh
"""

_GOODBYE = [
    say("First I look at what is there.") + run("cat greet.sh; sh check.sh"),
    write("greet.sh", _WITH_BYE) + write("tests/bye.sh", '[ "$(sh greet.sh --bye Ada)" = "Goodbye, Ada!" ]\n'),
    run("sh check.sh"),
    state(
        completed="`--bye` says goodbye; greetings are unchanged.",
        criteria={
            '`sh greet.sh --bye Ada` prints "Goodbye, Ada!"': "tests/bye.sh",
            "a test covers it": "tests/bye.sh, run by check.sh",
        },
        title="Say goodbye with --bye",
        body="`greet.sh --bye NAME` says goodbye. Plain greetings are untouched.",
    ),
]

# The first try breaks plain greetings, and its claim is checked: the failing test comes back to the agent.
_SHOUT = [
    write("greet.sh", _ALWAYS_LOUD) + write("tests/loud.sh", '[ "$(sh greet.sh --loud Ada)" = "HELLO, ADA!" ]\n'),
    state(completed="Greetings can be loud.", title="Greet loudly with --loud"),
    say("The plain greeting became loud as well.") + write("greet.sh", _LOUD_WHEN_ASKED),
    run("sh check.sh"),
    state(
        completed="`--loud` greets in capitals; plain greetings stay as they are.",
        criteria={
            '`sh greet.sh --loud Ada` prints "HELLO, ADA!"': "tests/loud.sh",
            "plain greetings stay as they are": "tests/world.sh and tests/name.sh pass",
        },
        title="Greet loudly with --loud",
        body="`greet.sh --loud NAME` greets in capitals.",
    ),
]

_LANGUAGE = [
    run("cat greet.sh"),
    state(
        needs_input="The task does not say where the user's language comes from.",
        blockers=[
            {
                "what": "Where does the language come from?",
                "why": "The LANG variable and a --lang flag lead to different scripts.",
                "needed": "Answer: LANG, or a flag, and which languages to begin with.",
            }
        ],
    ),
]

_POLITE = [
    run("sh greet.sh"),
    state(completed="The greeting is polite already."),
    state(completed="Nothing to change: the greeting is polite."),
]

_CI = [
    run("mkdir -p .github/workflows"),
    write(".github/workflows/test.yml", _WORKFLOW),
    state(completed="A workflow runs the tests on every push.", title="Run the tests on every push"),
    state(completed="The workflow is needed for this task, so it stays.", title="Run the tests on every push"),
]

STORY: dict[str, Script] = {
    COMPLETES: _GOODBYE,
    REPAIRED: _SHOUT,
    BLOCKED: _LANGUAGE,
    UNCHANGED: _POLITE,
    PROTECTED: _CI,
}
