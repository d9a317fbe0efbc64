"""What scripts read: with --json one document on standard output, whatever the gateway logs meanwhile."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.cli import build_parser, main
from gateway.commands.context import Context
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document

_WHY: Final = ("--reason", "thử nghiệm")
_NONE: Final = "0198f0c0-0000-7000-8000-000000000000"

#: What follows the words of each command, and whether it has an answer on an installation that holds one document
#: and does not run. `{…}` is a file of the fixture below.
COMMANDS: Final[dict[str, tuple[tuple[str, ...], bool]]] = {
    "migrate": ((), True),
    "status": ((), True),
    "check": ((), True),
    "fsck": ((), True),
    "doctor": ((), True),
    "agencies import": (("{agencies}", *_WHY), True),
    "agencies sync": (("axis",), False),
    "agencies list": ((), True),
    "agencies show": ((COMMUNE,), True),
    "agencies close": ((_NONE, *_WHY), False),
    "agencies route": ((COMMUNE, "commune", *_WHY), True),
    "agencies represent": ((COMMUNE, PROVINCE, *_WHY), True),
    "agencies endpoint list": ((), True),
    "agencies endpoint set": (("pushed", "--timeout", "7", *_WHY), True),
    "agencies endpoint rekey": (("pushed", *_WHY), True),
    "agencies endpoint verify": (("pushed", *_WHY), True),
    "agencies enrol": ((COMMUNE, *_WHY), True),
    "agencies token": ((COMMUNE, "--network", "10.0.0.0/8", *_WHY), True),
    "agencies certificate": ((COMMUNE, "{certificate}", *_WHY), True),
    "agencies networks": ((_NONE, "--anywhere", *_WHY), False),
    "agencies revoke": (("--all-of", COMMUNE, *_WHY), True),
    "agencies credentials": ((COMMUNE,), True),
    "agencies certificates add": ((COMMUNE, "{certificate}", "--kind", "agency", *_WHY), True),
    "agencies certificates end": ((COMMUNE, "abcd", *_WHY), False),
    "agencies certificates list": ((COMMUNE,), True),
    "agencies encryption add": ((COMMUNE, "{certificate}", *_WHY), False),
    "agencies encryption end": ((COMMUNE, "abcdef", *_WHY), False),
    "agencies encryption list": ((COMMUNE,), True),
    "encrypt": (("{certificate}", "--to", "{certificate}", "--out", "{folder}/one.p7m"), False),
    "decrypt": (("{certificate}", "--key", "{certificate}", "--out", "{folder}/one.out"), False),
    "agencies keys add": ((COMMUNE, "{certificate}", *_WHY), True),
    "agencies keys list": ((COMMUNE,), True),
    "agencies keys end": ((COMMUNE, "abcd", *_WHY), False),
    "agencies register": (("axis", COMMUNE, *_WHY), False),
    "agencies deregister": (("axis", COMMUNE, *_WHY), False),
    "keys revocation load": (("{certificate}", *_WHY), False),
    "keys revocation list": ((), True),
    "keys bodies show": ((), True),
    "keys bodies rotate": (_WHY, True),
    "keys list": ((), True),
    "keys stage": (("--certificate", "{certificate}"), False),
    "keys switch": (_WHY, False),
    "send": (("{document}",), False),
    "inbox list": ((), False),
    "inbox ack": ((_NONE,), False),
    "show": (("125/UBND-VP",), True),
    "signatures pending": ((), True),
    "reads": ((), True),
    "export": (("--latest", "--out", "{folder}/one.asice"), True),
    "archive make": (("2026-01", "--out", "{folder}"), False),
    "archive list": ((), True),
    "handover make": (("--to", "H33", "--out", "{document}", *_WHY), False),
    "handover verify": (("{folder}", "--anchors", "{folder}"), False),
    "handover take": (("{folder}", "--anchors", "{folder}", *_WHY), False),
    "handover list": ((), True),
    "handover find": (("125/UBND-VP",), True),
    "purge order": ((_NONE, "--ref", "1/QĐ", *_WHY), False),
    "purge confirm": ((_NONE, *_WHY), False),
    "purge cancel": ((_NONE, *_WHY), False),
    "purge list": ((), True),
    "purge show": ((_NONE,), False),
    "retain add": ((_NONE, "--ref", "1/QĐ", *_WHY), False),
    "retain end": ((_NONE, *_WHY), False),
    "retain list": ((), True),
    "requeue": ((_NONE, *_WHY), False),
    "hold": (("--recipient", COMMUNE, "--dry-run", *_WHY), True),
    "release": (("--recipient", COMMUNE, "--dry-run", *_WHY), True),
    "confirm": (("--recipient", COMMUNE, "--dry-run", *_WHY), True),
    "quarantine": (("--recipient", COMMUNE, "--dry-run", *_WHY), True),
    "adopt": ((_NONE, "--peer-id", "1", *_WHY), False),
    "statuses parked": ((), True),
    "statuses match": ((_NONE, _NONE, *_WHY), False),
    "statuses dismiss": ((_NONE, *_WHY), False),
    "tasks list": ((), True),
    "tasks close": ((_NONE, *_WHY), False),
    "alarms list": ((), True),
    "alarms history": ((), True),
    "alarms acknowledge": ((_NONE, *_WHY), False),
    "alarms snooze": ((_NONE, "--hours", "4", *_WHY), False),
    "alarms telephoned": ((_NONE, "--spoke-to", "Trần Thị B", *_WHY), False),
    "alerts set": ((COMMUNE, "--mail", "van-thu@xa-mot.example", *_WHY), True),
    "alerts list": ((), True),
    "alerts bounced": ((), True),
    "pause": (("pushed", "--until", "2100-01-01T00:00:00Z", *_WHY), True),
    "resume": (("none", *_WHY), False),
    "log show": ((), True),
    "log compare": (("{document}",), True),
    "log prove": (("0",), True),
    "log declare": (_WHY, False),
    "log restamp": ((), False),
    "witness show": (("{folder}",), False),
    "tls renew": ((), False),
    "register list": ((), True),
    "register show": (("2026-01-01",), False),
    "inspect": ((COMMUNE,), False),
    "backup": (("--to", "{folder}/copies"), True),
    "restore": (("--from", "{folder}/none", *_WHY), False),
    "gap": ((), True),
    "drill": (("--from", "{folder}/none"), True),
    "offers list": ((), True),
    "offers done": ((_NONE, *_WHY), False),
    "offers fail": ((_NONE, *_WHY), False),
    "offers poll": ((), True),
    "reconcile": (("list",), True),
    "shadow report": ((), True),
    "cutover show": ((), True),
    "cutover watch": ((COMMUNE, *_WHY), True),
    "cutover take": ((COMMUNE, *_WHY), True),
    "cutover return": ((COMMUNE, *_WHY), True),
    "import": (("{imported}",), False),
    "report": (("--from", "2026-01-01", "--to", "2026-01-31"), True),
    "users add": (("lan", "--role", "viewer", *_WHY), True),
    "users set": (("nobody", "--name", "Lan", *_WHY), False),
    "users list": ((), True),
    "users sessions": (("nobody",), False),
    **{f"users {act}": (("nobody", *_WHY), False) for act in ("disable", "enable", "unlock", "reset", "revoke")},
    "conformance": (("https://localhost:1/", "--secret-file", "{secret}", "--report", "{folder}"), True),
}


def _with_json(parser: argparse.ArgumentParser, words: str = "") -> Iterator[str]:
    below = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not below and any("--json" in one.option_strings for one in parser._actions):
        yield words
    for one in below:
        for name, child in one.choices.items():
            yield from _with_json(child, f"{words} {name}".strip())


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> dict[str, str]:
    """An installation that took a document and was stopped, and files for commands; all tests share it."""
    folder = tmp_path_factory.mktemp("o")

    async def live() -> Installation:
        made = await prepare(folder, pki_folder)
        async with made.running(), made.client(PROVINCE) as province:
            await province.submit(document(PROVINCE, [COMMUNE]))
        return made

    made = asyncio.run(live())
    structlog.reset_defaults()  # what comes is commands' logging
    (folder / "agencies.csv").write_text("organ_id,name,kind\n007.02.01.H33,UBND xã Bảy,commune\n")
    (folder / "document.edxml").write_bytes(document(PROVINCE, [COMMUNE]))
    (folder / "imported" / "sent").mkdir(parents=True)
    for name in ("a", "b"):
        (folder / "imported" / "sent" / f"{name}.edxml").write_bytes(document(PROVINCE, [COMMUNE]))
    seal = x509.load_pem_x509_certificate(made.settings.seal.certificate.read_bytes())
    (folder / "one.pem").write_bytes(seal.public_bytes(Encoding.PEM))
    return {
        "folder": str(folder),
        "agencies": str(folder / "agencies.csv"),
        "document": str(folder / "document.edxml"),
        "imported": str(folder / "imported"),
        "certificate": str(folder / "one.pem"),
        "secret": str(made.settings.storage.secrets / "pushed"),
    }


@pytest.fixture(autouse=True)
def noisy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a command does before it answers logs, by either library, and warns of an error."""
    answer = Context.print_json

    def log_and_answer(self: Context, value: Any) -> None:
        structlog.get_logger("test").info("test.unimportant")
        logging.getLogger("test").warning("a library's line")
        wrong = ValueError("of two\nlines")
        structlog.get_logger("test").error("test.failed", token="gw_0123456789abcdef", exc_info=wrong)
        answer(self, value)

    monkeypatch.setattr(Context, "print_json", log_and_answer)


def test_every_command_with_json_is_tried() -> None:
    """A new command has its line in the table."""
    assert set(_with_json(build_parser())) == COMMANDS.keys()


@pytest.mark.parametrize("words", COMMANDS)
def test_output_with_json_is_one_document(
    words: str, lived: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines of the log are on standard error, one each, without what is below a warning and without secrets."""
    more, answers = COMMANDS[words]
    arguments = [*words.split(), *(one.format(**lived) for one in more), "--json"]
    code = main(["--config", f"{lived['folder']}/config.toml", *arguments])
    shown = capsys.readouterr()
    if not answers:
        assert (code != 0, shown.out, bool(shown.err)) == (True, "", True)
        return
    assert code != 2, shown.err
    assert shown.out.endswith("\n"), shown.err
    json.loads(shown.out)
    lines = [line for line in shown.err.splitlines() if line.startswith("gateway: ")]
    assert "gateway: warning: library.logged logger='test' text=\"a library's line\"" in lines
    assert "gateway: error: test.failed token='[redacted]' error='ValueError: of two\\nlines'" in lines
    assert "unimportant" not in shown.err


def test_log_of_a_command_without_json_is_not_in_its_output(
    lived: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table may be piped too."""
    table = Context.table

    def log_and_show(self: Context, *rows: Any, **more: Any) -> None:
        structlog.get_logger("test").warning("test.failed")
        table(self, *rows, **more)

    monkeypatch.setattr(Context, "table", log_and_show)
    assert main(["--config", f"{lived['folder']}/config.toml", "agencies", "list"]) == 0
    shown = capsys.readouterr()
    assert "test.failed" not in shown.out
    assert "gateway: warning: test.failed\n" in shown.err
