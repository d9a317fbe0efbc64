"""What the axis answers: HTTP status and bytes in, entries or a document out. Pure.

    {"status": "OK", "ErrorCode": "0", "ErrorDesc": "…", "data": …}

`data` is an array of entries for the list, base64 text for a document. Whatever is not of this shape raises
SourceError `peer_reply_invalid`, a list without `data` too: the vendor's SDK takes an HTML page of a proxy for "OK,
none", so that an outage looks like an empty inbox. One entry that cannot be read is set apart (`adapters.entries`).
The list of what we sent is read by `adapters.vxp.sent_reply`. A FAIL is `peer_error` with the axis's own words, or
`peer_credential_rejected` where they are about who we are.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from typing import Any, Final, Literal

import msgspec

from adapters.entries import Entry, read_entries
from adapters.webhook_reply import redacted, words_of
from gateway.errors import SourceError
from gateway.ports import Listed

#: Error codes that speak of us and not of what was asked: wrong secret or system id, a `from` that is not its own.
CREDENTIAL_CODES: Final = frozenset({"15", "19"})

#: Bytes of what stands before and behind the list of a long answer.
AROUND_MAX: Final = 64 * 1024

_DATA = re.compile(rb'"data"\s*:\s*\[')
_REF = re.compile(r"[\x21-\x7e]{1,200}")
#: Entries of a list: more than fit with the fields that an axis sends. Counted by their braces before any is read:
#: 64 MiB of `{}` would be gigabytes.
_ENTRIES = 100_000
#: Characters of a `to` that is no array.
_TO = 100_000
_SHOWN = 200
_HTTP = {
    401: "peer_credential_rejected",
    403: "peer_credential_rejected",
    408: "peer_timeout",
    429: "peer_busy",
    503: "peer_busy",
    504: "peer_timeout",
}


class _Entry(Entry):
    sender: str | None = msgspec.field(name="from", default=None)
    to: str | list[str] | None = None
    message_type: str | None = msgspec.field(name="messageType", default=None)
    created_time: str | int | None = None


class _Count(msgspec.Struct):
    count: int | str


class _Nothing(msgspec.Struct):
    words: Any = msgspec.field(name="ErrorDesc", default="")


class _Listing(msgspec.Struct):
    data: msgspec.Raw


class _Document(msgspec.Struct):
    data: str


def take_head(buffer: bytearray) -> bytes | None:
    """Cut off what stands before the list of a long answer, with its bracket; None where that is still to come."""
    found = _DATA.search(buffer)
    if (len(buffer) if found is None else found.end()) > AROUND_MAX:
        raise SourceError("peer_reply_invalid", "no list at the beginning of the answer")
    if found is None:
        return None
    head = bytes(buffer[: found.end()])
    del buffer[: found.end()]
    return head


def require_ok(status: int, content: bytes) -> None:
    """Refuse what HTTP itself calls an error."""
    if status != 200:  # noqa: PLR2004
        # as much of the answer as was read: how long it is nobody knows
        words = words_of(content, _SHOWN, before=f"HTTP {status} ", is_whole=False)
        raise SourceError(_HTTP.get(status, "peer_error"), words)


def read_list(content: bytes, kind: Literal["document", "status"]) -> tuple[Listed, ...]:
    """The entries of a list that was asked for messages of this kind."""
    _require_few(content, _ENTRIES)
    data = bytes(_data(content, _Listing).data)
    try:
        return read_entries(data, _Entry, lambda entry: _listed(entry, kind), kind=kind, most=_ENTRIES)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError("peer_reply_invalid", redacted(f"not of the agreed shape: {error}", _SHOWN)) from error


def read_document(content: bytes) -> bytes:
    """The document's bytes."""
    text = _data(content, _Document).data
    try:
        document = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SourceError("peer_reply_invalid", "the document is not base64") from error
    if not document:
        raise SourceError("peer_reply_invalid", "the document is empty")
    return document


def accept_settled(content: bytes) -> str:
    """The answer to `updateStatus`, and to whatever holds no more than that it was done: its words."""
    told: _Nothing = _data(content, _Nothing)
    return redacted(str(told.words), _SHOWN)


def read_count(content: bytes) -> int:
    """The answer to `countReceiveEdoc` and `countReceiveStatus`."""
    counted = str(_data(content, _Count).count)
    if not (counted.isascii() and counted.isdigit()):
        raise SourceError("peer_reply_invalid", "the count is no number")
    return int(counted)


def read_list_of(content: bytes) -> list[msgspec.Raw]:
    """The entries of any list, as they stand there."""
    try:
        return msgspec.json.decode(_data(content, _Listing).data, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError("peer_reply_invalid", redacted(f"not of the agreed shape: {error}", _SHOWN)) from error


def _require_few(content: bytes, most: int) -> None:
    if content.count(b"{") > most:
        raise SourceError("peer_reply_invalid", f"the list has more than {most} entries")


def _data(content: bytes, shape: type[Any]) -> Any:
    try:
        envelope = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        told = {
            name: str(msgspec.json.decode(envelope.get(name, b'""')))
            for name in ("status", "ErrorCode", "ErrorDesc")
        }
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError("peer_reply_invalid", f"not JSON: {_shown(content)}") from error
    if told["status"] != "OK" or told["ErrorCode"] not in {"0", ""}:
        if told["status"] not in {"OK", "FAIL"}:
            raise SourceError("peer_reply_invalid", f"JSON without the agreed status: {_shown(content)}")
        code = "peer_credential_rejected" if told["ErrorCode"] in CREDENTIAL_CODES else "peer_error"
        raise SourceError(code, redacted(f"{told['ErrorCode']} {told['ErrorDesc']}", _SHOWN))
    try:
        return msgspec.json.decode(content, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError("peer_reply_invalid", redacted(f"not of the agreed shape: {error}", _SHOWN)) from error


def _listed(entry: _Entry, kind: Literal["document", "status"]) -> Listed:
    ref = str(entry.doc_id)
    if not _REF.fullmatch(ref):
        raise SourceError("peer_reply_invalid", "an entry's docId is empty, too long or not printable ASCII")
    told = (entry.message_type or "").lower()
    return Listed(
        ref=ref,
        # the axis may ignore what was asked for, so its own word about the entry counts
        kind="status" if told == "status" else "document" if told else kind,
        sender_code=(entry.sender or "").strip()[:_SHOWN],
        recipient_codes=codes_of(entry.to),
        claimed_at=str(entry.created_time or "")[:_SHOWN],
    )


def codes_of(to: str | list[str] | None) -> tuple[str, ...]:
    """`to` is one code, several in one text, an array, or the text of a JSON array."""
    if isinstance(to, str) and to.lstrip().startswith("["):
        # the sender's own text: whatever is wrong with it is no reason to leave the list unread
        with contextlib.suppress(msgspec.DecodeError):
            to = [str(each) for each in msgspec.json.decode(to, type=list[str | int])]
    if isinstance(to, str):
        to = re.split(r"[;,\s]+", to[:_TO])
    return tuple(dict.fromkeys(code.strip()[:_SHOWN] for code in to or () if code.strip()))


def _shown(content: bytes) -> str:
    return words_of(content, _SHOWN)
