"""A vendor's system for tests: over REST it does whatever the sandbox asks, whichever step is open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.api.models import InboxItem, NewStatus
from gateway.client import GatewayClient
from gateway.errors import ProblemError
from gateway.pki import client_tls_context
from tests.conformance.papers import Papers


def plain(items: InboxItem) -> list[NewStatus]:
    """What an office answers to an item of the inbox."""
    if items.kind == "status":
        return []
    arrived = NewStatus(code="01", description=f"Đã đến {items.id}")
    if items.business_type in {"1", "2"}:
        return [arrived, NewStatus(code="15", description="Đồng ý")]
    if "gửi nhầm" in items.subject:
        return [arrived, NewStatus(code="02", description="Gửi nhầm đơn vị")]
    return [arrived, NewStatus(code="03", description="Đã tiếp nhận")]


@dataclass(kw_only=True)
class Vendor:
    """One system; `answers` may be replaced by wrong ones."""

    access: dict[str, str]
    papers: Papers
    answers: Callable[[InboxItem], list[NewStatus]] = plain
    seen: set[str] = field(default_factory=set)

    @classmethod
    async def of(cls, folder: Path) -> Vendor:
        """As soon as the sandbox says how to get in."""
        path = folder / "access.json"
        async with asyncio.timeout(150):
            while not path.is_file():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.05)
        access = json.loads(path.read_text())
        return cls(access=access, papers=Papers(access))

    def client(self) -> GatewayClient:
        """Its connection."""
        token = Path(self.access["token_file"]).read_text()
        anchors = Path(self.access["ca_file"]).parent
        url = self.access["rest_url"].removesuffix("/api/v1")
        return GatewayClient(url, tls=client_tls_context(anchors), token=token)

    def document(self, *offices: str, sender: str = "", about: str = "", padding: int = 0) -> bytes:
        """As `Papers` make it."""
        return self.papers.document(*offices, sender=sender, about=about, padding=padding)

    async def receive(self, client: GatewayClient) -> None:
        """Take and answer everything, for ever."""
        cursor = ""
        while True:
            page = await client.inbox(wait=5, cursor=cursor)
            cursor = page.cursor
            for item in page.items:
                await client.content(item.id)
                await client.ack(item.id)
                for answer in self.answers(item):
                    with suppress(ProblemError):
                        await client.answer(item.id, answer)

    async def send(self, client: GatewayClient) -> None:
        """Everything that the sandbox wants to be sent, wrong things included."""
        first = self.document("ready")
        await client.submit(first)
        await client.submit(first)
        for office in ("refusing", "late", "old"):
            await client.submit(self.document(office))
        await client.submit(self.document("ready", "late"))
        await client.submit(self.document("ready", padding=1_500_000))
        early = await client.submit(self.document("absent"))
        await client.withdraw(early.id, "gửi nhầm")
        await client.submit(self.document("ready", about="7001"))
        for wrong in (
            self.document("late", sender=self.access["offices.ready"]),
            self.document("000.99.99.Z99"),
            first[: len(first) // 2],
        ):
            with suppress(ProblemError):
                await client.submit(wrong)
        with suppress(ProblemError):
            await client._send(  # the client itself would never send a wrong digest
                "POST",
                "/documents",
                dict,
                data=self.document("ready"),
                headers={"Content-Type": "application/xml", "Content-Digest": f"sha-256=:{'A' * 43}=:"},
            )

    async def work(self) -> None:
        """Until cancelled."""
        async with self.client() as client:
            await client.limits()
            await asyncio.gather(self.receive(client), self.send(client))
