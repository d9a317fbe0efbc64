"""Documents encrypted for their recipients, on their way through a gateway that sees nothing of them."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from gateway.api.models import NewDocument
from gateway.bundle.container import Container
from gateway.bundle.format import HTML_VI
from gateway.cli import main
from gateway.end_to_end import encrypted_parts
from gateway.enveloped.certificates import read_certificate
from gateway.enveloped.opening import open_envelope
from gateway.errors import ProblemError
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import DAY, document
from tests.journeys.test_bundles import anchors_of, verified
from tests.journeys.test_journey import reaches, until
from tests.journeys.test_log import signed
from tests.unit.enveloped.holders import holder, openssl

PDF = b"%PDF-1.4\nchi nguoi nhan doc\n%%EOF\n"
REFUSING = f"""
[end_to_end]
refuse = ["{COMMUNE}"]
"""
REQUIRING = f"""
[checks]
require = ["{COMMUNE}"]
"""


async def site(tmp_path: Path, pki_folder: Path, more: str = "") -> Installation:
    folder = tmp_path / "site"
    folder.mkdir()
    return await prepare(folder, pki_folder, more=more)


async def run(made: Installation, *arguments: str | Path) -> int:
    return await asyncio.to_thread(main, ["--config", str(made.folder / "config.toml"), *map(str, arguments)])


async def publish(made: Installation, code: str, kind: str) -> Path:
    file, _ = holder(kind).files(made.folder, kind)
    assert await run(made, "agencies", "encryption", "add", code, file, "--reason", "letter 5") == 0
    return file


async def encrypted(
    made: Installation, *kinds: str, number: str = "125", to: tuple[str, ...] = (COMMUNE,)
) -> bytes:
    """A document for these recipients, encrypted for these holders."""
    plain, out = made.folder / f"{number}.edxml", made.folder / f"{number}.sealed.edxml"
    plain.write_bytes(document(PROVINCE, to, number=number, content=PDF))
    files = [holder(kind).files(made.folder, kind)[0] for kind in kinds]
    options = [each for file in files for each in ("--to", file)]
    assert await run(made, "encrypt", plain, *options, "--out", out) == 0
    return out.read_bytes()


async def test_what_is_encrypted_for_two_arrives_is_opened_and_proved(tmp_path: Path, pki_folder: Path) -> None:
    """By RSA and P-256; receipt, bundle and certificate say for whom, and the verifier finds nothing amiss."""
    made = await site(tmp_path, pki_folder)
    anchors = anchors_of(made, tmp_path / "anchors")
    digests = {kind: holder(kind).certificate.sha256 for kind in ("rsa", "p256")}
    async with made.running(), made.client(PROVINCE) as province, made.client(COMMUNE) as commune:
        await publish(made, COMMUNE, "rsa")
        await publish(made, PUSHED, "p256")
        told = await province.encryption_certificate(COMMUNE)
        assert (told.certificate.encode(), told.sha256) == (holder("rsa").pem, digests["rsa"])
        assert (await province.encryption_certificate(PUSHED)).algorithm == "P-256"
        data = await encrypted(made, "rsa", "p256", to=(COMMUNE, PUSHED))
        accepted = await province.submit(data)
        rules = {each.rule: each.message.en for each in accepted.findings}
        assert rules.keys() >= {"EDX-ATT-11", "GW-ENC-01"}
        assert "GW-ENC-02" not in rules
        transfer, _ = await province.receipt(accepted.id)
        (fact,) = json.loads(transfer)["encrypted"]
        assert (fact["attachment"], fact["cipher"], fact["recipients"]) == (1, "aes256-gcm", 2)
        assert {each["organ_id"]: each["sha256"] for each in fact["certificates"]} == {
            COMMUNE: digests["rsa"],
            PUSHED: digests["p256"],
        }
        item = (await commune.inbox(wait=20)).items[0]
        assert await commune.content(item.id) == data
        envelope = await commune.attachment(item.id, 1)
        assert fact["sha256"] == (await commune.item(item.id)).attachments[0].sha256
        out = io.BytesIO()
        described = open_envelope(io.BytesIO(envelope), out, holder("rsa").private, holder("rsa").certificate)
        assert (described.name, out.getvalue()) == ("125.pdf", PDF)
        certificate, key = holder("p256").files(tmp_path, "p256")
        by_openssl = openssl(
            "cms", "-decrypt", "-inform", "DER", "-binary", "-recip", certificate, "-inkey", key, given=envelope
        )
        assert by_openssl.endswith(PDF)
        await commune.ack(item.id)

        async def looked_at() -> bool:
            return (await province.document(accepted.id)).signatures is not None

        await until(looked_at)
        shown = (await province.document(accepted.id)).signatures
        assert shown is not None
        assert (shown.verdict, shown.items[0].kind) == ("INDETERMINATE", "encrypted")
        assert shown.vi == "không xem được, mã hóa đầu cuối — chỉ để biết, tham khảo"
        await signed(made)
        bundle = tmp_path / "a.asice"
        assert await run(made, "export", accepted.id, "--out", bundle) == 0
    found = await asyncio.to_thread(verified, bundle, "--anchors", str(anchors))
    checks: list[dict[str, str]] = found["checks"]  # type: ignore[assignment]
    assert not [check for check in checks if check["verdict"] == "FAILED"]
    page = Container.open(bundle).bytes_of(HTML_VI).decode()
    assert "Mã hóa đầu cuối" in page
    assert all(f"({digest})" in page for digest in digests.values())


async def test_what_a_recipient_could_not_open_is_refused_or_told(
    tmp_path: Path, pki_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a certificate, to another one, to one that was revoked; only where the recipient would have it so."""
    made = await site(tmp_path, pki_folder, REFUSING)

    async with made.running(), made.client(PROVINCE) as province:

        async def refused(*kinds: str, number: str, to: tuple[str, ...] = (COMMUNE,)) -> str:
            with pytest.raises(ProblemError) as caught:
                await province.submit(await encrypted(made, *kinds, number=number, to=to))
            assert caught.value.code == "recipient_cannot_decrypt"
            return caught.value.detail

        async def certificate(code: str) -> str:
            with pytest.raises(ProblemError) as caught:
                await province.encryption_certificate(code)
            return caught.value.code

        assert await certificate(COMMUNE) == "encryption_certificate_missing"
        assert await certificate("999.99.99.H33") == "not_found"
        assert "published no certificate" in await refused("rsa", number="1")
        await publish(made, COMMUNE, "rsa")
        assert "no certificate of theirs" in await refused("p256", number="2")
        await province.submit(await encrypted(made, "rsa", "p256", number="3"))
        warned = await province.submit(await encrypted(made, "rsa", number="4", to=(COMMUNE, PUSHED)))
        (warning,) = [each for each in warned.findings if each.rule == "GW-ENC-02"]
        assert warning.message.vi == f"{PUSHED} không mở được tệp 1: nơi này chưa công bố chứng thư mã hóa."
        other = await province.submit(await encrypted(made, "p256", number="5", to=(PUSHED,)))
        with pytest.raises(ProblemError) as caught:
            await province.redeliver(other.id, "one more", [COMMUNE])
        assert caught.value.code == "recipient_cannot_decrypt"
        digest = holder("rsa").certificate.sha256
        ended = ("agencies", "encryption", "end", COMMUNE, digest[:12], "--revoked", "--reason", "token lost")
        assert await run(made, *ended) == 0
        assert await run(made, *ended) == 1
        assert f"certificate {digest[:16]}, which was revoked" in await refused("rsa", number="6")
        assert await certificate(COMMUNE) == "encryption_certificate_ended"
        assert (
            await run(
                made, "agencies", "encryption", "add", COMMUNE, made.folder / "rsa.pem", "--reason", "once more"
            )
            == 1
        )
        await publish(made, COMMUNE, "p384")
        await province.submit(await encrypted(made, "p384", number="7"))
        await province.submit(document(PROVINCE, [COMMUNE], number="8"))
        capsys.readouterr()
        assert await run(made, "agencies", "encryption", "list", COMMUNE, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(each["algorithm"], each["standing"]) for each in rows] == [
        ("P-384", "in_force"),
        ("RSA 2048", "revoked"),
    ]


async def test_files_of_openssl_alone_go_the_same_way(tmp_path: Path, pki_folder: Path) -> None:
    """A sender without our programs: an envelope as one of the request's parts."""
    made = await site(tmp_path, pki_folder, REFUSING)
    async with made.running(), made.client(PROVINCE) as province, made.client(COMMUNE) as commune:
        file = await publish(made, COMMUNE, "rsa")
        envelope = openssl(
            "cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-gcm", "-recip", file,
            "-keyopt", "rsa_padding_mode:oaep", given=PDF,
        )  # fmt: skip
        metadata = NewDocument(
            sender=PROVINCE,
            recipients=[COMMUNE],
            code_number="9",
            code_notation="UBND-VP",
            promulgation_date=DAY,
            subject="V/v mã hóa",
        )
        await province.submit_parts(metadata, [("bao-cao.pdf.p7m", envelope, "application/pkcs7-mime")])
        item = (await commune.inbox(wait=20)).items[0]
        received, out = tmp_path / "bao-cao.pdf.p7m", tmp_path / "opened"
        received.write_bytes(await commune.attachment(item.id, 1))
        out.mkdir()
    assert await run(made, "decrypt", received, "--key", made.folder / "rsa.key", "--out", out) == 0
    assert (out / "bao-cao.pdf").read_bytes() == PDF


async def test_the_typed_client_sends_files_encrypted_for_published_certificates(
    tmp_path: Path, pki_folder: Path
) -> None:
    """A repeat with the bytes that were made once is the same document."""
    made = await site(tmp_path, pki_folder, REFUSING)
    async with made.running(), made.client(PROVINCE) as province, made.client(COMMUNE) as commune:
        await publish(made, COMMUNE, "p256")
        told = await province.encryption_certificate(COMMUNE)
        files = encrypted_parts(
            [("mật.pdf", PDF, "application/pdf"), ("phu-luc.txt", b"phu luc", "text/plain")],
            [read_certificate(told.certificate.encode())],
        )
        metadata = NewDocument(
            sender=PROVINCE, recipients=[COMMUNE], code_number="9", code_notation="UBND-VP", promulgation_date=DAY,
            subject="V/v mã hóa",
        )  # fmt: skip
        first = await province.submit_parts(metadata, files, "one")
        again = await province.submit_parts(metadata, files, "one")
        assert first.id == again.id
        item = (await commune.inbox(wait=20)).items[0]
        names = []
        for number in (1, 2):
            envelope = io.BytesIO(await commune.attachment(item.id, number))
            names.append(open_envelope(envelope, io.BytesIO(), holder("p256").private).name)
        assert names == ["mật.pdf", "phu-luc.txt"]


async def test_whoever_requires_signatures_is_told_that_they_cannot_be_seen(
    tmp_path: Path, pki_folder: Path
) -> None:
    """It waits for a person, in words that do not call it invalid."""
    made = await site(tmp_path, pki_folder, REQUIRING)
    async with made.running(), made.client(PROVINCE) as province:
        accepted = await province.submit(await encrypted(made, "rsa"))

        async def judged() -> bool:
            line = await reaches(province, accepted.id, COMMUNE, "held")
            return line.reason == "signatures_not_valid"

        await until(judged)
        line = await reaches(province, accepted.id, COMMUNE, "held")
        assert line.detail.startswith("không xem được, mã hóa đầu cuối")
