"""The index of lines: filled by a duty, cheap to ask, and empty of what was destroyed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.directory.fold import fold
from gateway.errors import RefusedError
from gateway.foundation import load_statements
from gateway.ledger.purged import Purge, PurgeOperation
from gateway.ledger.purges import AnswerForPurge, AnswerForPurgeOperation, OrderPurge, OrderPurgeOperation
from gateway.ledger.saved_views import (
    MOST,
    ForgetView,
    ForgetViewOperation,
    KeepView,
    KeepViewOperation,
    SavedView,
    saved_views,
)
from gateway.maintenance.indexer import Indexer
from gateway.search.filter import Filter, parse
from gateway.search.lines import Search
from tests.ledger.lab import DAY, START, Lab, message

SECRET = "Kế hoạch tuyệtmậtkỳlạ số bảy"
ENVELOPE = """{"kind": "document", "dialect": "A", "sender": {"organ_id": "000.00.00.H33"}, "code_number": "77",
 "code_notation": "UBND", "doc_type_name": "Kế hoạch", "signer": "Bùi Thị Bímậtnhân", "attachments": [{"number": 1,
 "name": "danhsáchmật.pdf"}]}"""
WORDS = ("tuyetmatkyla", "bimatnhan", "danhsachmat")


async def _arrived(lab: Lab, *recipients: str) -> None:
    new = message(*recipients, name="m1")
    row = replace(
        new.message,
        subject=SECRET,
        subject_folded=fold(SECRET),
        envelope=ENVELOPE,
        code_number="77",
        code_notation="UBND",
    )
    await lab.record(replace(new, message=row))
    for item in await lab.claim():
        await lab.finish(item)


async def _destroyed(lab: Lab) -> None:
    order = OrderPurge(
        id="o", documents=("m1",), ref="QĐ 1", reason="hết hạn", with_envelope=True, actor="operator:1", now=START,
        month="",
    )  # fmt: skip
    await lab.pump.submit(OrderPurgeOperation(), order)
    yes = AnswerForPurge(id="o", why="đúng", actor="operator:2", now=START, since=START - DAY)
    await lab.pump.submit(AnswerForPurgeOperation(), yes)
    assert await lab.pump.submit(PurgeOperation(), Purge(order="o", message_id="m1", now=START))


async def _found(lab: Lab, *pairs: tuple[str, str]) -> list[str]:
    return [line.id for line in (await Search(lab.readers).page(parse(pairs), None, limit=9)).lines]


async def _terms(lab: Lab) -> set[str]:
    await lab.rows("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab (main, search, row)")
    return {row[0] for row in await lab.rows("SELECT term FROM temp.vocabulary")}


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_what_is_destroyed_vanishes_from_the_index(lab: Lab, *, is_indexed: bool) -> None:
    """Not only from what is found: no word of it is left in a page of the index, nor comes there later."""
    await _arrived(lab, "a1", "a2", "b1")
    indexer = Indexer(lab.readers, lab.pump, SystemClock())
    if is_indexed:
        await indexer.run_once()
        assert len(await _found(lab, ("subject", SECRET))) == 3
        assert set(WORDS) <= await _terms(lab)
    await _destroyed(lab)
    await indexer.run_once()
    for pair in (("subject", "tuyệtmậtkỳlạ"), ("text", "bimatnhan"), ("text", "danhsáchmật")):
        assert await _found(lab, pair) == []
    assert not set(WORDS) & await _terms(lab)
    pages = b"".join(row[0] for row in await lab.rows("SELECT block FROM search_data"))
    assert not [word for word in WORDS if word[3:].encode() in pages]
    assert await _found(lab, ("code", "77/UBND")) == ["m1/b1", "m1/a2", "m1/a1"]
    await lab.rows("INSERT INTO search (search) VALUES ('integrity-check')")


async def test_indexer_takes_what_waits_and_then_writes_nothing(lab: Lab) -> None:
    """Portion by portion; recording does not touch the index."""
    await asyncio.gather(*(lab.record(message("a1", "a2", name=f"m{place:03}")) for place in range(130)))
    assert await lab.rows("SELECT low, high FROM search_extent") == [(1, 0)]
    indexer = Indexer(lab.readers, lab.pump, SystemClock())
    await indexer.run_once()
    assert await lab.rows("SELECT low, high FROM search_extent") == [(1, 260)]
    batches = lab.pump.counters.batches
    await indexer.run_once()
    assert lab.pump.counters.batches == batches
    assert (await Search(lab.readers).count(Filter(sender=("sender",)), None)).value == 260


ASKING = sorted(name for name in load_statements().names if name.startswith("line_find"))


@pytest.mark.parametrize("name", ASKING)
async def test_index_is_asked_by_words_between_two_numbers(lab: Lab, name: str) -> None:
    """M: by what matches; > and <: from a number to another, in their order, without sorting."""
    statement = load_statements().get(name)
    plan: list[Any] = [row[3] for row in await lab.rows(f"EXPLAIN QUERY PLAN {statement}", *("x", 1, 9, 5))]
    asked = [step for step in plan if step.startswith("SCAN s VIRTUAL TABLE")]
    assert len(asked) == 1
    assert asked[0].endswith("M4><"), plan
    assert not [step for step in plan if "TEMP B-TREE" in step]


async def test_views_are_kept_for_each_and_have_a_bound(lab: Lab) -> None:
    """A name is used once; nobody sees or removes another's."""

    async def keep(owner: str, name: str, kept: str) -> None:
        view = SavedView(name=name, filter=kept, columns=("code", "state"))
        await lab.pump.submit(KeepViewOperation(), KeepView(owner=owner, view=view, now=START))

    await keep("an", "Chưa đến", "state=dead")
    await keep("an", "Chưa đến", "state=held")
    await keep("binh", "Chưa đến", "")
    (view,) = await saved_views(lab.readers, "an")
    assert (view.filter, view.columns, view.saved_at) == ("state=held", ("code", "state"), START)
    assert not await lab.pump.submit(ForgetViewOperation(), ForgetView(owner="an", name="khác"))
    assert await lab.pump.submit(ForgetViewOperation(), ForgetView(owner="an", name="Chưa đến"))
    assert await saved_views(lab.readers, "an") == []
    assert len(await saved_views(lab.readers, "binh")) == 1
    for place in range(MOST - 1):
        await keep("binh", f"view {place}", "")
    await keep("binh", "view 0", "state=held")
    for name in ("one more", " ", "x" * 81):
        with pytest.raises(RefusedError, match="parameter_invalid"):
            await keep("binh", name, "")
