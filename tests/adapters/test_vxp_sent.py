"""The axis's list of what we sent: read whole whatever its size, and nothing is absent that was not looked for."""

from __future__ import annotations

import asyncio
import itertools
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.vxp.calls import Acting
from adapters.vxp.counterpart import VxpCounterpart
from adapters.vxp.sent import Span, walk_sent
from adapters.vxp.sent_reply import SentLine, SentReply
from gateway.clock import VIETNAM, SystemClock
from gateway.errors import SourceError
from gateway.model import OutcomeKind, SendReport
from gateway.simulate.axis.journal import Called, Taken
from tests.adapters.certificates import issue, server_context
from tests.adapters.receiver import Request, receiving
from tests.adapters.vxp_lab import Content, Member, channel, doubted, letter, surroundings
from tests.axis_lab import G22, H33, AxisLab, running_axis
from tests.simulate.documents import document

OK = {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thanh cong"}
TODAY = SystemClock().now().astimezone(VIETNAM).date()
SPAN = Span(message_type="edoc", first=TODAY - timedelta(days=1), last=TODAY + timedelta(days=1))


def line(ref: object, **more: Any) -> dict[str, Any]:
    return {
        "senderDocId": ref,
        "fromCode": H33,
        "toCode": G22,
        "notation": "1/UBND-VP",
        "title": 'V/v } { ] \\"',
    } | more


def read(content: bytes, piece: int) -> list[SentLine]:
    reply = SentReply()
    fed = (reply.feed(content[start : start + piece]) for start in range(0, len(content), piece))
    found = [each for part in fed for lines in part for each in lines]
    return found + [each for lines in reply.end() for each in lines]


# --- one answer


@pytest.mark.parametrize("piece", [7, 1000, 65_537, 10_000_000])
def test_lines_come_whole_however_the_answer_is_cut_and_odd_ones_are_marked(piece: int) -> None:
    """Between a thousand of the agreed shape: other types, an id that is missing, no object at all."""
    odd: list[Any] = [
        line("odd", notation=5),
        "text",
        None,
        [{}],
        line(None),
        {"x": {"y": "}"}},
        line("b", title={"a": "}"}),
    ]
    entries = [line(place) for place in range(1000)] + odd + [line(place) for place in range(1000, 2000)] + [7]
    found = read(json.dumps({**OK, "data": entries, "total": {"a": [1]}}, indent=1).encode(), piece)
    assert [each.ref for each in found if not each.unread] == [str(place) for place in range(2000)]
    assert [each.ref for each in found if each.unread] == ["odd", "", "", "", "", "", "b", ""]
    assert len({each.unread for each in found}) == 9


@pytest.mark.parametrize("behind", [b"", b" ", b" ,", b" , "])
def test_comma_may_come_with_the_next_bytes(behind: bytes) -> None:
    """A piece that ends just where a line does."""
    lines = [json.dumps(line(place)).encode() for place in range(2000)]
    head = json.dumps({**OK, "data": []}).encode().removesuffix(b"]}") + b" , ".join(lines[:1500])
    rest = b" , ".join(lines[1500:]) + b"]}"
    reply = SentReply()
    fed = [each for part in (head + behind, b" , "[len(behind) :] + rest) for each in reply.feed(part)]
    found = [each for lines in [*fed, *reply.end()] for each in lines]
    assert [each.ref for each in found] == [str(place) for place in range(2000)]
    bare = SentReply()
    assert sum(map(len, bare.feed(head))) == 1500
    with pytest.raises(SourceError):
        [*bare.feed(rest), *bare.end()]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>502</html>",
        json.dumps({**OK, "data": None}).encode(),
        json.dumps(OK).encode(),
        json.dumps({**OK, "status": "?", "data": []}).encode(),
        json.dumps({**OK, "data": [line(place) for place in range(2000)]}).encode()[:-1],
        json.dumps({**OK, "data": [line(place) for place in range(2000)]}).encode().replace(b"}, {", b"} {", 1),
        b'{"status":"OK","ErrorCode":"0","data":[' + b'"x",' * 1_000_000,
        b'{"status":"OK","ErrorCode":"0","data":[{"title":"' + b"x" * 3_000_000,
        b"[" * 100_000,
    ],
)
def test_whatever_is_no_whole_list_raises(content: bytes) -> None:
    """A list that was cut lacks what stood behind."""
    with pytest.raises(SourceError):
        read(content, 50_000)


def test_empty_list_is_empty() -> None:
    """The tests above can fail."""
    assert read(json.dumps({**OK, "data": []}).encode(), 10) == []


# --- all pages, of the simulator


@asynccontextmanager
async def looking(axis: AxisLab) -> AsyncIterator[Acting]:
    calls = Acting(channel(axis), surroundings(axis.secrets, 60))
    try:
        yield calls
    finally:
        await calls.close()


async def refs(axis: AxisLab, span: Span = SPAN) -> set[str]:
    found: set[str] = set()
    async with looking(axis) as calls:
        await walk_sent(calls, span, lambda line: found.add(line.ref))
    return found


async def sent(axis: AxisLab, count: int) -> set[str]:
    client = axis.client(H33)
    return {(await client.send(document(number=number)))["DocId"] for number in range(1, count + 1)}


def asked(axis: AxisLab) -> int:
    lines = [line for line in axis.journal() if isinstance(line, Called)]
    return sum(1 for line in lines if line.operation == "getSentEdocList")


@pytest.mark.parametrize("first_page", [0, 1])
async def test_paged_list_is_read_to_its_end_whatever_its_first_page_is_called(
    tmp_path: Path, first_page: int
) -> None:
    """Days and pages are heeded; what stands on page 0 is found as well."""
    async with running_axis(tmp_path, habits={"filters": True, "first_page": first_page}) as axis:
        made = await sent(axis, 7)
        assert await refs(axis, replace(SPAN, page=2)) == made
        later = replace(SPAN, first=TODAY + timedelta(days=3), last=TODAY + timedelta(days=4))
        assert await refs(axis, later) == made  # asked again without the days: it may read them otherwise


async def test_refusal_of_page_zero_is_no_outage_and_an_http_error_is(tmp_path: Path) -> None:
    """Whoever counts from 1 may say that there is no such page."""
    async with running_axis(tmp_path, habits={"filters": True}) as axis:
        made = await sent(axis, 3)
        await axis.order("fail", operations=["getSentEdocList"], skip=2, calls=1)
        assert await refs(axis) == made
        await axis.order("html", operations=["getSentEdocList"], skip=2, calls=1)
        with pytest.raises(SourceError):
            await refs(axis)


async def test_axis_that_gives_its_first_page_for_ever_or_ignores_pages_is_asked_thrice_at_most(
    tmp_path: Path,
) -> None:
    """A page that was there before ends it; more documents than were asked for are all."""
    async with running_axis(tmp_path, habits={"filters": True}) as axis:
        await sent(axis, 5)
        await axis.order("first_page", operations=["getSentEdocList"])
        assert len(await refs(axis, replace(SPAN, page=2))) == 2
        assert asked(axis) == 3
    async with running_axis(tmp_path / "other") as axis:
        made = await sent(axis, 5)
        assert await refs(axis, replace(SPAN, page=2)) == made
        assert asked(axis) == 1
        assert await refs(axis) == made
        assert asked(axis) == 4


@pytest.mark.slow
async def test_fifty_thousand_lines_are_read_in_little_memory_and_the_document_is_found(tmp_path: Path) -> None:
    """By an axis that ignores days and pages; the last line is ours. Reconciliation and adoption read it, too."""
    async with running_axis(tmp_path) as axis:
        client, many = axis.client(H33), [f"000.00.{place:04}.G22" for place in range(5000)]
        for number in range(1, 11):
            assert (await client.send(document(to=many, number=number)))["status"] == "OK"
        ours = document(number=99)
        (doc_id,) = {(await client.send(ours))["DocId"]}
        member = Member(axis, timeout_seconds=60)
        title = (await client.sent(docId=doc_id))[0]["title"]
        item = doubted(letter(ours, [G22], notation="99/UBND-VP", subject=title))
        tracemalloc.start()
        try:
            report = await member.adapter.send(member.endpoint, item, Content(ours))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            await member.close()
        assert [(one.kind, one.peer_ref) for one in report.outcomes.values()] == [(OutcomeKind.RELAYED, doc_id)]
        assert peak < 8_000_000
        assert len(await books(axis, TODAY, TODAY)) == 50_001
        far = TODAY + timedelta(days=9)
        assert await books(axis, far, far) == []


async def books(axis: AxisLab, first: date, last: date) -> list[str]:
    counterpart = VxpCounterpart(channel(axis, timeout_seconds=60), surroundings(axis.secrets))
    try:
        return [record.unreadable or record.ref for record in await counterpart.sent(first, last)]
    finally:
        await counterpart.close()


async def test_books_tell_times_by_our_clock(tmp_path: Path) -> None:
    """Else what was sent around midnight would be missing there and extra here."""
    async with running_axis(tmp_path) as axis:
        await sent(axis, 1)
        await axis.order("clock_skew", offset=-7200)
        counterpart = VxpCounterpart(channel(axis), surroundings(axis.secrets))
        try:
            (record,) = await counterpart.sent(TODAY, TODAY)
        finally:
            await counterpart.close()
        assert record.sent_at is not None
        assert abs(SystemClock().now() - record.sent_at) < timedelta(minutes=5)


# --- lines that cannot be read


async def asked_about(axis: AxisLab, **doubt: Any) -> SendReport:
    ours, member = document(), Member(axis)
    (made, *_) = [line for line in axis.journal() if isinstance(line, Taken)]
    title = (await axis.client(H33).sent(docId=made.doc_id))[0]["title"]
    try:
        item = doubted(letter(ours, [G22], subject=title), **doubt)
        return await member.adapter.send(member.endpoint, item, Content(ours))
    finally:
        await member.close()


async def test_line_that_cannot_be_read_is_neither_found_nor_absent(tmp_path: Path) -> None:
    """It is counted, nothing goes out, and after two such answers a person decides."""
    async with running_axis(tmp_path) as axis:
        (made,) = [(await axis.client(H33).send(document()))["DocId"]]
        await axis.order("odd_fields", operations=["getSentEdocList"], doc_ids=[made], skip=1)
        for unclear, kind in ((0, OutcomeKind.UNKNOWN), (1, OutcomeKind.HELD)):
            await axis.calm()
            await axis.order("odd_fields", operations=["getSentEdocList"], doc_ids=[made], skip=1)
            report = await asked_about(axis, inquiries=1, unclear=unclear)
            assert [one.kind for one in report.outcomes.values()] == [kind]
            assert (report.peer["inquiry"], report.peer["unreadable"]) == ("unclear", 1)
        assert [each for each in await books(axis, TODAY, TODAY) if each != made] != []


async def test_odd_line_that_says_it_is_another_document_keeps_nothing_from_being_settled(tmp_path: Path) -> None:
    """One of ours is found beside lines that are none; and an odd id of another transmission is known."""
    async with running_axis(tmp_path) as axis:
        (made,) = [(await axis.client(H33).send(document()))["DocId"]]
        await axis.order("malformed", operations=["getSentEdocList"], skip=1)
        report = await asked_about(axis)
        assert [one.peer_ref for one in report.outcomes.values()] == [made]
        await axis.calm()
        await axis.order("odd_fields", operations=["getSentEdocList"], skip=1)
        report = await asked_about(axis, taken=[made])
        assert report.peer["inquiry"] == "none"


# --- a list without an end


def _pages() -> Iterator[bytes]:
    for place in itertools.count():
        yield json.dumps({**OK, "data": [line(place)]}).encode()


async def test_list_that_never_ends_is_given_up(tmp_path: Path) -> None:
    """Each page has something new."""
    issued, pages = issue("axis"), _pages()
    (tmp_path / "anchors.pem").write_bytes(issued.certificate.public_bytes(Encoding.PEM))
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_bytes(b"0123456789abcdef")

    async def act(_request: Request, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        content = next(pages)
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
        await writer.drain()
        return True

    async with receiving(act, server_context(issued, tmp_path)) as receiver:
        lab = AxisLab(folder=tmp_path, settings=tmp_path / "x", anchors=tmp_path / "anchors.pem",
                      certificate=tmp_path, secret_files={H33: secret}, port=receiver.port)  # fmt: skip
        async with looking(lab) as calls:
            with pytest.raises(SourceError, match="no end"):
                await walk_sent(calls, SPAN, lambda _line: None, most=50)
    assert len(receiver.requests) == 51
