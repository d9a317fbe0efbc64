"""What a report says of the signature that a receiver put on a status message, as a bundle tells it. Format 1.

The report is that of every message (`gateway.signatures.model.Examined`); read here is as much of it as names who
signed, and whether that is the office that speaks.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.bundle.certificate import Outcome, StatusSignature

_OTHERS: Final = frozenset({"other", "ended"})


class _Signer(msgspec.Struct):
    name: str = ""


class _Found(msgspec.Struct):
    kind: str = ""
    verdict: str = ""
    belongs: str = ""
    signer: _Signer | None = None


class _Report(msgspec.Struct):
    signatures: list[_Found] = msgspec.field(default_factory=list)


def signature_of_status(report: bytes) -> StatusSignature | None:
    """Of the XML signature on the message; None where there is none. msgspec.MsgspecError for what is no report."""
    for each in msgspec.json.decode(report, type=_Report).signatures:
        if each.kind == "xml":
            return StatusSignature(outcome=_outcome(each), name=each.signer.name if each.signer else "")
    return None


def _outcome(found: _Found) -> Outcome:
    if found.verdict == "FAILED":
        return "not"
    if found.belongs in _OTHERS:  # which leaves the verdict undecided by itself
        return "other"
    if found.verdict != "PASSED":
        return "not"
    return "valid" if found.belongs == "sender" else "unbound"
