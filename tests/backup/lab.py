"""What the tests of backups share: a configuration with a backup folder, the command, direct looks into files."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.backup.make import Asked, Made, make_copy
from gateway.backup.sealed import BackupKey
from gateway.backup.shelf import Shelf
from gateway.cli import main
from gateway.clock import SystemClock
from gateway.config import settings as config
from gateway.config.settings import Settings
from gateway.foundation import database_of
from gateway.storage.body_token import body_key_place
from gateway.storage.driver import choose_driver


def settings_of(folder: Path) -> Settings:
    return config.load(folder / "config.toml")


def run(folder: Path, *arguments: str) -> int:
    return main(["--config", str(folder / "config.toml"), *arguments])


def asked_json(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """What a command prints for scripts."""
    capsys.readouterr()
    assert run(folder, *arguments, "--json") == code, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def backed_up(folder: Path, shelf: Shelf, *, quick: bool = False, keep: int = 0) -> Made:
    """A copy of the installation's data."""
    settings = settings_of(folder)
    asked = Asked(
        folder=settings.storage.folder,
        database=database_of(settings),
        quick=quick,
        keep=keep,
        body_key=body_key_place(settings),
    )
    return make_copy(shelf, asked, SystemClock(), lambda *_: None)


def shelf_of(folder: Path, key: BackupKey | None = None) -> Shelf:
    return Shelf(folder / "backups", key)


def query(folder: Path, sql: str) -> list[Any]:
    """Rows of the installation's database, by the library of a server that may run in this process.

    Another library's connection would drop the server's locks when it is closed.
    """
    module = choose_driver(allow_affected_sqlite=True).module
    with closing(module.connect(str(database_of(settings_of(folder))))) as connection:
        return list(connection.execute(sql).fetchall())


def emptied(folder: Path) -> Path:
    """The data folder moved away, as after a disaster; where it lies now."""
    data = settings_of(folder).storage.folder
    return data.rename(data.with_name("lost"))


def restored(folder: Path, *arguments: str, code: int = 0) -> None:
    """Bring the newest copy back."""
    assert (
        run(folder, "restore", "--from", str(folder / "backups"), "--reason", "the disk died", *arguments) == code
    )
