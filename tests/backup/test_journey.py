"""The whole way, with real processes under load: backup while documents come in, kill, restore, release."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.client import GatewayClient
from gateway.errors import GatewayError
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from tests.backup.lab import emptied, query
from tests.forking import ForkedServer, finished
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.receiver import Came, Receiver

SENDERS = 8


@dataclass
class Load:
    """Documents sent one after the other by several clients, until told to stop or the server is gone."""

    made: Installation
    port: int
    #: Message id -> when its 202 had come.
    accepted: dict[str, datetime] = field(default_factory=dict)
    stop: bool = False

    async def run(self) -> None:
        """All of them."""
        await asyncio.gather(*(self._send(number) for number in range(SENDERS)))

    async def _send(self, first: int) -> None:
        number = first
        async with client(self.made, self.port, PROVINCE) as province:
            while not self.stop:
                number += SENDERS
                try:
                    sent = await province.submit(document(PROVINCE, [PUSHED, COMMUNE], number=str(number)))
                except (GatewayError, OSError):
                    return
                self.accepted[sent.id] = datetime.now(UTC)

    async def reaches(self, count: int) -> None:
        """Wait for so many 202s."""
        async with asyncio.timeout(60):
            while len(self.accepted) < count:  # noqa: ASYNC110 - counted by many tasks
                await asyncio.sleep(0.02)


def client(made: Installation, port: int, organ_id: str) -> GatewayClient:
    return GatewayClient(
        f"https://localhost:{port}",
        tls=client_tls_context(made.pki.anchors(TrustPurpose.TLS)),
        token=made.tokens[organ_id],
    )


def command(made: Installation, *arguments: str) -> list[str]:
    """The words after `gateway`."""
    return ["--config", str(made.folder / "config.toml"), *arguments]


async def run(made: Installation, *arguments: str) -> Any:
    """One command as a process; what it prints for scripts."""
    code, out, err = await finished("gateway", *command(made, *arguments, "--json"))
    assert code == 0, (out[-2000:], err[-2000:])
    return json.loads(out)


@asynccontextmanager
async def served(made: Installation) -> AsyncIterator[tuple[ForkedServer, int]]:
    """The server as a process of its own, and its port; killed at the end if it still runs."""
    log = made.folder / "server.log"
    with log.open("wb") as file:
        words = command(made, "serve")
        process = await ForkedServer.start("gateway", *words, log=file.fileno(), environment=os.environ)
    try:
        yield process, await _port(log, process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _port(log: Path, process: ForkedServer) -> int:
    async with asyncio.timeout(60):
        while process.returncode is None:
            for line in log.read_bytes().splitlines(keepends=True):  # noqa: ASYNC240 - a short one
                if b'"server.ready"' in line and line.endswith(b"\n"):
                    return int(json.loads(line)["port"])
            await asyncio.sleep(0.05)
    raise AssertionError(log.read_text()[-2000:])  # noqa: ASYNC240


@pytest.mark.slow
async def test_backup_under_load_then_kill_then_restore_loses_nothing_older_and_sends_nothing_unasked(
    tmp_path: Path, pki_folder: Path, receiver: Receiver
) -> None:
    """Every 202 from before the copy is there with its bytes; what waits goes out when released, under its ids."""
    site = tmp_path / "s"
    site.mkdir()
    more = "[limits]\ndeliveries_per_second = 1000\n"
    made = await prepare(site, pki_folder, push_url=receiver.url("/p"), more=more)
    backups = ("--to", str(site / "backups"))
    async with served(made) as (process, port):
        load = Load(made, port)
        sending = asyncio.create_task(load.run())
        await load.reaches(60)
        await run(made, "backup", *backups)
        await load.reaches(len(load.accepted) + 40)
        asked_at, before = datetime.now(UTC), set(load.accepted)
        copy = await run(made, "backup", *backups)
        await load.reaches(len(load.accepted) + 40)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        load.stop = True
        await sending
    assert datetime.fromisoformat(copy["manifest"]["taken_at"]) >= asked_at
    assert 0 < copy["new_bodies"] < copy["manifest"]["bodies"]  # the second one brought what was new
    lost_folder = emptied(site)
    done = await run(made, "restore", "--from", backups[1], "--reason", "the disk died")
    assert done["ok"] is True
    known = {row[0] for row in query(site, "SELECT id FROM message")}
    assert before <= known
    gone = set(load.accepted) - known
    assert gone  # those of the gap
    await _nothing_unasked_then_all(made, receiver, gone)
    assert lost_folder.exists()


async def _nothing_unasked_then_all(made: Installation, receiver: Receiver, gone: set[str]) -> None:
    came_before = len(receiver.came)
    journal = made.folder / "receiver.log"
    journal.write_text("\n".join(_line(came) for came in receiver.came))
    async with served(made):
        await asyncio.sleep(1.5)
        assert len(receiver.came) == came_before
        await _compare(made, journal, gone)
        released = await run(made, "release", "--because", "held_after_restore", "--reason", "asked the office")
        pushed = [item["id"] for item in released["items"] if item["recipient"] == PUSHED]

        def again() -> set[str]:
            return {name for came in receiver.came[came_before:] for name in came.deliveries}

        async with asyncio.timeout(60):
            while not again() >= set(pushed):  # noqa: ASYNC110 - one may come twice
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
    assert again() == set(pushed)
    ids: dict[str, set[str]] = {}
    for came in receiver.came:
        ids.setdefault(came.headers["Gateway-Message-Id"], set()).add(came.headers["Gateway-Dispatch-Id"])
    assert Counter(map(len, ids.values())) == {1: len(ids)}  # whatever came twice came under the same id
    assert (await run(made, "fsck"))["ok"] is True


async def _compare(made: Installation, journal: Path, gone: set[str]) -> None:
    """What the receiver got in the gap is listed as lost; exit code 1 says so."""
    code, out, _ = await finished("gateway", *command(made, "gap", "--journal", str(journal), "--json"))
    told = json.loads(out)
    text = journal.read_text()  # noqa: ASYNC240 - as above
    assert {name for name in gone if name in text} == gone & set(told["journals"]["lost"])
    assert code == bool(told["journals"]["lost"])
    assert told["epoch"]["number"] == 2
    held = {line["dispatch"] for line in told["held"]} | {line["delivery"] for line in told["held"]}
    assert set(told["journals"]["arrived"]) == {name for name in held if name in text}


def _line(came: Came) -> str:
    headers = came.headers
    return f"took {headers['Gateway-Message-Id']} as {headers['Gateway-Dispatch-Id']} for {list(came.deliveries)}"
