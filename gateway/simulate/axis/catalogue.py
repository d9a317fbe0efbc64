"""A made-up national catalogue, the same for the same size and seed: ministries, provinces, what lies below.

Codes are hierarchical in both forms: QĐ 20 from the left (`H33.21.05`), QCVN 102 from the right (`000.05.21.H33`).
The level-1 codes with a real name are those that public lists agree on; everything else is invented, so no name or
number below level 1 means a real office. One code in two hundred lies outside both grammars, as in the real one.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gateway.errors import InputError

_KNOWN = {
    "G02": "Bộ Công Thương", "G03": "Bộ Giáo dục và Đào tạo", "G06": "Bộ Khoa học và Công nghệ", "G09": "Bộ Nội vụ",
    "G12": "Bộ Tài chính", "G15": "Bộ Tư pháp", "G17": "Bộ Xây dựng", "G18": "Bộ Y tế",
    "G20": "Thanh tra Chính phủ", "G22": "Văn phòng Chính phủ", "H01": "Ủy ban nhân dân tỉnh An Giang",
    "H12": "Ủy ban nhân dân tỉnh Cà Mau", "H14": "Ủy ban nhân dân tỉnh Cao Bằng",
    "H17": "Ủy ban nhân dân thành phố Đà Nẵng", "H22": "Ủy ban nhân dân tỉnh Hà Giang",
    "H33": "Ủy ban nhân dân tỉnh Kiên Giang", "H37": "Ủy ban nhân dân tỉnh Lạng Sơn",
    "H41": "Ủy ban nhân dân tỉnh Nghệ An", "H49": "Ủy ban nhân dân tỉnh Quảng Ninh",
}  # fmt: skip
_SYLLABLES = (
    "An", "Bình", "Châu", "Đông", "Giang", "Giồng", "Hà", "Hải", "Hiệp", "Hòa", "Hưng", "Khánh", "Lâm", "Lộc",
    "Long", "Minh", "Mỹ", "Nam", "Phú", "Phước", "Quang", "Rạch", "Riềng", "Sơn", "Tân", "Tây", "Thạnh", "Thới",
    "Thuận", "Trung", "Vĩnh", "Xuân", "Yên", "Đức", "Ngọc", "Thành",
)  # fmt: skip
_MINISTERIAL = ("Vụ", "Cục", "Viện", "Trung tâm", "Thanh tra")
_SUBJECTS = (
    "Tổ chức cán bộ", "Pháp chế", "Kế hoạch - Tài chính", "Hợp tác quốc tế", "Công nghệ thông tin",
    "Văn thư lưu trữ", "Chuyển đổi số", "Thi đua - Khen thưởng", "Quản lý chất lượng", "Đào tạo",
)  # fmt: skip
_SECOND = (
    "Sở Nội vụ", "Sở Tư pháp", "Sở Tài chính", "Sở Xây dựng", "Sở Y tế", "Sở Công Thương",
    "Sở Khoa học và Công nghệ", "Sở Giáo dục và Đào tạo", "Sở Nông nghiệp và Môi trường", "Thanh tra tỉnh",
    "Văn phòng Ủy ban nhân dân tỉnh",
)  # fmt: skip
_MINISTRIES, _PROVINCES = 36, 63
_WIDEST = 99
_ODD_ONE_IN = 200
_CSV = ("id", "pid", "code", "oldCode", "name", "mail")


class Unit(NamedTuple):
    """One agency of a catalogue."""

    id: int
    pid: int | None
    code: str
    old_code: str
    name: str
    mail: str


def generated(count: int, seed: int = 20) -> Iterator[Unit]:
    """`count` agencies, parents before their children."""
    return islice(_units(random.Random(seed)), count)  # noqa: S311 - made-up data, the same every time


def _units(dice: random.Random) -> Iterator[Unit]:
    firsts: list[Unit] = []
    number = 0
    for letter, most in (("G", _MINISTRIES), ("H", _PROVINCES)):
        for place in range(1, most + 1):
            number += 1
            code = f"{letter}{place:02}"
            name = _KNOWN.get(code) or _first_name(dice, letter)
            unit = _unit(number, None, code, f"000.00.00.{code}", name)
            firsts.append(unit)
            yield unit
    seconds: list[Unit] = []
    for place in range(1, _WIDEST + 1):
        for first in firsts:
            number += 1
            old = f"000.00.{place:02}.{first.code}"
            unit = _unit(number, first.id, f"{first.code}.{place:02}", old, _second_name(dice, first, place))
            seconds.append(unit)
            yield unit
    for place in range(1, _WIDEST + 1):
        for second in seconds:
            number += 1
            _, _, middle, first_code = second.old_code.split(".")
            odd = dice.randrange(_ODD_ONE_IN) == 0
            old = f"{place}.{middle}.{first_code}" if odd else f"000.{place:02}.{middle}.{first_code}"
            yield _unit(number, second.id, f"{second.code}.{place:02}", old, _third_name(dice, second))


def _unit(number: int, parent: int | None, code: str, old_code: str, name: str) -> Unit:
    return Unit(number, parent, code, old_code, name, f"{code.lower()}@example.gov.vn")


def _place_name(dice: random.Random) -> str:
    return f"{dice.choice(_SYLLABLES)} {dice.choice(_SYLLABLES)}"


def _first_name(dice: random.Random, letter: str) -> str:
    if letter == "G":
        return f"Cơ quan trung ương {_place_name(dice)}"
    return f"Ủy ban nhân dân tỉnh {_place_name(dice)}"


def _second_name(dice: random.Random, first: Unit, place: int) -> str:
    if first.code.startswith("G"):
        return f"{dice.choice(_MINISTERIAL)} {dice.choice(_SUBJECTS)}"
    if place <= len(_SECOND):
        return _SECOND[place - 1]
    return f"Ủy ban nhân dân huyện {_place_name(dice)}"


def _third_name(dice: random.Random, second: Unit) -> str:
    if "huyện" in second.name:
        return f"Ủy ban nhân dân {dice.choice(('xã', 'xã', 'phường', 'thị trấn'))} {_place_name(dice)}"
    return f"Phòng {dice.choice(_SUBJECTS)}"


def read_catalogue(path: Path) -> Iterator[Unit]:
    """A CSV with the columns id, pid, code, oldCode, name, mail."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = set(_CSV) - set(reader.fieldnames or ())
        if missing:
            raise InputError(f"{path}: the columns {', '.join(sorted(missing))} are missing")
        try:
            for row in reader:
                parent = int(row["pid"]) if row["pid"] else None
                yield Unit(int(row["id"]), parent, row["code"], row["oldCode"], row["name"], row["mail"])
        except ValueError as error:
            raise InputError(f"{path}, line {reader.line_num}: {error}") from error
