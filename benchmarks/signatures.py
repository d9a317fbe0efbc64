"""What it costs to verify signatures that others made: CPU of one core, path and revocation included.

XML: the small message of the vectors with a XAdES signature of RSA-2048, once with its certificate's path
remembered (one agency signs many documents in ten minutes) and once without. PDF: two, person and agency.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.goals import Figure, aimed
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.signatures import path
from gateway.signatures.model import Gathered
from gateway.signatures.path import Trust
from gateway.signatures.pdf import verify_pdf
from gateway.signatures.xml import verify_xml
from tests.unit.signatures.cms_made import AT, CmsPlan
from tests.unit.signatures.pdf_made import signed
from tests.unit.signatures.vector_cases import write_anchors
from tests.unit.signatures.xml_made import XmlPlan, signed_xml

_SECONDS = 3.0


def measure(folder: Path) -> list[Figure]:
    """The figures; the trust stores are written below `folder`."""
    write_anchors(folder)
    trust = Trust(
        signers=TrustStore.load(folder / "signers", TrustPurpose.SIGNERS),
        stamps=TrustStore.load(folder / "stamps", TrustPurpose.TSA),
        at=AT,
    )
    message = signed_xml(XmlPlan(member="person", xades=True))
    pdf = signed(CmsPlan(member="person"), CmsPlan(member="agency")).data

    def in_xml() -> None:
        [found] = verify_xml(message, trust=trust, gathered=Gathered())
        if found.faults:
            raise RuntimeError(f"a good signature was not verified: {found.faults[0].reason}")

    def in_xml_anew() -> None:
        path.forget()
        in_xml()

    def in_pdf() -> None:
        verify_pdf(io.BytesIO(pdf), where="1", trust=trust, gathered=Gathered())

    return [
        aimed("xml_signatures_per_second", 1000 / _millis(in_xml)),
        Figure(name="xml_signature_first_seen", value=_millis(in_xml_anew), unit="ms"),
        Figure(name="pdf_two_signatures", value=_millis(in_pdf), unit="ms"),
    ]


def _millis(act: Callable[[], None]) -> float:
    act()
    count, began, until = 0, time.process_time(), time.perf_counter() + _SECONDS
    while time.perf_counter() < until:
        act()
        count += 1
    return (time.process_time() - began) / count * 1000
