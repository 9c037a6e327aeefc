"""What git and its server say of a push, read from transcripts: whose refusal it is, and what mends it."""

import pytest

from autorun.core.errors import AutorunError, CredentialRefused, ProviderError, PublishingRefused
from autorun.core.ledger.push_answers import PushAnswer, access_refused, unreachable

URL = "https://github.com/octo/app"
REF, BRANCH = "refs/autorun/tasks/github/7", "refs/heads/autorun/github-7"
BRANCH_RULE = f"""\
To {URL}
!\tabc123:{REF}\t[remote rejected] (atomic transaction failed)
!\tabc123:{BRANCH}\t[remote rejected] (push declined due to repository rule violations)
Done
"""
RULE_SAID = f"""\
remote: error: GH013: Repository rule violations found for {BRANCH}.
remote:
remote: - Changes must be made through a pull request.
To {URL}
error: failed to push some refs to '{URL}'
"""


def refused(said: str, porcelain: str = "") -> PushAnswer:
    return PushAnswer.read(porcelain, said, accepted=False)


def test_a_refusal_is_the_one_of_its_own_ref() -> None:
    """An atomic push falls as a whole; the reason stands at one of its refs alone."""
    answer = refused(RULE_SAID, BRANCH_RULE)
    assert answer.own_reason(BRANCH) == "push declined due to repository rule violations"
    assert answer.own_reason(REF) == ""
    assert answer.own_reason("refs/heads/other") == ""


def test_a_server_that_refused_a_ref_has_looked_at_it() -> None:
    """Whatever words of a hook's stand beside that: another ref may be taken."""
    said = "remote: the requested URL returned error: 403\nremote: ticket not found"
    assert refused(said, BRANCH_RULE).hopeless(URL) is None
    assert refused(said).hopeless(URL) is not None


def test_lines_that_refuse_nothing_are_passed_over() -> None:
    """What went through, what is cut off, and git's own frame."""
    accepted = PushAnswer.read(f"To {URL}\n*\tabc:{REF}\t[new reference]\n!\ttorn\nDone\n", "", accepted=True)
    assert (accepted.accepted, accepted.refusals) == (True, {})


@pytest.mark.parametrize(
    "reason",
    ["stale info", "failed to update ref", "cannot lock ref 'x': is at 1", "fetch first", "atomic push failed"],
)
def test_a_lost_race_is_nobodys_refusal(reason: str) -> None:
    """The ref was moved meanwhile, or the other one was refused: to be looked at again."""
    assert refused("", f"!\tabc:{REF}\t[rejected] ({reason})\n").own_reason(REF) == ""


def test_a_refused_branch_is_told_with_the_server_s_own_words() -> None:
    """Without git's remarks, and with the rule to change."""
    error = refused(RULE_SAID, BRANCH_RULE).branch_refused(URL, BRANCH)
    assert str(error) == (
        f"{URL} refuses autorun/github-7: push declined due to repository rule violations; error: "
        f"GH013: Repository rule violations found for {BRANCH}.; - Changes must be made through a pull request."
    )
    assert "allow pushes to `autorun/*`" in error.hint


def test_a_workflow_needs_a_token_that_may_change_it() -> None:
    """Such a branch is refused for what it holds, not for its name."""
    why = "refusing to allow an app to create or update workflow `.github/workflows/ci.yml`"
    error = refused("", f"!\tabc:{BRANCH}\t[remote rejected] ({why})\n").branch_refused(URL, BRANCH)
    assert why in str(error)
    assert "allow pushes" in error.hint
    said = refused(f"remote: {why}\n", f"!\tabc:{BRANCH}\t[remote rejected] (pre-receive hook declined)\n")
    assert "may change workflows" in said.branch_refused(URL, BRANCH).hint


def test_a_refused_record_needs_a_grant() -> None:
    """Our own refs are refused by rules or by a token that may only read."""
    error = refused("", f"!\tabc:{REF}\t[remote rejected] (hook declined)\n").record_refused(URL, REF)
    assert str(error) == f"{URL} refuses {REF}: hook declined"
    assert "refs/autorun/*" in error.hint


@pytest.mark.parametrize(
    ("said", "kind", "words", "hint"),
    [
        ("fatal: the receiving end does not support --atomic push", PublishingRefused, "--atomic", "git 2.4"),
        (
            f"fatal: unable to access '{URL}': The requested URL returned error: 403",
            PublishingRefused,
            "403",
            "write",
        ),
        ("remote: Write access to repository not granted.\nfatal: no", PublishingRefused, "not granted", "write"),
        (f"fatal: Authentication failed for '{URL}'", CredentialRefused, "Authentication failed", "renew"),
        ("fatal: could not read Username: terminal prompts disabled", CredentialRefused, "Username", "renew"),
        ("remote: Repository not found.\nfatal: repository not found", ProviderError, "not found", "address"),
    ],
)
def test_a_server_that_looks_at_no_ref_is_told_apart(
    said: str, kind: type[AutorunError], words: str, hint: str
) -> None:
    """Nothing of ours will ever be accepted there, and trying again is of no use."""
    error = refused(said).hopeless(URL)
    assert type(error) is kind
    assert words in str(error)
    assert hint in error.hint


@pytest.mark.parametrize("said", ["", "fatal: early EOF", "fatal: The requested URL returned error: 503"])
def test_passing_trouble_is_no_refusal(said: str) -> None:
    """It is worth another try."""
    assert refused(said).hopeless(URL) is None
    assert access_refused(URL, said) is None


def test_a_server_that_forbids_to_look_needs_a_grant() -> None:
    """Reading is refused more gently than writing: the session may still be told what is missing."""
    error = access_refused(URL, "fatal: The requested URL returned error: 403")
    assert type(error) is ProviderError
    assert "forbids access" in str(error)
    assert "contents: write" in error.hint


def test_the_last_telling_line_is_the_one_that_is_told() -> None:
    """Git's remark that a push failed tells nothing, and silence is called by its name."""
    said = f"fatal: early EOF\n\nerror: failed to push some refs to '{URL}'\n"
    assert str(unreachable(URL, said)) == f"{URL} cannot be reached: fatal: early EOF"
    assert str(unreachable(URL, "")) == f"{URL} cannot be reached: it gave no reason"
    assert unreachable(URL, "x" * 999).hint == "run again once it answers"
    assert len(str(unreachable(URL, "x" * 999))) < 400
