"""The policy: what a change may hold, judged on hostile differences."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given, settings, strategies as st

from autorun.core import paths
from autorun.core.errors import ConfigurationError
from autorun.core.model import Change, FileChange, FileStatus
from autorun.core.policy import (
    PATCH_LIMIT,
    PROTECTED,
    Finding,
    PolicyRules,
    ProtectedPath,
    Rule,
    Tier,
    judge_change,
    policy_briefing,
)
from kit.secret_samples import SAMPLES

ADDED = FileChange(path="src/new.py", status=FileStatus.ADDED, old_mode="000000", new_mode="100644", size_bytes=10)
NAMES = st.text(st.characters(codec=None), max_size=40)


def added(path: str) -> FileChange:
    return replace(ADDED, path=path)


def deleted(path: str) -> FileChange:
    return FileChange(path=path, status=FileStatus.DELETED, old_mode="100644", new_mode="000000")


def judge(
    *files: FileChange,
    rules: PolicyRules | None = None,
    patch: bytes = b"",
    texts: Mapping[str, str] | None = None,
    canaries: tuple[str, ...] = (),
    filtered: frozenset[str] = frozenset(),
    base_paths: tuple[str, ...] = (),
) -> tuple[Finding, ...]:
    return judge_change(
        Change(base="b", tree="t", files=files),
        rules or PolicyRules(),
        patch=patch,
        texts=texts or {},
        canaries=canaries,
        filtered=filtered,
        base_paths=base_paths,
    )


def blocked_by(findings: tuple[Finding, ...]) -> set[Rule]:
    return {finding.rule for finding in findings if finding.tier is Tier.BLOCK}


def warned_by(findings: tuple[Finding, ...]) -> set[Rule]:
    return {finding.rule for finding in findings if finding.tier is Tier.WARN}


def test_an_ordinary_change_passes() -> None:
    """New, changed and deleted source files raise no objection."""
    changed = FileChange(
        path="src/ä.py", status=FileStatus.MODIFIED, old_mode="100644", new_mode="100644", lines_added=3
    )
    assert judge(ADDED, changed, deleted("old/App::Foo.3"), added(".gitignore"), added("docs/a b.md")) == ()


# ------------ modes


@pytest.mark.parametrize("mode", ["120000", "160000", "040000", "100664", "000000", "\x1b[31m"])
def test_only_regular_files_are_published(mode: str) -> None:
    """Symbolic links, submodules and whatever else is no file are refused, in new and in changed entries."""
    for status in (FileStatus.ADDED, FileStatus.TYPE_CHANGED, FileStatus.MODIFIED):
        findings = judge(replace(ADDED, status=status, new_mode=mode, old_mode="100644"))
        assert blocked_by(findings) == {Rule.MODE}
        assert findings[0].sentence.isprintable()


def test_deleting_a_symbolic_link_is_allowed() -> None:
    """Only what would be there afterwards counts."""
    assert judge(replace(deleted("link"), old_mode="120000")) == ()


def test_a_new_executable_bit_is_reported() -> None:
    """It is shown to the reviewer where it appears, and only there."""
    assert warned_by(judge(replace(ADDED, new_mode="100755"))) == {Rule.EXECUTABLE}
    kept = replace(ADDED, status=FileStatus.MODIFIED, old_mode="100755", new_mode="100755")
    assert judge(kept) == ()


# ------------ names

DOT_GIT = [
    ".git/config", ".GIT/x", "a/.Git/hooks/pre-commit", ".git./x", ".git /x", ".git . ./x", "git~1/x", "GIT~12/x",
    ".g\u200cit/x", ".\ufeffgit", ".gi\u2060t/x", ".git\u200e/x", ".git::$INDEX_ALLOCATION/x", ".git:x",
    ".git\\config", ".g\u0131t/x", "\uff0egit/x", ".\u24d6it/x", ".gi\U000e0074t/x", ".gi\ufe0ft/x", "git~1.foo/x",
]  # fmt: skip


@pytest.mark.parametrize("path", DOT_GIT)
def test_gits_own_folder_is_refused_in_every_disguise(path: str) -> None:
    """Case, trailing dots and spaces, ignored characters, Windows' short names and streams, look-alike forms."""
    assert blocked_by(judge(added(path))) == {Rule.PATH}


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../b", "a//b", "", "./a", "a/", "C:/x", "c:\\x", "\\\\host\\x", "a\\..\\b", "a\nb",
     "a\x1b[0mb", "a\x7f", "a\u2028b", "a\udcffb", "a\u202eb", "a\u200bb", "a\U000e0041b"],
)  # fmt: skip
def test_names_that_lead_elsewhere_or_hide_are_refused(path: str) -> None:
    """Absolute, climbing, empty, controlling, invisible and undecodable names."""
    findings = judge(added(path))
    assert blocked_by(findings) == {Rule.PATH}
    assert all(finding.path.isprintable() and finding.sentence.isprintable() for finding in findings)


def test_a_name_that_was_there_before_may_be_changed_and_deleted() -> None:
    """A human put it there; deleting it may be the very task."""
    odd = "a\u200bb"
    assert judge(replace(added(odd), status=FileStatus.MODIFIED, old_mode="100644"), deleted("c\\d")) == ()


def test_short_names_of_windows_are_pointed_out() -> None:
    """`CODEOW~1` may be CODEOWNERS on some disk."""
    assert warned_by(judge(added("CODEOW~1"))) == {Rule.PATH}
    assert judge(added("docs/~tilde"), added("approximately~5000.md")) == ()


@pytest.mark.parametrize(
    ("new", "other"),
    [
        ("Readme.md", "README.md"),
        ("caf\u00e9", "cafe\u0301"),
        ("\ufb01le", "file"),
        ("stra\u00dfe", "STRASSE"),
        ("a/b.", "a/b"),
        ("SRC/new.py", "src/old.py"),
        ("src", "SRC/x"),
    ],
)
def test_names_that_some_systems_take_for_one_are_refused(new: str, other: str) -> None:
    """Against each other and against what is there, folders included."""
    assert blocked_by(judge(added(new), base_paths=(other,))) == {Rule.COLLISION}
    assert Rule.COLLISION in blocked_by(judge(added(new), added(other)))


def test_renaming_by_case_alone_is_allowed() -> None:
    """What the change removes collides with nothing."""
    assert judge(deleted("Readme.md"), added("README.md"), base_paths=("Readme.md", "a/B.py", "a/c.py")) == ()


def test_what_collided_before_is_not_held_against_a_change() -> None:
    """Two old names that fold together do not block a third."""
    assert judge(added("net/new.c"), base_paths=("net/xt_MARK.c", "net/xt_mark.c")) == ()


# ------------ protected paths


@pytest.mark.parametrize(
    "path",
    [".github/workflows/ci.yml", ".github/dependabot.yml", ".github", "action.yml", "tools/action.yaml", "CODEOWNERS",
     "docs/CODEOWNERS", ".githooks/pre-push", ".husky/pre-commit", ".ai-agents/session/x", ".ai-agents/logs/a.log",
     ".ai-agents/pull-requests/7.md"],
)  # fmt: skip
def test_what_runs_or_decides_in_ci_is_blocked(path: str) -> None:
    """Adding, changing and deleting alike; a rename is a deletion."""
    for file in (added(path), deleted(path), replace(added(path), status=FileStatus.MODIFIED, old_mode="100644")):
        findings = judge(file)
        assert blocked_by(findings) == {Rule.PROTECTED}
        assert "policy.protected_paths" in findings[0].remedy


@pytest.mark.parametrize(
    "path", [".GitHub/x", ".g\u0131thub/x", ".github./x", "CodeOwners", "CODEOWNERS::$DATA", ".hu\u200bsky/x"]
)
def test_a_disguised_protected_path_is_blocked_as_protected(path: str) -> None:
    """Folding onto a protected path is touching it."""
    assert Rule.PROTECTED in blocked_by(judge(added(path)))


@pytest.mark.parametrize(
    "path",
    [".vscode/settings.json", ".claude/settings.json", ".circleci/config.yml", ".ai-agents/config.yml", "AGENTS.md",
     "sub/CLAUDE.local.md", ".mcp.json", "package.json", "web/package-lock.json", "uv.lock", "requirements-dev.txt",
     "go.sum", ".gitattributes", ".gitmodules"],
)  # fmt: skip
def test_what_steers_tools_is_pointed_out(path: str) -> None:
    """Manifests, lock files, agent instructions and dot folders make a draft with a warning."""
    findings = judge(added(path))
    assert warned_by(findings) == {Rule.PROTECTED}
    assert not blocked_by(findings)


def test_a_maintainer_can_allow_warn_and_block_paths() -> None:
    """Configured patterns overrule the built-in ones, the last that matches decides."""
    rules = PolicyRules(
        protected=(
            ProtectedPath(pattern="/.github/workflows/docs.yml", tier=Tier.ALLOW),
            ProtectedPath(pattern="package.json", tier=Tier.ALLOW),
            ProtectedPath(pattern="infra/", tier=Tier.BLOCK),
            ProtectedPath(pattern="infra/dev/*", tier=Tier.WARN),
        )
    )
    assert judge(added(".github/workflows/docs.yml"), added("package.json"), rules=rules) == ()
    assert blocked_by(judge(added(".github/workflows/ci.yml"), rules=rules)) == {Rule.PROTECTED}
    assert blocked_by(judge(added("infra/prod/main.tf"), rules=rules)) == {Rule.PROTECTED}
    assert warned_by(judge(added("infra/dev/main.tf"), rules=rules)) == {Rule.PROTECTED}


def test_an_exception_holds_for_the_path_as_written_only() -> None:
    """A disguise of an allowed path is no allowed path."""
    rules = PolicyRules(protected=(ProtectedPath(pattern="/.github/docs.md", tier=Tier.ALLOW),))
    assert judge(added(".github/docs.md"), rules=rules) == ()
    assert blocked_by(judge(added(".GITHUB/docs.md"), rules=rules)) == {Rule.PROTECTED}


def test_allowed_paths_bound_everything() -> None:
    """Outside them nothing may be touched, deletions included."""
    rules = PolicyRules(allowed=("src/", "/README.md"))
    assert judge(ADDED, deleted("README.md"), rules=rules) == ()
    assert blocked_by(judge(deleted("docs/README.md"), rules=rules)) == {Rule.NOT_ALLOWED}
    assert blocked_by(judge(added("SRC/x"), rules=rules)) == {Rule.NOT_ALLOWED}


@pytest.mark.parametrize("pattern", ["", "!docs/", "# x", "   ", "/", "a[", "\\"])
def test_a_pattern_that_matches_nothing_is_a_configuration_error(pattern: str) -> None:
    """It would be silently dead."""
    complaint = r"matches no path|is no path pattern"
    with pytest.raises(ConfigurationError, match=complaint):
        PolicyRules(protected=(ProtectedPath(pattern=pattern),))
    with pytest.raises(ConfigurationError, match=complaint):
        PolicyRules(allowed=(pattern,))


# ------------ filters and sizes


def test_a_path_under_a_filter_is_refused() -> None:
    """No filter runs, so a raw blob would replace an LFS pointer."""
    assert blocked_by(judge(added("logo.psd"), filtered=frozenset({"logo.psd"}))) == {Rule.FILTER}


@pytest.mark.parametrize(
    ("file", "number", "rule"),
    [
        (ADDED, 101, Rule.FILES),
        (replace(ADDED, lines_added=2501, lines_removed=2500), 1, Rule.LINES),
        (replace(ADDED, size_bytes=1024 * 1024 + 1), 1, Rule.FILE_SIZE),
        (replace(ADDED, size_bytes=1024 * 1024), 5, Rule.TOTAL_SIZE),
        (replace(ADDED, lines_added=None, lines_removed=None), 11, Rule.BINARIES),
    ],
)
def test_one_over_a_cap_is_refused_with_the_number(file: FileChange, number: int, rule: Rule) -> None:
    """The sentence says how much there is and how much is allowed; one less passes."""
    files = [replace(file, path=f"src/{n}") for n in range(number)]
    findings = judge(*files)
    assert blocked_by(findings) == {rule}
    assert any(character.isdigit() for character in findings[0].sentence)
    assert "policy.max_" in findings[0].remedy
    less = [
        replace(f, lines_added=f.lines_added and f.lines_added - 1, size_bytes=max(f.size_bytes - 1, 0))
        for f in files
    ]
    assert not blocked_by(judge(*less[: max(number - 1, 1)]))


def test_a_binary_file_is_pointed_out() -> None:
    """Nobody can review it in a diff."""
    assert warned_by(judge(replace(ADDED, lines_added=None, lines_removed=None))) == {Rule.BINARIES}


# ------------ secrets


def patch_of(*lines: str) -> bytes:
    head = "diff --git a/src/new.py b/src/new.py\n--- /dev/null\n+++ b/src/new.py\n@@ -0,0 +1 @@\n"
    return (head + "\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("name", SAMPLES)
def test_each_format_blocks_wherever_it_stands_and_is_not_printed(name: str) -> None:
    """In an added line, a file name, the commit message: named by place and kind, never repeated."""
    secret = SAMPLES[name]
    for findings in (
        judge(ADDED, patch=patch_of("+x = 1", f'+key = "{secret}"')),
        judge(added(f"docs/{secret.replace('/', '%2F')}"))
        if "/" not in secret
        else judge(ADDED, texts={"t": secret}),
        judge(ADDED, texts={"the commit message": f"Use {secret} here"}),
    ):
        found = [finding for finding in findings if finding.rule is Rule.SECRET]
        assert [finding.tier for finding in found] == [Tier.BLOCK]
        assert secret not in found[0].path + found[0].sentence + found[0].remedy


def test_the_place_of_a_secret_is_named() -> None:
    """The reviewer learns the file, not the value."""
    (finding,) = judge(ADDED, patch=patch_of("+" + SAMPLES["an npm token"]))
    assert (finding.path, finding.sentence) == ("src/new.py", "It holds what looks like an npm token.")


def test_a_secret_that_was_there_before_does_not_block() -> None:
    """Context and removed lines are not of this change."""
    assert judge(ADDED, patch=patch_of(" " + SAMPLES["an npm token"], "-" + SAMPLES["a Stripe key"], "+clean")) == ()


def test_an_added_line_that_looks_like_a_header_is_scanned() -> None:
    """`++ b/x` added reads `+++ b/x` in a diff."""
    assert Rule.SECRET in blocked_by(judge(ADDED, patch=patch_of("+ok", "+++ b/" + SAMPLES["an npm token"])))


def test_our_own_credentials_block_even_when_the_scan_is_off() -> None:
    """Turning off the formats never lets a secret of this runner out."""
    rules = PolicyRules(secret_scan=False)
    sample = SAMPLES["an npm token"]
    assert judge(ADDED, rules=rules, patch=patch_of("+" + sample)) == ()
    findings = judge(ADDED, rules=rules, patch=patch_of("+x" + sample), canaries=(sample,))
    assert blocked_by(findings) == {Rule.SECRET}


def test_a_diff_too_long_to_scan_is_refused() -> None:
    """What was cut off might hold anything."""
    assert blocked_by(judge(ADDED, patch=b" " * PATCH_LIMIT)) == {Rule.SECRET}


# ------------ laws


@settings(deadline=None)
@given(NAMES, st.sampled_from(FileStatus))
@example(".git", FileStatus.ADDED)
@example("~1", FileStatus.ADDED)
def test_no_name_breaks_the_policy(path: str, status: FileStatus) -> None:
    """Any string whatever is judged in printable words, twice the same."""
    file = FileChange(path=path, status=status, old_mode="100644", new_mode="100644")
    findings = judge(file, base_paths=("a", "b/c"))
    assert findings == judge(file, base_paths=("a", "b/c"))
    assert all(f.path.isprintable() and f.sentence.isprintable() for f in findings)


@settings(deadline=None)
@given(st.data())
def test_no_folding_disguise_of_a_protected_path_passes(data: st.DataObject) -> None:
    """Random case, ignored characters, trailing dots and composed forms change nothing."""
    pattern = data.draw(st.sampled_from([p.pattern for p in PROTECTED if p.tier is Tier.BLOCK]))
    disguise = "".join(
        data.draw(st.sampled_from([c, c.upper(), c.lower(), c + "\u200d", "\u2060" + c] if c != "/" else ["/"]))
        for c in pattern.lstrip("/")
    )
    ending = data.draw(st.sampled_from(["", ".", " ", " .", "::$DATA", "/x", "./x", "\\x"]))
    assert blocked_by(judge(added(disguise + ending))) & {Rule.PROTECTED, Rule.PATH}
    assert Rule.PROTECTED in blocked_by(judge(deleted(disguise + ending)))


@settings(deadline=None)
@given(NAMES)
def test_folding_twice_is_folding_once(path: str) -> None:
    """Two names are the same file or not, however often one asks."""
    assert paths.folded(paths.folded(path)) == paths.folded(path)
    assert paths.folded(path.swapcase().swapcase()) == paths.folded(path.swapcase())


def test_blocking_findings_come_first() -> None:
    """The first line a reader sees is what stops the change."""
    findings = judge(added("package.json"), added(".github/x"))
    assert [finding.tier for finding in findings] == [Tier.BLOCK, Tier.WARN]


def test_the_agent_is_told_the_rules_it_is_judged_by() -> None:
    """Limits, blocked patterns, exceptions and bounds of the configuration appear in the briefing."""
    rules = PolicyRules(
        protected=(ProtectedPath(pattern="infra/"), ProtectedPath(pattern="action.yml", tier=Tier.ALLOW)),
        allowed=("src/",),
        max_files=7,
        max_lines=77,
    )
    text = policy_briefing(rules)
    for word in ("7 files", "77 changed", "infra/", "/.github", "Excepted from that: action.yml", "outside: src/"):
        assert word in text
    assert "Excepted" not in policy_briefing(PolicyRules())
    assert "outside" not in policy_briefing(PolicyRules())
