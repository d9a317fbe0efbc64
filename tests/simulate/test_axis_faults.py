"""Each fault that can be ordered, as a client sees it; what was committed before it is there afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from gateway.errors import InputError
from gateway.simulate.axis.journal import Called
from tests.axis_lab import G22, H33, AxisLab, running_axis
from tests.simulate.documents import document, status

LIST = ["getReceivedEdocList"]


async def test_proxy_page_comes_in_place_of_the_answer(axis: AxisLab) -> None:
    """502 or any other code, for so many calls; nothing was done."""
    client = axis.client(H33)
    await axis.order("html", operations=["sendEdoc"], calls=2)
    for _ in range(2):
        sent = document()
        http, content = await client.raw("sendEdoc", {"from": H33, "messagetype": "edoc"}, sent)
        assert (http, content[:6]) == (502, b"<html>")
    assert (await axis.state())["sent"] == 0
    assert (await client.send(document()))["status"] == "OK"
    await axis.order("html", http_status=200, calls=1)
    assert (await client.raw("getReceivedEdocList"))[0] == 200
    assert await axis.orders() == []


async def test_empty_is_valid_and_says_nothing_is_there(axis: AxisLab) -> None:
    """Lists, counts and catalogues; until the order is taken back."""
    await axis.client(H33).send(document())
    client = axis.client(G22)
    number = await axis.order("empty", system=G22)
    assert await client.received() == []
    assert (await client.call("countReceiveEdoc"))["count"] == 0
    assert (await client.call("getSynchronizeUnit"))["data"] == []
    assert await axis.client(H33).sent()  # another system
    await axis.calm(number)
    assert len(await client.received()) == 1


async def test_slow_answers_late(axis: AxisLab) -> None:
    """Others are answered meanwhile."""
    await axis.order("slow", delay=4, system=G22, calls=1)
    began = time.monotonic()
    late = asyncio.create_task(axis.client(G22).received())
    await axis.client(H33).received()
    assert not late.done()
    assert await late == []
    assert time.monotonic() - began >= 4


async def test_cut_before_does_nothing(axis: AxisLab) -> None:
    """The connection ends without an answer, and nothing was taken."""
    await axis.order("cut_before", calls=1)
    with pytest.raises(aiohttp.ClientError):
        await axis.client(H33).send(document())
    assert (await axis.state())["sent"] == 0


async def test_cut_after_is_accepted_but_the_answer_is_lost(axis: AxisLab) -> None:
    """The sent list knows it, the receiver gets it, the sender never heard."""
    await axis.order("cut_after", operations=["sendEdoc"], calls=1)
    client = axis.client(H33)
    with pytest.raises(aiohttp.ClientError):
        await client.send(document())
    (line,) = await client.sent()
    assert line["notation"] == "1/UBND-VP"
    assert len(await axis.client(G22).received()) == 1


async def test_cut_body_ends_in_mid_answer(axis: AxisLab) -> None:
    """The client sees a payload that is not complete."""
    await axis.client(H33).send(document())
    await axis.order("cut_body", operations=["getEdoc"], calls=1)
    client = axis.client(G22)
    (entry,) = await client.received()
    with pytest.raises(aiohttp.ClientError):
        await client.get(entry["docId"])
    assert await client.get(entry["docId"])


async def test_duplicate_delivers_twice_under_two_ids(axis: AxisLab) -> None:
    """The same bytes; the sender has one id."""
    await axis.order("duplicate", calls=1)
    await axis.client(H33).send(document())
    client = axis.client(G22)
    one, other = await client.received()
    assert one["docId"] != other["docId"]
    assert await client.get(one["docId"]) == await client.get(other["docId"])
    assert len(await axis.client(H33).sent()) == 1


async def test_repeat_and_out_of_order_change_the_list(axis: AxisLab) -> None:
    """Each entry named twice; or all in an order that is none, and differs from call to call."""
    for code in ("01", "03", "04", "05", "06"):
        await axis.client(G22).send(status(code=code), "status")
    client = axis.client(H33)
    rightly = [entry["docId"] for entry in await client.received("status")]
    await axis.order("out_of_order", operations=LIST, calls=3)
    mixed = [[entry["docId"] for entry in await client.received("status")] for _ in range(3)]
    assert all(sorted(each) == rightly and each[-1] != rightly[-1] for each in mixed)
    assert any(each not in (rightly, rightly[::-1], mixed[0]) for each in mixed)
    await axis.order("repeat", calls=1)
    listed = [entry["docId"] for entry in await client.received("status")]
    assert listed == [number for number in rightly for _ in range(2)]


async def test_forget_says_ok_and_keeps_the_entry_listed(axis: AxisLab) -> None:
    """An acknowledgement that had no effect."""
    await axis.client(H33).send(document())
    client = axis.client(G22)
    (entry,) = await client.received()
    await axis.order("forget", calls=1)
    assert (await client.settle(entry["docId"]))["status"] == "OK"
    assert len(await client.received()) == 1
    await client.settle(entry["docId"])
    assert await client.received() == []


async def test_hmac_calls_a_right_signature_wrong(axis: AxisLab) -> None:
    """As a server whose configuration went wrong."""
    await axis.order("hmac", calls=1)
    client = axis.client(H33)
    told = await client.call("countReceiveEdoc")
    assert (told["ErrorCode"], told["ErrorDesc"]) == ("15", "Sai hash-header")
    assert (await client.call("countReceiveEdoc"))["status"] == "OK"


async def test_changed_secret_holds_from_then_on(axis: AxisLab) -> None:
    """The old one is refused, also after a restart, until the client has the new one."""
    client = axis.client(H33)
    await axis.change_secret(H33, "another-secret-0123456789")
    assert (await client.call("countReceiveEdoc"))["ErrorCode"] == "15"
    await axis.restart()
    assert (await client.call("countReceiveEdoc"))["ErrorCode"] == "15"
    axis.secret_files[H33].write_text("another-secret-0123456789")
    assert (await client.call("countReceiveEdoc"))["status"] == "OK"


async def test_secret_file_is_read_again_when_it_changes(axis: AxisLab) -> None:
    """Rotation without a restart."""
    client = axis.client(H33)
    old = client.signed({}, "application/json")
    axis.secret_files[H33].write_text("rotated-secret-0123456789")
    assert b"Sai hash-header" in (await client.raw("countReceiveEdoc", headers=old))[1]
    assert (await client.call("countReceiveEdoc"))["status"] == "OK"


async def test_clock_skew_shifts_what_is_written(axis: AxisLab) -> None:
    """A day ahead in lists and in the Date header."""
    await axis.client(H33).send(document())
    client = axis.client(G22)
    (now,) = await client.received()
    await axis.order("clock_skew", offset=86_400)
    (ahead,) = await client.received()
    assert ahead["created_time"][:10] > now["created_time"][:10]
    assert ahead["created_time"][11:] == now["created_time"][11:]


async def test_fail_answers_with_the_ordered_code(axis: AxisLab) -> None:
    """For one system and one operation; three calls are let pass first."""
    await axis.order(
        "fail", operations=["sendEdoc"], system=H33, skip=3, calls=1, code="20", words="Lỗi hệ thống LGSP"
    )
    client = axis.client(H33)
    told = [await client.send(document(number=number)) for number in range(1, 6)]
    assert [reply["status"] for reply in told] == ["OK", "OK", "OK", "FAIL", "OK"]
    assert (told[3]["ErrorCode"], told[3]["ErrorDesc"]) == ("20", "Loi he thong LGSP")


async def test_unfetchable_is_listed_and_not_found(axis: AxisLab) -> None:
    """One of two entries; by both ways."""
    for number in (1, 2):
        await axis.client(H33).send(document(number=number))
    client = axis.client(G22)
    lost, kept = [entry["docId"] for entry in await client.received()]
    await axis.order("unfetchable", operations=["getEdoc", "downloadEdoc"], doc_ids=[lost])
    assert (await client.call("getEdoc", {"docId": lost}, b"{}"))["ErrorCode"] == "18"
    assert b'"100"' in (await client.raw("downloadEdoc", {"docId": lost}, method="GET"))[1]
    assert await client.get(kept)
    assert len(await client.received()) == 2


async def test_entries_that_are_none_stand_in_a_list_among_the_others(axis: AxisLab) -> None:
    """And one whose fields have other types, as ordered for it."""
    for number in (1, 2):
        await axis.client(H33).send(document(number=number))
    client = axis.client(G22)
    odd, plain = [entry["docId"] for entry in await client.received()]
    await axis.order("malformed", operations=["getReceivedEdocList"])
    await axis.order("odd_fields", operations=["getReceivedEdocList"], doc_ids=[odd])
    listed = await client.received()
    assert ("docId" in listed[0], isinstance(listed[3], str)) == (False, True)
    assert (listed[1]["docId"], listed[1]["from"], listed[2]["docId"], listed[2]["from"]) == (odd, 5, plain, H33)


async def test_garbage_is_put_into_a_list(axis: AxisLab) -> None:
    """Any bytes, as a document or a status."""
    told = await axis.put(G22, b"\x00\xff no edXML", message_type="status", to=[G22])
    client = axis.client(G22)
    (entry,) = await client.received("status")
    assert entry["docId"] == told["doc_id"]
    assert await client.get(entry["docId"]) == b"\x00\xff no edXML"
    await client.settle(entry["docId"], "fail")
    assert await client.received("status") == []


async def test_answers_that_are_no_json(axis: AxisLab) -> None:
    """A text, half a JSON, a document that is no base64."""
    await axis.client(H33).send(document())
    client = axis.client(G22)
    (entry,) = await client.received()
    for kind in ("not_json", "truncated"):
        await axis.order(kind, calls=1)
        http, content = await client.raw("getReceivedEdocList")
        assert http == 200
        with pytest.raises(ValueError, match=r"."):
            json.loads(content)
    await axis.order("wrong_base64", calls=1)
    with pytest.raises(ValueError, match="base64"):
        await client.get(entry["docId"])


async def test_frozen_list_stays_what_it_was(axis: AxisLab) -> None:
    """New entries do not show, settled ones stay, until the order is over."""
    await axis.client(H33).send(document())
    client = axis.client(G22)
    await axis.order("frozen", operations=LIST, calls=3)
    (entry,) = await client.received()
    await client.settle(entry["docId"])
    await axis.client(H33).send(document(number=2))
    for _ in range(2):
        assert [line["docId"] for line in await client.received()] == [entry["docId"]]
    (after,) = await client.received()
    assert after["docId"] != entry["docId"]


async def test_order_ends_with_its_time(axis: AxisLab) -> None:
    """Half a second of 502, then as before."""
    await axis.order("html", seconds=0.5)
    client = axis.client(H33)
    assert (await client.raw("countReceiveEdoc"))[0] == 502
    while (await client.raw("countReceiveEdoc"))[0] == 502:
        pass
    assert await axis.orders() == []


async def test_orders_of_a_file_hold_from_the_start(axis: AxisLab) -> None:
    """And again after a restart; the journal names what befell a call."""
    folder = axis.folder.parent / "ordered"
    folder.mkdir()
    file = folder / "faults.json"
    file.write_text(json.dumps([{"kind": "fail", "code": "20", "calls": 1}]))
    async with running_axis(folder, arguments=("--faults", str(file))) as ordered:
        client = ordered.client(H33)
        for _ in range(2):
            assert (await client.call("countReceiveEdoc"))["ErrorCode"] == "20"
            assert (await client.call("countReceiveEdoc"))["status"] == "OK"
            await ordered.restart()
        faults = [line.faults for line in ordered.journal() if isinstance(line, Called)]
        assert faults == [("fail",), (), ("fail",), ()]


WRONG: tuple[dict[str, Any], ...] = (
    {"kind": "nonsense"},
    {"kind": "html", "operations": ["sendMail"]},
    {"kind": "html", "system": "nobody"},
    {"kind": "html", "calls": -1},
    {"kind": "html", "cals": 1},
)


async def test_wrong_order_is_refused_with_a_sentence(axis: AxisLab) -> None:
    """And nothing is ordered."""
    for order in WRONG:
        with pytest.raises(InputError):
            await axis.order(**order)
    assert await axis.orders() == []
