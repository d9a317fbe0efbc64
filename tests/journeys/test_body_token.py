"""The key of bodies on a PKCS#11 token: moved there, turned, copied, restored, and what stops a start."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest

from gateway.audit.fsck import examine
from gateway.backup.drill import drill
from gateway.clock import SystemClock
from gateway.foundation import database_of
from tests.backup.lab import asked_json, backed_up, emptied, restored, run, settings_of, shelf_of
from tests.forking import run_forked
from tests.journeys.handing import killed
from tests.token_lab import WRONG, TokenLab, make_token

LABEL = "gateway-bodies"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenLab:
    return make_token(tmp_path / "token", monkeypatch)


@pytest.fixture
def moved(folder: Path, lab: TokenLab, capsys: pytest.CaptureFixture[str]) -> Path:
    """An installation whose key was in a file and is on the token now."""
    path = folder / "config.toml"
    lines = f'body_token = "{lab.place(LABEL)}"\nbody_secret = "{lab.secret}"'
    path.write_text(path.read_text().replace("[storage]", f"[storage]\n{lines}", 1))
    assert run(folder, "keys", "bodies", "init") == 0
    assert "cannot leave the token" in capsys.readouterr().out
    assert run(folder, "keys", "bodies", "init") == 2  # there is one already
    turned = asked_json(folder, capsys, "keys", "bodies", "rotate", "--reason", "onto the token")
    assert turned["wrapper"].startswith("00000001")
    return folder


def test_turning_that_is_killed_leaves_all_keys_where_they_were_and_is_done_again(
    moved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the token, before the commit; `tests.crash.command_kills` has every other point."""
    before = asked_json(moved, capsys, "keys", "bodies", "show")
    killed(moved, "pump.commit.before=kill:2", "keys", "bodies", "rotate", "--reason", "each year")
    assert is_sound(moved)
    after = asked_json(moved, capsys, "keys", "bodies", "show")
    assert after["data_keys"] == before["data_keys"]
    ids = {key["id"]: key["needed_by"] for key in after["keys"]}
    left = ids.keys() - {key["id"] for key in before["keys"]}  # a key that was made and never used may be there
    assert len(ids) - len(left) == len(before["keys"])
    assert all(ids[each] == "nothing" for each in left)
    turned = asked_json(moved, capsys, "keys", "bodies", "rotate", "--reason", "each year")
    assert turned["keys"] == len(before["data_keys"]) + 1


def is_sound(folder: Path) -> bool:
    settings = settings_of(folder)
    return asyncio.run(examine(settings, database_of(settings), quick=True)).ok


def test_keys_move_from_file_to_token_turn_there_and_go_back(
    moved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No body is touched; the file may go when the token has all; a token is left by way of the file."""
    path = settings_of(moved).storage.body_key
    shown = asked_json(moved, capsys, "keys", "bodies", "show")
    assert [(key["at"], key["newest"], key["needed_by"] == "nothing") for key in shown["keys"]] == [
        ("token", True, False),
        ("file", False, True),
    ]
    assert run(moved, "keys", "bodies", "retire", shown["keys"][1]["id"]) == 0
    assert not path.exists()
    assert is_sound(moved)
    asked_json(moved, capsys, "keys", "bodies", "rotate", "--reason", "each year")
    shown = asked_json(moved, capsys, "keys", "bodies", "show")
    new, old = (key["id"] for key in shown["keys"])
    assert {key["under"] for key in shown["data_keys"]} == {new}
    assert run(moved, "keys", "bodies", "retire", new) == 2
    assert run(moved, "keys", "bodies", "retire", old) == 0
    assert is_sound(moved)
    asked_json(moved, capsys, "keys", "bodies", "rotate", "--into-file", "--reason", "another token comes")
    config = moved / "config.toml"
    config.write_text(re.sub(r"body_(token|secret) = .*\n", "", config.read_text()))
    shown = asked_json(moved, capsys, "keys", "bodies", "show")
    assert [key["at"] for key in shown["keys"]] == ["file"]
    assert is_sound(moved)


def test_copies_are_made_restored_and_tried_with_the_token(
    moved: Path, lab: TokenLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it they say so and leave nothing; a drill, too."""
    settings, shelf = settings_of(moved), shelf_of(moved)
    settings.storage.body_key.unlink()
    backed_up(moved, shelf)
    report = asyncio.run(drill(shelf, settings, "", SystemClock(), lambda *_: None))
    assert report.ok
    assert run(moved, "backup", "--to", str(shelf.folder), "--verify", report.copy) == 0
    emptied(moved)
    with lab.pulled_out():
        report = asyncio.run(drill(shelf, settings, "", SystemClock(), lambda *_: None))
        assert (report.ok, report.code) == (False, "body_key_unfit")
        restored(moved, code=1)
        assert not any(settings.storage.folder.iterdir())
    restored(moved)
    assert is_sound(moved)
    with lab.pulled_out():
        capsys.readouterr()
        assert run(moved, "fsck", "--quick") == 1
        assert "body_key" in capsys.readouterr().out


def started(folder: Path) -> tuple[int, str]:
    """A server that is to refuse, as systemd would start it: its exit code and last words."""
    return run_forked("gateway", "--config", str(folder / "config.toml"), "serve", environment=os.environ)


def test_server_without_a_serving_token_refuses_to_start_and_spares_the_pin(
    moved: Path, lab: TokenLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3 with the code and the next step; systemd may start it a hundred times; a person ends it."""
    with lab.pulled_out():
        code, told = started(moved)
        assert (code, "token_" in told, "docs/encryption.md" in told) == (3, True, True)
    lab.write_pin(WRONG)
    for _ in range(4):
        code, told = started(moved)
        assert (code, "pin_refused" in told) == (3, True)
        assert "gateway keys bodies try --pin-again" in told
    assert run(moved, "check") == 1
    assert "pin_refused" in capsys.readouterr().out
    lab.write_pin()
    assert run(moved, "keys", "bodies", "try") == 1
    assert run(moved, "keys", "bodies", "try", "--pin-again") == 0
    assert run(moved, "keys", "bodies", "try") == 0
    assert is_sound(moved)
