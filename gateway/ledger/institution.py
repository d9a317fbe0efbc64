"""The institution's signatures over checkpoints, as they are kept: over some of them, one each, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import instant, micros
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointSignature:
    """A signature that was verified when it was made."""

    #: Leaves of its checkpoint.
    size: int
    #: When it was made, by our clock.
    at: datetime
    #: SHA-256 of the signer's certificate, in hex.
    certificate: str
    #: DER of the detached CMS.
    cms: bytes
    #: What it is over: the note as the log signed it.
    note: bytes


class CheckpointSignatures:
    """What is known of them."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def latest(self) -> CheckpointSignature | None:
        """What was signed last."""
        return _read(await self._readers.fetch_one("checkpoint_signature_read_latest"))

    async def of(self, size: int) -> CheckpointSignature | None:
        """That over the checkpoint of so many leaves."""
        return _read(await self._readers.fetch_one("checkpoint_signature_read", (size,)))

    async def covering(self, leaf_index: int) -> int | None:
        """Leaves of the first signed checkpoint that a leaf is under; of one with a time stamp, if there is any."""
        row = await self._readers.fetch_one("checkpoint_find_signed_covering", (leaf_index,))
        return None if row is None else int(row[0])


class KeepCheckpointSignatureOperation:
    """Keeps it; from then on it may be shown to others."""

    name = "keep_checkpoint_signature"

    async def apply(self, tx: Transaction, payloads: Sequence[CheckpointSignature]) -> Sequence[None]:
        """Nothing to give back."""
        rows = [(each.size, micros(each.at), each.certificate, each.cms) for each in payloads]
        await tx.execute_many("checkpoint_signature_insert", rows)
        return [None] * len(payloads)


def _read(row: Sequence[object] | None) -> CheckpointSignature | None:
    if row is None:
        return None
    size, at, certificate, cms, note = row
    assert isinstance(size, int)
    assert isinstance(at, int)
    assert isinstance(cms, bytes)
    assert isinstance(note, bytes)
    return CheckpointSignature(size=size, at=instant(at), certificate=str(certificate), cms=cms, note=note)
