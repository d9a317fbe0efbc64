"""What a webhook's answer means: HTTP status and body in, one outcome per delivery out. Pure.

- 200, 201, 202, 204 with an empty body: everything arrived (or was relayed, by a relay).
- The same with JSON `{"deliveries": [{"id", "outcome", "reason", "reference", "retryAfter"}]}`: what it says.
  A delivery it does not mention, or mentions with two different outcomes, is not confirmed; a relay's word that
  something is delivered counts as relayed, since only the recipient can confirm an arrival.
- The same with anything else (a login page, say): not confirmed, `peer_reply_invalid`.
- 400, 405, 411, 413, 415 and 422 are permanent; this list is closed. All else is temporary: 429 and 503
  `peer_busy`, 408 and 504 `peer_timeout`, 401 and 403 `peer_credential_rejected`, a redirect
  `peer_reply_invalid`, the rest `peer_error`. `Retry-After` is read in both of its forms.
- 410 speaks about the address, not about the document: `endpoint_gone`. What waits goes on waiting, and the
  receiver must be verified again.

What the peer wrote is shown to operators cut short and without what looks like a secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import msgspec

from gateway.model import DeliveryId, Outcome, OutcomeKind, OutgoingDelivery
from gateway.said import LONGEST, shortened

#: The longest answer that is read.
REPLY_BYTES_MAX = 65_536

_TAKEN = frozenset({200, 201, 202, 204})
_PERMANENT = {
    400: "peer_refused",
    405: "peer_refused",
    411: "peer_refused",
    413: "too_large_for_peer",
    415: "peer_refused",
    422: "peer_refused",
}
_TEMPORARY = {
    401: "peer_credential_rejected",
    403: "peer_credential_rejected",
    408: "peer_timeout",
    410: "endpoint_gone",
    429: "peer_busy",
    503: "peer_busy",
    504: "peer_timeout",
}
#: Characters of what a peer says in which secrets are looked for.
_LOOKED_AT = 8 * LONGEST
_SECRETS = re.compile(
    r"(?i)\b(?:token|secret|password|passwd|api[-_]?key|authorization|signature|cookie)\b[\"']?\s*[:=]\s*"
    r"(?:(?:bearer|basic)\s+)?\S+"
    r"|\b(?:bearer|basic)\s+\S+"
    r"|[A-Za-z0-9+/_=]{32,}"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class _Line(msgspec.Struct, rename="camel"):
    id: str
    outcome: Literal["delivered", "relayed", "deferred", "refused"]
    reason: str = ""
    reference: str = ""
    retry_after: float | None = None


class _Reply(msgspec.Struct):
    deliveries: list[_Line]


_decoder = msgspec.json.Decoder(_Reply)


def redacted(text: str, most: int = LONGEST) -> str:
    """One line of at most so many characters without what looks like a secret; it says where it is cut."""
    return shortened(_plain(text), most, is_cut=len(text) > _LOOKED_AT)


def words_of(content: bytes, most: int = LONGEST, *, before: str = "", is_whole: bool = True) -> str:
    """The same of an answer, with how long it was; not `is_whole`: nobody knows."""
    text = before + content[:_LOOKED_AT].decode("utf-8", "replace")
    size = min(len(content), REPLY_BYTES_MAX) if is_whole else None
    return shortened(
        _plain(text),
        most,
        size=size,
        or_more=len(content) > REPLY_BYTES_MAX,  # no more of it is read
        is_cut=len(content) > _LOOKED_AT,
    )


def _plain(text: str) -> str:
    return _SECRETS.sub("[…]", _CONTROL.sub(" ", text[:_LOOKED_AT])).strip()


def read_reply(
    status: int,
    retry_after: str | None,
    content: bytes,
    deliveries: Sequence[OutgoingDelivery],
    *,
    is_relay: bool,
    now: datetime,
) -> tuple[dict[DeliveryId, Outcome], bool]:
    """One outcome per delivery, and whether the peer spoke about each of them."""
    if status not in _TAKEN:
        return _all(deliveries, _of_status(status, retry_after, content, now)), False
    if not content.strip():
        kind = OutcomeKind.RELAYED if is_relay else OutcomeKind.DELIVERED
        return _all(deliveries, Outcome(kind=kind)), True
    if len(content) > REPLY_BYTES_MAX:
        return _all(deliveries, _invalid(f"HTTP {status} with more than {REPLY_BYTES_MAX} bytes")), False
    try:
        reply = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = redacted(f"HTTP {status} whose content is not the agreed JSON: {error}")
        return _all(deliveries, _invalid(detail)), False
    said = _said(reply, is_relay=is_relay)
    missing = _invalid("the answer does not mention this delivery, or contradicts itself about it")
    return {one.id: said.get(one.id) or missing for one in deliveries}, True


def outcome_of_status(status: int, retry_after: str | None, content: bytes, now: datetime) -> Outcome:
    """What a status alone says, where nothing is to be read from the answer."""
    return (
        Outcome(kind=OutcomeKind.DELIVERED) if status in _TAKEN else _of_status(status, retry_after, content, now)
    )


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """`Retry-After` as seconds from `now`; None when absent or senseless."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:  # noqa: PLR2004
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())


def _said(reply: _Reply, *, is_relay: bool) -> dict[str, Outcome | None]:
    said: dict[str, Outcome | None] = {}
    for line in reply.deliveries:
        outcome = _of_line(line, is_relay=is_relay)
        said[line.id] = outcome if said.get(line.id, outcome) == outcome else None
    return said


def _of_line(line: _Line, *, is_relay: bool) -> Outcome:
    kind = OutcomeKind(line.outcome)
    if kind in {OutcomeKind.DELIVERED, OutcomeKind.RELAYED}:
        if is_relay:
            kind = OutcomeKind.RELAYED
        return Outcome(kind=kind, peer_ref=_CONTROL.sub(" ", line.reference)[:LONGEST])
    detail = redacted(line.reason)
    if kind is OutcomeKind.REFUSED:
        return Outcome(kind=kind, reason="peer_refused", detail=detail)
    wait = line.retry_after if line.retry_after is not None and math.isfinite(line.retry_after) else None
    return Outcome(kind=kind, reason="peer_busy", detail=detail, retry_after=wait)


def _of_status(status: int, retry_after: str | None, content: bytes, now: datetime) -> Outcome:
    detail = words_of(content, before=f"HTTP {status} ")
    if reason := _PERMANENT.get(status):
        return Outcome(kind=OutcomeKind.REFUSED, reason=reason, detail=detail)
    if 300 <= status < 400:  # noqa: PLR2004
        return _invalid(f"HTTP {status}: redirects are not followed")
    if status < 300:  # noqa: PLR2004
        return _invalid(f"HTTP {status} is not an answer to a delivery")
    return Outcome(
        kind=OutcomeKind.DEFERRED,
        reason=_TEMPORARY.get(status, "peer_error"),
        detail=detail,
        retry_after=seconds_of(retry_after, now),
    )


def _invalid(detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.DEFERRED, reason="peer_reply_invalid", detail=detail)


def _all(deliveries: Sequence[OutgoingDelivery], outcome: Outcome) -> dict[DeliveryId, Outcome]:
    return {one.id: outcome for one in deliveries}
