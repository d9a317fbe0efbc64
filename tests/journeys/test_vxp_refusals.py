"""What the endpoint refuses: each with its reason, in JSON that the SDK reads, and nothing is left behind."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from gateway.errors import RefusedError
from tests.adapters.vxp_sdk import Sdk, printed, stamp
from tests.journeys.installation import AXIS, COMMUNE, PROVINCE, PUSHED, make_pki
from tests.journeys.messages import document, status
from tests.journeys.vxp_lab import VxpLab, vxp_lab

LIST = {"servicetype": "eDoc", "messagetype": "edoc"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VxpLab]:
    """One for all: what is refused changes nothing."""
    folder = tmp_path_factory.mktemp("vxp")
    make_pki(folder / "certs")
    async with vxp_lab(folder / "site", folder / "certs") as found:
        yield found


pytestmark = pytest.mark.asyncio(loop_scope="module")


def reason(reply: dict[str, Any]) -> str:
    """The code of a refusal, which must be of the SDK's shape and ASCII."""
    assert reply["status"] == "FAIL"
    assert reply["ErrorCode"] not in {"", "0"}
    assert reply["ErrorDesc"].isascii()
    assert reply["ErrorDesc"].endswith(f"[{reply['Reason']['code']}]")
    return str(reply["Reason"]["code"])


def resigned(sdk: Sdk, headers: dict[str, str], text: str) -> dict[str, str]:
    """The same headers with another signed text, signed right."""
    mac = hmac.new(sdk.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return headers | {"XroadVnpt-sign-header": text, "XroadVnpt-hash-header": mac}


def spoilt(name: str) -> Callable[[Sdk, dict[str, str]], dict[str, str]]:
    """One way to spoil the headers of a good call."""

    def spoil(sdk: Sdk, headers: dict[str, str]) -> dict[str, str]:
        text = headers["XroadVnpt-sign-header"]
        signed = json.loads(text)
        changed: dict[str, dict[str, str]] = {
            "wrong hmac": headers | {"XroadVnpt-hash-header": "0" * 64},
            "no hmac": {key: value for key, value in headers.items() if key != "XroadVnpt-hash-header"},
            "garbage hmac": headers | {"XroadVnpt-hash-header": "zz"},
            "text changed": headers | {"XroadVnpt-sign-header": text.replace("eDoc", "eDOC")},
            "header changed": headers | {"XroadVnpt-messagetype": "status"},
            "header left out": {key: value for key, value in headers.items() if key != "XroadVnpt-messagetype"},
            "not signed": resigned(sdk, headers, json.dumps(signed | {"XroadVnpt-messagetype": None}).replace(
                ', "XroadVnpt-messagetype": null', "")),
            "no system id": resigned(sdk, headers, json.dumps({"XroadVnpt-messagetype": "edoc"})),
            "unknown system": headers | {
                "XroadVnpt-systemid": "nobody", "XroadVnpt-sign-header": text.replace(PROVINCE, "nobody")
            },
            "text no json": resigned(sdk, headers, "{'XroadVnpt-systemid'"),
            "text a list": resigned(sdk, headers, "[1]"),
            "text nested": resigned(sdk, headers, '{"XroadVnpt-systemid":{"a":"b"}}'),
            "text very deep": resigned(sdk, headers, "[" * 50_000),
            "text slow to read": resigned(sdk, headers, "{" + ":" * 100_000 + ":a" * 40_000),
            "name twice": resigned(sdk, headers, text[:-1] + ',"XroadVnpt-messagetype":"status"}'),
        }  # fmt: skip
        return changed[name]

    return spoil


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("wrong hmac", "credential_invalid"),
        ("no hmac", "credential_missing"),
        ("garbage hmac", "credential_invalid"),
        ("text changed", "credential_invalid"),
        ("header changed", "header_differs"),
        ("header left out", "header_differs"),
        ("not signed", "header_not_signed"),
        ("no system id", "header_not_signed"),
        ("unknown system", "credential_invalid"),
        ("text no json", "request_malformed"),
        ("text a list", "request_malformed"),
        ("text nested", "request_malformed"),
        ("text very deep", "request_malformed"),
        ("text slow to read", "request_malformed"),
        ("name twice", "header_differs"),
    ],
)
async def test_spoilt_signature_is_refused_with_its_reason(lab: VxpLab, how: str, code: str) -> None:
    """A list call, so an empty answer would look like an empty inbox: it is never one."""
    sdk = await lab.sdk(PROVINCE)
    headers = spoilt(how)(sdk, sdk.headers(LIST))
    http, body = await sdk.raw("getReceivedEdocList", headers, b"")
    assert (http, reason(json.loads(body))) == (200, code)
    assert "data" not in json.loads(body)


@pytest.mark.parametrize(
    ("when", "code"),
    [
        (-23, ""),
        (23, ""),
        (-25, "timestamp_invalid"),
        (25, "timestamp_invalid"),
        ("yesterday", "timestamp_invalid"),
        ("99999999T999999+0000", "timestamp_invalid"),
    ],
)
async def test_time_of_signing_may_be_old_but_not_older_than_a_day(lab: VxpLab, when: int | str, code: str) -> None:
    """The SDK keeps the time of its object's making; clocks may differ either way."""
    made_at = when if isinstance(when, str) else stamp(datetime.now(UTC) + timedelta(hours=when))
    sdk = replace(await lab.sdk(PROVINCE), made_at=made_at)
    reply = await sdk.call("countReceiveEdoc", {})
    assert reply["status"] == "OK" if not code else reason(reply) == code


async def test_address_that_is_not_on_the_list_is_refused(lab: VxpLab) -> None:
    """A call that somebody recorded counts from nowhere else; the secret's owner is not told apart by it."""
    secret, _ = await lab.issue(PUSHED, networks=("192.0.2.0/24",))
    sdk = Sdk(url=lab.url, system_id=PUSHED, secret=secret, session=lab.session)
    assert reason(await sdk.call("countReceiveEdoc", {})) == "address_not_allowed"
    wrong = replace(sdk, secret="gw_wrong")
    assert reason(await wrong.call("countReceiveEdoc", {})) == "credential_invalid"


async def test_secret_without_networks_is_not_issued(lab: VxpLab) -> None:
    """The address is what stops a recorded call, so there is always one."""
    with pytest.raises(RefusedError, match="network_missing"):
        await lab.issue(PUSHED, networks=())


async def test_system_id_belongs_to_one_agency(lab: VxpLab) -> None:
    """Nobody gets a secret by which it could be taken for another."""
    await lab.sdk(PROVINCE)
    with pytest.raises(RefusedError, match="belongs to another agency"):
        await lab.issue(COMMUNE, system_id=PROVINCE)


async def test_sender_that_is_not_registered_is_told_as_the_axis_tells_it(lab: VxpLab) -> None:
    """The header's sender is the system id; the document's is one that it represents."""
    sdk, content = await lab.sdk(PROVINCE), document(COMMUNE, [PUSHED], number="901")
    reply = await sdk.send(content)
    assert reason(reply) == "sender_not_permitted"
    told = f"Don vi gui {COMMUNE} khong dung voi ma da dang ky: {PROVINCE}"
    assert reply["ErrorDesc"] == f"{told} [sender_not_permitted]"
    other = await sdk.fresh().send(content, **{"from": COMMUNE})
    assert other["ErrorDesc"] == f"{told} [sender_not_permitted]"


@pytest.mark.parametrize(
    ("content", "digest", "code"),
    [
        (b"<edXML/>", printed(b"<other/>"), "digest_mismatch"),
        (b"<edXML/>", "", "digest_mismatch"),
        (b"no xml at all", None, "xml_not_wellformed"),
        (b"", None, "xml_not_wellformed"),
        (b"\x00\xff" * 1000, None, "xml_not_wellformed"),
        (b"<html><body>502</body></html>", None, "not_edxml"),
    ],
)
async def test_bad_body_is_refused(lab: VxpLab, content: bytes, digest: str | None, code: str) -> None:
    """One that is not what was signed, and one that is no document."""
    sdk = (await lab.sdk(PROVINCE)).fresh()
    reply = await sdk.send(content, **({} if digest is None else {"hash-file": digest}))
    assert reason(reply) == code


async def test_unknown_recipient_and_wrong_kind_are_told(lab: VxpLab) -> None:
    """The same reasons as over REST."""
    sdk = await lab.sdk(PROVINCE)
    assert reason(await sdk.send(document(PROVINCE, ["999.99.99.Z99"], number="902"))) == "recipient_unknown"
    assert reason(await sdk.send(document(PROVINCE, [COMMUNE], number="903"), "status")) == "edxml_invalid"
    assert reason(await sdk.send(document(PROVINCE, [COMMUNE], number="903"), "telegram")) == "parameter_invalid"


async def test_entry_of_somebody_else_does_not_exist(lab: VxpLab) -> None:
    """Nor does one that nobody has; neither can be got, downloaded, acknowledged or refused."""
    province, commune = await lab.sdk(PROVINCE), await lab.sdk(COMMUNE)
    sent = await province.send(document(PROVINCE, [COMMUNE], number="904"))
    [item] = [row for row in await commune.received() if row["notation"].startswith("904")]
    stranger = await lab.sdk(AXIS)
    for ref in (item["docId"], sent["DocId"], "no-such-id", "x" * 900, "../../etc/passwd"):
        own = stranger.fresh()
        assert reason(await own.call("getEdoc", {"docId": ref})) == "not_found"
        for word in ("done", "fail", "processing"):
            assert reason(await own.call("updateStatus", {"docId": ref, "status": word})) == "not_found"
        assert reason(await own.call("getSentEdocList", {"docId": ref, "messagetype": "edoc"})) == "not_found"
        http, body = await own.raw("downloadEdoc", own.headers({"docId": ref}), method="GET")
        assert (http, body) == (404, b"")
    assert (
        reason(await commune.call("updateStatus", {"docId": item["docId"], "status": "lost"}))
        == "parameter_invalid"
    )
    assert (
        reason(await commune.call("updateStatus", {"docId": item["docId"], "status": "done"})) == "item_not_fetched"
    )
    assert (await commune.call("getEdoc", {"docId": item["docId"]}))["status"] == "OK"
    assert (await commune.call("updateStatus", {"docId": item["docId"], "status": "done"}))["status"] == "OK"


async def test_unknown_path_and_method_are_json_too(lab: VxpLab) -> None:
    """A list call to a path that is wrong by a letter must not look empty."""
    sdk = await lab.sdk(PROVINCE)
    assert reason(await sdk.call("getRecievedEdocList", LIST, b"")) == "not_found"
    assert reason(await sdk.call("", LIST, b"")) == "not_found"
    http, body = await sdk.raw("getReceivedEdocList", sdk.headers(LIST), b"", method="DELETE")
    assert (http, reason(json.loads(body))) == (200, "method_not_allowed")
    assert (await sdk.call("/getReceivedEdocList", LIST, b"", method="GET"))["status"] == "OK"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no json", "request_malformed"),
        (b"[]", "request_malformed"),
        (b"[" * 30_000, "request_malformed"),
        (b'{"code": "H33.9"}', "parameter_invalid"),
        (b'{"code": {"a": 1}, "name": "x"}', "parameter_invalid"),
        (b'{"code": "' + b"x" * 100_000 + b'"}', "body_too_large"),
    ],
)
async def test_registration_of_the_wrong_shape_opens_no_task(lab: VxpLab, body: bytes, code: str) -> None:
    """Nothing is opened for an operator to wonder about."""
    sdk = await lab.sdk(PROVINCE)
    assert reason(await sdk.call("registerAgency", {}, body)) == code
    assert await lab.app.foundation.readers.fetch("task_list_all", {"limit": 10}) == []


async def test_replayed_calls_do_no_harm(lab: VxpLab) -> None:
    """The very same bytes again: the same document, the same state."""
    province, commune = await lab.sdk(PROVINCE), await lab.sdk(COMMUNE)
    content = document(PROVINCE, [COMMUNE], number="905")
    parameters = {
        "from": PROVINCE, "servicetype": "eDoc", "messagetype": "edoc", "hash-file": printed(content),
    }  # fmt: skip
    headers = province.fresh().headers(parameters, "application/octet-stream")
    first, again = [json.loads((await province.raw("sendEdoc", headers, content))[1]) for _ in range(2)]
    assert first == again
    [item] = [row for row in await commune.received() if row["notation"].startswith("905")]
    got = commune.headers({"docId": item["docId"]})
    assert len({(await commune.raw("getEdoc", got))[1] for _ in range(2)}) == 1
    done = commune.headers({"docId": item["docId"], "status": "done"})
    assert len({(await commune.raw("updateStatus", done))[1] for _ in range(3)}) == 1
    assert base64.b64decode(json.loads((await commune.raw("getEdoc", got))[1])["data"]) == content
    failed = await commune.call("updateStatus", {"docId": item["docId"], "status": "fail"})
    assert reason(failed) == "state_forbids"


async def test_status_about_no_document_is_refused_as_over_rest(lab: VxpLab) -> None:
    """Its reporter is told which document was not found."""
    commune = await lab.sdk(COMMUNE)
    reply = await commune.send(status(COMMUNE, "03", sender=PROVINCE, number="906"), "status")
    assert reason(reply) == "status_document_unknown"
