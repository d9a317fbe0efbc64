"""The administrators' socket: who may use it, what it refuses, and that every act is an event with its actor."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.admin import server as admin
from gateway.admin.acts import PauseChannel, ResumeChannel
from gateway.admin.archives import Archives
from gateway.admin.server import AdminServer, Reload, SetLogLevel
from gateway.commands.acting import ask
from gateway.condition import UNSET, Condition
from gateway.config.settings import Settings
from gateway.errors import ConfigError, EnvironmentRefusedError, GatewayError, RefusedError, StorageError
from gateway.foundation import Foundation, open_foundation
from gateway.inspection import Inspection
from gateway.model import AgencyId
from gateway.signing import SealingKey
from tests.journeys.installation import COMMUNE, Installation

WHY = "thử nghiệm"
SOON = datetime.now(UTC) + timedelta(hours=1)


@dataclass(kw_only=True)
class FakeServer:
    """A server that notes what it is told."""

    foundation: Foundation
    levels: list[str] = field(default_factory=list)
    told: list[frozenset[AgencyId]] = field(default_factory=list)
    reload_fails: GatewayError | None = None
    #: No test here imports a file: that needs the whole server.
    importer: Any = None
    inspection: Inspection = field(default_factory=Inspection)
    conditions: dict[str, Condition] = field(
        default_factory=lambda: {"log": Condition.fine("signed"), "stamps": UNSET}
    )

    @property
    def logs(self) -> FakeServer:
        return self

    def set_level(self, level: str) -> None:
        self.levels.append(level)

    @property
    def key(self) -> SealingKey:
        return SealingKey()

    @property
    def archives(self) -> Archives:
        return Archives(self.foundation, self.key)

    def requeued(self, agencies: Iterable[AgencyId]) -> None:
        self.told.append(frozenset(agencies))

    def poll(self, endpoint_id: str) -> int:
        return 1 if endpoint_id else 0

    async def reload(self) -> list[str]:
        if self.reload_fails is not None:
            raise self.reload_fails
        return []


@asynccontextmanager
async def listening(installation: Installation) -> AsyncIterator[FakeServer]:
    """The socket, open over the installation's data folder."""
    async with open_foundation(installation.settings, purpose="test") as foundation:
        server = FakeServer(foundation=foundation)
        socket_server = AdminServer(server)
        await socket_server.start(installation.settings.server.admin_socket)
        try:
            yield server
        finally:
            await socket_server.close()


async def raw(settings: Settings, path: str, body: bytes) -> tuple[int, dict[str, object]]:
    """One POST as it is; status and answer."""
    connector = aiohttp.UnixConnector(path=str(settings.server.admin_socket))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(f"http://x/v1/{path}", data=body) as response,
    ):
        text = await response.read()
        return response.status, json.loads(text) if text.startswith(b"{") else {}


async def events(foundation: Foundation, kind: str) -> list[tuple[str, dict[str, object]]]:
    """Actor and facts of the events of a kind."""
    found = await foundation.writer.fetch("SELECT actor, leaf FROM event WHERE kind = ? ORDER BY seq", (kind,))
    return [(actor, json.loads(leaf)["facts"]) for actor, leaf in found]


async def test_socket_is_private_and_goes_with_the_server(installation: Installation) -> None:
    """Mode 0600 in a folder of mode 0700; nothing is left behind."""
    path = installation.settings.server.admin_socket
    async with listening(installation):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


async def test_socket_of_a_dead_server_is_taken_over(installation: Installation) -> None:
    """The folder's lock proves that nobody listens there any more."""
    path = installation.settings.server.admin_socket
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with listening(installation):
        assert (await ask(installation.settings, "status"))["deliveries"] == 0


async def test_place_that_does_not_fit_is_refused_in_words(installation: Installation, tmp_path: Path) -> None:
    """A file in its place, an open folder, a path that the kernel cannot take."""
    async with open_foundation(installation.settings, purpose="test") as foundation:
        file = tmp_path / "private" / "file"
        file.parent.mkdir(mode=0o700)
        file.write_text("mine")
        wide = tmp_path / "wide"
        wide.mkdir(mode=0o755)
        for path, words in (
            (file, "is no socket"),
            (wide / "admin.sock", "chmod 700"),
            (tmp_path / ("a" * 120), "longer than"),
        ):
            with pytest.raises(EnvironmentRefusedError, match=words):
                await AdminServer(FakeServer(foundation=foundation)).start(path)
        assert file.read_text() == "mine"


async def test_another_user_is_refused_and_changes_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only root and the server's own user may act, whatever the file's mode."""
    async with listening(installation) as server:
        monkeypatch.setattr(admin, "peer_uid", lambda _request: 12345)
        with pytest.raises(EnvironmentRefusedError, match="only root"):
            await ask(installation.settings, "pause", PauseChannel(target="commune", until=SOON, reason=WHY))
        assert await events(server.foundation, "endpoint.paused") == []


@pytest.mark.parametrize("body", [
    b"", b"[]", b"{", b'{"target": "commune"}', b'{"target":"commune","until":"2099-01-01T00:00:00Z","reason":"x"}',
    b'{"target":"commune","until":"2099-01-01T00:00:00","reason":"no zone"}',
    b'{"target":"commune","until":"2099-01-01T00:00:00Z","reason":"unknown key","more":1}',
])  # fmt: skip
async def test_request_of_the_wrong_shape_is_refused(installation: Installation, body: bytes) -> None:
    """Typed requests: a missing reason, a naive instant, an unknown key change nothing."""
    async with listening(installation) as server:
        status, told = await raw(installation.settings, "pause", body)
        assert (status, told["code"]) == (400, "parameter_invalid")
        assert await events(server.foundation, "endpoint.paused") == []


async def test_unknown_act_is_not_found(installation: Installation) -> None:
    """There is no act by guessing."""
    async with listening(installation):
        assert (await raw(installation.settings, "erase", b"{}"))[0] == 404


async def test_pause_and_resume_are_events_of_the_operator(installation: Installation) -> None:
    """Actor, reason and instant are kept; the reason stays out of the leaf."""
    async with listening(installation) as server:
        paused = await ask(installation.settings, "pause", PauseChannel(target="commune", until=SOON, reason=WHY))
        assert paused["channel"] == "commune"
        states = await server.foundation.directory.endpoint_states()
        state = next(each for each in states if each.endpoint.name == "commune")
        assert (state.paused_by, state.paused_why) == (f"operator:{os.getuid()}", WHY)
        await ask(installation.settings, "resume", ResumeChannel(target=COMMUNE, reason=WHY))
        for kind in ("endpoint.paused", "endpoint.resumed"):
            ((actor, facts),) = await events(server.foundation, kind)
            assert actor == f"operator:{os.getuid()}"
            assert WHY not in json.dumps(facts, ensure_ascii=False)
        with pytest.raises(RefusedError, match="state_forbids"):
            await ask(installation.settings, "resume", ResumeChannel(target="commune", reason=WHY))


async def test_reload_is_an_event_and_a_refused_one_is_none(installation: Installation) -> None:
    """The old configuration stays, and the operator is told why."""
    async with listening(installation) as server:
        assert (await ask(installation.settings, "reload", Reload(reason=WHY)))["reloaded"] is True
        server.reload_fails = ConfigError("unknown setting x")
        with pytest.raises(ConfigError, match="unknown setting x"):
            await ask(installation.settings, "reload", Reload(reason=WHY))
        ((actor, _),) = await events(server.foundation, "configuration.reloaded")
        assert actor == f"operator:{os.getuid()}"


async def test_log_level_is_set_at_once(installation: Installation) -> None:
    """No restart to see more."""
    async with listening(installation) as server:
        await ask(installation.settings, "log-level", SetLogLevel(level="debug", reason=WHY))
        assert server.levels == ["debug"]


@pytest.mark.parametrize(("error", "status", "code"), [
    (StorageError("disk"), 503, "storage_failed"), (GatewayError("else"), 500, "internal_error"),
])  # fmt: skip
async def test_failure_of_the_server_is_told_in_words(
    installation: Installation, error: GatewayError, status: int, code: str
) -> None:
    """No traceback crosses the socket."""
    async with listening(installation) as server:
        server.reload_fails = error
        told = await raw(installation.settings, "reload", b'{"reason":"again"}')
        assert told == (status, {"code": code, "detail": str(error)})


async def test_acts_of_many_callers_are_served_side_by_side(installation: Installation) -> None:
    """A long act does not keep the others waiting."""
    async with listening(installation):
        found = await asyncio.gather(*(ask(installation.settings, "status") for _ in range(20)))
        assert {each["storage"] for each in found} == {"writable"}
