"""What the gateway costs: latency of a call and memory of the runner, against a direct connection in the same run.

Service, gateway and client are processes of their own, as in real life. Run: `python benchmarks/gateway.py`.
"""

import http.client
import json
import multiprocessing
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

MODEL = "claude-opus-5-5"
EVENTS = 100
CALLS = 300
AIM_MS = 5.0
AIM_MB = 30.0
SIZES = {"20 kB": 20_000, "200 kB": 200_000, "2 MB": 2_000_000}


def service(tell: Connection) -> None:
    """Answer every request at once with a stream of a hundred events, on kept connections."""
    start = {"type": "message_start", "message": {"model": MODEL, "usage": {"input_tokens": 10, "output_tokens": 1}}}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "words and words"}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 900}}
    events = [f"data: {json.dumps(one)}\n\n".encode() for one in (start, *[delta] * EVENTS, end)]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            pass

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for event in events:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
            self.wfile.write(b"0\r\n\r\n")

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        tell.send(f"http://127.0.0.1:{server.server_address[1]}")
        server.serve_forever()


def gateway(tell: Connection, upstream: str) -> None:
    """Run a gateway, and tell how much memory it takes when asked."""
    # Late, so that the time it takes can be measured.
    began = time.perf_counter()
    from autorun.adapters.gateway import Gateway  # noqa: PLC0415
    from autorun.core.credential import Credential, CredentialKind  # noqa: PLC0415
    from autorun.core.model import Assignment, Limits, TaskId, Workspace  # noqa: PLC0415

    imported = time.perf_counter() - began
    here = Path()
    assignment = Assignment(
        task=TaskId(provider="file", key="bench"),
        prompt="",
        system="",
        workspace=Workspace(path=here, base="", git_dir=here),
        folder=here,
        limits=Limits(),
    )
    key = Credential(kind=CredentialKind.API_KEY, secret="fake")  # noqa: S106  no real one is near
    running = Gateway(key, (MODEL,), upstream=upstream, warn=print)
    with running.opened(assignment) as access:
        tell.send((access.env["ANTHROPIC_BASE_URL"], access.env["ANTHROPIC_API_KEY"], imported))
        tell.recv()
        trust = ssl.create_default_context()  # what a service beyond this machine needs too
        tell.send(resident())
        del trust
        tell.recv()
    running.close()


def resident() -> float:
    """Return the resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def bare() -> float:
    """Return the resident memory of an interpreter that has done nothing, in MB."""
    statement = "print(int(open('/proc/self/statm').read().split()[1]) * 4096 / 1e6)"
    return float(subprocess.run([sys.executable, "-c", statement], capture_output=True, check=True).stdout)


def caller(url: str, key: str, body: bytes) -> tuple[Callable[[], tuple[float, float]], http.client.HTTPConnection]:
    """Return a function that makes one call on a kept connection: ms to the first byte and to the last."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)

    def call() -> tuple[float, float]:
        began = time.perf_counter()
        connection.request("POST", "/v1/messages?beta=true", body, {"x-api-key": key})
        answer = connection.getresponse()
        answer.read1(1)
        first = time.perf_counter()
        answer.read()
        assert answer.status == http.client.OK, answer.status  # a benchmark of failures would be void
        return (first - began) * 1000, (time.perf_counter() - began) * 1000

    return call, connection


def compare(direct: str, through: str, key: str, size: int, calls: int) -> list[float]:
    """Return medians in ms: first and last byte, directly and through the gateway, call by call in turn."""
    text = [{"role": "user", "content": "word " * (size // 5)}]
    body = json.dumps({"model": MODEL, "max_tokens": 1000, "stream": True, "messages": text}).encode()
    one, near = caller(direct, key, body)
    two, far = caller(through, key, body)
    with closing(near), closing(far):
        pairs = [(*one(), *two()) for _ in range(calls)][calls // 10 :]
    return [statistics.median(column) for column in zip(*pairs, strict=True)]


def main() -> None:
    """Print the table."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=service, args=(theirs,), daemon=True)
    server.start()
    direct = ours.recv()
    mine, other = context.Pipe()
    runner = context.Process(target=gateway, args=(other, direct), daemon=True)
    runner.start()
    through, key, imported = mine.recv()
    print(f"| request | first byte, direct | through | last byte, direct | through | added (aim <= {AIM_MS:g} ms) |")
    print("|---|---|---|---|---|---|")
    for name, size in SIZES.items():
        first, last, first_through, last_through = compare(direct, through, key, size, CALLS)
        row = [f"{ms:.2f} ms" for ms in (first, first_through, last, last_through, last_through - last)]
        print(f"| {name} | {' | '.join(row)} |")
    mine.send("memory")
    added = mine.recv() - bare()
    print(f"\nmemory over a bare interpreter, imports and trust store: {added:.1f} MB (aim <= {AIM_MB:g} MB)")
    print(f"time to import: {imported * 1000:.0f} ms")
    mine.send("end")
    runner.join(5)
    server.terminate()


if __name__ == "__main__":
    main()
