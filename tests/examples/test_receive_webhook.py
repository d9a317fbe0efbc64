"""The receiver that vendors copy, over sockets: what a stranger sends costs it neither memory nor time nor disk."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.runs import EXAMPLES, started

SECRET = b"a secret of the test, long enough"
BODY = b"<edXML/>"
#: Runs the file as it is, but for how long a request may take.
HURRIED = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import receive_webhook
receive_webhook.LONGEST_SECONDS = 1
receive_webhook.main()
"""


@dataclass(frozen=True, kw_only=True)
class Running:
    """The receiver, and where it keeps things."""

    pid: int
    port: int
    folder: Path

    async def open(self, head: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection on which a head was sent, and nothing behind it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(head)
        return reader, writer

    async def kept(self) -> list[str]:
        """Files of bodies, once no request is under way: a peer sees its line end before the file is removed."""
        async with asyncio.timeout(60):
            while list(self.folder.glob("*.part")):  # noqa: ASYNC110 - another process removes it
                await asyncio.sleep(0.05)
        return sorted(file.name for file in self.folder.iterdir() if not file.name.startswith("received.db"))


@asynccontextmanager
async def receiving(folder: Path, *program: str | Path) -> AsyncIterator[Running]:
    """Started as its page says, in plain HTTP."""
    secret = folder / "secret"
    secret.write_bytes(SECRET)
    options = ("--secret-file", secret, "--folder", folder / "received", "--port", "0")
    async with started(sys.executable, *program, *options) as (process, url):
        port = int(url[0].rstrip("/").rpartition(":")[2])
        yield Running(pid=process.pid, port=port, folder=folder / "received")


PROGRAM = EXAMPLES / "python" / "receive_webhook.py"


def head(body: bytes = BODY, secret: bytes = SECRET, **changed: str | None) -> bytes:
    """A push's header fields; None leaves one out."""
    digest = hashlib.sha256(body)
    deliveries = "d-1=000.00.01.H33"
    text = ".".join([str(int(time.time())), "dispatch-1", deliveries, digest.hexdigest()])
    fields: Mapping[str, str | None] = {
        "Host": "localhost",
        "Content-Length": str(len(body)),
        "Content-Digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:",
        "Gateway-Kind": "document",
        "Gateway-Timestamp": text.split(".")[0],
        "Gateway-Dispatch-Id": "dispatch-1",
        "Gateway-Deliveries": deliveries,
        "Gateway-Signature": f"v1={hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()}",
    } | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode()


async def status_of(reader: asyncio.StreamReader) -> int:
    """Of the answer that comes."""
    async with asyncio.timeout(60):
        answer = await reader.readuntil(b"\r\n\r\n")
    found = re.match(rb"HTTP/1.1 (\d+) ", answer)
    assert found, answer
    return int(found[1])


CASES: list[tuple[int, dict[str, str | None]]] = [
    (411, {"Content_Length": None}),
    (411, {"Content_Length": "many"}),
    (411, {"Content_Length": "-8"}),
    (411, {"Content_Length": "\u00b2"}),
    (411, {"Content_Length": "9" * 5000}),
    (411, {"Content_Length": "8\r\nContent-Length: 8"}),
    (411, {"Transfer_Encoding": "chunked"}),
    (413, {"Content_Length": "100000001"}),
    (401, {"Gateway_Signature": None}),
    (401, {"Gateway_Signature": "v1=" + "0" * 64}),
    (401, {"Gateway_Deliveries": None}),
    (401, {"Gateway_Deliveries": "d-2=000.00.02.H33"}),
    (401, {"Gateway_Dispatch_Id": None}),
    (401, {"Gateway_Timestamp": "\u00b2"}),
    (401, {"Gateway_Timestamp": "1700000000"}),
    (401, {"Content_Digest": None}),
    (401, {"Content_Digest": "sha-256=:AAAA:"}),
]


async def test_head_is_judged_before_a_byte_of_the_body_is_sent(tmp_path: Path) -> None:
    """Length, age, digest and signature: the answer comes, the connection ends, nothing is written."""
    async with receiving(tmp_path, PROGRAM) as running:
        for expected, changed in CASES:
            # a length that is taken, and large: who waits for it would wait for ever
            whole: dict[str, str | None] = {"Content_Length": "90000000", **changed}
            reader, writer = await running.open(head(BODY, SECRET, **whole))
            assert await status_of(reader) == expected, changed
            async with asyncio.timeout(60):
                await reader.read()
            writer.close()
        assert await running.kept() == []


async def test_body_is_compared_as_it_comes_and_kept_only_whole(tmp_path: Path) -> None:
    """Another body, or half of one, leaves no file; the right one is kept, on a connection that stays open."""
    async with receiving(tmp_path, PROGRAM) as running:
        _, writer = await running.open(head() + BODY[:3])
        writer.close()
        reader, writer = await running.open(head() + b"<other/>")
        assert await status_of(reader) == 401
        writer.close()
        reader, writer = await running.open(head() + BODY)
        assert await status_of(reader) == 200
        await reader.readexactly(
            len(b'{"deliveries": [{"id": "d-1", "outcome": "delivered", "reference": "d-1"}]}')
        )
        writer.write(head() + BODY)
        assert await status_of(reader) == 200
        writer.close()
        assert await running.kept() == [hashlib.sha256(BODY).hexdigest() + ".edxml"]


async def test_large_body_is_not_held_in_memory(tmp_path: Path) -> None:
    """Ninety megabytes go through to the file in pieces."""
    body = b"x" * 90_000_000
    async with receiving(tmp_path, PROGRAM) as running:
        reader, writer = await running.open(head(body) + body)
        assert await status_of(reader) == 200
        writer.close()
        status = Path(f"/proc/{running.pid}/status").read_text()  # noqa: ASYNC240 - memory, not a disk
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert peak
        assert int(peak[1]) < 60_000


@pytest.mark.parametrize("part", ["head", "body"])
async def test_byte_by_byte_is_cut_off(tmp_path: Path, part: str) -> None:
    """Each byte comes in time for its read; the whole has an end all the same."""
    async with receiving(tmp_path, "-c", HURRIED, PROGRAM.parent) as running:
        sent = b"POST / HTTP/1.1\r\nHost: " if part == "head" else head(b"x" * 1000)
        reader, writer = await running.open(sent)
        ended = asyncio.ensure_future(reader.read())
        async with asyncio.timeout(60):
            while not ended.done():
                writer.write(b"x")
                await asyncio.wait({ended}, timeout=0.1)
        writer.close()
        assert await running.kept() == []
        reader, writer = await running.open(head() + BODY)
        assert await status_of(reader) == 200
        writer.close()
