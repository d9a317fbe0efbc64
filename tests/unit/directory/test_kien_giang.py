"""The directory of Kiên Giang, and the traps that its true history sets."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from gateway.data import kien_giang
from tests.unit.directory.store import Store

SUMMER_2025 = datetime(2025, 8, 1, tzinfo=UTC)


def test_data_hold_145_communes_in_15_districts() -> None:
    """The package carries the province of 1 November 2018 and its succession, one line per commune."""
    assert len(kien_giang.communes()) == 145
    assert len(kien_giang.districts()) == 15
    assert len({commune.organ_id for commune in kien_giang.communes()}) == 145
    assert len(list(kien_giang.table("communes-2025.csv"))) == 48
    assert len(list(kien_giang.table("succession.csv"))) == 145


def test_rows_are_the_same_every_time() -> None:
    """The directory is deterministic: its file has one digest."""
    assert kien_giang.write_csv(kien_giang.rows()) == kien_giang.write_csv(kien_giang.rows())


def test_illustrative_numbers_are_marked_and_level_one_is_not() -> None:
    """Whatever stands below level 1 carries the note; the true codes do not."""
    for row in kien_giang.rows():
        true = row["organ_id"].startswith("000.00.00.")
        assert (row["note"] == "") == true, row


async def test_province_resolves_by_both_forms_of_its_code(store: Store) -> None:
    """000.00.00.H33 and H33 are one agency, in any spelling, and the answer is keyed as asked."""
    await store.province()
    found = await store.directory.resolve(["000.00.00.H33", "h33", " 000.00.00.h33 "], store.clock.now())
    assert len(found) == 3
    assert len({agency.id for agency in found.values()}) == 1
    assert found["h33"].organ_id == "000.00.00.H33"
    assert set(found["h33"].codes) == {"000.00.00.H33", "H33"}


async def test_commune_stands_below_its_district(store: Store) -> None:
    """Every commune's parent is its own district, also where two communes have one name."""
    await store.province()
    for commune in kien_giang.communes():
        agency = await store.agency(commune.organ_id)
        assert agency.parent_id is not None
        parents = await store.directory.agencies([agency.parent_id])
        district = parents[agency.parent_id].name
        assert district.casefold().endswith(commune.district.casefold())


async def test_names_that_stand_twice_are_two_agencies_told_apart_by_district(store: Store) -> None:
    """Xã Bình An exists in Châu Thành and in Kiên Lương: searching by name alone shows both."""
    await store.province()
    both = [a for a in await store.directory.search("xã Bình An", limit=50) if a.kind == "commune"]
    assert len([a for a in both if a.name == "Ủy ban nhân dân xã Bình An"]) == 2
    one = [
        a for a in await store.directory.search("xa binh an chau thanh", limit=50) if a.name.endswith("xã Bình An")
    ]
    assert len(one) == 1


async def test_relay_and_outside_agencies_have_the_relaying_endpoint(store: Store) -> None:
    """The Government Office is reached through the axis; a commune is not."""
    await store.province()
    office = await store.agency(kien_giang.GOVERNMENT_OFFICE)
    relay = await store.agency(kien_giang.RELAY)
    assert office.endpoint is not None
    assert office.endpoint.is_relay
    assert relay.kind == "relay"
    assert (await store.agency(kien_giang.communes()[0].organ_id)).endpoint is None


async def test_2025_closes_the_communes_and_names_their_successors(store: Store) -> None:
    """After the merger each commune is closed and leads, over all steps, to a new one."""
    await store.province()
    report = await store.load(kien_giang.write_csv(kien_giang.rows_2025()))
    assert (report.created, report.closed, report.problems) == (48, 145, ())
    for commune in kien_giang.communes():
        before = await store.agency(commune.organ_id)
        after = await store.agency(commune.organ_id, SUMMER_2025)
        assert before.closed_at is None
        assert before.id == after.id
        assert after.closed_at is not None
        assert after.name == before.name
        heirs = await store.directory.agents_of(after.id, SUMMER_2025)
        names = [a.name for a in (await store.directory.agencies(heirs, SUMMER_2025)).values() if not a.closed_at]
        assert len(names) == 1


async def test_chain_of_2021_and_2025_ends_in_the_last_successor(store: Store) -> None:
    """Xã Hòn Thơm went to An Thới in 2021, and An Thới to Đặc khu Phú Quốc in 2025."""
    await store.province()
    await store.load(kien_giang.write_csv(kien_giang.rows_2025()))
    hon_thom = next(c for c in kien_giang.communes() if c.name == "Xã Hòn Thơm")
    agency = await store.agency(hon_thom.organ_id, SUMMER_2025)
    heirs = await store.directory.agencies(await store.directory.agents_of(agency.id, SUMMER_2025), SUMMER_2025)
    assert {a.name for a in heirs.values()} == {
        "Ủy ban nhân dân xã Hòn Thơm",
        "Ủy ban nhân dân thị trấn An Thới",
        "Ủy ban nhân dân đặc khu Phú Quốc",
    }


async def test_decomposed_text_and_the_wrong_d_find_and_store_the_same(store: Store) -> None:
    """NFD and Ð (U+00D0) are input like any other: stored as NFC with Đ (U+0110), found without diacritics."""
    name = "Ủy ban nhân dân xã \u00d0ông Thái"
    text = "organ_id,name\n000.07.29.H33," + unicodedata.normalize("NFD", name) + "\n"
    await store.load(text)
    agency = await store.agency("000.07.29.H33")
    assert agency.name == "Ủy ban nhân dân xã \u0110ông Thái"
    for question in ("dong thai", "ĐÔNG THÁI", unicodedata.normalize("NFD", "\u00d0ông thá"), "000.07.29"):
        assert [a.id for a in await store.directory.search(question, limit=5)] == [agency.id], question
