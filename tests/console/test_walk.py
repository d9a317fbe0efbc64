"""A newcomer finds the office that fails, has it mended, resends, registers, hands over evidence: by clicking."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from gateway.accounts.roles import Role
from tests.console.browsing import CHROMIUM, chromium, is_too_wide, serious
from tests.console.clicking import Speech
from tests.console.site import LOGINS, PASSWORD, console
from tests.console.walk import Walk
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document
from tests.journeys.receiver import Receiver, Reply
from tests.unit.signatures.pdf_made import blank

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.mark.slow
async def test_newcomer_finds_mends_resends_registers_and_proves(
    tmp_path: Path, pki_folder: Path, speech: Speech
) -> None:
    """Each step is a link or a button of the page before; each place fits its window and is accessible."""
    (folder := tmp_path / "site").mkdir()
    receiver = Receiver(pki_folder)
    receiver.script.append(Reply(status=400, text="the disk is full"))
    receiver.answer = lambda _: Reply(status=503, text="the disk is full")
    await receiver.start()
    places: list[str] = []

    async def look(name: str, page: Page) -> None:
        places.append(name)
        assert await page.locator("html").get_attribute("lang") == speech.language
        assert await serious(page) == []
        assert not await is_too_wide(page)
        if name == "channel":  # what the office said is read at a glance; what only a technician wants is folded
            recorded = page.locator("td details > summary").first
            await expect(recorded).to_have_text(speech.said("Nội dung ghi nhận", "What was recorded"))
            await expect(page.get_by_text("http_status")).to_have_count(0)

    async def mend() -> None:
        receiver.answer = lambda _: Reply()

    async with console(folder, pki_folder, push_url=receiver.url("/in")) as site, chromium() as browser:
        async with site.installation.client(PROVINCE) as client:
            await client.submit(document(PROVINCE, [PUSHED], number="1302"))
            await receiver.wait_for(1)
            await client.submit(document(PROVINCE, [PUSHED], number="1303"))
            await receiver.wait_for(2)
            await client.submit(document(PROVINCE, [COMMUNE], number="1250", content=blank().data))
        walk = Walk(
            browser=browser,
            origin=site.origin,
            operator=LOGINS[Role.OPERATOR],
            clerk=LOGINS[Role.CLERK],
            auditor=LOGINS[Role.AUDITOR],
            password=lambda _: PASSWORD,
            failing="UBND xã Hai",
            refused="1302/UBND-VP",
            wanted="1250/UBND-VP",
            mend=mend,
            look=look,
            language=speech.language,
        )
        bundle = await walk.go(tmp_path)
    await receiver.close()
    assert "mimetype" in zipfile.ZipFile(bundle).namelist()
    assert places == ["overview", "map", "channel", "document", "desk", "audit"]
