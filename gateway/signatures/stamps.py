"""Whether a time stamp on a signature proves when it existed at the latest [RFC 3161].

The token is read and checked as ours are (`gateway.seal.timestamp`); its authority is judged as every foreign
signer, at the time it states, against the anchors of time-stamping authorities. A stamp that proves nothing is a
note of the report, never a fault of the signature: then the signer's time stays claimed, and certificates are
judged at the time of the check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import StampError
from gateway.seal.report import Check, Indication, Report, Verdict, passed, undecided
from gateway.seal.stamp_token import UNREADABLE, Token, read_token
from gateway.seal.timestamp import check_token, stamping_faults
from gateway.signatures.algorithms import HASHES
from gateway.signatures.model import Gathered
from gateway.signatures.path import Brought, Trust, check_signer

_NAME: Final = "stamp"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """What a token came to."""

    #: None where it proves nothing.
    proven_at: datetime | None
    check: Check

    @property
    def note(self) -> str:
        """What a report says where it proves nothing."""
        return "" if self.proven_at is not None else f"time stamp: {self.check.reason}"


def read_stamp(
    token: bytes, digest: Callable[[str], bytes], *, trust: Trust, gathered: Gathered, brought: Brought
) -> Stamp:
    """Verify a token; `digest` gives the digest of what should be stamped, by the hash's name."""
    try:
        return _verified(read_token(token), digest, trust, gathered, brought)
    except (StampError, *UNREADABLE) as error:
        return _nothing(f"the time stamp cannot be read: {str(error)[:200]}", Indication.FORMAT_FAILURE)


def _verified(
    token: Token, digest: Callable[[str], bytes], trust: Trust, gathered: Gathered, brought: Brought
) -> Stamp:
    own = Report(checks=check_token(token, lambda name: digest(name) if name in HASHES else None))
    certificate = token.signature.certificate
    if own.verdict is not Verdict.PASSED or certificate is None:
        worst = own.faults[0]
        return _nothing(worst.reason, worst.indication or Indication.GENERIC)
    at = token.gen_time
    checks = check_signer(
        certificate,
        Brought(
            certificates=tuple(each.public_bytes(Encoding.DER) for each in token.signature.chain),
            crls=brought.crls,
            ocsps=brought.ocsps,
        ),
        store=trust.stamps,
        at=at,
        gathered=gathered,
        usage=stamping_faults,
        answers=trust.answers,
    )
    report = Report(checks=checks)
    if report.verdict is not Verdict.PASSED:
        worst = report.faults[0]
        return _nothing(f"its authority: {worst.reason}", worst.indication or Indication.GENERIC, at)
    if at > trust.at:
        return _nothing("the time stamp is of a later time than now", Indication.SIG_CONSTRAINTS_FAILURE, at)
    return Stamp(proven_at=at, check=passed(_NAME, at=at.isoformat()))


def _nothing(reason: str, indication: Indication, at: datetime | None = None) -> Stamp:
    facts = {} if at is None else {"stated": at.isoformat()}
    return Stamp(proven_at=None, check=undecided(_NAME, indication, reason, **facts))
