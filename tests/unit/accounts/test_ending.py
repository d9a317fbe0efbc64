"""What offices' systems are known by and that ends soon is found, unless a successor is there."""

from __future__ import annotations

from datetime import timedelta

from gateway.admin.ending_credentials import ending_credentials
from gateway.directory.changes import CloseAgency, CloseAgencyOperation
from tests.unit.accounts.conftest import Desk
from tests.unit.directory.store import ACTOR, NOW

DAY = timedelta(days=1)
YEAR = 365 * DAY


async def found(desk: Desk, left: timedelta) -> list[tuple[str, int]]:
    """Labels and levels, so long before the end of what was issued for a year."""
    rows = await ending_credentials(desk.store.readers, desk.store.directory, NOW + YEAR - left)
    return [(each.label, each.level) for each in rows]


async def token(desk: Desk, label: str, lifetime: timedelta = YEAR, code: str = "H33.01") -> str:
    """Issue one; its credential's id."""
    office = await desk.agency(code)
    _, key = await desk.accounts.issue_token(office.id, label=label, lifetime=lifetime, actor=ACTOR, now=NOW)
    return key


async def test_end_is_told_a_month_before_and_some_days_after(desk: Desk) -> None:
    """As urgently as those of the gateway's own certificates; one that lives for days is no standing alarm."""
    await token(desk, "QLVB")
    await token(desk, "of weeks", 35 * DAY)
    assert await found(desk, 31 * DAY) == []
    assert await found(desk, 29 * DAY) == [("QLVB", 2)]
    assert await found(desk, 6 * DAY) == [("QLVB", 3)]
    assert await found(desk, -6 * DAY) == [("QLVB", 3)]
    assert await found(desk, -8 * DAY) == []
    assert await found(desk, YEAR - 31 * DAY) == [], "it ends in four days"
    assert await found(desk, YEAR - 33 * DAY) == [("of weeks", 2)], "a twelfth of its life is left"


async def test_what_has_a_successor_only_lapses(desk: Desk) -> None:
    """The same label, a renewal; another system's token, or another office's, is none."""
    await token(desk, "QLVB")
    assert await found(desk, DAY) == [("QLVB", 3)]
    await token(desk, "another", 2 * YEAR)
    await token(desk, "QLVB", 2 * YEAR, "H33.02")
    assert await found(desk, DAY) == [("QLVB", 3)]
    await token(desk, "QLVB", 2 * YEAR)
    assert await found(desk, DAY) == []


async def test_what_was_revoked_or_is_of_a_closed_agency_is_not_told(desk: Desk) -> None:
    """Nobody waits for it."""
    key = await token(desk, "QLVB")
    await token(desk, "of another", code="H33.02")
    assert [label for label, _ in await found(desk, DAY)] == ["QLVB", "of another"]
    await desk.accounts.revoke(key, ACTOR, NOW)
    closed = CloseAgency(
        agency_id=(await desk.agency("H33.02")).id, at=NOW, successor_id=None, actor=ACTOR, now=NOW
    )
    await desk.store.directory.apply(desk.store.pump, CloseAgencyOperation(), closed)
    assert await found(desk, DAY) == []


async def test_none_that_ends_is_left_out_however_many_end_together(desk: Desk) -> None:
    """A CA's certificates may all end on one day; the page counts them, and the alarm calls each office."""
    for number in range(201):
        await token(desk, f"QLVB {number}")
    assert len(await found(desk, DAY)) == 201
