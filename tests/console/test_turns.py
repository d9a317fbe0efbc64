"""Heavy pages take turns: nobody makes them without end, and everything else is answered meanwhile."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from gateway.accounts.roles import Role
from gateway.console.routes import ROUTES
from gateway.console.turns import ASKED, AT_ONCE, Turns
from gateway.errors import RefusedError
from gateway.ids import uuid7
from tests.console.site import LOGINS, Site
from tests.journeys.installation import PROVINCE

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_one_of_a_person_and_few_of_all_at_a_time() -> None:
    """The others come next, one person as soon as the other."""
    turns, done = Turns(), list[str]()
    full, ended = asyncio.Event(), asyncio.Event()

    async def make(person: str) -> None:
        async with turns.one(person):
            done.append(person)
            if len(done) == AT_ONCE:
                full.set()
            await ended.wait()

    async with asyncio.TaskGroup() as group:
        for person in ("a", "a", "a", "b", "c"):
            group.create_task(make(person))
        await full.wait()
        assert done == ["a", "b"]
        ended.set()
    assert done == ["a", "b", "c", "a", "a"]


async def test_prints_leave_the_pages_a_place_at_all_times() -> None:
    """However many print, and though they wait: one print at a time, and whoever waits for one reads on."""
    turns = Turns(patience=timedelta())
    async with turns.one("a", prints=True):
        with pytest.raises(RefusedError, match="pages_busy"):
            async with turns.one("b", prints=True):
                raise AssertionError("a second print has taken the place of the pages")
        async with turns.one("a"):
            with pytest.raises(RefusedError, match="pages_busy"):
                async with turns.one("b"):
                    raise AssertionError("there are no more places than before")
        async with turns.one("b"):
            pass
    async with turns.one("a"), turns.one("b"):
        with pytest.raises(RefusedError, match="pages_busy"):
            async with turns.one("c", prints=True):
                raise AssertionError("there are no more places than before")
    async with turns.one("c", prints=True):
        pass


async def test_what_is_made_for_paper_is_a_print_and_the_ledger_is_none() -> None:
    """Of the routes that are heavy."""
    kinds = {route.path: route.heavy for route in ROUTES if route.heavy}
    made = {path for path, kind in kinds.items() if kind == "print"}
    assert {path for path in kinds if re.search(r"pdf$|xlsx$|/file/|^/shift|/incident", path)} == made
    assert kinds["/ledger"] == kinds["/ledger/count"] == "page"


async def test_who_waits_too_long_or_asks_for_too_much_is_refused() -> None:
    """With a code that says which it was, and when to come back; what was refused leaves nothing behind."""
    turns = Turns(patience=timedelta())

    async def refused(person: str) -> tuple[str, bool]:
        with pytest.raises(RefusedError) as caught:
            async with turns.one(person):
                raise AssertionError("it is not this one's turn")
        return caught.value.code, bool(caught.value.retry_after)

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(turns.one("a"))
        assert await refused("a") == ("page_underway", True)
        await stack.enter_async_context(turns.one("b"))
        assert await refused("c") == ("pages_busy", True)
    async with turns.one("c"), turns.one("a"):
        pass
    patient = Turns()

    async def wait() -> None:
        async with patient.one("a"):
            raise AssertionError("it is never this one's turn")

    async with patient.one("a"):
        waiting = [asyncio.create_task(wait()) for _ in range(ASKED - 1)]
        await asyncio.sleep(0)
        with pytest.raises(RefusedError, match="page_underway"):
            await wait()
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with patient.one("a"):
        pass


async def test_refusal_is_a_page_in_the_persons_language_and_light_pages_are_shown(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """429 with Retry-After; also for a part of a page, and not for a page that is not heavy."""
    viewer, auditor = await site.signed_in(Role.VIEWER), await site.signed_in(Role.AUDITOR)
    key = (await site.base.users.require(LOGINS[Role.VIEWER])).id
    turns, one = Turns(patience=timedelta()), Turns.one
    monkeypatch.setattr(Turns, "one", lambda _self, person, **kind: one(turns, person, **kind))
    assert [route.path for route in ROUTES if route.heavy]
    async with one(turns, key):
        refused = await viewer.get("/ledger")
        assert (refused.status, "page_underway" in refused.text) == (429, True)
        assert "Trang trước của bạn chưa lập xong." in refused.text
        assert refused.headers["Retry-After"] == "10"
        assert (await viewer.get("/ledger/count", HX_Request="true")).status == 429
        assert (await viewer.get("/account")).status == 200
        assert (await auditor.get("/ledger")).status == 200
        async with one(turns, "somebody"):
            busy = await auditor.get("/ledger")
            assert (busy.status, "Nhiều người đang mở trang nặng cùng lúc." in busy.text) == (503, True)
    assert (await viewer.get("/ledger")).status == 200


async def test_evidence_is_sealed_in_turns_as_prints_are(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a bundle again and again has one made at a time."""
    auditor = await site.signed_in(Role.AUDITOR)
    key = (await site.base.users.require(LOGINS[Role.AUDITOR])).id
    turns, one = Turns(patience=timedelta()), Turns.one
    monkeypatch.setattr(Turns, "one", lambda _self, person, **kind: one(turns, person, **kind))
    none = {"issuer": PROVINCE, "number": "1/KHONG-CO", "first": "2026-01-01", "last": "2026-01-01"}
    asked = [(f"/audit/bundle/{uuid7()}", {"reason": "thanh tra"}), ("/audit/absence", none)]
    async with one(turns, key, prints=True):
        for path, form in asked:
            refused = await auditor.post(path, form)
            assert (refused.status, "page_underway" in refused.text) == (429, True)
    for path, form in asked:
        assert "page_underway" not in (await auditor.post(path, form)).text
