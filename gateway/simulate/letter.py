"""An office's letter in the demo, as the console shows it: laid out like an official one, the same bytes each time.

Receivers in the demo make the letter again from the script and compare, so a file that was changed on the way is
noticed without asking the sender. It says at its foot that it is made up. Not for load: there `pdf` writes smaller
files faster.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Final

from gateway.bundle.pdf import Sheets

SIGNER: Final = "Nguyễn Văn Mẫu"
POSITION: Final = "CHỦ TỊCH"
PLACE: Final = "Kiên Giang"
#: No type of document in this demo is written more often; its letter says whom it is for instead of a title.
_PLAIN: Final = "Công văn"
_FOOT: Final = "Văn bản minh họa, không có giá trị / Made up for a demonstration, of no effect"


@cache
def make_letter(issuer: str, code: str, issued_on: date, type_name: str, subject: str, *more: str) -> bytes:
    """A whole PDF of one page; `more` are paragraphs of their own."""
    sheets = Sheets(title=subject, language="vi", made_at=datetime.combine(issued_on, time(), UTC), foot=_FOOT)
    sheets.begin()
    half = sheets.width / 2

    def lines(*those: tuple[str, float], indent: float = 0) -> Callable[[], None]:
        def put() -> None:
            for text, size in those:
                sheets.text(text, size=size, indent=indent, room=half, is_centred=True)

        return put

    is_plain = type_name == _PLAIN
    about = [(subject, 10.0)] if is_plain else []
    dated = f"{PLACE}, ngày {issued_on:%d} tháng {issued_on:%m} năm {issued_on:%Y}"
    nation = (("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 10.0), ("Độc lập - Tự do - Hạnh phúc", 11.0))
    sheets.beside(
        lines((issuer.upper(), 10.0), ("—" * 6, 6.0), (f"Số: {code}", 11.0), *about),
        lines(*nation, ("—" * 14, 6.0), (dated, 11.0), indent=half),
    )
    sheets.space(24)
    if is_plain:
        sheets.text("Kính gửi: các cơ quan có tên trong danh sách nơi nhận.", size=12, is_centred=True)
    else:
        sheets.text(type_name.upper(), size=14, is_centred=True)
        sheets.text(subject, size=12, is_centred=True)
    sheets.space(10)
    for paragraph in (_BODY.format(issuer=issuer), *more, _END):
        sheets.text(paragraph, size=13)
        sheets.space(8)
    sheets.space(12)
    sheets.beside(
        lambda: sheets.text("Nơi nhận: như trên; lưu: VT.", size=9, room=half),
        lines((f"TM. {POSITION}", 11.0), ("", 30.0), (SIGNER, 12.0), indent=half),
    )
    return sheets.file()


_BODY: Final = "{issuer} gửi các cơ quan nhận văn bản này để biết và thực hiện nội dung nêu ở phần trích yếu."
_END: Final = "Nếu có vướng mắc, đề nghị các cơ quan liên hệ với nơi gửi để cùng giải quyết./."
