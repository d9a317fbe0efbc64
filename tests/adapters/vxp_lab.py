"""A member of an axis for tests: its adapter and its source, with real TLS to the simulator."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from adapters.vxp.client import VxpAdapter
from adapters.vxp.reader import VxpSource
from gateway.clock import Clock, SystemClock
from gateway.model import Capabilities, Doubt, Endpoint, EndpointId, Outgoing, Sha256Hex
from gateway.ports import Surroundings
from tests.axis_lab import H33, AxisLab
from tests.unit.deliver.fakes import FakeBody, outgoing

#: Before anything in a test.
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


class Content(FakeBody):
    """Bytes in memory that know their digest."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class SetClock(SystemClock):
    """The machine's, set by so much."""

    ahead = timedelta()

    def now(self) -> datetime:
        """The time that it shows."""
        return super().now() + self.ahead


def surroundings(secrets: Path, seconds: float = 2.0, clock: Clock | None = None) -> Surroundings:
    """What adapters and sources are made with."""
    clock = clock or SystemClock()
    return Surroundings(secrets=secrets, folder=secrets, clock=clock, timeout_seconds=seconds)


def channel(axis: AxisLab, system: str = H33, **settings: object) -> Endpoint:
    """The channel of one system at the axis."""
    given: dict[str, object] = {
        "url": axis.url,
        "system_id": system,
        "secret_file": axis.secret_files[system].name,
        "anchors_file": axis.anchors.name,
    }
    return Endpoint(
        id=EndpointId("axis"),
        name="axis",
        kind="vxp",
        settings=given | settings,
        capabilities=Capabilities(fans_out=True),
        is_relay=True,
    )


class Member:
    """The gateway's side of one axis."""

    def __init__(self, axis: AxisLab, system: str = H33, *, clock: Clock | None = None, **settings: object) -> None:
        self.endpoint = channel(axis, system, **settings)
        self._surroundings = surroundings(axis.secrets, clock=clock)
        self.adapter = VxpAdapter(self._surroundings)

    def source(self) -> VxpSource:
        """A client that remembers nothing."""
        return VxpSource(self.endpoint, self._surroundings)

    async def close(self) -> None:
        """Close connections."""
        await self.adapter.close()


def letter(
    content: bytes,
    to: Sequence[str],
    *,
    sender: str = H33,
    notation: str = "1/UBND-VP",
    subject: str = "",
    kind: Literal["document", "status"] = "document",
) -> Outgoing:
    """A claimed dispatch of a document for these codes."""
    item = outgoing("axis", *to, size=len(content))
    return replace(
        item,
        kind=kind,
        sha256=Sha256Hex(hashlib.sha256(content).hexdigest()),
        sender_code=sender,
        notation=notation,
        subject=subject,
        deliveries=tuple(replace(one, recipient_code=code) for one, code in zip(item.deliveries, to, strict=True)),
    )


def doubted(
    item: Outgoing,
    *,
    inquiries: int = 0,
    unclear: int = 0,
    transmissions: int = 1,
    taken: Sequence[str] = (),
    since: datetime = BEGINNING,
) -> Outgoing:
    """The same, when an earlier try may have arrived."""
    doubt = Doubt(
        since=since, transmissions=transmissions, inquiries=inquiries, unclear=unclear, taken=frozenset(taken)
    )
    return replace(item, doubt=doubt)
