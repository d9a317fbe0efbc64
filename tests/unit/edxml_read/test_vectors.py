"""The vectors: every oddity seen or feared, with the report it must give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from gateway.edxml.findings import READING_RULES
from gateway.edxml.limits import ParseLimits
from gateway.edxml.parser import parse_file
from gateway.storage.body_file import BodyFile
from gateway.storage.body_format import HEADER
from tools.vectors import FOLDER, expected_text, vector_folders

#: Rules that need a size or a repetition no small file should have, or a rare form; tested in test_documents.
_ELSEWHERE = {
    "EDX-HDR-05", "EDX-BUS-01", "EDX-BUS-03", "EDX-ATT-03", "EDX-ATT-05", "EDX-ATT-06", "EDX-ATT-09", "EDX-SIG-02",
}  # fmt: skip


@pytest.mark.parametrize("folder", vector_folders(), ids=lambda folder: folder.name)
def test_vector_gives_its_expected_report(folder: Path) -> None:
    """Regenerating a vector changes nothing, and it says why it exists."""
    assert expected_text(folder) == (folder / "expected.json").read_text(encoding="utf-8")
    assert (folder / "why.md").read_text(encoding="utf-8").strip()


def test_vectors_and_special_tests_cover_every_reading_rule() -> None:
    """No rule is registered that nothing provokes."""
    seen: set[str] = set()
    for folder in vector_folders():
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        seen |= {line.split()[1] for line in expected["findings"]}
    assert seen | _ELSEWHERE == set(READING_RULES)


def test_skeleton_keeps_everything_but_attachment_text() -> None:
    """The tree for the schemas has the received namespaces and texts, and an empty ContentTransferEncoded."""
    path = FOLDER / "dialect-a-document" / "input.edxml"
    skeleton = parse_file(str(path), limits=ParseLimits()).skeleton
    received = etree.parse(path).getroot()
    assert skeleton is not None
    for tree in (received, skeleton):
        for encoded in tree.iter("{*}ContentTransferEncoded"):
            encoded.text = None
        for element in tree.iter("*"):
            element.tail = None
            element.text = (element.text or "").strip() or None
    assert etree.tostring(skeleton, method="c14n") == etree.tostring(received, method="c14n")


def test_message_in_a_stored_body_reads_the_same(tmp_path: Path) -> None:
    """It has a header of ours before the message."""
    data = (FOLDER / "dialect-a-document" / "input.edxml").read_bytes()
    path = tmp_path / "body"
    path.write_bytes(HEADER + data)
    plain = parse_file(str(FOLDER / "dialect-a-document" / "input.edxml"), limits=ParseLimits())
    assert parse_file(BodyFile(path=path), limits=ParseLimits()).report == plain.report
