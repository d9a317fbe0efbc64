"""The axis remembers: what is sent is listed, fetched, settled and told, also after it was killed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json

import aiohttp

from gateway.simulate.axis.journal import Called, Handed, Settled, Taken
from tests.axis_lab import G22, H33, AxisLab
from tests.simulate.documents import document, status

OFFICES = ("000.00.00.G22", "000.00.01.G22", "000.00.02.G22", "000.01.02.H33", "H33.02.07")


async def test_document_is_one_entry_per_receiving_system(axis: AxisLab) -> None:
    """Five offices of two systems: two entries, each with its own id and the whole To list."""
    sent = document(to=OFFICES)
    told = await axis.client(H33).send(sent)
    assert (told["status"], told["ErrorCode"], told["ErrorDesc"]) == ("OK", "0", "Thanh cong")
    entries = {}
    for system in (H33, G22):
        (entry,) = await axis.client(system).received()
        assert json.loads(entry["to"]) == list(OFFICES)
        assert (entry["from"], entry["messageType"], entry["status"]) == (H33, "edoc", "initial")
        assert await axis.client(system).get(entry["docId"]) == sent
        entries[system] = entry["docId"]
    assert len({*entries.values(), told["DocId"]}) == 3


async def test_entry_stays_listed_until_it_is_settled(axis: AxisLab) -> None:
    """Fetching takes nothing off the list; processing does not either; done does."""
    await axis.client(H33).send(document())
    client = axis.client(G22)
    (entry,) = await client.received()
    await client.get(entry["docId"])
    assert (await client.settle(entry["docId"], "processing"))["status"] == "OK"
    (again,) = await client.received()
    assert (again["docId"], again["status"]) == (entry["docId"], "processing")
    assert (await client.settle(entry["docId"]))["status"] == "OK"
    assert await client.received() == []
    assert await client.get(entry["docId"])  # remembered, though no longer listed


async def test_sent_list_tells_the_truth_line_by_line(axis: AxisLab) -> None:
    """Each recipient has a line with both ids and what its system said; a code nobody knows failed."""
    client = axis.client(H33)
    told = await client.send(document(to=("000.00.00.G22", "000.00.01.G22", "G12.01", "X99.1")))
    (entry,) = await axis.client(G22).received()
    await axis.client(G22).settle(entry["docId"], "fail", description="khong doc duoc")
    lines = await client.sent(docId=told["DocId"])
    assert {line["senderDocId"] for line in lines} == {told["DocId"]}
    shown = [(line["toCode"], line["sendStatus"], line["receiveStatus"]) for line in lines]
    assert shown == [
        ("000.00.00.G22", "done", "fail"),
        ("000.00.01.G22", "done", "fail"),
        ("G12.01", "done", "initial"),
        ("X99.1", "fail", ""),
    ]
    first, last = lines[0], lines[-1]
    assert (first["receiverDocId"], first["receiveStatusDesc"]) == (entry["docId"], "khong doc duoc")
    assert (first["fromCode"], first["notation"]) == (H33, "1/UBND-VP")
    assert first["title"].startswith("V/v thử nghiệm")
    assert first["receivedTime"] >= first["sentTime"]
    assert (last["receiverDocId"], last["sendStatusDesc"]) == ("", "Don vi nhan khong ton tai")
    assert await axis.client(G22).sent() == []


async def test_status_goes_to_the_system_of_the_documents_sender(axis: AxisLab) -> None:
    """It has no To: its ResponseFor says whose document it is about."""
    told = await axis.client(G22).send(status(), "status")
    assert told["status"] == "OK"
    client = axis.client(H33)
    (entry,) = await client.received("status")
    assert entry["messageType"] == "status"
    assert await client.get(entry["docId"]) == status()
    assert await client.received("edoc") == []
    assert (await client.call("countReceiveStatus"))["count"] == 1
    assert (await client.call("countReceiveEdoc"))["count"] == 0


async def test_take_back_goes_to_those_who_got_the_document(axis: AxisLab) -> None:
    """Status 13 is its own sender's, so the axis looks up where the document went."""
    client = axis.client(H33)
    await client.send(document(to=("000.00.01.G22",)))
    assert (await client.send(status(H33, "13"), "status"))["status"] == "OK"
    (entry,) = await axis.client(G22).received("status")
    assert entry["to"] == '["000.00.01.G22"]'


async def test_header_names_the_recipients_of_this_dispatch(axis: AxisLab) -> None:
    """`to` goes before the document's own list."""
    await axis.client(H33).send(document(to=("000.00.00.G22", "000.01.02.H33")), to='["000.00.00.G22"]')
    assert await axis.client(H33).received() == []
    (entry,) = await axis.client(G22).received()
    assert entry["to"] == '["000.00.00.G22"]'


async def test_kill_loses_nothing_that_was_answered(axis: AxisLab) -> None:
    """Sent, settled and listed are as they were, and the journal has every accepted message once."""
    sender, receiver = axis.client(H33), axis.client(G22)
    for number in range(1, 11):
        await sender.send(document(number=number))
    first = (await receiver.received())[0]["docId"]
    await receiver.settle(first)
    before = await sender.sent()
    await axis.restart()
    assert await sender.sent() == before
    assert len(await receiver.received()) == 9
    taken = [line.doc_id for line in axis.journal() if isinstance(line, Taken)]
    assert sorted(taken) == sorted(line["senderDocId"] for line in before)


async def test_kill_in_the_middle_of_traffic_keeps_every_answer_true(axis: AxisLab) -> None:
    """What was answered is there; what is there and was not answered is in the journal; nothing is there twice."""
    answered: list[str] = []

    async def send(first: int) -> None:
        client = axis.client(H33)
        for number in range(first, first + 1000):
            told = await client.send(document(number=number))
            answered.append(told["DocId"])

    sending = [asyncio.create_task(send(first)) for first in (1, 1001, 2001, 3001)]
    await axis.wait("taken", count=60)
    await axis.kill()
    ended = await asyncio.gather(*sending, return_exceptions=True)
    assert all(isinstance(end, aiohttp.ClientError) for end in ended)
    await axis.start()
    sent = [line["senderDocId"] for line in await axis.client(H33).sent()]
    assert set(answered) <= set(sent)
    assert len(sent) - len(answered) <= 4
    received = await axis.client(G22).received()
    assert len(received) == len(sent) == len(set(sent))
    taken = [line for line in axis.journal() if isinstance(line, Taken)]
    assert [line.doc_id for line in taken] == sent
    for entry in received:
        assert await axis.client(G22).get(entry["docId"])


async def test_journal_gets_the_line_that_a_kill_cut_off(axis: AxisLab) -> None:
    """What was committed has its line at the next start, even where half of it had been written."""
    client = axis.client(H33)
    told = [(await client.send(document(number=number)))["DocId"] for number in (1, 2, 3)]
    await axis.kill()
    path = axis.folder / "journal.jsonl"
    first = path.read_bytes().find(b"\n") + 1
    path.write_bytes(path.read_bytes()[: first + 20])
    await axis.start()
    taken = [line for line in axis.journal() if isinstance(line, Taken)]
    assert [(line.doc_id, line.recovered) for line in taken] == [
        (told[0], False),
        (told[1], True),
        (told[2], True),
    ]
    assert (taken[1].entries[0][1], taken[1].to) == (G22, (G22,))


async def test_journal_says_what_came_and_what_went(axis: AxisLab) -> None:
    """Digests, ids and answers, for whoever compares afterwards."""
    sent = document()
    told = await axis.client(H33).send(sent)
    client = axis.client(G22)
    (entry,) = await client.received()
    await client.get(entry["docId"])
    await client.settle(entry["docId"])
    digest = hashlib.sha256(sent).hexdigest()
    lines = axis.journal()
    (taken,) = [line for line in lines if isinstance(line, Taken)]
    assert (taken.doc_id, taken.system, taken.sha256, taken.size) == (told["DocId"], H33, digest, len(sent))
    assert (taken.entries, taken.to) == (((entry["docId"], G22),), (G22,))
    assert [line for line in lines if isinstance(line, Handed)] == [
        Handed(doc_id=entry["docId"], system=G22, sha256=digest)
    ]
    assert [line.status for line in lines if isinstance(line, Settled)] == ["done"]
    calls = [(line.operation, line.outcome) for line in lines if isinstance(line, Called)]
    assert calls == [
        ("sendEdoc", "OK"),
        ("getReceivedEdocList", "OK"),
        ("getEdoc", "OK"),
        ("updateStatus", "OK"),
    ]


async def test_download_gives_the_bare_bytes(axis: AxisLab) -> None:
    """GET, no JSON; what is not there is a FAIL with the code that the SDK makes up."""
    sent = document()
    await axis.client(H33).send(sent)
    client = axis.client(G22)
    (entry,) = await client.received()
    assert await client.raw("downloadEdoc", {"docId": entry["docId"]}, method="GET") == (200, sent)
    status_code, content = await client.raw("downloadEdoc", {"docId": "7"}, method="GET")
    assert (status_code, b'"ErrorCode":"100"' in content) == (200, True)


async def test_large_document_travels_whole(axis: AxisLab) -> None:
    """Thirty megabytes in and out, in JSON and bare."""
    sent = document(size=30_000_000)
    assert len(sent) > 29_000_000
    assert (await axis.client(H33).send(sent))["status"] == "OK"
    client = axis.client(G22)
    (entry,) = await client.received()
    told = await client.call("getEdoc", {"docId": entry["docId"]}, b"{}")
    assert base64.b64decode(told["data"]) == sent
