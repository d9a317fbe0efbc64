"""The comparison with the axis's own books, by the duty and by the command, against the axis simulator.

`gateway serve` sends by the wall clock and is stopped; then the duty runs on its ledger with a clock that is set
forward. The day of sending is D, in Vietnam. How the looks at the list go is written as the watcher writes it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway import channels
from gateway.clock import VIETNAM, SystemClock, instant
from gateway.foundation import Foundation, open_foundation
from gateway.ledger.offers import Failed, FailedOperation, Look, LookOperation
from gateway.maintenance.reconciler import Reconciler
from gateway.model import Endpoint
from gateway.observe import Metrics
from tests.journeys.axis_site import SYSTEM, AxisSite, axis_site
from tests.journeys.installation import MINISTRY, PROVINCE
from tests.journeys.messages import document

DAY = timedelta(days=1)


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[AxisSite]:
    async with axis_site(tmp_path, pki_folder, poll_seconds=0.2, poll_seconds_min=0.05) as made:
        yield made


@dataclass(kw_only=True)
class SetClock:
    """Shows what it was set to."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


@dataclass(kw_only=True)
class Night:
    """The duty on an open ledger."""

    base: Foundation
    clock: SetClock
    endpoint: Endpoint
    duty: Reconciler
    first: date
    metrics: Metrics = field(default_factory=Metrics)

    async def run(self, days: int, at: time) -> None:
        """At that time of Vietnam, so many days after D."""
        self.clock.at = datetime.combine(self.first + days * DAY, at, VIETNAM)
        await self.duty.run_once()

    async def looked(self, *, fine: bool) -> None:
        """What the watcher notes of a look at the list."""
        if fine:
            look = Look(endpoint_id=self.endpoint.id, items=(), at=self.clock.at)
            await self.base.pump.submit(LookOperation(), look)
        else:
            failed = Failed(endpoint_id=self.endpoint.id, reason="peer_error", detail="502", at=self.clock.at)
            await self.base.pump.submit(FailedOperation(), failed)

    async def reports(self) -> list[dict[str, Any]]:
        """Those of D and later, in the order in which they were made."""
        made = []
        for row in reversed(await self.base.readers.fetch("reconciliation_list", (100,))):
            stored = await self.base.readers.fetch_one("reconciliation_get", (row[0],))
            assert stored is not None
            made.append(json.loads(stored[1]))
        return [report for report in made if report["day"] >= self.first.isoformat()]

    async def days(self) -> list[int]:
        """Their days, counted from D."""
        return [(date.fromisoformat(report["day"]) - self.first).days for report in await self.reports()]

    def age(self) -> timedelta:
        """How old the newest comparison is, by the metric of the alert."""
        name = "gateway_reconciled_until_timestamp_seconds"
        value = self.metrics.registry.get_sample_value(name, {"endpoint": "axis"})
        assert value is not None
        return timedelta(seconds=self.clock.at.timestamp() - value)

    def findings(self) -> float | None:
        """The metric of the other alert."""
        return self.metrics.registry.get_sample_value("gateway_reconciliation_findings", {"endpoint": "axis"})


@asynccontextmanager
async def night(site: AxisSite, first: date, *, days: int = 1, at: time = time(0, 10)) -> AsyncIterator[Night]:
    """A gateway's start so many days after D, at that time of Vietnam."""
    clock = SetClock(at=datetime.combine(first + days * DAY, at, VIETNAM))
    settings = site.installation.settings
    async with open_foundation(settings, clock=clock, accept_clock=True) as base:
        # what was sent just now may be newer than that: whatever the hour at which these tests run
        endpoint = next(each for each in await base.directory.endpoints() if each.name == "axis")
        metrics = Metrics()
        # the axis lives in our time, by which its own is measured
        duty = Reconciler(base, partial(channels.make_counterpart, settings, SystemClock()), metrics)
        yield Night(base=base, clock=clock, endpoint=endpoint, duty=duty, first=first, metrics=metrics)


async def send(site: AxisSite, *numbers: str, compared: bool = True) -> tuple[date, dict[str, str]]:
    """Documents to the ministry that the axis takes at noon of D; D, and the axis's ids by their numbers.

    `compared`: so is the day before D, an hour later.
    """
    await site.start()
    refs: dict[str, str] = {}
    async with site.client(PROVINCE) as province:
        for number in numbers:
            await province.submit(document(PROVINCE, [MINISTRY], number=number))
            await site.until("SELECT 1 WHERE (SELECT COUNT(peer_ref) FROM delivery) = ?", len(refs) + 1)
            (refs[number],) = {row[0] for row in site.rows("SELECT peer_ref FROM delivery")} - set(refs.values())
    await site.until("SELECT 1 FROM source WHERE polls > 0")
    await site.stop()
    (began,) = site.rows("SELECT MIN(started_at) FROM attempt WHERE outcome = 'relayed'")
    began_at = instant(began[0]).astimezone(VIETNAM)
    first = began_at.date()
    # whatever the hour at which these tests run
    made_later(site, datetime.combine(first, time(12), VIETNAM) - began_at)
    if compared:
        async with night(site, first, days=0, at=time(13)) as lab:
            await lab.run(0, time(13))
    return first, refs


def forget(site: AxisSite, ref: str) -> None:
    """The axis loses what it took."""
    with closing(sqlite3.connect(site.axis.folder / "axis.sqlite")) as memory, memory:
        memory.execute("DELETE FROM line WHERE sent_id = ?", (ref,))
        assert memory.execute("DELETE FROM sent WHERE id = ?", (ref,)).rowcount == 1


def made_later(site: AxisSite, by: timedelta) -> None:
    """All that was sent, here and there, was sent so much later."""
    more = by // timedelta(microseconds=1)
    with closing(sqlite3.connect(site.axis.folder / "axis.sqlite")) as memory, memory:
        memory.execute("UPDATE sent SET sent_at = sent_at + ?", (more,))
    with closing(site.ledger()) as ledger, ledger:
        ledger.execute("UPDATE delivery SET created_at = created_at + ?", (more,))
        ledger.execute("UPDATE attempt SET started_at = started_at + ?, ended_at = ended_at + ?", (more, more))


def found(report: dict[str, Any]) -> dict[str, list[str]]:
    """The refs of each kind of finding that there is."""
    return {
        name: [item["ref"] for item in kind["items"]]
        for way in ("outgoing", "incoming")
        for name, kind in report[way]["findings"].items()
        if kind["count"]
    }


async def test_night_compares_the_day_before_once_and_names_what_is_missing_extra_and_stuck(site: AxisSite) -> None:
    """Not before one o'clock, and not again; what has no answer after a day is told by the next night."""
    first, refs = await send(site, "1", "2")
    forget(site, refs["1"])
    extra = await site.axis.client(SYSTEM).send(document(PROVINCE, [MINISTRY], number="3"))
    async with night(site, first) as lab:
        await lab.run(1, time(0, 50))
        assert await lab.days() == []
        await lab.run(1, time(1, 1))
        await lab.run(1, time(4, 0))
        (report,) = await lab.reports()
        assert (await lab.days(), found(report)) == (
            [0], {"missing_there": [refs["1"]], "extra_there": [str(extra["DocId"])]},
        )  # fmt: skip
        assert (lab.findings(), lab.age()) == (2, timedelta(hours=4))
        await lab.run(2, time(1, 1))
        assert await lab.days() == [0, 1]
        assert {name: sorted(of) for name, of in found((await lab.reports())[-1]).items()} == {
            "stuck": sorted(refs.values())
        }


async def test_command_names_what_is_missing_extra_and_stuck_on_a_day_that_is_over(site: AxisSite) -> None:
    """`gateway reconcile axis --day D`, for what was sent two days ago."""
    first, refs = await send(site, "1", "2", compared=False)
    extra = await site.axis.client(SYSTEM).send(document(PROVINCE, [MINISTRY], number="3"))
    forget(site, refs["1"])
    made_later(site, -2 * DAY)
    await site.start()
    day = (first - 2 * DAY).isoformat()
    code, out = await site.command("reconcile", "axis", "--day", day, "--json")
    told = {name: sorted(of) for name, of in found(json.loads(out)).items()}
    assert (code, told) == (1, {
        "missing_there": [refs["1"]], "extra_there": [str(extra["DocId"])], "stuck": sorted(refs.values()),
    })  # fmt: skip
    code, out = await site.command("reconcile", "axis", "--day", day)
    assert (code, [word in out for word in ("missing_there", "extra_there", "stuck")]) == (1, [True] * 3)
    code, out = await site.command("doctor", "axis")
    assert "every day before" in out


@pytest.mark.parametrize("restarted", [False, True], ids=["running on", "restarted"])
async def test_present_day_is_compared_after_an_outage_also_by_a_gateway_that_was_restarted(
    site: AxisSite, *, restarted: bool
) -> None:
    """Once, when the list can be read again; the ledger knows of the outage."""
    first, _ = await send(site, "1")
    async with night(site, first) as lab:
        await lab.run(1, time(1, 1))
        await lab.run(1, time(9, 0))
        await lab.looked(fine=False)
        await lab.run(1, time(9, 10))
        assert await lab.days() == [0]
        await lab.looked(fine=True)
        if not restarted:
            await lab.run(1, time(9, 20))
            await lab.run(1, time(12, 0))
            assert await lab.days() == [0, 1]
    async with night(site, first, at=time(12, 10)) as lab:
        await lab.run(1, time(12, 30))
        await lab.run(1, time(15, 0))
        assert await lab.days() == [0, 1]
        await lab.run(2, time(1, 1))
        assert await lab.days() == [0, 1, 1]  # when it is over, as every day


async def test_every_day_of_an_outage_is_compared_after_it(site: AxisSite) -> None:
    """Three nights without the axis, a restart among them: all days, and then the present one."""
    first, refs = await send(site, "1")
    forget(site, refs["1"])
    async with night(site, first) as lab:
        await lab.looked(fine=False)
        await lab.run(1, time(1, 1))
        await lab.run(2, time(1, 1))
        assert (await lab.days(), lab.age()) == ([], 2 * DAY + timedelta(hours=1, minutes=1))
    async with night(site, first, days=3) as lab:
        await lab.run(3, time(9, 0))
        await lab.looked(fine=True)
        await lab.run(3, time(9, 1))
        assert await lab.days() == [0, 1, 2, 3]
        assert (lab.findings(), lab.age()) == (5, timedelta(hours=9, minutes=1))
        missing, *later = await lab.reports()
        assert found(missing) == {"missing_there": [refs["1"]], "stuck": [refs["1"]]}
        assert [found(report) for report in later] == [{"stuck": [refs["1"]]}] * 3


async def test_days_that_are_too_old_to_make_up_for_are_named_once(site: AxisSite) -> None:
    """Twenty days after the last comparison: the last fourteen are compared, the others are in the first report."""
    first, _ = await send(site, "1")
    async with night(site, first) as lab:
        await lab.run(1, time(1, 1))
        await lab.run(20, time(9, 0))
        await lab.run(20, time(9, 1))
        assert await lab.days() == [0, *range(6, 20)]
        _, told, *others = await lab.reports()
        assert told["left_out"] == [(first + place * DAY).isoformat() for place in range(1, 6)]
        assert told["findings"] >= len(told["left_out"])
        assert not any(report["left_out"] for report in others)


async def test_night_that_cannot_be_compared_is_tried_every_hour_and_its_age_is_told(site: AxisSite) -> None:
    """The list can be read and the books cannot: no outage that the watcher sees, so this alone says it."""
    first, _ = await send(site, "1")
    await site.axis.order("html", operations=["getSentEdocList"])
    async with night(site, first) as lab:
        await lab.run(1, time(1, 1))
        await lab.run(1, time(7, 0))
        assert (await lab.days(), lab.age()) == ([], timedelta(hours=31))
        await site.axis.calm()
        await lab.run(1, time(7, 30))
        assert await lab.days() == []
        await lab.run(1, time(8, 1))
        assert (await lab.days(), lab.age()) == ([0], timedelta(hours=8, minutes=1))
