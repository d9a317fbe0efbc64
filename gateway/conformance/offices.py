"""The test offices: behaviour to order, as data, and one actor that plays all of them over REST.

`OFFICES` says how each answers what it gets; an `Order` is something that one of them is told to send. The actor
polls one inbox for all, reads with the simulators' reader, and answers in tasks of its own, so that an office that
answers late holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, Literal

from gateway.clock import Clock
from gateway.conformance.papers import (
    BusinessType,
    Dialect,
    Sheet,
    document,
    odd,
    reference_of,
    status,
    status_d,
)
from gateway.conformance.verdicts import Words
from gateway.simulate.reading import Incoming, UnreadableError, read
from gateway.simulate.rest import Reply, Request, Rest
from gateway.simulate.writing import Named, Reference

_TAKEN: Final = 202
_HUGE: Final = 30_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """One of them, and how it answers documents."""

    key: str
    code: str
    words: Words
    #: Codes of the statuses that it reports, with their words.
    answers: tuple[tuple[str, str], ...] = (("01", "Đã đến"), ("03", "Đã tiếp nhận"))
    #: What it reports about recalls, updates, replacements and take-backs.
    agrees: tuple[str, str] = ("15", "Đồng ý")
    #: Seconds before it answers.
    delay: float = 0.0
    #: Whether anybody opens its mail.
    reads: bool = True
    #: Reports in dialect D.
    dialect_d: bool = False

    @property
    def named(self) -> Named:
        """As messages name it."""
        return Named(code=self.code, name=f"Đơn vị thử: {self.words.vi}")


OFFICES: Final = (
    Office(
        key="ready",
        code="000.00.91.H33",
        words=Words("tiếp nhận đầy đủ", "takes everything"),
        answers=(("01", "Đã đến"), ("03", "Đã tiếp nhận"), ("06", "Hoàn thành")),
    ),
    Office(
        key="refusing",
        code="000.00.92.H33",
        words=Words("luôn từ chối", "always refuses"),
        answers=(("01", "Đã đến"), ("02", "Gửi nhầm đơn vị, đề nghị gửi lại đúng nơi nhận")),
        agrees=("16", "Văn bản đã xử lý xong"),
    ),
    Office(key="late", code="000.00.93.H33", words=Words("trả lời chậm", "answers late"), delay=8.0),
    Office(key="absent", code="000.00.94.H33", words=Words("không ai mở máy", "opens nothing"), reads=False),
    Office(
        key="old",
        code="000.00.95.H33",
        words=Words("phần mềm cũ, khuôn dạng C và D", "old software, dialects C and D"),
        dialect_d=True,
    ),
)
BY_KEY: Final = {office.key: office for office in OFFICES}


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What an office is told to send to the system under test."""

    office: str = "ready"
    act: Literal["document", "take_back"] = "document"
    subject: str = "V/v kiểm tra tương thích"
    dialect: Dialect = "A"
    business_type: BusinessType = "0"
    #: The step whose document this one is about.
    about: str = ""
    #: How often, with other bytes each time.
    copies: int = 1
    huge: bool = False
    odd: bool = False
    priority: int = 0


@dataclass(kw_only=True, slots=True)
class Performed:
    """What became of an order."""

    reference: Reference
    business_type: str
    #: Of the messages that the gateway made of it.
    messages: list[str] = field(default_factory=list)
    #: Why it could not be sent: a fault of the sandbox, not of the system under test.
    trouble: str = ""


class Crew:
    """Tasks that end with the run; one that breaks is remembered in words, and stops nobody else."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.troubles: list[str] = []

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Cut off whatever is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.troubles.append(f"{type(error).__name__}: {error}"[:300])


class TestOffices:
    """Plays them until cancelled."""

    #: pytest must not take it for a test.
    __test__ = False

    def __init__(self, rest: Rest, vendor: Named, clock: Clock, crew: Crew) -> None:
        self._rest = rest
        self._vendor = vendor
        self._clock = clock
        self._crew = crew
        self._numbers = 0
        #: Step -> what was sent for it.
        self.performed: dict[str, Performed] = {}

    async def run(self) -> None:
        """Poll for ever; what nobody opens stays where it is."""
        by_code = {office.code: office for office in OFFICES}
        cursor = ""
        while True:
            items, cursor = await self._rest.inbox(cursor)
            for item in items:
                office = by_code.get(item["organId"])
                if office is not None and office.reads:
                    self._crew.start(self._take(office, item))

    async def perform(self, step: str, order: Order) -> None:
        """Send what a step needs."""
        office = BY_KEY[order.office]
        about = self.performed[order.about].reference if order.about else None
        if order.act == "take_back":
            await self._take_back(step, office, about)
            return
        self._numbers += 1
        sheet = Sheet(
            sender=office.named,
            recipients=(self._vendor,),
            number=f"{self._clock.now():%H%M%S}{self._numbers:02d}",
            subject=order.subject,
            dialect=order.dialect,
            business_type=order.business_type,
            about=about,
            priority=order.priority,
            padding=_HUGE if order.huge else 0,
        )
        own = reference_of(office.code, sheet.number, self._clock.now())
        kept = about if about is not None and order.business_type in {"1", "2"} else own
        done = self.performed[step] = Performed(reference=kept, business_type=order.business_type)
        for copy in range(order.copies):
            data = await asyncio.to_thread(document, sheet, self._clock.now())
            data = odd(data) if order.odd else data
            # a comment behind the root: other bytes, the same content
            data += b"<!-- %d -->\n" % copy if copy else b""
            reply = await self._send("/documents", data)
            self._note(done, reply)

    async def _take_back(self, step: str, office: Office, about: Reference | None) -> None:
        assert about is not None
        done = self.performed[step] = Performed(reference=about, business_type="13")
        asked = replace(about, organ_id=self._vendor.code)
        data = status(office.named, asked, "13", "Ban hành nhầm, đề nghị cho lấy lại văn bản", self._clock.now())
        self._note(done, await self._send("/statuses", data))

    def _note(self, done: Performed, reply: Reply) -> None:
        if reply.status == _TAKEN:
            done.messages.append(str(reply.json.get("id", "")))
        else:
            done.trouble = f"HTTP {reply.status} {reply.reason} {reply.json.get('detail', '')}"

    async def _take(self, office: Office, item: dict[str, Any]) -> None:
        data = await self._rest.content(item["id"])
        if data is None:
            return
        await self._rest.acknowledge(item["id"])
        try:
            incoming = read(data)
        except UnreadableError:
            return
        await asyncio.sleep(office.delay)
        if incoming.is_status and incoming.status_code != "13":
            return
        requested = incoming.is_status or incoming.business_type in {"1", "2", "3"}
        for code, words in (("01", "Đã đến"), office.agrees) if requested else office.answers:
            if incoming.is_status and code == "01":
                continue
            await self._answer(office, incoming, code, words)

    async def _answer(self, office: Office, incoming: Incoming, code: str, words: str) -> None:
        about = _about(incoming)
        write = status_d if office.dialect_d else status
        said = words if incoming.business_type in {"", "0"} else f"{words} ({incoming.business_type})"
        await self._send("/statuses", write(office.named, about, code, said, self._clock.now()))

    async def _send(self, path: str, data: bytes) -> Reply:
        self._numbers += 1
        key = f"conformance-{self._clock.now():%H%M%S}-{self._numbers}"
        return await self._rest.submit(Request(path=path, body=data, content_type="application/xml", key=key))


def _about(incoming: Incoming) -> Reference:
    """The document that a message is, or is about, as an answer refers to it."""
    if incoming.is_status:
        about = incoming.about[0]
        number, _, notation = about.code.partition("/")
        text, sender, document_id = about.date, incoming.sender, about.document_id
    else:
        number, notation, text = incoming.number, incoming.notation, incoming.date
        sender, document_id = incoming.sender, incoming.document_id
    year, month, day = (int(part) for part in text.split("/"))
    return Reference(
        organ_id=sender, number=number, notation=notation, issued_on=date(year, month, day), document_id=document_id
    )
