"""What a look at a source works with: the gateway's desks, the same for every source, and the peer looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gateway.foundation import Foundation
from gateway.journey import Journey
from gateway.maintenance.backlog import Backlog
from gateway.maintenance.canaries import Canaries, Canary
from gateway.maintenance.pace import Rate
from gateway.maintenance.tries import Repeats, Tries
from gateway.model import Caller, Endpoint
from gateway.outbox import Outbox
from gateway.ports import Source

#: Ours, so the next entry would fare no better.
OURS: Final = "disk_nearly_full"
#: As in an outage: after these the next entry may fare no better.
LIKE_OUTAGES: Final = frozenset(
    {
        "connect_failed",
        "connection_lost",
        "peer_tls_failed",
        "peer_timeout",
        "peer_busy",
        "peer_credential_rejected",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Desks:
    """What a look works with, the same for every source."""

    base: Foundation
    journey: Journey
    outbox: Outbox
    canaries: Canaries


@dataclass(kw_only=True, slots=True)
class Memory:
    """What is remembered of a source from one look to the next, as long as its settings stay."""

    #: Fetched and not accepted yet, and the version of the directory by which it was judged.
    backlog: Backlog
    held_at: int = -1
    #: Of what is listed though we are done with it.
    repeats: Repeats
    fetches: Tries = field(default_factory=Tries)
    settlements: Tries = field(default_factory=Tries)
    #: Version of the directory when entries that it refuses were last offered to it.
    refused_at: int = -1
    #: Entries without an id of which the log has told.
    unreadable: set[str] = field(default_factory=set)

    @property
    def is_failing(self) -> bool:
        """Whether nothing succeeds with the peer, though its list may be in order."""
        return self.fetches.is_peers or self.settlements.is_peers


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """What is looked at."""

    endpoint: Endpoint
    source: Source
    caller: Caller
    #: Of acceptances, and of fetches.
    rate: Rate
    fetch_rate: Rate
    memory: Memory
    #: Entries side by side.
    at_once: int
    #: The test documents that come back by it; None: it sends none.
    canary: Canary | None
