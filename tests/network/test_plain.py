"""Plain HTTP on a VPN's interface takes what comes by that interface, whatever else leads to its address."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.network.lab import ADDRESSES, Lab
from tests.network.places import Helper

pytestmark = pytest.mark.slow

_ADDRESS, _PORT, _OPEN_PORT = "10.8.0.1", 8080, 8081
#: What a client of that protocol gets, or what connecting comes to.
_ASK = f"""
import http.client, sys
line = http.client.HTTPConnection("{_ADDRESS}", int(sys.argv[1]), timeout=5)
try:
    line.request("POST", "/vxp/countReceiveEdoc")
    print(line.getresponse().status)
except OSError as error:
    print(type(error).__name__)
"""
#: A server that is bound to the address alone.
_CARELESS = f"""
from http.server import HTTPServer, SimpleHTTPRequestHandler
with HTTPServer(("{_ADDRESS}", {_OPEN_PORT}), SimpleHTTPRequestHandler) as server:
    print("ready", flush=True)
    server.serve_forever()
"""


def connect_vpn(lab: Lab) -> None:
    """The gateway's machine and the clients' have a line of their own."""
    lab.run(
        "gateway", "ip", "link", "add", "wg0", "type", "veth", "peer", "name", "wg0", "netns", lab.space("clients")
    )
    for member, address in (("gateway", _ADDRESS), ("clients", "10.8.0.2")):
        lab.run(member, "ip", "address", "add", f"{address}/24", "dev", "wg0")
        lab.run(member, "ip", "link", "set", "wg0", "up")


@pytest.fixture
def vpn(lab: Lab) -> Iterator[Lab]:
    """With it, and a stranger on the office network who has found the way to the VPN's address."""
    connect_vpn(lab)
    lab.run("other", "ip", "route", "add", _ADDRESS, "via", ADDRESSES["gateway"])
    yield lab
    lab.run("other", "ip", "route", "del", _ADDRESS)
    lab.run("gateway", "ip", "link", "del", "wg0", check=False)


def asked(lab: Lab, member: str, port: int = _PORT) -> str:
    return lab.run(member, sys.executable, "-c", _ASK, str(port)).strip()


def _asked_without_care(lab: Lab) -> str:
    """What the stranger gets of a server that is bound to the address alone."""
    command = [*lab.within("gateway"), sys.executable, "-c", _CARELESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        server.stdout.readline()
        try:
            return asked(lab, "other", _OPEN_PORT)
        finally:
            server.kill()


async def test_plain_http_is_for_what_comes_by_the_named_interface(
    vpn: Lab, tmp_path: Path, pki_folder: Path
) -> None:
    """Who reaches the address by another interface finds nobody, also after the VPN was set up anew."""
    assert _asked_without_care(vpn) == "501", "the stranger has no way, so this test would prove nothing"
    server = await Helper.start(
        vpn, "gateway", "plain_server", str(tmp_path / "site"), str(pki_folder), "wg0", str(_PORT)
    )
    try:
        assert asked(vpn, "clients") == "200"
        assert asked(vpn, "other") == "ConnectionRefusedError"
        vpn.run("gateway", "ip", "link", "del", "wg0")
        connect_vpn(vpn)
        async with asyncio.timeout(60):
            while asked(vpn, "clients") != "200":  # noqa: ASYNC110 - another process has no signal for it
                await asyncio.sleep(0.2)
        assert asked(vpn, "other") == "ConnectionRefusedError"
    finally:
        await server.stop()
