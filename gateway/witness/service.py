"""The witness: judges what a log asks, remembers, and only then cosigns.

1. Which log asks: its key is in `logs.vkey`, read anew each time, and it signed the checkpoint.
2. One request at a time: the record is read, the checkpoint judged against it, the new record synced.
3. The cosignature is handed out. It was made before, since the record holds it, but nobody has seen it.

So no two checkpoints that contradict each other are ever cosigned: whoever comes second finds the record of the
first. Time in cosignatures never goes back either: each says which tree was the largest at that time, so a clock
that is behind the record stops the witness until it is right.

What cannot be known or kept is answered 503 and cosigned by nobody: a witness that stands still harms no log for
long, one that signs twice is none.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.clock import Clock
from gateway.errors import ProofError, StorageError, WitnessRecordError, WitnessRefusalError
from gateway.transparency.keys import Cosigner, read_vkeys
from gateway.transparency.note import SignedNote, VerifierKey, signature_by
from gateway.transparency.witnessing import SIZE_TYPE, Asked, Status, judge, read
from gateway.witness.records import Record, Records, origin_hash

#: A cosignature as young as this is given again for the same tree, so that repeats cost no write.
_FRESH_SECONDS: Final = 60
#: So far may the clock be behind the last cosignature.
_BEHIND_SECONDS: Final = 60
_TEXT: Final = "text/plain"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    media_type: str = _TEXT


class Witness:
    """One process's; nobody else works in its folder."""

    def __init__(self, name: str, key: Ed25519PrivateKey, folder: Path, logs: Path, clock: Clock) -> None:
        self._name, self._key, self._logs, self._clock = name, key, logs, clock
        self._records = Records(folder, self._signer(0).verifier)
        # held by the thread that works, not by the request, which may be cancelled while the thread goes on
        self._turn = Lock()
        self._records.settle()

    @property
    def verifier(self) -> VerifierKey:
        """Its public key."""
        return self._signer(0).verifier

    async def add(self, body: bytes) -> Answer:
        """The answer to add-checkpoint."""
        try:
            logs = await asyncio.to_thread(read_logs, self._logs)
            asked = read(body, logs)  # 1
            record = await asyncio.to_thread(self._cosigned, asked)  # 2
        except WitnessRefusalError as refusal:
            is_size = refusal.status == Status.OTHER_SIZE
            return Answer(refusal.status, f"{refusal}\n".encode(), SIZE_TYPE if is_size else _TEXT)
        except (WitnessRecordError, StorageError) as error:
            _log.error("witness.stands_still", detail=str(error))
            return Answer(Status.STANDS_STILL, b"this witness cannot cosign at present\n")
        return Answer(Status.COSIGNED, record.line.line().encode())  # 3

    async def latest(self, hashed: str) -> Answer:
        """The last checkpoint cosigned of a log, given by the hash of its origin."""
        nothing = Answer(Status.UNKNOWN_LOG, b"nothing was cosigned of such a log\n")
        try:
            logs = await asyncio.to_thread(read_logs, self._logs)
            origin = next((each for each in logs if origin_hash(each) == hashed), None)
            if origin is None:
                return nothing
            record = await asyncio.to_thread(self._read, origin)
        except WitnessRecordError as error:
            _log.error("witness.stands_still", detail=str(error))
            return Answer(Status.STANDS_STILL, b"this witness cannot tell at present\n")
        return Answer(Status.COSIGNED, record.note) if record.checkpoint.size else nothing

    def _read(self, origin: str) -> Record:
        with self._turn:  # what is being written is nobody's yet
            return self._records.read(origin)

    def _cosigned(self, asked: Asked) -> Record:
        """The record, new or fresh enough, of the checkpoint asked about; blocks."""
        with self._turn:
            last = self._records.read(asked.checkpoint.origin)
            self._require_continued(asked, last)
            at = self._time(last)
            if asked.checkpoint == last.checkpoint and last.checkpoint.size and at - last.at < _FRESH_SECONDS:
                return last
            line = signature_by(self._signer(at), asked.note.text)
            note = bytes(SignedNote(asked.note.text, (*asked.note.signatures, line)))
            record = Record(checkpoint=asked.checkpoint, at=at, line=line, note=note)
            self._records.write(record)
        _log.info("witness.cosigned", origin=asked.checkpoint.origin, size=asked.checkpoint.size)
        return record

    def _require_continued(self, asked: Asked, last: Record) -> None:
        try:
            judge(asked, last.checkpoint)
        except WitnessRefusalError as refusal:
            if refusal.status == Status.NOT_CONTINUED:
                _log.error(
                    "witness.contradicted",
                    origin=last.checkpoint.origin,
                    cosigned=last.checkpoint.size,
                    asked=asked.checkpoint.size,
                    detail=str(refusal),
                )
                self._records.keep_refused(bytes(asked.note))
            raise

    def _time(self, last: Record) -> int:
        now = int(self._clock.now().timestamp())
        if now < last.at - _BEHIND_SECONDS:
            raise WitnessRecordError(f"the clock is {last.at - now} s behind the last cosignature; set it right")
        return max(now, last.at)

    def _signer(self, at: int) -> Cosigner:
        return Cosigner(self._name, self._key, lambda: at)


def read_logs(file: Path) -> Mapping[str, Sequence[VerifierKey]]:
    """The keys of each origin in a file of verifier keys; WitnessRecordError when it cannot be read. Blocks."""
    found: defaultdict[str, list[VerifierKey]] = defaultdict(list)
    try:
        for key in read_vkeys(file.read_bytes()):
            found[key.name].append(key)
    except (OSError, ProofError) as error:
        raise WitnessRecordError(f"{file}: {error}") from error
    return found
