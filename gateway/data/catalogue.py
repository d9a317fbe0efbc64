"""A made-up national catalogue of any size, for tests and benchmarks; the same for the same size.

Shaped like the real one: 63 provinces with departments, districts and communes, both code forms, names that
stand many times, one code in a hundred outside both grammars, parents before their children.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

_COLUMNS = ("organ_id", "qd20_code", "name", "kind", "parent_organ_id", "opened", "email")
_OPENED = "2018-01-01"
_SYLLABLES = (
    "An", "Bình", "Châu", "Đông", "Giang", "Giồng", "Hà", "Hải", "Hiệp", "Hòa", "Hưng", "Khánh", "Lâm", "Lộc",
    "Long", "Minh", "Mỹ", "Nam", "Phú", "Phước", "Quang", "Rạch", "Riềng", "Sơn", "Tân", "Tây", "Thạnh", "Thới",
    "Thuận", "Trung", "Vĩnh", "Xuân", "Yên", "Đức", "Ngọc", "Thành",
)  # fmt: skip
_PROVINCES = 63
_SECOND_LEVEL = 60
_THIRD_LEVEL = 99
_ODD_ONE_IN = 100

Line = tuple[str, str, str, str, str, str, str]


def write_catalogue(path: Path, count: int) -> None:
    """Write a CSV of `count` agencies for the import."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for _, line in zip(range(count), lines(), strict=False):
            writer.writerow(line)


def lines() -> Iterator[Line]:
    """The agencies of the catalogue, provinces first, then level by level; some 380,000."""
    dice = random.Random(20)  # noqa: S311 - test data, the same every time
    for province in range(1, _PROVINCES + 1):
        yield _line(dice, f"000.00.00.H{province:02}", f"H{province:02}", "province", "")
    for province in range(1, _PROVINCES + 1):
        for second in range(1, _SECOND_LEVEL + 1):
            code = f"000.00.{second:02}.H{province:02}"
            yield _line(dice, code, f"H{province:02}.{second:02}", "district", f"000.00.00.H{province:02}")
    for third in range(1, _THIRD_LEVEL + 1):
        for province in range(1, _PROVINCES + 1):
            for second in range(1, _SECOND_LEVEL + 1):
                code = f"000.{third:02}.{second:02}.H{province:02}"
                if dice.randrange(_ODD_ONE_IN) == 0:
                    code = f"999.{third:03}.{second:02}.H{province:02}"
                qd20 = f"H{province:02}.{second:02}.{third:02}"
                yield _line(dice, code, qd20, "commune", f"000.00.{second:02}.H{province:02}")


def _line(dice: random.Random, code: str, qd20: str, kind: str, parent: str) -> Line:
    head = {"province": "tỉnh", "district": "huyện", "commune": "xã"}[kind]
    name = " ".join(dice.choice(_SYLLABLES) for _ in range(3 if kind == "province" else 2))
    email = f"{qd20.lower()}@example.gov.vn"
    return code, qd20, f"Ủy ban nhân dân {head} {name}", kind, parent, _OPENED, email
