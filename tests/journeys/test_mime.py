"""SOAP with attachments, as systems from before the regulation send it, through the whole gateway."""

from __future__ import annotations

import base64
import re

import aiohttp

from gateway.edxml.envelope import Dialect
from gateway.edxml.mime import media_type_of
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation
from tests.journeys.messages import document
from tests.journeys.receiver import Receiver
from tests.journeys.test_journey import reaches
from tests.unit.edxml_read.samples import parse

PDF = b"%PDF-1.4\nmot trang\r\n--Boundary of nothing\r\n%%EOF\n"


def mime(recipient: str) -> bytes:
    """The usual document, its attachment moved into a MIME part of its own."""
    whole = document(PROVINCE, [recipient])
    envelope = re.sub(rb"<AttachmentEncoded>.*</AttachmentEncoded>", b"", whole, flags=re.DOTALL)
    return (
        b"--Boundary\r\nContent-Type: text/xml; charset=utf-8\r\n\r\n"
        + envelope
        + b"\r\n--Boundary\r\nContent-ID: <f1>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(PDF)
        + b"\r\n--Boundary--\r\n"
    )


async def post(installation: Installation, body: bytes) -> str:
    """Submits it under its own media type, as such a system would; the id of the message."""
    assert installation.app is not None
    context = client_tls_context(installation.pki.anchors(TrustPurpose.TLS))
    headers = {
        "Authorization": f"Bearer {installation.tokens[PROVINCE]}",
        "Content-Type": 'multipart/related; type="text/xml"; boundary="Boundary"',
    }
    url = f"https://localhost:{installation.app.port}/api/v1/documents"
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=body, headers=headers, ssl=context) as response:
            answer = await response.json()
            assert response.status == 202, answer
        async with session.get(f"{url}/{answer['id']}/content", headers=headers, ssl=context) as response:
            assert response.headers["Content-Type"] == media_type_of(body)
        return str(answer["id"])


async def test_attachment_in_a_mime_part_reaches_its_reader(installation: Installation) -> None:
    """Bytes arrive as they came, the attachment comes out decoded, and the seal calls the document what it is."""
    sent = mime(COMMUNE)
    message_id = await post(installation, sent)
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        item = (await commune.inbox(wait=5)).items[0]
        assert await commune.content(item.id) == sent
        assert await commune.attachment(item.id, 1) == PDF
        (told,) = (await commune.item(item.id)).attachments
        assert (told.name, told.size) == ("125.pdf", len(PDF))
        _, xades = await province.receipt(message_id)
        assert b"<xades:MimeType>multipart/related<" in xades


async def test_peer_that_reads_dialect_a_gets_a_rendition_with_the_attachment(
    installation: Installation, receiver: Receiver
) -> None:
    """What a modern system cannot read is written anew for it, nothing lost."""
    await installation.reads_dialect("pushed", "A")
    message_id = await post(installation, mime(PUSHED))
    async with installation.client(PROVINCE) as province:
        await reaches(province, message_id, PUSHED, "delivered")
    envelope = parse(receiver.came[-1].body).report.envelope
    assert envelope is not None
    assert (envelope.dialect, envelope.media_type) == (Dialect.A, "")
    assert [(one.name, one.size) for one in envelope.attachments] == [("125.pdf", len(PDF))]
