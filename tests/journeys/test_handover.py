"""A whole ledger that ends and is taken over by another gateway: verified in full first, found afterwards."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.fsck import examine
from gateway.backup.drill import drill
from gateway.backup.restore import Wanted, restore, verify_copy
from gateway.backup.sealed import BackupKey
from gateway.cli import main
from gateway.clock import SystemClock
from gateway.commands.acting import open_for_reading
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.foundation import ENDED, database_of
from gateway.ledger.handovers import HandoverReads
from gateway.storage.body_token import body_key_place
from tests.backup.lab import asked_json, backed_up, emptied, query, restored, run, settings_of, shelf_of
from tests.journeys.handing import Handed, copy_of, ended, foreign_of, killed, taking
from tests.journeys.installation import COMMUNE, OWN, PROVINCE, prepare
from tests.journeys.messages import document
from tests.journeys.tampering import sql
from tests.journeys.test_bundles import verified
from tests.journeys.test_log import report_of, signed


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


@pytest.fixture(scope="module")
def untaken(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> Path:
    """The successor's installation before, with a body of its own; tests copy it."""
    folder = tmp_path_factory.mktemp("successor")

    async def fill() -> None:
        site = await prepare(folder, pki_folder)
        async with site.running(), site.client(PROVINCE) as client:
            await client.submit(document(PROVINCE, [COMMUNE], number="81"))

    asyncio.run(fill())
    return folder


@pytest.fixture(scope="module")
def successor(handed: Handed, untaken: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation that took it over; tests copy it."""
    folder = copy_of(untaken, tmp_path_factory.mktemp("taken") / "site")
    assert run(folder, *taking(handed)) == 0
    return folder


@pytest.mark.parametrize("armed", ["fsio.replace.before=kill:2", "event.append.after=kill"])
def test_taking_that_is_killed_took_nothing_and_is_done_again(
    handed: Handed, untaken: Path, tmp_path: Path, armed: str
) -> None:
    """No file of a final name is half; the ledger knows of none; a repetition leaves nothing over."""
    folder = copy_of(untaken, tmp_path / "site")
    killed(folder, armed, *taking(handed))
    for path in (folder / "data" / "foreign").glob("*/*"):
        assert path.name.startswith(".") or path.read_bytes() == (handed.folder / path.name).read_bytes()
    assert query(folder, "SELECT (SELECT COUNT(*) FROM foreign_ledger), (SELECT COUNT(*) FROM foreign_file)") == [
        (0, 0)
    ]
    assert run(folder, *taking(handed)) == 0
    settings = settings_of(folder)
    report = asyncio.run(examine(settings, database_of(settings), quick=True))
    assert (report.findings, report.counts.foreign_ledgers) == ([], 1)


@pytest.mark.parametrize("armed", ["event.append.after=kill", "fsio.replace.before=kill:3"])
def test_ending_that_is_killed_is_no_handover_and_is_done_again(
    handed: Handed, tmp_path: Path, armed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its list a folder is none; archives of a final name are whole; into an empty one it succeeds."""
    folder, out = copy_of(handed.before, tmp_path / "site"), tmp_path / "again"
    make = ["handover", "make", "--to", OWN, "--reason", "merger", "--out"]
    killed(folder, armed, *make, str(tmp_path / "out"))
    assert not (tmp_path / "out" / "handover.json").exists()
    for path in (tmp_path / "out").glob("ledger-*.asice"):
        assert verified(path, "--anchors", str(handed.anchors))["verdict"] == "PASSED"
    assert run(folder, *make, str(out)) == 0
    assert findings(handed, out, capsys, code=0) == {}


@pytest.mark.parametrize(("armed", "stands"), [("fsio.link.before=kill", False), ("fsio.link.after=kill", True)])
def test_ledger_whose_handover_may_stand_is_opened_by_its_completion_alone(
    handed: Handed, tmp_path: Path, armed: str, *, stands: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed while its list is written: no start, no other successor, no second folder; then it is completed."""
    folder, out, other = copy_of(handed.before, tmp_path / "site"), tmp_path / "out", tmp_path / "other"
    make = ["handover", "make", "--reason", "merger", "--to"]
    killed(folder, armed, *make, OWN, "--out", str(out))
    data = folder / "data"
    assert ((out / "handover.json").exists(), (data / ENDED).exists()) == (stands, False)
    assert str(out) in (folder / "log.ended").read_text()  # from now on no backup begins, were the folder lost
    capsys.readouterr()
    assert run(folder, "log", "declare", "--reason", "on it goes") == 3
    assert "a handover may stand" in capsys.readouterr().err
    assert run(folder, "doctor", "--json") == 1
    (told,) = json.loads(capsys.readouterr().out)["layers"]
    assert (told["code"], told["detail"]) == ("handover_unfinished", f"{OWN} {out}")
    assert run(folder, *make, COMMUNE, "--out", str(other)) == 1
    assert run(folder, *make, OWN, "--out", str(other)) == (1 if stands else 0)
    if stands:
        assert run(folder, *make, OWN, "--out", str(out)) == 0
    assert [path.name for path in data.glob("END*")] == [ENDED]
    assert findings(handed, out if stands else other, capsys, code=0) == {}
    assert run(folder, "doctor", "--json") == 0
    assert [each["code"] for each in json.loads(capsys.readouterr().out)["layers"]] == ["ledger_ended"]


def test_no_backup_of_a_ledger_that_ended_begins_again(
    handed: Handed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of before the end on this machine; the handover's own copy anywhere, which goes on being read."""
    folder = copy_of(handed.before, tmp_path / "site")
    shelf, data = shelf_of(folder), settings_of(folder).storage.folder
    backed_up(folder, shelf)
    make = ["handover", "make", "--to", OWN, "--reason", "merger", "--out"]
    assert run(folder, *make, str(tmp_path / "out")) == 0
    shutil.rmtree(data)
    restored(folder, "--quick")
    assert "it can be read" in capsys.readouterr().out
    begin = ["log", "declare", "--reason", "on it goes"]
    for again in (begin, [*make, str(tmp_path / "more")]):
        assert run(folder, *again) == 3
        assert f"{folder / 'log.ended'} says to which" in capsys.readouterr().err
    assert asked_json(folder, capsys, "doctor")["layers"][0]["code"] == "ledger_ended"
    for mark in folder.glob("log.*"):
        mark.unlink()
    shutil.rmtree(data)
    assert run(folder, "restore", "--from", str(handed.folder / "copy"), "--reason", "to read", "--quick") == 0
    capsys.readouterr()
    assert run(folder, *begin) == 3
    assert f"{data / ENDED} says to which" in capsys.readouterr().err
    assert (data / ENDED).read_text().startswith(f"handed over to {OWN}; restored")
    assert run(folder, "show", handed.message) == 0


def test_list_of_another_handover_completes_none(
    handed: Handed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that holds the handover of a shorter history is no end of this one."""
    folder, out = copy_of(handed.before, tmp_path / "site"), tmp_path / "out"
    make = ["handover", "make", "--reason", "merger", "--to", OWN, "--out", str(out)]
    killed(folder, "fsio.link.after=kill", *make)
    told = json.loads((out / "handover.json").read_text())
    (out / "handover.json").chmod(0o600)
    (out / "handover.json").write_text(json.dumps(told | {"size": told["size"] - 1}))
    assert run(folder, *make) == 1
    assert "of something else" in capsys.readouterr().err
    assert not (folder / "data" / ENDED).exists()


def changed(name: str) -> Callable[[Path], None]:
    """One bit of a file of it."""

    def tamper(data: Path) -> None:
        path = foreign_of(data.parent) / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)

    return tamper


def changed_leaf(data: Path) -> None:
    """One bit of a leaf of the last archive."""
    path = foreign_of(data.parent) / "ledger-final.asice"
    content = bytearray(path.read_bytes())
    content[content.index(b'"index":') + 200] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def removed(data: Path) -> None:
    """An archive is gone."""
    (foreign_of(data.parent) / "ledger-final.asice").unlink()


def swapped(data: Path) -> None:
    """The archives change places."""
    first, last = sorted(foreign_of(data.parent).glob("*.asice"))
    aside = first.with_name("aside")
    first.rename(aside)
    last.rename(first)
    aside.rename(last)


def added(data: Path) -> None:
    """Something lies beside them."""
    (foreign_of(data.parent) / "more").write_bytes(b"")


@pytest.mark.parametrize(
    ("tamper", "due"),
    [
        (
            changed_leaf,
            {("foreign_changed", "ledger-final.asice"), ("foreign_entry_wrong", "ledger-final.asice")},
        ),
        (changed("handover.json"), {("foreign_changed", "handover.json")}),
        (changed("log.vkey"), {("foreign_changed", "log.vkey")}),
        (removed, {("foreign_missing", "ledger-final.asice")}),
        (swapped, {("foreign_changed", "ledger-final.asice"), ("foreign_changed", "ledger-MONTH.asice")}),
        (added, {("foreign_stray", "more")}),
        (
            sql("DELETE FROM foreign_file WHERE name = 'open.jsonl'"),
            {("foreign_differs", "log"), ("foreign_stray", "open.jsonl")},
        ),
        (
            sql("UPDATE foreign_ledger SET root = iif(root LIKE 'a%', 'b', 'a') || substr(root, 2)"),
            {("foreign_differs", "log")},
        ),
    ],
)
def test_fsck_names_what_was_changed_of_a_ledger_that_was_taken_over(
    successor: Path, tmp_path: Path, tamper: Callable[[Path], None], due: set[tuple[str, str]]
) -> None:
    """File by file; whoever changes the list of the files with them meets the leaf that names it."""
    folder = copy_of(successor, tmp_path / "copy")
    month = next(path.name for path in foreign_of(folder).glob("ledger-2*.asice"))
    tamper(folder / "data")
    settings = settings_of(folder)
    report = asyncio.run(examine(settings, database_of(settings), quick=True))
    found = {(each.code, Path(each.subject).name) for each in report.findings}
    assert found == {(code, name.replace("ledger-MONTH.asice", month)) for code, name in due}
    assert report.counts.foreign_ledgers == 1


def test_fsck_verifies_a_ledger_that_was_taken_over_anew_and_names_the_entry(
    successor: Path, tmp_path: Path
) -> None:
    """Though every file is as the list has it: whoever changed an entry and the list left the leaf alone."""
    folder = copy_of(successor, tmp_path / "copy")
    settings = settings_of(folder)
    report = asyncio.run(examine(settings, database_of(settings)))
    assert (report.findings, report.counts.foreign_ledgers) == ([], 1)
    changed_leaf(folder / "data")
    path = foreign_of(folder) / "ledger-final.asice"
    digest = sha256(path.read_bytes()).hexdigest()
    sql(f"UPDATE foreign_file SET sha256 = '{digest}' WHERE name = '{path.name}'")(folder / "data")
    report = asyncio.run(examine(settings, database_of(settings)))
    found = [each for each in report.findings if each.code == "foreign_entry_wrong"]
    assert {each.code for each in report.findings} == {"foreign_differs", "foreign_entry_wrong"}
    assert any(re.match(r"leaves\.\d+: leaf_changed", each.detail) for each in found), found


@pytest.mark.parametrize("key", [None, BackupKey(bytes(range(32)))], ids=["plain", "encrypted"])
def test_backup_holds_ledgers_that_were_taken_over(
    successor: Path, tmp_path: Path, key: BackupKey | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Restored with the rest and examined; what was lost here is in the copies, what is damaged is named."""
    folder = copy_of(successor, tmp_path / "copy")
    shelf, place = shelf_of(folder, key), body_key_place(settings_of(folder))
    first = backed_up(folder, shelf)
    assert (first.is_whole, first.manifest.files) == (True, 5)
    before = {path.name: path.read_bytes() for path in foreign_of(folder).iterdir()}
    removed(folder / "data")
    assert backed_up(folder, shelf).is_whole, "an earlier copy has it"
    alone = backed_up(folder, type(shelf)(folder / "alone", key))
    assert len(alone.manifest.missing) == 1
    if key is None:
        practised = asyncio.run(drill(shelf, settings_of(folder), "", SystemClock(), lambda *_: None))
        assert practised.ok, practised
    emptied(folder)
    wanted = Wanted(copy=first.manifest.copy, actor="operator:test", note="the disk died", quick=False)
    asyncio.run(restore(shelf, settings_of(folder), wanted, SystemClock(), lambda *_: None))
    assert {path.name: path.read_bytes() for path in foreign_of(folder).iterdir()} == before
    assert asked_json(folder, capsys, "fsck")["foreign_ledgers"] == 1
    verify_copy(shelf, first.path.name, place, lambda *_: None)
    digest = sha256(before["log.vkey"]).hexdigest()
    stored = shelf.folder / (f"foreign-{key.id}/{key.name_of(digest)}" if key else f"foreign/{digest}")
    content = bytearray(stored.read_bytes())
    content[-1] ^= 1
    stored.write_bytes(content)
    if key is None:
        with pytest.raises(RefusedError, match=stored.name):
            verify_copy(shelf, first.path.name, place, lambda *_: None)
    assert backed_up(folder, shelf).is_whole, "mended from the data folder"
    assert stored.read_bytes() != content
