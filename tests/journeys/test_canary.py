"""A test document goes out by the axis and comes back: so the list is ours also when nothing else comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.directory.importer import import_agencies
from gateway.foundation import open_foundation
from gateway.simulate.axis.journal import Settled, Taken
from tests.journeys.axis_site import HOSTS, SYSTEM, AxisSite, axis_site
from tests.journeys.installation import COMMUNE, MINISTRY, OWN

TEST = "099.00.99.H33"
_CSV = f"organ_id,name,kind,endpoint\n{TEST},Mã thử kênh,agency,axis\n"
_CANARIES = "SELECT 1 FROM delivery WHERE recipient_code = ? AND state = ?"


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AxisSite]:
    monkeypatch.setitem(HOSTS, SYSTEM, (*HOSTS[SYSTEM], TEST))
    fast: dict[str, Any] = {
        "poll_seconds": 0.2,
        "poll_seconds_min": 0.05,
        "canary_minutes": 0.02,
        "canary_late_minutes": 0.05,
    }
    async with axis_site(tmp_path, pki_folder, canary_code=TEST, **fast) as made:
        async with open_foundation(made.installation.settings, purpose="setup") as base:
            now = datetime.now(UTC) - timedelta(hours=1)
            report = await import_agencies(
                base.directory, base.pump, base.readers, _CSV.encode(), actor="operator:test", now=now
            )
            assert report.applied, report
        yield made


def heard(site: AxisSite) -> list[str]:
    return [kind for (kind,) in site.rows("SELECT kind FROM event WHERE kind LIKE 'source.%' ORDER BY seq")]


async def test_test_documents_go_out_come_back_and_reach_nobody(site: AxisSite) -> None:
    """Recorded like others, each acknowledged; no inbox, no arrival that counts, no conflict."""
    await site.start()
    await site.until("SELECT 1 WHERE (SELECT COUNT(*) FROM delivery WHERE state = 'delivered') >= 3")
    await site.axis.wait("settled", system=SYSTEM, count=3)
    sent = {line.doc_id for line in site.axis.journal() if isinstance(line, Taken) and line.to == (TEST,)}
    assert len(sent) >= 3
    assert {line.status for line in site.axis.journal() if isinstance(line, Settled)} == {"done"}
    assert site.rows("SELECT DISTINCT recipient_code, in_inbox FROM delivery") == [(TEST, 0)]
    subjects = site.rows("SELECT DISTINCT subject, sender_code FROM message")
    assert [(subject[:10], sender) for subject, sender in subjects] == [("[THỬ KÊNH]", OWN)]
    assert site.rows("SELECT COUNT(*) FROM arrival") == [(0,)]
    kinds = {kind for (kind,) in site.rows("SELECT DISTINCT kind FROM event WHERE message_id IS NOT NULL")}
    assert {"document.accepted", "delivery.relayed", "delivery.delivered"} <= kinds
    assert not kinds & {"document.conflicted", "document.linked"}
    assert heard(site) == []
    _, out = await site.command("doctor", "axis")
    assert "last sent 20" in out
    assert "last back 20" in out
    code, out = await site.command("fsck", "--json")
    assert code == 0, out


async def test_one_that_does_not_come_back_makes_the_channel_silent_until_one_does(site: AxisSite) -> None:
    """Also after a restart, and whatever else comes; told once, alarmed like a list that is too quiet."""
    frozen = await site.axis.order("frozen", operations=["getReceivedEdocList"], system=SYSTEM)
    await site.start()
    await site.until("SELECT 1 FROM event WHERE kind = 'source.silenced'")
    assert (await site.ready())["details"]["sources"] == {"axis": "silent"}
    assert 'gateway_source_silent{endpoint="axis"} 1.0' in await site.metrics()
    _, out = await site.command("doctor", "axis", "--json")
    assert all(f'"{code}"' in out for code in ("canary_missing", "source_silent")), out
    await site.stop()
    await site.axis.calm(frozen)
    hidden = await site.axis.order("unfetchable", operations=["getEdoc", "downloadEdoc"], system=SYSTEM)
    await site.start()
    await site.axis.send(MINISTRY, [COMMUNE])
    await site.until("SELECT 1 FROM offer WHERE recipient_codes LIKE ?", f"%{COMMUNE}%")
    assert heard(site) == ["source.silenced"]
    await site.axis.calm(hidden)
    await site.until("SELECT 1 FROM event WHERE kind = 'source.heard'")
    await site.until(_CANARIES, TEST, "delivered")
    assert heard(site)[:2] == ["source.silenced", "source.heard"]


async def test_code_that_is_not_behind_the_channel_gets_none_and_the_list_is_read_on(site: AxisSite) -> None:
    """The doctor says that none ever went out; a setting that is no number is told like every other."""
    await site.configure(canary_code=COMMUNE)
    await site.start()
    await site.axis.send(MINISTRY, [COMMUNE])
    await site.axis.wait("settled", system=SYSTEM, count=1)
    assert site.rows("SELECT COUNT(*) FROM message WHERE sender_code = ?", OWN) == [(0,)]
    _, out = await site.command("doctor", "axis")
    assert "last sent never" in out
    await site.stop()
    await site.configure(canary_code=TEST, canary_minutes="often")
    await site.start()
    await site.until(
        "SELECT 1 FROM source WHERE reason = 'source_misconfigured' AND detail LIKE '%canary_minutes%'"
    )
