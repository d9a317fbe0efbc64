"""How each check of a webhook's receiver goes; `webhook_checks` lists them with their words.

Each trial sends something, looks at the answer and gives a verdict. What a receiver may refuse by right (an older
dialect, a size) is skipped with a hint to the channel's capability, never failed; what would lose, double or forge
a document fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from gateway.clock import Clock
from gateway.conformance.papers import (
    JUNK,
    BusinessType,
    Dialect,
    Sheet,
    document,
    reference_of,
    status,
    status_d,
)
from gateway.conformance.pushing import Answer, Push, Pusher
from gateway.conformance.verdicts import Verdict, Words, failed, passed, skipped
from gateway.simulate.writing import Named

#: The sender's code: nobody's.
SENDER: Final = Named(code="000.00.90.H33", name="Đơn vị thử")
_BIG: Final = 30_000_000
_MANY: Final = 100
_DAY: Final = 86_400
_OUTCOMES: Final = frozenset({"delivered", "relayed", "deferred", "refused"})


@dataclass(kw_only=True, slots=True)
class Bench:
    """What every check works with."""

    pusher: Pusher
    clock: Clock
    #: Codes that the receiver hosts.
    codes: tuple[str, ...]
    big_bytes: int = _BIG
    #: The document that later checks are about, once it was taken.
    first: Push | None = None
    numbers: int = 0

    def number(self) -> str:
        """A document number of its own in this run: seconds of the day, then a count."""
        self.numbers += 1
        return f"{self.clock.now():%H%M%S}{self.numbers:02d}"

    def sheet(self, subject: str, *, recipients: tuple[str, ...] = ()) -> Sheet:
        """A plain document to the receiver's offices."""
        codes = recipients or self.codes[:1]
        return Sheet(
            sender=SENDER,
            recipients=tuple(Named(code=code, name=f"Đơn vị nhận {code}") for code in codes),
            number=self.number(),
            subject=subject,
        )

    def push_of(self, sheet: Sheet) -> Push:
        """It as a transmission."""
        return Push(
            body=document(sheet, self.now()),
            recipients=tuple(one.code for one in sheet.recipients),
            sender=SENDER.code,
            priority=sheet.priority,
        ).named()

    def now(self) -> datetime:
        """As the gateway's clock has it."""
        return self.clock.now()


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing asked of a receiver or server."""

    key: str
    title: Words
    asked: Words
    mend: Words
    run: Callable[[Bench], Awaitable[Verdict]]


def taken(answer: Answer, push: Push) -> Verdict:
    """Whether the answer says of every delivery that it arrived."""
    if not answer.is_taken:
        return failed(f"Trả lời: {answer.told()}", f"It answered: {answer.told()}")
    lines = answer.outcomes()
    if lines is None:
        told = answer.told()
        return failed(f"Thân trả lời không đúng JSON đã hẹn: {told}", f"Its body is not the agreed JSON: {told}")
    if not lines:
        return passed(f"HTTP {answer.status}, thân rỗng", f"HTTP {answer.status}, empty body")
    missing = [key for key in push.deliveries if key not in lines]
    if missing:
        return failed(
            f"JSON thiếu {len(missing)} lượt giao, ví dụ {missing[0]}",
            f"The JSON leaves out {len(missing)} deliveries, such as {missing[0]}",
        )
    return _judged(lines, push, answer.status)


def _judged(lines: dict[str, dict[str, object]], push: Push, http_status: int) -> Verdict:
    if strange := next((key for key in lines if key not in push.deliveries), ""):
        return failed(
            f"JSON có lượt giao lạ {strange[:60]}", f"The JSON names a delivery nobody sent: {strange[:60]}"
        )
    outcomes = {str(lines[key].get("outcome")) for key in push.deliveries}
    if outcomes - _OUTCOMES:
        word = min(outcomes - _OUTCOMES)[:40]
        return failed(f"outcome “{word}” không có trong giao thức", f"The protocol knows no outcome “{word}”")
    if outcomes - {"delivered", "relayed"}:
        told = ", ".join(sorted(outcomes))
        return failed(f"Không nhận: {told}", f"It did not take them: {told}")
    return passed(f"HTTP {http_status}, {len(lines)} lượt", f"HTTP {http_status}, {len(lines)} deliveries")


def _refused(answer: Answer, what: Words) -> Verdict:
    if answer.is_refusal:
        return passed(f"Từ chối: HTTP {answer.status}", f"Refused: HTTP {answer.status}")
    if answer.is_taken:
        return failed(f"Đã nhận {what.vi}: {answer.told()}", f"It took {what.en}: {answer.told()}")
    return failed(
        f"Không từ chối rõ ràng {what.vi}: {answer.told()}", f"It did not clearly refuse {what.en}: {answer.told()}"
    )


async def plain(bench: Bench) -> Verdict:
    """A valid document; later trials do without if it fails."""
    push = bench.push_of(bench.sheet("V/v kiểm tra nhận văn bản"))
    verdict = taken(await bench.pusher.push(push), push)
    bench.first = push
    return verdict


def forged(what: Words, **wrong: object) -> Callable[[Bench], Awaitable[Verdict]]:
    """A transmission that is wrong in the ways named."""

    async def run(bench: Bench) -> Verdict:
        push = bench.push_of(bench.sheet("V/v kiểm tra chữ ký sai"))
        return _refused(await bench.pusher.push(replace(push, **wrong)), what)  # type: ignore[arg-type]

    return run


async def verification(bench: Bench) -> Verdict:
    """The challenge that a channel answers before its first document."""
    challenge = f"challenge-{bench.number()}"
    body = msgspec.json.encode({"challenge": challenge, "channel": "conformance"})
    push = Push(
        body=body,
        recipients=(),
        sender=SENDER.code,
        kind="verification",
        dispatch=challenge,
        media_type="application/json",
    )
    answer = await bench.pusher.push(push)
    try:
        found = msgspec.json.decode(answer.body, type=dict[str, object])
    except msgspec.DecodeError:
        found = {}
    if answer.status != 200 or found.get("challenge") != challenge:  # noqa: PLR2004
        return failed(f"Trả lời: {answer.told()}", f"It answered: {answer.told()}")
    if found.get("proof") != bench.pusher.proof_of(challenge):
        return failed(
            "proof không được tính bằng khóa của kênh", "The proof was not made with the channel's secret"
        )
    return passed()


async def changed(bench: Bench) -> Verdict:
    """Other bytes than were signed."""
    push = bench.push_of(bench.sheet("V/v kiểm tra thân bị sửa"))
    changed = push.body.replace(b"Nguy\xe1\xbb\x85n", b"Nguyen", 1)
    what = Words("thân bị sửa sau khi ký", "a body that was changed after signing")
    return _refused(await bench.pusher.push(replace(push, sent_instead=changed)), what)


async def sent_again(bench: Bench) -> Verdict:
    """One dispatch twice, one after the other."""
    push = bench.push_of(bench.sheet("V/v kiểm tra gửi lại"))
    first = await bench.pusher.push(push)
    second = await bench.pusher.push(replace(push, attempt=2))
    return _same(push, first, second)


async def sent_twice_at_once(bench: Bench) -> Verdict:
    """One dispatch twice at the same time."""
    push = bench.push_of(bench.sheet("V/v kiểm tra gửi trùng đồng thời"))
    answers = await asyncio.gather(bench.pusher.push(push), bench.pusher.push(replace(push, attempt=2)))
    waiting = [one for one in answers if one.status in {409, 425, 429, 503}]
    if waiting and len(waiting) < len(answers):
        return passed("Một yêu cầu được nhận, một được hẹn lại", "One was taken, the other asked to come again")
    return _same(push, *answers)


def _same(push: Push, first: Answer, second: Answer) -> Verdict:
    for answer in (first, second):
        verdict = taken(answer, push)
        if verdict.grade != "passed":
            return verdict
    ours, theirs = first.outcomes() or {}, second.outcomes() or {}
    pairs = ((ours.get(key, {}).get("reference"), theirs.get(key, {}).get("reference")) for key in push.deliveries)
    if any(one != other for one, other in pairs if one and other):
        return failed(
            "Hai lần cùng Idempotency-Key cho hai reference khác nhau: đã xử lý hai lần",
            "The same Idempotency-Key got two different references: it was processed twice",
        )
    return passed("Cả hai lần cùng một kết quả", "The same outcome both times")


async def several(bench: Bench) -> Verdict:
    """Three deliveries."""
    codes = tuple(bench.codes[place % len(bench.codes)] for place in range(3))
    push = bench.push_of(bench.sheet("V/v kiểm tra nhiều nơi nhận", recipients=codes))
    return taken(await bench.pusher.push(push), push)


async def in_parts(bench: Bench) -> Verdict:
    """One dispatch in two transmissions, each for deliveries of its own."""
    codes = tuple(bench.codes[place % len(bench.codes)] for place in range(2))
    sheet = bench.sheet("V/v kiểm tra gửi từng phần", recipients=codes)
    whole = bench.push_of(sheet)
    for place in range(2):
        part = replace(
            whole,
            recipients=whole.recipients[place : place + 1],
            deliveries=whole.deliveries[place : place + 1],
            part=f"{place + 1}/2",
        )
        verdict = taken(await bench.pusher.push(part), part)
        if verdict.grade != "passed":
            return verdict
    return passed()


async def in_rotation(bench: Bench) -> Verdict:
    """Two signatures, the second by our secret."""
    push = bench.push_of(bench.sheet("V/v kiểm tra đổi khóa"))
    answer = await bench.pusher.push(replace(push, earlier_secret=b"the secret before " * 2))
    if answer.is_refusal:
        return skipped(
            "Chỉ đọc chữ ký đầu tiên: đổi khóa đúng lúc với người vận hành, hoặc xét mọi dòng Gateway-Signature",
            "It reads the first signature only: change the secret together with the operator, or look at every "
            "line of Gateway-Signature",
        )
    return taken(answer, push)


async def many(bench: Bench) -> Verdict:
    """A hundred deliveries."""
    codes = tuple(bench.codes[place % len(bench.codes)] for place in range(_MANY))
    push = bench.push_of(bench.sheet("V/v kiểm tra tiêu đề dài", recipients=codes))
    answer = await bench.pusher.push(push)
    if answer.status in {400, 431}:
        return failed(f"Tiêu đề dài bị từ chối: {answer.told()}", f"A long header was refused: {answer.told()}")
    return taken(answer, push)


def business(kind: BusinessType, subject: str) -> Callable[[Bench], Awaitable[Verdict]]:
    """A document, then one of another kind about it."""

    async def run(bench: Bench) -> Verdict:
        original = bench.sheet("V/v kiểm tra nghiệp vụ")
        pushed = bench.push_of(original)
        verdict = taken(await bench.pusher.push(pushed), pushed)
        if verdict.grade != "passed":
            return verdict
        about = reference_of(SENDER.code, original.number, bench.now())
        sheet = replace(bench.sheet(subject), business_type=kind, about=about)
        push = bench.push_of(sheet)
        return taken(await bench.pusher.push(push), push)

    return run


def in_dialect(dialect: Dialect) -> Callable[[Bench], Awaitable[Verdict]]:
    """A document of another dialect."""

    async def run(bench: Bench) -> Verdict:
        push = bench.push_of(replace(bench.sheet(f"V/v kiểm tra khuôn dạng {dialect}"), dialect=dialect))
        return _or_capability(await bench.pusher.push(push), push, f"dialect={dialect}")

    return run


def _or_capability(answer: Answer, push: Push, what: str) -> Verdict:
    """A receiver may refuse by right what it does not read; it must say so clearly."""
    if answer.is_refusal and answer.status not in {401, 403, 408, 429}:
        return skipped(
            f"Không nhận ({answer.told()}): đặt capability của kênh, trục sẽ chuyển đổi hoặc từ chối trước "
            f"({what})",
            f"Not taken ({answer.told()}): set the channel's capability, and the gateway converts or refuses "
            f"({what})",
        )
    return taken(answer, push)


def reporting(*, dialect_d: bool) -> Callable[[Bench], Awaitable[Verdict]]:
    """A status."""

    async def run(bench: Bench) -> Verdict:
        about = reference_of(bench.codes[0], bench.number(), bench.now())
        write = status_d if dialect_d else status
        body = write(SENDER, about, "03", "Đã tiếp nhận", bench.now())
        push = Push(body=body, recipients=bench.codes[:1], sender=SENDER.code, kind="status").named()
        answer = await bench.pusher.push(push)
        return _or_capability(answer, push, "dialect=D") if dialect_d else taken(answer, push)

    return run


def unreadable(make: Callable[[Bench], bytes]) -> Callable[[Bench], Awaitable[Verdict]]:
    """Bytes that are no edXML, or nearly."""

    async def run(bench: Bench) -> Verdict:
        push = Push(body=make(bench), recipients=bench.codes[:1], sender=SENDER.code).named()
        answer = await bench.pusher.push(push)
        if answer.is_taken or (answer.is_refusal and answer.status not in {401, 403, 408, 429}):
            return passed(f"Trả lời rõ ràng: HTTP {answer.status}", f"A clear answer: HTTP {answer.status}")
        return failed(f"Trả lời: {answer.told()}", f"It answered: {answer.told()}")

    return run


async def big(bench: Bench) -> Verdict:
    """A large attachment."""
    sheet = replace(bench.sheet("V/v kiểm tra văn bản lớn"), padding=bench.big_bytes, dialect="B")
    push = bench.push_of(sheet)
    answer = await bench.pusher.push(push)
    if answer.status == 413:  # noqa: PLR2004
        return skipped(
            f"Không nhận {len(push.body)} byte: báo người vận hành đặt --capability max_bytes=… cho kênh",
            f"{len(push.body)} bytes are not taken: have the operator set --capability max_bytes=… of the channel",
        )
    verdict = taken(answer, push)
    seconds = f"{len(push.body)} byte, {answer.seconds:.1f} s"
    return passed(seconds, seconds.replace("byte", "bytes")) if verdict.grade == "passed" else verdict


async def slow(bench: Bench) -> Verdict:
    """A body that trickles."""
    push = replace(bench.push_of(bench.sheet("V/v kiểm tra đường truyền chậm")), slowly=3.0)
    return taken(await bench.pusher.push(push), push)


async def cut_off(bench: Bench) -> Verdict:
    """Half a body, then all of it."""
    push = bench.push_of(bench.sheet("V/v kiểm tra đường truyền đứt"))
    await bench.pusher.push(replace(push, cut_after=len(push.body) // 2))
    bench.pusher.answers.pop()
    return taken(await bench.pusher.push(replace(push, attempt=2)), push)


async def retry_after(bench: Bench) -> Verdict:
    """What every busy answer said."""
    busy = [one for one in bench.pusher.answers if one.status in {429, 503}]
    if not busy:
        return skipped("Không lần nào trả 429 hay 503", "It never answered 429 or 503")
    for answer in busy:
        wait = answer.headers.get("Retry-After", "")
        seconds = _seconds(wait, bench.now())
        if wait and (seconds is None or not 0 <= seconds <= _DAY):
            return failed(f"Retry-After: {wait[:60]}", f"Retry-After: {wait[:60]}")
    return passed()


def _seconds(value: str, now: datetime) -> float | None:
    if value.strip().isdecimal():
        return float(value)
    try:
        return (parsedate_to_datetime(value) - now) / timedelta(seconds=1)
    except (ValueError, TypeError):
        return None


def junked(bench: Bench) -> bytes:
    """A document with junk in front."""
    return JUNK + bench.push_of(bench.sheet("V/v kiểm tra ký tự thừa")).body
