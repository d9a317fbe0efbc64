"""A receiver that lost what it had: what it confirmed is listed, fetched, and pushed again under the same ids."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.admin.acts import PauseChannel, ResumeChannel
from gateway.audit.fsck import examine
from gateway.commands.acting import ask
from gateway.foundation import database_of
from gateway.ids import uuid7
from gateway.ledger.replays import ClaimReplays, ClaimReplaysOperation
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.receiver import Came, Receiver, Reply
from tests.journeys.test_journey import reaches, until


class Rest:
    """REST as a system without our client calls it."""

    def __init__(self, installation: Installation, organ_id: str) -> None:
        self._installation, self._organ_id = installation, organ_id

    async def call(self, method: str, path: str, json: object = None) -> tuple[int, Any]:
        """Status and JSON, or bytes."""
        app = self._installation.app
        assert app is not None
        context = client_tls_context(self._installation.pki.anchors(TrustPurpose.TLS))
        headers = {"Authorization": f"Bearer {self._installation.tokens[self._organ_id]}"}
        url = f"https://localhost:{app.port}{path}"
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, url, json=json, ssl=context) as response,
        ):
            is_json = "json" in response.content_type
            return response.status, await (response.json() if is_json else response.read())

    async def pushed(self, since: int = 0, limit: int = 100) -> dict[str, Any]:
        """A page."""
        status, page = await self.call("GET", f"/api/v1/pushed?since={since}&limit={limit}")
        assert status == 200, page
        return dict(page)


async def _deliver(installation: Installation, *numbers: str) -> list[bytes]:
    """Documents that the pushed commune confirmed one after the other."""
    sent = []
    async with installation.client(PROVINCE) as province:
        for number in numbers:
            content = document(PROVINCE, [PUSHED, COMMUNE], number=number)
            accepted = await province.submit(content)
            await reaches(province, accepted.id, PUSHED, "delivered")
            sent.append(content)
    return sent


async def test_what_was_confirmed_is_listed_and_can_be_fetched(installation: Installation) -> None:
    """In the order of the confirmations, page by page, with digests, and only one's own."""
    sent = await _deliver(installation, "1", "2", "3")
    rest = Rest(installation, PUSHED)
    first = await rest.pushed(limit=2)
    assert first["more"]
    last = await rest.pushed(first["cursor"])
    items = first["items"] + last["items"]
    assert len(items) == 3
    assert not last["more"]
    assert [item["organId"] for item in items] == [PUSHED] * 3
    for item, content in zip(items, sent, strict=True):
        assert await rest.call("GET", item["content"]) == (200, content)
    for organ_id in (COMMUNE, PROVINCE):
        assert (await Rest(installation, organ_id).pushed())["items"] == []
    assert (await rest.pushed(last["cursor"]))["items"] == []


async def test_a_range_is_pushed_again_under_the_same_ids(installation: Installation, receiver: Receiver) -> None:
    """The receiver sees what it is, the sender's line stays, and the ledger shows who asked and what came."""
    sent = await _deliver(installation, "1", "2", "3")
    rest = Rest(installation, PUSHED)
    items = (await rest.pushed())["items"]
    before = list(receiver.came)
    status, reply = await rest.call(
        "POST", "/api/v1/pushed/replay", {"after": items[0]["seq"], "upto": items[2]["seq"]}
    )
    assert (status, reply["queued"], reply["more"]) == (202, 2, False)
    again = (await receiver.wait_for(len(before) + 2))[len(before) :]
    assert [came.body for came in again] == sent[1:]
    assert [came.headers["Idempotency-Key"] for came in again] == [
        came.headers["Idempotency-Key"] for came in before[1:]
    ]
    assert [came.headers.get("Gateway-Replay") for came in (before[1], *again)] == [None, "1", "1"]
    await until(lambda: _has_events(installation, items[2]["id"], ["replay.asked", "replay.ended"]))
    async with installation.client(PROVINCE) as province:
        lines = await province.deliveries(items[2]["messageId"])
    assert next(line.state for line in lines if line.organ_id == PUSHED) == "delivered"


async def _has_events(installation: Installation, delivery_id: str, kinds: list[str]) -> bool:
    assert installation.app is not None
    base = installation.app.foundation
    sender = (await base.directory.resolve([PROVINCE], base.clock.now()))[PROVINCE]
    params = {"after": 0, "upto": 2**62, "agencies": f'["{sender.id}"]', "limit": 1000}
    rows = await base.readers.fetch("event_list_since", params)
    return [row[1] for row in rows if row[4] == delivery_id and str(row[1]).startswith("replay.")] == kinds


async def test_a_replay_that_fails_is_tried_again(installation: Installation, receiver: Receiver) -> None:
    """And what waits is not queued twice."""
    await _deliver(installation, "1")
    rest = Rest(installation, PUSHED)
    (item,) = (await rest.pushed())["items"]
    answered = asyncio.Event()

    def answer(_: Came) -> Reply:
        answered.set()
        return Reply(status=503)

    receiver.answer = answer
    body = {"deliveries": [item["id"]]}
    assert (await rest.call("POST", "/api/v1/pushed/replay", body))[1]["queued"] == 1
    async with asyncio.timeout(60):
        await answered.wait()
    assert (await rest.call("POST", "/api/v1/pushed/replay", body))[1]["queued"] == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "parameter_invalid"),
        ({"after": 0, "deliveries": ["x"]}, "parameter_invalid"),
        ({"deliveries": ["x"]}, "not_found"),
        ({"after": -1}, "parameter_invalid"),
    ],
)
async def test_a_senseless_request_is_refused(
    installation: Installation, body: dict[str, object], code: str
) -> None:
    """With its reason."""
    status, reply = await Rest(installation, PUSHED).call("POST", "/api/v1/pushed/replay", body)
    assert status >= 400
    assert reply["code"] == code


async def test_nobody_has_another_agencys_delivery_pushed(installation: Installation) -> None:
    """It does not exist for him."""
    await _deliver(installation, "1")
    (item,) = (await Rest(installation, PUSHED).pushed())["items"]
    for organ_id in (COMMUNE, PROVINCE):
        status, reply = await Rest(installation, organ_id).call(
            "POST", "/api/v1/pushed/replay", {"deliveries": [item["id"]]}
        )
        assert (status, reply["code"]) == (404, "not_found")


async def test_a_ledger_with_replays_is_sound(installation: Installation, receiver: Receiver) -> None:
    """The examiner finds nothing in the history that it cannot explain."""
    await _deliver(installation, "1")
    rest = Rest(installation, PUSHED)
    (item,) = (await rest.pushed())["items"]
    await rest.call("POST", "/api/v1/pushed/replay", {"after": 0})
    await receiver.wait_for(2)
    await until(lambda: _has_events(installation, item["id"], ["replay.asked", "replay.ended"]))
    assert installation.app is not None
    report = await examine(installation.settings, database_of(installation.settings))
    assert report.findings == []


async def test_a_replay_under_way_at_a_crash_is_made_again_with_a_trace(
    tmp_path: Path, pki_folder: Path, receiver: Receiver
) -> None:
    """The next boot finds it, says that nobody knows how it ended, and pushes it."""
    folder = tmp_path / "site"
    folder.mkdir()
    site = await prepare(folder, pki_folder, push_url=receiver.url("/pushed"))
    async with site.running() as app:
        await _deliver(site, "1")
        rest = Rest(site, PUSHED)
        (item,) = (await rest.pushed())["items"]
        pause = PauseChannel(target="pushed", until=app.foundation.clock.now() + timedelta(hours=1), reason="thử")
        await ask(site.settings, "pause", pause)  # so that the duty leaves it to us
        assert (await rest.call("POST", "/api/v1/pushed/replay", {"after": 0}))[1]["queued"] == 1
        base = app.foundation
        (due,) = await base.readers.fetch("replay_list_due", {"now": 2**62, "limit": 10})
        claim = ClaimReplays(replay_ids=(due[0],), attempt_id=uuid7(), boot_id=base.boot_id, now=base.clock.now())
        assert await base.pump.submit(ClaimReplaysOperation(), claim) == frozenset({due[0]})
    came = len(receiver.came)
    async with site.running():
        await ask(site.settings, "resume", ResumeChannel(target="pushed", reason="thử"))
        await receiver.wait_for(came + 1)
        await until(lambda: _has_events(site, item["id"], ["replay.asked", "replay.ended", "replay.ended"]))
