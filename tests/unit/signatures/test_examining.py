"""Messages are examined in a process of their own; whatever happens to it is a finding."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from gateway import examining
from gateway.edxml.limits import ParseLimits
from gateway.examining import Anchors, Examiner, examiners
from gateway.parsing.pool import ParserPool
from gateway.seal.report import Verdict
from gateway.signatures.model import Examined, Kind, SignerKind
from gateway.storage.body_file import BodyFile
from gateway.storage.body_format import HEADER
from tests.journeys.messages import document
from tests.unit.signatures.cms_made import AT, CmsPlan
from tests.unit.signatures.pdf_made import signed
from tests.unit.signatures.vector_cases import write_anchors
from tests.unit.signatures.xml_made import XmlPlan, signed_xml


@dataclass(frozen=True, kw_only=True, slots=True)
class _Body:
    file: BodyFile
    size: int


def _body(folder: Path, data: bytes) -> _Body:
    path = folder / hashlib.sha256(data).hexdigest()
    path.write_bytes(HEADER + data)
    return _Body(file=BodyFile(path=path), size=len(data))


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[ParserPool]:
    made = examiners()
    yield made
    await made.close()


def _examiner(pool: ParserPool, folder: Path) -> Examiner:
    write_anchors(folder / "anchors")
    anchors = Anchors(signers=folder / "anchors" / "signers", stamps=folder / "anchors" / "stamps")
    return Examiner(pool, anchors, limits=ParseLimits(), scratch=folder)


async def _examined(examiner: Examiner, folder: Path, data: bytes, **more: frozenset[str]) -> Examined:
    return await examiner.examined(_body(folder, data), at=AT, **more)  # type: ignore[arg-type]


async def test_person_and_agency_are_found_in_an_attachment(pool: ParserPool, tmp_path: Path) -> None:
    """Two signatures of a PDF, and what the verdict rests on; lists that are known come back as names only."""
    pdf = signed(CmsPlan(member="person"), CmsPlan(member="agency")).data
    data = document("000.00.00.H33", ["000.00.00.G22"], content=pdf)
    examiner = _examiner(pool, tmp_path)
    report = await _examined(examiner, tmp_path, data)
    assert report.verdict is Verdict.PASSED, report
    kinds = [each.signer.kind for each in report.signatures if each.signer]
    assert kinds == [SignerKind.PERSON, SignerKind.AGENCY]
    assert len(report.certificates) == 4
    assert len(report.revocations) == 2
    assert all(report.revocations.values())
    again = await _examined(examiner, tmp_path, data, known=frozenset(report.revocations))
    assert set(again.revocations) == set(report.revocations)
    assert not any(again.revocations.values())


async def test_signed_message_is_examined_where_it_lies(pool: ParserPool, tmp_path: Path) -> None:
    """The whole message with its own signature, behind the header that its file has."""
    message = document("000.00.00.H33", ["000.00.00.G22"]).decode()
    root = message[message.rindex("</") :].strip()
    data = signed_xml(XmlPlan(message=message, before=root, xades=True))
    report = await _examined(_examiner(pool, tmp_path), tmp_path, data)
    assert [each.kind for each in report.signatures] == [Kind.XML]
    assert report.verdict is Verdict.PASSED, report


async def test_unsigned_message_proves_nothing(pool: ParserPool, tmp_path: Path) -> None:
    """No signature is INDETERMINATE, never valid."""
    report = await _examined(_examiner(pool, tmp_path), tmp_path, document("000.00.00.H33", ["000.00.00.G22"]))
    assert report.signatures == ()
    assert report.verdict is Verdict.INDETERMINATE


async def test_without_anchors_nothing_is_valid(pool: ParserPool, tmp_path: Path) -> None:
    """A signature that holds, of somebody whose CA nobody trusts here."""
    data = document("000.00.00.H33", ["000.00.00.G22"], content=signed().data)
    examiner = Examiner(pool, Anchors(), limits=ParseLimits(), scratch=None)
    report = await _examined(examiner, tmp_path, data)
    assert report.verdict is Verdict.INDETERMINATE
    assert [check.name for check in report.signatures[0].faults] == ["certificate.path"]


async def test_what_takes_too_long_is_a_finding(
    pool: ParserPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is killed; the next message is examined as ever."""
    data = document("000.00.00.H33", ["000.00.00.G22"], content=signed().data)
    examiner = _examiner(pool, tmp_path)
    monkeypatch.setattr(examining, "_SECONDS", 0.0)
    report = await _examined(examiner, tmp_path, data)
    assert report.verdict is Verdict.INDETERMINATE
    assert report.signatures[0].checks[0].name == "message.examined"
    monkeypatch.undo()
    assert (await _examined(examiner, tmp_path, data)).verdict is Verdict.PASSED


def test_server_does_not_load_what_examines() -> None:
    """PyHanko and signxml would cost every process that serves dozens of megabytes."""
    code = (
        "import sys, gateway.app, gateway.examining\n"
        "heavy = {'pyhanko', 'pyhanko_certvalidator', 'signxml'}\n"
        "sys.exit(any(name.split('.')[0] in heavy for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_nothing_is_loaded_for_a_message_without_signatures(tmp_path: Path) -> None:
    """Most messages: no library of signatures is imported for them, and no anchor is read."""
    body = _body(tmp_path, document("000.00.00.H33", ["000.00.00.G22"], content=b"%PDF-1.7 unsigned"))
    script = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path;"
        "from gateway.signatures.document import Task, examine; from gateway.storage.body_file import BodyFile;"
        f"body = BodyFile(path=Path({str(body.file.path)!r}));"
        "print(examine(Task(message=body, at=datetime.now(UTC), signers='/nowhere')));"
        "print(sorted({'pyhanko', 'signxml', 'pyhanko_certvalidator', 'asn1crypto'} & sys.modules.keys()))"
    )
    ran = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=subprocess.PIPE)
    report, loaded = (await ran.communicate())[0].decode().splitlines()
    assert '"signatures":[]' in report
    assert loaded == "[]"
