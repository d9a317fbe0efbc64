"""What the axis takes and what it refuses, over a real socket: the SDK's habits, wrong calls, long headers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator

from gateway.simulate.axis.journal import Taken
from tests.axis_lab import G22, H33, AxisLab, running_axis
from tests.simulate.documents import document, status

OCTETS = "application/octet-stream"


def sending(system: str = H33, **more: str) -> dict[str, str]:
    return {"from": system, "servicetype": "eDoc", "messagetype": "edoc"} | more


async def test_digest_is_taken_padded_and_as_the_sdk_prints_it(axis: AxisLab) -> None:
    """The SDK prints each byte without its leading zero; both are over the file without the CRLF behind it."""
    client = axis.client(H33)
    for number in range(1, 5):
        sent = document(number=number)
        digest = hashlib.sha256(sent).digest()
        printed = "".join(f"{byte:x}" for byte in digest)
        assert (await client.send(sent, **{"hash-file": printed}))["status"] == "OK"
        assert (await client.send(sent, **{"hash-file": digest.hex()}))["status"] == "OK"
    (first, *_) = await axis.client(G22).received()
    assert await axis.client(G22).get(first["docId"]) == document_of(axis, first["docId"])


def document_of(axis: AxisLab, doc_id: str) -> bytes:
    """The bytes that the journal names."""
    (digest,) = [
        line.sha256
        for line in axis.journal()
        if isinstance(line, Taken) and doc_id in {entry for entry, _ in line.entries}
    ]
    return (axis.folder / "bodies" / digest[:2] / digest).read_bytes()


async def test_at_most_one_line_end_is_taken_off(axis: AxisLab) -> None:
    """A file that ends with CRLF itself keeps it, with and without the SDK's own behind it."""
    client = axis.client(H33)
    file = document() + b"\r\n"
    for body in (file, file + b"\r\n"):
        told = await client.call("sendEdoc", sending(**{"hash-file": hashlib.sha256(file).hexdigest()}), body)
        assert told["status"] == "OK"
    for entry in await axis.client(G22).received():
        assert await axis.client(G22).get(entry["docId"]) == file


#: Body, parameters that differ from a right call's, code, words.
WRONG: tuple[tuple[bytes, dict[str, str], str, str], ...] = (
    (document(), {"from": "H34"}, "19", f"Don vi gui H34 khong dung voi ma da dang ky: {H33}"),
    (document(), {"hash-file": "0" * 64}, "21", "hash-file"),
    (document(), {"messagetype": "letter"}, "10", "messagetype"),
    (document(), {"messagetype": "status"}, "22", "khong phai status"),
    (status(), {}, "22", "khong phai edoc"),
    (b"%PDF-1.4", {}, "22", "edXML"),
    (b"\r\n", {}, "10", "rong"),
    (document(to=("X99.1", "X99.2")), {}, "18", "X99.1, X99.2"),
    (document(), {"to": "000.00.00.G22"}, "10", "mang JSON"),
    (document(), {"to": '["000.00.00.G22", 7]'}, "10", "mang JSON"),
    (document(), {"to": json.dumps([f"X{place}" for place in range(10_001)])}, "10", "Qua nhieu"),
)


async def test_wrong_call_is_refused_and_nothing_is_taken(axis: AxisLab) -> None:
    """A FAIL with a code and words in ASCII; the lists stay empty."""
    client = axis.client(H33)
    for body, different, code, words in WRONG:
        digest = hashlib.sha256(body.removesuffix(b"\r\n")).hexdigest()
        told = await client.call("sendEdoc", sending(**{"hash-file": digest}) | different, body, kind=OCTETS)
        assert (told["status"], told["ErrorCode"]) == ("FAIL", code)
        assert words in told["ErrorDesc"]
        assert told["ErrorDesc"].isascii()
    assert (await axis.state())["sent"] == 0


async def test_wrong_signatures_are_refused_on_the_wire(axis: AxisLab) -> None:
    """The HMAC, a value changed after signing, a parameter that was not signed."""
    client = axis.client(G22)
    for changed, words in (
        ({"XroadVnpt-hash-header": "0" * 64}, b"Sai hash-header"),
        ({"XroadVnpt-messagetype": "status"}, b"khac voi sign-header"),
        ({"XroadVnpt-systemid": H33}, b"Sai hash-header"),
        ({"XroadVnpt-systemid": "nobody"}, b"SystemId chua dang ky"),
    ):
        http, content = await client.raw("getReceivedEdocList", {"messagetype": "edoc"}, headers=changed)
        assert http == 200
        assert words in content
    http, content = await client.raw("getEdoc", {}, b"{}", headers={"XroadVnpt-docId": "1"})
    assert b"Thieu tham so docId" in content


async def test_leaked_headers_of_earlier_calls_do_no_harm(axis: AxisLab) -> None:
    """What the SDK signs again from earlier calls is not read where it is not asked for."""
    await axis.client(H33).send(document())
    client = axis.client(G22)
    leaked = {
        "servicetype": "eDoc",
        "messagetype": "edoc",
        "from": G22,
        "status": "done",
        "level": "1",
        "hash-file": "0",
    }
    (entry,) = (await client.call("getReceivedEdocList", leaked))["data"]
    leaked |= {"docId": entry["docId"], "filePath": "/tmp/x"}
    assert (await client.call("getEdoc", leaked, b"{}"))["status"] == "OK"
    assert (await client.call("updateStatus", leaked | {"docid": entry["docId"], "docId": "7"}, b"{}"))[
        "status"
    ] == "OK"
    assert await client.received() == []


async def test_thousand_recipients_fit_into_the_header(axis: AxisLab) -> None:
    """Codes of 35 characters, once in `to` and once more in sign-header; more than the limit is HTTP 400."""
    codes = [f"G22.{place:04}.{'A' * 26}" for place in range(1000)]
    assert {len(code) for code in codes} == {35}
    sent = document(to=codes[:2])
    told = await axis.client(H33).send(sent, to=json.dumps(codes, separators=(",", ":")))
    assert told["status"] == "OK"
    (entry,) = await axis.client(G22).received()
    assert json.loads(entry["to"]) == codes
    assert len(await axis.client(H33).sent()) == 1000
    body, digest = sent + b"\r\n", hashlib.sha256(sent).hexdigest()
    too_long = sending(to=json.dumps(codes * 4), **{"hash-file": digest})
    http, _ = await axis.client(H33).raw("sendEdoc", too_long, body)
    assert http == 400
    assert (await axis.client(H33).received()) == []


async def test_chunked_body_is_refused(axis: AxisLab) -> None:
    """The real axis answers a stream without length with an error."""

    async def pieces() -> AsyncIterator[bytes]:
        yield document()

    client = axis.client(H33)
    await client.received()
    assert client.session is not None
    headers = client.signed(sending(), OCTETS)
    async with client.session.post(f"{axis.url}/sendEdoc", data=pieces(), headers=headers) as response:
        told = await response.json()
    assert (told["ErrorCode"], told["ErrorDesc"]) == ("20", "Unexpected end of Stream")
    assert (await axis.state())["sent"] == 0


async def test_body_over_the_limit_is_refused(axis: AxisLab) -> None:
    """HTTP 413, before it is read."""
    async with running_axis(axis.folder.parent / "small", habits={"body_bytes_max": 10_000}) as small:
        http, _ = await small.client(H33).raw("sendEdoc", sending(), b"x" * 20_000, kind=OCTETS)
        assert http == 413
        assert (await small.client(H33).send(document()))["status"] == "OK"


async def test_settling_knows_three_words_and_its_own_entries(axis: AxisLab) -> None:
    """Another system's entry does not exist; a final word stays, and may be said again."""
    await axis.client(H33).send(document())
    client = axis.client(G22)
    (entry,) = await client.received()
    for told in (
        await client.settle(entry["docId"], "01"),
        await client.settle("7"),
        await client.settle("9" * 30),
        await client.settle("2000000001 OR 1"),
        await axis.client(H33).settle(entry["docId"]),
    ):
        assert told["status"] == "FAIL"
    assert (await client.received())[0]["status"] == "initial"
    assert (await client.settle(entry["docId"], "done"))["status"] == "OK"
    assert (await client.settle(entry["docId"], "done"))["status"] == "OK"
    assert (await client.settle(entry["docId"], "fail"))["status"] == "FAIL"
    assert (await axis.client(H33).sent())[0]["receiveStatus"] == "done"


async def test_methods_are_those_of_the_table(axis: AxisLab) -> None:
    """GET for downloads, POST for the rest; other paths are not there."""
    client = axis.client(H33)
    assert (await client.raw("getReceivedEdocList", method="GET"))[0] == 405
    assert (await client.raw("downloadEdoc", {"docId": "1"}))[0] == 405
    assert (await client.raw("getEverything"))[0] == 404


async def test_client_that_expects_100_continue_is_served(axis: AxisLab) -> None:
    """The SDK does so with its `{}` bodies."""
    http, content = await axis.client(H33).raw("countReceiveEdoc", body=b"{}", headers={"Expect": "100-continue"})
    assert (http, json.loads(content)["count"]) == (200, 0)


async def test_habits_change_the_shape_of_lists(axis: AxisLab) -> None:
    """Ids as numbers, recipients as an array, filters heeded, unknown recipients refused, clocks judged."""
    habits = {
        "doc_ids_as": "number",
        "recipients_as": "array",
        "filters": True,
        "unknown_recipients": "refuse",
        "window_hours": 1,
    }
    async with running_axis(axis.folder.parent / "other", habits=habits) as other:
        client = other.client(H33)
        refused = await client.send(document(to=(G22, "X99.1")))
        assert (refused["ErrorCode"], refused["ErrorDesc"]) == ("18", "Don vi nhan khong ton tai: X99.1")
        numbers = [(await client.send(document(number=number)))["DocId"] for number in range(1, 4)]
        assert all(isinstance(number, int) for number in numbers)
        receiver = other.client(G22)
        listed = await receiver.received()
        assert listed[0]["to"] == [G22]
        page = await receiver.call("getReceivedEdocList", {"pageSize": "2", "pageIndex": "2"})
        assert [entry["docId"] for entry in page["data"]] == [listed[2]["docId"]]
        past = await receiver.call("getReceivedEdocList", {"fromDate": "2001/01/01", "toDate": "2002/01/01"})
        assert past["data"] == []
        await other.order("clock_skew", offset=7200)
        assert "timestamp" in (await receiver.call("countReceiveEdoc"))["ErrorDesc"]
