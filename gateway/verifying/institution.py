"""The institution's signature over the checkpoint, where a bundle has one: with anchors of its own.

Not every checkpoint has one yet when a bundle is made, and a bundle holds without it, so that only what is proved
wrong counts against it.
"""

from __future__ import annotations

from datetime import datetime

from gateway.bundle.container import Container
from gateway.bundle.format import INSTITUTION
from gateway.errors import BundleError
from gateway.seal.report import Verdict
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Check, failed, passed, undecided

_NAME = "institution"


def check_institution(container: Container, signed: bytes, anchors: Anchors, at: datetime) -> list[Check]:
    """The finding, if bundle or anchors speak of an institution; `signed`: the checkpoint as the log signed it."""
    if INSTITUTION not in container.entries:
        if anchors.institution is None:
            return []
        detail = "no checkpoint over the document was signed by it when the bundle was made"
        return [undecided(_NAME, "no_institution_signature", detail, counts=False)]
    if anchors.institution is None:
        return [undecided(_NAME, "no_institution_anchors", counts=False)]
    if not signed:
        return [undecided(_NAME, "no_checkpoint", "what it should be over is not known", counts=False)]
    return [_judged(container, signed, anchors, at)]


def _judged(container: Container, signed: bytes, anchors: Anchors, at: datetime) -> Check:
    from gateway.seal.institution import verify  # most of a bundle needs no reader of CMS

    assert anchors.institution is not None, "looked at before"
    try:
        raw = container.bytes_of(INSTITUTION)
    except BundleError as error:
        return failed(_NAME, "institution_signature_wrong", str(error))
    found = verify(raw, signed, anchors=anchors.institution, at=at)
    told = "; ".join(check.reason for check in found.report.faults)
    if any(check.verdict is Verdict.FAILED for check in found.report.faults):
        return failed(_NAME, "institution_signature_wrong", told)
    if told or found.certificate is None:
        return undecided(_NAME, "institution_untrusted", told, counts=False)
    return passed(_NAME, found.certificate.subject.rfc4514_string())
