"""What a change may hold: judged on the difference alone, before anything is written anywhere.

Nothing here trusts the agent, its environment or the file system it worked on.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from autorun.core import paths
from autorun.core.model import Change, FileChange, FileStatus
from autorun.core.text import secrets

PATCH_LIMIT = 16 * 1024 * 1024  # bytes of a diff that are scanned; a longer one is refused
_REGULAR, _EXECUTABLE, _ABSENT = "100644", "100755", "000000"
_MODES = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a folder entry"}


class Tier(StrEnum):
    """How much a finding, or a protected path, weighs."""

    BLOCK = "block"
    WARN = "warn"
    ALLOW = "allow"


class Rule(StrEnum):
    """Which rule a finding comes from."""

    MODE = "mode"
    EXECUTABLE = "executable"
    PATH = "path"
    COLLISION = "collision"
    PROTECTED = "protected-path"
    NOT_ALLOWED = "allowed-paths"
    FILTER = "filter"
    FILES = "max-files"
    LINES = "max-lines"
    FILE_SIZE = "max-file-size"
    TOTAL_SIZE = "max-total-size"
    BINARIES = "binaries"
    SECRET = "secret"  # noqa: S105 (the name of a rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One objection. `path` is printable (or names what is meant), `remedy` says how a maintainer can allow it."""

    tier: Tier
    rule: Rule
    path: str
    sentence: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedPath:
    """A pattern as in `.gitignore` and what touching it means; the last one that matches a path decides.

    `allow` holds for the path exactly as written, the other tiers for every disguise of it too.
    """

    pattern: str
    tier: Tier = Tier.BLOCK


def _listed(tier: Tier, patterns: str) -> tuple[ProtectedPath, ...]:
    return tuple(ProtectedPath(pattern=pattern, tier=tier) for pattern in patterns.split())


PROTECTED = (
    *_listed(Tier.WARN, "/.*/"),
    *_listed(Tier.WARN, "AGENTS.md CLAUDE*.md GEMINI.md .mcp.json .cursorrules"),
    *_listed(Tier.WARN, ".gitattributes .gitmodules .npmrc .pre-commit-config.yaml lefthook.yml .gitlab-ci.yml"),
    *_listed(Tier.WARN, ".travis.yml Jenkinsfile azure-pipelines.yml bitbucket-pipelines.yml"),
    *_listed(Tier.WARN, "package.json package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock"),
    *_listed(Tier.WARN, "bun.lockb deno.json deno.lock pyproject.toml setup.py setup.cfg requirements*.txt Pipfile"),
    *_listed(Tier.WARN, "Pipfile.lock poetry.lock uv.lock pdm.lock Cargo.toml Cargo.lock go.mod go.sum go.work"),
    *_listed(Tier.WARN, "Gemfile Gemfile.lock *.gemspec composer.json composer.lock pom.xml build.gradle*"),
    *_listed(
        Tier.WARN, "settings.gradle* gradle.lockfile packages.lock.json *.csproj Package.swift Package.resolved"
    ),
    *_listed(Tier.WARN, "mix.exs mix.lock pubspec.yaml pubspec.lock flake.nix flake.lock"),
    *_listed(Tier.BLOCK, "/.github action.yml action.yaml CODEOWNERS .githooks .husky"),
    *_listed(Tier.BLOCK, "/.ai-agents/session /.ai-agents/logs /.ai-agents/pull-requests"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRules:
    """The configured policy. `protected` adds to, and where it matches overrules, what is PROTECTED anyway.

    `allowed` empty means everywhere. Sizes are in KiB. Raises ConfigurationError for a pattern that matches nothing.
    """

    protected: tuple[ProtectedPath, ...] = ()
    allowed: tuple[str, ...] = ()
    max_files: int = 100
    max_lines: int = 5000
    max_file_kb: int = 1024
    max_total_kb: int = 4096
    max_binaries: int = 10
    secret_scan: bool = True

    def __post_init__(self) -> None:
        for pattern in (*(path.pattern for path in self.protected), *self.allowed):
            paths.Pattern(pattern)


def judge_change(
    change: Change,
    rules: PolicyRules,
    *,
    patch: bytes,
    texts: Mapping[str, str],
    canaries: Collection[str] = (),
    filtered: Collection[str] = frozenset(),
    base_paths: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Return every objection to a change, the blocking ones first.

    `patch` is the change as a unified diff, read up to PATCH_LIMIT; `texts` are what would be published with it, by
    name ("the commit message"); `canaries` are the exact secrets of this runner; `filtered` are paths with a `filter`
    attribute; `base_paths` are the paths of the base revision.
    """
    findings = [
        *(finding for file in change.files for finding in _judge_file(file, rules, filtered)),
        *_judge_protection(change, rules),
        *_judge_collisions(change, base_paths),
        *_judge_size(change, rules),
        *_judge_secrets(change, rules, patch, texts, canaries),
    ]
    return tuple(sorted(findings, key=lambda finding: finding.tier is not Tier.BLOCK))


def policy_briefing(rules: PolicyRules) -> str:
    """Return the policy in the words an agent is told before it starts."""
    blocked = [p.pattern for p in (*PROTECTED, *rules.protected) if p.tier is Tier.BLOCK]
    allowed = [p.pattern for p in rules.protected if p.tier is Tier.ALLOW]
    bounds = f"- Change nothing outside: {', '.join(rules.allowed)}.\n" if rules.allowed else ""
    excepted = f"- Excepted from that: {', '.join(allowed)}.\n" if allowed else ""
    return f"""\
What a change may hold. It is checked; what breaks a rule is not published.
{bounds}- Do not create, change, delete or rename: {", ".join(blocked)}.
{excepted}- At most {rules.max_files} files, {rules.max_lines} changed lines, {rules.max_file_kb} KiB per file, \
{rules.max_total_kb} KiB in all, {rules.max_binaries} binary files.
- Regular files only: no symbolic links, no submodules, no files kept by Git LFS or another filter.
- No two names that differ only in case or Unicode form; no control or invisible characters in names.
- No credentials, keys or tokens, not even invented ones that look real.
- Dependency manifests, lock files, agent instructions and other top-level dot folders only if the task needs it:
  the reviewer is warned of each.
"""


def _judge_file(file: FileChange, rules: PolicyRules, filtered: Collection[str]) -> Iterator[Finding]:
    path = paths.shown(file.path)
    yield from _judge_mode(file, path)
    yield from _judge_name(file, path)
    if file.path in filtered:
        yield Finding(
            tier=Tier.BLOCK,
            rule=Rule.FILTER,
            path=path,
            sentence="It passes through a filter (such as Git LFS) when committed, and no filter is run.",
            remedy="Change this file by hand, or take its `filter` attribute out of .gitattributes.",
        )
    if file.size_bytes > rules.max_file_kb * 1024:
        yield Finding(
            tier=Tier.BLOCK,
            rule=Rule.FILE_SIZE,
            path=path,
            sentence=f"It has {_kib(file.size_bytes)} KiB; {rules.max_file_kb} are allowed per file.",
            remedy="Raise `policy.max_file_kb`, or keep the file out.",
        )
    if file.lines_added is None and file.status is not FileStatus.DELETED:
        sentence = "It is binary: nobody can review it here, and no secret is found in it."
        yield Finding(tier=Tier.WARN, rule=Rule.BINARIES, path=path, sentence=sentence)


def _judge_name(file: FileChange, path: str) -> Iterator[Finding]:
    if file.status is not FileStatus.ADDED:
        return  # the name was there before, by a human's decision
    if objection := paths.objection(file.path):
        sentence = f"The name {objection}."
        yield Finding(tier=Tier.BLOCK, rule=Rule.PATH, path=path, sentence=sentence, remedy="Choose another name.")
    elif paths.is_short_name(file.path):
        sentence = "Windows may take this for the short form of another name."
        yield Finding(tier=Tier.WARN, rule=Rule.PATH, path=path, sentence=sentence)


def _judge_mode(file: FileChange, path: str) -> Iterator[Finding]:
    legal = {_ABSENT} if file.status is FileStatus.DELETED else {_REGULAR, _EXECUTABLE}
    if file.new_mode not in legal:
        what = _MODES.get(file.new_mode, f"an entry of mode {paths.shown(file.new_mode)}")
        sentence = f"It would be {what}; only regular files are published."
        yield Finding(tier=Tier.BLOCK, rule=Rule.MODE, path=path, sentence=sentence, remedy="Add it by hand.")
    elif file.new_mode == _EXECUTABLE and file.old_mode != _EXECUTABLE:
        yield Finding(tier=Tier.WARN, rule=Rule.EXECUTABLE, path=path, sentence="It becomes executable.")


def _judge_protection(change: Change, rules: PolicyRules) -> Iterator[Finding]:
    protection = [
        (p, paths.Pattern(p.pattern if p.tier is Tier.ALLOW else paths.undisguised(p.pattern)))
        for p in reversed((*PROTECTED, *rules.protected))
    ]
    bounds = [paths.Pattern(pattern) for pattern in rules.allowed]
    for file in change.files:
        path, plain = paths.shown(file.path), paths.undisguised(file.path)
        protected = next(
            (p for p, pattern in protection if pattern.matches(file.path if p.tier is Tier.ALLOW else plain)), None
        )
        if protected is not None and protected.tier is not Tier.ALLOW:
            yield Finding(
                tier=protected.tier,
                rule=Rule.PROTECTED,
                path=path,
                sentence=f"It is protected by `{protected.pattern}`.",
                remedy=f"Set `{path}: allow` under `policy.protected_paths`, or make this change by hand.",
            )
        if bounds and not any(pattern.matches(file.path) for pattern in bounds):
            yield Finding(
                tier=Tier.BLOCK,
                rule=Rule.NOT_ALLOWED,
                path=path,
                sentence="It lies outside the paths that may be changed.",
                remedy="Add it to `policy.allowed_paths`.",
            )


def _judge_collisions(change: Change, base_paths: Collection[str]) -> Iterator[Finding]:
    gone = [file.path for file in change.files if file.status is FileStatus.DELETED]
    new = [file.path for file in change.files if file.status is FileStatus.ADDED]
    for path, other in paths.collisions(base_paths, gone, new):
        yield Finding(
            tier=Tier.BLOCK,
            rule=Rule.COLLISION,
            path=paths.shown(path),
            sentence=f"Some file systems take it for the same as `{paths.shown(other)}`.",
            remedy="Choose another name.",
        )


def _judge_size(change: Change, rules: PolicyRules) -> Iterator[Finding]:
    lines = sum((file.lines_added or 0) + (file.lines_removed or 0) for file in change.files)
    total = sum(file.size_bytes for file in change.files)
    binaries = sum(file.lines_added is None and file.status is not FileStatus.DELETED for file in change.files)
    for rule, key, have, allowed, unit in (
        (Rule.FILES, "max_files", len(change.files), rules.max_files, "files"),
        (Rule.LINES, "max_lines", lines, rules.max_lines, "changed lines"),
        (Rule.TOTAL_SIZE, "max_total_kb", _kib(total), rules.max_total_kb, "KiB"),
        (Rule.BINARIES, "max_binaries", binaries, rules.max_binaries, "binary files"),
    ):
        if have > allowed:
            yield Finding(
                tier=Tier.BLOCK,
                rule=rule,
                path="the change",
                sentence=f"It has {have} {unit}; {allowed} are allowed.",
                remedy=f"Split the task, or raise `policy.{key}`.",
            )


def _judge_secrets(
    change: Change, rules: PolicyRules, patch: bytes, texts: Mapping[str, str], canaries: Collection[str]
) -> Iterator[Finding]:
    if len(patch) >= PATCH_LIMIT:
        sentence = f"Its diff is longer than the {PATCH_LIMIT // 2**20} MiB that are scanned for secrets."
        yield Finding(
            tier=Tier.BLOCK, rule=Rule.SECRET, path="the change", sentence=sentence, remedy="Split the task."
        )
    for place, text in (*_added(patch), ("a file name", "\n".join(f.path for f in change.files)), *texts.items()):
        kinds = secrets.find(text, canaries)
        for kind in kinds if rules.secret_scan else [kind for kind in kinds if kind == secrets.OWN]:
            own = kind == secrets.OWN
            yield Finding(
                tier=Tier.BLOCK,
                rule=Rule.SECRET,
                path=place,
                sentence=f"It holds {'' if own else 'what looks like '}{kind}.",
                remedy="Revoke and replace that credential: the agent has seen it."
                if own
                else "Take it out; if it is real, revoke it. `policy.secret_scan: false` turns this check off.",
            )


def _added(patch: bytes) -> Iterator[tuple[str, str]]:
    """Yield each file of a unified diff with the lines it adds; the names serve messages only."""
    place, lines = "the change", list[str]()
    for line in patch.decode("utf-8", "replace").split("\n"):
        if line.startswith("diff --git "):
            yield place, "\n".join(lines)
            place, lines = "the change", []
        elif line.startswith("+"):
            if line.startswith("+++ b/") and place == "the change":
                place = paths.shown(secrets.redacted(line[6:].rstrip("\r\t")))
            lines.append(line[1:])
    yield place, "\n".join(lines)


def _kib(size_bytes: int) -> int:
    return -(-size_bytes // 1024)
