"""What walks of operators share: a document, the way to it, an act by one person or by two, and who did what."""

from __future__ import annotations

from playwright.async_api import Page, expect

from gateway.accounts.roles import Role
from gateway.api import models
from tests.backup.lab import query
from tests.console.browsing import PATIENCE
from tests.console.clicking import Speech, menu, press, send
from tests.console.site import LOGINS, Site
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document
from tests.journeys.test_mass_acts import carried

WHY = "thử nghiệm việc của người trực"
#: A name is said with its login.
FIRST, SECOND = (f"Người {LOGINS[role]} ({LOGINS[role]})" for role in (Role.OPERATOR, Role.ADMINISTRATOR))
#: What each act is called: Vietnamese, English.
CALLED = {
    "hold": ("Giữ lại", "Hold"),
    "release": ("Cho đi tiếp", "Release"),
    "quarantine": ("Cách ly", "Quarantine"),
    "requeue": ("Thử gửi lại lượt chưa đến", "Try anew what did not arrive"),
    "redeliver": ("Gửi thêm lần nữa lượt đã đến", "Send once more what had arrived"),
    "hand_over": ("Đã chuyển bản giấy", "Handed over by post or hand"),
    "forward": ("Chuyển cho cơ quan khác", "Forward to another office"),
    "cancel": ("Hủy lượt gửi", "Cancel"),
}
#: How papers went without the gateway.
BY_POST = {"channel": "post", "number": "EMS 651", "by": "Lan"}


async def sent(site: Site, number: str, to: str = COMMUNE, subject: str = "V/v thử nghiệm") -> models.Accepted:
    """A document of the province."""
    async with site.installation.client(PROVINCE) as province:
        return await province.submit(document(PROVINCE, [to], number=number, subject=subject))


async def find(page: Page, number: str) -> None:
    """By the search at the top, to the line's page."""
    await page.fill("#search", number)
    async with page.expect_navigation():
        await page.press("#search", "Enter")
    await press(page, f"tbody th a:has-text('{number}/')")


async def rehearse(page: Page, speech: Speech, name: str, *, to: str = "") -> str:
    """From wherever acts are offered: choose one and see what it would come to; what the page says of that."""
    await press(page, "a[href^='/acts'], form[action='/acts'] button")
    await page.check(f"[name=act][value={name}]")
    await press(page, "form[action='/acts/rehearse'] button.main")
    await expect(page.locator("h1")).to_have_text(speech.said(*CALLED[name]))
    if to:
        await page.fill("form[action='/acts/rehearse'] [name=to]", to)
        await press(page, "form[action='/acts/rehearse'] button")
    told = await page.locator("section.card").first.inner_text()
    assert speech.said("Chưa làm gì.", "Nothing has been done yet.") in told
    return told


async def act(page: Page, speech: Speech, name: str, *, to: str = "", **fields: str) -> None:
    """One person's: choose, rehearse, do; the page from which one came is told of it."""
    await rehearse(page, speech, name, to=to)
    await send(page, "form[action='/acts/do']", "button[value=act]", reason=WHY, **fields)
    done = speech.said(": đã làm với 1 lượt gửi.", ": done for 1 delivery.")
    await expect(page.locator("#notices .done")).to_have_text(speech.said(*CALLED[name]) + done)


async def propose(page: Page, speech: Speech, **fields: str) -> str:
    """What was rehearsed is put to a second person: the proposal, which the page now shows."""
    await send(page, "form[action='/acts/do']", "button[value=propose]", reason=WHY, **fields)
    waits = speech.said("Đang chờ người thứ hai đồng ý.", "It waits for the consent of a second person.")
    await expect(page.locator("#notices .done")).to_have_text(waits)
    await page.wait_for_selector("body[data-live=on]")
    return page.url.rpartition("/")[2]


async def whole(page: Page, subject: str) -> None:
    """The ledger with the filter whose every line is acted on."""
    await menu(page, "/ledger")
    await page.fill(".filters [name=subject]", subject)
    await press(page, ".filters button.main")


async def answer(page: Page, key: str, word: str, why: str) -> None:
    """The second person finds the proposal and answers."""
    await menu(page, "/requests")
    await expect(page.locator(f"tr:has(a[href$='{key}'])")).to_contain_text(FIRST)
    await press(page, f"tbody a[href$='{key}']")
    await send(page, "form[action^='/requests/']", f"button[value={word}]", reason=why)


async def consented(site: Site, page: Page, other: Page, key: str, speech: Speech, *, count: int) -> None:
    """The second person consents; the first one's open page says what became of it."""
    await answer(other, key, "consented", WHY)
    told = speech.said("Bạn đã đồng ý: việc đang được thực hiện.", "You have consented: it is carried out now.")
    await expect(other.locator("#notices .done")).to_have_text(told)
    await carried(site.app, key)
    content = page.locator("#content")
    done = content.locator(".badge.good", has_text=speech.said("đã thực hiện", "carried out"))
    await expect(done).to_be_visible(timeout=PATIENCE)
    figures = speech.said(f"{count} đã làm, 0 để nguyên", f"{count} done, 0 left as they are")
    await expect(content.locator("dl.facts")).to_contain_text(figures, timeout=PATIENCE)


async def done_by(site: Site, message: str, login: str) -> list[str]:
    """The events of a document that bear the person's name and reason."""
    user = await site.base.users.require(login)
    rows = await site.base.readers.fetch("event_list_told", {"message": message, "limit": 99})
    return [row[1] for row in rows if (row[4], row[6]) == (user.actor, WHY)][::-1]


async def actors(site: Site, kind: str, about: str = "") -> list[str]:
    """Names of those whose acts left such an event, the newest first; only what names an id, where one is given."""
    rows = query(site.installation.folder, f"SELECT actor, leaf FROM event WHERE kind = '{kind}' ORDER BY seq DESC")
    found = [actor for actor, leaf in rows if about.encode() in leaf]
    names = await site.base.users.names(set(found))
    return [names[each] for each in found]
