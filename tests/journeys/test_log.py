"""The transparency log of a running gateway: a document's proof, the public files, a restored folder, tampering."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.audit.fsck import FsckReport, examine
from gateway.cli import main
from gateway.client import GatewayClient
from gateway.clock import rfc3339
from gateway.errors import ProblemError
from gateway.foundation import database_of
from gateway.ledger.stamps import KeepStampOperation, NewStamp
from gateway.pki import client_tls_context
from gateway.seal.timestamp import ask
from gateway.seal.trust import TrustPurpose
from gateway.simulate.tsa.issuing import make_reply
from gateway.simulate.tsa.process import read_stamper
from gateway.transparency.checkpoint import opened
from gateway.transparency.keys import read_vkeys
from gateway.transparency.merkle import leaf_hash, root_at
from gateway.transparency.proof import InclusionProof
from gateway.transparency.tiles import TileHashes, TileId, TilePath, needed, width_at
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import document


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> Installation:
    """Not running."""
    folder = tmp_path / "site"
    folder.mkdir()
    return await prepare(folder, pki_folder)


@asynccontextmanager
async def fetching(site: Installation) -> AsyncIterator[Any]:
    """A stranger that fetches files: status and bytes."""
    assert site.app is not None
    context = client_tls_context(site.pki.anchors(TrustPurpose.TLS))
    base = f"https://localhost:{site.app.port}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:

        async def fetch(path: str) -> tuple[int, bytes]:
            async with session.get(base + path) as response:
                return response.status, await response.read()

        yield fetch


async def signed(site: Installation) -> None:
    """What is there now is under a checkpoint."""
    assert site.app is not None
    await site.app.checkpointer.run_once()
    assert site.app.checkpointer.refusal is None


async def sent(site: Installation, number: int = 1) -> str:
    """A document's id."""
    async with site.client(PROVINCE) as client:
        return (await client.submit(document(PROVINCE, [COMMUNE], number=str(number)))).id


async def part(client: GatewayClient, message_id: str, which: str) -> bytes:
    return await client._bytes(f"/documents/{message_id}/proof", part=which)


async def test_proof_of_a_document_holds_with_nothing_but_leaf_and_public_key(site: Installation) -> None:
    """For sender and recipient; before the next checkpoint it is pending, for a stranger not there."""
    keys = read_vkeys(site.pki.log_vkey.read_bytes())
    async with site.running():
        await signed(site)
        message_id = await sent(site)
        async with site.client(PROVINCE) as client:
            with pytest.raises(ProblemError) as pending:
                await part(client, message_id, "proof")
            assert pending.value.code == "proof_pending"
            assert pending.value.retry_after
            await signed(site)
        for organ_id in (PROVINCE, COMMUNE):
            async with site.client(organ_id) as client:
                file, leaf = await part(client, message_id, "proof"), await part(client, message_id, "leaf")
            checkpoint, who = InclusionProof.parse(file).verify(leaf_hash(leaf), keys)
            assert who == keys
            assert checkpoint.origin == keys[0].name
            told = json.loads(leaf)
            assert (told["kind"], told["message"]) == ("document.accepted", message_id)
        async with site.client(PUSHED) as client:
            with pytest.raises(ProblemError) as refused:
                await part(client, message_id, "proof")
            assert refused.value.code == "not_found"


async def test_times_of_a_document_are_recorded_and_then_proven(site: Installation) -> None:
    """Until a stamp covers it, nothing is proven; then "not later than", with whose word that is."""
    async with site.running():
        message_id = await sent(site)
        await signed(site)
        assert site.app is not None
        async with site.client(PROVINCE) as client:
            told = json.loads(await part(client, message_id, "times"))
            assert told["recorded_at"]
            assert told["proven"] is None
            with pytest.raises(ProblemError) as pending:
                await part(client, message_id, "stamp")
            assert pending.value.code == "proof_pending"
            latest = await site.app.gateway.log.latest()
            assert latest is not None
            asked = ask(sha256(latest.signed).digest())
            now = site.app.foundation.clock.now()
            token = make_reply(asked.request, read_stamper(site.pki.tsa), now=now, serial=1)
            stamp = NewStamp(size=latest.size, server="https://tsa.example.vn", at=now, token=token)
            await site.app.foundation.pump.submit(KeepStampOperation(), stamp)
            assert await part(client, message_id, "stamp") == token
            proven = json.loads(await part(client, message_id, "times"))["proven"]
    assert proven == {"not_later_than": rfc3339(now), "server": "https://tsa.example.vn", "independent": True}


async def test_anybody_follows_the_log_by_its_files(site: Installation) -> None:
    """Checkpoint and tiles without a credential: the root comes out of the tiles. Entries are nobody's."""
    keys = read_vkeys(site.pki.log_vkey.read_bytes())
    async with site.running(), fetching(site) as fetch:
        for number in range(1, 4):
            await sent(site, number)
        await signed(site)
        status, note = await fetch("/log/checkpoint")
        assert status == 200
        checkpoint, _ = opened(note, keys)
        tiles = {}
        for tile in needed(lambda get: root_at(checkpoint.size, get)):
            status, hashes = await fetch(
                f"/log/{TilePath(tile.level, tile.index, width_at(tile, checkpoint.size))}"
            )
            assert status == 200
            tiles[tile] = hashes
        assert root_at(checkpoint.size, TileHashes(tiles)) == checkpoint.root
        width = width_at(TileId(0, 0), checkpoint.size)
        for path in (
            f"tile/entries/000.p/{width}",
            f"tile/0/000.p/{width + 1}",
            "tile/0/000",
            "tile/0/001.p/1",
            "tile/0/0",
        ):
            assert (await fetch(f"/log/{path}"))[0] == 404, path


async def run(site: Installation, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = await asyncio.to_thread(main, ["--config", str(site.folder / "config.toml"), *arguments])
    shown = capsys.readouterr()
    return code, shown.out + shown.err


async def test_restored_folder_signs_nothing_until_the_gap_is_declared(
    site: Installation, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What was signed is never contradicted: the new history goes by another name, and old proofs still hold."""
    keys = read_vkeys(site.pki.log_vkey.read_bytes())
    async with site.running():
        await sent(site)
        await signed(site)
    shutil.copytree(site.settings.storage.folder, tmp_path / "copy")
    async with site.running():
        lost = await sent(site, 2)
        await signed(site)
        async with site.client(PROVINCE) as client:
            file, leaf = await part(client, lost, "proof"), await part(client, lost, "leaf")
    shutil.rmtree(site.settings.storage.folder)
    shutil.copytree(tmp_path / "copy", site.settings.storage.folder)
    code, told = await run(site, capsys, "log", "show")
    assert code == 1
    assert "behind" in told
    async with site.running() as app:
        await app.checkpointer.run_once()
        assert app.checkpointer.refusal is not None
        assert app.checkpointer.refusal.code == "behind"
        for number in range(3, 9):
            await sent(site, number)
        await app.checkpointer.run_once()
        assert app.checkpointer.refusal.code == "other_history"
        assert "not signed: other_history" in (await fetch_readyz(site))["details"]["log"]
        code, told = await run(site, capsys, "log", "declare", "--reason", "the disk died", "--json")
        assert code == 0, told
        declared = json.loads(told.partition("\n")[0])
        assert declared["origin"] == f"{keys[0].name}/2"
        await signed(site)
        assert (await fetch_readyz(site))["details"]["log"] == "signed"
        code, told = await run(site, capsys, "log", "declare", "--reason", "again")
        assert code == 1
        assert "log_in_order" in told
    both = read_vkeys((site.folder / "certs" / "log.vkey").read_bytes())
    assert [each.name for each in both] == [keys[0].name, declared["origin"]]
    InclusionProof.parse(file).verify(leaf_hash(leaf), both)
    code, told = await run(site, capsys, "log", "show", "--json")
    assert code == 0
    assert opened(json.loads(told)["checkpoint"].encode(), both)[0].origin == declared["origin"]
    assert (await report_of(site)).ok


async def fetch_readyz(site: Installation) -> Any:
    assert site.app is not None
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{site.app.operations_port}/readyz") as response,
    ):
        return await response.json()


async def test_commands_prove_documents_and_leaves(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    """By document, by index; what is not there or not signed yet is said."""
    keys = read_vkeys(site.pki.log_vkey.read_bytes())
    async with site.running():
        message_id = await sent(site)
        await signed(site)
    out = site.folder / "one.tlog-proof"
    code, told = await run(site, capsys, "log", "prove", message_id, "--out", str(out))
    assert code == 0, told
    InclusionProof.parse(out.read_bytes()).verify(leaf_hash(out.with_suffix(".leaf.json").read_bytes()), keys)
    code, told = await run(site, capsys, "log", "prove", "0", "--json")
    assert code == 0
    found = json.loads(told)
    InclusionProof.parse(found["proof"].encode()).verify(bytes.fromhex(found["leaf_hash"]), keys)
    code, told = await run(site, capsys, "log", "prove", "0")
    assert code == 0
    assert told == found["proof"]
    for what, why in (("999999", "leaf_unknown"), ("no-such", "document_unknown")):
        code, told = await run(site, capsys, "log", "prove", what)
        assert code == 1
        assert why in told


async def test_log_is_set_up_once(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    """A second key under the same name would be another log."""
    code, told = await run(site, capsys, "log", "init")
    assert code == 3
    assert "one key as long as it lives" in told
    site.pki.log_vkey.unlink()
    site.pki.log_key.unlink()
    code, told = await run(site, capsys, "log", "show")
    assert code == 1
    assert "log_unset" in told
    async with site.running() as app:
        await app.checkpointer.run_once()
        assert app.checkpointer.condition.words == "not set up"
        code, told = await run(site, capsys, "log", "init")
        assert code == 0, told
        assert site.pki.log_key.stat().st_mode & 0o777 == 0o600
        await app.reload()
        await signed(site)
    (key,) = read_vkeys(site.pki.log_vkey.read_bytes())
    assert key.name == f"{site.settings.seal.organ_id}/log"


async def report_of(site: Installation) -> FsckReport:
    return await examine(site.settings, database_of(site.settings), quick=True)
