"""The proof that an agency sent no such document: `evidence/absence.json` and a register for each day. Format 1.

The question stands in the facts. For each of its days there is `evidence/registers/DAY.json`: all registers of that
day, the issuer's opened, each other one shown to be another agency's; and all entries of the issuer's register,
each shown by one bit to be of another number or for another recipient (`gateway.transparency.commitment`). Digests,
commitments and salts are hexadecimal. What is proved, and what is not, is said in docs/registers.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from gateway.bundle.container import ContainerWriter
from gateway.bundle.facts import Log, Part, Stamp, written
from gateway.bundle.format import (
    ABSENCE,
    ABSENCE_FORMAT,
    ABSENCE_VERSION,
    EXPORT,
    MANIFEST,
    media_type_of,
    role_of,
)
from gateway.bundle.manifest import manifest_of
from gateway.errors import BundleError, ProofError
from gateway.seal.writer import SealedEntry
from gateway.transparency.commitment import Opening
from gateway.transparency.merkle import HASH_BYTES
from gateway.transparency.registers import Entry, Register


class Office(Part, kw_only=True, frozen=True):
    """An agency, as the gateway's directory names it."""

    #: The directory's id, which registers go by.
    agency: str
    code: str
    name: str


class Question(Part, kw_only=True, frozen=True):
    """Which document there is not."""

    issuer: Office
    #: None: for whomever.
    recipient: Office | None
    #: As it was asked for, number/notation; "": of whatever number.
    number: str
    #: Days of Vietnam, both included.
    first: str
    last: str


class Day(Part, kw_only=True, frozen=True):
    """A closed day and the leaf that closes it."""

    day: str
    leaf: int


class Absence(Part, kw_only=True, frozen=True):
    """The whole."""

    format: str = ABSENCE_FORMAT
    version: int = ABSENCE_VERSION
    made_at: str
    made_by: str
    #: Organ id of the gateway.
    gateway: str
    program: str
    question: Question
    days: list[Day]
    log: Log | None
    stamps: list[Stamp]
    #: Entries and their roles; `mimetype` and this file are left out.
    entries: dict[str, str]


class Shown(Part, kw_only=True, frozen=True):
    """One bit of a commitment."""

    position: int
    bit: int
    salt: str
    #: Hashes from the leaf's sibling up, one after the other.
    path: str

    @classmethod
    def of(cls, opening: Opening) -> Shown:
        """Written."""
        path = b"".join(opening.path)
        return cls(position=opening.position, bit=opening.bit, salt=opening.salt.hex(), path=path.hex())

    def opening(self) -> Opening:
        """Read; ProofError when it is no such thing."""
        salt, path = unhex(self.salt), unhex(self.path)
        hashes = tuple(path[at : at + HASH_BYTES] for at in range(0, len(path), HASH_BYTES))
        return Opening(self.position, self.bit, salt, hashes)


class RegisterShown(Part, kw_only=True, frozen=True):
    """One register of the day; nothing is told of another agency's."""

    #: Commitment to the agency.
    agency: str
    #: Digest of the register.
    digest: str
    #: A bit of the commitment that the issuer has otherwise; None: it is the issuer's.
    another: Shown | None = None


class EntryShown(Part, kw_only=True, frozen=True):
    """One entry of the issuer's register, which is not the one that was asked for."""

    leaf: int
    number: str
    recipient: str
    #: Of which of the two a bit is shown.
    field: Literal["number", "recipient"]
    another: Shown

    def entry(self) -> Entry:
        """As the register has it; ProofError when it is none."""
        found = Entry(self.leaf, unhex(self.number), unhex(self.recipient))
        if len(found.number) != HASH_BYTES or len(found.recipient) != HASH_BYTES or not 0 <= self.leaf < 2**63:
            raise ProofError("it is no entry of a register")
        return found


class Own(Part, kw_only=True, frozen=True):
    """The issuer's register of the day."""

    documents: int
    entries: int
    first: int
    last: int
    root: str
    #: All salts of the commitment to the issuer.
    salts: str

    def register(self) -> Register:
        """Its numbers; ProofError when they are none."""
        numbers = (self.documents, self.entries, self.first, self.last)
        root = unhex(self.root)
        if len(root) != HASH_BYTES or not all(0 <= each < 2**63 for each in numbers):
            raise ProofError("it is no register")
        return Register(documents=self.documents, entries=self.entries, first=self.first, last=self.last, root=root)


class DayRegisters(Part, kw_only=True, frozen=True):
    """`evidence/registers/DAY.json`."""

    day: str
    #: In the order of the day's tree.
    registers: list[RegisterShown]
    #: None: the issuer sent nothing that day.
    own: Own | None
    #: In the order of the log.
    entries: list[EntryShown]


def register_name(day: str) -> str:
    """The entry of a day."""
    return f"evidence/registers/{day}.json"


def compose(writer: ContainerWriter, facts: Absence, files: Mapping[str, bytes]) -> list[SealedEntry]:
    """Write the entries, `files` in their order; those to be sealed."""
    names = [*files, MANIFEST, ABSENCE]
    roles = {name: role_of(name) or "" for name in sorted([*files, MANIFEST, EXPORT])}
    content = {
        **files,
        MANIFEST: manifest_of(names),
        ABSENCE: written(msgspec.structs.replace(facts, entries=roles)),
    }
    return [
        SealedEntry(name=name, sha256=writer.add_pieces(name, (content[name],)), media_type=media_type_of(name))
        for name in names
    ]


def read(file: bytes) -> Absence:
    """The facts; BundleError for another format, another version, or a wrong shape."""
    try:
        head = msgspec.json.decode(file, type=dict[str, Any])
        if (head.get("format"), head.get("version")) != (ABSENCE_FORMAT, ABSENCE_VERSION):
            told = f"{ABSENCE} is not of format {ABSENCE_FORMAT}, version {ABSENCE_VERSION}"
            raise BundleError(told, code="version_unknown")
        return msgspec.json.decode(file, type=Absence)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{ABSENCE} cannot be read: {error}", code="facts_unreadable") from error


def read_registers(file: bytes) -> DayRegisters:
    """A day's registers; ProofError when they cannot be read."""
    try:
        return msgspec.json.decode(file, type=DayRegisters)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProofError(f"the registers cannot be read: {error}") from error


def unhex(text: str) -> bytes:
    """ProofError for what is not hexadecimal."""
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise ProofError("it is not hexadecimal") from error
