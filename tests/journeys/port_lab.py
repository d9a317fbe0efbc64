"""Two implementations of `gateway.api.service.Gateway` behind one lab: the fake of the HTTP tests and the real one.

A lab knows how to make bodies that its gateway takes, and three callers: an office that sends, one that receives,
and one that has to do with neither.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway.api import models
from gateway.api.service import AcceptedAnswer, Arrival, Content, Gateway, InboxQuery
from gateway.ids import uuid7
from gateway.model import AgencyId, Caller
from gateway.storage.bodies import Bodies
from tests.fakes.authenticator_fake import caller_of
from tests.fakes.gateway_fake import FakeGateway
from tests.fakes.gateway_shapes import ORGAN_IDS, RECIPIENT, SENDER
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation
from tests.journeys.messages import document, status


@dataclass(kw_only=True)
class PortLab(ABC):
    """One implementation and how to speak to it."""

    gateway: Gateway
    bodies: Bodies
    sender: Caller
    recipient: Caller
    stranger: Caller
    sender_code: str
    recipient_code: str
    #: What `document` made last, so that each differs.
    _made: int = field(default=0)

    def document(self) -> bytes:
        """A new document from the sender to the recipient."""
        self._made += 1
        return self._document(self._made)

    @abstractmethod
    def _document(self, number: int) -> bytes: ...

    @abstractmethod
    def status(self) -> bytes:
        """A status of the recipient's about the document made last."""

    async def accept(
        self, body: bytes, *, caller: Caller | None = None, key: str | None = None, status_only: bool = False
    ) -> AcceptedAnswer:
        """As the HTTP side would hand it over."""
        arrival = Arrival(
            caller=caller or self.sender,
            at=datetime.now(UTC),
            trace_id=uuid7().replace("-", ""),
            idempotency_key=key,
        )
        async with self.bodies.open_spool() as spool:
            await spool.write(body)
            spooled = await spool.finish()
        try:
            accept = self.gateway.accept_status if status_only else self.gateway.accept
            return await accept(arrival, spooled)
        finally:
            await self.bodies.discard(spooled)

    async def accepted(self, body: bytes | None = None) -> models.Accepted:
        """What a new document's sender is told."""
        answer = await self.accept(self.document() if body is None else body)
        return msgspec.json.decode(answer.body, type=models.Accepted)

    async def validate(self, body: bytes) -> models.Validation:
        """For the sender."""
        async with self.bodies.open_spool() as spool:
            await spool.write(body)
            spooled = await spool.finish()
        try:
            return await self.gateway.validate(self.sender, spooled)
        finally:
            await self.bodies.discard(spooled)

    async def inbox(self, caller: Caller | None = None, **asked: object) -> models.InboxPage:
        """A page of the recipient's inbox."""
        return await self.gateway.inbox(caller or self.recipient, InboxQuery(**({"limit": 100} | asked)))  # type: ignore[arg-type]

    def arrival(self, caller: Caller) -> Arrival:
        """The circumstances of an answer."""
        return Arrival(caller=caller, at=datetime.now(UTC), trace_id=uuid7().replace("-", ""))


class FakeLab(PortLab):
    """The fake."""

    def _document(self, number: int) -> bytes:
        return b"<edXML>%d</edXML>" % number

    def status(self) -> bytes:
        return b"<status>03</status>"


class RealLab(PortLab):
    """The whole gateway."""

    def _document(self, number: int) -> bytes:
        return document(PROVINCE, [COMMUNE], number=str(number))

    def status(self) -> bytes:
        return status(COMMUNE, "03", sender=PROVINCE, number=str(self._made))


def read(content: Content) -> bytes:
    """What would be sent."""
    return b"".join(content.file.pieces())


@asynccontextmanager
async def fake_lab(folder: Path) -> AsyncIterator[PortLab]:
    """The fake and a spool of its own."""
    bodies = Bodies(folder / "data")
    try:
        yield FakeLab(
            gateway=FakeGateway(folder=folder),
            bodies=bodies,
            sender=caller_of(SENDER),
            recipient=caller_of(RECIPIENT),
            stranger=caller_of(AgencyId("agency-other")),
            sender_code=ORGAN_IDS[SENDER],
            recipient_code=ORGAN_IDS[RECIPIENT],
        )
    finally:
        await bodies.close()


@asynccontextmanager
async def real_lab(made: Installation) -> AsyncIterator[PortLab]:
    """A running installation, its callers authenticated by their tokens."""
    async with made.running() as app:
        base = app.foundation

        async def caller(organ_id: str) -> Caller:
            return await base.authenticator.authenticate(
                certificate_der=None, bearer=made.tokens[organ_id], address="127.0.0.1", now=base.clock.now()
            )

        yield RealLab(
            gateway=app.gateway,
            bodies=base.bodies,
            sender=await caller(PROVINCE),
            recipient=await caller(COMMUNE),
            stranger=await caller(PUSHED),
            sender_code=PROVINCE,
            recipient_code=COMMUNE,
        )
