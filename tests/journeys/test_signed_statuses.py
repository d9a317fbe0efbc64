"""Statuses whose edXML their office signed: examined afterwards, never refused, proved to an auditor."""

from __future__ import annotations

import asyncio
import html
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.bundle.container import Container
from gateway.client import GatewayClient
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE, Installation, prepare
from tests.journeys.messages import document, status
from tests.journeys.test_bundles import anchors_of, verified
from tests.journeys.test_journey import until
from tests.journeys.test_log import signed
from tests.journeys.test_receivers import checks, run
from tests.unit.signatures.cms_made import pki
from tests.unit.signatures.vector_cases import write_anchors
from tests.unit.signatures.xml_made import XmlPlan, signed_xml

CONFIG = '[checks]\nsigners = "foreign/signers"\n'
#: The reason that the verifier tells, and what the printable certificate says.
VALID = ("receiver_signed_message", "signed by the receiver, valid when we looked")
UNBOUND = ("receiver_signed_unbound", "by a certificate that nobody has bound")
OTHER = ("receiver_signed_by_another", "a certificate that is not the receiver's")
WRONG = ("receiver_message_signature_wrong", "a signature that could not be confirmed")


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> Installation:
    """Not running."""
    folder = tmp_path / "site"
    folder.mkdir()
    write_anchors(folder / "foreign")
    return await prepare(folder, pki_folder, more=CONFIG)


def signed_status(code: str, *, member: str = "agency", xades: bool = True) -> bytes:
    """Of COMMUNE, about the document of PROVINCE."""
    plain = status(COMMUNE, code, sender=PROVINCE).decode()
    return signed_xml(XmlPlan(message=plain, member=member, xades=xades))


async def bind(site: Installation, organ_id: str, member: str) -> None:
    file = site.folder / f"{member}.cer"
    file.write_bytes(pki()[member].certificate.public_bytes(Encoding.PEM))
    assert await run(site, "agencies", "certificates", "add", organ_id, str(file), "--reason", "their letter") == 0


async def exported(
    site: Installation, commune: GatewayClient, accepted: str, out: Path, *bodies: bytes
) -> list[str]:
    """The document's bundle after these statuses, all of which were examined; their ids."""
    assert site.app is not None
    readers = site.app.foundation.readers
    ids = [(await commune.post_status(body)).id for body in bodies]

    async def all_examined() -> bool:
        return len(await readers.fetch("verdict_list_of_messages", (json.dumps(ids),))) == len(ids)

    await until(all_examined, seconds=120)
    await signed(site)
    assert await run(site, "export", accepted, "--out", str(out)) == 0
    return ids


def told(out: Path) -> str:
    """The English certificate in a bundle."""
    return html.unescape(Container.of(out.read_bytes()).bytes_of("certificate.en.html").decode())


@pytest.mark.parametrize("xades", [True, False], ids=["xades", "xmldsig"])
async def test_signature_of_the_receivers_certificate_is_evidence(
    site: Installation, tmp_path: Path, *, xades: bool
) -> None:
    """Told as the gateway's finding; examined anew with --pdf, and PASSED with the office's key from outside."""
    anchors = anchors_of(site, tmp_path / "anchors")
    async with site.running(), site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        await bind(site, COMMUNE, "agency")
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
        out = tmp_path / "a.asice"
        bodies = (signed_status("01", xades=xades), signed_status("03", xades=xades))
        ids = await exported(site, commune, accepted.id, out, *bodies)
    names = [f"receiver.{each}.signature" for each in ids]
    found = await asyncio.to_thread(verified, out, "--anchors", str(anchors))
    assert found["verdict"] == "PASSED", found["checks"]
    assert [checks(found)[name] for name in names] == [("INDETERMINATE", VALID[0])] * 2
    assert VALID[1] in told(out)
    anew = await asyncio.to_thread(verified, out, "--anchors", str(anchors), "--pdf")
    assert [checks(anew)[name] for name in names] == [("INDETERMINATE", "receiver_key_from_gateway")] * 2
    (anchors / "receivers").mkdir()
    pem = pki()["agency"].key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (anchors / "receivers" / f"{COMMUNE}.pem").write_bytes(pem)
    anew = await asyncio.to_thread(verified, out, "--anchors", str(anchors), "--pdf")
    assert [checks(anew)[name] for name in names] == [("PASSED", "")] * 2
    assert anew["verdict"] == "PASSED", anew["checks"]


async def test_others_certificates_and_wrong_signatures_are_told_and_refuse_nothing(
    site: Installation, tmp_path: Path
) -> None:
    """Unbound, another office's, and changed after it was signed: each status is taken and does what it says."""
    anchors = anchors_of(site, tmp_path / "anchors")
    changed = signed_status("03").replace(b"<edXML:Description>", b"<edXML:Description>x", 1)
    async with site.running(), site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
        out = tmp_path / "a.asice"
        first = await exported(site, commune, accepted.id, out, signed_status("01"))
        assert UNBOUND[1] in told(out)
        await bind(site, MINISTRY, "agency")
        out = tmp_path / "b.asice"
        ids = first + await exported(site, commune, accepted.id, out, signed_status("03"), changed)
        plain = await commune.post_status(status(COMMUNE, "06", sender=PROVINCE))
        assert (await province.deliveries(accepted.id))[0].business_status == "06"
    found = checks(await asyncio.to_thread(verified, out, "--anchors", str(anchors)))
    assert [found[f"receiver.{each}.signature"][1] for each in ids] == [UNBOUND[0], OTHER[0], WRONG[0]]
    assert all(words in told(out) for words in (UNBOUND[1], OTHER[1], WRONG[1]))
    assert f"receiver.{plain.id}.signature" not in found
    anew = checks(await asyncio.to_thread(verified, out, "--anchors", str(anchors), "--pdf"))
    assert anew[f"receiver.{ids[2]}.signature"] == ("INDETERMINATE", "receiver_message_signature_wrong")
