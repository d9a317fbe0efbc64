"""A body on its way to a peer over HTTP, its answer, and what it means that none came.

`Upload` streams a `Body` between a fixed beginning and a fixed end, with the length of all three stated, so that
nothing is sent chunked and memory does not grow with the body. It knows whether the peer may have the whole of it.
`of_error` turns a broken exchange into an outcome by how far we came: not connected, `connect_failed`; part of it
written, `connection_lost` or `peer_timeout`; all of it written, *unknown*, since the peer may have taken it.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncGenerator, Iterator
from typing import NoReturn

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_writer import StreamWriter
from aiohttp.payload import Payload

from adapters.webhook_reply import redacted
from gateway.errors import SourceError, StorageError
from gateway.model import Outcome, OutcomeKind, Outgoing, SendReport
from gateway.ports import Body

_PIECE = 256 * 1024


class Upload(Payload):
    """The beginning, the body, the end; made anew for each time that it is sent."""

    def __init__(self, body: Body, *, media_type: str, beginning: bytes = b"", end: bytes = b"") -> None:
        super().__init__(body, content_type=media_type)
        self._size = len(beginning) + body.size + len(end)
        self._body, self._beginning, self._end = body, beginning, end
        self.has_begun = False
        self.is_complete = False
        self.trouble: StorageError | None = None
        #: Facts about the connection, for the attempt's row.
        self.peer: dict[str, object] = {}

    async def write(self, writer: AbstractStreamWriter) -> None:
        """All of it."""
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:  # noqa: ARG002
        """All of it: the length was stated by us."""
        if isinstance(writer, StreamWriter) and writer.transport is not None:
            self.peer = dict(_peer_of(writer.transport.get_extra_info))
        self.has_begun = True
        try:
            if self._beginning:
                await writer.write(self._beginning)
            async for chunk in self._body.chunks():
                await writer.write(chunk)
            if self._end:
                await writer.write(self._end)
        except StorageError as error:
            self.trouble = error
            raise
        self.is_complete = True

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> NoReturn:  # noqa: ARG002
        """Never."""
        raise TypeError("an upload is never read back")


async def head_of(body: Body) -> bytes:
    """The first bytes, by which the media type is told."""
    pieces = body.chunks()
    try:
        return await anext(pieces, b"")
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


async def read_answer(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The whole answer; one that is longer than `most` bytes is broken off and raises ClientPayloadError."""
    content = bytearray()
    async for chunk in response.content.iter_chunked(_PIECE):
        content += chunk
        if len(content) > most:
            response.close()
            raise aiohttp.ClientPayloadError(f"the answer is longer than {most} bytes")
    return bytes(content)


def of_error(error: Exception, upload: Upload, allowed: float) -> Outcome:
    """What no answer means, by how far we came; `allowed` is how many seconds it might have taken."""
    if upload.trouble is not None:
        return deferred("storage_unavailable", type(upload.trouble).__name__)
    if isinstance(error, aiohttp.ClientSSLError) or _is_alert(error):
        return deferred("peer_tls_failed", _words(error))
    if not upload.has_begun:
        return deferred("connect_failed", _words(error))
    is_late = isinstance(error, TimeoutError)
    if not upload.is_complete:
        return deferred("peer_timeout" if is_late else "connection_lost", _words(error))
    why = f"no answer within {allowed:.0f} s" if is_late else _words(error)
    return unknown(f"all was sent, but the answer did not come: {why}")


def source_error(error: Exception) -> SourceError:
    """The same for a call that carries no document."""
    words = _words(error)
    if isinstance(error, aiohttp.ClientSSLError) or _is_alert(error):
        return SourceError("peer_tls_failed", words)
    if isinstance(error, TimeoutError):
        return SourceError("peer_timeout", words)
    if isinstance(error, aiohttp.ClientConnectorError):
        return SourceError("connect_failed", words)
    return SourceError("connection_lost", words)


def deferred(reason: str, detail: str) -> Outcome:
    """Failed for now."""
    return Outcome(kind=OutcomeKind.DEFERRED, reason=reason, detail=redacted(detail))


def refused(reason: str, detail: str) -> Outcome:
    """Failed for good."""
    return Outcome(kind=OutcomeKind.REFUSED, reason=reason, detail=redacted(detail))


def unknown(detail: str) -> Outcome:
    """The peer may have it."""
    return Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown", detail=redacted(detail))


def report_all(
    outgoing: Outgoing, outcome: Outcome, peer: dict[str, object], *, answered: bool = False
) -> SendReport:
    """The same outcome for every delivery."""
    return SendReport(outcomes={one.id: outcome for one in outgoing.deliveries}, peer=peer, answered=answered)


def _is_alert(error: BaseException | None) -> bool:
    """Whether the peer broke off by a TLS alert, as it does when it does not take our certificate."""
    while error is not None:
        if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
            return True
        error = error.__cause__ or error.__context__
    return False


def _words(error: Exception) -> str:
    return redacted(f"{type(error).__name__}: {error}")


def _peer_of(extra: object) -> Iterator[tuple[str, object]]:
    assert callable(extra)
    address = extra("peername")
    if isinstance(address, tuple):
        yield "address", f"{address[0]}:{address[1]}"
    tls = extra("ssl_object")
    if isinstance(tls, ssl.SSLObject):
        yield "tls_version", tls.version()
        if certificate := tls.getpeercert(binary_form=True):
            yield "certificate_sha256", hashlib.sha256(certificate).hexdigest()
