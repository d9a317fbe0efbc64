"""What waits between fetch and acceptance: in which order it goes, how much there may be, and when it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from gateway.edxml.envelope import BusinessType, MessageKind
from gateway.ledger.offers import Unfetched
from gateway.maintenance.backlog import MEMORY_BYTES_MAX, PATIENCE, Backlog
from gateway.maintenance.ready import Ready
from gateway.storage.body_file import BodyFile
from gateway.storage.spool import SpooledBody


class _Clock:
    """Moves when it is told to."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> Any:
        raise NotImplementedError


def ready(name: str, priority: int = 0, *, recall: bool = False, size: int = 1) -> Ready:
    """Fetched and judged."""
    business = SimpleNamespace(type=BusinessType.RECALL if recall else BusinessType.NEW)
    envelope = SimpleNamespace(kind=MessageKind.DOCUMENT, business=business, priority=priority)
    body = SpooledBody(file=BodyFile(path=Path("x")), size=size, sha256="", content=b"x")
    offer = Unfetched(name, name, "document", "[]", None)
    judged = cast("Any", SimpleNamespace(envelope=envelope))
    return Ready(offer=offer, body=body, judged=judged, routes=(), ours=True, alone=True)


async def admitted() -> None:
    """At once."""


def lot(most: int = 10) -> tuple[Backlog, _Clock]:
    clock = _Clock()
    made = Backlog(clock, most=most)
    made.begin()
    return made, clock


async def names(backlog: Backlog) -> list[str]:
    """All, as they are let go."""
    found = []
    while (each := await backlog.next(admitted)) is not None:
        backlog.accepted(each)
        found.append(each.offer.id)
    return found


async def test_urgent_goes_first_then_the_list_then_what_is_about_others() -> None:
    """However they came."""
    backlog, _ = lot()
    for place, each in enumerate(
        [ready("a"), ready("r", 3, recall=True), ready("b"), ready("u", 1), ready("f", 3)]
    ):
        backlog.put(each, place)
    backlog.end()
    assert await names(backlog) == ["f", "u", "a", "b", "r"]


async def test_normal_waits_while_more_is_fetched_and_urgent_does_not() -> None:
    """Until all came, or patience is over."""
    backlog, clock = lot()
    backlog.put(ready("a"), 0)
    waiting = asyncio.create_task(backlog.next(admitted))
    await asyncio.sleep(0)
    assert not waiting.done()
    backlog.put(ready("u", 1), 1)
    first = await waiting
    assert first is not None
    assert first.offer.id == "u"
    clock.seconds = PATIENCE
    second = await backlog.next(admitted)
    assert second is not None
    assert second.offer.id == "a"


async def test_full_backlog_lets_no_more_be_fetched_and_goes_on_accepting() -> None:
    """By number, and by size."""
    for each in (ready("a"), ready("a", size=MEMORY_BYTES_MAX)):
        backlog, _ = lot(most=1 if each.body.size == 1 else 10)
        backlog.put(each, 0)
        fetching = asyncio.create_task(backlog.has_room())
        await asyncio.sleep(0)
        assert not fetching.done()
        assert await backlog.next(admitted) is each
        assert await fetching


async def test_what_is_about_another_waits_until_that_is_accepted() -> None:
    """A recall never overtakes its document."""
    backlog, _ = lot()
    backlog.put(ready("a"), 0)
    backlog.put(ready("r", recall=True), 1)
    backlog.end()
    first = await backlog.next(admitted)
    waiting = asyncio.create_task(backlog.next(admitted))
    await asyncio.sleep(0)
    assert first is not None
    assert not waiting.done()
    backlog.accepted(first)
    assert (await waiting) is not None


async def test_what_is_left_when_the_time_is_over_waits_for_the_next_look() -> None:
    """Nothing more goes; what is listed no more is given back."""
    backlog, _ = lot()
    backlog.put(ready("a"), 0)
    backlog.put(ready("b"), 1)
    backlog.stop()
    assert (await backlog.next(admitted), await backlog.has_room(), backlog.is_stopped) == (None, False, True)
    assert [each.offer.id for each in backlog.keep_only(["b"])] == ["a"]
    backlog.begin()
    backlog.end()
    assert await names(backlog) == ["b"]
