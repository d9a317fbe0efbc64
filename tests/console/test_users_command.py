"""`gateway users`: the first administrator, rights, and help for people who are locked out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from tests.journeys.installation import COMMUNE, make_pki, prepare

_WHY = ["--reason", "for the test"]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation that no server has open."""
    folder = tmp_path_factory.mktemp("users")
    make_pki(folder / "pki")
    (folder / "site").mkdir()
    asyncio.run(prepare(folder / "site", folder / "pki"))
    return folder / "site" / "config.toml"


def users(config: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What a subcommand prints as JSON."""
    code = main(["--config", str(config), "users", *arguments, "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return json.loads(printed.out)


def test_users_are_made_shown_changed_and_disabled(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The password is printed once and lies nowhere in clear; a clerk has offices."""
    made = users(config, capsys, "add", "Nguyen.Van.A", "--role", "administrator", "--name", "Nguyễn Văn A", *_WHY)
    assert made["login"] == "nguyen.van.a"
    assert len(made["password"]) > 20
    database = (config.parent / "data" / "gateway.sqlite").read_bytes()
    assert made["password"].encode() not in database
    clerk = users(config, capsys, "add", "clerk", "--role", "clerk", "--office", COMMUNE, "--preview", *_WHY)
    assert clerk["password"] != made["password"]
    listed = {each["login"]: each for each in users(config, capsys, "list")}
    assert listed["clerk"] | {"id": ""} == {
        "login": "clerk", "name": "clerk", "role": "clerk", "preview": "yes", "offices": COMMUNE,
        "second_factor": "no", "state": "fine", "id": "",
    }  # fmt: skip
    users(config, capsys, "set", "clerk", "--role", "viewer", "--no-preview", *_WHY)
    users(config, capsys, "disable", "nguyen.van.a", *_WHY)
    listed = {each["login"]: each for each in users(config, capsys, "list")}
    assert (listed["clerk"]["role"], listed["clerk"]["offices"], listed["clerk"]["preview"]) == ("viewer", "", "no")
    assert listed["nguyen.van.a"]["state"] == "disabled"
    users(config, capsys, "enable", "nguyen.van.a", *_WHY)
    again = users(config, capsys, "reset", "nguyen.van.a", *_WHY)
    assert again["password"] != made["password"]
    assert users(config, capsys, "unlock", "nguyen.van.a", *_WHY)["act"] == "unlock"
    assert users(config, capsys, "sessions", "nguyen.van.a") == []
    assert users(config, capsys, "revoke", "nguyen.van.a", *_WHY)["ended"] == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["add", "x y", "--role", "viewer", *_WHY], "parameter_invalid"),
        (["add", "lonely", "--role", "clerk", *_WHY], "office_missing"),
        (["add", "much", "--role", "viewer", "--office", COMMUNE, *_WHY], "parameter_invalid"),
        (["disable", "nobody", *_WHY], "not_found"),
        (["sessions", "nobody"], "not_found"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: str
) -> None:
    """Exit 1 and a reason code."""
    assert main(["--config", str(config), "users", *arguments]) == 1
    assert code in capsys.readouterr().err
