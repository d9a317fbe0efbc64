"""The log's head renewed by other hashes: by command and by the duty, in bundles and archives; and tampering."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.bundle.container import Container
from gateway.bundle.format import RENEWALS, RENEWALS_ENTRY
from gateway.cli import main
from gateway.simulate.tsa.issuing import POLICY
from gateway.verifying.anchors import Anchors
from gateway.verifying.verify import verify
from tests.bundle.making import with_entry
from tests.journeys.installation import prepare
from tests.journeys.months import close_month
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
            month = await close_month(site)
            stamper, _, restamper = app.stampers
            await stamper.run_once()
            async with asyncio.timeout(60):
                while "renewed" not in restamper.condition.words:  # a second after the first stamp
                    await restamper.run_once()
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
