"""What judges look at: the ledger, the vendor's own requests, and what the test offices sent. And the judges.

A judge is made by a function that takes what is wanted and gives a function from `Evidence` and the step's key to a
verdict; None means that nothing has happened yet. A failed verdict is not the last word: while the sandbox runs,
doing it right afterwards passes. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.conformance.offices import BY_KEY, Performed
from gateway.conformance.verdicts import Verdict, failed, passed
from gateway.simulate.reckoning import LedgerDelivery, LedgerMessage, LedgerView
from gateway.states import State

_FETCHED: Final = frozenset({State.IN_FLIGHT, State.DELIVERED, State.ACKNOWLEDGED})
_ARRIVED: Final = frozenset({State.DELIVERED, State.ACKNOWLEDGED})
_SENDS: Final = frozenset({"submitDocument", "submitUploads", "sendEdoc"})
_MOST_BYTES: Final = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """As of one instant."""

    vendor: str
    view: LedgerView
    #: The vendor's requests so far, oldest first: `gateway.inspection.Exchange` as JSON.
    requests: Sequence[Mapping[str, Any]]
    performed: Mapping[str, Performed]

    def brought(self, step: str) -> list[LedgerDelivery]:
        """The lines to the vendor of what an office sent for a step."""
        done = self.performed.get(step)
        wanted = set(done.messages) if done else set()
        return [
            line
            for line in self.view.deliveries.values()
            if line.message_id in wanted and line.recipient_code == self.vendor
        ]

    def reports(self, step: str) -> list[LedgerMessage]:
        """The vendor's statuses about what was sent for a step."""
        done = self.performed.get(step)
        if done is None:
            return []
        return [
            message
            for message in self.view.messages.values()
            if message.kind == "status"
            and message.sender_code == self.vendor
            and message.document_ref == done.reference.document_id
        ]

    def misplaced(self, step: str) -> str:
        """A business status that was told to a facade alone, about what came for a step."""
        done = self.performed.get(step)
        messages = [self.view.messages.get(each) for each in (done.messages if done else ())]
        came = {message.sha256 for message in messages if message is not None}
        told = [str(each["told"]) for each in self.requests if each.get("about") in came]
        return next((each for each in reversed(told) if each.isdecimal()), "")

    def sent(self, office: str, business_type: str = "0") -> Iterator[tuple[LedgerMessage, LedgerDelivery]]:
        """The vendor's documents of one kind for an office."""
        code = BY_KEY[office].code
        for line in self.view.deliveries.values():
            message = self.view.messages[line.message_id]
            if (
                message.kind == "document"
                and message.sender_code == self.vendor
                and message.business_type == business_type
                and line.recipient_code == code
            ):
                yield message, line


Judge = Callable[[Evidence, str], Verdict | None]


def asked(*operations: str) -> Judge:
    """One of these operations was answered without a refusal."""

    def judge(evidence: Evidence, _step: str) -> Verdict | None:
        mine = [each for each in evidence.requests if each["operation"] in operations]
        if any(not each["reason"] for each in mine):
            return passed()
        if mine:
            told = f"{mine[-1]['reason']} {mine[-1]['detail']}".strip()
            return failed(f"Bị từ chối: {told}", f"It was refused: {told}")
        return None

    return judge


def fetched(evidence: Evidence, step: str) -> Verdict | None:
    """The content was fetched, or pushed and taken."""
    lines = evidence.brought(step)
    return passed() if lines and all(line.state in _FETCHED for line in lines) else None


def taken(evidence: Evidence, step: str) -> Verdict | None:
    """Everything sent for the step was acknowledged."""
    lines = evidence.brought(step)
    if lines and all(line.state in _ARRIVED for line in lines):
        return passed()
    refused = [line for line in lines if line.state in {State.REFUSED, State.DEAD, State.QUARANTINED}]
    if refused:
        return failed(f"Lượt giao kết thúc: {refused[0].state}", f"The delivery ended: {refused[0].state}")
    return None


def answered(*codes: str, about: str = "") -> Judge:
    """The last status that says anything is one of `codes`; 01 is always welcome and says nothing yet."""

    def judge(evidence: Evidence, step: str) -> Verdict | None:
        told = [
            message.business_type for message in evidence.reports(about or step) if message.business_type != "01"
        ]
        if "01" in codes and evidence.reports(about or step):
            return passed()
        if any(code in codes for code in told):
            return passed(", ".join(told))
        if told:
            return failed(f"Trả lời {told[-1]}, chờ {codes[0]}", f"It answered {told[-1]}, {codes[0]} was expected")
        if code := evidence.misplaced(about or step):
            return failed(
                f"updateStatus {code} chỉ báo cho nền tảng; hãy gửi trạng thái edXML bằng sendEdoc, "
                "messageType=status",
                f"updateStatus {code} tells the platform alone; send an edXML status by sendEdoc, "
                "messageType=status",
            )
        return None

    return judge


def refused_with(code: str) -> Judge:
    """A request was refused for just this reason."""

    def judge(evidence: Evidence, _step: str) -> Verdict | None:
        return passed(code) if any(each["reason"] == code for each in evidence.requests) else None

    return judge


def sent_to(office: str) -> Judge:
    """A document of the vendor's reached this office."""

    def judge(evidence: Evidence, _step: str) -> Verdict | None:
        is_there = any(line.state in _ARRIVED for _, line in evidence.sent(office))
        return passed() if is_there else None

    return judge


def recalled(office: str) -> Judge:
    """A recall of the vendor's reached the office, or came before its original had left and drew that back."""

    def judge(evidence: Evidence, _step: str) -> Verdict | None:
        lines = [line for _, line in evidence.sent(office, "1")]
        is_done = any(line.state in _ARRIVED or line.reason == "recalled_before_leaving" for line in lines)
        return passed() if is_done else None

    return judge


def sent_together(*offices: str) -> Judge:
    """One document went to all of these offices."""

    def judge(evidence: Evidence, _step: str) -> Verdict | None:
        each = [{message.id for message, _ in evidence.sent(office)} for office in offices]
        return passed() if set.intersection(*each) else None

    return judge


def sent_again(evidence: Evidence, _step: str) -> Verdict | None:
    """The same submission came twice and got the first answer both times."""
    sends = [each for each in evidence.requests if each["operation"] in _SENDS and not each["reason"]]
    if any(each["replayed"] for each in sends):
        return passed()
    return None


def learnt(office: str, *codes: str) -> Judge:
    """The office answered so, and the vendor took the status over."""

    def judge(evidence: Evidence, _step: str) -> Verdict | None:
        code_of = BY_KEY[office].code
        refs = {message.document_ref for message, _ in evidence.sent(office)}
        for line in evidence.view.deliveries.values():
            message = evidence.view.messages[line.message_id]
            if (
                message.kind == "status"
                and message.sender_code == code_of
                and message.business_type in codes
                and message.document_ref in refs
                and line.recipient_code == evidence.vendor
                and line.state in _ARRIVED
            ):
                return passed(message.business_type)
        return None

    return judge


def withdrawn(office: str) -> Judge:
    """A document to the office was withdrawn before anybody fetched it."""

    def judge(evidence: Evidence, _step: str) -> Verdict | None:
        states = [line.state for _, line in evidence.sent(office)]
        return passed() if State.WITHDRAWN in states else None

    return judge


def sent_large(evidence: Evidence, _step: str) -> Verdict | None:
    """A submission of more than a megabyte was accepted."""
    sizes = [
        each["bodySize"] or 0 for each in evidence.requests if each["operation"] in _SENDS and not each["reason"]
    ]
    if not any(size > _MOST_BYTES for size in sizes):
        return None
    return passed(f"{max(sizes)} byte", f"{max(sizes)} bytes")
