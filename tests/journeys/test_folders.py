"""Offices without a service: a document from one's folder to another's SFTP server, and the answer back."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from tests.adapters.test_folder_faults import taken
from tests.journeys.folder_site import PDF, FolderSite, description, folder_site, until
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document

NAME = f"12_UBND-VP_2026-03-02_{PUSHED}_Về việc nghỉ lễ.pdf"


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[FolderSite]:
    async with folder_site(tmp_path, pki_folder) as made:
        yield made


def only(folder: Path) -> Path:
    """The only visible entry of a folder."""
    (found,) = [each for each in folder.iterdir() if not each.name.startswith(".")]
    return found


async def test_document_goes_from_a_folder_to_an_sftp_server_and_its_answer_comes_back(site: FolderSite) -> None:
    """A clerk names a PDF, another finds it with all that belongs to it, and copies the answer."""
    one, two = site.one.path, site.two.path
    (one / "outbox" / NAME).write_bytes(PDF)
    await site.look()
    # taken up: the receipt and the file
    assert list((one / "outbox").iterdir()) == []
    assert (one / "sent" / NAME).read_bytes() == PDF
    receipt = only(one / "receipts")
    answer = json.loads((receipt / "answer.json").read_bytes())
    transfer = json.loads((receipt / "transfer.json").read_bytes())
    assert (transfer["message"], transfer["sender"]["organ_id"]) == (answer["id"], COMMUNE)
    assert hashlib.sha256((receipt / "receipt.xml").read_bytes()).hexdigest() == answer["receipt"]["sha256"]
    # delivered
    await until(site.two.arrived)
    came = only(two / "inbox")
    assert hashlib.sha256((came / "van-ban.edxml").read_bytes()).hexdigest() == answer["sha256"]
    assert [each.read_bytes() for each in came.glob("*.pdf")] == [PDF]
    info = json.loads((came / "info.json").read_bytes())
    assert (info["sender"], info["code"], info["subject"]) == (COMMUNE, "12/UBND-VP", "Về việc nghỉ lễ")
    assert info["promulgationDate"] == "2026-03-02"
    text = (came / "thong-tin.txt").read_text("utf-8-sig")
    assert "UBND xã Một" in text
    assert "Về việc nghỉ lễ" in text
    # answered
    delivery = info["deliveries"][0]["id"]
    shutil.copy(came / "tra-loi" / f"{delivery}.03", two / "status")
    await site.look()
    assert list((two / "status").iterdir()) == []
    assert await site.states(answer["id"]) == [("acknowledged", "03")]
    await until(lambda: list((one / "receipts").glob("trang-thai-03*")))
    told = json.loads(next((one / "receipts").glob("trang-thai-03*/info.json")).read_bytes())
    assert (told["kind"], told["businessType"], told["sender"]) == ("status", "03", PUSHED)


async def test_description_with_files_becomes_a_document_with_them_in_order(site: FolderSite) -> None:
    """The same fields as over REST, and the names of the files."""
    outbox = site.two.path / "outbox"
    (outbox / "Báo cáo.pdf").write_bytes(PDF)
    (outbox / "phụ lục.docx").write_bytes(b"PK\x03\x04 not really")
    (outbox / "bao cao.json").write_bytes(description("Báo cáo.pdf", "phụ lục.docx"))
    await site.look()
    assert list(outbox.iterdir()) == [], site.two.texts("refused/*/LY-DO.txt")
    await until(site.one.arrived)
    info = json.loads(next((site.one.path / "inbox").glob("*/info.json")).read_bytes())
    assert [each["name"] for each in info["files"]] == ["Báo cáo.pdf", "phụ lục.docx"]
    assert only(site.one.path / "inbox").name.startswith("KHAN_2026-03-02_7-BC-UBND")
    sent = only(site.two.path / "sent")
    assert {each.name for each in sent.iterdir()} == {"Báo cáo.pdf", "phụ lục.docx", "bao cao.json"}


async def test_edxml_keeps_its_bytes_through_both_folders(site: FolderSite) -> None:
    """What a system writes into the folder is what the other office gets."""
    content = document(PUSHED, [COMMUNE], number="31")
    (site.two.path / "outbox" / "31.edxml").write_bytes(content)
    await site.look()
    await until(site.one.arrived)
    assert [got for _, got in site.one.arrived()] == [content]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("12_UBND_2026-03-02.pdf", PDF, "file_name_invalid"),
        ("12_UBND_2026-02-30_006.02.01.H33_x.pdf", PDF, "file_name_invalid"),
        ("12_UBND_2026-03-02_999.99.99.H33_không có.pdf", PDF, "recipient_unknown"),
        (NAME, b"MZ not a pdf", "file_kind_unknown"),
        ("anh.jpg", b"\xff\xd8", "file_kind_unknown"),
        ("rong.edxml", b"", "not_edxml"),
        ("hong.edxml", b"<edXML>", "xml_not_wellformed"),
        ("bom.edxml", b'<!DOCTYPE x [<!ENTITY a "b">]><edXML>&a;</edXML>', "xml_forbidden_construct"),
        ("mo-ta.json", b"{", "parameter_invalid"),
        ("mo-ta.json", b'{"files": ["../../etc/passwd"]}', "parameter_invalid"),
        ("mo-ta.json", b'{"files": ["a.pdf"]}', "file_missing"),
        ("mao-danh.edxml", document(PROVINCE, [PUSHED]), "sender_not_permitted"),
    ],
)
async def test_what_is_no_document_is_refused_with_its_reason(
    site: FolderSite, name: str, content: bytes, code: str
) -> None:
    """The file comes back with a page that a clerk can read, and a line that a program can."""
    path = site.one.path
    (path / "outbox" / name).write_bytes(content)
    await site.look()
    assert list((path / "outbox").iterdir()) == []
    refused = only(path / "refused")
    assert (refused / name).read_bytes() == content
    reason = json.loads((refused / "reason.json").read_bytes())
    assert reason["code"] == code
    assert reason["nextStep"]["vi"] in (refused / "LY-DO.txt").read_text("utf-8-sig")
    assert not list((path / "sent").iterdir())


async def test_refused_file_that_is_put_back_is_judged_again(site: FolderSite) -> None:
    """The very file, moved back, is looked at again."""
    path = site.two.path
    name = "12_UBND_2026-03-02_999.99.99.H33_x.pdf"
    (path / "outbox" / name).write_bytes(PDF)
    await site.look()
    refused = only(path / "refused")
    (refused / name).rename(path / "outbox" / name)
    (refused / "LY-DO.txt").unlink()
    await site.look()
    assert list((path / "outbox").iterdir()) == []
    assert (refused / name).read_bytes() == PDF
    assert (refused / "LY-DO.txt").exists()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("{delivery}.02", "", "status_reason_missing"),
        ("{delivery}.99", "", "parameter_invalid"),
        ("0193f0a0-0000-7000-8000-000000000000.03", "", "delivery_unknown"),
        ("ghi chu.txt", "", "file_name_invalid"),
        ("{delivery}.json", "[]", "parameter_invalid"),
        ("{delivery}.json", '{"code": "03", "unknown": 1}', "parameter_invalid"),
    ],
)
async def test_answer_that_cannot_be_used_is_refused(site: FolderSite, name: str, content: str, code: str) -> None:
    """An office may only speak of what it got, and as the code list allows."""
    one, two = site.one.path, site.two.path
    (one / "outbox" / NAME).write_bytes(PDF)
    await site.look()
    await until(site.two.arrived)
    delivery = json.loads((only(two / "inbox") / "info.json").read_bytes())["deliveries"][0]["id"]
    (two / "status" / name.format(delivery=delivery)).write_text(content)
    await site.look()
    assert list((two / "status").iterdir()) == []
    assert json.loads((only(two / "refused") / "reason.json").read_bytes())["code"] == code


async def test_office_cannot_answer_for_another_one(site: FolderSite) -> None:
    """A delivery of somebody else's does not exist for it."""
    one, two = site.one.path, site.two.path
    (one / "outbox" / NAME).write_bytes(PDF)
    await site.look()
    await until(site.two.arrived)
    delivery = json.loads((only(two / "inbox") / "info.json").read_bytes())["deliveries"][0]["id"]
    (one / "status" / f"{delivery}.03").touch()
    await site.look()
    assert json.loads((only(one / "refused") / "reason.json").read_bytes())["code"] == "delivery_unknown"
    message = json.loads((only(one / "receipts") / "answer.json").read_bytes())["id"]
    assert await site.states(message) == [("delivered", "")]


async def test_rejection_with_a_reason_reaches_the_sender_in_refused(site: FolderSite) -> None:
    """What was turned away lies where the sender looks for trouble."""
    one, two = site.one.path, site.two.path
    (one / "outbox" / NAME).write_bytes(PDF)
    await site.look()
    await until(site.two.arrived)
    delivery = json.loads((only(two / "inbox") / "info.json").read_bytes())["deliveries"][0]["id"]
    (two / "status" / f"{delivery}.02.txt").write_text("﻿Sai thẩm quyền", "utf-8")
    await site.look()
    await until(lambda: list((one / "refused").glob("trang-thai-02*")))
    text = next((one / "refused").glob("trang-thai-02*/thong-tin.txt")).read_text("utf-8-sig")
    assert "Sai thẩm quyền" in text


async def test_same_files_make_the_same_bytes_whoever_asks(site: FolderSite) -> None:
    """A restart between building and acceptance makes no second document."""
    outbox = site.one.path / "outbox"
    (outbox / NAME).write_bytes(PDF)
    told = {"recipients": [PUSHED], "codeNumber": "1", "codeNotation": "A", "promulgationDate": "2026-03-02"}
    (outbox / "b.json").write_text(json.dumps(told | {"subject": "x", "files": ["c.pdf"]}))
    (outbox / "c.pdf").write_bytes(PDF)
    base = site.app.foundation
    endpoint = next(each for each in await base.directory.endpoints() if each.name == "commune")
    made = []
    for _ in range(2):
        source = site.app.watcher._source_of(endpoint)
        items = await source.listed()
        made.append([(item.ref, await taken(source, item.ref)) for item in items])
        await source.close()
    assert len(made[0]) == 2
    assert made[0] == made[1]


@pytest.mark.slow
async def test_office_learns_that_its_document_could_not_be_delivered(site: FolderSite) -> None:
    """The gateway's own word comes into refused/, since the office reads nothing else."""
    base = site.app.foundation
    change = UpsertEndpoint(
        name="pushed",
        kind="sftp",
        settings=site.two.settings | {"max_bytes": 1},
        actor="operator:test",
        now=base.clock.now(),
    )
    await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
    (site.one.path / "outbox" / NAME).write_bytes(PDF)
    await site.look()
    refused = site.one.path / "refused"
    await until(lambda: list(refused.glob("trang-thai-02*")))
    text = next(refused.glob("*/thong-tin.txt")).read_text("utf-8-sig")
    assert "too_large_for_peer" in text
    assert "12/UBND-VP" in text
