"""What the facade answers: HTTP status and bytes in, an outcome, entries or a document out. Pure.

    {"success": true, "message": "…", "docId": "…"}                                       send
    {"success": true, "message": "…", "data": …}                                          everything else
    {"success": false, "message": "…", "data": {"docId", "status", "errorCode", "errorDesc"}}

`errorCode` may be a number or a text, and may stand outside `data`; its values are in `_CODES`. What is not
JSON, or JSON of another shape, is an outage: a list that cannot be read raises, and is never an empty one. One
entry of it that cannot be read is set apart (`adapters.entries`).
After a whole document was sent, such an answer leaves it *unknown*: a proxy's page says nothing about what the
facade did.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from adapters.entries import Entry, read_entries
from adapters.upload import deferred, refused, unknown
from adapters.webhook_reply import redacted, words_of
from gateway.errors import SourceError
from gateway.model import DeliveryId, Outcome, OutcomeKind, OutgoingDelivery
from gateway.ports import Listed

_REF = re.compile(r"[\x21-\x7e]{1,200}")
_SHOWN = 200
#: Entries of one list: more than fit with the fields that a facade sends.
_ENTRIES = 400_000
#: errorCode -> our reason. Of these, 20 and 21 are the facade's own troubles, which may pass; 15 is ours to mend.
_CODES = {
    10: "peer_refused",
    15: "peer_credential_rejected",
    18: "recipient_unknown",
    19: "sender_unknown",
    20: "peer_error",
    21: "peer_error",
    22: "peer_refused",
    23: "recipient_closed",
}
_OF_FACADE = frozenset({20, 21})
_TEMPORARY = _OF_FACADE | {15}
#: Codes about a recipient.
_OF_RECIPIENT = frozenset({18, 23})
#: HTTP statuses that say that nothing was taken.
_NOT_TAKEN = {
    400: "peer_error",
    401: "peer_credential_rejected",
    403: "peer_credential_rejected",
    404: "peer_error",
    408: "peer_timeout",
    411: "peer_error",
    413: "too_large_for_peer",
    429: "peer_busy",
    503: "peer_busy",
}
_OF_CALL = _NOT_TAKEN | {413: "peer_error", 504: "peer_timeout"}


class _Envelope(msgspec.Struct):
    success: bool
    message: str | None = None
    doc_id: str | int | None = msgspec.field(name="docId", default=None)
    error_code: str | int | None = msgspec.field(name="errorCode", default=None)
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Data(msgspec.Struct):
    token: str | None = None
    doc_id: str | int | None = msgspec.field(name="docId", default=None)
    error_code: str | int | None = msgspec.field(name="errorCode", default=None)
    error_desc: str | None = msgspec.field(name="errorDesc", default=None)


class _Entry(Entry):
    sender: str | None = msgspec.field(name="from", default=None)
    to: str | list[str] | None = None
    message_type: str | None = msgspec.field(name="messageType", default=None)
    created_time: str | int | None = msgspec.field(name="createdTime", default=None)
    status: str | int | None = None


class _Attachment(msgspec.Struct):
    file_name: str | None = msgspec.field(name="fileName", default=None)
    file_content: str | None = msgspec.field(name="fileContent", default=None)


class _Document(msgspec.Struct):
    attachments: list[_Attachment] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """What the facade says when it does not do what it was asked."""

    #: None: it gave none.
    code: int | None
    words: str


def read_token(status: int, content: bytes) -> str:
    """The login's token."""
    envelope = _envelope(content)
    if envelope is not None and not envelope.success and status < 500:  # noqa: PLR2004
        refusal = _refusal(envelope)
        own = refusal.code in _OF_FACADE
        raise SourceError("peer_error" if own else "peer_credential_rejected", refusal.words)
    data = _required(status, content)
    try:
        token = msgspec.json.decode(data, type=_Data).token
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _senseless(content) from error
    if not token:
        raise SourceError("peer_reply_invalid", "the login's answer holds no token")
    return token


def read_sent(
    status: int, content: bytes, deliveries: Sequence[OutgoingDelivery], *, is_relay: bool
) -> tuple[dict[DeliveryId, Outcome], bool]:
    """One outcome per delivery, and whether the facade spoke about the document itself."""
    envelope = _envelope(content)
    if envelope is None or (status >= 300 and envelope.success):  # noqa: PLR2004
        return _all(deliveries, _without_sense(status, content)), False
    if envelope.success:
        ref = str(_first(envelope.doc_id, _data(envelope).doc_id) or "")
        kind = OutcomeKind.RELAYED if is_relay else OutcomeKind.DELIVERED
        return _all(deliveries, Outcome(kind=kind, peer_ref=ref if _REF.fullmatch(ref) else "")), True
    refusal = _refusal(envelope)
    if refusal.code == 0:
        return _all(deliveries, unknown(f"the answer contradicts itself: {refusal.words}")), False
    reason = _CODES.get(-1 if refusal.code is None else refusal.code)
    if reason is None or refusal.code in _TEMPORARY:
        return _all(deliveries, deferred(_temporary(reason, status), refusal.words)), False
    if refusal.code in _OF_RECIPIENT:
        return _of_recipient(deliveries, reason, refusal.words), True
    return _all(deliveries, refused(reason, refusal.words)), True


def read_list(
    status: int, content: bytes, kind: Literal["document", "status"], settled: frozenset[str]
) -> tuple[Listed, ...]:
    """The entries that wait; `settled` are the statuses of those that do not."""
    require_few(content, _ENTRIES)

    def listed(entry: _Entry) -> Listed | None:
        waits = str(entry.status or "").strip().lower() not in settled
        return _listed(entry, kind) if waits else None

    data = bytes(_required(status, content))
    try:
        return read_entries(data, _Entry, listed, kind=kind, most=_ENTRIES)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _senseless(content) from error


def read_attached(status: int, content: bytes) -> bytes:
    """The only attached edXML of an answer that holds no other."""
    try:
        document = msgspec.json.decode(_required(status, content), type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _senseless(b"") from error  # it may be a document, which is no business of logs
    attached = [one for one in document.attachments or () if _is_edxml(one.file_name)]
    if len(attached) != 1:
        raise SourceError("peer_reply_invalid", "the answer holds no edXML, or several")
    return _bytes_of(attached[0].file_content or "")


def require_done(status: int, content: bytes) -> None:
    """Refuse what is no confirmation."""
    _required(status, content)


def require_data(status: int, content: bytes) -> msgspec.Raw:
    """What a success holds; everything else raises."""
    return _required(status, content)


def is_unauthorised(status: int) -> bool:
    """Whether the token was turned away, and nothing else was looked at."""
    return status == 401  # noqa: PLR2004


def _required(status: int, content: bytes) -> msgspec.Raw:
    """The `data` of a success; everything else raises."""
    envelope = _envelope(content)
    if envelope is None:
        if status == 200:  # noqa: PLR2004
            raise _senseless(content)
        raise SourceError(_OF_CALL.get(status, "peer_error"), f"HTTP {status} {_shown(content)}")
    if not envelope.success:
        refusal = _refusal(envelope)
        code = "peer_credential_rejected" if refusal.code == 15 else _OF_CALL.get(status, "peer_error")  # noqa: PLR2004
        raise SourceError(code, refusal.words)
    if status != 200:  # noqa: PLR2004
        raise _senseless(content)
    return envelope.data


def _envelope(content: bytes) -> _Envelope | None:
    try:
        return msgspec.json.decode(content, type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _data(envelope: _Envelope) -> _Data:
    try:
        return msgspec.json.decode(envelope.data, type=_Data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Data()  # it may be null or a list: then it says nothing about an error


def _refusal(envelope: _Envelope) -> Refusal:
    data = _data(envelope)
    told = str(_first(data.error_code, envelope.error_code) or "").strip()
    if envelope.error_code == 0 or data.error_code == 0:
        told = "0"
    code = int(told) if told.isascii() and told.isdecimal() and len(told) < 6 else None  # noqa: PLR2004
    words = " ".join(word for word in (told, envelope.message or "", data.error_desc or "") if word)
    return Refusal(code=code, words=redacted(words, _SHOWN) or "no reason given")


def _first(*values: str | int | None) -> str | int | None:
    return next((value for value in values if value not in {None, ""}), None)


def _temporary(reason: str | None, status: int) -> str:
    return reason or _OF_CALL.get(status, "peer_error")


def _without_sense(status: int, content: bytes) -> Outcome:
    words = f"HTTP {status} {_shown(content)}"
    reason = _NOT_TAKEN.get(status)
    if reason == "too_large_for_peer":
        return refused(reason, words)
    if reason is not None:
        return deferred(reason, words)
    if 300 <= status < 400:  # noqa: PLR2004
        return deferred("peer_reply_invalid", f"HTTP {status}: redirects are not followed")
    return unknown(f"all was sent, but the answer makes no sense: {words}")


def _of_recipient(deliveries: Sequence[OutgoingDelivery], reason: str, words: str) -> dict[DeliveryId, Outcome]:
    """Whom the facade names does not exist or is locked; for the others the document was not taken, either."""
    named = {one.id for one in deliveries if one.recipient_code and one.recipient_code in words}
    meant = named or {one.id for one in deliveries}
    return {one.id: refused(reason if one.id in meant else "peer_refused", words) for one in deliveries}


def _listed(entry: _Entry, kind: Literal["document", "status"]) -> Listed:
    ref = str(entry.doc_id)
    if not _REF.fullmatch(ref):
        raise SourceError("peer_reply_invalid", "an entry's docId is empty, too long or not printable ASCII")
    told = (entry.message_type or "").strip().lower()
    to = entry.to if isinstance(entry.to, list) else re.split(r"[;,\s]+", entry.to or "")
    return Listed(
        ref=ref,
        kind="status" if told == "status" else "document" if told else kind,
        sender_code=(entry.sender or "").strip()[:_SHOWN],
        recipient_codes=tuple(dict.fromkeys(code.strip()[:_SHOWN] for code in to if code.strip())),
        claimed_at=str(entry.created_time or "")[:_SHOWN],
    )


def _bytes_of(text: str) -> bytes:
    try:
        is_xml = text.lstrip().startswith(("<", "\ufeff"))
        found = text.encode() if is_xml else base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:  # the latter for half a surrogate pair
        raise SourceError("peer_reply_invalid", "the document is neither XML nor base64") from error
    if not found:
        raise SourceError("peer_reply_invalid", "the document is empty")
    return found


def _is_edxml(name: str | None) -> bool:
    return (name or "").lower().endswith((".edxml", ".xml"))


def require_few(content: bytes, most: int) -> None:
    """Refuse a list of more entries by their braces, before any is read: small ones would fill the memory."""
    if content.count(b"{") > most:
        raise SourceError("peer_reply_invalid", f"the list has more than {most} entries")


def _senseless(content: bytes) -> SourceError:
    return SourceError("peer_reply_invalid", f"not the agreed JSON: {_shown(content)}")


def _shown(content: bytes) -> str:
    return words_of(content, _SHOWN)


def _all(deliveries: Sequence[OutgoingDelivery], outcome: Outcome) -> dict[DeliveryId, Outcome]:
    return {one.id: outcome for one in deliveries}
