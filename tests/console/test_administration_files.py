"""Files and days in the administration: a CSV of agencies is shown first, a certificate is bound, holidays."""

from __future__ import annotations

import io
import re

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.accounts.roles import Role
from tests.console.site import Browser, Site
from tests.journeys.installation import COMMUNE, PROVINCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEW = "000.00.77.H33"


async def events(site: Site, kind: str) -> int:
    """Of a kind."""
    rows = await site.base.writer.fetch("SELECT COUNT(*) FROM event WHERE kind = ?", (kind,))
    return int(rows[0][0])


async def sent(browser: Browser, path: str, field: str, content: bytes, **fields: str) -> tuple[int, str]:
    """A form with one file."""
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, value)
    form.add_field(field, io.BytesIO(content), filename="tep.csv", content_type="application/octet-stream")
    address = f"{browser.origin}{path}?form-token={browser.token}"
    async with browser.session.post(
        address, data=form, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False
    ) as answer:
        return answer.status, await answer.text()


async def test_file_is_shown_before_it_is_taken_in(site: Site) -> None:
    """Nothing is written by looking; what was shown is done, once, with an event; a reason is asked for."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    await admin.get("/administration/import")
    before = await events(site, "agency.imported")
    later = "000.00.78.H33"
    file = (
        "organ_id,name,parent_organ_id\n"
        f"{NEW},Phường <b>Mới</b>,{later}\n"
        f"{COMMUNE},Tên mới của xã,\n"
        f"{PROVINCE},,\n"
        f"{later},Sở đứng sau,\n"
    ).encode()
    status, text = await sent(admin, "/administration/import", "file", file)
    assert status == 200, text
    assert "<b>Mới" not in text
    assert re.findall(r'<td class="number">(\d)</td><td class="nowrap">', text) == ["2", "3", "5"]
    assert "<code>name</code>" in text
    assert await events(site, "agency.imported") == before
    mark = re.search(r'name="mark" value="(\w+)"', text)
    assert mark is not None
    form = {"mark": mark[1], "reason": "nạp danh bạ"}
    assert (await admin.post("/administration/import/apply", form | {"reason": ""})).status == 422
    assert (await admin.post("/administration/import/apply", form | {"mark": "0"})).status == 403
    done = await admin.post("/administration/import/apply", form)
    assert done.status == 303, done.text
    assert await events(site, "agency.imported") == before + 1
    made = await site.base.directory.require(NEW, site.base.clock.now())
    above = await site.base.directory.require(later, site.base.clock.now())
    assert made.parent_id == above.id
    assert (await admin.post("/administration/import/apply", form)).status == 403, "the file is gone"
    _, again = await sent(admin, "/administration/import", "file", file)
    assert 'name="mark"' not in again, "it says nothing new"


async def test_file_that_would_do_something_else_by_now_is_shown_anew(site: Site) -> None:
    """Somebody else was quicker."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    await admin.get("/administration/import")
    file = "organ_id,name\n000.00.79.H33,Chậm chân\n".encode()
    _, text = await sent(admin, "/administration/import", "file", file)
    mark = re.search(r'name="mark" value="(\w+)"', text)
    assert mark is not None
    other = await site.signed_in(Role.ADMINISTRATOR)
    await other.get("/administration/import")
    _, theirs = await sent(other, "/administration/import", "file", file)
    form = {"mark": mark[1], "reason": "nạp danh bạ"}
    assert mark[1] in theirs
    assert (await other.post("/administration/import/apply", form)).status == 303
    before = await events(site, "agency.imported")
    answer = await admin.post("/administration/import/apply", form)
    assert answer.status == 200
    assert "Danh bạ vừa thay đổi" in answer.text
    assert await events(site, "agency.imported") == before


async def test_file_with_faults_names_their_lines(site: Site) -> None:
    admin = await site.signed_in(Role.ADMINISTRATOR)
    await admin.get("/administration/import")
    bad = b"organ_id,name,endpoint\n1.2,X,no-channel\n"
    status, text = await sent(admin, "/administration/import", "file", bad)
    assert status == 200, text
    assert "<code>endpoint</code>" in text
    assert 'name="mark"' not in text
    status, _ = await sent(admin, "/administration/import", "file", b"x" * (4 * 1024 * 1024 + 1))
    assert status == 413


async def test_certificate_of_another_ca_is_bound_by_its_file(site: Site) -> None:
    """As PEM or as DER; what is none is refused, and a reason is asked for."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    agency = await site.base.directory.require(PROVINCE, site.base.clock.now())
    page = f"/administration/agencies/{agency.id}"
    await admin.get(page)
    pem = site.installation.pki.server.certificate.read_bytes()
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    for content in (pem, der):
        status, text = await sent(admin, f"{page}/certificate", "certificate", content, reason="thử nghiệm")
        assert status == (303 if content is pem else 409), text
    status, _ = await sent(admin, f"{page}/certificate", "certificate", b"0nothing", reason="thử nghiệm")
    assert status == 422
    assert (await sent(admin, f"{page}/certificate", "certificate", pem))[0] == 422
    auditor = await site.signed_in(Role.AUDITOR)
    await auditor.get(page)
    assert (await sent(auditor, f"{page}/certificate", "certificate", pem, reason="thử nghiệm"))[0] == 403


async def test_days_off_are_entered_and_taken_out(site: Site) -> None:
    """With an event each; auditors see them and change nothing."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    page = await admin.get("/administration/calendar?year=2027")
    assert "Quốc khánh" in page.text
    assert "Chưa nhập các ngày nghỉ Tết" in page.text
    before = await events(site, "calendar.changed")
    form = {"first": "2027-02-05", "last": "2027-02-11", "what": "off", "name": "Tết Đinh Mùi"}
    form["reason"] = "thông báo"
    assert (await admin.post("/administration/calendar", form)).status == 303
    page = await admin.get("/administration/calendar?year=2027")
    assert page.text.count("Tết Đinh Mùi") == 7
    assert "Chưa nhập các ngày nghỉ Tết" not in page.text
    gone = {"first": "2027-02-11", "what": "rule", "reason": "sửa lại"}
    assert (await admin.post("/administration/calendar", gone)).status == 303
    assert (await admin.get("/administration/calendar?year=2027")).text.count("Tết Đinh Mùi") == 6
    assert await events(site, "calendar.changed") == before + 2
    for wrong in (
        {"last": "2027-12-11"},
        {"first": "never"},
        {"what": "x"},
        {"reason": ""},
        {"last": "2027-01-01"},
    ):
        assert (await admin.post("/administration/calendar", form | wrong)).status == 422, wrong
    for year in ("020269", "0000002027", "1999", "2101", "٢٠٢٧", "x"):
        refused = await admin.get(f"/administration/calendar?year={year}")
        assert (refused.status, "parameter_invalid" in refused.text) == (422, True), year
    auditor = await site.signed_in(Role.AUDITOR)
    assert "Tết Đinh Mùi" in (await auditor.get("/administration/calendar?year=2027")).text
    assert (await auditor.post("/administration/calendar", form)).status == 403
