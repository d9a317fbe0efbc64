"""A bundle has room for so many entries: what would not fit is refused before anything is written."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.bundle.container import Container
from gateway.bundle.format import MAX_ENTRIES
from gateway.cli import main
from tests.journeys.installation import Installation
from tests.journeys.tampering import database
from tests.journeys.test_bundles import site
from tests.journeys.test_log import sent, signed

__all__ = ["site"]


async def test_more_verdicts_than_a_bundle_holds_are_refused_before_it_is_written(
    site: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is an entry; one that is over the format's most would make a file that no verifier opens."""
    config = ["--config", str(site.folder / "config.toml")]
    async with site.running():
        message_id = await sent(site)
        await signed(site)
    out = tmp_path / "a.asice"
    row = "INSERT INTO verdict SELECT ?, value, 'PASSED', 1, printf('%064x', value), CAST('{}' AS BLOB)"
    for first, last, code in ((1, MAX_ENTRIES - 1000, 0), (MAX_ENTRIES - 999, MAX_ENTRIES, 1)):
        with database(site.settings.storage.folder) as connection:
            numbers = "WITH RECURSIVE n (value) AS (SELECT ? UNION ALL SELECT value + 1 FROM n WHERE value < ?)"
            connection.execute(f"{numbers} {row} FROM n", (first, last, message_id))
        async with site.running():
            found = await asyncio.to_thread(main, [*config, "export", message_id, "--out", str(out)])
        told = capsys.readouterr().err
        assert (found == 0) == (code == 0), told
        if code:
            assert "bundle_too_large" in told
            assert "verdicts: too many for one bundle" in told
            assert not out.exists()
        else:
            container = Container.open(out)
            assert not container.faults
            assert len([name for name in container.entries if "/verdicts/" in name]) >= last
            out.unlink()
