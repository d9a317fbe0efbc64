"""A clerk's day, also that of which nothing goes by the plain way, walked by clicking in a real browser.

One server, one browser; each walk is gone whole in Vietnamese and once more, at other offices, in English.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import msgspec
import openpyxl
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from gateway.accounts.roles import Role
from gateway.accounts.users import User
from gateway.desk.register import Registering
from gateway.edxml.envelope import BusinessType
from gateway.maintenance.book_closer import BookCloser
from tests.bundle.test_certificate_pdf import text_of
from tests.console.browsing import CHROMIUM, NARROWEST, PATIENCE, opened, sign_in
from tests.console.clicking import Speech, file, fill, menu, press, send, shown, taken
from tests.console.site import PASSWORD, Site, console
from tests.console.test_alerts import taken as brought
from tests.desk.lab import CHECKS, DeskLab, lab_of
from tests.desk.test_sending import fully_signed
from tests.journeys.installation import PROVINCE, PUSHED
from tests.journeys.messages import DAY, document_id
from tests.unit.signatures.cms_made import CmsPlan
from tests.unit.signatures.pdf_made import blank, signed
from tests.unit.signatures.vector_cases import write_anchors

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


WHY = "thử nghiệm từng việc"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> AsyncIterator[Site]:
    """It knows whose signatures count."""
    folder = tmp_path_factory.mktemp("console") / "site"
    folder.mkdir()
    write_anchors(folder / "foreign")
    async with console(folder, pki_folder, more=CHECKS) as found:
        yield found


async def clerk_at(site: Site, login: str, many: int = 2) -> tuple[User, list[DeskLab]]:
    """A person and so many offices that have a browser alone."""
    labs = [await lab_of(site.installation) for _ in range(many)]
    base, codes = site.base, [lab.code for lab in labs]
    user, _ = await base.users.add(
        login, name=f"Người {login}", role=Role.CLERK, offices=codes, actor="operator:test", now=base.clock.now()
    )
    await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
    return user, labs


def english_day(day: str) -> str:
    """2026-11-30 as the English pages write it: 30 Nov 2026, 01 Dec 2026."""
    return f"{date.fromisoformat(day):%d %b %Y}"


def told(lab: DeskLab, kind: str) -> tuple[str, str | None]:
    """Who did the newest of a kind, and why."""
    return lab.rows("SELECT actor, note FROM event WHERE kind = ? ORDER BY seq DESC LIMIT 1", kind)[0]


async def test_clerk_of_two_offices_numbers_for_the_chosen_one_and_tells_how_it_goes_on(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """A paper goes to the office that was chosen; whoever sent it again is told its number; then 05 and 06."""
    said, (first, again, third) = speech.said, [speech.own(each) for each in ("701", "702", "703")]
    clerk, (one, two) = await clerk_at(site, speech.own("vanthu7"))
    await one.send(first)
    twin, second = await two.send(again), await two.send(third)
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, clerk.login)
        await menu(page, "/desk")
        rows, notices = page.locator("#waiting tbody tr"), page.locator("#notices .done")
        await expect(rows).to_have_count(3)
        for lab in (one, two):
            await expect(page.locator("#waiting td.to", has_text=lab.code).first).to_be_visible()
        await page.select_option("form.filters [name=office]", two.office)
        await press(page, "form.filters button")
        await expect(rows).to_have_count(2)
        await press(page, "a[href^='/desk/paper']")
        await expect(page.locator("[name=office]")).to_have_value(two.office)
        paper = {
            "issuer": "Cơ quan gửi",
            "number": f"0{again}",
            "notation": "UBND – VP",
            "issued_on": DAY.isoformat(),
        }
        await send(page, "form[data-keep=paper]", "button.main", **paper, subject="V/v bản giấy")
        await expect(notices).to_have_text(said("Đã vào sổ số 1.", "Registered as number 1."))
        assert (two.numbers(), one.numbers()) == ([1], [])
        assert told(two, "entry.registered")[0] == clerk.actor
        await press(page, ".crumbs a[href^='/desk']")
        await expect(rows).to_have_count(2)
        await press(page, f"tbody th a:has-text('{again}')")
        ((day,),) = two.rows("SELECT day FROM desk_entry WHERE office_id = ?", two.office)
        written = f"{day[8:]}/{day[5:7]}/{day[:4]}"
        known = said(f"đã vào sổ số 1 ngày {written}.", f"registered as number 1 on {english_day(day)}.")
        await expect(page.locator(".cause.wait")).to_contain_text(known)
        await send(page, "form[action*='/duplicate']")
        told_sender = said("Đã báo nơi gửi: văn bản đã vào sổ số 1.", "is told that it is registered as number 1.")
        await expect(notices).to_contain_text(told_sender)
        assert two.statuses(twin)[-1] == ("03", f"Văn bản trùng. Đã vào sổ số 1 ngày {written}.")
        assert told(two, "status.recorded")[0] == clerk.actor
        await expect(page.locator("h1")).to_have_text(f"{third}/UBND-VP")
        await send(page, "form[action*='/register']", receiver="Phòng Kinh tế")
        await expect(rows).to_have_count(0)
        await menu(page, "/desk")
        await expect(rows).to_have_count(1)
        await menu(page, "/desk/registers")
        await page.select_option("form.filters [name=office]", two.office)
        await press(page, "form.filters button")
        await press(page, "tbody tr:has-text('Phòng Kinh tế') th a")
        await press(page, "a[href^='/desk/in/']")
        for code, words in (("05", said("đang xử lý", "in progress")), ("06", said("hoàn thành", "completed"))):
            await send(page, "form:has(button[value='05'])", f"button[value='{code}']")
            await expect(notices).to_have_text(
                said(f"Đã trả lời: {words} ({code}).", f"Answered: {words} ({code}).")
            )
            await expect(page.locator("#content dl.facts")).to_contain_text(words)
        assert [code for code, _ in two.statuses(second)][-3:] == ["03", "05", "06"]


async def test_clerk_declines_a_recall_and_writes_the_answer(site: Site, browser: Browser, speech: Speech) -> None:
    """16 with its reason reaches the sender; what goes out names the document that it answers."""
    said, number = speech.said, speech.own("711")
    clerk, (lab, _) = await clerk_at(site, speech.own("vanthu8"))
    delivery = await lab.send(number)
    await lab.desk.registering.register(lab.clerk, delivery)
    await lab.send(speech.own("712"), business=BusinessType.RECALL, about=document_id(PROVINCE, number))
    async with opened(browser, site.origin, width=NARROWEST, language=speech.language) as page:
        await sign_in(page, clerk.login)
        await menu(page, "/desk")
        waiting = page.locator("table", has_text=said("Nơi gửi chờ trả lời", "Their senders wait for an answer"))
        await press(page, waiting.locator(f"th a:has-text('{number}')"))
        await send(page, "form:has(button[value='16'])", "button[value='16']", reason="đã thi hành xong")
        assert lab.statuses(delivery)[-1] == ("16", "đã thi hành xong")
        assert told(lab, "status.recorded")[0] == clerk.actor
        await menu(page, "/desk/registers")
        await page.select_option("form.filters [name=office]", lab.office)
        await press(page, "form.filters button")
        await press(page, f"tbody tr:has-text('{number}') th a")
        await press(page, "a[href^='/desk/in/']")
        declined = said("đã từ chối", "declined the request")
        await expect(page.locator("#content dl.facts")).to_contain_text(declined)
        await press(page, "form[action='/desk/send'] button")
        await expect(page.locator("[name=recipients]")).to_have_value(PROVINCE)
        await expect(page.locator("[name=subject]")).to_have_value(f"Trả lời văn bản {number}/UBND-VP")
        await page.set_input_files("[name=file]", [file("tra-loi.pdf", blank().data)])
        why = {"notation": "UBND-VP", "signer": "Nguyễn Văn Bé", "why_unsigned": "bản giấy đã ký"}
        await send(page, "form#draft", "button[value=send]", **why)
        await menu(page, "/ledger")
        await press(page, "tbody th a:has-text('01/UBND-VP')")
        about = said(f"Trả lời {number}/UBND-VP", f"Answers {number}/UBND-VP")
        await expect(page.locator("#content")).to_contain_text(about)
    ((envelope,),) = lab.rows(
        "SELECT envelope FROM message WHERE answers_ref = ? AND kind = 'document' AND subject LIKE 'Trả lời%'",
        document_id(PROVINCE, number),
    )
    (answered,) = msgspec.json.decode(envelope)["responses_for"]
    assert answered["code"] == f"{number}/UBND-VP"
    assert told(lab, "entry.sent") == (clerk.actor, "bản giấy đã ký")
    async with site.installation.client(PROVINCE) as province:
        assert any(item.subject.startswith("Trả lời") for item in (await province.inbox(wait=5)).items)


async def test_clerk_returns_answers_and_registers_on_paper(site: Site, browser: Browser, speech: Speech) -> None:
    """02 with a reason, 04, 15; a paper with its scan, a line amended and struck; the register to take along."""
    said, (first, second, recall) = speech.said, [speech.own(each) for each in ("641", "642", "643")]
    clerk, (lab,) = await clerk_at(site, speech.own("vanthu5"), 1)
    wrong, right = await lab.send(first), await lab.send(second)
    async with opened(browser, site.origin, language=speech.language) as page:
        notices = page.locator("#notices .done")
        await sign_in(page, clerk.login)
        await menu(page, "/desk")
        await press(page, f"tbody th a:has-text('{first}')")
        await page.keyboard.press("t")
        form = page.locator("form:has([name=code][value='02'])")
        await form.locator("[name=preset]").select_option(label=said("Gửi nhầm đơn vị", "Sent to the wrong office"))
        await send(page, form, reason="xã Hai")
        await expect(notices).to_have_text(said("Đã trả lời: đã trả lại (02).", "Answered: sent back (02)."))
        assert lab.statuses(wrong)[-1] == ("02", "Gửi nhầm đơn vị – xã Hai")
        await menu(page, "/desk")
        await press(page, f"tbody th a:has-text('{second}')")
        await send(page, "form[action*='/register']", receiver="Phòng Tư pháp")
        await lab.send(recall, business=BusinessType.RECALL, about=document_id(PROVINCE, second))
        await menu(page, "/desk")
        await press(page, f"tbody th a:has-text('{second}')")
        await send(page, "form:has(button[value='04'])", "button[value='04']")
        await expect(notices).to_have_text(said("Đã trả lời: đã phân công (04).", "Answered: assigned (04)."))
        await send(page, "form:has(button[value='15'])", "button[value='15']", reason="đồng ý")
        agreed = said("Đã trả lời: đã đồng ý (15).", "Answered: agreed to the request (15).")
        await expect(notices).to_have_text(agreed)
        assert [code for code, _ in lab.statuses(right)][-3:] == ["03", "04", "15"]
        await menu(page, "/desk")
        await press(page, "a[href='/desk/paper']")
        await page.set_input_files("[name=scan]", [file("to.pdf", blank().data)])
        await send(page, "form[data-keep=paper]", "button.main", issuer="Sở Nội vụ", subject="V/v giấy")
        await menu(page, "/desk/registers")
        await expect(page.locator("tr.struck")).to_have_count(1)
        await expect(page.locator("tr.struck .kept")).to_have_text(said("đã thu hồi", "recalled"))
        book = openpyxl.load_workbook(io.BytesIO(await taken(page, "a[href*='/file/xlsx']")))
        assert book.active is not None
        assert f"{second}/UBND-VP" in [row[3].value for row in book.active.iter_rows(min_row=7)]
        assert (await taken(page, "a[href*='/file/pdf']")).startswith(b"%PDF-")
        await press(page, "tbody tr:has-text('V/v giấy') th a")
        await expect(page.locator("a[href^='/desk/files/']")).to_be_visible()
        await send(page, "form[action$='/amend']", note="bản gốc ở kho")
        await send(page, "form[action$='/void']", reason=WHY)
        struck = said(f"đã hủy: {WHY}", f"struck out: {WHY}")
        await expect(page.locator(".badge.bad")).to_have_text(struck)


async def _book(page: Page, lab: DeskLab, direction: str) -> tuple[list[str], str]:
    """The register of one direction as its two files have it: the workbook's lines, and the print's text."""
    await menu(page, "/desk/registers")
    await page.select_option("form.filters [name=office]", lab.office)
    await page.select_option("form.filters [name=direction]", direction)
    await page.fill("form.filters [name=first]", (lab.desk.registering.today() - timedelta(days=9)).isoformat())
    await press(page, "form.filters button")
    sheet = openpyxl.load_workbook(io.BytesIO(await taken(page, "a[href*='/file/xlsx']"))).active
    assert sheet is not None
    rows = [" | ".join(str(each) for each in row if each) for row in sheet.iter_rows(values_only=True)]
    return rows, text_of(await taken(page, "a[href*='/file/pdf']"))


async def test_day_of_both_registers_is_closed_and_the_next_one_goes_on(
    site: Site, whole_browser: Browser, speech: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came, a paper and its scan, what went: both files are to be signed once the day is closed."""
    said, number, close = speech.said, speech.own("761"), BookCloser.run_once
    clerk, (lab,) = await clerk_at(site, speech.own("vanthu3"), 1)
    base, today = site.base, lab.desk.registering.today()
    day = today - timedelta(days=2)
    written = f"{day:%d/%m/%Y}"
    await lab.send(number)
    async with opened(whole_browser, site.origin, language=speech.language) as page:
        notices, facts = page.locator("#notices .done"), page.locator("#content dl.facts")
        await sign_in(page, clerk.login)
        with monkeypatch.context() as patch:
            patch.setattr(Registering, "today", lambda _: day)
            patch.setattr(BookCloser, "run_once", _looks_away)
            await menu(page, "/desk")
            await press(page, f"tbody th a:has-text('{number}')")
            await send(page, "form[action*='/register']", receiver="Phòng Kinh tế")
            await menu(page, "/desk")
            await press(page, "a[href='/desk/paper']")
            await page.set_input_files("[name=scan]", [file("quet.pdf", blank().data)])
            await send(page, "form[data-keep=paper]", "button.main", issuer="Sở Y tế", subject="V/v tiêm chủng")
            await expect(notices).to_have_text(said("Đã vào sổ số 2.", "Registered as number 2."))
            await menu(page, "/desk/send")
            await press(page, "form[action='/desk/send'] button.main")
            await page.set_input_files("[name=file]", [file("di.pdf", blank().data)])
            out = {"notation": "UBND-VP", "signer": "Nguyễn Văn Bé", "why_unsigned": "bản giấy đã ký"}
            await send(page, "#draft", "button[value=send]", recipients=PROVINCE, subject="V/v báo cáo ngày", **out)
            rows, _ = await _book(page, lab, "in")
            assert f"Ngày {written}, chưa khóa sổ: 2 văn bản, từ số 1 đến số 2." in rows
        await close(BookCloser(base.readers, base.pump, clock=base.clock))
        for direction, subjects in (("out", ["V/v báo cáo ngày"]), ("in", ["V/v đăng ký", "V/v tiêm chủng"])):
            rows, print_out = await _book(page, lab, direction)
            count = len(subjects)
            closed = f"Khóa sổ ngày {written}: {count} văn bản, từ số 1 đến số {count}. Văn thư ký:"
            assert sum(row.startswith(closed) for row in rows) == 1
            assert closed.replace(" ", "") in print_out
            for subject in subjects:
                assert sum(subject in row for row in rows) == 1
                assert subject.replace(" ", "") in print_out
        await press(page, "tbody tr:has-text('V/v tiêm chủng') th a")
        await expect(facts).to_contain_text(said("đã khóa sổ", "day closed"))
        await shown(page, "a[href^='/desk/files/']")
        await menu(page, "/desk")
        await press(page, "a[href='/desk/paper']")
        await send(page, "form[data-keep=paper]", "button.main", issuer="Sở Y tế", subject="V/v ngày sau")
        following = 3 if day.year == today.year else 1
        await expect(notices).to_contain_text(said(f"số {following}.", f"number {following}."))
        rows, _ = await _book(page, lab, "in")
        assert f"Ngày {today:%d/%m/%Y}, chưa khóa sổ: 1 văn bản, từ số {following} đến số {following}." in rows
    facts_of = [each["facts"] for each in lab.events("book.closed") if each["facts"]["office"] == lab.office]
    kept = sorted((each["direction"], each["entries"], each["day"]) for each in facts_of)
    assert kept == [("in", 2, day.isoformat()), ("out", 1, day.isoformat())]


async def _looks_away(_: BookCloser) -> None:
    """It would close the day while it is written to."""


async def test_clerk_writes_to_a_group_once_both_signatures_hold(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """A group; a draft dropped, its number struck; the check says what is lacking, then that both hold."""
    said, subject = speech.said, speech.own("V/v ký số ")
    clerk, (lab,) = await clerk_at(site, speech.own("vanthu6"), 1)
    async with opened(browser, site.origin, language=speech.language) as page:
        notices, recipients = page.locator("#notices .done"), page.locator("[name=recipients]")
        await sign_in(page, clerk.login)
        await menu(page, "/desk/send")
        await press(page, "a[href='/desk/groups']")
        await send(page, "form:has([name=name][required])", name="Cấp trên", members=PROVINCE)
        await expect(notices).to_have_text(said("Đã lưu nhóm.", "The group is kept."))
        for kept in (False, True):
            await menu(page, "/desk/send")
            await press(page, "form[action='/desk/send'] button.main")
            await page.select_option("[name=group]", "Cấp trên")
            await page.fill("[name=subject]", subject)
            await send(page, "#draft", "button[value=number]", notation="UBND-VP", signer="Nguyễn Văn Bé")
            number = "02" if kept else "01"
            await expect(notices).to_have_text(said(f"Đã cấp số {number}.", f"It has number {number}."))
            await expect(recipients).to_have_value(PROVINCE)
            await expect(page.locator(".next-number")).to_have_text(f"{number}/UBND-VP")
            if not kept:
                await press(page, (await fill(page, "form[action$='/drop']")).locator("button:enabled"))
                gone = said(
                    "Đã xóa bản nháp. Số đã lấy vẫn nằm trong sổ",
                    "The draft is gone. Its number stays in the register",
                )
                await expect(page.locator("#notices")).to_contain_text(gone)
                await send(page, "form[action$='/void']", reason=WHY)
        await page.set_input_files("[name=file]", [file("mot.pdf", signed(CmsPlan(member="person")).data)])
        await press(page, "button[value=check]")
        lacking = said(
            "chữ ký cá nhân: hợp lệ; chữ ký cơ quan: không có — chỉ để biết, tham khảo",
            "signature of the person: valid; of the agency: none — for information only",
        )
        await expect(page.locator("#notices")).to_contain_text(lacking)
        await press(page, "button[value=send]", fails=True)
        await expect(page.locator("#content")).to_contain_text(
            said("Bản PDF chưa đủ hai chữ ký số hợp lệ", "does not carry two valid signatures")
        )
        await page.go_back()
        await page.check("[name=remove]")
        await page.set_input_files("[name=file]", [file("hai.pdf", fully_signed())])
        await press(page, "button[value=check]")
        both = said("chữ ký cá nhân, chữ ký cơ quan: hợp lệ", "signatures of the person and of the agency: valid")
        await expect(page.locator("#notices")).to_contain_text(both)
        await send(page, "#draft", "button[value=send]")
        await menu(page, "/desk/registers")
        await page.select_option("form.filters [name=direction]", "out")
        await press(page, "form.filters button")
        await expect(page.locator("tbody tr").first).to_contain_text(subject)
        await expect(page.locator("tbody tr .kept").first).to_have_text(said("đã gửi", "sent"))
    assert told(lab, "entry.sent") == (clerk.actor, None)
    assert lab.rows("SELECT COUNT(*) FROM message WHERE subject = ?", subject) == [(1,)]


async def test_office_with_a_system_has_its_documents_at_the_desk_as_well_and_no_longer(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """What is brought to its system meanwhile waits here, too; what is brought afterwards does not."""
    said, base, (first, second) = speech.said, site.base, [speech.own(each) for each in ("731", "732")]
    login, now = speech.own("vanthu4"), base.clock.now()
    user, _ = await base.users.add(
        login, name="Văn thư xã Hai", role=Role.CLERK, offices=[PUSHED], actor="operator:test", now=now
    )
    await base.users.choose_password(user, PASSWORD, session="", now=now)

    async with opened(browser, site.origin, language=speech.language) as page:
        notices, waiting = page.locator("#notices .done"), page.locator("#waiting tbody th a")
        await sign_in(page, login)
        await menu(page, "/desk")
        await expect(page.locator("#waiting .empty")).to_contain_text(
            said("Không có văn bản chờ.", "No document waits.")
        )
        await send(page, "form[action='/desk/offices']", "button[value='1']")
        here = said("Từ nay văn bản của đơn vị này cũng chờ ở đây.", "From now on its documents wait here, too.")
        await expect(notices).to_have_text(here)
        await brought(site, first)
        await expect(waiting).to_have_text(f"{first}/UBND-VP")
        await press(page, waiting)
        await send(page, "form[action*='/register']")
        await send(page, "form[action='/desk/offices']", "button[value='0']")
        gone = said("Văn bản mới của đơn vị này không chờ ở đây nữa.", "Nothing new of it waits here.")
        await expect(notices).to_have_text(gone)
        await brought(site, second)
        await menu(page, "/desk")
        await expect(waiting).to_have_count(0)


async def test_session_is_kept_open_by_a_button_and_a_form_that_came_too_late_is_found_again(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """A warning, and more time; then the end: nothing is done, the form waits in words behind every page."""
    said, number, usual = speech.said, speech.own("721"), site.base.settings.console
    clerk, (lab, _) = await clerk_at(site, speech.own("vanthu9"))
    delivery = await lab.send(number)
    async with opened(browser, site.origin, language=speech.language) as page:
        await page.clock.install()
        await sign_in(page, clerk.login)
        await menu(page, "/desk")
        await page.select_option("form.filters [name=office]", lab.office)
        await press(page, "form.filters button")
        await press(page, f"tbody th a:has-text('{number}')")
        form = page.locator("form:has([name=code][value='02'])")
        await page.keyboard.press("t")
        await form.locator("[name=reason]").fill("thiếu phụ lục")
        warning = page.locator("#expiring")
        await _nearly_over(page, usual.idle)
        async with page.expect_response("**/still-here") as asked:
            await warning.locator("button").click()
        assert (await asked.value).status == 204
        await expect(warning).to_be_hidden()
        await _nearly_over(page, usual.idle)
        object.__setattr__(site.base.settings, "console", replace(usual, idle=timedelta(0)))
        try:
            await warning.locator("button").click()
            await expect(page.locator("#ended")).to_be_visible()
            await form.locator("[name=preset]").select_option("Thiếu tệp")
            await press(page, form.locator("button:enabled"))
        finally:
            object.__setattr__(site.base.settings, "console", usual)
        assert [code for code, _ in lab.statuses(delivery)] in ([], ["01"])
        await _sign_in_again(page, clerk.login)
        await page.wait_for_url("**/kept", timeout=PATIENCE)
        content = page.locator("#content")
        await expect(page.locator("h1")).to_have_text(said("Biểu mẫu của bạn vẫn còn", "Your form is still here"))
        for words in (said("Trả lại (02)", "Return it (02)"), said("Lý do", "Reason")):
            await expect(content).to_contain_text(words)
        own_words = content.get_by_label(said("Ý kiến khác", "In your own words"))
        await expect(own_words).to_have_value("thiếu phụ lục")
        await expect(content.locator("label:visible")).to_have_count(2)
        await expect(content.locator(f"form[action$='/answer?office={lab.office}']")).to_have_count(1)
        await menu(page, "/desk")
        await press(page, ".flash a[href='/kept']")
        await press(page, "a[href^='/desk/in/']")
        await expect(page.locator("h1")).to_have_text(f"{number}/UBND-VP")
        await press(page, ".flash a[href='/kept']")
        await press(page, "[form=leave]")
        gone = said("Đã bỏ biểu mẫu; chưa có gì được thực hiện.", "The form is gone; nothing of it was done.")
        await expect(page.locator("#notices .done")).to_have_text(gone)
        await expect(page.locator(".flash a[href='/kept']")).to_have_count(0)
        assert [code for code, _ in lab.statuses(delivery)] in ([], ["01"])


async def _nearly_over(page: Page, idle: timedelta) -> None:
    """Nothing is done until the page warns."""
    await page.clock.fast_forward((idle - timedelta(minutes=1)) // timedelta(milliseconds=1))
    await expect(page.locator("#expiring")).to_be_visible()


async def _sign_in_again(page: Page, login: str) -> None:
    await page.fill("[name=login]", login)
    await page.fill("[name=password]", PASSWORD)
    await page.click("button.main")
