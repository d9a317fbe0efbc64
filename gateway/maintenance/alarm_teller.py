"""Tells the people who look after the gateway of alarms: by mail, several in one, and by a push of each.

A telling is a row before anybody dials (`gateway.ledger.alarms`). What cannot be told is tried again with growing
pauses for three days; then an event says so. Mails to one address leave some minutes apart, unless about hỏa tốc.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
import structlog

from gateway.alarms.deciding import ways
from gateway.alarms.telling import Notice, letter, pushed
from gateway.alerting import pause_after
from gateway.clock import instant, micros
from gateway.errors import GatewayError
from gateway.foundation import Foundation
from gateway.ledger.alarms import TakeUpOperation, Telling, TellingOperation
from gateway.model import Endpoint, Outcome, OutcomeKind
from gateway.observe import Metrics
from gateway.ports import Letter, Mailer, Teller

_DUE: Final = 500
_GIVE_UP_AFTER: Final = timedelta(days=3)
#: Between two mails to one address.
_BREATH: Final = timedelta(minutes=5)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class TellerParts:
    """What it tells by; a way that is not set up is None."""

    mailer: Mailer | None
    teller: Teller | None
    #: Where alarms are pushed to.
    receiver: Endpoint


class AlarmTeller:
    """The duty."""

    name = "alarm teller"
    every = timedelta(seconds=10)

    def __init__(self, base: Foundation, parts: TellerParts, metrics: Metrics) -> None:
        self._base, self._parts, self._metrics = base, parts, metrics
        self._tell = TellingOperation()
        self._has_begun = False
        #: Address -> when it got a mail last.
        self._mailed: dict[str, datetime] = {}

    async def run_once(self) -> None:
        """Everything that is due."""
        base = self._base
        now = base.clock.now()
        if not self._has_begun:
            await base.pump.submit(TakeUpOperation(), base.boot_id)
            self._has_begun = True
        rows = await base.readers.fetch("alarm_notice_list_due", {"now": micros(now), "limit": _DUE})
        for group in self._groups([_notice(row) for row in rows], now):
            await self._send(group, now)
        count, since = (await base.readers.fetch("alarm_notice_count_waiting", (micros(now),)))[0]
        late = (now - instant(since)).total_seconds() if count else 0.0
        self._metrics.alarms_untold_seconds.set(late)

    def _groups(self, due: Sequence[Notice], now: datetime) -> list[list[Notice]]:
        """What goes out together: all that is due for one address; a push goes alone."""
        groups: dict[tuple[str, str], list[Notice]] = {}
        for each in due:
            groups.setdefault((each.target, each.id if each.way == "push" else ""), []).append(each)
        return [group for group in groups.values() if self._is_time(group, now)]

    def _is_time(self, group: Sequence[Notice], now: datetime) -> bool:
        mailed = self._mailed.get(group[0].target)
        return group[0].way == "push" or mailed is None or now - mailed >= _BREATH or any(x.is_flash for x in group)

    async def _send(self, group: Sequence[Notice], now: datetime) -> None:
        base, first = self._base, group[0]
        ids = tuple(each.id for each in group)
        service = self._parts.mailer if first.way == "mail" else self._parts.teller
        is_wanted = (first.way, first.target) in ways(base.settings.alarms)
        is_late = now - instant(first.created_at) > _GIVE_UP_AFTER
        if service is None and is_wanted and not is_late:
            return
        telling = Telling(notices=ids, boot_id=base.boot_id, now=now)
        if await base.pump.submit(self._tell, telling) != len(ids):
            raise GatewayError("notices of alarms were claimed by somebody else")
        if not is_wanted or is_late:
            outcome = Outcome(kind=OutcomeKind.REFUSED, reason="gave_up" if is_wanted else "not_found")
        else:
            outcome = await self._dial(group)
        await self._settle(group, outcome)

    async def _dial(self, group: Sequence[Notice]) -> Outcome:
        first, url = group[0], self._base.settings.console.public_url
        try:
            if first.way == "push":
                assert self._parts.teller is not None
                content = msgspec.json.encode(pushed(first, url))
                return await self._parts.teller.tell(self._parts.receiver, first.id, content)
            assert self._parts.mailer is not None
            subject, text = letter(group, url)
            self._mailed[first.target] = self._base.clock.now()
            return await self._parts.mailer.send(
                Letter(to=first.target, subject=subject, text=text, id=first.id, token=first.id)
            )
        except GatewayError as error:
            return Outcome(kind=OutcomeKind.DEFERRED, reason="internal_error", detail=type(error).__name__)

    async def _settle(self, group: Sequence[Notice], outcome: Outcome) -> None:
        now = self._base.clock.now()
        state: Literal["waiting", "sent", "failed"] = _STATES.get(outcome.kind, "waiting")
        if state != "sent":
            _log.warning("alarm.not_told", way=group[0].way, reason=outcome.reason, detail=outcome.detail)
        telling = Telling(
            notices=tuple(each.id for each in group),
            boot_id=self._base.boot_id,
            now=now,
            state=state,
            due_at=now + pause_after(max(each.failures for each in group)),
            reason=outcome.reason,
            is_doubted=outcome.kind is OutcomeKind.UNKNOWN,
        )
        await self._base.pump.submit(self._tell, telling)


_STATES: Final[Mapping[OutcomeKind, Literal["sent", "failed"]]] = {
    OutcomeKind.DELIVERED: "sent",
    OutcomeKind.REFUSED: "failed",
}


def _notice(row: Sequence[object]) -> Notice:
    values = dict(zip(Notice.__dataclass_fields__, row, strict=True))
    return Notice(**values | {"facts": msgspec.json.decode(str(values["facts"]))})  # type: ignore[arg-type]
