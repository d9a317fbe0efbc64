"""What receivers sign, from their request to the auditor's verdict; and what is refused of it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.api.models import NewStatus
from gateway.cli import main
from gateway.client_signature import ReceiverSigner
from gateway.errors import ProblemError
from gateway.message_signatures import PrivateKey
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document, status
from tests.journeys.test_bundles import anchors_of, verified
from tests.journeys.test_log import signed

KEYS: dict[str, PrivateKey] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "rsa": rsa.generate_private_key(65537, 2048),
}


def signer(name: str) -> ReceiverSigner:
    return ReceiverSigner(private=KEYS[name])


def public(name: str, folder: Path) -> Path:
    file = folder / f"{name}.pem"
    file.write_bytes(KEYS[name].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file


def private(name: str, folder: Path) -> None:
    pem = KEYS[name].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(pem)
    (folder / f"{name}.key").chmod(0o600)


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> Installation:
    """Not running."""
    folder = tmp_path / "site"
    folder.mkdir()
    return await prepare(folder, pki_folder)


async def run(site: Installation, *arguments: str) -> int:
    return await asyncio.to_thread(main, ["--config", str(site.folder / "config.toml"), *arguments])


async def add_key(site: Installation, name: str) -> None:
    file = public(name, site.folder)
    assert await run(site, "agencies", "keys", "add", COMMUNE, str(file), "--reason", "test") == 0


def checks(found: dict[str, object]) -> dict[str, tuple[str, str]]:
    listed: list[dict[str, str]] = found["checks"]  # type: ignore[assignment]
    return {each["name"]: (each["verdict"], each["reason"]) for each in listed if each["name"][:9] == "receiver."}


async def test_signed_acknowledgement_and_statuses_are_proved_to_an_auditor(
    site: Installation, tmp_path: Path
) -> None:
    """By every kind of key; with the office's own key PASSED, without it undecided; unsigned is told as such."""
    anchors = anchors_of(site, tmp_path / "anchors")
    async with site.running(), site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        for name in KEYS:
            await add_key(site, name)
        data = document(PROVINCE, [COMMUNE])
        accepted = await province.submit(data)
        item = (await commune.inbox(wait=5)).items[0]
        digest = sha256(await commune.content(item.id)).hexdigest()
        assert (await commune.ack(item.id, signer=signer("rsa"), sha256=digest)).state == "delivered"
        answers = [
            await commune.answer(item.id, NewStatus(code=code), signer=signer(name), sha256=digest)
            for code, name in (("01", "ed25519"), ("03", "p384"))
        ]
        plain = await commune.post_status(status(COMMUNE, "06", sender=PROVINCE))
        await signed(site)
        out = tmp_path / "a.asice"
        assert await run(site, "export", accepted.id, "--out", str(out)) == 0
    found = await asyncio.to_thread(verified, out, "--anchors", str(anchors))
    assert found["verdict"] == "PASSED", found["checks"]
    assert checks(found) == {
        f"receiver.{item.id}": ("INDETERMINATE", "receiver_key_from_gateway"),
        f"receiver.{answers[0].id}": ("INDETERMINATE", "receiver_key_from_gateway"),
        f"receiver.{answers[1].id}": ("INDETERMINATE", "receiver_key_from_gateway"),
        f"receiver.{plain.id}": ("INDETERMINATE", "receiver_bound_to_connection"),
    }
    (anchors / "receivers").mkdir()
    keys = [public(name, tmp_path).read_bytes() for name in ("rsa", "ed25519")]
    (anchors / "receivers" / f"{COMMUNE}.pem").write_bytes(b"".join(keys))
    found = await asyncio.to_thread(verified, out, "--anchors", str(anchors))
    assert found["verdict"] == "INDETERMINATE", "one key is not among those that were given"
    assert checks(found)[f"receiver.{item.id}"] == ("PASSED", "")
    assert checks(found)[f"receiver.{answers[1].id}"] == ("INDETERMINATE", "receiver_key_not_given")


async def test_wrong_signatures_are_refused_and_leave_nothing(site: Installation) -> None:
    """Other bytes, another delivery, a stranger's key, an ended key, an old one, a changed one."""
    async with site.running(), site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        await add_key(site, "p256")
        for number in ("1", "2"):
            await province.submit(document(PROVINCE, [COMMUNE], number=number))
        one, two = (await commune.inbox(wait=5)).items
        digests = {item.id: sha256(await commune.content(item.id)).hexdigest() for item in (one, two)}
        base = f"https://localhost:{site.app.port}/api/v1" if site.app else ""
        url, now = f"{base}/inbox/{one.id}/ack", datetime.now(UTC)

        async def sent(item: str, headers: dict[str, str]) -> str:
            path = f"/inbox/{item}/ack"
            try:
                async with commune._request("POST", path, headers=headers):
                    return ""
            except ProblemError as error:
                return f"{error.code} {error.detail}"

        good = signer("p256").headers(url, document_sha256=digests[one.id], at=now)
        other = signer("p256").headers(url, document_sha256=digests[two.id], at=now)
        late = signer("p256").headers(url, document_sha256=digests[one.id], at=now - timedelta(minutes=6))
        strange = signer("ed25519").headers(url, document_sha256=digests[one.id], at=now)
        elsewhere = signer("p256").headers(f"{base}/inbox/x/ack", document_sha256=digests[one.id], at=now)
        unread = signer("p256").headers(url, document_sha256="", at=now)
        for item, headers, why in (
            (two.id, good, "receiver_signature_wrong the signature is not one"),
            (one.id, elsewhere, "receiver_signature_wrong the signature is not one"),
            (one.id, other, "receiver_signature_wrong other bytes"),
            (one.id, late, "receiver_signature_wrong created is 36"),
            (one.id, unread, "receiver_signature_wrong gateway-document-digest must be covered"),
            (one.id, strange, "receiver_key_unknown"),
            (one.id, good | {"Signature": other["Signature"]}, "receiver_signature_wrong the signature is not one"),
            (
                one.id,
                {**good, "Signature-Input": "receiver=((("},
                "receiver_signature_wrong Signature-Input cannot",
            ),
            (one.id, {**good, "Signature": "other=:AAAA:"}, "receiver_signature_wrong Signature has no receiver"),
        ):
            assert (await sent(item, headers)).startswith(why)
        assert [item.id for item in (await commune.inbox()).items] == [one.id, two.id]
        assert await sent(one.id, good) == ""
        assert await sent(one.id, good) == "", "repeating it is harmless"
        key = signer("p256").key_id
        assert await run(site, "agencies", "keys", "end", COMMUNE, key[:12], "--reason", "lost") == 0
        again = signer("p256").headers(url.replace(one.id, two.id), document_sha256=digests[two.id], at=now)
        assert (await sent(two.id, again)).startswith("receiver_key_unknown")
        assert await run(site, "agencies", "keys", "add", COMMUNE, str(public("p256", site.folder)),
                         "--reason", "again") != 0  # fmt: skip
    assert await run(site, "fsck") == 0


async def test_examples_sign_what_they_stored(site: Installation, tmp_path: Path) -> None:
    """The loop in Python, the script with curl and openssl, and our own command: RSA and Ed25519."""
    examples = Path(__file__).parents[2] / "deploy" / "examples"
    async with site.running(), site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        for name in ("ed25519", "rsa"):
            await add_key(site, name)
            private(name, tmp_path)
        token, ca = tmp_path / "token", site.pki.anchors(TrustPurpose.TLS) / "root.pem"
        token.write_text(site.tokens[COMMUNE])
        token.chmod(0o600)
        assert site.app is not None
        url = f"https://localhost:{site.app.port}/api/v1"
        await province.submit(document(PROVINCE, [COMMUNE], number="1"))
        loop = [
            sys.executable,
            str(examples / "python" / "rest_client.py"),
            "--url",
            url,
            "--token-file",
            str(token),
        ]
        loop += ["--ca", str(ca), "--signing-key", str(tmp_path / "rsa.key"), "receive", str(tmp_path / "in")]
        assert [await called(loop) for _ in range(2)] == [0, 0]
        for number, name in (("2", "ed25519"), ("3", "rsa")):
            await province.submit(document(PROVINCE, [COMMUNE], number=number))
            item = (await commune.inbox(wait=5)).items[0].id
            (tmp_path / item).write_bytes(await commune.content(item))
            environment = {"GATEWAY_URL": url, "GATEWAY_TOKEN_FILE": str(token), "GATEWAY_CA": str(ca)}
            environment["GATEWAY_SIGNING_KEY"] = str(tmp_path / f"{name}.key")
            assert await called([examples / "curl" / "rest.sh", "ack", item, tmp_path / item], **environment) == 0
        await province.submit(document(PROVINCE, [COMMUNE], number="4"))
        item = (await commune.inbox(wait=5)).items[0].id
        (tmp_path / item).write_bytes(await commune.content(item))
        connection = ["--url", f"https://localhost:{site.app.port}", "--token-file", str(token)]
        signing = ["--signing-key", str(tmp_path / "ed25519.key"), "--received", str(tmp_path / item)]
        assert await run(site, "inbox", "ack", item, *connection, *signing) == 0
    with sqlite3.connect(site.settings.storage.folder / "gateway.sqlite") as database:
        kinds = database.execute("SELECT act, kind, count(*) FROM receiver_proof GROUP BY 1, 2").fetchall()
    assert kinds == [("acknowledgement", "signature", 4), ("status", "signature", 1)]


async def called(command: Sequence[str | Path], **environment: str) -> int:
    process = await asyncio.create_subprocess_exec(*map(str, command), env=os.environ | environment)
    return await process.wait()


async def test_office_that_must_sign_is_refused_without(tmp_path: Path, pki_folder: Path) -> None:
    """The acknowledgement and the status; what it sends beside that needs no signature."""
    folder = tmp_path / "site"
    folder.mkdir()
    site = await prepare(folder, pki_folder, more=f'[receivers]\nrequire = ["{COMMUNE.lower()}"]\n')
    async with site.running(), site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        await add_key(site, "ed25519")
        await province.submit(document(PROVINCE, [COMMUNE]))
        item = (await commune.inbox(wait=5)).items[0]
        digest = sha256(await commune.content(item.id)).hexdigest()
        for act in (
            commune.ack(item.id),
            commune.answer(item.id, NewStatus(code="01")),
            commune.post_status(status(COMMUNE, "01", sender=PROVINCE)),
        ):
            with pytest.raises(ProblemError, match="receiver_signature_required"):
                await act
        await commune.answer(item.id, NewStatus(code="01"), signer=signer("ed25519"), sha256=digest)
        assert (await commune.ack(item.id, signer=signer("ed25519"), sha256=digest)).state == "acknowledged"
        await commune.submit(document(COMMUNE, [PROVINCE], number="9"))
