"""The written bytes: order, namespaces, escaping, refusals, attachments."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Self, cast

import pytest
from lxml import etree

from gateway.edxml.builder import build_status, write_document
from gateway.edxml.envelope import (
    Business,
    BusinessType,
    Dialect,
    Envelope,
    Receiver,
    Replacement,
)
from gateway.edxml.profiles import PROFILE_A, PROFILE_B, Profile
from gateway.errors import RefusedError
from tests.unit.edxml_write.samples import DOCUMENT, PDF, PROVINCE, STATUS, attachment

VECTORS = Path(__file__).parent / "vectors"
NS = "{http://www.mic.gov.vn/TBT/QCVN_102_2016}"


def attributes(element: etree._Element) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in element.items()]


def outline(data: bytes) -> list[tuple[str | None, str, list[tuple[str, str]], str]]:
    """Prefix, name, attributes and text of every element in document order, payloads left out."""
    lines: list[tuple[str | None, str, list[tuple[str, str]], str]] = []
    for element in etree.fromstring(data).iter("*"):
        name = etree.QName(element).localname
        text = "" if name == "ContentTransferEncoded" else (element.text or "").strip()
        lines.append((element.prefix, name, attributes(element), text))
    return lines


def built(envelope: Envelope, profile: Profile = PROFILE_A, *, files: int = 1) -> bytes:
    out = io.BytesIO()
    written = write_document(out, envelope, [attachment()] * files, profile)
    assert written.sha256 == hashlib.sha256(out.getvalue()).hexdigest()
    assert written.size == len(out.getvalue())
    return out.getvalue()


def names(data: bytes, parent: str) -> list[str]:
    element = next(etree.fromstring(data).iter(f"{NS}{parent}"))
    return [etree.QName(child).localname for child in element.iterchildren("*")]


def payload(data: bytes) -> bytes:
    return base64.b64decode(etree.fromstring(data).findtext(f".//{NS}ContentTransferEncoded") or "")


def test_document_in_dialect_a_has_the_elements_of_the_vector_in_its_order() -> None:
    """A document is written as the vendor's builder writes it, prefix for prefix."""
    assert outline(built(DOCUMENT)) == outline((VECTORS / "document-a.xml").read_bytes())


def test_status_in_dialect_a_has_the_elements_of_the_vector_in_its_order() -> None:
    """A status is written as the vendor's builder writes it, without To, body and trace headers."""
    assert outline(build_status(STATUS, PROFILE_A)) == outline((VECTORS / "status-a.xml").read_bytes())


def test_document_in_dialect_b_carries_its_attributes() -> None:
    """Dialect B has schema-instance namespaces, trace attributes, xlink references, an empty signature."""
    root = etree.fromstring(built(DOCUMENT, PROFILE_B))
    assert root.nsmap["xsi"] == "http://www.w3.org/2001/XMLSchema-instance"
    trace = next(root.iter(f"{NS}TraceHeaderList"))
    assert len(trace.attrib["id"]) == 8
    assert trace.attrib["actor"] == "http://schemas.xmlsoap.org/soap/actor/next"
    reference = next(root.iter(f"{NS}Reference"))
    assert attributes(reference) == [
        ("{http://www.w3.org/1999/xlink}href", "cid:0f7b5c1e-0000-4000-8000-000000000001"),
        ("{http://www.w3.org/1999/xlink}role", "XLinkRole"),
        ("{http://www.w3.org/1999/xlink}type", "simple"),
    ]
    assert root.findtext(f".//{NS}DigitalSignature") == ""
    assert root.findtext(f".//{NS}Attachment/{NS}ContentId") == "0f7b5c1e-0000-4000-8000-000000000001"
    assert root.findtext(f".//{NS}Attachment/{NS}ContentType") == "application/pdf"


def test_dialect_b_leaves_out_contact_data_that_is_empty_and_a_writes_it() -> None:
    """Old checkers of dialect A demand presence; B's writers omit what they do not know."""
    bare = replace(DOCUMENT, sender=replace(PROVINCE, fax="", organ_add=""), content="")
    assert "Fax" in names(built(bare), "From")
    assert "Fax" not in names(built(bare, PROFILE_B), "From")
    assert "Content" in names(built(bare), "MessageHeader")
    assert "Content" not in names(built(bare, PROFILE_B), "MessageHeader")


def test_attachment_in_dialect_a_is_a_zip_with_one_file_under_its_name() -> None:
    """Dialect A transports each file in a ZIP of its own."""
    with zipfile.ZipFile(io.BytesIO(payload(built(DOCUMENT)))) as archive:
        assert archive.namelist() == ["312-UBND-NC.pdf"]
        assert archive.read("312-UBND-NC.pdf") == PDF


@pytest.mark.parametrize("size", [0, 1, 2, 3, 49151, 49152, 49153, 200_001])
def test_raw_attachment_of_any_size_comes_back_byte_for_byte(size: int) -> None:
    """Chunks of base64 join without padding in between."""
    data = bytes(range(256)) * (size // 256 + 1)
    out = io.BytesIO()
    write_document(out, DOCUMENT, [attachment(data[:size])], PROFILE_B)
    assert payload(out.getvalue()) == data[:size]


class _Dribble(io.BytesIO):
    """A stream that gives fewer bytes than asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 7))


def test_stream_with_short_reads_is_encoded_whole() -> None:
    """A source need not fill each read."""
    source = replace(attachment(), open=lambda: _Dribble(PDF))
    out = io.BytesIO()
    write_document(out, DOCUMENT, [source], PROFILE_B)
    assert payload(out.getvalue()) == PDF


@pytest.mark.parametrize(
    ("name", "content_type", "wrapped"),
    [
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", False),
        ("a.zip", "application/octet-stream", False),
        ("a.zip", "application/zip", True),
        ("a.kmz", "application/vnd.google-earth.kmz", True),
    ],
)
def test_raw_file_that_readers_would_unzip_is_wrapped(name: str, content_type: str, *, wrapped: bool) -> None:
    """A receiver that follows the algorithm gets the ZIP itself, not its first entry."""
    data = b"PK\x03\x04 not really an archive"
    out = io.BytesIO()
    write_document(out, DOCUMENT, [attachment(data, name, content_type)], PROFILE_B)
    assert (payload(out.getvalue()) != data) is wrapped
    if wrapped:
        with zipfile.ZipFile(io.BytesIO(payload(out.getvalue()))) as archive:
            assert archive.read(name) == data


@pytest.mark.parametrize("profile", [PROFILE_A, PROFILE_B])
def test_same_input_gives_the_same_bytes(profile: Profile) -> None:
    """With ids given nothing depends on time or chance."""
    assert built(DOCUMENT, profile) == built(DOCUMENT, profile)


def test_attachment_without_id_gets_one_that_manifest_and_payload_share() -> None:
    """A missing id is made up once and used in both places."""
    out = io.BytesIO()
    write_document(out, DOCUMENT, [replace(attachment(), content_id="")], PROFILE_A)
    root = etree.fromstring(out.getvalue())
    ids = [element.text or "" for element in root.iter(f"{NS}ContentId")]
    assert len(ids) == 2
    assert ids[0] == ids[1]
    assert len(ids[0]) == len("cid:") + 36


class _Endless:
    """Gives many megabytes without holding them, and takes any without keeping them."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int) -> bytes:
        taken = min(size, self._left)
        self._left -= taken
        return os.urandom(taken)

    def write(self, data: bytes) -> int:
        return len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("profile", [PROFILE_A, PROFILE_B])
def test_large_attachment_is_never_whole_in_memory(profile: Profile) -> None:
    """Twenty megabytes are written with a few at most held at once."""
    size = 20 * 1024 * 1024
    source = replace(attachment(), open=lambda: cast("BinaryIO", _Endless(size)))
    tracemalloc.start()
    try:
        written = write_document(cast("BinaryIO", _Endless(0)), DOCUMENT, [source], profile)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written.size > size
    assert peak < 4 * 1024 * 1024


def test_document_without_attachments_has_no_encoded_block() -> None:
    """AttachmentEncoded is absent, the manifest is empty."""
    data = built(DOCUMENT, files=0)
    assert b"AttachmentEncoded" not in data
    assert names(data, "edXMLManifest") == []


def test_update_writes_what_changed_before_the_staff() -> None:
    """Type 2 names the document and the changed receivers, in the order of the vendor's builder."""
    business = Business(
        type=BusinessType.UPDATE,
        reason="Cập nhật",
        document_id=DOCUMENT.document_id,
        document_changed=True,
        receivers=(Receiver(organ_id="000.05.21.H33", receiver_type="1"),),
        staff=DOCUMENT.business.staff,
    )
    data = built(replace(DOCUMENT, business=business))
    assert names(data, "Bussiness") == [
        "DocumentId", "BussinessDocType", "BussinessDocReason", "Paper", "BussinessDocumentInfo", "StaffInfo",
    ]  # fmt: skip
    assert names(data, "BussinessDocumentInfo") == ["DocumentInfo", "DocumentReceiver", "ReceiverList"]
    assert names(data, "Receiver") == ["OrganId", "ReceiverType"]


def test_replacement_lists_the_replaced_documents_and_their_receivers() -> None:
    """Type 3 carries ReplacementInfoList."""
    replaced = Replacement(document_id="000.00.00.H33,2018/01/02,5/UBND", organ_ids=("000.05.21.H33",))
    business = Business(type=BusinessType.REPLACEMENT, type_text="3", replacements=(replaced,))
    data = built(replace(DOCUMENT, business=business))
    assert names(data, "ReplacementInfo") == ["DocumentId", "OrganIdList"]


def test_recall_writes_each_response_for_between_other_info_and_steering_type() -> None:
    """Type 1 says which document it recalls."""
    business = Business(type=BusinessType.RECALL, reason="Thu hồi")
    data = built(replace(DOCUMENT, business=business, responses_for=STATUS.responses_for * 2))
    header = names(data, "MessageHeader")
    assert header[header.index("OtherInfo") : header.index("ToPlaces")] == [
        "OtherInfo", "ResponseFor", "ResponseFor", "SteeringType",
    ]  # fmt: skip


def test_unreadable_date_goes_out_as_it_came() -> None:
    """A date that does not exist is not dropped on the way."""
    odd = replace(DOCUMENT, promulgation_date=None, promulgation_date_text="2014/02/30")
    assert b"<edXML:PromulgationDate>2014/02/30</edXML:PromulgationDate>" in built(odd)


@pytest.mark.parametrize("bad", ["a\x00b", "a\x1fb", "\ud800", "\ufffe"])
def test_character_that_xml_cannot_carry_is_refused_before_anything_is_written(bad: str) -> None:
    """The refusal names the element."""
    out = io.BytesIO()
    with pytest.raises(RefusedError, match="Subject") as caught:
        write_document(out, replace(DOCUMENT, subject=bad), [attachment()], PROFILE_A)
    assert caught.value.code == "parameter_invalid"
    assert out.getvalue() == b""


def test_bad_attachment_name_is_refused_before_anything_is_written() -> None:
    """Names of attachments are checked with the rest of the texts."""
    out = io.BytesIO()
    with pytest.raises(RefusedError, match="parameter_invalid"):
        write_document(out, DOCUMENT, [attachment(name="a\x07.pdf")], PROFILE_A)
    assert out.getvalue() == b""


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        (replace(DOCUMENT, sender=replace(PROVINCE, organ_id="")), "sender_missing"),
        (replace(DOCUMENT, recipients=()), "recipients_missing"),
    ],
)
def test_document_nobody_could_route_is_refused(envelope: Envelope, code: str) -> None:
    """A document needs a sender and a recipient."""
    with pytest.raises(RefusedError) as caught:
        built(envelope)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        (replace(STATUS, sender=replace(PROVINCE, organ_id="")), "sender_missing"),
        (replace(STATUS, responses_for=()), "parameter_invalid"),
        (replace(STATUS, status_code="14"), "status_code_unknown"),
        (replace(STATUS, status_code="1"), "status_code_unknown"),
        (replace(STATUS, status_description=""), "status_reason_missing"),
    ],
)
def test_status_nobody_could_use_is_refused(envelope: Envelope, code: str) -> None:
    """A status needs reporter, document, a listed code, and a reason when it refuses."""
    with pytest.raises(RefusedError) as caught:
        build_status(envelope, PROFILE_B)
    assert caught.value.code == code


@pytest.mark.parametrize("dialect", [Dialect.C, Dialect.D])
def test_profile_of_a_dialect_that_is_only_read_is_an_error(dialect: Dialect) -> None:
    """There is no writer for C and D."""
    with pytest.raises(ValueError, match="only read"):
        Profile(dialect=dialect)
