"""What looking at a peer's list has shown: the comparison that says whether an agency may be taken over.

For each agency that we would reach without a relay, over everything that was ever offered to it:

- seen, fetched; missed: gone from the list before we had its bytes, so the list is looked at too seldom
- routable, refused (by reason), parked (statuses whose document we do not know, by reason)
- taken_by_scripts: gone from the list and not acknowledged by us; waiting: still listed
- seconds_to_fetch: from the first list that held it; seconds_listed: how long entries stay, as far as looks can
  tell

What somebody took between two looks is in no list that we saw. Only the scripts' own record can tell it: with the
ids that they took, `never_seen` names them, and `only_here` what we saw go that they do not know of.

`against` names what speaks against taking an agency over; the decision is a person's. Reads only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from gateway.clock import instant, micros, rfc3339
from gateway.directory.directory import Directory
from gateway.ledger.offers import Route
from gateway.model import Agency, AgencyId
from gateway.route import is_hosted
from gateway.storage.readers import Readers

_routes = msgspec.json.Decoder(list[Route])
_codes = msgspec.json.Decoder(list[str])
_MICROS = 1_000_000
_PAGE = 500
#: What becomes of such documents is the same with the scripts, and taking over changes nothing about it.
_HARMLESS = frozenset({"nothing_to_deliver"})


class Offered(NamedTuple):
    """A row of `offer_list_all`."""

    endpoint_id: str
    ref: str
    kind: str
    sender_code: str
    recipient_codes: str
    first_seen_at: int
    last_seen_at: int
    gone_at: int | None
    failures: int
    failure: str
    fetched_at: int | None
    sha256: str
    verdict: str
    reason: str
    routes: str
    left_at: int | None
    message_id: str
    acknowledged_at: int | None


@dataclass(kw_only=True, slots=True)
class AgencyReport:
    """One agency."""

    organ_id: str
    name: str
    served_by: str
    seen: int = 0
    fetched: int = 0
    missed: int = 0
    routable: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    parked: Counter[str] = field(default_factory=Counter)
    not_fetched: Counter[str] = field(default_factory=Counter)
    taken_by_scripts: int = 0
    waiting: int = 0
    accepted: int = 0
    never_seen: int = 0
    seconds_to_fetch: list[float] = field(default_factory=list)
    seconds_listed: list[float] = field(default_factory=list)

    def take(self, offer: Offered) -> None:
        """Count one offer."""
        self.seen += 1
        if offer.fetched_at is not None:
            self.fetched += 1
            self.seconds_to_fetch.append((offer.fetched_at - offer.first_seen_at) / _MICROS)
        elif offer.gone_at is not None:
            self.missed += 1
        if offer.fetched_at is None and offer.failure:
            self.not_fetched[offer.failure] += 1
        self.routable += offer.verdict == "routable"
        if offer.verdict in {"refused", "parked"}:
            getattr(self, offer.verdict)[offer.reason] += 1
        self.accepted += bool(offer.message_id)
        if offer.gone_at is None:
            self.waiting += 1
        else:
            self.seconds_listed.append((offer.gone_at - offer.first_seen_at) / _MICROS)
            self.taken_by_scripts += offer.acknowledged_at is None

    def against(self, *, blind: bool) -> list[str]:
        """What speaks against taking it over, as fixed words."""
        found = {
            "nothing_seen": not self.seen,
            "documents_missed": bool(self.missed),
            "documents_never_seen": bool(self.never_seen),
            "documents_refused": bool(self.refused.keys() - _HARMLESS),
            "documents_not_fetched": bool(self.not_fetched),
            "source_failing": blind,
        }
        return [name for name, holds in found.items() if holds]

    def shown(self, *, blind: bool) -> dict[str, Any]:
        """As JSON and the table show it."""
        told = {name: getattr(self, name) for name in AgencyReport.__dataclass_fields__}
        for name in ("refused", "parked", "not_fetched"):
            told[name] = dict(told[name])
        for name in ("seconds_to_fetch", "seconds_listed"):
            told[name] = _spread(told[name])
        return told | {"against": self.against(blind=blind)}


async def shadow_report(
    readers: Readers, directory: Directory, now: datetime, *, organ_id: str = "", taken: Sequence[str] | None = None
) -> dict[str, Any]:
    """The comparison, of one agency or of all; `taken`: the ids that the scripts say they took."""
    agencies = {agency.id: agency for agency in await _hosted(directory)}
    if organ_id:
        found = (await directory.resolve([organ_id], now)).get(organ_id)
        agencies = {found.id: found} if found is not None and found.id in agencies else {}
    offers = [Offered(*row) for row in await readers.fetch("offer_list_all")]
    sources = [_source(row, offers, now) for row in await readers.fetch("source_list_all")]
    codes = await _known_codes(directory, offers, now)
    reports = {
        key: AgencyReport(organ_id=each.organ_id, name=each.name, served_by=each.served_by)
        for key, each in agencies.items()
    }
    unknown: Counter[str] = Counter()
    for offer in offers:
        concerned, strangers = _concerned(offer, codes)
        unknown.update(strangers)
        for key in concerned & reports.keys():
            reports[key].take(offer)
    compared = _compared(offers, taken, reports.values()) if taken is not None else {}
    blind = any(source["failing_since"] for source in sources) or not sources
    return {
        "now": rfc3339(now),
        "sources": sources,
        "agencies": [each.shown(blind=blind) for each in sorted(reports.values(), key=lambda each: each.organ_id)],
        "unknown_recipients": dict(unknown.most_common()),
        **compared,
    }


async def _hosted(directory: Directory) -> list[Agency]:
    found: list[Agency] = []
    after: AgencyId | None = None
    while page := await directory.page(limit=_PAGE, after=after):
        found += [each for each in page if is_hosted(each) and each.closed_at is None]
        after = page[-1].id
    return found


async def _known_codes(directory: Directory, offers: Iterable[Offered], now: datetime) -> dict[str, AgencyId]:
    """Codes of lists where the document's own recipients are not known; others are kept with the offer."""
    asked = {code for offer in offers if offer.routes == "[]" for code in _codes.decode(offer.recipient_codes)}
    found = await directory.resolve(asked, now)
    return {code: agency.id for code, agency in found.items()}


def _concerned(offer: Offered, codes: Mapping[str, AgencyId]) -> tuple[set[AgencyId], list[str]]:
    """The agencies an offer is for, and the codes of it that nobody has."""
    routes = _routes.decode(offer.routes)
    if routes:
        return {AgencyId(each.agency) for each in routes if each.agency}, [
            each.code for each in routes if not each.agency
        ]
    listed = _codes.decode(offer.recipient_codes)
    return {codes[code] for code in listed if code in codes}, []


def _source(row: Sequence[Any], offers: Iterable[Offered], now: datetime) -> dict[str, Any]:
    key, name, began, polls, failed, listed, gap, failing, reason, detail = row
    # a gap under way counts, or an outage would look short until it ends
    open_gap = micros(now) - (listed if listed is not None else began) if failing is not None else 0
    stays = [each.gone_at - each.first_seen_at for each in offers if each.endpoint_id == key and each.gone_at]
    return {
        "channel": name,
        "began_at": rfc3339(instant(began)),
        "polls": polls,
        "failed_polls": failed,
        "listed_at": rfc3339(instant(listed)) if listed is not None else None,
        "longest_gap_seconds": max(gap, open_gap) / _MICROS,
        "shortest_stay_seconds": min(stays) / _MICROS if stays else None,
        "failing_since": rfc3339(instant(failing)) if failing is not None else None,
        "reason": reason,
        "detail": detail,
    }


def _compared(offers: Sequence[Offered], taken: Sequence[str], reports: Iterable[AgencyReport]) -> dict[str, Any]:
    seen, known = {offer.ref for offer in offers}, set(taken)
    never = [ref for ref in dict.fromkeys(taken) if ref not in seen]
    for each in reports:  # whose they were, no list of ours can tell: they may be anybody's
        each.never_seen = len(never)
    only = [
        offer.ref
        for offer in offers
        if offer.gone_at is not None and offer.ref not in known and offer.acknowledged_at is None
    ]
    return {"never_seen": never, "only_here": only, "taken": len(known)}


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    return {"median": ordered[len(ordered) // 2], "most": ordered[-1]}
