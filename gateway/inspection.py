"""The connection inspector's memory: the last requests of each system, and what was compared when one was refused.

A vendor whose signature is refused must see why: over which text it was computed here, what was sent, and where
the two differ first. Whoever answers peers calls `note` once for a request whose maker is known, and `note_claim`
for one that could not be authenticated but named a system that we know.

Memory only, gone with a restart; the ledger has what lasts. It is bounded: so many requests of a system, every
text cut, and the systems that asked least recently are forgotten. Claims have places of their own: strangers who
know a system's name can push out neither its requests nor another system's.

It never holds a secret, a token or a whole MAC; of a hash that proves something, only the first digits.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from gateway.model import AgencyId, CredentialId

#: Requests kept of one system, and unproved ones that named it.
KEPT: Final = 100
KEPT_CLAIMS: Final = 20
#: Systems that are remembered.
_SYSTEMS: Final = 1000
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
    #: rest, vxp …
    binding: str
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
    #: False: it named this system and did not prove to be it.
    authenticated: bool = True
    tls_version: str = ""
    #: The peer's clock minus ours, where the request said what time it was there.
    clock_difference_seconds: float | None = None
    body_size: int | None = None
    #: Digest that the request announced, and that of the bytes that came.
    body_hash_expected: str = ""
    body_hash_got: str = ""
    comparisons: tuple[Comparison, ...] = ()


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


class _System:
    """What is kept of one credential."""

    __slots__ = ("agency_id", "claims", "own")

    def __init__(self, agency_id: AgencyId) -> None:
        self.agency_id = agency_id
        self.own: deque[Exchange] = deque(maxlen=KEPT)
        self.claims: deque[Exchange] = deque(maxlen=KEPT_CLAIMS)


class Inspection:
    """The memory of one running server."""

    def __init__(self, *, systems: int = _SYSTEMS) -> None:
        self._most = systems
        self._systems: OrderedDict[CredentialId, _System] = OrderedDict()

    def note(self, credential_id: CredentialId, agency_id: AgencyId, exchange: Exchange) -> None:
        """A request of a system that proved to be itself."""
        system = self._systems.setdefault(credential_id, _System(agency_id))
        self._systems.move_to_end(credential_id)
        if len(self._systems) > self._most:
            self._systems.popitem(last=False)
        system.own.append(_cut(exchange))

    def note_claim(self, credential_id: CredentialId, agency_id: AgencyId, exchange: Exchange) -> None:
        """A request that named a system of ours and did not prove to be it; pushes nobody out."""
        system = self._systems.get(credential_id)
        if system is None:
            if len(self._systems) >= self._most:
                return
            system = self._systems[credential_id] = _System(agency_id)
        system.claims.append(_cut(msgspec.structs.replace(exchange, authenticated=False)))

    def last(self, credential_id: CredentialId) -> list[Exchange]:
        """What is known of one system, newest first."""
        system = self._systems.get(credential_id)
        return [] if system is None else _newest((*system.own, *system.claims))

    def of_agency(self, agency_id: AgencyId) -> list[Exchange]:
        """What is known of all systems of an agency, newest first."""
        mine = [system for system in self._systems.values() if system.agency_id == agency_id]
        return _newest(each for system in mine for each in (*system.own, *system.claims))


def _newest(exchanges: Iterable[Exchange]) -> list[Exchange]:
    return sorted(exchanges, key=lambda each: each.at, reverse=True)


def _cut(exchange: Exchange) -> Exchange:
    if max(len(exchange.path), len(exchange.detail), len(exchange.operation)) <= _TEXT:
        return exchange
    return msgspec.structs.replace(
        exchange,
        path=exchange.path[:_TEXT],
        detail=exchange.detail[:_TEXT],
        operation=exchange.operation[:_TEXT],
    )
