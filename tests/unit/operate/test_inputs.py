"""What a person gives to the commands and cannot be used: one line says what and what to do, exit code 2."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import InputError
from gateway.foundation import open_foundation
from tests.journeys.installation import COMMUNE, Installation
from tests.unit.operate.test_commands import WHY, Terminal

REASON = ("--reason", WHY)


@pytest.fixture
def terminal(installation: Installation, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal on the installation's machine."""
    return Terminal(installation, capsys)


@pytest.fixture(params=["running", "stopped"])
def server(request: pytest.FixtureRequest, installation: Installation) -> Callable[[], Any]:
    """The installation with its server, and without."""
    return installation.running if request.param == "running" else nullcontext


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "there is no such file"),
        ("a folder", "it is a folder"),
        (b"organ_id,name\n001.01.01.H33,x\n002.01.01.H33,M\xe1\xbb\n", "line 3 is not UTF-8"),
        ("organ_id,name\n1,2\n".encode("utf-16"), "line 1 is not UTF-8"),
    ],
)
async def test_file_that_cannot_be_read_is_wrong_use(
    terminal: Terminal, tmp_path: Path, content: bytes | str | None, told: str
) -> None:
    """The file is named, and what to do; nothing is written."""
    file = tmp_path / "given.csv"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        file.mkdir()
    code, out, err = await terminal.run("agencies", "import", str(file), *REASON)
    assert (code, out) == (2, "")
    assert err.startswith(f"gateway: the file {file}: {told}")
    assert len(err.splitlines()) == 1


async def test_endless_file_is_read_up_to_a_bound(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device in place of a file ends in a sentence, not in all of the memory."""
    monkeypatch.setattr("gateway.commands.agencies._MOST_BYTES", 1024**2)
    code, _, err = await terminal.run("agencies", "import", "/dev/zero", *REASON)
    assert code == 2
    assert "larger than 1 MiB" in err


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"", 1, "organ_id"),
        (b"a,b\n1,2\n", 1, "organ_id"),
        (b"x" * 10_000_000 + b"\n", 1, ""),
        (b"organ_id,name\n001.01.01.H33," + b"x" * 10_000_000 + b"\n", 2, ""),
        (b"organ_id,name\n001.01\x00,A\n", 2, "organ_id"),
        (b'organ_id,name\n"001,A\n', 2, ""),
        (b"organ_id,name\n001.01.02.H33,A\n001.01.02.H33,B\n", 3, "organ_id"),
    ],
)
async def test_file_with_bad_rows_names_line_and_column(
    terminal: Terminal, tmp_path: Path, content: bytes, line: int, column: str
) -> None:
    """Whatever the file holds, its problems are told in few words, and nothing is written."""
    file = tmp_path / "given.csv"
    file.write_bytes(content)
    report = await terminal.json("agencies", "import", str(file), *REASON, code=1)
    assert report["applied"] is False
    assert (report["problems"][0]["line"], report["problems"][0]["column"]) == (line, column)
    assert max(len(problem["en"]) for problem in report["problems"]) < 500


async def test_mark_and_line_ends_of_windows_are_taken(terminal: Terminal, tmp_path: Path) -> None:
    """What a spreadsheet saves as CSV UTF-8."""
    file = tmp_path / "given.csv"
    file.write_bytes("\ufefforgan_id,name\r\n001.01.01.H33,UBND xã Một\r\n".encode())
    assert (await terminal.json("agencies", "import", str(file), *REASON))["created"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("agencies", "close", COMMUNE, "--at", "mai", *REASON),
        ("agencies", "close", "a" * 60, *REASON),
        ("agencies", "close", COMMUNE, "--reason", "x"),
        ("agencies", "route", COMMUNE, "", *REASON),
        ("agencies", "endpoint", "set", "Tên Kênh", "--kind", "inbox", *REASON),
        ("agencies", "endpoint", "set", "commune", "--capability", "fans_out", *REASON),
        ("pause", "commune", "--until", "mai", *REASON),
        ("pause", "commune", "--until", "99999999999d", *REASON),
    ],
)
async def test_argument_that_cannot_be_meant_is_wrong_use_with_the_server_and_without(
    terminal: Terminal, server: Callable[[], Any], arguments: tuple[str, ...]
) -> None:
    """The same bounds hold on both ways, before anything is asked or opened."""
    async with server():
        code, out, err = await terminal.run(*arguments)
    assert (code, out) == (2, "")
    told = [line for line in err.splitlines() if line.startswith("gateway: ")]
    assert len(told) == 1
    assert "Traceback" not in err


async def test_reason_that_is_none_is_told_what_one_is(terminal: Terminal) -> None:
    """The bound is said in words, not in those of the types."""
    code, _, err = await terminal.run("hold", "--recipient", COMMUNE, "--reason", "x")
    assert (code, err) == (2, "gateway: --reason: say why, in 3 to 500 characters\n")


async def test_data_of_a_newer_version_is_refused_with_the_way_out(
    installation: Installation, terminal: Terminal
) -> None:
    """An older program touches and reads nothing: exit code 3, and what to install or restore."""
    async with open_foundation(installation.settings, purpose="test") as foundation:
        await foundation.writer.begin()
        await foundation.writer.fetch("INSERT OR REPLACE INTO meta (key, value) VALUES ('compat_version', '999')")
        await foundation.writer.commit()
    changing = ("serve",), ("migrate",), ("agencies", "enrol", COMMUNE, *REASON)
    for arguments in (*changing, ("show", "125/UBND-VP"), ("agencies", "list"), ("statuses", "parked")):
        code, _, err = await terminal.run(*arguments)
        assert code == 3
        assert "needs a program that knows migration 999" in err
        assert "Install the version that wrote it, or restore a backup" in err


@pytest.mark.parametrize("number", ["0", "-3", "1e3", "9" * 5000, "½"])
async def test_count_that_is_none_is_wrong_use(terminal: Terminal, number: str) -> None:
    """The parser of arguments itself says so."""
    with pytest.raises(SystemExit) as ended:
        await terminal.run("agencies", "list", f"--limit={number}")
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "arguments",
    [("--bundle", "."), ("--bundle", "/no-such-folder/b"), ("--log", "x"), ("--bundle", "b", "--log", ".")],
)
async def test_doctor_refuses_files_it_cannot_use_before_it_looks(
    terminal: Terminal, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the examination to learn that its result has no place."""
    monkeypatch.chdir(tmp_path)
    code, out, err = await terminal.run("doctor", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("gateway: --")
    assert os.listdir(tmp_path) == ["i"]  # noqa: PTH208 - names only


def test_wrong_input_counts_as_wrong_use() -> None:
    """The class carries the exit code."""
    assert str(InputError()) == "What a command was given cannot be used."
