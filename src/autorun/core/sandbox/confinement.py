"""What a confined command sees of the machine: from facts about it to the arguments of bubblewrap."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autorun.core.model import Room
from autorun.core.sandbox.known_places import HOME_TOOLS, SHARED_TOOLS

HOME = Path("/home/agent")
SCRATCH = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), HOME)  # noqa: S108 -- folders of the sandbox's own, not of this machine
LINKED = tuple(Path(name) for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"))
UID = 1000

# Named `--unshare-user`, since `--unshare-all` only tries it. Without `--cap-drop ALL` a sandbox started as root
# keeps every capability and can undo its own mounts.
ISOLATION = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL"),
    *("--die-with-parent", "--new-session"),
    *("--uid", str(UID), "--gid", str(UID), "--hostname", "autorun"),
)

ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "timezone", "os-release"),
    *("debian_version", "lsb-release", "locale.alias", "mime.types", "magic", "services", "protocols", "host.conf"),
    *("ssl/certs", "ssl/openssl.cnf", "ca-certificates.conf", "pki/tls/certs", "crypto-policies", "fonts", "inputrc"),
    *(
        "bash.bashrc",
        "python3",
        "perl",
        "php",
        "java",
        *(f"java-{version}-openjdk" for version in (8, 11, 17, 21, 25)),
    ),
)

PAPERS = {
    "passwd": f"root:x:0:0:root:/:/bin/sh\nagent:x:{UID}:{UID}:agent:{HOME}:/bin/bash\n"
    "nobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": f"root:x:0:\nagent:x:{UID}:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost autorun\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\nprotocols: files\n",
}

_TOOL_VARIABLES = {
    "CARGO_HOME": ".cargo",
    "GOMODCACHE": "go/pkg/mod",
    "MISE_DATA_DIR": ".local/share/mise",
    "NVM_DIR": ".nvm",
    "PYENV_ROOT": ".pyenv",
    "RBENV_ROOT": ".rbenv",
    "RUSTUP_HOME": ".rustup",
    "SDKMAN_DIR": ".sdkman",
    "VOLTA_HOME": ".volta",
}

# ------------ the way out, where one is configured

FORWARDER = Path("/etc/autorun-forward.py")
FORWARDED_BY = Path("/usr/bin/python3")
PROXY_PORT = 48128
_PROXY_VARIABLES = {
    "HTTPS_PROXY": f"http://127.0.0.1:{PROXY_PORT}",
    "HTTP_PROXY": f"http://127.0.0.1:{PROXY_PORT}",  # refused there, and so listed
    "NO_PROXY": "localhost,127.0.0.1,::1",
}


def forwarded(argv: tuple[str, ...], proxy: Path) -> tuple[str, ...]:
    """Wrap a command so that a port of its loopback leads to the proxy's unix socket as long as it runs."""
    return (str(FORWARDED_BY), "-I", "-S", str(FORWARDER), str(proxy), str(PROXY_PORT), *argv)


# Bubblewrap is bound to the runner's life only once it is set up. The lock of a runner that died before is free.
ALIVE = Path("/etc/autorun-alive")
_UNLESS_ORPHANED = '/usr/bin/flock --nonblock "$0" /usr/bin/true 2>/dev/null && exit 137; exec "$@"'


def unless_orphaned(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Wrap a command so that it does not begin when the runner is dead by then."""
    return ("/bin/sh", "-c", _UNLESS_ORPHANED, str(ALIVE), *argv)


# ------------ environment

_PASSED = frozenset(
    {"CI", "PATH", "LANG", "LANGUAGE", "TZ", "NO_COLOR", "FORCE_COLOR", "VIRTUAL_ENV", "JAVA_HOME", "GOROOT"}
    | {"DOTNET_ROOT", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
)
_PASSED_PREFIXES = ("LC_", "JAVA_HOME_", "GOROOT_")
_AGENT = frozenset({"DISABLE_AUTOUPDATER", "API_TIMEOUT_MS", "BASH_DEFAULT_TIMEOUT_MS", "BASH_MAX_TIMEOUT_MS"})
_AGENT_PREFIXES = ("CLAUDE_CODE_", "CLAUDE_CONFIG_", "ANTHROPIC_")
_NEVER = re.compile(r"(GITHUB|GH|ACTIONS|RUNNER|INPUT|STATE|LD|BASH_FUNC|ANTHROPIC|CLAUDE)_.*|BASH_ENV|ENV|HOME")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What one sandbox may take of the machine.

    `tasks` counts processes and threads. `growth_bytes` is how much the free disk may shrink while it runs,
    `file_bytes` the largest single file, `scratch_bytes` the size of each folder it has in memory.
    """

    tasks: int = 2048
    memory_bytes: int = 6 << 30
    growth_bytes: int = 10 << 30
    file_bytes: int = 4 << 30
    scratch_bytes: int = 1 << 30


def caps_for(memory_bytes: int) -> Caps:
    """Choose the caps of a machine with that much memory, so that what runs beside the sandbox keeps its share."""
    return Caps(memory_bytes=memory_bytes * 6 // 10, scratch_bytes=memory_bytes // 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Facts about the machine, none of them from a place that an agent can write to.

    `links` are the folders at the root that are symbolic links, with what they say. `tools` are shown
    read-only. `hidden` are existing files and folders that nothing may show.
    """

    home: Path
    links: tuple[tuple[Path, str], ...] = ()
    tools: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GitFolder:
    """A git directory of which only `shown` entries exist inside; `configs` stand in place of files of that name."""

    path: Path
    shown: tuple[str, ...]
    configs: tuple[tuple[str, Path], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """What git needs for reading. `marker` is the workspace's `.git` where that is a file."""

    folders: tuple[GitFolder, ...] = ()
    marker: Path | None = None
    objects: tuple[Path, ...] = ()


# ------------ what may be shown


def too_wide(path: Path, machine: Machine) -> str:
    """Say why a path holds too much to be shown, as a sentence without its subject; empty if it does not."""
    if machine.home.is_relative_to(path):
        return f"holds the whole of {machine.home}"
    return next((f"holds {secret}" for secret in machine.hidden if secret.is_relative_to(path)), "")


def refusal(path: Path, machine: Machine) -> str:
    """Say why a path must not be shown read-only, as a sentence without its subject; empty if it may be."""
    inside = (f"lies in {secret}" for secret in machine.hidden if path.is_relative_to(secret))
    return too_wide(path, machine) or next(inside, "")


def tool_root(folder: Path, home: Path) -> Path:
    """Return the folder that a folder on PATH needs to work: its toolchain's where that is known, else itself."""
    known = (*(home / name for name in HOME_TOOLS), *SHARED_TOOLS)
    if root := next((root for root in known if folder.is_relative_to(root)), None):
        return root
    in_home = folder.is_relative_to(home)
    return folder.parent if folder.name in {"bin", "sbin"} and not in_home and len(folder.parts) > 3 else folder  # noqa: PLR2004 -- /opt/tool/bin at least


def visible(path: Path, machine: Machine, room: Room) -> bool:
    """Tell whether a path of the machine is there inside."""
    roots = (Path("/usr"), *LINKED, *machine.tools, *room.readable, *room.writable, room.workspace.path)
    return any(path.is_relative_to(root) for root in roots)


# ------------ environment


def environment(
    given: Mapping[str, str],
    runner: Mapping[str, str],
    names: Iterable[str],
    machine: Machine,
    room: Room,
    *,
    proxied: bool = False,
) -> dict[str, str]:
    """Return the whole environment of a confined command.

    `given` is what the command asks for, `runner` the runner's own environment, of which only harmless names
    and those in `names` pass. What concerns the model passes only from `given`, and only into a room with a way out.
    `proxied`: programs are told of the proxy.
    """
    allowed = {name for name in names if not _NEVER.fullmatch(name)}
    passed = {name: value for name, value in {**runner, **given}.items() if _harmless(name) or name in allowed}
    agent = {n: v for n, v in given.items() if n in _AGENT or n.startswith(_AGENT_PREFIXES)} if room.sockets else {}
    tools = {
        name: str(machine.home / folder)
        for name, folder in _TOOL_VARIABLES.items()
        if any(tool.is_relative_to(machine.home / folder) for tool in machine.tools)
    }
    own = {"HOME": str(HOME), "USER": "agent", "LOGNAME": "agent", "TMPDIR": "/tmp", "SHELL": "/bin/bash"}  # noqa: S108 -- as SCRATCH
    git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    path = _search_path(passed.get("PATH", ""), machine, room)
    proxy = {each: url for name, url in _PROXY_VARIABLES.items() for each in (name, name.lower())} if proxied else {}
    return (
        tools
        | passed
        | agent
        | git
        | own
        | proxy
        | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0", "PATH": path}
    )


def forbidden_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return those names that no configuration can let inside."""
    return tuple(name for name in names if _NEVER.fullmatch(name))


def _harmless(name: str) -> bool:
    return name in _PASSED or name.startswith(_PASSED_PREFIXES)


def _search_path(text: str, machine: Machine, room: Room) -> str:
    standard = ("/usr/local/bin", "/usr/bin", "/bin")
    kept = [entry for entry in text.split(":") if entry.startswith("/") and visible(Path(entry), machine, room)]
    return ":".join(dict.fromkeys((*kept, *standard)))


# ------------ git

_CORE = frozenset(
    {"repositoryformatversion", "filemode", "bare", "symlinks", "ignorecase", "precomposeunicode", "autocrlf", "eol"}
    | {"sparsecheckout", "sparsecheckoutcone", "protecthfs", "protectntfs", "worktree"}
)


def clean_config(listing: str) -> str:
    """Return a git configuration that only describes the repository, from the output of `git config --list -z`.

    Remotes, credentials, headers, includes, filters and commands are left out.
    """
    lines: list[str] = []
    for entry in filter(None, listing.split("\0")):
        key, has_value, value = entry.partition("\n")
        section, _, name = key.partition(".")
        if (section == "core" and name in _CORE) or (section == "extensions" and name.isalnum()):
            quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            lines.append(f'[{section}]\n\t{name} = "{quoted}"' if has_value else f"[{section}]\n\t{name}")
    return "".join(f"{line}\n" for line in lines)


# ------------ bubblewrap's arguments


def arguments(
    machine: Machine,
    room: Room,
    repository: Repository,
    *,
    papers: Path,
    program: Path | None,
    caps: Caps,
    proxy: Path | None = None,
    alive: Path | None = None,
) -> tuple[str, ...]:
    """Return bubblewrap's options for a room whose paths are all absolute and free of links.

    `papers` is a folder with the neutral files of /etc, `program` a single file to show beside everything else,
    `proxy` the unix socket of a way out, whose forwarder lies among the papers, `alive` the runner's lock.
    """
    root = room.workspace.path
    covered = tuple(path for path in machine.hidden if path.is_relative_to(root))
    own_git = tuple(folder.path for folder in repository.folders)
    mounts = [
        *ISOLATION,
        *_system(machine, papers),
        *_scratch(caps),
        *_each("--ro-bind-try", (*machine.tools, *([program] if program else []))),
        *_each("--bind", (root,)),
        *_pinned((*covered, *own_git), root),
        *_strings(arg for path in covered for arg in ("--tmpfs", path)),
        *_git(repository),
        *_each("--ro-bind-try", room.readable),
        *_each("--bind", room.writable),
        *_each("--ro-bind", (*room.sockets, *([proxy] if proxy else []))),
        *(("--ro-bind", str(papers / FORWARDER.name), str(FORWARDER)) if proxy else ()),
        *(("--ro-bind", str(alive), str(ALIVE)) if alive else ()),
        *_strings(arg for path in (*covered, *own_git) for arg in ("--remount-ro", path)),
        # Started as root, the sandbox's user owns the kernel's settings: only a read-only /proc keeps it off them.
        *_strings(arg for path in ("/proc", "/dev", "/") for arg in ("--remount-ro", path)),
    ]
    return tuple(mounts)


def limited(argv: tuple[str, ...], caps: Caps) -> tuple[str, ...]:
    """Wrap a command so that the kernel's own limits hold for it and all it starts."""
    limits = ("--core=0", f"--fsize={caps.file_bytes}", f"--nproc={caps.tasks}")
    return ("/usr/bin/prlimit", *limits, "--", *argv)


def _system(machine: Machine, papers: Path) -> list[str]:
    linked = dict(machine.links)
    return [
        *("--ro-bind", "/usr", "/usr"),
        *_strings(arg for path, target in machine.links for arg in ("--symlink", target, path)),
        *_each("--ro-bind-try", (path for path in LINKED if path not in linked)),
        *_each("--ro-bind-try", (Path("/etc", name) for name in ETC)),
        *_strings(arg for name in PAPERS for arg in ("--ro-bind", papers / name, Path("/etc", name))),
        *("--proc", "/proc", "--dev", "/dev"),
    ]


def _scratch(caps: Caps) -> list[str]:
    return _strings(arg for path in SCRATCH for arg in ("--size", caps.scratch_bytes, "--tmpfs", path))


def _git(repository: Repository) -> list[str]:
    folders = (arg for folder in repository.folders for arg in _git_folder(folder))
    alone = (*([repository.marker] if repository.marker else []), *repository.objects)
    return [*folders, *_each("--ro-bind", alone)]


def _git_folder(folder: GitFolder) -> list[str]:
    return [
        *("--tmpfs", str(folder.path)),
        *_each("--ro-bind", (folder.path / name for name in folder.shown)),
        *_strings(arg for name, clean in folder.configs for arg in ("--ro-bind", clean, folder.path / name)),
    ]


def _pinned(paths: Iterable[Path], root: Path) -> list[str]:
    # A folder above a mount could be renamed, and the next command would not find what it must cover.
    above = {up for path in paths if path.is_relative_to(root) for up in path.parents if up.is_relative_to(root)}
    return _each("--bind", sorted(above - {root}))


def _each(option: str, paths: Iterable[Path]) -> list[str]:
    return _strings(arg for path in paths for arg in (option, path, path))


def _strings(values: Iterable[object]) -> list[str]:
    return [str(value) for value in values]
