"""What people do in the demo before pictures are taken of the pages that only an act leads to.

`screenshots` names the act of each such page. Not here: the pictures.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing
from datetime import datetime

from playwright.async_api import Browser, FilePayload, Page, expect

from gateway.clock import VIETNAM
from gateway.foundation import DATABASE
from gateway.simulate.province import AXIS_ENDPOINT
from tests.console.browsing import PATIENCE, opened, sign_in
from tests.console.demo import Demo
from tests.journeys.test_journey import until
from tests.unit.signatures.pdf_made import blank

_WHY = "Theo đề nghị của cơ quan nhận qua điện thoại"
#: Milliseconds until an alarm is raised: a trouble is looked for every half a minute, and must be seen twice.
_ALARM = 6 * PATIENCE
#: Microseconds that express documents may not wait for a word of their office, and more.
_LONG = 20 * 60 * 1_000_000
#: A document that all its recipients have registered.
_ANSWERED = """SELECT m.id FROM message AS m WHERE m.kind = 'document' AND m.sandbox = 0
  AND EXISTS (SELECT 1 FROM delivery AS d WHERE d.message_id = m.id) AND NOT EXISTS (
    SELECT 1 FROM delivery AS d WHERE d.message_id = m.id AND d.state <> 'acknowledged') ORDER BY m.id LIMIT 1"""
#: An office whose system is pushed to, and takes it.
_PUSHED = """SELECT m.recipient_code FROM delivery AS m JOIN endpoint AS e ON e.id = m.endpoint_id
  WHERE e.kind = 'webhook' AND m.state = 'acknowledged' ORDER BY m.id LIMIT 1"""
_TAKEN = """SELECT d.id FROM delivery AS d JOIN message AS m ON m.id = d.message_id
  WHERE m.kind = 'document' AND m.subject = ? AND d.state = 'delivered'"""
_BACK = """UPDATE delivery SET arrived_at = arrived_at - :by, state_at = state_at - :by
  WHERE message_id = (SELECT id FROM message WHERE subject = :subject)"""
#: The link of the channel to the axis, here and in small installations.
AXIS = ", ".join(f"tbody tr:has-text('{name}') th a" for name in (AXIS_ENDPOINT, "axis"))
_PDF: FilePayload = {"name": "cong-van.pdf", "mimeType": "application/pdf", "buffer": blank().data}


def _asked(shown: Demo, sql: str, *values: object) -> list[str]:
    """Of the demo's ledger."""
    with closing(sqlite3.connect(f"file:{shown.folder / 'data' / DATABASE}?mode=ro", uri=True)) as ledger:
        return [str(row[0]) for row in ledger.execute(sql, values)]


async def _on(page: Page, button: str) -> None:
    async with page.expect_navigation(wait_until="domcontentloaded"):
        await page.locator(button).first.click()


async def _new_draft(page: Page, **fields: str) -> None:
    await page.goto("/desk/send")
    await _on(page, "button[data-key=m]")
    for name, text in fields.items():
        await page.fill(f"#draft [name={name}]", text)
    await page.set_input_files("#draft [name=file]", [_PDF])


async def propose(browser: Browser, shown: Demo) -> None:
    """What an office refused is to be sent again, if a second person consents."""
    async with opened(browser, shown.origin) as page:
        await sign_in(page, "vanhanh", shown.passwords["vanhanh"])
        await _on(page, ".cause form[action='/acts/rehearse'] button")
        await page.fill("[name=reason]", _WHY)
        await _on(page, "button[value=propose]")


async def compare(browser: Browser, shown: Demo) -> None:
    """Today's books with the axis's own."""
    async with opened(browser, shown.origin) as page:
        await sign_in(page, "vanhanh", shown.passwords["vanhanh"])
        await page.goto("/channels")
        await _on(page, AXIS)
        await page.fill("form[action$='/compare'] [name=day]", f"{datetime.now(VIETNAM):%Y-%m-%d}")
        await page.fill("form[action$='/compare'] [name=reason]", _WHY)
        await _on(page, "form[action$='/compare'] button")
        await expect(page.locator("#notices .done")).to_have_count(1)


async def order(browser: Browser, shown: Demo) -> None:
    """A document is to be destroyed, as somebody ordered at the server."""
    del browser
    document, *_ = await asyncio.to_thread(_asked, shown, _ANSWERED)
    command = (sys.executable, "-m", "gateway", "--config", str(shown.folder / "config.toml"), "purge", "order")
    words = (document, "--ref", "QĐ 12/QĐ-UBND", "--reason", "Hết thời hạn bảo quản")
    process = await asyncio.create_subprocess_exec(*command, *words)
    assert await process.wait() == 0


async def register(browser: Browser, shown: Demo) -> None:
    """A clerk registers what came for the first office, whose register is shown first."""
    async with opened(browser, shown.origin) as page:
        await sign_in(page, "vanthu", shown.passwords["vanthu"])
        await page.goto("/desk/registers")
        office = await page.input_value("form.filters [name=office]")
        await page.goto(f"/desk?office={office}")
        await _on(page, "#waiting tbody th a")
        await page.fill("form[action*='/register'] [name=receiver]", "Công chức Văn phòng - Thống kê")
        await _on(page, "button[data-key=r]")


async def draft(browser: Browser, shown: Demo) -> None:
    """A draft with its number, a recipient and a file."""
    async with opened(browser, shown.origin) as page:
        await sign_in(page, "vanthu", shown.passwords["vanthu"])
        (code, *_) = await asyncio.to_thread(_asked, shown, _PUSHED)
        await _new_draft(
            page, recipients=code, subject="V/v báo cáo kết quả rà soát hộ nghèo", notation="UBND-VP",
            signer_position="Chủ tịch", signer="Nguyễn Văn Bé",
        )  # fmt: skip
        await _on(page, "button[value=number]")


async def send_too_late(browser: Browser, shown: Demo) -> None:
    """A session ends in another window of the same browser while a form is being filled in."""
    async with opened(browser, shown.origin) as page:
        await sign_in(page, "vanthu2", shown.passwords["vanthu2"])
        await page.goto("/desk/groups")
        await page.fill("[name=name]", "Các xã lân cận")
        await page.fill("[name=members]", "\n".join(await asyncio.to_thread(_asked, shown, _PUSHED)))
        held = await page.context.cookies()
        other = await page.context.new_page()
        await other.goto("/account")
        await other.click(".me summary")
        await _on(other, "form[action='/logout'] button")
        await page.context.add_cookies(held)  # type: ignore[arg-type]  # as they were read
        await _on(page, "form[action='/desk/groups']:has([name=name]:not([type=hidden])) button")
        await sign_in(page, "vanthu2", shown.passwords["vanthu2"])
        await page.goto("/kept")
        await expect(page.locator("#leave")).to_have_count(1)


async def send_express(browser: Browser, shown: Demo) -> None:
    """An office's system takes a hỏa tốc document and reports nothing for long."""
    subject = "V/v ứng phó sạt lở bờ biển"
    async with opened(browser, shown.origin) as page:
        await sign_in(page, "vanthu", shown.passwords["vanthu"])
        (code, *_) = await asyncio.to_thread(_asked, shown, _PUSHED)
        await _new_draft(page, recipients=code, subject=subject, notation="UBND-VP", signer="Nguyễn Văn Bé")
        await page.select_option("#draft [name=priority]", "3")
        await page.fill("#draft [name=why_unsigned]", "bản giấy đã ký")
        await _on(page, "button[value=send]")

    async def taken() -> bool:
        return bool(await asyncio.to_thread(_asked, shown, _TAKEN, subject))

    await until(taken, PATIENCE / 1000)
    await asyncio.to_thread(_put_back, shown, subject)
    async with opened(browser, shown.origin) as page:
        await sign_in(page, "vanhanh", shown.passwords["vanhanh"])
        await page.goto("/alerts")
        await page.wait_for_selector("a[href$='/telephoned']", timeout=_ALARM)


def _put_back(shown: Demo, subject: str) -> None:
    """Nobody waits a quarter of an hour for a picture."""
    with closing(sqlite3.connect(shown.folder / "data" / DATABASE, timeout=60)) as ledger, ledger:
        ledger.execute(_BACK, {"by": _LONG, "subject": subject})
