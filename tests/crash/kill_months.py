"""Months of a gateway of the kill sweep that end between two kills, and what its archiver made of them.

A month is closed ahead of its time: each day of it by the duty's own code, with a clock that is set after its
end. The gateway's next start archives it, beside the load, and may be killed over it. When all is quiet each closed
month lies in the folder once, whole, read-only, proven by its own file, and the ledger tells of it once.
"""

from __future__ import annotations

import stat
from datetime import UTC, date, datetime, timedelta

from gateway.admin.body_keys import TurnBodyKeys, turn
from gateway.clock import VIETNAM
from gateway.commands.acting import Desk, offline_sealing
from gateway.evidence.archiving import Month
from gateway.ledger.archives import ArchiveReads
from gateway.ledger.registers import RegisterReads
from gateway.maintenance import evidence
from gateway.maintenance.archiver import READ_ONLY, file_name
from gateway.maintenance.registrar import Registrar
from gateway.observe import Metrics
from gateway.seal.report import Verdict
from gateway.seal.trust import TrustPurpose
from gateway.verifying.anchors import Anchors
from gateway.verifying.verify import verify_file
from tests.crash.kill_site import Site
from tests.journeys.months import MonthOver
from tests.journeys.purging import ONE


async def end_month(site: Site) -> None:
    """The month that is not closed yet; the gateway is down."""
    async with offline_sealing(site.settings, site.settings.log) as (base, key):
        checkpointer = evidence.checkpointer(base, key, Metrics())
        await checkpointer.run_once()
        closed = await RegisterReads(base.readers).last(1)
        month = Month.of(closed[0].day + timedelta(days=1) if closed else _today())
        clock = MonthOver(month.next.first)
        await Registrar(base.readers, base.pump, clock=clock, metrics=Metrics()).run_once()
        # an event of today is the newest again: a gateway whose clock is behind its ledger does not start
        await turn(Desk(base), TurnBodyKeys(reason="sweep"), ONE)
        await checkpointer.run_once()


def _today() -> date:
    return datetime.now(VIETNAM).date()


async def look_at_months(site: Site) -> tuple[int, list[str]]:
    """Months that were archived, and what is wrong with that, when all is quiet."""
    folder, wrong = site.settings.archive.folder, list[str]()
    assert folder is not None
    async with offline_sealing(site.settings, site.settings.log) as (base, key):
        await evidence.archiver(base, key, Metrics()).run_once()
        made = [each.month for each in await ArchiveReads(base.readers).made() if each.place == "folder"]
        first, last = await ArchiveReads(base.readers).first_day(), await RegisterReads(base.readers).last(1)
    due = list[str]()
    if first is not None:
        month = Month.of(first)
        while month.last <= last[0].day:
            due.append(str(month))
            month = month.next
    if made != due:
        wrong.append(f"{site.folder.name}: months {due} ended, the ledger tells of {made}")
    found, names = {each.name for each in folder.iterdir()}, {file_name(Month.parse(each)) for each in due}
    if found != names:
        wrong.append(f"{site.folder.name}: the archives' folder holds {sorted(found)}, not {sorted(names)}")
    anchors = _anchors(site)
    for name in sorted(found & names):
        path = folder / name
        told = verify_file(path, anchors, datetime.now(UTC))
        if told.verdict is not Verdict.PASSED:
            faults = [f"{each.name} {each.reason}" for each in told.checks if each.verdict is not Verdict.PASSED]
            wrong.append(f"{site.folder.name}: {name} is {told.verdict}: {faults[:3]}")
        if stat.S_IMODE(path.stat().st_mode) != READ_ONLY:
            wrong.append(f"{site.folder.name}: {name} can be written")
    return len(due), wrong


def _anchors(site: Site) -> Anchors:
    """What an auditor was given."""
    given = site.folder / "given"
    if not given.exists():
        given.mkdir()
        for purpose in (TrustPurpose.SEAL, TrustPurpose.TSA):
            (given / purpose).symlink_to(site.pki.anchors(purpose))
        (given / "log.vkey").symlink_to(site.pki.log_vkey)
    return Anchors.load(given)
