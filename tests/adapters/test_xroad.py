"""X-Road through a security server: headers, proof of the answer, every kind of error, settings."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from adapters.xroad.client_hash import HashedBody, request_digest
from adapters.xroad.client_reply import digest_of, read_list, read_sent
from adapters.xroad.client_session import problems
from adapters.xroad.names import client_name, service_name
from gateway.clock import SystemClock
from gateway.errors import SourceError
from gateway.model import Outcome, OutcomeKind, SendReport
from gateway.ports import Settlement
from gateway.reasons import is_temporary
from gateway.simulate.security_server import CLIENT, SERVICE
from tests.adapters.receiver import Request, receiving, says
from tests.adapters.xroad_lab import XroadLab, told, xroad
from tests.unit.deliver.fakes import FakeBody, outgoing

__all__ = ["xroad"]

PROVIDER = {"X-Road-Id": "x"}


def only(report: SendReport) -> Outcome:
    """The outcome of a transmission with one delivery."""
    (outcome,) = report.outcomes.values()
    return outcome


def outcome_of(status: int, content: bytes, **headers: str) -> Outcome:
    """What an answer means for one delivery."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    outcomes, _ = read_sent(status, named, content, outgoing().deliveries, is_relay=False, now=SystemClock().now())
    (outcome,) = outcomes.values()
    return outcome


async def sent(lab: XroadLab, **settings: object) -> SendReport:
    """One transmission by a client of its own."""
    adapter = lab.adapter()
    try:
        return await adapter.send(lab.endpoint(**settings), outgoing(), FakeBody())
    finally:
        await adapter.close()


async def fetched(lab: XroadLab, ref: str) -> bytes:
    got = bytearray()

    async def write(chunk: bytes) -> None:
        got.extend(chunk)

    source = lab.source()
    try:
        await source.fetch(ref, write)
    finally:
        await source.close()
    return bytes(got)


# --- what goes out


async def test_request_has_the_protocols_headers_and_a_stated_length(xroad: XroadLab) -> None:
    """Ours as the attempt, the message as the issue; the provider can dedupe."""
    adapter, item = xroad.adapter(), outgoing()
    to = xroad.endpoint(user_id="VN0123", security_server="VN/GOV/G22/ss1")
    report = await adapter.send(to, item, FakeBody("<edXML>công văn</edXML>".encode()))
    await adapter.close()
    assert xroad.server is not None
    (passed,) = xroad.server.passed
    headers = passed.headers
    assert (passed.method, passed.path) == ("POST", "/documents")
    assert headers["X-Road-Client"] == CLIENT
    assert (headers["X-Road-Id"], headers["X-Road-Issue"]) == (item.attempt_id, item.message_id)
    assert (headers["X-Road-UserId"], headers["X-Road-Security-Server"]) == ("VN0123", "VN/GOV/G22/ss1")
    assert (headers["Idempotency-Key"], headers["Gateway-Kind"]) == (item.dispatch_id, "document")
    assert headers["Content-Length"] == str(len(passed.body))
    assert "Transfer-Encoding" not in headers
    assert headers["Content-Type"] == "application/xml"
    assert only(report) == Outcome(kind=OutcomeKind.DELIVERED, peer_ref=f"m-{item.dispatch_id}")
    assert report.peer["http_status"] == 202
    assert report.peer["request_id"]


async def test_refusal_is_told_with_its_reason(xroad: XroadLab) -> None:
    """The provider's people read it."""
    xroad.inbox.waiting["e.1"] = b"<a/>"
    source = xroad.source()
    await source.settle("e.1", Settlement(done=False, reason="edxml_invalid", detail="thiếu From"))
    await source.close()
    assert xroad.inbox.settled == [("e.1", "fail", '{"reason":"edxml_invalid","detail":"thiếu From"}'.encode())]


async def test_without_a_client_certificate_the_security_server_lets_nobody_in(xroad: XroadLab) -> None:
    """The channel's trouble: the document waits."""
    outcome = only(await sent(xroad, certificate_file=None, key_file=None))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "peer_credential_rejected")
    assert xroad.inbox.taken == []


async def test_service_that_nobody_has_is_the_channels_trouble(xroad: XroadLab) -> None:
    """So is a misspelt name of ours."""
    for settings in ({"service": SERVICE + "2"}, {"client": CLIENT + "2"}):
        outcome = only(await sent(xroad, **settings))
        assert outcome.kind is OutcomeKind.DEFERRED
        assert is_temporary(outcome.reason)


# --- whether an answer is one to our request


@pytest.mark.parametrize("act", ["without", "wrong"])
@pytest.mark.parametrize(
    "name", ["X-Road-Id", "X-Road-Client", "X-Road-Service", "X-Road-Request-Id", "X-Road-Request-Hash"]
)
async def test_answer_that_is_not_to_this_request_says_nothing(xroad: XroadLab, act: str, name: str) -> None:
    """A document may have arrived; a list is not empty."""
    assert xroad.server is not None
    if (act, name) == ("wrong", "X-Road-Request-Id"):
        name = "X-Road-Request-Hash"  # the request's id is in the hash, and nobody else knows the right one
    xroad.server.orders.append(f"{act} {name}")
    outcome = only(await sent(xroad))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNKNOWN, "outcome_unknown")
    assert name in outcome.detail
    xroad.server.orders.append(f"{act} {name}")
    source = xroad.source()
    with pytest.raises(SourceError) as caught:
        await source.listed()
    await source.close()
    assert caught.value.code == "peer_reply_invalid"


async def test_hash_need_only_be_there_or_not_even_that_by_setting(xroad: XroadLab) -> None:
    """The security server has compared it."""
    assert xroad.server is not None
    for check, order, taken in (
        ("present", "wrong X-Road-Request-Hash", True),
        ("present", "without X-Road-Request-Hash", False),
        ("off", "without X-Road-Request-Hash", True),
        ("off", "wrong X-Road-Id", False),
    ):
        xroad.server.orders.append(order)
        outcome = only(await sent(xroad, hash_check=check))
        assert (outcome.kind is OutcomeKind.DELIVERED) is taken, (check, order)


async def test_page_of_something_in_between_leaves_it_unknown(xroad: XroadLab) -> None:
    """And is no list."""
    assert xroad.server is not None
    xroad.server.orders += ["page", "page"]
    assert only(await sent(xroad)).kind is OutcomeKind.UNKNOWN
    source = xroad.source()
    with pytest.raises(SourceError):
        await source.listed()
    await source.close()


def test_digest_without_and_with_a_body() -> None:
    """The formula of the specification, over a head written out here."""
    headers = [("Host", "ss"), ("X-Road-Client", "A/B/C/D"), ("X-Road-Id", "1"), ("User-Agent", "gateway")]
    head = b"GET\r\n/r1/A/B/C/D/s/x?y=1\r\nX-Road-Client:A/B/C/D\r\nX-Road-Id:1\r\nX-Road-Request-Id:9\r\n"
    bare = hashlib.sha512(head).digest()
    assert request_digest("GET", "/r1/A/B/C/D/s/x?y=1", headers, "9", b"") == bare
    body = hashlib.sha512(b"abc").digest()
    assert request_digest("GET", "/r1/A/B/C/D/s/x?y=1", headers, "9", body) == hashlib.sha512(bare + body).digest()


async def test_hashed_body_is_the_body() -> None:
    """Its digest is known at the end."""
    body = HashedBody(FakeBody(b"abc" * 200_000))
    assert await body.read() == b"abc" * 200_000
    assert body.digest == hashlib.sha512(b"abc" * 200_000).digest()


@pytest.mark.parametrize("header", [None, "", "AAAA", "%%%", "4c519cf0-0e5e-4ccf-b72b-8ed6fe289e6e"])
def test_what_is_no_digest_is_none(header: str | None) -> None:
    """Sixty-four bytes in base64, or nothing."""
    assert digest_of(header) is None


# --- errors


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        ("Client.BadRequest", OutcomeKind.DEFERRED, "peer_error"),
        ("Client.InvalidBody", OutcomeKind.REFUSED, "peer_refused"),
        ("client.invalid_content_type", OutcomeKind.REFUSED, "peer_refused"),
        ("Client.Anything", OutcomeKind.UNKNOWN, "outcome_unknown"),
        ("Server.ClientProxy.UnknownMember", OutcomeKind.DEFERRED, "peer_credential_rejected"),
        ("Server.ClientProxy.OutdatedGlobalConf", OutcomeKind.DEFERRED, "peer_error"),
        ("server.clientproxy.global_conf_outdated", OutcomeKind.DEFERRED, "peer_error"),
        ("Server.ClientProxy.SslAuthenticationFailed", OutcomeKind.DEFERRED, "peer_credential_rejected"),
        ("Server.ClientProxy.NetworkError", OutcomeKind.UNKNOWN, "outcome_unknown"),
        ("server.clientproxy.network_error", OutcomeKind.UNKNOWN, "outcome_unknown"),
        ("Server.ClientProxy.InconsistentResponse", OutcomeKind.UNKNOWN, "outcome_unknown"),
        ("Server.ServerProxy.AccessDenied", OutcomeKind.DEFERRED, "peer_credential_rejected"),
        ("server.serverproxy.access_denied", OutcomeKind.DEFERRED, "peer_credential_rejected"),
        ("Server.ServerProxy.UnknownService", OutcomeKind.DEFERRED, "peer_error"),
        ("Server.ServerProxy.ServiceDisabled", OutcomeKind.DEFERRED, "peer_busy"),
        ("server.serverproxy.maintenance_mode", OutcomeKind.DEFERRED, "peer_busy"),
        ("Server.ServerProxy.DatabaseError", OutcomeKind.UNKNOWN, "outcome_unknown"),
        ("Server.ServerProxy.ServiceFailed", OutcomeKind.UNKNOWN, "outcome_unknown"),
        ("Server.ServerProxy.ServiceFailed.InvalidBody", OutcomeKind.UNKNOWN, "outcome_unknown"),
        ("Server.ServerProxy.ServiceFailed.UnknownHost", OutcomeKind.UNKNOWN, "outcome_unknown"),
        ("x" * 10_000, OutcomeKind.UNKNOWN, "outcome_unknown"),
    ],
)
def test_each_error_of_a_security_server_has_a_meaning(fault: str, kind: OutcomeKind, reason: str) -> None:
    """In both spellings; what may have happened after the provider got it is unknown."""
    content = told(type=fault, message="Could not", detail="9bc95b6e")
    outcome = outcome_of(500, content, X_Road_Error=fault)
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert is_temporary(reason) is (kind is not OutcomeKind.REFUSED)
    assert len(outcome.detail) <= 500
    assert outcome_of(500, b"<xml/>", X_Road_Error=fault).kind is kind


@pytest.mark.parametrize(
    ("status", "content", "kind", "reason"),
    [
        (202, told(message_id="0193"), OutcomeKind.DELIVERED, ""),
        (200, told(message_id="0193", more=1), OutcomeKind.DELIVERED, ""),
        (202, b"", OutcomeKind.UNKNOWN, "outcome_unknown"),
        (202, told(id="0193"), OutcomeKind.UNKNOWN, "outcome_unknown"),
        (202, b"[" * 100_000, OutcomeKind.UNKNOWN, "outcome_unknown"),
        (400, told(code="body_cut_off"), OutcomeKind.DEFERRED, "peer_busy"),
        (400, told(code="request_malformed"), OutcomeKind.REFUSED, "peer_refused"),
        (400, b"<html>", OutcomeKind.REFUSED, "peer_refused"),
        (401, told(code="credential_invalid"), OutcomeKind.DEFERRED, "peer_credential_rejected"),
        (403, told(code="sender_not_permitted"), OutcomeKind.DEFERRED, "peer_credential_rejected"),
        (404, b"", OutcomeKind.DEFERRED, "peer_error"),
        (409, told(code="sender_served_elsewhere"), OutcomeKind.REFUSED, "peer_refused"),
        (413, told(code="body_too_large"), OutcomeKind.REFUSED, "too_large_for_peer"),
        (422, told(code="edxml_invalid", detail="no From"), OutcomeKind.REFUSED, "peer_refused"),
        (429, b"", OutcomeKind.DEFERRED, "peer_busy"),
        (503, told(code="server_busy"), OutcomeKind.DEFERRED, "peer_busy"),
        (302, b"", OutcomeKind.DEFERRED, "peer_reply_invalid"),
        (500, b"oops", OutcomeKind.UNKNOWN, "outcome_unknown"),
        (504, b"", OutcomeKind.UNKNOWN, "outcome_unknown"),
    ],
)
def test_each_answer_of_the_provider_has_a_meaning(
    status: int, content: bytes, kind: OutcomeKind, reason: str
) -> None:
    """Rights are the channel's trouble, a document's faults are its sender's."""
    outcome = outcome_of(status, content)
    assert (outcome.kind, outcome.reason) == (kind, reason)


def test_provider_says_when_to_come_again() -> None:
    """In seconds."""
    assert outcome_of(503, b"", Retry_After="30").retry_after == 30


async def test_error_after_the_provider_had_it_leads_to_one_message_there(xroad: XroadLab) -> None:
    """Sent again under the same key."""
    assert xroad.server is not None
    adapter, item = xroad.adapter(), outgoing()
    xroad.server.orders.append("Server.ServerProxy.ServiceFailed!")
    first = only(await adapter.send(xroad.endpoint(), item, FakeBody()))
    again = only(await adapter.send(xroad.endpoint(), item, FakeBody()))
    await adapter.close()
    assert (first.kind, again.kind) == (OutcomeKind.UNKNOWN, OutcomeKind.DELIVERED)
    assert {key for key, _ in xroad.inbox.taken} == {item.dispatch_id}


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("Server.ServerProxy.AccessDenied", "peer_credential_rejected"),
        ("Server.ServerProxy.ServiceFailed", "peer_error"),
        ("Server.ClientProxy.MaintenanceMode", "peer_busy"),
    ],
)
async def test_list_behind_an_error_of_x_road_is_an_outage(xroad: XroadLab, order: str, code: str) -> None:
    """With the code that says who is to mend it."""
    assert xroad.server is not None
    xroad.server.orders.append(order)
    source = xroad.source()
    with pytest.raises(SourceError) as caught:
        await source.listed()
    await source.close()
    assert caught.value.code == code
    assert order in caught.value.detail


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        told(items=None),
        told(items=[{"id": "a"}]),
        told(items=[{"id": "a/b", "kind": "document"}]),
        told(items=[{"id": "..%2f", "kind": "document"}]),
        told(items=[{"id": "a", "kind": "letter"}]),
        told(items=[], more=True),
        b"[" * 100_000,
    ],
)
def test_whatever_is_no_list_raises(content: bytes) -> None:
    """Only a list is a list; an id cannot lead elsewhere."""
    with pytest.raises(SourceError) as caught:
        read_list(content)
    assert caught.value.code == "peer_reply_invalid"


def test_empty_list_is_empty() -> None:
    """The test above can fail."""
    assert read_list(told(items=[])) == ((), False)


async def test_list_in_pages_is_read_to_its_end(xroad: XroadLab) -> None:
    """A provider names no more than it likes at once."""
    first = [{"id": f"e{place}", "kind": "document", "sender": "G22", "recipient": "H33"} for place in range(3)]
    xroad.inbox.answers += [
        (200, told(items=first, more=True)),
        (200, told(items=[{"id": "e3", "kind": "document"}], more=False)),
        (200, told(items=[])),
    ]
    source = xroad.source()
    found = await source.listed()
    await source.close()
    assert [(item.ref, item.recipient_codes) for item in found[2:]] == [("e2", ("H33",)), ("e3", ())]
    assert xroad.server is not None
    assert [passed.path for passed in xroad.server.passed] == [
        "/inbox?kind=document",
        "/inbox?kind=document&skip=3",
        "/inbox?kind=status",
    ]


# --- sizes


@dataclass
class _Endless:
    """Bytes that are nowhere as a whole."""

    size: int
    sha256: str = "ab" * 32

    async def chunks(self) -> AsyncIterator[bytes]:
        piece = bytes(262_144)
        for place in range(0, self.size, len(piece)):
            yield piece[: self.size - place]

    async def read(self) -> bytes:
        raise AssertionError


@pytest.mark.parametrize("check", ["present", "computed"])
async def test_sending_needs_no_memory(xroad: XroadLab, check: str) -> None:
    """The body is hashed as it goes."""

    async def takes(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        left = int(request.headers["content-length"])
        while left and (piece := await reader.read(min(left, 1 << 20))):
            left -= len(piece)
        return await says("503 Busy")(request, reader, writer)

    size = 100_000_000
    async with receiving(takes, xroad.context()) as receiver:
        receiver.reads_bodies = False
        adapter = xroad.adapter()
        to = xroad.endpoint(hash_check=check, timeout_seconds=60, url=f"https://localhost:{receiver.port}")
        await adapter.send(to, outgoing(), _Endless(100))
        tracemalloc.start()
        try:
            report = await adapter.send(to, replace(outgoing(), size=size), _Endless(size))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        await adapter.close()
    assert report.peer["http_status"] == 503
    assert peak < 16_000_000


async def test_content_that_breaks_off_is_no_document(xroad: XroadLab) -> None:
    """An entry is fetched whole or not at all."""
    xroad.inbox.waiting["e1"] = b"<a>" + b"x" * 100 + b"</a>"
    assert await fetched(xroad, "e1") == xroad.inbox.waiting["e1"]
    assert xroad.server is not None
    xroad.server.orders += ["drop", "drop"]  # a GET is made again once when nothing came
    with pytest.raises(SourceError):
        await fetched(xroad, "e1")
    xroad.inbox.waiting["e2"] = b""
    with pytest.raises(SourceError):
        await fetched(xroad, "e2")


# --- settings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "http://ss.example.vn"}, "https"),
        ({"url": "https://ss.example.vn/r1"}, "ends with the host"),
        ({"client": "VN/GOV/7700"}, "member, subsystem"),
        ({"client": None}, "no client"),
        ({"service": "VN/GOV/7700/x"}, "subsystem, service"),
        ({"service": "VN/GOV/7700/x/a%2Fb"}, "X-Road name"),
        ({"security_server": "ss1"}, "member, server"),
        ({"hash_check": "maybe"}, "hash_check"),
        ({"user_id": "a b"}, "user_id"),
        ({"certificate_file": "none.pem"}, "none.pem"),
    ],
)
async def test_wrong_setting_is_told_in_a_sentence(
    xroad: XroadLab, settings: dict[str, object], words: str
) -> None:
    """By the check, and as the outcome of a transmission; nobody is dialled."""
    (problem,) = problems(xroad.endpoint(**settings), xroad.surroundings())
    assert words in problem
    outcome = only(await sent(xroad, **settings))
    assert (outcome.reason, words in outcome.detail) == ("connect_failed", True)
    assert xroad.server is not None
    assert xroad.server.passed == []


def test_right_settings_have_no_problem(xroad: XroadLab) -> None:
    """The test above can fail."""
    assert problems(xroad.endpoint(), xroad.surroundings()) == []


def test_names_are_written_part_by_part() -> None:
    """And known again however they are encoded."""
    name = service_name("VN/GOV/7700/a+b/s'1")
    assert name.encoded == "VN/GOV/7700/a%2Bb/s%271"
    assert name.is_named_by("VN/GOV/7700/a+b/s%271 ")
    assert not name.is_named_by("VN/GOV/7700/a%2Bb")
    assert not client_name("VN/GOV/1/x").is_named_by("VN/GOV/1%2Fx")
