"""What every container of ours has: its shape, the seal over all of it; and whose anchors it is judged by."""

from __future__ import annotations

import warnings
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime

from cryptography import x509

from gateway.bundle.container import Container
from gateway.bundle.format import ACCEPTANCE, EXPORT, MIMETYPE
from gateway.errors import BundleError
from gateway.seal.profile import UNREADABLE_CERTIFICATE
from gateway.seal.report import Report
from gateway.seal.shape import read, read_export
from gateway.seal.unsigned import split
from gateway.seal.verify import verify_export
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Check, failed, of_seal, passed, undecided


def check_container(container: Container) -> Iterator[Check]:
    """Departures from the one shape."""
    for fault in container.faults:
        yield failed("container", fault.code, fault.text)
    if not container.faults:
        yield passed("container", f"{len(container.entries)} entries")


def check_export(container: Container, anchors: Anchors, at: datetime) -> tuple[Report, list[Check]]:
    """The seal over every entry but `mimetype` and itself."""
    if EXPORT not in container.entries:
        return Report(checks=()), [failed("export", "entry_missing", "nothing seals the bundle as a whole")]
    entries = {name: container.digest_of(name) for name in container.entries if name not in {MIMETYPE, EXPORT}}
    seal, _ = split(small(container, EXPORT))
    report = verify_export(seal, entries=entries, anchors=anchors.seal, at=at)
    return report, list(of_seal("export", report))


def trusted(container: Container, anchors: Anchors | None, vkey: str) -> tuple[Anchors, Check]:
    """The anchors given, else the container's own, which leaves the verdict INDETERMINATE at best."""
    if anchors is not None:
        return anchors, passed("anchors")
    return Anchors.of_bundle(_certificates(container), vkey), undecided("anchors", "anchor_from_bundle")


def small(container: Container, name: str) -> bytes:
    """The bytes of an entry; of one that is missing or too large, which are no seal and no manifest, b""."""
    try:
        return container.bytes_of(name) if name in container.entries else b""
    except BundleError:
        return b""


def _certificates(container: Container) -> tuple[x509.Certificate, ...]:
    """What a seal brings along; anchors of nothing but themselves."""
    name, reader = (ACCEPTANCE, read) if ACCEPTANCE in container.entries else (EXPORT, read_export)
    values = reader(split(small(container, name))[0]).values.get("certificate", ())
    try:
        with warnings.catch_warnings(action="ignore"):
            return tuple(x509.load_der_x509_certificate(b64decode(each)) for each in values)
    except UNREADABLE_CERTIFICATE:
        return ()
