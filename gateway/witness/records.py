"""What a witness cosigned last of each log: a file a log, synced before anybody learns of the cosignature.

A record is a signed note: the checkpoint, the log's line, and the witness's own, by which it is known again. It is
replaced as a whole, so a crash leaves the old one or the new one; of a new one whose answer never left, the log
learns by asking again. What is read was synced: a start syncs what it finds (`settle`), and after a write of which
only part is certain nothing is read any more.

A log begins with a record of no leaves, written when a person adds the log. So a record that is gone is not taken
for a log that is new: it is an error, as is one that cannot be read or that we did not sign. A record that was put
back from a copy cannot be told from a true one by itself; while the process lives it remembers better.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway.errors import ProofError, StorageError, WitnessRecordError
from gateway.fsio import atomic_replace, fsync_dir, make_private_dir, sync_file, write_durably
from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.keys import Cosigner
from gateway.transparency.merkle import EMPTY_ROOT
from gateway.transparency.note import NoteSignature, SignedNote, VerifierKey, signature_by, time_of

_MODE: Final = 0o644
#: Checkpoints that contradict are kept, as evidence; after so many nobody needs more.
_MOST_REFUSED: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What was cosigned last of a log."""

    checkpoint: Checkpoint
    #: When, in seconds since 1970.
    at: int
    #: Our line.
    line: NoteSignature
    #: The whole note.
    note: bytes


def origin_hash(origin: str) -> str:
    """How a log is named in paths: SHA-256 of its origin, hex."""
    return sha256(origin.encode()).hexdigest()


class Records:
    """The files of one witness; every method blocks."""

    def __init__(self, folder: Path, witness: VerifierKey) -> None:
        self._records, self._refused, self._witness = folder / "records", folder / "refused", witness
        self._written: dict[str, Checkpoint] = {}
        self._uncertain: set[str] = set()

    def settle(self) -> None:
        """Sync what lies there: a crash may have come between a new name and its sync. Raises StorageError."""
        make_private_dir(self._records)
        try:
            for path in self._records.glob("*.note"):
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    sync_file(descriptor)
                finally:
                    os.close(descriptor)
            fsync_dir(self._records)
        except OSError as error:
            raise StorageError(f"cannot sync {self._records}: {error.strerror}") from error

    def begin(self, origin: str, signer: Cosigner) -> bool:
        """A record of no leaves for a log that has none; False where there is one. Durable."""
        make_private_dir(self._records)
        if self._path(origin).exists():
            return False
        text = Checkpoint(origin, 0, EMPTY_ROOT).text()
        write_durably(self._path(origin), bytes(SignedNote(text, (signature_by(signer, text),))), _MODE)
        return True

    def read(self, origin: str) -> Record:
        """The record of a log; WitnessRecordError when it is gone, damaged, not ours, or older than we know."""
        path = self._path(origin)
        if origin in self._uncertain:
            raise WitnessRecordError(f"{path} was replaced and not synced; when the disk is in order, start again")
        try:
            raw = path.read_bytes()
            note = SignedNote.parse(raw)
            note.verify([self._witness])
            checkpoint = Checkpoint.parse(note.text)
        except (OSError, ProofError) as error:
            raise WitnessRecordError(f"{path}: {error}") from error
        if checkpoint.origin != origin:
            raise WitnessRecordError(f"{path} is about {checkpoint.origin}")
        written = self._written.get(origin)
        if written is not None and (checkpoint.size, checkpoint.root) != (written.size, written.root):
            raise WitnessRecordError(f"{path} was exchanged: {written.size} leaves were cosigned")
        line = next(
            each
            for each in note.signatures
            if (each.name, each.key_id) == (self._witness.name, self._witness.key_id)
        )
        return Record(checkpoint=checkpoint, at=time_of(line.signature), line=line, note=raw)

    def write(self, record: Record) -> None:
        """Durably, in the place of the last one; StorageError when it cannot be written."""
        origin = record.checkpoint.origin
        path = self._path(origin)
        try:
            before = path.read_bytes()
            self._uncertain.add(origin)
            atomic_replace(path, record.note, _MODE)
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error
        except StorageError:
            if path.read_bytes() == before:  # it never got its name: nothing has changed
                self._uncertain.discard(origin)
            raise
        self._written[origin] = record.checkpoint
        self._uncertain.discard(origin)

    def keep_refused(self, note: bytes) -> None:
        """Keep what a log signed and we do not cosign: it may prove what the log did. As far as there is room."""
        path = self._refused / f"{sha256(note).hexdigest()}.note"
        try:
            make_private_dir(self._refused)
            if not path.exists() and sum(1 for _ in self._refused.iterdir()) < _MOST_REFUSED:
                write_durably(path, note, _MODE)
        except (StorageError, OSError):  # the refusal counts, not its copy
            return

    def _path(self, origin: str) -> Path:
        return self._records / f"{origin_hash(origin)}.note"
