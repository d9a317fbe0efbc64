"""Documents whose fate at the axis nobody knows: two copies at most go out by themselves, whatever it does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.simulate.axis.journal import Taken
from tests.journeys.axis_site import SYSTEM, AxisSite, axis_site
from tests.journeys.installation import MINISTRY, PROVINCE
from tests.journeys.messages import document


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[AxisSite]:
    async with axis_site(tmp_path, pki_folder, poll_seconds=0.2, timeout_seconds=2, lag_seconds=0) as made:
        yield made


def copies(site: AxisSite) -> int:
    return sum(1 for line in site.axis.journal() if isinstance(line, Taken) and line.system == SYSTEM)


_TRIES = (
    "SELECT a.outcome, COALESCE(a.peer ->> 'inquiry', ''), COALESCE(a.peer ->> 'possible_duplicate', 0)"
    " FROM attempt AS a ORDER BY a.started_at"
)


@pytest.mark.parametrize("restarts", [False, True], ids=["in one go", "over restarts"])
async def test_axis_that_lists_nothing_and_loses_every_answer_gets_two_copies(
    site: AxisSite, *, restarts: bool
) -> None:
    """One, two questions, one marked repetition, two questions; then a person decides, and may send it anew."""
    await site.axis.order("cut_after", operations=["sendEdoc"])
    await site.axis.order("empty", operations=["getSentEdocList"])
    await site.start()
    async with site.client(PROVINCE) as province:
        (line,) = (await province.submit(document(PROVINCE, [MINISTRY], number="601"))).deliveries
    if restarts:
        for tries in (1, 3, 4):
            await site.until("SELECT 1 WHERE (SELECT COUNT(outcome) FROM attempt) >= ?", tries)
            await site.stop()
            await site.start()
    await site.until("SELECT 1 FROM delivery WHERE id = ? AND state = 'held'", line.id)
    assert site.rows("SELECT reason FROM delivery WHERE id = ?", line.id) == [("outcome_untraced",)]
    assert site.rows(_TRIES) == [
        ("unknown", "", 0),
        ("unknown", "none", 0),
        ("unknown", "", 1),
        ("unknown", "none", 0),
        ("unknown", "none", 0),
    ]
    assert copies(site) == 2
    await site.axis.calm()
    code, out = await site.command("release", line.id, "--reason", "the axis's operator has neither copy")
    assert code == 0, out
    await site.until("SELECT 1 FROM delivery WHERE id = ? AND state = 'relayed'", line.id)
    assert copies(site) == 3


async def test_axis_whose_clock_is_slow_gets_one_copy_and_its_offset_is_shown(site: AxisSite) -> None:
    """Its own line of the document looks ten minutes older than the doubt."""
    await site.axis.order("clock_skew", offset=-600)
    await site.axis.order("cut_after", operations=["sendEdoc"], calls=1)
    await site.start()
    async with site.client(PROVINCE) as province:
        (line,) = (await province.submit(document(PROVINCE, [MINISTRY], number="602"))).deliveries
    await site.until("SELECT 1 FROM delivery WHERE id = ? AND state = 'relayed'", line.id)
    assert copies(site) == 1
    (told,) = re.findall(r'gateway_peer_clock_offset_seconds{endpoint="axis"} (\S+)', await site.metrics())
    assert abs(float(told) + 600) < 60
    code, out = await site.command("doctor", "axis")
    assert ("differs by -" in out, code) == (True, 0), out
