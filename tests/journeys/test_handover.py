"""A whole ledger that ends and is taken over by another gateway: verified in full first, found afterwards."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.commands.acting import open_for_reading
from gateway.events import Event
from gateway.ledger.handovers import HandoverReads
from tests.journeys.installation import COMMUNE, OWN, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.months import close_month
from tests.journeys.test_bundles import anchors_of, verified
from tests.journeys.test_log import report_of, signed


@dataclass(frozen=True, kw_only=True)
class Handed:
    """A ledger that has ended."""

    site: Installation
    folder: Path
    anchors: Path
    #: A document of the closed month, and its bundle of before.
    message: str
    bundle: Path

    @property
    def config(self) -> list[str]:
        return ["--config", str(self.site.folder / "config.toml")]


async def ended(folder: Path, pki_folder: Path) -> Handed:
    """A month is closed, something more comes, then it ends."""
    (folder / "old").mkdir()
    site = await prepare(folder / "old", pki_folder)
    config, out = ["--config", str(site.folder / "config.toml")], folder / "handed"
    bundle = folder / "before.asice"
    async with site.running():
        async with site.client(PROVINCE) as client:
            message = (await client.submit(document(PROVINCE, [COMMUNE], number="71"))).id
            await close_month(site)
            await client.submit(document(PROVINCE, [COMMUNE], number="72"))
        await signed(site)
        assert await asyncio.to_thread(main, [*config, "export", message, "--out", str(bundle)]) == 0
        make = [*config, "handover", "make", "--to", OWN, "--out", str(out), "--reason", "merger"]
        assert await asyncio.to_thread(main, make) == 3, "the server runs"
    assert await asyncio.to_thread(main, [*make, "--copy"]) == 0
    anchors = anchors_of(site, folder / "anchors")
    return Handed(site=site, folder=out, anchors=anchors, message=message, bundle=bundle)


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> Handed:
    """Made once; tests copy it."""
    return asyncio.run(ended(tmp_path_factory.mktemp("handover"), pki_folder))


def test_ended_ledger_is_whole_and_never_opened_again(handed: Handed, capsys: pytest.CaptureFixture[str]) -> None:
    """Two archives, two open deliveries, a copy of the data folder; its bundles go on verifying."""
    told = json.loads((handed.folder / "handover.json").read_text())
    assert [each["name"].startswith("ledger-") for each in told["archives"]] == [True, True]
    assert told["archives"][-1]["until"] == told["size"]
    assert (told["open"], told["successor"]) == (2, OWN)
    assert len((handed.folder / "open.jsonl").read_text().splitlines()) == 2
    assert (handed.folder / "copy" / "copies" / told["copy"] / "gateway.sqlite").exists()
    assert main([*handed.config, "log", "declare", "--reason", "on it goes"]) == 3
    assert "handed over" in capsys.readouterr().err
    assert verified(handed.bundle, "--anchors", str(handed.anchors))["verdict"] == "PASSED"


def findings(
    handed: Handed, folder: Path, capsys: pytest.CaptureFixture[str], *, code: int = 1
) -> dict[str, dict[str, Any]]:
    """Of a folder, by the check's name."""
    capsys.readouterr()
    verify = [*handed.config, "handover", "verify", str(folder), "--anchors", str(handed.anchors), "--json"]
    assert main(verify) == code
    report = json.loads(capsys.readouterr().out)
    return {each["name"]: each for each in report["checks"] if each["verdict"] != "PASSED" and each["counts"]}


def test_what_was_changed_in_a_handover_is_named(
    handed: Handed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An archive that is missing, changed, or left out of the list; what was open; the list itself."""
    assert findings(handed, handed.folder, capsys, code=0) == {}

    def copied(name: str) -> Path:
        shutil.copytree(handed.folder, tmp_path / name, ignore=shutil.ignore_patterns("copy"))
        for each in (tmp_path / name).iterdir():
            each.chmod(0o600)
        return tmp_path / name

    folder = copied("open")
    (folder / "open.jsonl").write_bytes(b"")
    assert set(findings(handed, folder, capsys)) == {"handover.open"}
    folder = copied("missing")
    (folder / "ledger-final.asice").unlink()
    assert set(findings(handed, folder, capsys)) == {"archive.ledger-final"}
    folder = copied("changed")
    path = folder / "ledger-final.asice"
    data = bytearray(path.read_bytes())
    at = data.index(b'"index":') + 200
    data[at] ^= 1
    path.write_bytes(bytes(data))
    names = set(findings(handed, folder, capsys))
    assert "archive.ledger-final.digest" in names
    assert any(name.startswith("archive.ledger-final.leaves.") for name in names)
    folder = copied("left-out")
    told = json.loads((folder / "handover.json").read_text())
    told["archives"] = told["archives"][1:]
    (folder / "handover.json").write_text(json.dumps(told))
    assert "handover.log" in findings(handed, folder, capsys)
    folder = copied("torn")
    (folder / "handover.json").write_text("{")
    assert set(findings(handed, folder, capsys)) == {"handover"}


async def test_successor_takes_it_over_and_finds_its_documents(
    handed: Handed, tmp_path: Path, pki_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once, and only what is handed to it; its final checkpoint is a leaf there; fsck has nothing against it."""
    (tmp_path / "new").mkdir()
    site = await prepare(tmp_path / "new", pki_folder)
    config = ["--config", str(site.folder / "config.toml")]
    take = [*config, "handover", "take", str(handed.folder), "--anchors", str(handed.anchors), "--reason", "merger"]
    foreign = tmp_path / "foreign-anchors"
    shutil.copytree(handed.anchors, foreign)
    (foreign / "log.vkey").write_text("")
    nobody = [str(foreign) if each == str(handed.anchors) else each for each in take]
    assert await asyncio.to_thread(main, nobody) == 1, "without the log's key nothing is taken"
    assert await asyncio.to_thread(main, take) == 0, capsys.readouterr()
    assert await asyncio.to_thread(main, take) == 1
    assert "taken over before" in capsys.readouterr().err
    for words in (handed.message, "71/UBND-VP"):
        assert await asyncio.to_thread(main, [*config, "handover", "find", words, "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)
        assert found["message"] == handed.message
        assert (site.settings.storage.folder / found["folder"] / found["file"]).exists()
    assert await asyncio.to_thread(main, [*config, "show", handed.message]) == 1
    assert "in a ledger that was taken over" in capsys.readouterr().err
    assert await asyncio.to_thread(main, [*config, "handover", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    async with open_for_reading(site.settings) as ledger:
        last = await HandoverReads(ledger.readers).last_event()
    assert last is not None
    assert last[1] == Event.LEDGER_TAKEN
    leaf = json.loads(last[2])["facts"]
    async with site.running():
        await signed(site)
    report = await report_of(site)
    assert report.ok, report
    told = json.loads((handed.folder / "handover.json").read_text())
    assert (listed["origin"], listed["size"], listed["root"]) == (told["origin"], told["size"], told["root"])
    assert (leaf["origin"], leaf["root"]) == (told["origin"], told["root"])
