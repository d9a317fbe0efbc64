"""One body on its way to a webhook: how far it came, and what that means where no answer came.

Not connected: `connect_failed`; part of the body written: `connection_lost` or `peer_timeout`; all of it written:
*unknown*, since the receiver may have it. Our own trouble in reading the body is our own trouble.
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

from adapters.webhook_channel import ForbiddenAddressError
from adapters.webhook_reply import REPLY_BYTES_MAX, redacted
from gateway.errors import StorageError
from gateway.model import Outcome, OutcomeKind
from gateway.ports import Body


class Transmission(Payload):
    """The body: knows how much of it was handed to the connection, and which connection that is."""

    def __init__(self, body: Body, content: bytes | None, media_type: str) -> None:
        super().__init__(body, content_type=media_type)
        self._size = body.size
        self._body = body
        self._content = content
        self.has_begun = False
        self.is_complete = False
        self.trouble: StorageError | None = None
        self.peer: dict[str, object] = {}

    async def write(self, writer: AbstractStreamWriter) -> None:
        """As aiohttp once called it."""
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:  # noqa: ARG002
        """Write all of it."""
        if isinstance(writer, StreamWriter) and writer.transport is not None:
            self.peer = dict(_peer_of(writer.transport.get_extra_info))
        self.has_begun = True
        try:
            if self._content is not None:
                await writer.write(self._content)
            else:
                async for chunk in self._body.chunks():
                    await writer.write(chunk)
        except StorageError as error:
            self.trouble = error
            raise
        self.is_complete = True

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> NoReturn:  # noqa: ARG002
        """Nobody asks for it."""
        raise TypeError("a transmission is never read back")


async def head_of(body: Body, content: bytes | None) -> bytes:
    """The first bytes, by which the media type is told."""
    if content is not None:
        return content
    pieces = body.chunks()
    try:
        return await anext(pieces, b"")
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


async def read_answer(response: aiohttp.ClientResponse) -> bytes:
    """At most one byte more than an answer may have; what was cut off is told only if the status needs it."""
    content = bytearray()
    try:
        while len(content) <= REPLY_BYTES_MAX and (chunk := await response.content.readany()):
            content += chunk
    except (aiohttp.ClientError, OSError, TimeoutError):
        if response.status < 300:  # noqa: PLR2004  # the content is the answer there
            raise
    if len(content) > REPLY_BYTES_MAX:
        response.close()
        del content[REPLY_BYTES_MAX + 1 :]
    return bytes(content)


def of_error(error: Exception, transmission: Transmission, allowed: float) -> Outcome:
    """What no answer means, by how far we came."""
    if transmission.trouble is not None:
        return failed("storage_unavailable", type(transmission.trouble).__name__)
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ForbiddenAddressError):
        return failed("target_not_allowed", str(error.os_error.strerror))
    if isinstance(error, aiohttp.ClientSSLError) or _is_alert(error):
        return failed("peer_tls_failed", words_of(error))
    if not transmission.has_begun:
        return failed("connect_failed", words_of(error))
    is_late = isinstance(error, TimeoutError)
    if not transmission.is_complete:
        return failed("peer_timeout" if is_late else "connection_lost", words_of(error))
    why = f"no answer within {allowed:.0f} s" if is_late else words_of(error)
    detail = redacted(f"all was sent, but the answer did not come: {why}")
    return Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown", detail=detail)


def failed(reason: str, detail: str) -> Outcome:
    """A temporary failure."""
    return Outcome(kind=OutcomeKind.DEFERRED, reason=reason, detail=redacted(detail))


def words_of(error: Exception) -> str:
    """An error as operators may read it."""
    return redacted(f"{type(error).__name__}: {error}")


def _is_alert(error: BaseException | None) -> bool:
    """Whether the peer broke off by a TLS alert, as it does when it does not take our certificate."""
    while error is not None:
        if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
            return True
        error = error.__cause__ or error.__context__
    return False


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
