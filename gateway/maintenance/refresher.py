"""Fetches what CAs say about revocation, so that it is at hand when a signature is judged.

1. wanted     where the certificates of each signature that was judged say that their CAs tell: lists from now on,
              an OCSP responder when there is no list, or the list cannot be had
2. fetch      each list once an interval, and before it ends; a server that fails is left alone for a while, longer
              with each failure, while the others are asked
3. own        so are those of our own certificates (seal, institution) and of whoever stamped for us last: bundles
              bring them along
4. tell       while an address gives nothing, or documents wait for a CA, the state is *degraded*; *late* once
              documents were decided without it. It is seen everywhere, and nothing stops

An address comes from a certificate that a trusted CA issued (the report names no others), or from the settings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from gateway.clock import Clock, instant
from gateway.condition import UNSEEN, Condition, Health
from gateway.config.revocation import RevocationSettings
from gateway.errors import GatewayError, StorageError
from gateway.ledger.revocations import PutSources, RevocationReads, Source
from gateway.ledger.stamps import newest_stamps
from gateway.maintenance.abreast import side_by_side
from gateway.maintenance.answers import Answers
from gateway.observe import Metrics
from gateway.signatures.model import Lookup
from gateway.standing import pause_after
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: How long a server that failed is left alone; doubles with each failure in a row.
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(minutes=15)
_AT_ONCE: Final = 4
#: A list that has ended is not asked for more often than this.
_LEAST_WAIT: Final = timedelta(minutes=1)
_TIDY_EVERY: Final = timedelta(hours=6)
#: How often the ledger is told that a source is still wanted.
_WANTED_EVERY: Final = timedelta(days=1)
#: More than a country has; beyond them somebody issues certificates to fill our disk.
_MOST: Final = 2_000
_SHOWN: Final = 3
#: How often our own certificates are looked at, as those of documents that wait; and whether another server stamps.
_OWN_EVERY: Final = timedelta(hours=1)
_STAMPS_EVERY: Final = timedelta(minutes=1)
#: The last stamps: of as many servers at the most.
_STAMPS: Final = 8
#: How often the documents that wait are counted while none is looked at.
_COUNT_EVERY: Final = timedelta(minutes=1)

_log = structlog.get_logger(__name__)
_Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """What the gateway itself stands on."""

    #: Our own certificates, PEM; a file may be missing.
    certificates: tuple[Path, ...]
    #: Folders of the CAs above them, and above whoever stamps for us.
    anchors: tuple[Path, ...]


@dataclass(kw_only=True, slots=True)
class _Standing:
    """How an address fared in this run."""

    due_at: datetime
    failures: int = 0

    def failed(self, now: datetime) -> None:
        self.due_at = now + pause_after(self.failures, FIRST_PAUSE, LONGEST_PAUSE)
        self.failures += 1


@dataclass(kw_only=True, slots=True)
class _Responder:
    """The OCSP responders of one certificate."""

    lookup: Lookup
    standing: _Standing
    #: When a signature last lacked what they would say; documents that wait are looked at every hour.
    wanted_at: datetime
    fault: str = ""


@dataclass(kw_only=True, slots=True)
class _Known:
    """What may be asked."""

    lists: dict[_Key, Source] = field(default_factory=dict)
    standings: dict[_Key, _Standing] = field(default_factory=dict)
    #: By certificate.
    responders: dict[str, _Responder] = field(default_factory=dict)
    #: Lists of which the ledger does not know yet that they are wanted.
    unsaved: set[_Key] = field(default_factory=set)


class Refresher:
    """One per server."""

    name = "revocation"
    every = timedelta(seconds=1)

    def __init__(
        self,
        answers: Answers,
        readers: Readers,
        pump: Pump,
        *,
        settings: RevocationSettings,
        own: Own,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._answers, self._readers, self._pump = answers, readers, pump
        self._settings, self._own, self._clock, self._metrics = settings, own, clock, metrics
        self._known = _Known()
        self._tidy_at: datetime | None = None
        #: Who stamped last; when that, and when our own certificates are looked at again.
        self._stamped_by: frozenset[str] = frozenset()
        self._stamps_at: datetime | None = None
        self._own_at: datetime | None = None
        #: Documents that wait, since when, and those decided; counted anew from then on.
        self._waiting: tuple[int, int | None, int] = (0, None, 0)
        self._count_at: datetime | None = None
        #: How it is.
        self.condition = UNSEEN

    def want(self, lookups: Sequence[Lookup]) -> None:
        """What a signature was judged by, or could be judged by; fetched with the next run where it is due."""
        if lookups:
            self._count_at = None
        if not self._settings.fetch:
            return
        now, known = self._clock.now(), self._known
        for lookup in lookups:
            for key in _keys(lookup):
                self._want_list(key, lookup, now)
            if lookup.answered or not lookup.ocsps or self._has_list(lookup):
                known.responders.pop(lookup.certificate, None)
            elif lookup.certificate in known.responders:
                known.responders[lookup.certificate].wanted_at = now
            elif len(known.responders) < _MOST:
                standing = _Standing(due_at=now)
                known.responders[lookup.certificate] = _Responder(lookup=lookup, standing=standing, wanted_at=now)

    def _has_list(self, lookup: Lookup) -> bool:
        lists = (self._known.lists.get(key) for key in _keys(lookup))
        return any(each is not None and each.failing_since is None for each in lists)

    def _want_list(self, key: _Key, lookup: Lookup, now: datetime) -> None:
        known = self._known
        source = known.lists.get(key)
        if source is None:
            if len(known.lists) >= _MOST:
                _log.warning("revocation.too_many_sources", url=key[0])
                return
            source = Source(
                url=key[0],
                issuer_sha256=key[1],
                issuer=lookup.issuer,
                authority=lookup.authority,
                wanted_at=now,
            )
        elif now - source.wanted_at < _WANTED_EVERY:
            return
        known.lists[key] = replace(source, wanted_at=now)
        known.standings.setdefault(key, _Standing(due_at=now))
        known.unsaved.add(key)

    async def run_once(self) -> None:
        """Fetch what is due, and tell how it is."""
        now, known = self._clock.now(), self._known
        if self._tidy_at is None:
            await self._begin(now)
        if self._settings.fetch and (self._stamps_at is None or now >= self._stamps_at):
            await self._want_own(now)
        if self._tidy_at is None or now >= self._tidy_at:
            await self._tidy(now)
        if known.unsaved:
            await self._save(set(known.unsaved))
        if self._settings.fetch:
            lists: list[_Key | str] = [key for key, each in known.standings.items() if each.due_at <= now]
            asked = [name for name, each in known.responders.items() if each.standing.due_at <= now]
            await side_by_side(self._one, [*lists, *asked], at_once=_AT_ONCE)
        await self._tell()

    async def _begin(self, now: datetime) -> None:
        """The answers in place; the lists that the ledger knows, and those of the settings."""
        await self._answers.put_in_place()
        known = self._known
        for source in await RevocationReads(self._readers).sources():
            known.lists[source.url, source.issuer_sha256] = source
        for url in self._settings.urls:
            fresh = Source(url=url, issuer_sha256="", issuer=b"", authority="", wanted_at=now)
            known.lists[url, ""] = replace(known.lists.get((url, ""), fresh), wanted_at=now)
            known.unsaved.add((url, ""))
        for key, source in list(known.lists.items()):
            if not source.issuer and source.url not in self._settings.urls:
                del known.lists[key]
        known.standings = {key: _Standing(due_at=now) for key in known.lists}

    async def _want_own(self, now: datetime) -> None:
        """Ours, and those of the last stamps: a new authority within a minute, a new certificate within an hour."""
        self._stamps_at = now + _STAMPS_EVERY  # first: what fails here keeps nothing else from being fetched
        stamps = await newest_stamps(self._readers, _STAMPS)
        servers = frozenset(server for server, _ in stamps)
        if self._own_at is not None and now < self._own_at and servers == self._stamped_by:
            return
        own, replies = self._own, [reply for _, reply in stamps]
        self.want(await self._answers.of_certificates(own.certificates, own.anchors, replies))
        self._stamped_by, self._own_at = servers, now + _OWN_EVERY

    async def _tidy(self, now: datetime) -> None:
        self._tidy_at = now + _TIDY_EVERY
        before, known = now - self._settings.forget, self._known
        unneeded = [key for key, source in known.lists.items() if source.wanted_at < before and source.issuer]
        for key in unneeded:
            del known.lists[key], known.standings[key]
        for name, each in list(known.responders.items()):
            if each.wanted_at < now - _TIDY_EVERY:
                del known.responders[name]
        await self._answers.forget(unneeded, before)

    async def _save(self, keys: set[_Key]) -> None:
        sources = tuple(self._known.lists[key] for key in keys if key in self._known.lists)
        await self._pump.submit(PutSources(), (self._clock.now(), sources))
        self._known.unsaved -= keys

    async def _one(self, what: _Key | str) -> None:
        if isinstance(what, str):
            await self._ask(what)
        else:
            await self._refresh(what)

    async def _refresh(self, key: _Key) -> None:
        """One list."""
        source, standing, now = self._known.lists[key], self._known.standings[key], self._clock.now()
        try:
            answer = await self._answers.fetch(source.url, b"", source.issuer)
        except GatewayError as error:
            standing.failed(now)
            if isinstance(error, StorageError):  # that is ours
                raise
            if source.failing_since is None:
                _log.warning("revocation.source_failed", url=source.url, detail=str(error))
            changed = replace(source, failing_since=source.failing_since or now, fault=str(error)[:300])
        else:
            if source.failing_since is not None:
                _log.info("revocation.source_back", url=source.url)
            regular, until = now + self._settings.every, answer.next_update
            standing.failures = 0
            standing.due_at = regular if until is None else min(regular, max(until, now + _LEAST_WAIT))
            changed = replace(source, answered_at=now, until=until, failing_since=None, fault="")
        self._known.lists[key] = replace(changed, wanted_at=self._known.lists[key].wanted_at)
        await self._save({key})

    async def _ask(self, certificate: str) -> None:
        """The responders about one certificate, until one answers; then it is wanted anew when it has to be."""
        responder = self._known.responders.get(certificate)
        if responder is None:  # meanwhile nobody wants it
            return
        lookup, faults = responder.lookup, []
        if self._has_list(lookup):  # it is back
            del self._known.responders[certificate]
            return
        for url in lookup.ocsps:
            try:
                answer = await self._answers.fetch(url, lookup.request, lookup.issuer)
            except GatewayError as error:
                if isinstance(error, StorageError):
                    responder.standing.failed(self._clock.now())
                    raise
                faults.append(f"{url}: {error}")
                continue
            if answer.subject in lookup.subjects:
                self._known.responders.pop(certificate, None)
                return
            faults.append(f"{url}: it answers about another certificate")
        if not responder.fault:
            _log.warning("revocation.responder_failed", detail="; ".join(faults))
        responder.fault = "; ".join(faults)
        responder.standing.failed(self._clock.now())

    async def _tell(self) -> None:
        now, metrics = self._clock.now(), self._metrics
        if self._count_at is None or now >= self._count_at:
            self._count_at = now + _COUNT_EVERY  # first: who is looked at meanwhile is counted again
            waiting, since, undecided = (await self._readers.fetch("check_due_count_waiting"))[0]
            self._waiting = waiting, since, undecided
        waiting, since, undecided = self._waiting
        age = timedelta() if since is None else max(now - instant(since), timedelta())
        lists = self._known.lists.values()
        faults = [f"{each.url}: {each.fault}" for each in lists if each.failing_since is not None]
        faults += sorted({each.fault for each in self._known.responders.values() if each.fault})
        metrics.revocation_sources.set(len(lists))
        metrics.revocation_sources_failing.set(len(faults))
        metrics.checks_pending.set(waiting)
        metrics.checks_pending_seconds.set(age.total_seconds())
        metrics.checks_undecided.set(undecided)
        self.condition = self._condition(faults, waiting, age, undecided)

    def _condition(self, faults: Sequence[str], waiting: int, age: timedelta, undecided: int) -> Condition:
        if not (faults or waiting or undecided):
            return Condition.fine(
                f"fine: {len(self._known.lists)} lists" if self._settings.fetch else "fine: from files only"
            )
        told, told_vi = list[str](), list[str]()
        if waiting:
            many = "document waits" if waiting == 1 else "documents wait"
            told.append(f"{waiting} {many} for CAs, the longest for {round(age.total_seconds())} s")
            told_vi.append(f"{waiting} văn bản chờ CA, lâu nhất {round(age.total_seconds() / 60)} phút")
        if undecided:
            told.append(f"{undecided} were decided without what CAs had not said")
            told_vi.append(f"{undecided} văn bản đã được quyết định khi CA chưa trả lời")
        if faults:
            shown = "; ".join(faults[:_SHOWN])
            told.append(f"{len(faults)} addresses give no answer: {shown}"[:600])
            told_vi.append(f"{len(faults)} địa chỉ không trả lời: {shown}"[:600])
        health = Health.LATE if undecided else Health.DEGRADED
        return Condition(health, f"{health}: {'; '.join(told)}", "; ".join(told_vi))


def _keys(lookup: Lookup) -> list[_Key]:
    """Of the lists that it names."""
    issuer = hashlib.sha256(lookup.issuer).hexdigest()
    return [(url, issuer) for url in lookup.crls]
