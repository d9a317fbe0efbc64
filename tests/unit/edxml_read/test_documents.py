"""What the vectors do not show: limits, rare forms, and combinations."""

from __future__ import annotations

import base64

import pytest

from gateway.edxml.envelope import BusinessType, Dialect, MessageKind
from tests.unit.edxml_read.samples import (
    PDF,
    attachment,
    business,
    document,
    parse,
    reference,
    rules,
    status,
)


def test_more_recipients_than_the_limit_are_refused() -> None:
    """The number of `To` is bounded, and the envelope still tells them."""
    extra = "".join(f"<To><OrganId>H33.{number}</OrganId></To>" for number in range(3))
    message = parse(document(header=extra), max_recipients=3)
    assert message.report.refusal == "recipients_too_many"
    assert message.report.envelope is not None
    assert len(message.report.envelope.recipients) == 4


def test_more_attachments_than_the_limit_are_refused() -> None:
    """The number of attachments is bounded."""
    message = parse(document(attachments=attachment(PDF) * 4), max_attachments=3)
    assert message.report.refusal == "attachments_too_many"


def test_attachment_over_the_limit_is_refused() -> None:
    """Decoded bytes count."""
    assert (
        parse(document(attachments=attachment(PDF)), max_attachment_bytes=50).report.refusal
        == "attachment_too_large"
    )


def test_attachments_over_the_total_are_refused() -> None:
    """Each within its limit, together beyond theirs."""
    message = parse(document(attachments=attachment(PDF) * 3), max_total_attachment_bytes=2 * len(PDF))
    assert message.report.refusal == "attachment_too_large"


def test_header_over_the_limit_is_refused() -> None:
    """Text outside attachments is bounded, wherever it stands."""
    big = f"<Subject>{'x' * 2000}</Subject>"
    assert parse(document(header=big), max_header_bytes=2000).report.refusal == "xml_limits_exceeded"
    assert parse(document(header=f'<Subject a="{"x" * 2000}"/>'), max_header_bytes=2000).report.refusal == (
        "xml_limits_exceeded"
    )


def test_attachment_text_does_not_count_as_header() -> None:
    """A large attachment fits a small header limit."""
    message = parse(document(attachments=attachment(b"x" * 100_000)), max_header_bytes=2000)
    assert message.report.refusal == ""


def test_a_million_empty_elements_are_refused() -> None:
    """An element costs something even without text."""
    assert parse(document(header="<a/>" * 200_000)).report.refusal == "xml_limits_exceeded"


def test_encoded_text_outside_an_attachment_is_passed_over() -> None:
    """It enters no tree and is told."""
    message = parse(document(tail="<ContentTransferEncoded>AAAA</ContentTransferEncoded>"))
    assert "EDX-ATT-09" in rules(message)


def test_element_inside_encoded_text_is_refused() -> None:
    """An xop:Include has no bytes for us."""
    message = parse(document(attachments=attachment('<Include href="cid:1"/>')))
    assert message.report.refusal == "attachment_invalid"


def test_empty_attachment_is_refused() -> None:
    """A file of no bytes was lost on the way."""
    assert parse(document(attachments=attachment(b""))).report.refusal == "attachment_invalid"


def test_attachment_without_its_text_is_missing() -> None:
    """The element alone is no file."""
    assert parse(document(attachments="<Attachment/>")).report.refusal == "attachment_missing"


def test_references_pair_by_id_then_name_then_position() -> None:
    """The three rungs of the ladder in one message."""
    message = parse(
        document(
            manifest=reference("x", "third.pdf") + reference("b", "b.pdf") + reference("q", "a.pdf"),
            attachments=attachment(PDF, content_id="9", name="")
            + attachment(PDF, content_id="cid:b", name="other.pdf")
            + attachment(PDF, content_id="7", name="a.pdf"),
        )
    )
    envelope = message.report.envelope
    assert envelope is not None
    assert message.report.refusal == ""
    assert [one.name for one in envelope.attachments] == ["third.pdf", "other.pdf", "a.pdf"]
    assert rules(message).count("EDX-ATT-07") == 2


def test_attachment_not_in_the_manifest_is_kept_and_told() -> None:
    """Nothing that arrived is dropped."""
    message = parse(document(attachments=attachment(PDF)))
    assert message.report.envelope is not None
    assert len(message.report.envelope.attachments) == 1
    assert rules(message) == ["EDX-ATT-06"]


def test_findings_are_bounded() -> None:
    """A hostile file does not make a report larger than itself."""
    message = parse(document(header="<To><OrganId>000.00.00.G22</OrganId></To>" * 1500))
    assert len(message.report.findings) <= 200


def test_real_xml_signature_is_told_apart_from_decoration() -> None:
    """Only the XMLDSig namespace is a signature."""
    signature = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'
    assert "EDX-SIG-02" in rules(parse(document(tail=signature)))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("00", BusinessType.NEW),
        ("03", BusinessType.REPLACEMENT),
        ("44", BusinessType.RECALL),
        ("9", BusinessType.NEW),
    ],
)
def test_business_type_is_read_from_odd_numbers(text: str, kind: BusinessType) -> None:
    """Leading zeros, a local number and an unknown one; the text is kept."""
    envelope = parse(document(traces=business(text))).report.envelope
    assert envelope is not None
    assert (envelope.business.type, envelope.business.type_text) == (kind, text)


def test_unknown_or_missing_business_type_is_told() -> None:
    """Both read as a new document, never in silence."""
    assert "EDX-BUS-01" in rules(parse(document(traces=business("9"))))
    assert "EDX-BUS-03" in rules(parse(document(traces="<TraceHeader/>")))


def test_status_keeps_the_written_code_for_echoing() -> None:
    """`status_code` is normalised, `status_code_text` is not."""
    envelope = parse(status(" 003 ")).report.envelope
    assert envelope is not None
    assert (envelope.kind, envelope.status_code, envelope.status_code_text) == (MessageKind.STATUS, "03", "003")


def test_response_code_in_two_parts_is_joined() -> None:
    """Some writers use the document's Code structure."""
    answer = "<Code><CodeNumber>125</CodeNumber><CodeNotation>UBND-VP</CodeNotation></Code>"
    envelope = parse(status("01", answer=answer)).report.envelope
    assert envelope is not None
    assert envelope.responses_for[0].code == "125/UBND-VP"


def test_texts_are_normalised_and_pieces_joined() -> None:
    """Entities, CDATA and comments split a text for the parser only; NFD becomes NFC."""
    header = "<Subject> V/v ký &amp; gửi <![CDATA[a<b]]><!-- c --> hết </Subject>"
    envelope = parse(document(header=header)).report.envelope
    assert envelope is not None
    assert envelope.subject == "V/v ký & gửi a<b hết"


def test_wrapped_message_is_not_unwrapped_twice() -> None:
    """A message in a message in a message is no message."""
    inner = base64.b64encode(b"<message>" + base64.b64encode(status("01")) + b"</message>").decode()
    assert parse(f"<message>{inner}</message>".encode()).report.refusal == "not_edxml"


def test_wrapped_document_is_dialect_of_what_is_inside() -> None:
    """The wrapper says nothing about the dialect."""
    data = f"<message><body>{base64.b64encode(document()).decode()}</body></message>".encode()
    envelope = parse(data).report.envelope
    assert envelope is not None
    assert (envelope.kind, envelope.dialect) == (MessageKind.DOCUMENT, Dialect.A)


@pytest.mark.parametrize("uri", ["not a uri", "http://[", "::::", "%zz"])
def test_namespace_that_is_no_uri_is_survived(uri: str) -> None:
    """libxml2 lets it through and lxml's tree does not; the message is read all the same."""
    data = document(header=f'<v:Extra xmlns:v="{uri}" v:a="1">x</v:Extra>')
    envelope = parse(data).report.envelope
    assert envelope is not None
    assert envelope.extensions == (("Extra", "x"),)


def test_name_that_only_an_undeclared_prefix_makes_legal_is_survived() -> None:
    """`v:0` passes libxml2 as a name, `0` is none."""
    envelope = parse(document(header="<v:0>x</v:0>")).report.envelope
    assert envelope is not None
    assert envelope.extensions == (("0", "x"),)
