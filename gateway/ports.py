"""The ports that adapters fill, kept by their user: this package never imports an adapter by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from gateway.clock import Clock
from gateway.model import Endpoint, Outgoing, SendReport


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
    #: Of the message as it was accepted.
    sha256: str
    files: tuple[ContainedFile, ...]


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

    def attachment(self, outgoing: Outgoing, contents: Contents, number: int) -> AbstractAsyncContextManager[Path]:
        """One of its attachments, decoded, in a file that lives as long as the context."""
        ...


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


#: A transmission may take its timeout, and beyond it as long as this many bytes a second explain.
SLOWEST_BYTES_PER_SECOND = 262_144


def allowed_seconds(endpoint: Endpoint, size: int, default: float) -> float:
    """How long one transmission of `size` bytes to `endpoint` may take, its answer included."""
    stated = endpoint.settings.get("timeout_seconds")
    seconds = float(stated) if isinstance(stated, int | float) and stated > 0 else default
    return seconds + size / SLOWEST_BYTES_PER_SECOND
