"""The axis's catalogue in the running gateway: the nightly duty, the command, who waits for whom, searches."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Application
from gateway.cli import main
from gateway.config import settings as config
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.errors import ConfigError
from gateway.foundation import Foundation
from gateway.maintenance.syncer import CatalogueSyncer
from tests.axis_lab import H33, AxisLab, running_axis
from tests.journeys.installation import COMMUNE, Installation

AGENCIES = 2000


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[AxisLab]:
    """With two thousand agencies."""
    async with running_axis(tmp_path / "a", agencies=AGENCIES) as running:
        yield running


@asynccontextmanager
async def connected(installation: Installation, axis: AxisLab, **settings: object) -> AsyncIterator[Application]:
    """The gateway, its relay's channel leading to the axis."""
    secret = installation.settings.storage.secrets / "axis"
    secret.parent.mkdir(mode=0o700, exist_ok=True)
    secret.touch(0o600)
    secret.write_bytes(axis.secret_files[H33].read_bytes())
    async with installation.running() as app:
        await configure(app.foundation, axis, **settings)
        yield app


async def configure(base: Foundation, axis: AxisLab, **settings: object) -> None:
    """Where the axis is."""
    given: dict[str, object] = {
        "source_url": axis.url,
        "source_system_id": H33,
        "source_secret_file": "axis",
        "source_anchors_file": str(axis.anchors),
        "source": "",
    }
    change = UpsertEndpoint(
        name="axis",
        kind="vxp",
        settings=given | settings,
        is_relay=True,
        actor="operator:test",
        now=base.clock.now(),
    )
    await base.directory.apply(base.pump, UpsertEndpointOperation(), change)


async def run(installation: Installation, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """The command, as a script uses it."""
    given = ["--config", str(installation.folder / "config.toml"), "agencies", "sync", "axis", "--json", *arguments]
    code = await asyncio.to_thread(main, given)
    out = capsys.readouterr().out
    return code, json.loads(out) if out else None


async def test_command_takes_the_catalogue_in_and_searches_find_it(
    installation: Installation, axis: AxisLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ours stay ours; the others are reached through the relay; REST finds them with and without diacritics."""
    async with connected(installation, axis) as app:
        before = (await app.foundation.directory.resolve([COMMUNE], app.foundation.clock.now()))[COMMUNE]
        code, report = await run(installation, capsys)
        assert (code, report["outcome"], report["counts"]["agencies"]) == (0, "applied", AGENCIES)
        assert report["counts"]["created"] + report["counts"]["kept"] == AGENCIES
        assert report["counts"]["kept"] >= 2  # the province and the ministry are known here
        directory, now = app.foundation.directory, app.foundation.clock.now()
        assert (await directory.resolve([COMMUNE], now))[COMMUNE] == before
        learnt = (await directory.resolve(["H41.02"], now))["H41.02"]
        assert learnt.endpoint is not None
        assert learnt.endpoint.name == "axis"
        async with installation.client(COMMUNE) as client:
            for words in ("so tu phap nghe an", "Sở Tư pháp Nghệ An", "H41.02"):
                found = await client.agencies(words)
                assert found.items[0].id == learnt.id
        code, report = await run(installation, capsys)
        assert (code, report["outcome"]) == (0, "unchanged")
        told = await axis.change_catalogue(rename=3, add=2, delete=4, seed=5)
        code, report = await run(installation, capsys, "--dry-run")
        assert (code, report["outcome"], report["held"]) == (0, "dry_run", False)
        code, report = await run(installation, capsys)
        counts = report["counts"]
        assert (counts["created"], counts["changed"], counts["closed"]) == (2, 3, 4)
        gone = (await directory.resolve([told["codes"][-1]], app.foundation.clock.now()))[told["codes"][-1]]
        assert gone.closed_at is not None


async def test_show_tells_whose_an_agency_is(
    installation: Installation, axis: AxisLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """The catalogue's, the catalogue's but changed here and therefore kept, or ours alone."""

    async def whose(code: str) -> str | None:
        given = ["--config", str(installation.folder / "config.toml"), "agencies", "show", code, "--json"]
        assert await asyncio.to_thread(main, given) == 0
        told: str | None = json.loads(capsys.readouterr().out)["catalogue"]
        return told

    async with connected(installation, axis):
        await run(installation, capsys)
        assert (await whose("H41"), await whose(COMMUNE)) == ("axis", None)
        given = ["--config", str(installation.folder / "config.toml"), "agencies", "route", "H41", "commune"]
        assert await asyncio.to_thread(main, [*given, "--reason", "thử"]) == 0
        capsys.readouterr()
        assert await whose("H41") == "axis, changed here and kept"


async def test_catalogue_that_lost_half_is_held_until_accepted(
    installation: Installation, axis: AxisLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code tells scripts; only the digest that was looked at, and a reason, let it through."""
    async with connected(installation, axis) as app:
        assert (await run(installation, capsys))[0] == 0
        await axis.change_catalogue(delete=AGENCIES // 2, seed=5)
        code, report = await run(installation, capsys)
        assert (code, report["outcome"]) == (1, "held")
        code, _ = await run(installation, capsys, "--accept", report["digest"][:12])
        assert code == 1
        code, _ = await run(installation, capsys, "--accept", "0" * 12, "--reason", "sáp nhập tỉnh")
        assert code == 1
        code, report = await run(
            installation, capsys, "--accept", report["digest"][:12], "--reason", "sáp nhập tỉnh"
        )
        assert (code, report["outcome"], report["counts"]["closed"] > 900) == (0, "applied", True)
        assert await app.foundation.readers.fetch("catalogue_list_states") != []


async def test_command_works_without_the_server_and_tells_what_is_wrong(
    installation: Installation, axis: AxisLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same act on the data folder; an axis at fault is exit code 1 and a sentence."""
    async with connected(installation, axis):
        pass
    assert (await run(installation, capsys))[0] == 0
    await axis.order("empty")
    given = ["--config", str(installation.folder / "config.toml"), "agencies", "sync", "axis"]
    assert await asyncio.to_thread(main, given) == 1
    assert "peer_reply_invalid" in capsys.readouterr().err
    await axis.calm()
    assert await asyncio.to_thread(main, given) == 0
    assert "nothing has changed" in capsys.readouterr().out
    given[-1] = "commune"
    assert await asyncio.to_thread(main, given) == 1
    assert "catalogue" in capsys.readouterr().err


@pytest.mark.parametrize("point", ["pump.commit.before", "pump.commit.after"])
async def test_killed_in_the_middle_it_goes_on_where_it_stopped(
    installation: Installation, axis: AxisLab, capsys: pytest.CaptureFixture[str], point: str
) -> None:
    """The directory is whole in between, and what was left is not held for being new."""
    async with connected(installation, axis):
        pass
    path = str(installation.folder / "config.toml")
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--config", path, "agencies", "sync", "axis",
        env=os.environ | {"GATEWAY_FAILPOINTS": f"{point}=kill:4"},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await killed.wait() == -signal.SIGKILL
    assert await asyncio.to_thread(main, ["--config", path, "fsck"]) == 0
    capsys.readouterr()
    code, report = await run(installation, capsys)
    counts = report["counts"]
    assert (code, report["outcome"], 0 < counts["unchanged"] < AGENCIES) == (0, "applied", True)
    assert counts["created"] + counts["unchanged"] + counts["kept"] == AGENCIES
    assert (await run(installation, capsys))[1]["outcome"] == "unchanged"


async def test_duty_runs_once_a_night_for_channels_that_ask_for_it(
    installation: Installation, axis: AxisLab
) -> None:
    """A channel without the setting is left alone; a fault is tried again an hour later; a held one waits."""
    async with connected(installation, axis) as app:
        syncer = CatalogueSyncer(app.foundation, app.metrics)
        await syncer.run_once()
        assert axis.journal() == []
        await configure(app.foundation, axis, catalogue="vxp")
        await axis.order("html", calls=1)
        await syncer.run_once()
        assert app.metrics.catalogue_synced_at.labels("axis")._value.get() == 0
        await syncer.run_once()  # within the hour
        assert app.metrics.catalogue_synced_at.labels("axis")._value.get() == 0
        again = CatalogueSyncer(app.foundation, app.metrics)
        await again.run_once()
        assert app.metrics.catalogue_synced_at.labels("axis")._value.get() > 0
        calls = len(axis.journal())
        await CatalogueSyncer(app.foundation, app.metrics).run_once()  # after a restart
        assert len(axis.journal()) == calls


async def test_held_catalogue_is_seen_in_the_metrics_until_somebody_accepts_it(
    installation: Installation, axis: AxisLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """The alert stands on it; the duty does not try again before the next night."""
    async with connected(installation, axis, catalogue="vxp") as app:
        held = app.metrics.catalogue_held.labels("axis")._value
        assert (await run(installation, capsys))[0] == 0
        await axis.change_catalogue(delete=AGENCIES // 2, seed=5)
        code, report = await run(installation, capsys)
        syncer = CatalogueSyncer(app.foundation, app.metrics)
        await syncer.run_once()
        assert (code, held.get()) == (1, 1)
        accept = ("--accept", report["digest"][:12], "--reason", "sáp nhập tỉnh")
        assert (await run(installation, capsys, *accept))[0] == 0
        await syncer.run_once()
        assert held.get() == 0


async def test_hour_that_is_none_refuses_to_start(installation: Installation) -> None:
    """A setting that cannot be meant is told at once."""
    path = installation.folder / "config.toml"
    path.write_text(path.read_text() + "\n[directory]\nsync_hour = 24\n")
    installation.settings = config.load(path)
    with pytest.raises(ConfigError, match="sync_hour"):
        async with installation.running():
            pass
