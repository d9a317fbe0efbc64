"""The checks of servers: our own endpoints, and the simulated axis."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.seal.trust import TrustPurpose
from tests.adapters.lgsp_lab import OURS, FacadeLab, facade, facade_folder
from tests.axis_lab import H33, running_axis
from tests.conformance.peers import Run
from tests.conformance.runs import conformance, grades, text_of
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.vxp_lab import vxp_lab

__all__ = ["facade", "facade_folder"]


def _not_passed(folder: Path) -> dict[str, str]:
    return {key: grade for key, grade in grades(folder / "report.json").items() if grade != "passed"}


async def test_own_endpoint_of_the_axis_protocol_passes(tmp_path: Path, pki_folder: Path) -> None:
    """What we ask of others we do."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        await lab.sdk(PROVINCE)
        secret = tmp_path / "secret"
        secret.write_text(lab.secrets[PROVINCE])
        anchors = lab.installation.pki.anchors(TrustPurpose.TLS) / "root.pem"
        options = ("--secret-file", secret, "--system-id", PROVINCE, "--anchors", anchors, "--report", tmp_path)
        code, count, told = await conformance(lab.url, "--binding", "vxp", *options)
    assert (code, _not_passed(tmp_path)) == (0, {}), told
    assert count["passed"] >= 25
    assert text_of(secret) not in told + text_of(tmp_path / "report.json")


async def test_simulated_axis_passes(tmp_path: Path) -> None:
    """It judges no time of signing unless told to, which is skipped, not failed."""
    async with running_axis(tmp_path / "axis") as axis:
        options = ("--secret-file", axis.secret_files[H33], "--system-id", H33, "--anchors", axis.anchors)
        code, count, told = await conformance(axis.url, "--binding", "vxp", *options, "--report", tmp_path)
    assert (code, _not_passed(tmp_path)) == (0, {"replayed": "skipped"}), told
    assert count["failed"] == 0


async def asked_of_facade(facade: FacadeLab, report: Path, *, secret: str = "gateway.secret") -> Run:
    """The kit as the account that hosts the agency which it sends from and to."""
    path = facade.folder / "lgsp.toml"
    if "[[agencies]]" not in path.read_text():
        path.write_text(f'{path.read_text()}\n[[agencies]]\ncode = "{OURS}"\nname = "Sở Nội vụ"\n')
        await facade.start()
    files = ("--secret-file", facade.folder / secret, "--password-file", facade.folder / "gateway.password")
    login = ("--username", "gateway", "--application-code", "EDOC", "--system-id", "GW.LGSP", "--code", OURS)
    where = ("--anchors", facade.folder / "ca.pem", "--report", report)
    return await conformance(f"https://localhost:{facade.port}", "--binding", "lgsp", *files, *login, *where)


async def test_simulated_facade_passes(facade: FacadeLab, tmp_path: Path) -> None:
    """What the adapter asks of a provincial platform the simulator does."""
    code, count, told = await asked_of_facade(facade, tmp_path)
    assert (code, _not_passed(tmp_path)) == (0, {}), told
    assert count["passed"] == 17
    for name in ("gateway.secret", "gateway.password"):
        assert text_of(facade.folder / name).strip() not in told + text_of(tmp_path / "report.json")


async def test_facade_that_takes_anything_is_told_so(facade: FacadeLab, tmp_path: Path) -> None:
    """What is no document is taken; and with a wrong key nothing goes, nor is anything judged that rests on it."""
    facade.settings('unreadable_to = "other"', 'edxml_as = "text"')
    code, _, told = await asked_of_facade(facade, tmp_path)
    assert (code, _not_passed(tmp_path)) == (1, {"not-xml": "failed", "cut-off": "failed"}), told
    code, _, told = await asked_of_facade(facade, tmp_path, secret="other.secret")
    found = _not_passed(tmp_path)
    assert (code, found["send"], found["receive"], found["done"]) == (1, "failed", "skipped", "skipped"), told


async def test_own_rest_interface_passes(tmp_path: Path, pki_folder: Path) -> None:
    """With a token, whom it is for, and somebody to send to."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        made = lab.installation
        token = tmp_path / "token"
        token.write_text(made.tokens[PROVINCE])
        anchors = made.pki.anchors(TrustPurpose.TLS) / "root.pem"
        options = ("--secret-file", token, "--anchors", anchors, "--code", PROVINCE, "--code", COMMUNE)
        url = f"https://localhost:{lab.app.port}"
        code, _, told = await conformance(url, "--binding", "rest", *options, "--report", tmp_path)
    assert (code, _not_passed(tmp_path)) == (0, {}), told
    assert text_of(token) not in told + text_of(tmp_path / "report.html")


@pytest.mark.parametrize("url", ["http://192.0.2.1/api/v1", "https://name:geheim@192.0.2.1/api/v1"])
async def test_nothing_secret_leaves_in_the_clear_or_enters_the_report(tmp_path: Path, url: str) -> None:
    """A token over http, or a password in the URL, is refused before anybody dials."""
    token = tmp_path / "token"
    token.write_text("a-token")
    command = ("-m", "gateway", "conformance", url, "--binding", "rest", "--secret-file", str(token), "--code", "A")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, "--report", str(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    told, _ = await process.communicate()
    assert process.returncode == 2, told
    assert b"geheim" not in told
    assert not (tmp_path / "report.json").exists()
