"""The commands as operators use them: beside the running server through its socket, and without one."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.api import models
from gateway.cli import main
from gateway.clock import SystemClock
from gateway.enrolment import hash_code
from gateway.foundation import open_foundation
from gateway.pki import issue_client
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE, PUSHED, Installation
from tests.journeys.messages import document, document_id
from tests.journeys.test_journey import reaches

WHY = "thử nghiệm"
ACTOR = f"operator:{os.getuid()}"


class Terminal:
    """Runs commands as a person would, in a thread, since each has an event loop of its own."""

    def __init__(self, installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
        self._config = str(installation.folder / "config.toml")
        self._capsys = capsys

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output, what was said besides."""
        code = await asyncio.to_thread(main, ["--config", self._config, *arguments])
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err

    async def json(self, *arguments: str, code: int = 0) -> Any:
        """What a script reads."""
        found, out, err = await self.run(*arguments, "--json")
        assert found == code, out + err
        return json.loads(out)


@pytest.fixture
def terminal(installation: Installation, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal on the installation's machine."""
    return Terminal(installation, capsys)


@pytest.fixture(params=["running", "stopped"])
def server(request: pytest.FixtureRequest, installation: Installation) -> Callable[[], Any]:
    """The installation with its server, and without."""
    return installation.running if request.param == "running" else nullcontext


async def events(installation: Installation) -> list[tuple[str, str]]:
    """Kind and actor of every event, read after everything has stopped."""
    async with open_foundation(installation.settings, purpose="test") as foundation:
        return [
            (kind, actor)
            for kind, actor in await foundation.writer.fetch("SELECT kind, actor FROM event ORDER BY seq")
        ]


async def notes(installation: Installation) -> list[str | None]:
    """What is kept of why an operator acted."""
    async with open_foundation(installation.settings, purpose="test") as foundation:
        rows = await foundation.writer.fetch("SELECT note FROM event WHERE actor = ? ORDER BY seq", (ACTOR,))
        return [row[0] for row in rows]


@asynccontextmanager
async def sent(installation: Installation, *recipients: str) -> AsyncIterator[models.Accepted]:
    """One document of the province, accepted by a server that runs until the block ends."""
    async with installation.running(), installation.client(PROVINCE) as province:
        yield await province.submit(document(PROVINCE, list(recipients)))


async def test_agencies_are_imported_searched_routed_and_closed(
    installation: Installation, terminal: Terminal, server: Callable[[], Any], tmp_path: Path
) -> None:
    """The directory's life, with or without the server; each change is an event of the operator."""
    file = tmp_path / "more.csv"
    file.write_text("organ_id,name,kind,endpoint\n007.02.01.H33,UBND xã Giồng Ba,commune,commune\n")
    async with server():
        report = await terminal.json("agencies", "import", str(file), "--reason", WHY)
        assert (report["applied"], report["created"]) == (True, 1)
        found = await terminal.json("agencies", "list", "giong ba")
        assert [item["organ_id"] for item in found] == ["007.02.01.H33"]
        routed = await terminal.json("agencies", "route", "007.02.01.H33", "province", "--reason", WHY)
        assert routed["endpoint"] == "province"
        await terminal.json("agencies", "represent", COMMUNE, "007.02.01.H33", "--reason", WHY)
        shown = await terminal.json("agencies", "show", "007.02.01.H33")
        assert shown["channel"] == "province"
        assert shown["spoken_for_by"] == [f"{COMMUNE} UBND xã Một"]
        await terminal.json("agencies", "represent", COMMUNE, "007.02.01.H33", "--end", "--reason", WHY)
        closed = await terminal.json("agencies", "close", "007.02.01.H33", "--successor", COMMUNE, "--reason", WHY)
        assert closed["successor"] == COMMUNE
        assert (await terminal.json("agencies", "show", "007.02.01.H33"))["closed_at"]
    kinds = [kind for kind, actor in await events(installation) if actor == ACTOR]
    assert await notes(installation) == [WHY] * 5
    assert kinds == [
        "agency.imported", "agency.rerouted", "representation.added", "representation.ended", "agency.closed",
    ]  # fmt: skip


async def test_bad_file_is_refused_whole_unless_partial(terminal: Terminal, tmp_path: Path) -> None:
    """Every problem names its line and column; exit code 1 says that something is left to do."""
    file = tmp_path / "bad.csv"
    file.write_text("organ_id,name,kind\n008.02.01.H33,UBND xã Tám,commune\n009.02.01.H33,,commune\n")
    code, out, _ = await terminal.run("agencies", "import", str(file), "--reason", WHY)
    assert code == 1
    assert "line 3" in out
    assert "nothing was written" in out
    report = await terminal.json("agencies", "import", str(file), "--partial", "--reason", WHY, code=1)
    assert (report["applied"], report["created"]) == (True, 1)


async def test_channels_are_listed_made_and_changed(terminal: Terminal, server: Callable[[], Any]) -> None:
    """What is not given stays as it was; an unknown capability is refused."""
    async with server():
        made = await terminal.json(
            "agencies", "endpoint", "set", "hai", "--kind", "webhook", "--url", "https://xa-hai.example/nhan",
            "--secret-file", "pushed", "--capability", "fans_out=true", "--capability", "document_types=0,1",
            "--reason", WHY,
        )  # fmt: skip
        assert made["made"] is True
        await terminal.json("agencies", "endpoint", "set", "hai", "--timeout", "7", "--relay", "--reason", WHY)
        row = next(row for row in await terminal.json("agencies", "endpoint", "list") if row["name"] == "hai")
        assert row["settings"] == {
            "url": "https://xa-hai.example/nhan", "secret_file": "pushed", "timeout_seconds": 7,
        }  # fmt: skip
        assert (row["relay"], row["capabilities"]["fans_out"]) == (True, True)
        assert row["capabilities"]["document_types"] == ["0", "1"]
        refused = ["agencies", "endpoint", "set", "hai", "--capability", "burns=true", "--reason", WHY]
        code, _, err = await terminal.run(*refused)
        assert code == 1
        assert "burns" in err


async def test_credentials_are_offered_issued_listed_and_revoked(
    installation: Installation, terminal: Terminal, server: Callable[[], Any]
) -> None:
    """Code and token are shown once; lists hold no secret, nor a hash of one."""
    pair = issue_client(installation.pki.folder, "khác", COMMUNE, now=SystemClock().now())
    async with server():
        offered = await terminal.json("agencies", "enrol", COMMUNE, "--reason", WHY)
        assert hash_code(offered["code"])
        assert offered["server_key_pin"].startswith("sha256//")
        token = await terminal.json(
            "agencies", "token", COMMUNE, "--label", "máy 1", "--network", "10.0.0.0/8", "--reason", WHY
        )
        taken = await terminal.json("agencies", "certificate", COMMUNE, str(pair.certificate), "--reason", WHY)
        code, listed, _ = await terminal.run("agencies", "credentials", COMMUNE, "--json")
        assert code == 0
        assert token["token"] not in listed
        rows = {row["id"]: row for row in json.loads(listed)}
        assert rows[token["credential"]]["networks"] == ["10.0.0.0/8"]
        assert rows[token["credential"]]["fingerprint"] == ""
        assert rows[taken["credential"]]["fingerprint"] == taken["fingerprint"]
        revoked = await terminal.json("agencies", "revoke", taken["fingerprint"], "--reason", WHY)
        assert revoked["revoked"] == [taken["credential"]]
        rest = await terminal.json("agencies", "revoke", "--all-of", COMMUNE, "--reason", WHY)
        assert token["credential"] in rest["revoked"]
        code, _, err = await terminal.run("agencies", "revoke", taken["fingerprint"], "--reason", WHY)
        assert code == 1
        assert "in force" in err
    assert await notes(installation) == [WHY] * (4 + len(rest["revoked"]))


async def test_from_where_a_credential_counts_is_changed_later(
    installation: Installation, terminal: Terminal, server: Callable[[], Any]
) -> None:
    """A certificate by its fingerprint, a token by its id; not one that is revoked."""
    pair = issue_client(installation.pki.folder, "khác", COMMUNE, now=SystemClock().now())
    why = ("--reason", WHY)
    async with server():
        certificate = await terminal.json("agencies", "certificate", COMMUNE, str(pair.certificate), *why)
        token = await terminal.json("agencies", "token", COMMUNE, *why)
        networks = ("--network", "10.1.0.0/16", "--network", "2001:db8::/32")
        for name in (certificate["fingerprint"].upper(), token["credential"]):
            told = await terminal.json("agencies", "networks", name, *networks, *why)
            assert told["networks"] == ["10.1.0.0/16", "2001:db8::/32"]
        listed = {row["id"]: row for row in await terminal.json("agencies", "credentials", COMMUNE)}
        for key in (certificate["credential"], token["credential"]):
            assert listed[key]["networks"] == ["10.1.0.0/16", "2001:db8::/32"]
        code, out, _ = await terminal.run("agencies", "networks", certificate["credential"], "--anywhere", *why)
        assert (code, out) == (0, f"{certificate['credential']} counts from anywhere\n")
        await terminal.json("agencies", "revoke", certificate["credential"], *why)
        for name, words, reason in (
            (token["credential"], ("--network", "10.0.0.1/8"), "parameter_invalid"),
            (certificate["credential"], networks, "not_found"),
        ):
            code, _, err = await terminal.run("agencies", "networks", name, *words, *why)
            assert (code, reason in err) == (1, True), err
    assert await notes(installation) == [WHY] * 6


async def test_deliveries_are_held_released_and_shown(installation: Installation, terminal: Terminal) -> None:
    """Through the socket while the server runs; --dry-run changes nothing; the reason is kept on the delivery."""
    async with sent(installation, COMMUNE) as accepted:
        line = accepted.deliveries[0].id
        tried = await terminal.json("hold", "--recipient", COMMUNE, "--dry-run", "--reason", WHY)
        assert (tried["dry_run"], tried["moved"]) == (True, 1)
        held = await terminal.json("hold", "--document", "125/UBND-VP", "--reason", WHY)
        assert held["items"] == [
            {"id": line, "message": accepted.id, "recipient": COMMUNE, "state": "held", "moved": True}
        ]
        told = await terminal.json("show", accepted.id[:18])
        assert told["deliveries"][0]["state"] == "held"
        assert (told["deliveries"][0]["reason"], told["deliveries"][0]["detail"]) == ("held_by_operator", WHY)
        again = await terminal.json("hold", line, "--reason", WHY, code=1)
        assert (again["moved"], again["items"][0]["moved"]) == (0, False)
        await terminal.json("release", line, "--reason", WHY)
        async with installation.client(COMMUNE) as commune:
            assert [item.id for item in (await commune.inbox(wait=5)).items] == [line]
        told = await terminal.json("show", document_id(PROVINCE))
        moves = [(event["event"], event["actor"]) for event in told["events"] if event["delivery"] == line]
        assert moves == [("delivery.held", ACTOR), ("delivery.released", ACTOR)]


async def test_number_means_the_document_and_not_the_statuses_about_it(
    installation: Installation, terminal: Terminal
) -> None:
    """What people type still names one document after its receivers answered; a status has its own id."""
    async with sent(installation, COMMUNE) as accepted, installation.client(COMMUNE) as commune:
        item = (await commune.inbox(wait=5)).items[0]
        await commune.content(item.id)
        answers = [await commune.answer(item.id, models.NewStatus(code=code)) for code in ("03", "05")]
        for words in ("125/UBND-VP", document_id(PROVINCE)):
            told = await terminal.json("show", words)
            assert (told["document"]["id"], len(told["statuses"])) == (accepted.id, 2)
            tried = await terminal.json("hold", "--document", words, "--dry-run", "--reason", WHY, code=1)
            assert (tried["dry_run"], tried["moved"]) == (True, 0)
        assert (await terminal.json("show", answers[0].id))["document"]["kind"] == "status"


async def test_dead_channels_deliveries_are_requeued_offline_too(
    installation: Installation, terminal: Terminal
) -> None:
    """What waits can be sent again by hand, also while the server is stopped."""
    async with sent(installation, PUSHED) as accepted:
        line = accepted.deliveries[0].id
        async with installation.client(PROVINCE) as province:
            await reaches(province, accepted.id, PUSHED, "deferred")
    code, out, err = await terminal.run("requeue", "--endpoint", "pushed", "--state", "deferred", "--reason", WHY)
    assert code == 0, out + err
    assert "1 of 1 were moved" in out
    assert "not running" in err
    told = await terminal.json("show", accepted.id)
    assert told["deliveries"][0]["state"] == "queued"
    assert ("delivery.requeued", ACTOR) in [(event["event"], event["actor"]) for event in told["events"]]
    code, shown, _ = await terminal.run("show", accepted.id)
    assert code == 0
    assert all(
        word in shown for word in ("Recipients", "Attempts", "Events", line, "UBND xã Hai", "connect_failed")
    )


@pytest.mark.parametrize("arguments", [
    ("hold", "--reason", WHY), ("hold", "no-such-delivery", "--reason", WHY),
    ("hold", "--endpoint", "nowhere", "--reason", WHY), ("hold", "--recipient", "H99", "--reason", WHY),
    ("hold", "--document", "nothing", "--reason", WHY), ("show", "nothing"),
    ("pause", "nowhere", "--until", "1h", "--reason", WHY),
    ("pause", "commune", "--until", "2001-01-01", "--reason", WHY),
    ("agencies", "endpoint", "set", "new", "--kind", "webhook", "--reason", WHY),
    ("agencies", "endpoint", "set", "pushed", "--url", "ftp://xa.example/", "--reason", WHY),
    ("agencies", "endpoint", "set", "pushed", "--url", "https://ten:mat@xa.example/", "--reason", WHY),
    ("agencies", "endpoint", "set", "pushed", "--secret-file", "../config.toml", "--reason", WHY),
    ("agencies", "show", "H99"), ("agencies", "route", "H99", "commune", "--reason", WHY),
    ("agencies", "close", COMMUNE, "--successor", COMMUNE, "--reason", WHY),
    ("agencies", "revoke", "--reason", WHY), ("agencies", "endpoint", "set", "new", "--reason", WHY),
    ("agencies", "certificate", COMMUNE, "/dev/null", "--reason", WHY), ("doctor", "nowhere"),
])  # fmt: skip
async def test_what_cannot_be_done_exits_1_with_a_sentence(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    """One line says what is wrong; nothing is changed."""
    code, _, err = await terminal.run(*arguments)
    assert code == 1
    lines = [line for line in err.splitlines() if line.startswith("gateway: ")]
    assert len(lines) == 1
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "code", "named", "vi", "en"),
    [
        (("requeue", "nope"), "delivery_unknown", "nope", "gateway show VĂN-BẢN", "gateway show DOCUMENT"),
        (("hold", "nope", "nor-this"), "delivery_unknown", "nor-this", "gateway show", "gateway show"),
        (("release", "--document", "1/X"), "document_unknown", "1/X", "số/ký hiệu", "number/notation"),
        (("show", "1/X"), "document_unknown", "1/X", "số/ký hiệu", "number/notation"),
        (("requeue", "--endpoint", "no"), "channel_unknown", "no", "endpoint list", "endpoint list"),
        (("pause", "no", "--until", "1h"), "channel_unknown", "no", "endpoint list", "endpoint list"),
        (("hold", "--recipient", "H99"), "agency_unknown", "H99", "gateway agencies list", "gateway agencies list"),
    ],
)
async def test_what_is_not_there_is_named_with_the_way_to_find_it(
    terminal: Terminal,
    server: Callable[[], Any],
    arguments: tuple[str, ...],
    code: str,
    named: str,
    vi: str,
    en: str,
) -> None:
    """What was not found, and how ids are found, in both languages, with the server and without."""
    reason = () if arguments[0] == "show" else ("--reason", WHY)
    async with server():
        found, _, err = await terminal.run(*arguments, *reason)
    told = [line for line in err.splitlines() if "not running" not in line]
    assert found == 1
    assert told[0].startswith(f"gateway: {code}: ")
    assert named in told[0]
    assert vi in told[1]
    assert en in told[2]


async def test_id_of_something_else_is_told_apart(installation: Installation, terminal: Terminal) -> None:
    """Whoever gives a document's or a transmission's id as a delivery's is told what it is."""
    async with sent(installation, COMMUNE) as accepted:
        told = await terminal.json("show", accepted.id)
        dispatch = told["deliveries"][0]["dispatch"]
        code, _, err = await terminal.run("hold", accepted.id, dispatch, "--reason", WHY)
        assert code == 1
        assert f"{accepted.id} is a document: gateway show {accepted.id}" in err
        assert f"{dispatch} is a transmission, of {accepted.id}" in err
        assert "no such delivery" not in err


async def test_shared_channel_is_not_paused_for_one_agency(terminal: Terminal) -> None:
    """Pausing one office must not silence its neighbours: it is refused, with what to do instead."""
    code, _, err = await terminal.run("pause", MINISTRY, "--until", "1h", "--reason", WHY)
    assert code == 1
    assert "shares the channel axis with 1 others" in err
    assert "gateway hold --recipient" in err


async def test_pause_keeps_back_and_resume_sends(
    installation: Installation, terminal: Terminal, server: Callable[[], Any]
) -> None:
    """A pause is shown by status and the list of channels until it ends."""
    async with server():
        paused = await terminal.json("pause", COMMUNE, "--until", "2h", "--reason", WHY)
        assert paused["channel"] == "commune"
        rows = {row["name"]: row for row in await terminal.json("agencies", "endpoint", "list")}
        assert (rows["commune"]["paused_by"], rows["commune"]["paused_why"]) == (ACTOR, WHY)
        assert (await terminal.json("resume", "commune", "--reason", WHY))["channel"] == "commune"
        rows = {row["name"]: row for row in await terminal.json("agencies", "endpoint", "list")}
        assert rows["commune"]["paused_until"] == ""
    assert await notes(installation) == [WHY, WHY]


async def test_running_server_tells_how_it_is_and_is_reloaded(
    installation: Installation, terminal: Terminal
) -> None:
    """status, reload and log-level need the server; without it they exit 3."""
    async with installation.running():
        told = await terminal.json("status")
        assert (told["running"], told["storage"]) == (True, "writable")
        code, shown, _ = await terminal.run("status")
        assert code == 0
        assert "province" in shown
        names = [channel["name"] for channel in told["channels"]]
        assert names[0] != names[-1]
        await terminal.run("pause", names[-1], "--until", "2099-01-01", "--reason", WHY)
        _, shown, _ = await terminal.run("status")
        assert shown.index(f" {names[-1]} ") < shown.index(f" {names[0]} ")  # what needs a look stands first
        await terminal.run("resume", names[-1], "--reason", WHY)
        _, shown, _ = await terminal.run("reload", "--reason", WHY)
        assert "restart" not in shown
        file = installation.folder / "config.toml"
        file.write_text(file.read_text().replace("[storage]", "[storage]\nreaders = 2"))
        code, shown, _ = await terminal.run("reload", "--reason", WHY)
        assert (code, shown.splitlines()[-1]) == (0, "Not taken until a restart: storage.readers")
        assert (await terminal.run("log-level", "error", "--reason", WHY))[0] == 0
    for arguments in (("status",), ("reload", "--reason", WHY), ("log-level", "info", "--reason", WHY)):
        assert (await terminal.run(*arguments))[0] == 3


async def test_documents_are_sent_listed_fetched_and_acknowledged(
    installation: Installation, terminal: Terminal, tmp_path: Path
) -> None:
    """A system's whole day by hand, over the real listener."""
    file = tmp_path / "a.edxml"
    file.write_bytes(document(PROVINCE, [COMMUNE]))
    for organ_id in (PROVINCE, COMMUNE):
        token = tmp_path / organ_id
        token.write_text(installation.tokens[organ_id])
        token.chmod(0o600)
    async with installation.running() as app:
        own = ("--url", f"https://localhost:{app.port}", "--token-file", str(tmp_path / PROVINCE))
        other = (*own[:2], "--token-file", str(tmp_path / COMMUNE))
        assert (await terminal.json("send", str(file), "--validate", *own))["ok"] is True
        accepted = await terminal.json("send", str(file), "--idempotency-key", "k1", *own)
        assert await terminal.json("send", str(file), "--idempotency-key", "k1", *own) == accepted
        items = await terminal.json("inbox", "list", *other)
        item = items[0]["id"]
        assert item == accepted["deliveries"][0]["id"]
        got = tmp_path / "got.edxml"
        assert (await terminal.run("inbox", "get", item, "--output", str(got), *other))[0] == 0
        assert got.read_bytes() == file.read_bytes()
        pdf = tmp_path / "got.pdf"
        assert (await terminal.run("inbox", "get", item, "--attachment", "1", "--output", str(pdf), *other))[0] == 0
        assert pdf.read_bytes().startswith(b"%PDF")
        assert (await terminal.json("inbox", "ack", item, *other))["state"] == "delivered"
        code, _, err = await terminal.run("inbox", "get", "nothing", *other)
        assert code == 1
        assert "Không tìm thấy" in err
    assert (await terminal.run("inbox", "list", *other))[0] == 3  # nobody listens any more
    assert (await terminal.run("inbox", "list", "--url", own[1]))[0] == 2  # nobody says who asks


async def test_keys_tell_pin_and_expiry(installation: Installation, terminal: Terminal) -> None:
    """The pin goes to agencies, and days count down; a purpose chooses, and prints all that is known."""
    rows = (await terminal.json("keys", "list"))["certificates"]
    own = {row["purpose"]: row for row in rows if row["purpose"] in {"tls", "seal", "enrolment"}}
    assert len(own) == 3
    for row in own.values():
        assert row["pin"].startswith("sha256//")
        assert (row["days_left"] > 0, row["warning"], row["begins_later"]) == (True, 0, False)
    code, out, _ = await terminal.run("keys", "list", "tls")
    assert code == 0
    for name in ("issuer", "serial", "pin", "algorithm", "sha256", "file"):
        assert str(own["tls"][name]) in out
    assert own["seal"]["sha256"] not in out
    code, out, err = await terminal.run("keys", "list", "tsl")
    assert (code, out) == (2, "")
    assert "there is no tsl" in err
    later = issue_client(installation.pki.folder, "khác", COMMUNE, now=SystemClock().now() + timedelta(days=2))
    installation.settings.tls.certificate.write_bytes(later.certificate.read_bytes())
    rows = (await terminal.json("keys", "list", "tls", code=1))["certificates"]
    assert [(row["warning"], row["begins_later"]) for row in rows] == [(0, True)]


async def test_migrate_says_what_is_pending_and_applies_it(
    installation: Installation, terminal: Terminal, tmp_path: Path
) -> None:
    """On a new folder everything is pending; afterwards, and beside the server, nothing."""
    text = (installation.folder / "config.toml").read_text()
    elsewhere = re.sub(r'(\[storage\]\nfolder = )".*"', rf'\1"{tmp_path}/n"', text)
    assert elsewhere != text
    (installation.folder / "config.toml").write_text(elsewhere)
    pending = await terminal.json("migrate", "--dry-run")
    assert pending["migrations"][0].startswith("0001_")
    assert not (tmp_path / "n").exists()
    assert (await terminal.json("migrate"))["migrations"] == pending["migrations"]
    assert (await terminal.json("migrate", "--dry-run"))["migrations"] == []
    (installation.folder / "config.toml").write_text(text)
    async with installation.running():
        assert "up to date" in (await terminal.run("migrate"))[1]


async def test_commands_without_data_say_so(installation: Installation, terminal: Terminal) -> None:
    """Nothing was set up yet: exit code 3, and no folder is made by looking."""
    (installation.settings.storage.folder / "gateway.sqlite").unlink()
    for arguments in (("show", "x"), ("agencies", "list"), ("hold", "x", "--reason", WHY)):
        code, _, err = await terminal.run(*arguments)
        assert code == 3
        assert "there is no database" in err
