"""After an outage: the most urgent of the whole list first, at the rate that the channel says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from gateway.clock import micros
from gateway.simulate.axis.journal import Called, Handed
from tests.journeys.axis_site import SYSTEM, AxisSite, axis_site
from tests.journeys.installation import COMMUNE, MINISTRY

#: More than a look once fetched before it accepted.
_WAITING = 210
_RATE = 35


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[AxisSite]:
    async with axis_site(tmp_path, pki_folder, poll_seconds=0.2, poll_seconds_min=0.05) as made:
        yield made


async def test_urgent_entry_at_the_end_of_a_long_list_is_accepted_among_the_first(site: AxisSite) -> None:
    """Fetching runs ahead of the rate, which holds for what is accepted: so many a second and no more."""
    await site.configure(poll_rate=_RATE)
    await site.axis.send(MINISTRY, [COMMUNE], count=_WAITING, size=4000)
    (urgent,) = await site.axis.send(MINISTRY, [COMMUNE], priority=3, first_number=9000, size=4000)
    await site.start()
    await site.until(f"SELECT 1 WHERE (SELECT COUNT(*) FROM message) = {_WAITING + 1}", seconds=60)
    accepted = site.rows("SELECT sha256, accepted_at FROM message ORDER BY accepted_at, rowid")
    place = [row[0] for row in accepted].index(urgent["sha256"])
    (asked_at,) = [line.at for line in _fetches(site) if line.doc == urgent["entries"][0]["doc_id"]]
    before = sum(row[1] < micros(datetime.fromisoformat(asked_at)) for row in accepted)
    assert before < _WAITING * 3 / 4, "fetching runs ahead, as fast as this machine may be"
    assert place < before + _WAITING / 4, (place, before)
    seconds = (accepted[-1][1] - accepted[0][1]) / 1_000_000
    assert seconds >= 0.9 * _WAITING / _RATE, seconds
    await site.axis.wait("settled", system=SYSTEM, count=_WAITING + 1)
    handed = [line.doc_id for line in site.axis.journal() if isinstance(line, Handed)]
    assert len(handed) == len(set(handed)) == _WAITING + 1


async def test_rate_of_fetches_holds_for_what_loads_the_axis(site: AxisSite) -> None:
    """However many may be fetched side by side."""
    await site.configure(poll_fetch_rate=10)
    await site.axis.send(MINISTRY, [COMMUNE], count=21, size=4000)
    await site.start()
    await site.axis.wait("settled", system=SYSTEM, count=21)
    times = [datetime.fromisoformat(line.at) for line in _fetches(site)]
    assert (max(times) - min(times)).total_seconds() >= 1.7


def _fetches(site: AxisSite) -> list[Called]:
    return [line for line in site.axis.journal() if isinstance(line, Called) and line.operation == "getEdoc"]
