"""What the facade's answers mean: every error code, every shape, and everything that is neither."""

from __future__ import annotations

import base64
import json

import pytest

from adapters.lgsp.catalogue import read_agencies
from adapters.lgsp.reply import read_list, read_sent, read_token, require_done
from adapters.lgsp.token import lifetime_of
from gateway.errors import SourceError
from gateway.model import DeliveryId, Outcome, OutcomeKind
from gateway.reasons import REASONS, is_temporary
from tests.unit.deliver.fakes import outgoing

ITEM = outgoing("e1", "r1", "r2")
DONE = frozenset({"done", "fail"})
PAGE = b"<html><body>502 Bad Gateway</body></html>"


def answer(**told: object) -> bytes:
    """A body."""
    return json.dumps(told, ensure_ascii=False).encode()


def failed(code: object, words: str = "mô tả", **around: object) -> bytes:
    """The shape of a failure."""
    data = {"docId": None, "status": "FAIL", "errorCode": code, "errorDesc": words}
    return answer(**({"success": False, "message": "Thất bại", "data": data} | around))


def sent(status: int, content: bytes, *, is_relay: bool = True) -> tuple[dict[DeliveryId, Outcome], bool]:
    return read_sent(status, content, ITEM.deliveries, is_relay=is_relay)


def only(status: int, content: bytes) -> tuple[OutcomeKind, str]:
    """The one outcome that all deliveries have."""
    outcomes, _ = sent(status, content)
    assert len(outcomes) == 2
    ((kind, reason),) = {(one.kind, one.reason) for one in outcomes.values()}
    return kind, reason


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (10, OutcomeKind.REFUSED, "peer_refused"),
        (15, OutcomeKind.DEFERRED, "peer_credential_rejected"),
        (18, OutcomeKind.REFUSED, "recipient_unknown"),
        (19, OutcomeKind.REFUSED, "sender_unknown"),
        (20, OutcomeKind.DEFERRED, "peer_error"),
        (21, OutcomeKind.DEFERRED, "peer_error"),
        (22, OutcomeKind.REFUSED, "peer_refused"),
        (23, OutcomeKind.REFUSED, "recipient_closed"),
        (99, OutcomeKind.DEFERRED, "peer_error"),
    ],
)
@pytest.mark.parametrize("form", [int, str, lambda code: f" {code} "], ids=["number", "text", "spaces"])
def test_each_error_code_is_temporary_or_permanent(
    code: int, kind: OutcomeKind, reason: str, form: type[int]
) -> None:
    """20 and 21 are the facade's own troubles; a code nobody knows may pass too."""
    assert only(200, failed(form(code))) == (kind, reason)
    assert is_temporary(reason) is (kind is OutcomeKind.DEFERRED)
    assert reason in REASONS


def test_code_outside_of_data_counts_too() -> None:
    """Nobody says that it is always inside."""
    assert only(200, answer(success=False, message="Lỗi", errorCode="22")) == (OutcomeKind.REFUSED, "peer_refused")


def test_recipient_that_is_named_is_told_apart() -> None:
    """The others were not taken either, but not because they do not exist."""
    outcomes, answered = sent(200, failed(18, "đơn vị code r2 không tồn tại"))
    one, other = (outcomes[delivery.id] for delivery in ITEM.deliveries)
    assert (one.reason, other.reason) == ("peer_refused", "recipient_unknown")
    assert answered


@pytest.mark.parametrize(
    ("content", "ref"),
    [
        (answer(success=True, message="ok", docId="D-1"), "D-1"),
        (answer(success=True, docId=17), "17"),
        (answer(success=True, message=None, data={"docId": "D-1", "errorCode": 0}), "D-1"),
        (answer(success=True), ""),
        (answer(success=True, docId="x\ny"), ""),
        (answer(success=True, docId="a" * 32), "a" * 32),
    ],
)
def test_success_is_relayed_with_the_facades_id(content: bytes, ref: str) -> None:
    """In whichever of its places; one that could do harm is dropped."""
    outcomes, answered = sent(200, content)
    assert [(one.kind, one.peer_ref) for one in outcomes.values()] == [(OutcomeKind.RELAYED, ref)] * 2
    assert answered
    outcomes, _ = sent(200, content, is_relay=False)
    assert {one.kind for one in outcomes.values()} == {OutcomeKind.DELIVERED}


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, PAGE),
        (200, b""),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"success": "true"}'),
        (200, answer(success=True, docId="1")[:-3]),
        (200, failed(0)),
        (200, b"[" * 100_000),
        (500, PAGE),
        (502, PAGE),
        (504, b""),
        (201, answer(success=True)[:5]),
        (500, answer(success=True, docId="1")),
    ],
)
def test_answer_without_sense_leaves_it_unknown(status: int, content: bytes) -> None:
    """All of it was sent, and a page says nothing of what the facade did."""
    assert only(status, content) == (OutcomeKind.UNKNOWN, "outcome_unknown")
    assert not sent(status, content)[1]


@pytest.mark.parametrize(
    ("status", "content", "kind", "reason"),
    [
        (401, b"licenseInfo:invalid", OutcomeKind.DEFERRED, "peer_credential_rejected"),
        (401, answer(success=False, message="x"), OutcomeKind.DEFERRED, "peer_credential_rejected"),
        (403, PAGE, OutcomeKind.DEFERRED, "peer_credential_rejected"),
        (404, PAGE, OutcomeKind.DEFERRED, "peer_error"),
        (413, PAGE, OutcomeKind.REFUSED, "too_large_for_peer"),
        (429, b"", OutcomeKind.DEFERRED, "peer_busy"),
        (503, PAGE, OutcomeKind.DEFERRED, "peer_busy"),
        (302, b"", OutcomeKind.DEFERRED, "peer_reply_invalid"),
        (500, answer(success=False, message="x"), OutcomeKind.DEFERRED, "peer_error"),
    ],
)
def test_status_that_shows_that_nothing_was_taken(
    status: int, content: bytes, kind: OutcomeKind, reason: str
) -> None:
    """Then it is not unknown."""
    assert only(status, content) == (kind, reason)


@pytest.mark.parametrize(
    ("status", "content", "code"),
    [
        (200, PAGE, "peer_reply_invalid"),
        (200, b"", "peer_reply_invalid"),
        (200, b"[]", "peer_reply_invalid"),
        (200, answer(success=True), "peer_reply_invalid"),
        (200, answer(success=True, data=None), "peer_reply_invalid"),
        (200, answer(success=True, data={}), "peer_reply_invalid"),
        (200, answer(success=True, data="none"), "peer_reply_invalid"),
        (200, answer(success=True, data=[{"id": number} for number in range(1001)]), "peer_reply_invalid"),
        (200, answer(success=True, data=[])[:-1], "peer_reply_invalid"),
        (201, answer(success=True, data=[]), "peer_reply_invalid"),
        (200, failed(15), "peer_credential_rejected"),
        (200, failed(20), "peer_error"),
        (502, PAGE, "peer_error"),
        (503, PAGE, "peer_busy"),
        (504, PAGE, "peer_timeout"),
        (401, b"licenseInfo:invalid", "peer_credential_rejected"),
        (413, PAGE, "peer_error"),
    ],
)
def test_whatever_is_no_list_raises(status: int, content: bytes, code: str) -> None:
    """Only a list is a list; nothing else is an empty one."""
    with pytest.raises(SourceError) as caught:
        read_list(status, content, "document", DONE)
    assert caught.value.code == code


@pytest.mark.parametrize("entry", [{"id": 1}, {"docId": "a\nb"}, {"docId": None}, None, 7, [1]])
def test_entry_without_an_id_to_ask_by_is_set_apart(entry: object) -> None:
    """The others are taken, and what is settled stays left out."""
    data = [{"docId": 1}, entry, {"docId": 2, "to": {}, "from": []}, {"docId": 3, "to": 5, "status": "done"}]
    first, bad, last = read_list(200, answer(success=True, data=data), "document", DONE)
    assert (first.ref, last.ref, bool(bad.unreadable)) == ("1", "2", True)


def test_list_of_a_million_entries_is_not_even_read() -> None:
    """Such a list is made to keep us busy, and to fill the memory."""
    content = b'{"success":true,"data":[' + b",".join([b'{"docId":1}'] * 1_000_000) + b"]}"
    with pytest.raises(SourceError, match="entries"):
        read_list(200, content, "document", DONE)
    with pytest.raises(SourceError, match="entries"):
        read_agencies(200, content.replace(b"docId", b"orgCode"))


def test_list_leaves_out_what_is_settled() -> None:
    """The facade lists those too; a status that nobody knows still waits."""
    data = [
        {"docId": 1, "from": " G22 ", "to": "A;B, C", "messageType": "edoc", "status": "initial", "createdTime": 5},
        {"docId": "2", "status": "DONE"},
        {"docId": "3", "status": " fail "},
        {"docId": "4", "status": None, "messageType": "Status", "to": ["A", "A"]},
        {"docId": "5", "status": "processing"},
    ]
    found = read_list(200, answer(success=True, count=5, data=data), "document", DONE)
    assert [one.ref for one in found] == ["1", "4", "5"]
    assert (found[0].sender_code, found[0].recipient_codes, found[0].claimed_at) == ("G22", ("A", "B", "C"), "5")
    assert (found[1].kind, found[1].recipient_codes) == ("status", ("A",))


@pytest.mark.parametrize(
    ("status", "content", "code"),
    [
        (200, answer(success=False, message="Sai mật khẩu"), "peer_credential_rejected"),
        (401, answer(success=False, message="Sai mật khẩu"), "peer_credential_rejected"),
        (200, failed(20), "peer_error"),
        (200, answer(success=True, data={}), "peer_reply_invalid"),
        (200, answer(success=True, data={"token": ""}), "peer_reply_invalid"),
        (200, answer(success=True, data="x"), "peer_reply_invalid"),
        (200, PAGE, "peer_reply_invalid"),
        (502, PAGE, "peer_error"),
        (503, answer(success=False, message="x"), "peer_busy"),
    ],
)
def test_login_without_a_token_says_who_is_to_mend_it(status: int, content: bytes, code: str) -> None:
    """A wrong password is not an outage."""
    with pytest.raises(SourceError) as caught:
        read_token(status, content)
    assert caught.value.code == code


def test_update_needs_a_confirmation() -> None:
    """An entry is settled when the facade says so."""
    require_done(200, answer(success=True, message="ok"))
    for status, content in ((200, PAGE), (200, failed(10)), (500, answer(success=True))):
        with pytest.raises(SourceError):
            require_done(status, content)


def test_what_looks_like_a_secret_is_not_told() -> None:
    """Some servers repeat what they were sent."""
    with pytest.raises(SourceError) as caught:
        read_list(200, failed(15, "X-SecretKey: 0123456789abcdef0123456789abcdef"), "document", DONE)
    assert "0123456789abcdef" not in str(caught.value)


def _jwt(payload: bytes) -> str:
    return f"e30.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.x"


@pytest.mark.parametrize(
    ("token", "seconds"),
    [
        (_jwt(b'{"iat": 1000, "exp": 2800}'), 1800),
        (_jwt(b'{"iat": 1000.5, "exp": 1000.75}'), 60),
        (_jwt(b'{"iat": 0, "exp": 1e12}'), 86_400),
        (_jwt(b'{"exp": 2800}'), 1500),
        (_jwt(b'{"exp": "soon"}'), 1500),
        (_jwt(b"[]"), 1500),
        ("a.%%%.b", 1500),
        ("opaque", 1500),
    ],
)
def test_lifetime_of_a_token_is_the_difference_of_its_times(token: str, seconds: float) -> None:
    """So nobody's clock matters, and no token is used for ever or renewed without end."""
    assert lifetime_of(token) == seconds
