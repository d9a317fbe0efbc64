"""Where offices lie: every commune has its point, and a name alone is not enough."""

from __future__ import annotations

from gateway.data.kien_giang import rows, rows_2025, table
from gateway.data.places import place_of


def test_every_commune_of_2018_is_found_by_its_name_and_district() -> None:
    """Also those whose name stands twice; ten wards lie at points that five of them share."""
    by_code = {row["organ_id"]: row for row in rows()}
    found = [
        place_of(row["name"], by_code[row["parent_organ_id"]]["name"])
        for row in by_code.values()
        if row["kind"] == "commune" and row["organ_id"].endswith("H33")
    ]
    assert len(found) == 145
    assert None not in found
    assert len(set(found)) == 140


def test_units_of_2025_are_found_below_the_province() -> None:
    """Their names are theirs alone."""
    names = [row["name"] for row in table("communes-2025.csv")]
    assert len(set(names)) == len(names)
    opened = [row for row in rows_2025() if "opened" in row and row.get("name")]
    assert opened
    assert all(place_of(row["name"], "Ủy ban nhân dân tỉnh An Giang") is not None for row in opened)


def test_other_offices_have_no_place() -> None:
    """A commune of another province, a department, a name without the district."""
    assert place_of("Ủy ban nhân dân xã Vọng Thê", "Ủy ban nhân dân huyện Thoại Sơn") is None
    assert place_of("Sở Nội vụ tỉnh Kiên Giang", "Ủy ban nhân dân tỉnh Kiên Giang") is None
    assert place_of("Ủy ban nhân dân xã Bình An", "") is None
