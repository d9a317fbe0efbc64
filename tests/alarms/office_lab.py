"""A data folder without a server: three communes behind one inbox, two behind one webhook, the axis; and alarms."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gateway.admin import watching
from gateway.admin.offices import Office, offices
from gateway.clock import VIETNAM
from gateway.condition import Condition
from gateway.config.values import Size
from gateway.directory.endpoint_changes import MarkEndpoint, MarkEndpointOperation
from gateway.directory.importer import import_agencies
from gateway.foundation import Foundation, open_foundation
from gateway.ledger.acts import Act, ActOperation
from gateway.ledger.alarms import Alarm
from gateway.ledger.claims import ClaimDue, ClaimOperation, Finish, FinishOperation
from gateway.ledger.inbox import Fetch, FetchOperation
from gateway.ledger.record import RecordMessage
from gateway.maintenance.alarm_watch import AlarmWatch
from gateway.model import Endpoint, OutcomeKind, SendReport
from gateway.retry import RetryPlan
from gateway.states import Trigger
from tests.journeys.alert_lab import Watch
from tests.journeys.installation import prepare
from tests.ledger.lab import message, outcome

THREE, FOUR, FIVE = "005.02.02.H33", "005.02.03.H33", "006.02.02.H33"
PHONE = "0297 3 000 003"
_MORE = f"""organ_id,name,kind,endpoint,phone
{THREE},UBND xã Ba,commune,commune,{PHONE}
{FOUR},UBND xã Bốn,commune,commune,
{FIVE},UBND xã Năm,commune,pushed,0297 3 000 005
"""
GOOD, BAD, NO = OutcomeKind.DELIVERED, OutcomeKind.DEFERRED, OutcomeKind.REFUSED


def tuesday() -> datetime:
    """A morning of a week that is worked on, in the past: ids are made by the machine's own clock."""
    return datetime(2026, 11, 24, 8, 0, tzinfo=VIETNAM)


@dataclass(kw_only=True)
class OfficeLab:
    """All of it."""

    base: Foundation
    clock: Watch
    conditions: dict[str, Condition] = field(default_factory=dict)
    watch: AlarmWatch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = AlarmWatch(self.base, lambda: self.conditions)

    async def send(self, code: str, name: str, *, lane: int = 2) -> None:
        """A document for an office."""
        agency = await self.base.directory.require(code, self.clock.now())
        endpoint = agency.endpoint
        assert endpoint is not None
        new = message("i1" if endpoint.kind == "inbox" else "a1", name=name, at=self.clock.now(), lane=lane)
        (dispatch,), (delivery,) = new.dispatches, new.deliveries
        priority = {0: 3, 1: 1}.get(lane, 0)
        new = dataclasses.replace(
            new,
            message=dataclasses.replace(new.message, sender_id=agency.id, priority=priority),
            dispatches=(dataclasses.replace(dispatch, endpoint_id=endpoint.id, recipient_id=agency.id),),
            deliveries=(dataclasses.replace(delivery, endpoint_id=endpoint.id, recipient_id=agency.id),),
        )
        await self.base.pump.submit(RecordMessage(), new)

    async def fetch(self, name: str) -> None:
        """Its office takes it, and says nothing yet."""
        ask = Fetch(
            delivery_id=f"{name}/i1", reader="r", actor="agency:x", boot_id=self.base.boot_id, now=self.clock.now(),
            peer={},
        )  # fmt: skip
        await self.base.pump.submit(FetchOperation(), ask)

    async def call(self, how: OutcomeKind, channel: str = "pushed") -> None:
        """The next try over a channel."""
        now, later = self.clock.now(), self.clock.now() + timedelta(days=1)
        due = ClaimDue(
            boot_id=self.base.boot_id, now=now, lease_until=later,
            capacity=(((await self.endpoint(channel)).id, 1),), limit=1, ageing=timedelta(hours=1),
        )  # fmt: skip
        (outgoing,) = await self.base.pump.submit(ClaimOperation(), due)
        finish = Finish(
            attempt_id=outgoing.attempt_id,
            dispatch_id=outgoing.dispatch_id,
            now=now,
            report=SendReport(outcomes={line.id: outcome(how) for line in outgoing.deliveries}),
            retry=RetryPlan(due_at=later, counts=True),
        )
        await self.base.pump.submit(FinishOperation(), finish)

    async def act(self, trigger: Trigger, line: str) -> None:
        """A person does it to a line."""
        now, later = self.clock.now(), self.clock.now() + timedelta(days=1)
        ask = Act(trigger=trigger, delivery_ids=(line,), actor="user:x", note="lý do", now=now, give_up_at=later)
        (done,) = await self.base.pump.submit(ActOperation(), ask)
        assert done.moved

    async def mark(self, channel: str, *, up: bool) -> None:
        """It is down, or up again."""
        mark = MarkEndpoint(
            endpoint_id=(await self.endpoint(channel)).id, up=up, reason="connect_failed", now=self.clock.now()
        )
        await self.base.directory.apply(self.base.pump, MarkEndpointOperation(), mark)

    async def endpoint(self, name: str) -> Endpoint:
        """One of the channels."""
        return next(each for each in await self.base.directory.endpoints() if each.name == name)

    async def channel(self, name: str) -> watching.Channel:
        """As the console has it."""
        return next(each for each in await watching.channels(self.base) if each.state.endpoint.name == name)

    async def offices(self) -> dict[str, Office]:
        """As the map has them, by the last word of their names."""
        return {each.agency.name.rpartition(" ")[2]: each for each in await offices(self.base)}

    async def words(self) -> dict[str, str]:
        """How each office is."""
        return {name: each.standing.judgement.health.value for name, each in (await self.offices()).items()}

    async def looked(self, times: int = 2) -> list[Alarm]:
        """What is open after some looks; that no server answers is another one."""
        for _ in range(times):
            await self.watch.run_once()
        found = [Alarm.of_row(row) for row in await self.base.readers.fetch("alarm_list_open", (99,))]
        return sorted(
            (each for each in found if each.rule != "not_ready"), key=lambda each: (each.rule, each.since)
        )


@asynccontextmanager
async def opened(folder: Path, pki_folder: Path) -> AsyncIterator[OfficeLab]:
    """Laid out and open."""
    made = await prepare(folder, pki_folder)
    alarms = dataclasses.replace(made.settings.alarms, disk=Size(0))  # how full the machine is is not looked at
    settings = dataclasses.replace(made.settings, alarms=alarms)
    async with open_foundation(settings, purpose="test") as found:
        report = await import_agencies(
            found.directory, found.pump, found.readers, _MORE.encode(), actor="operator:test", now=found.clock.now()
        )
        assert not report.problems, report.problems
        clock = Watch(at=tuesday())
        yield OfficeLab(base=dataclasses.replace(found, clock=clock), clock=clock)
