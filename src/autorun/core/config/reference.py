"""The generated files: the JSON Schema that ships with the package, and the configuration page."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from autorun.core.config import DEFAULT_FILE, Config
from autorun.core.config.options import INPUT_PREFIX, Option, sections, table
from autorun.core.config.retired import RETIRED
from autorun.core.config.schema import document_schema
from autorun.core.config.surface import inputs
from autorun.core.config.values import expected, shown_default
from autorun.core.money.catalogue import ALIASES, RETIRED as RETIRED_MODELS
from autorun.core.report.outputs import OUTPUTS

_SCHEMA_FILE = "src/autorun/schema/config.schema.json"
_SCHEMA_URL = f"https://raw.githubusercontent.com/OWNER/autorun/main/{_SCHEMA_FILE}"

_INTRODUCTION = f"""\
# Configuration

<!-- Generated from the option table by `make generate`; do not edit. -->

Autorun reads `{DEFAULT_FILE}`. The file may be absent, and so may every section and key of it: what is not set
takes its default. `autorun config` checks the file and prints every effective value with its source; it needs
neither network nor credentials.

```yaml
# yaml-language-server: $schema={_SCHEMA_URL}
state_provider:
  type: github
autonomous:
  model: opus
  cost_limit_per_session: 10.0
workspace:
  setup:
    - npm ci
  verify:
    - run: npm test
      timeout: 600
```

A value is taken from the last of these that sets it:

1. its default,
2. the configuration file,
3. its environment variable,
4. its action input,
5. its command-line flag.

A list is replaced as a whole, never added to. An empty text, variable or input counts as not set. In the file,
`${{NAME}}` stands for an environment variable; where the variable is not set, the key counts as absent and a
warning says so. Commands are the exception: they keep `${{NAME}}` for the shell that runs them. In a variable or
input a list is written one item a line. An unknown key is an error that names the nearest known one.

Credentials never stand in the file, only the names of the variables that hold them.
"""


_TABLE_HEAD = ("Key", "Default", "Values", "What it does", "Also set by")


def generated_files() -> Mapping[str, str]:
    """Return the text of every generated file by its path from the repository's root."""
    return {
        _SCHEMA_FILE: json.dumps(document_schema(), indent=2, ensure_ascii=False) + "\n",
        "docs/configuration.md": _page(),
    }


def action_regions() -> Mapping[str, str]:
    """Return the generated parts of action.yml by name, each line indented for its place."""
    return {"inputs": _inputs(), "outputs": _outputs(), "environment": _environment()}


def _inputs() -> str:
    blocks = []
    for each in inputs():
        lines = [f"  {each.name}:", f"    description: {json.dumps(each.about, ensure_ascii=False)}"]
        lines += ["    required: false", f"    default: {json.dumps(each.default)}"]
        blocks.append("\n".join(lines))
    return "\n".join(blocks) + "\n"


def _outputs() -> str:
    """The outputs; in the report phase the run itself sets those that are saved otherwise."""
    return "".join(
        f"  {each.name}:\n    description: {json.dumps(each.about)}\n"
        f"    value: ${{{{ steps.{each.step}.outputs.{each.name}"
        + (f" || steps.run.outputs.{each.name}" if each.step != "run" else "")
        + " }}\n"
        for each in OUTPUTS
    )


def _environment() -> str:
    """The variables by which the run's step sees the inputs; a credential may also be one of the job's variables."""
    own = {each.environment for each in inputs() if not each.environment.startswith(INPUT_PREFIX)}
    return "".join(
        f"        {each.environment}: ${{{{ inputs.{each.name}"
        + (f" || env.{each.environment}" if each.environment in own else "")
        + " }}\n"
        for each in inputs()
        if each.environment
    )


def _page() -> str:
    groups = groupby(table(Config), lambda option: option.key.rpartition(".")[0])
    tables = [_section(name, tuple(options)) for name, options in groups]
    return "\n".join([_INTRODUCTION, *tables, _models(), _retired_keys()])


def _section(name: str, options: Sequence[Option]) -> str:
    cells = [
        (f"`{option.leaf}`", shown_default(option), expected(option), option.spec.about, _also(option))
        for option in options
    ]
    return f"## `{name}`\n\n{sections(Config)[name]}\n\n{_table(_TABLE_HEAD, cells)}"


def _also(option: Option) -> str:
    ways = [f"`{option.environment}`"]
    ways += [f"input `{option.spec.input}`"] if option.spec.input else []
    ways += [f"`{option.spec.flag}`"] if option.spec.flag else []
    return ", ".join(ways)


def _models() -> str:
    aliases = ", ".join(f"`{alias}` is `{model}`" for alias, model in ALIASES.items())
    cells = [(f"`{name}`", f"`{gone.successor}`", gone.ended or "earlier") for name, gone in RETIRED_MODELS.items()]
    return (
        f"## Models\n\nAliases: {aliases}.\n\nA retired id runs its successor, with a warning. An id that this "
        "version does not know is passed on as it is, with a warning, and priced like the dearest known model.\n\n"
        + _table(("Retired", "Runs instead", "End of life"), cells)
    )


def _retired_keys() -> str:
    cells = [(f"`{retired.key}`", retired.instead) for retired in RETIRED]
    return (
        "## Keys of earlier files\n\nThese are accepted, with a warning that names what stands in their place. "
        "Where that is another key, the value still acts, unless the other key is set too.\n\n"
        + _table(("Key", "In its place"), cells)
    )


def _table(head: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in cells)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
