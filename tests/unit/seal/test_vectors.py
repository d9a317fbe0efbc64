"""Every vector gives its expected report: the verdict, each fault with its indication, and no other fault."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path

import pytest

from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.seal.verify import verify_receipt
from tests.pki.build import build
from tests.unit.seal.vector_cases import ANCHORS, FOLDER, cases

NAMES = sorted(path.parent.name for path in FOLDER.glob("*/expected.json"))


@pytest.fixture(scope="module")
def anchors() -> TrustStore:
    return TrustStore.load(FOLDER / ANCHORS, TrustPurpose.SEAL)


@pytest.mark.parametrize("name", NAMES)
def test_vector_gives_its_expected_report(name: str, anchors: TrustStore) -> None:
    """A defect is refused for its own reason, and whatever else is wrong is reported beside it."""
    folder = FOLDER / name
    expected = json.loads((folder / "expected.json").read_bytes())
    report = verify_receipt(
        (folder / "receipt.xml").read_bytes(),
        document_sha256=hashlib.sha256((folder / "document.edxml").read_bytes()).digest(),
        transfer=(folder / "transfer.json").read_bytes(),
        anchors=anchors,
        at=datetime.fromisoformat(expected["at"]),
    )
    assert {each.name: str(each.indication) for each in report.faults} == expected["faults"]
    assert report.verdict == expected["verdict"]
    assert all(each.reason for each in report.faults)


def test_vectors_on_disk_are_those_that_the_script_makes(tmp_path: Path) -> None:
    """Regenerating the vectors changes nothing, so nobody edited one by hand."""
    made = {f"{case.name}/{name}": content for case in cases() for name, content in case.files().items()}
    anchors = build().write_anchors(tmp_path / ANCHORS, "seal-root")
    made |= {f"{ANCHORS}/{path.name}": path.read_bytes() for path in anchors.iterdir()}
    lying = {str(path.relative_to(FOLDER)): path.read_bytes() for path in FOLDER.glob("*/*")}
    assert made.keys() == lying.keys()
    assert [name for name in made if made[name] != lying[name]] == []
