"""The commands about keys of channels and about alerts, beside the running server and without one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.findings import Findings
from gateway.config.settings import WebhookSettings
from gateway.diagnosis.check import check_channels
from gateway.diagnosis.check_kinds import KINDS
from gateway.diagnosis.doctor import examine_proof
from gateway.foundation import open_foundation
from gateway.ledger.alerts import Bounced, BounceOperation
from gateway.model import Capabilities, Endpoint, EndpointId
from tests.adapters.folder_lab import lay
from tests.journeys.installation import COMMUNE, Installation
from tests.unit.directory.store import NOW
from tests.unit.operate.test_commands import WHY, Terminal, server, terminal

__all__ = ["server", "terminal"]

_ADDRESS = "vanthu@xa.example.vn"


async def test_a_webhook_gets_a_new_secret(
    terminal: Terminal, server: Callable[[], Any], installation: Installation
) -> None:
    """It is printed once, lies in a file of its own, and the settings name both."""
    async with server():
        told = await terminal.json("agencies", "endpoint", "rekey", "pushed", "--overlap", "2h", "--reason", WHY)
        path = Path(installation.settings.storage.secrets / told["secret_file"])
        assert await asyncio.to_thread(path.read_text) == told["secret"] + "\n"
        listed = await terminal.json("agencies", "endpoint", "list")
        settings = next(each["settings"] for each in listed if each["name"] == "pushed")
        assert settings["secret_file"] == told["old_secret_file"] == "pushed"
        assert settings["next_secret_file"] == told["secret_file"]
        code, _, err = await terminal.run("agencies", "endpoint", "rekey", "pushed", "--reason", WHY)
        assert code == 1
        assert "overlap" in err
        code, _, _ = await terminal.run("agencies", "endpoint", "rekey", "commune", "--reason", WHY)
        assert code == 1


async def test_a_key_for_ed25519_stays_here_and_its_public_half_is_told(
    terminal: Terminal, installation: Installation
) -> None:
    """Whoever reads the terminal cannot sign."""
    settings = ("--setting", "signature=rfc9421", "--setting", "algorithm=ed25519", "--setting", "secret_file=new")
    code, _, err = await terminal.run("agencies", "endpoint", "set", "pushed", *settings, "--reason", WHY)
    assert code == 0, err
    told = await terminal.json("agencies", "endpoint", "rekey", "pushed", "--overlap", "0m", "--reason", WHY)
    assert "PUBLIC KEY" in told["public_key"]
    assert "secret" not in told
    path = Path(installation.settings.storage.secrets / told["secret_file"])
    assert "PRIVATE KEY" in await asyncio.to_thread(path.read_text)


async def test_a_setting_that_no_push_could_use_is_not_taken(terminal: Terminal) -> None:
    """The command says why."""
    for setting, words in (
        ("signature=pgp", "hmac or rfc9421"),
        ("header_bytes=1", "header_bytes"),
        ("x", "NAME="),
    ):
        code, _, err = await terminal.run(
            "agencies", "endpoint", "set", "pushed", "--setting", setting, "--reason", WHY
        )
        assert code != 0
        assert words in err


_AXIS = (
    *("agencies", "endpoint", "set", "member", "--kind", "vxp", "--relay", "--capability", "fans_out=true"),
    *("--url", "https://vxp.example.vn", "--setting", "system_id=000.00.00.H33", "--secret-file", "axis"),
    *("--reason", WHY),
)


async def test_an_axis_is_made_as_its_page_says(terminal: Terminal) -> None:
    """What else the command says of the channel counts where it is judged."""
    code, _, err = await terminal.run(*_AXIS)
    assert code == 0, err
    code, _, err = await terminal.run(*_AXIS, "--capability", "colour=blue")
    assert (code, "colour" in err) == (1, True)


@pytest.mark.parametrize(
    "settings",
    [
        ("canary_code=H33.1", "canary_minutes=0"),
        ("canary_code=5",),
        ("poll_seconds=often",),
        ("silent_hours=0",),
    ],
)
async def test_numbers_of_a_list_that_is_polled_are_judged_before(
    terminal: Terminal, installation: Installation, settings: tuple[str, ...]
) -> None:
    """With one of them the list would not be read: the command takes none, and `check` names one that is there."""
    given = [word for setting in settings for word in ("--setting", setting)]
    name, _, value = settings[-1].partition("=")
    code, _, err = await terminal.run(*_AXIS, *given)
    assert (code, name in err) == (1, True), err
    settled = {"system_id": "H33", "secret_file": "axis", "url": "https://vxp.example.vn", "canary_code": "H33.1"}
    endpoint = Endpoint(
        id=EndpointId("e"),
        name="axis",
        kind="vxp",
        settings=settled | {name: int(value) if value.isdigit() else value},
        capabilities=Capabilities(fans_out=True),
        is_relay=True,
    )
    findings = Findings(KINDS)
    check_channels(installation.settings, [endpoint], findings)
    (found,) = findings.listed()
    assert (found.code, name in found.detail) == ("channel_unfit", True)


async def test_a_channel_to_an_axis_is_made_as_a_relay_that_fans_out(
    terminal: Terminal, installation: Installation
) -> None:
    """It is judged with what the same command says of it; without these it is refused, and told both."""
    (installation.settings.storage.secrets / "axis").write_text("a secret of the axis")
    given = ("--url", "https://vxp.example.vn", "--setting", "system_id=000.00.00.H33", "--secret-file", "axis")
    set_it = ("agencies", "endpoint", "set", "truc", "--kind", "vxp", *given, "--reason", WHY)
    code, _, err = await terminal.run(*set_it)
    assert code == 1
    assert "--relay" in err
    assert "fans_out=true" in err
    told = await terminal.json(*set_it, "--relay", "--capability", "fans_out=true")
    assert told["is_relay"] is True
    await terminal.json("agencies", "endpoint", "set", "truc", "--setting", "hash_file=padded", "--reason", WHY)


async def test_a_receiver_that_does_not_answer_is_told(terminal: Terminal) -> None:
    """Exit code 1 and the reason."""
    told = await terminal.json("agencies", "endpoint", "verify", "pushed", "--reason", WHY, code=1)
    assert (told["verified"], told["reason"]) == (False, "connect_failed")
    code, out, _ = await terminal.run("agencies", "endpoint", "verify", "pushed", "--reason", WHY)
    assert code == 1
    assert "is not verified: connect_failed" in out


async def test_alerts_are_set_and_listed(terminal: Terminal, server: Callable[[], Any]) -> None:
    """What is given is set, the rest stays; '-' takes all of it away."""
    async with server():
        set_them = ("alerts", "set", COMMUNE, "--reason", WHY)
        told = await terminal.json(
            *set_them, "--mail", _ADDRESS, "--call", "Nguyễn Văn A,+84900000001,5", "--details"
        )
        assert told["calls"] == [{"name": "Nguyễn Văn A", "number": "+84900000001", "after_minutes": 5}]
        told = await terminal.json(*set_them, "--mail", "-", "--notices", "digest")
        assert (told["mail"], told["notices"], told["details"], len(told["calls"])) == ([], "digest", True, 1)
        for wrong in (("--mail", "không phải"), ("--call", "A,12,0"), ("--call", "A")):
            code, _, _ = await terminal.run(*set_them, *wrong)
            assert code != 0
        assert await terminal.json("alerts", "list", COMMUNE) == []
        assert (await terminal.run("alerts", "list", "no such agency"))[0] == 1


async def test_bounced_addresses_are_shown_until_they_are_set_again(
    terminal: Terminal, installation: Installation
) -> None:
    """By their own command and by `check`."""
    await terminal.json("alerts", "set", COMMUNE, "--mail", _ADDRESS, "--reason", WHY)
    async with open_foundation(installation.settings, purpose="test") as base:
        bounced = Bounced(address=_ADDRESS, reason="mail_address_refused", detail="550", now=base.clock.now())
        await base.pump.submit(BounceOperation(), bounced)
    assert [row["address"] for row in await terminal.json("alerts", "bounced")] == [_ADDRESS]
    findings = (await terminal.json("check"))["findings"]
    assert [each["detail"] for each in findings if each["code"] == "address_bounced"] == [_ADDRESS]
    await terminal.json("alerts", "set", COMMUNE, "--mail", _ADDRESS, "--reason", WHY)
    assert await terminal.json("alerts", "bounced") == []


def test_a_channel_without_proof_is_a_finding_where_proofs_are_asked_for(installation: Installation) -> None:
    """And an overlap is told, so that somebody reminds the receiver."""
    settings: dict[str, object] = {"url": "https://qlvb.example.vn/", "next_secret_at": "2126-01-01T00:00:00+07:00"}
    endpoint = Endpoint(id=EndpointId("e"), name="x", kind="webhook", settings=settings)
    asked = replace(installation.settings, webhook=WebhookSettings(verify="always"))
    assert [each.code for each in examine_proof(asked, endpoint, None, NOW)] == [
        "secret_overlap",
        "channel_unverified",
    ]
    assert [each.code for each in examine_proof(installation.settings, endpoint, None, NOW)] == ["secret_overlap"]


async def test_settings_take_fractions_and_refuse_what_only_looks_like_a_number(
    terminal: Terminal, tmp_path: Path
) -> None:
    """What was meant stands in the channel; what cannot be meant changes nothing and says what to write."""
    folder = lay(tmp_path / "share")
    set_it = ("agencies", "endpoint", "set", "folder-1", "--kind", "folder", "--reason", WHY)
    given = (f"path={folder}", "settle_seconds=0.5", "patience_seconds=0", "poll_seconds=2", "answers=false")
    texts = ("a=007", "b=1.10", 'c="-5"', 'd="true"', "e=10.0.0.1")
    words = [word for setting in given + texts for word in ("--setting", setting)]
    await terminal.json(*set_it, *words, "--capability", "outcomes=true")
    (settings,) = [
        each["settings"]
        for each in await terminal.json("agencies", "endpoint", "list")
        if each["name"] == "folder-1"
    ]
    assert settings == {
        "path": str(folder),
        "settle_seconds": 0.5,
        "patience_seconds": 0,
        "poll_seconds": 2,
        "answers": False,
        "a": "007",
        "b": "1.10",
        "c": "-5",
        "d": "true",
        "e": "10.0.0.1",
    }
    for value in ("nan", "-inf", "Infinity", "-1", "+0.5", "1e3", "2E-5", ".5", "5.", "9" * 16, "9" * 5000, "１２"):
        code, _, err = await terminal.run(*set_it, "--setting", f"settle_seconds={value}")
        assert code == 2, value
        assert "is no number from 0" in " ".join(err.split()), err
        assert "double quotes" in " ".join(err.split())
    for value in ('"nan"', "soon", "true", "007"):
        code, _, err = await terminal.run(*set_it, "--setting", f"settle_seconds={value}")
        assert code == 1, value
        assert "settle_seconds is no number" in err
    listed = await terminal.json("agencies", "endpoint", "list")
    assert [each["settings"] for each in listed if each["name"] == "folder-1"] == [settings]
