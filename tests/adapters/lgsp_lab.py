"""The simulated facade as a process of its own, and the gateway's clients of it."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.lgsp.adapter import LgspAdapter
from adapters.lgsp.source import LgspSource
from gateway.clock import Clock, SystemClock
from gateway.model import Capabilities, Endpoint, EndpointId
from gateway.ports import Surroundings
from gateway.simulate.layout import free_ports
from gateway.simulate.lgsp.starting import SETTINGS, make_folder, server_pair
from gateway.simulate.lgsp.store import Taken, Told, read_journal
from tests.adapters.receiver import Act, Receiver, Request, receiving, says
from tests.forking import Forked

OURS, THEIRS = "000.00.10.H33", "000.00.20.H99"
BOTH = ("*.H33",), ("*.H99",)


@dataclass(kw_only=True)
class FacadeLab:
    """One facade in one folder."""

    folder: Path
    port: int = field(default_factory=lambda: free_ports(1)[0])
    process: Forked | None = None

    async def start(self) -> None:
        """Until it listens; at the port that it had, if it was started before."""
        self.process = await Forked.start("gateway.simulate.lgsp", str(self.folder), str(self.port))
        assert await self.process.line(), "the facade did not start"

    async def stop(self, *, kill: bool = False) -> None:
        """End it."""
        if self.process is not None:
            await self.process.end(signal.SIGKILL if kill else signal.SIGTERM)

    def settings(self, *lines: str) -> None:
        """Habits beside the accounts; before it starts."""
        path = self.folder / SETTINGS
        path.write_text("\n".join(lines) + "\n" + path.read_text().replace("token_seconds = 1800\n", ""))

    def order(self, *orders: dict[str, object]) -> None:
        """Faults from the next call on."""
        path = self.folder / "faults.new"
        path.write_text(json.dumps(orders))
        path.rename(self.folder / "faults.json")

    def taken(self) -> list[Taken]:
        """What was sent there."""
        return [line for line in read_journal(self.folder) if isinstance(line, Taken)]

    def told(self) -> list[Told]:
        """What accounts said of their entries."""
        return [line for line in read_journal(self.folder) if isinstance(line, Told)]

    def content(self, taken: Taken) -> bytes:
        """The bytes that arrived."""
        return (self.folder / "documents" / f"{taken.doc_id}.edxml").read_bytes()

    def surroundings(self, clock: Clock | None = None, seconds: float = 2.0) -> Surroundings:
        """For clients."""
        return Surroundings(
            secrets=self.folder, folder=self.folder, clock=clock or SystemClock(), timeout_seconds=seconds
        )

    def endpoint(self, account: str = "gateway", *, is_relay: bool = False, **settings: object) -> Endpoint:
        """The channel of one of the two accounts."""
        given: dict[str, object] = {
            "url": f"https://localhost:{self.port}",
            "username": account,
            "application_code": "EDOC",
            "system_id": "GW.LGSP" if account == "gateway" else "OTHER.LGSP",
            "password_file": f"{account}.password",
            "secret_file": f"{account}.secret",
            "anchors_file": "ca.pem",
            "timeout_seconds": 2,
        }
        return Endpoint(
            id=EndpointId(account),
            name=account,
            kind="lgsp",
            settings=given | settings,
            capabilities=Capabilities(fans_out=True),
            is_relay=is_relay,
        )

    def adapter(self, clock: Clock | None = None) -> LgspAdapter:
        """A sender."""
        return LgspAdapter(self.surroundings(clock))

    def source(self, account: str = "gateway", clock: Clock | None = None, **settings: object) -> LgspSource:
        """A reader that remembers nothing."""
        endpoint = self.endpoint(account)
        return LgspSource(replace(endpoint, settings=endpoint.settings | settings), self.surroundings(clock))


@pytest.fixture(scope="module")
def facade_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys take a while to make, so each test begins with a copy."""
    folder = tmp_path_factory.mktemp("facade") / "new"
    make_folder(folder, ours=BOTH[0], theirs=BOTH[1], now=datetime.now(UTC))
    return folder


@pytest.fixture
async def facade(facade_folder: Path, tmp_path: Path) -> AsyncIterator[FacadeLab]:
    """Not started yet."""
    lab = FacadeLab(folder=tmp_path / "facade")
    shutil.copytree(facade_folder, lab.folder)
    yield lab
    await lab.stop()


def scripted(acts: Mapping[str, Act], logins: list[Request]) -> Act:
    """A facade whose login gives token-1, token-2, …; its other calls do this, by the last part of the path."""

    async def act(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        name = request.line.split()[1].partition("?")[0].rpartition("/")[2]
        if name != "login" or "login" in acts:
            return await acts[name](request, reader, writer)
        if not request.body:  # bodies are left to the acts, and this one is ours
            await reader.readexactly(int(request.headers["content-length"]))
        logins.append(request)
        token = json.dumps({"success": True, "data": {"token": f"token-{len(logins)}"}})
        return await says("200 OK", token.encode())(request, reader, writer)

    return act


@dataclass
class Script:
    """A facade that plays by script, at the lab's port."""

    receiver: Receiver
    logins: list[Request]

    @property
    def calls(self) -> list[Request]:
        """Everything but logins."""
        return [one for one in self.receiver.requests if "/auth/login" not in one.line]


@asynccontextmanager
async def playing(lab: FacadeLab, **acts: Act) -> AsyncIterator[Script]:
    """Serve the script; the simulator is not needed for it."""
    logins: list[Request] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = server_pair(lab.folder)
    context.load_cert_chain(pair.certificate, pair.key)
    async with receiving(scripted(acts, logins), context) as receiver:
        lab.port = receiver.port
        yield Script(receiver, logins)
