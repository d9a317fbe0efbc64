"""What a peer said is shown as far as it is kept, and it is told that there was more, and how much."""

from __future__ import annotations

import pytest

from gateway.accounts.roles import Role
from gateway.clock import micros
from gateway.ids import uuid7
from tests.console.site import Site
from tests.console.test_channels import channel_id
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("detail", "vi", "en"),
    [
        (
            "HTTP 503 Bảo trì… [3000 B]",
            'HTTP 503 Bảo trì… <span class="quiet">[cắt ở đây; toàn bộ có 3.000 byte]</span>',
            'HTTP 503 Bảo trì… <span class="quiet">[cut here; all of it had 3,000 bytes]</span>',
        ),
        (
            "HTTP 503 Bảo trì… [65536+ B]",
            'HTTP 503 Bảo trì… <span class="quiet">[cắt ở đây; toàn bộ có 65.536+ byte]</span>',
            'HTTP 503 Bảo trì… <span class="quiet">[cut here; all of it had 65,536+ bytes]</span>',
        ),
        (
            "x" * 500,
            'x… <span class="quiet">[cắt ở đây]</span>',
            'x… <span class="quiet">[cut here]</span>',
        ),
    ],
)
async def test_cut_answer_says_so_on_each_page_that_shows_it(site: Site, detail: str, vi: str, en: str) -> None:
    """The channel's, the document's timeline and its line; the least where no more was read."""
    async with site.installation.client(PROVINCE) as province:
        made = await province.submit(document(PROVINCE, [COMMUNE], number=str(len(detail))))
    line, base = made.deliveries[0].id, site.base
    ((dispatch,),) = await base.writer.fetch("SELECT dispatch_id FROM delivery WHERE id = ?", (line,))
    key, at = await channel_id(site, "commune"), micros(base.clock.now())
    columns = "id, dispatch_id, boot_id, series, started_at, ended_at, outcome, reason, detail, peer, bytes"
    await base.writer.fetch(
        f"INSERT INTO attempt ({columns}) VALUES (?, ?, ?, 1, ?, ?, 'deferred', 'peer_busy', ?, '{{}}', 1)",
        (uuid7(), dispatch, base.boot_id, at, at + 1, detail),
    )
    await base.writer.fetch("UPDATE delivery SET reason = 'peer_busy', detail = ? WHERE id = ?", (detail, line))
    browser = await site.signed_in(Role.OPERATOR)
    for language, told in (("vi", vi), ("en", en)):
        await browser.get("/account")
        await browser.post("/preferences", {"language": language, "next": "/"})
        for path in (f"/channels/{key}", f"/documents/{made.id}", f"/documents/{made.id}?line={line}"):
            assert told in (await browser.get(path)).text, (language, path)
