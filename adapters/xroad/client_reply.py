"""What comes back through a security server: status, headers and bytes in, an outcome or a list out. Pure.

An answer with `X-Road-Error` was made by a security server, ours or the provider's; any other was made by the
provider and passed on [PR-REST 4.6]. The error's type says where it happened (`Client`, `Server.ClientProxy`,
`Server.ServerProxy`) and what; older servers write it in camel case, newer ones in small letters with underscores.

- An error of `_OF_CHANNEL` concerns settings, rights, certificates: no document is to suffer for it, so it is
  temporary, and the channel is announced as down.
- One that concerns this very message is permanent; that list is short and closed.
- Whatever else a server reports may have happened after the provider got the document: *unknown*.

The provider answers as our own REST does: 2xx with `message_id`, or a problem with `code` and `detail`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

import msgspec

from adapters.upload import deferred, refused, unknown
from adapters.webhook_reply import redacted, seconds_of, words_of
from gateway.errors import SourceError
from gateway.model import DeliveryId, Outcome, OutcomeKind, OutgoingDelivery
from gateway.ports import Listed
from gateway.reasons import REASONS, is_temporary
from gateway.said import shortened

_REF = re.compile(r"[A-Za-z0-9._~-]{1,200}")
_SHOWN = 200
_DIGEST_BYTES = 64
#: Last part of an error's type, in small letters without underscores -> our reason: nothing reached the provider.
_OF_CHANNEL = {
    "accessdenied": "peer_credential_rejected",
    "sslauthenticationfailed": "peer_credential_rejected",
    "invalidclientidentifier": "peer_credential_rejected",
    "unknownmember": "peer_credential_rejected",
    "badrequest": "peer_error",
    "invalidrequest": "peer_error",
    "invalidprotocolversion": "peer_error",
    "invalidsecurityserver": "peer_error",
    "unknownservice": "peer_error",
    "unknownhost": "peer_error",
    "servicetype": "peer_error",
    "servicemissingurl": "peer_error",
    "servicemalformedurl": "peer_error",
    "outdatedglobalconf": "peer_error",
    "globalconfoutdated": "peer_error",
    "malformedglobalconf": "peer_error",
    "malformedserverconf": "peer_error",
    "cannotcreatesignature": "peer_error",
    "certvalidation": "peer_error",
    "tokennotactive": "peer_error",
    "servicedisabled": "peer_busy",
    "maintenancemode": "peer_busy",
}
#: The same for what concerns this very message.
_OF_MESSAGE = frozenset({"invalidbody", "missingbody", "invalidcontenttype", "invalidmessage", "mimeparsingfailed"})
_TAKEN = frozenset({200, 201, 202, 204})
_PERMANENT = {
    400: "peer_refused",
    405: "peer_refused",
    410: "peer_refused",
    411: "peer_refused",
    413: "too_large_for_peer",
    415: "peer_refused",
    422: "peer_refused",
}
_TEMPORARY = {
    401: "peer_credential_rejected",
    403: "peer_credential_rejected",
    404: "peer_error",
    408: "peer_timeout",
    409: "peer_busy",
    423: "peer_busy",
    429: "peer_busy",
    503: "peer_busy",
}


_OF_RIGHTS = frozenset({401, 403, 404})


class _Accepted(msgspec.Struct):
    message_id: str


class _Problem(msgspec.Struct):
    code: str = ""
    detail: str = ""
    title: str = ""


class _Fault(msgspec.Struct):
    type: str = ""
    message: str = ""
    detail: str = ""


class _Item(msgspec.Struct):
    id: str
    kind: Literal["document", "status"]
    sender: str = ""
    recipient: str = ""


class _Items(msgspec.Struct):
    items: list[_Item]
    more: bool = False


def read_sent(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    deliveries: Sequence[OutgoingDelivery],
    *,
    is_relay: bool,
    now: datetime,
) -> tuple[dict[DeliveryId, Outcome], bool]:
    """One outcome per delivery, and whether the provider spoke about the document itself."""
    if fault := headers.get("X-Road-Error"):
        outcome = _of_fault(fault, content)
        return {one.id: outcome for one in deliveries}, outcome.kind is OutcomeKind.REFUSED
    outcome = _of_provider(status, headers.get("Retry-After"), content, is_relay=is_relay, now=now)
    spoke = outcome.kind in {OutcomeKind.DELIVERED, OutcomeKind.RELAYED, OutcomeKind.REFUSED}
    return {one.id: outcome for one in deliveries}, spoke


def read_list(content: bytes) -> tuple[tuple[Listed, ...], bool]:
    """The entries of a list, and whether there are more behind them."""
    try:
        found = msgspec.json.decode(content, type=_Items)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError("peer_reply_invalid", redacted(f"not the agreed list: {error}", _SHOWN)) from error
    if any(not _REF.fullmatch(item.id) for item in found.items):
        raise SourceError("peer_reply_invalid", "an entry's id is empty, too long or can be no part of a path")
    if found.more and not found.items:
        raise SourceError("peer_reply_invalid", "an empty page says that there is more")
    return tuple(map(_listed, found.items)), found.more


def require_ok(status: int, headers: Mapping[str, str], content: bytes) -> None:
    """Refuse whatever is no success, with the code that says who is to mend it."""
    if fault := headers.get("X-Road-Error"):
        raise SourceError(_OF_CHANNEL.get(_last(fault), "peer_error"), _words_of_fault(fault, content))
    if status not in _TAKEN:
        code = _TEMPORARY.get(status, "peer_timeout" if status == 504 else "peer_error")  # noqa: PLR2004
        words = _words_of_problem(content, is_whole=False)
        raise SourceError(code, shortened(f"HTTP {status} {words}", _SHOWN))


def _listed(item: _Item) -> Listed:
    codes = (item.recipient[:_SHOWN],) if item.recipient else ()
    return Listed(ref=item.id, kind=item.kind, sender_code=item.sender[:_SHOWN], recipient_codes=codes)


def digest_of(header: str | None) -> bytes | None:
    """The digest in `X-Road-Request-Hash`: 64 bytes in base64 [PR-REST 4.3]; None where it is not that."""
    try:
        digest = base64.b64decode(header or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == _DIGEST_BYTES else None


def _of_fault(fault: str, content: bytes) -> Outcome:
    words, last = _words_of_fault(fault, content), _last(fault)
    if last in _OF_MESSAGE and "serverproxy.servicefailed" not in _plain(fault):
        return refused("peer_refused", words)
    if last in _OF_CHANNEL and "servicefailed" not in _plain(fault):
        return deferred(_OF_CHANNEL[last], words)
    return unknown(f"the provider may have it: {words}")


def _of_provider(status: int, retry_after: str | None, content: bytes, *, is_relay: bool, now: datetime) -> Outcome:
    if status in _TAKEN:
        try:
            ref = msgspec.json.decode(content, type=_Accepted).message_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return unknown(f"HTTP {status}, but not the agreed JSON: {_shown(content)}")
        kind = OutcomeKind.RELAYED if is_relay else OutcomeKind.DELIVERED
        return Outcome(kind=kind, peer_ref=ref if _REF.fullmatch(ref) else "")
    outcome = _of_problem(status, content) or _of_status(status, content)
    if outcome.kind is OutcomeKind.DEFERRED:
        return replace(outcome, retry_after=seconds_of(retry_after, now))
    return outcome


def _of_problem(status: int, content: bytes) -> Outcome | None:
    """By the code of a problem, where it is of our list; rights are the channel's trouble, not the document's."""
    code = _problem(content).code
    if code not in REASONS or status in _OF_RIGHTS:
        return None
    words = f"HTTP {status} {_words_of_problem(content)}"
    if is_temporary(code):
        return deferred(_TEMPORARY.get(status, "peer_busy"), words)
    return refused("too_large_for_peer" if code == "body_too_large" else "peer_refused", words)


def _of_status(status: int, content: bytes) -> Outcome:
    words = f"HTTP {status} {_words_of_problem(content)}"
    if reason := _PERMANENT.get(status):
        return refused(reason, words)
    if reason := _TEMPORARY.get(status):
        return deferred(reason, words)
    if 300 <= status < 400:  # noqa: PLR2004
        return deferred("peer_reply_invalid", f"HTTP {status}: redirects are not followed")
    return unknown(f"the provider may have it: {words}")


def _plain(fault: str) -> str:
    return fault.strip().lower().replace("_", "")


def _last(fault: str) -> str:
    return _plain(fault).rpartition(".")[2]


def _words_of_fault(fault: str, content: bytes) -> str:
    try:
        told = msgspec.json.decode(content, type=_Fault)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = _Fault()
    return redacted(" ".join(shortened(each, _SHOWN) for each in (fault, told.message, told.detail))).strip()


def _problem(content: bytes) -> _Problem:
    try:
        return msgspec.json.decode(content, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Problem()


def _words_of_problem(content: bytes, *, is_whole: bool = True) -> str:
    told = _problem(content)
    return redacted(f"{told.code} {told.detail or told.title}").strip() or _shown(content, is_whole=is_whole)


def _shown(content: bytes, *, is_whole: bool = True) -> str:
    return words_of(content, _SHOWN, is_whole=is_whole)
