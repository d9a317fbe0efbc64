"""What the connection inspector tells of calls of the axis's protocol: over which text, and where it differs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import Any

from gateway.commands.acting import ask
from tests.adapters.vxp_sdk import Sdk
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document
from tests.journeys.vxp_lab import VxpLab, vxp_lab

LIST = {"servicetype": "eDoc", "messagetype": "edoc"}


async def _seen(lab: VxpLab, organ_id: str) -> list[dict[str, Any]]:
    found = (await ask(lab.installation.settings, f"inspect?agency={organ_id}"))["items"]
    return [each for each in found if each["binding"] == "vxp"]


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


async def test_operator_reads_the_difference_on_the_command_line(tmp_path: Path, pki_folder: Path) -> None:
    """One line per request, then both texts and the first character at which they differ."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        sdk = await lab.sdk(PROVINCE)
        headers = sdk.headers(LIST)
        await sdk.raw("getReceivedEdocList", headers | {"XroadVnpt-messagetype": "status"}, b"")
        config = lab.installation.folder / "config.toml"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "--config", str(config), "inspect", PROVINCE, "--refused",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        told = (await process.communicate())[0].decode()
    assert process.returncode == 0
    assert "header_differs" in told
    assert "computed over edoc" in told
    assert "sent: status" in told
    assert "they differ first at character 1" in told
