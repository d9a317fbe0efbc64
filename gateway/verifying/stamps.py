"""Time stamps over the checkpoint [RFC 3161]: each is held against the anchors, at its own time."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from gateway.bundle.container import Container
from gateway.bundle.format import role_of
from gateway.errors import BundleError, StampError
from gateway.seal.report import Verdict
from gateway.seal.trust import TrustStore
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Check, failed, passed, undecided

if TYPE_CHECKING:
    from gateway.seal.stamp_token import Token

#: Checks of `gateway.seal.timestamp` that no certificate from elsewhere can mend.
_OF_THE_TOKEN: Final = {
    "stamp.status",
    "stamp.format",
    "stamp.imprint",
    "stamp.signature",
    "stamp.signing_certificate",
}


def check_stamps(
    container: Container, signed: bytes, anchors: Anchors, *, is_required: bool
) -> tuple[list[Check], datetime | None]:
    """The findings, and the earliest time that a stamp proves; `signed`: what they must be over."""
    names = [name for name in container.entries if role_of(name) == "stamp"]
    found = [_stamp(container, name, signed, anchors) for name in names]
    times = [at for _, at in found if at is not None]
    checks = [check for check, _ in found]
    if times:
        at = min(times)
        checks.append(passed("time_proven", f"not later than {at.isoformat()}", counts=is_required))
        return checks, at
    reason = "stamp_untrusted" if names else "no_time_stamp"
    return [*checks, undecided("time_proven", reason, counts=is_required)], None


def _stamp(container: Container, entry: str, signed: bytes, anchors: Anchors) -> tuple[Check, datetime | None]:
    from gateway.seal.stamp_token import read_reply  # most of a bundle needs no reader of tokens

    name = f"stamps.{entry.rsplit('/', 1)[1].removesuffix('.tsr')}"
    try:
        raw = container.bytes_of(entry)
        token = read_reply(raw).token
    except (StampError, BundleError) as error:
        return failed(name, "stamp_unreadable", str(error)), None
    if token is None:
        return failed(name, "stamp_unreadable", "an answer without a token"), None
    if not signed:
        return undecided(name, "no_checkpoint", "what it should be over is not known"), None
    if token.imprint != sha256(signed).digest():
        return failed(name, "stamp_of_other_bytes", "it is not over this checkpoint as the log signed it"), None
    return _verified(name, raw, token, anchors.tsa)


def _verified(name: str, raw: bytes, token: Token, anchors: TrustStore | None) -> tuple[Check, datetime | None]:
    from gateway.seal.timestamp import verify_stamp

    at = token.gen_time
    if anchors is None or not anchors.at(at):
        return undecided(name, "no_tsa_anchors", f"no anchor was trusted on {at.isoformat()}", counts=False), None
    found = verify_stamp(raw, token.imprint, anchors=anchors, at=at)
    told = "; ".join(fault.reason for fault in found.report.faults)
    # what a certificate lacks here may be had elsewhere; what the token itself lacks may not
    if any(fault.verdict is Verdict.FAILED and fault.name in _OF_THE_TOKEN for fault in found.report.faults):
        return failed(name, "stamp_untrusted", told), None
    if told or found.not_later_than is None:
        return undecided(name, "stamp_untrusted", told), None
    return passed(name, f"{at.isoformat()}, valid at its own time"), found.not_later_than
