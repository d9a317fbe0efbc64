"""The certificate in PDF: other people's readers find in it what the page says, and nothing that acts."""

from __future__ import annotations

import io
import re
import subprocess
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
import segno
from pyhanko.pdf_utils.reader import PdfFileReader

from gateway.bundle import typeface as faces
from gateway.bundle.certificate import Code, Language, Paper, paper_of, qr_text
from gateway.bundle.certificate_pdf import pdf
from gateway.bundle.facts import Facts
from tests.bundle.making import checkpoint_of, facts_of, story
from tests.system_tools import require_tool

FACTS = facts_of(story(), checkpoint_of(story())[1])
FONTS = Path(faces.__file__).with_name("fonts")
#: Each of the 12 vowels with each of the 5 marks, and đ.
VIETNAMESE = "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệghiìỉĩíịklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvxyỳỷỹýỵ"


def with_subject(subject: str) -> Facts:
    return msgspec.structs.replace(FACTS, document=msgspec.structs.replace(FACTS.document, subject=subject))


def text_of(file: bytes) -> str:
    """What a reader copies out of it, without line breaks and blanks."""
    tool = require_tool("pdftotext", "poppler-utils")
    done = subprocess.run([tool, "-", "-"], input=file, capture_output=True, check=True)
    assert not done.stderr
    return re.sub(r"\s+", "", done.stdout.decode())


def texts(paper: Paper) -> list[str]:
    told = [line for _, lines in paper.rows for line in lines] + [
        rung for one in paper.ladders for rung in one.rungs
    ]
    plain = ["".join(each.text if isinstance(each, Code) else each for each in line) for line in (*told, paper.log)]
    return [paper.title, *plain, *(name for name, _ in paper.rows), paper.limits_title, *paper.limits, paper.how]


def contents(file: bytes) -> list[bytes]:
    """The operators of each page, read strictly by somebody else's reader."""
    reader = PdfFileReader(io.BytesIO(file), strict=True)
    pages: Any = reader.root["/Pages"]["/Kids"]
    return [bytes(each.get_object()["/Contents"].data) for each in pages]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_other_readers_find_the_whole_certificate_in_it(language: Language) -> None:
    """Every text of the paper, in both languages, letters as they are written."""
    found = text_of(pdf(FACTS))
    for each in texts(paper_of(FACTS, language)):
        assert re.sub(r"\s+", "", each) in found


def test_same_facts_give_the_same_bytes_and_nothing_acts() -> None:
    """No scripts, forms, links or files; one page a language."""
    file = pdf(FACTS)
    assert file == pdf(FACTS)
    assert len(contents(file)) == 2
    for word in (
        b"/JS",
        b"/JavaScript",
        b"/AA",
        b"/OpenAction",
        b"/URI",
        b"/Annots",
        b"/EmbeddedFile",
        b"/AcroForm",
    ):
        assert word not in file


def test_every_vietnamese_letter_is_in_the_typeface() -> None:
    """Composed or not, small and large; and what is none is a box."""
    letters = VIETNAMESE + VIETNAMESE.upper() + "“”‘’–—…•₫"
    face = faces.typeface()
    assert face.shown(letters) == letters
    assert face.shown("e\u0302\u0323") == "ệ"
    assert face.shown("漢\n\x00") == "\u25a1  "
    assert letters in text_of(pdf(with_subject(letters)))


def test_strange_and_long_texts_stay_on_the_paper() -> None:
    """A word longer than a line, marks that turn text around, and brackets that mean something in PDF."""
    subject = ") Tj (\\ " + "A" * 3000 + " \u202e(x) %%EOF endobj"
    file = pdf(with_subject(subject))
    told = text_of(file)
    assert "A" * 3000 in re.sub(r"SHA-256[0-9a-f]{64}[0-9]/[0-9]", "", told)
    for page in contents(file):
        for size, x, glyphs in re.findall(rb"/F ([0-9.]+) Tf .*?([0-9.]+) [0-9.]+ Td <([0-9a-f]*)> Tj", page):
            widths = [faces.typeface().widths[int(glyphs[at : at + 4], 16)] for at in range(0, len(glyphs), 4)]
            assert float(x) + sum(widths) * float(size) / 1000 < 595 - 55


def test_many_recipients_take_many_pages() -> None:
    """Each with its ladder; every page says which document it is about."""
    one = FACTS.deliveries[0]
    many = [msgspec.structs.replace(one, id=f"{number}", peer_reference=f"REF{number}.") for number in range(120)]
    file = pdf(msgspec.structs.replace(FACTS, deliveries=many))
    assert len(contents(file)) > 6
    told = text_of(file)
    assert all(told.count(f"REF{number}.") == 2 for number in range(120))
    assert told.count(FACTS.document.sha256) == len(contents(file)) + 2


def test_qr_code_has_the_squares_of_its_text() -> None:
    """As many dark squares as the code of digest and checkpoint has, on each page."""
    dark = sum(sum(row) for row in segno.make(qr_text(FACTS), error="m", micro=False).matrix)
    for page in contents(pdf(FACTS)):
        squares = [(float(width), float(height)) for width, height in re.findall(rb"([0-9.]+) ([0-9.]+) re", page)]
        assert round(sum(width / height for width, height in squares)) == dark


def test_font_file_is_the_one_that_its_page_tells_of() -> None:
    """Whoever replaces it says how it was made."""
    font = (FONTS / "DejaVuSans.ttf").read_bytes()
    assert sha256(font).hexdigest() in (FONTS / "README.md").read_text("utf-8")
    assert len(zlib.compress(faces.typeface().cut_to([5]))) < len(font) / 5
