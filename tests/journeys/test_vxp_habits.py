"""The habits of clients out there: what the vendor's SDK and its imitators do must work, and harm nobody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from gateway.admin.acts import ActOnDeliveries, act_on_deliveries
from gateway.admin.directory import RestrictCredential, RevokeCredential, restrict_credential, revoke_credential
from gateway.audit.fsck import examine
from gateway.cli import main
from gateway.commands.acting import Desk
from gateway.errors import RefusedError
from gateway.foundation import database_of
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from tests.adapters.vxp_sdk import Sdk, open_session, printed
from tests.journeys.installation import COMMUNE, OWN, PROVINCE, PUSHED, make_pki
from tests.journeys.messages import document
from tests.journeys.vxp_lab import VxpLab, vxp_lab

LIST = {"servicetype": "eDoc", "messagetype": "edoc"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VxpLab]:
    """One for all; each test has numbers of its own."""
    folder = tmp_path_factory.mktemp("vxp")
    make_pki(folder / "certs")
    (port,) = free_ports(1)
    async with vxp_lab(
        folder / "site", folder / "certs", bindings=f'plain_host = "lo"\nplain_port = {port}'
    ) as found:
        yield found


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def arrived(lab: VxpLab, number: str, organ_id: str = COMMUNE) -> list[dict[str, Any]]:
    """What waits for an office under this number."""
    return [
        row for row in await (await lab.sdk(organ_id)).fresh().received() if row["notation"] == f"{number}/UBND-VP"
    ]


async def test_one_object_for_all_calls_works_though_its_headers_leak(lab: VxpLab) -> None:
    """docId, status, messagetype, hash-file of earlier calls are in every later one, signed like the rest."""
    sdk = (await lab.sdk(PROVINCE)).fresh()
    first = await sdk.send(document(PROVINCE, [PROVINCE, COMMUNE], number="801"))
    [item] = [row for row in await sdk.received() if row["notation"].startswith("801")]
    await sdk.call("getEdoc", {"docId": item["docId"], "filePath": "C:\\\\tmp\\\\x.edxml"})
    assert (await sdk.call("updateStatus", {"docId": item["docId"], "status": "done"}))["status"] == "OK"
    second = await sdk.send(document(PROVINCE, [COMMUNE], number="802"))
    assert first["DocId"] != second["DocId"]
    lines = (await sdk.call("getSentEdocList", LIST, b""))["data"]
    assert {first["DocId"], second["DocId"]} <= {line["senderDocId"] for line in lines}
    assert (await sdk.call("getAgenciesListQD20", {"level": "1"}, b""))["status"] == "OK"
    assert (await sdk.call("getAgenciesList", {}, b""))["status"] == "OK"
    one = await sdk.call("getSentEdocList", LIST | {"docId": second["DocId"]}, b"")
    assert [line["toCode"] for line in one["data"]] == [COMMUNE]


async def test_two_spellings_of_docid_are_told_apart(lab: VxpLab) -> None:
    """One client gets by docId and acknowledges by docid; each keeps the other's last value."""
    province, commune = await lab.sdk(PROVINCE), (await lab.sdk(COMMUNE)).fresh()
    for number in ("803", "804"):
        await province.send(document(PROVINCE, [COMMUNE], number=number))
    [[one], [two]] = [await arrived(lab, number) for number in ("803", "804")]
    for item in (one, two):
        assert (await commune.call("getEdoc", {"docId": item["docId"]}))["status"] == "OK"
    assert (await commune.call("updateStatus", {"docid": one["docId"], "status": "done"}))["status"] == "OK"
    assert await arrived(lab, "803") == []
    [still] = await arrived(lab, "804")
    again = await commune.call("getEdoc", {"docId": still["docId"]})
    assert b"804" in base64.b64decode(again["data"])


async def test_client_that_sends_one_header_of_two_spellings_is_understood(lab: VxpLab) -> None:
    """Some HTTP clients replace a header whatever its case; what was signed counts."""
    commune = (await lab.sdk(COMMUNE)).fresh()
    await (await lab.sdk(PROVINCE)).send(document(PROVINCE, [COMMUNE], number="805"))
    [item] = await arrived(lab, "805")
    await commune.call("getEdoc", {"docId": item["docId"]})
    headers = commune.headers({"docid": item["docId"], "status": "done"})
    del headers["XroadVnpt-docId"]
    assert json.loads((await commune.raw("updateStatus", headers))[1])["status"] == "OK"


async def test_docid_without_quotes_in_the_signed_text_is_read(lab: VxpLab) -> None:
    """Hand-made JSON leaves them out."""
    commune = (await lab.sdk(COMMUNE)).fresh()
    await (await lab.sdk(PROVINCE)).send(document(PROVINCE, [COMMUNE], number="806"))
    [item] = await arrived(lab, "806")
    headers = commune.headers({"docId": item["docId"]})
    text = headers["XroadVnpt-sign-header"].replace(f'"{item["docId"]}"', item["docId"])
    mac = hmac.new(commune.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    reply = await commune.raw(
        "getEdoc", headers | {"XroadVnpt-sign-header": text, "XroadVnpt-hash-header": mac.upper()}
    )
    assert json.loads(reply[1])["status"] == "OK"


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize(
    ("behind", "file_end"),
    [(b"", b""), (b"\r\n", b""), (b"", b"\r\n"), (b"\r\n", b"\r\n"), (b"\r\n", b"\n")],
)
async def test_line_end_is_taken_off_only_where_it_was_put_on(
    lab: VxpLab,
    behind: bytes,
    file_end: bytes,
    padded: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    """What is stored is what was hashed, byte for byte, in either print of the hash."""
    number = f"81{len(behind)}{len(file_end)}{int(padded)}"
    content = document(PROVINCE, [COMMUNE], number=number) + file_end
    sdk = (await lab.sdk(PROVINCE)).fresh()
    digest = hashlib.sha256(content).hexdigest() if padded else printed(content)
    headers = sdk.headers(
        {"from": PROVINCE, "messagetype": "edoc", "hash-file": digest}, "application/octet-stream"
    )
    assert json.loads((await sdk.raw("sendEdoc", headers, content + behind))[1])["status"] == "OK"
    [item] = await arrived(lab, number)
    assert item["sha256"] == hashlib.sha256(content).hexdigest()


async def test_junk_before_the_declaration_is_passed_over_and_kept(lab: VxpLab) -> None:
    """The vendor's own sample begins with it."""
    content = b"1212" + document(PROVINCE, [COMMUNE], number="820")
    assert (await (await lab.sdk(PROVINCE)).fresh().send(content))["status"] == "OK"
    [item] = await arrived(lab, "820")
    commune = await lab.sdk(COMMUNE)
    got = await commune.raw("downloadEdoc", commune.fresh().headers({"docId": item["docId"]}), method="GET")
    assert got == (200, content)


async def test_entry_that_a_client_cannot_use_is_held_for_a_person(lab: VxpLab) -> None:
    """It is listed no more, so nobody goes round for ever; released, it is listed again."""
    commune = (await lab.sdk(COMMUNE)).fresh()
    sent = await (await lab.sdk(PROVINCE)).fresh().send(document(PROVINCE, [COMMUNE], number="821"))
    [item] = await arrived(lab, "821")
    fail = {"docId": item["docId"], "status": "fail", "description": "Loi doc tep\tdinh kem"}
    assert "item_not_fetched" in (await commune.call("updateStatus", fail))["ErrorDesc"]
    await commune.call("getEdoc", {"docId": item["docId"]})
    for _ in range(2):
        assert (await commune.call("updateStatus", fail))["status"] == "OK"
    assert await arrived(lab, "821") == []
    assert "state_forbids" in (await commune.call("getEdoc", {"docId": item["docId"]}))["ErrorDesc"]
    [line] = await lab.app.foundation.reads.deliveries(sent["DocId"])
    assert (line.state, line.reason, line.detail) == ("held", "receiver_cannot_use", "Loi doc tep dinh kem")
    asked = ActOnDeliveries(act="release", deliveries=[line.id], reason="nơi nhận đã sửa phần mềm")
    assert (await act_on_deliveries(Desk(lab.app.foundation), asked, "operator:test"))["moved"] == 1
    [again] = await arrived(lab, "821")
    assert again["docId"] == item["docId"]
    await commune.call("getEdoc", {"docId": item["docId"]})
    assert (await commune.call("updateStatus", {"docId": item["docId"], "status": "done"}))["status"] == "OK"


async def test_secret_is_changed_without_a_pause_and_revoked_at_once(lab: VxpLab) -> None:
    """Both count during the overlap; without one the old one ends; a revoked one is told from a wrong one."""
    old, old_id = await lab.issue(PUSHED)
    new, new_id = await lab.issue(PUSHED, overlap=timedelta(minutes=5))
    a, b = (Sdk(url=lab.url, system_id=PUSHED, secret=secret, session=lab.session) for secret in (old, new))
    assert [(await each.call("countReceiveEdoc", {}))["status"] for each in (a, b)] == ["OK", "OK"]
    newest, _ = await lab.issue(PUSHED, overlap=timedelta(0))
    c = Sdk(url=lab.url, system_id=PUSHED, secret=newest, session=lab.session)
    told = [(await each.call("countReceiveEdoc", {})) for each in (a, b, c)]
    assert [reply.get("Reason", {}).get("code", "") for reply in told] == ["credential_expired"] * 2 + [""]
    base = lab.app.foundation
    assert await base.accounts.revoke(old_id, "operator:test", base.clock.now()) == (old_id,)
    base.shared_secrets.forget()
    assert (await a.call("countReceiveEdoc", {}))["Reason"]["code"] == "credential_revoked"
    agency = (await base.directory.resolve([PUSHED], base.clock.now()))[PUSHED]
    ended = await base.accounts.revoke_all(agency.id, "operator:test", base.clock.now())
    base.shared_secrets.forget()
    assert new_id in ended
    assert (await c.call("countReceiveEdoc", {}))["Reason"]["code"] == "credential_revoked"


async def test_secret_counts_from_other_networks_at_once(lab: VxpLab) -> None:
    """A client that moved keeps its secret."""
    secret, key = await lab.issue(PUSHED)
    sdk = Sdk(url=lab.url, system_id=PUSHED, secret=secret, session=lab.session)
    assert (await sdk.call("countReceiveEdoc", {}))["status"] == "OK"
    for networks, code in ((["10.9.0.0/16"], "address_not_allowed"), (["127.0.0.0/8", "::1/128"], "")):
        request = RestrictCredential(credential=key, networks=networks, reason="moved")
        await restrict_credential(lab.app, request, "operator:test")
        assert (await sdk.call("countReceiveEdoc", {})).get("Reason", {}).get("code", "") == code
    with pytest.raises(RefusedError, match="network_missing"):
        await restrict_credential(
            lab.app, RestrictCredential(credential=key, networks=[], reason="moved"), "operator:test"
        )


async def test_secrets_lie_sealed_beside_a_key_that_others_cannot_read(lab: VxpLab) -> None:
    """Neither the database nor the log holds one, and no row opens another agency's."""
    secret, _ = await lab.issue(OWN)
    data = lab.installation.settings.storage
    key = data.secrets / "shared-secrets.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(bytes.fromhex(key.read_text())) == 32
    held = b"".join(path.read_bytes() for path in data.folder.glob("gateway.sqlite*"))
    assert secret.encode() not in held


async def test_lost_key_is_a_temporary_refusal_until_it_is_put_back(lab: VxpLab) -> None:
    """With a reason of its own, for the peer and its operators; not an internal error."""
    sdk = await lab.sdk(COMMUNE)
    key = lab.installation.settings.storage.secrets / "shared-secrets.key"
    kept = key.with_suffix(".kept")
    key.rename(kept)
    lab.app.foundation.shared_secrets.forget()
    try:
        reply = await sdk.call("countReceiveEdoc", {})
    finally:
        kept.rename(key)
    assert reply["Reason"]["code"] == "secret_key_lost"
    assert (await sdk.call("countReceiveEdoc", {}))["status"] == "OK"


@pytest.mark.parametrize("way", ["revoked", "expired"])
async def test_secret_issued_anew_after_the_key_was_lost_counts_at_once(lab: VxpLab, way: str) -> None:
    """Of the same system id: what has ended under the lost key stops nobody, whoever still presents it."""
    base, system = lab.app.foundation, f"lost.{way}"
    old, old_id = await lab.issue(COMMUNE, system_id=system)
    key = lab.installation.settings.storage.secrets / "shared-secrets.key"
    kept = key.with_suffix(".kept")
    key.rename(kept)
    base.users.box.make()
    base.shared_secrets.forget()
    try:
        before = Sdk(url=lab.url, system_id=system, secret=old, session=lab.session)
        assert (await before.call("countReceiveEdoc", {}))["Reason"]["code"] == "secret_key_lost"
        if way == "revoked":
            await revoke_credential(
                lab.app, RevokeCredential(credential=old_id, reason="key lost"), "operator:test"
            )
        new, _ = await lab.issue(COMMUNE, system_id=system, overlap=timedelta())
        sdk = Sdk(url=lab.url, system_id=system, secret=new, session=lab.session)
        assert (await sdk.call("countReceiveEdoc", {})).get("status") == "OK"
        assert (await before.fresh().call("countReceiveEdoc", {}))["Reason"]["code"] == "credential_invalid"
    finally:
        kept.replace(key)
        base.shared_secrets.forget()


async def test_inbox_is_one_whether_read_by_rest_or_by_this(lab: VxpLab) -> None:
    """A reader's lease hides an entry here, too; what one acknowledged is gone for the other."""
    await (await lab.sdk(PROVINCE)).fresh().send(document(PROVINCE, [COMMUNE], number="822"))
    [item] = await arrived(lab, "822")
    async with lab.installation.client(COMMUNE) as rest:
        leased = await rest.inbox(lease=30, reader="van-thu")
        assert item["docId"] in {each.id for each in leased.items}
        assert await arrived(lab, "822") == []
        reply = await (await lab.sdk(COMMUNE)).fresh().call("getEdoc", {"docId": item["docId"]})
        assert reply["Reason"]["code"] == "item_leased"
        await rest.content(item["docId"], reader="van-thu")
        await rest.ack(item["docId"], reader="van-thu")
    assert (
        await (await lab.sdk(COMMUNE)).fresh().call("updateStatus", {"docId": item["docId"], "status": "done"})
    )["status"] == "OK"


async def test_list_is_read_in_pages_and_counted(lab: VxpLab) -> None:
    """Pages are counted from 0 by some and from 1 by others: nothing is missed either way."""
    province, commune = await lab.sdk(PROVINCE), await lab.sdk(COMMUNE)
    before = (await commune.fresh().call("countReceiveEdoc", {}))["count"]
    for number in range(830, 835):
        await province.fresh().send(document(PROVINCE, [COMMUNE], number=str(number)))
    assert (await commune.fresh().call("countReceiveEdoc", {}))["count"] == before + 5
    every = [row["docId"] for row in await commune.fresh().received()]
    for first in (0, 1):
        seen: list[str] = []
        for index in range(first, before + 9):
            paged = LIST | {"pageSize": "2", "pageIndex": str(index)}
            seen += [
                row["docId"] for row in (await commune.fresh().call("getReceivedEdocList", paged, b""))["data"]
            ]
        assert set(seen) == set(every)


async def test_catalogue_is_whole_and_ascii(lab: VxpLab) -> None:
    """Names have their accents, written as JSON escapes, for clients that read ASCII."""
    sdk = await lab.sdk(PROVINCE)
    http, body = await sdk.fresh().raw("getAgenciesList", sdk.fresh().headers({}), b"")
    assert (http, body.isascii()) == (200, True)
    rows = {row["code"]: row for row in json.loads(body)["data"]}
    assert rows[PROVINCE]["name"] == "UBND tỉnh Kiên Giang"
    assert rows[PROVINCE]["oldCode"] == "H33"
    units = (await sdk.fresh().call("getSynchronizeUnit", {}, b""))["data"]
    assert {unit["code"] for unit in units} == set(rows)
    qd20 = (await sdk.fresh().call("getAgenciesListQD20", {}, b""))["data"]
    assert {(row["code"], row["code102"]) for row in qd20} >= {("H33", PROVINCE)}
    assert (await sdk.fresh().call("getAgenciesListQD20", {"level": "2"}, b""))["data"] == []


async def test_registering_an_agency_opens_one_task_which_an_operator_closes(
    lab: VxpLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing happens in the directory; the same wish twice is one task."""
    sdk = await lab.sdk(PROVINCE)
    body = json.dumps({"id": "", "pcode": PROVINCE, "code": "H33.99", "name": "UBND xã Mới", "fax": 5}).encode()
    tasks = {(await sdk.fresh().call("registerAgency", {}, body))["taskId"] for _ in range(2)}
    assert len(tasks) == 1
    gone = await sdk.fresh().call("deleteAgency", {"AgencyCode": COMMUNE})
    assert gone["status"] == "OK"
    base = lab.app.foundation
    assert (await base.directory.resolve([COMMUNE], base.clock.now()))[COMMUNE].closed_at is None
    rows = await base.readers.fetch("task_list_open", {"limit": 10})
    assert [(row[1], json.loads(row[3])["code"]) for row in rows] == [
        ("register_agency", "H33.99"),
        ("delete_agency", COMMUNE),
    ]
    for number in range(30):
        reply = await sdk.fresh().call("deleteAgency", {"AgencyCode": f"H33.{number}"})
    assert reply["Reason"]["code"] == "tasks_too_many"


async def test_commands_issue_secrets_and_close_tasks_beside_the_running_server(
    lab: VxpLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed is JSON and nothing else, and works."""
    import asyncio

    config = ["--config", str(lab.installation.folder / "config.toml")]

    async def run(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, [*config, *words])
        return code, capsys.readouterr().out

    code, out = await run("agencies", "token", COMMUNE, "--binding", "vxp", "--system-id", "qlvb.xa-mot")
    told = json.loads(out)
    assert (code, told["base_url"], told["system_id"]) == (0, lab.url, "qlvb.xa-mot")
    assert told["channel"] == "inbox"
    assert json.loads((await run("agencies", "token", PUSHED, "--binding", "vxp"))[1])["channel"] == "webhook"
    sdk = Sdk(url=told["base_url"], system_id=told["system_id"], secret=told["secret"], session=lab.session)
    assert (await sdk.call("countReceiveEdoc", {}))["status"] == "OK"
    code, out = await run("agencies", "credentials", COMMUNE, "--json")
    assert "vxp qlvb.xa-mot" in {each["kind"] for each in json.loads(out)}
    assert told["secret"] not in out
    assert (await run("agencies", "revoke", told["credential"], "--reason", "thử xong"))[0] == 0
    assert (await sdk.call("countReceiveEdoc", {}))["Reason"]["code"] == "credential_revoked"
    assert (await run("agencies", "token", COMMUNE, "--binding", "vxp", "--network", "no network"))[0] == 1
    assert (await run("agencies", "token", COMMUNE, "--binding", "xroad"))[0] == 1
    code, out = await run("agencies", "token", COMMUNE, "--binding", "xroad", "--system-id", "VN/GOV/145/QLVB")
    assert json.loads(out)["base_url"] == lab.url.replace("/vxp", "/xroad")
    assert json.loads(out)["secret"] == ""
    await (await lab.sdk(COMMUNE)).fresh().call("deleteAgency", {"AgencyCode": "H33.1"})
    code, out = await run("tasks", "list", "--json")
    [task] = [each for each in json.loads(out) if each["agency"] == COMMUNE]
    assert (await run("tasks", "close", task["id"], "--reason", "đã xem"))[0] == 0
    assert (await run("tasks", "close", task["id"], "--reason", "đã xem"))[0] == 1
    code, out = await run("tasks", "list", "--all", "--json")
    assert [each["closed_why"] for each in json.loads(out) if each["id"] == task["id"]] == ["đã xem"]


async def test_ledger_holds_after_all_of_it(lab: VxpLab) -> None:
    """What came and went through the endpoint is whole: digests, seals, leaves, counts, states."""
    await (await lab.sdk(PROVINCE)).fresh().send(document(PROVINCE, [COMMUNE], number="850"))
    [item] = await arrived(lab, "850")
    commune = (await lab.sdk(COMMUNE)).fresh()
    await commune.call("getEdoc", {"docId": item["docId"]})
    await commune.call("updateStatus", {"docId": item["docId"], "status": "fail"})
    settings = lab.installation.settings
    report = await examine(settings, database_of(settings))
    assert report.ok, report.findings


async def test_plain_http_is_served_where_it_was_switched_on(lab: VxpLab) -> None:
    """For old clients behind a VPN; the same port and rules otherwise."""
    port = lab.app.plain_port
    sdk = await lab.sdk(COMMUNE)
    async with open_session(client_tls_context(lab.installation.pki.anchors(TrustPurpose.TLS))) as session:
        plain = Sdk(url=f"http://127.0.0.1:{port}/vxp", system_id=COMMUNE, secret=sdk.secret, session=session)
        assert (await plain.call("countReceiveEdoc", {}))["status"] == "OK"


async def test_plain_http_serves_the_axis_protocol_alone(lab: VxpLab) -> None:
    """An X-Road client is believed for its security server's address, which without TLS says nothing."""
    plain = f"http://127.0.0.1:{lab.app.plain_port}"
    member = {"X-Road-Client": "VN/GOV/KG-01/QLVB"}
    asked = (
        ("GET", "/xroad/openapi.json", None),
        ("GET", "/xroad/inbox?kind=document", None),
        ("POST", "/xroad/documents", document(PROVINCE, [COMMUNE], number="841")),
        ("POST", "/xroad/documents", b"x" * 200_000),
        ("GET", "/", None),
        ("GET", "/vxp/../xroad/inbox", None),
        ("GET", "/api/v1/limits", None),
    )
    async with aiohttp.ClientSession() as session:
        for method, path, body in asked:
            async with session.request(method, plain + path, headers=member, data=body) as reply:
                told = json.loads(await reply.read())
                assert (reply.status, told["status"], told["Reason"]["code"]) == (404, "FAIL", "not_found"), path
                assert told["Reason"]["detail"] == "without TLS only /vxp is served"
    async with lab.session.get(f"https://localhost:{lab.port}/xroad/openapi.json") as reply:
        assert reply.status == 200
    async with lab.session.get(f"https://localhost:{lab.port}/elsewhere") as reply:
        assert (reply.status, (await reply.json())["Reason"]["code"]) == (404, "not_found")


async def test_what_was_sent_here_is_in_the_ledger_like_any_other(lab: VxpLab) -> None:
    """Sealed, with its receipt, and how its sender proved itself."""
    sent = await (await lab.sdk(PROVINCE)).fresh().send(document(PROVINCE, [COMMUNE], number="840"))
    base = lab.app.foundation
    transfer, xades, answer = await base.reads.receipt(sent["DocId"]) or (b"", b"", b"")
    assert json.loads(answer)["id"] == sent["DocId"]
    assert xades
    assert "shared_secret" in transfer.decode()
    async with lab.installation.client(PROVINCE) as rest:
        assert (await rest.document(sent["DocId"])).number == "840"
