"""Each way in which the axis may misbehave towards a running gateway's poller, and the trace that it leaves.

Whatever it is: nothing is lost, nothing comes in twice, an outage is told as one and ends by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.simulate.axis.journal import Called, Handed, Settled
from tests.journeys.axis_site import SYSTEM, AxisSite, axis_site
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE
from tests.journeys.messages import document, status

_COUNT = 5
_LIST = ["getReceivedEdocList"]
_OUTAGE = ["source.closed", "source.opened"]


@pytest.fixture
def opened(tmp_path: Path, pki_folder: Path) -> Any:
    @asynccontextmanager
    async def make(habits: dict[str, object] | None = None, **settings: object) -> AsyncIterator[AxisSite]:
        axis = {"habits": habits} if habits else None
        async with axis_site(tmp_path, pki_folder, axis=axis, poll_seconds=0.2, poll_seconds_min=0.05) as made:
            if settings:
                await made.configure(**settings)
            yield made

    return make


def told(site: AxisSite) -> list[str]:
    """What was told of the source as a whole."""
    return [row[0] for row in site.rows("SELECT kind FROM event WHERE kind LIKE 'source.%' ORDER BY seq")]


def fetched(site: AxisSite) -> list[str]:
    return [line.doc_id for line in site.axis.journal() if isinstance(line, Handed)]


async def all_in(site: AxisSite, *, documents: int = _COUNT, entries: int = _COUNT) -> None:
    """Each document is one message, each entry was acknowledged once, and is gone."""
    await site.until(f"SELECT 1 WHERE (SELECT COUNT(acknowledged_at) FROM offer) = {entries}")
    await site.until(f"SELECT 1 WHERE (SELECT COUNT(gone_at) FROM offer) = {entries}")
    assert site.rows("SELECT COUNT(*), COUNT(DISTINCT sha256) FROM message") == [(documents, documents)]
    settled = [line for line in site.axis.journal() if isinstance(line, Settled)]
    assert sorted(line.status for line in settled) == ["done"] * entries
    assert len({line.doc_id for line in settled}) == entries


@pytest.mark.parametrize(
    ("habits", "fault", "reason"),
    [
        ({}, {"kind": "hmac", "system": SYSTEM}, "peer_credential_rejected"),
        ({"window_hours": 1}, {"kind": "clock_skew", "offset": 7200}, "peer_credential_rejected"),
        ({}, {"kind": "cut_body", "operations": ["getEdoc", "downloadEdoc"]}, "connection_lost"),
        ({}, {"kind": "cut_body", "operations": _LIST}, "connection_lost"),
    ],
    ids=["hmac", "clock_skew_beyond_the_window", "cut_body_of_documents", "cut_body_of_lists"],
)
async def test_outage_is_told_once_ends_by_itself_and_loses_nothing(
    opened: Any, habits: dict[str, object], fault: dict[str, Any], reason: str
) -> None:
    """Degraded with its reason while it lasts, however long; then everything comes, each once."""
    opening: AbstractAsyncContextManager[AxisSite] = opened(habits)
    async with opening as site:
        order = dict(fault)
        await site.axis.send(MINISTRY, [COMMUNE], count=_COUNT, size=4000)
        await site.axis.order(order.pop("kind"), **order)
        await site.start()
        await site.until("SELECT 1 FROM source WHERE failed_polls > 2 AND reason = ?", reason)
        assert (told(site), site.rows("SELECT COUNT(*) FROM message")) == (["source.closed"], [(0,)])
        assert (await site.ready())["details"]["sources"] == {"axis": "degraded"}
        await site.axis.calm()
        await all_in(site)
        await site.until("SELECT 1 FROM source WHERE failing_since IS NULL")
        assert told(site) == _OUTAGE


@pytest.mark.parametrize(
    ("habits", "fault"),
    [
        ({"window_hours": 1}, {"kind": "clock_skew", "offset": 600}),
        ({"window_hours": 1}, {"kind": "clock_skew", "offset": -600}),
        ({}, {"kind": "repeat"}),
        ({}, {"kind": "cut_body", "operations": ["getEdoc"], "calls": 2}),
    ],
    ids=["clock_minutes_ahead", "clock_minutes_behind", "every_entry_twice", "two_documents_cut"],
)
async def test_oddity_is_no_outage(opened: Any, habits: dict[str, object], fault: dict[str, Any]) -> None:
    """Each document comes in once; where nothing was cut it was also fetched once."""
    opening: AbstractAsyncContextManager[AxisSite] = opened(habits)
    async with opening as site:
        order = dict(fault)
        await site.axis.send(MINISTRY, [COMMUNE], count=_COUNT, size=4000)
        await site.axis.order(order.pop("kind"), **order)
        await site.start()
        await all_in(site)
        if fault["kind"] != "cut_body":
            assert sorted(fetched(site)) == sorted(set(fetched(site)))
        assert told(site) == []


async def test_list_that_says_none_while_something_waits_is_silent_and_never_degraded(opened: Any) -> None:
    """For hours, as the settings here count them; then everything comes and it is over."""
    async with opened(silent_hours=0.0003, silent_minutes=0.001) as site:
        await site.axis.send(MINISTRY, [COMMUNE], count=_COUNT, size=4000)
        await site.axis.order("empty", operations=_LIST)
        await site.start()
        await site.until("SELECT 1 FROM event WHERE kind = 'source.silenced'")
        await site.until_gauge("gateway_source_silent", lambda value: value == 1)
        assert (site.rows("SELECT COUNT(*) FROM offer"), told(site)) == ([(0,)], ["source.silenced"])
        await site.axis.calm()
        await all_in(site)
        assert told(site)[:2] == ["source.silenced", "source.heard"]
        assert "source.closed" not in told(site)


async def test_document_that_the_axis_delivers_twice_is_one_message(opened: Any) -> None:
    """Under two ids: each is fetched and acknowledged, and the recipient has one line."""
    async with opened() as site:
        await site.axis.order("duplicate", operations=["sendEdoc"])
        await site.axis.client(MINISTRY).send(document(MINISTRY, [COMMUNE], number="5"))
        await site.start()
        await all_in(site, documents=1, entries=2)
        assert len(set(fetched(site))) == 2
        assert site.rows("SELECT COUNT(*) FROM delivery") == [(1,)]
        assert site.rows("SELECT COUNT(DISTINCT message_id) FROM offer") == [(1,)]


async def test_statuses_in_no_order_end_where_they_would_in_order(opened: Any) -> None:
    """All are kept; the line ends with the last one, whichever came last."""
    async with opened() as site:
        await site.start()
        async with site.client(PROVINCE) as province:
            await province.submit(document(PROVINCE, [MINISTRY], number="77"))
            await site.until("SELECT 1 FROM delivery WHERE state = 'relayed'")
        await site.stop()
        await site.axis.order("out_of_order", operations=_LIST)
        ministry = site.axis.client(MINISTRY)
        codes = ("01", "03", "04", "05", "06")
        for code in codes:
            sent = await ministry.send(status(MINISTRY, code, sender=PROVINCE, number="77"), "status")
            assert sent["status"] == "OK", sent
        await site.start()
        await site.until(f"SELECT 1 WHERE (SELECT COUNT(acknowledged_at) FROM offer) = {len(codes)}")
        lines = site.rows("SELECT state, business_status FROM delivery WHERE peer_ref IS NOT NULL")
        assert lines == [("acknowledged", "06")]
        assert sorted(row[0] for row in site.rows("SELECT code FROM status")) == sorted(codes)
        called = [
            line for line in site.axis.journal() if isinstance(line, Called) and "out_of_order" in line.faults
        ]
        assert called
