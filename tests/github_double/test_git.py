"""Git over HTTP against the double: real clients, real repositories."""

import os
import subprocess
from pathlib import Path

import pytest

from github_double import failures
from github_double.bare import ZERO, basic
from github_double.fixtures import client
from github_double.hub import GitHubDouble
from github_double.repository import Repository
from kit.githttp import basic as basic_of_kit


class Clone:
    """A person's or a job's clone; the token travels in a header that never touches argv or disk."""

    def __init__(self, folder: Path, url: str, token: str = "") -> None:
        self.folder = folder
        header = f"Authorization: {basic('x-access-token', token)}"
        credential = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader", "GIT_CONFIG_VALUE_0": header}
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Job",
            "GIT_AUTHOR_EMAIL": "job@example.org",
            "GIT_COMMITTER_NAME": "Job",
            "GIT_COMMITTER_EMAIL": "job@example.org",
            **(credential if token else {}),
        }
        folder.mkdir(parents=True)
        self.begun = self.run("clone", "--quiet", url, ".")

    def run(self, *args: str) -> tuple[int, str]:
        """Run git and return its exit code and everything it said."""
        done = subprocess.run(
            ["git", *args],
            cwd=self.folder,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            timeout=30,
        )
        return done.returncode, done.stdout

    def commit(self, path: str, text: str) -> str:
        """Commit one file and return the commit."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, "utf-8")
        self.run("add", "--all")
        self.run("commit", "--quiet", "--message", f"Write {path}")
        return self.run("rev-parse", "HEAD")[1].strip()


def url_of(repo: Repository) -> str:
    """Return the address a job clones from."""
    return repo.web(".git")


def test_clone_and_push_with_a_token_in_a_header(hub: GitHubDouble, repo: Repository, tmp_path: Path) -> None:
    """A clone has the files; a push with write lands in the real repository, branches and refs/autorun alike."""
    clone = Clone(tmp_path / "c", url_of(repo), hub.token())
    assert (clone.folder / "README.md").read_text("utf-8") == "# App\n"
    sha = clone.commit("new.txt", "1")
    refs = ("HEAD:refs/heads/autorun/github-7", "HEAD:refs/autorun/tasks/github/7")
    code, said = clone.run("push", "--quiet", "--atomic", "origin", *refs)
    assert code == 0, said
    assert repo.branches["autorun/github-7"] == sha
    assert repo.git.refs("refs/autorun/") == {"refs/autorun/tasks/github/7": sha}
    assert hub.calls.count("GIT push") == 1
    assert hub.calls.api == []
    assert basic("a", "b") == basic_of_kit("a", "b")


def test_a_lease_is_honoured(hub: GitHubDouble, repo: Repository, tmp_path: Path) -> None:
    """A push that expects nothing where something is, is refused, and nothing of an atomic push lands."""
    clone = Clone(tmp_path / "c", url_of(repo), hub.token())
    repo.commit({"theirs": "1"}, branch="autorun/github-7", by="ana")
    theirs = repo.branches["autorun/github-7"]
    clone.commit("mine", "1")
    code, said = clone.run(
        "push",
        "--atomic",
        "--force-with-lease=refs/heads/autorun/github-7:",
        "origin",
        "HEAD:refs/heads/autorun/github-7",
        "HEAD:refs/autorun/tasks/github/7",
    )
    assert code != 0
    assert "stale info" in said or "rejected" in said
    assert repo.branches["autorun/github-7"] == theirs
    assert repo.git.refs("refs/autorun/") == {}


@pytest.mark.parametrize("ruleset", [False, True])
def test_protected_branches_refuse(hub: GitHubDouble, repo: Repository, tmp_path: Path, *, ruleset: bool) -> None:
    """A push to a protected branch is declined with GitHub's code; other refs of the same push land unless atomic."""
    repo.protect("main", ruleset=ruleset)
    before = repo.branches["main"]
    clone = Clone(tmp_path / "c", url_of(repo), hub.token())
    sha = clone.commit("new.txt", "1")
    code, said = clone.run("push", "origin", "HEAD:refs/heads/main", "HEAD:refs/heads/free")
    assert code != 0
    assert ("GH013" if ruleset else "GH006") in said
    assert "remote rejected" in said
    assert (repo.branches["main"], repo.branches["free"]) == (before, sha)
    code, _ = clone.run("push", "--atomic", "origin", "HEAD:refs/heads/main", "HEAD:refs/heads/other")
    assert code != 0
    assert "other" not in repo.branches


def test_a_namespace_can_be_refused(hub: GitHubDouble, repo: Repository, tmp_path: Path) -> None:
    """A ruleset may hold refs of any namespace, ours too."""
    repo.refuse_pushes("refs/autorun/*", "GH013: Repository rule violations found for")
    clone = Clone(tmp_path / "c", url_of(repo), hub.token())
    clone.commit("new.txt", "1")
    code, said = clone.run("push", "origin", "HEAD:refs/autorun/tasks/github/7")
    assert code != 0
    assert "GH013" in said


def test_workflow_files_need_their_permission(hub: GitHubDouble, repo: Repository, tmp_path: Path) -> None:
    """A job's token cannot push a change of a workflow; a person's can; untouched workflows hinder nobody."""
    clone = Clone(tmp_path / "c", url_of(repo), hub.token())
    clone.commit("other.txt", "1")
    assert clone.run("push", "--quiet", "origin", "HEAD:refs/heads/fine")[0] == 0
    clone.commit(".github/workflows/autorun.yml", "name: Mine\n")
    code, said = clone.run("push", "origin", "HEAD:refs/heads/bad")
    assert code != 0
    assert "without `workflows` permission" in said
    person = Clone(tmp_path / "p", url_of(repo), hub.personal_token("ana"))
    person.commit(".github/workflows/autorun.yml", "name: Mine\n")
    assert person.run("push", "--quiet", "origin", "HEAD:refs/heads/allowed")[0] == 0


def test_who_may_not_push_is_told(hub: GitHubDouble, repo: Repository, tmp_path: Path) -> None:
    """No write permission is 403 with GitHub's sentence, no or a wrong token 401, a private repository hides."""
    reader = Clone(tmp_path / "r", url_of(repo), hub.token(permissions={"contents": "read"}))
    reader.commit("x", "1")
    code, said = reader.run("push", "origin", "HEAD:refs/heads/x")
    assert code != 0
    assert "403" in said
    assert "denied to github-actions[bot]" in said
    nobody = Clone(tmp_path / "n", url_of(repo))
    assert nobody.begun[0] == 0
    assert nobody.run("push", "origin", "HEAD:refs/heads/x")[0] != 0
    assert Clone(tmp_path / "w", url_of(repo), "ghs_wrong").begun[0] != 0
    assert hub.calls[-1].status == 401
    repo.private = True
    assert Clone(tmp_path / "a", url_of(repo)).begun[0] != 0
    other = hub.token(repository=hub.repository("octo/other"))
    assert "not found" in Clone(tmp_path / "o", url_of(repo), other).begun[1]
    repo.archived = True
    owner = Clone(tmp_path / "z", url_of(repo), hub.token())
    owner.commit("x", "1")
    assert "403" in owner.run("push", "origin", "HEAD:refs/heads/x")[1]
    assert set(repo.branches) == {"main"}


def test_a_push_reaches_the_pull_request(hub: GitHubDouble, repo: Repository, tmp_path: Path) -> None:
    """After a push the pull request shows the new head; pushed to the base it is merged; refs/pull can be fetched."""
    clone = Clone(tmp_path / "c", url_of(repo), hub.token())
    clone.commit("one", "1")
    clone.run("push", "--quiet", "origin", "HEAD:refs/heads/work")
    pull = repo.pull_request("P", head="work", by="ana")
    sha = clone.commit("two", "2")
    clone.run("push", "--quiet", "origin", "HEAD:refs/heads/work")
    assert client(hub, hub.token()).get_repo("octo/app").get_pull(pull.number).head.sha == sha
    assert clone.run("fetch", "--quiet", "origin", f"refs/pull/{pull.number}/head")[0] == 0
    assert clone.run("push", "origin", f"HEAD:refs/pull/{pull.number}/head")[0] != 0
    clone.run("push", "--quiet", "origin", "HEAD:refs/heads/main")
    assert pull.merged


def test_a_renamed_repository_can_still_be_cloned(hub: GitHubDouble, repo: Repository, tmp_path: Path) -> None:
    """The old address redirects git too."""
    old = url_of(repo)
    repo.rename("renamed")
    assert Clone(tmp_path / "c", old, hub.token()).begun[0] == 0


def test_git_fails_on_demand(hub: GitHubDouble, repo: Repository, tmp_path: Path) -> None:
    """A push can break before or after it was applied, or meet a 5xx."""
    clone = Clone(tmp_path / "c", url_of(repo), hub.token())
    sha = clone.commit("x", "1")
    for failure, lands in (
        (failures.reset(), False),
        (failures.server_error(503), False),
        (failures.reset(after=True), True),
    ):
        plan = hub.fail(failure, where="GIT push")
        assert clone.run("push", "origin", "HEAD:refs/heads/x")[0] != 0
        assert ("x" in repo.branches) == lands
        plan.stop()
    assert clone.run("push", "--quiet", f"--force-with-lease=refs/heads/x:{sha}", "origin", ":refs/heads/x")[0] == 0
    assert repo.git.refs("refs/heads/x").get("refs/heads/x", ZERO) == ZERO
