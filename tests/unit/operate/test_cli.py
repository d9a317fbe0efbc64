"""The command line itself: help for everything, exit codes, and words instead of tracebacks."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path

import pytest

from gateway.cli import GROUPS, build_parser, exit_code, leave_closed_folder, main, told
from gateway.commands import keys
from gateway.commands.instants import parse_instant
from gateway.errors import (
    ConfigError,
    EnvironmentRefusedError,
    InputError,
    KeyFileError,
    ProblemError,
    RefusedError,
    StorageError,
    TrustStoreError,
    UnreachableError,
)
from tests.unit.directory.store import NOW


def commands(parser: argparse.ArgumentParser, name: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command that does something."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield name
    for action in inner:
        for word, one in action.choices.items():
            yield from commands(one, (*name, word))


PARSER = build_parser()  # of all commands, which takes a while
ALL = sorted(commands(PARSER))
CHANGING = {
    "handover make", "handover take", "purge order", "purge confirm", "purge cancel", "retain add", "retain end",
    "quarantine", "keys switch", "agencies keys add", "agencies keys end",
    "requeue", "hold", "release", "pause", "resume", "reload", "log-level", "agencies import", "agencies enrol",
    "agencies token", "agencies certificate", "agencies revoke", "agencies close", "agencies route",
    "agencies represent", "agencies endpoint set", "statuses match", "statuses dismiss", "restore", "confirm",
    "adopt", "cutover watch", "cutover take", "cutover return", "import", "tasks close", "offers done",
    "offers fail", "agencies register", "agencies deregister",
    "agencies endpoint rekey", "agencies endpoint verify",
    "alerts set", "alarms acknowledge", "alarms snooze", "alarms telephoned",
    "agencies sync", "agencies networks", "log declare", "keys revocation load", "keys bodies rotate",
    "agencies certificates add", "agencies certificates end", "agencies encryption add", "agencies encryption end",
    "users add", "users set", "users disable", "users enable", "users unlock", "users reset", "users revoke",
}  # fmt: skip

#: What plays a peer, and orders for it.
SIMULATING = {
    "simulate axis",
    "simulate lgsp",
    "simulate tsa",
    *(f"simulate tsa-control {order}" for order in ("order", "calm", "state")),
    *(
        f"simulate axis-control {order}"
        for order in ("order", "calm", "send", "report", "put", "secret", "catalogue", "state")
    ),
}


def test_the_commands_are_these() -> None:
    """A command that goes away breaks somebody's script."""
    assert {" ".join(words) for words in ALL} == CHANGING | SIMULATING | {
        "demo", "serve", "migrate", "status", "check", "fsck", "doctor", "keys serve", "send",
        "keys try", "keys list", "keys stage", "agencies keys list",
        "keys revocation list", "signatures pending", "keys bodies init", "keys bodies show", "keys bodies retire",
        "keys bodies try",
        "agencies certificates list", "agencies encryption list", "encrypt", "decrypt",
        "inbox list", "inbox get", "inbox ack", "show", "export", "agencies list", "agencies show",
        "agencies credentials",
        "agencies endpoint list", "statuses parked", "backup", "backup-key", "gap", "drill",
        "conformance", "inspect",
        "shadow report", "cutover show", "tasks list", "offers list", "offers poll", "reconcile",
        "alarms list", "alarms history", "alerts list", "alerts bounced",
        "log init", "log show", "log prove", "log compare",
        "reads",
        "witness init", "witness follow", "witness show", "witness serve",
        "purge list", "purge show", "retain list",
        "tls renew", "log restamp", "register list", "register show", "archive make", "archive list",
        "handover verify", "handover list", "handover find", "report", "users list", "users sessions",
    }  # fmt: skip


@pytest.mark.parametrize("name", GROUPS)
def test_a_command_is_found_in_the_module_that_is_imported_for_it(name: str) -> None:
    """The table by which no other is imported says what the modules say."""
    parsers = argparse.ArgumentParser().add_subparsers()
    import_module(f"gateway.commands.{name}").add(parsers)
    assert tuple(parsers.choices) == GROUPS[name]


def test_help_imports_no_more_than_its_own_command() -> None:
    """A command that is run a hundred times a day does not import the simulators."""
    code = (
        "import sys; from gateway.cli import main\n"
        "try: main(['--config', 'x', 'keys', '--help'])\n"
        "finally: print([name for name in sys.modules if name.startswith('gateway.commands.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        done.stdout.splitlines()[-1] == "['gateway.commands.context', 'gateway.commands.body_keys', "
        "'gateway.commands.revocation', 'gateway.commands.rotation', 'gateway.commands.keys']"
    )
    assert "asyncssh" not in done.stdout


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """What it does, and every argument explained; asking costs nothing."""
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: gateway {' '.join(words)}")


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_what_changes_something_needs_a_reason(words: tuple[str, ...]) -> None:
    """And what only reads does not; where one is needed at times only, the act itself checks.

    An import without one says what would come of it, a token of another protocol needs none in the development
    profile, and only a catalogue that is held needs one.
    """
    parser = PARSER
    for word in words:
        inner = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
        parser = inner.choices[word]
    reason = [action for action in parser._actions if action.dest == "reason"]
    assert bool(reason) is (" ".join(words) in CHANGING)
    assert all(action.required for action in reason) or words in {
        ("import",),
        ("agencies", "sync"),
        ("agencies", "token"),
    }


def test_help_before_a_command_lists_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks what there is sees it, whatever is written after it."""
    with pytest.raises(SystemExit) as ended:
        main(["--help", "keys"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"\n    {word} " in shown for words in GROUPS.values() for word in words if len(word) < 20)


@pytest.mark.parametrize("arguments", [[], ["burn"], ["show"], ["pause", "x"], ["hold", "--state", "burnt"]])
def test_wrong_use_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Argparse says what is missing."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (RefusedError("not_found"), 1),
        (ProblemError(status=404, code="not_found"), 1),
        (InputError("x"), 2),
        (EnvironmentRefusedError("x"), 3),
        (KeyFileError("x"), 3),
        (TrustStoreError("x"), 3),
        (StorageError("x"), 3),
        (UnreachableError("x"), 3),
        (FileNotFoundError(2, "No such file", "x.csv"), 3),
        (RuntimeError("bug"), 3),
    ],
)
def test_errors_have_their_exit_codes(error: Exception, code: int) -> None:
    """1 the answer is no, 2 wrong use, 3 environment."""
    assert exit_code(error) == code


def test_people_get_a_sentence_and_what_to_do() -> None:
    """A refusal in both languages, a file's name, and for our own bugs whom to tell."""
    assert (
        told(RefusedError("not_found", "no agency has the code X"))[0]
        == "gateway: not_found: no agency has the code X"
    )
    problem = told(ProblemError(status=422, code="digest_mismatch"))
    assert "Tính lại SHA-256" in problem[1]
    assert "Compute SHA-256" in problem[2]
    assert told(FileNotFoundError(2, "No such file", "x.csv")) == ["gateway: x.csv: No such file"]
    assert "--debug" in told(RuntimeError("bug"))[1]


def test_missing_configuration_is_told_without_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the option comes after the command, or from the environment."""
    missing = str(tmp_path / "none.toml")
    for arguments in (
        ["--config", missing, "check"],
        ["check", "--config", missing],
        ["check", f"--config={missing}"],
    ):
        assert main(arguments) == 2
        shown = capsys.readouterr()
        assert shown.err == f"gateway: cannot read {missing}: No such file or directory\n"
        assert shown.out == ""
    monkeypatch.setenv("GATEWAY_CONFIG", missing)
    assert main(["check"]) == 2
    assert missing in capsys.readouterr().err


def test_debug_lets_the_traceback_through(tmp_path: Path) -> None:
    """For the developers."""
    with pytest.raises(ConfigError):
        main(["check", "--debug", "--config", str(tmp_path / "none.toml")])


def test_interrupt_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is no error of ours."""

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(keys, "_try", interrupted)
    assert main(["keys", "try"]) == 130


def test_module_is_the_command() -> None:
    """`python -m gateway` works without anything installed on the path."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "--version"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-23T08:00", "2026-11-23T01:00:00+00:00"),
        ("2026-11-23T08:00Z", "2026-11-23T08:00:00+00:00"),
        ("30m", "2018-11-20T02:30:00+00:00"),
        ("+2h", "2018-11-20T04:00:00+00:00"),
        ("3d", "2018-11-23T02:00:00+00:00"),
    ],
)
def test_instants_are_vietnams_unless_said_otherwise(text: str, instant: str) -> None:
    """As somebody at the data centre means them."""
    assert parse_instant(text, now=NOW).timestamp() == datetime.fromisoformat(instant).timestamp()


@pytest.mark.parametrize("text", ["", "tomorrow", "25:00", "2h30"])
def test_text_that_is_no_instant_is_refused(text: str) -> None:
    """With an example of what is."""
    with pytest.raises(InputError, match="30m, 2h, 3d"):
        parse_instant(text, now=NOW)


def test_folder_that_is_closed_to_this_user_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An administrator types `runuser -u gateway -- gateway fsck` at home; its parsers could not start there."""
    monkeypatch.chdir(tmp_path)
    leave_closed_folder()
    assert Path.cwd() == tmp_path
    monkeypatch.setattr(os, "access", lambda *_: False)
    leave_closed_folder()
    assert Path.cwd() == Path("/")
