"""Headers of calls to the VXP endpoint: whatever comes, they are read or refused with a reason."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.vxp.endpoint_calls import as_sdk_prints
from adapters.vxp.endpoint_reply import ascii_of
from adapters.vxp.endpoint_signature import Signed, read_signed
from adapters.vxp.wire import Look, headers_of
from gateway.errors import RefusedError
from gateway.reasons import REASONS
from tests.adapters.vxp_sdk import printed

NOW = datetime(2025, 6, 16, 1, 30, tzinfo=UTC)
SECRET = b"gw_0123456789abcdef"


def raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """As they come over the wire."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def signed(parameters: dict[str, str], **sent: str) -> Signed:
    """Read from headers that were signed right; `sent` are added or changed afterwards."""
    named = {f"XroadVnpt-{name}": value for name, value in ({"systemid": "s"} | parameters).items()}
    text = json.dumps(named)
    mac = hmac.new(SECRET, text.encode(), hashlib.sha256).hexdigest()
    more = {f"XroadVnpt-{name}": value for name, value in sent.items()}
    return read_signed(raw(named | {"XroadVnpt-sign-header": text, "XroadVnpt-hash-header": mac} | more))


def test_call_of_our_own_client_is_proved_by_its_secret_alone() -> None:
    """Both sides were written apart; a secret that differs by a bit proves nothing."""
    headers = headers_of(Look.GET, {"docId": "d-1"}, system_id="000.00.00.H33", secret=SECRET, now=NOW)
    found = read_signed(raw(headers))
    assert (found.system_id, found.value("docId")) == ("000.00.00.H33", "d-1")
    assert found.proves(SECRET)
    assert not found.proves(SECRET[:-1] + b"g")
    found.require_fresh(NOW + timedelta(hours=23), timedelta(hours=24))
    with pytest.raises(RefusedError, match="timestamp_invalid"):
        found.require_fresh(NOW + timedelta(minutes=2), timedelta(minutes=1))
    found.require_fresh(NOW + timedelta(days=400), timedelta(0))


def test_parameter_that_nobody_signed_is_not_believed() -> None:
    """A header that was added on the way is as if it were not there; one that was changed is told."""
    assert signed({"docId": "1"}, status="done").optional("status") is None
    with pytest.raises(RefusedError, match="header_differs"):
        signed({"docId": "1"}, docId="2").value("docId")
    with pytest.raises(RefusedError, match="header_not_signed"):
        signed({}, docId="2").value("docId", "docid")


def code_of(headers: list[tuple[bytes, bytes]]) -> str:
    """Why a call with these is refused; "" where it is not."""
    try:
        found = read_signed(headers)
        found.proves(SECRET)
        found.optional("docId", "docid")
        found.require_fresh(NOW, timedelta(hours=1))
    except RefusedError as error:
        return error.code
    return ""


@settings(max_examples=300, deadline=None)
@given(
    names=st.lists(st.sampled_from(["sign-header", "hash-header", "systemid", "docId", "docid", "x"]), max_size=6),
    values=st.lists(st.binary(max_size=80) | st.just(b'{"XroadVnpt-systemid":"s"}'), min_size=6, max_size=6),
)
def test_any_headers_are_read_or_refused_with_a_reason(names: list[str], values: list[bytes]) -> None:
    """No other exception, whatever a stranger sends."""
    headers = [(f"XroadVnpt-{name}".encode(), value) for name, value in zip(names, values, strict=False)]
    assert code_of(headers) in {"", *REASONS}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_signed_text_is_read_or_refused(text: str) -> None:
    """Right or wrong JSON, quotes left out, names twice."""
    mac = hmac.new(SECRET, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    headers = [
        (b"XroadVnpt-sign-header", text.encode("utf-8", "surrogatepass")),
        (b"XroadVnpt-hash-header", mac.encode()),
    ]
    assert code_of(headers) in {"", *REASONS}


@given(st.binary(max_size=100))
def test_hash_is_printed_as_the_sdk_does(data: bytes) -> None:
    """Bytes below 16 have one digit."""
    assert as_sdk_prints(hashlib.sha256(data).hexdigest()) == printed(data)


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_has_words_in_ascii(code: str) -> None:
    """The SDK decodes errors as ASCII; nothing of a text is lost but its accents."""
    plain = ascii_of(REASONS[code].vi)
    assert plain.isascii()
    assert plain.count("?") == REASONS[code].vi.count("?")


@pytest.mark.parametrize(
    "text", ['{"XroadVnpt-systemid":"\\ud800"}', '{"a":x,"systemid":' + "[" * 30_000, '{"systemid":' + "[" * 30_000]
)
def test_texts_that_nobody_can_store_or_read_are_refused_by_name(text: str) -> None:
    """Half a character, and what is nested deeper than can be read, once quotes are added too."""
    with pytest.raises(RefusedError) as caught:
        read_signed(raw({"XroadVnpt-sign-header": text, "XroadVnpt-hash-header": "a" * 64}))
    assert caught.value.code == "request_malformed"


def test_parameter_of_half_a_character_is_refused_where_it_is_needed() -> None:
    """Only there: a title that leaked in from another call is nobody's business."""
    text = '{"systemid":"s","docId":"\\ud800"}'
    call = read_signed(raw({"XroadVnpt-sign-header": text, "XroadVnpt-hash-header": "a" * 64}))
    assert call.optional("status") is None
    call = Signed(
        text=call.text,
        mac=call.mac,
        values=call.values,
        sent={"docid": ["\ud800"]},
        spellings=call.spellings,
        system_id="s",
    )
    with pytest.raises(RefusedError) as caught:
        call.value("docId")
    assert caught.value.code == "request_malformed"
