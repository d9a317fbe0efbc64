"""What goes over the wire to a facade that plays by script: headers, form, renewal, limits, troubles."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import json
import logging
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from email.message import EmailMessage

import pytest

from adapters.lgsp.adapter import LgspAdapter
from adapters.lgsp.session import problems
from gateway.errors import ConfigError, SourceError, StorageError
from gateway.model import Endpoint, Outcome, OutcomeKind, SendReport
from gateway.ports import Settlement
from tests.adapters.certificates import issue, server_context
from tests.adapters.lgsp_lab import FacadeLab, facade, facade_folder, playing
from tests.adapters.receiver import Act, Request, raw, receiving, says, trickles
from tests.unit.deliver.fakes import FakeBody, outgoing

__all__ = ["facade", "facade_folder"]

TAKEN = says("200 OK", b'{"success": true, "message": "", "docId": "D-1"}')
EMPTY = says("200 OK", b'{"success": true, "count": 0, "data": []}')
INVALID = says("401 Unauthorized", b"licenseInfo:invalid")


def only(report: SendReport) -> Outcome:
    """The outcome of a transmission with one delivery."""
    (outcome,) = report.outcomes.values()
    return outcome


async def sent(lab: FacadeLab, content: bytes = b"<edXML/>", **settings: object) -> SendReport:
    """One transmission by a client of its own."""
    adapter, to = lab.adapter(), lab.endpoint()
    try:
        return await adapter.send(replace(to, settings=to.settings | settings), outgoing(), FakeBody(content))
    finally:
        await adapter.close()


def turns(*acts: Act) -> Act:
    """Another act for each call; the last one from then on."""
    left = list(acts)

    async def act(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        return await (left.pop(0) if len(left) > 1 else left[0])(request, reader, writer)

    return act


async def test_login_says_what_the_guide_says(facade: FacadeLab) -> None:
    """Nothing less, and neither key nor token."""
    async with playing(facade, sendEdoc=TAKEN) as script:
        await sent(facade)
    (login,) = script.logins
    assert login.line == "POST /v1/auth/login?allow_anonymous=true HTTP/1.1"
    assert json.loads(login.body) == {
        "username": "gateway",
        "password": (facade.folder / "gateway.password").read_text().strip(),
        "applicationCode": "EDOC",
        "otp": None,
        "twoFactorProvider": None,
        "typeObjs": [0, 1],
    }
    assert not {"authorization", "x-systemid", "x-secretkey"} & set(login.headers)


async def test_every_call_carries_the_three_headers(facade: FacadeLab) -> None:
    """The guide shows two; the facade wants the token too."""
    said = says("200 OK", b'{"success": true, "data": {"edxml": "<a/>"}}')
    acts = {"sendEdoc": TAKEN, "syncReceivedEdocList": EMPTY, "getEdoc": said, "updateStatus": said}
    async with playing(facade, **acts) as script:
        await sent(facade)
        source = facade.source()
        await source.listed()
        await source.fetch("D 1&x=2", _drop)
        await source.settle("D-1", Settlement(done=True))
        await source.close()
    secret = (facade.folder / "gateway.secret").read_text().strip()
    for call in script.calls:
        assert call.headers["authorization"].startswith("Bearer token-")
        assert (call.headers["x-systemid"], call.headers["x-secretkey"]) == ("GW.LGSP", secret)
    lines = [call.line.rpartition(" ")[0] for call in script.calls]
    assert lines[-2] == "GET /v1/getEdoc?docId=D+1%26x%3D2"
    assert json.loads(script.calls[-1].body) == {"docId": "D-1", "status": "done"}
    assert len(script.logins) == 2


async def _drop(_chunk: bytes) -> None:
    """Nobody wants it."""


async def test_form_has_the_exact_bytes_and_a_stated_length(facade: FacadeLab) -> None:
    """Never chunked: such a facade answers that the stream ended unexpectedly."""
    content = b"<edXML>" + bytes(range(256)) * 20 + b"\r\n--gateway-0\r\n</edXML>"
    async with playing(facade, sendEdoc=TAKEN) as script:
        report = await sent(facade, content)
    (call,) = script.calls
    assert "transfer-encoding" not in call.headers
    assert int(call.headers["content-length"]) == len(call.body)
    head = f"Content-Type: {call.headers['content-type']}\r\n\r\n".encode()
    form = email.message_from_bytes(head + call.body, policy=email.policy.HTTP)
    assert isinstance(form, EmailMessage)
    kind, file = form.iter_parts()
    assert kind.get_param("name", header="content-disposition") == "messageType"
    assert kind.get_payload() == "edoc"
    assert file.get_param("name", header="content-disposition") == "edocFile"
    assert str(file.get_filename()).endswith(".edxml")
    assert file.get_content_type() == "application/xml"
    assert b"\r\n\r\n" + content + b"\r\n--" in call.body
    assert only(report).peer_ref == "D-1"
    assert (report.peer["http_status"], report.peer["doc_id"]) == (200, "D-1")
    assert str(report.peer["address"]).startswith("127.0.0.1:")


async def test_token_turned_away_is_renewed_once_and_the_call_repeated(facade: FacadeLab) -> None:
    """With the whole body again."""
    async with playing(facade, sendEdoc=turns(INVALID, TAKEN)) as script:
        report = await sent(facade)
    assert only(report).kind is OutcomeKind.DELIVERED
    assert [call.headers["authorization"] for call in script.calls] == ["Bearer token-1", "Bearer token-2"]
    assert b"<edXML/>" in script.calls[1].body


async def test_facade_that_turns_every_token_away_is_asked_twice_and_no_more(facade: FacadeLab) -> None:
    """Then the channel is in trouble."""
    async with playing(facade, sendEdoc=INVALID, syncReceivedEdocList=INVALID) as script:
        report = await sent(facade)
        source = facade.source()
        with pytest.raises(SourceError) as caught:
            await source.listed()
        await source.close()
    assert (only(report).kind, only(report).reason) == (OutcomeKind.DEFERRED, "peer_credential_rejected")
    assert caught.value.code == "peer_credential_rejected"
    assert len(script.calls) == 4


async def test_sixteen_sends_at_once_make_one_login(facade: FacadeLab) -> None:
    """Also when all of their tokens are turned away together."""
    async with playing(facade, sendEdoc=TAKEN) as script:
        adapter, to = facade.adapter(), facade.endpoint()
        await asyncio.gather(*(adapter.send(to, outgoing(), FakeBody()) for _ in range(16)))
        assert len(script.logins) == 1
        await adapter.close()

    async def expires(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        old = request.headers["authorization"] == "Bearer token-1"
        return await (INVALID if old else TAKEN)(request, reader, writer)

    async with playing(facade, sendEdoc=expires) as script:
        adapter, to = facade.adapter(), facade.endpoint()
        reports = await asyncio.gather(*(adapter.send(to, outgoing(), FakeBody()) for _ in range(16)))
        assert {only(report).kind for report in reports} == {OutcomeKind.DELIVERED}
        assert len(script.logins) == 2
        await adapter.close()


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (says("502 Bad Gateway", b"<html>"), "peer_error"),
        (says("200 OK", b'{"success": false, "message": "Sai"}'), "peer_credential_rejected"),
        (raw(b""), "connection_lost"),
        (says("200 OK", b"x" * 100_000), "connection_lost"),
    ],
)
async def test_login_that_fails_sends_nothing(facade: FacadeLab, act: Act, reason: str) -> None:
    """So nothing is unknown."""
    async with playing(facade, login=act, sendEdoc=TAKEN) as script:
        outcome = only(await sent(facade))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, reason)
    assert not [call for call in script.receiver.requests if "sendEdoc" in call.line]


async def test_answer_that_comes_byte_by_byte_past_its_time_leaves_it_unknown(facade: FacadeLab) -> None:
    """The time is for the whole exchange."""
    slow = trickles(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000, 0.05)
    async with playing(facade, sendEdoc=slow):
        outcome = only(await sent(facade, timeout_seconds=0.5))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNKNOWN, "outcome_unknown")


async def test_login_that_comes_byte_by_byte_has_its_limit_too(facade: FacadeLab) -> None:
    """Nobody holds all transmissions up by never quite being silent."""
    slow = trickles(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000, 0.05)
    async with playing(facade, login=slow):
        adapter = LgspAdapter(facade.surroundings(seconds=0.3))
        async with asyncio.timeout(20):
            outcome = only(await adapter.send(facade.endpoint(), outgoing(), FakeBody()))
        await adapter.close()
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "peer_timeout")


async def test_facade_that_cuts_a_long_upload_off_loses_the_token_too(facade: FacadeLab) -> None:
    """Some answer a token that has ended so; the next try logs in again."""

    async def cuts(_request: Request, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.transport.abort()
        return False

    async with playing(facade, sendEdoc=cuts) as script:
        script.receiver.reads_bodies = False
        adapter, to = facade.adapter(), facade.endpoint()
        for _ in range(2):
            outcome = only(await adapter.send(to, outgoing(), FakeBody(b"x" * 20_000_000)))
            assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "connection_lost")
        await adapter.close()
    assert len(script.logins) == 2


async def test_days_are_asked_as_vietnam_counts_them(facade: FacadeLab) -> None:
    """The first look reaches back, the next only to the days of overlap; both kinds each time."""
    async with playing(facade, syncReceivedEdocList=EMPTY) as script:
        source = facade.source(lookback_days=5, overlap_days=1)
        for _ in range(2):
            assert await source.listed() == ()
        await source.close()
    asked = [call.line.split()[1].partition("?")[2] for call in script.calls]
    assert len(asked) == 6
    assert [query.partition("&")[0] for query in asked] == ["messageType=edoc", "messageType=status"] * 3
    assert asked[2:4] == asked[4:6]
    assert all("fromDate=20" in query and "/" in query.replace("%2F", "/") for query in asked)


async def test_refusals_are_not_told_where_the_facade_knows_none(facade: FacadeLab) -> None:
    """The entry stays listed, and a person looks at it."""
    async with playing(facade) as script:
        source = facade.source(fail_status="")
        assert await source.settle("D-1", Settlement(done=False, reason="edxml_invalid")) is False
        await source.close()
    assert script.receiver.requests == []


async def test_digits_instead_of_words_are_told_and_understood(facade: FacadeLab) -> None:
    """Which of the two is right is not settled, so it is a setting."""
    data = [{"docId": "1", "status": "03"}, {"docId": "2", "status": "02"}, {"docId": "3", "status": "initial"}]
    listing = says("200 OK", json.dumps({"success": True, "data": data}).encode())
    told = says("200 OK", b'{"success": true}')
    async with playing(facade, syncReceivedEdocList=listing, updateStatus=told) as script:
        source = facade.source(done_status="03", fail_status=2)  # a command line makes a number of 02
        assert [item.ref for item in await source.listed()] == ["3"]
        await source.settle("3", Settlement(done=True))
        await source.settle("3", Settlement(done=False))
        await source.close()
    assert [json.loads(call.body)["status"] for call in script.calls if call.body] == ["03", "02"]


async def test_certificate_of_another_authority_is_not_taken(facade: FacadeLab) -> None:
    """And the password is not told to it."""
    async with receiving(TAKEN, server_context(issue("stranger"), facade.folder)) as stranger:
        facade.port = stranger.port
        outcome = only(await sent(facade))
        assert stranger.requests == []
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "peer_tls_failed")


async def test_neither_password_nor_key_nor_token_is_in_logs_or_reports(
    facade: FacadeLab, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the facade repeats of it."""
    caplog.set_level(logging.DEBUG)
    secrets = [(facade.folder / f"gateway.{name}").read_text().strip() for name in ("password", "secret")]
    words = f"password={secrets[0]} X-SecretKey: {secrets[1]} Authorization: Bearer token-1".encode()
    async with playing(facade, sendEdoc=says("500 No", words), syncReceivedEdocList=says("200 OK", words)):
        report = await sent(facade)
        source = facade.source()
        with pytest.raises(SourceError) as caught:
            await source.listed()
        await source.close()
    told = f"{report} {caught.value} {caplog.text}"
    assert not [secret for secret in (*secrets, "token-1") if secret in told]


@dataclass
class _Endless:
    """Bytes that are nowhere as a whole."""

    size: int
    sha256: str = "ab" * 32
    breaks_at: int = -1

    async def chunks(self) -> AsyncIterator[bytes]:
        piece = bytes(262_144)
        for place in range(0, self.size, len(piece)):
            if 0 <= self.breaks_at <= place:
                raise StorageError("the disk is gone")
            yield piece[: self.size - place]

    async def read(self) -> bytes:
        raise AssertionError


async def test_largest_document_needs_no_memory(facade: FacadeLab) -> None:
    """300 MB go through in pieces."""
    size = 300_000_000
    counted = 0

    async def counts(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        nonlocal counted
        left = int(request.headers["content-length"])
        while left and (piece := await reader.read(min(left, 1 << 20))):
            left -= len(piece)
            counted += len(piece)
        return await TAKEN(request, reader, writer)

    async with playing(facade, sendEdoc=counts) as script:
        script.receiver.reads_bodies = False
        adapter, to = facade.adapter(), facade.endpoint(timeout_seconds=60)
        await adapter.send(to, outgoing(), _Endless(100))
        counted = 0
        tracemalloc.start()
        try:
            report = await adapter.send(to, replace(outgoing(), size=size), _Endless(size))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        await adapter.close()
    assert only(report).kind is OutcomeKind.DELIVERED
    assert size < counted < size + 2000
    assert peak < 16_000_000


async def test_body_that_cannot_be_read_is_our_own_trouble(facade: FacadeLab) -> None:
    """And no half of it is a document there."""
    async with playing(facade, sendEdoc=TAKEN):
        adapter = facade.adapter()
        item = outgoing()
        report = await adapter.send(facade.endpoint(), item, _Endless(3_000_000, breaks_at=1_000_000))
        await adapter.close()
    assert (only(report).kind, only(report).reason) == (OutcomeKind.DEFERRED, "storage_unavailable")


# --- settings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "http://lgsp.example.vn"}, "https"),
        ({"url": "https://user:name@lgsp.example.vn"}, "name"),
        ({"url": ""}, "no url"),
        ({"username": None}, "no username"),
        ({"system_id": "a b"}, "system_id"),
        ({"lookback_days": 1000}, "lookback_days"),
        ({"overlap_days": True}, "overlap_days"),
        ({"overlap_days": 5, "lookback_days": 4}, "overlap_days"),
        ({"password_file": "../x"}, "plain file name"),
        ({"secret_file": "none"}, "none"),
        ({"anchors_file": "none.pem"}, "none.pem"),
    ],
)
async def test_wrong_setting_is_told_in_a_sentence(
    facade: FacadeLab, settings: dict[str, object], words: str
) -> None:
    """By the check, by the source, and as the outcome of a transmission; nobody is dialled."""
    endpoint = facade.endpoint()
    wrong = replace(endpoint, settings=endpoint.settings | settings)
    (told,) = problems(wrong, facade.surroundings())
    assert words in told
    adapter = facade.adapter()
    outcome = only(await adapter.send(wrong, outgoing(), FakeBody()))
    await adapter.close()
    assert outcome.reason == "connect_failed"
    assert words in outcome.detail


def test_right_settings_have_no_problem(facade: FacadeLab) -> None:
    """The test above can fail."""
    assert problems(facade.endpoint(), facade.surroundings()) == []


async def test_secret_that_others_may_read_is_not_used(facade: FacadeLab) -> None:
    """Told before anything is sent."""
    (facade.folder / "gateway.password").chmod(0o644)
    assert "0600" in problems(facade.endpoint(), facade.surroundings())[0]
    source = facade.source()
    with pytest.raises(ConfigError, match="0600"):
        await source.listed()
    await source.close()


async def test_settings_that_change_take_effect_with_the_next_transmission(facade: FacadeLab) -> None:
    """Without a restart."""
    async with playing(facade, sendEdoc=TAKEN) as script:
        adapter, to = facade.adapter(), facade.endpoint()
        await adapter.send(to, outgoing(), FakeBody())
        changed: Endpoint = replace(to, settings=to.settings | {"system_id": "NEW"})
        await adapter.send(changed, outgoing(), FakeBody())
        await adapter.close()
    assert [call.headers["x-systemid"] for call in script.calls] == ["GW.LGSP", "NEW"]


async def test_largest_document_is_fetched_without_memory(facade: FacadeLab) -> None:
    """It is taken out of its JSON as it comes."""
    size = 200_000_000

    async def wraps(_request: Request, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        begins, ends = b'{"success": true, "data": {"edxml": "', b'"}}'
        encoded = base64.b64encode(b"<edXML>" + bytes(299_993))
        count = size // 300_000
        length = len(begins) + count * len(encoded) + len(ends)
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + begins)
        for _ in range(count):
            writer.write(encoded)
            await writer.drain()
        writer.write(ends)
        await writer.drain()
        return True

    got = 0

    async def write(piece: bytes) -> None:
        nonlocal got
        got += len(piece)

    async with playing(facade, getEdoc=wraps):
        source = facade.source()
        tracemalloc.start()
        try:
            await source.fetch("D-1", write)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        await source.close()
    assert got == size // 300_000 * 300_000
    assert peak < 24_000_000


async def test_token_turned_away_while_fetching_is_renewed(facade: FacadeLab) -> None:
    """And an answer that breaks off is no document."""
    said = says("200 OK", b'{"success": true, "data": {"edxml": "<a/>"}}')
    async with playing(facade, getEdoc=turns(INVALID, said, says("200 OK", b'{"success": true, "data"'))) as script:
        source = facade.source()
        await source.fetch("D-1", _drop)
        with pytest.raises(SourceError):
            await source.fetch("D-1", _drop)
        await source.close()
    assert len(script.logins) == 2
