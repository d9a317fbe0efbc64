"""What a list as CSV writes against formulas, an import takes away again: no more, no less."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.directory.fold import proper
from gateway.directory.rows import AgencyRow, read_rows
from gateway.formulas import defused, meant
from gateway.search.export import Column, csv_of

_MARKS = "=+-@|%\t\r\n＝＋－＠' "
_TEXTS = st.builds("{}{}".format, st.text(_MARKS, max_size=4), st.text(max_size=20))
_NAMES = _TEXTS.map(proper).filter(lambda text: text and text.isprintable())


@given(_TEXTS)
def test_text_comes_back_as_it_was(text: str) -> None:
    """Also one that begins with an apostrophe; and none is left that a spreadsheet would run."""
    cell = defused(text)
    assert meant(cell) == text
    assert cell.lstrip(" ")[:1] not in set(_MARKS) - {"'", " "}
    assert cell in {text, f"'{text}"}


async def _brought_back(name: str) -> list[AgencyRow]:
    async def portions() -> AsyncIterator[list[str]]:
        yield [name]

    columns = [
        Column(title="organ_id", value=lambda _: "000.00.00.H33"),
        Column(title="name", value=str),
        Column(title="note", value=str),
    ]
    data = b"".join([piece async for piece in csv_of(portions(), columns)])
    return [row for row in read_rows(data) if isinstance(row, AgencyRow)]


@given(_NAMES)
@example("%name%")
@example("|calc")
@example("＝1+1")
@example("'=1")
@example("-")
def test_name_of_a_list_that_is_brought_back_is_the_same(name: str) -> None:
    """A single dash, too, which alone would clear the cell."""
    [row] = asyncio.run(_brought_back(name))
    assert (row.name, row.contact) == (name, {"note": name})
