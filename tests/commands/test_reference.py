"""docs/commands.md names every command and flag there is, and shows the shapes that programs really get."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from autorun.cli import COMMANDS, cli
from autorun.demo.script import state, write
from autorun.demo.scripted_model import ScriptedModel
from kit.commandline import Project, make_project, with_agent

PAGE = (Path(__file__).parents[2] / "docs/commands.md").read_text()
OPEN = {"values", "tasks"}  # mappings whose keys are data


def sections() -> dict[str, str]:
    """The page's sections by heading."""
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def shown(command: str, number: int = 0) -> Any:
    """A JSON example of a command."""
    return json.loads(re.findall(r"```json\n(.*?)```", sections()[command], flags=re.DOTALL)[number])


def differences(example: Any, real: Any, where: str = "") -> list[str]:
    """Where two documents differ in shape; `null` and an empty list say nothing about what could stand there."""
    if example is None or real is None:
        return []
    if isinstance(example, dict) and isinstance(real, dict):
        if where.rpartition(".")[2] in OPEN:
            return differences(next(iter(example.values())), next(iter(real.values())), f"{where}.*")
        wrong = [f"{where}.{key}" for key in example.keys() ^ real.keys()]
        return wrong + [
            x for key in example.keys() & real.keys() for x in differences(example[key], real[key], f"{where}.{key}")
        ]
    if isinstance(example, list) and isinstance(real, list):
        return [x for one in real for x in differences(example[0], one, where)] if example else []
    numbers = (int, float)
    alike = type(example) is type(real) or (type(example) in numbers and type(real) in numbers)
    return [] if alike else [f"{where}: {example!r} and {real!r}"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_flag_is_named(name: str) -> None:
    """In its own section, by its own name; no section or flag stands there that does not exist."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    flags = {flag for parameter in command.params if isinstance(parameter, click.Option) for flag in parameter.opts}
    said = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", sections()[name]))
    assert {flag for flag in flags if flag.startswith("--")} - {"--config"} <= said
    assert said <= flags | {"--json"}
    assert ("--config" in flags) == (name != "demo")


def test_there_is_a_section_for_each_command_only() -> None:
    """The page's sections are the exit codes and the commands."""
    assert set(sections()) == {"Exit codes", *COMMANDS}


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with something in every state, after a session, and the report of that session."""
    project = make_project(tmp_path_factory.mktemp("reference"))
    project.task("hello")
    project.task("ask")
    project.task("later", depends_on="ask")
    project.task("plain", priority="low")
    (project.root / ".ai-agents/state/torn.md").write_bytes(b"\xff")
    project.config("autonomous:\n  system_prompt_path: prompts/own.md\n")
    scripts = {
        "Task hello": [write("hello.txt", "hi\n"), state(completed="Done.", criteria={"it is there": "yes"})],
        "Task ask": [state(needs_input="Which one?", blockers=[{"what": "Which?", "needed": "say it"}])],
    }
    with ScriptedModel(scripts) as model:
        with_agent(project, model.url)
        done = project.run("start", "--json", "--max-tasks", "2")
        assert done.code == 0, done.err
        (project.home / "report.json").write_text(done.out)
    return project


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("status", ["status", "--json"]),
        ("config", ["config", "--json"]),
        ("tasks", ["tasks", "--json"]),
        ("show", ["show", "ask", "--json"]),
        ("show", ["show", "hello", "--json"]),
        ("add", ["add", "More", "--json"]),
        ("doctor", ["doctor", "--json"]),
    ],
)
def test_the_shapes_are_the_documented_ones(used: Project, command: str, args: list[str]) -> None:
    """Key by key and type by type, in both directions."""
    real = used.run(*args).data
    assert real
    assert differences(shown(command), real) == []


def test_the_reports_of_start_are_the_documented_ones(used: Project) -> None:
    """The report of a session and the plan of a dry run."""
    assert differences(shown("start"), json.loads((used.home / "report.json").read_text())) == []
    real = used.run("start", "--dry-run", "--json").data
    assert all(real[key] for key in ("would_start", "skipped", "faults"))
    assert differences(shown("start", 1), real) == []
