"""A dispatch for a thousand offices over one webhook, and the challenge before the first document."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters.webhook import name_deliveries, portions
from adapters.webhook_challenge import proof_of
from gateway.ids import uuid7
from gateway.model import AgencyId, DeliveryId, OutcomeKind, Outgoing, OutgoingDelivery, Sha256Hex
from tests.adapters.receiver import Act, Request, raw, receiving, says
from tests.adapters.webhook_lab import NOW, SECRET, Lab, lab
from tests.unit.deliver.fakes import FakeBody, outgoing

__all__ = ["lab"]

_CONTENT = b"<edXML/>"


def _thousand() -> Outgoing:
    deliveries = tuple(
        OutgoingDelivery(
            id=DeliveryId(uuid7()), recipient_id=AgencyId(f"a{number}"), recipient_code=f"000.{number:02}.07.H32"
        )
        for number in range(1000)
    )
    digest = Sha256Hex(hashlib.sha256(_CONTENT).hexdigest())
    return replace(outgoing(), deliveries=deliveries, sha256=digest, size=len(_CONTENT))


class _Server:
    """A receiver as vendors build them: an ordinary HTTP server with its ordinary limits."""

    def __init__(self) -> None:
        self.requests: list[dict[str, str]] = []

    async def handle(self, request: web.Request) -> web.Response:
        await request.read()
        self.requests.append(dict(request.headers))
        ids = [item.split("=")[0].strip() for item in request.headers["Gateway-Deliveries"].split(",")]
        return web.json_response({"deliveries": [{"id": each, "outcome": "delivered"} for each in ids]})

    async def start(self, context: ssl.SSLContext, **limits: int) -> tuple[web.AppRunner, int]:
        app = web.Application()
        app.router.add_post("/edxml", self.handle)
        runner = web.AppRunner(app, access_log=None, **limits)  # type: ignore[arg-type]
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        assert runner.addresses
        return runner, runner.addresses[0][1]


async def test_a_thousand_deliveries_reach_an_ordinary_server(lab: Lab) -> None:
    """Its limit of 8 KiB for a field is never met: the dispatch comes in parts, each whole in itself."""
    server, item = _Server(), _thousand()
    runner, port = await server.start(lab.context())
    try:
        report = await lab.adapter.send(lab.endpoint(port), item, FakeBody(_CONTENT))
        await lab.adapter.close()
    finally:
        await runner.cleanup()
    assert {one.kind for one in report.outcomes.values()} == {OutcomeKind.DELIVERED}
    assert len(report.outcomes) == 1000
    assert report.answered
    assert report.peer["parts"] == len(server.requests) > 1
    assert [each["Gateway-Part"] for each in server.requests] == [
        f"{number}/{len(server.requests)}" for number in range(1, len(server.requests) + 1)
    ]
    keys = [each["Idempotency-Key"] for each in server.requests]
    assert len(set(keys)) == len(keys)
    assert all(key.startswith(f"{item.dispatch_id}.") for key in keys)
    assert ", ".join(each["Gateway-Deliveries"] for each in server.requests) == name_deliveries(item.deliveries)


async def test_a_receiver_that_takes_long_headers_gets_few_parts(lab: Lab) -> None:
    """header_bytes says so; what still splits a dispatch is the length of the answer that we read."""
    server, item = _Server(), _thousand()
    runner, port = await server.start(lab.context(), max_field_size=131_072)
    try:
        report = await lab.adapter.send(lab.endpoint(port, header_bytes=100_000), item, FakeBody(_CONTENT))
        await lab.adapter.close()
    finally:
        await runner.cleanup()
    assert {one.kind for one in report.outcomes.values()} == {OutcomeKind.DELIVERED}
    assert [len(each["Gateway-Deliveries"].split(",")) for each in server.requests] == [400, 400, 200]


async def test_what_fits_is_not_split(lab: Lab) -> None:
    """The key is the dispatch's id, as it always was."""
    item = outgoing("e1", *(f"r{number}" for number in range(50)))
    _, receiver = await lab.play(says("204 No Content"), item, _CONTENT)
    (request,) = receiver.requests
    assert request.headers["idempotency-key"] == item.dispatch_id
    assert "gateway-part" not in request.headers


async def test_a_part_that_fails_ends_the_try_and_keeps_what_was_answered(lab: Lab) -> None:
    """What the first part delivered stays delivered; the rest is tried again."""
    item = _thousand()
    requests: list[Request] = []

    async def act(request: Request, reader: Any, writer: Any) -> bool:
        requests.append(request)
        answer = says("204 No Content") if len(requests) == 1 else raw(b"")
        return await answer(request, reader, writer)

    report, _ = await lab.play(act, item, _CONTENT)
    assert len(requests) == 2
    first = next(portions(item.deliveries, 6_000))
    kinds = [report.outcomes[one.id].kind for one in item.deliveries]
    assert kinds[: len(first)] == [OutcomeKind.DELIVERED] * len(first)
    assert set(kinds[len(first) :]) == {OutcomeKind.UNKNOWN, OutcomeKind.DEFERRED}
    assert not report.answered


async def test_the_key_of_a_part_is_the_same_for_the_same_deliveries(lab: Lab) -> None:
    """A part that comes again can be known again."""
    item = _thousand()
    keys = []
    for _ in range(2):
        _, receiver = await lab.play(says("204 No Content"), item, _CONTENT)
        keys.append([one.headers["idempotency-key"] for one in receiver.requests])
    assert keys[0] == keys[1]


@pytest.mark.parametrize("most", [200, 6_000, 1_000_000])
def test_portions_keep_order_and_length(most: int) -> None:
    """Every delivery is in exactly one part."""
    deliveries = _thousand().deliveries
    parts = list(portions(deliveries, most))
    assert tuple(one for part in parts for one in part) == deliveries
    assert all(len(name_deliveries(part)) <= most for part in parts)


# --- the challenge


def _answers(make: Any, status: str = "200 OK") -> Act:
    async def act(request: Request, reader: Any, writer: Any) -> bool:
        asked = msgspec.json.decode(request.body)
        return await says(status, make(asked["challenge"]))(request, reader, writer)

    return act


def _json(**facts: str) -> bytes:
    return msgspec.json.encode(facts)


async def _ask(lab: Lab, act: Act, **settings: object) -> tuple[Any, Request]:
    async with receiving(act, lab.context()) as receiver:
        outcome = await lab.adapter.prove(lab.endpoint(receiver.port, **settings), "nonce-1")
        await lab.adapter.close()
    return outcome, receiver.requests[0]


async def test_the_right_proof_verifies_a_channel(lab: Lab) -> None:
    """The request is signed like every transmission, so the receiver knows who asks."""
    outcome, request = await _ask(
        lab, _answers(lambda nonce: _json(challenge=nonce, proof=proof_of(SECRET, nonce)))
    )
    assert outcome.kind is OutcomeKind.DELIVERED
    assert request.headers["gateway-kind"] == "verification"
    assert request.headers["gateway-dispatch-id"] == "nonce-1"
    assert request.headers["gateway-signature"].startswith("v1=")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (_answers(lambda nonce: _json(challenge=nonce)), "not made with"),
        (
            _answers(lambda nonce: _json(challenge=nonce, proof=proof_of(b"some other secret", nonce))),
            "not made with",
        ),
        (_answers(lambda nonce: _json(challenge="other", proof=proof_of(SECRET, nonce))), "another challenge"),
        (_answers(lambda nonce: nonce.encode()), "agreed JSON"),
        (_answers(lambda _: b"[" * 50_000), "agreed JSON"),
        (_answers(lambda nonce: _json(challenge=nonce, proof="\ud7ff" * 9)), "not made with"),
        (_answers(lambda _: b"", "204 No Content"), "HTTP 204"),
        (_answers(lambda _: b"", "302 Found"), "HTTP 302"),
        (_answers(lambda _: b"", "422 Unprocessable Content"), "HTTP 422"),
    ],
)
async def test_anything_else_does_not(lab: Lab, act: Act, words: str) -> None:
    """An echo, a login page, a receiver that takes everything: none of them has shown that it has the secret."""
    outcome, _ = await _ask(lab, act)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "channel_unverified")
    assert words in outcome.detail


async def test_a_connection_that_fails_is_told_as_such(lab: Lab) -> None:
    """The reason is the network's, not the proof's."""
    outcome = await lab.adapter.prove(lab.endpoint(1), "nonce-1")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "connect_failed")
    async with receiving(raw(b""), lab.context()) as receiver:
        outcome = await lab.adapter.prove(lab.endpoint(receiver.port), "nonce-1")
        await lab.adapter.close()
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "outcome_unknown")


async def test_without_a_shared_secret_the_challenge_comes_back(lab: Lab) -> None:
    """Where we sign with a private key the receiver has nothing to prove but that it understands the question."""
    key = ed25519.Ed25519PrivateKey.generate()
    lab.write_secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    settings = {"signature": "rfc9421", "algorithm": "ed25519"}
    outcome, request = await _ask(lab, _answers(lambda nonce: _json(challenge=nonce)), **settings)
    assert outcome.kind is OutcomeKind.DELIVERED
    assert "signature" in request.headers


async def test_in_an_overlap_either_secret_proves(lab: Lab) -> None:
    """The receiver may have changed over already."""
    path = lab.folder / "secrets" / "peer.2"
    path.write_bytes(b"the secret that comes after it")
    path.chmod(0o600)
    settings = {"next_secret_file": "peer.2", "next_secret_at": (NOW + timedelta(days=1)).isoformat()}
    for secret in (SECRET, b"the secret that comes after it"):
        act = _answers(lambda nonce, secret=secret: _json(challenge=nonce, proof=proof_of(secret, nonce)))
        assert (await _ask(lab, act, **settings))[0].kind is OutcomeKind.DELIVERED
