"""Vectors of PDF signatures: one, two, changed afterwards, covering too little, unreadable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.unit.signatures.cms_made import SIGNED_AT, CmsPlan
from tests.unit.signatures.pdf_made import Pdf, blank, sign, signed, text
from tests.unit.signatures.vector_cases import Case, Faults

_CHANGED: Final = {"pdf.changes": "SIG_CONSTRAINTS_FAILURE"}
_OTHER: Final = b"BT (9 000 000 dong) Tj ET"
_UNSURE: Final = "INDETERMINATE"


def cases() -> Iterator[Case]:
    """Every vector of this file."""
    yield from _accepted()
    yield from _changed()
    yield from _uncovered()
    yield from _unreadable()


def _case(name: str, why: str, pdf: Pdf | bytes, *faults: Faults, verdict: str = "FAILED") -> Case:
    data = pdf if isinstance(pdf, bytes) else pdf.data
    return Case(name=name, why=why, data=data, kind="pdf", faults=faults, verdict=verdict)


def _accepted() -> Iterator[Case]:
    two = signed(CmsPlan(member="person"), CmsPlan(member="agency"))
    yield _case("pdf-accepted-two", "a person signed, then the agency", two, {}, {}, verdict="PASSED")
    old = blank()
    sign(old, CmsPlan(), sub_filter=b"adbe.pkcs7.detached")
    yield _case("pdf-accepted-adobe", "the older form of PDF signatures", old, {}, verdict="PASSED")
    stamped = signed(CmsPlan(stamper="stamper"))
    yield Case(
        name="pdf-accepted-stamped", why="PAdES-B-T: the stamp proves the time", data=stamped.data, kind="pdf",
        verdict="PASSED", proven_at=SIGNED_AT,
    )  # fmt: skip
    yield Case(name="pdf-unsigned", why="no signature", data=blank().data, kind="pdf", faults=(), verdict=_UNSURE)


def _changed() -> Iterator[Case]:
    updated = signed()
    updated.revision({4: text(_OTHER)})
    yield _case("pdf-incremental-update", "the page was replaced after signing", updated, _CHANGED)
    between = signed()
    between.revision({4: text(_OTHER)})
    sign(between, CmsPlan(member="agency"))
    yield _case(
        "pdf-changed-between", "the page was replaced between the two signatures: the second vouches for it",
        between, _CHANGED, {}, verdict=_UNSURE,
    )  # fmt: skip
    # Mainka et al. 2021: what shows after signing lies in the file before it
    shadow = blank()
    shadow.revision({5: text(_OTHER)})
    sign(shadow, CmsPlan())
    shadow.revision({3: shadow.page().replace(b"/Contents 4 0 R", b"/Contents 5 0 R")})
    yield _case("pdf-shadow-replace", "the signer saw one page, the reader sees a hidden one", shadow, _CHANGED)
    hidden = blank()
    hidden.revision({5: text(_OTHER)})
    sign(hidden, CmsPlan())
    data = hidden.data.replace(b"(1 000 000 dong)", b"(9 000 000 dong)")
    yield _case("pdf-content-altered", "signed bytes differ", data, {"signature.digest": "HASH_FAILURE"})


def _uncovered() -> Iterator[Case]:
    part = blank()
    sign(part, CmsPlan(), leave_out=6)
    yield _case(
        "pdf-partial-range", "the byte range leaves out the end of the revision", part,
        {"pdf.coverage": "FORMAT_FAILURE", **_CHANGED},
    )  # fmt: skip
    good = signed().data
    begin = good.index(b"/ByteRange [") + len(b"/ByteRange [")
    numbers = good[begin : good.index(b"]", begin)].split()
    wide = int(numbers[2]) + 100
    gap = b"%010d %010d %010d %010d" % (0, int(numbers[1]), wide, len(good) - wide)
    holed = good[:begin] + gap + good[begin + len(gap) :]
    yield _case(
        "pdf-range-with-a-hole", "the byte range jumps over more than the signature (universal forgery)", holed,
        {"pdf.coverage": "FORMAT_FAILURE", "signature.digest": "HASH_FAILURE", **_CHANGED},
    )  # fmt: skip
    yield _case(
        "pdf-range-missing", "there is no byte range", good.replace(b"/ByteRange [", b"/ByteRangX ["),
        {"pdf.readable": "FORMAT_FAILURE"},
    )  # fmt: skip


def _unreadable() -> Iterator[Case]:
    good = signed().data
    unreadable: Faults = {"pdf.readable": "FORMAT_FAILURE"}
    yield _case("pdf-cut-short", "the end of the file is missing", good[: len(good) // 2], unreadable)
    loop = good.replace(b"/Type /Pages /Kids [3 0 R]", b"/Type /Pages /Kids [2 0 R]")
    yield _case(
        "pdf-page-tree-loop", "a page tree that contains itself", loop, {"signature.digest": "HASH_FAILURE"}
    )
    begin = good.rindex(b"/Contents <") + len(b"/Contents <")
    garbage = good[:begin] + b"deadbeef" + good[begin + 8 :]
    yield _case("pdf-garbage-signature", "the signature is no CMS", garbage, unreadable)
    sha1 = blank()
    sign(sha1, CmsPlan(hash_name="sha1"))
    weak: Faults = {"signature.algorithms": "CRYPTO_CONSTRAINTS_FAILURE"}
    yield _case("pdf-sha1", "SHA-1 proves nothing any more", sha1, weak, verdict=_UNSURE)
    form = blank()
    sign(form, CmsPlan(), sub_filter=b"adbe.x509.rsa_sha1")
    yield _case(
        "pdf-form-unknown", "a form of signature that nobody here verifies", form,
        {"signature.form": "SIG_CONSTRAINTS_FAILURE"}, verdict=_UNSURE,
    )  # fmt: skip
