"""Whatever stands where the data folder should be, `fsck` says in plain words what it is and what to do."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import gateway
from gateway.audit.fsck import FsckReport, examine
from gateway.cli import main
from gateway.config import settings as config
from gateway.foundation import database_of
from gateway.storage.body_keys import KeyFile

#: A user that owns nothing here.
NOBODY = 65534
#: Runs once as root, so that all is imported: another user may not enter the folder of this program.
AS_NOBODY = f"""
import contextlib, io, os, sys
from gateway.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    main(sys.argv[1:])
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
sys.exit(main(sys.argv[1:]))
"""


def examined(folder: Path) -> FsckReport:
    """What fsck finds."""
    settings = config.load(folder / "config.toml")
    return asyncio.run(examine(settings, database_of(settings), quick=True))


def cut(data: Path, size: int) -> None:
    """The database ends after so many bytes; what was in its log has gone too."""
    for name in ("gateway.sqlite-wal", "gateway.sqlite-shm"):
        (data / name).unlink(missing_ok=True)
    os.truncate(data / "gateway.sqlite", size)


def overwrite(data: Path) -> None:
    """Another file lies there."""
    cut(data, 0)
    (data / "gateway.sqlite").write_bytes(b"%PDF-1.7\n" * 1000)


def turn_into_file(data: Path) -> None:
    """Something else took the folder's name."""
    shutil.rmtree(data)
    data.write_text("x")


def turn_into_folder(data: Path) -> None:
    """A restore went into a wrong place."""
    (data / "gateway.sqlite").unlink()
    (data / "gateway.sqlite").mkdir()


def put_another_database(data: Path) -> None:
    """A SQLite database of another program."""
    cut(data, 0)
    with closing(sqlite3.connect(data / "gateway.sqlite")) as connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.commit()


def set_version(data: Path) -> None:
    """A newer program wrote it."""
    with closing(sqlite3.connect(data / "gateway.sqlite")) as connection:
        connection.execute("UPDATE meta SET value = '9999' WHERE key = 'schema_version'")
        connection.commit()


def halve(data: Path) -> None:
    """A copy that broke off."""
    cut(data, (data / "gateway.sqlite").stat().st_size // 2 // 4096 * 4096 + 100)


def put_another_key(data: Path) -> None:
    """A key file, but not the one that the bodies were encrypted under."""
    path = data.parent / "secrets" / "bodies.key"
    path.unlink()
    KeyFile.make(path)


CASES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no data folder": (shutil.rmtree, "database_missing"),
    "a file instead of the folder": (turn_into_file, "database_missing"),
    "no database": (lambda data: (data / "gateway.sqlite").unlink(), "database_missing"),
    "a folder instead of the database": (turn_into_folder, "database_foreign"),
    "an empty database": (lambda data: cut(data, 0), "database_foreign"),
    "not even a header": (lambda data: cut(data, 50), "database_foreign"),
    "another file": (overwrite, "database_foreign"),
    "another program's database": (put_another_database, "database_foreign"),
    "another version": (set_version, "database_version"),
    "the first half": (halve, "database_damaged"),
    "no key of the bodies": (lambda data: (data.parent / "secrets" / "bodies.key").unlink(), "body_key_unfit"),
    "another key of the bodies": (put_another_key, "body_key_unfit"),
    "no bodies": (lambda data: shutil.rmtree(data / "bodies"), "bodies_unusable"),
}


@pytest.mark.parametrize("name", CASES)
def test_data_folder_that_cannot_be_examined_is_a_finding(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script gets its JSON object and a person two sentences, in both languages, never a driver's error alone."""
    spoil, code = CASES[name]
    spoil(folder / "data")
    arguments = ["--config", str(folder / "config.toml"), "fsck"]
    assert main([*arguments, "--json"]) == 1
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert told["ok"] is False
    assert code in {finding["code"] for finding in told["findings"]}
    found = next(finding for finding in told["findings"] if finding["code"] == code)
    assert all((found["vi"], found["en"], found["do"]["vi"], found["do"]["en"], found["detail"]))
    assert shown.err == ""
    assert main(arguments) == 1
    assert found["do"]["vi"] in capsys.readouterr().out


def test_looking_makes_no_folder(folder: Path) -> None:
    """A folder made by looking would hide that the data is gone."""
    shutil.rmtree(folder / "data")
    assert not examined(folder).ok
    assert not (folder / "data").exists()


def test_anchors_that_cannot_be_read_are_a_finding(folder: Path, tmp_path: Path) -> None:
    """Without them no receipt can be judged."""
    settings = config.load(folder / "config.toml")
    settings = replace(settings, seal=replace(settings.seal, anchors=tmp_path / "none"))
    report = asyncio.run(examine(settings, database_of(settings)))
    assert [finding.code for finding in report.findings] == ["anchors_unfit"]


@pytest.mark.parametrize("seed", range(8))
def test_noise_in_the_database_ends_in_a_report(folder: Path, seed: int) -> None:
    """Pages and bytes that a dying disk made up stop nothing and raise nothing."""
    data = folder / "data"
    with closing(sqlite3.connect(data / "gateway.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray((data / "gateway.sqlite").read_bytes())
    noise = random.Random(seed)
    for _ in range(6):
        page = noise.randrange(1, len(content) // 4096) * 4096
        content[page : page + 4096] = noise.choice([bytes(4096), b"\xa5" * 4096, noise.randbytes(4096)])
    (data / "gateway.sqlite").write_bytes(content)
    report = examined(folder)
    assert not report.ok
    assert "database_damaged" in {finding.code for finding in report.findings}


@pytest.fixture
def public(folder: Path) -> Iterator[Path]:
    """The installation where everybody may enter; the test runner keeps its own folders to itself."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "copy"
        shutil.copytree(folder, copy)
        text = (copy / "config.toml").read_text()
        (copy / "config.toml").write_text(text.replace(str(folder), str(copy)))
        # with the program: its own folder may lie in root's home
        shutil.copytree(Path(gateway.__file__).parent, Path(name) / "gateway")
        open_to_all(Path(name))
        key = copy / "secrets" / "bodies.key"
        key.chmod(0o600)
        os.chown(key, NOBODY, NOBODY)
        yield copy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("path", "mode", "code"),
    [
        ("data", 0o700, "database_unreadable"),
        ("data/gateway.sqlite", 0o600, "database_unreadable"),
        ("data/bodies", 0o700, "bodies_unusable"),
        ("a body", 0o600, "body_unreadable"),
        ("secrets/bodies.key", 0o644, "body_key_unfit"),
    ],
)
def test_missing_rights_are_a_finding(public: Path, path: str, mode: int, code: str) -> None:
    """Run as another user, fsck says that it may not look, and where."""
    with closing(sqlite3.connect(public / "data" / "gateway.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    target = next((public / "data" / "bodies").glob("??/*")) if path == "a body" else public / path
    target.chmod(mode)
    command = [
        sys.executable,
        "-c",
        AS_NOBODY,
        "--config",
        str(public / "config.toml"),
        "fsck",
        "--json",
        "--quick",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=public.parent)
    assert ended.returncode == 1, ended.stderr
    told = json.loads(ended.stdout)
    assert told["ok"] is False
    assert {finding["code"] for finding in told["findings"]} == {code}


def open_to_all(folder: Path) -> None:
    """Rights for everybody to read."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
