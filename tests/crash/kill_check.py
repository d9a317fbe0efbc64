"""The invariants: the ledger of a gateway that was killed against what its clients and its receiver wrote down.

What its axis wrote down is compared by `kill_axis`.

*Lost*: a 202 whose message or delivery the ledger does not have, or has with other bytes; a delivery that the
ledger calls delivered and its office does not know; at the end of a folder also one that never reached its office.
*Duplicated*: a delivery that an office processed twice after dedupe, the same bytes processed as two deliveries, a
transmission without an attempt, and at the end a message that no client has a 202 for.
*Violations* are these, every finding of `fsck` (bodies, states against the history, events against their leaves),
whatever clients saw that nobody should see, and a gateway that did not start, or did not resume in time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.findings import Severity
from gateway.audit.fsck import examine
from gateway.storage.sqlite import connect_lookup
from tests.crash.kill_axis import compare_axis, read_books, read_held
from tests.crash.kill_journal import Arrived, Record, Sent, Wrong, read_journals
from tests.crash.kill_site import Site
from tests.crash.kill_verdict import ARRIVED, Verdict
from tests.journeys.installation import OWN

#: Work in flight at a kill is taken up again within so many seconds of READY.
RESUME_SECONDS = 1.0
_OPEN = frozenset({"queued", "deferred", "in_flight"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """What the comparison needs of it, as of one instant."""

    #: Message -> sender's code, digest.
    messages: dict[str, tuple[str, str]]
    #: Delivery -> message, state, dispatch, whether it is pulled.
    deliveries: dict[str, tuple[str, str, str, bool]]
    #: Dispatch -> attempts.
    attempts: dict[str, int]
    #: Deliveries to an axis that the gateway is a member of, and messages that it brought: see `kill_axis`.
    to_axis: frozenset[str] = frozenset()
    from_axis: frozenset[str] = frozenset()


async def check(site: Site, *, final: bool) -> Verdict:
    """Every invariant that holds at any instant; `final`: those too that hold when all is quiet."""
    verdict = Verdict()
    report = await examine(site.settings, site.database, quick=not final)
    for finding in report.findings:
        if finding.kind.severity is Severity.ERROR:
            verdict.other.append(f"fsck: {finding.code} {finding.subject}: {finding.detail}")
    # the journals first: what they hold by now, the ledger must hold
    records, books = read_journals(site.journals), read_books(site.axis)
    compare(records, read_ledger(site.database), verdict, final=final)
    compare_axis(books, read_held(site.database), verdict, final=final)
    return verdict


def read_ledger(database: Path) -> Ledger:
    """One look."""
    with closing(connect_lookup(database)) as connection:
        connection.execute("BEGIN")
        messages = connection.execute("SELECT id, sender_code, sha256 FROM message").fetchall()
        lines = connection.execute("SELECT id, message_id, state, dispatch_id, in_inbox FROM delivery").fetchall()
        attempts = connection.execute("SELECT dispatch_id, count(*) FROM attempt GROUP BY dispatch_id").fetchall()
        to_axis = connection.execute(
            "SELECT id FROM delivery WHERE endpoint_id IN (SELECT id FROM endpoint WHERE kind = 'vxp')"
        ).fetchall()
        from_axis = connection.execute("SELECT message_id FROM offer WHERE message_id IS NOT NULL").fetchall()
    return Ledger(
        messages={row[0]: (row[1], row[2]) for row in messages},
        deliveries={row[0]: (row[1], row[2], row[3], bool(row[4])) for row in lines},
        attempts=dict(attempts),
        to_axis=frozenset(row[0] for row in to_axis),
        from_axis=frozenset(row[0] for row in from_axis),
    )


def compare(records: Sequence[Record], ledger: Ledger, verdict: Verdict, *, final: bool) -> None:
    """The journals against the ledger."""
    sent = [record for record in records if isinstance(record, Sent)]
    arrived = [record for record in records if isinstance(record, Arrived)]
    verdict.other += [record.what for record in records if isinstance(record, Wrong)]
    _compare_sent(sent, ledger, verdict)
    _compare_arrived(arrived, ledger, verdict)
    _count_doubled(arrived, ledger, verdict)
    if final:
        _compare_quiet(sent, arrived, ledger, verdict)


def _compare_sent(sent: Sequence[Sent], ledger: Ledger, verdict: Verdict) -> None:
    for record in sent:
        message = ledger.messages.get(record.message)
        if message is None:
            verdict.lost.append(f"{record.key} has a 202 and is not in the ledger")
        elif message[1] != record.sha256:
            verdict.lost.append(f"{record.key} has other bytes in the ledger")
        for line in record.lines:
            if ledger.deliveries.get(line.delivery, ("",))[0] != record.message:
                verdict.lost.append(f"{record.key} for {line.recipient} has a 202 and is not in the ledger")


def _compare_arrived(arrived: Sequence[Arrived], ledger: Ledger, verdict: Verdict) -> None:
    for record in arrived:
        line = ledger.deliveries.get(record.delivery)
        if line is None or line[0] != record.message:
            verdict.duplicated.append(f"delivery {record.delivery} arrived and is not in the ledger")
        elif ledger.messages[line[0]][1] != record.sha256:
            verdict.lost.append(f"delivery {record.delivery} arrived with other bytes")


def _count_doubled(arrived: Sequence[Arrived], ledger: Ledger, verdict: Verdict) -> None:
    processed = [record for record in arrived if record.first]
    for delivery, times in Counter(record.delivery for record in processed).items():
        if times > 1:
            verdict.duplicated.append(f"delivery {delivery} was processed {times} times")
    ways: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in processed:
        ways[record.recipient, record.sha256].add(record.delivery)
    verdict.duplicated += [
        f"{recipient} processed the same bytes as {', '.join(sorted(found))}"
        for (recipient, _), found in ways.items()
        if len(found) > 1
    ]
    for dispatch, times in Counter(record.dispatch for record in arrived if record.dispatch).items():
        if times > ledger.attempts.get(dispatch, 0):
            verdict.duplicated.append(
                f"dispatch {dispatch} arrived {times} times with {ledger.attempts.get(dispatch, 0)} attempts"
            )


def _compare_quiet(sent: Sequence[Sent], arrived: Sequence[Arrived], ledger: Ledger, verdict: Verdict) -> None:
    processed = {record.delivery for record in arrived if record.first}
    for delivery, (_, state, _, _) in ledger.deliveries.items():
        if state not in ARRIVED:
            verdict.lost.append(f"delivery {delivery} is {state} when all is quiet")
        elif delivery not in processed and delivery not in ledger.to_axis:
            verdict.lost.append(f"delivery {delivery} is {state} and its office does not know it")
    claimed = {record.message for record in sent} | ledger.from_axis
    verdict.duplicated += [
        f"message {message} has no client's 202"
        for message, (sender, _) in ledger.messages.items()
        if message not in claimed and sender != OWN
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Resumed:
    """How what was in flight at a kill went on."""

    #: Seconds from READY until each such transmission reached its receiver again; below zero: before READY.
    seconds: list[float]
    #: Those that did not within the time allowed, though the gateway lived.
    late: list[str]


def resumption(site: Site, *, ready_at: float, ended_at: float) -> Resumed:
    """Of the run that became ready and ended then."""
    with closing(connect_lookup(site.database)) as connection:
        ((boot, started),) = connection.execute(
            "SELECT id, started_at FROM boot ORDER BY started_at DESC LIMIT 1"
        ).fetchall()
        rows = connection.execute(
            "SELECT a.dispatch_id, EXISTS (SELECT 1 FROM attempt AS b WHERE b.dispatch_id = a.dispatch_id AND"
            " b.boot_id = :boot), group_concat(d.state) FROM attempt AS a JOIN delivery AS d USING (dispatch_id)"
            " WHERE a.boot_id <> :boot AND a.outcome = 'unknown' AND a.ended_at >= :started AND d.in_inbox = 0"
            " GROUP BY a.dispatch_id",
            {"boot": boot, "started": started},
        ).fetchall()
    arrivals: dict[str, float] = {}
    for record in read_journals(site.journals):
        if isinstance(record, Arrived) and record.dispatch and record.at >= started / 1e6:
            arrivals.setdefault(record.dispatch, record.at)
    seconds = [arrivals[row[0]] - ready_at for row in rows if row[0] in arrivals]
    late = [f"dispatch {row[0]} resumed {arrivals[row[0]] - ready_at:.2f} s after READY" for row in rows
            if row[0] in arrivals and arrivals[row[0]] - ready_at > RESUME_SECONDS]  # fmt: skip
    if ended_at - ready_at > RESUME_SECONDS:
        late += [
            f"dispatch {dispatch} was not taken up again"
            for dispatch, is_tried, states in rows
            if dispatch not in arrivals and not is_tried and _OPEN & set(states.split(","))
        ]
    return Resumed(seconds=seconds, late=late)
