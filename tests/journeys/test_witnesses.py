"""A running gateway and a witness beside it: cosigned, exported, verified by who knows its key."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.foundation import database_of
from gateway.simulate.layout import free_ports
from gateway.transparency.checkpoint import opened
from gateway.transparency.keys import LogSigner, read_key, read_vkeys
from tests.journeys.installation import Installation, prepare
from tests.journeys.test_bundles import anchors_of, verified
from tests.journeys.test_log import fetch_readyz, fetching, report_of, sent, signed
from tests.witness.histories import History
from tests.witness.running import WitnessProcess


@pytest.fixture
async def witness(tmp_path: Path, pki_folder: Path) -> AsyncIterator[WitnessProcess]:
    """Running."""
    keys = read_vkeys((pki_folder / "log.vkey").read_bytes())
    process = WitnessProcess(tmp_path / "witness", free_ports(1)[0], keys)
    await process.start()
    try:
        yield process
    finally:
        await process.kill()


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path, witness: WitnessProcess) -> Installation:
    """Not running."""
    folder = tmp_path / "site"
    folder.mkdir()
    return await prepare(folder, pki_folder, more=f'[log]\nwitnesses = ["{witness.setting}"]\n')


async def test_evidence_carries_the_witness_and_a_silent_one_holds_up_nobody(
    site: Installation, witness: WitnessProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below /log/checkpoint, in the bundle, in what the commands say; and without it everything goes on."""
    config, anchors = ["--config", str(site.folder / "config.toml")], anchors_of(site, tmp_path / "anchors")
    (anchors / "witnesses.vkey").write_text(f"# quorum 1\n{witness.vkey}\n")
    keys = [*read_vkeys(site.pki.log_vkey.read_bytes()), witness.vkey]
    async with site.running() as app:
        cosigned = await sent(site)
        await signed(site)
        await app.witnessing.run_once()
        assert (await fetch_readyz(site))["details"]["witnesses"] == "cosigned by 1 of 1"
        async with fetching(site) as fetch:
            _, note = await fetch("/log/checkpoint")
        assert {each.name for each in opened(note, keys)[1]} == {each.name for each in keys}
        await witness.kill()
        alone = await sent(site, 2)
        await signed(site)
        await app.witnessing.run_once()
        assert "no answer" in app.witnessing.condition.words
        found = {}
        for message_id in (cosigned, alone):
            out = tmp_path / f"{message_id}.asice"
            assert await asyncio.to_thread(main, [*config, "export", message_id, "--out", str(out)]) == 0
            report = await asyncio.to_thread(verified, out, "--anchors", str(anchors))
            checks = report["checks"]
            assert isinstance(checks, list)
            found[message_id] = {each["name"]: each["verdict"] for each in checks}
        await signed(site)
        out = tmp_path / "again.asice"
        assert await asyncio.to_thread(main, [*config, "export", cosigned, "--out", str(out)]) == 0
        again = await asyncio.to_thread(verified, out, "--anchors", str(anchors))
    assert again["verdict"] == "PASSED", "that it was exported before waits for the witness"
    (pending,) = [each for each in again["checks"] if each["name"] == "leaves.pending"]  # type: ignore[attr-defined]
    assert "it speaks of the log's first" in pending["detail"]
    mine = f"log.witness.{witness.vkey.name}"
    assert (found[cosigned]["witnesses"], found[cosigned][mine]) == ("PASSED", "PASSED")
    assert (found[alone]["witnesses"], found[alone][mine]) == ("INDETERMINATE", "INDETERMINATE")
    capsys.readouterr()
    assert await asyncio.to_thread(main, [*config, "log", "show", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["witnesses"]
    assert told.startswith(f"{witness.vkey.name}: ")
    assert (await report_of(site)).ok
    with closing(sqlite3.connect(database_of(site.settings))) as connection:
        changed = "substr(line, 1, length(line) - 20) || 'AAAA' || substr(line, length(line) - 15)"
        connection.execute(f"UPDATE cosignature SET line = {changed}")
        connection.commit()
    assert [each.code for each in (await report_of(site)).findings] == ["checkpoint_cosignature"]


async def test_second_history_under_our_key_is_seen(
    site: Installation, witness: WitnessProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody with the log's key showed the witness another one: an alarm, an event, and documents go on."""
    signer = LogSigner(witness_origin(site), read_key(site.pki.log_key.read_bytes()))
    assert (await witness.post(History(signer, History.of(4).hashes).ask(0, 4)))[0] == 200
    async with site.running() as app:
        await sent(site)
        await signed(site)
        await app.witnessing.run_once()
        assert app.witnessing.condition.words.startswith("contradicted by")
        await sent(site, 2)
        await signed(site)
    config = ["--config", str(site.folder / "config.toml")]
    assert await asyncio.to_thread(main, [*config, "log", "show"]) == 1
    assert "CONTRADICTS" in capsys.readouterr().out


def witness_origin(site: Installation) -> str:
    """The log's name."""
    return read_vkeys(site.pki.log_vkey.read_bytes())[0].name
