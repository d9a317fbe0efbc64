"""Changes of the administration: told to administrators and auditors, with who, why and what about, in pages."""

from __future__ import annotations

import re

import pytest

from gateway.accounts.roles import Role
from gateway.admin import directory, users
from gateway.console import changes
from gateway.console.change_rows import list_changes
from gateway.events import Event
from gateway.ledger.history import EventRow, RecordEvents
from tests.console.site import LOGINS, Site
from tests.console.test_administration import once_of, own_page
from tests.journeys.installation import COMMUNE, PROVINCE

pytestmark = pytest.mark.asyncio(loop_scope="module")
_PAGE = "/administration/changes"


def rows(text: str, caption: str) -> list[str]:
    """Of the table with this caption."""
    (table,) = re.findall(rf"<caption>{caption}</caption>.*?<tbody>(.*?)</tbody>", text, re.DOTALL)
    return re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)


async def test_change_tells_who_did_what_why_and_what_about(site: Site) -> None:
    """Of a credential, a right and a representation, on the page of what it is about; the auditor reads it."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    who = await site.base.users.require(LOGINS[Role.ADMINISTRATOR])
    commune = await own_page(site, COMMUNE)
    form = {"act": "token", "label": "x", "days": "30", "reason": "vì sao <b>cấp</b>"}
    form["once"] = once_of((await admin.get(commune)).text, "token")
    assert (await admin.post(commune, form)).status == 200
    viewer = await site.base.users.require(LOGINS[Role.VIEWER])
    request = users.SetUser(login=viewer.login, role=Role.CLERK, offices=[COMMUNE], reason="mở rộng quyền")
    await users.set_user(site.app, request, who.actor)
    undone = users.SetUser(login=viewer.login, role=Role.VIEWER, offices=[], reason="thôi mở rộng")
    await users.set_user(site.app, undone, who.actor)
    spoken = directory.Represent(agent=PROVINCE, principal=COMMUNE, reason="ủy quyền")
    await directory.represent(site.app, spoken, who.actor)

    auditor = await site.signed_in(Role.AUDITOR)
    told = rows((await auditor.get(_PAGE)).text, "Các thay đổi, mới nhất trước")
    assert "Cho một cơ quan thay mặt" in told[0]
    assert "ủy quyền" in told[0]
    assert commune in told[0]
    assert f"({who.login})" in told[0]
    assert "Vai trò: văn thư" in told[2]
    assert f"({COMMUNE})" in told[2]
    assert f"/administration/users/{viewer.id}" in told[2]
    assert "vì sao &lt;b&gt;cấp&lt;/b&gt;" in told[3]
    assert "thẻ truy cập" in told[3]

    newest = "Thay đổi mới nhất"
    of_agency = rows((await auditor.get(commune)).text, newest)
    assert [("ủy quyền" in row, "vì sao" in row) for row in of_agency[:2]] == [(True, False), (False, True)]
    assert "ủy quyền" in rows((await auditor.get(await own_page(site, PROVINCE))).text, newest)[0]
    of_user = rows((await auditor.get(f"/administration/users/{viewer.id}")).text, newest)
    assert [("mở rộng" in row) for row in of_user[:3]] == [True, True, False]
    filtered = rows((await auditor.get(f"{_PAGE}?agency={PROVINCE}")).text, "Các thay đổi, mới nhất trước")
    assert filtered
    assert not [row for row in filtered if "mở rộng" in row]
    by_her = "".join(rows((await auditor.get(f"{_PAGE}?user={who.login}")).text, "Các thay đổi, mới nhất trước"))
    assert "ủy quyền" in by_her
    assert "mở rộng quyền" in by_her
    assert (await auditor.get(f"{_PAGE}?user=nobody")).status == 404


async def test_pages_hold_every_change_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older ones are one link away, and the last page has none."""
    monkeypatch.setattr(changes, "_PAGE", 4)
    every = await list_changes(site.base.readers, limit=1000)
    auditor, path, seen = await site.signed_in(Role.AUDITOR), _PAGE, 0
    for _ in range(len(every)):
        page = await auditor.get(path)
        seen += len(rows(page.text, "Các thay đổi, mới nhất trước"))
        link = re.search(r'href="(/administration/changes\?before=[^"]+)"', page.text)
        if link is None:
            break
        path = link[1].replace("&amp;", "&")
    assert seen == len(every) > 4


async def test_every_kind_that_is_listed_has_its_words(site: Site) -> None:
    """The view says which events these are; a new one fails here until it has words."""
    text = (await site.base.writer.fetch("SELECT sql FROM sqlite_schema WHERE name = 'change'"))[0][0]
    kinds = set(re.findall(r"'([a-z]+\.[a-z_]+)'", text))
    assert kinds == set(changes.EVENTS) <= {str(event) for event in Event}
    facts: dict[str, object] = {
        "agency": "none", "agent": "none", "successor": "none", "user": "none", "endpoint": None,
        "offices": ["none"],
        "networks": [], "until": None, "from": 0, "first": "2026-11-30", "as": "off", "outcome": "not_found",
        "preview": True, "role": "nothing",
    }  # fmt: skip
    now = site.base.clock.now()
    for kind in sorted(kinds):
        row = EventRow(kind=Event(kind), at=now, actor="operator:0", facts=facts, note="thử")
        await site.base.pump.submit(RecordEvents(), row)
    browser = await site.signed_in(Role.ADMINISTRATOR)
    for language in ("vi", "en"):
        await browser.post("/preferences", {"language": language, "next": "/"})
        page = await browser.get(_PAGE)
        assert page.status == 200, page.text
        assert "operator:0" not in page.text
        assert not [kind for kind in kinds if kind in page.text]


async def test_session_that_a_person_signs_out_of_is_no_change(site: Site) -> None:
    """One that an administrator ends for a reason is."""
    who = await site.base.users.require(LOGINS[Role.VIEWER])
    browser = await site.signed_in(Role.VIEWER)
    await browser.post("/logout")
    assert "session.ended" not in {
        each.kind for each in await list_changes(site.base.readers, limit=1, user=who.id)
    }
    await site.signed_in(Role.VIEWER)
    ended = users.EndSessions(login=who.login, reason="máy dùng chung")
    await users.end_sessions(site.app, ended, "operator:0")
    newest = (await list_changes(site.base.readers, limit=1, user=who.id))[0]
    assert (newest.kind, newest.note) == ("session.ended", "máy dùng chung")
