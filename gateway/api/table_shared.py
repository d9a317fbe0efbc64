"""What several routes declare alike: media types, request headers, reason codes."""

from __future__ import annotations

from typing import Final

from gateway.api.route import Header

XML: Final = ("application/xml", "text/xml", "application/octet-stream", "multipart/related")

KEY: Final = Header(
    name="Idempotency-Key",
    description="1 to 255 printable ASCII characters, as a quoted string or bare; the same key and body get the "
    "same answer, the same key with another body is refused.",
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    example='"8e03978e-40d5-43e8-bc93-6894a57f9324"',
)
DIGEST: Final = Header(
    name="Content-Digest",
    description="RFC 9530; checked when present (sha-256, sha-512).",
    schema={"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/]{43}=:$"},
    example="sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
)
ACCEPT: Final = (
    "sender_not_permitted",
    "idempotency_key_reused",
    "idempotency_key_in_use",
    "idempotency_key_invalid",
    "quota_exceeded",
    "xml_not_wellformed",
    "xml_encoding_invalid",
    "xml_forbidden_construct",
    "xml_limits_exceeded",
    "parser_failed",
    "not_edxml",
    "edxml_invalid",
    "sender_missing",
    "sender_unknown",
    "sender_closed",
    "disk_nearly_full",
    "seal_unavailable",
)
ADDRESS: Final = (
    "recipients_missing",
    "recipients_too_many",
    "recipient_unknown",
    "recipient_closed",
    "recipient_unreachable",
    "nothing_to_deliver",
    "sandbox_crossing",
    "attachment_missing",
    "attachment_invalid",
    "attachment_too_large",
    "attachment_bomb",
    "recipient_cannot_decrypt",
)
STATUS: Final = (
    "status_code_unknown",
    "status_reason_missing",
    "reporter_not_recipient",
    "status_document_unknown",
    "status_ambiguous",
    "status_backwards",
    "status_without_request",
    "not_found",
)
RANGE: Final = Header(
    name="Range",
    description="One range of bytes; anything else is ignored.",
    schema={"type": "string"},
    example="bytes=0-1023",
)
#: A receiver's own signature on what it says (docs/receivers.md).
SIGNED: Final = (
    Header(
        name="Signature-Input",
        description="RFC 9421; a member with the tag `gateway-receiver` must hold, others are not looked at.",
        schema={"type": "string"},
    ),
    Header(name="Signature", description="RFC 9421.", schema={"type": "string"}),
    Header(
        name="Gateway-Document-Digest",
        description="The bytes that the receiver has, as Repr-Digest of the content names them "
        "(`sha-256=:…:`); must be signed, and without a signature nobody looks at it.",
        schema={"type": "string"},
    ),
)
SIGNATURE: Final = ("receiver_signature_wrong", "receiver_key_unknown", "receiver_signature_required")
#: Answers to a reader that has it already, or some of it.
BYTES: Final = ((206, "the range asked for"), (304, "the reader has it already"))
