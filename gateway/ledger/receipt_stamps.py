"""Time stamps of receipts: kept in the order of the events that tell of the acceptances.

A *record* stamp is over the root of a tree whose leaves are receipts with what they seal
(`gateway.seal.evidence_record`), an *each* stamp over the signature value of one receipt. What comes after the
last row has no stamp yet, so there is no list of what waits. Rows are never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from gateway.clock import instant, micros
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers

Form = Literal["record", "each"]
#: Events that are looked through at a time.
_SPAN: Final = 40_000
_HASH: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Unstamped:
    """A receipt without a stamp."""

    #: Event of its acceptance.
    seq: int
    message_id: str
    #: SHA-256 of the receipt, of the body and of the transfer manifest.
    group: tuple[bytes, bytes, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptStamp:
    """A stamp that was checked."""

    #: Events of the first and the last receipt.
    first_seq: int
    last_seq: int
    form: Form
    #: The tree's leaves in the order of their events; for `each` the imprint.
    hashes: tuple[bytes, ...]
    #: URL of the server.
    server: str
    #: Proven: not later than.
    at: datetime
    #: TimeStampResp in DER.
    token: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class StampedReceipt:
    """The stamp of one receipt."""

    stamp: ReceiptStamp
    #: Place of the receipt among the leaves.
    index: int


class ReceiptStamps:
    """What is known of them."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def last_seq(self) -> int:
        """The event up to which receipts are stamped; 0 at first."""
        row = await self._readers.fetch_one("receipt_stamp_read_last")
        return 0 if row is None else int(row[0])

    async def unstamped(self, after: int, limit: int) -> tuple[list[Unstamped], int]:
        """The next receipts, and the event up to which nothing else waits."""
        upto, count = (await self._readers.fetch("event_read_span", {"after": after, "span": _SPAN}))[0]
        if not count:
            return [], after
        params = {"after": after, "upto": upto, "limit": limit}
        rows = await self._readers.fetch("receipt_list_unstamped", params)
        found = [
            Unstamped(
                seq=seq,
                message_id=message_id,
                group=(bytes.fromhex(receipt), bytes.fromhex(body), sha256(transfer).digest()),
            )
            for seq, message_id, body, receipt, transfer in rows
        ]
        return found, found[-1].seq if len(found) == limit else int(upto)

    async def of(self, seq: int) -> StampedReceipt | None:
        """The stamp of the receipt of that event; None while it has none."""
        row = await self._readers.fetch_one("receipt_stamp_find", (seq,))
        if row is None or row[1] < seq:
            return None
        hashes = tuple(row[3][at : at + _HASH] for at in range(0, len(row[3]), _HASH))
        stamp = ReceiptStamp(
            first_seq=row[0], last_seq=row[1], form=row[2], hashes=hashes, server=row[4], at=instant(row[5]),
            token=row[6],
        )  # fmt: skip
        counted = await self._readers.fetch_one("receipt_count_between", (stamp.first_seq, seq))
        assert counted is not None, "a count"
        return StampedReceipt(stamp=stamp, index=counted[0])


class KeepReceiptStampOperation:
    """Keeps it."""

    name = "keep_receipt_stamp"

    async def apply(self, tx: Transaction, payloads: Sequence[ReceiptStamp]) -> Sequence[None]:
        """Nothing to give back."""
        rows = [
            (
                each.first_seq,
                each.last_seq,
                each.form,
                b"".join(each.hashes),
                each.server,
                micros(each.at),
                each.token,
            )
            for each in payloads
        ]
        await tx.execute_many("receipt_stamp_insert", rows)
        return [None] * len(payloads)
