"""Registers of a day: what an agency's entries are, what is hashed of them, and which entries are a day's.

    entry     = number of the leaf (8 bytes) || commitment to the number || commitment to the recipient
    register  = RFC 6962 tree over an agency's entries of the day, in the order of the log
    day       = RFC 6962 tree over the day's registers: commitment to the agency || digest of the register

An entry is one line of a document: its acceptance for one recipient, or a recipient that was added later. Numbers
and recipients are compared as `number_text` and the directory's ids. The salts of all commitments of a day come
from one secret of that day (`gateway.transparency.commitment`).

**Which day** an entry is of follows from the order of the log, not from a clock alone. Each closing names the leaf
that it looked up to. An entry between those of D-1 and D belongs to D; if its time is after the end of D, which is
usual for the minutes before the closing, it belongs to D+1. So nothing is ever added to a closed day, whatever the
clock did: what came late is of the day that was open, and is counted as `late`.

Pure code; the same for the gateway that closes, `fsck`, and the auditors' verifier.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from gateway.transparency.commitment import bits_of, commitment, salts_of
from gateway.transparency.merkle import leaf_hash, root_of

AGENCY, NUMBER, RECIPIENT = "agency", "number", "recipient"
#: The offset of the days from UTC, as closings name it: Asia/Ho_Chi_Minh.
ZONE: Final = "+07:00"
_SPACE: Final = re.compile(r"\s+")


def number_text(number: str, notation: str) -> str:
    """How number and notation of a document are compared: `12/ubnd-vp`.

    Unicode NFC, small letters, no white space, no leading zeros; anything else that differs is another number.
    """
    whole = _SPACE.sub("", unicodedata.normalize("NFC", f"{number}/{notation}").casefold())
    return whole.lstrip("0") if whole[:1] == "0" and whole[1:2].isdigit() else whole


@dataclass(frozen=True, slots=True)
class Line:
    """One recipient of a document, as the ledger has it; recipient "" where there is none."""

    #: Of the event that made it.
    leaf: int
    number: str
    recipient: str

    def salts(self, seed: bytes, field: str) -> bytes:
        """Those of its commitment to a field."""
        about = (self.leaf,) if field == NUMBER else (self.leaf, self.recipient)
        return salts_of(seed, field, *about)

    def value(self, field: str) -> str:
        """What it commits to."""
        return self.number if field == NUMBER else self.recipient

    def bits(self, field: str) -> int:
        """The bits of that."""
        return bits_of(field, self.value(field))


def entries_of(seed: bytes, lines: Iterable[Line]) -> Iterator[Entry]:
    """The lines as their register has them; those of one document are all of one number."""
    leaf, number = -1, b""
    for line in lines:
        if line.leaf != leaf:
            leaf, number = line.leaf, commitment(line.bits(NUMBER), line.salts(seed, NUMBER))
        yield Entry(leaf, number, commitment(line.bits(RECIPIENT), line.salts(seed, RECIPIENT)))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a register; says nothing of the document but where its event is in the log."""

    leaf: int
    #: 32 bytes each.
    number: bytes
    recipient: bytes

    @property
    def digest(self) -> bytes:
        """Its leaf hash in the tree of the register."""
        return leaf_hash(self.leaf.to_bytes(8, "big") + self.number + self.recipient)


@dataclass(frozen=True, kw_only=True, slots=True)
class Register:
    """What an agency sent on a day."""

    documents: int
    entries: int
    #: Leaves of the first and the last entry.
    first: int
    last: int
    root: bytes

    @classmethod
    def of(cls, leaves: Sequence[int], digests: Sequence[bytes]) -> Register:
        """The register of these entries, one at least, in the order of the log."""
        return cls(
            documents=len(set(leaves)), entries=len(leaves), first=leaves[0], last=leaves[-1], root=root_of(digests)
        )

    @property
    def digest(self) -> bytes:
        """SHA-256 of its numbers, 8 bytes each, and its root."""
        numbers = (self.documents, self.entries, self.first, self.last)
        return sha256(b"".join(each.to_bytes(8, "big") for each in numbers) + self.root).digest()


def agency_salts(seed: bytes, agency: str) -> bytes:
    """The salts of the day's commitment to an agency."""
    return salts_of(seed, AGENCY, agency)


def agency_commitment(seed: bytes, agency: str) -> bytes:
    """Whose register it is, hidden."""
    return commitment(bits_of(AGENCY, agency), agency_salts(seed, agency))


def day_root(items: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The root over a day's registers: (commitment to the agency, digest of the register) of each."""
    return root_of([leaf_hash(agency + register) for agency, register in items])


@dataclass(frozen=True, kw_only=True, slots=True)
class Closing:
    """What the event that closes a day says; it is a leaf of the log."""

    #: 2026-11-28, of Vietnam.
    day: str
    #: Leaves of the log that the closing before it looked at, and this one.
    after: int
    until: int
    registers: int
    documents: int
    entries: int
    #: Entries whose time is before this day.
    late: int
    root: bytes

    def facts(self) -> dict[str, object]:
        """The facts of the event."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        return {"day": self.day, "zone": ZONE, "root": self.root.hex(), **numbers}

    @classmethod
    def parse(cls, facts: Mapping[str, Any]) -> Closing | None:
        """The closing that the facts of an event are; None when they are none."""
        numbers = {name: facts.get(name) for name in _NUMBERS}
        day, root = facts.get("day"), facts.get("root")
        is_shaped = isinstance(day, str) and isinstance(root, str) and re.fullmatch("[0-9a-f]{64}", root)
        if not is_shaped or facts.get("zone") != ZONE or len(facts) != len(_NUMBERS) + 3:
            return None
        if not all(type(each) is int and each >= 0 for each in numbers.values()):
            return None
        return cls(day=day, root=bytes.fromhex(root), **numbers)  # type: ignore[arg-type]


_NUMBERS: Final = ("after", "until", "registers", "documents", "entries", "late")
