"""Shadow mode beside today's scripts: we list and get, they go on; nothing of ours ever acknowledges."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.admin.directory import ConfigureEndpoint, configure_endpoint
from gateway.app import Application
from gateway.cli import main
from gateway.errors import ProblemError
from gateway.maintenance.watcher import Watcher
from gateway.simulate.axis.journal import Called
from gateway.storage.driver import choose_driver
from tests.axis_lab import H33, AxisLab, running_axis
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import document, status
from tests.journeys.scripts import Scripts, acknowledged, asked_by_us, offer

MORE = '[cutover]\nserved_by = "shadow"\npoll_every = "1h"\n'
READ_ONLY = {"getReceivedEdocList", "getEdoc", "downloadEdoc"}


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[AxisLab]:
    """An axis in a process of its own."""
    async with running_axis(tmp_path) as lab:
        yield lab


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path, axis: AxisLab) -> AsyncIterator[Installation]:
    """An installation all of whose agencies are in shadow, and whose server runs."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder, more=MORE)
    (folder / "secrets" / "axis").write_bytes(axis.secret_files[H33].read_bytes())
    async with made.running() as app:
        await looks_at(app, axis)
        yield made


async def looks_at(app: Application, axis: AxisLab) -> None:
    settings: dict[str, str | int | float | bool] = {
        "source": "vxp",
        "source_url": axis.url,
        "source_system_id": H33,
        "source_secret_file": "axis",
        "source_anchors_file": str(axis.anchors),
    }
    await configure_endpoint(app, ConfigureEndpoint(name="axis", settings=settings, reason="look"), "operator:test")


def watcher(made: Installation) -> Watcher:
    assert made.app is not None
    return made.app.watcher


async def run(made: Installation, *arguments: str) -> int:
    """The command, beside the server in this process."""
    return await asyncio.to_thread(main, ["--config", str(made.folder / "config.toml"), *arguments])


async def report(made: Installation, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    await run(made, "shadow", "report", "--json", *arguments)
    return json.loads(capsys.readouterr().out)


def rows(made: Installation, sql: str, *params: object) -> list[tuple[Any, ...]]:
    """What the database holds; by the server's own SQLite, since two in one process undo each other's locks."""
    connect = choose_driver(allow_affected_sqlite=True).module.connect
    with closing(connect(f"file:{made.settings.storage.folder}/gateway.sqlite?mode=ro", uri=True)) as found:
        listed: list[tuple[Any, ...]] = found.execute(sql, params).fetchall()
        return listed


def agency(told: Any, code: str) -> Any:
    return next(each for each in told["agencies"] if each["organ_id"] == code)


async def test_shadow_sees_what_the_scripts_see_and_acknowledges_nothing(
    site: Installation, axis: AxisLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All is fetched and judged, the scripts take all of it, and the axis never heard more than list and get."""
    unknown = "999.99.99.H33"
    report_of_77 = status(MINISTRY, "03", sender=PROVINCE, number="77")
    waiting = [
        await offer(axis, document(MINISTRY, [COMMUNE], number="1"), sender=MINISTRY, to=[COMMUNE]),
        await offer(
            axis, document(MINISTRY, [COMMUNE, PROVINCE, unknown], number="2"), sender=MINISTRY, to=[COMMUNE]
        ),
        await offer(axis, b"<khong-phai/>", sender=MINISTRY, to=[COMMUNE]),
        # one office of the province to another, by the scripts: the axis brings it, though both are ours
        await offer(axis, document(PROVINCE, [COMMUNE], number="4"), sender=PROVINCE, to=[COMMUNE]),
        await offer(axis, report_of_77, sender=MINISTRY, to=[PROVINCE], kind="status"),
    ]
    duty, scripts = watcher(site), Scripts(axis=axis)
    await duty.run_once()
    taken = await scripts.take()
    assert taken == waiting
    between = await offer(axis, document(MINISTRY, [COMMUNE], number="5"), sender=MINISTRY, to=[COMMUNE])
    taken += await scripts.take()  # between two of our looks
    await duty.run_once()

    assert asked_by_us(axis) <= READ_ONLY
    assert {line.outcome for line in axis.journal() if isinstance(line, Called)} == {"OK"}
    assert acknowledged(axis) == dict.fromkeys(taken, "done")

    (tmp_path / "taken.txt").write_text("\n".join(taken))
    told = await report(site, capsys, "--scripts", str(tmp_path / "taken.txt"))
    commune = agency(told, COMMUNE)
    assert (commune["seen"], commune["fetched"], commune["routable"]) == (4, 4, 3)
    assert commune["refused"] == {"not_edxml": 1}
    assert commune["taken_by_scripts"] == 4
    assert agency(told, PROVINCE)["parked"] == {"status_document_unknown": 1}
    assert told["unknown_recipients"] == {unknown: 1}
    assert told["never_seen"] == [between]
    assert (told["sources"][0]["polls"], told["sources"][0]["failed_polls"]) == (2, 0)
    assert agency(told, PUSHED)["against"] == ["nothing_seen", "documents_never_seen"]
    assert await run(site, "shadow", "report", COMMUNE) == 1

    assert site.app is not None
    base = site.app.foundation
    assert (await base.readers.fetch("ledger_count_all"))[0][:3] == (0, 0, 0)  # no document, status, delivery
    kept = rows(site, "SELECT sha256, size FROM offer")
    assert len(kept) == 5
    for digest, size in kept:
        assert (await base.bodies.open(digest)).size == size
        assert await base.bodies.verify(digest)


async def test_outage_is_never_an_empty_list(
    site: Installation, axis: AxisLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """A proxy's page instead of the list: no offer goes, the outage is told, and the next list ends it."""
    await offer(axis, document(MINISTRY, [COMMUNE]), sender=MINISTRY, to=[COMMUNE])
    duty = watcher(site)
    await duty.run_once()
    await axis.order("html", operations=["getReceivedEdocList"], http_status=200)
    await duty.run_once()
    await duty.run_once()
    source = (await report(site, capsys))["sources"][0]
    assert (source["failed_polls"], source["reason"]) == (2, "peer_reply_invalid")
    assert agency(await report(site, capsys), COMMUNE)["waiting"] == 1
    await axis.calm()
    await duty.run_once()
    source = (await report(site, capsys))["sources"][0]
    assert (source["polls"], source["failed_polls"], source["reason"]) == (4, 2, "")
    kinds = rows(site, "SELECT kind FROM event WHERE kind LIKE 'source.%' ORDER BY seq")
    assert kinds == [("source.closed",), ("source.opened",)]


async def test_agency_left_to_the_scripts_is_not_looked_at(site: Installation, axis: AxisLab) -> None:
    """What is for an agency in state `scripts` alone is listed, and its content never fetched."""
    assert await run(site, "cutover", "return", COMMUNE, "--because", "not yet agreed") == 0
    await offer(axis, document(MINISTRY, [COMMUNE]), sender=MINISTRY, to=[COMMUNE])
    await watcher(site).run_once()
    assert "getEdoc" not in asked_by_us(axis)


async def test_submission_of_an_agency_in_shadow_is_refused_with_the_reason(site: Installation) -> None:
    """It would reach nobody who looks: its documents still go by the scripts."""
    async with site.client(PROVINCE) as province:
        with pytest.raises(ProblemError) as caught:
            await province.submit(document(PROVINCE, [COMMUNE]))
    assert caught.value.code == "sender_served_elsewhere"
