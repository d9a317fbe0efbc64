"""Members of X-Road send to us and fetch from us through a security server, which alone may say who they are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from adapters.xroad.provider_calls import OPERATIONS
from gateway.accounts.shared_secrets import Wish, loopback
from gateway.commands.acting import ask
from gateway.foundation import Foundation
from gateway.pki import DevPki, client_tls_context, issue_client
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import COMMUNE, PROVINCE, make_pki
from tests.journeys.messages import document, status
from tests.journeys.purging import destroyed, unexamined
from tests.journeys.vxp_lab import VxpLab, vxp_lab

CLIENTS = {PROVINCE: "VN/GOV/KG-01/QLVB", COMMUNE: "VN/GOV/KG-145/QLVB"}


async def register(lab: VxpLab, organ_id: str, networks: tuple[str, ...] = tuple(loopback())) -> None:
    """An operator's word which agency a member is."""
    await name_member(lab.app.foundation, organ_id, networks)


async def name_member(base: Foundation, organ_id: str, networks: tuple[str, ...] = tuple(loopback())) -> None:
    """The same, whether or not a server runs."""
    now = base.clock.now()
    agency = (await base.directory.resolve([organ_id], now))[organ_id]
    wish = Wish(
        agency_id=agency.id, binding="xroad", system_id=CLIENTS[organ_id], lifetime=timedelta(days=1),
        overlap=timedelta(0), networks=networks, label="", actor="operator:test", why="test", secret=False,
    )  # fmt: skip
    assert (await base.shared_secrets.issue(wish, now)).secret == ""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VxpLab]:
    """One for all, with two members."""
    folder = tmp_path_factory.mktemp("xroad")
    make_pki(folder / "certs")
    async with vxp_lab(folder / "site", folder / "certs") as found:
        for organ_id in CLIENTS:
            await register(found, organ_id)
        yield found


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def call(
    lab: VxpLab, method: str, path: str, client: str | None, body: bytes | None = None, **headers: str
) -> tuple[int, Any]:
    """As the security server would pass it on."""
    url = f"https://localhost:{lab.port}/xroad/{path}"
    told = {"X-Road-Id": "id-1", "X-Road-Request-Id": "request-1"} | headers
    if client is not None:
        told["X-Road-Client"] = client
    async with lab.session.request(method, url, headers=told, data=body) as reply:
        content = await reply.read()
        assert "X-Road-Error" not in reply.headers
        is_json = reply.content_type == "application/json"
        return reply.status, json.loads(content) if is_json else content


async def waiting(lab: VxpLab, organ_id: str, kind: str, number: str) -> list[dict[str, Any]]:
    """What of one number waits for an office."""
    items = (await call(lab, "GET", f"inbox?kind={kind}", CLIENTS[organ_id]))[1]["items"]
    return [each for each in items if each["number"] == number]


async def test_document_and_status_go_both_ways(lab: VxpLab) -> None:
    """Submit, list, fetch, done; the status back; what was sent, line by line."""
    province, commune = CLIENTS[PROVINCE], CLIENTS[COMMUNE]
    content = document(PROVINCE, [COMMUNE])
    http, taken = await call(lab, "POST", "documents", province, content, **{"Idempotency-Key": "k-1"})
    assert http == 202
    assert await call(lab, "POST", "documents", province, content, **{"Idempotency-Key": "k-1"}) == (202, taken)
    seen = (await ask(lab.installation.settings, f"inspect?agency={PROVINCE}"))["items"]
    assert [each["replayed"] for each in seen[:2]] == [True, False]
    [item] = await waiting(lab, COMMUNE, "document", "125")
    assert (item["sender"], item["recipient"], item["size"]) == (PROVINCE, COMMUNE, len(content))
    assert await call(lab, "GET", f"inbox/{item['id']}/content", commune) == (200, content)
    for _ in range(2):
        assert (await call(lab, "POST", f"inbox/{item['id']}/done", commune))[0] == 200
    assert await waiting(lab, COMMUNE, "document", "125") == []

    answer = status(COMMUNE, "03", sender=PROVINCE)
    assert (await call(lab, "POST", "statuses", commune, answer))[0] == 202
    assert await waiting(lab, PROVINCE, "document", "125") == []
    [told] = (await call(lab, "GET", "inbox?kind=status", province))[1]["items"]
    assert (await call(lab, "GET", f"inbox/{told['id']}/content", province))[1] == answer
    http, sent = await call(lab, "GET", f"documents/{taken['message_id']}", province)
    [line] = sent["deliveries"]
    assert (line["recipient"], line["state"], line["business_status"]) == (COMMUNE, "acknowledged", "03")
    listed = (await call(lab, "GET", "documents?kind=document&limit=200", province))[1]["items"]
    assert sent in listed


async def test_destroyed_document_is_gone(lab: VxpLab) -> None:
    """410 with its reason, for whoever had it too."""
    province, commune = CLIENTS[PROVINCE], CLIENTS[COMMUNE]
    content = document(PROVINCE, [COMMUNE], number="410")
    _, taken = await call(lab, "POST", "documents", province, content, **{"Idempotency-Key": "k-410"})
    [item] = await waiting(lab, COMMUNE, "document", "410")
    assert (await call(lab, "GET", f"inbox/{item['id']}/content", commune))[0] == 200
    assert (await call(lab, "POST", f"inbox/{item['id']}/done", commune))[0] == 200
    await unexamined(lab.installation)
    await destroyed(lab.installation, taken["message_id"])
    http, told = await call(lab, "GET", f"inbox/{item['id']}/content", commune)
    assert (http, told["code"]) == (410, "body_purged")


async def test_requests_of_a_member_are_seen_by_the_operator(lab: VxpLab) -> None:
    """What it asked, and why it was refused."""
    await call(lab, "GET", "inbox?kind=nonsense", CLIENTS[PROVINCE])
    found = (await ask(lab.installation.settings, f"inspect?agency={PROVINCE}"))["items"]
    assert found[0]["binding"] == "xroad"
    assert (found[0]["reason"], found[0]["status"]) == ("parameter_invalid", 422)
    assert found[0]["authenticated"]


async def test_entry_that_cannot_be_used_is_held_with_its_words(lab: VxpLab) -> None:
    """It is listed no more; a person decides."""
    sent = (await call(lab, "POST", "documents", CLIENTS[PROVINCE], document(PROVINCE, [COMMUNE], number="7")))[1]
    [item] = await waiting(lab, COMMUNE, "document", "7")
    path = f"inbox/{item['id']}"
    assert (await call(lab, "POST", f"{path}/fail", CLIENTS[COMMUNE]))[1]["code"] == "item_not_fetched"
    await call(lab, "GET", f"{path}/content", CLIENTS[COMMUNE])
    words = b'{"reason": "attachment_invalid", "detail": "broken PDF"}'
    assert (await call(lab, "POST", f"{path}/fail", CLIENTS[COMMUNE], words))[0] == 200
    [line] = await lab.app.foundation.reads.deliveries(sent["message_id"])
    assert (line.state, line.reason, line.detail) == (
        "held", "receiver_cannot_use", "attachment_invalid broken PDF"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("client", "http", "code"),
    [
        (None, 401, "credential_missing"),
        ("", 401, "credential_invalid"),
        ("VN/GOV", 401, "credential_invalid"),
        ("VN/GOV/KG-01/QLVB/more", 401, "credential_invalid"),
        ("VN/GOV/KG-01%2FQLVB/x", 401, "credential_invalid"),
        ("VN/GOV/KG-99/QLVB", 401, "credential_invalid"),
        ("vn/gov/kg-01/qlvb", 401, "credential_invalid"),
    ],
)
async def test_member_that_nobody_named_is_refused(lab: VxpLab, client: str | None, http: int, code: str) -> None:
    """Names are compared part by part, exactly."""
    found, told = await call(lab, "GET", "inbox", client)
    assert (found, told["code"], told["type"]) == (http, code, f"Client.Gateway.{code}")
    assert told["message"]


@pytest.mark.parametrize(
    ("method", "path", "body", "http", "code"),
    [
        ("GET", "inbox?kind=letter", None, 422, "parameter_invalid"),
        ("GET", "inbox?limit=0", None, 422, "parameter_invalid"),
        ("GET", "inbox?skip=x", None, 422, "parameter_invalid"),
        ("GET", "agencies?after=a%20b", None, 422, "parameter_invalid"),
        ("GET", "nothing", None, 404, "not_found"),
        ("DELETE", "inbox", None, 404, "not_found"),
        ("GET", "documents/none", None, 404, "not_found"),
        ("GET", "inbox/none/content", None, 404, "not_found"),
        ("POST", "inbox/none/done", None, 404, "not_found"),
        ("POST", "inbox/none/fail", b"[]", 400, "request_malformed"),
        ("POST", "documents", b"", 422, "xml_not_wellformed"),
        ("POST", "documents", b"garbage", 422, "xml_not_wellformed"),
        ("POST", "documents", document(COMMUNE, [PROVINCE]), 403, "sender_not_permitted"),
        ("POST", "statuses", document(PROVINCE, [COMMUNE], number="8"), 422, "edxml_invalid"),
    ],
)
async def test_bad_requests_have_their_reasons(
    lab: VxpLab, method: str, path: str, body: bytes | None, http: int, code: str
) -> None:
    """The codes of REST, in X-Road's shape."""
    found, told = await call(lab, method, path, CLIENTS[PROVINCE], body)
    assert (found, told["code"]) == (http, code)


async def test_entry_of_somebody_else_does_not_exist(lab: VxpLab) -> None:
    """Whatever its id."""
    await call(lab, "POST", "documents", CLIENTS[PROVINCE], document(PROVINCE, [COMMUNE], number="9"))
    [item] = await waiting(lab, COMMUNE, "document", "9")
    for method, act in (("GET", "content"), ("POST", "done"), ("POST", "fail")):
        assert (await call(lab, method, f"inbox/{item['id']}/{act}", CLIENTS[PROVINCE]))[1]["code"] == "not_found"


async def test_directory_comes_in_pages(lab: VxpLab) -> None:
    """All of it, none twice."""
    codes: list[str] = []
    after = ""
    while True:
        page = (await call(lab, "GET", f"agencies?limit=2&after={after}", CLIENTS[PROVINCE]))[1]
        codes += [each["code"] for each in page["items"]]
        if not page["more"]:
            break
        after = page["items"][-1]["id"]
    assert len(codes) == len(set(codes)) == 6
    assert PROVINCE in codes


async def test_description_is_open_and_names_what_is_served(lab: VxpLab) -> None:
    """A security server's administrator imports it; the page in docs is the same."""
    http, served = await call(lab, "GET", "openapi.json", None)
    assert (http, served["openapi"]) == (200, "3.0.3")
    described = {
        (method.upper(), path): each["operationId"]
        for path, methods in served["paths"].items()
        for method, each in methods.items()
    }
    assert described == {(each.method, each.path): each.name for each in OPERATIONS}
    page = Path(__file__).parents[2] / "docs" / "xroad-openapi.json"
    assert json.loads(page.read_text()) == served


async def test_member_is_believed_from_its_security_server_only(tmp_path: Path, lab: VxpLab) -> None:
    """From another address the same header says nothing."""
    async with vxp_lab(tmp_path / "site", lab.installation.folder / "certs") as other:
        await register(other, PROVINCE, networks=("192.0.2.7/32",))
        assert (await call(other, "GET", "inbox", CLIENTS[PROVINCE]))[1]["code"] == "address_not_allowed"


async def test_certificate_of_the_security_server_is_needed_where_it_is_set(tmp_path: Path) -> None:
    """None, or another one that the same CA issued, is refused; the vendor's SDK needs none beside it."""
    folder = tmp_path / "certs"
    make_pki(folder)
    pki = DevPki(folder=folder)
    from datetime import UTC, datetime

    for name in ("security-server", "another"):
        issue_client(folder, name, "X", now=datetime.now(UTC))
    chosen = pki.client("security-server").certificate
    async with vxp_lab(tmp_path / "site", folder, bindings=f'xroad_certificates = "{chosen}"') as lab:
        await register(lab, PROVINCE)
        assert (await call(lab, "GET", "inbox", CLIENTS[PROVINCE]))[1]["code"] == "credential_missing"
        tls = client_tls_context(pki.anchors(TrustPurpose.TLS), pki.client("security-server"))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
            lab.session, plain = session, lab.session
            assert (await call(lab, "GET", "inbox", CLIENTS[PROVINCE]))[0] == 200
            lab.session = plain
        tls = client_tls_context(pki.anchors(TrustPurpose.TLS), pki.client("another"))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
            lab.session = session
            with pytest.raises(aiohttp.ClientError):
                await call(lab, "GET", "inbox", CLIENTS[PROVINCE])
            lab.session = plain
        assert (await (await lab.sdk(COMMUNE)).call("countReceiveEdoc", {}))["status"] == "OK"
