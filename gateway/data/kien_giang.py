"""The directory of Kiên Giang as of 1 November 2018, as rows for the import; the same rows every time.

145 communes below 15 districts with some divisions each, the provincial People's Committee with its office
and departments; and, reached through the axis, the Government Office, ministries and some offices of other
provinces. Numbers below level 1 are illustrative and say so (README.md). `rows_2025` is what became of the
communes on 1 July 2025, with illustrative codes throughout: the real ones are not known.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

PROVINCE = "000.00.00.H33"
GOVERNMENT_OFFICE = "000.00.00.G22"
RELAY = "00.22.W00"
NOTE = "số minh họa / illustrative number"
OPENED = "2018-11-01"
MERGED = "2025-07-01"

_COLUMNS = (
    "organ_id", "qd20_code", "name", "kind", "parent_organ_id", "endpoint", "opened", "closed",
    "successor_organ_id", "aliases", "phone", "note",
)  # fmt: skip

Row = dict[str, str]

_DEPARTMENTS = (
    "Văn phòng Ủy ban nhân dân tỉnh Kiên Giang", "Sở Nội vụ", "Sở Tư pháp", "Sở Kế hoạch và Đầu tư", "Sở Tài chính",
    "Sở Công Thương", "Sở Nông nghiệp và Phát triển nông thôn", "Sở Giao thông vận tải", "Sở Xây dựng",
    "Sở Tài nguyên và Môi trường", "Sở Thông tin và Truyền thông", "Sở Lao động - Thương binh và Xã hội",
    "Sở Văn hóa và Thể thao", "Sở Khoa học và Công nghệ", "Sở Giáo dục và Đào tạo", "Sở Y tế", "Sở Du lịch",
    "Sở Ngoại vụ", "Thanh tra tỉnh Kiên Giang", "Ban Quản lý Khu kinh tế tỉnh Kiên Giang",
)  # fmt: skip
_DIVISIONS = ("Văn phòng Hội đồng nhân dân và Ủy ban nhân dân", "Phòng Nội vụ", "Phòng Tài chính - Kế hoạch")
_MINISTRIES = (
    ("G02", "Bộ Công Thương"), ("G03", "Bộ Giáo dục và Đào tạo"), ("G09", "Bộ Nội vụ"), ("G12", "Bộ Tài chính"),
    ("G14", "Bộ Thông tin và Truyền thông"), ("G15", "Bộ Tư pháp"), ("G18", "Bộ Y tế"),
)  # fmt: skip
#: Code, name, kind, parent's code; below level 1 the numbers are illustrative.
_ELSEWHERE = (
    ("000.00.00.H01", "Ủy ban nhân dân tỉnh An Giang", "province", ""),
    ("000.00.02.H01", "Sở Nội vụ tỉnh An Giang", "department", "000.00.00.H01"),
    ("000.00.27.H01", "Ủy ban nhân dân huyện Thoại Sơn", "district", "000.00.00.H01"),
    ("000.29.27.H01", "Ủy ban nhân dân xã Vọng Thê, huyện Thoại Sơn", "commune", "000.00.27.H01"),
    ("000.00.00.H12", "Ủy ban nhân dân tỉnh Cà Mau", "province", ""),
    ("000.00.05.H12", "Sở Tài chính tỉnh Cà Mau", "department", "000.00.00.H12"),
    ("000.00.28.H12", "Ủy ban nhân dân huyện Ngọc Hiển", "district", "000.00.00.H12"),
    ("000.23.28.H12", "Ủy ban nhân dân xã Đất Mũi, huyện Ngọc Hiển", "commune", "000.00.28.H12"),
)
_FIRST_DISTRICT = 21
_FIRST_COMMUNE = 21


@dataclass(frozen=True, kw_only=True, slots=True)
class Commune:
    """A commune-level unit of 2018 (xã, phường, thị trấn)."""

    #: Five-digit code of the statistics office; not an organ id.
    gso_code: str
    name: str
    district_gso_code: str
    district: str
    lat: float
    lon: float
    #: Illustrative.
    organ_id: str
    #: Illustrative.
    qd20_code: str


@cache
def communes() -> tuple[Commune, ...]:
    """The 145 communes of 2018, in the order of the list."""
    found: list[Commune] = []
    districts: dict[str, int] = {}
    for row in table("communes-2018.csv"):
        district = row["district_gso_code"]
        districts[district] = districts.get(district, 0) + 1
        number = _FIRST_COMMUNE + districts[district] - 1
        below = _FIRST_DISTRICT + list(districts).index(district)
        found.append(
            Commune(
                gso_code=row["gso_code"],
                name=row["name"],
                district_gso_code=district,
                district=row["district"],
                lat=float(row["lat"]),
                lon=float(row["lon"]),
                organ_id=f"000.{number:02}.{below:02}.H33",
                qd20_code=f"H33.{below:02}.{number:02}",
            )
        )
    return tuple(found)


@cache
def districts() -> tuple[tuple[str, str], ...]:
    """Organ id (illustrative) and name of the 15 districts, in the order of the list."""
    names = list(dict.fromkeys(commune.district for commune in communes()))
    return tuple((f"000.00.{_FIRST_DISTRICT + place:02}.H33", name) for place, name in enumerate(names))


def rows(*, axis_endpoint: str = "") -> list[Row]:
    """All agencies, parents first; those outside the province by the endpoint named."""
    return [*_province(), *_districts(), *_communes(), *_outside(axis_endpoint)]


def rows_2025() -> list[Row]:
    """What the import must read after `rows` for the end of the communes and the beginning of the new ones.

    Chains are kept: a unit that went in 2021 or 2024 leads to one that went in 2025.
    """
    old = {commune.gso_code: commune for commune in communes()}
    new = {row["gso_code"]: place for place, row in enumerate(table("communes-2025.csv"), 1)}
    opened = [
        _row(_code_2025(place), _people_committee(row["name"]), "commune", opened=MERGED)
        for place, row in enumerate(table("communes-2025.csv"), 1)
    ]
    closed = []
    for row in table("succession.csv"):
        after = row["to_gso_code"]
        successor = old[after].organ_id if row["to_list"] == "2018" else opened[new[after] - 1]["organ_id"]
        closed.append(
            {
                "organ_id": old[row["from_gso_code"]].organ_id,
                "closed": row["effective"],
                "successor_organ_id": successor,
            }
        )
    return opened + closed


def write_csv(rows: Iterable[Row]) -> bytes:
    """Rows as the file that `gateway agencies import` reads."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def table(name: str) -> Iterator[Row]:
    """The rows of a CSV file of this package."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return csv.DictReader(io.StringIO(text))


def _province() -> Iterator[Row]:
    yield {
        **_row(PROVINCE, "Ủy ban nhân dân tỉnh Kiên Giang", "province"),
        "qd20_code": "H33",
        "aliases": "UBND tỉnh Kiên Giang",
        "note": "",
    }
    for number, name in enumerate(_DEPARTMENTS, 1):
        full = name if "Kiên Giang" in name else f"{name} tỉnh Kiên Giang"
        kind = "office" if number == 1 else "department"
        yield {**_row(f"000.00.{number:02}.H33", full, kind, PROVINCE), "qd20_code": f"H33.{number:02}"}


def _districts() -> Iterator[Row]:
    for organ_id, name in districts():
        number = organ_id[7:9]
        yield {
            **_row(organ_id, _people_committee(name), "district", PROVINCE),
            "qd20_code": f"H33.{number}",
            "aliases": f"UBND {_lower(name)}",
        }
        for place, division in enumerate(_DIVISIONS, 1):
            yield {
                **_row(f"000.{place:02}.{number}.H33", f"{division} {_lower(name)}", "division", organ_id),
                "qd20_code": f"H33.{number}.{place:02}",
            }


def _communes() -> Iterator[Row]:
    parents = {name: organ_id for organ_id, name in districts()}
    for commune in communes():
        yield {
            **_row(commune.organ_id, _people_committee(commune.name), "commune", parents[commune.district]),
            "qd20_code": commune.qd20_code,
            "aliases": f"UBND {_lower(commune.name)}",
        }


def _outside(endpoint: str) -> Iterator[Row]:
    beyond = {"endpoint": endpoint}
    yield {**_row(RELAY, "Trục liên thông văn bản quốc gia", "relay"), **beyond}
    for code, name in (("G22", "Văn phòng Chính phủ"), *_MINISTRIES):
        yield {
            **_row(f"000.00.00.{code}", name, "ministry"),
            "qd20_code": code,
            "note": "",
            **beyond,
        }
    for organ_id, name, kind, parent in _ELSEWHERE:
        note = "" if kind == "province" else NOTE
        yield {**_row(organ_id, name, kind, parent), "note": note, **beyond}


def _code_2025(place: int) -> str:
    """Below H99, which is no province's code: what the merged province's units are called is not known."""
    return f"000.00.{place:02}.H99"


def _row(organ_id: str, name: str, kind: str, parent: str = "", opened: str = OPENED) -> Row:
    return {
        "organ_id": organ_id,
        "name": name,
        "kind": kind,
        "parent_organ_id": parent,
        "opened": opened,
        "note": NOTE,
    }


def _people_committee(unit: str) -> str:
    return f"Ủy ban nhân dân {_lower(unit)}"


def _lower(unit: str) -> str:
    """`Xã Bình An` inside a name: `xã Bình An`."""
    kinds = ("Thành phố", "Thị xã", "Huyện", "Phường", "Thị trấn", "Xã", "Đặc khu")
    kind = next((kind for kind in kinds if unit.startswith(f"{kind} ")), "")
    return kind.lower() + unit[len(kind) :]
