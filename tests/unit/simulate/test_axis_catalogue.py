"""The made-up national catalogue: its size, its codes, the same for the same seed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.errors import InputError
from gateway.simulate.axis.catalogue import generated, read_catalogue

QCVN = re.compile(r"\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}")
QD20 = re.compile(r"[A-Z]\d{2}(\.\d{2}){0,2}")


def test_catalogue_of_125_000_has_every_code_once() -> None:
    """Both forms, parents before their children, names with diacritics."""
    units = list(generated(125_000))
    assert len(units) == 125_000
    assert len({unit.code for unit in units}) == len({unit.id for unit in units}) == 125_000
    assert all(unit.pid is None or unit.pid < unit.id for unit in units)
    assert all(QD20.fullmatch(unit.code) for unit in units)
    odd = [unit for unit in units if not QCVN.fullmatch(unit.old_code)]
    assert 300 < len(odd) < 1200
    by_id = {unit.id: unit for unit in units}
    assert all(unit.code.startswith(f"{by_id[unit.pid].code}.") for unit in units if unit.pid is not None)
    assert next(unit.name for unit in units if unit.code == "H33") == "Ủy ban nhân dân tỉnh Kiên Giang"


def test_same_seed_gives_the_same_agencies() -> None:
    """Another seed gives other names for the same codes."""
    assert list(generated(9000, 5)) == list(generated(9000, 5))
    one, other = list(generated(9000, 5)), list(generated(9000, 6))
    assert [unit.code for unit in one] == [unit.code for unit in other]
    assert [unit.name for unit in one] != [unit.name for unit in other]


def test_catalogue_is_read_from_a_file(tmp_path: Path) -> None:
    """Six columns, in any order, with or without a byte order mark."""
    path = tmp_path / "agencies.csv"
    path.write_text("code,oldCode,id,pid,name,mail\nH33,000.00.00.H33,1,,Kiên Giang,a@b\n", "utf-8-sig")
    (unit,) = read_catalogue(path)
    assert (unit.id, unit.pid, unit.code, unit.name) == (1, None, "H33", "Kiên Giang")


@pytest.mark.parametrize(
    ("text", "words"), [("code,name\nH33,x\n", "mail"), ("id,pid,code,oldCode,name,mail\nx,,a,b,c,d\n", "line 2")]
)
def test_wrong_file_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    """A missing column by name, a wrong number by line."""
    path = tmp_path / "agencies.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=words):
        list(read_catalogue(path))
