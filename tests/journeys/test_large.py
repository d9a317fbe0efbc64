"""Large documents over lines and servers that break: the real process, the real client, nothing sent twice."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest

from benchmarks.processes import pss_bytes_of
from gateway.client import GatewayClient
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from gateway.transfer import send_file
from tests.backup.test_journey import command, served
from tests.forking import finished
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document

#: Random, so that no ZIP makes it smaller; nine pieces of the client's.
CONTENT = Random(9).randbytes(48 * 1024**2)


def fixed_port(made: Installation) -> int:
    """The server comes back where it was."""
    (port,) = free_ports(1)
    path = made.folder / "config.toml"
    path.write_text(path.read_text().replace("port = 0\noperations", f"port = {port}\noperations", 1))
    return port


@pytest.mark.slow
async def test_upload_goes_on_after_the_server_was_killed_and_is_fetched_whole(
    tmp_path: Path, pki_folder: Path
) -> None:
    """SIGKILL after the first piece: the client goes on behind it, the bytes are those of the file."""
    site = tmp_path / "s"
    site.mkdir()
    made = await prepare(site, pki_folder)
    port, file = fixed_port(made), tmp_path / "large.edxml"
    file.write_bytes(document(PROVINCE, [COMMUNE], content=CONTENT))
    tls, token = client_tls_context(made.pki.anchors(TrustPurpose.TLS)), made.tokens[PROVINCE]
    reached: list[int] = []
    memory: list[int] = []
    async with AsyncExitStack() as stack:
        process, _ = await stack.enter_async_context(served(made))
        before = pss_bytes_of(process.pid)

        def killed(done: int, _size: int) -> None:
            if not reached:
                process.send_signal(signal.SIGKILL)
            reached.append(done)
            memory.append(pss_bytes_of(process.pid))

        client = await stack.enter_async_context(
            GatewayClient(f"https://localhost:{port}", tls=tls, token=token, timeout=60)
        )
        sending = asyncio.create_task(send_file(client, file, killed))
        await asyncio.wait({sending, asyncio.create_task(process.wait())}, return_when=asyncio.FIRST_COMPLETED)
        assert not sending.done(), await sending
        process, _ = await stack.enter_async_context(served(made))
        accepted = await sending
        assert reached[:2] == [8 * 1024**2, 16 * 1024**2]  # nothing below the first offset was sent again
        assert (accepted.size, reached[-1]) == (file.stat().st_size, file.stat().st_size)
        await _fetched_by_the_command(made, port, tmp_path, file)
        memory.append(pss_bytes_of(process.pid))
    assert max(memory) - before < len(CONTENT), "a document must never be whole in memory"


async def _fetched_by_the_command(made: Installation, port: int, folder: Path, file: Path) -> None:
    token, target = folder / "token", folder / "fetched.edxml"
    token.write_text(made.tokens[COMMUNE])
    token.chmod(0o600)
    known = ["--url", f"https://localhost:{port}", "--token-file", str(token)]
    known += ["--anchors", str(made.pki.anchors(TrustPurpose.TLS))]
    async with GatewayClient(
        f"https://localhost:{port}", tls=client_tls_context(made.pki.anchors(TrustPurpose.TLS)),
        token=made.tokens[COMMUNE],
    ) as client:  # fmt: skip
        [item] = (await client.inbox()).items
    code, _, told = await finished(
        "gateway", *command(made, "inbox", "get", item.id, "--output", str(target), *known)
    )
    assert code == 0, told
    assert target.read_bytes() == file.read_bytes()  # noqa: ASYNC240
    assert not list(folder.glob(".*.part"))  # noqa: ASYNC240
