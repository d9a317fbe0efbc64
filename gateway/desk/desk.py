"""The parts of the desk, put together once by the composition root."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from gateway.desk.arrivals import Arrivals
from gateway.desk.books import Books
from gateway.desk.inbox import DeskInbox
from gateway.desk.papers import Papers
from gateway.desk.register import Registering
from gateway.desk.sending import Sending
from gateway.examining import Anchors, Examiner
from gateway.facade import LocalGateway
from gateway.foundation import Foundation
from gateway.inspecting import parse_limits
from gateway.ledger.desk import DeskReads
from gateway.ledger.drafts_kept import KeptReads
from gateway.listings import Listings
from gateway.parsing.pool import ParserPool
from gateway.seal.revocation import REVOCATIONS


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What the console calls for clerks."""

    reads: DeskReads
    inbox: DeskInbox
    registering: Registering
    arrivals: Arrivals
    listings: Listings
    papers: Papers
    sending: Sending
    books: Books

    async def close(self) -> None:
        """Let what lists have begun come to its end."""
        await self.arrivals.close()
        await self.listings.close()


def make_desk(stack: AsyncExitStack, base: Foundation, gateway: LocalGateway, examiners: ParserPool) -> Desk:
    """The desk of this server; `examiners` look at what is about to be sent."""
    settings = base.settings
    anchors = Anchors(
        signers=settings.checks.signers,
        stamps=settings.checks.stamps,
        answers=settings.storage.folder / REVOCATIONS,
    )
    examiner = Examiner(examiners, anchors, limits=parse_limits(settings.limits), scratch=settings.storage.folder)
    reads, listings = DeskReads(base.readers), Listings(base.pump, base.clock)
    registering = Registering(gateway, reads, base.pump)
    arrivals = Arrivals(registering, reads, gateway)
    desk = Desk(
        reads=reads,
        inbox=DeskInbox(reads, listings, arrivals, base.pump, base.clock),
        registering=registering,
        arrivals=arrivals,
        listings=listings,
        papers=Papers(gateway, reads, base.pump, settings.limits),
        sending=Sending(
            gateway,
            reads,
            KeptReads(base.readers),
            registering,
            base.pump,
            examiner,
            most_drafts=settings.limits.desk_drafts,
        ),
        books=Books(reads),
    )
    stack.push_async_callback(desk.close)
    return desk
