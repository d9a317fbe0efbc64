"""Evidence that leaves a running gateway, and is verified where there is no network."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.bundle.container import Container
from gateway.bundle.facts import read
from gateway.bundle.format import BUNDLE, DOCUMENT
from gateway.cli import main
from gateway.transparency.keys import read_vkeys
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.purging import arrived, destroyed
from tests.journeys.test_log import sent, signed
from tests.system_tools import without_network


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> Installation:
    """Not running."""
    folder = tmp_path / "site"
    folder.mkdir()
    return await prepare(folder, pki_folder)


def anchors_of(site: Installation, folder: Path) -> Path:
    """What an auditor was given."""
    for purpose in ("seal", "tsa"):
        shutil.copytree(site.pki.folder / "anchors" / purpose, folder / purpose)
    shutil.copy(site.pki.log_vkey, folder / "log.vkey")
    return folder


def verified(file: Path, *arguments: str) -> dict[str, object]:
    """By a process that has no network, where the machine has what that takes."""
    command = [*without_network(), sys.executable, "-m", "gateway.verifying", str(file), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in {0, 1}, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    assert done.returncode == (0 if found["verdict"] == "PASSED" else 1)
    return found


def test_missing_unshare_fails_under_ci_and_is_no_secret_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """At home the bundles are verified all the same."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="unshare is not installed"):
        without_network()
    monkeypatch.delenv("CI")
    assert without_network() == []


async def test_bundle_of_a_destroyed_document_is_verified_with_the_original(
    site: Installation, tmp_path: Path
) -> None:
    """The gateway has no byte of it any more; whoever has it shows that it is the one that was accepted."""
    anchors = anchors_of(site, tmp_path / "anchors")
    config = ["--config", str(site.folder / "config.toml")]
    body = document(PROVINCE, [COMMUNE], number="77")
    original, out = tmp_path / "original.edxml", tmp_path / "a.asice"
    original.write_bytes(body)
    async with site.running():
        message_id = await arrived(site, body=body)
        await destroyed(site, message_id, with_envelope=True)
        await signed(site)
        assert await asyncio.to_thread(main, [*config, "export", message_id, "--out", str(out)]) == 0
    container = Container.open(out)
    assert DOCUMENT not in container.entries
    told_of = read(container.bytes_of(BUNDLE)).document
    assert (told_of.subject, isinstance(told_of.destroyed_at, str)) == ("", True)
    told = await asyncio.to_thread(verified, out, "--anchors", str(anchors))
    assert told["verdict"] == "INDETERMINATE"
    faults = {check["name"]: check["reason"] for check in told["checks"] if check["verdict"] != "PASSED"}  # type: ignore[attr-defined]
    assert faults["document.bytes"] == "document_purged"
    told = await asyncio.to_thread(verified, out, "--anchors", str(anchors), "--document", str(original))
    assert told["verdict"] == "PASSED", [each for each in told["checks"] if each["verdict"] != "PASSED"]  # type: ignore[attr-defined]


async def test_bundle_of_a_running_gateway_is_verified_without_network(site: Installation, tmp_path: Path) -> None:
    """PASSED with anchors from outside, INDETERMINATE without; exporting is an event."""
    anchors = anchors_of(site, tmp_path / "anchors")
    config = ["--config", str(site.folder / "config.toml")]
    async with site.running():
        message_id = await sent(site)
        await signed(site)
        out = tmp_path / "a.asice"
        assert await asyncio.to_thread(main, [*config, "export", message_id, "--out", str(out)]) == 0
        found = await asyncio.to_thread(verified, out, "--anchors", str(anchors))
        faults = [check for check in found["checks"] if check["verdict"] != "PASSED"]  # type: ignore[attr-defined]
        assert found["verdict"] == "PASSED", faults
        assert {check["name"] for check in faults} <= {"time_proven", "witnesses", "leaves.pending"} | {
            name["name"] for name in faults if name["name"].startswith(("delivery.", "verdicts."))
        }
        alone = await asyncio.to_thread(verified, out)
        assert alone["verdict"] == "INDETERMINATE"
        assert "anchor_from_bundle" in [check["reason"] for check in alone["checks"]]  # type: ignore[attr-defined]
        with_time = await asyncio.to_thread(verified, out, "--anchors", str(anchors), "--require-time")
        assert with_time["verdict"] == "INDETERMINATE"
    facts = read(Container.open(out).bytes_of(BUNDLE))
    assert facts.document.id == message_id
    assert {party.code for party in facts.parties} == {PROVINCE, COMMUNE}
    again = tmp_path / "many"
    assert await asyncio.to_thread(main, [*config, "export", "--latest", "--out", str(again)]) == 0
    (file,) = again.iterdir()
    later = read(Container.open(file).bytes_of(BUNDLE))
    assert later.document == facts.document
    events, before = (each.pending_leaves + len(each.leaves) for each in (later, facts))
    assert events >= before + 1, "the first export is an event of the document"


async def test_log_is_named_as_it_was_when_it_signed(site: Installation, tmp_path: Path) -> None:
    """A declared gap gives the log another name: what was proved before it is under the old one."""
    config = ["--config", str(site.folder / "config.toml")]
    data = site.settings.storage.folder
    async with site.running():
        before = await sent(site)
        await signed(site)
    shutil.copytree(data, tmp_path / "copy")
    async with site.running():
        await sent(site, 2)
        await signed(site)
    shutil.rmtree(data)
    shutil.copytree(tmp_path / "copy", data)
    declare = [*config, "log", "declare", "--reason", "the disk died"]
    assert await asyncio.to_thread(main, declare) == 0
    names = []
    async with site.running():
        after = await sent(site, 3)
        await signed(site)
        for message_id in (before, after):
            out = tmp_path / f"{message_id}.asice"
            assert await asyncio.to_thread(main, [*config, "export", message_id, "--out", str(out)]) == 0
            log = read(Container.open(out).bytes_of(BUNDLE)).log
            assert log is not None
            names.append((log.origin, log.vkey))
            alone = await asyncio.to_thread(verified, out)
            reasons = [check["reason"] for check in alone["checks"]]  # type: ignore[attr-defined]
            assert "anchor_from_bundle" in reasons
            assert "no_log_key" not in reasons
    keys = read_vkeys(site.pki.log_vkey.read_bytes())
    assert len(keys) == 2
    assert names == [(key.name, str(key)) for key in keys]


async def test_documents_are_chosen_by_what_is_asked(site: Installation, tmp_path: Path) -> None:
    """By number, issuer, recipient, dates and state; nothing that fits is an answer of its own."""
    config = ["--config", str(site.folder / "config.toml")]
    async with site.running(), site.client(PROVINCE) as client:
        for number in ("7", "8"):
            await client.submit(document(PROVINCE, [COMMUNE], number=number))

    async def count(*arguments: str) -> int:
        folder = tmp_path / "-".join(arguments).replace("/", "_")
        code = await asyncio.to_thread(main, [*config, "export", *arguments, "--out", str(folder)])
        return len(list(folder.iterdir())) if code == 0 else 0

    assert await count("--number", "7") == 1
    assert await count("--issuer", PROVINCE, "--recipient", COMMUNE) == 2
    assert await count("--issuer", COMMUNE) == 0
    assert await count("--recipient", COMMUNE) == 2
    assert await count("--recipient", COMMUNE, "--status", "withdrawn") == 0
    assert await count("--recipient", PROVINCE) == 0
    assert await count("--number", "8", "--issuer", PROVINCE, "--recipient", COMMUNE) == 1
    assert await count("--latest") == 1
    assert await count("--year", "1999") == 0
    assert await count("--from", "2020-01-01", "--to", "2100-01-01", "--status", "withdrawn") == 0
