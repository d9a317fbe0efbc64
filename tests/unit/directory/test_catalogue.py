"""A peer's catalogue and the directory: what is taken, what is kept, what is held, what attacks come to."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.directory.catalogue import SyncAsked, SyncPolicy, SyncReport, sync_catalogue
from gateway.directory.changes import (
    AddRepresentation,
    AddRepresentationOperation,
    CloseAgency,
    CloseAgencyOperation,
    SetEndpoint,
    SetEndpointOperation,
)
from gateway.directory.diff import rowid_of
from gateway.errors import RefusedError, SourceError
from gateway.ids import uuid7_series
from gateway.model import AgencyId, Endpoint
from gateway.ports import CatalogueEntry
from tests.fakes.catalogue_fake import CatalogueFake, entry, nation
from tests.unit.directory.store import ACTOR, NOW, Store

DAY = timedelta(days=1)
POLICY = SyncPolicy(hold_share=0.05, close_after=3 * DAY)


async def relay(store: Store) -> Endpoint:
    """The axis's channel."""
    if not await store.directory.endpoints():
        await store.endpoint("axis", "webhook", relay=True)
    return next(each for each in await store.directory.endpoints() if each.name == "axis")


async def sync(
    store: Store,
    said: list[CatalogueEntry] | CatalogueFake,
    *,
    at: datetime = NOW,
    policy: SyncPolicy = POLICY,
    **asked: Any,
) -> SyncReport:
    """One night."""
    catalogue = said if isinstance(said, CatalogueFake) else CatalogueFake(said)
    store.clock.at = at
    return await sync_catalogue(
        store.directory,
        store.pump,
        store.readers,
        catalogue,
        await relay(store),
        policy,
        SyncAsked(actor=ACTOR, now=at, **asked),
    )


def counted(report: SyncReport, *names: str) -> tuple[int, ...]:
    return tuple(report.counts[name] for name in names)


async def test_agencies_are_learnt_with_their_channel_parents_and_both_codes(store: Store) -> None:
    """What three lists say of one agency is one agency, behind the relay, found by any of its codes."""
    said = [
        entry("000.00.00.H33", "UBND tỉnh Kiên Giang", ref="7", email="vanthu@kiengiang.gov.vn"),
        entry("000.00.01.H33", "Sở Nội vụ", ref="8", parent_ref="7"),
        entry("H33", "UBND tỉnh Kiên Giang", listing="agencies", ref="a", further_codes=("000.00.00.H33",)),
        entry("H33.01", "Sở Nội vụ", listing="qd20", ref="8", further_codes=("000.00.01.H33",)),
    ]
    report = await sync(store, said)
    assert (report.outcome, *counted(report, "entries", "agencies", "created")) == ("applied", 4, 2, 2)
    above, below = await store.agency("H33"), await store.agency("H33.01")
    assert (below.organ_id, below.codes, below.parent_id) == (
        "000.00.01.H33", ("000.00.01.H33", "H33.01"), above.id,
    )  # fmt: skip
    assert below.endpoint is not None
    assert below.endpoint.name == "axis"
    record = (await store.directory.records([above.id]))[above.id]
    assert record.contact == {"email": "vanthu@kiengiang.gov.vn"}
    assert [a.id for a in await store.directory.search("so noi vu kien giang", limit=5)] == [below.id]


async def test_one_event_with_counts_and_digest_but_no_names(store: Store) -> None:
    """The leaf says what was taken; it holds no text of the catalogue."""
    report = await sync(store, nation(30))
    events = [leaf for kind, leaf in await store.events() if kind == "catalogue.synced"]
    assert len(events) == 1
    facts = json.loads(events[0])["facts"]
    assert (facts["created"], facts["digest"]) == (30, report.digest)
    assert "Xã" not in events[0]


async def test_same_bytes_again_are_not_even_read(store: Store) -> None:
    """An unchanged catalogue costs its transfer: nothing is compared and nothing recorded."""
    await sync(store, nation(30))
    version, events = store.directory.version, await store.events()
    again = CatalogueFake(nation(30))
    report = await sync(store, again, at=NOW + DAY)
    assert (report.outcome, again.reads) == ("unchanged", 0)
    assert (store.directory.version, await store.events()) == (version, events)


async def test_same_agencies_in_another_order_change_nothing(store: Store) -> None:
    """Compared is what is said, not how it is written down."""
    first = await sync(store, nation(30))
    before = await store.events()
    report = await sync(store, list(reversed(nation(30))), at=NOW + DAY)
    assert (report.outcome, report.digest) == ("applied", first.digest)
    assert counted(report, "created", "changed", "unchanged") == (0, 0, 30)
    assert await store.events() == before


async def test_changed_name_and_code_hold_from_that_night_on(store: Store) -> None:
    """What was before stays in history, and the old code still leads to the agency."""
    await sync(store, nation(30))
    said = nation(30)
    said[4] = entry("H01.4A", "Phường số 4", parent_ref="G22", further_codes=("H01.4",))
    report = await sync(store, said, at=NOW + DAY)
    assert counted(report, "created", "changed", "closed", "missing") == (0, 1, 0, 0)
    now, before = NOW + DAY, NOW + DAY - timedelta(seconds=1)
    assert (await store.agency("H01.4A", now)).name == "Phường số 4"
    assert (await store.agency("H01.4", before)).name == "Xã số 4"
    assert (await store.agency("H01.4", now)).id == (await store.agency("H01.4A", now)).id


async def test_renamed_agency_is_found_through_those_below_it(store: Store) -> None:
    """Their search words hold its new name."""
    await sync(store, nation(30))
    said = nation(30)
    said[0] = entry("G22", "Văn phòng Chính phủ")
    await sync(store, said, at=NOW + DAY)
    assert [a.name for a in await store.directory.search("xa so 7 van phong", limit=5)] == ["Xã số 7"]


async def test_virtual_nodes_are_hidden_but_known(store: Store) -> None:
    """Users neither find nor page them; a code of theirs still leads somewhere."""
    await sync(store, [entry("00.22.W00", "Nút ảo", kind="virtual"), entry("H01", "Tỉnh", parent_ref="00.22.W00")])
    assert [a.name for a in await store.directory.search("nut ao", limit=5)] == ["Tỉnh"]
    assert await store.directory.search("w00", limit=5) == []
    assert [a.name for a in await store.directory.page(limit=5)] == ["Tỉnh"]
    assert (await store.agency("00.22.W00")).name == "Nút ảo"


async def test_deleted_agency_is_closed_and_its_heir_succeeds(store: Store) -> None:
    """Never removed; whoever had its code before it takes over what is addressed to it."""
    await sync(store, nation(30))
    said = nation(30)
    said[4] = entry("H01.4", "Xã số 4", deleted=True)
    said.append(entry("H01.99", "Xã mới", parent_ref="G22", further_codes=("H01.4",)))
    report = await sync(store, said, at=NOW + DAY)
    assert counted(report, "created", "closed") == (1, 1)
    old, new = await store.agency("H01.4", NOW + DAY), await store.agency("H01.99", NOW + DAY)
    assert (old.closed_at, old.successor_id) == (NOW + DAY, new.id)
    assert [kind for kind, _ in await store.events()].count("agency.closed") == 1
    again = await sync(store, [*said, entry("H01.100", "Thêm")], at=NOW + 2 * DAY)
    assert counted(again, "created", "closed", "changed") == (1, 0, 0)


async def test_missing_agency_is_closed_only_after_days(store: Store) -> None:
    """One that is named again in the meantime was never closed."""
    await sync(store, nation(30))
    gone = nation(30)[:-1]
    report = await sync(store, gone, at=NOW + DAY)
    assert counted(report, "missing", "closed") == (1, 0)
    assert (await sync(store, nation(30), at=NOW + 2 * DAY)).counts["returned"] == 1
    for day in (3, 4, 5):
        await sync(store, gone, at=NOW + day * DAY)
        assert (await store.agency("H01.29", NOW + day * DAY)).closed_at is None
    report = await sync(store, gone, at=NOW + 6 * DAY)
    assert counted(report, "closed") == (1,)
    assert (await store.agency("H01.29", NOW + 6 * DAY)).closed_at == NOW + 6 * DAY


async def test_agency_that_comes_back_after_its_closing_is_a_new_one(store: Store) -> None:
    """The time between belongs to nobody; each instant has its own agency."""
    await sync(store, nation(30))
    said = nation(30)
    said[4] = entry("H01.4", "Xã số 4", deleted=True)
    await sync(store, said, at=NOW + DAY)
    old = await store.agency("H01.4", NOW)
    report = await sync(store, nation(30), at=NOW + 2 * DAY)
    assert counted(report, "created", "changed") == (1, 0)
    new = await store.agency("H01.4", NOW + 2 * DAY)
    assert (new.closed_at, new.id == old.id) == (None, False)
    assert (await store.agency("H01.4", NOW + timedelta(hours=1))).id == old.id


async def test_hosted_agency_is_never_touched_and_a_difference_told(store: Store) -> None:
    """The axis lists our communes, too; ours win, whatever it says of them."""
    await store.endpoint("axis", "webhook", relay=True)
    await store.endpoint("xa")
    await store.load("organ_id,name,endpoint\nH01.4,Xã của ta,xa\n")
    before = await store.agency("H01.4")
    report = await sync(store, nation(30), at=NOW + DAY)
    assert counted(report, "created", "kept") == (29, 1)
    assert report.problems == {"catalogue_differs": 1}
    assert await store.agency("H01.4", NOW + DAY) == before
    deleted = nation(30)
    deleted[4] = entry("H01.4", "Xã số 4", deleted=True)
    assert (await sync(store, deleted, at=NOW + 2 * DAY)).counts["closed"] == 0
    assert await store.agency("H01.4", NOW + 2 * DAY) == before


async def test_further_code_of_ours_is_told_and_not_taken(store: Store) -> None:
    """Whoever has our name and one of our codes is ours under a code that we do not know; those below find it."""
    await store.endpoint("axis", "webhook", relay=True)
    await store.endpoint("tinh")
    await store.load("organ_id,name,endpoint\n000.00.00.H01,UBND tỉnh,tinh\n")
    ours = await store.agency("000.00.00.H01")
    said = [
        entry("H01", "Ủy ban nhân dân tỉnh", further_codes=("000.00.00.H01",)),
        entry("H01.1", "Sở", parent_ref="H01"),
    ]
    assert (await sync(store, said)).problems == {"catalogue_code_kept": 1}
    said[0] = entry("H01", "UBND Tỉnh", further_codes=("000.00.00.H01",))
    report = await sync(store, said, at=NOW + DAY)
    assert (report.problems, report.counts["kept"]) == ({"catalogue_differs": 1}, 1)
    assert (await store.agency("H01.1", NOW + DAY)).parent_id == ours.id
    assert await store.directory.resolve(["H01"], NOW + DAY) == {}


@pytest.mark.parametrize(
    "claim",
    [
        entry("H99", "Kẻ mạo danh", further_codes=("H01.4",)),
        entry("H01.1", "Xã số 1", further_codes=("H01.4",), parent_ref="G22"),
        entry("h01.4", "Kẻ mạo danh"),
    ],
)
async def test_code_of_ours_goes_to_nobody_else(store: Store, claim: CatalogueEntry) -> None:
    """A compromised catalogue cannot have what is addressed to our commune sent to somebody else."""
    await store.endpoint("axis", "webhook", relay=True)
    await store.endpoint("xa")
    await store.load("organ_id,qd20_code,name,endpoint\n000.04.01.H01,H01.4,Xã của ta,xa\n")
    before = await store.agency("H01.4")
    said = [each for each in nation(30) if each.code not in {"H01.4", claim.code}]
    report = await sync(store, [*said, claim], at=NOW + DAY)
    assert report.outcome == "applied"
    assert set(report.problems) & {"catalogue_code_kept", "catalogue_differs"}
    assert (await store.directory.resolve(["H01.4", "000.04.01.H01"], NOW + DAY)).values()
    for code in ("H01.4", "000.04.01.H01"):
        assert await store.agency(code, NOW + DAY) == before


async def test_code_that_ours_had_once_goes_to_nobody_either(store: Store) -> None:
    """Letters under the old code still reach us."""
    await store.endpoint("axis", "webhook", relay=True)
    await store.endpoint("xa")
    await store.load("organ_id,name,endpoint\nH01.4,Xã của ta,xa\n")
    await store.load("organ_id,other_codes,name\nH01.4B,H01.4,Xã của ta\n", now=NOW + DAY)
    await store.load("organ_id,name\nH01.4B,Xã của ta\n", now=NOW + DAY)
    ours = await store.agency("H01.4B", NOW + DAY)
    report = await sync(store, nation(30), at=NOW + 2 * DAY)
    assert report.counts["created"] == 29
    assert (await store.agency("H01.4", NOW + 2 * DAY)).id == ours.id


async def test_agency_that_a_person_changed_is_the_persons(store: Store) -> None:
    """Routing it, renaming it by a file, closing it or letting it speak for others: each takes it from the axis."""
    await sync(store, nation(40))
    ids = [(await store.agency(f"H01.{number}")).id for number in range(1, 6)]
    later = NOW + timedelta(hours=1)
    inbox = await store.endpoint("xa")
    await store.directory.apply(
        store.pump,
        SetEndpointOperation(),
        SetEndpoint(agency_id=ids[0], endpoint_id=inbox, actor=ACTOR, now=later),
    )
    await store.load("organ_id,name\nH01.2,Tên của người\n", now=later)
    await store.directory.apply(
        store.pump,
        CloseAgencyOperation(),
        CloseAgency(agency_id=ids[2], at=later, successor_id=None, actor=ACTOR, now=later),
    )
    await store.directory.apply(
        store.pump,
        AddRepresentationOperation(),
        AddRepresentation(agent_id=ids[3], principal_id=ids[4], start=later, end=None, actor=ACTOR, now=later),
    )
    before = {key: agency.name for key, agency in (await store.directory.agencies(ids, NOW + DAY)).items()}
    said = [entry(each.code, f"{each.name} đổi tên", parent_ref=each.parent_ref) for each in nation(40)[:6]]
    report = await sync(
        store, said + nation(40)[6:], at=NOW + DAY, policy=SyncPolicy(hold_share=1, close_after=DAY)
    )
    assert counted(report, "changed", "kept", "created") == (1, 5, 0)
    after = {key: agency.name for key, agency in (await store.directory.agencies(ids, NOW + DAY)).items()}
    assert after == before


async def test_code_of_another_living_agency_is_not_moved(store: Store) -> None:
    """A person decides; meanwhile both stay what they are, and it is told every night."""
    said = nation(30)
    said[4] = entry("H01.4", "Xã số 4", parent_ref="G22", further_codes=("H01.4.CU",))
    await sync(store, said)
    said = nation(30)
    said[5] = entry("H01.5", "Xã số 5", parent_ref="G22", further_codes=("H01.4.CU",))
    for day in (1, 2):
        report = await sync(store, list(reversed(said)) if day == 2 else said, at=NOW + day * DAY)
        assert report.problems == {"catalogue_code_elsewhere": 1}
        assert (await store.agency("H01.4.CU", NOW + day * DAY)).name == "Xã số 4"
        assert (await store.agency("H01.5", NOW + day * DAY)).codes == ("H01.5",)


async def test_code_of_a_closed_agency_goes_over_from_that_night_on(store: Store) -> None:
    """Before it, it leads to the one that has been closed."""
    await sync(store, nation(30))
    said = nation(30)
    said[4] = entry("H01.4", "Xã số 4", deleted=True)
    await sync(store, said, at=NOW + DAY)
    said = [each for each in nation(30) if each.code != "H01.4"]
    said[6] = entry(said[6].code, said[6].name, parent_ref="G22", further_codes=("H01.4",))
    await sync(store, said, at=NOW + 2 * DAY)
    assert (await store.agency("H01.4", NOW + 2 * DAY)).organ_id == said[6].code
    assert (await store.agency("H01.4", NOW + DAY)).name == "Xã số 4"


def test_ids_in_a_row_grow_and_are_all_different() -> None:
    """By their whole text and by their last bits alone, so that rows written together lie together."""
    ids = list(uuid7_series(5000))
    assert ids == sorted(set(ids))
    assert [rowid_of(AgencyId(key)) for key in ids] == sorted({rowid_of(AgencyId(key)) for key in ids})
    assert {(key[14], key[19]) for key in ids} <= {("7", mark) for mark in "89ab"}
    assert list(uuid7_series(0)) == []


# --- what a broken or hostile catalogue comes to


async def test_half_of_all_agencies_gone_is_held(store: Store) -> None:
    """Nothing is written but that it waits, once; a person accepts exactly what was looked at."""
    await sync(store, nation(100))
    events = await store.events()
    half = nation(50)
    report = await sync(store, half, at=NOW + DAY)
    assert (report.outcome, report.held, *counted(report, "missing")) == ("held", True, 50)
    assert (await sync(store, half, at=NOW + 2 * DAY)).outcome == "held"
    assert [kind for kind, _ in await store.events()][len(events) :] == ["catalogue.held"]
    refused = await sync(store, nation(49), at=NOW + 3 * DAY, accept=report.digest[:12])
    assert refused.outcome == "held"
    taken = await sync(store, half, at=NOW + 4 * DAY, accept=report.digest[:12], why="sáp nhập")
    assert (taken.outcome, *counted(taken, "missing")) == ("applied", 50)
    assert (await sync(store, half, at=NOW + 8 * DAY)).counts["closed"] == 50


async def test_many_renamed_or_new_agencies_are_held_too(store: Store) -> None:
    """A share of what is known, but for the first catalogue, of which nothing is known."""
    await sync(store, nation(100))
    renamed = [entry(each.code, f"{each.name}!", parent_ref=each.parent_ref) for each in nation(100)]
    assert (await sync(store, renamed, at=NOW + DAY)).outcome == "held"
    assert (await sync(store, nation(200), at=NOW + DAY)).outcome == "held"
    assert (await sync(store, nation(115), at=NOW + DAY)).outcome == "applied"


async def test_dry_run_tells_and_writes_nothing(store: Store) -> None:
    """Neither agencies nor that something waits."""
    await sync(store, nation(100))
    before = await store.events()
    report = await sync(store, nation(50), at=NOW + DAY, dry_run=True)
    assert (report.outcome, report.held, report.counts["missing"]) == ("dry_run", True, 50)
    assert report.samples["missing"][0].startswith("H01.")
    assert await store.events() == before
    assert not (await store.readers.fetch("catalogue_list_states"))[0][2]


@pytest.mark.parametrize(
    "catalogue",
    [
        CatalogueFake([], fails=None),
        CatalogueFake(nation(100), fails=SourceError("peer_reply_invalid", "cut")),
        CatalogueFake(nation(300), fails=SourceError("peer_reply_invalid", "cut"), fails_after=200),
    ],
)
async def test_empty_or_broken_catalogue_changes_nothing(store: Store, catalogue: CatalogueFake) -> None:
    """It concludes nothing, also where it breaks after many good entries."""
    await sync(store, nation(50))
    before = await store.events()
    with pytest.raises(SourceError):
        await sync(store, catalogue, at=NOW + DAY)
    assert await store.events() == before
    assert len(await store.directory.page(limit=200)) == 50


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (entry("H01 1", "A"), "catalogue_code_invalid"),
        (entry("Н01.1", "A"), "catalogue_code_invalid"),
        (entry("", "A"), "catalogue_code_invalid"),
        (entry("H" * 51, "A"), "catalogue_code_invalid"),
        (entry("H77", "A\x07B"), "catalogue_name_invalid"),
        (entry("H77", "A\u202eB"), "catalogue_name_invalid"),
        (entry("H77", "A" * 501), "catalogue_name_invalid"),
        (entry("H77", "A" * 2_000_000), "catalogue_name_invalid"),
        (entry("H77", " "), "catalogue_name_invalid"),
        (entry("H77", "A", ref="G22"), "catalogue_id_twice"),
        (entry("H01.3", "B", ref="x"), "catalogue_code_twice"),
        (entry("H77", "A", parent_ref="H77"), "catalogue_circle"),
    ],
)
async def test_bad_entry_is_left_out_and_told(store: Store, bad: CatalogueEntry, reason: str) -> None:
    """The others are taken."""
    report = await sync(store, [*nation(30), bad])
    assert (report.outcome, report.problems) == ("applied", {reason: 1})
    assert len(await store.directory.page(limit=100)) == 30 + (reason == "catalogue_circle")
    assert all(len(text) < 100 for example in report.examples for text in example)


async def test_agency_whose_entry_has_gone_bad_stays_as_it_is(store: Store) -> None:
    """It is named, so it is not missing."""
    await sync(store, nation(30))
    said = nation(30)
    said[4] = entry("H01.4", "\x00")
    report = await sync(store, said, at=NOW + DAY)
    assert counted(report, "missing", "closed", "changed", "refused") == (0, 0, 0, 1)
    assert (await store.agency("H01.4", NOW + DAY)).name == "Xã số 4"


async def test_circle_of_parents_ends_without_one(store: Store) -> None:
    """Agencies above themselves are taken with nobody above them; those below them keep their place."""
    circle = [entry(f"H{n}", f"Tỉnh {n}", parent_ref=f"H{10 + (n - 9) % 3}") for n in (10, 11, 12)]
    report = await sync(store, [*circle, entry("H10.1", "Sở", parent_ref="H10")])
    assert report.problems == {"catalogue_circle": 3}
    assert (await store.agency("H10.1")).parent_id == (await store.agency("H10")).id
    assert (await store.agency("H11")).parent_id is None


async def test_mostly_bad_catalogue_is_held_even_the_first_time(store: Store) -> None:
    """What is garbled is looked at by a person."""
    report = await sync(store, [*nation(30), *(entry(f"! {n}") for n in range(30))])
    assert (report.outcome, report.problems) == ("held", {"catalogue_code_invalid": 30})
    assert await store.directory.page(limit=5) == []


@pytest.mark.parametrize("step", [1, -1])
async def test_absurdly_deep_chain_of_parents_is_cut(store: Store, step: int) -> None:
    """Every forty levels somebody has nobody above him; all are taken, in a few steps, whichever way they stand."""
    chain = [entry(f"H01.{n}", f"Cấp {n}", parent_ref=f"H01.{n + 1}") for n in range(3000)]
    said = [*chain, entry("H01.3000", "Gốc")][::step]
    report = await sync(store, said, policy=SyncPolicy(hold_share=1, close_after=DAY))
    assert report.counts["created"] == 3001
    assert report.problems == {"catalogue_circle": 75}
    agencies = {agency.id: agency for agency in await store.directory.page(limit=5000)}
    assert sum(agency.parent_id is None for agency in agencies.values()) == 76


async def test_first_catalogue_that_was_cut_off_is_finished_by_the_next(store: Store) -> None:
    """What was written before stays, and the rest is no more than a beginning, so nothing is held."""
    await sync(store, nation(1))
    await store.pump.submit(_Forget(), None)
    report = await sync(store, nation(200), at=NOW + DAY)
    assert (report.outcome, *counted(report, "created", "unchanged")) == ("applied", 199, 1)


async def test_act_of_a_person_in_the_middle_wins(store: Store) -> None:
    """An agency changed between reading and writing refuses that part; the next night it is the person's."""
    await sync(store, nation(30))
    said = nation(30)
    said[4] = entry("H01.4", "Tên mới", parent_ref="G22")
    agency = await store.agency("H01.4")
    inbox = await store.endpoint("xa")
    acted = CatalogueFake(said)
    late = SetEndpoint(agency_id=agency.id, endpoint_id=inbox, actor=ACTOR, now=NOW + timedelta(hours=2))
    fetch = store.readers.fetch

    async def fetch_and_act(name: str, params: Any = ()) -> Any:
        rows = await fetch(name, params)
        if name == "agency_read_by_ids":
            await store.pump.submit(SetEndpointOperation(), late)
        return rows

    store.readers.fetch = fetch_and_act  # type: ignore[method-assign]
    with pytest.raises(RefusedError, match="catalogue_disturbed"):
        await sync(store, acted, at=NOW + DAY)
    store.readers.fetch = fetch  # type: ignore[method-assign]
    assert (await store.agency("H01.4", NOW + DAY)).name == "Xã số 4"
    assert (await sync(store, acted, at=NOW + 2 * DAY)).counts["kept"] == 1


async def test_channel_that_is_no_relay_teaches_nothing(store: Store) -> None:
    """An office cannot say who everybody is."""
    await store.endpoint("axis", "inbox")
    with pytest.raises(RefusedError, match="relay"):
        await sync(store, nation(3))


class _Forget:
    """As if the end of a synchronisation had not been committed."""

    name = "test_forget"

    async def apply(self, tx: Any, payloads: Any) -> list[None]:
        await tx.fetch("test_catalogue_forget")
        return [None for _ in payloads]
