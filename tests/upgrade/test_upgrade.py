"""Every release's data folder is opened by this one, and a newer one by none that does not know it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.fsck import examine
from gateway.cli import main
from gateway.config import settings as config
from gateway.config.settings import Settings
from gateway.foundation import database_of, open_foundation
from gateway.storage.migrations import MIGRATIONS, load_migrations

ARCHIVES = sorted(Path(__file__).with_name("folders").glob("*.zip"))
CONFIG = '[seal]\nanchors = "certs/anchors/seal"\n[storage]\nfolder = "data"\n[parser]\nprocesses = 1\n'

#: As a later program would leave it.
NEWER = "INSERT OR REPLACE INTO meta VALUES ('compat_version', '9999'), ('schema_version', '9999')"


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.removesuffix(".zip"))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of one release, unpacked, with a configuration of this one."""
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "data").chmod(0o700)
    return tmp_path


def settings_of(folder: Path) -> Settings:
    return config.load(folder / "config.toml")


def expected(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "expected.json").read_text())
    return found


def run(folder: Path, *arguments: str) -> int:
    return main(["--config", str(folder / "config.toml"), *arguments])


def versions(database: Path) -> dict[str, str]:
    with closing(sqlite3.connect(database)) as connection:
        return dict(connection.execute("SELECT key, value FROM meta WHERE key LIKE '%version'"))


def test_there_is_a_folder_of_a_release() -> None:
    """A listing that found nothing would make every test here pass."""
    assert ARCHIVES


def test_dry_run_names_what_is_outstanding_and_applies_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`gateway migrate --dry-run` is what an operator asks before the upgrade."""
    database = database_of(settings_of(folder))
    before = versions(database)
    assert run(folder, "migrate", "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    known = load_migrations(MIGRATIONS)
    assert told == {"dry_run": True, "migrations": [each.name for each in known[expected(folder)["schema"] :]]}
    assert versions(database) == before


def test_folder_of_an_earlier_release_is_opened_and_holds(folder: Path) -> None:
    """Opening brings it to this version; all that was in it is still in it, and nothing is found wrong."""
    settings, due = settings_of(folder), expected(folder)

    async def opened() -> tuple[str, ...]:
        async with open_foundation(settings) as base:
            return base.migrated

    assert len(asyncio.run(opened())) == len(load_migrations(MIGRATIONS)) - due["schema"]
    report = asyncio.run(examine(settings, database_of(settings)))
    assert report.findings == []
    counts = due["counts"] | {"events": due["counts"]["events"] + 1}  # this opening is one more
    assert {name: getattr(report.counts, name) for name in counts} == counts


def test_migrating_twice_applies_nothing_the_second_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command and the server's start may both do it."""
    assert run(folder, "migrate", "--json") == 0
    capsys.readouterr()
    assert run(folder, "migrate", "--json") == 0
    assert json.loads(capsys.readouterr().out)["migrations"] == []


def test_folder_that_needs_a_newer_program_is_refused_untouched(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Going back to an older program without restoring is stopped before it writes anything."""
    database = database_of(settings_of(folder))
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(NEWER)
    hold = ["hold", "--state", "queued", "--reason", "stop it"]
    for arguments in (["migrate"], ["migrate", "--dry-run"], hold):
        assert run(folder, *arguments) == 3
    told = capsys.readouterr().err
    assert "migration 9999" in told
    assert "restore a backup" in told
    assert versions(database)["schema_version"] == "9999"


def test_way_back_from_an_upgrade_is_a_restore(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The copy made before it is at the old schema, untouched by the backup; restored, this program opens it."""
    database, backups = database_of(settings_of(folder)), str(folder / "backups")
    before = versions(database)
    assert run(folder, "backup", "--to", backups) == 0
    assert versions(database) == before
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(NEWER)
    assert run(folder, "migrate") == 3
    (folder / "data").rename(folder / "upgraded")
    capsys.readouterr()
    assert run(folder, "restore", "--from", backups, "--reason", "back to the old version", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert len(told["migrations"]) == len(load_migrations(MIGRATIONS)) - expected(folder)["schema"]
    assert told["epoch"]["held"] > 0
    assert told["fsck"]["documents"] == expected(folder)["counts"]["documents"]
