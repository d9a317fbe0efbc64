"""The small parts: base64, ZIP, names, dates, organ ids, codes, prolog, trees."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edxml.base64stream import Base64Stream
from gateway.edxml.codes import (
    STATUS_CODES,
    Reporter,
    document_type,
    type_conflicts,
)
from gateway.edxml.dates import read_date, read_instant
from gateway.edxml.limits import ParseLimits
from gateway.edxml.marks import WordSearch
from gateway.edxml.names import MAX_BYTES, MAX_CHARACTERS, safe_name
from gateway.edxml.organ_ids import Scheme, canonical, parents, scheme_of
from gateway.edxml.zipstream import FirstFile, ZipProblem
from gateway.errors import RefusedError
from gateway.xml import small_tree
from tests.unit.edxml_read.samples import PDF, streamed_zip, zipped


def _decode(pieces: list[str]) -> tuple[bytes, str]:
    out: list[bytes] = []
    stream = Base64Stream(out.append)
    for piece in pieces:
        stream.feed(piece)
    stream.finish()
    return b"".join(out), stream.problem


@given(st.binary(max_size=200), st.lists(st.integers(0, 300), max_size=5))
def test_base64_decodes_however_it_is_cut(content: bytes, cuts: list[int]) -> None:
    """Pieces of any size, white space anywhere."""
    text = "\r\n ".join(base64.b64encode(content).decode())
    edges = [0, *sorted(cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert _decode(pieces) == (content, "")


@pytest.mark.parametrize("text", ["AAA", "A", "AA=", "AA==AAAA", "AAAA=", "A*AA", "ÂAAA", "====", "=AAA", "AA=A"])
def test_base64_that_is_wrong_has_a_problem(text: str) -> None:
    """Cut off, outside the alphabet, or going on behind the padding; whole or letter by letter."""
    assert _decode([text])[1]
    assert _decode(list(text))[1]


@given(st.text(alphabet="ab", max_size=40), st.lists(st.integers(0, 40), max_size=8))
def test_word_is_found_however_the_bytes_are_cut(text: str, cuts: list[int]) -> None:
    """Exactly where it stands in the whole."""
    search = WordSearch(b"aabab")
    edges = [0, *sorted(cuts), len(text)]
    for a, b in pairwise(edges):
        search.feed(text[a:b].encode())
    assert search.found == ("aabab" in text)


def _first_file(data: bytes, step: int, limits: ParseLimits | None = None) -> FirstFile:
    reader = FirstFile(limits or ParseLimits(), 10**9)
    for at in range(0, len(data), step):
        reader.feed(data[at : at + step])
    reader.finish()
    return reader


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize(
    "archive",
    [
        zipped(("a", PDF)),
        zipped(("a", PDF), stored=True),
        zipped(("folder/", b""), ("folder/a", PDF)),
        streamed_zip("a", PDF),
    ],
)
def test_zip_gives_its_first_file_however_it_is_cut(archive: bytes, step: int) -> None:
    """Sizes before or behind the data, stored or deflated, folders passed over."""
    reader = _first_file(archive, step)
    assert (reader.problem, reader.size, reader.sha256) == (None, len(PDF), hashlib.sha256(PDF).hexdigest())


def test_zip_cut_anywhere_is_broken() -> None:
    """No proper prefix of an archive passes."""
    archive = streamed_zip("a", PDF)
    for end in range(4, len(archive)):
        assert _first_file(archive[:end], 64).problem is ZipProblem.BROKEN


def test_zip_ratio_counts_above_the_floor_only() -> None:
    """An empty form compresses a thousandfold and is no bomb."""
    archive = zipped(("a", bytes(900_000)))
    assert _first_file(archive, 1000).problem is None
    assert _first_file(archive, 1000, ParseLimits(zip_ratio_floor=10_000)).problem is ZipProblem.BOMB


@given(st.binary(max_size=300))
def test_zip_reader_survives_anything(data: bytes) -> None:
    """Arbitrary bytes end in a problem, not an exception."""
    assert _first_file(b"PK\x03\x04" + data, 50).problem is not None


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("125-UBND-VP.pdf", "125-UBND-VP.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\b.doc", "b.doc"),
        ("..", "attachment"),
        ("", "attachment"),
        ("CON", "_CON"),
        ("con.tar.gz", "_con.tar.gz"),
        ("lpt¹.txt", "_lpt¹.txt"),
        ('a<b>:"|?*.txt', "a_b______.txt"),
        ("a\x00b\n.pdf", "ab.pdf"),
        ("hoa\u202efdp.exe", "hoafdp.exe"),
        (" .hidden. ", "hidden"),
        (".pdf", "pdf"),
        (unicodedata.normalize("NFD", "Tờ trình.pdf"), "Tờ trình.pdf"),
    ],
)
def test_unsafe_name_becomes_safe(given_name: str, safe: str) -> None:
    """One case per danger."""
    assert safe_name(given_name) == safe


def test_long_name_keeps_its_extension() -> None:
    """Four hundred characters become eighty."""
    name = safe_name("Quyết định " * 40 + ".docx")
    assert len(name) <= MAX_CHARACTERS
    assert name.endswith(".docx")


@given(st.text(max_size=300))
def test_safe_name_is_safe_and_idempotent(name: str) -> None:
    """Whatever comes in."""
    safe = safe_name(name)
    assert safe
    assert safe == safe_name(safe)
    assert len(safe) <= MAX_CHARACTERS
    assert len(safe.encode()) <= MAX_BYTES
    assert not set(safe) & set('/\\<>:"|?*\x00\n')
    assert safe[-1] not in ". "
    assert safe.strip(".")


@pytest.mark.parametrize(
    "text",
    ["2025/06/16", "16/06/2025", "2025-06-16", "16-6-2025", " 2025/6/16 08:30:00 ", "2025-06-16T08:30:00.123"],
)
def test_date_forms_give_the_same_day(text: str) -> None:
    """Every form writers use."""
    assert read_date(text) == date(2025, 6, 16)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2025/06/16 08:30:00", 1),
        ("16/06/2025 08:30", 1),
        ("2025-06-16T08:30:00Z", 8),
        ("2025-06-16T08:30:00+07:00", 1),
        ("2025-06-16T08:30:00.5-0100", 9),
    ],
)
def test_instant_is_vietnam_time_unless_it_says_otherwise(text: str, hour: int) -> None:
    """The result is UTC."""
    at = read_instant(text)
    assert at is not None
    assert at.replace(microsecond=0) == datetime(2025, 6, 16, hour, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "2014/02/30", "0000/01/01", "2025/13/01", "16/2025", "hôm nay", "2025/06/16 25:00:00", "٢٠٢٥/٠٦/١٦"],
)
def test_unreadable_instant_is_none(text: str) -> None:
    """Nothing raises."""
    assert read_instant(text) is None


@given(st.text(max_size=40))
def test_dates_never_raise(text: str) -> None:
    """Whatever comes in."""
    read_date(text)
    read_instant(text)


@pytest.mark.parametrize(
    ("code", "scheme"),
    [
        ("000.00.00.G22", Scheme.QCVN102),
        ("002.00.20.h13", Scheme.QCVN102),
        ("H33", Scheme.QD20),
        (" h37.dn.001 ", Scheme.QD20),
        ("28.22.H17", Scheme.OPAQUE),
        ("00.22.W00", Scheme.OPAQUE),
        ("999.010.01.H22", Scheme.OPAQUE),
        ("vxp.saas.03", Scheme.OPAQUE),
        ("H33" + ".ABCDEFGH" * 4, Scheme.OPAQUE),
        ("", Scheme.OPAQUE),
    ],
)
def test_organ_id_has_its_scheme(code: str, scheme: Scheme) -> None:
    """Codes of both grammars and those that vendors' catalogues hold beside them."""
    assert scheme_of(code) is scheme


def test_parents_are_dotted_prefixes_of_qd20_only() -> None:
    """Nearest first."""
    assert parents("H33.01.02") == ("H33.01", "H33")
    assert parents("000.00.01.H33") == ()


@given(st.text(max_size=30))
def test_canonical_organ_id_is_a_fixed_point(code: str) -> None:
    """Folding twice changes nothing."""
    assert canonical(canonical(code)) == canonical(code)


def test_document_type_is_found_by_name_in_any_spelling() -> None:
    """Case, NFD, spaces, tone place and a remark in brackets."""
    found = document_type(unicodedata.normalize("NFD", "  CÔNG  văn "))
    assert found is not None
    assert found.administrative == 18
    assert document_type("Bản thoả thuận") == document_type("Bản thỏa thuận") is not None
    assert document_type("Quyết định (cá biệt)") == document_type("quyết định")
    assert document_type("Thư tình") is None


@pytest.mark.parametrize(
    ("number", "name", "conflict"),
    [
        ("18", "Công văn", False),
        ("1", "Công văn", False),
        ("8", "Quyết định", False),
        ("2", "Quyết định", False),
        ("12334", "Quyết định", True),
        ("7", "Công văn", True),
        ("", "Công văn", False),
        ("7", "Gì đó", False),
    ],
)
def test_type_conflicts_only_when_no_list_agrees(number: str, name: str, conflict: bool) -> None:  # noqa: FBT001
    """The name decides; the number is compared with both lists and the widespread habit."""
    assert type_conflicts(number, name) is conflict


def test_status_list_is_closed_under_follows() -> None:
    """Every predecessor is a code, and only the take-back comes from the original sender."""
    assert all(set(one.follows) <= set(STATUS_CODES) for one in STATUS_CODES.values())
    assert [one.code for one in STATUS_CODES.values() if one.reporter is Reporter.ORIGINAL_SENDER] == ["13"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<a>", "xml_not_wellformed"),
        (b"<!DOCTYPE a><a/>", "xml_forbidden_construct"),
        (b"<a>" + b"x" * 100 + b"</a>", "xml_limits_exceeded"),
        (b"<a>\xff</a>", "xml_encoding_invalid"),
    ],
)
def test_small_tree_refuses_what_is_wrong(data: bytes, code: str) -> None:
    """With a code of the closed list."""
    with pytest.raises(RefusedError) as caught:
        small_tree(data, 64)
    assert caught.value.code == code
