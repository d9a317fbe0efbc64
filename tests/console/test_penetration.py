"""The console as whoever owns one clerk's account of one commune sees it, and whoever owns none.

The clerk may even look into documents. Another office has a document, a line at its desk, a draft, a scan and a
line of its register; none of them exists for this person, by whatever address.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from time import monotonic

import aiohttp
import openpyxl
import pytest
import pytest_asyncio
from yarl import URL

from gateway.accounts.roles import Role
from gateway.console.printing import Part, pdf
from gateway.desk.sending import OutgoingForm
from gateway.formulas import defused
from tests.console.site import LOGINS, PASSWORD, Browser, Page, Site
from tests.console.test_sessions import age
from tests.desk.lab import DeskLab, lab_of
from tests.journeys.installation import COMMUNE

pytestmark = pytest.mark.asyncio(loop_scope="module")

ATTACKER = "attacker1"
FILE = b"%PDF-1.4\nof another office\n%%EOF\n"
#: What another site can make a browser send, and what leads elsewhere when a browser reads it its own way.
ELSEWHERE = (
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example/",
    "https:evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "\u00a0//evil.example",
    "/%0d%0aLocation:%20https://evil.example\r\n",
)


@dataclass(kw_only=True)
class Others:
    """What another office has."""

    lab: DeskLab
    document: str
    delivery: str
    draft: str
    scan: str
    entry: str

    @property
    def secret_rows(self) -> list[tuple[object, ...]]:
        """All that an act of the attacker would change."""
        tables = ("desk_entry", "desk_draft", "desk_group", "status")
        return [row for table in tables for row in self.lab.rows(f"SELECT '{table}', * FROM {table} ORDER BY 1, 2")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def others(site: Site) -> Others:
    """An office with one of everything."""
    lab = await lab_of(site.installation)
    delivery = await lab.send("901", content=FILE)
    registered = await lab.send("902")
    entry = await lab.desk.registering.register(lab.clerk, registered)
    draft = await lab.desk.sending.save(lab.clerk, lab.office, OutgoingForm(subject="chưa gửi"))
    scan = await lab.desk.papers.add(lab.clerk, lab.office, "scan.pdf", await lab.spooled(FILE))
    ((document,),) = lab.rows("SELECT message_id FROM delivery WHERE id = ?", delivery)
    return Others(lab=lab, document=document, delivery=delivery, draft=draft.id, scan=scan.id, entry=entry.id)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attacker(site: Site, others: Others) -> AsyncIterator[Browser]:
    """A clerk of the commune, signed in."""
    base, now = site.base, site.base.clock.now()
    user, _ = await base.users.add(
        ATTACKER,
        name="Kẻ tấn công",
        role=Role.CLERK,
        may_preview=True,
        offices=[COMMUNE],
        actor="operator:test",
        now=now,
    )
    await base.users.choose_password(user, PASSWORD, session="", now=now)
    yield await site.signed_in(ATTACKER)


async def multipart(browser: Browser, path: str, fields: dict[str, str]) -> Page:
    """A form with files, its token in the address."""
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value)
    address = f"{browser.origin}{path}?form-token={browser.token}"
    async with browser.session.post(address, data=form, allow_redirects=False) as answer:
        return Page(
            status=answer.status, text=await answer.text(), headers=dict(answer.headers), url=str(answer.url)
        )


async def test_another_offices_things_do_not_exist_by_any_address(others: Others, attacker: Browser) -> None:
    """Not to be seen, not to be taken, not to be acted on; the answer is that of what is not there at all."""
    before = others.secret_rows
    one, office = others, str(others.lab.office)
    for path in (
        f"/documents/{one.document}",
        f"/documents/{one.document}/now",
        f"/documents/{one.document}?line={one.delivery}&look=1",
        f"/documents/{one.document}/source",
        f"/documents/{one.document}/files/1",
        f"/documents/{one.document}/files/1?show=1",
        f"/documents/{one.document}/certificate.pdf",
        f"/desk/in/{one.delivery}",
        f"/desk/in/{one.delivery}/file/1",
        f"/desk/send/{one.draft}",
        f"/desk/files/{one.scan}",
        f"/desk/entries/{one.entry}",
        f"/desk?office={office}",
        f"/desk/registers?office={office}",
        f"/desk/registers/file/xlsx?office={office}",
        f"/desk/registers/file/pdf?office={office}",
    ):
        answer = await attacker.get(path)
        # by itself: ids and tokens hold these digits by chance
        shown = re.search(r"(?<![0-9A-Za-z])901(?![0-9A-Za-z])", answer.text)
        assert (answer.status, shown, "of another office" in answer.text) == (404, None, False), path
    for path, fields in (
        (f"/documents/{one.document}/bundle", {}),
        (f"/documents/{one.document}/remind", {}),
        (f"/documents/{one.document}/remind", {"delivery": one.delivery}),
        (f"/desk/in/{one.delivery}/register", {"even_so": "1"}),
        (f"/desk/in/{one.delivery}/answer", {"code": "02", "reason": "không phải của ta"}),
        (f"/desk/in/{one.delivery}/duplicate", {}),
        (f"/desk/send/{one.draft}/drop", {}),
        ("/desk/send", {"office": office}),
        ("/desk/send", {"answers": one.delivery}),
        (f"/desk/entries/{one.entry}/amend", {"note": "x"}),
        (f"/desk/entries/{one.entry}/void", {"reason": "không có lý do"}),
        ("/desk/groups", {"office": office, "name": "nhóm", "members": COMMUNE}),
    ):
        await attacker.get("/account")
        assert (await attacker.post(path, fields)).status == 404, (path, fields)
    for path, fields in (
        (f"/desk/send/{one.draft}", {"act": "send", "subject": "của kẻ khác"}),
        ("/desk/paper", {"office": office, "issuer": "x", "subject": "y"}),
    ):
        assert (await multipart(attacker, path, fields)).status == 404, path
    assert others.secret_rows == before


async def test_lists_files_and_searches_hold_the_own_offices_lines_alone(others: Others, attacker: Browser) -> None:
    """Whatever the filter asks for; by a line's number neither."""
    ((seq,),) = others.lab.rows("SELECT seq FROM delivery WHERE id = ?", others.delivery)
    for path in (
        f"/ledger?recipient={others.lab.office}",
        f"/ledger/lines?lines={seq}",
        "/ledger?code=901",
        "/ledger/lines.csv",
        f"/ledger/lines.csv?recipient={others.lab.office}",
    ):
        answer = await attacker.get(path)
        assert (answer.status, "901/UBND-VP" in answer.text) == (200, False), path
    assert (await attacker.get(f"/ledger/count?recipient={others.lab.office}")).text.strip() == "0"
    for path in ("/acts", "/requests", "/queues", "/channels", "/offices", "/reports", "/audit", "/administration"):
        assert (await attacker.get(path)).status == 403, path


async def test_news_and_sheets_hold_the_own_offices_lines_alone(
    site: Site, others: Others, attacker: Browser
) -> None:
    """How many are new, and what is in the file: another office's line is there for whoever may see it."""
    operator = await site.signed_in(Role.OPERATOR)
    for browser, sees in ((operator, True), (attacker, False)):
        news = await browser.get(f"/ledger/news?recipient={others.lab.office}")
        assert (news.status, "flash note" in news.text) == (200, sees)
        for asked in ("", f"?recipient={others.lab.office}"):
            async with browser.session.get(f"{browser.origin}/ledger/lines.xlsx{asked}") as answer:
                book = openpyxl.load_workbook(BytesIO(await answer.read()))
            cells = {cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
            assert any("901/UBND-VP" in str(cell) for cell in cells) is sees


async def test_fields_that_a_form_has_not_change_nothing(site: Site, attacker: Browser) -> None:
    """Role, offices and the right to look are no fields of any form of the person's own."""
    more = {"role": "administrator", "may_preview": "1", "preview": "1", "offices": "000.00.00.H33", "office": "x"}
    for path, fields in (
        ("/preferences", {"language": "vi", "next": "/account"}),
        ("/ledger/views", {"name": "v", "filter": "", "columns": "", "owner": "someone"}),
        ("/still-here", {}),
    ):
        await attacker.get("/account")
        assert (await attacker.post(path, fields | more)).status in {204, 303}
    user = await site.base.users.require(ATTACKER)
    assert (user.role, len(await site.base.users.offices(user.id))) == (Role.CLERK, 1)
    for path, fields in (
        (f"/administration/users/{user.id}", {"act": "rights", "role": "administrator", "reason": "cho mình"}),
        ("/administration/users", {"login": "another1", "role": "administrator", "reason": "cho mình"}),
        ("/acts/do", {"act": "hold", "ids": "x", "reason": "cho vui"}),
    ):
        await attacker.get("/account")
        assert (await attacker.post(path, fields)).status == 403


@pytest.mark.parametrize("place", ELSEWHERE)
async def test_nothing_leads_to_another_site(site: Site, place: str) -> None:
    """Signing in, being signed in already, switching the language: all go on to a page of ours."""
    browser = site.browser()
    await browser.get("/login")
    form = {"login": LOGINS[Role.VIEWER], "password": PASSWORD, "code": "", "next": place}
    assert (await browser.post("/login", form)).location == "/"
    async with browser.session.get(
        browser.origin + "/login", params={"next": place}, allow_redirects=False
    ) as answer:
        assert answer.headers["Location"] == "/"
    await browser.get("/account")
    assert (await browser.post("/preferences", {"language": "en", "next": place})).location == "/"


async def test_no_answer_can_be_framed_sniffed_or_kept_by_a_cache(
    site: Site, others: Others, attacker: Browser
) -> None:
    """Pages, refusals, files, streams, redirects, and what is no HTTP at all."""
    clerk = await site.signed_in(Role.CLERK)
    paths = ("/", "/ledger/lines.csv", "/ledger/lines.xlsx", "/nowhere", "/audit", "/desk/registers/file/pdf")
    answers = [(path, (await clerk.get(path)).headers) for path in paths]
    answers.append(("login", (await site.browser().get("/account")).headers))
    answers.append(("token", (await site.browser().post("/login", {"form-token": "x"})).headers))
    async with clerk.session.get(clerk.origin + "/live") as stream:
        answers.append(("/live", dict(stream.headers)))
    async with clerk.session.request("DELETE", clerk.origin + "/ledger", allow_redirects=False) as refused:
        answers.append(("DELETE", dict(refused.headers)))
    host, port = "localhost", site.app.console_port
    reader, writer = await asyncio.open_connection(host, port, ssl=site.tls)
    writer.write(b"NO HTTP AT ALL\r\n\r\n")
    head = (await asyncio.wait_for(reader.read(65536), 60)).decode("latin-1")
    writer.close()
    fields = re.findall(r"^([\w-]+): (.*?)\r$", head.partition("\r\n\r\n")[0] + "\r", re.MULTILINE)
    answers.append(("no HTTP", dict(fields)))
    for path, headers in answers:
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Cache-Control"] == "no-store", path
        assert "aiohttp" not in headers.get("Server", ""), path


async def test_session_has_another_id_after_every_step_up(site: Site) -> None:
    """Who planted or stole an id before signing in, or before the password was changed, has nothing."""
    base, now = site.base, site.base.clock.now()
    user, _ = await base.users.add("mover7", name="M", role=Role.VIEWER, actor="operator:test", now=now)
    await base.users.choose_password(user, PASSWORD, session="", now=now)
    planted = site.browser()
    planted.session.cookie_jar.update_cookies(
        {"__Host-session": "A" * 43, "__Host-stranger": "B" * 43}, planted_url(planted)
    )
    assert (await planted.sign_in("mover7")).status == 303
    first = planted.cookie("__Host-session")
    assert first not in {"A" * 43, "B" * 43, ""}
    chosen = {"old": PASSWORD, "new": PASSWORD[::-1], "again": PASSWORD[::-1]}
    assert (await planted.post("/account/password", chosen)).location == "/account"
    second = planted.cookie("__Host-session")
    assert second != first
    assert "mật khẩu" in (await planted.get("/account")).text.lower()
    assert (await site.browser(Cookie=f"__Host-session={first}").get("/account")).status == 303
    user = await base.users.require("mover7")
    await base.users.set_rights(user, role=Role.OPERATOR, actor="operator:test", now=now, why="một việc khác")
    assert (await planted.get("/account")).status == 303


def planted_url(browser: Browser) -> URL:
    """Where its cookies are of."""
    return URL(browser.origin)


async def test_password_of_a_form_that_came_too_late_is_kept_for_nobody(site: Site) -> None:
    """What is kept is shown again in clear, and a password never is."""
    browser = await site.signed_in(Role.AUDITOR)
    await browser.get("/account/password")
    age(site, browser, "seen_at", timedelta(hours=1))
    form = {"old": PASSWORD, "new": "rat-bi-mat-khong-ai-biet", "again": "rat-bi-mat-khong-ai-biet"}
    assert (await browser.post("/account/password", form)).location == "/login"
    await browser.get("/login")
    back = await browser.post("/login", {"login": LOGINS[Role.AUDITOR], "password": PASSWORD, "next": "/"})
    assert back.location == "/"
    assert "rat-bi-mat" not in (await browser.get("/kept", follow=True)).text


async def test_refusals_come_as_late_whoever_tries(site: Site) -> None:
    """A login that nobody has, a wrong password, a locked user: none answers sooner than a commit takes."""
    took = []
    for login in ("nobody-at-all", LOGINS[Role.VIEWER]):
        browser = site.browser()
        await browser.get("/login")
        begun = monotonic()
        answer = await browser.post("/login", {"login": login, "password": "wrong-password", "code": ""})
        took.append(monotonic() - begun)
        assert answer.status == 401
        assert answer.headers["Cache-Control"] == "no-store"
    assert min(took) >= 0.4


async def test_files_of_one_form_have_a_limit_in_all(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred scans of a hundred megabytes would fill the disk that documents are accepted on."""
    monkeypatch.setattr("gateway.console.desk_parts._MOST_BYTES", 100)
    clerk = await site.signed_in(Role.CLERK)
    await clerk.get("/desk/paper")
    form = aiohttp.FormData()
    for number in range(3):
        form.add_field("scan", FILE + b" " * 30, filename=f"{number}.pdf", content_type="application/pdf")
    address = f"{clerk.origin}/desk/paper?form-token={clerk.token}"
    async with clerk.session.post(address, data=form, allow_redirects=False) as answer:
        assert (answer.status, "body_too_large" in await answer.text()) == (413, True)


@pytest.mark.parametrize("text", ["=1+1", " =1", "+1", "-1", "@x", "|calc", "\t=1", "＝1", "%0"])
async def test_cell_of_a_csv_is_no_formula(text: str) -> None:
    """Whichever spreadsheet opens it."""
    assert defused(text) == f"'{text}"
    assert defused("125/UBND-VP") == "125/UBND-VP"


async def test_pdf_of_a_report_does_nothing_whatever_people_wrote(site: Site) -> None:
    """Text is glyphs; no name of a PDF comes from it."""
    evil = "<script>alert(1)</script> ) Tj /OpenAction << /S /JavaScript /JS (app.alert(1)) >> endobj"
    made = pdf(
        evil, [Part(title=evil, lines=[(evil, evil)])], language="vi", made_at=site.base.clock.now(), foot=evil
    )
    assert made.startswith(b"%PDF-")
    for name in (b"/OpenAction", b"/JavaScript", b"/JS", b"/AA", b"/Launch", b"/URI", b"<script"):
        assert name not in made
