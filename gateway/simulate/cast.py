"""Who takes part: the offices of the re-enactment and the systems they use.

The communes' systems follow the province's picture: one QLVB system hosts 100 communes behind one
credential, 30 communes have a system of their own (half of them pulling, half pushed), 15 have a browser only
and nobody opens it. Which commune is which is fixed by its place in the list, spread over all districts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Means(StrEnum):
    """How an office is connected."""

    #: One of the 100 behind the big QLVB system, which pulls.
    SHARED = "shared"
    #: A system of its own that pulls.
    PULL = "pull"
    #: A system of its own that is pushed.
    PUSH = "push"
    #: A browser only: unread until somebody opens it.
    BROWSER = "browser"
    #: Outside the province, behind the axis.
    AXIS = "axis"


#: Of every 29 communes, 20 share the big system, 3 pull, 3 are pushed, 3 have a browser: of 145, 100, 15, 15, 15.
_PATTERN = (Means.SHARED,) * 20 + (Means.PULL,) * 3 + (Means.PUSH,) * 3 + (Means.BROWSER,) * 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """One office of the re-enactment."""

    code: str
    name: str
    #: As in the directory: province, department, district, division, commune, ministry …
    kind: str
    means: Means
    #: The code of the office above; "" where that does not matter here.
    parent: str = ""


@dataclass(frozen=True, kw_only=True)
class Cast:
    """All of them, in the directory's order."""

    province: Office
    departments: tuple[Office, ...]
    districts: tuple[Office, ...]
    divisions: tuple[Office, ...]
    communes: tuple[Office, ...]
    #: Agencies behind the axis: the Government Office, a commune elsewhere, neighbours; the last one is known to
    #: our directory but no longer to the axis.
    outside: tuple[Office, ...]
    #: The relay peer's own agency.
    axis: Office
    #: The agency whose credential speaks for the 100 communes.
    hosting: Office

    @cached_property
    def by_code(self) -> dict[str, Office]:
        """Every office that may send or receive."""
        return {office.code: office for office in self.everyone}

    @property
    def everyone(self) -> tuple[Office, ...]:
        """Province first."""
        inside = (self.province, *self.departments, *self.districts, *self.divisions, *self.communes)
        return (*inside, *self.outside)

    @property
    def government(self) -> Office:
        """The Government Office."""
        return self.outside[0]

    @property
    def elsewhere(self) -> Office:
        """A commune of another province."""
        return self.outside[1]

    @property
    def neighbours(self) -> tuple[Office, ...]:
        """Ministries and provinces that the axis carries for."""
        return self.outside[2:-1]

    @property
    def dropped(self) -> Office:
        """An agency that the axis no longer carries for."""
        return self.outside[-1]

    @cached_property
    def unopened(self) -> frozenset[str]:
        """The codes of the offices whose mail nobody opens."""
        return frozenset(office.code for office in self.communes if office.means is Means.BROWSER)

    def communes_by(self, means: Means) -> tuple[Office, ...]:
        """The communes connected in one way."""
        return tuple(office for office in self.communes if office.means is means)

    def below(self, district: Office) -> tuple[Office, ...]:
        """The communes of a district that somebody reads mail for."""
        return tuple(
            office
            for office in self.communes
            if office.parent == district.code and office.code not in self.unopened
        )


def means_of(place: int) -> Means:
    """How the commune at this place of the list is connected."""
    return _PATTERN[place % len(_PATTERN)]
