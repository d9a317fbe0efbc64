"""What the directory knows of one agency over time, and what it is at one instant. Pure code.

A `Record` holds every code and name with its dates; `at` makes the `Agency` of an instant:

- a period holds from its first instant up to, not including, its last;
- a closed agency keeps the codes and names it had when it was closed, and shows `closed_at` and
  `successor_id`; before that instant it shows neither;
- the organ id is the QCVN 102 form where it has one, else the QĐ 20 form, else any other.

Instants inside are integer microseconds, as in the database.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import msgspec

from gateway.clock import instant
from gateway.model import Agency, AgencyId, Endpoint, EndpointId, OrganId, ServedBy

Scheme = Literal["qcvn102", "qd20", "opaque"]
_SCHEMES: tuple[Scheme, ...] = ("qcvn102", "qd20", "opaque")


class Period(msgspec.Struct, frozen=True, array_like=True):
    """From an instant up to another, or for good."""

    start: int
    end: int | None

    def holds(self, at: int) -> bool:
        """Whether the instant lies inside."""
        return self.start <= at and (self.end is None or at < self.end)

    def overlaps(self, other: Period) -> bool:
        """Whether the two share an instant; an empty period shares none."""
        return (
            (other.end is None or self.start < other.end)
            and (self.end is None or other.start < self.end)
            and self.start != self.end
            and other.start != other.end
        )


class Code(msgspec.Struct, frozen=True, array_like=True):
    """A code of one agency with its dates."""

    code: str
    scheme: Scheme
    canonical: str
    start: int
    end: int | None

    @property
    def period(self) -> Period:
        """When it holds."""
        return Period(self.start, self.end)


class Name(msgspec.Struct, frozen=True, array_like=True):
    """A name of one agency with its dates."""

    name: str
    is_alias: int
    start: int
    end: int | None

    @property
    def period(self) -> Period:
        """When it holds."""
        return Period(self.start, self.end)


class Holder(msgspec.Struct, frozen=True, array_like=True):
    """Who has, or had, a code."""

    agency_id: AgencyId
    start: int
    end: int | None

    @property
    def period(self) -> Period:
        """When it holds."""
        return Period(self.start, self.end)


_Dated = TypeVar("_Dated", Code, Name)


def holder_at(holders: Sequence[Holder], at: int) -> AgencyId | None:
    """Whose code it is at an instant: who holds it then, else who held it last; nobody before the first."""
    best: Holder | None = None
    for holder in holders:
        if holder.period.holds(at):
            return holder.agency_id
        if holder.start <= at and (best is None or holder.start > best.start):
            best = holder
    return None if best is None else best.agency_id


@dataclass(kw_only=True, slots=True)
class Record:
    """One agency over time."""

    id: AgencyId
    kind: str
    parent_id: AgencyId | None
    endpoint_id: EndpointId | None
    contact: dict[str, str]
    opened: int
    closed: int | None
    successor_id: AgencyId | None
    sandbox: bool
    daily_quota_bytes: int | None
    #: None: no act has said it.
    served_by: ServedBy | None
    codes: tuple[Code, ...]
    names: tuple[Name, ...]
    #: The agency last made, the endpoint it was made with, and the span it holds for.
    memo: tuple[Agency, Endpoint | None, int, int | None] | None = field(default=None, repr=False)

    @property
    def period(self) -> Period:
        """From opening to closing."""
        return Period(self.opened, self.closed)

    def current_codes(self, at: int) -> list[Code]:
        """The codes of an instant, the organ id first."""
        held = _held(self.codes, self._inside(at))
        return sorted(held, key=lambda code: (_SCHEMES.index(code.scheme), -code.start))

    def current_name(self, at: int) -> str:
        """The name of an instant."""
        held = _held([name for name in self.names if not name.is_alias], self._inside(at))
        return held[-1].name if held else ""

    def at(self, at: int, endpoint: Endpoint | None) -> Agency:
        """The agency of an instant; made once per span in which nothing changes."""
        if self.memo is not None:
            agency, same, start, end = self.memo
            if same is endpoint and start <= at and (end is None or at < end):
                return agency
        agency = self._make(at, endpoint)
        self.memo = (agency, endpoint, *self._span(at))
        return agency

    def _make(self, at: int, endpoint: Endpoint | None) -> Agency:
        codes = tuple(OrganId(code.code) for code in self.current_codes(at))
        closed = self.closed is not None and self.closed <= at
        return Agency(
            id=self.id,
            organ_id=codes[0] if codes else OrganId(""),
            codes=codes,
            name=self.current_name(at),
            kind=self.kind,
            parent_id=self.parent_id,
            endpoint=endpoint,
            closed_at=instant(self.closed) if closed and self.closed is not None else None,
            successor_id=self.successor_id if closed else None,
            sandbox=self.sandbox,
            daily_quota_bytes=self.daily_quota_bytes,
            served_by=self.served_by or "gateway",
        )

    def _inside(self, at: int) -> int:
        """The nearest instant at which the agency was open."""
        last = at if self.closed is None else min(at, self.closed - 1)
        return max(last, self.opened)

    def _span(self, at: int) -> tuple[int, int | None]:
        edges = {self.opened, self.closed}
        for period in (dated.period for group in (self.codes, self.names) for dated in group):
            edges |= {period.start, period.end}
        known = sorted(edge for edge in edges if edge is not None)
        place = bisect_right(known, at)
        start = known[place - 1] if place else -(2**63)
        return start, known[place] if place < len(known) else None


def _held(dated: Sequence[_Dated], at: int) -> list[_Dated]:
    """What holds at an instant; where nothing does, what began last before it, else what begins first."""
    held = [item for item in dated if item.period.holds(at)]
    if held or not dated:
        return held
    before = [item for item in dated if item.start <= at]
    return [max(before, key=lambda item: item.start) if before else min(dated, key=lambda item: item.start)]
