"""Entries that the axis never gets out: they look like an outage, and become one only when nothing succeeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.simulate.axis.journal import Settled
from tests.journeys.axis_site import SYSTEM, AxisSite, axis_site
from tests.journeys.installation import COMMUNE, MINISTRY

pytestmark = pytest.mark.slow

_NEVER = 3600


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[AxisSite]:
    async with axis_site(tmp_path, pki_folder, poll_seconds=0.1, poll_seconds_min=0.05, timeout_seconds=3) as made:
        yield made


def closings(site: AxisSite) -> list[tuple[str]]:
    return site.rows("SELECT kind FROM event WHERE kind LIKE 'source.%' ORDER BY seq")


async def test_entry_that_always_times_out_waits_alone_and_its_source_stays_in_order(site: AxisSite) -> None:
    """As a proxy does that gives up on one huge document, whether others wait beside it or none."""
    bad = str((await site.axis.put(SYSTEM, b"<never/>"))["doc_id"])
    await site.axis.order("slow", operations=["getEdoc", "downloadEdoc"], doc_ids=[bad], delay=_NEVER)
    await site.axis.send(MINISTRY, [COMMUNE], count=5)
    await site.start()
    await site.until("SELECT 1 FROM offer WHERE ref = ? AND failures > 1", bad)
    await site.axis.send(MINISTRY, [COMMUNE], count=2, first_number=100)
    await site.until("SELECT 1 WHERE (SELECT COUNT(acknowledged_at) FROM offer) = 7")
    await site.until("SELECT 1 FROM offer WHERE ref = ? AND failures > 2", bad)
    assert site.rows("SELECT COUNT(*) FROM message") == [(7,)]
    assert len({line.doc_id for line in site.axis.journal() if isinstance(line, Settled)}) == 7
    assert (closings(site), site.rows("SELECT failed_polls FROM source")) == ([], [(0,)])
    assert "sources" not in (await site.ready())["details"]


async def test_two_of_them_side_by_side_stay_their_own_trouble(site: AxisSite) -> None:
    """One at a time, so that both fail one after the other, behind what succeeded."""
    await site.configure(poll_at_once=1)
    await site.axis.send(MINISTRY, [COMMUNE], count=2)
    bad = [str((await site.axis.put(SYSTEM, b"<never/>" + bytes([48 + n])))["doc_id"]) for n in range(2)]
    await site.axis.order("slow", operations=["getEdoc", "downloadEdoc"], doc_ids=bad, delay=_NEVER)
    await site.start()
    await site.until("SELECT 1 WHERE (SELECT MIN(failures) FROM offer WHERE fetched_at IS NULL) > 1")
    assert site.rows("SELECT COUNT(acknowledged_at) FROM offer") == [(2,)]
    assert closings(site) == []


async def test_acknowledgement_that_times_out_is_that_entrys_trouble_too(site: AxisSite) -> None:
    """The others are told; it is told again later, and accepted once."""
    (sent, *_) = await site.axis.send(MINISTRY, [COMMUNE], count=4)
    bad = sent["entries"][0]["doc_id"]
    await site.axis.order("slow", operations=["updateStatus"], doc_ids=[bad], delay=_NEVER)
    await site.start()
    await site.until("SELECT 1 WHERE (SELECT COUNT(acknowledged_at) FROM offer) = 3")
    await site.until("SELECT 1 FROM source WHERE polls > 10")
    await site.axis.calm()
    await site.until("SELECT 1 WHERE (SELECT COUNT(acknowledged_at) FROM offer) = 4")
    assert (closings(site), site.rows("SELECT COUNT(*) FROM message")) == ([], [(4,)])


async def test_when_nothing_can_be_fetched_it_is_the_source_until_something_can(site: AxisSite) -> None:
    """The list alone does not open it again; told once, and everything comes when the axis is well."""
    await site.axis.order("slow", operations=["getEdoc", "downloadEdoc"], delay=_NEVER)
    await site.axis.send(MINISTRY, [COMMUNE], count=5)
    await site.start()
    await site.until("SELECT 1 FROM source WHERE failed_polls > 2")
    assert closings(site) == [("source.closed",)]
    assert (await site.ready())["details"]["sources"] == {"axis": "degraded"}
    await site.axis.calm()
    await site.axis.wait("settled", system=SYSTEM, count=5)
    await site.until("SELECT 1 FROM source WHERE failing_since IS NULL")
    assert closings(site) == [("source.closed",), ("source.opened",)]
