"""Every vector gives its expected report: the verdict, each fault with its indication, and no other fault."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path

import pytest

from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.signatures.cms import digest_of, verify_detached
from gateway.signatures.model import Examined, Found, Gathered
from gateway.signatures.path import Trust
from gateway.signatures.pdf import verify_pdf
from gateway.signatures.xml import verify_xml
from tests.unit.signatures.vector_cases import ANCHORS, FOLDER, cases, write_anchors

NAMES = sorted(path.parent.name for path in FOLDER.glob("*/expected.json"))


@pytest.fixture(scope="module")
def stores() -> tuple[TrustStore, TrustStore]:
    return (
        TrustStore.load(FOLDER / ANCHORS / "signers", TrustPurpose.SIGNERS),
        TrustStore.load(FOLDER / ANCHORS / "stamps", TrustPurpose.TSA),
    )


def _found(folder: Path, trust: Trust, gathered: Gathered) -> tuple[Found, ...]:
    if (path := folder / "input.xml").exists():
        return verify_xml(path.read_bytes(), trust=trust, gathered=gathered)
    if (path := folder / "input.pdf").exists():
        return verify_pdf(io.BytesIO(path.read_bytes()), where="1", trust=trust, gathered=gathered)
    signature, content = (folder / "input.p7s").read_bytes(), (folder / "content.bin").read_bytes()
    return (verify_detached(signature, digest_of(content), where="1", trust=trust, gathered=gathered),)


@pytest.mark.parametrize("name", NAMES)
def test_vector_gives_its_expected_report(name: str, stores: tuple[TrustStore, TrustStore]) -> None:
    """A defect is refused for its own reason, and whatever else is wrong is reported beside it."""
    folder = FOLDER / name
    expected = json.loads((folder / "expected.json").read_bytes())
    trust = Trust(signers=stores[0], stamps=stores[1], at=datetime.fromisoformat(expected["at"]))
    gathered = Gathered()
    found = _found(folder, trust, gathered)
    faults = [{check.name: str(check.indication) for check in each.faults} for each in found]
    assert faults == expected["signatures"], [each.faults for each in found]
    report = Examined(at=trust.at, signatures=found, certificates=gathered.certificates)
    assert report.verdict == expected["verdict"]
    proven = next((each.proven_at for each in found if each.proven_at), None)
    assert (proven.isoformat() if proven else None) == expected["proven_at"]
    assert all(check.reason for each in found for check in each.faults)
    assert Examined.decode(report.encode()).verdict == report.verdict


def test_vectors_on_disk_are_those_that_the_script_makes(tmp_path: Path) -> None:
    """Regenerating the vectors changes nothing, so nobody edited one by hand."""
    made = {f"{case.name}/{name}": content for case in cases() for name, content in case.files().items()}
    write_anchors(tmp_path / ANCHORS)
    made |= {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*.pem")}
    lying = {str(path.relative_to(FOLDER)): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    assert made.keys() == lying.keys()
    assert [name for name in made if made[name] != lying[name]] == []
