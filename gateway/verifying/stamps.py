"""Time stamps over checkpoint and receipt [RFC 3161, RFC 4998]: each against the anchors, at its own time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from gateway.bundle.container import Container
from gateway.bundle.format import RECORD, RECORD_MANIFEST, role_of
from gateway.bundle.manifest import RECORDED, record_manifest_of
from gateway.errors import BundleError, StampError
from gateway.seal.report import Verdict
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


#: A finding, and the time that it proves.
Timed = tuple[Check, datetime | None]


def check_stamps(container: Container, signed: bytes, anchors: Anchors) -> list[Timed]:
    """The findings about stamps over the checkpoint; `signed`: what they must be over."""
    names = [name for name in container.entries if role_of(name) == "stamp"]
    return [_stamp(container, name, signed, anchors) for name in names]


def time_proven(found: Sequence[Timed], *, is_required: bool) -> tuple[Check, datetime | None]:
    """Whether any stamp proves a time, and the earliest."""
    times = [at for _, at in found if at is not None]
    if times:
        at = min(times)
        return passed("time_proven", f"not later than {at.isoformat()}", counts=is_required), at
    return undecided("time_proven", "stamp_untrusted" if found else "no_time_stamp", counts=is_required), None


def check_record(container: Container, anchors: Anchors) -> list[Timed]:
    """The evidence record over the acceptance, where there is one."""
    name, entries = "evidence_record", container.entries
    there = [each for each in (RECORD, RECORD_MANIFEST) if each in entries]
    if not there or not all(container.has(each) for each in RECORDED):
        return []
    if len(there) == 1:
        return [(failed(name, "entry_missing", f"{there[0]} stands alone"), None)]
    from gateway.seal.evidence_record import read_record
    from gateway.seal.stamp_token import reply_with

    digests = {each: container.digest_of(each) for each in RECORDED}
    try:
        record = read_record(container.bytes_of(RECORD))
        reply = reply_with(record.token)
        manifest = container.bytes_of(RECORD_MANIFEST)
    except (StampError, BundleError) as error:
        return [(failed(name, "record_unreadable", str(error)), None)]
    if sorted(record.group) != sorted(digests.values()):
        return [(failed(name, "record_of_other_receipts"), None)]
    if manifest != record_manifest_of(digests):
        return [(failed(name, "entries_differ", f"{RECORD_MANIFEST} is not the list of what it is over"), None)]
    return [judged(name, reply, record.root, anchors)]


def _stamp(container: Container, entry: str, signed: bytes, anchors: Anchors) -> Timed:
    name = f"stamps.{entry.rsplit('/', 1)[1].removesuffix('.tsr')}"
    try:
        raw = container.bytes_of(entry)
    except BundleError as error:
        return failed(name, "stamp_unreadable", str(error)), None
    return judged(name, raw, sha256(signed).digest() if signed else b"", anchors)


def judged(name: str, raw: bytes, imprint: bytes, anchors: Anchors, *, algorithm: str = "sha256") -> Timed:
    """A TimeStampResp over that digest, at its own time; without an imprint nothing is proved."""
    from gateway.seal.stamp_token import read_reply  # most of a bundle needs no reader of tokens

    try:
        token = read_reply(raw).token
    except StampError as error:
        return failed(name, "stamp_unreadable", str(error)), None
    if token is None:
        return failed(name, "stamp_unreadable", "an answer without a token"), None
    if not imprint:
        return undecided(name, "no_checkpoint", "what it should be over is not known"), None
    if (token.imprint_algorithm, token.imprint) != (algorithm, imprint):
        return failed(name, "stamp_of_other_bytes"), None
    return _verified(name, raw, token, anchors)


def _verified(name: str, raw: bytes, token: Token, anchors: Anchors) -> Timed:
    from gateway.seal.timestamp import verify_stamp

    at, signature = token.gen_time, token.signature
    trusted = anchors.tsa_at(
        at, lambda: (*signature.chain, *((signature.certificate,) if signature.certificate else ()))
    )
    if trusted is None or not trusted.at(at):
        return undecided(name, "no_tsa_anchors", f"no anchor was trusted on {at.isoformat()}", counts=False), None
    found = verify_stamp(raw, token.imprint, anchors=trusted, at=at, algorithm=token.imprint_algorithm)
    told = "; ".join(fault.reason for fault in found.report.faults)
    # what a certificate lacks here may be had elsewhere; what the token itself lacks may not
    if any(fault.verdict is Verdict.FAILED and fault.name in _OF_THE_TOKEN for fault in found.report.faults):
        return failed(name, "stamp_untrusted", told), None
    if told or found.not_later_than is None:
        return undecided(name, "stamp_untrusted", told), None
    return passed(name, f"{at.isoformat()}, valid at its own time"), found.not_later_than
