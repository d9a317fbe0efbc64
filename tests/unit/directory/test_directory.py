"""Looking agencies up: instants, caches, representation, paging."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.data import kien_giang
from gateway.directory.changes import (
    AddRepresentation,
    AddRepresentationOperation,
    CloseAgency,
    CloseAgencyOperation,
    EndRepresentation,
    EndRepresentationOperation,
    SetEndpoint,
    SetEndpointOperation,
)
from gateway.errors import RefusedError
from gateway.model import AgencyId
from tests.unit.directory.store import ACTOR, NOW, Store

DAY = timedelta(days=1)


async def test_unknown_code_is_absent(store: Store) -> None:
    """What nobody ever held is not in the answer, and is asked again every time."""
    assert await store.directory.resolve(["H99"], NOW) == {}
    await store.load("organ_id,name\nH99,A\n")
    assert (await store.agency("H99")).name == "A"


@pytest.mark.parametrize("code", ["28.22.H17", "999.010.01.H22", "H37.DN.001", "vxp.saas.03", "00.22.W00"])
async def test_code_outside_the_grammar_is_as_good_as_any(store: Store, code: str) -> None:
    """Codes of vendors' catalogues resolve, in any case of letters."""
    await store.load(f"organ_id,name\n{code},A\n")
    found = await store.directory.resolve([code, f" {code.lower()}\n"], NOW)
    assert len(found) == 2
    assert found[code].organ_id == code


async def test_code_that_lives_on_leads_to_whoever_holds_it_then(store: Store) -> None:
    """One code, an agency until 1 July 2025 and another from then on."""
    await store.load(
        "organ_id,name,opened,closed,successor_organ_id\n"
        "H33.21.01,Xã cũ,2018-11-01,2025-07-01,H33.21.01\n"
        "H33.21.01,Xã mới,2025-07-01,,\n"
    )
    old = await store.agency("H33.21.01", datetime(2025, 6, 30, 16, 59, tzinfo=UTC))
    new = await store.agency("H33.21.01", datetime(2025, 6, 30, 17, 0, tzinfo=UTC))
    assert (old.name, new.name) == ("Xã cũ", "Xã mới")
    assert old.id != new.id
    closed = (await store.directory.agencies([old.id], datetime(2025, 7, 2, tzinfo=UTC)))[old.id]
    assert closed.closed_at == datetime(2025, 6, 30, 17, 0, tzinfo=UTC)
    assert closed.successor_id == new.id


async def test_code_is_unknown_before_its_first_holder(store: Store) -> None:
    """An agency that opens tomorrow gets no documents today."""
    await store.load("organ_id,name,opened\nH33.21.01,A,2025-07-01\n")
    assert await store.directory.resolve(["H33.21.01"], NOW) == {}


async def test_agency_that_changed_its_code_still_gets_letters_under_the_old_one(store: Store) -> None:
    """A code that nobody took over leads to its last holder, who shows the new one."""
    await store.load("organ_id,qd20_code,name\n000.00.01.H33,H33.01,A\n")
    await store.load("organ_id,qd20_code,effective\n000.00.01.H33,H33.77,2018-12-01\n")
    then = datetime(2018, 12, 2, tzinfo=UTC)
    assert set((await store.agency("H33.01")).codes) == {"000.00.01.H33", "H33.01"}
    assert set((await store.agency("H33.01", then)).codes) == {"000.00.01.H33", "H33.77"}
    assert await store.directory.resolve(["H33.77"], NOW) == {}


async def test_closing_ends_codes_and_counts_the_version_up(store: Store) -> None:
    """A closed agency is still found, with closed_at and successor; closing twice is refused."""
    await store.load("organ_id,name\nH33.01,A\nH33.02,B\n")
    agency, heir = await store.agency("H33.01"), await store.agency("H33.02")
    before = store.directory.version
    close = CloseAgency(agency_id=agency.id, at=NOW, successor_id=heir.id, actor=ACTOR, now=NOW)
    await store.directory.apply(store.pump, CloseAgencyOperation(), close)
    closed = await store.agency("H33.01")
    assert (closed.closed_at, closed.successor_id) == (NOW, heir.id)
    assert store.directory.version == before + 1
    with pytest.raises(RefusedError, match="state_forbids"):
        await store.directory.apply(store.pump, CloseAgencyOperation(), close)
    assert [kind for kind, _ in await store.events()] == ["agency.imported", "agency.closed"]


async def test_change_of_channel_counts_at_once(store: Store) -> None:
    """A hot look-up before the change does not hide it after."""
    first, second = await store.endpoint("first"), await store.endpoint("second")
    await store.load("organ_id,name,endpoint\nH33.01,A,first\n")
    agency = await store.agency("H33.01")
    assert agency.endpoint is not None
    assert agency.endpoint.id == first
    move = SetEndpoint(agency_id=agency.id, endpoint_id=second, actor=ACTOR, now=NOW)
    await store.directory.apply(store.pump, SetEndpointOperation(), move)
    moved = (await store.agency("H33.01")).endpoint
    assert moved is not None
    assert moved.id == second
    unknown = SetEndpoint(agency_id=AgencyId("nobody"), endpoint_id=second, actor=ACTOR, now=NOW)
    with pytest.raises(RefusedError, match="not_found"):
        await store.directory.apply(store.pump, SetEndpointOperation(), unknown)


async def test_lookup_under_way_during_a_change_is_not_remembered(store: Store) -> None:
    """What was read before a reload does not enter the maps after it."""
    await store.load("organ_id,name\nH33.01,A\n")
    reading = asyncio.ensure_future(store.directory.resolve(["H33.01"], NOW))
    await asyncio.sleep(0)
    await store.load("organ_id,name,opened\nH33.01,B,\n", now=NOW - DAY)
    await reading
    assert (await store.agency("H33.01")).name == "B"


async def test_representation_holds_between_its_dates(store: Store) -> None:
    """An agent speaks for its principal from the first instant up to the last, and for itself always."""
    await store.load("organ_id,name\nH33.01,Agent\nH33.02,Principal\n")
    agent, principal = (await store.agency("H33.01")).id, (await store.agency("H33.02")).id
    add = AddRepresentation(
        agent_id=agent, principal_id=principal, start=NOW, end=NOW + 9 * DAY, actor=ACTOR, now=NOW
    )
    await store.directory.apply(store.pump, AddRepresentationOperation(), add)
    directory = store.directory
    assert await directory.represented_by(agent, NOW - DAY) == {agent}
    assert await directory.represented_by(agent, NOW) == {agent, principal}
    assert await directory.agents_of(principal, NOW) == {agent, principal}
    assert await directory.represented_by(principal, NOW) == {principal}
    assert await directory.represented_by(agent, NOW + 9 * DAY) == {agent}
    end = EndRepresentation(agent_id=agent, principal_id=principal, at=NOW + DAY, actor=ACTOR, now=NOW)
    await directory.apply(store.pump, EndRepresentationOperation(), end)
    assert await directory.represented_by(agent, NOW + DAY) == {agent}
    with pytest.raises(RefusedError, match="not_found"):
        await directory.apply(store.pump, EndRepresentationOperation(), end)
    kinds = [kind for kind, _ in await store.events()]
    assert kinds == ["agency.imported", "representation.added", "representation.ended"]


async def test_agency_cannot_represent_itself(store: Store) -> None:
    """Agent and principal are two agencies."""
    await store.load("organ_id,name\nH33.01,A\n")
    one = (await store.agency("H33.01")).id
    add = AddRepresentation(agent_id=one, principal_id=one, start=NOW, end=None, actor=ACTOR, now=NOW)
    with pytest.raises(RefusedError, match="parameter_invalid"):
        await store.directory.apply(store.pump, AddRepresentationOperation(), add)


async def test_successor_speaks_for_the_closed_agency_from_its_closing_on(store: Store) -> None:
    """Whoever takes over may read and answer what still lies in the closed agency's box."""
    await store.load("organ_id,name\nH33.01,A\nH33.02,B\n")
    old, heir = (await store.agency("H33.01")).id, (await store.agency("H33.02")).id
    close = CloseAgency(agency_id=old, at=NOW, successor_id=heir, actor=ACTOR, now=NOW)
    await store.directory.apply(store.pump, CloseAgencyOperation(), close)
    assert await store.directory.represented_by(heir, NOW - DAY) == {heir}
    assert await store.directory.represented_by(heir, NOW) == {heir, old}
    assert await store.directory.agents_of(old, NOW) == {heir, old}


async def test_children_and_pages_come_in_pieces_without_gaps(store: Store) -> None:
    """Paging by the last id gives every agency once."""
    await store.province()
    district = await store.agency(kien_giang.districts()[0][0])
    first = await store.directory.children(district.id, limit=10)
    rest = await store.directory.children(district.id, limit=10, after=first[-1].id)
    assert len({a.id for a in first + rest}) == 15  # 12 communes and 3 divisions
    seen: list[AgencyId] = []
    while page := await store.directory.page(limit=100, after=seen[-1] if seen else None):
        seen += [agency.id for agency in page]
    assert len(seen) == len(set(seen)) == len(kien_giang.rows())
    assert len(await store.directory.children(None, limit=50)) == len(
        [row for row in kien_giang.rows() if not row["parent_organ_id"]]
    )


async def test_search_pages_and_puts_names_that_hold_the_words_first(store: Store) -> None:
    """`giong rieng` shows what is called so before what lies in it; the next page goes on after the last."""
    await store.province()
    first = await store.directory.search("giong rieng", limit=2)
    assert all("Giồng Riềng" in agency.name for agency in first)
    seen = list(first)
    while page := await store.directory.search("giong rieng", limit=7, after=seen[-1].id):
        seen += page
    assert len(seen) == len({a.id for a in seen})
    called = ["Giồng Riềng" in agency.name for agency in seen]
    assert called == sorted(called, reverse=True)
    assert any(agency.kind == "district" for agency in seen)
    assert len([a for a in seen if a.kind == "commune"]) == 19


async def test_beginnings_of_words_find_what_whole_words_do_not(store: Store) -> None:
    """The last word may always be unfinished, the others where nothing else is found; pages then go on."""
    await store.province()
    whole = await store.directory.search("xã bàn t", limit=10)
    assert {agency.name for agency in whole[:2]} == {
        "Ủy ban nhân dân xã Bàn Tân Định",
        "Ủy ban nhân dân xã Bàn Thạch",
    }
    part = await store.directory.search("gion rien", limit=5)
    rest = await store.directory.search("gion rien", limit=50, after=part[-1].id)
    assert len({agency.id for agency in part + rest}) == 23
    assert len(await store.directory.search("giong rieng", limit=50)) == 23


@pytest.mark.parametrize("question", ["", "  ", '"', "***", "AND OR NOT", "a\x00b", "(", "NEAR(x y)", "字"])
async def test_search_takes_any_text(store: Store, question: str) -> None:
    """The question is words, never a language."""
    await store.province()
    assert isinstance(await store.directory.search(question, limit=5), list)


async def test_maps_are_bounded(store: Store) -> None:
    """Looking many agencies up forgets the oldest, and answers right all the same."""
    await store.province()
    small = type(store.directory)(store.readers, clock=store.clock, remember=10)
    await small.reload()
    codes = [commune.organ_id for commune in kien_giang.communes()]
    assert len(await small.resolve(codes, NOW)) == 145
    assert len(await small.resolve(codes, NOW)) == 145
    assert len(small._records) == 10
    assert len(small._holders) == 10
