"""Signed XML of other people's test suites: read without stumbling, refused for the same reasons as ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.seal.report import Verdict
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.signatures.model import Examined, Gathered
from gateway.signatures.path import Trust
from gateway.signatures.xml import verify_xml
from tests.unit.signatures.vector_cases import ANCHORS, FOLDER

PUBLIC = Path(__file__).parents[2] / "vectors" / "public"
AT = datetime(2026, 11, 29, tzinfo=UTC)


def told(data: bytes, trust: Trust) -> list[dict[str, str]]:
    """Of each signature its faults."""
    gathered = Gathered()
    found = verify_xml(data, trust=trust, gathered=gathered)
    report = Examined(at=trust.at, signatures=found, certificates=gathered.certificates)
    assert report.verdict is not Verdict.PASSED
    assert Examined.decode(report.encode()).verdict == report.verdict
    return [{check.name: str(check.indication) for check in each.faults} for each in found]


@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
def test_public_suite_is_read_and_none_of_it_accepted() -> None:
    """Nobody here trusts their CAs; what else is wrong with each is what its folder says."""
    trust = Trust(
        signers=TrustStore.load(FOLDER / ANCHORS / "signers", TrustPurpose.SIGNERS),
        stamps=TrustStore.load(FOLDER / ANCHORS / "stamps", TrustPurpose.TSA),
        at=AT,
    )
    folder = PUBLIC / "xmlsec"
    expected = json.loads((folder / "expected.json").read_bytes())
    found = {path.name: told(path.read_bytes(), trust) for path in sorted(folder.glob("*.xml"))}
    assert len(found) > 40
    assert found == expected
