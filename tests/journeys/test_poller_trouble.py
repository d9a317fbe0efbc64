"""One entry that the axis never gets out: it looks like an outage, and must not become one for the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from adapters.vxp.reader import VxpSource, Write
from gateway.errors import SourceError
from gateway.simulate.axis.journal import Settled
from tests.journeys.axis_site import SYSTEM, axis_site
from tests.journeys.installation import COMMUNE, MINISTRY


async def test_entry_that_always_times_out_keeps_no_other_from_being_accepted(
    tmp_path: Path, pki_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a proxy does that gives up on one huge document: what was fetched beside it is accepted."""
    async with axis_site(tmp_path, pki_folder, poll_seconds=0.1, poll_seconds_min=0.05) as site:
        bad = str((await site.axis.put(SYSTEM, b"<never/>"))["doc_id"])
        await site.axis.send(MINISTRY, [COMMUNE], count=5)
        fetch = VxpSource.fetch

        async def fetched(self: VxpSource, ref: str, write: Write) -> None:
            if ref == bad:
                await asyncio.sleep(0.5)
                raise SourceError("peer_timeout")
            await fetch(self, ref, write)

        monkeypatch.setattr(VxpSource, "fetch", fetched)
        async with site.installation.running():
            await site.until("SELECT 1 FROM offer WHERE ref = ? AND failures > 1", bad)
            await site.axis.send(MINISTRY, [COMMUNE], count=2, first_number=100)
            await site.until("SELECT 1 WHERE (SELECT COUNT(acknowledged_at) FROM offer) = 7")
        assert site.rows("SELECT COUNT(*) FROM message") == [(7,)]
        assert len({line.doc_id for line in site.axis.journal() if isinstance(line, Settled)}) == 7
