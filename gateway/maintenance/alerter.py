"""Tells agencies that documents wait: by mail one by one, by a digest of the day, and by calls about urgent ones.

Each run goes: 1. what came into inboxes becomes alerts, in one transaction with the place up to which that is done;
2. the digest of the day, once it is time; 3. what is due goes out, several documents in one mail; 4. bounces.

- What was fetched meanwhile is not told any more; what somebody acknowledged is not called about again. What a list
  alone has shown is called about all the same: a desk that is left open says 01 by itself, and nobody has seen it.
  What a person reminds of is told until it is registered or returned, or answered where that is due.
- An agency gets at most `mail.per_hour` mails and `calls.per_hour` calls an hour; the rest waits and shares one.
- The mail server's or call gateway's outage delays alerts, with growing pauses, for three days, and nothing else.
- An attempt is committed before anybody dials; see `gateway.ledger.alerts` for what a crash leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import structlog

from gateway import alerting
from gateway.alerting import Waiting, Wishes
from gateway.clock import Clock, instant, micros
from gateway.config.settings import Settings
from gateway.directory.directory import Directory
from gateway.errors import GatewayError
from gateway.ids import uuid7
from gateway.ledger.alerts import (
    BeginOperation,
    Bounced,
    BounceOperation,
    Claim,
    ClaimOperation,
    Ended,
    EndOperation,
    NewAlert,
    Planned,
    PlanOperation,
    Put,
    PutOperation,
    Way,
)
from gateway.ledger.reminders import is_due
from gateway.maintenance.bounces import look, put_away
from gateway.model import AgencyId, BootId, Endpoint, Outcome, OutcomeKind, whole_code
from gateway.ports import Letter, Mailer, Teller
from gateway.states import State
from gateway.storage.bodies import Bodies
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_SPAN, _DUE = 1000, 500
_LETTERS_PER_RUN = 100
_GIVE_UP_AFTER = timedelta(days=3)
_POSTPONED = timedelta(minutes=10)
_HOUR = timedelta(hours=1)
#: Nobody there, or not for us: what else is due would fare the same.
_OUTAGES = frozenset({"connect_failed", "peer_tls_failed", "peer_credential_rejected", "target_not_allowed"})

_WAITS = frozenset({State.QUEUED, State.HELD})
_GONE = frozenset({State.IN_FLIGHT, State.DELIVERED, State.ACKNOWLEDGED})

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A row of `alert_list_due`."""

    id: str
    way: Way
    agency_id: str
    delivery_id: str | None
    target: str
    failures: int
    doubted: bool
    created_at: int
    state: str | None
    fetched_at: int | None
    number: str | None
    notation: str | None
    sender_code: str | None
    priority: int | None
    sha256: str | None
    size: int | None
    message_id: str | None
    acknowledged: bool
    came_at: int | None
    #: Of the reminder that it tells; 0: of the first telling.
    reminded_at: int
    #: Whether a later reminder tells of it.
    overtaken: bool
    #: Registered, returned or finished.
    answered: bool
    #: The day by which an answer is due that has not come; "": none is.
    due_on: str
    #: A list has shown it, and 01 went out by itself; nobody has opened it.
    is_listed_alone: bool

    def owes(self, now: datetime) -> bool:
        """Whether it is a reminder that no more than the answer is missing."""
        return bool(self.reminded_at) and self.answered and is_due(self.due_on, now)


@dataclass(frozen=True, kw_only=True, slots=True)
class AlerterParts:
    """What it works on; a way without its service is None."""

    readers: Readers
    pump: Pump
    bodies: Bodies
    directory: Directory
    clock: Clock
    boot_id: BootId
    settings: Settings
    mailer: Mailer | None
    teller: Teller | None
    #: Where calls go, as a channel.
    calls: Endpoint
    #: Signs the links in calls.
    secret: bytes = b""


class Alerter:
    """The duty."""

    name = "alerter"
    every = timedelta(seconds=5)

    def __init__(self, parts: AlerterParts) -> None:
        self._parts = parts
        self._has_begun = False
        #: Way -> until when its service is left alone.
        self._quiet: dict[Way, datetime] = {}
        #: The day, and the agencies whose digest of it was decided.
        self._digested: tuple[str, set[str]] = ("", set())
        self._plan, self._claim, self._end, self._put = (
            PlanOperation(), ClaimOperation(), EndOperation(), PutOperation(),
        )  # fmt: skip

    async def run_once(self) -> None:
        """The four steps."""
        parts = self._parts
        if not self._has_begun:
            doubted = await parts.pump.submit(BeginOperation(), (parts.boot_id, parts.clock.now()))
            self._has_begun = True
            if doubted:
                _log.warning("alerts.doubted", attempts=doubted)
        await self._plan_new()
        await self._plan_digests()
        await self._send_due()
        await self._take_bounces()

    # 1

    async def _plan_new(self) -> None:
        parts = self._parts
        while True:
            row = await parts.readers.fetch_one("alert_cursor_read")
            after = row[0] if row else 0
            last = await parts.readers.fetch_one("alert_span_read", {"after": after, "span": _SPAN})
            if last is None or last[0] is None:
                return
            found = await parts.readers.fetch("alert_list_candidates", {"after": after, "upto": last[0]})
            now = parts.clock.now()
            alerts = [alert for candidate in found for alert in self._alerts_of(candidate, now)]
            await parts.pump.submit(self._plan, Planned(alerts=tuple(alerts), upto=last[0], now=now))

    def _alerts_of(self, candidate: Sequence[object], now: datetime) -> Iterable[NewAlert]:
        delivery_id, agency_id, priority, text = candidate
        assert isinstance(priority, int)
        wishes = msgspec.json.decode(str(text), type=Wishes)
        settings = self._parts.settings
        is_urgent = priority >= settings.calls.priority
        if wishes.notices != "digest" or is_urgent:
            wait = timedelta() if is_urgent else settings.mail.wait
            for address in wishes.mail:
                yield NewAlert(
                    way="mail",
                    agency_id=str(agency_id),
                    target=address,
                    delivery_id=str(delivery_id),
                    due_at=now + wait,
                )
        for person in wishes.calls if is_urgent else ():
            yield NewAlert(
                way="call",
                agency_id=str(agency_id),
                target=person.number,
                delivery_id=str(delivery_id),
                due_at=now + timedelta(minutes=person.after_minutes),
            )

    # 2

    async def _plan_digests(self) -> None:
        parts = self._parts
        now = parts.clock.now()
        day, at = alerting.day_of(now, parts.settings.mail.digest_at)
        if now < at:
            return
        if self._digested[0] != day:
            self._digested = (day, set())
        for agency_id, wishes in alerting.wishes_of(await parts.readers.fetch("alerting_list_all")).items():
            if agency_id in self._digested[1] or wishes.notices == "each" or not wishes.mail:
                continue
            if await parts.readers.fetch_one("alert_digest_exists", (agency_id, day)):
                self._digested[1].add(agency_id)
                continue
            counted = await parts.readers.fetch_one("alert_count_waiting", (agency_id,))
            settled = "" if counted and counted[0] else "nothing_waits"
            alerts = [
                NewAlert(way="mail", agency_id=agency_id, target=address, day=day, due_at=now, settled=settled)
                for address in wishes.mail
            ]
            await parts.pump.submit(self._plan, Planned(alerts=tuple(alerts), now=now))

    # 3

    async def _send_due(self) -> None:
        parts = self._parts
        rows = await parts.readers.fetch("alert_list_due", {"now": micros(parts.clock.now()), "limit": _DUE})
        due = [Due(**dict(zip(Due.__dataclass_fields__, row, strict=True))) for row in rows]
        bounced = {row[0] for row in await parts.readers.fetch("bounced_address_list")}
        wanted = [one for one in due if not await self._is_dropped(one, bounced)]
        wishes = alerting.wishes_of(await parts.readers.fetch("alerting_list_all"))
        for group in _groups(wanted, wishes, parts.clock.now())[:_LETTERS_PER_RUN]:
            await self._send(group, wishes.get(group[0].agency_id, Wishes()))

    async def _is_dropped(self, one: Due, bounced: set[str]) -> bool:
        now = self._parts.clock.now()
        why = _why_dropped(one, bounced, now)
        if why:
            await self._parts.pump.submit(self._put, Put(alert_ids=(one.id,), reason=why, now=now))
        elif one.state == State.HELD:  # nobody may fetch it yet
            await self._parts.pump.submit(self._put, Put(alert_ids=(one.id,), now=now, due_at=now + _POSTPONED))
            return True
        return bool(why)

    async def _send(self, group: Sequence[Due], wishes: Wishes) -> None:
        parts, first = self._parts, group[0]
        now, ids = parts.clock.now(), tuple(one.id for one in group)
        service = parts.mailer if first.way == "mail" else parts.teller
        if service is None or self._quiet.get(first.way, now) > now:
            return
        if await self._has_had_enough(first.way, first.agency_id, now):
            await parts.pump.submit(self._put, Put(alert_ids=ids, now=now, due_at=now + _POSTPONED))
            return
        attempt_id = uuid7()
        claim = Claim(
            attempt_id=attempt_id, boot_id=parts.boot_id, way=first.way, target=first.target, alert_ids=ids, now=now
        )
        if await parts.pump.submit(self._claim, claim) != frozenset(ids):
            raise GatewayError("alerts were claimed by somebody else")
        try:
            outcome = await (self._mail(group, wishes) if first.way == "mail" else self._call(group))
        except GatewayError as error:
            outcome = Outcome(kind=OutcomeKind.DEFERRED, reason="internal_error", detail=type(error).__name__)
        await self._settle(group, attempt_id, outcome)

    async def _settle(self, group: Sequence[Due], attempt_id: str, outcome: Outcome) -> None:
        parts, first = self._parts, group[0]
        now = parts.clock.now()
        pause = alerting.pause_after(max(one.failures for one in group))
        if outcome.reason in _OUTAGES:
            self._quiet[first.way] = now + pause
            _log.warning("alerts.outage", way=first.way, reason=outcome.reason, detail=outcome.detail)
        is_bounced = outcome.reason == "mail_address_refused"
        ended = Ended(
            attempt_id=attempt_id,
            outcome=_OUTCOMES[outcome.kind],
            now=now,
            due_at=now + pause,
            reason=outcome.reason,
            detail=outcome.detail,
            bounced=first.target if is_bounced else "",
        )
        await parts.pump.submit(self._end, ended)

    async def _has_had_enough(self, way: Way, agency_id: str, now: datetime) -> bool:
        settings = self._parts.settings
        most = settings.mail.per_hour if way == "mail" else settings.calls.per_hour
        sent = await self._parts.readers.fetch_one("alert_count_sent", (agency_id, way, micros(now - _HOUR)))
        return bool(sent and sent[0] >= most)

    async def _mail(self, group: Sequence[Due], wishes: Wishes) -> Outcome:
        parts, first = self._parts, group[0]
        assert parts.mailer is not None
        code, url = await self._code_of(first.agency_id), parts.settings.server.public_url
        attachment = None
        if first.delivery_id is None:
            counted = await parts.readers.fetch_one("alert_count_waiting", (first.agency_id,))
            count, oldest = counted or (0, None)
            subject, text = alerting.digest(code, count, instant(oldest or first.created_at), url=url)
        else:
            waiting = [_waiting(one) for one in group]
            doubted = any(one.doubted for one in group)
            reminded = any(one.reminded_at for one in group)
            subject, text = alerting.notice(
                code,
                waiting,
                details=wishes.details,
                doubted=doubted,
                reminded=reminded,
                url=url,
                owed=first.owes(parts.clock.now()),
            )
            if wishes.attach and (first.size or 0) <= parts.settings.mail.attach_most:
                attachment = f"{first.message_id}.edxml", await self._content(str(first.sha256))
        letter = Letter(
            to=first.target, subject=subject, text=text, id=first.id, token=first.id, attachment=attachment
        )
        return await parts.mailer.send(letter)

    async def _call(self, group: Sequence[Due]) -> Outcome:
        parts, first = self._parts, group[0]
        assert parts.teller is not None
        code, priority = await self._code_of(first.agency_id), max(one.priority or 0 for one in group)
        link = f"{parts.settings.server.public_url}/api/v1/alerts/{alerting.link_token(parts.secret, first.id)}"
        content = {
            "to": first.target,
            "text": alerting.call_text(
                code,
                len(group),
                priority,
                reminded=any(one.reminded_at for one in group),
                owed=first.owes(parts.clock.now()),
            ),
            "acknowledge": link,
            "priority": priority,
            "repeated": any(one.doubted for one in group),
        }
        return await parts.teller.tell(parts.calls, first.id, msgspec.json.encode(content))

    async def _code_of(self, agency_id: str) -> str:
        found = await self._parts.directory.agencies([AgencyId(agency_id)])
        return str(found[AgencyId(agency_id)].organ_id)

    async def _content(self, sha256: str) -> bytes:
        return await (await self._parts.bodies.open_sound(sha256)).read()

    # 4

    async def _take_bounces(self) -> None:
        parts = self._parts
        mail = parts.settings.mail
        folder = mail.bounce_folder
        if folder is None or not mail.bounces or not await asyncio.to_thread((folder / "new").is_dir):
            return
        arrived = await asyncio.to_thread(look, folder, mail.bounces)
        for one in arrived:
            row = await parts.readers.fetch_one("alert_find", (one.token,)) if one.token else None
            if row is None or row[4] != "mail":
                continue
            bounced = Bounced(
                address=row[5],
                reason="mail_address_refused",
                detail=f"a bounce says {one.status}",
                now=parts.clock.now(),
            )
            await parts.pump.submit(BounceOperation(), bounced)
        if arrived:
            await asyncio.to_thread(put_away, folder, arrived)


_OUTCOMES: dict[OutcomeKind, Literal["sent", "deferred", "failed", "unknown"]] = {
    OutcomeKind.DELIVERED: "sent",
    OutcomeKind.REFUSED: "failed",
    OutcomeKind.UNKNOWN: "unknown",
    OutcomeKind.DEFERRED: "deferred",
}


def _why_dropped(one: Due, bounced: set[str], now: datetime) -> str:
    """Why nobody is told; "" where somebody is."""
    if one.target in bounced:
        return "mail_address_refused"
    if one.overtaken:
        return "reminded"
    if one.acknowledged and one.way == "call":
        return "acknowledged"
    return _why_settled(one, now) or ("gave_up" if now - instant(one.created_at) > _GIVE_UP_AFTER else "")


def _why_settled(one: Due, now: datetime) -> str:
    if one.reminded_at and one.answered and not one.owes(now):
        return "answered"
    if one.is_listed_alone and one.way == "call":
        return ""
    if one.delivery_id is None or one.state in (_WAITS | _GONE if one.reminded_at else _WAITS):
        return "fetched" if one.fetched_at is not None and not one.reminded_at else ""
    return "fetched" if one.state in _GONE else str(one.state)


def _groups(due: Sequence[Due], wishes: dict[str, Wishes], now: datetime) -> list[list[Due]]:
    """What goes out together: documents for one address of one agency, unless they go as attachments.

    What is registered and only to be answered goes apart, in other words.
    """
    groups: dict[tuple[str, ...], list[Due]] = {}
    for one in due:
        attached = one.way == "mail" and wishes.get(one.agency_id, Wishes()).attach
        alone = attached or one.delivery_id is None
        key = (one.way, one.agency_id, one.target, one.id if alone else "", str(one.owes(now)))
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _waiting(one: Due) -> Waiting:
    return Waiting(
        number=whole_code(one.number, one.notation),
        sender_code=one.sender_code or "",
        priority=one.priority or 0,
        came_at=instant(one.came_at or one.created_at),
    )
