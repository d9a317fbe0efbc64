"""Offices without a service and a real `gateway serve`: a working day, SIGKILL, a folder gone, a full disk."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.test_folder_faults import small_disk
from tests.journeys.folder_process import ProcessSite, Shown, drop, infos, process_site, reasons
from tests.journeys.folder_site import PDF, description, until
from tests.journeys.installation import COMMUNE, PUSHED
from tests.journeys.messages import document

SERIES = 30

pytestmark = pytest.mark.slow


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[ProcessSite]:
    async with process_site(tmp_path, pki_folder) as made:
        yield made


def named(number: int, recipient: str = PUSHED) -> str:
    """A PDF as clerks call it."""
    return f"{number}_UBND-VP_2026-03-02_{recipient}_Về việc nghỉ lễ số {number}.pdf"


def numbers(site: ProcessSite) -> list[int]:
    """Which of the series have come to the office with the server, once for each time."""
    return sorted(int(info["code"].partition("/")[0]) for info in infos(site.two))


async def test_a_working_day_of_two_offices(site: ProcessSite) -> None:
    """PDF, edXML and files with a description arrive unpacked; an answer, receipts and a refusal come back."""
    one, two = site.one, site.two
    drop(one, named(12), PDF)
    content = document(COMMUNE, [PUSHED], number="31")
    drop(one, "31.edxml", content)
    drop(two, "bao-cao.json", description("bao-cao.pdf", "phu-luc.xlsx"))
    drop(two, "bao-cao.pdf", PDF)
    drop(two, "phu-luc.xlsx", b"PK\x03\x04 not really")
    wrong = named(13, "999.99.99.H33")
    drop(one, wrong, PDF)

    await until(lambda: len(infos(two)) == 2 and infos(one))
    by_code = {info["code"]: info for info in infos(two)}
    assert sorted(by_code) == ["12/UBND-VP", "31/UBND-VP"]
    inbox = {info["dispatch"]: folder for folder in (two.path / "inbox").iterdir() for info in [_info(folder)]}
    came = inbox[by_code["12/UBND-VP"]["dispatch"]]
    assert [each.read_bytes() for each in came.glob("*.pdf")] == [PDF]
    edxml = inbox[by_code["31/UBND-VP"]["dispatch"]]
    assert (edxml / "van-ban.edxml").read_bytes() == content
    (described,) = infos(one)
    assert [file["name"] for file in described["files"]] == ["bao-cao.pdf", "phu-luc.xlsx"]

    delivery = by_code["12/UBND-VP"]["deliveries"][0]["id"]
    shutil.copy(came / "tra-loi" / f"{delivery}.03", two.path / "status")
    await until(lambda: any(info["businessType"] == "03" for info in infos(one, "receipts")))
    await until(lambda: len(list((one.path / "receipts").glob("*/receipt.xml"))) == 2)
    for receipt in (each.parent for each in (one.path / "receipts").glob("*/receipt.xml")):
        answer = json.loads((receipt / "answer.json").read_bytes())
        assert hashlib.sha256((receipt / "receipt.xml").read_bytes()).hexdigest() == answer["receipt"]["sha256"]
    (refused,) = await until(lambda: reasons(one))
    assert (refused["file"], refused["code"]) == (wrong, "recipient_unknown")
    (page,) = (one.path / "refused").glob("*/LY-DO.txt")
    text = page.read_text("utf-8-sig")
    assert refused["message"]["vi"] in text
    assert refused["nextStep"]["en"] in text
    for office in (one, two):
        await until(lambda: not any(any((office.path / area).iterdir()) for area in ("outbox", "status")))  # noqa: B023


def _info(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "info.json").read_bytes())
    return found


async def test_killed_midway_every_document_arrives_once_and_none_is_seen_half(site: ProcessSite) -> None:
    """SIGKILL twice while a series passes, and whoever opens the inbox sees whole documents only."""
    shown = Shown(office=site.two)
    async with shown.watched():
        for number in range(1, SERIES + 1):
            drop(site.one, named(number), PDF + b"%" + os.urandom(20_000).hex().encode())
        for seen in (SERIES // 5, SERIES // 2):
            await until(lambda: len(numbers(site)) >= seen)  # noqa: B023 - it is called at once
            await site.kill()
            assert len(numbers(site)) < SERIES
            await site.start()
        # between outbox and sent/ a file is set aside, to be judged
        await until(
            lambda: len(numbers(site)) >= SERIES and len(list((site.one.path / "sent").iterdir())) >= SERIES
        )
        await until(lambda: not any((site.one.path / "outbox").iterdir()))
        status = await site.command("status")
    assert numbers(site) == list(range(1, SERIES + 1))
    assert len({info["documentId"] for info in infos(site.two)}) == SERIES
    assert shown.broken == []
    assert shown.looks > 10
    assert sorted(each.name for each in (site.one.path / "sent").iterdir()) == sorted(
        named(number) for number in range(1, SERIES + 1)
    )
    assert len(list((site.one.path / "receipts").glob("[!.]*/receipt.xml"))) == SERIES
    assert not list((site.one.path / "refused").iterdir())
    assert not site.two.texts("inbox/.*")
    assert status["messages"] == SERIES
    await site.command("fsck")  # its exit code says that all is well


async def test_folder_that_is_gone_for_a_while_loses_nothing_in_either_direction(site: ProcessSite) -> None:
    """Its documents wait, it is not made again at an empty place, and the other office's work goes on."""
    one, two = site.one.path, site.two
    away = one.with_name("away")
    drop(site.one, named(1), PDF)
    await until(lambda: infos(two))
    one.rename(away)
    drop(two, named(2, COMMUNE), PDF)
    await until((two.path / "sent" / named(2, COMMUNE)).exists)
    assert not one.exists()
    one.mkdir()  # what an unmounted share leaves
    drop(two, named(3, COMMUNE), PDF)
    await until((two.path / "sent" / named(3, COMMUNE)).exists)
    doctor = await site.command("doctor", "one", code=1)
    assert ".gateway-folder" in json.dumps(doctor)
    assert list(one.iterdir()) == []
    one.rmdir()
    (away / "outbox" / named(4)).write_bytes(PDF)
    away.rename(one)
    await until(lambda: len(infos(site.one)) == 2 and len(infos(two)) == 2)
    assert sorted(info["code"] for info in infos(site.one)) == ["2/UBND-VP", "3/UBND-VP"]
    assert numbers(site) == [1, 4]


async def test_full_disk_of_an_office_holds_up_what_is_for_it_and_nothing_is_half_there(
    tmp_path: Path, pki_folder: Path
) -> None:
    """Until there is room its documents wait; what it sent is taken up once, its receipt follows."""
    with small_disk(tmp_path / "disk", megabytes=80) as disk:
        async with process_site(tmp_path, pki_folder, place=disk) as site:
            filler = disk / "filler"
            drop(site.one, named(1), PDF)
            with filler.open("wb") as file:
                room = os.statvfs(disk)
                os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)
            shown = Shown(office=site.one)
            async with shown.watched():
                for number in (2, 3):
                    drop(site.two, named(number, COMMUNE), PDF)
                await until(
                    lambda: len(infos(site.two)) == 1 and len(list((site.two.path / "sent").iterdir())) == 2
                )
                doctor = await site.command("doctor", "one", code=1)
                assert "room" in json.dumps(doctor)
                assert infos(site.one) == []
                filler.unlink()
                await until(lambda: len(infos(site.one)) == 2 and not any((site.one.path / "outbox").iterdir()))
            assert shown.broken == []
            assert sorted(info["code"] for info in infos(site.one)) == ["2/UBND-VP", "3/UBND-VP"]
            assert numbers(site) == [1]
            assert len(site.one.texts("receipts/*/receipt.xml")) == 1
