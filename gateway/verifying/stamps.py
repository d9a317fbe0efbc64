"""Time stamps over the checkpoint [RFC 3161]: each is held against the anchors, at its own time."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from gateway.bundle.container import Container
from gateway.bundle.format import role_of
from gateway.errors import BundleError
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Check, failed, passed, undecided


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
    from rfc3161_client import VerifierBuilder, decode_timestamp_response  # most of a bundle needs it not
    from rfc3161_client.errors import VerificationError

    name = f"stamps.{entry.rsplit('/', 1)[1].removesuffix('.tsr')}"
    try:
        reply = decode_timestamp_response(container.bytes_of(entry))
        at, imprint = reply.tst_info.gen_time, reply.tst_info.message_imprint.message
    except (ValueError, BundleError) as error:
        return failed(name, "stamp_unreadable", str(error)), None
    if not signed:
        return undecided(name, "no_checkpoint", "what it should be over is not known"), None
    if imprint != sha256(signed).digest():
        return failed(name, "stamp_of_other_bytes", "it is not over this checkpoint as the log signed it"), None
    trusted = anchors.tsa.at(at) if anchors.tsa else ()
    if not trusted:
        return undecided(name, "no_tsa_anchors", f"no anchor was trusted on {at.isoformat()}", counts=False), None
    try:
        VerifierBuilder(roots=list(trusted)).build().verify(reply, imprint)
    except (VerificationError, ValueError) as error:
        return undecided(name, "stamp_untrusted", str(error)), None
    return passed(name, f"{at.isoformat()}, valid at its own time"), at
