"""Answers of 125,000 agencies: read in pieces, whole or not at all."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from adapters.vxp.catalogue import entry_of
from adapters.vxp.catalogue_reply import AgencyReply, Row
from gateway.errors import SourceError

OK = {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thanh cong"}


def answer(data: object, **more: object) -> bytes:
    return json.dumps(OK | more | {"data": data}, ensure_ascii=False).encode()


def units(count: int) -> list[dict[str, Any]]:
    return [
        {"id": str(n), "pid": "", "code": f"H01.{n}", "name": f"Xã {n}", "deleted": False} for n in range(count)
    ]


def read(content: bytes, *cuts: int, **limits: int) -> list[Row]:
    """What a reply comes to when it arrives in pieces."""
    reply, rows, start = AgencyReply(**limits), [], 0
    for cut in (*sorted(cuts), len(content)):
        rows += [row for part in reply.feed(content[start:cut]) for row in part]
        start = cut
    return rows + [row for part in reply.end() for row in part]


def test_reply_is_the_same_however_it_is_cut() -> None:
    """At every byte of a short one, and at random in a long one."""
    short = answer(units(3))
    for cut in range(len(short)):
        assert [row.code for row in read(short, cut)] == ["H01.0", "H01.1", "H01.2"]
    long, dice = answer(units(5000)), random.Random(1)
    for _ in range(5):
        cuts = [dice.randrange(len(long)) for _ in range(40)]
        assert [row.code for row in read(long, *cuts)] == [f"H01.{n}" for n in range(5000)]


@pytest.mark.parametrize("name", ["Sở },{ lạ", 'Sở "]}', "\\", '{"data":[{', "}" * 50, "😀 Sở"])
def test_marks_inside_a_text_are_no_end(name: str) -> None:
    """A brace in a name closes nothing, also where the reply is cut there."""
    content = answer([each | {"name": name} for each in units(2000)])
    assert [row.name for row in read(content, *range(0, len(content), 7001))] == [name] * 2000


def test_order_of_the_envelope_does_not_matter() -> None:
    """The list may stand first, and blanks anywhere."""
    content = b'\n{ "data" : [ {"code":"A"} , {"code":"B"} ] , "ErrorCode":"0", "status" : "OK" }\r\n'
    assert [row.code for row in read(content)] == ["A", "B"]
    assert read(answer([])) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "peer_reply_invalid"),
        (b"<html>502 Bad Gateway</html>", "peer_reply_invalid"),
        (b"\x1f\x8b\x08 gzip", "peer_reply_invalid"),
        (b"[]", "peer_reply_invalid"),
        (json.dumps(OK).encode(), "peer_reply_invalid"),
        (json.dumps({"status": "FAIL", "ErrorCode": "5", "ErrorDesc": "Khong duoc"}).encode(), "peer_error"),
        (answer(units(3), status="FAIL", ErrorCode="5"), "peer_error"),
        (answer(units(3))[:-2], "peer_reply_invalid"),
        (answer(units(3))[:-1], "peer_reply_invalid"),
        (answer(units(3)) + b"}", "peer_reply_invalid"),
        (answer(units(3)).replace(b"}, {", b"} {", 1), "peer_reply_invalid"),
        (answer(units(3)).replace(b"}]", b"},]"), "peer_reply_invalid"),
        (answer(units(3)).replace(b"}, {", b"},, {", 1), "peer_reply_invalid"),
        (answer([*units(3), 5]), "peer_reply_invalid"),
        (answer([{"code": ["A"]}]), "peer_reply_invalid"),
        (answer([{"code": "A", "name": {}}]), "peer_reply_invalid"),
        (answer(units(3)).replace("Xã".encode(), b"X\xff"), "peer_reply_invalid"),
        (answer("YWJj"), "peer_reply_invalid"),
        (answer([{"code": "A", "x": "y" * 300_000}]), "peer_reply_invalid"),
        (b" " * 100_000 + answer(units(3)), "peer_reply_invalid"),
        (answer(units(3)) + b" " * 100_000, "peer_reply_invalid"),
        (b'{"data":[' + b"[" * 200_000, "peer_reply_invalid"),
        (b'{"data":[{"a":"' + b"}" * 200_000, "peer_reply_invalid"),
        (b'{"data":[{"code":"A"},' + b" " * 200_000, "peer_reply_invalid"),
    ],
)
def test_reply_that_is_not_whole_and_as_agreed_raises(content: bytes, code: str) -> None:
    """Nothing that was read before counts then."""
    for cuts in ((), tuple(range(0, len(content), 50_000))):
        with pytest.raises(SourceError) as caught:
            read(content, *cuts)
        assert caught.value.code == code
        assert len(caught.value.detail) <= 300


def test_limits_of_bytes_and_entries_hold() -> None:
    """Before everything has come."""
    for limits in ({"bytes_max": 10_000}, {"entries_max": 100}):
        with pytest.raises(SourceError, match=r"more than 100 entries|longer than 10000 bytes"):
            read(answer(units(5000)), *range(0, 200_000, 4096), **limits)


@pytest.mark.parametrize(
    ("row", "kind", "deleted"),
    [
        ({"code": "00.22.W00"}, "virtual", False),
        ({"code": "H33", "isAgency": "false"}, "unit", False),
        ({"code": "H33", "isAgency": True, "deleted": 1}, "agency", True),
        ({"code": "H33", "deleted": "0", "pid": 0}, "agency", False),
    ],
)
def test_words_of_the_axis_become_ours(row: dict[str, object], kind: str, *, deleted: bool) -> None:
    """Virtual nodes are known by their code, truth in whatever spelling, and nobody above in several."""
    made = entry_of("units", read(answer([row]))[0])
    assert (made.kind, made.deleted, made.ref, made.parent_ref) == (kind, deleted, "", "")
