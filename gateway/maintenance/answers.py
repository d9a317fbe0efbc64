"""What CAs say, from its address to the ledger: fetched, looked into elsewhere, kept; who waits for it is told.

The order matters: the ledger first, which holds it for good; then the file, which whoever judges signatures reads;
then what waits is examined again and finds the file. A crash between the first two is mended by `put_in_place`.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from gateway.clock import Clock
from gateway.errors import RevocationError
from gateway.evidence.fetching import AnswerPort
from gateway.fsio import make_private_dir
from gateway.ledger.revocations import (
    Forget,
    ForgetOperation,
    KeepAnswers,
    KeepAnswersOperation,
    Placed,
    PlacedOperation,
    RevocationReads,
)
from gateway.parsing.pool import PARSED_PER_SECOND, ParserPool
from gateway.seal.revocation import Answer, RevocationStore, unarmoured
from gateway.signatures.lookups import Described, describe, lookups_among
from gateway.signatures.model import Lookup
from gateway.signatures.revoked import Told, told_of
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: A list of 16 MiB is read in some seconds.
_SECONDS: Final = 30.0
#: Certificates that are looked at with one task, which has little room.
_A_TASK: Final = 8
_NO_ANSWER: Final = "this is neither a CRL nor a successful OCSP answer"


class Answers:
    """One per server."""

    def __init__(
        self,
        readers: Readers,
        pump: Pump,
        port: AnswerPort,
        pool: ParserPool,
        store: RevocationStore,
        *,
        lists: ParserPool,
        scratch: Path,
        anchors: Sequence[Path],
        clock: Clock,
    ) -> None:
        """`lists` reads what is fetched; `anchors`: folders of the CAs whose lists the settings may name."""
        self._reads, self._pump, self._port, self._pool = RevocationReads(readers), pump, port, pool
        self._store, self._scratch, self._clock, self._lists = store, scratch, clock, lists
        self._anchors = tuple(map(str, anchors))

    async def put_in_place(self) -> None:
        """Files as the ledger has them: what is lacking or damaged is written anew, what is too much goes."""
        kept = {each.name: each for each in await self._reads.kept()}
        names = await asyncio.to_thread(self._store.names)
        for name in names - kept.keys():
            await asyncio.to_thread(self._store.drop, name)
        placed = set()
        for name, each in kept.items():
            if name in names and await asyncio.to_thread(self._store.holds, name):
                continue
            answer = await self._reads.answer(each)
            if answer is not None:
                await asyncio.to_thread(self._store.drop, name)
                await asyncio.to_thread(self._store.keep, answer)
                placed.add(each.subject)
        if placed:
            told = Placed(subjects=tuple(placed), now=self._clock.now())
            await self._pump.submit(PlacedOperation(), told)

    async def forget(self, sources: Sequence[tuple[str, str]], before: datetime) -> None:
        """Sources that nobody needs, answers that were replaced and no verdict rests on, waits of long ago."""
        await self._pump.submit(ForgetOperation(), Forget(sources=tuple(sources), before=before))
        kept = {each.name for each in await self._reads.kept()}
        for name in await asyncio.to_thread(self._store.names) - kept:
            await asyncio.to_thread(self._store.drop, name)

    async def of_certificates(
        self, files: Sequence[Path], folders: Sequence[Path], stamps: Sequence[bytes]
    ) -> list[Lookup]:
        """Where to ask about our own certificates in PEM files, and about those in stamps that we were given.

        CAs are beside them, or in folders of anchors.
        """
        task = tuple(map(str, files)), tuple(map(str, folders)), tuple(stamps)
        raw = await self._pool.run(lookups_among, *task, timeout=_SECONDS)
        return msgspec.json.decode(raw, type=list[Lookup])

    async def about(self, certificates: Sequence[bytes]) -> list[Told]:
        """What the answers at hand say of certificates (DER) of CAs that are trusted here."""
        found = list[Told]()
        for start in range(0, len(certificates), _A_TASK):
            part = tuple(certificates[start : start + _A_TASK])
            task = part, self._anchors, str(self._store.folder), self._clock.now()
            raw = await self._lists.run(told_of, *task, timeout=_SECONDS)
            found += msgspec.json.decode(raw, type=list[Told])
        return found

    def state(self) -> int:
        """Another number as soon as an answer came or went."""
        return self._store.state()

    async def fetch(self, url: str, request: bytes, issuer: bytes) -> Answer:
        """Fetch and keep; GatewayError for whatever is no right answer of this CA (b"": of one with an anchor)."""
        raw = await self._port.fetch(url, request)
        try:
            der = unarmoured(raw)
        except ValueError as error:
            raise RevocationError(_NO_ANSWER) from error
        answer = await self._described(der, issuer)
        ask = KeepAnswers(answers=(answer,), now=self._clock.now())
        await keep_answers(self._pump, self._store, ask, self._clock)
        return answer

    async def _described(self, der: bytes, issuer: bytes) -> Answer:
        """What it is, said by a process that can do no harm."""
        make_private_dir(self._scratch)
        with tempfile.NamedTemporaryFile(dir=self._scratch, prefix="answer-") as file:
            await asyncio.to_thread(Path(file.name).write_bytes, der)
            seconds = _SECONDS + len(der) / PARSED_PER_SECOND
            task = file.name, issuer, self._anchors, self._clock.now()
            raw = await self._lists.run(describe, *task, timeout=seconds, size=len(der))
        try:
            told = msgspec.json.decode(raw, type=Described)
        except msgspec.DecodeError as error:
            raise RevocationError(_NO_ANSWER) from error
        answer = Answer(
            kind=told.kind,
            subject=told.subject,
            this_update=told.this_update,
            next_update=told.next_update,
            der=der,
        )
        if answer.sha256 != told.sha256 or not answer.is_well_named:
            raise RevocationError("what looked into it said nothing that fits")
        return answer


async def keep_answers(pump: Pump, store: RevocationStore, ask: KeepAnswers, clock: Clock) -> int:
    """Ledger, files, then whoever waits; how many documents are examined again."""
    await pump.submit(KeepAnswersOperation(), ask)
    for answer in ask.answers:
        await asyncio.to_thread(store.keep, answer)
    placed = Placed(subjects=tuple({answer.subject for answer in ask.answers}), now=clock.now())
    return await pump.submit(PlacedOperation(), placed)
