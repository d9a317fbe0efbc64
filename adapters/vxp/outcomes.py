"""What the answer to `sendEdoc` means, and which of the axis's own lines a document in doubt is. Pure.

OK with a `DocId` is *relayed*. A FAIL is the axis's word about this document: temporary or permanent by its code
(`_PERMANENT`, the closed list; of the axis's own codes none was ever published, so these are the provincial
platforms', and every other one is temporary). What is not JSON of the agreed shape may be a proxy's page in place
of the axis's answer, so after a whole document has gone out it is *unknown*; a few HTTP statuses say clearly that
nothing was taken.

A document in doubt is looked for by sender, recipient, notation, title and time; ids that other transmissions of
ours have are left out. A line that cannot be read wholly and may be it settles nothing. The axis writes titles
without diacritics at times, so they are compared folded. Each recipient is judged for itself, since many of them
go out in several calls.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from adapters.vxp.reply import CREDENTIAL_CODES
from adapters.vxp.sent_reply import SentLine
from adapters.webhook_reply import redacted, seconds_of, words_of
from gateway.clock import Clock
from gateway.model import DeliveryId, Outcome, OutcomeKind, Outgoing

#: Refusals for good: file invalid, recipient unknown, edXML invalid, recipient closed.
_PERMANENT = frozenset({"10", "18", "22", "23"})
#: Temporary, and about one document: the file could not be processed.
_OF_THE_DOCUMENT = frozenset({"21"})
#: How the axis says that the header `from` is not the registered system id.
_NOT_REGISTERED = "khong dung voi ma da dang ky"
_SHOWN = 300
#: Statuses by which a server says that it took nothing.
_NOTHING_TAKEN = {
    401: "peer_credential_rejected",
    403: "peer_credential_rejected",
    404: "peer_error",
    405: "peer_error",
    408: "peer_timeout",
    411: "peer_error",
    429: "peer_busy",
    431: "peer_error",
    503: "peer_busy",
}
_TOO_LARGE = 413
_OK = 200


class _Sent(msgspec.Struct):
    status: str
    code: str | int = msgspec.field(name="ErrorCode", default="")
    words: str = msgspec.field(name="ErrorDesc", default="")
    doc_id: str | int = msgspec.field(name="DocId", default="")


@dataclass(frozen=True, kw_only=True, slots=True)
class Codes:
    """Error codes of one axis beside those that are known here."""

    temporary: frozenset[str] = frozenset()
    permanent: frozenset[str] = frozenset()


def outcome_of_send(
    status: int, retry_after: str | None, content: bytes, clock: Clock, codes: Codes | None = None
) -> Outcome:
    """One outcome for every delivery of the transmission."""
    if status == _TOO_LARGE:
        return Outcome(kind=OutcomeKind.REFUSED, reason="too_large_for_peer", detail=f"HTTP {status}")
    if status in _NOTHING_TAKEN:
        wait = seconds_of(retry_after, clock.now())
        return Outcome(
            kind=OutcomeKind.DEFERRED,
            reason=_NOTHING_TAKEN[status],
            detail=_shown(status, content),
            retry_after=wait,
        )
    try:
        answer = msgspec.json.decode(content, type=_Sent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _unknown(f"all was sent, but the answer makes no sense: {_shown(status, content)}")
    if status == _OK and answer.status == "OK" and str(answer.code) in {"0", ""} and str(answer.doc_id):
        return Outcome(kind=OutcomeKind.RELAYED, peer_ref=str(answer.doc_id)[:_SHOWN])
    if answer.status == "FAIL":
        return _failed(str(answer.code), answer.words, codes or Codes())
    return _unknown(f"all was sent, but the answer makes no sense: {_shown(status, content)}")


def blames_document(outcome: Outcome) -> bool:
    """Whether the axis spoke about this very document, so that nothing is wrong with the channel."""
    if outcome.kind in {OutcomeKind.RELAYED, OutcomeKind.REFUSED}:
        return True
    return outcome.reason == "peer_error" and outcome.detail.partition(" ")[0] in _OF_THE_DOCUMENT


def _failed(code: str, words: str, codes: Codes) -> Outcome:
    detail = redacted(f"{code} {words}", _SHOWN)
    if code in CREDENTIAL_CODES or _NOT_REGISTERED in words.lower():
        return Outcome(kind=OutcomeKind.DEFERRED, reason="peer_credential_rejected", detail=detail)
    if (code in _PERMANENT or code in codes.permanent) and code not in codes.temporary:
        return Outcome(kind=OutcomeKind.REFUSED, reason="peer_refused", detail=detail)
    return Outcome(kind=OutcomeKind.DEFERRED, reason="peer_error", detail=detail)


#: Between a try and what the axis took after it: its times have whole seconds.
_LATER = timedelta(seconds=2)


class Search:
    """Looks among the axis's lines for one document that was sent since it came into doubt."""

    def __init__(
        self,
        outgoing: Outgoing,
        *,
        system_id: str,
        tolerance: timedelta,
        offset: Callable[[], timedelta],
        taken: Collection[str] = (),
    ) -> None:
        assert outgoing.doubt is not None
        self._outgoing = outgoing
        #: How far the axis's clock is off is known only once it has answered.
        self._since, self._offset = outgoing.doubt.since - tolerance, offset
        self._others = outgoing.doubt.taken.union(taken)
        self._senders = {outgoing.sender_code, system_id, ""}
        self._notation, self._title = folded(outgoing.notation), folded(outgoing.subject)
        self._refs: dict[str, dict[str, None]] = {}
        self._unread: set[str] = set()
        self._newest: datetime | None = None

    @property
    def is_current(self) -> bool:
        """Whether the list shows something that went to the axis after the last try in doubt: it does not lag."""
        assert self._outgoing.doubt is not None
        after = self._outgoing.doubt.last + self._offset() + _LATER
        return self._newest is not None and self._newest >= after

    @property
    def unread(self) -> int:
        """Lines that cannot be read and may be it."""
        return len(self._unread)

    def see(self, line: SentLine) -> None:
        """One more line; it may come twice."""
        if line.sent_at is not None and not line.unread:
            self._newest = max(self._newest or line.sent_at, line.sent_at)
        if not self._may_be(line):
            return
        if line.unread:
            self._unread.add(line.unread)
        else:
            self._refs.setdefault(line.recipient_code, {})[line.ref] = None

    def found(self) -> dict[DeliveryId, tuple[str, ...]]:
        """By delivery, the axis's ids of what may be this very document."""
        anybody = self._refs.get("", {})
        lines = self._outgoing.deliveries
        return {one.id: tuple(self._refs.get(one.recipient_code, {}) | anybody) for one in lines}

    def _may_be(self, line: SentLine) -> bool:
        """What a line does not say, or not so that it can be read, may be anything; a number is always said."""
        notation = folded(line.notation)
        return (
            line.ref not in self._others
            and line.kind == self._outgoing.kind
            and line.sender_code in self._senders
            and (notation == self._notation or bool(line.unread and not notation))
            and (not line.title or folded(line.title) == self._title)
            and (line.sent_at is None or line.sent_at >= self._since + self._offset())
        )


def folded(text: str) -> str:
    """Without diacritics, case and repeated blanks; đ (and its double Ð) as d."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "d").replace("Ð", "d"))
    kept = "".join(each for each in plain if not unicodedata.combining(each))
    return " ".join(kept.casefold().split())


def _unknown(detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown", detail=detail)


def _shown(status: int, content: bytes) -> str:
    return words_of(content, _SHOWN, before=f"HTTP {status} ")
