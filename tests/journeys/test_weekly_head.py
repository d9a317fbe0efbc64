"""The log's head as an ordinary document: once a week, to those who are named, whatever crashes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.clock import SystemClock
from gateway.config.values import Codes
from gateway.ledger.heads import fingerprint_of, week_of
from gateway.maintenance.heads import WeeklyHead
from gateway.transparency.checkpoint import opened
from gateway.transparency.keys import Cosigner, LogSigner, new_key, read_key, read_vkeys
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.test_log import sent, signed
from tests.witness.histories import History


class Ahead(SystemClock):
    """The real time, a week later."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=7)


async def site_of(tmp_path: Path, pki_folder: Path, more: str) -> Installation:
    folder = tmp_path / "site"
    folder.mkdir()
    return await prepare(folder, pki_folder, more=f"[log]\n{more}\n")


async def count(site: Installation) -> int:
    """Heads in the commune's inbox."""
    async with site.client(COMMUNE) as client:
        return sum(item.notation == "MOC-NHAT-KY" for item in (await client.inbox()).items)


async def test_head_goes_out_once_a_week(
    tmp_path: Path, pki_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Accepted like any other, by whichever start asks first; next week again. The file is held against the log."""
    site = await site_of(tmp_path, pki_folder, f'head_to = ["{PROVINCE}", "{COMMUNE}"]')
    config = ["--config", str(site.folder / "config.toml")]
    async with site.running() as app:
        await signed(site)
        base = app.foundation
        starts = [WeeklyHead(base, app.gateway.journey, app.metrics) for _ in range(3)]
        await asyncio.gather(*(each.run_once() for each in starts))  # none knows of the others, as after a crash
        await starts[0].run_once()
        assert await count(site) == 1
        async with site.client(COMMUNE) as client:
            (item,) = (await client.inbox()).items
            note = await client.attachment(item.id, 1)
        checkpoint, _ = opened(note, read_vkeys(site.pki.log_vkey.read_bytes()))
        await sent(site)
        await signed(site)
        later = WeeklyHead(replace(base, clock=Ahead()), app.gateway.journey, app.metrics)
        await later.run_once()
        await later.run_once()
        assert await count(site) == 2
    kept = tmp_path / "kept.note"
    kept.write_bytes(note)
    capsys.readouterr()
    assert await asyncio.to_thread(main, [*config, "log", "compare", str(kept)]) == 0
    assert f"{checkpoint.size} leaves" in capsys.readouterr().out
    assert await asyncio.to_thread(main, [*config, "log", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["head"] == item.message_id
    key = await asyncio.to_thread(site.pki.log_key.read_bytes)
    fork = History(LogSigner(checkpoint.origin, read_key(key)), History.of(3).hashes)
    for wrong, told in (
        (bytes(fork.note(3)), "have the root"),
        (note.replace(b"\n\n", b"\nx\n\n"), "does not hold"),
    ):
        kept.write_bytes(wrong)
        assert await asyncio.to_thread(main, [*config, "log", "compare", str(kept)]) == 1
        assert told in capsys.readouterr().out


async def test_head_that_is_refused_is_told_and_tried_again(tmp_path: Path, pki_folder: Path) -> None:
    """A recipient that nobody knows: a metric, nothing sent, no failure of anything else."""
    site = await site_of(tmp_path, pki_folder, f'head_to = ["{COMMUNE}", "999.99.99.H99"]')
    async with site.running() as app:
        await signed(site)
        duty = WeeklyHead(app.foundation, app.gateway.journey, app.metrics)
        for _ in range(2):
            await duty.run_once()
        assert app.metrics.registry.get_sample_value("gateway_log_head_failing") == 1
        settings = app.foundation.settings
        nobody = replace(settings, log=replace(settings.log, head_to=Codes(())))
        await WeeklyHead(replace(app.foundation, settings=nobody), app.gateway.journey, app.metrics).run_once()
        assert app.metrics.registry.get_sample_value("gateway_log_head_failing") == 0
        assert await count(site) == 0


async def test_head_waits_for_witnesses_and_not_for_ever(tmp_path: Path, pki_folder: Path) -> None:
    """Six hours for a quorum that is away; then it goes out with what there is."""
    witness = Cosigner("w.vn/w", read_key(new_key()), lambda: 0).verifier
    site = await site_of(
        tmp_path, pki_folder, f'head_to = ["{COMMUNE}"]\nwitnesses = ["https://localhost:1/ {witness}"]'
    )
    async with site.running() as app:
        await signed(site)
        await WeeklyHead(app.foundation, app.gateway.journey, app.metrics).run_once()
        assert await count(site) == 0
        duty = WeeklyHead(app.foundation, app.gateway.journey, app.metrics)
        await duty.run_once()
        duty._waiting_since = SystemClock().now() - timedelta(hours=7)
        await duty.run_once()
        assert await count(site) == 1


@pytest.mark.parametrize(
    ("instant", "week"),
    [
        ("2026-11-29T23:59:00+00:00", "2026-W48"),  # Monday 06:59 in Vietnam
        ("2026-11-30T00:00:00+00:00", "2026-W49"),
        ("2027-01-03T12:00:00+00:00", "2026-W53"),
        ("2027-01-04T00:00:00+00:00", "2027-W01"),
    ],
)
def test_week_begins_on_monday_morning(instant: str, week: str) -> None:
    """ISO weeks, also where they cross a year."""
    assert week_of(datetime.fromisoformat(instant).astimezone(UTC)) == week
    assert fingerprint_of("a/log", week) != fingerprint_of("a/log/2", week)
