"""Proofs of absence to be verified, made without a gateway: the same bytes every time, and what may be wrong.

`Days` holds what a log would: three closed days of three agencies. `proof` writes the container of a question; its
parts are changed before it is sealed.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from gateway.bundle.absence import (
    Absence,
    Day,
    DayRegisters,
    EntryShown,
    Office,
    Question,
    Shown,
    compose,
    read_registers,
    register_name,
)
from gateway.bundle.build import finish
from gateway.bundle.container import ContainerWriter
from gateway.bundle.facts import Log, Stamp, written
from gateway.bundle.format import CHECKPOINT
from gateway.events import canonical
from gateway.evidence.absences import Asked, shown_registers
from gateway.evidence.registering import Worked
from gateway.ledger.registers import Book, ClosedDay
from gateway.model import Agency, AgencyId, OrganId
from gateway.seal.writer import draft_export
from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.commitment import opening
from gateway.transparency.merkle import inclusion_proof, leaf_hash
from gateway.transparency.note import sign, signature_by
from gateway.transparency.proof import InclusionProof
from gateway.transparency.registers import NUMBER, Closing, Line, entries_of
from tests.bundle.making import MADE_AT, STAMPED_AT, WITNESSES, log_signer, witness
from tests.bundle.stamping import stamp
from tests.transparency.growing import root_by_the_book, subtrees
from tests.unit.seal.sealing import signer

FIRST: Final = date(2026, 11, 20)
_DAYS: Final = 3
PROVINCE, COMMUNE, MINISTRY, SILENT = "id-province", "id-commune", "id-ministry", "id-silent"
_CODES: Final = {
    PROVINCE: ("000.00.00.H33", "Ủy ban nhân dân tỉnh"),
    COMMUNE: ("005.02.01.H33", "Ủy ban nhân dân xã Một"),
    MINISTRY: ("000.00.00.G22", "Bộ Nội vụ"),
    SILENT: ("006.02.01.H33", "Ủy ban nhân dân xã Hai"),
}
#: What the province and the ministry sent each day: number, recipient.
_SENT: Final = {
    PROVINCE: (("7/ubnd-vp", COMMUNE), ("7/ubnd-vp", MINISTRY), ("8/ubnd-vp", COMMUNE), ("21/ubnd-nc", MINISTRY)),
    MINISTRY: (("33/bnv", PROVINCE),),
}


def agency(key: str) -> Agency:
    """As the directory has it."""
    code = OrganId(_CODES[key][0])
    return Agency(id=AgencyId(key), organ_id=code, codes=(code,), name=_CODES[key][1], kind="commune")


@dataclass(frozen=True, kw_only=True)
class Closed:
    """A day, and what is in its registers."""

    day: ClosedDay
    lines: Mapping[str, tuple[Line, ...]]
    books: tuple[Book, ...]
    closing: Closing


def closed(number: int) -> Closed:
    """The day of this number: a hundred leaves, ten of each document."""
    day, seed = FIRST + number * timedelta(days=1), sha256(f"day {number}".encode()).digest()
    lines, leaf = {}, 100 * number
    for key, sent in sorted(_SENT.items()):
        made = []
        for text, recipient in sent:
            leaf += 10
            made.append(Line(leaf, text, recipient))
        lines[key] = tuple(made)
    books = tuple(
        Book(agency=key, leaves=[each.leaf for each in made], digests=[e.digest for e in entries_of(seed, made)])
        for key, made in lines.items()
    )
    worked = Worked(books=list(books))
    closing = worked.closing(day, after=100 * number, until=100 * (number + 1), seed=seed)
    row = ClosedDay(day=day, seq=100 * (number + 1) + 1, until_seq=100 * (number + 1), seed=seed)
    return Closed(day=row, lines=lines, books=books, closing=closing)


def closing_leaf(closing: Closing) -> bytes:
    """Its event."""
    whole = {"v": 1, "kind": "register.closed", "at": 1, "actor": "gateway", "facts": closing.facts()}
    return canonical(whole)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a container is made of."""

    question: Question
    days: tuple[Day, ...]
    registers: Mapping[str, DayRegisters]
    #: Index -> leaf and proof.
    leaves: Mapping[int, tuple[bytes, bytes]]
    note: bytes
    stamp: bytes


def parts(
    *,
    issuer: str = PROVINCE,
    number: str = "9/UBND-VP",
    recipient: str | None = None,
    origin: str = "",
    closings: Callable[[list[Closing]], list[Closing]] = lambda them: them,
    first: int = 0,
    last: int = 1,
) -> Parts:
    """A question about some days; `closings`: what the leaves say."""
    days = [closed(each) for each in range(_DAYS)]
    tree = [canonical({"v": 1, "kind": "backup.made", "number": each}) for each in range(100 * _DAYS + 1)]
    said = closings([each.closing for each in days])
    indices = [100 * (each + 1) for each in range(_DAYS)]
    for index, closing in zip(indices, said, strict=True):
        tree[index] = closing_leaf(closing)
    log = log_signer(origin) if origin else log_signer()
    hashes = list(map(leaf_hash, tree))
    signed = sign(Checkpoint(log.name, len(tree), root_by_the_book(hashes)).text(), log)
    note = bytes(signed.with_signatures([signature_by(witness(name), signed.text) for name in WITNESSES]))
    asked = Asked(
        issuer=agency(issuer),
        recipient=agency(recipient) if recipient else None,
        number=number,
        first=days[first].day.day,
        last=days[last].day.day,
    )
    chosen = range(first, last + 1)
    return Parts(
        question=Question(
            issuer=_office(issuer), recipient=_office(recipient) if recipient else None, number=number,
            first=asked.first.isoformat(), last=asked.last.isoformat(),
        ),
        days=tuple(Day(day=days[each].day.day.isoformat(), leaf=indices[each]) for each in chosen),
        registers={
            str(days[each].day.day): read_registers(
                shown_registers(days[each].day, days[each].books, days[each].lines.get(issuer, ()), asked)
            )
            for each in chosen
        },
        leaves={
            index: (
                tree[index],
                bytes(
                    InclusionProof(index, tuple(inclusion_proof(index, len(hashes), subtrees(hashes))), note)
                ),
            )
            for index in (indices[each] for each in chosen)
        },
        note=note,
        stamp=stamp(sha256(bytes(signed)).digest(), STAMPED_AT),
    )  # fmt: skip


def proof(made: Parts, more: Mapping[str, bytes] | None = None) -> bytes:
    """The container."""
    checkpoint = Checkpoint.parse(made.note.split(b"\n\n")[0] + b"\n")
    files = {register_name(day): written(registers) for day, registers in made.registers.items()}
    for index, (leaf, path) in made.leaves.items():
        files |= {f"evidence/leaves/{index}.json": leaf, f"evidence/leaves/{index}.tlog-proof": path}
    files |= {CHECKPOINT: made.note, "evidence/stamps/0.tsr": made.stamp, **(more or {})}
    facts = Absence(
        made_at=MADE_AT.isoformat(), made_by="operator:0", gateway="000.00.00.H33", program="0.1.0",
        question=made.question, days=list(made.days),
        log=Log(
            origin=checkpoint.origin, size=checkpoint.size, root=b64encode(checkpoint.root).decode(),
            signed_at=STAMPED_AT.isoformat(), vkey=str(log_signer().verifier),
        ),
        stamps=[Stamp(entry="evidence/stamps/0.tsr", server="tsa", at=STAMPED_AT.isoformat())], entries={},
    )  # fmt: skip
    file = io.BytesIO()
    writer, key = ContainerWriter(file), signer("seal-rsa")
    draft = draft_export(key, compose(writer, facts, files), MADE_AT)
    finish(writer, draft.signed(key.sign(draft.signed_info)))
    return file.getvalue()


def _office(key: str) -> Office:
    return Office(agency=key, code=_CODES[key][0], name=_CODES[key][1])


def _changed(made: Parts, **changes: object) -> Parts:
    """The first day's registers changed."""
    day = made.days[0].day
    return replace(made, registers={**made.registers, day: msgspec.structs.replace(made.registers[day], **changes)})


def vectors() -> Iterator[tuple[str, str, bytes, str]]:
    """Name, why, bytes, which anchors."""
    good = parts()
    yield "number", "no document of that number on two days", proof(good), "good"
    yield "recipient", "none to that agency", proof(parts(number="", recipient=SILENT)), "good"
    yield (
        "number-to-recipient",
        "the number is there, and so is the recipient, but not together",
        proof(parts(number="8/UBND-VP", recipient=MINISTRY)),
        "good",
    )
    yield "nothing-sent", "the agency has no register", proof(parts(issuer=SILENT, number="")), "good"
    yield "without-anchors", "it cannot vouch for itself", proof(good), "none"
    yield from _registers(good)
    yield from _days(good)


def _registers(good: Parts) -> Iterator[tuple[str, str, bytes, str]]:
    """A day's registers that are not what was closed, or do not answer the question."""
    first = good.registers[good.days[0].day]
    assert first.own is not None
    less = first.entries[1:]
    yield "entry-removed", "the register has one entry more", proof(_changed(good, entries=less)), "good"
    lines = closed(0).lines[PROVINCE][1:]
    book = Book(agency=PROVINCE, leaves=[each.leaf for each in lines], digests=closed(0).books[1].digests[1:])
    register = Worked(books=[book]).closing(FIRST, after=0, until=0, seed=bytes(32))
    own = msgspec.structs.replace(
        first.own, entries=register.entries, documents=register.documents, first=lines[0].leaf,
        root=root_by_the_book(list(book.digests)).hex(),
    )  # fmt: skip
    remade = proof(_changed(good, entries=less, own=own))
    yield "register-remade", "an entry was removed and the register made anew", remade, "good"
    twice = [first.entries[0], *first.entries]
    yield "entry-added", "the register has one entry less", proof(_changed(good, entries=twice)), "good"
    bit = first.entries[0].another
    other = [_with(first.entries[0], msgspec.structs.replace(bit, bit=1 - bit.bit)), *less]
    yield (
        "bit-invented",
        "the bit that tells an entry apart is not its own",
        proof(_changed(good, entries=other)),
        "good",
    )
    line, seed = closed(0).lines[PROVINCE][0], closed(0).day.seed
    shown = Shown.of(opening(line.bits(NUMBER), line.salts(seed, NUMBER), 5))
    there = [_with(each, shown) if each.leaf == line.leaf else each for each in first.entries]
    found = _changed(
        replace(good, question=msgspec.structs.replace(good.question, number="7/ubnd-vp")), entries=there
    )
    yield "document-is-there", "no bit can tell the document from itself", proof(found), "good"
    everything = msgspec.structs.replace(good.question, number="")
    yield (
        "number-left-out",
        "the question is about all numbers, the answer about one",
        proof(replace(good, question=everything)),
        "good",
    )
    ministry = parts(issuer=MINISTRY)
    foreign = replace(ministry, question=good.question)
    yield "register-of-another-agency", "the register is opened, but for another agency", proof(foreign), "good"
    hidden = _changed(good, own=None, entries=[])
    yield "register-hidden", "the issuer's register is said not to be there", proof(hidden), "good"
    fewer = _changed(good, registers=first.registers[:1], own=None, entries=[])
    yield "register-left-out", "the issuer's register is not in the day's list", proof(fewer), "good"


def _days(good: Parts) -> Iterator[tuple[str, str, bytes, str]]:
    """Days and leaves that are others, or not there."""
    day, after = good.days[0].day, good.days[1].day
    moved = {**good.registers, day: good.registers[after]}
    yield (
        "day-foreign",
        "the registers of the day after, under the name of the first",
        proof(replace(good, registers=moved)),
        "good",
    )
    named = (Day(day=day, leaf=good.days[1].leaf), good.days[1])
    leaves = {good.days[1].leaf: good.leaves[good.days[1].leaf]}
    yield (
        "leaf-of-another-day",
        "the first day is said to be closed by the leaf of the second",
        proof(replace(good, days=named, leaves=leaves)),
        "good",
    )
    open_day = msgspec.structs.replace(good.question, last=(FIRST + timedelta(days=2)).isoformat())
    yield (
        "day-open",
        "the question is about a day more than were closed",
        proof(replace(good, question=open_day)),
        "good",
    )
    a, b = (each.leaf for each in good.days)
    swapped = {a: (good.leaves[a][0], good.leaves[b][1]), b: (good.leaves[b][0], good.leaves[a][1])}
    yield (
        "proof-for-another-leaf",
        "the proofs of the two closings are exchanged",
        proof(replace(good, leaves=swapped)),
        "good",
    )
    yield (
        "register-of-another-log",
        "signed by the same key under another name",
        proof(parts(origin="elsewhere/log")),
        "good",
    )

    def gap(them: list[Closing]) -> list[Closing]:
        return [them[0], replace(them[1], after=them[1].after + 1), them[2]]

    yield (
        "leaf-between-closings",
        "a leaf lies between two closings, in no register",
        proof(parts(closings=gap)),
        "good",
    )
    mixed = proof(good, {"document.edxml": b"<edXML/>"})
    yield "document-beside-it", "an entry of the other format", mixed, "good"


def _with(entry: EntryShown, shown: Shown) -> EntryShown:
    return msgspec.structs.replace(entry, another=shown)
