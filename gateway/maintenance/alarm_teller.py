"""Tells the people who look after the gateway of alarms: by mail, several in one, and by a push of each.

A telling is a row before anybody dials (`gateway.ledger.alarms`). What cannot be told, whatever the reason, is
tried again with growing pauses for three days; then an event says so. Mails to one address leave some minutes
apart, unless about hỏa tốc, which goes first. A server that does not answer is asked once in a run.
"""

from __future__ import annotations

from collections.abc import Sequence
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
#: After so long the rest is left to the next run, which begins with new hỏa tốc.
_RUN: Final = timedelta(seconds=30)
#: The server was not reached or did not answer: it will not for the next one either.
_NOBODY: Final = frozenset(
    {
        "connect_failed",
        "connection_lost",
        "peer_timeout",
        "peer_tls_failed",
        "peer_credential_rejected",
        "outcome_unknown",
    }
)

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
        #: Address -> when it got a mail last.
        self._mailed: dict[str, datetime] = {}

    async def run_once(self) -> None:
        """Everything that is due."""
        base = self._base
        now = base.clock.now()
        count, since, half = (await base.readers.fetch("alarm_notice_count_waiting", (micros(now),)))[0]
        # said before anything is written or sent: what waits must be seen though neither can be done
        self._metrics.alarms_untold_seconds.set((now - instant(since)).total_seconds() if count else 0.0)
        if not count:
            return
        if half:  # only this duty sends, one run after the other
            await base.pump.submit(TakeUpOperation(), None)
        rows = await base.readers.fetch("alarm_notice_list_due", {"now": micros(now), "limit": _DUE})
        await self._send_all(self._groups([_notice(row) for row in rows], now), now)

    async def _send_all(self, groups: Sequence[Sequence[Notice]], now: datetime) -> None:
        mute: set[str] = set()
        for group in groups:
            way = group[0].way
            if self._base.clock.now() - now >= _RUN:
                break
            if way in mute:
                continue
            try:
                reason = await self._send(group, now)
            except Exception as error:  # noqa: BLE001  # the telling's boundary: the next run takes it up
                _log.exception("alarm.not_told", way=way, error=type(error).__name__)
                continue
            if reason in _NOBODY:
                mute.add(way)

    def _groups(self, due: Sequence[Notice], now: datetime) -> list[list[Notice]]:
        """What goes out together: all that is due for one address; a push goes alone, after the mails."""
        groups: dict[tuple[str, str, bool], list[Notice]] = {}
        for each in due:
            key = (each.target, each.id if each.way == "push" else "", _is_late(each, now))
            groups.setdefault(key, []).append(each)
        ready = [group for group in groups.values() if self._is_time(group, now)]
        return sorted(ready, key=lambda group: (group[0].way, not any(each.is_flash for each in group)))

    def _is_time(self, group: Sequence[Notice], now: datetime) -> bool:
        mailed = self._mailed.get(group[0].target)
        is_flash = any(each.is_flash and each.about != "closed" for each in group)
        return group[0].way == "push" or mailed is None or now - mailed >= _BREATH or is_flash

    async def _send(self, group: Sequence[Notice], now: datetime) -> str:
        """Why it was not told; "" where it was, or is nothing to be told."""
        base, first = self._base, group[0]
        ids = tuple(each.id for each in group)
        service = self._parts.mailer if first.way == "mail" else self._parts.teller
        is_wanted = (first.way, first.target) in ways(base.settings.alarms)
        is_late = _is_late(first, now)
        if service is None and is_wanted and not is_late:
            return ""
        telling = Telling(notices=ids, boot_id=base.boot_id, now=now)
        if await base.pump.submit(self._tell, telling) != len(ids):
            raise GatewayError("notices of alarms were claimed by somebody else")
        if not is_wanted or is_late:
            reason = "gave_up" if is_wanted else "not_found"
            await self._settle(group, Outcome(kind=OutcomeKind.REFUSED, reason=reason), is_final=True)
            return ""
        outcome = await self._dial(group)
        await self._settle(group, outcome)
        return outcome.reason

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
        except Exception as error:  # noqa: BLE001  # the telling's boundary: it may have been told
            _log.exception("alarm.telling_failed", way=first.way, error=type(error).__name__)
            return Outcome(kind=OutcomeKind.UNKNOWN, reason="internal_error", detail=type(error).__name__)

    async def _settle(self, group: Sequence[Notice], outcome: Outcome, *, is_final: bool = False) -> None:
        now = self._base.clock.now()
        unsent: Literal["waiting", "failed"] = "failed" if is_final else "waiting"
        state = "sent" if outcome.kind is OutcomeKind.DELIVERED else unsent
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


def _is_late(notice: Notice, now: datetime) -> bool:
    return now - instant(notice.created_at) > _GIVE_UP_AFTER


def _notice(row: Sequence[object]) -> Notice:
    values = dict(zip(Notice.__dataclass_fields__, row, strict=True))
    return Notice(**values | {"facts": msgspec.json.decode(str(values["facts"]))})  # type: ignore[arg-type]
