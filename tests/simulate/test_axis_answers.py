"""The offices behind the axis answer by script, and a killed axis goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import InputError
from gateway.simulate.axis.reading import read
from tests.axis_lab import G22, H33, AxisClient, AxisLab, running_axis
from tests.simulate.documents import document, document_id, status

AT_ONCE = {"enabled": True, "steps": [{"code": "01", "words": "Đã đến"}, {"code": "03", "words": "Đã tiếp nhận"}]}


async def reports(client: AxisClient) -> list[tuple[str, str]]:
    """(office, code) of the statuses that wait."""
    letters = [read(await client.get(entry["docId"])) for entry in await client.received("status")]
    return [(letter.sender, letter.status_code) for letter in letters]


async def answered(axis: AxisLab, count: int) -> None:
    """Until so many statuses were taken."""
    await axis.wait("taken", system="axis.played", count=count)


async def test_office_that_nobody_hosts_reports_by_script(tmp_path: Path) -> None:
    """Each addressed office for itself; its document counts as received."""
    async with running_axis(tmp_path, answers=AT_ONCE) as axis:
        client = axis.client(H33)
        await client.send(document(to=("G12.01", "G12.02")))
        await answered(axis, 4)
        assert sorted(await reports(client)) == [
            ("G12.01", "01"),
            ("G12.01", "03"),
            ("G12.02", "01"),
            ("G12.02", "03"),
        ]
        assert {line["receiveStatus"] for line in await client.sent()} == {"done"}
        about = read(await client.get((await client.received("status"))[0]["docId"])).about[0]
        assert (about.organ_id, about.code) == (H33, "1/UBND-VP")
        assert (about.date, about.document_id) == ("2018/11/05", document_id())
        assert (await axis.state())["errands"] == 0


async def test_every_so_many_is_refused_with_words(tmp_path: Path) -> None:
    """02 after 01, and nothing more."""
    answers = AT_ONCE | {"refuse_every": 2, "refuse_words": "Gửi nhầm"}
    async with running_axis(tmp_path, answers=answers) as axis:
        client = axis.client(H33)
        for number in (1, 2):
            await client.send(document(to=("G12.01",), number=number))
            await answered(axis, 2 * number)
        assert [code for _, code in await reports(client)] == ["01", "03", "01", "02"]
        refusal = (await client.received("status"))[-1]["docId"]
        assert "Gửi nhầm".encode() in await client.get(refusal)


async def test_take_back_is_agreed_or_refused(tmp_path: Path) -> None:
    """15 or 16, as the script says, by those who got the document."""
    async with running_axis(tmp_path, answers=AT_ONCE | {"to_changes": "16"}) as axis:
        client = axis.client(H33)
        await client.send(document(to=("G12.01",)))
        await answered(axis, 2)
        await client.send(status(H33, "13"), "status")
        await answered(axis, 3)
        assert (await reports(client))[-1] == ("G12.01", "16")


async def test_system_that_answers_itself_gets_no_help(tmp_path: Path) -> None:
    """Only what no registered system hosts is played."""
    async with running_axis(tmp_path, answers=AT_ONCE) as axis:
        client = axis.client(H33)
        await client.send(document(to=(G22, "G12.01")))
        await answered(axis, 2)
        assert {office for office, _ in await reports(client)} == {"G12.01"}
        assert len(await axis.client(G22).received()) == 1


async def test_what_is_owed_outlives_a_kill(tmp_path: Path) -> None:
    """It was written down with the document."""
    late = {"enabled": True, "steps": [{"code": "01", "after": 2.0}]}
    async with running_axis(tmp_path, answers=late) as axis:
        client = axis.client(H33)
        await client.send(document(to=("G12.01",)))
        await axis.kill()
        assert not any(line.__struct_config__.tag == "taken" and "played" in line.system for line in axis.journal())
        await axis.start()
        await answered(axis, 1)
        assert await reports(client) == [("G12.01", "01")]


async def test_documents_are_made_to_order(axis: AxisLab) -> None:
    """So many, of about that size, from an office to others, in the list of the system that hosts them."""
    sent = await axis.send("G12.01", ["000.00.00.H33", "000.01.02.H33"], count=5, size=30_000, priority=3)
    assert len({one["doc_id"] for one in sent}) == len({one["sha256"] for one in sent}) == 5
    client = axis.client(H33)
    listed = await client.received()
    assert [entry["docId"] for entry in listed] == [one["entries"][0]["doc_id"] for one in sent]
    data = await client.get(listed[4]["docId"])
    assert 27_000 < len(data) < 33_000
    letter = read(data)
    assert (letter.sender, letter.number, letter.recipients) == ("G12.01", "5", ("000.00.00.H33", "000.01.02.H33"))


async def test_status_is_made_to_order(axis: AxisLab) -> None:
    """Any code about any document, also one that never was."""
    about = {
        "organ_id": H33,
        "number": "7",
        "notation": "UBND-VP",
        "date": "2018-11-05",
        "document_id": document_id(number=7),
    }
    told = await axis.report("G12.01", "02", about=about, words="Không đúng thẩm quyền")
    client = axis.client(H33)
    (entry,) = await client.received("status")
    assert entry["docId"] == told["entries"][0]["doc_id"]
    number = (await client.send(document(number=8)))["DocId"]
    await axis.report(G22, "03", doc_id=number)
    assert await reports(client) == [("G12.01", "02"), (G22, "03")]
    last = (await client.received("status"))[-1]["docId"]
    assert read(await client.get(last)).about[0].document_id == document_id(number=8)
    with pytest.raises(InputError, match="nothing was sent"):
        await axis.report(G22, "03", doc_id="7")


async def test_status_to_a_played_office_is_heard(tmp_path: Path) -> None:
    """It has no answer to it, and does not let it wait for ever."""
    async with running_axis(tmp_path, answers=AT_ONCE) as axis:
        await axis.send("G12.01", [H33])
        client = axis.client(H33)
        await client.send(status(H33, "01", about="G12.01"), "status")
        assert [line["receiveStatus"] for line in await client.sent(messagetype="status")] == ["done"]
