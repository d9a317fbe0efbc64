"""How far the re-enactment is: the ledger's lines against the script. Pure.

The table shows it, and the demo ends by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.simulate.acts import End
from gateway.simulate.cast import Means
from gateway.simulate.reckoning import LedgerDelivery, LedgerMessage, LedgerView
from gateway.simulate.script import Script
from gateway.states import State

#: Where a status message's own delivery comes to rest; a take-back's is acknowledged by its 15 or 16.
_CARRIED = frozenset({State.DELIVERED, State.RELAYED, State.ACKNOWLEDGED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One look at the ledger."""

    #: State -> deliveries of documents.
    states: Counter[str]
    #: How the receiver is connected -> state -> deliveries of documents.
    by_means: dict[str, Counter[str]]
    #: Documents, and statuses, in the ledger.
    documents: int
    statuses: int
    #: Status code -> how many.
    codes: Counter[str]
    recipients: int
    #: Deliveries of documents in the browser-only mailboxes that nobody has opened.
    unread: int
    #: What is not yet as the script says, in words; empty when all is.
    missing: tuple[str, ...]
    #: How many facts the script asks for, and how many of them hold.
    wanted: int
    reached: int


def stand(ledger: LedgerView, script: Script, own_code: str) -> Standing:
    """Compare one view of the ledger with the script."""
    documents = [item for item in ledger.messages.values() if item.kind == "document"]
    statuses = [item for item in ledger.messages.values() if item.kind == "status" and item.sender_code != own_code]
    lines = [item for item in ledger.deliveries.values() if ledger.messages[item.message_id].kind == "document"]
    missing = [
        *_unreached(lines, ledger, script),
        *_unreported(statuses, script),
        *_uncarried(ledger, own_code),
    ]
    by_means: dict[str, Counter[str]] = {}
    for line in lines:
        by_means.setdefault(_means(script, line.recipient_code), Counter())[line.state] += 1
    wanted = len(script.ends) + len(script.statuses)
    return Standing(
        states=Counter(line.state for line in lines),
        by_means=by_means,
        documents=len(documents),
        statuses=len(statuses),
        codes=Counter(item.business_type for item in statuses),
        recipients=len({line.recipient_code for line in lines}),
        unread=sum(line.recipient_code in script.cast.unopened and line.state == State.QUEUED for line in lines),
        missing=tuple(missing),
        wanted=wanted,
        reached=max(0, wanted - len(missing)),
    )


def _unreached(lines: Iterable[LedgerDelivery], ledger: LedgerView, script: Script) -> list[str]:
    found: dict[tuple[str, str], End] = {}
    missing = []
    for line in lines:
        message = ledger.messages[line.message_id]
        send = script.find(message.document_ref, message.business_type)
        key = (send.key if send else message.document_ref, line.recipient_code)
        if key not in script.ends:
            missing.append(f"{key[0]} for {key[1]}: not in the script")
        found[key] = End(state=State(line.state), business_status=line.business_status)
    for key, end in script.ends.items():
        now = found.get(key)
        if now != end:
            missing.append(f"{key[0]} for {key[1]}: {_say(now)} instead of {_say(end)}")
    return missing


def _unreported(statuses: Iterable[LedgerMessage], script: Script) -> list[str]:
    wanted = Counter((script.document_id(key), reporter, code) for key, reporter, code in script.statuses)
    found = Counter((item.document_ref, item.sender_code, item.business_type) for item in statuses)
    absent = [f"status {code} of {who} about {what}" for what, who, code in (wanted - found).elements()]
    extra = [
        f"status {code} of {who} about {what}: one too many" for what, who, code in (found - wanted).elements()
    ]
    return absent + extra


def _uncarried(ledger: LedgerView, own_code: str) -> list[str]:
    return [
        f"status {message.business_type} of {message.sender_code} about {message.document_ref}"
        f" for {line.recipient_code}: {line.state}"
        for line in ledger.deliveries.values()
        if (message := ledger.messages[line.message_id]).kind == "status"
        and message.sender_code != own_code
        and line.state not in _CARRIED
    ]


def _means(script: Script, code: str) -> str:
    office = script.cast.by_code.get(code)
    if office is None:
        return "unknown"
    is_commune_or_outside = office.kind == "commune" or office.means is Means.AXIS
    return office.means.value if is_commune_or_outside else "office"


def _say(end: End | None) -> str:
    return "absent" if end is None else f"{end.state} {end.business_status}".strip()
