"""Signatures on status messages themselves (XMLDSig, XAdES), by receivers: `receiver.<message>.signature`.

The gateway examined each one after its acceptance; its report, with the certificate, is in the bundle and under the
log. What it says is told here and does not count: it is the gateway's word. Who asks with `--pdf` has the status
message itself examined anew (`gateway.verifying.signed`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import UNSET

from gateway.bundle.certificate import StatusSignature
from gateway.bundle.container import Container
from gateway.bundle.facts import Facts
from gateway.bundle.signed_statuses import signature_of_status
from gateway.errors import BundleError
from gateway.verifying.findings import Check, undecided
from gateway.verifying.tree import Logged, facts_of

_REASONS: Final = {
    "valid": "receiver_signed_message",
    "unbound": "receiver_signed_unbound",
    "other": "receiver_signed_by_another",
    "not": "receiver_message_signature_wrong",
}


def check_signed_statuses(container: Container, facts: Facts, logged: Logged) -> Iterator[Check]:
    """What the gateway found, of each status message that is signed and whose report a proved leaf names."""
    for message, found in signed_statuses(container, facts, logged).items():
        told = f"{found.name or 'nobody named'}; as the gateway found it, not examined anew without --pdf"
        yield undecided(name_of(message), _REASONS[found.outcome], told, counts=False)


def signed_statuses(container: Container, facts: Facts, logged: Logged) -> dict[str, StatusSignature]:
    """By the message's id; the newest report counts."""
    statuses = {each.id for each in facts.messages if each.kind == "status"}
    found = {}
    for verdict in () if facts.verdicts is UNSET else facts.verdicts:
        told = {each.get("report") for each in facts_of(logged.of("document.checked", message=verdict.message))}
        if verdict.message not in statuses or verdict.sha256 not in told:
            continue
        try:
            signature = signature_of_status(container.bytes_of(verdict.entry))
        except (BundleError, msgspec.MsgspecError):
            continue  # the check of verdicts says so
        if signature is not None:
            found[verdict.message] = signature
    return found


def name_of(message: str) -> str:
    """Of the check."""
    return f"receiver.{message}.signature"
