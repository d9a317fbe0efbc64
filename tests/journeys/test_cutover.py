"""The whole cut-over: shadow, compare, import of work in flight, one agency taken over, and the way back."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.fsck import examine
from gateway.errors import ProblemError
from gateway.foundation import database_of
from tests.axis_lab import AxisLab
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE, PUSHED, Installation
from tests.journeys.messages import document, document_id, status
from tests.journeys.scripts import Scripts, asked_by_us, offer
from tests.journeys.test_shadow import READ_ONLY, agency, axis, report, rows, run, site, watcher

__all__ = ["axis", "site"]


async def told(capsys: pytest.CaptureFixture[str], made: Installation, *arguments: str, code: int = 0) -> Any:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert await run(made, *arguments, "--json") == code
    return json.loads(capsys.readouterr().out)


def below(folder: Path) -> list[str]:
    """The reasons in it."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.json"))


async def test_one_agency_is_taken_over(
    site: Installation, axis: AxisLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What waits and what comes is delivered once, and the axis hears no acknowledgement of ours at any time."""
    duty, scripts = watcher(site), Scripts(axis=axis)
    # shadow, and the comparison
    await offer(axis, document(MINISTRY, [COMMUNE], number="1"), sender=MINISTRY, to=[COMMUNE])
    await duty.run_once()
    (tmp_path / "taken.csv").write_text("docId\n" + "\n".join(await scripts.take()) + "\n")
    second = await offer(axis, document(MINISTRY, [COMMUNE], number="2"), sender=MINISTRY, to=[COMMUNE])
    third = await offer(
        axis, document(MINISTRY, [COMMUNE, PUSHED], number="3"), sender=MINISTRY, to=[COMMUNE, PUSHED]
    )
    await duty.run_once()
    commune = agency(await report(site, capsys, COMMUNE, "--scripts", str(tmp_path / "taken.csv")), COMMUNE)
    assert (commune["against"], commune["waiting"], commune["served_by"]) == ([], 2, "shadow")
    assert asked_by_us(axis) <= READ_ONLY

    # taken over, with what waits
    taken = await told(capsys, site, "cutover", "take", COMMUNE, "--because", "two weeks without a difference")
    assert (taken["served_by"], taken["changed"]) == ("gateway", True)
    assert [each["ref"] for each in taken["waiting"]] == [second, third]
    again = await told(capsys, site, "cutover", "take", COMMUNE, "--because", "once more")
    assert again["changed"] is False
    for _ in range(2):
        await duty.run_once()
    async with site.client(COMMUNE) as commune_client:
        waiting = {item.document_id for item in (await commune_client.inbox(wait=5)).items}
        # the very first is the scripts' for ever
        assert waiting == {document_id(MINISTRY, "2"), document_id(MINISTRY, "3")}
        item = (await commune_client.inbox()).items[0]
        assert await commune_client.content(item.id)
        await commune_client.ack(item.id)
        accepted = await commune_client.submit(document(COMMUNE, [MINISTRY], number="50"))
        with pytest.raises(ProblemError) as refused:
            await commune_client.submit(document(COMMUNE, [PROVINCE], number="51"))
    assert refused.value.code == "recipient_served_elsewhere"
    assert accepted.deliveries[0].organ_id == MINISTRY
    # the third is for another agency too, which the scripts serve: only they may end it, and they can
    assert await scripts.take([third]) == [third]

    # one more agency is taken later; what is still listed for it comes too, into the same document
    fourth = await offer(
        axis, document(MINISTRY, [COMMUNE, PROVINCE], number="4"), sender=MINISTRY, to=[COMMUNE, PROVINCE]
    )
    await duty.run_once()
    await told(capsys, site, "cutover", "take", PROVINCE, "--because", "next")
    await duty.run_once()
    lines = rows(
        site,
        "SELECT d.recipient_code FROM delivery AS d JOIN offer AS o ON o.message_id = d.message_id"
        " WHERE o.ref = ? ORDER BY d.seq",
        fourth,
    )
    assert lines == [(COMMUNE,), (PROVINCE,)]

    assert asked_by_us(axis) <= READ_ONLY
    found = await examine(site.settings, database_of(site.settings))
    assert found.findings == []


async def test_what_is_left_to_the_scripts_stays_theirs_until_it_is_taken(
    site: Installation, axis: AxisLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """They may be in the middle of what was listed before; what is listed afterwards is ours."""
    duty = watcher(site)
    first = await offer(axis, document(MINISTRY, [COMMUNE], number="1"), sender=MINISTRY, to=[COMMUNE])
    await duty.run_once()
    await told(capsys, site, "cutover", "take", COMMUNE, "--waiting", "scripts", "--because", "they began it")
    second = await offer(axis, document(MINISTRY, [COMMUNE], number="2"), sender=MINISTRY, to=[COMMUNE])
    await duty.run_once()
    accepted = "SELECT ref FROM offer WHERE message_id IS NOT NULL ORDER BY ref"
    assert rows(site, accepted) == [(second,)]
    await told(capsys, site, "cutover", "take", COMMUNE, "--because", "they did not end it")
    await duty.run_once()
    assert rows(site, accepted) == [(first,), (second,)]


async def test_agency_given_back_leaves_nothing_behind_that_is_not_told(
    site: Installation, axis: AxisLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is open is held and exported, what the scripts meet again is named, and nothing new comes here."""
    duty = watcher(site)
    await told(capsys, site, "cutover", "take", COMMUNE, "--because", "ready")
    second = await offer(axis, document(MINISTRY, [COMMUNE], number="2"), sender=MINISTRY, to=[COMMUNE])
    await duty.run_once()
    async with site.client(COMMUNE) as client:
        await client.submit(document(COMMUNE, [MINISTRY], number="50"))
    back = await told(
        capsys, site, "cutover", "return", COMMUNE, "--open", "hold", "--export", str(tmp_path / "back"),
        "--because", "the reader of the commune fails",
    )  # fmt: skip
    assert (back["served_by"], len(back["held"]), back["exported"]) == ("scripts", 1, 2)
    assert [each["ref"] for each in back["listed_again"]] == [second]
    with (tmp_path / "back" / "open.csv").open() as file:
        files = list(csv.DictReader(file))
    assert {(each["direction"], each["document_id"]) for each in files} == {
        ("received", document_id(MINISTRY, "2")),
        ("sent", document_id(COMMUNE, "50")),
    }
    for each in files:
        assert each["document_id"].encode() in (tmp_path / "back" / each["file"]).read_bytes()
    late = await offer(axis, document(MINISTRY, [COMMUNE], number="5"), sender=MINISTRY, to=[COMMUNE])
    await duty.run_once()
    assert rows(site, "SELECT message_id, fetched_at FROM offer WHERE ref = ?", late) == [(None, None)]
    async with site.client(COMMUNE) as client:
        with pytest.raises(ProblemError) as refused:
            await client.submit(document(COMMUNE, [MINISTRY], number="52"))
    assert refused.value.code == "sender_served_elsewhere"
    kinds = rows(
        site, "SELECT kind, note FROM event WHERE kind IN ('agency.taken', 'agency.returned') ORDER BY seq"
    )
    assert kinds == [("agency.taken", "ready"), ("agency.returned", "the reader of the commune fails")]
    # what was written is what an import reads
    (tmp_path / "back" / "open.csv").rename(tmp_path / "back" / "list.csv")
    known = await told(capsys, site, "import", str(tmp_path / "back" / "list.csv"), "--channel", "axis")
    assert known["known"] == 2
    assert asked_by_us(axis) <= READ_ONLY


async def test_work_in_flight_is_imported_once_and_its_statuses_find_it(
    site: Installation, axis: AxisLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the scripts sent is never sent again, claims nothing for us, and the axis's answer meets it."""
    work = tmp_path / "work"
    for name in ("sent", "received"):
        (work / name).mkdir(parents=True)
    (work / "sent" / "out-1.edxml").write_bytes(document(COMMUNE, [MINISTRY], number="60"))
    (work / "sent" / "out-2.edxml").write_bytes(document(MINISTRY, [COMMUNE], number="61"))  # nobody of ours
    (work / "received" / "in-1.edxml").write_bytes(document(MINISTRY, [COMMUNE], number="62"))
    (work / "received" / "in-2.edxml").write_bytes(b"1212 khong phai edXML")
    await told(capsys, site, "cutover", "take", COMMUNE, "--because", "ready")
    arguments = ("import", str(work), "--channel", "axis")

    tried = await told(capsys, site, *arguments, code=1)
    assert (tried["dry_run"], tried["importable"], tried["refused"]) == (True, 2, 2)
    assert rows(site, "SELECT COUNT(*) FROM message") == [(0,)]
    done = await told(capsys, site, *arguments, "--because", "cut-over of the commune", code=1)
    assert (done["imported"], done["refused"]) == (2, 2)
    assert below(Path(f"{work}.aside")) == ["received/in-2.edxml.reason.json", "sent/out-2.edxml.reason.json"]
    events = rows(site, "SELECT COUNT(*) FROM event")
    again = await told(capsys, site, *arguments, "--because", "cut-over of the commune", code=1)
    assert (again["known"], again.get("imported")) == (2, None)
    assert rows(site, "SELECT COUNT(*) FROM event") == events

    assert rows(site, "SELECT state, json_extract(handed_over, '$.channel') FROM delivery ORDER BY seq") == [
        ("handed_over", "scripts"),
        ("queued", None),
    ]
    assert rows(site, "SELECT COUNT(*) FROM attempt") == [(0,)]
    assert rows(site, "SELECT direction, ref FROM imported ORDER BY imported_at") == [
        ("sent", "out-1"),
        ("received", "in-1"),
    ]
    answer = status(MINISTRY, "03", sender=COMMUNE, number="60")
    await offer(axis, answer, sender=MINISTRY, to=[COMMUNE], kind="status")
    # the axis brings what was imported once more: the same document
    await offer(axis, document(MINISTRY, [COMMUNE], number="62"), sender=MINISTRY, to=[COMMUNE])
    await watcher(site).run_once()
    lines = rows(site, "SELECT state, business_status FROM delivery ORDER BY seq LIMIT 1")
    assert lines == [("acknowledged", "03")]
    async with site.client(COMMUNE) as commune:
        kinds = [item.kind for item in (await commune.inbox(wait=5)).items]
    assert kinds == ["document", "status"]
    assert asked_by_us(axis) <= READ_ONLY
    found = await examine(site.settings, database_of(site.settings))
    assert found.findings == []


async def test_what_the_scripts_sent_to_another_of_ours_is_delivered_once_when_the_axis_brings_it(
    site: Installation, axis: AxisLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Imported as sent, it is closed here; offered to an agency that we serve, it is ours to deliver after all."""
    sent = document(COMMUNE, [PROVINCE, MINISTRY], number="80")
    (tmp_path / "work" / "sent").mkdir(parents=True)
    (tmp_path / "work" / "sent" / "out.edxml").write_bytes(sent)
    for code in (COMMUNE, PROVINCE):
        await told(capsys, site, "cutover", "take", code, "--because", "ready")
    await told(capsys, site, "import", str(tmp_path / "work"), "--because", "in flight")
    async with site.client(PROVINCE) as client:
        assert (await client.inbox()).items == []
        await offer(axis, sent, sender=COMMUNE, to=[PROVINCE])
        for _ in range(2):
            await watcher(site).run_once()
        (item,) = (await client.inbox(wait=5)).items
        assert await client.content(item.id) == sent
    states = rows(site, "SELECT recipient_code, state FROM delivery ORDER BY seq")
    assert states == [(PROVINCE, "in_flight"), (MINISTRY, "handed_over")]
    assert rows(site, "SELECT COUNT(*) FROM message") == [(1,)]
    found = await examine(site.settings, database_of(site.settings))
    assert found.findings == []


async def test_list_of_files_says_when_and_under_which_id(
    site: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The claimed time stands beside ours; a path outside the list's folder is wrong use."""
    (tmp_path / "out.edxml").write_bytes(document(COMMUNE, [MINISTRY], number="70"))
    listed = tmp_path / "list.csv"
    listed.write_text("file,direction,ref,at\nout.edxml,sent,VXP-77,2018-11-05T09:00\n")
    done = await told(capsys, site, "import", str(listed), "--because", "in flight")
    assert done["imported"] == 1
    ((ref, claimed, imported),) = rows(site, "SELECT ref, claimed_at, imported_at FROM imported")
    assert (ref, claimed) == ("VXP-77", 1541383200_000000)
    assert imported > claimed
    listed.write_text("file,direction\n../../etc/passwd,sent\n")
    assert await run(site, "import", str(listed)) == 2
