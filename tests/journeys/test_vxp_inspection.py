"""What the connection inspector tells of calls of the axis's protocol: over which text, and where it differs."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from gateway.commands.acting import ask
from tests.adapters.vxp_sdk import Sdk
from tests.forking import Forked
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document
from tests.journeys.vxp_lab import VxpLab, vxp_lab

LIST = {"servicetype": "eDoc", "messagetype": "edoc"}


async def _seen(lab: VxpLab, organ_id: str) -> list[dict[str, Any]]:
    found = (await ask(lab.installation.settings, f"inspect?agency={organ_id}"))["items"]
    return [each for each in found if each["binding"] == "vxp"]


async def _told(lab: VxpLab, *options: str) -> str:
    """What the command says of the province."""
    config = str(lab.installation.folder / "config.toml")
    command = await Forked.start("gateway", "--config", config, "inspect", PROVINCE, *options)
    code, told = await command.finished()
    assert code == 0
    return told


async def test_wrong_hmac_is_explained_without_the_secret(tmp_path: Path, pki_folder: Path) -> None:
    """The text that was received, where the headers say something else, and only the beginning of the MAC."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        sdk = await lab.sdk(PROVINCE)
        await sdk.received()
        headers = sdk.headers(LIST)
        # as a client does that signs another time than it sends
        signed = headers["XroadVnpt-sign-header"].replace("eDoc", "eDOC")
        mac = hmac.new(b"another secret", signed.encode(), hashlib.sha256).hexdigest()
        headers |= {"XroadVnpt-sign-header": signed, "XroadVnpt-hash-header": mac}
        await sdk.raw("getReceivedEdocList", headers, b"")
        wrong, right = await _seen(lab, PROVINCE)
        assert (right["reason"], right["authenticated"], right["tlsVersion"]) == ("", True, "TLSv1.3")
        assert abs(right["clockDifferenceSeconds"]) < 60
        assert (wrong["reason"], wrong["authenticated"]) == ("credential_invalid", False)
        (found,) = wrong["comparisons"]
        assert found["ours"] == signed
        assert found["theirs"][: found["firstDifference"]] == signed[: found["firstDifference"]]
        assert signed[found["firstDifference"]] == "O"
        assert found["theirHash"] == mac[:8]
        told = json.dumps([wrong, right])
        valid = hmac.new(lab.secrets[PROVINCE].encode(), signed.encode(), hashlib.sha256).hexdigest()
        assert not any(secret in told for secret in (lab.secrets[PROVINCE], mac, valid))


async def test_refused_document_shows_both_digests_and_a_repetition_is_marked(
    tmp_path: Path, pki_folder: Path
) -> None:
    """hash-file of other bytes; then the same document twice."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        sdk = await lab.sdk(PROVINCE)
        body = document(PROVINCE, [COMMUNE])
        other = hashlib.sha256(b"other").hexdigest()
        await sdk.send(body, **{"hash-file": other})
        await sdk.fresh().send(body)
        await sdk.fresh().send(body)
        again, first, wrong = await _seen(lab, PROVINCE)
        assert wrong["reason"] == "digest_mismatch"
        assert wrong["bodyHashExpected"] == other
        assert wrong["bodyHashGot"] == hashlib.sha256(body + b"\r\n").hexdigest()
        assert [first["replayed"], again["replayed"]] == [False, True]


async def test_strangers_leave_nothing_and_claims_push_nobody_out(tmp_path: Path, pki_folder: Path) -> None:
    """A system id that nobody has is not remembered; one of ours has few places for what was not proved."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        await (await lab.sdk(PROVINCE)).received()
        for system_id in ["000.00.00.X01", *[PROVINCE] * 30]:
            await Sdk(url=lab.url, system_id=system_id, secret="guessed", session=lab.session).call(
                "getReceivedEdocList", LIST, b""
            )
        found = await _seen(lab, PROVINCE)
        assert [each["authenticated"] for each in found].count(True) == 1
        assert len(found) == 21
        told = json.loads(await _told(lab, "--limit", "2", "--json"))
        assert [each["authenticated"] for each in told["items"]] == [False, False, True]


async def test_operator_reads_the_difference_on_the_command_line(tmp_path: Path, pki_folder: Path) -> None:
    """One line per request with its credential, then both texts and the first character at which they differ."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        secret, credential = await lab.issue(PROVINCE)
        sdk = Sdk(url=lab.url, system_id=PROVINCE, secret=secret, session=lab.session)
        headers = sdk.headers(LIST)
        await sdk.raw("getReceivedEdocList", headers | {"XroadVnpt-messagetype": "status"}, b"")
        told = await _told(lab, "--refused")
    assert "header_differs" in told
    assert credential in "".join(told.split())
    assert "computed over edoc" in told
    assert "sent: status" in told
    assert "they differ first at character 1" in told


async def test_all_secrets_of_a_system_are_seen_together_each_named(tmp_path: Path, pki_folder: Path) -> None:
    """Before and after a rotation, and by REST; whoever looks with either sees both, and no secret."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:

        async def call(secret: str) -> None:
            sdk = Sdk(url=lab.url, system_id=PROVINCE, secret=secret, session=lab.session)
            await sdk.call("countReceiveEdoc", {})

        (old, old_id), base = await lab.issue(PROVINCE), lab.app.foundation
        await call(old)
        new, new_id = await lab.issue(PROVINCE)
        await call(new)
        await call(old)
        await base.accounts.revoke(old_id, "operator:test", base.clock.now())
        base.shared_secrets.forget()
        await call(old)
        await call("guessed")
        bearer = {"Authorization": f"Bearer {lab.installation.tokens[PROVINCE]}"}
        url = f"https://localhost:{lab.app.port}/api/v1"
        async with lab.session.get(f"{url}/limits", headers=bearer) as reply:
            assert reply.status == 200
        async with lab.session.get(f"{url}/connection", headers=bearer) as reply:
            items = (await reply.json())["items"]
        seen = [(each["binding"], each["credential"], each["reason"], each["authenticated"]) for each in items]
        assert seen[1:] == [
            ("vxp", "", "credential_invalid", False),
            ("vxp", old_id, "credential_revoked", False),
            ("vxp", old_id, "", True),
            ("vxp", new_id, "", True),
            ("vxp", old_id, "", True),
        ]
        assert seen[0][0] == "rest"
        assert seen[0][1] not in {"", old_id, new_id}
        assert {each["systemId"] for each in items[1:]} == {PROVINCE}
        assert await _seen(lab, PROVINCE) == items[1:]
        assert not any(secret in json.dumps(items) for secret in (old, new))


async def test_recipients_named_beside_the_document_are_told_and_not_followed(
    tmp_path: Path, pki_folder: Path
) -> None:
    """A client that sends group by group reaches everybody at its first call, and both sides can see that."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        sdk = await lab.sdk(PROVINCE)
        body = document(PROVINCE, [COMMUNE, PUSHED])
        told = [await sdk.fresh().send(body, to=json.dumps(to)) for to in ([COMMUNE], [PUSHED])]
        assert {each["DocId"] for each in told} == {told[0]["DocId"]}
        other = document(PROVINCE, [COMMUNE], number="2")
        told.append(await sdk.fresh().send(other, to=json.dumps([COMMUNE])))
        fine, second, first = await _seen(lab, PROVINCE)
        assert fine["comparisons"] == []
        for each, named in ((first, COMMUNE), (second, PUSHED)):
            (found,) = each["comparisons"]
            assert (found["what"], json.loads(found["theirs"])) == ("XroadVnpt-to", [named])
            assert set(json.loads(found["ours"])) == {COMMUNE, PUSHED}
        assert "XroadVnpt-to" in await _told(lab)
        async with lab.installation.client(PROVINCE) as client:
            receipts = [json.loads((await client.receipt(each["DocId"]))[0]) for each in (told[0], told[2])]
        rules = [[found["rule"] for found in each["findings"]] for each in receipts]
        assert ["GW-TO-01" in each for each in rules] == [True, False]
