"""What systems under test on other protocols than REST have in common: getting in, answering, what to send."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import aiohttp

from gateway.conformance.papers import status
from gateway.simulate.reading import Incoming, UnreadableError, read
from gateway.simulate.writing import Named, Reference
from tests.conformance.papers import Papers

#: Exit code, counts, and what was told.
Run = tuple[int, dict[str, int], str]
#: Incoming -> codes of the statuses that are answered.
Answers = Callable[[Incoming], list[str]]


async def access_of(folder: Path) -> dict[str, str]:
    """As soon as the sandbox says how to get in."""
    path = folder / "access.json"
    async with asyncio.timeout(150):
        while not path.is_file():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.05)
    found: dict[str, str] = json.loads(path.read_text())
    return found


def tls_of(access: dict[str, str]) -> ssl.SSLContext:
    """Trusting the sandbox."""
    return ssl.create_default_context(cafile=access["ca_file"])


def right(incoming: Incoming) -> list[str]:
    """01, and what an office would say."""
    if "gửi nhầm" in incoming.subject:
        return ["01", "02"]
    return ["01", "15" if incoming.business_type in {"1", "2"} else "03"]


def statuses(access: dict[str, str], data: bytes, answers: Answers) -> Iterator[bytes]:
    """The status messages about a document; none about a status, or about what cannot be read."""
    try:
        incoming = read(data.removeprefix(b"1212"))
    except UnreadableError:
        return
    if incoming.is_status:
        return
    year, month, day = map(int, incoming.date.split("/"))
    about = Reference(
        organ_id=incoming.sender,
        number=incoming.number,
        notation=incoming.notation,
        issued_on=date(year, month, day),
        document_id=incoming.document_id,
    )
    me = Named(code=access["organ_id"], name="Phần mềm thử")
    for code in answers(incoming):
        yield status(me, about, code, f"Trạng thái {code} ({incoming.business_type})", datetime.now(UTC))


def documents(access: dict[str, str], papers: Papers) -> list[bytes]:
    """Everything that the sandbox wants to be sent, the wrong things last."""
    first = papers.document("ready")
    return [
        first,
        first,
        *(papers.document(office) for office in ("refusing", "late", "old")),
        papers.document("ready", "late"),
        papers.document("ready", padding=1_500_000),
        papers.document("ready", about="7001"),
        papers.document("late", sender=access["offices.ready"]),
        papers.document("000.99.99.Z99"),
        first[: len(first) // 2],
    ]


async def beside(run: asyncio.Task[Run], work: Coroutine[Any, Any, None]) -> Run:
    """How a run of the sandbox ends while a system works; one that breaks before is told at once."""

    async def worked() -> None:
        # the sandbox may be gone before it
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await work

    working = asyncio.create_task(worked())
    await asyncio.wait({run, working}, return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        working.result()
    async with asyncio.timeout(150):
        ended = await run
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return ended
