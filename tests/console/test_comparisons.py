"""A channel's books beside ours in the console: the button, against an axis, and the page of what differs."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect

from gateway import reconcile
from gateway.accounts.roles import Role
from gateway.admin.reconcile import KINDS
from gateway.clock import VIETNAM
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.maintenance.reconciler import Reconciled, ReconciledOperation
from gateway.reconcile import Item, Kind, Sent
from tests.axis_lab import running_axis
from tests.console.browsing import CHROMIUM, serious
from tests.console.clicking import Speech, menu, press, send, signed_in
from tests.console.site import Site
from tests.console.test_channels import channel_id
from tests.journeys.axis_site import HOSTS, SYSTEM
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE
from tests.journeys.messages import document

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHY = "thử nghiệm đối chiếu"


async def kept(site: Site, name: str, report: reconcile.Report) -> str:
    """Of a channel; the path of its page."""
    key = await channel_id(site, name)
    ask = Reconciled(endpoint_id=key, report=report, actor="gateway", at=site.base.clock.now())  # type: ignore[arg-type]
    return f"/channels/{key}/comparisons/{await site.base.pump.submit(ReconciledOperation(), ask)}"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
async def test_button_compares_with_an_axis_and_leads_to_what_differs(
    site: Site, browser: Chromium, tmp_path: Path, speech: Speech
) -> None:
    """What somebody sent under our system id stands there, and on the channel's page the number of differences."""
    name, said = speech.own("books"), speech.said
    async with running_axis(tmp_path, hosts=HOSTS) as axis:
        shutil.copy(axis.secret_files[SYSTEM], site.installation.folder / "secrets" / name)
        settings = {"url": axis.url, "system_id": SYSTEM, "secret_file": name, "anchors_file": str(axis.anchors)}
        change = UpsertEndpoint(
            name=name, kind="vxp", settings=settings, actor="operator:test", now=site.base.clock.now()
        )
        await site.base.directory.apply(site.base.pump, UpsertEndpointOperation(), change)
        extra = str((await axis.client(SYSTEM).send(document(PROVINCE, [MINISTRY], number="31")))["DocId"])
        async with signed_in(site, browser, Role.OPERATOR, language=speech.language) as page:
            await menu(page, "/channels")
            await press(page, f"tbody tr:has-text('{name}') th a")
            channel = page.url
            await send(page, "form[action$='/compare']", day=f"{datetime.now(VIETNAM):%Y-%m-%d}", reason=WHY)
            told = said("Đã đối chiếu: 1 khác biệt.", "Compared: 1 difference.")
            await expect(page.locator("#notices .done")).to_have_text(told)
            kind = KINDS["extra_there"]
            for words in (said(kind.vi, kind.en), said(kind.next_vi, kind.next_en), extra):
                await expect(page.locator("#content")).to_contain_text(words)
            assert await serious(page) == []
            compared = page.url
            await page.goto(channel)
            row = page.locator("tr", has=page.locator(f"a[href='{compared.removeprefix(site.origin)}']"))
            await expect(row.locator("td.number")).to_have_text("1")
            await press(page, row.locator("a"))
            assert page.url == compared


async def test_page_names_documents_and_what_to_do_in_both_languages(site: Site) -> None:
    """Ours with a link, its state and its recipient by name; what a peer wrote is text."""
    async with site.installation.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [COMMUNE], number="32"))
    now = datetime.now(UTC)
    day = (now - timedelta(days=2)).astimezone(VIETNAM).date()
    line = Sent(
        delivery=accepted.deliveries[0].id,
        message=accepted.id,
        recipient=COMMUNE,
        ref="<i>77",
        state="relayed",
        business_status="",
        expects_status=True,
        kind="document",
        document_id="32/UBND-VP",
        sent_at=now - timedelta(days=2),
    )
    out = reconcile.outgoing(day, [line], [], [], now=now)
    entries = Kind(count=300, items=[Item(ref="901", at="hôm qua", words="not_edxml")])
    into = reconcile.Direction(numbers={"came": 3}, findings={"unaccepted": entries})
    path = await kept(
        site, "pushed", reconcile.report_of("pushed", day, now, out, into, left_out=[f"{day - timedelta(days=9)}"])
    )
    browser = await site.signed_in(Role.VIEWER)
    page = (await browser.get(path)).text
    assert page.count(f'href="/documents/{accepted.id}"') == 2
    for told in ("UBND xã Một", "&lt;i&gt;77", "901", "hôm qua", "303 khác biệt", "Chỉ hiện 1 mục đầu."):
        assert told in page, told
    for kind in ("missing_there", "stuck", "unaccepted"):
        assert KINDS[kind].vi in page
        assert KINDS[kind].next_vi in page
    await browser.post("/preferences", {"language": "en", "next": "/"})
    page = (await browser.get(path)).text
    assert KINDS["stuck"].next_en in page
    assert "303 differences" in page


async def test_comparison_is_found_by_its_own_channel_and_whole_id_alone(site: Site) -> None:
    """No other one, no pattern; one without differences says so."""
    nothing = reconcile.Direction(numbers={}, findings={})
    day = datetime.now(VIETNAM).date()
    path = await kept(site, "pushed", reconcile.report_of("pushed", day, datetime.now(UTC), nothing, nothing))
    browser = await site.signed_in(Role.VIEWER)
    assert "Sổ của ta và sổ bên kia khớp nhau trong ngày này." in (await browser.get(path)).text
    other = path.replace(await channel_id(site, "pushed"), await channel_id(site, "axis"))
    for wrong in (other, path[:-4], f"{path.rpartition('/')[0]}/*"):
        assert (await browser.get(wrong)).status == 404, wrong


async def test_every_kind_of_finding_has_its_meaning() -> None:
    """Both ways, in both languages."""
    today = datetime.now(UTC)
    out = reconcile.outgoing(today.date(), [], [], [], now=today)
    into = reconcile.incoming((0, 0, 0), [], {}, (0, 0))
    assert {*out.findings, *into.findings} == KINDS.keys()
    assert all(each.vi and each.en and each.next_vi and each.next_en for each in KINDS.values())
