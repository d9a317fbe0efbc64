"""Destroying a body by order of two persons: who may, who is held back, what is left, and what stays provable."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.admin import purges
from gateway.audit import stored
from gateway.audit.contents import ContentExaminer, Difference
from gateway.audit.fsck import examine
from gateway.audit.rows import Message
from gateway.audit.stored import BodyHasher, StoredBody
from gateway.errors import ProblemError, RefusedError
from gateway.purging.listed import list_of, read_list
from gateway.storage.body_file import BodyFile
from tests.backup.lab import query, run, settings_of
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation
from tests.journeys.messages import document
from tests.journeys.purging import (
    ONE,
    TWO,
    arrived,
    bodies_below,
    desk,
    destroyed,
    erased,
    examined,
    order_of,
    ordered,
    unexamined,
)
from tests.journeys.receiver import Receiver
from tests.journeys.tampering import body_of, database
from tests.journeys.test_journey import reaches


def digest_of(made: Installation, message_id: str) -> str:
    ((found,),) = query(made.folder, f"SELECT sha256 FROM message WHERE id = '{message_id}'")
    return str(found)


def leaves(made: Installation, kind: str) -> list[dict[str, object]]:
    return [
        json.loads(row[0])["facts"] for row in query(made.folder, f"SELECT leaf FROM event WHERE kind = '{kind}'")
    ]


async def test_body_goes_and_its_evidence_stays(installation: Installation) -> None:
    """No file of it is left, everybody is told so, and fsck finds nothing wrong."""
    message = await arrived(installation)
    sha256 = digest_of(installation, message)
    assert bodies_below(installation.settings.storage.folder, sha256)
    order = await destroyed(installation, message)
    assert (await order_of(installation, order))["outcome"] == "completed"
    assert bodies_below(installation.settings.storage.folder, sha256) == []
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        with pytest.raises(ProblemError) as told:
            await province.original(message)
        assert (told.value.status, told.value.code) == (410, "body_purged")
        ((delivery,),) = query(installation.folder, f"SELECT id FROM delivery WHERE message_id = '{message}'")
        with pytest.raises(ProblemError) as told:
            await commune.content(delivery)
        assert (told.value.status, told.value.code) == (410, "body_purged")
        assert (await province.document(message)).subject == "V/v mật lọt ra"
    report = await examined(installation)
    assert report.ok, report.findings
    (fact,) = leaves(installation, "body.purged")
    assert fact == {"sha256": sha256, "order": order, "list": fact["list"]}
    assert [each.message for each in read_list(list_of(installation.settings.log))] == [message]


@pytest.mark.parametrize("before", ["opened", "hashed", "parsed"])
async def test_examination_beside_the_eraser_takes_nothing_destroyed_for_lost(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    """Rows are read, and the order is carried out before the body is looked for; what is really gone is told."""
    message, lost = await arrived(installation, number="1"), await arrived(installation, number="2")
    (lost_file,) = bodies_below(installation.settings.storage.folder, digest_of(installation, lost))
    lost_file.unlink()
    orders = list[str]()

    async def destroy() -> None:
        if not orders:
            orders.append("")
            orders.append(await destroyed(installation, message))

    hash_all, run_digest, parse = BodyHasher.hash_all, stored.run_digest, ContentExaminer.examine

    async def hashing(hasher: BodyHasher, digests: Iterable[str]) -> dict[str, StoredBody]:
        await destroy()
        return await hash_all(hasher, digests)

    async def digesting(threads: ThreadPoolExecutor, file: BodyFile) -> StoredBody:
        await destroy()
        return await run_digest(threads, file)

    async def parsing(
        examiner: ContentExaminer, messages: Sequence[Message], done: Callable[[], None]
    ) -> list[Difference]:
        await destroy()
        return await parse(examiner, messages, done)

    if before == "opened":
        monkeypatch.setattr(BodyHasher, "hash_all", hashing)
    elif before == "hashed":
        monkeypatch.setattr(stored, "run_digest", digesting)
    else:
        monkeypatch.setattr(ContentExaminer, "examine", parsing)
    report = await examined(installation)
    assert bodies_below(installation.settings.storage.folder, digest_of(installation, message)) == []
    assert [(each.code, each.subject) for each in report.findings] == [("body_missing", lost)]


async def test_operator_sees_that_it_was_destroyed(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """In both languages, and in the JSON."""
    message = await arrived(installation)
    await destroyed(installation, message)
    capsys.readouterr()
    assert await asyncio.to_thread(run, installation.folder, "show", message) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "đã được hủy theo lệnh" in told
    assert "were destroyed by order" in told
    assert await asyncio.to_thread(run, installation.folder, "show", message, "--json") == 0
    assert json.loads(capsys.readouterr().out)["document"]["destroyed_at"]


async def test_one_person_is_not_two(installation: Installation) -> None:
    """The same user id is one person, root too; until a second one confirms, nothing is touched."""
    message = await arrived(installation)
    order = await ordered(installation, [message])
    with pytest.raises(RefusedError) as told:
        await purges.confirm_purge(desk(installation), purges.ConfirmPurge(order=order, reason="tự xác nhận"), ONE)
    assert told.value.code == "purge_one_person"
    await erased(installation)
    assert bodies_below(installation.settings.storage.folder, digest_of(installation, message))
    await purges.cancel_purge(desk(installation), purges.CancelPurge(order=order, reason="nhầm số"), TWO)
    with pytest.raises(RefusedError) as told:
        await purges.confirm_purge(desk(installation), purges.ConfirmPurge(order=order, reason="muộn rồi"), TWO)
    assert told.value.code == "state_forbids"
    assert leaves(installation, "body.purged") == []


async def test_what_is_on_its_way_is_not_ordered(installation: Installation) -> None:
    """Somebody is to get it yet, so it is refused, and nothing is ordered."""
    async with installation.client(PROVINCE) as province:
        waiting = await province.submit(document(PROVINCE, [COMMUNE], number="7"))
    with pytest.raises(RefusedError) as told:
        await ordered(installation, [waiting.id])
    assert told.value.code == "purge_undelivered"
    assert query(installation.folder, "SELECT id FROM purge") == []


async def test_confirmed_order_is_cancelled_as_far_as_it_is_held_back(installation: Installation) -> None:
    """What was destroyed stays so, the rest is kept, and fsck agrees."""
    held, free = await arrived(installation, number="1"), await arrived(installation, number="2")
    retain = purges.RetainDocuments(documents=[held], ref="TB 5/TTr", reason="đang thanh tra")
    await purges.retain_documents(desk(installation), retain, ONE)
    order = await destroyed(installation, held, free)
    cancel = purges.CancelPurge(order=order, reason="thanh tra giữ lâu")
    assert (await purges.cancel_purge(desk(installation), cancel, TWO))["destroyed"] == 1
    eraser = await erased(installation)
    assert eraser.condition.words == "nothing is ordered"
    assert bodies_below(installation.settings.storage.folder, digest_of(installation, held))
    report = await examined(installation)
    assert report.ok, report.findings


async def test_what_its_sender_sends_anew_is_new(installation: Installation) -> None:
    """Another message with the same bytes, which its recipient gets; the first one stays destroyed for all."""
    body = document(PROVINCE, [COMMUNE], content=b"%PDF-1.4\n" + bytes(600_000))
    message = await arrived(installation, body=body)
    await destroyed(installation, message)
    again = await arrived(installation, body=body)
    assert again != message
    await erased(installation)
    async with installation.client(PROVINCE) as province:
        assert await province.original(again) == body
        with pytest.raises(ProblemError) as told:
            await province.original(message)
        assert told.value.code == "body_purged"
        assert (await province.submit(body)).id == again
    report = await examined(installation)
    assert report.ok, report.findings
    await destroyed(installation, again)
    assert bodies_below(installation.settings.storage.folder, digest_of(installation, message)) == []
    assert (await examined(installation)).ok


async def test_retained_document_is_in_no_orders_execution(installation: Installation) -> None:
    """The order says what holds it back; when that has ended, it is carried out."""
    held, free = await arrived(installation, number="1"), await arrived(installation, number="2")
    retain = purges.RetainDocuments(documents=[held], ref="TB 5/TTr", reason="đang thanh tra")
    reply = await purges.retain_documents(desk(installation), retain, ONE)
    entry = reply["items"][0]["entry"]
    order = await destroyed(installation, held, free)
    told = await order_of(installation, order)
    assert (told["outcome"], told["destroyed"], told["held"], told["remains"]) == ("", 1, 1, 1)
    assert bodies_below(installation.settings.storage.folder, digest_of(installation, held))
    assert desk(installation).metrics.purge_remains._value.get() == 1
    ended = purges.StopRetaining(entry=entry, reason="đã kết luận")
    await purges.stop_retaining(desk(installation), ended, TWO)
    await erased(installation)
    assert (await order_of(installation, order))["outcome"] == "completed"
    assert bodies_below(installation.settings.storage.folder, digest_of(installation, held)) == []


async def test_free_text_goes_with_the_envelope(installation: Installation) -> None:
    """Subject and names leave the ledger; numbers, codes and a salted digest of what went stay, and fsck agrees."""
    secret = "Kế hoạch tuyệt mật số bảy"
    message = await arrived(installation, subject=secret)
    await destroyed(installation, message, with_envelope=True)
    row = query(
        installation.folder,
        f"SELECT subject, subject_folded, envelope, code_number FROM message WHERE id = '{message}'",
    )
    assert row[0][:2] == ("", "")
    assert secret not in row[0][2]
    assert "Cơ quan gửi" not in row[0][2]
    assert row[0][3] == "125"
    (fact,) = leaves(installation, "body.purged")
    assert len(str(fact["envelope"])) == 64
    report = await examined(installation)
    assert report.ok, report.findings


def test_row_without_its_leaf_hides_no_loss(folder: Path) -> None:
    """Whoever removes a body and writes that it was destroyed by order has no leaf that says so."""
    data = folder / "data"
    path = body_of(data)
    path.unlink()
    with database(data) as connection:
        connection.execute(
            "INSERT INTO purge (id, kind, ref, reason, with_envelope, sha256, documents, made_at, made_by,"
            " asked_at, asked_by, confirmed_at, confirmed_by, ended_at, outcome)"
            " VALUES ('o', 'person', 'r', 'r', 0, ?, 1, 1, 'a', 1, 'a', 1, 'b', 1, 'completed')",
            (path.name,),
        )
        connection.execute(
            "INSERT INTO purge_document (purge_id, message_id, sha256, purged_at)"
            " SELECT 'o', id, sha256, 1 FROM message WHERE sha256 = ?",
            (path.name,),
        )
    report = asyncio.run(examine(settings_of(folder), data / "gateway.sqlite"))
    assert {each.code for each in report.findings} == {"purge_differs", "body_missing"}


async def test_copies_made_of_it_and_uploads_go_too(installation: Installation, receiver: Receiver) -> None:
    """The rendition for a peer of another dialect; the whole upload of the same bytes that nobody submitted."""
    await installation.reads_dialect("pushed", "B")
    body = document(PROVINCE, [PUSHED], number="9")
    async with installation.client(PROVINCE) as province:
        accepted = await province.submit(body)
        await receiver.wait_for(1)
        await reaches(province, accepted.id, PUSHED, "delivered")
        upload = await province.begin_upload(len(body))
        await province.append_upload(upload, 0, body)
        await unexamined(installation)
        ((rendition,),) = query(
            installation.folder, f"SELECT sha256 FROM rendition WHERE message_id = '{accepted.id}'"
        )
        data = installation.settings.storage.folder
        assert bodies_below(data, rendition)
        await destroyed(installation, accepted.id)
        assert bodies_below(data, rendition) == bodies_below(data, accepted.sha256) == []
        with pytest.raises(ProblemError):
            await province.upload_offset(upload)
    assert list((data / "uploads").glob("*.part")) == []
    report = await examined(installation)
    assert report.ok, report.findings


async def test_bytes_that_come_back_go_again(installation: Installation) -> None:
    """Fsck names what lies there again; the eraser's next look at everything removes it."""
    message = await arrived(installation)
    sha256 = digest_of(installation, message)
    path = desk(installation).foundation.bodies.path_of(sha256)
    kept = path.read_bytes()
    await destroyed(installation, message)
    path.write_bytes(kept)
    report = await examined(installation)
    assert [each.code for each in report.findings] == ["body_purged_there"]
    await erased(installation)
    assert not path.exists()
    assert (await examined(installation)).ok
