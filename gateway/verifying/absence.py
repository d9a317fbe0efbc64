"""Verifies that an agency sent no such document on closed days, as far as its gateway's log tells.

1. Container, lists, anchors, checkpoint, witnesses, stamps, seal: as of any bundle.
2. The days of the question: each has its closing leaf, and each closing goes on where the one before ended.
3. Of each day: the registers are those that the leaf closed; exactly one is the issuer's or none is; the entries
   are all of its entries; each of them is shown to be of another number or for another recipient.

PASSED means: the log that the auditor knows fixed these registers, and none of their entries is the document that
was asked for. What it does NOT prove: that the gateway entered what it received (receipts that others hold prove
that), and that the directory's ids are the offices they are said to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from gateway.bundle.absence import (
    Absence,
    DayRegisters,
    Question,
    Shown,
    read,
    read_registers,
    register_name,
    unhex,
)
from gateway.bundle.container import Container
from gateway.bundle.format import ABSENCE, EXPORT
from gateway.errors import BundleError, ProofError
from gateway.seal.report import Verdict
from gateway.transparency.commitment import bits_of, is_of
from gateway.transparency.registers import AGENCY, NUMBER, RECIPIENT, Closing, Register, day_root, number_text
from gateway.verifying.added import check_added
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Check, Verification, failed, passed
from gateway.verifying.sealed import check_container, check_export, small, trusted
from gateway.verifying.stamps import check_stamps, time_proven
from gateway.verifying.story import check_lists
from gateway.verifying.tree import Logged, check_checkpoint, check_leaf

_NOT_EXAMINED: Final = (
    "whether the gateway entered all that it accepted: a receipt of the document would prove that it did not",
    "whether the directory's ids are the offices that are named: receipts and transfer.json name them, too",
    "documents that did not go through this gateway, and spellings of the number that are another text",
)
#: Days of one question.
_MOST_DAYS: Final = 3660


class _WrongError(Exception):
    """A reason of `findings.REASONS` and a sentence."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Day:
    """What is at hand of one day."""

    day: str
    registers: DayRegisters
    closing: Closing


def verify_absence(
    container: Container, anchors: Anchors | None, at: datetime, *, require_time: bool = False
) -> Verification:
    """All findings; raises nothing for what the file holds."""
    checks = list(check_container(container))  # 1
    try:
        facts = read(container.bytes_of(ABSENCE))
    except BundleError as error:
        return Verification(checks=(*checks, failed("format", error.code, str(error))), at=at)
    checks += [passed("format", f"version {facts.version}"), *check_lists(container, ABSENCE, facts.entries)]
    known, check = trusted(container, anchors, facts.log.vkey if facts.log else "")
    logged = Logged()
    leaves = _leaves(container, facts, known, logged, at)
    stamped = check_stamps(container, logged.signed, known)
    exported = check_added("export", small(container, EXPORT), known, container)
    proof, proven_at = time_proven(stamped, is_required=require_time)
    # what a stamp over the seal proves, it proves of the seal
    sealed_at = min((each for _, each in exported if each is not None and each <= at), default=at)
    report, sealed = check_export(container, known, sealed_at)
    checks += [check, *logged.checks, *(each for each, _ in (*stamped, *exported)), proof, *sealed]
    checks += _days(container, facts, leaves)
    return Verification(
        checks=tuple(checks),
        at=at,
        question=facts.question,
        proven_at=proven_at,
        not_examined=(*_NOT_EXAMINED, *(each for each in report.not_examined if "time stamp" not in each)),
    )


def _leaves(
    container: Container, facts: Absence, anchors: Anchors, found: Logged, at: datetime
) -> dict[int, Mapping[str, Any] | None]:
    """Each closing leaf that is named; None where it is not proved."""
    note, checkpoint = check_checkpoint(container, facts.log, anchors, found, at)
    leaves: dict[int, Mapping[str, Any] | None] = {}
    for index in dict.fromkeys(day.leaf for day in facts.days):
        check, leaf = check_leaf(container, index, note, checkpoint)
        found.checks.append(check)
        # what is not decided for want of a key is still looked at: it may be wrong
        leaves[index] = leaf if check.verdict is not Verdict.FAILED else None
    return leaves


def _days(container: Container, facts: Absence, leaves: Mapping[int, Mapping[str, Any] | None]) -> Iterator[Check]:
    """Steps 2 and 3."""
    try:
        yield passed("question", _told(facts.question, due := _due(facts)))
    except _WrongError as error:
        yield failed("question", error.reason, str(error))
        return
    before: Closing | None = None
    for day, named in zip(due, facts.days, strict=True):
        name = f"register.{day}"
        try:
            closing = _closing(day, leaves[named.leaf], before)
            found = _Day(day, read_registers(container.bytes_of(register_name(day))), closing)
            yield passed(f"{name}.closing", f"leaf {named.leaf}: leaves {closing.after} to {closing.until - 1}")
        except (_WrongError, ProofError, BundleError) as error:
            yield failed(f"{name}.closing", getattr(error, "reason", "register_wrong"), str(error))
            before = None
            continue
        before = closing
        looks: tuple[tuple[str, Callable[[_Day, Question], str]], ...] = (
            ("issuer", _issuer),
            ("entries", _entries),
            ("absent", _absent),
        )
        for part, look in looks:
            yield _looked(f"{name}.{part}", look, found, facts.question)


def _looked(name: str, look: Callable[[_Day, Question], str], day: _Day, question: Question) -> Check:
    try:
        return passed(name, look(day, question))
    except _WrongError as error:
        return failed(name, error.reason, str(error))
    except (ProofError, OverflowError) as error:
        return failed(name, "register_wrong", str(error))


def _due(facts: Absence) -> list[str]:
    """The days of the question, which must be those that are named, in their order."""
    question = facts.question
    try:
        first, last = date.fromisoformat(question.first), date.fromisoformat(question.last)
    except ValueError as error:
        raise _WrongError("day_missing", f"no days: {error}") from error
    count = (last - first).days + 1
    if not 1 <= count <= _MOST_DAYS:
        raise _WrongError("day_missing", f"{question.first} to {question.last} are no days")
    due = [(first + timedelta(days=number)).isoformat() for number in range(count)]
    if lacking := sorted(set(due) - {each.day for each in facts.days}):
        raise _WrongError("day_missing", f"not closed, or not there: {', '.join(lacking)[:200]}")
    if due != [each.day for each in facts.days]:
        raise _WrongError("day_foreign", "other days than those of the question, or in another order")
    return due


def _told(question: Question, due: list[str]) -> str:
    number = f"number {question.number}" if question.number else "any number"
    recipient = f"to {question.recipient.code}" if question.recipient else "to anybody"
    return f"{number} by {question.issuer.code} {recipient}, {due[0]} to {due[-1]}"


def _closing(day: str, leaf: Mapping[str, Any] | None, before: Closing | None) -> Closing:
    if leaf is None:
        raise _WrongError("leaf_missing", "the leaf that closes it is not proved")
    facts = leaf.get("facts")
    closing = Closing.parse(facts) if isinstance(facts, dict) else None
    if leaf.get("kind") != "register.closed" or closing is None:
        raise _WrongError("register_wrong", "the leaf closes no day")
    if closing.day != day:
        raise _WrongError("day_foreign", f"the leaf closes {closing.day}")
    if before is not None and closing.after != before.until:
        told = f"it looks at leaves since {closing.after}, the day before up to {before.until}"
        raise _WrongError("register_wrong", told)
    return closing


def _issuer(day: _Day, question: Question) -> str:
    """All registers of the day are there, and which one is the issuer's is beyond doubt."""
    found, closing = day.registers, day.closing
    if found.day != day.day:
        raise _WrongError("day_foreign", f"the file holds the registers of {found.day}")
    items = [(unhex(each.agency), unhex(each.digest)) for each in found.registers]
    if len(items) != closing.registers or day_root(items) != closing.root:
        raise _WrongError("register_wrong", "they are not the registers that the leaf closed")
    bits = bits_of(AGENCY, question.issuer.agency)
    own = []
    for item, each in zip(items, found.registers, strict=True):
        if each.another is None:
            own.append(item)
        else:
            _another(each.another, item[0], bits, "a register")
    if len(own) != (found.own is not None):
        raise _WrongError("issuer_not_shown", f"{len(own)} registers may be the issuer's")
    if found.own is None:
        return f"none of {len(items)} registers is the issuer's"
    if not is_of(own[0][0], AGENCY, question.issuer.agency, unhex(found.own.salts)):
        raise _WrongError("issuer_not_shown", "the register is another agency's")
    if found.own.register().digest != own[0][1]:
        raise _WrongError("register_wrong", "the issuer's register is not the one of the list")
    return f"one of {len(items)} registers is the issuer's"


def _entries(day: _Day, _question: Question) -> str:
    """All entries of the issuer's register are there."""
    found = day.registers
    if found.own is None:
        if found.entries:
            raise _WrongError("register_wrong", "entries without a register")
        return "no entries"
    entries = [each.entry() for each in found.entries]
    leaves = [each.leaf for each in entries]
    if not entries or leaves != sorted(leaves) or leaves[-1] >= day.closing.until:
        raise _WrongError("register_wrong", "the entries are not in the order of the log, up to the closing")
    made = Register.of(leaves, [each.digest for each in entries])
    if made != found.own.register():
        raise _WrongError("register_wrong", "an entry is missing, added or changed: they do not make the register")
    return f"{made.entries} entries of {made.documents} documents"


def _absent(day: _Day, question: Question) -> str:
    """None of the entries is what was asked for."""
    asked = {}
    if question.number:
        number, slash, notation = question.number.partition("/")
        if not slash:
            raise _WrongError("entry_not_shown", "the number that was asked for has no notation")
        asked[NUMBER] = bits_of(NUMBER, number_text(number, notation))
    if question.recipient is not None:
        asked[RECIPIENT] = bits_of(RECIPIENT, question.recipient.agency)
    for each in day.registers.entries:
        if each.field not in asked:
            raise _WrongError("entry_not_shown", f"entry of leaf {each.leaf}: {each.field} was not asked for")
        entry = each.entry()
        root = entry.number if each.field == NUMBER else entry.recipient
        _another(each.another, root, asked[each.field], f"the entry of leaf {each.leaf}")
    return f"{len(day.registers.entries)} entries, each of another document"


def _another(shown: Shown, root: bytes, bits: int, what: str) -> None:
    """A bit of the commitment is another one."""
    opening = shown.opening()
    opening.verify(root)
    if not opening.tells_apart(bits):
        raise _WrongError("entry_not_shown", f"the bit that is shown of {what} does not tell it apart")
