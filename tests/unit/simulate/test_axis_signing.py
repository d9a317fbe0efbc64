"""How the simulated axis judges a call's headers."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from multidict import CIMultiDict

from gateway.simulate.axis.signing import PREFIX, FailedError, judge

NOW = datetime(2018, 11, 5, 1, 30, tzinfo=UTC)
SECRET = b"0123456789abcdef"
SYSTEM = "000.00.00.H33"
PARAMETERS = {
    "docId": "17",
    "systemid": SYSTEM,
    "timestamp": "05112018T083000+0123",
    "Content-Type": "application/json",
}


def hashed(text: str) -> str:
    return hmac.new(SECRET, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def headers(parameters: dict[str, str] | None = None, *, text: str | None = None) -> CIMultiDict[str]:
    given = PARAMETERS if parameters is None else parameters
    named = {f"{PREFIX}{name}": value for name, value in given.items()}
    signed = json.dumps(named, separators=(",", ":")) if text is None else text
    found: CIMultiDict[str] = CIMultiDict(named)
    found[f"{PREFIX}sign-header-key"] = ";".join(given)
    found[f"{PREFIX}sign-header"] = signed
    found[f"{PREFIX}hash-header"] = hashed(signed)
    return found


def judged(found: CIMultiDict[str], *, window: timedelta | None = None) -> Any:
    return judge(found, {SYSTEM: SECRET}.get, now=NOW, window=window)


def test_call_that_is_signed_right_gives_its_parameters() -> None:
    """Names as they were spelt, without the prefix."""
    call = judged(headers())
    assert (call.system_id, call.get("docId"), call.get("status")) == (SYSTEM, "17", "")


def test_text_is_hashed_as_it_was_received() -> None:
    """Another client writes the same JSON with spaces and escapes; it is not written anew before hashing."""
    named = {f"{PREFIX}{name}": value for name, value in PARAMETERS.items()}
    loose = json.dumps(named, indent=1).replace("application/json", "application\\/json")
    assert judged(headers(text=loose)).get("docId") == "17"


def _wrong_hash(found: CIMultiDict[str]) -> None:
    found[f"{PREFIX}hash-header"] = "0" * 64


def _upper_hash(found: CIMultiDict[str]) -> None:
    found[f"{PREFIX}hash-header"] = found[f"{PREFIX}hash-header"].upper()


def _other_value(found: CIMultiDict[str]) -> None:
    found[f"{PREFIX}docId"] = "18"


def _second_value(found: CIMultiDict[str]) -> None:
    found.add(f"{PREFIX}docId", "18")


def _no_header(found: CIMultiDict[str]) -> None:
    del found[f"{PREFIX}docId"]


def _other_order(found: CIMultiDict[str]) -> None:
    found[f"{PREFIX}sign-header-key"] = ";".join(reversed(PARAMETERS))


def _unknown_system(found: CIMultiDict[str]) -> None:
    found[f"{PREFIX}systemid"] = "000.00.00.H34"


def _no_signature(found: CIMultiDict[str]) -> None:
    for name in ("sign-header", "sign-header-key", "hash-header"):
        del found[PREFIX + name]


def _foreign_bytes(found: CIMultiDict[str]) -> None:
    found[f"{PREFIX}hash-header"] = "\udcff\udcfe"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_wrong_hash, "Sai hash-header"),
        (_upper_hash, "Sai hash-header"),
        (_foreign_bytes, "Sai hash-header"),
        (_no_signature, "Sai hash-header"),
        (_second_value, "khac voi sign-header"),
        (_other_value, "khac voi sign-header"),
        (_no_header, "khac voi sign-header"),
        (_other_order, "sign-header-key"),
        (_unknown_system, "SystemId chua dang ky"),
    ],
)
def test_call_whose_headers_were_changed_is_refused(damage: Callable[[CIMultiDict[str]], None], words: str) -> None:
    """Each with words that say which header it is."""
    found = headers()
    damage(found)
    with pytest.raises(FailedError, match=words) as refused:
        judged(found)
    assert refused.value.code == "15"


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "{",
        '"text"',
        "[" * 100_000,
        '{"docId":"17"}',
        '{"XroadVnpt-docId":17}',
        '{"XroadVnpt-docId":"17","XroadVnpt-docId":"17"}',
    ],
    ids=["array", "empty", "cut", "text", "deep", "no prefix", "number", "twice"],
)
def test_signed_text_of_another_shape_is_refused(text: str) -> None:
    """The right HMAC over nonsense is nonsense."""
    with pytest.raises(FailedError):
        judged(headers(text=text))


@pytest.mark.parametrize("name", ["timestamp", "Content-Type"])
def test_what_must_be_signed_is_missed(name: str) -> None:
    """Otherwise it could be changed on the way."""
    with pytest.raises(FailedError, match=name):
        judged(headers({key: value for key, value in PARAMETERS.items() if key != name}))


@pytest.mark.parametrize("text", ["", "2018-11-05T08:30:00", "31022018T083000+0123", "05112018T083000+123"])
def test_timestamp_of_another_form_is_refused(text: str) -> None:
    """Day, month, year, T, time, plus and four digits."""
    with pytest.raises(FailedError, match="timestamp"):
        judged(headers(PARAMETERS | {"timestamp": text}))


def test_old_timestamp_is_refused_only_where_a_window_is_set() -> None:
    """The vendor's SDK keeps the time of its object's making for ever."""
    old = headers(PARAMETERS | {"timestamp": "04112018T083000+0123"})
    assert judged(old).get("docId") == "17"
    assert judged(old, window=timedelta(hours=25)).get("docId") == "17"
    with pytest.raises(FailedError, match="timestamp ngoai"):
        judged(old, window=timedelta(hours=23))


def test_both_spellings_of_a_name_stand_side_by_side() -> None:
    """To HTTP they are one header with two values; each operation asks for the spelling that its client means."""
    leaked = PARAMETERS | {"docid": "16", "status": "done"}
    call = judged(headers(leaked))
    assert (call.get("docId", "docid"), call.get("docid", "docId")) == ("17", "16")


def test_parameter_that_is_not_signed_is_not_read() -> None:
    """Whoever sits between could have added it."""
    found = headers()
    found[f"{PREFIX}status"] = "done"
    with pytest.raises(FailedError, match="status") as refused:
        judged(found).need("status")
    assert refused.value.code == "10"


def test_words_of_a_refusal_have_no_accents() -> None:
    """The SDK decodes them as ASCII."""
    assert FailedError("20", "Lỗi hệ thống Đặc khu").words == "Loi he thong Dac khu"
