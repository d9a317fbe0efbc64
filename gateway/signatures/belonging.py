"""Whether those who signed belong to the agency that sends: a report compared with what operators have bound. Pure.

A CA says who somebody is, not for whom they may sign here: any certificate of a trusted CA passes the path. A
certificate that was bound to another agency, or to this one only at another time, leaves its signature undecided;
so does an agency's certificate that is none of those bound to it, once there are any. Where nobody has bound
anything, that is a finding and changes nothing. A binding also tells whose kind a certificate is where its subject
does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.seal.report import Check, Indication, passed, undecided
from gateway.signatures.model import Belonging, Examined, Found, Kind, SignerKind

_NAME: Final = "certificate.agency"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """A period in which somebody signs with a certificate."""

    #: SHA-256 of the certificate, hex.
    sha256: str
    #: Organ id of the agency, and whether that is the one that sends.
    organ_id: str
    is_sender: bool
    kind: SignerKind
    valid_from: datetime
    valid_until: datetime | None

    def holds_at(self, at: datetime) -> bool:
        """Whether the instant is in the period."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


def with_belonging(report: Examined, bound: Sequence[Bound]) -> Examined:
    """The report, with a check of each signature whose holder is known here."""
    return replace(report, signatures=tuple(_judged(each, report.at, bound) for each in report.signatures))


def _judged(found: Found, at: datetime, bound: Sequence[Bound]) -> Found:
    if found.signer is None or found.kind is Kind.DECORATIVE:
        return found
    at, signer = found.proven_at or at, found.signer
    own = [each for each in bound if each.sha256 == signer.sha256]
    now = [each for each in own if each.holds_at(at)]
    kind = next((each.kind for each in now if each.is_sender), signer.kind)
    found = replace(found, signer=replace(signer, kind=kind))
    belonging, check = _belonging(found, at, own, now, bound)
    return replace(found, belongs=belonging, checks=(*found.checks, check) if check is not None else found.checks)


def _belonging(
    found: Found, at: datetime, own: Sequence[Bound], now: Sequence[Bound], bound: Sequence[Bound]
) -> tuple[Belonging, Check | None]:
    indication, facts = Indication.SIG_CONSTRAINTS_FAILURE, {"at": at.isoformat()}
    if any(each.is_sender for each in now):
        return Belonging.SENDER, passed(_NAME, **facts)
    if now:
        reason = f"the certificate is one of {now[0].organ_id}, not of the agency that sends"
        return Belonging.OTHER, undecided(_NAME, indication, reason, **facts)
    if any(each.is_sender for each in own):
        reason = "the agency that sends signed with this certificate at another time only"
        return Belonging.ENDED, undecided(_NAME, indication, reason, **facts)
    if found.signer is not None and found.signer.kind is SignerKind.AGENCY and _has_own(bound, at):
        reason = "the agency that sends signs with another certificate than this one"
        return Belonging.OTHER, undecided(_NAME, indication, reason, **facts)
    return Belonging.UNKNOWN, None


def _has_own(bound: Sequence[Bound], at: datetime) -> bool:
    return any(each.is_sender and each.kind is SignerKind.AGENCY and each.holds_at(at) for each in bound)
