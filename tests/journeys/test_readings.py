"""Who has read what, from the requests and commands to the record, the events and the bundle."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gateway.bundle.container import Container
from gateway.bundle.format import READINGS
from gateway.cli import main
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.test_bundles import anchors_of, verified
from tests.journeys.test_log import signed


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> Installation:
    """Not running."""
    folder = tmp_path / "site"
    folder.mkdir()
    return await prepare(folder, pki_folder)


async def run(site: Installation, *arguments: str) -> int:
    return await asyncio.to_thread(main, ["--config", str(site.folder / "config.toml"), *arguments])


async def told(site: Installation, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert await run(site, *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


async def test_every_way_of_reading_is_recorded(
    site: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lists once for what is new, opening and downloading each time; first times are leaves."""
    anchors = anchors_of(site, tmp_path / "anchors")
    async with site.running() as app, site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
        for _ in range(5):
            (item,) = (await commune.inbox(wait=5)).items
        await commune.item(item.id)
        for _ in range(3):
            await commune.content(item.id)
        await commune.attachment(item.id, 1)
        await commune.ack(item.id)
        await commune.content(item.id)
        await province.original(accepted.id)
        for _ in range(2):
            assert await run(site, "show", accepted.id) == 0
        await signed(site)
        assert await run(site, "log", "prove", accepted.id, "--out", str(tmp_path / "p")) == 0
        out = tmp_path / "a.asice"
        assert await run(site, "export", accepted.id, "--out", str(out)) == 0
        await app.gateway.mailbox.close()
        rows = await told(site, capsys, "reads", accepted.id)
        shown = await told(site, capsys, "show", accepted.id)
        lately = await told(site, capsys, "reads", "--agency", COMMUNE)
        assert await run(site, "fsck") == 0
    listed, *_ = [row for row in rows if row["act"] == "listed"]
    assert (listed["delivery"], listed["times"]) == (item.id, 1)
    counts = {(row["act"], row["part"], row["who"].split()[0]): row["times"] for row in rows}
    operator = next(row["who"] for row in rows if row["act"] == "shown")
    assert counts == {
        ("listed", "", COMMUNE): 1,
        ("opened", "", COMMUNE): 1,
        ("downloaded", "content", COMMUNE): 4,
        ("downloaded", "attachment 1", COMMUNE): 1,
        ("downloaded", "content", PROVINCE): 1,
        ("shown", "", operator): 2,
        ("proved", "", operator): 1,
        ("exported", "", operator): 1,
    }
    assert {row["act"] for row in lately} == {"opened", "downloaded"}
    kinds = Counter(event["event"] for event in shown["events"])
    assert (kinds["delivery.fetched"], kinds["document.read"], kinds["document.exported"]) == (1, 2, 1)
    assert [row["act"] for row in shown["read_by"]] == [row["act"] for row in rows]
    found = await asyncio.to_thread(verified, out, "--anchors", str(anchors))
    assert found["verdict"] == "PASSED", found["checks"]
    held = json.loads(Container.open(out).bytes_of(READINGS))
    assert {row["act"] for row in held["readings"]} == {"opened", "downloaded", "shown", "proved"}
    assert [row["delivery"] for row in held["listed"]] == [item.id]


async def test_stopped_server_records_exports_and_says_what_it_does_not(
    site: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A look at a stopped ledger needs no lock and leaves nothing; an export works on it, and is an event."""
    async with site.running(), site.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
    assert await run(site, "show", accepted.id) == 0
    assert "Not recorded who looks" in capsys.readouterr().err
    assert await run(site, "export", accepted.id, "--out", str(tmp_path / "a.asice")) == 0
    rows = await told(site, capsys, "reads", accepted.id)
    assert [row["act"] for row in rows] == ["exported"]


async def test_listings_follow_what_is_new_to_each_credential(site: Installation) -> None:
    """A row for what a list shows first, however often it is asked for; none where nothing is new."""
    async with site.running() as app, site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        for number in ("1", "2"):
            await province.submit(document(PROVINCE, [COMMUNE], number=number))
        for _ in range(3):
            assert len((await commune.inbox(limit=1)).items) == 1
        for _ in range(3):
            assert len((await commune.inbox()).items) == 2
        await province.inbox()
        await province.submit(document(PROVINCE, [COMMUNE], number="3"))
        await commune.inbox()
        await app.gateway.mailbox.close()
    with sqlite3.connect(site.settings.storage.folder / "gateway.sqlite") as connection:
        found = [json.loads(row[0]) for row in connection.execute("SELECT seqs FROM listing ORDER BY id")]
    assert found == [[1], [2], [3]]
