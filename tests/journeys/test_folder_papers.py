"""What an office with nothing but a folder learns of documents that are held, have failed, or are not taken up."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.maintenance.informer import Informer
from gateway.notices import Announcer
from tests.adapters.folder_lab import Office
from tests.journeys.folder_site import PDF, FolderSite, folder_site, until
from tests.journeys.installation import COMMUNE, OWN, PROVINCE, PUSHED
from tests.journeys.test_folders import NAME
from tests.journeys.test_shadow import run

WHY = ("--reason", "a question of the office's")
BOTH = f"12_UBND-VP_2026-03-02_{PUSHED}+{PROVINCE}_Về việc nghỉ lễ.pdf"


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[FolderSite]:
    async with folder_site(tmp_path, pki_folder) as made:
        yield made


def papers(office: Office) -> list[tuple[dict[str, Any], str]]:
    """Those that lie in refused/, as programs and as clerks read them."""
    return [
        (json.loads(each.read_bytes()), (each.parent / "LY-DO.txt").read_text("utf-8-sig"))
        for each in sorted((office.path / "refused").glob("[!.]*/reason.json"))
    ]


async def tell(site: FolderSite) -> None:
    """The duty's turn; a new one knows what the ledger and the folder know, as after a restart."""
    await Informer(site.app.foundation, site.app.watcher, patience=timedelta(0)).run_once()


async def channel(site: FolderSite, name: str, settings: Mapping[str, object], *, outcomes: bool) -> None:
    """Change a channel."""
    base = site.app.foundation
    kind = {"commune": "folder", "pushed": "sftp"}[name]
    change = UpsertEndpoint(
        name=name,
        kind=kind,
        settings=settings,
        capabilities={"outcomes": outcomes},
        actor="operator:test",
        now=base.clock.now(),
    )
    await base.directory.apply(base.pump, UpsertEndpointOperation(), change)


def announcer(site: FolderSite) -> Announcer:
    """What sends statuses about failures."""
    base = site.app.foundation
    return Announcer(
        readers=base.readers,
        pump=base.pump,
        bodies=base.bodies,
        directory=base.directory,
        journey=site.app.gateway.journey,
        clock=base.clock,
        organ_id=OWN,
    )


async def sent(site: FolderSite, name: str = NAME) -> str:
    """A document of the first office's that has been taken up; its message."""
    (site.one.path / "outbox" / name).write_bytes(PDF)
    await site.look()
    (answer,) = (site.one.path / "receipts").glob("*/answer.json")
    return str(json.loads(answer.read_bytes())["id"])


async def lines_of(site: FolderSite, message_id: str) -> list[str]:
    """Its deliveries."""
    return [str(line.id) for line in await site.app.foundation.reads.deliveries(message_id)]


async def test_held_document_is_told_once_with_reason_and_next_step(site: FolderSite) -> None:
    """One paper for all recipients that it is true of, in both languages; again only when it is held again."""
    assert await run(site.installation, "pause", "pushed", "--until", "2h", *WHY) == 0
    message_id = await sent(site, BOTH)
    lines = await lines_of(site, message_id)
    assert await run(site.installation, "hold", *lines, *WHY) == 0
    for _ in range(2):
        await tell(site)
    ((facts, text),) = papers(site.one)
    assert (facts["state"], facts["code"], facts["documentCode"]) == ("held", "held_by_operator", "12/UBND-VP")
    assert {each["recipient"] for each in facts["deliveries"]} == {PUSHED, PROVINCE}
    assert {each["id"] for each in facts["deliveries"]} == set(lines)
    assert facts["messageId"] == message_id
    for words in ("GIỮ LẠI", "HOLDS", facts["message"]["vi"], facts["nextStep"]["en"], "Đừng gửi lại", PUSHED):
        assert words in text
    (folder,) = (site.one.path / "refused").iterdir()
    assert folder.name.startswith("dang-giu-lai_12-UBND-VP_")
    shutil.rmtree(folder)  # a clerk has read it
    await tell(site)
    assert papers(site.one) == []
    assert await run(site.installation, "release", lines[0], *WHY) == 0
    await tell(site)
    assert papers(site.one) == []
    assert await run(site.installation, "hold", lines[0], *WHY) == 0
    await tell(site)
    ((again, _),) = papers(site.one)
    assert [each["id"] for each in again["deliveries"]] == [lines[0]]


@pytest.mark.parametrize("outcomes", [True, False])
async def test_failed_delivery_is_told_by_a_status_or_by_a_paper_and_never_by_both(
    site: FolderSite, *, outcomes: bool
) -> None:
    """Whichever it is, the office reads the reason and what to do."""
    await channel(site, "commune", site.one.settings | {"settle_seconds": 0}, outcomes=outcomes)
    await channel(site, "pushed", site.two.settings | {"max_bytes": 1}, outcomes=True)
    message_id = await sent(site)
    async with asyncio.timeout(60):
        while await site.states(message_id) != [("refused", "")]:  # noqa: ASYNC110 - no signal for it
            await asyncio.sleep(0.02)
    await tell(site)
    refused = site.one.path / "refused"
    if outcomes:
        await announcer(site).run_once()
        await until(lambda: list(refused.glob("trang-thai-02*")))
        facts = json.loads(next(refused.glob("*/info.json")).read_bytes())["reason"]
        text = next(refused.glob("*/thong-tin.txt")).read_text("utf-8-sig")
    else:
        ((facts, text),) = papers(site.one)
        assert facts["state"] == "refused"
    assert facts["code"] == "too_large_for_peer"
    assert facts["nextStep"]["vi"] in text
    assert facts["nextStep"]["en"] in text
    for _ in range(2):
        await tell(site)
        await announcer(site).run_once()
    assert len(list(refused.iterdir())) == 1


async def test_paper_waits_for_a_folder_that_is_away(site: FolderSite) -> None:
    """It is written once the folder is back, and nothing is made where it was."""
    assert await run(site.installation, "pause", "pushed", "--until", "2h", *WHY) == 0
    message_id = await sent(site)
    assert await run(site.installation, "hold", *await lines_of(site, message_id), *WHY) == 0
    away = site.one.path.with_name("away")
    site.one.path.rename(away)
    await tell(site)
    assert not site.one.path.exists()
    await site.look()
    await tell(site)
    assert not site.one.path.exists()
    away.rename(site.one.path)
    await site.look()
    await tell(site)
    assert [facts["code"] for facts, _ in papers(site.one)] == ["held_by_operator"]


async def test_file_that_cannot_be_taken_up_is_told_while_it_waits(site: FolderSite) -> None:
    """The clerk reads why, leaves it where it is, and finds its receipt when all is well again."""
    opened = 0

    def before(name: str) -> None:
        nonlocal opened
        opened += name == "open"
        if name == "open" and opened > 1:  # the first is the marker
            raise asyncssh.SFTPPermissionDenied("not now")

    two = site.two
    (two.path / "outbox" / f"1_BC_2026-03-02_{COMMUNE}_Báo cáo.pdf").write_bytes(PDF)
    two.habits.before = before
    await site.look()
    opened = 0
    await tell(site)  # it cannot be written either
    assert papers(two) == []
    two.habits.before = None
    for _ in range(2):
        await tell(site)
    ((facts, text),) = papers(two)
    assert (facts["state"], facts["code"]) == ("listed", "folder_forbidden")
    assert "1_BC_2026-03-02" in facts["file"]
    assert "the gateway tries again" in text
    assert list((two.path / "outbox").iterdir())
