"""Where the sandbox listens: on this machine, or on one address of it for machines that were named."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from gateway.conformance.exposure import Exposure, expose
from gateway.errors import RefusedError
from tests.conformance.runs import EXAMPLES, conformance
from tests.system_tools import require_namespaces, require_tool

#: What the command line allows, one of its addresses, and one beside it.
NETWORK, HERE, ELSEWHERE = "10.9.0.0/24", "10.9.0.1", "10.9.1.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0", "", "224.0.0.1", "::ffff:0.0.0.0"])
async def test_sandbox_never_listens_on_every_address(host: str) -> None:
    """However it is written, and whatever network is named."""
    with pytest.raises(RefusedError) as caught:
        await expose(host, [NETWORK])
    assert caught.value.code == "parameter_invalid"


@pytest.mark.parametrize(
    "network", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "8.0.0.0/7", "2000::/3", "10.0.0.1/8", "all"]
)
async def test_network_of_nearly_everybody_is_refused(network: str) -> None:
    """It would be no list."""
    with pytest.raises(RefusedError, match="--network") as caught:
        await expose("192.0.2.77", [NETWORK, network])
    assert caught.value.code == "parameter_invalid"


@pytest.mark.parametrize("host", ["198.51.100.7", "127.0.0.2", "::ffff:127.0.0.1", "no host"])
async def test_host_that_is_none_of_this_machine_is_refused(host: str) -> None:
    """Nobody could come in by it; a loopback address by another name is nobody's way in either."""
    with pytest.raises(RefusedError, match="--host"):
        await expose(host, [NETWORK])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
async def test_loopback_is_for_this_machine_alone(host: str) -> None:
    """Its credentials count from here, and a network beside it is a misunderstanding that is told."""
    exposure = await expose(host, [])
    assert exposure.is_local
    assert exposure.networks == exposure.own_networks == ("127.0.0.1/32", "::1/128")
    with pytest.raises(RefusedError, match="--network goes with --host"):
        await expose(host, [NETWORK])


def test_addresses_of_ipv6_stand_in_brackets_in_urls() -> None:
    """The test offices come in by the address that is listened on."""
    exposure = Exposure(host="fd00::2", address="fd00::2", networks=(NETWORK,))
    assert exposure.url(8443) == "https://[fd00::2]:8443"
    assert exposure.own_networks == ("127.0.0.1/32", "::1/128", "fd00::2/128")


def unshared(*arguments: str | Path) -> tuple[str, ...]:
    """The command in a network of its own, where this machine has both addresses."""
    require_namespaces()
    lines = ["ip link set lo up", *(f"ip address add {each}/24 dev lo" for each in (HERE, ELSEWHERE))]
    lines.append(f"exec {sys.executable} -m gateway conformance {' '.join(map(str, arguments))}")
    return "unshare", "--net", "sh", "-ec", "; ".join(lines)


async def test_command_refuses_before_anything_is_made(tmp_path: Path) -> None:
    """Every address, or one without a network; the code says what to add."""
    folder = tmp_path / "s"
    code, _, told = await conformance("serve", "--binding", "vxp", "--host", "0.0.0.0", "--folder", folder)
    assert (code, "parameter_invalid" in told) == (1, True)
    command = unshared("serve", "--host", HERE, "--folder", folder)
    process = await asyncio.create_subprocess_exec(*command, stderr=PIPE)
    _, err = await process.communicate()
    assert (process.returncode, b"network_missing" in err, folder.exists()) == (1, True, False)


async def in_space(process: Process, *command: str | Path, **environment: str) -> str:
    """What a program beside the sandbox prints."""
    entered = ("nsenter", f"--net=/proc/{process.pid}/ns/net", *map(str, command))
    child = await asyncio.create_subprocess_exec(*entered, stdout=PIPE, stderr=PIPE, env=os.environ | environment)
    out, err = await child.communicate()
    return (out + err).decode()


async def test_credentials_count_from_the_named_network_and_one_address_is_listened_on(tmp_path: Path) -> None:
    """From one of two addresses the sandbox is entered, from the other by neither protocol."""
    require_tool("nsenter", "util-linux")
    folder = tmp_path / "s"
    command = unshared("serve", "--binding", "vxp", "--host", HERE, "--network", NETWORK, "--folder", folder)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(120):
            while not (folder / "access.json").is_file():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.1)
        access = json.loads((folder / "access.json").read_bytes())
        assert access["rest_url"].startswith(f"https://{HERE}:")
        sockets = (await in_space(process, "ss", "-Hltn")).splitlines()
        assert {line.split()[3].rpartition(":")[0] for line in sockets} == {HERE, "127.0.0.1"}
        for source, rest, vxp in ((HERE, '"items"', '"status":"OK"'), (ELSEWHERE, *["address_not_allowed"] * 2)):
            (tmp_path / ".curlrc").write_text(f"interface = {source}\n")
            told = await in_space(
                process, EXAMPLES / "curl" / "rest.sh", "inbox", **environment_of(access, tmp_path)
            )
            assert rest in told
            told = await in_space(process, EXAMPLES / "curl" / "vxp.sh", "list", **environment_of(access, tmp_path))
            assert vxp in told
    finally:
        process.terminate()
        _, err = await process.communicate()
    told = " ".join(err.decode().split())
    assert f"WARNING: the sandbox is open to the network at {HERE}; its credentials count from {NETWORK}." in told


def environment_of(access: dict[str, str], home: Path) -> dict[str, str]:
    """For the examples in curl, and the folder with curl's own settings."""
    return {
        "CURL_HOME": str(home),
        "GATEWAY_URL": access["rest_url"],
        "GATEWAY_TOKEN_FILE": access["token_file"],
        "GATEWAY_CA": access["ca_file"],
        "VXP_URL": access["vxp_url"],
        "VXP_SYSTEM_ID": access["vxp_system_id"],
        "VXP_SECRET_FILE": access["vxp_secret_file"],
        "VXP_CA": access["ca_file"],
    }
