"""The proofs of what receivers say: inserted in the transaction of the acknowledgement or status that they prove.

The SHA-256 of the file goes into the leaf of that act, so nobody can exchange it later. Whoever builds the row has
verified a signature already (`gateway.receivers`); nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

from gateway.clock import micros
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class ProofRow:
    """One proof, column for column as in the table."""

    id: str
    message_id: str
    delivery_id: str | None
    act: Literal["acknowledgement", "status"]
    agency_id: str
    kind: str
    key_id: str | None
    at: datetime
    file: bytes
    #: DER of the connection's certificate; b"" where there is none.
    certificate: bytes = b""

    @property
    def sha256(self) -> str:
        """Of the file; what the leaf holds."""
        return sha256(self.file).hexdigest()


async def insert_proofs(tx: Transaction, proofs: Sequence[ProofRow]) -> None:
    """Keep them, with the certificates that they are bound to."""
    if not proofs:
        return
    bound = {sha256(each.certificate).hexdigest(): each for each in proofs if each.certificate}
    rows = [(name, micros(each.at), each.certificate) for name, each in bound.items()]
    await tx.execute_many("peer_certificate_insert_new", rows)
    await tx.execute_many("receiver_proof_insert", [_row(each) for each in proofs])


def _row(each: ProofRow) -> tuple[object, ...]:
    return (
        each.id, each.message_id, each.delivery_id, each.act, each.agency_id, each.kind, each.key_id,
        sha256(each.certificate).hexdigest() if each.certificate else None, micros(each.at), each.sha256, each.file,
    )  # fmt: skip
