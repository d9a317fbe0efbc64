"""How many witnesses a proof should have, and which ones count: those that are trusted now."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.transparency.note import SignedNote


@dataclass(frozen=True, slots=True)
class Quorum:
    """So many of these; of a witness that nobody asks any more old lines may be left, which say nothing."""

    least: int = 0
    #: Names of witnesses.
    names: frozenset[str] = frozenset()

    def is_met(self, note: SignedNote) -> bool:
        """Whether enough of them have a line below it; the lines were verified when they were kept."""
        return len(self.names & {each.name for each in note.signatures}) >= self.least
