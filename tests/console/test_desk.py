"""The clerk's desk in pages: register and go on, refuse, send, registers; another office's does not exist."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import openpyxl
import pytest
import pytest_asyncio

from gateway.accounts.roles import Role
from gateway.clock import VIETNAM
from gateway.desk.sending import OutgoingForm
from gateway.directory.changes import CloseAgency, CloseAgencyOperation
from gateway.edxml.envelope import BusinessType
from gateway.ledger.inquiries import InquiryReads
from tests.console.site import LOGINS, PASSWORD, Browser, Page, Site, console
from tests.desk.lab import CHECKS, DeskLab, clerk_of, lab_of
from tests.desk.test_sending import fully_signed
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document_id
from tests.unit.signatures.cms_made import CmsPlan
from tests.unit.signatures.pdf_made import signed
from tests.unit.signatures.vector_cases import write_anchors

pytestmark = pytest.mark.asyncio(loop_scope="module")

PDF = b"%PDF-1.4\nmot trang\n%%EOF\n"
EVIL = "<script>alert(1)</script>"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> AsyncIterator[Site]:
    """The clerk acts for the commune; whose signatures are known is, too."""
    folder = tmp_path_factory.mktemp("console") / "site"
    folder.mkdir()
    write_anchors(folder / "foreign")
    async with console(folder, pki_folder, more=CHECKS) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def lab(site: Site) -> DeskLab:
    """What sends to the commune."""
    clerk = await clerk_of(site.app, COMMUNE)
    (office,) = clerk.offices
    return DeskLab(site=site.installation, app=site.app, office=office, code=COMMUNE, clerk=clerk)


@pytest_asyncio.fixture(loop_scope="module")
async def browser(site: Site) -> Browser:
    """A clerk's, signed in."""
    return await site.signed_in(Role.CLERK)


async def upload(browser: Browser, page: Page, path: str, fields: dict[str, str], file: bytes = b"") -> Page:
    """Send the form with files that a page has."""
    found = re.search(rf'action="({re.escape(path)}\?[^"]+)"', page.text)
    assert found, page.text
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value)
    if file:
        form.add_field("file", file, filename="van-ban.pdf", content_type="application/pdf")
    address = browser.origin + found[1].replace("&amp;", "&")
    async with browser.session.post(address, data=form, allow_redirects=False) as answer:
        return Page(
            status=answer.status, text=await answer.text(), headers=dict(answer.headers), url=str(answer.url)
        )


async def test_clerk_registers_and_goes_on_to_the_next(lab: DeskLab, browser: Browser) -> None:
    """The list shows it, the page has document and number, one button does number and 03."""
    first = await lab.send("801", subject=f"V/v {EVIL}", priority=3)
    second = await lab.send("802")
    listed = await browser.get("/desk")
    assert listed.text.index("801/UBND-VP") < listed.text.index("802/UBND-VP")
    assert EVIL not in listed.text
    assert "&lt;script&gt;" in listed.text
    page = await browser.get(f"/desk/in/{first}")
    assert f'src="/desk/in/{first}/file/1"' in page.text
    done = await browser.post(f"/desk/in/{first}/register", {"receiver": "Phòng Tư pháp", "note": EVIL})
    assert done.status == 303
    assert done.location.startswith("/desk/in/")
    assert done.location != f"/desk/in/{first}"
    after = await browser.get(done.location)
    number = lab.numbers()[-1]
    assert f"Đã vào sổ số {number}." in after.text
    assert lab.statuses(first)[-1][0] == "03"
    assert "clerk1" not in str(lab.events("entry.registered")[-1])
    register = await browser.get("/desk/registers")
    assert "Phòng Tư pháp" in register.text
    ((entry,),) = lab.rows("SELECT id FROM desk_entry WHERE delivery_id = ?", first)
    line = (await browser.get(f"/desk/entries/{entry}")).text
    assert "Người clerk1" in line
    assert '<a href="/desk/registers" aria-current="page">' in line
    assert EVIL not in register.text
    await browser.post(f"/desk/in/{second}/answer", {"code": "02", "preset": "", "reason": ""})
    assert lab.statuses(second) in ([], [("01", "")])
    await browser.post(f"/desk/in/{second}/answer", {"code": "02", "preset": "Gửi nhầm đơn vị", "reason": "xã Hai"})
    assert lab.statuses(second)[-1] == ("02", "Gửi nhầm đơn vị – xã Hai")


async def test_list_is_fetched_anew_by_the_page_itself(lab: DeskLab, browser: Browser) -> None:
    """The part without its frame, where htmx asks."""
    delivery = await lab.send("808")
    part = await browser.get("/desk", HX_Request="true", X_Live="1")
    assert "808/UBND-VP" in part.text
    assert "<html" not in part.text
    await lab.desk.registering.register(lab.clerk, delivery)


async def test_file_is_shown_in_a_frame_of_ours_alone(lab: DeskLab, browser: Browser) -> None:
    """PDF inline, nobody else may frame it, and nothing in it is script of ours."""
    delivery = await lab.send()
    shown = await browser.get(f"/desk/in/{delivery}/file/1")
    assert (shown.status, shown.headers["Content-Type"]) == (200, "application/pdf")
    assert shown.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert shown.headers["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'self'"
    saved = await browser.get(f"/desk/in/{delivery}/file/1?download=1")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert (await browser.get(f"/desk/in/{delivery}/file/9")).status == 404
    clerk = await lab.app.foundation.users.require("clerk1")
    assert lab.rows("SELECT actor FROM reading WHERE delivery_id = ?", delivery)[0] == (clerk.actor,)
    await lab.desk.registering.register(lab.clerk, delivery)


async def test_another_offices_ids_do_not_exist(lab: DeskLab, browser: Browser) -> None:
    """Document, file, line, draft and register of the province, by their ids."""
    stranger = await clerk_of(lab.app, PROVINCE, user_id="nam")
    (office,) = stranger.offices
    delivery = await lab.send(sender=COMMUNE, to=PROVINCE)
    entry = await lab.desk.registering.register(stranger, delivery)
    file = await lab.desk.papers.add(stranger, office, "a.pdf", await lab.spooled(PDF))
    draft = await lab.desk.sending.save(stranger, office, OutgoingForm(subject="mật"))
    own = await browser.get("/desk/send")
    posts: list[tuple[str, dict[str, str]]]
    for path in (
        f"/desk/in/{delivery}", f"/desk/in/{delivery}/file/1", f"/desk/entries/{entry.id}",
        f"/desk/files/{file.id}", f"/desk/send/{draft.id}", f"/desk?office={office}",
        f"/desk/registers?office={office}", f"/desk/registers/file/xlsx?office={office}",
    ):  # fmt: skip
        assert (await browser.get(path)).status == 404, path
    posts = [
        (f"/desk/in/{delivery}/register", {}), (f"/desk/in/{delivery}/answer", {"code": "05"}),
        (f"/desk/in/{delivery}/duplicate", {}), (f"/desk/entries/{entry.id}/void", {"reason": "phá"}),
        (f"/desk/entries/{entry.id}/amend", {"note": "phá"}), (f"/desk/send/{draft.id}/drop", {}),
        ("/desk/send", {"office": office}), ("/desk/send", {"answers": delivery}),
        ("/desk/groups", {"office": office, "name": "x", "members": PROVINCE}),
    ]  # fmt: skip
    for path, fields in posts:
        assert (await browser.post(path, fields)).status == 404, path
    assert "mật" not in own.text
    assert (await lab.desk.registering.entry(stranger, entry.id)).voided_at is None


async def test_paper_with_its_scan_gets_the_next_number(lab: DeskLab, browser: Browser) -> None:
    """One series; the scan is given back from the line."""
    page = await browser.get("/desk/paper")
    before = len(lab.numbers())
    fields = {
        "office": lab.office,
        "issuer": "Sở Nội vụ",
        "number": "9",
        "notation": "SNV",
        "subject": "V/v giấy",
        "issued_on": "2026-11-20",
    }
    done = await upload(browser, page, "/desk/paper", fields, PDF)
    assert (done.status, done.location) == (303, "/desk/paper")
    assert lab.numbers()[-1] == before + 1
    ((entry, scan),) = lab.rows("SELECT id, scan_id FROM desk_entry WHERE subject = 'V/v giấy'")
    shown = await browser.get(f"/desk/entries/{entry}")
    assert f"/desk/files/{scan}" in shown.text
    assert "<dd>20/11/2026</dd>" in shown.text
    assert (await browser.get(f"/desk/files/{scan}")).headers["Content-Type"] == "application/pdf"
    again = await upload(browser, page, "/desk/paper", fields, PDF)
    assert again.status == 409
    assert f"đã vào sổ số {before + 1} ngày" in again.text


async def test_draft_is_kept_numbered_and_sent_for_a_reason(lab: DeskLab, browser: Browser) -> None:
    """From an answer to what came, to the register of what went out."""
    delivery = await lab.send("803")
    begun = await browser.post("/desk/send", {"answers": delivery})
    page = await browser.get(begun.location)
    assert PROVINCE in page.text
    fields = {"recipients": PROVINCE, "subject": "V/v trả lời", "notation": "UBND-VP", "signer": "Nguyễn Văn Bé"}
    kept = await upload(browser, page, begun.location, fields | {"act": "number"}, PDF)
    assert kept.location == begun.location
    seen = re.search(r'name="changed_at" value="(\d+)"', page.text)
    assert seen
    stale = await upload(browser, page, begun.location, fields | {"act": "save", "changed_at": seen[1]})
    assert stale.status == 409
    assert "Người khác vừa sửa bản nháp này" in stale.text
    page = await browser.get(begun.location)
    assert "01/UBND-VP" in page.text
    assert "van-ban.pdf" in page.text
    refused = await upload(browser, page, begun.location, fields | {"act": "send"})
    assert refused.status == 409
    sent = await upload(browser, page, begun.location, fields | {"act": "send", "why_unsigned": "thử"})
    assert sent.location == "/desk/send"
    assert "01/UBND-VP" in (await browser.get("/desk/registers?direction=out")).text
    await lab.desk.registering.register(lab.clerk, delivery)


async def test_signatures_are_told_and_what_bears_both_goes_out_without_a_word(
    lab: DeskLab, browser: Browser
) -> None:
    """One signature is not enough; the button with `c` says of each whose it is, in the clerk's language."""
    begun = await browser.post("/desk/send", {"office": lab.office})
    path, page = begun.location, await browser.get(begun.location)
    assert re.search(r'name="act" value="check" data-key="c"', page.text)
    fields = {"recipients": PROVINCE, "subject": "V/v ký số", "notation": "UBND-VP", "signer": "Nguyễn Văn Bé"}
    fields["series"] = "KS"  # another test counts in the usual one
    one = signed(CmsPlan(member="person")).data
    checked = await upload(browser, page, path, fields | {"act": "check"}, one)
    assert (checked.status, checked.location) == (303, path)
    page = await browser.get(path)
    told = "chữ ký cá nhân: hợp lệ; chữ ký cơ quan: không có — chỉ để biết, tham khảo"
    assert f"<span>{told}</span>" in page.text
    refused = await upload(browser, page, path, fields | {"act": "send"})
    assert (refused.status, told in refused.text) == (409, True)
    ((old,),) = lab.rows("SELECT file_id FROM desk_draft_file WHERE draft_id = ?", path.rpartition("/")[2])
    await upload(browser, page, path, fields | {"act": "check", "remove": old}, fully_signed())
    page = await browser.get(path)
    assert "<span>chữ ký cá nhân, chữ ký cơ quan: hợp lệ</span>" in page.text
    sent = await upload(browser, page, path, fields | {"act": "send"})
    assert (sent.status, sent.location) == (303, "/desk/send"), sent.text
    assert lab.rows("SELECT note FROM event WHERE kind = 'entry.sent' ORDER BY seq DESC LIMIT 1") == [(None,)]
    assert lab.rows("SELECT COUNT(*) FROM message WHERE subject = 'V/v ký số'") == [(1,)]


async def test_predecessors_addressee_stands_on_the_list_and_beside_the_form(
    lab: DeskLab, browser: Browser
) -> None:
    """The code that the sender wrote, of an office that this one has succeeded; of its own nothing is said."""
    base, old = lab.app.foundation, await lab_of(lab.site)
    theirs, own = await lab.send("815", to=old.code), await lab.send("816")
    words = "cơ quan cũ mà đơn vị này kế thừa"
    assert "815/UBND-VP" not in (await browser.get("/desk")).text
    now = base.clock.now()
    closing = CloseAgency(agency_id=old.office, at=now, successor_id=lab.office, actor="operator:test", now=now)
    await base.directory.apply(base.pump, CloseAgencyOperation(), closing)
    rows = (await browser.get("/desk")).text.split("<tr>")
    (row,) = (each for each in rows if "815/UBND-VP" in each)
    assert old.code in row
    assert words in row
    (row,) = (each for each in rows if "816/UBND-VP" in each)
    assert words not in row
    shown = (await browser.get(f"/desk/in/{theirs}")).text
    assert re.search(rf'<span class="quiet">[^<]*{re.escape(old.code)}[^<]*{words}', shown)
    assert words not in (await browser.get(f"/desk/in/{own}")).text
    done = await browser.post(f"/desk/in/{theirs}/register")
    assert done.status == 303
    assert lab.statuses(theirs)[-1][0] == "03"
    await lab.desk.registering.register(lab.clerk, own)


async def test_registers_of_an_office_that_was_succeeded_are_read_and_not_changed(
    lab: DeskLab, browser: Browser
) -> None:
    """What the old office registered is answered on, and its register printed; nobody writes in it any more."""
    base, old = lab.app.foundation, await lab_of(lab.site)
    delivery = await lab.send("817", to=old.code)
    entry = await lab.desk.registering.register(old.clerk, delivery)
    assert (await browser.get(f"/desk/entries/{entry.id}")).status == 404
    now = base.clock.now()
    closing = CloseAgency(agency_id=old.office, at=now, successor_id=lab.office, actor="operator:test", now=now)
    await base.directory.apply(base.pump, CloseAgencyOperation(), closing)
    name = (await base.directory.agencies([old.office]))[old.office].name
    assert f"{name} (cơ quan cũ)" in (await browser.get("/desk/registers")).text
    assert "817/UBND-VP" not in (await browser.get("/desk/registers")).text, "the own register comes first"
    assert "817/UBND-VP" in (await browser.get(f"/desk/registers?office={old.office}")).text
    async with browser.session.get(f"{browser.origin}/desk/registers/file/pdf?office={old.office}") as answer:
        assert (await answer.read()).startswith(b"%PDF-1")
    line = await browser.get(f"/desk/entries/{entry.id}")
    assert line.status == 200
    assert "/amend" not in line.text
    for act in ("amend", "void"):
        assert (await browser.post(f"/desk/entries/{entry.id}/{act}", {"reason": "x"})).status == 404
    assert "Đang xử lý (05)" in (await browser.get(f"/desk/in/{delivery}")).text
    said = await browser.post(f"/desk/in/{delivery}/answer", {"code": "05"})
    assert said.status == 303, said.text
    assert lab.statuses(delivery)[-1][0] == "05"
    assert (await browser.post(f"/desk/in/{delivery}/register")).status == 303
    assert lab.rows("SELECT COUNT(*) FROM desk_entry WHERE delivery_id = ?", delivery) == [(1,)]


async def test_register_is_downloaded_as_workbook_and_print(lab: DeskLab, browser: Browser) -> None:
    """Both hold the lines of the page."""
    await lab.desk.registering.register(lab.clerk, await lab.send("804"))
    async with browser.session.get(f"{browser.origin}/desk/registers/file/xlsx") as answer:
        sheet = openpyxl.load_workbook(io.BytesIO(await answer.read())).active
    assert "804/UBND-VP" in [row[3].value for row in sheet.iter_rows(min_row=7)]
    async with browser.session.get(f"{browser.origin}/desk/registers/file/pdf") as answer:
        assert (await answer.read()).startswith(b"%PDF-1")


async def test_recalled_document_waits_for_its_answer(lab: DeskLab, browser: Browser) -> None:
    """The list says so first; agreeing strikes the line through."""
    delivery = await lab.send("805")
    entry = await lab.desk.registering.register(lab.clerk, delivery)
    recall = await lab.send("806", business=BusinessType.RECALL, about=document_id(PROVINCE, "805"))
    assert "Nơi gửi chờ trả lời" in (await browser.get("/desk")).text
    await browser.get(f"/desk/in/{delivery}")
    await browser.post(f"/desk/in/{delivery}/answer", {"code": "15"})
    assert 'class="struck"' in (await browser.get("/desk/registers")).text
    assert "đã thu hồi" in (await browser.get(f"/desk/entries/{entry.id}")).text
    assert recall


async def test_urgent_documents_are_told_to_the_notification(
    lab: DeskLab, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Number and subject of each, the most urgent first; the newest of each urgency, however many wait."""
    older, newer, less = [await lab.send(number, priority=p) for number, p in (("807", 3), ("808", 3), ("809", 1))]
    told = msgspec.json.decode((await browser.get("/desk/urgent")).text)
    assert told["login"] == LOGINS[Role.CLERK]
    waiting = [each["id"] for each in told["newest"] if each["id"] in {older, newer, less}]
    assert waiting == [newer, older, less]
    assert {"id": older, "text": "807/UBND-VP: V/v đăng ký"} in told["newest"]
    assert not told["is_more"]
    monkeypatch.setattr("gateway.console.desk_inbox._MOST_RUNG", 1)
    cut = msgspec.json.decode((await browser.get("/desk/urgent")).text)
    named = [each["id"] for each in cut["newest"]]
    assert ((named[0], less in named, older in named), cut["count"]) == ((newer, True, False), told["count"])
    assert ({older, newer, less} <= {*cut["known"]}, cut["is_more"]) == (True, False)
    monkeypatch.setattr("gateway.console.desk_inbox._MOST_WAITING", 1)
    newest = await lab.send("810", priority=1)
    cut = msgspec.json.decode((await browser.get("/desk/urgent")).text)
    assert [each["id"] for each in cut["newest"]] == [newer, newest]
    assert (cut["count"], cut["is_more"]) == (2, True)


async def test_first_look_says_01_groups_are_written_to_and_looks_are_on_record_once(site: Site) -> None:
    """By an office that has a browser alone; what a clerk looks at again in the same session is no new look."""
    lab = await lab_of(site.installation)
    user, _ = await site.base.users.add(
        "vanthu2", name="V", role=Role.CLERK, offices=[lab.code], actor="operator:test", now=site.base.clock.now()
    )
    await site.base.users.choose_password(user, PASSWORD, session="", now=site.base.clock.now())
    browser, delivery = await site.signed_in("vanthu2"), await lab.send()
    await browser.get("/desk")
    await lab.desk.arrivals.close()
    assert [code for code, _ in lab.statuses(delivery)] == ["01"]
    await browser.post("/desk/groups", {"office": lab.office, "name": "Cấp trên", "members": PROVINCE})
    assert "Cấp trên" in (await browser.get("/desk/groups")).text
    begun = await browser.post("/desk/send", {"office": lab.office})
    page = await browser.get(begun.location)
    await upload(browser, page, begun.location, {"group": "Cấp trên", "subject": "V/v", "act": "save"}, PDF)
    assert PROVINCE in (await browser.get(begun.location)).text
    ((file,),) = lab.rows("SELECT id FROM desk_file WHERE office_id = ?", lab.office)
    for each in (browser, browser, await site.signed_in("vanthu2")):
        assert (await each.get(f"/desk/files/{file}")).status == 200
    assert (await browser.get("/desk/registers/file/xlsx")).status == 200
    looks = await InquiryReads(site.base.readers).lookups(limit=20)
    today = site.base.clock.now().astimezone(VIETNAM).date()
    assert [(each.act, each.question) for each in looks if each.actor == user.actor] == [
        ("taken", f"register in {lab.code} {today.year}-01-01 - {today}"),
        ("opened", f"desk file {file} {lab.code}"),
        ("opened", f"desk file {file} {lab.code}"),
        ("opened", f"draft {begun.location.rpartition('/')[2]} {lab.code}"),
    ]
