"""The ledger and a document's page: what is found, who sees it, what is recorded, and that nothing of it is run."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

import openpyxl
import pytest
import pytest_asyncio

from gateway.accounts.roles import Role
from gateway.console.ledger_files import name_of
from gateway.edxml.builder import AttachmentSource, write_document
from gateway.edxml.envelope import Dialect, Envelope, MessageKind, Party
from gateway.edxml.profiles import PROFILE_A
from gateway.ledger.inquiries import InquiryReads
from gateway.search.filter import parse
from gateway.search.lines import Search
from tests.console.site import LOGINS, PASSWORD, PREVIEWER, Browser, Site
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document, status

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVIL = "<script>alert(1)</script>"
EVIL_NAME = "x onerror=alert(2) <img src=x>.html"
EVIL_WORDS = "<svg onload=alert(3)>'\""
FORMULA = '=HYPERLINK("http://x";"y")'
PDF = b"%PDF-1.4\nmot trang\n%%EOF\n"


def evil() -> bytes:
    """What a wicked sender writes, wherever one may write."""
    envelope = Envelope(
        kind=MessageKind.DOCUMENT,
        dialect=Dialect.A,
        sender=Party(organ_id=PROVINCE, organ_name=EVIL),
        recipients=(Party(organ_id=COMMUNE, organ_name=EVIL), Party(organ_id=PUSHED, organ_name="Hai")),
        document_id=f"{PROVINCE},2018/11/05,7/UBND-VP",
        code_number="7",
        code_notation="UBND-VP",
        doc_type="18",
        doc_type_name="Công văn",
        subject=f"{EVIL} Đề án",
        signer=EVIL_WORDS,
    )
    files = [
        AttachmentSource(
            name="ke hoach.pdf", content_type="application/pdf", open=lambda: BytesIO(PDF), content_id="f1"
        ),
        AttachmentSource(
            name=EVIL_NAME,
            description=EVIL_WORDS,
            content_type="text/html",
            open=lambda: BytesIO(EVIL.encode()),
            content_id="f2",
        ),
        AttachmentSource(
            name="no.pdf", content_type="application/pdf", open=lambda: BytesIO(EVIL.encode()), content_id="f3"
        ),
    ]
    out = BytesIO()
    write_document(out, envelope, files, PROFILE_A)
    return out.getvalue()


@dataclass(kw_only=True)
class Filled:
    """The site with documents in its ledger."""

    site: Site
    evil: str
    own: str
    others: str

    async def line(self, message: str, code: str) -> str:
        """A delivery of a document."""
        rows = await self.site.base.reads.deliveries(message)
        return next(row.id for row in rows if row.recipient_code == code)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(site: Site) -> AsyncIterator[Filled]:
    """One with what a wicked sender writes, one for the clerk's office, one that is not."""
    made = site.installation
    async with made.client(PROVINCE) as province, made.client(COMMUNE) as commune:
        wicked = (await province.submit(evil())).id
        own = (await province.submit(document(PROVINCE, [COMMUNE], number="125", subject=FORMULA))).id
        others = (await province.submit(document(PROVINCE, [PUSHED], number="0126", subject="Mật của xã Hai"))).id
        items = (await commune.inbox(wait=5)).items
        for item in items:
            await commune.content(item.id)
            await commune.ack(item.id)
        await commune.post_status(status(COMMUNE, "02", sender=PROVINCE, number="7", description=EVIL_WORDS))
    yield Filled(site=site, evil=wicked, own=own, others=others)


async def _viewer(filled: Filled, who: Role | str = Role.VIEWER) -> Browser:
    return await filled.site.signed_in(who)


async def _ids(site: Site, **fields: str) -> list[str]:
    found = await Search(site.base.readers).page(parse(fields.items()), None, limit=50)
    return [line.message_id for line in found.lines]


async def test_ledger_shows_what_the_address_asks_for(filled: Filled) -> None:
    """Number, subject without diacritics, names of agencies; the form's names become ids in the address."""
    browser = await _viewer(filled)
    page = await browser.get("/ledger")
    assert page.status == 200
    assert page.text.count('<tr id="line-') == 4
    assert f"/documents/{filled.others}" in page.text
    assert f"/documents/{filled.others}" not in (await browser.get("/ledger?subject=de+an")).text
    found = await browser.get("/ledger?code=126%2Fubndvp")
    assert (f"/documents/{filled.others}" in found.text, f"/documents/{filled.own}" in found.text) == (True, False)
    named = await browser.get("/ledger?recipient_name=xa+hai&sender_name=&code=&state=")
    assert named.status == 303
    assert named.location.startswith("/ledger?recipient=0")
    assert (await browser.get(named.location)).text.count('<tr id="line-') == 2
    assert (await browser.get("/ledger?q=125%2FUBND-VP")).location == "/ledger?code=125%2FUBND-VP"
    assert (await browser.get("/ledger?q=dai+hoi")).location == "/ledger?text=dai+hoi"


async def test_ledger_begins_with_the_oldest_where_the_address_says_so(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page to the end and back; the same lines as the newest first, the other way round."""
    monkeypatch.setattr("gateway.console.ledger._PAGE", 3)
    browser = await _viewer(filled)

    async def walked(path: str, rel: str) -> list[str]:
        found: list[str] = []
        while path:
            page = (await browser.get(path)).text
            found += re.findall(r'<tr id="(line-[0-9]+)', page)
            links = re.findall(rf'rel="{rel}" href="([^"]+)"', page)
            path = links[0].replace("&amp;", "&") if links else ""
        return found

    newest = await walked("/ledger", "next")
    oldest = await walked("/ledger?order=oldest", "next")
    assert len(newest) > 3
    assert oldest == newest[::-1]
    last = re.search(r'rel="next" href="([^"]+)"', (await browser.get("/ledger?order=oldest")).text)
    assert last is not None
    assert sorted(await walked(last[1].replace("&amp;", "&"), "prev")) == sorted(oldest)
    assert (await browser.get("/ledger?order=size")).status == 422


async def test_channels_are_called_by_the_offices_that_they_lead_to(filled: Filled) -> None:
    """In the column, the filter, the file and on the document's page; their own names stand beside."""
    browser = await _viewer(filled)
    page = (await browser.get("/ledger?code=126&columns=code,channel")).text
    key = next(str(each.id) for each in await filled.site.base.directory.endpoints() if each.name == "pushed")
    assert f'<option value="{key}">UBND xã Hai (pushed)</option>' in page
    assert '<td class="office" title="pushed">UBND xã Hai</td>' in page
    assert "UBND xã Hai (pushed)" in (await browser.get("/ledger/lines.csv?code=126&columns=channel")).text
    line = await filled.line(filled.others, PUSHED)
    assert "<dd>UBND xã Hai (pushed)</dd>" in (await browser.get(f"/documents/{filled.others}?line={line}")).text


async def test_wrong_field_is_a_clear_error(filled: Filled) -> None:
    """Not all lines because a field was misspelt."""
    browser = await _viewer(filled)
    for query in ("colour=red", "state=lost", "before=x", "recipient_name=nobody+at+all"):
        page = await browser.get(f"/ledger?{query}")
        assert page.status in {404, 422}, query
        assert "<tr id=" not in page.text
    assert "no such field" in (await browser.get("/ledger?colour=red")).text


async def test_nothing_that_a_sender_wrote_is_run(filled: Filled) -> None:
    """Subject, names, descriptions and statuses are text wherever they stand."""
    browser = await _viewer(filled, PREVIEWER)
    base = f"/documents/{filled.evil}"
    line = await filled.line(filled.evil, COMMUNE)
    pages = (
        "/ledger",
        base,
        f"{base}?line={line}",
        f"{base}/now",
        f"{base}/source",
        f"{base}?look=1",
        f"/ledger?text={EVIL.replace('<', '%3C')}",
        "/ledger/lines?lines=1,2,3&columns=subject,code",
    )
    for path in pages:
        page = await browser.get(path)
        assert page.status == 200, path
        assert "alert(" in page.text or "source" in path or "look" in path, path
        for wicked in (EVIL, "<svg onload", "<img src=x>"):
            assert wicked not in page.text, (path, wicked)
        assert "script-src 'nonce-" in page.headers["Content-Security-Policy"]
        assert "unsafe" not in page.headers["Content-Security-Policy"]


async def test_clerk_sees_the_own_offices_lines_alone(filled: Filled) -> None:
    """Another's document is not there: not by its id, its files, its parts or its number."""
    clerk = await _viewer(filled, Role.CLERK)
    ledger = await clerk.get("/ledger")
    assert ledger.text.count('<tr id="line-') == 2
    assert filled.others not in ledger.text
    for part in ("", "/now"):
        assert (await clerk.get(f"/documents/{filled.others}{part}")).status == 404
    assert (await clerk.post(f"/documents/{filled.others}/bundle")).status == 404
    assert (await clerk.get("/ledger/lines?lines=1,2,3,4")).text.count('<tr id="line-') == 2
    shared = (await clerk.get(f"/documents/{filled.evil}")).text
    assert "UBND xã Một" in shared
    assert "UBND xã Hai" not in shared
    # the certificate and the bundle tell of all recipients
    assert "certificate.pdf" not in shared
    assert (await clerk.get(f"/documents/{filled.evil}/certificate.pdf")).status == 403
    other = await filled.line(filled.evil, PUSHED)
    assert "UBND xã Hai" not in (await clerk.get(f"/documents/{filled.evil}?line={other}")).text
    csv_file = await clerk.get("/ledger/lines.csv")
    assert "Mật của xã Hai" not in csv_file.text


async def test_document_page_tells_the_whole_story(filled: Filled) -> None:
    """Recipients in sums, tries and what was said, statuses, and that somebody looked."""
    browser = await _viewer(filled, Role.OPERATOR)
    await browser.get(f"/documents/{filled.evil}")
    page = await browser.get(f"/documents/{filled.evil}")
    assert "2 nơi nhận" in page.text
    assert "1 trả lại" in page.text
    told = ("Đã tiếp nhận, niêm phong và ghi sổ", "02 Từ chối tiếp nhận", "Lần gửi", "Đã xem hoặc tải về")
    for words in (*told, "Người operator1"):
        assert words in page.text, words
    events = await filled.site.base.readers.fetch("event_list_told", {"message": filled.evil, "limit": 99})
    user = await filled.site.base.users.require("operator1")
    assert [row[4] for row in events if row[1] == "document.read" and row[4] == user.actor] == [user.actor]
    line = await filled.line(filled.evil, PUSHED)
    alone = await browser.get(f"/documents/{filled.evil}?line={line}")
    assert "02 Từ chối tiếp nhận" not in alone.text
    assert (await browser.get("/documents/0198aaaa-0000-7000-8000-000000000000")).status == 404


async def test_operators_go_on_to_acts_from_a_line_and_from_a_filter(filled: Filled) -> None:
    """A viewer is not offered what he may not do."""
    line = await filled.line(filled.own, COMMUNE)
    addresses = (f"/documents/{filled.own}?line={line}", f"/documents/{filled.own}", "/ledger?code=125")
    offers = (f"/acts?delivery={line}", f"/acts?message={filled.own}", 'action="/acts"')
    operator, viewer = await _viewer(filled, Role.OPERATOR), await _viewer(filled)
    for address, offer in zip(addresses, offers, strict=True):
        assert offer in (await operator.get(address)).text
        assert "/acts" not in (await viewer.get(address)).text
    assert (await operator.post("/acts", {"filter": "code=125"})).status == 200


async def test_files_are_shown_to_those_who_may_look_and_that_is_recorded(filled: Filled) -> None:
    """A PDF stands in the page; whatever is none is saved, never run; a role alone gives no right."""
    for who in (Role.VIEWER, Role.OPERATOR, Role.AUDITOR, Role.ADMINISTRATOR, Role.CLERK):
        refused = await (await _viewer(filled, who)).get(f"/documents/{filled.evil}/files/1")
        assert (refused.status, "not_permitted" in refused.text) == (403, True)
    browser = await _viewer(filled, PREVIEWER)
    base = f"/documents/{filled.evil}"
    shown = await browser.get(f"{base}/files/1?show=1")
    assert (shown.status, shown.text.encode()) == (200, PDF)
    assert shown.headers["Content-Type"] == "application/pdf"
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert shown.headers["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'self'"
    assert f'src="{base}/files/1?show=1"' in (await browser.get(f"{base}?look=1")).text
    for number in (2, 3):
        saved = await browser.get(f"{base}/files/{number}?show=1")
        assert (saved.status, saved.text) == (200, EVIL)
        assert saved.headers["Content-Type"] == "application/octet-stream"
        assert saved.headers["Content-Disposition"].startswith("attachment")
        assert saved.headers["Content-Security-Policy"].startswith("sandbox")
        assert saved.headers["X-Content-Type-Options"] == "nosniff"
    assert "iframe" not in (await browser.get(f"{base}?look=2")).text
    for wrong in ("0", "4", "x", "1.5"):
        assert (await browser.get(f"{base}/files/{wrong}")).status == 404
    user = await filled.site.base.users.require(PREVIEWER)
    rows = await filled.site.base.readers.fetch("reading_list_of_message", (filled.evil,))
    read = {(row[3], row[4]) for row in rows if row[2] == user.actor}
    assert {("downloaded", f"attachment {number}") for number in (1, 2, 3)} <= read


async def test_evidence_is_given_to_those_who_may_have_the_document(filled: Filled) -> None:
    """A sealed bundle for auditors and whoever may look; the certificate for everybody who sees the document."""
    for who in (Role.VIEWER, Role.OPERATOR):
        browser = await _viewer(filled, who)
        page = await browser.get(f"/documents/{filled.own}")
        assert "/bundle" not in page.text
        assert (await browser.post(f"/documents/{filled.own}/bundle")).status == 403
    auditor = await _viewer(filled, Role.AUDITOR)
    await auditor.get(f"/documents/{filled.own}")
    form = {"form-token": auditor.token}
    address = f"{auditor.origin}/documents/{filled.own}"
    async with auditor.session.post(f"{address}/bundle", data=form) as answer:
        data = await answer.read()
        assert answer.status == 200
        assert answer.headers["Content-Disposition"] == 'attachment; filename="125-UBND-VP.asice"'
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        assert "document.edxml" in bundle.namelist()
    async with auditor.session.get(f"{address}/certificate.pdf") as answer:
        assert (await answer.read()).startswith(b"%PDF-")
    events = await filled.site.base.readers.fetch("event_list_told", {"message": filled.own, "limit": 99})
    assert "document.exported" not in {row[1] for row in events}  # an auditor's; test_audit


async def _register(filled: Filled, who: Role | str) -> tuple[list[tuple[str, str, int]], list[tuple[str, str]]]:
    """What somebody's look-ups and readings are: (act, question, found), (act, part)."""
    site = filled.site
    user = await site.base.users.require(LOGINS[who] if isinstance(who, Role) else who)
    looked = await InquiryReads(site.base.readers).lookups(limit=100)
    read = [
        (row[3], row[4])
        for message in (filled.own, filled.evil, filled.others)
        for row in await site.base.readers.fetch("reading_list_of_message", (message,))
        if row[2] == user.actor and row[3] != "exported"
    ]
    own = [(str(each.act), each.question, each.found) for each in reversed(looked) if each.actor == user.actor]
    return own, sorted(read)


async def test_whoever_sees_a_document_is_on_record_once(filled: Filled) -> None:
    """An auditor in the look-ups, which no office sees; everybody else as a reader of the document."""
    base, found = filled.site.base, dict[str, Browser]()
    for login, role in (("auditor7", Role.AUDITOR), ("viewer7", Role.VIEWER)):
        now = base.clock.now()
        user, _ = await base.users.add(login, name="B", role=role, may_preview=True, actor="operator:test", now=now)
        await base.users.choose_password(user, PASSWORD, session="", now=now)
        found[login] = await _viewer(filled, login)
        address = f"/documents/{filled.others}"
        for part in ("", "/now", "/source", "/files/1", "/certificate.pdf"):
            assert (await found[login].get(address + part)).status == 200
        assert (await found[login].post(address + "/bundle")).status == 200
        assert (await found[login].get("/ledger?code=126")).status == 200
    looked, read = await _register(filled, "auditor7")
    key = filled.others
    assert looked == [
        ("opened", key, 1),
        ("opened", f"{key} edxml", 1),
        ("opened", f"{key} attachment 1", 1),
        ("exported", f"{key} certificate", 1),
        ("exported", key, 1),
        ("searched", "code=126", 1),
    ]
    assert read == []
    looked, read = await _register(filled, "viewer7")
    assert looked == []
    assert read == [
        ("downloaded", "attachment 1"),
        ("opened", "edxml"),
        ("proved", "certificate"),
        ("shown", ""),
    ]


async def test_part_of_a_page_that_nobody_opened_is_a_look_as_well(filled: Filled) -> None:
    """Its address alone shows the same."""
    browser = await _viewer(filled, Role.OPERATOR)
    assert (await browser.get(f"/documents/{filled.others}/now", X_Live="1")).status == 200
    assert (await browser.get(f"/documents/{filled.others}/now", X_Live="1")).status == 200
    user = await filled.site.base.users.require(LOGINS[Role.OPERATOR])
    rows = await filled.site.base.readers.fetch("reading_list_of_message", (filled.others,))
    assert [(row[3], row[8]) for row in rows if row[2] == user.actor] == [("shown", 1)]


async def test_lines_that_are_taken_as_a_file_are_on_record(filled: Filled) -> None:
    """Who, which filter, how many lines; auditors see it beside what they looked up."""
    browser = await _viewer(filled, Role.CLERK)
    assert (await browser.get("/ledger/lines.csv?code=7")).status == 200
    assert (await browser.get("/ledger/lines.xlsx")).status == 200
    looked, _ = await _register(filled, Role.CLERK)
    assert looked[-2:] == [("taken", "csv: code=7", 1), ("taken", "xlsx: ", 2)]
    page = await (await _viewer(filled, Role.AUDITOR)).get("/audit/lookups")
    assert "xuất các dòng của sổ" in page.text
    assert "csv: code=7" in page.text


async def test_chosen_lines_go_to_the_rehearsal_by_a_form_alone(filled: Filled) -> None:
    """Boxes on the lines for whoever may act; all of a page by one button; back to the same page afterwards."""
    operator, viewer = await _viewer(filled, Role.OPERATOR), await _viewer(filled)
    assert 'name="delivery"' not in (await viewer.get("/ledger")).text
    page = await operator.get("/ledger?recipient_name=xa+hai", follow=True)
    keys = re.findall(r'name="delivery" value="([^"]+)" form="chosen"', page.text)
    whole = re.search(r'form="chosen" name="ids" value="([^"]+)"', page.text)
    assert whole is not None
    assert (len(keys), whole[1].split()) == (2, keys)
    assert 'name="delivery"' in (await operator.get("/ledger/lines?lines=1,2")).text
    back = re.search(r'<form id="chosen".*?name="back" value="(/ledger\?recipient=[^"]+)"', page.text)
    assert back is not None
    chosen = await operator.post("/acts", {"delivery": keys[0], "back": back[1]})
    assert f'name="ids" value="{keys[0]}"' in chosen.text
    assert f'name="back" value="{back[1]}"' in chosen.text
    assert f'name="ids" value="{whole[1]}"' in (await operator.post("/acts", {"ids": whole[1]})).text


async def test_files_of_the_filter_hold_no_formula(filled: Filled) -> None:
    """CSV and XLSX of what was found, in the columns chosen."""
    browser = await _viewer(filled)
    answer = await browser.get("/ledger/lines.csv?code=125&columns=code,subject,recipient")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert rows == [["Số, ký hiệu", "Trích yếu", "Nơi nhận"], ["125/UBND-VP", f"'{FORMULA}", "UBND xã Một"]]
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    async with browser.session.get(f"{browser.origin}/ledger/lines.xlsx?code=125&columns=code,subject") as sheet:
        book = openpyxl.load_workbook(io.BytesIO(await sheet.read()))
    cells = list(book.worksheets[0].iter_rows())
    assert [cell.value for cell in cells[1]] == ["125/UBND-VP", FORMULA]
    assert cells[1][1].data_type == "s"
    assert list((filled.site.base.settings.storage.folder / "staging").glob("sheet-*")) == []


async def test_views_are_ones_own_and_parts_tell_what_is_new(filled: Filled) -> None:
    """A kept filter is a link; another person has none of it."""
    browser = await _viewer(filled)
    await browser.get("/ledger?code=125")
    kept = await browser.post("/ledger/views", {"name": f"Số 125 {EVIL}", "filter": "code=125", "columns": ""})
    assert kept.location == "/ledger?code=125"
    page = await browser.get("/ledger", follow=True)
    assert "Số 125 &lt;script" in page.text
    assert 'href="/ledger?code=125' in page.text
    assert "Số 125" not in (await (await _viewer(filled, Role.AUDITOR)).get("/ledger")).text
    await browser.post("/ledger/views/forget", {"name": f"Số 125 {EVIL}"})
    assert "Số 125" not in (await browser.get("/ledger")).text
    assert "2 lượt mới" in (await browser.get("/ledger/news?after=2")).text
    assert "lượt mới" not in (await browser.get("/ledger/news?after=4")).text
    assert (await browser.get("/ledger/count?recipient_name=x")).status == 422
    assert (await browser.get("/ledger/count")).text.strip() == "4"


async def test_pages_go_both_ways(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older and newer by the numbers of lines; what comes meanwhile moves nothing."""
    monkeypatch.setattr("gateway.console.ledger._PAGE", 3)
    browser = await _viewer(filled)
    first = await browser.get("/ledger")
    assert 'rel="next" href="/ledger?before=2"' in first.text
    second = await browser.get("/ledger?before=2")
    assert second.text.count('<tr id="line-') == 1
    assert 'rel="prev" href="/ledger?after=1"' in second.text
    assert (await browser.get("/ledger?after=1")).text.count('<tr id="line-') == 3


async def test_file_bears_the_day_of_vietnam() -> None:
    """Before seven in the morning it is still yesterday by UTC."""
    assert name_of(datetime(2026, 12, 31, 18, tzinfo=UTC), "csv") == "so-giao-nhan-20270101-0100.csv"
