"""A document system with the vendor's SDK works with the gateway as it does with the national axis."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.backup.lab import query
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document, status
from tests.journeys.purging import destroyed, unexamined
from tests.journeys.vxp_lab import VxpLab, vxp_lab


@pytest.fixture
async def lab(tmp_path: Path, pki_folder: Path) -> AsyncIterator[VxpLab]:
    """One for each test."""
    async with vxp_lab(tmp_path / "site", pki_folder) as found:
        yield found


async def test_document_goes_from_one_sdk_to_another_and_its_status_comes_back(lab: VxpLab) -> None:
    """Send, list, get, done; then the status the same way; each object is used for all its calls."""
    province, commune = await lab.sdk(PROVINCE), await lab.sdk(COMMUNE)
    content = document(PROVINCE, [COMMUNE])
    sent = await province.send(content)
    assert (sent["status"], sent["ErrorCode"], sent["ErrorDesc"]) == ("OK", "0", "Thanh cong")

    assert await commune.received("status") == []
    [item] = await commune.received()
    assert (item["from"], item["to"], item["messageType"]) == (PROVINCE, COMMUNE, "edoc")
    got = await commune.call("getEdoc", {"docId": item["docId"]})
    assert base64.b64decode(got["data"]) == content
    assert [row["docId"] for row in await commune.received()] == [item["docId"]]
    assert (await commune.call("updateStatus", {"docid": item["docId"], "status": "done"}))["status"] == "OK"
    assert await commune.received() == []

    answer = status(COMMUNE, "03", sender=PROVINCE)
    assert (await commune.send(answer, "status"))["status"] == "OK"
    assert (await province.call("countReceiveStatus", {}))["count"] == 1
    [told] = await province.received("status")
    assert base64.b64decode((await province.call("getEdoc", {"docId": told["docId"]}))["data"]) == answer
    assert (await province.call("updateStatus", {"docId": told["docId"], "status": "done"}))["status"] == "OK"

    [line] = (await province.call("getSentEdocList", {"servicetype": "eDoc", "messagetype": "edoc"}))["data"]
    assert (line["senderDocId"], line["receiverDocId"]) == (sent["DocId"], item["docId"])
    assert (line["toCode"], line["receiveStatus"]) == (COMMUNE, "done")
    assert line["receiveStatusDesc"] == "acknowledged, trang thai 03"


async def test_destroyed_document_is_not_handed_out(lab: VxpLab) -> None:
    """The protocol's own refusal, with our reason in its words; listing goes on."""
    province, commune = await lab.sdk(PROVINCE), await lab.sdk(COMMUNE)
    await province.send(document(PROVINCE, [COMMUNE]))
    [item] = await commune.received()
    await commune.call("getEdoc", {"docId": item["docId"]})
    await commune.call("updateStatus", {"docid": item["docId"], "status": "done"})
    ((message,),) = query(lab.installation.folder, "SELECT id FROM message")
    await unexamined(lab.installation)
    await destroyed(lab.installation, message)
    told = await commune.call("getEdoc", {"docId": item["docId"]})
    assert told["status"] != "OK"
    assert "body_purged" in str(told)
    assert await commune.received() == []
