"""The gateway as a member of the axis: one call per document, no document twice, and no word that nobody said."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.vxp.client import nameable
from adapters.vxp.outcomes import Codes, blames_document, outcome_of_send
from adapters.vxp.settings import problems_of
from adapters.vxp.wire import VALUE_LENGTH_MAX
from gateway.clock import SystemClock
from gateway.errors import SourceError
from gateway.model import OutcomeKind
from gateway.ports import Settlement
from gateway.simulate.axis.journal import Called, Taken
from tests.adapters.vxp_lab import Content, Member, SetClock, channel, doubted, letter, surroundings
from tests.axis_lab import G22, H33, AxisLab, running_axis
from tests.simulate.documents import document, status

OFFICES = ("000.00.00.G22", "000.00.01.G22", "000.00.02.G22")


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[AxisLab]:
    async with running_axis(tmp_path) as lab:
        yield lab


@pytest.fixture
async def member(axis: AxisLab) -> AsyncIterator[Member]:
    made = Member(axis)
    yield made
    await made.close()


def taken(axis: AxisLab) -> list[Taken]:
    """What the axis has of us."""
    return [line for line in axis.journal() if isinstance(line, Taken)]


def calls(axis: AxisLab, operation: str) -> list[Called]:
    return [line for line in axis.journal() if isinstance(line, Called) and line.operation == operation]


async def title_of(axis: AxisLab, doc_id: str) -> str:
    """As the sent list shows it."""
    (line, *_) = await axis.client(H33).sent(docId=doc_id)
    return str(line["title"])


async def test_one_call_carries_a_document_to_all_its_recipients(axis: AxisLab, member: Member) -> None:
    """Each delivery is relayed under the axis's one id; the axis has exactly our bytes, for whom we named."""
    sent = document(to=(*OFFICES, "000.00.03.G22"))
    item = letter(sent, OFFICES)
    report = await member.adapter.send(member.endpoint, item, Content(sent))
    (made,) = taken(axis)
    assert {(one.kind, one.peer_ref) for one in report.outcomes.values()} == {(OutcomeKind.RELAYED, made.doc_id)}
    assert (len(report.outcomes), report.answered) == (3, True)
    assert made.sha256 == item.sha256
    lines = await axis.client(H33).sent(docId=made.doc_id)
    assert sorted(line["toCode"] for line in lines) == sorted(OFFICES)


@pytest.mark.parametrize("hash_file", ["sdk", "padded"])
@pytest.mark.parametrize("crlf", [True, False])
async def test_digest_and_end_are_what_the_axis_checks(
    axis: AxisLab, member: Member, hash_file: str, *, crlf: bool
) -> None:
    """In both forms of `hash-file`, with and without the SDK's line end."""
    sent = document()
    to = channel(axis, hash_file=hash_file, crlf=crlf)
    report = await member.adapter.send(to, letter(sent, [G22]), Content(sent))
    assert [one.kind for one in report.outcomes.values()] == [OutcomeKind.RELAYED]


async def test_status_goes_as_a_status(axis: AxisLab, member: Member) -> None:
    """It is routed by what it is about, so nobody is named."""
    await axis.client(G22).send(document(G22, [H33]))
    sent = status(H33, about=G22)
    report = await member.adapter.send(member.endpoint, letter(sent, [G22], kind="status"), Content(sent))
    assert [one.kind for one in report.outcomes.values()] == [OutcomeKind.RELAYED]
    assert [(line.message_type, line.status_code) for line in taken(axis)][1:] == [("status", "03")]


async def test_thousand_recipients_are_one_call(axis: AxisLab, member: Member) -> None:
    """Codes as long as any, in one header line of ours, which the axis reads."""
    to = [f"000.00.{place:04}.{'X' * 18}.G22" for place in range(1000)]
    sent = document(to=to)
    report = await member.adapter.send(member.endpoint, letter(sent, to), Content(sent))
    (made,) = taken(axis)
    assert {one.peer_ref for one in report.outcomes.values()} == {made.doc_id}
    assert len(await axis.client(H33).sent(docId=made.doc_id)) == 1000


async def test_five_thousand_recipients_are_several_calls_one_per_try(axis: AxisLab, member: Member) -> None:
    """What one header line cannot name follows with the next try; nobody is named twice."""
    to = [f"000.00.{place:04}.{'X' * 18}.G22" for place in range(5000)]
    sent = document(to=to[:1])
    rest, tries = list(to), 0
    while rest:
        item = letter(sent, rest)
        report = await member.adapter.send(member.endpoint, item, Content(sent))
        tries += 1
        left = [one for one in item.deliveries if report.outcomes[one.id].kind is not OutcomeKind.RELAYED]
        assert {report.outcomes[one.id].reason for one in left} <= {"rest_follows"}
        rest = [one.recipient_code for one in left]
    lines = await axis.client(H33).sent()
    assert sorted(line["toCode"] for line in lines) == sorted(to)
    assert tries == len(taken(axis)) == 4


def test_header_line_is_never_longer_than_servers_read() -> None:
    """However long the codes are."""
    item = letter(b"x", [f"mã{'x' * 190}{place}" for place in range(1000)])
    named = nameable(item.deliveries)
    text = json.dumps([one.recipient_code for one in named], separators=(",", ":"))
    assert 0 < len(named) < 1000
    assert len(json.dumps(text)) < 65_536 <= VALUE_LENGTH_MAX + 8190


async def test_many_at_once_have_headers_and_times_of_their_own(axis: AxisLab, member: Member) -> None:
    """No call sees another's parameters."""
    letters = [document(number=number) for number in range(1, 31)]
    reports = await asyncio.gather(
        *(member.adapter.send(member.endpoint, letter(each, [G22]), Content(each)) for each in letters)
    )
    refs = {one.peer_ref for report in reports for one in report.outcomes.values()}
    assert len(refs) == 30 == len(taken(axis))


async def test_each_call_bears_the_time_at_which_it_is_made(tmp_path: Path) -> None:
    """An axis that judges times: a client made hours ago is refused while its clock is off, and then no more."""
    async with running_axis(tmp_path, habits={"window_hours": 1}) as axis:
        clock = SetClock()
        clock.ahead = timedelta(hours=-2)
        member = Member(axis, clock=clock)
        source, sent = member.source(), document()
        item = letter(sent, [G22])
        try:
            with pytest.raises(SourceError, match="timestamp"):
                await source.listed()
            (early,) = (await member.adapter.send(member.endpoint, item, Content(sent))).outcomes.values()
            clock.ahead = timedelta()
            assert await source.listed() == ()
            (late,) = (await member.adapter.send(member.endpoint, item, Content(sent))).outcomes.values()
            clock.ahead = timedelta(hours=2)
            with pytest.raises(SourceError, match="timestamp"):
                await source.listed()
        finally:
            await source.close()
            await member.close()
    assert (early.reason, late.kind) == ("peer_credential_rejected", OutcomeKind.RELAYED)


async def test_large_document_is_streamed_and_comes_back_in_pieces(axis: AxisLab) -> None:
    """30 MB there; and here by downloadEdoc, since no answer of more than 16 MiB is taken into memory."""
    sent = document(G22, [H33], size=30_000_000)
    other, member = Member(axis, G22, timeout_seconds=60), Member(axis, timeout_seconds=60)  # of a busy machine
    try:
        report = await other.adapter.send(other.endpoint, letter(sent, [H33], sender=G22), Content(sent))
    finally:
        await other.close()
    assert [one.kind for one in report.outcomes.values()] == [OutcomeKind.RELAYED]
    source, got = member.source(), bytearray()

    async def write(chunk: bytes) -> None:
        assert len(chunk) <= 262_144
        got.extend(chunk)

    try:
        (item,) = await source.listed()
        await source.fetch(item.ref, write)
    finally:
        await source.close()
        await member.close()
    assert bytes(got) == sent


# --- what it answers


def answer(**more: Any) -> bytes:
    return json.dumps({"status": "FAIL", "ErrorDesc": "loi"} | more).encode()


@pytest.mark.parametrize(
    ("http", "content", "kind", "reason", "of_document"),
    [
        (200, answer(status="OK", ErrorCode="0", DocId=17), "relayed", "", True),
        (200, answer(status="OK", ErrorCode="0"), "unknown", "outcome_unknown", False),
        (200, answer(ErrorCode="10"), "refused", "peer_refused", True),
        (200, answer(ErrorCode="15"), "deferred", "peer_credential_rejected", False),
        (200, answer(ErrorCode="18"), "refused", "peer_refused", True),
        (200, answer(ErrorCode="19"), "deferred", "peer_credential_rejected", False),
        (200, answer(ErrorCode="20"), "deferred", "peer_error", False),
        (200, answer(ErrorCode="21"), "deferred", "peer_error", True),
        (200, answer(ErrorCode="777"), "deferred", "peer_error", False),
        (200, answer(ErrorCode="31"), "refused", "peer_refused", True),
        (200, answer(ErrorCode="22"), "deferred", "peer_error", False),
        (
            200,
            answer(ErrorCode="1", ErrorDesc="Don vi gui X khong dung voi ma da dang ky: Y"),
            "deferred",
            "peer_credential_rejected",
            False,
        ),
        (200, b"<html>502</html>", "unknown", "outcome_unknown", False),
        (200, b"[" * 10_000, "unknown", "outcome_unknown", False),
        (502, b"<html>502</html>", "unknown", "outcome_unknown", False),
        (503, b"", "deferred", "peer_busy", False),
        (401, b"", "deferred", "peer_credential_rejected", False),
        (413, b"", "refused", "too_large_for_peer", True),
    ],
)
def test_answer_means_what_it_says_and_no_more(
    http: int, content: bytes, kind: str, reason: str, *, of_document: bool
) -> None:
    """A page after a whole document is no refusal: the axis behind it may have taken it."""
    codes = Codes(permanent=frozenset({"31"}), temporary=frozenset({"22"}))
    outcome = outcome_of_send(http, None, content, SystemClock(), codes)
    assert (str(outcome.kind), outcome.reason) == (kind, reason)
    assert blames_document(outcome) is of_document


# --- doubt


async def test_document_whose_answer_was_lost_is_adopted(axis: AxisLab, member: Member) -> None:
    """The axis has it under one id: that one, and no second copy goes out."""
    sent = document()
    await axis.order("cut_after", operations=["sendEdoc"], calls=1)
    item = letter(sent, [G22])
    lost = await member.adapter.send(member.endpoint, item, Content(sent))
    assert [(one.kind, one.reason) for one in lost.outcomes.values()] == [(OutcomeKind.UNKNOWN, "outcome_unknown")]
    (made,) = taken(axis)
    again = letter(sent, [G22], subject=await title_of(axis, made.doc_id))
    report = await member.adapter.send(member.endpoint, doubted(again), Content(sent))
    assert [(one.kind, one.peer_ref) for one in report.outcomes.values()] == [(OutcomeKind.RELAYED, made.doc_id)]
    assert report.peer["inquiry"] == "adopted"
    assert len(taken(axis)) == 1


async def test_what_the_axis_lacks_goes_out_again_after_two_questions(axis: AxisLab, member: Member) -> None:
    """Its list may lag, so once is not enough; the repetition is marked."""
    sent = document()
    item = letter(sent, [G22], subject="Về việc khác")
    first = await member.adapter.send(member.endpoint, doubted(item), Content(sent))
    assert [(one.kind, first.peer["inquiry"]) for one in first.outcomes.values()] == [(OutcomeKind.UNKNOWN, "none")]
    assert not taken(axis)
    second = await member.adapter.send(member.endpoint, doubted(item, inquiries=1), Content(sent))
    assert [one.kind for one in second.outcomes.values()] == [OutcomeKind.RELAYED]
    assert second.peer["possible_duplicate"] is True
    assert len(taken(axis)) == 1


async def test_second_copy_that_is_not_found_either_is_the_last_one(axis: AxisLab, member: Member) -> None:
    """An axis whose list stays empty is asked less and less often, and gets no third copy, whatever is lost."""
    await axis.order("empty", operations=["getSentEdocList"])
    sent, now = document(), datetime.now(UTC)
    item = letter(sent, [G22])
    for inquiries, last, kind, reason, wait in (
        (0, now, "unknown", "outcome_unknown", None),
        (1, now, "unknown", "outcome_unknown", 1.0),
        (4, now, "unknown", "outcome_unknown", 8.0),
        (9, now - timedelta(minutes=11), "held", "outcome_untraced", None),
    ):
        asked = doubted(item, transmissions=2, inquiries=inquiries, last=last)
        report = await member.adapter.send(member.endpoint, asked, Content(sent))
        outcomes = [(str(one.kind), one.reason, one.retry_after) for one in report.outcomes.values()]
        assert outcomes == [(kind, reason, wait)]
        assert report.peer["inquiry"] == "none"
    assert not taken(axis)


async def test_list_that_shows_what_went_out_later_does_not_lag(axis: AxisLab, member: Member) -> None:
    """What it lacks is not there: the document goes out again, however often that has failed."""
    before = datetime.now(UTC) - timedelta(minutes=1)
    await axis.client(H33).send(document())
    item = letter(document(), [G22], subject="Về việc khác")
    for last, kind in ((before, OutcomeKind.RELAYED), (before + timedelta(minutes=5), OutcomeKind.UNKNOWN)):
        asked = doubted(item, transmissions=2, inquiries=1, since=before, last=last)
        report = await member.adapter.send(member.endpoint, asked, Content(document()))
        assert [one.kind for one in report.outcomes.values()] == [kind]


async def test_several_that_may_be_it_wait_for_a_person(axis: AxisLab, member: Member) -> None:
    """Two with our number, title and recipient: no rule can tell which is ours."""
    sent = document()
    for _ in range(2):
        await axis.client(H33).send(sent)
    title = await title_of(axis, taken(axis)[0].doc_id)
    report = await member.adapter.send(member.endpoint, doubted(letter(sent, [G22], subject=title)), Content(sent))
    assert [(one.kind, one.reason) for one in report.outcomes.values()] == [(OutcomeKind.HELD, "outcome_ambiguous")]
    ours = doubted(letter(sent, [G22], subject=title), taken=[taken(axis)[0].doc_id])
    report = await member.adapter.send(member.endpoint, ours, Content(sent))
    assert [one.peer_ref for one in report.outcomes.values()] == [taken(axis)[1].doc_id]


async def test_id_given_to_another_dispatch_is_not_adopted(axis: AxisLab, member: Member) -> None:
    """An update has its document's number and title; the id that the one has is not the other's."""
    sent = document()
    await member.adapter.send(member.endpoint, letter(sent, [G22]), Content(sent))
    title = await title_of(axis, taken(axis)[0].doc_id)
    other = doubted(letter(sent, [G22], subject=title))
    report = await member.adapter.send(member.endpoint, other, Content(sent))
    assert [one.kind for one in report.outcomes.values()] == [OutcomeKind.UNKNOWN]


async def test_older_or_other_documents_are_not_it(axis: AxisLab, member: Member) -> None:
    """Another number, another recipient, or sent before the doubt began."""
    await axis.client(H33).send(document(number=1))
    (made,) = taken(axis)
    title, sent = await title_of(axis, made.doc_id), document(number=1)
    later = SystemClock().now() + timedelta(hours=1)
    for item in (
        doubted(letter(sent, [G22], notation="2/UBND-VP", subject=title)),
        doubted(letter(sent, [OFFICES[1]], subject=title)),
        doubted(letter(sent, [G22], subject=title), since=later),
    ):
        report = await member.adapter.send(member.endpoint, item, Content(sent))
        assert report.peer["inquiry"] == "none"


@pytest.mark.parametrize("offset", [-600, 600])
async def test_times_are_compared_by_the_axis_clock(axis: AxisLab, member: Member, offset: int) -> None:
    """Slow, its own document would look older than the doubt; fast, an older one would look like it."""
    await axis.order("clock_skew", offset=offset)
    sent = document()
    made = (await axis.client(H33).send(sent))["DocId"]
    now = SystemClock().now()
    item = letter(sent, [G22], subject=await title_of(axis, made))
    for since, inquiry in ((now - timedelta(seconds=60), "adopted"), (now + timedelta(seconds=400), "none")):
        report = await member.adapter.send(member.endpoint, doubted(item, since=since), Content(sent))
        assert report.peer["inquiry"] == inquiry
        assert abs(int(str(report.peer["clock_offset_seconds"])) - offset) < 60


@pytest.mark.parametrize("fault", ["html", "not_json", "truncated"])
async def test_list_that_cannot_be_read_settles_nothing(axis: AxisLab, member: Member, fault: str) -> None:
    """An outage of the sent list is neither "none" nor a reason to send."""
    await axis.order(fault, operations=["getSentEdocList"], calls=1)
    sent = document()
    report = await member.adapter.send(member.endpoint, doubted(letter(sent, [G22]), inquiries=1), Content(sent))
    assert [one.kind for one in report.outcomes.values()] == [OutcomeKind.DEFERRED]
    assert (report.peer["inquiry"], taken(axis)) == ("failed", [])


# --- its own list


async def test_what_getedoc_cannot_give_comes_by_downloadedoc(axis: AxisLab, member: Member) -> None:
    """The second way, for an entry whose JSON is spoilt."""
    sent = document(G22, [H33])
    await axis.client(G22).send(sent)
    await axis.order("wrong_base64", operations=["getEdoc"])
    source, got = member.source(), bytearray()

    async def write(chunk: bytes) -> None:
        got.extend(chunk)

    try:
        (item,) = await source.listed()
        await source.fetch(item.ref, write)
    finally:
        await source.close()
        await member.close()
    assert bytes(got) == sent


async def test_settling_is_told_with_its_reason(axis: AxisLab, member: Member) -> None:
    """`fail`, and a word that fits a header."""
    await axis.client(G22).send(document(G22, [H33]))
    source = member.source()
    try:
        (item,) = await source.listed()
        assert await source.settle(item.ref, Settlement(done=False, reason="edxml_invalid", detail="không có From"))
    finally:
        await source.close()
    (settled,) = await axis.wait("settled", system=H33)
    assert (settled["status"], settled["words"]) == ("fail", "edxml_invalid")


async def test_wrong_secret_is_an_outage_of_the_channel(axis: AxisLab, member: Member) -> None:
    """Whoever changes it at the axis is noticed, and nothing is lost."""
    await axis.change_secret(H33, "another-secret-0123456789")
    sent = document()
    report = await member.adapter.send(member.endpoint, letter(sent, [G22]), Content(sent))
    assert [(one.kind, one.reason, report.answered) for one in report.outcomes.values()] == [
        (OutcomeKind.DEFERRED, "peer_credential_rejected", False)
    ]
    source = member.source()
    try:
        with pytest.raises(SourceError) as caught:
            await source.listed()
    finally:
        await source.close()
    assert caught.value.code == "peer_credential_rejected"


# --- settings


async def test_problems_are_named_before_anybody_dials(axis: AxisLab) -> None:
    """A sentence each; a channel in order has none."""
    made = channel(axis)
    assert not problems_of(made, surroundings(axis.secrets))
    axis.secret_files[H33].chmod(0o644)
    wrong = channel(axis, hash_file="md5", colour="blue")
    found = " ".join(problems_of(wrong, surroundings(axis.secrets)))
    assert "colour" in found
    assert "hash_file" in found
    assert "0600" in " ".join(problems_of(made, surroundings(axis.secrets)))


@pytest.mark.parametrize(
    ("url", "allowed", "fine"),
    [
        ("http://axis.example.vn", True, False),
        ("http://127.0.0.1:1", True, True),
        ("http://127.0.0.1:1", None, False),
        ("http://10.1.2.3", "10.1.2.3", True),
        ("http://10.1.2.3", True, False),
        ("http://8.8.8.8", "8.8.8.8", False),
    ],
)
async def test_plain_http_only_on_loopback_or_to_a_private_address_named(
    tmp_path: Path, url: str, *, allowed: object, fine: bool
) -> None:
    """Answers are not signed, so whoever is between could write them."""
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_bytes(os.urandom(32).hex().encode())
    lab = AxisLab(folder=tmp_path, settings=tmp_path / "x", anchors=tmp_path, certificate=tmp_path,
                  secret_files={H33: secret})  # fmt: skip
    made = channel(lab, url=url, anchors_file=None, allow_plain=allowed)
    found = [each for each in problems_of(made, surroundings(tmp_path)) if "url" in each]
    assert (not found) is fine


async def test_settings_that_change_let_what_is_under_way_end(axis: AxisLab, member: Member) -> None:
    """A secret or certificate is renewed while documents travel."""
    await axis.order("slow", operations=["sendEdoc"], calls=1, delay=0.5)
    sent = document()
    slow = asyncio.create_task(member.adapter.send(member.endpoint, letter(sent, [G22]), Content(sent)))
    await asyncio.sleep(0.2)
    other = document(number=2)
    changed = channel(axis, timeout_seconds=5)
    report = await member.adapter.send(changed, letter(other, [G22]), Content(other))
    assert [one.kind for one in report.outcomes.values()] == [OutcomeKind.RELAYED]
    assert [one.kind for one in (await slow).outcomes.values()] == [OutcomeKind.RELAYED]
