"""The webhook adapter over real TLS against a receiver that misbehaves byte by byte."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.webhook import WebhookAdapter, name_deliveries, sign
from gateway.errors import BodyDamagedError
from gateway.model import (
    DeliveryId,
    Endpoint,
    Outcome,
    OutcomeKind,
    Outgoing,
    OutgoingDelivery,
    SendReport,
    Sha256Hex,
)
from gateway.reasons import REASONS
from tests.adapters.certificates import Issued, issue, server_context
from tests.adapters.conformance import AdapterConformance, Scene, Stage
from tests.adapters.receiver import Act, Receiver, Request, falls_silent, raw, receiving, reset, says, trickles
from tests.unit.deliver.fakes import FakeBody, endpoint, outgoing

_SECRET = b"0123456789abcdef0123456789abcdef"
_NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
_OK = "HTTP/1.1 200 OK\r\n"


class _Clock:
    def now(self) -> datetime:
        return _NOW

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class Lab:
    """A certificate authority, a secrets folder, an adapter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = issue("ca")
        (folder / "anchors.pem").write_bytes(self.ca.certificate.public_bytes(Encoding.PEM))
        (folder / "secrets").mkdir()
        self.write_secret(_SECRET)
        self.certificate = issue("receiver", by=self.ca)
        self.adapter = WebhookAdapter(secrets=folder / "secrets", folder=folder, clock=_Clock())

    def write_secret(self, secret: bytes, mode: int = 0o600) -> None:
        path = self.folder / "secrets" / "peer"
        path.write_bytes(secret + b"\n")
        path.chmod(mode)

    def context(self, issued: Issued | None = None, client_ca: Issued | None = None) -> ssl.SSLContext:
        return server_context(issued or self.certificate, self.folder, client_ca=client_ca)

    def endpoint(self, port: int, **settings: object) -> Endpoint:
        found: dict[str, object] = {
            "url": f"https://localhost:{port}/edxml?to=1",
            "secret_file": "peer",
            "anchors_file": "anchors.pem",
            "timeout_seconds": 5,
        }
        return replace(endpoint("e1"), kind="webhook", settings=found | settings)

    async def play(
        self, act: Act, item: Outgoing | None = None, content: bytes = b"<edXML/>", **settings: object
    ) -> tuple[SendReport, Receiver]:
        async with receiving(act, self.context()) as receiver:
            to = self.endpoint(receiver.port, **settings)
            report = await self.adapter.send(to, item or outgoing(), FakeBody(content))
            await self.adapter.close()
        return report, receiver


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    it = Lab(tmp_path)
    yield it
    await it.adapter.close()


def _only(report: SendReport) -> Outcome:
    (outcome,) = report.outcomes.values()
    return outcome


class _Webhook:
    """The conformance suite's stage over real TLS."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.received: list[tuple[str, bytes]] = []

    async def send(self, scene: Scene, item: Outgoing, content: bytes) -> SendReport:
        answers = [_as_json(one, outcome) for one, outcome in (scene.answers or {}).items()]
        acts: dict[str, Act] = {
            "takes": says("204 No Content"),
            "answers": says("200 OK", msgspec.json.encode({"deliveries": answers})),
            "is_absent": says("200 OK"),
            "takes_and_drops": raw(b""),
        }
        async with receiving(acts[scene.behaviour], self._lab.context()) as receiver:
            port = receiver.port
            if scene.behaviour != "is_absent":
                to = replace(self._lab.endpoint(port), is_relay=scene.is_relay)
                report = await self._lab.adapter.send(to, item, FakeBody(content))
                await self._lab.adapter.close()
                self.received += [(one.headers["idempotency-key"], one.body) for one in receiver.requests]
                return report
        return await self._lab.adapter.send(self._lab.endpoint(port), item, FakeBody(content))


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
    assert headers["gateway-timestamp"] == str(int(_NOW.timestamp()))
    one, two = item.deliveries
    assert headers["gateway-deliveries"] == f"{one.id}=code%20r1, {two.id}=code%20r2"
    assert headers["gateway-signature"] == sign(
        _SECRET, headers["gateway-timestamp"], item.dispatch_id, headers["gateway-deliveries"], item.sha256
    )


async def test_a_large_body_streams_with_its_length(lab: Lab) -> None:
    """Megabytes go in pieces, still with Content-Length."""
    content = os.urandom(3_000_000)
    report, receiver = await lab.play(says("200 OK"), content=content)
    assert _only(report).kind is OutcomeKind.DELIVERED
    assert receiver.requests[0].headers["content-length"] == "3000000"
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
        assert _only(await lab.adapter.send(to, outgoing(), FakeBody())).kind is OutcomeKind.DELIVERED
        await lab.adapter.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_without_a_client_certificate_nothing_is_delivered(lab: Lab, version: ssl.TLSVersion) -> None:
    """In TLS 1.3 the rejection comes after our bytes: if a reset swallows the alert, all we know is nothing."""
    context = lab.context(client_ca=lab.ca)
    context.maximum_version = version
    async with receiving(says("200 OK"), context) as receiver:
        outcome = _only(await lab.adapter.send(lab.endpoint(receiver.port), outgoing(), FakeBody()))
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
        ("410 Gone", OutcomeKind.REFUSED, "peer_refused"),
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
    outcome = _only((await lab.play(says(status, b"why")))[0])
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
    assert _only(report).retry_after == seconds


async def test_a_redirect_is_not_followed(lab: Lab) -> None:
    """Documents go where the directory says and nowhere else."""
    report, receiver = await lab.play(says("307 Temporary Redirect", b"", "Location: /elsewhere"))
    assert _only(report).reason == "peer_reply_invalid"
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
    outcome = _only((await lab.play(says("200 OK", content)))[0])
    expected = OutcomeKind.DELIVERED if not content.strip() else OutcomeKind.DEFERRED
    assert outcome.kind is expected
    assert outcome.reason == ("" if expected is OutcomeKind.DELIVERED else "peer_reply_invalid")


async def test_an_answer_over_64_kib_is_not_read_on(lab: Lab) -> None:
    """A receiver cannot fill our memory."""
    outcome = _only((await lab.play(says("200 OK", b"x" * 5_000_000)))[0])
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
    words = f"line one\r\nAuthorization: Bearer abc.def\x1b[31m {_SECRET.decode()} token={'q' * 20} " + "x " * 5000
    outcome = _only((await lab.play(says("500 Internal Server Error", words.encode())))[0])
    assert len(outcome.detail) <= 500
    for part in ("abc.def", _SECRET.decode(), "q" * 20, "\n", "\x1b"):
        assert part not in outcome.detail
    assert outcome.detail.startswith("HTTP 500 line one")


# --- connections that break


async def test_accept_then_drop_before_the_handshake_is_a_failed_connection(lab: Lab) -> None:
    """A port that accepts and closes never saw a byte of ours."""

    async def drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        outcome = _only(await lab.adapter.send(lab.endpoint(port), outgoing(), FakeBody()))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "connect_failed")


@pytest.mark.parametrize(
    "act",
    [
        raw(b"", then_reset=True),
        raw(f"{_OK}Content-Le".encode()),
        raw(f"{_OK}Content-Length: 100\r\n\r\nhalf".encode()),
        raw(f"{_OK}Content-Length: 100\r\n\r\n".encode(), then_reset=True),
        raw(f"{_OK}Transfer-Encoding: chunked\r\n\r\n5\r\nab".encode()),
    ],
    ids=["reset", "half of the head", "half of the body", "200 then reset", "half of a chunk"],
)
async def test_a_connection_that_ends_before_the_answer_is_unknown(lab: Lab, act: Act) -> None:
    """All of it was sent: the receiver may have it, whatever the answer would have said."""
    outcome = _only((await lab.play(act))[0])
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNKNOWN, "outcome_unknown")


async def test_a_refusal_counts_even_if_its_text_is_cut_off(lab: Lab) -> None:
    """The status line says enough."""
    act = raw(b"HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 100\r\n\r\nbecause")
    assert _only((await lab.play(act))[0]).reason == "peer_refused"


@pytest.mark.parametrize(
    "act",
    [falls_silent, trickles(f"{_OK}Content-Length: 100\r\n\r\n".encode() + b"x" * 100, 0.05)],
    ids=["silence", "slow loris"],
)
async def test_an_answer_that_does_not_end_is_bounded_by_the_total_time(lab: Lab, act: Act) -> None:
    """A byte now and then buys no time."""
    outcome = _only((await lab.play(act, timeout_seconds=0.4))[0])
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNKNOWN, "outcome_unknown")
    assert "no answer within" in outcome.detail


async def test_a_body_cut_off_on_its_way_is_a_lost_connection(lab: Lab) -> None:
    """Part of it cannot be all of it: this is known not to have arrived."""

    async def cut(_request: Request, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        reset(writer)
        return False

    async with receiving(cut, lab.context()) as receiver:
        receiver.reads_bodies = False
        to = lab.endpoint(receiver.port)
        outcome = _only(await lab.adapter.send(to, outgoing(), FakeBody(b"x" * 30_000_000)))
        await lab.adapter.close()
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "connection_lost")


async def test_bytes_that_cannot_be_read_are_our_trouble(lab: Lab) -> None:
    """A damaged file midway is not the peer's fault."""

    class _Damaged(FakeBody):
        async def chunks(self) -> AsyncIterator[bytes]:
            yield b"x" * 100_000
            raise BodyDamagedError

    async with receiving(says("200 OK"), lab.context()) as receiver:
        to = lab.endpoint(receiver.port)
        outcome = _only(await lab.adapter.send(to, outgoing(), _Damaged(b"x" * 600_000)))
        await lab.adapter.close()
    assert outcome.reason == "storage_unavailable"


# --- TLS and settings


@pytest.mark.parametrize(
    ("host", "days", "by_ca"),
    [("localhost", (-5, -1), True), ("elsewhere.example", (-2, 2), True), ("localhost", (-2, 2), False)],
    ids=["expired", "another host's name", "unknown issuer"],
)
async def test_a_certificate_that_does_not_fit_ends_it(
    lab: Lab, host: str, days: tuple[int, int], *, by_ca: bool
) -> None:
    """Nothing is sent to whom we do not know."""
    issued = issue("receiver", by=lab.ca if by_ca else issue("other ca"), host=host, days=days)
    async with receiving(says("200 OK"), lab.context(issued)) as receiver:
        outcome = _only(await lab.adapter.send(lab.endpoint(receiver.port), outgoing(), FakeBody()))
        await lab.adapter.close()
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "peer_tls_failed")
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "http://localhost:1/"}, "plain http"),
        ({"url": "http://192.0.2.1/", "allow_plain": True}, "plain http"),
        ({"url": "ftp://localhost/"}, "not https"),
        ({"url": "https://name:word@localhost/"}, "name or password"),
        ({"url": "https://10.1.2.3/", "allow_internal": False}, "internal"),
        ({"secret_file": "../peer"}, "plain file name"),
        ({"secret_file": "absent"}, "cannot be read"),
        ({"secret_file": ""}, "no secret_file"),
        ({"anchors_file": "absent.pem"}, "cannot be read"),
    ],
)
async def test_wrong_settings_are_told_and_nothing_is_dialled(
    lab: Lab, settings: dict[str, object], words: str
) -> None:
    """The operator reads what to mend; the breaker opens, and the age clock stops."""
    outcome = _only(await lab.adapter.send(lab.endpoint(1, **settings), outgoing(), FakeBody()))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "connect_failed")
    assert words in outcome.detail


async def test_names_that_lead_inside_are_not_found_where_that_is_forbidden(lab: Lab) -> None:
    """allow_internal = false holds for resolved names too."""
    to = lab.endpoint(1, url="https://localhost.localdomain:1/", allow_internal=False)
    assert _only(await lab.adapter.send(to, outgoing(), FakeBody())).reason == "connect_failed"


async def test_plain_http_to_loopback_is_possible_where_it_is_allowed(lab: Lab) -> None:
    """For a TLS terminator on the same machine."""
    async with receiving(says("200 OK"), None) as receiver:
        to = lab.endpoint(receiver.port, url=f"http://127.0.0.1:{receiver.port}/", allow_plain=True)
        assert _only(await lab.adapter.send(to, outgoing(), FakeBody())).kind is OutcomeKind.DELIVERED
        await lab.adapter.close()


@pytest.mark.parametrize(("secret", "mode", "words"), [(_SECRET, 0o640, "0600"), (b"short", 0o600, "16 to")])
async def test_a_secret_that_is_weak_or_open_is_not_used(lab: Lab, secret: bytes, mode: int, words: str) -> None:
    """Nothing weak is accepted silently, and the secret itself is not told."""
    lab.write_secret(secret, mode)
    outcome = _only(await lab.adapter.send(lab.endpoint(1), outgoing(), FakeBody()))
    assert words in outcome.detail
    assert secret.decode() not in outcome.detail


async def test_a_renewed_secret_is_used_from_the_next_transmission_on(lab: Lab) -> None:
    """No restart, no new connection."""
    async with receiving(says("200 OK"), lab.context()) as receiver:
        to = lab.endpoint(receiver.port)
        await lab.adapter.send(to, outgoing(), FakeBody())
        lab.write_secret(b"another secret, long enough")
        item = outgoing()
        await lab.adapter.send(to, item, FakeBody())
        await lab.adapter.close()
    headers = receiver.requests[1].headers
    assert headers["gateway-signature"] == sign(
        b"another secret, long enough",
        headers["gateway-timestamp"],
        item.dispatch_id,
        headers["gateway-deliveries"],
        item.sha256,
    )
    assert receiver.connections == 1


async def test_renewed_anchors_open_a_new_channel(lab: Lab) -> None:
    """A CA taken out of the file is trusted no longer."""
    async with receiving(says("200 OK"), lab.context()) as receiver:
        to = lab.endpoint(receiver.port)
        assert _only(await lab.adapter.send(to, outgoing(), FakeBody())).kind is OutcomeKind.DELIVERED
        (lab.folder / "anchors.pem").write_bytes(issue("new ca").certificate.public_bytes(Encoding.PEM))
        assert _only(await lab.adapter.send(to, outgoing(), FakeBody())).reason == "peer_tls_failed"
        await lab.adapter.close()
