"""Runs the command and the examples as processes, and a receiver that does everything wrong."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import threading
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from gateway.ids import uuid7
from tests.forking import Forked

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "deploy" / "examples"


async def conformance(*arguments: str | Path) -> tuple[int, dict[str, int], str]:
    """Exit code, the last line on standard output, and what was told."""
    return await conformance_until((), *arguments)


async def conformance_until(marks: Iterable[str], *arguments: str | Path) -> tuple[int, dict[str, int], str]:
    """The same, ended by Ctrl-C once every mark (a pattern of a line) was told; without marks it ends by itself."""
    left, told = [re.compile(mark) for mark in marks], ""
    with TemporaryFile() as out:
        words = ("conformance", *map(str, arguments), "--json")
        process = await Forked.start("gateway", *words, into=out.fileno())
        if left:
            try:
                async with asyncio.timeout(120):
                    while left and (line := await process.line(120)):
                        told += line
                        left = [mark for mark in left if not mark.search(line)]
            except TimeoutError:
                told += f"never told: {[mark.pattern for mark in left]}"
            process.send_signal(signal.SIGINT)
        code, rest = await process.finished()
        out.seek(0)
        lines = out.read().decode().splitlines()
    return code, json.loads(lines[-1]) if lines else {}, told + rest


def grades(report: Path) -> dict[str, str]:
    """Step -> how it ended, of a report.json."""
    return {step["key"]: step["grade"] for step in json.loads(report.read_text())["steps"]}


def text_of(file: Path) -> str:
    """All of it."""
    return file.read_text()


def step(report: Path, key: str) -> dict[str, Any]:
    """One step of a report.json."""
    found: dict[str, Any] = next(one for one in json.loads(report.read_text())["steps"] if one["key"] == key)
    return found


@asynccontextmanager
async def started(*command: str | Path) -> AsyncIterator[tuple[Process, re.Match[str]]]:
    """A process whose first line names a URL."""
    process = await asyncio.create_subprocess_exec(*map(str, command), stdout=PIPE, stderr=DEVNULL)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        found = re.search(r"https?://\S+", line)
        assert found, line
        yield process, found
    finally:
        process.terminate()
        await process.wait()


class Broken(BaseHTTPRequestHandler):
    """Takes whatever comes, looks at nothing, processes it again each time, and falls over bad XML."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        try:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        except (ConnectionError, ValueError):
            return
        readable = body.startswith(b"<?xml")
        first = self.headers["Gateway-Deliveries"].partition("=")[0]
        lines = [{"id": first, "outcome": "delivered", "reference": uuid7()}]
        content = json.dumps({"deliveries": lines}).encode() if readable else b"<html>NullPointerException</html>"
        try:
            self.send_response(200 if readable else 500)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002
        pass


@contextmanager
def broken_receiver() -> Iterator[str]:
    """Its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
