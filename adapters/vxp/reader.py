"""The axis as a `Source` that can only look: list and get.

Settings of the endpoint: `source_url` (https; plain http on loopback with `allow_plain`), `source_system_id`,
`source_secret_file` (a bare name in the secrets folder, mode 0600), `source_anchors_file` (CAs of the axis; absent:
the system's). Anything wrong there raises ConfigError with a sentence for the operator. Files are read again when
they change.

`getEdoc` wraps a document in JSON, which has to be in memory as a whole; one whose answer is longer than
REPLY_BYTES_MAX is fetched by `downloadEdoc`, in pieces. That one answers with bare bytes, so what looks like a page
or an error in JSON is refused there.

It does NOT acknowledge: `settle` says so, and `wire.Operation` has no way to ask for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

import aiohttp
from yarl import URL

from adapters.vxp.reply import read_document, read_list, require_ok
from adapters.vxp.wire import Operation, headers_of
from adapters.webhook_channel import Contexts, Secrets, Target, open_session
from adapters.webhook_names import Names
from adapters.webhook_reply import redacted
from gateway.errors import ConfigError, SourceError
from gateway.model import Endpoint
from gateway.ports import Listed, Settlement, Surroundings

#: The longest answer that is taken into memory.
REPLY_BYTES_MAX: Final = 16 * 1024 * 1024

_CONNECT_SECONDS = 10.0
_CONNECTIONS = 2
_PIECE = 256 * 1024
_ERROR_BYTES = 4096
_KINDS: tuple[tuple[str, Literal["document", "status"]], ...] = (("edoc", "document"), ("status", "status"))
#: How a page or an error in JSON begins, and edXML does not.
_NO_DOCUMENT = (b"{", b"[", b"<!doctype html", b"<html")

Write = Callable[[bytes], Awaitable[None]]


class VxpReader:
    """Looks at one system id's list."""

    def __init__(
        self,
        endpoint: Endpoint,
        surroundings: Surroundings,
        *,
        reply_bytes_max: int = REPLY_BYTES_MAX,
    ) -> None:
        self._target, self._system_id = _settings(endpoint, surroundings.folder)
        self._secrets, self._clock = Secrets(surroundings.secrets), surroundings.clock
        seconds = surroundings.timeout_seconds
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=min(_CONNECT_SECONDS, seconds), sock_read=seconds
        )
        self._most = reply_bytes_max
        self._contexts = Contexts()
        self._names = Names()
        self._session: aiohttp.ClientSession | None = None
        self._context = self._contexts.of(self._target)

    async def listed(self) -> tuple[Listed, ...]:
        """Documents and statuses that wait."""
        found: dict[str, Listed] = {}
        for message_type, kind in _KINDS:
            parameters = {"servicetype": "eDoc", "messagetype": message_type}
            content = await self._answer(Operation.LIST_RECEIVED, parameters)
            if content is None:
                raise SourceError("peer_reply_invalid", f"the list is longer than {self._most} bytes")
            for item in read_list(content, kind):
                found.setdefault(item.ref, item)
        return tuple(found.values())

    async def fetch(self, ref: str, write: Write) -> None:
        """The document's bytes."""
        content = await self._answer(Operation.GET, {"docId": ref})
        if content is not None:
            await write(read_document(content))
            return
        async with self._call(Operation.DOWNLOAD, {"docId": ref}) as response:
            await _pass_on(response, write)

    async def settle(self, ref: str, settlement: Settlement) -> bool:  # noqa: ARG002
        """Never: this client only looks."""
        return False

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _answer(self, operation: Operation, parameters: dict[str, str]) -> bytes | None:
        """A whole answer; None when it is longer than we take into memory."""
        async with self._call(operation, parameters) as response:
            content = bytearray()
            async for chunk in response.content.iter_chunked(_PIECE):
                content += chunk
                if len(content) > self._most:
                    response.close()
                    return None
            return bytes(content)

    @asynccontextmanager
    async def _call(
        self, operation: Operation, parameters: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        session = await self._open()
        try:
            headers = headers_of(
                operation,
                parameters,
                system_id=self._system_id,
                secret=self._secrets.read(self._target.secret_file),
                now=self._clock.now(),
            )
            async with session.request(
                operation.method,
                self._target.url / operation.path,
                headers=headers,
                data=operation.body,
                allow_redirects=False,
                timeout=self._timeout,
            ) as response:
                if response.status != 200:  # noqa: PLR2004
                    require_ok(response.status, await response.content.read(_ERROR_BYTES))
                yield response
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _of_error(error) from error
        except ValueError as error:
            raise SourceError("peer_reply_invalid", redacted(str(error))) from error

    async def _open(self) -> aiohttp.ClientSession:
        context = self._contexts.of(self._target)
        if self._session is None or context is not self._context:
            await self.close()
            self._context = context
            self._session = open_session(self._target, context, _CONNECTIONS, self._names)
        return self._session


async def _pass_on(response: aiohttp.ClientResponse, write: Write) -> None:
    """Bare bytes, unless their beginning shows that they are no document."""
    empty = True
    async for chunk in response.content.iter_chunked(_PIECE):
        if empty and chunk.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_NO_DOCUMENT):
            raise SourceError("peer_reply_invalid", "a page or an error came instead of the document")
        empty = False
        await write(chunk)
    if empty:
        raise SourceError("peer_reply_invalid", "the document is empty")


def _of_error(error: Exception) -> SourceError:
    words = redacted(f"{type(error).__name__}: {error}")
    if isinstance(error, aiohttp.ClientSSLError):
        return SourceError("peer_tls_failed", words)
    if isinstance(error, TimeoutError):
        return SourceError("peer_timeout", words)
    if isinstance(error, aiohttp.ClientConnectorError):
        return SourceError("connect_failed", words)
    return SourceError("connection_lost", words)


def _settings(endpoint: Endpoint, folder: Path) -> tuple[Target, str]:
    url = URL(_text(endpoint, "source_url"))
    plain = url.scheme == "http" and endpoint.settings.get("allow_plain") is True and url.host == "localhost"
    if not (url.scheme == "https" or plain) or url.host is None or url.user or url.password or url.query_string:
        raise ConfigError("the source's url is https://host/path, without name, password or query")
    anchors = endpoint.settings.get("source_anchors_file")
    target = Target(
        url=url,
        secret_file=_text(endpoint, "source_secret_file"),
        anchors=folder / str(anchors) if anchors else None,
        certificate=None,
        key=None,
        allow_internal=True,
    )
    return target, _text(endpoint, "source_system_id")


def _text(endpoint: Endpoint, name: str) -> str:
    value = endpoint.settings.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"the channel {endpoint.name} has no {name}")
    return value
