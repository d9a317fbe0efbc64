"""All pages in a real browser, in each of them what wicked people wrote: nothing of it runs.

One server, one browser, one walk for each kind of person.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Dialog, Page

from gateway.accounts.roles import Role
from gateway.admin import mass
from gateway.desk.register import PaperForm
from gateway.desk.sending import OutgoingForm
from gateway.directory.importer import import_agencies
from gateway.eligibility import ActName
from gateway.ledger.entries import Beside, Paper
from gateway.ledger.saved_views import KeepView, KeepViewOperation, SavedView
from tests.console.browsing import CHROMIUM, opened, serious, sign_in
from tests.console.site import LOGINS, PASSWORD, Site
from tests.console.test_ledger_pages import evil
from tests.desk.lab import DeskLab, clerk_of
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document, status
from tests.journeys.test_mass_acts import asking

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

WICKED = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"
OFFICE = "905.02.01.H33"
#: Examined by axe here, light and dark; `make screenshots` does it with all pages.
_EXAMINED = ("/acts", "/audit/lookups", "/ledger?text", "/requests/", "/desk/entries")
#: Elements that no template of ours has.
_FOREIGN = """() => [...document.querySelectorAll("*")].filter(each =>
  [...each.attributes].some(one => /^on/i.test(one.name) || /^\\s*javascript:/i.test(one.value))
  || (each.tagName === "SCRIPT" && !each.src.startsWith(location.origin + "/static/"))
  || ["IMG", "OBJECT", "EMBED", "BASE"].includes(each.tagName)).map(each => each.outerHTML.slice(0, 200))"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pages(site: Site) -> dict[str, list[str]]:
    """Login -> what that person opens, after everybody wrote what is wicked wherever one may write."""
    base, made = site.base, site.installation
    now = base.clock.now()
    root, _ = await base.users.add(
        "root8", name=WICKED[:90], role=Role.ADMINISTRATOR, may_preview=True, actor="operator:test", now=now
    )
    await base.users.choose_password(root, PASSWORD, session="", now=now)
    table = io.StringIO()
    csv.writer(table).writerows(
        [["organ_id", "qd20_code", "name", "kind", "endpoint"], [OFFICE, "", WICKED, "commune", "commune"]]
    )
    report = await import_agencies(
        base.directory, base.pump, base.readers, table.getvalue().encode(), actor="operator:test", now=now
    )
    assert not report.problems
    async with made.client(PROVINCE) as province, made.client(COMMUNE) as commune:
        first = await province.submit(evil())
        second = await province.submit(document(PROVINCE, [COMMUNE, OFFICE], number="905", subject=WICKED))
        for item in (await commune.inbox(wait=5)).items:
            await commune.content(item.id)
            await commune.ack(item.id)
        await commune.post_status(status(COMMUNE, "02", sender=PROVINCE, number="905", description=WICKED))
        third = await province.submit(document(PROVINCE, [COMMUNE], number="906", subject=WICKED))
    line = third.deliveries[0].id
    await mass.act(site.app, asking(ActName.HOLD, [line], reason=WICKED), root.actor)
    asked = await mass.propose(site.app, asking(ActName.CANCEL, [line], reason=WICKED), root.actor)
    view = KeepView(owner=root.id, view=SavedView(name=WICKED[:80], filter="code=905"), now=now)
    await base.pump.submit(KeepViewOperation(), view)
    desk = await _desk(site)
    document_page, words = f"/documents/{second.id}", quote(WICKED)
    return {
        "root8": [
            "/", "/ledger", f"/ledger?subject={words}", f"/ledger?text={words}&columns=subject,sender,recipient",
            document_page, f"{document_page}?look=1", f"/documents/{first.id}", f"/documents/{first.id}/source",
            f"/acts?message={third.id}", "/requests", f"/requests/{asked['proposal']}", "/queues?show=misrouted",
            "/queues?show=parked", "/queues?show=conflicts", "/channels", "/offices", "/shift", "/alerts",
            "/reports",
            "/administration", "/administration/agencies", f"/administration/agencies?q={words}",
            "/administration/users", f"/administration/users/{root.id}", "/administration/certificates",
            "/administration/settings", f"/administration/routing?to={words}", "/administration/vendors",
            "/account",
            f"/nowhere/{words}",
        ],
        LOGINS[Role.AUDITOR]: [
            document_page, f"/ledger?text={words}", f"/audit?number={words}", f"/audit?number={second.id}",
            "/audit/lookups", "/audit/verify", "/audit/log", "/audit/exports",
        ],
        LOGINS[Role.CLERK]: ["/ledger", document_page, *desk],
    }  # fmt: skip


async def _desk(site: Site) -> list[str]:
    """The clerk's desk with a draft, a group, a line of the register and a document that waits."""
    clerk = await clerk_of(site.app, COMMUNE)
    (office,) = clerk.offices
    lab = DeskLab(site=site.installation, app=site.app, office=office, code=COMMUNE, clerk=clerk)
    sending, registering = lab.desk.sending, lab.desk.registering
    draft = await sending.save(clerk, office, OutgoingForm(subject=WICKED, signer=WICKED, place=WICKED))
    await sending.set_group(clerk, office, WICKED[:50], [PROVINCE])
    paper = Paper(
        issuer=WICKED, code_number="1", code_notation=WICKED, issued_on="", type_name=WICKED, subject=WICKED
    )
    form = PaperForm(office_id=office, paper=paper, beside=Beside(receiver=WICKED, note=WICKED))
    entry = await registering.register_paper(clerk, form)
    waiting = await lab.send("907", subject=WICKED)
    return [
        "/desk", f"/desk/in/{waiting}", "/desk/send", f"/desk/send/{draft.id}", "/desk/groups", "/desk/registers",
        f"/desk/entries/{entry.id}", "/desk/paper",
    ]  # fmt: skip


@pytest.mark.parametrize("login", ["root8", LOGINS[Role.AUDITOR], LOGINS[Role.CLERK]])
async def test_nothing_that_people_wrote_runs_and_all_can_be_read(
    site: Site, browser: Browser, pages: dict[str, list[str]], login: str
) -> None:
    """No dialog, no element that is none of ours, nothing against the policy; nothing serious by axe."""
    wrong: list[object] = []

    async def refuse(dialog: Dialog) -> None:
        wrong.append(("a script ran", dialog.message))
        await dialog.dismiss()

    async with opened(browser, site.origin, language="en" if login == "root8" else "vi") as page:
        page.on("dialog", refuse)
        await sign_in(page, login)
        for path in pages[login]:
            answer = await page.goto(path)
            assert answer is not None
            assert answer.status < 500, path
            wrong += [(path, each) for each in await page.evaluate(_FOREIGN)]
            if path.startswith(_EXAMINED):
                wrong += [(path, each) for each in await _examined(page)]
    assert not wrong


async def _examined(page: Page) -> Sequence[object]:
    found = await serious(page)
    await page.emulate_media(color_scheme="dark")
    found += await serious(page, only="color-contrast")
    await page.emulate_media(color_scheme="light")
    return found
