"""Search: what a filter finds is what going through all lines would find, in pages both ways, from one value."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.directory.fold import fold
from gateway.errors import RefusedError
from gateway.ledger.search_index import IndexLines, IndexLinesOperation
from gateway.model import AgencyId
from gateway.search import lines as search_lines
from gateway.search.filter import Filter, parse
from gateway.search.lines import Count, Line, Scope, Search
from gateway.search.spans import BLOCK_BITS, Span, span_of
from gateway.states import Trigger
from tests.ledger.lab import HOUR, START, Lab, message, status

SUBJECTS = ("Kế hoạch Đại hội Đảng", "Báo cáo tình hình thiên tai", "Kế hoạch phòng chống thiên tai")
CODES = (("125", "UBND-VP"), ("0125", "QĐ-UBND"), ("7", "BC/STC"))
TYPES = ("Kế hoạch", "Báo cáo", "Công văn")
RECIPIENTS = (("a1", "x1"), ("i1",), ("a2", "a1", "i2"), ("x1",))


async def fill(lab: Lab, how_many: int = 24, *, unindexed: int = 0) -> None:
    """Documents two hours apart, each another mixture; some lines are held, some arrive, some are reported on."""
    for place in range(how_many):
        new = message(*RECIPIENTS[place % 4], name=f"m{place:02}", at=START + 2 * place * HOUR, expects_status=True)
        number, notation = CODES[place % 3]
        subject = SUBJECTS[place % 3]
        row = replace(
            new.message,
            sender_id=("sender", "i2")[place % 5 == 0],
            code_number=number,
            code_notation=notation,
            subject=subject,
            subject_folded=fold(subject),
            priority=place % 2 * 3,
            envelope=f'{{"doc_type_name": "{TYPES[place % 3]}", "signer": "Nguyễn Đức {place}",'
            f' "attachments": [{{"name": "Phụ lục {place}.pdf", "description": "bảng kê"}}]}}',
        )
        await lab.record(replace(new, message=row))
    await lab.act(Trigger.HELD, "m02/a2", "m06/a1", "m07/x1")
    for outgoing in await lab.claim(START + 99 * HOUR, room=100):
        if int(outgoing.message_id[1:]) % 3:
            await lab.finish(outgoing)
    await lab.record(status("01", "m00/a1", "m02/a1"))
    await lab.record(status("02", "m00/a1"))
    await lab.record(status("03", "m02/a1"))
    await index(lab, but=unindexed)


async def index(lab: Lab, portion: int = 7, *, but: int = 0) -> None:
    """Until no more than some wait."""
    ((waiting,),) = await lab.rows("SELECT (SELECT MAX(seq) FROM delivery) - high FROM search_extent")
    while waiting > but:
        taken = await lab.pump.submit(IndexLinesOperation(), IndexLines(limit=min(portion, waiting - but)))
        assert taken
        waiting -= taken


def _fits(line: Line, wanted: Filter, scope: Scope) -> bool:
    day = (line.created_at + timedelta(hours=7)).date()
    values: dict[str, Any] = {
        "sender": line.sender_id, "recipient": line.recipient_id, "channel": line.endpoint_id,
        "type": fold(line.type_name), "urgency": str(line.priority), "state": str(line.state),
        "status": line.business_status or "none",
    }  # fmt: skip
    return (
        all(not getattr(wanted, name) or value in getattr(wanted, name) for name, value in values.items())
        and set(fold(wanted.subject).split()) <= set(fold(line.subject).split())
        and (wanted.since is None or day >= wanted.since)
        and (wanted.until is None or day <= wanted.until)
        and (scope is None or line.sender_id in scope or (line.recipient_id in scope and line.state != "held"))
    )


async def _ids(lab: Lab, wanted: Filter, scope: Scope = None) -> list[str]:
    return [line.id for line in (await Search(lab.readers).page(wanted, scope, limit=1000)).lines]


#: Each value of each field, and pairs of them, are looked for.
FILTERS: Sequence[dict[str, Any]] = (
    {"sender": ("i2",)}, {"sender": ("sender",)}, {"recipient": ("a1",)}, {"recipient": ("a1", "i1")},
    {"channel": ("axis",)}, {"type": ("ke hoach",)}, {"urgency": ("3",)}, {"state": ("held",)},
    {"state": ("delivered",)}, {"state": ("queued", "delivered")}, {"status": ("02",)}, {"status": ("none",)},
    {"since": date(2026, 11, 23)}, {"until": date(2026, 11, 23)}, {"subject": "THIEN tai"}, {"subject": "Đại hội"},
)  # fmt: skip


@pytest.mark.parametrize("unindexed", [0, 1, 13, 42])
async def test_every_pair_of_filters_finds_what_fits_in_pages_both_ways(lab: Lab, unindexed: int) -> None:
    """Whatever way is taken, nothing is missing, doubled or out of order; the newest need no index."""
    await fill(lab, unindexed=unindexed)
    search = Search(lab.readers)
    everything = (await search.page(Filter(kind="all"), None, limit=1000)).lines
    assert len(everything) == 42
    scopes = itertools.cycle([None, None, frozenset({AgencyId("a1"), AgencyId("i2")})])
    for one, other in itertools.combinations(({}, *FILTERS), 2):
        wanted = Filter(**{**one, **other})
        scope = next(scopes)
        expected = [line.seq for line in everything if _fits(line, wanted, scope)]
        found: list[int] = []
        page = await search.page(wanted, scope, limit=9)
        found += [line.seq for line in page.lines]
        while page.older is not None:
            page = await search.page(wanted, scope, limit=9, before=page.older)
            found += [line.seq for line in page.lines]
        assert found == expected, (wanted, scope)
        back: list[int] = []
        page = await search.page(wanted, scope, limit=9, after=0)
        back = [line.seq for line in page.lines]
        while page.newer is not None:
            page = await search.page(wanted, scope, limit=9, after=page.newer)
            back = [line.seq for line in page.lines] + back
        assert back == expected, (wanted, scope)
        assert await search.count(wanted, scope) == Count(value=len(expected))


async def test_too_many_new_lines_wait_for_the_index(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would have to be looked at by itself."""
    await fill(lab, unindexed=6)
    wanted = Filter(subject="thiên tai")
    found = await _ids(lab, wanted)
    monkeypatch.setattr(search_lines, "_WINDOW", 5)
    newest = {
        row[0] for row in await lab.rows("SELECT id FROM delivery WHERE seq > (SELECT high FROM search_extent)")
    }
    assert await _ids(lab, wanted) == [each for each in found if each not in newest] != found


@pytest.mark.parametrize(
    ("code", "places"),
    [
        ("125/UBND-VP", {0}),
        ("0125/ubnd - vp", {0}),
        ("số 125 / UBND–VP", {0}),
        ("125", {0, 1}),
        ("00125", {0, 1}),
        ("125/QĐ-UBND", {1}),
        ("125/QÐ-UBND", {1}),  # the Icelandic letter
        ("125/qđ-ubnd".encode().decode(), {1}),
        ("125/QD-UBND", {1}),
        ("UBND", {0, 1}),
        ("7/BC-STC", {2}),
        ("7/BCSTC", {2}),
        ("25/UBND-VP", set()),
    ],
)
async def test_number_and_notation_are_found_as_people_write_them(lab: Lab, code: str, places: set[int]) -> None:
    """Leading zeros, spaces, dashes, Unicode forms and the three letters that look like Đ do not matter."""
    await fill(lab, 12)
    found = await _ids(lab, parse([("code", code)]))
    assert {int(each[1:3]) % 3 for each in found} == places


async def test_text_finds_files_signers_and_numbers(lab: Lab) -> None:
    """With or without diacritics; every word must be there."""
    await fill(lab, 12)
    for text, expected in {
        "phu luc 11": ["m11/x1"],
        "Nguyễn Đức 11 thiên tai": ["m11/x1"],
        "nguyen duc 11 dai hoi": [],
        "bang ke 7 BC STC": ["m11/x1", "m08/a1", "m08/x1", "m05/i1", "m02/i2", "m02/a1"],
    }.items():
        found = await _ids(lab, parse([("text", text)]))
        assert found == expected or (text.startswith("bang") and set(found) >= set(expected)), text


async def test_scope_leaves_out_what_is_kept_from_a_recipient(lab: Lab) -> None:
    """Its sender sees a held line, its recipient does not; nobody sees what is neither's; no agency, no line."""
    await fill(lab)
    held = Filter(state=("held",))
    assert await _ids(lab, held, frozenset({AgencyId("sender")})) == ["m07/x1", "m06/a1", "m02/a2"]
    assert await _ids(lab, held, frozenset({AgencyId("a1")})) == []
    for wanted in (Filter(), held, Filter(subject="thien tai"), Filter(recipient=("a1",), state=("delivered",))):
        assert await _ids(lab, wanted, frozenset()) == []


async def test_page_that_looked_at_enough_says_so_and_goes_on(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that fits hardly anything costs no more than a bound, and loses nothing."""
    await fill(lab)
    for name, value in {"_FEW": 0, "_WINDOW": 3, "_WIDEST": 6, "LOOKED_AT": 9}.items():
        monkeypatch.setattr(search_lines, name, value)
    search, found, partial = Search(lab.readers), [], 0
    page = await search.page(Filter(status=("02",)), None, limit=2)
    while True:
        found += [line.id for line in page.lines]
        partial += page.partial
        if page.older is None:
            break
        page = await search.page(Filter(status=("02",)), None, limit=2, before=page.older)
    assert found == ["m00/a1"]
    assert partial >= 3
    assert (await search.count(Filter(status=("02",)), None, most=5)).more
    assert [
        line.id for part in [x async for x in search.all(Filter(status=("02",)), None)] for line in part
    ] == found


async def _walked(search: Search, wanted: Filter, *, newer: bool) -> tuple[list[int], int]:
    """The lines of all pages, and how many pages ended before they were full."""
    found, partial = list[int](), 0
    place: dict[str, int] = {"after": 0} if newer else {}
    while True:
        page = await search.page(wanted, None, limit=99, **place)
        found += [line.seq for line in page.lines]
        partial += page.partial
        goes_on = page.newer if newer else page.older
        if goes_on is None:
            return sorted(found), partial
        place = {"after" if newer else "before": goes_on}


async def test_words_that_stand_elsewhere_are_looked_for_block_by_block(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often a word is met where it is not looked for, a page ends with a block, and nothing is lost."""
    await lab.record(message("a1", name="m99", at=START - HOUR))
    await lab.rows("UPDATE delivery SET seq = ?", 2 * 65_536 - 9)
    await fill(lab)
    search = Search(lab.readers)
    everything = (await search.page(Filter(kind="all"), None, limit=1000)).lines
    asked = {
        Filter(**each): [line.seq for line in everything if _fits(line, Filter(**each), None)]
        for each in (
            *FILTERS,
            {"subject": "bảng kê"},  # in the files of all lines
            {"subject": "Đại hội thiên tai"},  # never together
        )
    }
    for other in (Filter(text="Kế hoạch bảng kê"), parse([("code", "125/UBND-VP")])):
        asked[other] = [line.seq for line in (await search.page(other, None, limit=99)).lines]
        assert asked[other]
    monkeypatch.setattr(search_lines, "_FEW", 2)
    monkeypatch.setattr(search_lines, "_EFFORT", 1)
    for wanted, expected in asked.items():
        for newer in (True, False):
            found, partial = await _walked(search, wanted, newer=newer)
            assert found == sorted(expected), (wanted, newer)
            assert not (wanted.subject or wanted.text) or partial, wanted
        count = await search.count(wanted, None)
        assert count.value <= len(expected) if count.more else count.value == len(expected), wanted


@given(
    low=st.integers(0, 1 << 24),
    length=st.integers(2, 1 << 24),
    reach=st.one_of(st.none(), st.floats(0, 1)),
    newer=st.booleans(),
)
def test_spans_leave_no_line_out_and_ask_about_few_blocks(
    *, low: int, length: int, reach: float | None, newer: bool
) -> None:
    """One after the other they are the range; each names the blocks that it is about, and those are few."""
    high, ends, spans = low + length, [low, low + length], list[Span]()
    while ends[1] - ends[0] > 1:
        met = None if reach is None else ends[0] + 1 + int(reach * (ends[1] - ends[0] - 2))
        span = span_of(*ends, newer=newer, reach=met, is_last=False)
        assert ends[0] <= span.low < span.high - 1 < ends[1], (ends, span)
        (bound,) = span.bounds
        blocks = {int(word[1:]) for (word,) in bound.any_of}
        assert blocks == set(range((span.low + 1) >> BLOCK_BITS, ((span.high - 1) >> BLOCK_BITS) + 1))
        assert len(blocks) <= 64
        spans.append(span)
        ends = [span.high - 1, ends[1]] if newer else [ends[0], span.low + 1]
    spans.sort(key=lambda each: each.low)
    assert (spans[0].low, spans[-1].high) == (low, high)
    assert all(one.high - 1 == other.low for one, other in itertools.pairwise(spans))


async def test_count_is_bounded(lab: Lab) -> None:
    """More than so many is all that is said."""
    await fill(lab)
    search = Search(lab.readers)
    assert await search.count(Filter(), None, most=10) == Count(value=10, more=True)
    assert await search.count(Filter(subject="thien tai"), None, most=10) == Count(value=10, more=True)
    newest = (await search.page(Filter(), None, limit=5)).lines[-1]
    assert await search.count(Filter(), None, above=newest.seq) == Count(value=4)


async def test_old_lines_are_indexed_after_new_ones_and_a_page_says_what_is_missing(lab: Lab) -> None:
    """A ledger from before the index: its newest lines are found at once, the older ones as the duty goes on."""
    await fill(lab, 12)
    await lab.rows("INSERT INTO search (search) VALUES ('delete-all')")
    await lab.rows("UPDATE search_extent SET low = 19, high = 18")
    search, wanted = Search(lab.readers), Filter(type=("ke hoach", "bao cao", "cong van"))
    newer = message("a1", name="n1", at=START + 99 * HOUR)
    await lab.record(replace(newer, message=replace(newer.message, envelope='{"doc_type_name": "Công văn"}')))
    take = IndexLinesOperation()
    sizes = []
    while await lab.pump.submit(take, IndexLines(limit=8)):
        page = await search.page(wanted, None, limit=100)
        sizes.append((len(page.lines), page.unindexed))
        assert page.lines[0].id == "n1/a1"
    assert [size for size, _ in sizes] == sorted(size for size, _ in sizes)
    assert sizes[0][1] > 0
    assert sizes[-1][1] == 0
    assert len((await search.page(wanted, None, limit=100)).lines) == len(await _ids(lab, Filter()))


@pytest.mark.parametrize(
    ("pairs", "address"),
    [
        ([], ""),
        ([("code", ""), ("state", "")], ""),
        ([("state", "dead,held"), ("state", "held")], "state=dead%2Cheld"),
        ([("type", "Công văn"), ("code", " 125/UBND ")], "code=125%2FUBND&type=cong+van"),
        ([("since", "2026-11-01"), ("until", "2026-11-30"), ("kind", "all")],
         "since=2026-11-01&until=2026-11-30&kind=all"),
    ],
)  # fmt: skip
def test_filter_has_one_address(pairs: list[tuple[str, str]], address: str) -> None:
    """What forms send is read; the address read again is the same filter."""
    wanted = parse(pairs)
    assert wanted.address == address
    assert parse(wanted.pairs) == wanted


@pytest.mark.parametrize(
    ("pair", "named"),
    [
        (("colour", "red"), "colour: no such field"),
        (("state", "lost"), "state: lost is none of"),
        (("status", "99"), "status: 99 is none of"),
        (("urgency", "9"), "urgency: 9 is none of"),
        (("reason", "bị từ chối"), "reason: not a code"),
        (("since", "yesterday"), "since: not a day"),
        (("kind", "x"), "kind: not document"),
        (("text", "?! -"), "text: no letter"),
        (("code", "/"), "code: no letter"),
        (("text", "x" * 201), "text: longer"),
        (("sender", ",".join(map(str, range(21)))), "sender: more than"),
    ],
)
def test_wrong_field_or_value_is_refused_by_name(pair: tuple[str, str], named: str) -> None:
    """Nobody gets all lines because a field was misspelt."""
    with pytest.raises(RefusedError, match="parameter_invalid") as told:
        parse([pair])
    assert named in str(told.value)


async def test_words_are_no_language_of_the_index(lab: Lab) -> None:
    """Quotes, operators and columns are words like others, or nothing."""
    await fill(lab, 4)
    for text in ('" OR 1', "facts : ssender", "a* NEAR(b) ^c", "-- ; DROP", "subject:x AND (y"):
        assert await _ids(lab, parse([("text", text)])) == []
