"""Month archives of a running gateway: made, verified where there is no network, tampered with, and late."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.app import Application
from gateway.bundle.archive import leaf_line, read, read_leaf_line
from gateway.bundle.container import Container
from gateway.bundle.format import ARCHIVE, CHECKPOINTS, LEAVES, PROOFS, RECEIPT_STAMPS, RECEIPTS, REGISTERS
from gateway.cli import main
from gateway.clock import VIETNAM
from gateway.condition import Condition, Health
from gateway.events import leaf_hash
from gateway.evidence.archiving import Month
from gateway.failpoints import VARIABLE
from gateway.maintenance.archiver import Archiver
from gateway.observe import Metrics
from gateway.reconcile import bounds_of
from gateway.simulate.tsa.issuing import POLICY
from gateway.verifying.anchors import Anchors
from gateway.verifying.verify import verify
from tests.bundle.making import with_entry
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.months import NextMonth, close_month
from tests.journeys.test_bundles import anchors_of, verified
from tests.tsa_process import running_tsa


def modes_in(folder: Path) -> dict[str, int]:
    """Of each file."""
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A stopped installation with a closed month, and what an auditor has of it."""

    site: Installation
    month: str
    anchors: Path
    #: The archive that the duty made.
    file: Path
    #: What the duty said four days after the month's end, and a minute later, while the folder was not there.
    waiting: tuple[Condition, Condition]

    @property
    def config(self) -> list[str]:
        """For the command."""
        return ["--config", str(self.site.folder / "config.toml")]


async def fill(folder: Path, pki_folder: Path) -> Filled:
    """Three documents, one of them acknowledged, stamps of a real authority; the duty archives the month."""
    (folder / "site").mkdir()
    archives = folder / "archives"
    async with running_tsa(pki_folder) as tsa:
        more = f'[stamps]\nservers = ["{tsa.url} {POLICY} own"]\nanchors = "certs/anchors/tsa"\n'
        site = await prepare(folder / "site", pki_folder, more=f'{more}[archive]\nfolder = "{archives}"\n')
        async with site.running() as app:
            async with site.client(PROVINCE) as client:
                for number in ("1", "2", "3"):
                    await client.submit(document(PROVINCE, [COMMUNE], number=number))
            async with site.client(COMMUNE) as client:
                item = (await client.inbox()).items[0]
                await client.content(item.id)
                await client.ack(item.id)
            await app.stampers[1].run_once()
            month = await close_month(site)
            await app.stampers[0].run_once()
            await app.archiver.run_once()
            assert "failing" in app.archiver.condition.words, "the folder is not there"
            waiting = await waited(app, archives, month), await waited(app, archives, month, more=1)
            archives.mkdir()
            await app.archiver.run_once()
            assert app.archiver.condition.words == "up to date"
            before = modes_in(archives)
            await app.archiver.run_once()
            assert modes_in(archives) == before
    anchors = anchors_of(site, folder / "anchors")
    file = archives / f"ledger-{month}.asice"
    return Filled(site=site, month=month, anchors=anchors, file=file, waiting=waiting)


async def waited(app: Application, folder: Path, month: str, *, more: int = 0) -> Condition:
    """What the duty says four days after the end of a month, and so many minutes."""
    late = bounds_of(Month.parse(month).last)[1] + timedelta(days=4, minutes=more)

    class Set(NextMonth):
        def now(self) -> datetime:
            return late

    made = Archiver(app.archives, app.foundation.readers, folder=folder, clock=Set(), metrics=Metrics())
    await made.run_once()
    return made.condition


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> Filled:
    """Made once; tests change copies."""
    return asyncio.run(fill(tmp_path_factory.mktemp("archives"), pki_folder))


def test_duty_archives_the_month_which_proves_itself_without_network(filled: Filled) -> None:
    """Read-only, PASSED with anchors from outside, today and in ten years; INDETERMINATE without."""
    assert modes_in(filled.file.parent) == {filled.file.name: 0o400}
    facts = read(Container.open(filled.file).bytes_of(ARCHIVE))
    assert (facts.month, facts.first, facts.lines[LEAVES]) == (filled.month, 0, facts.until)
    counts = [facts.lines[each] for each in (RECEIPTS, PROOFS, RECEIPT_STAMPS)]
    assert counts == [3, 1, 1]
    assert facts.lines[CHECKPOINTS] > 0
    anchors = ["--anchors", str(filled.anchors), "--require-time"]
    for more in ([], ["--at", f"{datetime.now(UTC) + timedelta(days=3650):%Y-%m-%d}"]):
        found: Any = verified(filled.file, *anchors, *more)
        faults = [each for each in found["checks"] if each["verdict"] != "PASSED" and each["counts"]]
        assert (found["verdict"], found["month"]) == ("PASSED", filled.month), faults
    assert verified(filled.file)["verdict"] == "INDETERMINATE"


async def test_command_makes_and_lists_archives(
    filled: Filled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of closed months alone, over no file that is there, by the running server."""
    make = [*filled.config, "archive", "make"]
    async with running_tsa(filled.site.pki.folder) as tsa, with_server(filled, tsa.url).running():
        assert await asyncio.to_thread(main, [*make, "1999-12", "--out", str(tmp_path)]) == 1
        assert "register_open" in capsys.readouterr().err
        assert await asyncio.to_thread(main, [*make, filled.month, "--out", str(tmp_path), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert await asyncio.to_thread(main, [*make, filled.month, "--out", str(tmp_path)]) == 2
        assert await asyncio.to_thread(main, [*make, "november"]) == 1
    capsys.readouterr()
    assert await asyncio.to_thread(main, [*filled.config, "archive", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {(each["month"], each["place"], each["first"]) for each in listed} == {
        (filled.month, "folder", 0),
        (filled.month, "command", 0),
    }
    found: Any = await asyncio.to_thread(verified, Path(told["file"]), "--anchors", str(filled.anchors))
    assert found["verdict"] == "PASSED", [each for each in found["checks"] if each["verdict"] != "PASSED"]


def with_server(filled: Filled, url: str) -> Installation:
    """The installation with another time-stamping server."""
    path = filled.site.folder / "config.toml"
    path.write_text(
        "".join(f'servers = ["{url} {POLICY} own"]\n' if line.startswith("servers") else line
                for line in path.read_text().splitlines(keepends=True))
    )  # fmt: skip
    from gateway.config import settings as config

    return replace(filled.site, settings=config.load(path))


Change = Callable[[list[bytes]], list[bytes]]


def changed(filled: Filled, part: str, change: Change) -> set[tuple[str, str]]:
    """What is found after lines of a part were changed, the seal aside."""
    container = Container.open(filled.file)
    lines = b"".join(container.pieces_of(part)).splitlines(keepends=True)
    data = with_entry(filled.file.read_bytes(), part, b"".join(change(lines)))
    found = verify(Container.of(data), Anchors.load(filled.anchors), datetime.now(UTC))
    wrong = {(each.name, each.reason) for each in found.checks if each.verdict == "FAILED"}
    assert any(name.startswith("export.") for name, _ in wrong)
    return {each for each in wrong if not each[0].startswith("export.")}


def of_line(lines: list[bytes], number: int) -> dict[str, Any]:
    """A line, read."""
    read_line: dict[str, Any] = msgspec.json.decode(lines[number])
    return read_line


def with_field(number: int, name: str, change: Callable[[Any], Any]) -> Change:
    """One field of one line changed."""

    def apply(lines: list[bytes]) -> list[bytes]:
        line = of_line(lines, number)
        line[name] = change(line[name])
        lines[number] = msgspec.json.encode(line) + b"\n"
        return lines

    return apply


def first_of(filled: Filled, part: str) -> int:
    """The leaf of a part's first line."""
    (line, *_) = b"".join(Container.open(filled.file).pieces_of(part)).splitlines()
    leaf: int = msgspec.json.decode(line)["leaf"]
    return leaf


def test_changed_leaf_is_named(filled: Filled) -> None:
    """By itself where its hash stayed, else with its neighbours between two signed checkpoints."""

    def forged(lines: list[bytes], *, with_hash: bool) -> list[bytes]:
        index, digest, raw = read_leaf_line(lines[3].rstrip(b"\n"))
        raw = raw.replace(b'"v":1', b'"v":2')
        lines[3] = leaf_line(index, leaf_hash(raw) if with_hash else digest, raw)
        return lines

    found = changed(filled, LEAVES, lambda lines: forged(lines, with_hash=False))
    assert ("leaves.3", "leaf_changed") in found
    found = changed(filled, LEAVES, lambda lines: forged(lines, with_hash=True))
    ((name, _),) = [each for each in found if each[1] == "leaves_not_signed" and each[0].startswith("leaves.")]
    begin, _, end = name.removeprefix("leaves.").partition("-")
    assert int(begin) <= 3 <= int(end)


def test_missing_and_added_leaves_are_named(filled: Filled) -> None:
    """Where they are missing, and those behind the end."""
    assert ("leaves.4", "leaf_missing") in changed(filled, LEAVES, lambda lines: lines[:4] + lines[5:])
    assert "leaf_missing" in {each[1] for each in changed(filled, LEAVES, lambda lines: lines[:-1])}
    assert "leaf_foreign" in {each[1] for each in changed(filled, LEAVES, lambda lines: [*lines, lines[-1]])}


@pytest.mark.parametrize("part", [RECEIPTS, PROOFS, REGISTERS])
def test_missing_and_foreign_papers_are_named(filled: Filled, part: str) -> None:
    """By the leaf that tells of them, or that does not."""
    leaf, word = first_of(filled, part), {RECEIPTS: "receipts", PROOFS: "receivers", REGISTERS: "registers"}[part]
    assert changed(filled, part, lambda lines: lines[1:]) == {(f"{word}.{leaf}", "leaf_paper_missing")}
    found = changed(filled, part, lambda lines: [lines[0].replace(b":%d," % leaf, b":%d," % (leaf - 1)), *lines])
    assert found == {(f"{word}.{leaf - 1}", "paper_without_leaf")}


def test_changed_papers_are_named(filled: Filled) -> None:
    """Receipt, transfer manifest, proof of a receiver, register, stamp over receipts, checkpoint."""
    leaf = first_of(filled, RECEIPTS)
    found = changed(filled, RECEIPTS, with_field(0, "receipt", lambda text: "AAAA" + text[4:]))
    assert found == {(f"receipts.{leaf}", "leaf_paper_wrong")}
    found = changed(filled, RECEIPTS, with_field(0, "transfer", lambda text: "AAAA" + text[4:]))
    assert (f"receipts.{leaf}.transfer.digest", "hash_failure") in found
    found = changed(filled, PROOFS, with_field(0, "file", lambda text: "AAAA" + text[4:]))
    assert found == {(f"receivers.{first_of(filled, PROOFS)}", "leaf_paper_wrong")}
    found = changed(filled, RECEIPT_STAMPS, with_field(0, "hashes", lambda text: "AAAA" + text[4:]))
    assert (f"receipt_stamps.{leaf}", "record_of_other_receipts") in found
    assert (f"receipt_stamps.{leaf}", "stamp_of_other_bytes") in found

    def other_entry(books: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{**book, "entries": "////" + book["entries"][4:]} for book in books]

    found = changed(filled, REGISTERS, with_field(0, "books", other_entry))
    assert found == {(f"registers.{first_of(filled, REGISTERS)}", "register_wrong")}
    signed = b"".join(Container.open(filled.file).pieces_of(CHECKPOINTS)).splitlines()
    size = msgspec.json.decode(signed[0])["size"]
    found = changed(filled, CHECKPOINTS, with_field(0, "note", lambda text: text.replace("\n", "x\n", 1)))
    assert any(each[0].startswith(f"checkpoints.{size}") or each[0] == f"stamped.{size}.0" for each in found)


def test_no_half_file_gets_the_name_when_the_command_is_killed(filled: Filled, tmp_path: Path) -> None:
    """Killed between the file's last byte and its name; the next run makes it and leaves nothing else."""
    make = [
        sys.executable,
        "-m",
        "gateway",
        *filled.config,
        "archive",
        "make",
        filled.month,
        "--out",
        str(tmp_path),
    ]

    async def run(armed: str) -> int:
        async with running_tsa(filled.site.pki.folder) as tsa:
            with_server(filled, tsa.url)
            environment = os.environ | ({VARIABLE: armed} if armed else {})
            done = await asyncio.to_thread(subprocess.run, make, env=environment, check=False, timeout=120)
            return done.returncode

    assert asyncio.run(run("fsio.link.before=kill")) < 0
    assert [each.name[0] for each in tmp_path.iterdir()] == ["."]
    assert asyncio.run(run("")) == 0
    assert modes_in(tmp_path) == {filled.file.name: 0o400}
    assert verified(tmp_path / filled.file.name, "--anchors", str(filled.anchors))["verdict"] == "PASSED"


def test_month_that_cannot_be_archived_is_late_after_four_days(filled: Filled) -> None:
    """By the clock that is set: until then it fails, from then on it is late, and says which month and why."""
    before, after = filled.waiting
    assert (before.health, after.health) == (Health.FAILING, Health.LATE)
    assert after.words.startswith(f"late: {filled.month}: ")
    assert "is not there" in after.words


async def test_metric_tells_up_to_when_months_are_archived(filled: Filled, tmp_path: Path) -> None:
    """It is what the alert looks at."""
    async with running_tsa(filled.site.pki.folder) as tsa, with_server(filled, tsa.url).running() as app:

        class Later(NextMonth):
            def now(self) -> datetime:
                return super().now() + timedelta(days=5)

        metrics, base = Metrics(), app.foundation
        made = Archiver(app.archives, base.readers, folder=tmp_path, clock=Later(), metrics=metrics)
        await made.run_once()
        assert made.condition.words == "up to date"
        end = datetime.fromisoformat(f"{filled.month}-01").replace(tzinfo=VIETNAM) + timedelta(days=31)
        until = metrics.archives_until._value.get()
        assert until == end.replace(day=1).timestamp()
