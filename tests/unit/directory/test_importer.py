"""Importing agencies: all or nothing, the same file twice, what a bad row is told."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.data import kien_giang
from gateway.data.catalogue import write_catalogue
from gateway.directory.importer import MOST_PROBLEMS, import_agencies
from gateway.directory.listed import listed
from gateway.directory.rows import COLUMNS
from gateway.search.export import Column, csv_of
from tests.unit.directory.store import ACTOR, NOW, Store

LATER = NOW + timedelta(days=30)


async def test_import_writes_one_event_without_names(store: Store) -> None:
    """The event holds counts and the file's digest; no name, address or other text of the file."""
    await store.endpoint("vxp", "webhook", relay=True)
    data = kien_giang.write_csv(kien_giang.rows(axis_endpoint="vxp"))
    report = await store.load(data)
    assert (report.created, report.changed, report.unchanged) == (243, 0, 0)
    imported = [leaf for kind, leaf in await store.events() if kind == "agency.imported"]
    assert len(imported) == 1
    facts = json.loads(imported[0])["facts"]
    digest = sha256(data).hexdigest()
    assert facts == {"file": digest, "rows": 243, "created": 243, "changed": 0, "closed": 0, "refused": 0}


async def test_unchanged_file_changes_nothing_and_says_so(store: Store) -> None:
    """The second import of a file writes nothing: no event, no new version."""
    await store.province()
    version, events = store.directory.version, await store.events()
    report = await store.load(kien_giang.write_csv(kien_giang.rows(axis_endpoint="vxp")), now=LATER)
    assert report.applied
    assert (report.created, report.changed, report.unchanged) == (0, 0, 243)
    assert store.directory.version == version
    assert await store.events() == events


async def test_list_that_is_brought_back_changes_nothing(store: Store) -> None:
    """Nor what is written so that no spreadsheet runs it; what is edited in it is taken in."""
    await store.province()
    wild = "organ_id,name,phone,aliases,daily_quota_bytes\n000.77.00.H33,=cmd|' /C calc'!A0,+84 297 1,A|B,5\n"
    await store.load(wild)
    columns = [Column(title=name, value=_cell(name)) for name in COLUMNS]
    text = b"".join([piece async for piece in csv_of(listed(store.directory, LATER), columns)]).decode()
    assert "'=cmd" in text
    again = await store.load(text, now=LATER)
    assert (again.problems, again.created, again.changed, again.unchanged) == ((), 0, 0, 244)
    edited = await store.load(text.replace("'+84 297 1", "'+84 297 2"), now=LATER)
    assert edited.changed == 1
    assert (await store.directory.records([(await store.agency("000.77.00.H33")).id])).popitem()[1].contact == {
        "phone": "+84 297 2"
    }


def _cell(name: str) -> Callable[[dict[str, str]], str]:
    return lambda row: row.get(name, "")


async def test_order_of_rows_does_not_matter_for_parents(store: Store) -> None:
    """A child may stand before its parent; the second import finds nothing left to do."""
    text = "organ_id,name,parent_organ_id\n000.02.01.H33,C,H33.01\n000.00.01.H33,B,\nH33.01,D,000.00.01.H33\n"
    report = await store.load(text)
    assert (report.created, report.problems) == (3, ())
    child, parent = await store.agency("000.02.01.H33"), await store.agency("H33.01")
    assert child.parent_id == parent.id
    assert [a.id for a in await store.directory.search("c d", limit=5)] == [child.id]
    assert (await store.load(text, now=LATER)).unchanged == 3


async def test_byte_order_mark_and_semicolons_are_taken(store: Store) -> None:
    """Files as Excel writes them here are read."""
    report = await store.load('\ufefforgan_id;name;aliases\r\nH33.01;Sở A, B;"X|Y"\r\n'.encode())
    assert report.applied
    assert (await store.agency("H33.01")).name == "Sở A, B"
    assert len(await store.directory.search("y", limit=5)) == 1


async def test_changed_name_begins_and_the_old_one_stays_in_history(store: Store) -> None:
    """A name never overwrites another: each instant has its own; searches find both."""
    await store.load("organ_id,name\nH33.01,Sở Văn hóa\n")
    report = await store.load("organ_id,name\nH33.01,Sở Du lịch\n", now=LATER)
    assert report.changed == 1
    assert (await store.agency("H33.01", LATER - timedelta(seconds=1))).name == "Sở Văn hóa"
    assert (await store.agency("H33.01", LATER)).name == "Sở Du lịch"
    for question in ("van hoa", "du lich"):
        assert len(await store.directory.search(question, limit=5)) == 1


async def test_renamed_parent_is_found_through_its_children(store: Store) -> None:
    """Search words of an agency hold its parent's names, also the later ones."""
    await store.load("organ_id,name,parent_organ_id\nH33.21,Huyện Cũ,\nH33.21.01,Xã A,H33.21\n")
    await store.load("organ_id,name\nH33.21,Huyện Mới\n", now=LATER)
    assert [a.name for a in await store.directory.search("xa a moi", limit=5)] == ["Xã A"]


async def test_empty_cell_keeps_and_dash_clears(store: Store) -> None:
    """Silence leaves what is there; `-` takes it away."""
    await store.endpoint("inbox")
    header = "organ_id,name,parent_organ_id,endpoint,aliases,email,sandbox,daily_quota_bytes\n"
    await store.load("organ_id,name\nH33,P\n")
    await store.load(header + "H33.01,A,H33,inbox,X|Y,a@b.vn,yes,1000\n")
    assert (await store.load(header + "H33.01,,,,,,,\n", now=LATER)).unchanged == 1
    full = await store.agency("H33.01", LATER)
    assert full.endpoint is not None
    assert (full.sandbox, full.daily_quota_bytes, full.parent_id is None) == (True, 1000, False)
    assert (await store.load(header + "H33.01,,-,-,-,-,-,-\n", now=LATER)).changed == 1
    bare = await store.agency("H33.01", LATER)
    assert (bare.parent_id, bare.endpoint, bare.sandbox, bare.daily_quota_bytes) == (None, None, False, None)
    record = (await store.directory.records([bare.id]))[bare.id]
    assert record.contact == {}
    assert any(name.is_alias for name in record.names)
    assert (await store.load(header + "H33.01,,-,-,-,-,-,-\n", now=LATER)).unchanged == 1


async def test_correction_of_a_closed_agency_holds_for_all_of_its_time(store: Store) -> None:
    """Nothing new can begin after the closing, so a new name corrects the old one."""
    await store.load("organ_id,name,opened,closed\nH33.01,Sở Aa,2018-01-01,2018-06-01\n")
    assert (await store.load("organ_id,name\nH33.01,Sở A\n", now=LATER)).changed == 1
    assert (await store.agency("H33.01")).name == "Sở A"
    assert (await store.agency("H33.01", datetime(2018, 3, 1, tzinfo=UTC))).name == "Sở A"
    assert (await store.load("organ_id,name\nH33.01,Sở A\n", now=LATER)).unchanged == 1


async def test_further_code_of_the_same_form_is_an_alias_and_never_the_organ_id(store: Store) -> None:
    """Whichever would come first in an order; the code of a form that is given first is the agency's."""
    await store.load("organ_id,other_codes,name\nH33.07,H33.01|H33.99,A\n")
    agency = await store.agency("H33.01")
    assert (agency.organ_id, set(agency.codes)) == ("H33.07", {"H33.07", "H33.01", "H33.99"})
    await store.load("organ_id,other_codes,name\nH33.07,H33.02,A\n", now=LATER)
    assert (await store.agency("H33.02", LATER)).organ_id == "H33.07"


_BAD = [
    ("organ_id,name\n,A\n", 2, "organ_id"),
    ("organ_id,name\nH33 01,A\n", 2, "organ_id"),
    ("organ_id,name\nH33,\n", 2, "name"),
    ("organ_id,name\nH33,A\x07\n", 2, "name"),
    ("organ_id,name,opened\nH33,A,1/7/2025\n", 2, "opened"),
    ("organ_id,name,opened\nH33,A,2025-02-30\n", 2, "opened"),
    ("organ_id,name,opened,closed\nH33,A,2025-02-02,2025-02-02\n", 2, "closed"),
    ("organ_id,name,successor_organ_id\nH33,A,H33\n", 2, "successor_organ_id"),
    ("organ_id,name,closed,successor_organ_id\nH33,A,2025-07-01,H34\n", 2, "successor_organ_id"),
    ("organ_id,name,closed,successor_organ_id\nH33,A,2025-07-01,H33\n", 2, "successor_organ_id"),
    ("organ_id,name,parent_organ_id\nH33,A,H34\n", 2, "parent_organ_id"),
    ("organ_id,name,parent_organ_id\nH33,A,H33\n", 2, "parent_organ_id"),
    ("organ_id,name,parent_organ_id\nA,A,B\nB,B,C\nC,C,A\n", 4, "parent_organ_id"),
    ("organ_id,name,endpoint\nH33,A,nowhere\n", 2, "endpoint"),
    ("organ_id,name,kind\nH33,A,Xã\n", 2, "kind"),
    ("organ_id,name,sandbox\nH33,A,maybe\n", 2, "sandbox"),
    ("organ_id,name,daily_quota_bytes\nH33,A,-5\n", 2, "daily_quota_bytes"),
    ("organ_id,name\nH33,A\nh33,B\n", 3, "organ_id"),
    ("organ_id,name\nH33,A\nH34\n", 3, ""),
    ('organ_id,name\nH33,"A\n', 2, ""),
    ("organ_id,name,colour\nH33,A,red\n", 1, "colour"),
    ("organ_id,name,name\nH33,A,B\n", 1, "name"),
    ("name\nA\n", 1, "organ_id"),
    ("", 1, "organ_id"),
]


@pytest.mark.parametrize(("text", "line", "column"), _BAD)
async def test_bad_row_is_named_and_nothing_is_written(store: Store, text: str, line: int, column: str) -> None:
    """Each problem tells line, column and, in both languages, what to do; the directory stays as it was."""
    report = await store.load(text)
    assert not report.applied
    assert (report.problems[-1].line, report.problems[-1].column) == (line, column)
    assert all(problem.vi and problem.en for problem in report.problems)
    assert await store.events() == []
    assert await store.directory.page(limit=5) == []


async def test_wrong_encoding_names_the_line(store: Store) -> None:
    """A file in another encoding is refused before anything is read."""
    report = await store.load("organ_id,name\nH33,A\nH34,Sở".encode("utf-16-le"))
    assert not report.applied
    report = await store.load("organ_id,name\nH33,A\nH34,S\u00e2\n".encode("latin-1"))
    assert (report.problems[0].line, report.applied) == (3, False)


async def test_all_problems_are_reported_at_once(store: Store) -> None:
    """One run names every bad row, so that a file is mended once."""
    report = await store.load("organ_id,name,sandbox,opened\nH1,A,maybe,then\nH2,,no,\nH3,C,,\nH4,D,x,\n")
    assert [problem.line for problem in report.problems] == [2, 2, 3, 5]


async def test_partial_takes_good_rows_and_leaves_those_that_lean_on_bad_ones(store: Store) -> None:
    """A row below a bad one is bad itself, over any number of steps."""
    text = "organ_id,name,sandbox,parent_organ_id\nA,A,maybe,\nB,B,,A\nC,C,,B\nD,D,,\n"
    report = await store.load(text, partial=True)
    assert report.applied
    assert (report.created, [problem.line for problem in report.problems]) == (1, [2, 3, 4])
    assert set(await store.directory.resolve("ABCD", NOW)) == {"D"}


async def test_codes_of_two_agencies_in_one_row_are_refused(store: Store) -> None:
    """A row is about one agency; nothing is merged by accident."""
    await store.load("organ_id,name\n000.00.01.H33,A\nH33.01,B\n")
    report = await store.load("organ_id,qd20_code,name\n000.00.01.H33,H33.01,A\n")
    assert [(problem.line, problem.column) for problem in report.problems] == [(2, "organ_id")]


async def test_two_rows_about_one_agency_are_refused(store: Store) -> None:
    """Two rows may not say different things of one agency."""
    await store.load("organ_id,qd20_code,name\n000.00.01.H33,H33.01,A\n")
    report = await store.load("organ_id,name\n000.00.01.H33,A\nH33.01,B\n")
    assert [(problem.line, problem.column) for problem in report.problems] == [(3, "organ_id")]


async def test_catalogue_is_imported_with_progress(store: Store, tmp_path: Path) -> None:
    """Many rows go in by parts, with progress told for checking and writing; provinces are parents."""
    write_catalogue(tmp_path / "catalogue.csv", 3000)
    told: list[tuple[str, int, int]] = []
    report = await import_agencies(
        store.directory,
        store.pump,
        store.readers,
        (tmp_path / "catalogue.csv").read_bytes(),
        actor=ACTOR,
        now=NOW,
        progress=lambda *step: told.append(step),
    )
    assert (report.created, report.problems) == (3000, ())
    assert ("check", 3000, 3000) in told
    assert told[-1] == ("write", 3000, 3000)
    child, parent = await store.agency("H30.60"), await store.agency("000.00.00.H30")
    assert child.parent_id == parent.id


@pytest.mark.parametrize(
    ("line", "said"), [("x", MOST_PROBLEMS + 1), ("", 0), (",", 0), ("a b,n", MOST_PROBLEMS + 1)], ids=repr
)
async def test_file_of_nothing_but_bad_or_empty_lines_keeps_nobody_waiting(
    store: Store, line: str, said: int
) -> None:
    """Others have their turn all the while; of what is bad no more is looked at than anybody reads."""
    turns, lines = 0, 100_000

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    report = await store.load("organ_id,name\n" + f"{line}\n" * lines, partial=True)
    counting.cancel()
    assert (len(report.problems), report.applied) == (said, not said)
    assert turns >= min(MOST_PROBLEMS, lines) // 500
    if said:
        assert (report.rows, report.problems[-1].en.partition(",")[0]) == (said - 1, "There are too many problems")
        assert report.problems[-1].line == report.problems[-2].line == MOST_PROBLEMS + 1
    else:
        assert turns >= lines // 500


async def test_header_of_very_many_columns_is_told_of_by_the_first(store: Store) -> None:
    """A file that is none of ours may be one long line."""
    data = b"organ_id,name" + b",name,a" * 100_000 + b"\n"
    tracemalloc.start()
    report = await store.load(data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (0 < len(report.problems) <= 40, most < 20_000_000) == (True, True), most


async def test_rows_that_lean_on_a_bad_one_over_very_many_others_are_given_up(store: Store) -> None:
    """Each is found bad only once the next one is: so many looks at the file are too many, in part too."""

    def chain(length: int) -> str:
        """After five good rows and an empty line, each below the next one, the last below nobody who is known."""
        good = "".join(f"g{each},n,\n" for each in range(5))
        return f"organ_id,name,parent_organ_id\n{good}\n" + "".join(
            f"c{each},n,c{each + 1}\n" for each in range(length)
        )

    few = await store.load(chain(12), partial=True)
    assert ([each.line for each in few.problems], few.applied) == (list(range(8, 20)), True)
    one_more = await store.load(chain(13), partial=True)
    *bad, end = one_more.problems
    assert ([each.line for each in bad], end.line) == (list(range(8, 21)), 8), "the last that was found"
    assert (one_more.rows, one_more.applied) == (18, False)
    assert end.en.startswith("More than 12 bad rows refer one to the next; ")
    assert end.vi.startswith("Hơn 12 dòng sai nối tiếp nhau, ")
    many = await store.load(chain(2_000), partial=True)
    assert (many.applied, len(many.problems), many.problems[-1].en) == (False, 14, end.en)
    assert many.problems[-1].line == 2007 - 12


async def test_code_of_very_many_agencies_one_after_the_other_is_refused(store: Store) -> None:
    """Each row would be compared with all of them before. It is told so, and another file takes the later ones."""
    header = "organ_id,name,opened,closed\n"
    rows = [f"A,n,{1900 + each}-01-01,{1900 + each}-12-31\n" for each in range(60)]
    report = await store.load(header + "".join(rows))
    assert [each.line for each in report.problems] == list(range(52, 62))
    for each in report.problems:
        assert each.en.startswith("Code A stands at 50 lines above already, from line 2 on, ")
        assert each.vi.startswith("Mã A đã có ở 50 dòng trên, từ dòng 2, ")
    first, second = [await store.load(header + "".join(part)) for part in (rows[:50], rows[50:])]
    assert (first.created, second.created, second.problems) == (50, 10, ())
