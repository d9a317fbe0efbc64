"""Scans and files of drafts on the disk: a missing one is named, and what nobody has any more is freed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.audit.fsck import examine
from gateway.config.values import Size
from gateway.desk.papers import Papers
from gateway.desk.register import PaperForm
from gateway.foundation import database_of
from gateway.ledger.desk import DeskFile, DeskReads
from gateway.maintenance.loose import free_loose
from gateway.model import AgencyId
from gateway.storage.spool import SpooledBody
from tests.desk.lab import MOST_DRAFTS, DeskLab, lab_of
from tests.desk.test_books import At
from tests.desk.test_register import paper, refused
from tests.desk.test_sending import FORM, drafted

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def scanned(lab: DeskLab, content: bytes) -> DeskFile:
    """A scan that is kept."""
    return await lab.desk.papers.add(lab.clerk, lab.office, "scan.pdf", await lab.spooled(content))


def place_of(lab: DeskLab, sha256: str) -> Path:
    """Where its bytes lie."""
    return lab.app.foundation.bodies.path_of(sha256)


async def free_all(lab: DeskLab, *, later: timedelta = timedelta(hours=2)) -> int:
    """As the eraser does every hour."""
    base = lab.app.foundation
    return await free_loose(replace(base, clock=At(base.clock.now() + later)))


async def test_bytes_of_a_dropped_draft_are_freed_and_a_lines_scan_stays(lab: DeskLab) -> None:
    """Not before the hour is over; bytes that a line has as well stay with it."""
    await free_all(lab)
    same = b"%PDF-1.4\nnhu nhau\n%%EOF\n"
    kept = await scanned(lab, same)
    form = PaperForm(office_id=lab.office, paper=paper("71"), scan_id=kept.id)
    await lab.desk.registering.register_paper(lab.clerk, form)
    twin, own = await drafted(lab, same), await drafted(lab, b"%PDF-1.4\nban thao\n%%EOF\n")
    for draft in (twin, own):
        await lab.desk.sending.drop(lab.clerk, draft.id)
    assert await free_all(lab, later=timedelta(minutes=5)) == 0
    assert place_of(lab, own.files[0].sha256).exists()
    assert await free_all(lab) == 2
    assert not place_of(lab, own.files[0].sha256).exists()
    assert place_of(lab, kept.sha256).exists()
    left = lab.rows("SELECT id FROM desk_file WHERE office_id = ?", lab.office)
    assert left == [(kept.id,)]


async def test_file_of_a_draft_that_is_kept_is_not_freed(lab: DeskLab) -> None:
    """However old."""
    draft = await drafted(lab, b"%PDF-1.4\ncon dung\n%%EOF\n")
    await free_all(lab, later=timedelta(days=400))
    assert place_of(lab, draft.files[0].sha256).exists()
    assert (await lab.desk.sending.draft(lab.clerk, draft.id)).files == draft.files


async def test_office_that_has_used_its_room_brings_no_more_and_others_do(lab: DeskLab) -> None:
    """Files of its drafts count, and what came within a day, dropped or not; two at once count both."""
    base, other = lab.app.foundation, await lab_of(lab.site)
    limits = replace(base.settings.limits, desk_files=Size(100))
    papers = Papers(lab.app.gateway, lab.desk.reads, base.pump, limits)

    async def brought(at: DeskLab, content: bytes) -> DeskFile:
        return await papers.add(at.clerk, at.office, "a.pdf", await at.spooled(content.ljust(60)))

    first = await brought(lab, b"%PDF-1")
    draft = await lab.desk.sending.save(lab.clerk, lab.office, FORM, file_ids=[first.id])
    await refused(brought(lab, b"%PDF-2"), "desk_full")
    await brought(other, b"%PDF-2")
    later = At(base.clock.now() + timedelta(days=2))
    third = await lab_of(lab.site)
    bodies = [await third.spooled(content.ljust(60)) for content in (b"%PDF-3", b"%PDF-4")]
    adding = [papers.add(third.clerk, third.office, "a.pdf", body) for body in bodies]
    both = await asyncio.gather(*adding, return_exceptions=True)
    assert [getattr(each, "code", "") for each in both].count("desk_full") == 1
    assert await lab.desk.reads.files_held(lab.office, later.now() - timedelta(days=1)) == 60
    await lab.desk.sending.drop(lab.clerk, draft.id)
    assert await lab.desk.reads.files_held(lab.office, base.clock.now() - timedelta(days=1)) == 60
    assert await lab.desk.reads.files_held(lab.office, later.now() - timedelta(days=1)) == 0


class SlowReads(DeskReads):
    """The first file's answer comes at once; the second's as it was when asked for, when the first is kept."""

    first: asyncio.Task[DeskFile] | None = None
    second_asked: asyncio.Event

    async def files_held(self, office_id: AgencyId, since: datetime) -> int:
        """Bytes, perhaps of a moment ago."""
        held = await super().files_held(office_id, since)
        if self.first is not None:
            self.second_asked.set()
            await asyncio.wait([self.first], timeout=60)
        return held


async def test_file_that_comes_while_another_is_kept_finds_the_room_that_this_leaves(
    lab: DeskLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was held a moment ago says nothing of what is held now."""
    base, reads, bodies = lab.app.foundation, SlowReads(lab.app.foundation.readers), lab.app.gateway.bodies
    reads.second_asked, keep = asyncio.Event(), bodies.keep
    limits = replace(base.settings.limits, desk_files=Size(100))
    papers = Papers(lab.app.gateway, reads, base.pump, limits)
    one, two = [await lab.spooled(content.ljust(60)) for content in (b"%PDF-5", b"%PDF-6")]
    adding: list[asyncio.Task[DeskFile]] = []

    async def slow_keep(body: SpooledBody) -> None:
        if body is one:
            reads.first = adding[0]
            adding.append(asyncio.create_task(papers.add(lab.clerk, lab.office, "b.pdf", two)))
            with suppress(TimeoutError):  # it waits for its turn
                await asyncio.wait_for(reads.second_asked.wait(), 0.5)
        await keep(body)

    monkeypatch.setattr(bodies, "keep", slow_keep)
    adding.append(asyncio.create_task(papers.add(lab.clerk, lab.office, "a.pdf", one)))
    await adding[0]
    await refused(adding[1], "desk_full")
    assert await lab.desk.reads.files_held(lab.office, base.clock.now() - timedelta(days=1)) == 60


async def test_office_has_so_many_drafts(lab: DeskLab) -> None:
    """As the setting says; those that there are can be changed."""
    sending = lab.desk.sending
    drafts = [await sending.save(lab.clerk, lab.office, FORM) for _ in range(MOST_DRAFTS)]
    await refused(sending.save(lab.clerk, lab.office, FORM), "desk_full")
    await sending.save(lab.clerk, lab.office, FORM, draft_id=drafts[0].id)
    await sending.drop(lab.clerk, drafts[0].id)
    await sending.save(lab.clerk, lab.office, FORM)


async def test_missing_scan_is_named_by_fsck_with_its_line(lab: DeskLab) -> None:
    """Which line of which office, so that the paper is found and scanned again."""
    scan = await scanned(lab, b"%PDF-1.4\nse mat\n%%EOF\n")
    form = PaperForm(office_id=lab.office, paper=paper("72"), scan_id=scan.id)
    entry = await lab.desk.registering.register_paper(lab.clerk, form)
    place = place_of(lab, scan.sha256)
    bytes_there = place.read_bytes()
    place.unlink()
    report = await examine(lab.site.settings, database_of(lab.site.settings), quick=True)
    place.write_bytes(bytes_there)
    found = [finding for finding in report.findings if finding.code == "body_missing"]
    told = f"desk file {scan.id} (line {entry.number}/{entry.year} of {lab.office})"
    assert [finding.subject for finding in found] == [told]
