"""The desk's forms: recipients by name, signatures on the draft's page, and what a form has filled in already."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape

import msgspec
import pytest
import pytest_asyncio

from gateway.accounts.roles import Role
from gateway.clock import VIETNAM
from gateway.directory.changes import CloseAgency, CloseAgencyOperation
from gateway.directory.importer import import_agencies
from gateway.ledger.entries import Beside
from tests.console.clicking import Speech
from tests.console.site import PASSWORD, Browser, Site
from tests.console.test_desk import upload
from tests.desk.lab import DeskLab, clerk_of, lab_of
from tests.desk.test_sending import FORM
from tests.journeys.installation import COMMUNE, PROVINCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

PDF = b"%PDF-1.4\nmot trang\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)
UNKNOWN = ("không có trong danh bạ", "not in the directory")
_MANY = "".join(f"1{n:02}.05.01.H33,,Sở Việc {n:02},department,commune\n" for n in range(14))
CSV = f"""organ_id,qd20_code,name,kind,endpoint
090.05.01.H33,,"Sở Văn hóa, Thể thao và Du lịch",department,commune
091.05.01.H33,,Ủy ban nhân dân phường Đông,commune,commune
092.05.01.H33,,UBND xã Trùng,commune,commune
093.05.01.H33,,UBND xã Trùng,commune,commune
{_MANY}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(site: Site) -> DeskLab:
    """An office that has a browser alone, in a directory with names that are like one another."""
    base = site.base
    report = await import_agencies(
        base.directory, base.pump, base.readers, CSV.encode(), actor="operator:test", now=base.clock.now()
    )
    assert not report.problems, report.problems
    return await lab_of(site.installation)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(site: Site, lab: DeskLab) -> Browser:
    """Its clerk's."""
    base, now = site.base, site.base.clock.now()
    user, _ = await base.users.add(
        "vanthu-so", name="Người soạn", role=Role.CLERK, offices=[lab.code], actor="operator:test", now=now
    )
    await base.users.choose_password(user, PASSWORD, session="", now=now)
    return await site.signed_in(user.login)


@pytest_asyncio.fixture(loop_scope="module")
async def spoken(browser: Browser, speech: Speech) -> AsyncIterator[Speech]:
    """The clerk's pages are in each of the languages, and in Vietnamese again."""
    await browser.post("/preferences", {"language": speech.language, "next": "/"})
    yield speech
    await browser.post("/preferences", {"language": "vi", "next": "/"})


async def drafted(lab: DeskLab, browser: Browser, act: str, **fields: str) -> str:
    """A draft whose form was sent with a button; where it leads."""
    begun = await browser.post("/desk/send", {"office": lab.office})
    sent = await upload(browser, await browser.get(begun.location), begun.location, {"act": act} | fields, PDF)
    assert sent.status == 303, sent.text
    return sent.location


def recipients(text: str) -> list[str]:
    """Lines of the field."""
    found = re.search(r'<textarea name="recipients"[^>]*>([^<]*)</textarea>', text)
    assert found
    return found[1].splitlines()


async def test_recipients_are_read_by_code_by_name_and_by_words_of_a_name(
    lab: DeskLab, browser: Browser, spoken: Speech
) -> None:
    """Abbreviated or written out, a comma in it or not; who may be several or nobody stays as it was written."""
    names = "UBND phường Đông\nso van hoa, the thao va du lich; 005.02.01.H33 H33\nUBND xã Trùng\nPhòng không có"
    page = await browser.get(await drafted(lab, browser, "save", recipients=f"{names}\nỦy ban nhân dân xã Một"))
    assert recipients(page.text) == [
        "091.05.01.H33", "090.05.01.H33", COMMUNE, "H33", "UBND xã Trùng", "Phòng không có",
    ]  # fmt: skip
    listed = page.text[page.text.index('<ul class="files">') :]
    assert listed.index("UBND xã Trùng") < listed.index("Phòng không có") < listed.index("UBND tỉnh Kiên Giang")
    assert listed.count(spoken.said(*UNKNOWN)) == 2


async def test_unknown_recipient_is_told_first_of_many_and_replaced_by_the_one_that_is_found(
    lab: DeskLab, browser: Browser, spoken: Speech
) -> None:
    """Beyond twelve, too; what is looked for and added stands in its place."""
    many = "\n".join(f"1{n:02}.05.01.H33" for n in range(14))
    path = await drafted(lab, browser, "save", recipients=f"{many}\nUBND xã Trùng")
    page = await browser.get(path)
    assert page.text.index(spoken.said(*UNKNOWN)) < page.text.index("Sở Việc 00") < page.text.index("Sở Việc 13")
    fields = {"recipients": f"UBND xã Trùng\n{PROVINCE}", "find": "", "seek": "UBND xã Trùng"}
    found = await upload(browser, page, path, fields)
    page = await browser.get(found.location)
    assert 'name="add" value="092.05.01.H33"' in page.text
    fields = {"recipients": f"UBND xã Trùng\n{PROVINCE}", "find": "UBND xã Trùng", "add": "092.05.01.H33"}
    added = await upload(browser, page, path, fields)
    assert recipients((await browser.get(added.location)).text) == ["092.05.01.H33", PROVINCE]


async def test_nothing_goes_to_whom_nobody_has_seen_nor_takes_a_number_for_nobody(
    lab: DeskLab, browser: Browser, spoken: Speech
) -> None:
    """Words of a name are shown as the office they mean, before it goes; an unknown name costs no number."""
    fields = {"subject": "V/v gửi", "notation": "UBND-VP", "signer": "Nguyễn Văn Bé", "why_unsigned": "thử"}
    before = lab.numbers(direction="out")
    path = await drafted(lab, browser, "send", recipients="Kiên Giang", **fields)
    page = await browser.get(path)
    found = spoken.said("Tìm được theo vài từ trong tên", "Found by words of their names")
    assert f"{found}: UBND tỉnh Kiên Giang." in page.text
    assert recipients(page.text) == [PROVINCE]
    refused = await upload(browser, page, path, fields | {"act": "send", "recipients": "Phòng không có"})
    assert (refused.status, "Phòng không có" in refused.text) == (422, True)
    assert lab.numbers(direction="out") == before
    page = await browser.get(path)
    sent = await upload(browser, page, path, fields | {"act": "send", "recipients": "UBND tỉnh Kiên Giang"})
    assert sent.location == "/desk/send", sent.text
    asked = "SELECT id, message_id FROM desk_entry WHERE office_id = ? AND direction = 'out' AND number = ?"
    ((entry, message),) = lab.rows(asked, lab.office, len(before) + 1)
    assert f'href="/documents/{message}"' in (await browser.get(f"/desk/entries/{entry}")).text
    assert (await browser.get(f"/documents/{message}")).status == 200


async def test_line_of_an_office_that_was_succeeded_leads_to_no_page_that_its_clerk_may_not_see(
    site: Site, lab: DeskLab, browser: Browser
) -> None:
    """The register is the successor's to read; documents that went out of it are not."""
    old, base = await lab_of(site.installation), site.base
    file = await lab.desk.papers.add(old.clerk, old.office, "a.pdf", await lab.spooled(PDF), is_scan=False)
    draft = await lab.desk.sending.save(old.clerk, old.office, FORM, file_ids=[file.id])
    message = await lab.desk.sending.send(old.clerk, draft.id, why_unsigned="thử")
    now = base.clock.now()
    closing = CloseAgency(agency_id=old.office, at=now, successor_id=lab.office, actor="operator:test", now=now)
    await base.directory.apply(base.pump, CloseAgencyOperation(), closing)
    ((entry,),) = lab.rows("SELECT id FROM desk_entry WHERE message_id = ?", message)
    line = await browser.get(f"/desk/entries/{entry}")
    assert (line.status, f"/documents/{message}" in line.text) == (200, False)
    assert (await browser.get(f"/documents/{message}")).status == 404


async def test_missing_signatures_are_no_good_news_and_stand_on_the_page_until_there_are_other_files(
    lab: DeskLab, browser: Browser
) -> None:
    """Not the tick of what is done; the part is that of a document that came."""
    path = await drafted(lab, browser, "check", recipients=PROVINCE, subject="V/v ký")
    page = await browser.get(path)
    assert re.search(r'<p class="flash note">.*không có chữ ký số', page.text)
    assert 'class="flash done"' not in page.text
    assert 'id="signatures"' in page.text
    await upload(browser, page, path, {"recipients": PROVINCE, "subject": "V/v khác"})
    assert 'id="signatures"' in (await browser.get(path)).text
    await upload(browser, page, path, {"recipients": PROVINCE}, PDF)
    assert 'id="signatures"' not in (await browser.get(path)).text


async def test_group_takes_names(lab: DeskLab, browser: Browser) -> None:
    """In the box and in the field beside it; what nobody is called is refused by its name."""
    await browser.get("/desk/groups")
    fields = {"office": lab.office, "name": "Các phường", "members": "UBND phường Đông", "add": "UBND xã Một"}
    assert (await browser.post("/desk/groups", fields)).status == 303
    assert await lab.desk.sending.groups(lab.clerk, lab.office) == {"Các phường": ("091.05.01.H33", COMMUNE)}
    assert "Ủy ban nhân dân phường Đông" in (await browser.get("/desk/groups")).text
    refused = await browser.post("/desk/groups", fields | {"members": "Phòng không có"})
    assert (refused.status, "Phòng không có" in refused.text) == (422, True)


async def test_agencies_are_suggested_while_an_issuer_is_typed(browser: Browser) -> None:
    """The inside of the field's list."""
    assert "data-suggest" in (await browser.get("/desk/paper")).text
    part = await browser.get("/desk/agencies?q=Phường đông", HX_Request="true")
    assert part.text.strip().splitlines()[-1] == (
        '<option value="Ủy ban nhân dân phường Đông">091.05.01.H33</option>'
    )


async def test_form_has_todays_day_and_whoever_got_documents_of_late(lab: DeskLab, browser: Browser) -> None:
    """The day is that of passing on: where nobody gets it there is none."""
    today = lab.app.foundation.clock.now().astimezone(VIETNAM).date().isoformat()
    first, second = await lab.send("851"), await lab.send("852")
    await lab.desk.registering.register(lab.clerk, first, Beside(receiver="Phòng Kinh tế"))
    page = await browser.get(f"/desk/in/{second}")
    assert '<option value="Phòng Kinh tế">' in page.text
    assert f'name="passed_on" value="{today}"' in page.text
    assert '<option value="Phòng Kinh tế">' in (await browser.get("/desk/paper")).text
    await browser.post(f"/desk/in/{second}/register", {"receiver": "", "passed_on": today})
    third = await lab.send("853")
    await browser.post(f"/desk/in/{third}/register", {"receiver": "Phòng Tư pháp", "passed_on": today})
    asked = "SELECT receiver, passed_on FROM desk_entry WHERE delivery_id IN (?, ?) ORDER BY number"
    assert lab.rows(asked, second, third) == [("", ""), ("Phòng Tư pháp", today)]


async def test_picture_is_shown_where_there_is_no_pdf(lab: DeskLab, browser: Browser, spoken: Speech) -> None:
    """A document whose one file is a PNG does not open an empty frame."""
    province = await clerk_of(lab.app, PROVINCE, user_id="nam")
    (office,) = province.offices
    file = await lab.desk.papers.add(province, office, "anh.png", await lab.spooled(PNG), is_scan=False)
    form = msgspec.structs.replace(FORM, recipients=(lab.code,))
    draft = await lab.desk.sending.save(province, office, form, file_ids=[file.id])
    message = await lab.desk.sending.send(province, draft.id, why_unsigned="thử")
    ((delivery,),) = lab.rows("SELECT id FROM delivery WHERE message_id = ?", message)
    page = await browser.get(f"/desk/in/{delivery}")
    title = spoken.said("Xem văn bản", "Preview of the document")
    assert f'title="{title}" src="/desk/in/{delivery}/file/1"' in page.text
    assert (await browser.get(f"/desk/in/{delivery}/file/1")).headers["Content-Type"] == "image/png"


async def test_every_draft_is_on_a_page(lab: DeskLab, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many an office has: the pages follow each other, the last changed first, and leave none out."""
    for number in range(5):
        form = msgspec.structs.replace(FORM, subject=f"V/v bản nháp {number}")
        await lab.desk.sending.save(lab.clerk, lab.office, form)
    kept = [draft.id for draft in await lab.desk.sending.drafts(lab.clerk)]
    monkeypatch.setattr("gateway.console.desk_send._PAGE", 2)
    shown: list[str] = []
    address = "/desk/send"
    while address:
        page = (await browser.get(address)).text
        shown += re.findall(r'<th scope="row"[^>]*><a href="/desk/send/([^"]+)"', page)
        following = re.search(r'<p class="pages"><a class="button" href="([^"]+)"', page)
        address = unescape(following[1]) if following else ""
    assert shown == kept
    assert len(kept) >= 5
    for wrong in ("x", "-", "99999999999999999999-x", "1-%00"):
        assert (await browser.get(f"/desk/send?after={wrong}")).status == 200
