"""Where offices lie: the communes' points, found by an agency's name and that of the one above it.

A name alone is not enough: three stand twice in 2018. Units of 2025 lie below the province, and their names are
theirs alone. It does NOT go by organ ids, which say nothing of places.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from gateway.data.kien_giang import communes, table

_COMMITTEE: Final = "ủy ban nhân dân "


@dataclass(frozen=True, slots=True)
class Place:
    """A point in a commune, in degrees."""

    lat: float
    lon: float


def place_of(name: str, above: str) -> Place | None:
    """Where the office of this name below that one lies; None where it is no commune of the province."""
    own, parent = _plain(name), _plain(above)
    old, new = _known()
    found = old.get((own, parent))
    return found if found is not None or not parent.startswith("tỉnh") else new.get(own)


@cache
def _known() -> tuple[Mapping[tuple[str, str], Place], Mapping[str, Place]]:
    old = {(_plain(each.name), _plain(each.district)): Place(each.lat, each.lon) for each in communes()}
    new = {_plain(row["name"]): Place(float(row["lat"]), float(row["lon"])) for row in table("communes-2025.csv")}
    return old, new


def _plain(name: str) -> str:
    """Without the committee in front, and in one case and form."""
    text = " ".join(unicodedata.normalize("NFC", name).casefold().split())
    return text.removeprefix(_COMMITTEE)
