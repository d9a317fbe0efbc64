"""Sends the log's head to some agencies as an ordinary document, once an ISO week.

What many offices have in their registers nobody can take back: the newest checkpoint, with the lines of its
witnesses, goes out under the gateway's own organ id, attached to a document that is accepted, sealed and delivered
like any other. It is due on Mondays at seven, Vietnam's time, and waits for as many witnesses as a proof should
have, some hours at most.

The week and the log make the document's fingerprint, so a crash does not send another one: the transaction that
records it finds the first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.api.models import NewDocument
from gateway.api.service import SubmittedFile
from gateway.clock import VIETNAM
from gateway.compose import Composer
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.journey import Journey, Submission
from gateway.ledger.heads import fingerprint_of, week_of
from gateway.ledger.tree import LogReads, StoredCheckpoint
from gateway.model import the_gateway
from gateway.observe import Metrics
from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.note import SignedNote

#: So long for witnesses that are away.
_PATIENCE: Final = timedelta(hours=6)
_NOTATION: Final = "MOC-NHAT-KY"

_log = structlog.get_logger(__name__)


class WeeklyHead:
    """One per server; does nothing without recipients."""

    name = "weekly_head"
    every = timedelta(minutes=1)

    def __init__(self, base: Foundation, journey: Journey, metrics: Metrics) -> None:
        self._base, self._journey, self._metrics = base, journey, metrics
        self._composer = Composer(bodies=base.bodies, directory=base.directory, clock=base.clock)
        self._log = LogReads(base.readers)
        self._sent: tuple[str, str] | None = None
        self._waiting_since: datetime | None = None

    async def run_once(self) -> None:
        """Send this week's, unless it was sent."""
        recipients = list(self._base.settings.log.head_to)
        latest = await self._log.latest() if recipients else None
        if latest is None:
            self._metrics.head_failing.set(0)  # nothing is to be sent
            return
        note = SignedNote.parse(latest.note)
        checkpoint = Checkpoint.parse(note.text)
        week = week_of(self._base.clock.now())
        if self._sent == (checkpoint.origin, week):
            return
        fingerprint = fingerprint_of(checkpoint.origin, week)
        if not await self._base.reads.message_of_fingerprint(fingerprint):
            if self._waits(note):
                return
            try:
                await self._send(latest, checkpoint, week, recipients, fingerprint)
            except RefusedError as error:
                self._metrics.head_failing.set(1)
                _log.warning("log.head_not_sent", week=week, reason=error.code, detail=error.detail)
                return
        self._sent, self._waiting_since = (checkpoint.origin, week), None
        self._metrics.head_failing.set(0)

    def _waits(self, note: SignedNote) -> bool:
        """Whether it is better to wait for more witnesses."""
        if self._base.settings.log.wanted.is_met(note):
            return False
        now = self._base.clock.now()
        self._waiting_since = self._waiting_since or now
        return now < self._waiting_since + _PATIENCE

    async def _send(
        self, latest: StoredCheckpoint, checkpoint: Checkpoint, week: str, recipients: list[str], fingerprint: str
    ) -> None:
        base = self._base
        now = base.clock.now()
        code = base.settings.seal.organ_id
        own = (await base.directory.resolve([code], now)).get(code) if code else None
        if own is None:
            raise RefusedError("sender_unknown", "seal.organ_id names no agency, so there is nobody to send")
        async with base.bodies.open_spool() as spool:
            await spool.write(latest.note)
            note = await spool.finish()
        try:
            file = SubmittedFile(name=f"{week}.checkpoint.txt", content_type="text/plain", body=note)
            built = await self._composer.document(_document(code, recipients, checkpoint, week, now), [file])
            try:
                answer = await self._journey.accept(
                    Submission(
                        caller=the_gateway(own.id),
                        body=built.body,
                        trace_id=fingerprint[:32],
                        arrived_at=now,
                        fingerprint=fingerprint,
                    )
                )
            finally:
                await base.bodies.discard(built.body)
        finally:
            await base.bodies.discard(note)
        _log.info("log.head_sent", week=week, size=checkpoint.size, message=answer.message_id)


def _document(sender: str, recipients: list[str], checkpoint: Checkpoint, week: str, now: datetime) -> NewDocument:
    return NewDocument(
        sender=sender,
        recipients=recipients,
        code_number=week.replace("-W", ""),
        code_notation=_NOTATION,
        promulgation_date=now.astimezone(VIETNAM).date(),
        subject=f"Mốc nhật ký minh bạch, tuần {week} / Head of the transparency log, week {week}",
        type_name="Thông báo",
        content=(
            f"{checkpoint.origin}: {checkpoint.size} lá / leaves, {checkpoint.root.hex()}. "
            "Lưu tệp đính kèm; không cần trả lời. / Keep the attached file; no answer is needed."
        ),
    )
