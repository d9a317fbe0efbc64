"""The log's head renewed by other hashes: by command and by the duty, in bundles and archives; and tampering."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.audit.fsck import examine
from gateway.bundle.container import Container
from gateway.bundle.format import RENEWALS, RENEWALS_ENTRY
from gateway.cli import main
from gateway.foundation import database_of
from gateway.simulate.tsa.issuing import POLICY
from gateway.verifying.anchors import Anchors
from gateway.verifying.verify import verify
from tests.backup.lab import query, run, settings_of
from tests.bundle.making import with_entry
from tests.journeys.handing import killed
from tests.journeys.installation import prepare
from tests.journeys.months import close_month
from tests.journeys.tampering import Tamper, sql
from tests.journeys.test_bundles import anchors_of, verified
from tests.journeys.test_log import sent, signed
from tests.tsa_process import running_tsa

Files = tuple[Path, Path, Path]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> Files:
    """A bundle and an archive of a log whose head was renewed twice, and anchors."""
    return asyncio.run(made(tmp_path_factory.mktemp("restamped"), pki_folder))


async def made(folder: Path, pki_folder: Path) -> Files:
    """By the duty with SHA-512, then by command with SHA3-256."""
    (folder / "site").mkdir()
    async with running_tsa(pki_folder) as tsa:
        more = f'[stamps]\nservers = ["{tsa.url} {POLICY} own"]\nanchors = "certs/anchors/tsa"\n'
        site = await prepare(folder / "site", pki_folder, more=f'{more}[archive]\nrestamp_every = "1s"\n')
        config = ["--config", str(site.folder / "config.toml")]
        async with site.running() as app:
            assert await asyncio.to_thread(main, [*config, "log", "restamp"]) == 1, "nothing is stamped yet"
            message_id = await sent(site)
            await signed(site)
            stamper, _, restamper = app.stampers
            await stamper.run_once()
            async with asyncio.timeout(60):
                while "renewed" not in restamper.condition.words:  # a second after the first stamp
                    await restamper.run_once()
            month = await close_month(site)  # with the leaf of the first renewal
            await stamper.run_once()
            assert await asyncio.to_thread(main, [*config, "log", "restamp", "--algorithm", "sha3-256"]) == 0
            await signed(site)
            await stamper.run_once()
            bundle = folder / "document.asice"
            export = [*config, "export", message_id, "--lta", "--out", str(bundle)]
            assert await asyncio.to_thread(main, export) == 0
            assert await asyncio.to_thread(main, [*config, "archive", "make", month, "--out", str(folder)]) == 0
    return bundle, folder / f"ledger-{month}.asice", anchors_of(site, folder / "anchors")


def test_renewals_are_verified_today_and_in_ten_years(files: Files) -> None:
    """In a bundle leaf by leaf, in an archive over all leaves of the month; each by its own hash."""
    bundle, archive, anchors = files
    for more in ([], ["--at", f"{datetime.now(UTC) + timedelta(days=3650):%Y-%m-%d}"]):
        for file in (bundle, archive):
            found: Any = verified(file, "--anchors", str(anchors), "--require-time", *more)
            assert found["verdict"] == "PASSED", [each for each in found["checks"] if each["verdict"] != "PASSED"]
    checks = {each["name"]: each for each in verified(bundle, "--anchors", str(anchors))["checks"]}  # type: ignore[attr-defined]
    assert "sha512" in checks["renewals.1"]["detail"]
    assert "sha3-256" in checks["renewals.2"]["detail"]
    assert any(name.startswith("renewals.leaf.") for name in checks)
    checks = {each["name"]: each for each in verified(archive, "--anchors", str(anchors))["checks"]}  # type: ignore[attr-defined]
    assert {checks[name]["verdict"] for name in ("renewals", "renewed")} == {"PASSED"}


def entry_of(file: Path) -> dict[str, Any]:
    """The renewals in a bundle."""
    read: dict[str, Any] = json.loads(Container.open(file).bytes_of(RENEWALS_ENTRY))
    return read


def faults(file: Path, anchors: Path, name: str, content: bytes) -> set[str]:
    """Names of what is wrong with renewals after an entry was changed."""
    data = with_entry(file.read_bytes(), name, content)
    found = verify(Container.of(data), Anchors.load(anchors), datetime.now(UTC))
    wrong = {each.name for each in found.checks if each.verdict == "FAILED"}
    return {each for each in wrong if each.startswith("renew")}


def _swap(text: str) -> str:
    return ("B" if text[40] == "A" else "A").join((text[:40], text[41:]))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda entry: entry["renewals"][0].update(text=_swap(entry["renewals"][0]["text"])), "renewals.1"),
        (lambda entry: entry["renewals"][0].update(token=entry["renewals"][1]["token"]), "renewals.1"),
        (lambda entry: entry["renewals"][1].update(stamps=[]), "renewals.2"),
        (lambda entry: entry["renewals"].pop(0), "renewals.1"),
        (lambda entry: entry["renewals"].reverse(), "renewals.1"),
    ],
)
def test_changed_renewal_is_named(files: Files, change: Callable[[Any], object], named: str) -> None:
    """Its text, its stamp, what it is over, its place in the chain."""
    bundle, _, anchors = files
    entry = entry_of(bundle)
    change(entry)
    assert named in faults(bundle, anchors, RENEWALS_ENTRY, json.dumps(entry).encode())


def test_leaf_that_is_not_under_the_renewal_is_named(files: Files) -> None:
    """By another way to the root in a bundle, by another leaf in an archive."""
    bundle, archive, anchors = files
    entry = entry_of(bundle)
    index = next(iter(entry["paths"]))
    entry["paths"][index] = entry["paths"][index][:-1]
    assert f"renewals.leaf.{index}" in faults(bundle, anchors, RENEWALS_ENTRY, json.dumps(entry).encode())
    lines = b"".join(Container.open(archive).pieces_of(RENEWALS)).splitlines(keepends=True)
    last = msgspec.json.decode(lines[-1])
    last["path"] = last["path"][:-1]
    changed = b"".join([*lines[:-1], msgspec.json.encode(last) + b"\n"])
    assert "renewed" in faults(archive, anchors, RENEWALS, changed)


OTHER = "UPDATE log_renewal SET {0} = (SELECT {0} FROM log_renewal WHERE number = 2) WHERE number = 1"


@pytest.mark.parametrize(
    ("tamper", "due"),
    [
        (sql("DELETE FROM log_renewal WHERE number = 2"), {("renewal_missing", "renewal 2")}),
        (
            sql("DELETE FROM log_renewal WHERE number = 1"),
            {("renewal_missing", "renewal 1"), ("renewal_differs", "renewal 2")},
        ),
        (sql(OTHER.format("token")), {("renewal_differs", f"renewal {number}") for number in (1, 2)}),
        (sql(OTHER.format("text")), {("renewal_differs", f"renewal {number}") for number in (1, 2)}),
        (sql("UPDATE log_renewal SET stamps = '[]' WHERE number = 1"), {("renewal_differs", "renewal 1")}),
        (sql("UPDATE log_renewal SET chunks = x'00' WHERE number = 2"), {("renewal_differs", "renewal 2")}),
        (
            sql(
                "INSERT INTO log_renewal SELECT 3, at, size, text, chunks, stamps, server, stamped_at, token "
                "FROM log_renewal WHERE number = 2"
            ),
            {("renewal_differs", "renewal 3")},
        ),
    ],
)
def test_fsck_names_a_renewal_that_was_taken_away_or_changed(
    files: Files, tmp_path: Path, tamper: Tamper, due: set[tuple[str, str]]
) -> None:
    """Each is in a leaf by digest; its tree is made again from the leaves."""
    folder = copied(files, tmp_path)
    tamper(folder / "data")
    assert found_in(folder) == due


def copied(files: Files, folder: Path) -> Path:
    """The installation, to be damaged."""
    site = files[0].parent / "site"
    made = shutil.copytree(site, folder / "copy")
    config = made / "config.toml"
    config.write_text(config.read_text().replace(str(site), str(made)))
    return made


def found_in(folder: Path) -> set[tuple[str, str]]:
    """By fsck; the clock of these days was set by the test."""
    settings = settings_of(folder)
    report = asyncio.run(examine(settings, database_of(settings), quick=True))
    return {(each.code, each.subject) for each in report.findings if each.code != "event_time"}


def test_archive_whose_leaves_tell_of_a_renewal_must_hold_it(files: Files) -> None:
    """Also where whoever made it left the renewal out: it is not only the seal that notices."""
    _, archive, anchors = files
    assert faults(archive, anchors, RENEWALS, b"") == {"renewals.1"}


def test_renewal_that_is_killed_left_nothing_and_is_done_again(
    files: Files, tmp_path: Path, pki_folder: Path
) -> None:
    """Between its event and the commit of both; fsck has nothing against what is there before and after."""
    folder = copied(files, tmp_path)
    config = folder / "config.toml"
    restamp = ["log", "restamp", "--algorithm", "sha384"]

    async def run_both() -> None:
        async with running_tsa(pki_folder) as tsa:
            lines = config.read_text().splitlines()
            server = f'servers = ["{tsa.url} {POLICY} own"]'
            config.write_text("\n".join(server if line.startswith("servers =") else line for line in lines))
            await asyncio.to_thread(killed, folder, "event.append.after=kill", *restamp)
            assert query(folder, "SELECT COUNT(*) FROM log_renewal") == [(2,)]
            assert await asyncio.to_thread(run, folder, *restamp) == 0

    asyncio.run(run_both())
    assert query(folder, "SELECT COUNT(*) FROM log_renewal") == [(3,)]
    assert found_in(folder) == set()
