"""An entry that was fetched and judged, and whom it is for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.edxml.envelope import BusinessType, MessageKind
from gateway.journey import Judged
from gateway.ledger.offers import Route, Unfetched
from gateway.model import Agency, Lane
from gateway.route import is_hosted
from gateway.storage.bodies import SpooledBody


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """Fetched and judged; its bytes are in the spool."""

    offer: Unfetched
    body: SpooledBody
    judged: Judged
    routes: tuple[Route, ...]
    #: Whether it is ours to accept, and whether ours alone.
    ours: bool
    alone: bool

    @property
    def follows(self) -> bool:
        """It is about another message, and must not overtake it."""
        envelope = self.judged.envelope
        return envelope is None or not (
            envelope.kind is MessageKind.DOCUMENT and envelope.business.type is BusinessType.NEW
        )

    @property
    def rank(self) -> int:
        """Lower goes first."""
        envelope = self.judged.envelope
        return Lane.of_priority(envelope.priority if envelope else 0).rank


def concerns_us(codes: Sequence[str], known: Mapping[str, Agency]) -> bool:
    """Whether somebody we serve or watch may be meant; unknown codes may be ours, and so may those of no list."""
    return not codes or any(
        code not in known or (is_hosted(known[code]) and known[code].served_by != "scripts") for code in codes
    )


def route_of(code: str, agency: Agency | None) -> Route:
    """One recipient and the way to it."""
    if agency is None:
        return Route(code=code)
    channel = agency.endpoint.name if agency.endpoint else ""
    return Route(code=code, agency=agency.id, hosted=is_hosted(agency), channel=channel)
