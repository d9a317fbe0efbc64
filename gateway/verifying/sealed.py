"""What every container of ours has: its shape, the seal over all of it; and whose anchors it is judged by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from gateway.bundle.container import Container
from gateway.bundle.format import ACCEPTANCE, EXPORT, MIMETYPE
from gateway.errors import BundleError
from gateway.seal.embedded import certificates_of_export, certificates_of_receipt
from gateway.seal.report import Report
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
    store = anchors.seal_at(at, partial(certificates_of_export, seal))
    report = verify_export(seal, entries=entries, anchors=store, at=at)
    return report, list(of_seal("export", report))


def trusted(container: Container, anchors: Anchors | None, vkey: str) -> tuple[Anchors, Check]:
    """The anchors given, else the container's own, which leaves the verdict INDETERMINATE at best."""
    if anchors is not None:
        return anchors, passed("anchors")
    if ACCEPTANCE in container.entries:
        found = certificates_of_receipt(small(container, ACCEPTANCE))
    else:
        found = certificates_of_export(small(container, EXPORT))
    return Anchors.of_bundle(found, vkey), undecided("anchors", "anchor_from_bundle")


def small(container: Container, name: str) -> bytes:
    """The bytes of an entry; of one that is missing or too large, which are no seal and no manifest, b""."""
    try:
        return container.bytes_of(name) if name in container.entries else b""
    except BundleError:
        return b""
