"""`gateway-verify --pdf`: the signatures of PDFs within a bundle; without it nobody imports what reads them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.verifying.command import main
from tests.bundle.making import AT, made, story, write_anchors
from tests.journeys.messages import document
from tests.unit.signatures.cms_made import CmsPlan
from tests.unit.signatures.pdf_made import signed
from tests.unit.signatures.vector_cases import FOLDER as SIGNATURES
from tests.unit.signatures.vector_cases import write_anchors as write_signers

TWO = signed(CmsPlan(member="person"), CmsPlan(member="agency")).data


def bundle_of(folder: Path, pdf: bytes) -> Path:
    body = document("000.00.00.H33", ["000.00.00.G22"], content=pdf)
    path = folder / "evidence.asice"
    path.write_bytes(made(story(body=body)))
    write_anchors(folder / "anchors")
    write_signers(folder / "anchors")
    return path


def verified(capsys: pytest.CaptureFixture[str], path: Path, *more: str) -> dict[str, Any]:
    anchors = str(path.parent / "anchors")
    code = main([str(path), "--anchors", anchors, "--at", AT.isoformat(), "--json", *more])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert code == (0 if told["verdict"] == "PASSED" else 1)
    return told


def signatures(told: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["verdict"] for each in told["checks"] if each["name"].startswith("signature")}


def test_signatures_of_person_and_agency_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who, in which file; and the report no longer says that nobody looked."""
    path = bundle_of(tmp_path, TWO)
    assert signatures(verified(capsys, path)) == {}
    told = verified(capsys, path, "--pdf")
    assert told["verdict"] == "PASSED", told
    found = {each["name"]: each["detail"] for each in told["checks"]}
    assert "Nguyễn Văn Mẫu" in found["signature.1.found"]
    assert "Ủy ban nhân dân tỉnh Kiên Giang" in found["signature.2.found"]
    assert "PDF signatures" in str(verified(capsys, path)["not_examined"])
    assert "PDF signatures" not in str(told["not_examined"])


def test_without_a_ca_of_signers_nothing_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other anchors of the same folder vouch for no person."""
    path = bundle_of(tmp_path, TWO)
    (tmp_path / "anchors" / "signers").rename(tmp_path / "anchors" / "others")
    assert verified(capsys, path, "--pdf")["verdict"] == "INDETERMINATE"


@pytest.mark.parametrize("name", ["pdf-content-altered", "pdf-incremental-update", "pdf-shadow-replace"])
def test_changed_pdf_fails_and_the_bundle_still_tells_the_rest(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was accepted is what was accepted, whoever had changed it before."""
    path = bundle_of(tmp_path, (SIGNATURES / name / "input.pdf").read_bytes())
    told = verified(capsys, path, "--pdf")
    assert told["verdict"] == "FAILED"
    wrong = [each["name"] for each in told["checks"] if each["verdict"] == "FAILED"]
    assert wrong
    assert all(each.startswith("signature.") for each in wrong)


def test_unsigned_document_and_one_that_is_no_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing signed is told and does not count; what cannot be read does."""
    told = verified(capsys, bundle_of(tmp_path, b"%PDF-1.4 nothing"), "--pdf")
    assert told["verdict"] == "PASSED"
    assert signatures(told) == {"signatures": "INDETERMINATE"}
    path = tmp_path / "other.asice"
    path.write_bytes(made(story(body=b"no message at all")))
    told = verified(capsys, path, "--pdf")
    assert (told["verdict"], signatures(told)) == ("INDETERMINATE", {"signatures": "INDETERMINATE"})
    path.write_bytes(b"no bundle")
    assert verified(capsys, path, "--pdf")["verdict"] == "FAILED"


def test_without_the_flag_nothing_of_it_is_imported(tmp_path: Path) -> None:
    """The contract of imports lets one import pass, which only the flag reaches."""
    path = bundle_of(tmp_path, TWO)
    code = (
        "import sys; from gateway.verifying.__main__ import main\n"
        f"main([{str(path)!r}, '--anchors', {str(tmp_path / 'anchors')!r}, '--at', {AT.isoformat()!r}, '--json'])\n"
        "print(sorted({each.partition('.')[0] for each in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told, modules = done.stdout.splitlines()
    assert json.loads(told)["verdict"] == "PASSED"
    heavy = ("pyhanko", "pyhanko_certvalidator", "asn1crypto", "signxml", "typing_extensions")
    for name in (*heavy, "asyncio", "ssl", "aiohttp", "sqlite3"):
        assert f"'{name}'" not in modules, name
