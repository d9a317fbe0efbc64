"""An installation whose ledger holds a line of every way, made through the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.admin.directory import ConfigureEndpoint, configure_endpoint
from gateway.api import models
from gateway.edxml.envelope import BusinessType
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import document, document_id, status
from tests.journeys.receiver import Receiver, Reply
from tests.journeys.test_journey import reaches


@asynccontextmanager
async def filled(folder: Path, pki_folder: Path) -> AsyncIterator[Installation]:
    """An installation whose ledger holds a line of every way, its server running."""
    receiver = Receiver(pki_folder)
    await receiver.start()
    try:
        made = await prepare(folder, pki_folder, push_url=receiver.url("/p"), axis_url=receiver.url("/axis"))
        async with made.running():
            await _fill(made, receiver)
            yield made
    finally:
        await receiver.close()


async def _fill(made: Installation, receiver: Receiver) -> None:
    async with made.client(PROVINCE) as province, made.client(COMMUNE) as commune, made.client(AXIS) as axis:
        pulled = await province.submit(document(PROVINCE, [COMMUNE], number="1"))
        item = (await commune.inbox(wait=5)).items[0]
        await commune.content(item.id)
        await commune.ack(item.id)
        await commune.answer(item.id, models.NewStatus(code="03"))
        await reaches(province, pulled.id, COMMUNE, "acknowledged")
        receiver.script.append(Reply(status=503))
        pushed = await province.submit(document(PROVINCE, [PUSHED], number="2"))
        await reaches(province, pushed.id, PUSHED, "delivered")
        receiver.script.append(Reply(status=422))
        refused = await province.submit(document(PROVINCE, [PUSHED], number="3"))
        await reaches(province, refused.id, PUSHED, "refused")
        relayed = await province.submit(document(PROVINCE, [MINISTRY], number="4"))
        await reaches(province, relayed.id, MINISTRY, "relayed")
        await axis.post_status(status(MINISTRY, "01", sender=PROVINCE, number="999"))
        await province.submit(document(PROVINCE, [COMMUNE], number="5"))
        about = document_id(PROVINCE, "5")
        await province.submit(document(PROVINCE, [COMMUNE], number="6", business=BusinessType.RECALL, about=about))
        await commune.post_status(status(COMMUNE, "03", sender=PROVINCE, number="5"))
        assert made.app is not None
        reads_b = ConfigureEndpoint(name="pushed", capabilities={"dialect": "B"}, reason="reads only B")
        await configure_endpoint(made.app, reads_b, "operator:test")
        rendered = await province.submit(document(PROVINCE, [PUSHED], number="7"))
        await reaches(province, rendered.id, PUSHED, "delivered")
        await province.redeliver(rendered.id, "gửi bổ sung", [COMMUNE])
