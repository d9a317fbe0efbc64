"""Bytes that a fuzzer would be long in finding, by what it fuzzes."""

from __future__ import annotations

from typing import Final

XML: Final = (
    b"<ds:Signature ",
    b"<ds:SignedInfo>",
    b'<ds:Reference URI="">',
    b'<ds:Transform Algorithm="',
    b'Id="',
    b"<!--",
    b"<![CDATA[",
    b"<!DOCTYPE a [",
    b"<?x ?>",
    b"&#x0;",
    b'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"',
    b"http://www.w3.org/2001/10/xml-exc-c14n#",
    b"http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    b"</ds:Object>",
    b"<xades:SignedProperties ",
    b'xml:id="',
)
EDXML: Final = (
    b"<edXML:MessageHeader>",
    b"<edXML:To>",
    b"<edXML:Attachment>",
    b"<ContentTransferEncoded>",
    b"UEsDBBQ",
    b"<message>",
    b"Content-Type: multipart/related; boundary=x\r\n",
    b"\r\n--x\r\n",
    b"<Status>",
    b"<soap:Envelope ",
    b"&amp;",
    b"<?xml ",
    b"\xff\xfe<\x00",
    b"cid:",
    b"<edXML:Business>",
)
PDF: Final = (
    b"/ByteRange [",
    b"/Contents <",
    b"/SubFilter /ETSI.CAdES.detached",
    b"/Type /Sig",
    b"/Prev ",
    b"xref\n",
    b"startxref\n",
    b"trailer\n",
    b"/Kids [",
    b"/Parent ",
    b"/ObjStm",
    b"/XRef",
    b"/DSS <<",
    b"/Encrypt ",
    b"/Length ",
    b" 0 R",
    b"endobj\n",
    b"/AcroForm <<",
    b"/Fields [",
    b"/Filter /FlateDecode",
)
ZIP: Final = (
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"mimetype",
    b"evidence/leaves/1.json",
    b"evidence/bundle.json",
    b"evidence/absence.json",
    b"META-INF/signatures-export.xml",
    b"../",
    b"messages/01900000-0000-7000-8000-000000000001.edxml",
)
ARCHIVE: Final = (
    b'{"index":3,"hash":"',
    b'","leaf":{',
    b'"facts":{"number":1,',
    b'"kind":"log.restamped"',
    b'"before":["',
    b'"until":9223372036854775807',
    b"null",
    b"[[[[",
)
RECEIVERS: Final = (
    b'signature-input: a=("@method" "@path");created=',
    b"signature: a=:",
    b';keyid="',
    b'"base":"',
    b"\\n",
)
