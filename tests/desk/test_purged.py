"""Destroying a paper by order of two persons: scan and texts go, the line and its evidence stay."""

from __future__ import annotations

import asyncio
from contextlib import closing

import pytest

from gateway.admin import purges
from gateway.audit.fsck import examine
from gateway.desk.register import PaperForm
from gateway.foundation import database_of
from gateway.ledger.entries import Beside, Paper
from gateway.ledger.purged import Purged, Repeat, RepeatOperation
from gateway.purging.listed import list_of, read_list
from gateway.storage.driver import choose_driver
from tests.desk.lab import DeskLab
from tests.desk.test_files import place_of, scanned
from tests.desk.test_register import refused
from tests.journeys.purging import ONE, confirmed, destroyed, erased, order_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "V/v nhân sự mật"


async def written(lab: DeskLab, number: str, *, scan: bytes = b"") -> tuple[str, str]:
    """A paper in the register: its line, and the digest of its scan."""
    kept = await scanned(lab, scan) if scan else None
    form = PaperForm(
        office_id=lab.office,
        paper=Paper(issuer="Ban Tổ chức", code_number=number, code_notation="BTC", subject=SECRET),
        beside=Beside(receiver="Bà Hai", note="chuyển tay"),
        scan_id=kept.id if kept else None,
    )
    entry = await lab.desk.registering.register_paper(lab.clerk, form)
    return entry.id, kept.sha256 if kept else ""


async def test_scan_and_texts_go_and_the_line_stays(lab: DeskLab) -> None:
    """Number and day stay; no byte of the scan is left, no word in the database; fsck finds nothing wrong."""
    line, sha256 = await written(lab, "9", scan=b"%PDF-1.4\nmat\n%%EOF\n")
    before = await lab.desk.registering.entry(lab.clerk, line)
    named = f"{before.number}/{before.year}@{lab.code}"
    order = await destroyed(lab.site, papers=[named], with_envelope=True)
    assert await order_of(lab.site, order) == {
        "outcome": "completed", "destroyed": 1, "held": 0, "remains": 0, "confirmed_by": "operator:1002",
    }  # fmt: skip
    after = await lab.desk.registering.entry(lab.clerk, line)
    assert (after.number, after.day, after.code) == (before.number, before.day, "9/BTC")
    assert (after.paper.subject, after.paper.issuer, after.beside.receiver, after.beside.note) == ("", "", "", "")
    assert after.scan_id == ""
    assert not place_of(lab, sha256).exists()
    assert lab.rows("SELECT COUNT(*) FROM desk_file WHERE sha256 = ?", sha256) == [(0,)]
    (event,) = [each for each in lab.events("paper.purged") if each["facts"]["entry"] == line]
    assert (event["facts"]["order"], event["facts"]["sha256"]) == (order, sha256)
    assert SECRET not in str(event)
    listed = [each for each in read_list(list_of(lab.site.settings.log)) if each.message == line]
    assert [(each.sha256, each.envelope, each.paper) for each in listed] == [(sha256, True, True)]
    report = await examine(lab.site.settings, database_of(lab.site.settings), quick=True)
    assert [each for each in report.findings if each.code.startswith("purge")] == []


async def test_texts_stay_unless_the_order_says_so(lab: DeskLab) -> None:
    """Of a line without a scan too; it is destroyed once."""
    line, _ = await written(lab, "10")
    await destroyed(lab.site, papers=[line])
    entry = await lab.desk.registering.entry(lab.clerk, line)
    assert entry.paper.subject == SECRET
    ask = purges.MakePurge(documents=[], papers=[line], ref="QĐ 1", reason="lần nữa")
    await refused(purges.make_purge(lab.app, ask, ONE), "state_forbids")


async def test_document_of_the_gateway_is_no_paper(lab: DeskLab) -> None:
    """It has orders of its own; what is unknown is told."""
    entry = await lab.desk.registering.register(lab.clerk, await lab.send())
    for papers, code in (
        ([entry.id], "state_forbids"),
        (["nothing"], "document_unknown"),
        ([], "parameter_invalid"),
    ):
        ask = purges.MakePurge(documents=[], papers=papers, ref="QĐ 1", reason="thử")
        await refused(purges.make_purge(lab.app, ask, ONE), code)


async def test_line_slipped_into_a_confirmed_order_is_not_destroyed(lab: DeskLab) -> None:
    """Two persons answered for another list."""
    line, _ = await written(lab, "11")
    other, _ = await written(lab, "12")
    ask = purges.MakePurge(documents=[], papers=[line], ref="QĐ 2", reason="thử")
    order = str((await purges.make_purge(lab.app, ask, ONE))["order"])
    module = choose_driver(
        allow_affected_sqlite=True
    ).module  # a second library would let go of the first one's locks
    with closing(module.connect(str(database_of(lab.site.settings)), timeout=60)) as connection:
        connection.execute("INSERT INTO purge_paper (purge_id, entry_id, sha256) VALUES (?, ?, '')", (order, other))
        connection.commit()
    await confirmed(lab.site, order)
    await erased(lab.site)
    assert lab.rows("SELECT COUNT(*) FROM purge_paper WHERE purge_id = ? AND purged_at IS NULL", order) == [(2,)]


async def test_words_beside_a_destroyed_document_go_with_it(lab: DeskLab) -> None:
    """What the clerk wrote may quote its title."""
    delivery = await lab.send(subject=SECRET)
    entry = await lab.desk.registering.register(lab.clerk, delivery, Beside(receiver="Bà Hai", note=SECRET))
    async with asyncio.timeout(60):
        while lab.rows("SELECT message_id FROM check_due"):  # noqa: ASYNC110 - a row has no event
            await asyncio.sleep(0.02)
    await destroyed(lab.site, entry.message_id, with_envelope=True)
    after = await lab.desk.registering.entry(lab.clerk, entry.id)
    assert (after.paper.subject, after.beside.receiver, after.beside.note) == ("", "", "")
    assert after.number == entry.number


async def test_list_beside_the_mark_repeats_nothing_without_a_restore(lab: DeskLab) -> None:
    """A line that somebody wrote into it is no order."""
    line, sha256 = await written(lab, "13", scan=b"%PDF-1.4\ncon\n%%EOF\n")
    forged = Purged(message=line, sha256=sha256, order="x", at=0, envelope=True, paper=True)
    base = lab.app.foundation
    found = await base.pump.submit(RepeatOperation(), Repeat(purged=(forged,), now=base.clock.now()))
    assert (found.documents, found.strange) == (0, 1)
    assert (await lab.desk.registering.entry(lab.clerk, line)).paper.subject == SECRET
