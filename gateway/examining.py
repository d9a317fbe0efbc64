"""Has the signatures of one stored message examined, in a process of its own.

The process has little memory, no key and no connection (`gateway.parsing`); it starts with the first message and
loads what it needs by itself, so that the server never holds pyHanko. What it cannot bear, because it takes too
long or too much memory or dies of it, is a finding of the report, not an outage: nothing was proved about that
message. What it sends back is data, decoded here; a report that is none is such a finding too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from gateway.edxml.limits import ParseLimits
from gateway.errors import PoolError, RefusedError, TrustStoreError
from gateway.parsing.pool import PARSED_PER_SECOND, ParserPool
from gateway.seal.report import Indication, undecided
from gateway.signatures.document import Task, examine
from gateway.signatures.model import Examined, Found, Kind
from gateway.storage.bodies import BodyReader
from gateway.storage.spool import in_our_words

#: For a message's signatures, beside the time that its size takes.
_SECONDS: Final = 30.0
#: What is fetched comes in bursts, an hour apart.
_IDLE: Final = 30.0
#: pyHanko and what it reads: a large PDF is in memory about thrice.
MEMORY: Final = 1024 * 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchors:
    """Folders of CA certificates and of what CAs said; None where there is nothing of that kind."""

    signers: Path | None = None
    stamps: Path | None = None
    #: Folder of revocation answers at hand (`gateway.seal.revocation`).
    answers: Path | None = None


def examiners() -> ParserPool:
    """The processes: one, apart from those that acceptance waits for; it starts with the first message."""
    return ParserPool(processes=1, memory=MEMORY, recycle_after=2_000, preload=())


def list_readers() -> ParserPool:
    """Likewise for what CAs publish: many large lists at once keep no document waiting; it ends when it is idle."""
    return ParserPool(processes=1, memory=MEMORY, recycle_after=2_000, preload=(), idle=_IDLE)


class Examiner:
    """Examines messages one after the other."""

    def __init__(self, pool: ParserPool, anchors: Anchors, *, limits: ParseLimits, scratch: Path | None) -> None:
        self._pool, self._anchors, self._limits = pool, anchors, limits
        self._scratch = str(scratch) if scratch is not None else None

    async def examined(
        self,
        body: BodyReader,
        *,
        at: datetime,
        agencies: tuple[str, ...] = (),
        known: frozenset[str] = frozenset(),
        owner: str = "",
    ) -> Examined:
        """The report as of `at`; `known` are revocation lists whose bytes need not be sent again.

        Raises StorageError where the disk fails; then nothing is said about the message.
        """
        task = Task(
            message=body.file,
            at=at,
            signers=str(self._anchors.signers or ""),
            stamps=str(self._anchors.stamps or ""),
            answers=str(self._anchors.answers or ""),
            scratch=self._scratch,
            agencies=agencies,
            known=known,
            limits=self._limits,
        )
        try:
            with in_our_words():
                seconds = _SECONDS + body.size / PARSED_PER_SECOND
                answer = await self._pool.run(examine, task, timeout=seconds, size=body.size, owner=owner)
            return Examined.decode(answer)
        except PoolError as error:
            if error.facts.get("kind") in {"closed", "broken", "busy"}:
                raise
            return _unexamined(at, Indication.GENERIC, f"examining it failed: {error} ({error.facts.get('kind')})")
        except RefusedError as error:
            return _unexamined(at, Indication.GENERIC, f"it cannot be read: {error}")
        except TrustStoreError as error:
            return _unexamined(at, Indication.NO_CERTIFICATE_CHAIN_FOUND, f"the anchors cannot be used: {error}")
        except msgspec.DecodeError:
            return _unexamined(at, Indication.GENERIC, "what examined it sent no report")


def _unexamined(at: datetime, indication: Indication, reason: str) -> Examined:
    check = undecided("message.examined", indication, reason[:500])
    return Examined(at=at, signatures=(Found(kind=Kind.XML, where="edXML", checks=(check,)),))
