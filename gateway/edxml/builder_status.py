"""Writes a status message in dialect A or B: no body, no trace headers, no attachments, no `To`.

The axis routes it by `ResponseFor/OrganId`, which holds the code of the original sender in the very form
that sender used. Codes are written with two digits and only those of the code list; 14 never.
"""

from __future__ import annotations

from gateway.edxml.builder_frame import close_envelope, open_envelope
from gateway.edxml.builder_header import format_instant, write_party, write_response_for, write_staff
from gateway.edxml.codes import STATUS_CODES
from gateway.edxml.envelope import Envelope
from gateway.edxml.markup import Markup
from gateway.edxml.profiles import Profile
from gateway.errors import RefusedError

#: The one whose reason receivers insist on.
REJECTION = "02"


def build_status(envelope: Envelope, profile: Profile) -> bytes:
    """The whole message; an envelope that no receiver could use is refused."""
    _refuse_unusable(envelope)
    markup = Markup()
    open_envelope(markup, profile)
    markup.open("edXMLHeader")
    markup.open("MessageHeader")
    write_party(markup, "From", envelope.sender, profile.dialect)
    write_response_for(markup, envelope.responses_for[0])
    if envelope.staff:
        write_staff(markup, envelope.staff, mobile_first=True)
    markup.text("StatusCode", envelope.status_code)
    markup.text("Description", envelope.status_description)
    markup.text("Timestamp", format_instant(envelope.status_at, envelope.status_at_text))
    markup.close("MessageHeader")
    markup.close("edXMLHeader")
    close_envelope(markup)
    markup.raw("</edXML>")
    return markup.take()


def _refuse_unusable(envelope: Envelope) -> None:
    if not envelope.sender.organ_id:
        raise RefusedError("sender_missing", "A status needs From/OrganId")
    if len(envelope.responses_for) != 1:
        raise RefusedError("parameter_invalid", "A status needs exactly one ResponseFor")
    if envelope.status_code not in STATUS_CODES:
        raise RefusedError("status_code_unknown", f"StatusCode {envelope.status_code!r}")
    if envelope.status_code == REJECTION and not envelope.status_description:
        raise RefusedError("status_reason_missing", "StatusCode 02 without Description")
