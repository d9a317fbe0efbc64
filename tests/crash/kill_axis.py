"""The invariants between a gateway that was killed and its axis: the axis's journal against the ledger.

The axis has a memory of its own and is never killed. What its journal held before the ledger was looked at, the
ledger must account for:

- an entry of our list that is `done` there is in our ledger, so `done` was said after the commit;
- what it listed for us is one message here, never two;
- what it took from us is a line of ours; twice only where an attempt says `possible_duplicate`, or, for a status,
  which may be repeated, where there is an attempt for each.

When all is quiet, every entry is one message, told `done`, and known here as told or as listed no more (all that
is left to know after a kill between the two); every line to the axis has the id under which the axis has the same
bytes for that recipient; and each status that came has moved its line.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.simulate.axis.journal import Settled, Taken, read_axis_journal
from gateway.simulate.axis.process import JOURNAL
from gateway.storage.sqlite import connect_lookup
from tests.crash.kill_verdict import ARRIVED, Verdict
from tests.journeys.installation import PROVINCE

#: The system id that the axis knows the gateway by.
MEMBER = PROVINCE
_DONE = "done"


@dataclass(frozen=True, kw_only=True, slots=True)
class Books:
    """What the axis wrote down."""

    #: By the id that the sender got: all that it took.
    taken: dict[str, Taken]
    #: Entry -> how its receiver settled it.
    settled: dict[str, str]

    @property
    def listed(self) -> dict[str, Taken]:
        """Our list: entry -> the message."""
        return {entry: each for each in self.taken.values() for entry, system in each.entries if system == MEMBER}

    @property
    def ours(self) -> dict[str, Taken]:
        """What we sent."""
        return {doc_id: each for doc_id, each in self.taken.items() if each.system == MEMBER}

    @property
    def waiting(self) -> set[str]:
        """Entries of anybody's list that are not settled."""
        return {entry for each in self.taken.values() for entry, _ in each.entries} - self.settled.keys()


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A delivery by the channel to the axis."""

    sha256: str
    recipient: str
    kind: str
    state: str
    #: The id that the axis gave.
    peer_ref: str
    #: Attempts, and how many of them say that they may repeat what had arrived.
    attempts: int
    marked: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What the ledger has of it."""

    #: Digest -> messages with these bytes.
    messages: dict[str, int]
    #: Entry of our list -> digest of the message that it became, and whether we know that it has ended there.
    offers: dict[str, tuple[str, bool]]
    lines: tuple[Line, ...]


def read_books(folder: Path) -> Books:
    """Of the axis in that folder (`Site.axis`); empty where there is none."""
    lines = read_axis_journal(folder / "axis" / JOURNAL)
    return Books(
        taken={each.doc_id: each for each in lines if isinstance(each, Taken)},
        settled={each.doc_id: each.status for each in lines if isinstance(each, Settled)},
    )


def read_held(database: Path) -> Held:
    """One look."""
    with closing(connect_lookup(database)) as connection:
        connection.execute("BEGIN")
        messages = connection.execute("SELECT sha256, count(*) FROM message GROUP BY sha256").fetchall()
        offers = connection.execute(
            "SELECT o.ref, coalesce(m.sha256, ''), o.acknowledged_at IS NOT NULL OR o.gone_at IS NOT NULL"
            " FROM offer AS o LEFT JOIN message AS m ON m.id = o.message_id"
        ).fetchall()
        lines = connection.execute(
            "SELECT m.sha256, d.recipient_code, m.kind, d.state, coalesce(d.peer_ref, ''), count(a.id),"
            " coalesce(sum(json_extract(a.peer, '$.possible_duplicate')), 0)"
            " FROM delivery AS d JOIN endpoint AS e ON e.id = d.endpoint_id AND e.kind = 'vxp'"
            " JOIN message AS m ON m.id = d.message_id LEFT JOIN attempt AS a USING (dispatch_id) GROUP BY d.id"
        ).fetchall()
    return Held(
        messages=dict(messages),
        offers={row[0]: (row[1], bool(row[2])) for row in offers},
        lines=tuple(
            Line(
                sha256=row[0], recipient=row[1], kind=row[2], state=row[3], peer_ref=row[4], attempts=row[5],
                marked=row[6],
            )
            for row in lines
        ),
    )  # fmt: skip


def compare_axis(books: Books, held: Held, verdict: Verdict, *, final: bool) -> None:
    """The axis's journal, read first, against the ledger."""
    _compare_list(books, held, verdict)
    _compare_sent(books, held, verdict)
    if final:
        _compare_quiet_list(books, held, verdict)
        _compare_quiet_lines(books, held, verdict)


def _compare_list(books: Books, held: Held, verdict: Verdict) -> None:
    for entry, taken in books.listed.items():
        copies, said = held.messages.get(taken.sha256, 0), books.settled.get(entry, "")
        if said == _DONE and not copies:
            verdict.lost.append(f"entry {entry} is done at the axis and not in the ledger")
        elif said not in {"", _DONE}:
            verdict.other.append(f"entry {entry} was told {said} at the axis")
        if copies > 1:
            verdict.duplicated.append(f"entry {entry} became {copies} messages")


def _compare_sent(books: Books, held: Held, verdict: Verdict) -> None:
    lines = {(line.sha256, line.recipient): line for line in held.lines}
    times = Counter((taken.sha256, code) for taken in books.ours.values() for code in taken.to)
    for (sha256, recipient), count in times.items():
        line = lines.get((sha256, recipient))
        if line is None:
            verdict.duplicated.append(f"the axis took {sha256[:12]} for {recipient}: no line of the ledger")
        elif count > (line.attempts if line.kind == "status" else 1 + line.marked):
            verdict.duplicated.append(
                f"the axis took {sha256[:12]} for {recipient} {count} times; attempts: {line.attempts},"
                f" marked: {line.marked}"
            )


def _compare_quiet_list(books: Books, held: Held, verdict: Verdict) -> None:
    for entry, taken in books.listed.items():
        sha256, is_known = held.offers.get(entry, ("", False))
        if sha256 != taken.sha256:
            verdict.lost.append(f"entry {entry} is no message when all is quiet")
        elif books.settled.get(entry) != _DONE or not is_known:
            verdict.other.append(f"entry {entry} is a message, and did not end, there or here")
    verdict.other += [f"entry {entry} still waits at the axis when all is quiet" for entry in sorted(books.waiting)]


def _compare_quiet_lines(books: Books, held: Held, verdict: Verdict) -> None:
    for line in held.lines:
        taken, name = books.ours.get(line.peer_ref), f"{line.sha256[:12]} for {line.recipient}"
        if line.state not in ARRIVED:
            continue  # told by whoever compares all lines
        if taken is None or taken.sha256 != line.sha256 or line.recipient not in taken.to:
            verdict.lost.append(
                f"{name} is {line.state} as {line.peer_ref}, which is not what the axis has under it"
            )
    reports = {taken.sha256 for taken in books.listed.values() if taken.message_type == "status"}
    moved = sum(1 for line in held.lines if line.state == "acknowledged")
    if len(reports) != moved:
        verdict.lost.append(f"{len(reports)} statuses came by the axis, and {moved} lines were moved by one")
