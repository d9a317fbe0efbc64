"""The axis's wire: what is signed and how, and that no answer but a list is ever taken for one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.vxp.calls import Looking
from adapters.vxp.reader import VxpReader
from adapters.vxp.reply import read_document, read_list
from adapters.vxp.wire import VALUE_LENGTH_MAX, Look, headers_of, timestamp_of
from gateway.clock import SystemClock
from gateway.errors import ConfigError, SourceError
from gateway.model import Endpoint, EndpointId
from gateway.ports import Settlement, Surroundings
from tests.adapters.certificates import issue, server_context
from tests.adapters.receiver import Act, receiving, says

NOW = datetime(2025, 6, 16, 1, 30, 0, 123_000, tzinfo=UTC)
SECRET = b"0123456789abcdef"
OK = {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thanh cong"}


def answer(**more: object) -> bytes:
    return json.dumps(OK | more).encode()


def signed(parameters: dict[str, str]) -> dict[str, str]:
    return headers_of(Look.GET, parameters, system_id="000.00.00.H33", secret=SECRET, now=NOW)


def test_call_is_signed_over_its_own_parameters_in_order() -> None:
    """The HMAC is over the text that is sent, names stand in their order, and each value is its header's."""
    headers = signed({"docId": "d-1"})
    assert headers["XroadVnpt-sign-header-key"] == "docId;systemid;timestamp;Content-Type"
    assert headers["XroadVnpt-sign-header"] == (
        '{"XroadVnpt-docId":"d-1","XroadVnpt-systemid":"000.00.00.H33",'
        '"XroadVnpt-timestamp":"16062025T083000+0123","XroadVnpt-Content-Type":"application/json"}'
    )
    due = hmac.new(SECRET, headers["XroadVnpt-sign-header"].encode(), hashlib.sha256).hexdigest()
    assert headers["XroadVnpt-hash-header"] == due
    for name, value in json.loads(headers["XroadVnpt-sign-header"]).items():
        assert headers[name] == value


def test_parameters_do_not_leak_into_the_next_call() -> None:
    """The vendor's SDK does that; a call of ours has its own headers and its own time."""
    signed({"docId": "d-1"})
    later = headers_of(Look.LIST_RECEIVED, {"servicetype": "eDoc"}, system_id="s", secret=SECRET, now=NOW)
    assert "XroadVnpt-docId" not in later


def test_timestamp_is_vietnams_with_milliseconds_padded_to_four() -> None:
    """The example of the reference."""
    assert timestamp_of(NOW) == "16062025T083000+0123"


@pytest.mark.parametrize("value", ["", "xã", "a\r\nX-Other: b", "x" * (VALUE_LENGTH_MAX + 1)])
def test_value_that_no_header_can_carry_is_refused(value: str) -> None:
    """An id from outside cannot write headers of its own."""
    with pytest.raises(ValueError, match="docId"):
        signed({"docId": value})


def test_no_operation_of_a_client_that_only_looks_changes_anything_there() -> None:
    """The ways to send and to acknowledge are not in the list of what it can ask."""
    assert not {operation.path for operation in Look} & {
        "sendEdoc",
        "updateStatus",
        "registerAgency",
        "deleteAgency",
    }
    assert not any(hasattr(Looking, name) for name in ("act", "transmit"))


@pytest.mark.parametrize(
    "to",
    ["A;B", "A, B", '["A", "B"]', ["A", "B"], ["A", "B", "A"]],
    ids=["semicolon", "comma", "text", "array", "twice"],
)
def test_recipients_are_read_in_every_form(to: object) -> None:
    """Nobody says which it is."""
    data = [{"docId": 17, "from": " G22 ", "to": to, "messageType": "status", "created_time": 5}]
    (item,) = read_list(answer(data=data), "document")
    assert (item.ref, item.kind, item.sender_code) == ("17", "status", "G22")
    assert (item.recipient_codes, item.claimed_at) == (("A", "B"), "5")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "peer_reply_invalid"),
        (b"<html>502 Bad Gateway</html>", "peer_reply_invalid"),
        (b"[]", "peer_reply_invalid"),
        (b"{}", "peer_reply_invalid"),
        (b'{"data": []}', "peer_reply_invalid"),
        (answer(), "peer_reply_invalid"),
        (answer(data=None), "peer_reply_invalid"),
        (answer(data={}), "peer_reply_invalid"),
        (answer(data="none"), "peer_reply_invalid"),
        (answer(data=[{"id": number} for number in range(1001)]), "peer_reply_invalid"),
        (answer(data=[], status="Ok?"), "peer_reply_invalid"),
        (answer(data=[], ErrorCode="15"), "peer_credential_rejected"),
        (answer(data=[], ErrorCode="20"), "peer_error"),
        (answer(data=[], status="FAIL"), "peer_error"),
        (b"[" * 100_000, "peer_reply_invalid"),
    ],
)
def test_whatever_is_no_list_raises(content: bytes, code: str) -> None:
    """Only a list is a list; nothing else is an empty one."""
    with pytest.raises(SourceError) as caught:
        read_list(content, "document")
    assert caught.value.code == code


@pytest.mark.parametrize("data", ["", "  ", "%%%", "YQ", None, 5, ["YQ=="]])
def test_document_that_is_not_base64_raises(data: object) -> None:
    """Nothing is kept of it."""
    with pytest.raises(SourceError):
        read_document(answer(data=data))


def test_empty_list_is_empty_and_a_document_is_its_bytes() -> None:
    """The tests above can fail."""
    assert read_list(answer(data=[]), "document") == ()
    assert read_document(answer(data=base64.b64encode(b"<edXML/>").decode())) == b"<edXML/>"


@pytest.mark.parametrize("to", ["[" * 60_000, '["\\ud800"]', '[{"a": 1}]', '["A", null]', "[9" + "9" * 5000 + "]"])
def test_senders_odd_recipients_leave_the_list_readable(to: str) -> None:
    """`to` is what some member wrote; the other entries are not his to stop, and what is read can be stored."""
    first, second = read_list(answer(data=[{"docId": "1", "to": to}, {"docId": "2", "to": '["A", 5]'}]), "document")
    assert second.recipient_codes == ("A", "5")
    assert sum(len(code.encode()) for code in first.recipient_codes) < 1000


@pytest.mark.parametrize(
    "entry",
    [
        b'{"id": 1}',
        b'{"docId": "a\\nb"}',
        b'{"docId": null}',
        b'{"docId": 1.5}',
        b"null",
        b'"7"',
        b"[7]",
        b'{"docId": "\xff"}',
    ],
)
def test_entry_without_an_id_to_ask_by_is_set_apart_and_the_same_every_time(entry: bytes) -> None:
    """The others are taken; it is known again by what identifies it there."""
    content = b'{"status": "OK", "ErrorCode": "0", "data": [{"docId": "1"}, %s, {"docId": 2}]}' % entry
    first, bad, last = read_list(content, "document")
    assert (first.ref, first.unreadable, last.ref, last.unreadable) == ("1", "", "2", "")
    assert bad.unreadable
    assert bad.ref.startswith("unreadable ")  # no id of a peer's has a space
    assert bad.ref == read_list(content, "document")[1].ref


@pytest.mark.parametrize(
    "field", [{"from": 5}, {"to": {"code": "A"}}, {"messageType": []}, {"created_time": {}}, {"to": [["A"]]}]
)
def test_entry_with_an_id_is_taken_whatever_its_other_fields_are(field: dict[str, object]) -> None:
    """The document itself says the rest."""
    content = answer(data=[{"docId": "1", "from": "G22", "to": "A"} | field, {"docId": "2", "to": "B"}])
    first, second = read_list(content, "status")
    assert (first.ref, first.kind, first.unreadable) == ("1", "status", "")
    assert (second.ref, second.recipient_codes) == ("2", ("B",))


def test_list_of_a_million_texts_is_not_read_either() -> None:
    """Without braces they are counted by their commas."""
    content = b'{"status":"OK","data":[' + b",".join([b'""'] * 3_000_000) + b"]}"
    with pytest.raises(SourceError, match="entries"):
        read_list(content, "document")


def test_list_of_a_million_entries_is_not_even_read() -> None:
    """Such a list is made to keep us busy, and to fill the memory."""
    content = b'{"status":"OK","data":[' + b",".join([b'{"docId":1}'] * 1_000_000) + b"]}"
    with pytest.raises(SourceError, match="entries") as caught:
        read_list(content, "document")
    assert caught.value.code == "peer_reply_invalid"


@asynccontextmanager
async def reading(tmp_path: Path, act: Act, *, most: int = 1000, **settings: object) -> AsyncIterator[VxpReader]:
    """A reader and an axis that does one thing."""
    issued = issue("axis")
    (tmp_path / "anchor.pem").write_bytes(issued.certificate.public_bytes(Encoding.PEM))
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    secret.chmod(0o600)
    async with receiving(act, server_context(issued, tmp_path)) as receiver:
        given: dict[str, object] = {
            "source_url": f"https://localhost:{receiver.port}",
            "source_system_id": "s",
            "source_secret_file": "secret",
            "source_anchors_file": "anchor.pem",
        }
        endpoint = Endpoint(id=EndpointId("e"), name="axis", kind="inbox", settings=given | settings)
        reader = VxpReader(
            endpoint,
            Surroundings(secrets=tmp_path, folder=tmp_path, clock=SystemClock(), timeout_seconds=2),
            reply_bytes_max=most,
        )
        try:
            yield reader
        finally:
            await reader.close()


@pytest.mark.parametrize(
    ("status", "code"),
    [("502 Bad Gateway", "peer_error"), ("401 No", "peer_credential_rejected"), ("302 Found", "peer_error")],
)
async def test_http_error_is_an_outage_and_redirects_are_not_followed(
    tmp_path: Path, status: str, code: str
) -> None:
    """Whatever its body says."""
    async with reading(tmp_path, says(status, answer(data=[]))) as reader:
        with pytest.raises(SourceError) as caught:
            await reader.listed()
    assert caught.value.code == code


async def test_certificate_of_another_authority_is_not_taken(tmp_path: Path) -> None:
    """The HMAC does not protect answers; TLS does."""
    async with reading(tmp_path, says("200 OK", answer(data=[]))) as reader:
        (tmp_path / "anchor.pem").write_bytes(issue("other").certificate.public_bytes(Encoding.PEM))
        with pytest.raises(SourceError) as caught:
            await reader.listed()
    assert caught.value.code == "peer_tls_failed"


async def test_secret_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    """Told in a sentence, before anything is sent."""
    async with reading(tmp_path, says("200 OK", answer(data=[]))) as reader:
        (tmp_path / "secret").chmod(0o644)
        with pytest.raises(ConfigError, match="0600"):
            await reader.listed()


async def test_plain_http_is_refused(tmp_path: Path) -> None:
    """Documents and their acknowledgements do not travel in the clear."""
    with pytest.raises(ConfigError, match="https"):
        async with reading(tmp_path, says("200 OK"), source_url="http://axis.example.vn"):
            pass


async def test_document_too_long_for_memory_is_not_taken_from_a_page(tmp_path: Path) -> None:
    """The second way answers with bare bytes: an error in JSON there is no document."""
    async with reading(tmp_path, says("200 OK", answer(data="A" * 2000))) as reader:
        got: list[bytes] = []

        async def write(chunk: bytes) -> None:
            got.append(chunk)

        with pytest.raises(SourceError) as caught:
            await reader.fetch("d-1", write)
    assert (caught.value.code, got) == ("peer_reply_invalid", [])


async def test_long_document_comes_in_pieces(tmp_path: Path) -> None:
    """Whole, by the second way."""
    document = b"<?xml version='1.0'?><edXML>" + b"x" * 5000 + b"</edXML>"
    async with reading(tmp_path, says("200 OK", document)) as reader:
        got: list[bytes] = []

        async def write(chunk: bytes) -> None:
            got.append(chunk)

        await reader.fetch("d-1", write)
    assert b"".join(got) == document


async def test_reader_never_acknowledges(tmp_path: Path) -> None:
    """It says so, and sends nothing."""
    async with reading(tmp_path, says("200 OK")) as reader:
        assert await reader.settle("d-1", Settlement(done=True)) is False
