"""What a filter of the ledger means is what its page shows: namesakes, several values, orders, kept views."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import lxml.html
import pytest
import pytest_asyncio

from gateway.accounts.roles import Role
from gateway.directory.importer import import_agencies
from tests.console.site import Browser, Site
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document

pytestmark = pytest.mark.asyncio(loop_scope="module")

TWINS = ("000.91.01.H33", "000.92.01.H33")
#: Fields that take words.
_WORDY = ("code", "subject", "text")
TWIN = "Ủy ban nhân dân xã Bình An"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(site: Site) -> AsyncIterator[Browser]:
    """Of an operator; documents went to two offices of one name and to others."""
    base = site.base
    table = "organ_id,qd20_code,name,kind,endpoint\n" + "".join(
        f"{code},,{TWIN},commune,commune\n" for code in TWINS
    )
    await import_agencies(
        base.directory, base.pump, base.readers, table.encode(), actor="operator:test", now=base.clock.now()
    )
    async with site.installation.client(PROVINCE) as province:
        for number, to in (("1", TWINS[0]), ("2", TWINS[1]), ("3", COMMUNE), ("4", PUSHED), ("5", COMMUNE)):
            await province.submit(document(PROVINCE, [to], number=number, priority=int(number) % 3))
    yield await site.signed_in(Role.OPERATOR)


def _codes(text: str) -> list[str]:
    return re.findall(r'<th scope="row" class="nowrap"><a href="[^"]+">([^<]+)/UBND-VP</a>', text)


async def _found_again(browser: Browser, path: str) -> str:
    """Where Find leads when nothing was changed in the form."""
    page: Any = lxml.html.fromstring((await browser.get(path)).text)
    form = next(each for each in page.forms if each.get("class") == "filters" and each.get("action") == "/ledger")
    sent = "&".join(f"{name}={value}" for name, value in form.form_values())
    return (await browser.get(f"/ledger?{sent}")).location or f"/ledger?{sent}"


async def test_find_widens_no_filter_to_namesakes(site: Site, browser: Browser) -> None:
    """The field names the one office with its code; rows tell offices of one name apart."""
    first = (await site.base.directory.require(TWINS[0], site.base.clock.now())).id
    address = f"/ledger?recipient={first}"
    page = (await browser.get(address)).text
    assert _codes(page) == ["1"]
    assert f'value="{TWIN} ({TWINS[0]})"' in page
    assert (await _found_again(browser, address)).startswith(address)
    assert _codes((await browser.get(await _found_again(browser, address))).text) == ["1"]
    everything = (await browser.get("/ledger")).text
    for code in TWINS:
        assert f"xã Bình An ({code})" in everything
    assert f"xã Một ({COMMUNE})" not in everything, "nobody else is called so"
    both = (await browser.get(f"/ledger?recipient_name={TWIN}")).location
    assert sorted(_codes((await browser.get(both)).text)) == ["1", "2"]


@pytest.mark.parametrize("several", ["type=cong van,quyet dinh", "urgency=1,2", "state=queued,delivered"])
async def test_find_keeps_several_values_of_a_field(browser: Browser, several: str) -> None:
    before = _codes((await browser.get(f"/ledger?{several}")).text)
    assert before
    again = await _found_again(browser, f"/ledger?{several}")
    assert _codes((await browser.get(again)).text) == before


async def test_find_keeps_several_channels_and_says_urgencies_in_words(site: Site, browser: Browser) -> None:
    keys = ",".join(each.id for each in await site.base.directory.endpoints() if each.name in {"commune", "pushed"})
    page = (await browser.get(f"/ledger?channel={keys}&urgency=1,2")).text
    assert f'<option value="{keys}" selected>' in page
    assert re.search(r'<option value="1,2" selected>[^<0-9]+, [^<0-9]+</option>', page)


async def test_rows_of_the_oldest_first_stay_where_they_are(browser: Browser) -> None:
    """What an event refreshes is in the order of the page."""
    for order in ("", "?order=oldest"):
        page = (await browser.get(f"/ledger{order}")).text
        again = re.search(r'hx-get="(/ledger/lines[^"]+)"', page)
        assert again is not None
        shown = _codes(page)
        assert len(shown) == 5
        assert _codes((await browser.get(again[1].replace("&amp;", "&"))).text) == shown


async def test_kept_view_keeps_its_order(browser: Browser) -> None:
    page = (await browser.get("/ledger?urgency=1,2&order=oldest")).text
    assert '<input type="hidden" name="order" value="oldest">' in page
    kept = {"filter": "urgency=1,2", "columns": "", "order": "oldest", "name": "Khẩn, cũ nhất trước"}
    assert (await browser.post("/ledger/views", kept)).status == 303
    page = (await browser.get("/ledger")).text
    link = re.search(r'<a href="(/ledger\?[^"]+)">Khẩn, cũ nhất trước</a>', page)
    assert link is not None
    shown = _codes((await browser.get(link[1].replace("&amp;", "&"))).text)
    assert shown == sorted(shown)
    assert len(shown) == 4


@pytest.mark.parametrize(
    "kept", [{"name": "\0"}, {"name": "dài", "filter": "&".join(f"{name}={'ộ' * 199}" for name in _WORDY)}]
)
async def test_view_that_cannot_be_kept_is_refused_by_name(browser: Browser, kept: dict[str, str]) -> None:
    """Not told as storage that fails."""
    answer = await browser.post("/ledger/views", {"filter": "", "columns": ""} | kept)
    assert answer.status == 422, answer.text


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_any_day_may_be_asked_for(browser: Browser, day: str) -> None:
    for name in ("since", "until"):
        assert (await browser.get(f"/ledger?{name}={day}")).status == 200


async def test_search_of_the_bar_finds_offices(site: Site, browser: Browser) -> None:
    """Their pages, and what they sent and received; words that begin with a digit are words."""
    page = (await browser.get((await browser.get("/ledger?q=UBND xã Hai")).location)).text
    office = (await site.base.directory.require(PUSHED, site.base.clock.now())).id
    assert f'<a href="/offices/{office}">UBND xã Hai</a>' in page
    assert f'href="/ledger?recipient={office}"' in page
    assert (await browser.get("/ledger?q=15 tháng 3/2026")).location.startswith("/ledger?text=15")
    assert (await browser.get("/ledger?q=125 / 2026 / QĐ-UBND")).location.startswith("/ledger?code=125")
    clerk = await site.signed_in(Role.CLERK)
    page = (await clerk.get("/ledger?text=UBND xã Hai")).text
    assert "UBND xã Hai" in page
    assert f"/offices/{office}" not in page, "a clerk has no such page"
