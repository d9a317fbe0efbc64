"""The connection inspector's memory: the last requests of each agency, and what was compared when one was refused.

A vendor whose signature is refused must see why: over which text it was computed here, what was sent, and where
the two differ first. Whoever answers peers calls `note` once for a request whose maker is known, and `note_claim`
for one that could not be authenticated but named a system that we know.

Requests of all credentials of an agency are kept together, each with the credential's id: a new secret, or a second
system, must not hide half of what happened. Memory only, gone with a restart; the ledger has what lasts. It is
bounded: so many requests of an agency, every text cut, and the agencies that asked least recently are forgotten.
Claims have places of their own: strangers who know a system's name can push out nothing but claims.

It never holds a secret, a token or a whole MAC; of a hash that proves something, only the first digits.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime
from typing import Final

import msgspec

from gateway.model import AgencyId

#: Requests kept of one agency, and unproved ones that named a system of it.
KEPT: Final = 100
KEPT_CLAIMS: Final = 20
#: Agencies that are remembered, and as many that were named.
_AGENCIES: Final = 1000
#: Characters of a text that was signed, of any other one, and digits of somebody's hash.
_SIGNED: Final = 2000
_TEXT: Final = 300
_DIGITS: Final = 8


class Comparison(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Two things that should have been equal."""

    #: hmac, header, body …
    what: str
    #: What we computed over, or had.
    ours: str
    #: What was sent.
    theirs: str = ""
    #: The first digits of the hash or MAC that was sent.
    their_hash: str = ""
    #: The first character at which `ours` and `theirs` differ; -1 where they do not, or were not compared.
    first_difference: int = -1


class Exchange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One request and what it was answered."""

    at: datetime
    #: rest, or the protocol's name.
    binding: str
    #: The id of the credential, as `gateway agencies credentials` lists it; "" where none was proved.
    credential: str = ""
    #: What the system called itself, in protocols where it does.
    system_id: str = ""
    method: str
    #: operationId of the OpenAPI document, or the operation's name in its protocol.
    operation: str
    path: str
    status: int
    #: Code of the closed list; "" when it was not refused.
    reason: str = ""
    detail: str = ""
    trace_id: str = ""
    address: str = ""
    milliseconds: float = 0.0
    #: Whether the answer was one given before to the same request.
    replayed: bool = False
    #: False: it named a system of this agency and did not prove to be it.
    authenticated: bool = True
    tls_version: str = ""
    #: The peer's clock minus ours, where the request said what time it was there.
    clock_difference_seconds: float | None = None
    body_size: int | None = None
    #: Digest that the request announced, and that of the bytes that came.
    body_hash_expected: str = ""
    body_hash_got: str = ""
    comparisons: tuple[Comparison, ...] = ()


#: Those of each agency, the one that asked least recently first.
_Rings = OrderedDict[AgencyId, deque[Exchange]]


def compared(what: str, ours: str, theirs: str = "", their_hash: str = "") -> Comparison:
    """A comparison as it may be shown: texts cut, a hash only begun."""
    place = -1
    if theirs and theirs != ours:
        pairs = enumerate(zip(ours, theirs, strict=False))
        place = next((at for at, (one, other) in pairs if one != other), min(len(ours), len(theirs)))
    return Comparison(
        what=what,
        ours=_around(ours, place),
        theirs=_around(theirs, place),
        their_hash=their_hash[:_DIGITS],
        first_difference=place,
    )


def _around(text: str, place: int) -> str:
    """A text that fits, with the difference inside; what is no Unicode could not be shown."""
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= _SIGNED:
        return text
    start = max(0, min(place - _SIGNED // 2, len(text) - _SIGNED))
    return f"{'…' if start else ''}{text[start : start + _SIGNED]}{'…' if start + _SIGNED < len(text) else ''}"


class Inspection:
    """The memory of one running server."""

    def __init__(self, *, agencies: int = _AGENCIES) -> None:
        self._most = agencies
        self._own: _Rings = OrderedDict()
        self._claims: _Rings = OrderedDict()

    def note(self, agency_id: AgencyId, exchange: Exchange) -> None:
        """A request of a system that proved to be itself."""
        self._keep(self._own, KEPT, agency_id, exchange)

    def note_claim(self, agency_id: AgencyId, exchange: Exchange) -> None:
        """A request that named a system of ours and did not prove to be it; pushes out other claims only."""
        unproved = msgspec.structs.replace(exchange, authenticated=False)
        self._keep(self._claims, KEPT_CLAIMS, agency_id, unproved)

    def last(self, agency_id: AgencyId) -> list[Exchange]:
        """What is known of all systems of an agency, newest first."""
        found = (*self._own.get(agency_id, ()), *self._claims.get(agency_id, ()))
        return sorted(found, key=lambda each: each.at, reverse=True)

    def _keep(self, rings: _Rings, most: int, agency_id: AgencyId, exchange: Exchange) -> None:
        ring = rings.get(agency_id)
        if ring is None:
            ring = rings[agency_id] = deque(maxlen=most)
            if len(rings) > self._most:
                rings.popitem(last=False)
        else:
            rings.move_to_end(agency_id)
        ring.append(_cut(exchange))


def _cut(exchange: Exchange) -> Exchange:
    texts = (exchange.path, exchange.detail, exchange.operation, exchange.system_id)
    if max(map(len, texts)) <= _TEXT:
        return exchange
    return msgspec.structs.replace(
        exchange,
        path=exchange.path[:_TEXT],
        detail=exchange.detail[:_TEXT],
        operation=exchange.operation[:_TEXT],
        system_id=exchange.system_id[:_TEXT],
    )
