"""Makes the place where a system under test and the gateway meet, for the protocols that need one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from gateway.clock import Clock
from gateway.conformance.exchange import make_exchange
from gateway.conformance.exposure import Exposure
from gateway.conformance.facade import Facade
from gateway.conformance.places import Place
from gateway.conformance.xroad import Behind, Link, Member
from gateway.pki import DevPki
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import Layout


@dataclass(frozen=True, kw_only=True, slots=True)
class Pushed:
    """The developer's own service, which is called."""

    url: str
    secret_file: Path | None
    anchors: Path | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What a place is made of."""

    layout: Layout
    exposure: Exposure
    pki: DevPki
    clock: Clock
    organ_id: str
    #: For its own listener.
    port: int
    #: Of the gateway's other protocols.
    bindings_url: str
    pushed: Pushed | None

    @property
    def ca_file(self) -> str:
        """What the server's certificate leads to."""
        return str(self.pki.anchors(TrustPurpose.TLS) / "root.pem")


async def make_place(binding: str, ground: Ground) -> Place | None:
    """None for protocols that the gateway serves, or dials, by itself."""
    if binding in {"folder", "sftp"}:
        return await make_exchange(
            ground.layout, "sftp" if binding == "sftp" else "folder", exposure=ground.exposure, port=ground.port
        )
    if binding == "lgsp":
        facade = Facade(
            layout=ground.layout,
            exposure=ground.exposure,
            port=ground.port,
            organ_id=ground.organ_id,
            pki=ground.pki,
            ca_file=ground.ca_file,
            clock=ground.clock,
        )
        await asyncio.to_thread(facade.prepare)
        return facade
    if binding == "xroad":
        return Member(_link(ground, f"{ground.bindings_url}/xroad", ground.ca_file))
    if binding == "xroad-service" and ground.pushed is not None:
        anchors = ground.pushed.anchors
        target = ground.pushed.url.rstrip("/")
        return Behind(_link(ground, target, str(anchors) if anchors else None), ground.ca_file)
    return None


def _link(ground: Ground, target: str, ca_file: str | None) -> Link:
    return Link(
        exposure=ground.exposure,
        port=ground.port,
        pair=ground.pki.server,
        clock=ground.clock,
        target=target,
        ca_file=ca_file,
    )
