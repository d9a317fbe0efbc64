"""Watches the certificates that agencies let others encrypt to: when they end, and whether their CAs revoked them.

1. ask    what the CAs of those in use say is wanted of the refresher, as it is for signatures
2. end    one that its CA calls revoked, even for a time only, is given to no sender any more: an event as of an
          operator, and as final
3. warn   60, 30 and 7 days before the last of an agency ends, and when an agency has none left in force
4. tell   where a CA has said nothing of use for longer than [revocation] grace. It goes on being given out then: an
          outage of a CA must not bring offices to send unencrypted what they would have encrypted

Of certificates that no CA in the folders of anchors issued nothing is known; an operator ends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

import structlog

from gateway.clock import Clock
from gateway.condition import UNSEEN, Condition, Health
from gateway.config.revocation import RevocationSettings
from gateway.directory.directory import Directory
from gateway.directory.encryption import (
    SPOKEN_OF,
    EncryptionCertificate,
    EndPublished,
    EndPublishedOperation,
    last_in_force,
    watched_certificates,
)
from gateway.endings import LEVELS, level_of
from gateway.errors import RefusedError
from gateway.maintenance.answers import Answers
from gateway.model import AgencyId
from gateway.observe import Metrics
from gateway.signatures.model import Lookup
from gateway.signatures.revoked import Told
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_DAY: Final = timedelta(days=1)
_SHOWN: Final = 5
_STANDINGS_VI: Final = {"replaced": "đã thay", "revoked": "bị thu hồi", "expired": "hết hạn"}

_log = structlog.get_logger(__name__)


class Published:
    """One per server."""

    name = "encryption"
    every = timedelta(seconds=30)

    def __init__(
        self,
        answers: Answers,
        readers: Readers,
        pump: Pump,
        directory: Directory,
        *,
        want: Callable[[Sequence[Lookup]], None],
        settings: RevocationSettings,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`want`: the refresher's."""
        self._answers, self._readers, self._pump, self._directory = answers, readers, pump, directory
        self._want, self._settings, self._clock, self._metrics = want, settings, clock, metrics
        self._began = clock.now()
        #: What the last look was at, and when.
        self._seen: tuple[frozenset[str], int] | None = None
        self._look_at = self._began
        self._told: dict[str, Told] = {}
        self._labels: set[str] = set()
        #: How it is.
        self.condition = UNSEEN

    async def run_once(self) -> None:
        """All of it."""
        now = self._clock.now()
        watched = await watched_certificates(self._readers, now - SPOKEN_OF)
        await self._look([each for each in watched if each.standing(now) in {"in_force", "early"}], now)
        if await self._end(watched, now):
            watched = await watched_certificates(self._readers, now - SPOKEN_OF)
        await self._tell(watched, now)

    async def _look(self, open_ones: Sequence[EncryptionCertificate], now: datetime) -> None:
        """1: when there are others, when answers came, and once an interval."""
        seen = frozenset(each.certificate.sha256 for each in open_ones), self._answers.state()
        if seen == self._seen and now < self._look_at:
            return
        ders = {each.certificate.sha256: each.certificate.der for each in open_ones}
        found = await self._answers.about(list(ders.values())) if ders else []
        self._told = {each.certificate: each for each in found}
        # asked anew about each once an interval, whatever is at hand: it may have been revoked since
        if now >= self._look_at or self._seen is None or seen[0] != self._seen[0]:
            self._want([each.lookup for each in found if each.lookup is not None])
            self._look_at = now + self._settings.every
        self._seen = seen

    async def _end(self, watched: Iterable[EncryptionCertificate], now: datetime) -> int:
        """2."""
        revoked = [each for each in watched if each.ended_at is None and self._is_revoked(each)]
        for each in revoked:
            digest = each.certificate.sha256
            ask = EndPublished(
                agency_id=each.agency_id,
                sha256=digest,
                ended_as="revoked",
                actor="gateway",
                now=now,
                why=f"its CA: {self._told[digest].reason}",
            )
            with suppress(RefusedError):  # an operator was quicker
                await self._pump.submit(EndPublishedOperation(), ask)
                _log.warning("encryption.revoked", agency=each.agency_id, certificate=digest)
        return len(revoked)

    def _is_revoked(self, each: EncryptionCertificate) -> bool:
        told = self._told.get(each.certificate.sha256)
        return told is not None and told.is_revoked

    async def _tell(self, watched: Sequence[EncryptionCertificate], now: datetime) -> None:
        """3 and 4."""
        agencies = await self._directory.agencies({each.agency_id for each in watched})
        worst, words, labels = 0, list[tuple[str, str]](), set[str]()
        for agency_id, group in groupby(watched, key=lambda each: each.agency_id):
            code = agencies[AgencyId(agency_id)].organ_id
            level, days, told, told_vi = _ending(list(group), now)
            labels.add(f"encryption.{code}")
            self._metrics.certificate_days.labels(purpose=f"encryption.{code}").set(days)
            self._metrics.certificate_warning.labels(purpose=f"encryption.{code}").set(level)
            if level:
                worst = max(worst, level)
                words.append((f"{code}: {told}", f"{code}: {told_vi}"))
        for label in self._labels - labels:
            self._metrics.certificate_days.remove(label)
            self._metrics.certificate_warning.remove(label)
        self._labels = labels
        silent = [each for each in watched if each.standing(now) == "in_force" and self._is_silent(each, now)]
        self._metrics.encryption_unconfirmed.set(len(silent))
        if silent:
            one = silent[0].certificate.sha256[:16]
            words.append(
                (f"CAs say nothing of {len(silent)}, such as {one}", f"CA chưa nói gì về {len(silent)}, như {one}")
            )
        if not words:
            self.condition = Condition.fine(f"fine: {len(watched)} certificates of {len(labels)} agencies")
            return
        health = Health.LATE if worst == len(LEVELS) else Health.DEGRADED
        en, vi = ("; ".join(each) for each in zip(*words[:_SHOWN], strict=True))
        if (more := len(words) - _SHOWN) > 0:
            en, vi = f"{en}; and {more} more", f"{vi}; và {more} nữa"
        self.condition = Condition(health, f"{health}: {en}", vi)

    def _is_silent(self, each: EncryptionCertificate, now: datetime) -> bool:
        told = self._told.get(each.certificate.sha256)
        if told is None or told.lookup is None or told.is_good or told.is_revoked:
            return False
        if told.until is None and not self._settings.fetch:
            return False
        since = max(each.added_at, self._began, told.until or self._began)
        return now - since > self._settings.grace


def _ending(own: Sequence[EncryptionCertificate], now: datetime) -> tuple[int, float, str, str]:
    """Of one agency: level, days left, words, English and Vietnamese."""
    last = last_in_force(own, now)
    if last is None:
        if any(each.standing(now) == "early" for each in own):
            return 1, -1.0, "none is in force yet", "chưa cái nào có hiệu lực"
        newest = own[0]
        told, standing = newest.certificate.sha256[:16], newest.standing(now)
        return (
            len(LEVELS),
            -1.0,
            f"none is in force: {told} {standing}",
            f"không cái nào còn hiệu lực: {told} {_STANDINGS_VI.get(standing, standing)}",
        )
    days = (last.not_after - now) / _DAY
    level = level_of(last.not_before, last.not_after, now)
    told = f"{last.sha256[:16]} ends in {days:.0f} days, on {last.not_after:%Y-%m-%d}"
    return level, days, told, f"{last.sha256[:16]} còn {days:.0f} ngày, hết hạn ngày {last.not_after:%d/%m/%Y}"
