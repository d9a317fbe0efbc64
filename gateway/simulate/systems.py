"""Which systems there are, which process plays them, and how they misbehave with `--faults`. Pure.

A tenth of the receivers misbehave for a while, each kind of fault at least once: pushed systems that refuse
connections, that take messages and never answer, that are busy; pulling systems that do not poll, or fetch and
do not acknowledge; ten communes of the shared system that are away; an axis that is busy and leaves one message
without an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from gateway.simulate.cast import Cast, Means, Office
from gateway.simulate.province import endpoint_name
from gateway.simulate.spec import Faults

Role = Literal["axis", "shared", "communes", "offices"]
ROLES: tuple[Role, ...] = ("axis", "shared", "communes", "offices")

#: Seconds that an attempt may take: a busy machine is no fault of a system, and where all attempts were given up
#: too early nothing would move at all. Only who is to be given up is waited for shortly; it stalls for longer.
_PATIENT, _HURRIED, _STALL = 60, 3, 4.0
_AWAY = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """One office system."""

    name: str
    role: Role
    receives: Literal["pull", "push", "member"]
    #: The agency whose credential it uses.
    owner: str
    #: The offices whose part it plays.
    codes: tuple[str, ...]
    #: Its channel in the directory.
    endpoint: str
    uses_certificate: bool
    #: What the gateway reaches by the axis, not at a channel of its own.
    behind_relay: bool = False
    answers_by_form: bool = False
    faults: Faults = field(default_factory=Faults)

    @property
    def attempt_seconds(self) -> int:
        """How long the gateway waits for its answer."""
        return _HURRIED if self.receives == "push" and self.faults.stall_seconds else _PATIENT

    @property
    def represents(self) -> tuple[str, ...]:
        """The offices that it speaks for beside its owner."""
        return tuple(code for code in self.codes if code != self.owner) if not self.behind_relay else ()


def all_systems(cast: Cast, *, faults: bool) -> list[System]:
    """Every system of the demo."""
    return [
        _axis(cast, faults=faults),
        _shared(cast, faults=faults),
        *_communes(cast, faults=faults),
        *_offices(cast, faults=faults),
    ]


def _axis(cast: Cast, *, faults: bool) -> System:
    return System(
        name="axis",
        role="axis",
        receives="member",
        owner=cast.axis.code,
        codes=(cast.axis.code, *(office.code for office in cast.outside)),
        endpoint=endpoint_name(cast.axis),
        uses_certificate=False,
        behind_relay=True,
        faults=Faults(busy=2, unanswered=1, stall_seconds=_STALL) if faults else Faults(),
    )


def _shared(cast: Cast, *, faults: bool) -> System:
    offices = cast.communes_by(Means.SHARED)
    away = tuple(office.code for office in offices[::10])
    return System(
        name="qlvb-100",
        role="shared",
        receives="member",
        owner=cast.hosting.code,
        codes=tuple(office.code for office in offices),
        endpoint=endpoint_name(offices[0]),
        uses_certificate=False,
        faults=Faults(away_seconds=_AWAY, offices_away=away, unanswered=3, stall_seconds=1.0)
        if faults
        else Faults(),
    )


def _communes(cast: Cast, *, faults: bool) -> Iterable[System]:
    pulled = {
        1: Faults(away_seconds=_AWAY),
        3: Faults(unanswered=1, stall_seconds=1.0),
    }
    pushed = {
        0: Faults(away_seconds=_AWAY),
        4: Faults(unanswered=2, stall_seconds=_STALL),
        7: Faults(busy=3),
    }
    for place, office in enumerate(cast.communes_by(Means.PULL)):
        given = pulled.get(place, Faults()) if faults else Faults()
        yield _own(office, "communes", "pull", given, certificate=False, form=True)
    for place, office in enumerate(cast.communes_by(Means.PUSH)):
        given = pushed.get(place, Faults()) if faults else Faults()
        yield _own(office, "communes", "push", given, certificate=True, form=False)


def _offices(cast: Cast, *, faults: bool) -> Iterable[System]:
    yield _own(cast.province, "offices", "pull", Faults(), certificate=True, form=False)
    for office in cast.departments:
        yield _own(office, "offices", "pull", Faults(), certificate=False, form=False)
    for place, office in enumerate(cast.districts):
        divisions = tuple(division.code for division in cast.divisions if division.parent == office.code)
        given = Faults(away_seconds=_AWAY / 2) if faults and place in {2, 9} else Faults()
        yield _own(office, "offices", "pull", given, certificate=False, form=False, more=divisions)


def _own(
    office: Office,
    role: Role,
    receives: Literal["pull", "push"],
    faults: Faults,
    *,
    certificate: bool,
    form: bool,
    more: tuple[str, ...] = (),
) -> System:
    return System(
        name=f"{office.kind}-{office.code}",
        role=role,
        receives=receives,
        owner=office.code,
        codes=(office.code, *more),
        endpoint=endpoint_name(office),
        uses_certificate=certificate,
        answers_by_form=form,
        faults=faults,
    )
