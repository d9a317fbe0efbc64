"""What was lost, doubled or sent again: the simulators' journals against the ledger. Pure arithmetic.

*Lost* is, for every line of a 202 that a sender wrote down:
1. the ledger does not have it; or
2. its receiver, whose mail somebody reads, never handed it to the office; or
3. it arrived with other bytes than were accepted, or unsound (unreadable, another PDF).

*Duplicated* is:
4. one delivery handed to the office twice, after dedupe on delivery id;
5. the same bytes handed to the same office under several delivery ids;
6. a transmission that no attempt in the ledger accounts for;
7. a message in the ledger that no sender has a 202 for (a retry that was taken for a new message).

*Retransmitted* counts what pushed receivers got again for one dispatch; dedupe caught it, and the ledger has an
attempt for each. What a pulling system reads again is its own doing and counts nowhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from msgspec.structs import replace

from gateway.simulate.journal import Accepted, Received, Record, Sent


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerMessage:
    """A row of the ledger's messages."""

    id: str
    kind: str
    sender_code: str
    document_ref: str
    business_type: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerDelivery:
    """A row of the ledger's deliveries."""

    id: str
    message_id: str
    recipient_code: str
    dispatch_id: str
    state: str
    business_status: str
    #: Why it is in that state; "" where nothing needs a reason.
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerView:
    """All of the ledger that the comparison needs."""

    messages: Mapping[str, LedgerMessage]
    deliveries: Mapping[str, LedgerDelivery]
    #: Dispatch -> how many attempts.
    attempts: Mapping[str, int]


@dataclass(kw_only=True, slots=True)
class Reckoning:
    """The result; `findings` says each case in words."""

    lost: int = 0
    duplicated: int = 0
    retransmitted: int = 0
    findings: list[str] = field(default_factory=list)

    def lose(self, what: str) -> None:
        """Count one."""
        self.lost += 1
        self.findings.append(f"lost: {what}")

    def double(self, what: str, times: int = 1) -> None:
        """Count one or more."""
        self.duplicated += times
        self.findings.append(f"duplicated: {what}")


def reckon(
    journals: Iterable[Iterable[Record]],
    ledger: LedgerView,
    *,
    is_awaited: Callable[[LedgerMessage, LedgerDelivery], bool],
    own_code: str,
) -> Reckoning:
    """Compare. `is_awaited` says whether somebody reads that delivery; `own_code` is the gateway's organ id."""
    records = list(chain.from_iterable(journals))
    submitted = [record for record in records if isinstance(record, Sent) and record.message]
    known = _Known(ledger, submitted)
    received = known.received([record for record in records if isinstance(record, Received)])
    sent = [known.sent(record) for record in submitted]
    result = Reckoning()
    _count_lost(result, sent, received, ledger, is_awaited)
    _count_damaged(result, received, ledger)
    _count_doubled(result, received)
    _count_transmissions(result, received, ledger, known.relayed)
    _count_unclaimed(result, sent, ledger, own_code)
    return result


class _Known:
    """What a protocol without delivery ids leaves out, found in the ledger by digest and recipient."""

    def __init__(self, ledger: LedgerView, submitted: list[Sent]) -> None:
        self._ledger = ledger
        #: Digest -> how often a relay got those bytes from somebody else than us, which it may carry to its own.
        self.relayed = Counter(record.sha256 for record in submitted if record.message not in ledger.messages)
        self._messages = {message.sha256: message for message in ledger.messages.values()}
        self._lines: dict[str, list[LedgerDelivery]] = defaultdict(list)
        for line in ledger.deliveries.values():
            self._lines[line.message_id].append(line)
        self._deliveries = {
            (ledger.messages[line.message_id].sha256, line.recipient_code): line
            for line in ledger.deliveries.values()
        }

    def received(self, records: list[Received]) -> list[Received]:
        """With the ledger's ids; an entry that was read again is the same transmission."""
        named: list[Received] = []
        seen: set[tuple[str, str]] = set()
        for record in records:
            if not record.ref:
                named.append(record)
                continue
            found = self._named(record)
            among_themselves = found is record and bool(record.dispatch) and record.sha256 in self.relayed
            if (record.ref, record.recipient) not in seen and not among_themselves:
                seen.add((record.ref, record.recipient))
                named.append(found)
        return named

    def _named(self, record: Received) -> Received:
        line = self._deliveries.get((record.sha256, record.recipient))
        if line is None:
            return record
        dispatch = line.dispatch_id if record.dispatch else ""
        return replace(record, delivery=line.id, dispatch=dispatch)

    def sent(self, record: Sent) -> Sent:
        """With the ledger's message and its lines."""
        if record.deliveries or record.message in self._ledger.messages:
            message = self._ledger.messages.get(record.message)
        else:
            message = self._messages.get(record.sha256)
        if message is None:
            return replace(record, deliveries=record.deliveries or (Accepted("", "anybody"),))
        lines = tuple(Accepted(line.id, line.recipient_code) for line in self._lines[message.id])
        return replace(record, message=message.id, deliveries=record.deliveries or lines)


def _count_lost(
    result: Reckoning,
    sent: list[Sent],
    received: list[Received],
    ledger: LedgerView,
    is_awaited: Callable[[LedgerMessage, LedgerDelivery], bool],
) -> None:
    handed = {record.delivery for record in received if record.first}
    for submission in sent:
        for line in submission.deliveries:
            delivery = ledger.deliveries.get(line.delivery)
            message = ledger.messages.get(submission.message)
            if delivery is None or message is None:
                result.lose(f"{submission.key} for {line.recipient} was accepted and is not in the ledger")
            elif is_awaited(message, delivery) and line.delivery not in handed:
                told = f"{delivery.state}: {delivery.reason}" if delivery.reason else delivery.state
                result.lose(f"{submission.key} for {line.recipient} never reached its office ({told})")


def _count_damaged(result: Reckoning, received: list[Received], ledger: LedgerView) -> None:
    for record in received:
        if not record.first:
            continue
        delivery = ledger.deliveries.get(record.delivery)
        if delivery is None:
            continue  # a transmission without an attempt: counted below
        if record.sha256 != ledger.messages[delivery.message_id].sha256:
            result.lose(f"{record.document_id} arrived at {record.recipient} with other bytes")
        elif not record.sound:
            result.lose(f"{record.document_id} arrived at {record.recipient} unsound: {record.note}")


def _count_doubled(result: Reckoning, received: list[Received]) -> None:
    handed = [record for record in received if record.first]
    for delivery, times in Counter(record.delivery for record in handed).items():
        if times > 1:
            result.double(f"delivery {delivery} was handed over {times} times", times - 1)
    ways: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in handed:
        ways[record.recipient, record.sha256].add(record.delivery)
    for (recipient, _), deliveries in ways.items():
        if len(deliveries) > 1:
            result.double(f"{recipient} got the same bytes as {', '.join(sorted(deliveries))}", len(deliveries) - 1)


def _count_transmissions(
    result: Reckoning, received: list[Received], ledger: LedgerView, relayed: Mapping[str, int]
) -> None:
    # One transmission carries all deliveries of its dispatch that are still open, so the delivery that came
    # most often tells how many there were.
    seen = Counter((record.dispatch, record.delivery) for record in received if record.dispatch)
    digests = {record.dispatch: record.sha256 for record in received}
    transmissions: dict[str, int] = defaultdict(int)
    for (dispatch, _), times in seen.items():
        transmissions[dispatch] = max(transmissions[dispatch], times)
    for dispatch, came in transmissions.items():
        attempts = ledger.attempts.get(dispatch, 0)
        times = max(1, came - relayed.get(digests[dispatch], 0))
        result.retransmitted += times - 1
        if times > attempts:
            result.double(f"dispatch {dispatch} was seen {times} times, with {attempts} attempts", times - attempts)
    unknown = {
        record.delivery for record in received if record.delivery not in ledger.deliveries and not record.dispatch
    }
    for delivery in sorted(unknown):
        result.double(f"delivery {delivery} was handed out and is not in the ledger")


def _count_unclaimed(result: Reckoning, sent: list[Sent], ledger: LedgerView, own_code: str) -> None:
    claimed = {record.message for record in sent}
    for message in ledger.messages.values():
        if message.id not in claimed and message.sender_code != own_code:
            result.double(f"{message.kind} {message.document_ref} of {message.sender_code} has no sender's 202")
