"""The port of protocols that are served to peers: what a binding may ask of the gateway, whatever it speaks.

A *binding* turns its protocol's requests into calls of `Broker` and the answers into its protocol's replies. It
never decides who may do what: it hands over how the peer names itself and proves it, and gets a `Caller` that
every later call takes. What belongs to somebody else does not exist (`not_found`). Every refusal is a RefusedError
with a code of `gateway.reasons`; `refuse` turns any exception into what may be told.

The order of a request is: `visit` for all of it, `admit`, `place`, then what it wants. `accept` is the journey that
every document takes: same limits, shares, receipts and repeated answers as over REST.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

from gateway.inspection import Exchange
from gateway.model import Caller
from gateway.ports import Body

#: Lines of one answer of `sent`: of the newest messages as many as fit, and one at least.
MOST_LINES: Final = 20_000

#: `document` or `status`.
Kind = Literal["document", "status"]


class Stream(Protocol):
    """A request's body while it comes in: what of aiohttp's StreamReader is needed."""

    def read_nowait(self) -> bytes:
        """What is there already, b"" if nothing is."""
        ...

    def at_eof(self) -> bool:
        """Whether all has been read."""
        ...

    async def readany(self) -> bytes:
        """Some bytes; b"" at the end."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One request."""

    #: 32 hexadecimal digits, the one id of the whole journey.
    trace_id: str
    #: When it came.
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Who somebody says to be, and how it can be proved."""

    #: The protocol; a system id means something only in it.
    binding: str
    system_id: str
    #: Where the request comes from.
    address: str
    #: Whether a secret of that system proves it; called with each in force. Must take as long for a wrong one.
    proves: Callable[[bytes], bool]
    #: Whether the request is work for others, of which an agency has a share of its own.
    hands_in: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Handed:
    """A document or status that a peer hands in."""

    stream: Stream
    #: Its length as far as the peer said it.
    announced: int | None
    #: Whether a SHA-256 (lower-case hexadecimal) is the one that the peer signed.
    matches: Callable[[str], bool]
    #: What a client may add behind the file; left out only where the digest matches so.
    ending: bytes = b""
    status_only: bool = False
    #: What the peer calls this request, where it does.
    idempotency_key: str | None = None
    #: Recipients that the peer named beside the document; not followed, and told where they are others.
    named: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What became of it: durable, with its receipt."""

    message_id: str
    #: The same as an earlier one.
    replayed: bool
    #: The 202 of REST, JSON.
    answer: bytes
    #: Whom it goes to, where the peer named somebody beside the document (`Handed.named`).
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One entry of what waits for the caller's agencies."""

    #: The delivery's id.
    ref: str
    kind: Kind
    sender_code: str
    recipient_code: str
    document_ref: str
    number: str
    notation: str
    subject: str
    business_type: str
    priority: int
    size: int
    sha256: str
    accepted_at: datetime
    #: Whether it was handed out before.
    fetched: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingPage:
    """Entries, oldest first."""

    items: tuple[Waiting, ...]
    #: Whether there are more behind them.
    more: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SentLine:
    """One recipient of a message that the caller's agencies sent."""

    message_id: str
    delivery_id: str
    kind: Kind
    sender_code: str
    recipient_code: str
    document_ref: str
    number: str
    notation: str
    subject: str
    accepted_at: datetime
    #: A state of `gateway.states`, and since when.
    state: str
    state_at: datetime
    #: A code of `gateway.reasons` where it could not go on.
    reason: str
    detail: str
    #: The newest business status, such as 03.
    business_status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SentFilter:
    """Which of them, newest message first."""

    #: "": both.
    kind: Kind | Literal[""] = ""
    #: One message alone.
    message_id: str = ""
    #: Messages, and how many of them are passed over first.
    limit: int = 100
    skip: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogued:
    """One agency of the directory."""

    id: str
    parent_id: str
    #: The code that is valid now, and every other one.
    code: str
    codes: tuple[str, ...]
    name: str
    kind: str
    closed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """What may be told of something that went wrong."""

    #: A code of `gateway.reasons`.
    code: str
    http: int
    detail: str
    vi: str
    en: str
    #: Whether the same request may succeed later.
    temporary: bool
    #: Seconds, where temporary.
    retry_after: int
    #: The id of the credential that was proved and does not count; for operators.
    credential: str = ""


class Broker(Protocol):
    """The gateway, for bindings."""

    def visit(self) -> AbstractContextManager[Visit]:
        """One request from its head to its answer; refused while the server stops."""
        ...

    async def admit(self, claim: Claim) -> Caller:
        """Who asks, after the shares of its address and its agency."""
        ...

    def place(self, caller: Caller, body_size: int | None) -> AbstractContextManager[None]:
        """One of the agency's places; a large body, or one of unknown length, takes one of its few for such."""
        ...

    async def accept(self, caller: Caller, visit: Visit, handed: Handed) -> Taken:
        """The journey: read, checked, sealed, recorded; durable when it returns."""
        ...

    async def read(self, stream: Stream, announced: int | None, limit: int) -> bytes:
        """A small body, under the limits of time that large ones have."""
        ...

    async def waiting(self, caller: Caller, kind: Kind, limit: int, skip: int = 0) -> WaitingPage:
        """What waits; listing consumes nothing."""
        ...

    async def count(self, caller: Caller, kind: Kind) -> int:
        """How much waits."""
        ...

    async def hand_out(self, caller: Caller, ref: str) -> Body:
        """The content of one entry, marked as fetched before a byte of it leaves."""
        ...

    async def done(self, caller: Caller, ref: str) -> None:
        """The peer has it for good; repeating it is harmless."""
        ...

    async def fail(self, caller: Caller, ref: str, why: str) -> None:
        """The peer cannot use it: it waits for a person and is listed no more. Repeating it is harmless."""
        ...

    async def sent(self, caller: Caller, wanted: SentFilter) -> Sequence[SentLine]:
        """The lines of what the caller's agencies sent, at most about MOST_LINES.

        Of somebody else's message, or of none, `not_found`.
        """
        ...

    async def receives(self, caller: Caller, ref: str) -> bool:
        """Whether it is an entry, open or closed, of one of the caller's agencies."""
        ...

    def catalogue(self, after: str = "") -> AsyncIterator[Sequence[Catalogued]]:
        """The directory behind an agency's id, in pages."""
        ...

    def catalogue_version(self) -> int:
        """Changes whenever the directory does."""
        ...

    async def open_task(self, caller: Caller, kind: str, facts: dict[str, str]) -> str:
        """Something that only an operator may do; its id. The same wish again is the same task."""
        ...

    async def refuse(self, error: Exception, operation: str) -> Refusal:
        """What may be told; whoever asks too fast waits for it."""
        ...

    def notices(self) -> Mapping[str, str]:
        """Header fields that every answer to somebody who was admitted bears: planned outages, as over REST."""
        ...

    async def inspected(self, caller: Caller | None, claim: Claim, exchange: Exchange) -> None:
        """A request for the connection inspector: of `caller`, or of somebody who only named a system of ours."""
        ...

    def account(self, operation: str, *, method: str, status: int, seconds: float, address: str) -> None:
        """One line in the log, one count in the metrics."""
        ...
