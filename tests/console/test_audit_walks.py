"""What an inspector comes for, walked by clicking in a real browser.

One server, one browser; each walk is gone whole in Vietnamese and once more, about other documents, in English.
"""

from __future__ import annotations

import asyncio
import base64
import io
import shutil
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from gateway.accounts.roles import Role
from gateway.clock import VIETNAM
from gateway.edxml.envelope import BusinessType
from gateway.inquiry import bulk
from gateway.ledger.tree import LogReads
from gateway.maintenance.registrar import Registrar
from gateway.observe import Metrics
from gateway.seal.trust import TrustPurpose
from gateway.verifying.command import main as verify
from tests.console.browsing import CHROMIUM, PATIENCE, serious
from tests.console.clicking import Speech, fill, menu, press, signed_in, taken
from tests.console.site import Site
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import DAY, document, document_id
from tests.journeys.months import MonthOver
from tests.journeys.test_log import signed

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

WHY = "theo quyết định thanh tra"
#: Of two offices each; the province has taken its own back.
NUMBERS = ("6011", "6012")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed(site: Site) -> None:
    """As after the end of the day: the registers are signed, so that one can prove what is not there."""
    async with site.installation.client(PROVINCE) as province, site.installation.client(COMMUNE) as commune:
        for number in NUMBERS:
            await province.submit(document(PROVINCE, [COMMUNE], number=number))
            await commune.submit(document(COMMUNE, [PROVINCE], number=number))
            about = document_id(PROVINCE, number)
            recall = document(PROVINCE, [COMMUNE], number=f"7{number}", business=BusinessType.RECALL, about=about)
            await province.submit(recall)
    await signed(site.installation)
    clock = MonthOver(datetime.now(VIETNAM).date() + timedelta(days=1))
    await Registrar(site.base.readers, site.base.pump, clock=clock, metrics=Metrics()).run_once()
    await signed(site.installation)


@pytest_asyncio.fixture(loop_scope="module")
async def page(site: Site, browser: Browser, closed: None, speech: Speech) -> AsyncIterator[Page]:
    """An auditor's window, at the question."""
    del closed
    async with signed_in(site, browser, Role.AUDITOR, language=speech.language) as found:
        await menu(found, "/audit")
        yield found


@pytest.fixture
def anchors(site: Site, tmp_path: Path) -> Path:
    """What whoever verifies was given by another way."""
    pki, folder = site.installation.pki, tmp_path / "anchors"
    shutil.copytree(pki.anchors(TrustPurpose.SEAL), folder / "seal")
    shutil.copy(pki.log_vkey, folder)
    return folder


async def ask(page: Page, number: str, **more: str) -> None:
    """By the form."""
    await fill(page, "form[action='/audit']", number=number, **more)
    await press(page, "form[action='/audit'] button.main")


async def test_auditor_asks_as_inspectors_do_and_verifies_the_bundle(
    page: Page, speech: Speech, tmp_path: Path, anchors: Path
) -> None:
    """All candidates by issuer; of one office a sentence with its grade; a bundle passes here and elsewhere."""
    said, number = speech.said, speech.own("601")
    await ask(page, f"00{number} / ubnd–vp")
    cards = page.locator("article.card")
    await expect(cards).to_have_count(2)
    for name in ("tỉnh", "xã Một"):
        await expect(page.locator("h2", has_text=name)).to_contain_text(f", {DAY:%Y}")
    await ask(page, f"{number}/UBND-VP", office="xa mot", role="recipient")
    await expect(cards).to_have_count(1)
    told = said(f"Văn bản {number}/UBND-VP ngày ", f"Document {number}/UBND-VP of ")
    for words in (told, said("bậc 1/6: chỉ có dấu niêm phong", "grade 1/6: our own seal alone")):
        await expect(cards).to_contain_text(words)
    recalled = cards.locator("dt", has_text=said("Bị thu hồi", "Recalled"))
    await expect(recalled.locator("+ dd")).to_contain_text(f"7{number}/UBND-VP")
    (bundle := tmp_path / "mot.asice").write_bytes(await taken(page, "article button"))
    assert await asyncio.to_thread(verify, [str(bundle), "--anchors", str(anchors)]) == 0
    await press(page, "a[href='/audit/verify']")
    for brought, word, whose in (
        ([], "wait", said("theo neo của chính hệ thống này", "by this installation's own anchors")),
        (
            [anchors / "log.vkey", *(anchors / "seal").iterdir()],
            "good",
            said("theo neo tin cậy bạn mang theo", "by the anchors that you brought along"),
        ),
    ):
        await page.set_input_files("[name=file]", [bundle])
        await page.set_input_files("[name=anchors]", brought)
        await press(page, "form.stack button.main")
        verdict = page.locator("section .badge").first
        await expect(verdict).to_have_text(said("đạt", "passed"))
        await expect(page.locator(f"section .badge.{word}", has_text=whose)).to_be_visible()
        await expect(page.locator("main .badge.bad")).to_have_count(0)
    assert await serious(page) == []
    bundle.write_bytes(bundle.read_bytes()[:-100])
    await page.set_input_files("[name=file]", [bundle])
    await press(page, "form.stack button.main")
    await expect(verdict).to_have_text(said("không đạt", "failed"))


async def test_export_in_bulk_tells_how_far_it_is(
    page: Page, speech: Speech, tmp_path: Path, anchors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bar goes up in the open page, stays while a bundle is made, ends full; then the file is fetched."""
    said, add, begun = speech.said, bulk._add, asyncio.Queue[asyncio.Event]()

    async def held(*given: object) -> None:
        """A bundle is made, and not yet done."""
        await begun.put(go_on := asyncio.Event())
        await go_on.wait()
        await add(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(bulk, "_add", held)
    await ask(page, f"{speech.own('601')}/UBND-VP")
    await fill(page, "form[action='/audit/exports']", reason=WHY)
    await press(page, "p.filters button")
    bar, content = page.locator("progress"), page.locator("#content")
    being_made, finished = said("đang tạo", "being made"), said("đã xong", "finished")
    for done in range(2):
        go_on = await asyncio.wait_for(begun.get(), PATIENCE / 1000)
        await expect(content).to_contain_text(f"{being_made} {done} / 2", timeout=PATIENCE)
        for _ in range(2):  # it asks again, and says the same
            async with page.expect_response("**/audit/exports", timeout=PATIENCE):
                pass
        assert await bar.evaluate("bar => [bar.value, bar.max]") == [done, 2]
        await expect(page.locator("a[href='/audit/exports/file']")).to_have_count(0)
        go_on.set()
    await expect(content).to_contain_text(f"{finished} 2 / 2", timeout=PATIENCE)
    assert await bar.evaluate("bar => bar.position") == 1
    assert await serious(page) == []
    await expect(content).to_contain_text(said("giữ trong một giờ", "kept for an hour"))
    archive = zipfile.ZipFile(io.BytesIO(await taken(page, "a[href='/audit/exports/file']")))
    archive.extractall(tmp_path / "bundles")
    bundles = sorted((tmp_path / "bundles").iterdir())
    assert [each.suffix for each in bundles] == [".asice"] * 2
    assert await asyncio.to_thread(verify, [*map(str, bundles), "--anchors", str(anchors)]) == 0


async def test_auditor_proves_that_there_is_none_compares_the_log_and_is_on_record(
    site: Site, page: Page, speech: Speech, tmp_path: Path, anchors: Path
) -> None:
    """The negative certificate; today's log with that of a day and with a kept checkpoint, whole and forged."""
    said, number = speech.said, speech.own("9999/KHONG-CO-")
    await ask(page, number, office=PROVINCE)
    card = page.locator("section.card")
    await expect(card).to_contain_text(
        said(
            f"Sổ không có văn bản {number} do UBND",
            f"The ledger has no document {number} issued by or sent to UBND",
        )
    )
    await expect(card).to_contain_text(said("Có thể chứng minh", "It can be proved"))
    await fill(page, "form[action='/audit/absence']", reason=WHY)
    (none := tmp_path / "none.asice").write_bytes(await taken(page, "form[action='/audit/absence'] button"))
    assert await asyncio.to_thread(verify, [str(none), "--anchors", str(anchors)]) == 0
    await press(page, "a[href='/audit/log']")
    await fill(page, "form.filters", since="2026-01-01")
    await press(page, "form.filters button")
    good = said("nhất quán", "consistent")
    await expect(card.locator(".badge.good")).to_have_text(good)
    await expect(card).to_contain_text(said("Số bước chứng minh", "Steps of the proof"))
    kept = await LogReads(site.base.readers).latest()
    assert kept is not None
    root = base64.b64encode(kept.root).decode()
    for note, tone, word in (
        (kept.note.decode(), "good", good),
        (
            kept.note.decode().replace(root, "A" * 43 + "="),
            "wait",
            said("không do nhật ký này ký", "not signed by this log"),
        ),
    ):
        await page.fill("[name=note]", note)
        await press(page, "form[method=post]:has([name=note]) button")
        await expect(page.locator("form.card .badge")).to_have_class(f"badge {tone}")
        await expect(page.locator("form.card .badge")).to_have_text(word)
    assert await serious(page) == []
    await press(page, "a[href='/audit/lookups']")
    rows = page.locator("tbody tr")
    for question, act in (
        (number, said("tra cứu", "looked for")),
        (
            said(f"không có văn bản như vậy: {number}", f"that there is none: {number}"),
            said("lấy bằng chứng", "took the evidence"),
        ),
        (said("01/01/2026", "01 Jan 2026"), said("đối chiếu nhật ký", "compared the log")),
    ):
        await expect(rows.filter(has_text=question).filter(has_text=act).first).to_be_visible()
