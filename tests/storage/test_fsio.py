"""Durable writes: whole or absent, private, with nothing left under a temporary name."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import ConfigError, EnvironmentRefusedError, StorageError
from gateway.failpoints import FAILPOINTS, VARIABLE, failpoint, parse_failpoints, refuse_armed
from gateway.fsio import atomic_replace, make_private_dir, publish, write_durably


def test_written_file_is_whole_and_private(tmp_path: Path) -> None:
    """A new file holds every byte, is readable by its owner only, and leaves no temporary name."""
    write_durably(tmp_path / "key.pem", b"secret")
    assert (tmp_path / "key.pem").read_bytes() == b"secret"
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


def test_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """Publishing under a taken name is an error and changes nothing."""
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(StorageError, match="File exists"):
        write_durably(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_replaced_file_has_new_content_and_mode(tmp_path: Path) -> None:
    """Replacing works with and without an earlier file, whatever the umask."""
    for content in (b"one", b"two"):
        atomic_replace(tmp_path / "a", content, 0o644)
        assert (tmp_path / "a").read_bytes() == content
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644
    assert len(list(tmp_path.iterdir())) == 1


def test_publish_moves_between_folders(tmp_path: Path) -> None:
    """A finished file may come from another folder of the same disk."""
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "from" / "x").write_bytes(b"data")
    publish(tmp_path / "from" / "x", tmp_path / "to" / "y")
    assert (tmp_path / "to" / "y").read_bytes() == b"data"
    assert list((tmp_path / "from").iterdir()) == []


@pytest.mark.parametrize("act", [write_durably, atomic_replace])
def test_missing_folder_is_a_storage_error(tmp_path: Path, act: object) -> None:
    """Callers never see an OSError."""
    assert callable(act)
    with pytest.raises(StorageError, match="No such file"):
        act(tmp_path / "nowhere" / "x", b"data")


def test_target_that_is_a_folder_is_a_storage_error(tmp_path: Path) -> None:
    """A failed replace leaves no temporary file."""
    (tmp_path / "a").mkdir()
    with pytest.raises(StorageError):
        atomic_replace(tmp_path / "a", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_private_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    """Only the owner may enter; an existing folder is kept; a file in the way is an error."""
    make_private_dir(tmp_path / "a" / "b")
    make_private_dir(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        make_private_dir(tmp_path / "file")


def test_failpoints_are_parsed() -> None:
    """A point kills at its first or its nth hit."""
    assert parse_failpoints("") == {}
    assert parse_failpoints("fsio.sync.before=kill, pump.commit.after=kill:3") == {
        "fsio.sync.before": 1,
        "pump.commit.after": 3,
    }


@pytest.mark.parametrize("text", ["nowhere=kill", "fsio.sync.before", "fsio.sync.before=raise", "x=kill:0"])
def test_wrong_failpoints_are_refused(text: str) -> None:
    """A misspelt point must not pass for a survived crash."""
    with pytest.raises(ConfigError):
        parse_failpoints(text)


@pytest.mark.parametrize("text", ["fsio.sync.before=kill:0", "fsio.sync.before=kill:x"])
def test_wrong_counts_are_refused(text: str) -> None:
    """A point is hit once or more."""
    with pytest.raises(ConfigError):
        parse_failpoints(text)


def test_unarmed_failpoint_does_nothing() -> None:
    """Without the variable a point is free."""
    failpoint("fsio.sync.before")


def test_registered_failpoints_are_those_in_the_source() -> None:
    """The registry and the code name the same points."""
    package = Path(__file__).parents[2] / "gateway"
    used = {
        name
        for path in package.rglob("*.py")
        for name in re.findall(r'failpoint(?:_soon)?\("([^"]+)"\)', path.read_text(encoding="utf-8"))
    }
    assert used == set(FAILPOINTS)


def test_strict_profile_refuses_to_start_armed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A production process must not be told to kill itself; the development profile may."""
    refuse_armed("strict")
    monkeypatch.setenv(VARIABLE, "reply.before=kill")
    refuse_armed("development")
    with pytest.raises(EnvironmentRefusedError, match=VARIABLE):
        refuse_armed("strict")


def test_wrong_variable_stops_the_program_where_it_can_be_told() -> None:
    """Importing goes well; then the start refuses, and so does the first point."""
    for call in ("f.refuse_armed('development')", "f.failpoint('reply.before')"):
        script = f"from gateway import failpoints as f\ntry: {call}\nexcept f.ConfigError as e: print(e)"
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, VARIABLE: "nowhere=kill"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "nowhere" in done.stdout


def test_points_that_are_reached_are_noted_once(tmp_path: Path) -> None:
    """`note` kills nobody."""
    file = tmp_path / "points"
    script = "from gateway.failpoints import failpoint as f\nfor _ in range(2): f('reply.before'); f('reply.after')"
    environment = {**os.environ, VARIABLE: f"note={file}"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, cwd=Path(__file__).parents[2])
    assert file.read_text().split() == ["reply.before", "reply.after"]
