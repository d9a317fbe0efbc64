"""The webhook adapter over real TLS against a receiver that misbehaves byte by byte."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import ssl
from dataclasses import replace

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.webhook import name_deliveries, sign
from gateway.model import (
    DeliveryId,
    Outcome,
    OutcomeKind,
    Outgoing,
    OutgoingDelivery,
    SendReport,
    Sha256Hex,
)
from gateway.reasons import REASONS
from tests.adapters.certificates import issue
from tests.adapters.conformance import AdapterConformance, AsTheWorkerDoes, Scene, Stage
from tests.adapters.receiver import Act, Request, falls_silent, raw, receiving, says
from tests.adapters.webhook_lab import NOW, SECRET, Lab, lab, only_outcome
from tests.unit.deliver.fakes import FakeBody, outgoing

__all__ = ["lab"]


class _Webhook:
    """The conformance suite's stage over real TLS."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.received: list[tuple[str, bytes]] = []
        self._reached = asyncio.Event()

    async def reached(self) -> None:
        await self._reached.wait()

    async def _stalls(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self._reached.set()
        return await falls_silent(request, reader, writer)

    async def send(self, scene: Scene, item: Outgoing, content: bytes) -> SendReport:
        answers = [_as_json(one, outcome) for one, outcome in (scene.answers or {}).items()]
        acts: dict[str, Act] = {
            "takes": says("204 No Content"),
            "takes_slowly": _slowly,
            "fails": says("500 Trouble"),
            "refuses": says("422 No"),
            "talks_nonsense": raw(b"\x15\x03\x01 nonsense\r\n\r\n"),
            "takes_and_stalls": self._stalls,
            "answers": says("200 OK", msgspec.json.encode({"deliveries": answers})),
            "is_absent": says("200 OK"),
            "takes_and_drops": raw(b""),
        }
        adapter = AsTheWorkerDoes(adapter=self._lab.adapter, scene=scene)
        async with receiving(acts[scene.behaviour], self._lab.context()) as receiver:
            port = receiver.port
            if scene.behaviour != "is_absent":
                to = replace(self._lab.endpoint(port), is_relay=scene.is_relay)
                try:
                    return await adapter.send(to, item, FakeBody(content))
                finally:
                    await adapter.close()
                    self.received += [(one.headers["idempotency-key"], one.body) for one in receiver.requests]
        return await adapter.send(self._lab.endpoint(port), item, FakeBody(content))


async def _slowly(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(0.3)
    return await says("204 No Content")(request, reader, writer)


def _as_json(delivery_id: DeliveryId, outcome: Outcome) -> dict[str, object]:
    line: dict[str, object] = {"id": delivery_id, "outcome": str(outcome.kind)}
    line |= {"reason": outcome.detail, "reference": outcome.peer_ref}
    return line if outcome.retry_after is None else line | {"retryAfter": outcome.retry_after}


class TestWebhook(AdapterConformance):
    """The suite on it."""

    @pytest.fixture
    def stage(self, lab: Lab) -> Stage:
        return _Webhook(lab)


# --- what is sent


def test_the_signature_of_the_published_vector() -> None:
    """Vendors check their implementation against these very values."""
    deliveries = name_deliveries(
        (
            OutgoingDelivery(
                id=DeliveryId("d-1"), recipient_id=outgoing().deliveries[0].recipient_id, recipient_code="H32.01"
            ),
            OutgoingDelivery(
                id=DeliveryId("d-2"), recipient_id=outgoing().deliveries[0].recipient_id, recipient_code="Xã A, B=C"
            ),
        )
    )
    assert deliveries == "d-1=H32.01, d-2=X%C3%A3%20A%2C%20B%3DC"
    assert (
        sign(b"secret of sixteen", "1772413200", "dispatch-1", deliveries, hashlib.sha256(b"abc").hexdigest())
        == "v1=71834be99c0a82a70b4aeb864fa57d759027232adfbe60e99f92850e0b8e12ed"
    )


async def test_headers_tell_what_the_receiver_needs(lab: Lab) -> None:
    """Ids, digest, signature and an exact length; never chunked."""
    item = replace(outgoing("e1", "r1", "r2"), sha256=Sha256Hex(hashlib.sha256(b"<edXML/>").hexdigest()), number=3)
    _, receiver = await lab.play(says("200 OK"), item)
    (request,) = receiver.requests
    headers = request.headers
    assert request.line == "POST /edxml?to=1 HTTP/1.1"
    assert request.body == b"<edXML/>"
    assert headers["content-length"] == "8"
    assert "transfer-encoding" not in headers
    assert headers["content-type"] == "application/xml"
    digest = base64.b64encode(hashlib.sha256(b"<edXML/>").digest()).decode()
    assert headers["content-digest"] == f"sha-256=:{digest}:"
    assert headers["gateway-kind"] == "document"
    assert headers["gateway-message-id"] == item.message_id
    assert headers["gateway-dispatch-id"] == headers["idempotency-key"] == item.dispatch_id
    assert headers["gateway-attempt"] == "3"
    assert headers["gateway-sender"] == "000.00.10.H32"
    assert headers["gateway-timestamp"] == str(int(NOW.timestamp()))
    one, two = item.deliveries
    assert headers["gateway-deliveries"] == f"{one.id}=code%20r1, {two.id}=code%20r2"
    assert headers["gateway-signature"] == sign(
        SECRET, headers["gateway-timestamp"], item.dispatch_id, headers["gateway-deliveries"], item.sha256
    )


async def test_a_large_body_streams_with_its_length(lab: Lab) -> None:
    """Megabytes go in pieces, still with Content-Length."""
    content = os.urandom(3_000_000)
    report, receiver = await lab.play(says("200 OK"), content=content)
    assert only_outcome(report).kind is OutcomeKind.DELIVERED
    assert receiver.requests[0].headers["content-length"] == "3000000"
    assert receiver.requests[0].body == content


@pytest.mark.parametrize("size", [10, 600_000])
async def test_what_came_as_mime_is_labelled_so(lab: Lab, size: int) -> None:
    """Read at once or streamed: the receiver is told the boundary, since it gets the sender's own bytes."""
    content = b"--b_1\r\n\r\n<edXML/>\r\n--b_1\r\n\r\n" + b"x" * size + b"\r\n--b_1--\r\n"
    _, receiver = await lab.play(says("200 OK"), content=content)
    assert receiver.requests[0].headers["content-type"] == 'multipart/related; type="text/xml"; boundary="b_1"'
    assert receiver.requests[0].body == content


async def test_connections_are_kept_and_the_peer_is_recorded(lab: Lab) -> None:
    """A second document costs no handshake; the attempt row holds the certificate's hash."""
    async with receiving(says("200 OK"), lab.context()) as receiver:
        to = lab.endpoint(receiver.port)
        reports = [await lab.adapter.send(to, outgoing(), FakeBody()) for _ in range(3)]
        await lab.adapter.close()
    assert receiver.connections == 1
    der = lab.certificate.certificate.public_bytes(Encoding.DER)
    for report in reports:
        assert report.peer["certificate_sha256"] == hashlib.sha256(der).hexdigest()
        assert report.peer["address"] == f"127.0.0.1:{receiver.port}"
        assert report.peer["http_status"] == 200


async def test_our_client_certificate_is_shown(lab: Lab) -> None:
    """Mutual TLS works with the certificate of the endpoint's settings."""
    issue("gateway", by=lab.ca).write(lab.folder / "client.pem")
    async with receiving(says("200 OK"), lab.context(client_ca=lab.ca)) as receiver:
        to = lab.endpoint(receiver.port, certificate_file="client.pem")
        assert only_outcome(await lab.adapter.send(to, outgoing(), FakeBody())).kind is OutcomeKind.DELIVERED
        await lab.adapter.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_without_a_client_certificate_nothing_is_delivered(lab: Lab, version: ssl.TLSVersion) -> None:
    """In TLS 1.3 the rejection comes after our bytes: if a reset swallows the alert, all we know is nothing."""
    context = lab.context(client_ca=lab.ca)
    context.maximum_version = version
    async with receiving(says("200 OK"), context) as receiver:
        outcome = only_outcome(await lab.adapter.send(lab.endpoint(receiver.port), outgoing(), FakeBody()))
        await lab.adapter.close()
    assert receiver.requests == []
    late = {"outcome_unknown"} if version is ssl.TLSVersion.TLSv1_3 else {"connect_failed"}
    assert outcome.reason in {"peer_tls_failed"} | late


# --- statuses


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        ("400 Bad Request", OutcomeKind.REFUSED, "peer_refused"),
        ("401 Unauthorized", OutcomeKind.DEFERRED, "peer_credential_rejected"),
        ("403 Forbidden", OutcomeKind.DEFERRED, "peer_credential_rejected"),
        ("404 Not Found", OutcomeKind.DEFERRED, "peer_error"),
        ("405 Method Not Allowed", OutcomeKind.REFUSED, "peer_refused"),
        ("407 Proxy Authentication Required", OutcomeKind.DEFERRED, "peer_error"),
        ("408 Request Timeout", OutcomeKind.DEFERRED, "peer_timeout"),
        ("409 Conflict", OutcomeKind.DEFERRED, "peer_error"),
        ("410 Gone", OutcomeKind.DEFERRED, "endpoint_gone"),
        ("413 Content Too Large", OutcomeKind.REFUSED, "too_large_for_peer"),
        ("415 Unsupported Media Type", OutcomeKind.REFUSED, "peer_refused"),
        ("418 I'm a teapot", OutcomeKind.DEFERRED, "peer_error"),
        ("422 Unprocessable Content", OutcomeKind.REFUSED, "peer_refused"),
        ("429 Too Many Requests", OutcomeKind.DEFERRED, "peer_busy"),
        ("500 Internal Server Error", OutcomeKind.DEFERRED, "peer_error"),
        ("503 Service Unavailable", OutcomeKind.DEFERRED, "peer_busy"),
        ("504 Gateway Timeout", OutcomeKind.DEFERRED, "peer_timeout"),
        ("206 Partial Content", OutcomeKind.DEFERRED, "peer_reply_invalid"),
    ],
)
async def test_a_status_is_permanent_only_by_the_closed_list(
    lab: Lab, status: str, kind: OutcomeKind, reason: str
) -> None:
    """Everything not on the list may be tried again."""
    outcome = only_outcome((await lab.play(says(status, b"why")))[0])
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert reason in REASONS


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("Mon, 02 Mar 2026 01:10:00 GMT", 600.0),
        ("Mon, 02 Mar 2020 01:10:00 GMT", 0.0),
        ("soon", None),
        ("9" * 40, None),
    ],
)
async def test_retry_after_is_read_in_both_forms(lab: Lab, header: str, seconds: float | None) -> None:
    """Seconds or a date; nonsense is as good as nothing."""
    report, _ = await lab.play(says("429 Too Many Requests", b"", f"Retry-After: {header}"))
    assert only_outcome(report).retry_after == seconds


async def test_a_redirect_is_not_followed(lab: Lab) -> None:
    """Documents go where the directory says and nowhere else."""
    report, receiver = await lab.play(says("307 Temporary Redirect", b"", "Location: /elsewhere"))
    assert only_outcome(report).reason == "peer_reply_invalid"
    assert len(receiver.requests) == 1


# --- contents of an answer


@pytest.mark.parametrize(
    "content",
    [
        b"<html><body>Sign in to this network</body></html>",
        b'{"status": "OK"}',
        b"[]",
        b"[" * 60_000,
        b'{"deliveries": [{"id": 5, "outcome": "delivered"}]}',
        b'{"deliveries": [{"id": "x", "outcome": "unknown"}]}',
        b'{"deliveries": {}}',
        b"\xff\xfe",
        b" " * 70_000,
    ],
)
async def test_a_200_that_makes_no_sense_is_not_delivered(lab: Lab, content: bytes) -> None:
    """A captive portal's page must never count as a receipt."""
    outcome = only_outcome((await lab.play(says("200 OK", content)))[0])
    expected = OutcomeKind.DELIVERED if not content.strip() else OutcomeKind.DEFERRED
    assert outcome.kind is expected
    assert outcome.reason == ("" if expected is OutcomeKind.DELIVERED else "peer_reply_invalid")


async def test_an_answer_over_64_kib_is_not_read_on(lab: Lab) -> None:
    """A receiver cannot fill our memory."""
    outcome = only_outcome((await lab.play(says("200 OK", b"x" * 5_000_000)))[0])
    assert outcome.reason == "peer_reply_invalid"


async def test_a_delivery_missing_or_contradicted_is_not_confirmed(lab: Lab) -> None:
    """Saying it twice alike is fine, differently is nothing, and others' ids are ignored."""
    item = outgoing("e1", "r1", "r2", "r3")
    one, two, three = (delivery.id for delivery in item.deliveries)
    answer = {
        "deliveries": [
            {"id": one, "outcome": "delivered", "extra": {"deep": [1]}},
            {"id": one, "outcome": "delivered"},
            {"id": two, "outcome": "delivered"},
            {"id": two, "outcome": "refused", "reason": "no"},
            {"id": "somebody else's", "outcome": "delivered"},
        ]
    }
    report, _ = await lab.play(says("200 OK", msgspec.json.encode(answer)), item)
    assert report.outcomes[one].kind is OutcomeKind.DELIVERED
    assert report.outcomes[two].reason == report.outcomes[three].reason == "peer_reply_invalid"
    assert len(report.outcomes) == 3


async def test_details_hold_no_secret_and_no_second_line(lab: Lab) -> None:
    """What a peer writes is shown to operators, cut and cleaned."""
    words = f"line one\r\nAuthorization: Bearer abc.def\x1b[31m {SECRET.decode()} token={'q' * 20} " + "x " * 5000
    outcome = only_outcome((await lab.play(says("500 Internal Server Error", words.encode())))[0])
    assert len(outcome.detail) <= 500
    for part in ("abc.def", SECRET.decode(), "q" * 20, "\n", "\x1b"):
        assert part not in outcome.detail
    assert outcome.detail.startswith("HTTP 500 line one")


# --- connections that break
