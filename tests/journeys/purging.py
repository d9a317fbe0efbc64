"""What the tests of purges share: a document that arrived, an order of two persons, and that it was carried out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.admin import purges
from gateway.api import models
from gateway.app import Application
from gateway.audit.fsck import FsckReport, examine
from gateway.foundation import database_of
from gateway.maintenance.eraser import Eraser
from tests.backup.lab import query
from tests.journeys.installation import COMMUNE, PROVINCE, Installation
from tests.journeys.messages import document

SUBJECT = "V/v mật lọt ra"
#: Two persons.
ONE, TWO = "operator:1001", "operator:1002"


async def arrived(made: Installation, *, number: str = "125", subject: str = SUBJECT, body: bytes = b"") -> str:
    """A document that the commune has: its id."""
    async with made.client(PROVINCE) as province, made.client(COMMUNE) as commune:
        sent = body or document(PROVINCE, [COMMUNE], number=number, subject=subject)
        accepted = await province.submit(sent)
        found: list[models.InboxItem] = []
        while not found:
            items = (await commune.inbox(wait=5)).items
            found = [each for each in items if each.sha256 == accepted.sha256]
        await commune.content(found[0].id)
        await commune.ack(found[0].id)
    await unexamined(made)
    return accepted.id


async def unexamined(made: Installation) -> None:
    """Wait until nothing waits for a look at its signatures."""
    assert made.app is not None
    async with asyncio.timeout(60):
        while query(made.folder, "SELECT message_id FROM check_due"):  # noqa: ASYNC110 - a row has no event
            await asyncio.sleep(0.02)


def desk(made: Installation) -> Application:
    """The running server, as acts see it."""
    assert made.app is not None
    return made.app


async def ordered(made: Installation, documents: Sequence[str], **how: Any) -> str:
    """An order of the first person."""
    ask = purges.MakePurge(documents=list(documents), ref="QĐ 12/UBND", reason="mật lọt ra", **how)
    reply = await purges.make_purge(desk(made), ask, ONE)
    return str(reply["order"])


async def confirmed(made: Installation, order: str) -> None:
    """The second one confirms it."""
    ask = purges.ConfirmPurge(order=order, reason="đã đối chiếu")
    assert (await purges.confirm_purge(desk(made), ask, TWO))["confirmed"]


async def destroyed(made: Installation, *documents: str, **how: Any) -> str:
    """Ordered, confirmed and carried out."""
    order = await ordered(made, documents, **how)
    await confirmed(made, order)
    await erased(made)
    return order


async def erased(made: Installation) -> Eraser:
    """The eraser was at work, with nothing that makes it wait."""
    eraser = desk(made).eraser
    eraser.try_again()
    await eraser.run_once()
    return eraser


async def order_of(made: Installation, order: str) -> dict[str, Any]:
    """How an order is, by its columns."""
    rows = await desk(made).foundation.readers.fetch("purge_list_some", {"all": 1})
    row = next(each for each in rows if each[0] == order)
    return {"outcome": row[17], "destroyed": row[18], "held": row[19], "remains": row[20], "confirmed_by": row[13]}


async def examined(made: Installation) -> FsckReport:
    """By fsck, beside the server."""
    return await examine(made.settings, database_of(made.settings))


def bodies_below(folder: Path, sha256: str) -> list[Path]:
    """Every file below a folder that bears a digest's name."""
    return sorted(path for path in folder.rglob(f"*{sha256}*") if path.is_file())
