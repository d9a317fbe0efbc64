"""Time stamps of checkpoints in the ledger, and the three words for a time.

*claimed*: what a peer says of its own clock; *recorded*: when we wrote it down; *proven*: what an authority of time
vouches for, always as "not later than".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import instant, micros, rfc3339
from gateway.config.values import StampServer
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers


@dataclass(frozen=True, kw_only=True, slots=True)
class NewStamp:
    """A stamp that was checked, about to be kept."""

    #: Leaves of its checkpoint.
    size: int
    #: URL of the server.
    server: str
    #: Proven: not later than.
    at: datetime
    #: TimeStampResp in DER.
    token: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """The earliest time that an authority vouches for."""

    #: Leaves of the checkpoint that was stamped.
    size: int
    server: str
    not_later_than: datetime


class Times:
    """The times of a leaf, in words that say whose they are."""

    def __init__(self, readers: Readers, servers: Sequence[StampServer]) -> None:
        self._readers, self._servers = readers, servers

    async def proven(self, leaf_index: int) -> Proven | None:
        """By any stamped checkpoint that covers it; None while there is none.

        After an outage a later checkpoint was stamped before earlier ones, so it is not always the first one's.
        """
        row = await self._readers.fetch_one("checkpoint_stamp_find_earliest", (leaf_index,))
        return None if row is None else Proven(size=row[0], server=row[1], not_later_than=instant(row[2]))

    async def told(self, leaf_index: int | None, recorded_at: str) -> dict[str, object]:
        """`recorded_at`, and `proven`: None, or `not_later_than`, `server`, `independent`."""
        found = None if leaf_index is None else await self.proven(leaf_index)
        stamp = None
        if found is not None:
            stamp = {
                "not_later_than": rfc3339(found.not_later_than),
                "server": found.server,
                "independent": is_independent(found.server, self._servers),
            }
        return {"recorded_at": recorded_at, "proven": stamp}


async def newest_stamps(readers: Readers, limit: int) -> list[tuple[str, bytes]]:
    """Server and TimeStampResp of the last ones, over checkpoints and over receipts."""
    rows = await readers.fetch("stamp_list_newest", {"limit": limit})
    return [(row[0], row[1]) for row in rows]


def is_independent(url: str, servers: Sequence[StampServer]) -> bool:
    """Whether a stamp of this server is somebody else's word, as far as the settings tell."""
    return not any(server.url == url and server.own for server in servers) and not StampServer.parse(url).own


class KeepStampOperation:
    """Keeps it; a second one of the same server is left out."""

    name = "keep_stamp"

    async def apply(self, tx: Transaction, payloads: Sequence[NewStamp]) -> Sequence[None]:
        """Nothing to give back."""
        rows = [(each.size, each.server, micros(each.at), each.token) for each in payloads]
        await tx.execute_many("checkpoint_stamp_insert", rows)
        return [None] * len(payloads)
