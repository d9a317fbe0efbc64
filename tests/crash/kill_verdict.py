"""What comparisons of a killed gateway's ledger come to."""

from __future__ import annotations

from dataclasses import dataclass, field

#: The last is what an axis took on: it is the end of our part.
ARRIVED = frozenset({"delivered", "acknowledged", "relayed"})


@dataclass(kw_only=True, slots=True)
class Verdict:
    """What was found, in words."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """All of it."""
        return [*self.lost, *self.duplicated, *self.other]
