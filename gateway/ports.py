"""The ports that adapters fill, kept by their user: this package never imports an adapter by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, runtime_checkable

import msgspec

from gateway.clock import Clock
from gateway.model import Endpoint, Outcome, Outgoing, SendReport
from gateway.reach import Reach


class Body(Protocol):
    """The bytes to send, readable any number of times."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    @property
    def sha256(self) -> str:
        """Their SHA-256, hex."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes from the start, in pieces of at most 256 KiB."""
        ...

    async def read(self) -> bytes:
        """All of it; only for bodies known to be small."""
        ...


#: Takes the next bytes.
Write = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenFile:
    """A file that an office put beside its metadata."""

    name: str
    content_type: str
    #: Its bytes from the start, in pieces; raises SourceError when it cannot be had whole.
    chunks: Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainedFile:
    """An attachment of a message that goes out."""

    number: int
    #: Safe as a name of a file anywhere.
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What a message that goes out says, for people."""

    sender_name: str
    #: Number and notation; of a status: those of the document that it is about.
    code: str
    promulgated_on: str
    type_name: str
    subject: str
    signer: str
    due_on: str
    status_description: str
    #: DocumentId that it answers; "" for none.
    about_document: str
    #: Of a status in which the gateway itself says why something was not delivered: the code; else "".
    reason: str
    #: Of the message as it was accepted.
    sha256: str
    files: tuple[ContainedFile, ...]


class Unpacked(Protocol):
    """A decoded attachment."""

    def open(self) -> BinaryIO:
        """Its bytes from the start."""
        ...


class Workshop(Protocol):
    """What needs the directory, the ledger or the parser processes, for adapters of offices without a service.

    Each method raises RefusedError for what is wrong with what the office gave.
    """

    async def document(
        self, endpoint: Endpoint, metadata: bytes, files: Sequence[GivenFile], at: datetime, write: Write
    ) -> None:
        """Build edXML of metadata (JSON as for REST, perhaps without a sender) and files, the same every time."""
        ...

    async def status(self, endpoint: Endpoint, delivery_id: str, status: bytes, at: datetime, write: Write) -> None:
        """The office's status (JSON, as REST takes it) about a delivery that it got, as edXML."""
        ...

    async def contents(self, outgoing: Outgoing) -> Contents:
        """What a message that goes out says."""
        ...

    def attachment(
        self, outgoing: Outgoing, contents: Contents, number: int
    ) -> AbstractAsyncContextManager[Unpacked]:
        """One of its attachments, decoded; it lives as long as the context."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A protocol that peers speak to us, as its adapter declares it."""

    #: Where it begins below the public address.
    path: str
    #: Somebody we trust vouches for its peers, so that they have no secret with us.
    is_vouched: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What every adapter and every source is made with."""

    #: The folder of peers' secrets, files that only we may read.
    secrets: Path
    #: Where relative paths in a channel's settings start.
    folder: Path
    clock: Clock
    #: How long one exchange may take where the channel states nothing else.
    timeout_seconds: float = 60.0
    #: Which addresses a channel that somebody pointed at them may lead to.
    reach: Reach = field(default_factory=Reach)
    #: None where nothing is exchanged: only settings are looked at.
    workshop: Workshop | None = None


class Adapter(Protocol):
    """One way to reach a peer. `send` never raises for what the peer does: it reports an outcome per delivery."""

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        """Transmit once; the caller retries, so an adapter never does."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@runtime_checkable
class Provable(Protocol):
    """An adapter whose receivers show, before they get a document, that they want it and hold the channel's key."""

    def mark(self, endpoint: Endpoint) -> str:
        """What a proof stands for: another address or key has another mark. Raises ConfigError."""
        ...

    async def prove(self, endpoint: Endpoint, nonce: str) -> Outcome:
        """Ask for the proof once: delivered when it was given, else deferred with a reason."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A mail to one address."""

    to: str
    subject: str
    text: str
    #: The same for every try of the same mail.
    id: str
    #: Names in the return path what a bounce is about.
    token: str
    #: File name and content.
    attachment: tuple[str, bytes] | None = None


class Mailer(Protocol):
    """A mail server that takes letters; like an adapter it never raises for what the server does."""

    async def send(self, letter: Letter) -> Outcome:
        """Hand over one letter, once: delivered means that the server took it."""
        ...


class Teller(Protocol):
    """Pushes a small JSON text to a service, signed like any transmission."""

    async def tell(self, endpoint: Endpoint, key: str, content: bytes) -> Outcome:
        """Once; `key` is the same for every try of the same text."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One entry of a peer's list of what waits for us, as the peer writes it."""

    #: The peer's own id of it.
    ref: str
    kind: Literal["document", "status"]
    sender_code: str = ""
    #: Empty where the list does not say.
    recipient_codes: tuple[str, ...] = ()
    #: The peer's word for when it came; never computed with.
    claimed_at: str = ""
    #: The delivery that a status is about, where the peer names it; else the status is matched by what it says.
    about_delivery: str = ""
    #: Its beginning, where the entry cannot be read: `ref` is of our making then, and nothing can be asked by it.
    unreadable: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What became of one listed entry, for its peer."""

    #: Whether it is durably ours; False: refused for good.
    done: bool
    #: A code of `gateway.reasons` where it was refused.
    reason: str = ""
    detail: str = ""
    message_id: str = ""
    #: What REST would have answered (JSON), and the two files of the receipt.
    answer: bytes = b""
    transfer: bytes = b""
    xades: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """What an office is to read about something of its own that came to no good end, or not yet."""

    #: The same for every try of the same paper; can stand in a file's name.
    key: str
    #: A value of `gateway.states.State`; "listed" for an entry of its list that could not be taken up yet.
    state: str
    #: A code of `gateway.reasons`.
    reason: str
    detail: str = ""
    message_id: str = ""
    document_id: str = ""
    #: Number and notation.
    code: str = ""
    subject: str = ""
    #: (delivery, recipient's code) of all that it is true of.
    deliveries: tuple[tuple[str, str], ...] = ()
    #: The entry's own id, where it is about one.
    ref: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SentRecord:
    """One recipient of something that the peer says we sent."""

    #: The peer's own id of the transmission.
    ref: str
    kind: Literal["document", "status"]
    recipient_code: str
    #: Number and notation, as the peer shows them.
    notation: str
    #: By our clock, as far as it is known how far the peer's is off; None where the peer does not say.
    sent_at: datetime | None
    #: The peer could not pass it on.
    failed: bool
    words: str = ""
    #: "": all of it could be read; else what identifies the line, whose other fields may be missing.
    unreadable: str = ""


class Counterpart(Protocol):
    """A peer's own books about us, for comparing with ours. Methods raise SourceError like those of a source."""

    async def sent(self, first: date, last: date) -> Sequence[SentRecord]:
        """What it says that we sent, at least all of these days (Vietnam's)."""
        ...

    async def listed(self) -> Sequence[Listed]:
        """What waits for us."""
        ...

    async def counted(self) -> tuple[int, int]:
        """How many documents and statuses it says wait for us."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """What a peer is told of an agency of ours."""

    code: str
    name: str
    #: The code of the agency above it; "": none.
    parent_code: str = ""
    email: str = ""
    phone: str = ""
    fax: str = ""
    #: The peer's own id of it, where it has one.
    ref: str = ""


class CatalogueEditor(Protocol):
    """A peer in whose catalogue we enter agencies of ours; SourceError where it refuses or is silent."""

    async def register(self, registration: Registration) -> str:
        """Make an agency known there; the peer's answer in words."""
        ...

    async def deregister(self, code: str) -> str:
        """Take it away; the peer's answer in words."""
        ...

    def told(self, registration: Registration) -> Mapping[str, str]:
        """What `register` would say, as the peer reads it."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


class Source(Protocol):
    """A peer that keeps what is for us until we acknowledge it.

    Each method raises SourceError when the peer cannot be asked or does not answer as agreed.
    """

    async def listed(self) -> Sequence[Listed]:
        """All that waits; an answer that is not understood raises and is never an empty list."""
        ...

    async def fetch(self, ref: str, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Hand the bytes of one entry to `write`, in pieces; the peer keeps it."""
        ...

    async def settle(self, ref: str, settlement: Settlement) -> bool:
        """Tell the peer what became of the entry; False: this client cannot, and the entry stays listed."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@runtime_checkable
class Informed(Protocol):
    """A source whose office reads what is put there for it."""

    async def inform(self, paper: Paper) -> None:
        """Put it there, once however often it is tried; SourceError where that cannot be done now."""
        ...


class CatalogueEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One agency as one list of a peer's catalogue writes it. Nothing of it is checked; it is cut to be small."""

    #: Which of the peer's lists says it; an agency stands once in each.
    listing: str
    #: The peer's id of it in that list, and of the agency above it; empty: none.
    ref: str
    parent_ref: str
    code: str
    #: What else it is addressed by, in other forms or from earlier times.
    further_codes: tuple[str, ...] = ()
    name: str = ""
    email: str = ""
    #: `virtual`: a node of the peer's own, which no user is to see.
    kind: Literal["agency", "unit", "virtual"] = "agency"
    deleted: bool = False


class Catalogue(Protocol):
    """A peer that knows all agencies. Each method raises SourceError where no conclusion may be drawn."""

    async def fetch(self) -> str:
        """Bring all its lists over, whole; a digest of what came."""
        ...

    def entries(self) -> AsyncIterator[Sequence[CatalogueEntry]]:
        """What was fetched, list after list, some hundred entries at once.

        It may raise after entries were given: then none of them counts.
        """
        ...

    async def close(self) -> None:
        """Give back connections and what was fetched."""
        ...


#: A transmission may take its timeout, and beyond it as long as this many bytes a second explain.
SLOWEST_BYTES_PER_SECOND = 262_144


def allowed_seconds(endpoint: Endpoint, size: int, default: float) -> float:
    """How long one transmission of `size` bytes to `endpoint` may take, its answer included."""
    stated = endpoint.settings.get("timeout_seconds")
    seconds = float(stated) if isinstance(stated, int | float) and stated > 0 else default
    return seconds + size / SLOWEST_BYTES_PER_SECOND
