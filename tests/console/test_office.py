"""The page of an office, the order in which a channel drains, and a conformance run from the page for vendors."""

from __future__ import annotations

import asyncio
import re

import pytest

from gateway.accounts.roles import Role
from tests.console.site import Browser, Site
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def id_of(site: Site, code: str) -> str:
    """Of an agency."""
    return (await site.base.directory.require(code, site.base.clock.now())).id


async def kinds(site: Site) -> list[str]:
    """Of the newest events."""
    rows = await site.base.writer.fetch("SELECT kind FROM event ORDER BY seq DESC LIMIT 20")
    return [row[0] for row in rows]


async def test_office_page_says_what_waits_and_what_it_is_known_by(site: Site) -> None:
    """For whoever sees the ledger; a clerk sees the own office alone, nobody one that there is not."""
    async with site.installation.client(PROVINCE) as province:
        await province.submit(document(PROVINCE, [COMMUNE], subject="V/v <b>kiểm tra</b>"))
    page = f"/offices/{await id_of(site, COMMUNE)}"
    viewer = await site.signed_in(Role.VIEWER)
    shown = await viewer.get(page)
    assert shown.status == 200, shown.text
    assert "V/v &lt;b&gt;kiểm tra" in shown.text
    assert 'class="badge good"' in shown.text
    assert "style=" not in shown.text
    assert '<form method="post" action="/channels/' not in shown.text
    assert (await viewer.get(f"{page}/now")).status == 200
    assert (await viewer.get("/offices/none")).status == 404
    operator = await site.signed_in(Role.OPERATOR)
    acts = (await operator.get(page)).text
    assert "/pause" in acts
    sent = re.search(r'action="(/channels/\w[^"]*/test)"', acts)
    assert sent is not None
    form = {"organ_id": COMMUNE, "then": "document", "reason": "thử đường truyền"}
    done = await operator.post(sent[1], form)
    assert done.status == 303, done.text
    assert done.location.startswith("/documents/")


async def test_strip_leads_to_the_offices(site: Site) -> None:
    viewer = await site.signed_in(Role.VIEWER)
    assert f'href="/offices/{await id_of(site, COMMUNE)}"' in (await viewer.get("/offices")).text


async def test_channel_says_in_which_order_it_drains(site: Site) -> None:
    """What waits, the most urgent first; the pace is a slider."""
    channels = await site.base.directory.endpoint_states()
    operator = await site.signed_in(Role.OPERATOR)
    told = [await operator.get(f"/channels/{each.endpoint.id}") for each in channels]
    assert all(each.status == 200 for each in told)
    assert any('type="range" name="most"' in each.text and "/static/pace" in each.text for each in told)
    assert all("Thứ tự: hỏa tốc trước, rồi khẩn hơn" in each.text for each in told)


async def running(browser: Browser) -> str:
    """The page once the sandbox has told of its steps."""
    async with asyncio.timeout(120):
        while "<caption>" not in (told := (await browser.get("/administration/vendors/progress")).text):
            assert "badge bad" not in told, told
            await asyncio.sleep(0.5)  # another process lays it out
    return told


async def test_conformance_run_is_started_watched_and_ended_from_the_page(site: Site) -> None:
    """A sandbox of its own: nothing of it is in this ledger but that it began and ended; one at a time."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    await admin.get("/administration/vendors")
    form = {"organ_id": COMMUNE, "binding": "rest", "hours": "1", "reason": "nhà cung cấp thử"}
    assert (await admin.post("/administration/vendors/run", form | {"organ_id": "none"})).status == 404
    for wrong in ({"host": "-x"}, {"binding": "webhook"}, {"hours": "99"}, {"reason": ""}):
        assert (await admin.post("/administration/vendors/run", form | wrong)).status == 422, wrong
    documents = await site.base.writer.fetch("SELECT COUNT(*) FROM message")
    assert (await admin.post("/administration/vendors/run", form)).status == 303
    assert (await admin.post("/administration/vendors/run", form)).status == 409
    told = await running(admin)
    assert re.search(r"<dt>token</dt><dd><code class=\"long\">\w", told)
    auditor = await site.signed_in(Role.AUDITOR)
    seen = (await auditor.get("/administration/vendors")).text
    assert "<dt>token</dt>" not in seen
    assert (await auditor.post("/administration/vendors/run/end")).status == 403
    assert (await auditor.get("/administration/vendors/file")).status == 404
    assert (await admin.post("/administration/vendors/run/end")).status == 303
    report = await auditor.get("/administration/vendors/file")
    assert report.status == 200
    assert "attachment" in report.headers["Content-Disposition"]
    assert {"conformance.begun", "conformance.ended"} <= set(await kinds(site))
    assert await site.base.writer.fetch("SELECT COUNT(*) FROM message") == documents
