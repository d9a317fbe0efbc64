"""The corpus of bundles: what lies there is what the script makes, and later verifiers find the same in it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bundle.container import Container
from gateway.seal.report import Verdict
from gateway.verifying.anchors import Anchors
from gateway.verifying.command import main
from gateway.verifying.verify import verify
from tests.bundle.absences import parts, proof
from tests.bundle.making import AT, made
from tests.bundle.vector_cases import FOLDER, FROZEN, TEN_YEARS, write

BUNDLE = made()
ABSENCE = proof(parts())
ANCHORS = Anchors.load(FOLDER / "anchors" / "good")


def tree(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if not name.startswith(f"{FROZEN}/")}


def test_script_makes_what_lies_there(tmp_path: Path) -> None:
    """Inputs and expected reports; a change of either is seen here."""
    write(tmp_path)
    assert tree(tmp_path) == tree(FOLDER)


@pytest.mark.parametrize("when", ["expected", "later"])
@pytest.mark.parametrize("name", sorted(path.name for path in (FOLDER / FROZEN).iterdir()))
def test_bundles_of_format_1_are_read_for_ever(name: str, when: str) -> None:
    """As they were first written, by whatever program verifies them; today, and with the clock ten years ahead."""
    folder = FOLDER / FROZEN / name
    expected = json.loads((folder / f"{when}.json").read_text())
    data, at = (folder / "bundle.asice").read_bytes(), datetime.fromisoformat(expected["at"])
    found = verify(Container.of(data), ANCHORS, at)
    faults = {f"{check.name}: {check.reason}" for check in found.checks if check.verdict is not Verdict.PASSED}
    assert (str(found.verdict), sorted(faults)) == (expected["verdict"], expected["faults"])


def test_stamp_proves_the_acceptance_ten_years_later() -> None:
    """The seal's certificate has expired, but it was valid when the stamp was made."""
    found = verify(Container.of(BUNDLE), ANCHORS, TEN_YEARS)
    assert all(each.verdict is Verdict.PASSED for each in found.checks if each.name.startswith("acceptance."))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from((BUNDLE, ABSENCE)), st.integers(0), st.integers(1, 255))
def test_no_changed_byte_passes(file: bytes, at: int, bits: int) -> None:
    """Wherever it is, and nothing raises."""
    changed = bytearray(file)
    changed[at % len(file)] ^= bits
    assert verify(Container.of(bytes(changed)), ANCHORS, AT).verdict is not Verdict.PASSED


def test_command_tells_people_and_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON as the issue says, a page, exit codes, and words for wrong use."""
    file, page = tmp_path / "a.asice", tmp_path / "a.html"
    file.write_bytes(BUNDLE)
    anchors = ["--anchors", str(FOLDER / "anchors" / "good"), "--at", AT.isoformat()]
    assert main([str(file), *anchors, "--json", "--html", str(page)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "PASSED"
    assert {"name", "verdict", "reason"} <= told["checks"][0].keys()
    assert "<h1>a.asice</h1>" in page.read_text("utf-8")
    assert main([str(file), "--at", AT.isoformat()]) == 1
    assert "anchor_from_bundle" in capsys.readouterr().out
    assert main([str(file), "--anchors", str(tmp_path)]) == 2
    assert main([str(tmp_path), *anchors]) == 0
    assert main([str(tmp_path / "none.asice"), *anchors]) == 1
