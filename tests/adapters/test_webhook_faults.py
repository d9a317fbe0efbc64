"""The webhook adapter when connections break, certificates do not fit and secrets are wrong."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.webhook import sign
from gateway.errors import BodyDamagedError
from gateway.model import (
    OutcomeKind,
)
from tests.adapters.certificates import issue
from tests.adapters.receiver import Act, Request, falls_silent, raw, receiving, reset, says, trickles
from tests.adapters.webhook_lab import OK, SECRET, Lab, lab, only_outcome
from tests.unit.deliver.fakes import FakeBody, outgoing

__all__ = ["lab"]


async def test_accept_then_drop_before_the_handshake_is_a_failed_connection(lab: Lab) -> None:
    """A port that accepts and closes never saw a byte of ours."""

    async def drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        outcome = only_outcome(await lab.adapter.send(lab.endpoint(port), outgoing(), FakeBody()))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "connect_failed")


@pytest.mark.parametrize(
    "act",
    [
        raw(b"", then_reset=True),
        raw(f"{OK}Content-Le".encode()),
        raw(f"{OK}Content-Length: 100\r\n\r\nhalf".encode()),
        raw(f"{OK}Content-Length: 100\r\n\r\n".encode(), then_reset=True),
        raw(f"{OK}Transfer-Encoding: chunked\r\n\r\n5\r\nab".encode()),
    ],
    ids=["reset", "half of the head", "half of the body", "200 then reset", "half of a chunk"],
)
async def test_a_connection_that_ends_before_the_answer_is_unknown(lab: Lab, act: Act) -> None:
    """All of it was sent: the receiver may have it, whatever the answer would have said."""
    outcome = only_outcome((await lab.play(act))[0])
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNKNOWN, "outcome_unknown")


async def test_a_refusal_counts_even_if_its_text_is_cut_off(lab: Lab) -> None:
    """The status line says enough."""
    act = raw(b"HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 100\r\n\r\nbecause")
    assert only_outcome((await lab.play(act))[0]).reason == "peer_refused"


@pytest.mark.parametrize(
    "act",
    [falls_silent, trickles(f"{OK}Content-Length: 100\r\n\r\n".encode() + b"x" * 100, 0.05)],
    ids=["silence", "slow loris"],
)
async def test_an_answer_that_does_not_end_is_bounded_by_the_total_time(lab: Lab, act: Act) -> None:
    """A byte now and then buys no time."""
    outcome = only_outcome((await lab.play(act, timeout_seconds=0.4))[0])
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
        outcome = only_outcome(await lab.adapter.send(to, outgoing(), FakeBody(b"x" * 30_000_000)))
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
        outcome = only_outcome(await lab.adapter.send(to, outgoing(), _Damaged(b"x" * 600_000)))
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
        outcome = only_outcome(await lab.adapter.send(lab.endpoint(receiver.port), outgoing(), FakeBody()))
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
        ({"signature": "plain"}, "hmac or rfc9421"),
        ({"algorithm": "ed25519"}, "needs signature rfc9421"),
        ({"signature": "rfc9421", "algorithm": "rsa-sha1"}, "not known"),
        ({"signature": "rfc9421", "algorithm": "ed25519"}, "private key in PEM"),
        ({"next_secret_file": "peer"}, "instant"),
        ({"next_secret_file": "peer", "next_secret_at": "2026-12-01T00:00:00"}, "offset"),
        ({"header_bytes": 10}, "header_bytes"),
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
    outcome = only_outcome(await lab.adapter.send(lab.endpoint(1, **settings), outgoing(), FakeBody()))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "connect_failed")
    assert words in outcome.detail


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "https://10.1.2.3/", "allow_internal": False}, "internal"),
        ({"url": "https://127.1/"}, "unusual form"),
        ({"url": "https://2130706433/"}, "unusual form"),
        ({"url": "https://127.0.0.1./"}, "unusual form"),
        ({"url": "https://169.254.169.254/latest/meta-data/"}, "never dialled"),
        ({"url": "https://[fe80::1]/"}, "never dialled"),
        ({"url": "https://[::ffff:127.0.0.1]/", "allow_internal": False}, "this machine"),
    ],
)
async def test_an_address_that_may_not_be_dialled_is_a_reason_of_its_own(
    lab: Lab, settings: dict[str, object], words: str
) -> None:
    """Nobody points a channel at the metadata service of a cloud, however he writes its address."""
    outcome = only_outcome(await lab.adapter.send(lab.endpoint(1, **settings), outgoing(), FakeBody()))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "target_not_allowed")
    assert words in outcome.detail


async def test_names_that_lead_inside_are_not_found_where_that_is_forbidden(lab: Lab) -> None:
    """allow_internal = false holds for resolved names too."""
    to = lab.endpoint(1, url="https://localhost.localdomain:1/", allow_internal=False)
    assert only_outcome(await lab.adapter.send(to, outgoing(), FakeBody())).reason == "connect_failed"


async def test_plain_http_to_loopback_is_possible_where_it_is_allowed(lab: Lab) -> None:
    """For a TLS terminator on the same machine."""
    async with receiving(says("200 OK"), None) as receiver:
        to = lab.endpoint(receiver.port, url=f"http://127.0.0.1:{receiver.port}/", allow_plain=True)
        assert only_outcome(await lab.adapter.send(to, outgoing(), FakeBody())).kind is OutcomeKind.DELIVERED
        await lab.adapter.close()


@pytest.mark.parametrize(("secret", "mode", "words"), [(SECRET, 0o640, "0600"), (b"short", 0o600, "16 to")])
async def test_a_secret_that_is_weak_or_open_is_not_used(lab: Lab, secret: bytes, mode: int, words: str) -> None:
    """Nothing weak is accepted silently, and the secret itself is not told."""
    lab.write_secret(secret, mode)
    outcome = only_outcome(await lab.adapter.send(lab.endpoint(1), outgoing(), FakeBody()))
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
        assert only_outcome(await lab.adapter.send(to, outgoing(), FakeBody())).kind is OutcomeKind.DELIVERED
        (lab.folder / "anchors.pem").write_bytes(issue("new ca").certificate.public_bytes(Encoding.PEM))
        assert only_outcome(await lab.adapter.send(to, outgoing(), FakeBody())).reason == "peer_tls_failed"
        await lab.adapter.close()


async def test_a_server_that_asks_for_our_certificate_only_after_the_request_gets_it(lab: Lab) -> None:
    """Some ask once they know the path (TLS 1.3 post-handshake authentication)."""
    issue("gateway", by=lab.ca).write(lab.folder / "client.pem")
    context = lab.context(client_ca=lab.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.post_handshake_auth = True
    seen: list[bytes | None] = []

    def serve(listening: socket.socket) -> None:
        raw_socket, _ = listening.accept()
        with context.wrap_socket(raw_socket, server_side=True) as connection:
            connection.settimeout(5)
            seen.append(connection.getpeercert(binary_form=True))
            while b"<edXML/>" not in connection.recv(65_536):
                pass
            connection.verify_client_post_handshake()
            connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")  # what carries the question
            connection.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                connection.recv(1)
            seen.append(connection.getpeercert(binary_form=True))
            connection.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(asyncio.to_thread(serve, listening))
        to = lab.endpoint(listening.getsockname()[1], certificate_file="client.pem")
        outcome = only_outcome(await lab.adapter.send(to, outgoing(), FakeBody(b"<edXML/>")))
        await lab.adapter.close()
        await serving
    assert outcome.kind is OutcomeKind.DELIVERED
    assert [certificate is not None for certificate in seen] == [False, True]
