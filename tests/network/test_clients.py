"""Clients that vanish or say nothing: what they hold is bounded and comes back, and the others are served."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.seal.trust import TrustPurpose
from tests.crash.kill_journal import now
from tests.crash.kill_site import CLIENTS, RECEIVER, Site
from tests.crash.kill_spec import read_spec
from tests.journeys.installation import COMMUNE
from tests.network.conftest import Templates
from tests.network.lab import ADDRESSES, Lab
from tests.network.places import GATEWAY_PORT, Helper, Running, places, running

pytestmark = pytest.mark.slow

_MOST = 20
_VANISHED = 10


def with_few_connections(site: Site) -> None:
    """A limit that a test can reach."""
    text = site.config.read_text().replace("[server]", f"[server]\nmax_connections_per_address = {_MOST}")
    site.config.write_text(text)


async def nuisance(found: Running, kind: str, count: int) -> Helper:
    """That many of them, from a machine of their own."""
    anchors = str(found.site.pki.anchors(TrustPurpose.TLS))
    token = read_spec(found.site.folder / "clients.json").tokens[COMMUNE]
    target = (ADDRESSES["gateway"], str(GATEWAY_PORT), anchors, token)
    helper = await Helper.start(found.lab, "other", "nuisance", kind, str(count), *target)
    found.helpers[kind] = helper
    return helper


async def served(found: Running) -> None:
    """Both ways work for everybody else."""
    since = now()
    for name in (CLIENTS, RECEIVER):
        await found.until(lambda name=name: found.arrived(name, since), f"{name} receives")  # type: ignore[misc]


async def test_connections_without_a_request_are_few(lab: Lab, templates: Templates) -> None:
    """One machine has so many handshakes and so many connections, and descriptors do not run out."""
    async with running(lab, await templates.of(places()), prepare=with_few_connections) as found:
        handles = Path(f"/proc/{found.gateway.pid}/fd")
        before = len(os.listdir(handles))  # noqa: PTH208 - counted, not looked at
        await nuisance(found, "raw", 10 * _MOST)
        await nuisance(found, "idle", 10 * _MOST)
        for _ in range(10):
            assert lab.sockets("gateway", "other") <= 2 * _MOST + 5
            await asyncio.sleep(0.1)
        await served(found)
        assert len(os.listdir(handles)) <= before + 2 * _MOST + 40  # noqa: PTH208
        assert found.metric("gateway_http_connections_refused_total") > _MOST


async def test_clients_that_vanish_in_mid_upload_are_let_go(lab: Lab, templates: Templates) -> None:
    """No packet comes any more, not even an end of the connection: place, spool and socket come back."""
    async with running(lab, await templates.of(places())) as found:
        await nuisance(found, "half", _VANISHED)
        spool = found.site.settings.storage.folder / "spool"
        lab.fault("other", "in iif != lo drop", "out oif != lo drop")
        assert lab.sockets("gateway", "other") >= _VANISHED
        await found.until(
            lambda: lab.sockets("gateway", "other") == 0, "the gateway lets go of clients that vanished", 60
        )
        await found.until(lambda: not list(spool.glob("*")), "the spool is empty", 60)
        lab.heal("other")
        await served(found)
