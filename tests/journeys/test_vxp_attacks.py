"""What somebody who owns one line, or one commune, can take from the others at this endpoint: nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import ssl
import subprocess
import sys
from asyncio.subprocess import PIPE
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.api import listener
from gateway.commands.acting import ask
from gateway.config.settings import Settings
from gateway.directory.importer import import_agencies
from gateway.errors import ConfigError
from gateway.pki import client_tls_context
from gateway.plain import plain_place
from gateway.seal.trust import TrustPurpose
from tests.adapters.vxp_sdk import printed
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document
from tests.journeys.vxp_lab import VxpLab, vxp_lab
from tests.system_tools import require_namespaces

#: What `plain_place` makes of three interfaces, a line each.
_ASK_EACH = """
from gateway.errors import ConfigError
from gateway.plain import plain_place
for name in ("wg0", "wan0", "lo"):
    try:
        print(plain_place(name))
    except ConfigError as error:
        print(error)
"""

#: A connection by lo to a socket bound to it, without privileges; then binding it once more, which needs them.
_AS_NOBODY = """
import os, socket
from gateway.errors import ConfigError
from gateway.plain import bind_to_interface, plain_place
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
place = plain_place("lo")
listening = socket.socket()
bind_to_interface(listening, place.interface)
listening.bind((place.address, 0))
listening.listen()
socket.create_connection(listening.getsockname(), 5).close()
try:
    bind_to_interface(listening, place.interface)
except ConfigError as error:
    print(error)
"""


def tls_of(lab: VxpLab) -> ssl.SSLContext:
    return client_tls_context(lab.installation.pki.anchors(TrustPurpose.TLS))


async def connect(lab: VxpLab) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("localhost", lab.port, ssl=tls_of(lab))


def head(name: str, headers: dict[str, str], length: int) -> bytes:
    lines = [f"POST /vxp/{name} HTTP/1.1", "Host: localhost", f"Content-Length: {length}"]
    return "\r\n".join([*lines, *(f"{key}: {value}" for key, value in headers.items()), "", ""]).encode()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
    """One whole answer."""
    top = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(int(line[15:]) for line in top.lower().split("\r\n") if line.startswith("content-length:"))
    return int(top.split(" ")[1]), json.loads(await reader.readexactly(length))


async def test_thousand_recipients_fit_and_five_thousand_are_refused(tmp_path: Path, pki_folder: Path) -> None:
    """`to` names them twice, in its header and in the signed text; what is too many is told, not cut off."""
    codes = [f"{number:03d}.07.{place:02d}.H33" for place in range(1, 6) for number in range(1, 201)]
    more = [f"H33.9{number}" for number in range(5000)]
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        base = lab.app.foundation
        csv = "organ_id,qd20_code,name,kind,endpoint\n" + "".join(f"{code},,Xã,commune,commune\n" for code in codes)
        report = await import_agencies(
            base.directory, base.pump, base.readers, csv.encode(), actor="operator:test", now=base.clock.now()
        )
        assert not report.problems
        sdk = await lab.sdk(PROVINCE)
        refused = await sdk.fresh().send(document(PROVINCE, more, number="2"), to=json.dumps(more))
        assert (refused["ErrorCode"], refused["Reason"]["code"]) == ("18", "recipients_too_many")
        sent = await sdk.fresh().send(document(PROVINCE, codes, number="1"), to=json.dumps(codes))
        assert sent["status"] == "OK", sent
        lines = (await sdk.fresh().call("getSentEdocList", {"docId": sent["DocId"]}))["data"]
        assert {line["toCode"] for line in lines} == set(codes)


@pytest.mark.parametrize("kind", ["one field", "many fields", "never ends", "one line"])
async def test_huge_head_is_cut_off_before_anybody_knows_who_sends_it(
    tmp_path: Path, pki_folder: Path, kind: str
) -> None:
    """What a connection may hold in memory is bounded, and others go on."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        reader, writer = await connect(lab)
        begin = b"POST /vxp/getEdoc HTTP/1.1\r\nHost: localhost\r\n"
        junk = {
            "one field": b"X-Junk: " + b"x" * 2_000_000,
            "many fields": b"".join(b"X-Junk-%d: %s\r\n" % (number, b"x" * 50_000) for number in range(60)),
            "never ends": b"X-Junk: x\r\n" * 300_000,
            "one line": b"x" * 2_000_000,
        }[kind]
        writer.write(begin + junk)
        try:
            await asyncio.wait_for(writer.drain(), 10)
            told = await asyncio.wait_for(reader.read(), 10)
        except ConnectionError:
            told = b""
        assert told == b"" or b"request_malformed" in told
        writer.transport.abort()
        assert (await (await lab.sdk(COMMUNE)).call("countReceiveEdoc", {}))["count"] == 0


async def test_requests_sent_ahead_are_bounded_too(tmp_path: Path, pki_folder: Path) -> None:
    """While a request waits for its answer, heads of hundreds of kilobytes behind it end the connection."""
    async with vxp_lab(tmp_path / "site", pki_folder, more="[limits]\nstrangers_per_second = 1\n") as lab:
        sdk = await lab.sdk(PROVINCE)
        stranger = dataclasses.replace(sdk, secret="gw_wrong")
        wrong = stranger.headers({})
        while True:  # until strangers wait for their answers
            http, _ = await stranger.raw("countReceiveEdoc", wrong)
            if http == 429:
                break
        reader, writer = await connect(lab)
        writer.write(head("countReceiveEdoc", wrong | {"X-Junk": "x" * 300_000}, 0) * 10)
        try:
            told = await asyncio.wait_for(reader.read(), 10)
        except ConnectionError:
            told = b""
        assert told.count(b"HTTP/1.1") < 10
        writer.transport.abort()


async def test_junk_behind_a_request_is_answered_with_json_and_closed(tmp_path: Path, pki_folder: Path) -> None:
    """What is no HTTP gets an answer of the same shape; nothing that came with it is done."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        reader, writer = await connect(lab)
        sdk = await lab.sdk(COMMUNE)
        writer.write(head("countReceiveEdoc", sdk.headers({}), 2) + b"{}" + b"\x00\x01 junk\r\n\r\n" * 20)
        http, told = await answer(reader)
        assert (http, told["status"], told["Reason"]["code"]) == (400, "FAIL", "request_malformed")
        assert await reader.read() == b""
        writer.close()


async def test_head_that_never_ends_is_cut_off_after_a_while(
    tmp_path: Path, pki_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line a second for ever holds no connection."""
    monkeypatch.setattr(listener, "_KEEPALIVE", 0.5)
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        reader, writer = await connect(lab)
        writer.write(b"POST /vxp/getEdoc HTTP/1.1\r\nHost: localhost\r\n")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_body_of_a_stranger_is_not_read_at_all(tmp_path: Path, pki_folder: Path) -> None:
    """The answer comes before the body was sent, and the connection ends."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        reader, writer = await connect(lab)
        sdk = dataclasses.replace(await lab.sdk(PROVINCE), secret="gw_wrong")
        headers = sdk.headers({"from": PROVINCE, "messagetype": "edoc", "hash-file": "0" * 64})
        writer.write(head("sendEdoc", headers, 1_000_000_000))
        http, told = await answer(reader)
        assert (http, told["Reason"]["code"]) == (200, "credential_invalid")
        assert lab.app.gateway.intake.reserved == 0
        writer.transport.abort()


async def test_slow_and_cut_bodies_end_and_leave_nothing(tmp_path: Path, pki_folder: Path) -> None:
    """The disk that was promised to them is given back."""

    def hurried(settings: Settings) -> Settings:
        return dataclasses.replace(
            settings, server=dataclasses.replace(settings.server, request_timeout=timedelta(seconds=3))
        )

    async with vxp_lab(tmp_path / "site", pki_folder, change=hurried) as lab:
        sdk, content = await lab.sdk(PROVINCE), document(PROVINCE, [COMMUNE])
        parameters = {"from": PROVINCE, "messagetype": "edoc", "hash-file": printed(content)}
        for cut in (False, True):
            reader, writer = await connect(lab)
            writer.write(head("sendEdoc", sdk.fresh().headers(parameters), len(content)) + content[:-10])
            await writer.drain()
            if cut:
                writer.transport.abort()
                continue
            http, told = await answer(reader)
            assert (http, told["Reason"]["code"]) == (200, "body_too_slow")
            writer.close()
        async with asyncio.timeout(60):
            while lab.app.gateway.intake.reserved:  # noqa: ASYNC110 - no signal for it
                await asyncio.sleep(0.01)
        assert list((lab.installation.settings.storage.folder / "spool").iterdir()) == []
        assert (await sdk.fresh().send(content))["status"] == "OK"


@pytest.mark.usefixtures("no_refill")
async def test_share_is_one_for_both_protocols_and_strangers_are_slowed_down(
    tmp_path: Path, pki_folder: Path
) -> None:
    """Who speaks two protocols has no second share; guesses from one address end in 429, told as JSON."""
    limits = "[limits]\nrequests_per_second = 2\nstrangers_per_second = 1\n"
    async with vxp_lab(tmp_path / "site", pki_folder, more=limits) as lab:
        sdk = await lab.sdk(COMMUNE)
        async with lab.installation.client(COMMUNE) as rest:
            for _ in range(4):
                await rest.limits()
        http, body = await sdk.raw("countReceiveEdoc", sdk.headers({}))
        told = json.loads(body)
        assert (http, told["ErrorCode"], told["Reason"]["code"]) == (429, "20", "rate_limited")
        stranger = dataclasses.replace(await lab.sdk(PROVINCE), secret="gw_wrong")
        headers = stranger.headers({})
        codes: list[str] = []
        while len(codes) < 260 and "rate_limited" not in codes:
            codes.append(json.loads((await stranger.raw("countReceiveEdoc", headers))[1])["Reason"]["code"])
        assert codes.count("credential_invalid") >= 200
        assert codes[-1] == "rate_limited"


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "8.8.8.8", "10.8.0.1", "192.168.1.5", "fd00::2", "fe80::1%lo", "::", "2001:4860:4860::8888"]
)
def test_plain_http_is_not_for_addresses_but_loopback(host: str) -> None:
    """A private one may be the office network's; the message says what to write instead."""
    with pytest.raises(ConfigError, match=r"plain_host: .* name the VPN's interface, such as wg0"):
        plain_place(host)


@pytest.mark.parametrize("host", ["no-such-if0", "localhost", "", "wg0 ", "an-interface-of-a-very-long-name"])
def test_plain_http_is_not_for_names_of_no_interface(host: str) -> None:
    """A host's name could lead anywhere."""
    with pytest.raises(ConfigError, match=r"plain_host: .* neither loopback nor an interface"):
        plain_place(host)


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("127.0.0.9", "127.0.0.9"), ("::1", "::1"), ("lo", "127.0.0.1")],
)
def test_plain_http_may_be_on_loopback_or_a_named_interface(host: str, address: str) -> None:
    """An interface is named as `ip link` names it."""
    place = plain_place(host)
    assert (place.address, place.interface) == (address, host if host == "lo" else "")


def test_an_ordinary_user_may_listen_on_an_interface_alone() -> None:
    """Since Linux 5.7, once a socket; where it is not permitted, the operator reads what helps."""
    done = subprocess.run([sys.executable, "-c", _AS_NOBODY], capture_output=True, text=True, check=True)
    assert "does not let this user listen on lo alone" in done.stdout
    assert "CAP_NET_RAW" in done.stdout


async def test_named_interface_counts_only_with_a_private_address() -> None:
    """Real interfaces in a network of their own: a VPN's, one with a public address, one with none."""
    require_namespaces()
    commands = (
        "ip link add wg0 type veth peer name wan0",
        "ip address add 10.8.0.1/24 dev wg0",
        "ip address add 8.8.8.8/24 dev wan0",
        f"exec {sys.executable} -c '{_ASK_EACH}'",
    )
    process = await asyncio.create_subprocess_exec(
        "unshare", "--net", "sh", "-ec", "; ".join(commands), stdout=PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    vpn, public, unset = out.decode().splitlines()
    assert vpn == "10.8.0.1 of wg0"
    assert "wan0 has 8.8.8.8, which is no private address" in public
    assert "lo has no IPv4 address" in unset


async def test_stranger_with_odd_bytes_breaks_neither_the_call_nor_the_inspector(
    tmp_path: Path, pki_folder: Path
) -> None:
    """He names a system of somebody else; half a character finds nobody, and bytes that are no UTF-8 are shown."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        await lab.sdk(PROVINCE)
        for text, code in (
            ('{"XroadVnpt-systemid":"\\ud800"}', "request_malformed"),
            ('{"a":x,"systemid":' + "[" * 30_000, "request_malformed"),
            (json.dumps({"XroadVnpt-systemid": PROVINCE}), "credential_invalid"),
        ):
            reader, writer = await connect(lab)
            headers = {"XroadVnpt-sign-header": text, "XroadVnpt-hash-header": "a" * 64, "XroadVnpt-title": "@"}
            headers |= {"XroadVnpt-sign-header-key": "systemid;title", "XroadVnpt-systemid": PROVINCE}
            writer.write(head("getEdoc", headers, 0).replace(b": @", b": \xff\xfe"))
            status, told = await answer(reader)
            assert (status, told["Reason"]["code"]) == (200, code)
            writer.close()
        (seen,) = (await ask(lab.installation.settings, f"inspect?agency={PROVINCE}"))["items"]
        assert seen["comparisons"][0]["theirs"] == f'{{"XroadVnpt-systemid":"{PROVINCE}","XroadVnpt-title":"??"}}'
