"""doctor: each layer that stops is named, and a bundle holds no secret."""

from __future__ import annotations

import ast
import asyncio
import json
import ssl
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway import signing
from gateway.audit.findings import Finding
from gateway.cli import main
from gateway.commands.acting import status_of
from gateway.diagnosis import doctor
from gateway.diagnosis.check_kinds import KINDS
from gateway.model import Endpoint, EndpointId
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import PROVINCE, Installation


@asynccontextmanager
async def peer(installation: Installation, date: str = "") -> AsyncIterator[int]:
    """A receiver with a certificate of the test's PKI; its port."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=405, headers={"Date": date} if date else {})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(installation.pki.server.certificate, installation.pki.server.key)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def channel(installation: Installation, url: str, **more: object) -> Endpoint:
    """A webhook to that address."""
    settings: dict[str, object] = {
        "url": url,
        "secret_file": "pushed",
        "anchors_file": str(installation.pki.anchors(TrustPurpose.TLS) / "root.pem"),
    }
    return Endpoint(id=EndpointId("e"), name="x", kind="webhook", settings=settings | more)


async def layers_of(installation: Installation, endpoint: Endpoint, **more: Any) -> dict[str, Finding]:
    """What doctor sees, by layer."""
    last = more.pop("last", None)
    found = await doctor.examine_channel(installation.settings, endpoint, last, now=datetime.now(UTC))
    return {each.subject: each for each in found}


async def test_sound_channel_is_fine_in_every_layer(installation: Installation) -> None:
    """Name, TCP, TLS, clock, secret, and what was last said."""
    async with peer(installation) as port:
        layers = await layers_of(installation, channel(installation, f"https://localhost:{port}/"))
    assert {name: each.code for name, each in layers.items()} == dict.fromkeys(
        ("secret", "name", "tcp", "tls", "http", "last reply"), "layer_fine"
    )
    assert "certificate ends" in layers["tls"].detail


async def test_address_that_may_not_be_dialled_ends_the_way(installation: Installation) -> None:
    """In production this machine is none, whatever its name."""
    strict = replace(installation.settings, profile="strict")
    endpoint = channel(installation, "https://localhost:1/")
    found = await doctor.examine_channel(strict, endpoint, None, now=datetime.now(UTC))
    layers = {each.subject: each for each in found}
    assert layers["address"].code == "target_not_allowed"
    assert layers["verification"].code == "channel_unverified"
    assert "tcp" not in layers


async def test_name_that_does_not_resolve_ends_the_way(installation: Installation) -> None:
    """What stands on a failed layer is not tried."""
    layers = await layers_of(installation, channel(installation, "https://khong-co.invalid/"))
    assert layers["name"].code == "name_unknown"
    assert "tcp" not in layers


async def test_closed_port_is_named(installation: Installation) -> None:
    """Nobody listens there."""
    async with peer(installation) as port:
        pass
    layers = await layers_of(installation, channel(installation, f"https://localhost:{port}/"))
    assert layers["tcp"].code == "connect_failed"
    assert "tls" not in layers


async def test_certificate_of_another_ca_is_named(installation: Installation) -> None:
    """The chain does not lead to the channel's anchors."""
    foreign = str(installation.pki.anchors(TrustPurpose.SEAL) / "root.pem")
    async with peer(installation) as port:
        endpoint = channel(installation, f"https://localhost:{port}/", anchors_file=foreign)
        layers = await layers_of(installation, endpoint)
    assert layers["tls"].code == "tls_failed"
    assert "http" not in layers


async def test_missing_anchors_file_is_named(installation: Installation) -> None:
    """A channel that points at a file that is not there."""
    async with peer(installation) as port:
        endpoint = channel(installation, f"https://localhost:{port}/", anchors_file="none.pem")
        assert (await layers_of(installation, endpoint))["anchors_file"].code == "channel_unfit"


async def test_clock_that_differs_is_named(installation: Installation) -> None:
    """Signatures are dated: a peer an hour behind refuses them."""
    async with peer(installation, "Mon, 20 Nov 2017 08:00:00 GMT") as port:
        layers = await layers_of(installation, channel(installation, f"https://localhost:{port}/"))
    assert layers["http"].code == "clock_skew"


async def test_secret_missing_or_readable_by_others_is_named(installation: Installation) -> None:
    """Without it every push would be refused here."""
    gone = await layers_of(installation, channel(installation, "nothing", secret_file="none"))
    assert gone["secret"].code == "secret_missing"
    assert gone["url"].code == "channel_unfit"
    (installation.settings.storage.secrets / "pushed").chmod(0o644)
    assert (await layers_of(installation, channel(installation, "nothing")))["secret"].code == "secret_exposed"
    outside = channel(installation, "nothing", secret_file="../config.toml")
    assert (await layers_of(installation, outside))["secret"].code == "channel_unfit"


async def test_last_reply_and_pause_are_told(installation: Installation) -> None:
    """What the peer said last, and that nobody asks it now."""
    last = doctor.LastAttempt(
        started_at=datetime.now(UTC),
        outcome="refused",
        reason="peer_refused",
        detail="sai mẫu",
        peer='{"http_status":422}',
    )
    inbox = Endpoint(
        id=EndpointId("e"), name="x", kind="inbox", paused_until=datetime.now(UTC) + timedelta(hours=1)
    )
    layers = await layers_of(installation, inbox, last=last)
    assert layers["channel"].code == "channel_down"
    assert layers["last reply"].code == "last_refused"
    assert "sai mẫu" in layers["last reply"].detail


@pytest.mark.parametrize(("offset", "told"), [(-600, True), (61, True), (60, False), (0, False), ("x", False)])
async def test_clock_that_the_last_try_found_far_off_is_told(
    installation: Installation, offset: object, *, told: bool
) -> None:
    """The application behind a proxy may have another time than the proxy."""
    last = doctor.LastAttempt(
        started_at=datetime.now(UTC),
        outcome="relayed",
        reason="",
        detail="",
        peer=json.dumps({"clock_offset_seconds": offset}),
    )
    inbox = Endpoint(id=EndpointId("e"), name="x", kind="inbox")
    found = await doctor.examine_channel(installation.settings, inbox, last, now=datetime.now(UTC))
    assert ("clock_skew" in [each.code for each in found]) is told


async def test_server_itself_is_examined(installation: Installation) -> None:
    """Stopped is told at once; running, every local layer."""
    stopped = await doctor.examine_server(installation.settings, await status_of(installation.settings))
    assert [each.code for each in stopped] == ["server_stopped"]
    async with installation.running() as app:
        server = replace(installation.settings.server, operations_port=app.operations_port)
        settings = replace(installation.settings, server=server)
        status = await status_of(settings)
        assert status is not None
        found = {each.subject: each.code for each in await doctor.examine_server(settings, status)}
        layers = (
            "admin socket",
            "readiness",
            "certificate",
            "seal",
            "institution",
            "log",
            "stamps",
            "witnesses",
            "registers",
            "restamps",
            "archives",
            "renewal",
            "revocation",
            "encryption",
            "purges",
            "bodies",
            "disk",
            "write-ahead log",
        )
        assert found == dict.fromkeys(layers, "layer_fine") | {"signatures": "signers_unset"}
        status |= {"free_bytes": 0, "wal_bytes": 1 << 40, "log": "not signed: behind: 20, here are 5"}
        status["health"] |= {"log": "failing", "stamps": "late", "renewal": "failing"}
        status["channels"][0]["down_since"] = "2026-11-22T00:00:00Z"
        found = {each.subject: each.code for each in await doctor.examine_server(settings, status)}
        assert (found["disk"], found["write-ahead log"]) == ("disk_low", "wal_large")
        assert (found["log"], found["stamps"]) == ("log_refusing", "stamps_late")
        for name, health, code in (
            ("witnesses", "late", "witness_late"),
            ("witnesses", "contradicted", "log_contradicted"),
            ("registers", "late", "registers_late"),
            ("revocation", "degraded", "revocation_degraded"),
            ("encryption", "degraded", "encryption_soon"),
            ("encryption", "late", "encryption_last_days"),
        ):
            said = {"health": {name: health}, "words_vi": {name: "đã lâu"}, "codes": {name: "pin_locked"}}
            each = await doctor.examine_server(settings, status | said)
            (one,) = [found for found in each if found.subject == name]
            assert (one.code, one.subject_vi) == (code, doctor.SUBJECTS_VI[name])
            assert one.detail_vi == f"{KINDS['pin_locked'].vi} {KINDS['pin_locked'].do_vi} đã lâu"
        assert found["renewal"] == "renewal_failing"
        assert "channel_down" in found.values()
    assert (await doctor.examine_server(settings, status))[1].code == "not_ready"


def test_whoever_needs_a_person_says_so_in_vietnamese() -> None:
    """Every condition that is not fine has its sentence in both languages."""
    folder = Path(signing.__file__).parent
    files = [*(folder / "maintenance").glob("*.py"), folder / "signing.py"]
    calls = [
        (file.name, call)
        for file in files
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Condition"
    ]
    assert len(calls) > 10
    assert [name for name, call in calls if len(call.args) < 3] == []


async def test_bundle_holds_no_secret(
    installation: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every key, token, code and HMAC secret of the installation is searched for in every file of the bundle."""
    config = installation.folder / "config.toml"
    ping = "https://hc.example/ping/5d1c6f0e-secret-path"
    config.write_text(f'{config.read_text()}\n[observe]\nheartbeat_url = "{ping}"\n')
    arguments = ["--config", str(config)]
    async with installation.running():
        await asyncio.to_thread(main, [*arguments, "agencies", "enrol", PROVINCE, "--reason", "try", "--json"])
        code = json.loads(capsys.readouterr().out)["code"]
        secrets = [code, ping, *installation.tokens.values()]
        secrets += [path.read_text() for path in installation.settings.storage.secrets.iterdir()]
        keys = [path.read_text() for path in installation.folder.rglob("*.key")]
        log = tmp_path / "log.jsonl"
        log.write_text("\n".join(json.dumps({"event": "x", "text": text}) for text in secrets[2:]) + "\n" + keys[0])
        bundle = tmp_path / "bundle.tar.gz"
        command = [*arguments, "doctor", "--bundle", str(bundle), "--log", str(log), "--json"]
        await asyncio.to_thread(main, command)
    with tarfile.open(bundle) as archive:
        names = archive.getnames()
        files = [archive.extractfile(name) for name in names]
        text = b"\n".join(file.read() for file in files if file is not None).decode()
    assert names == [
        "about.json",
        "settings.json",
        "doctor.json",
        "check.json",
        "status.json",
        "ledger.json",
        "log.txt",
    ]
    assert bundle.stat().st_mode & 0o077 == 0
    for secret in [*secrets, *keys]:
        assert secret.strip() not in text
        assert secret.strip().splitlines()[-2 if "KEY" in secret else 0] not in text
    assert "gateway.sqlite" not in names
    assert '"secret_file": "pushed"' in text  # a name, which a supporter needs


def test_bundle_is_written_for_a_stopped_server_too(
    installation: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is needed most when nothing runs; the exit code still tells that something is wrong."""
    bundle = tmp_path / "bundle.tar.gz"
    assert main(["--config", str(installation.folder / "config.toml"), "doctor", "--bundle", str(bundle)]) == 1
    assert "server_stopped" in capsys.readouterr().out
    assert bundle.is_file()


async def test_channel_is_examined_by_command(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its name, from the stored settings."""
    arguments = ["--config", str(installation.folder / "config.toml"), "doctor", "pushed", "--json"]
    assert await asyncio.to_thread(main, arguments) == 1
    told = json.loads(capsys.readouterr().out)
    assert {layer["subject"]: layer["code"] for layer in told["layers"]}["tcp"] == "connect_failed"
