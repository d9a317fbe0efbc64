"""One system id at one axis: its settings, its connections, and one signed call after the other.

Settings of a channel: `url`, `system_id`, `secret_file` (a bare name in the secrets folder, mode 0600), and as with
webhooks `anchors_file`, `certificate_file` and `key_file`, `timeout_seconds`. `allow_plain` is for plain HTTP: true
on loopback, else the private address itself that the url names, of a network that protects what goes over it. A
channel of another kind that is only looked at states them with `source_` before each (decision 16).

Every call has headers of its own and the time of this call. Redirects are never followed, cookies never kept. What
goes wrong between us raises SourceError with a reason of the closed list; what the axis answers is judged in
`adapters.vxp.reply`. Wrong settings raise ConfigError with a sentence for the operator.
"""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
from yarl import URL

from adapters.upload import source_error
from adapters.vxp.reply import require_ok
from adapters.vxp.wire import Act, Look, Operation, headers_of
from adapters.webhook_channel import Contexts, Secrets, Target, open_session
from adapters.webhook_names import Names
from adapters.webhook_reply import redacted
from gateway.errors import ConfigError, SourceError
from gateway.model import Endpoint
from gateway.ports import Surroundings

#: The longest answer that is taken into memory.
REPLY_BYTES_MAX: Final = 16 * 1024 * 1024

_HALF_SECOND = timedelta(seconds=0.5)
_CONNECT_SECONDS = 10.0
_PIECE = 256 * 1024
_ERROR_BYTES = 4096


@dataclass(kw_only=True, slots=True)
class _Pool:
    """Connections made with certain files; what is under way ends first when these change."""

    context: ssl.SSLContext
    session: aiohttp.ClientSession
    users: int = 0
    is_retired: bool = False

    async def retire(self) -> None:
        self.is_retired = True
        await self.end_use(0)

    async def end_use(self, users: int = 1) -> None:
        self.users -= users
        if self.is_retired and self.users == 0:
            await self.session.close()


class Looking:
    """Calls that change nothing at the axis."""

    def __init__(
        self, endpoint: Endpoint, surroundings: Surroundings, *, prefix: str = "", connections: int = 8
    ) -> None:
        self._target, self.system_id = _settings(endpoint, surroundings, prefix)
        self._secrets, self._clock = Secrets(surroundings.secrets), surroundings.clock
        self.seconds = _seconds(endpoint, prefix, surroundings.timeout_seconds)
        self._connections = connections
        self._contexts, self._names = Contexts(), Names()
        self._contexts.of(self._target)  # files that cannot be loaded are told at once
        self._pool: _Pool | None = None
        #: The axis's clock minus ours, as its last answer said; None before one did.
        self.clock_offset: timedelta | None = None

    async def look(self, operation: Look, parameters: Mapping[str, str], *, most: int = REPLY_BYTES_MAX) -> bytes:
        """A whole answer; SourceError when it is longer than `most`."""
        content = await self.look_up_to(operation, parameters, most)
        if content is None:
            raise SourceError("peer_reply_invalid", f"the answer is longer than {most} bytes")
        return content

    async def look_up_to(self, operation: Look, parameters: Mapping[str, str], most: int) -> bytes | None:
        """A whole answer; None when it is longer than `most`."""
        async with self.opened(operation, parameters) as response:
            return await _read(response, most)

    @asynccontextmanager
    async def opened(self, operation: Look, parameters: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer with HTTP 200 whose body is still to be read."""
        try:
            async with self._call(operation, parameters, operation.body, self._patience()) as response:
                if response.status != 200:  # noqa: PLR2004
                    require_ok(response.status, await response.content.read(_ERROR_BYTES))
                yield response
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise source_error(error) from error

    async def close(self) -> None:
        """Close the connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.session.close()

    async def retire(self) -> None:
        """Close them once what is under way has ended."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.retire()

    def _patience(self) -> aiohttp.ClientTimeout:
        """A long answer may take its time, as long as some of it comes."""
        return aiohttp.ClientTimeout(
            total=None, sock_connect=min(_CONNECT_SECONDS, self.seconds), sock_read=self.seconds
        )

    @asynccontextmanager
    async def _call(
        self, operation: Operation, parameters: Mapping[str, str], body: Any, patience: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            headers = headers_of(
                operation,
                parameters,
                system_id=self.system_id,
                secret=self._secrets.read(self._target.secret_file),
                now=self._clock.now(),
            )
        except ValueError as error:
            raise SourceError("peer_reply_invalid", redacted(str(error))) from error
        pool = await self._open()
        pool.users += 1
        try:
            async with pool.session.request(
                operation.method,
                self._target.url / operation.path,
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=patience,
            ) as response:
                self._compare_clocks(response.headers.get("Date", ""))
                yield response
        finally:
            await pool.end_use()

    def _compare_clocks(self, told: str) -> None:
        """By the header `Date`, which names whole seconds; an answer without one changes nothing."""
        with contextlib.suppress(ValueError, OverflowError):
            at = parsedate_to_datetime(told)
            if at.tzinfo is not None:
                self.clock_offset = at + _HALF_SECOND - self._clock.now()

    async def _open(self) -> _Pool:
        context, known = self._contexts.of(self._target), self._pool
        if known is not None and known.context is context:
            return known
        session = open_session(self._target, context, self._connections, self._names)
        self._pool = made = _Pool(context=context, session=session)
        if known is not None:
            await known.retire()
        return made


class Acting(Looking):
    """Calls that also change something."""

    async def act(self, operation: Act, parameters: Mapping[str, str], body: bytes | None = None) -> bytes:
        """A whole answer with HTTP 200."""
        sent = operation.body if body is None else body
        try:
            async with self._call(operation, parameters, sent, self._patience()) as response:
                content = await _read(response, REPLY_BYTES_MAX)
                require_ok(response.status, (content or b"")[:_ERROR_BYTES])
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise source_error(error) from error
        if content is None:
            raise SourceError("peer_reply_invalid", f"the answer is longer than {REPLY_BYTES_MAX} bytes")
        return content

    async def transmit(
        self, parameters: Mapping[str, str], upload: Any, seconds: float
    ) -> tuple[int, str | None, bytes]:
        """Send a file: HTTP status, Retry-After and answer; what breaks raises as aiohttp has it."""
        timeout = aiohttp.ClientTimeout(
            total=seconds, sock_connect=min(_CONNECT_SECONDS, seconds), sock_read=seconds
        )
        async with self._call(Act.SEND, parameters, upload, timeout) as response:
            content = await _read(response, REPLY_BYTES_MAX)
            return response.status, response.headers.get("Retry-After"), content or b""


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes | None:
    content = bytearray()
    async for chunk in response.content.iter_chunked(_PIECE):
        content += chunk
        if len(content) > most:
            response.close()
            return None
    return bytes(content)


def _settings(endpoint: Endpoint, surroundings: Surroundings, prefix: str) -> tuple[Target, str]:
    url = URL(_text(endpoint, f"{prefix}url"))
    plain = url.scheme == "http" and _may_be_plain(url.host or "", endpoint.settings.get("allow_plain"))
    if not (url.scheme == "https" or plain) or url.host is None or url.user or url.password or url.query_string:
        raise ConfigError(f"the channel's {prefix}url is https://host/path, without name, password or query")
    files = {
        name: surroundings.folder / str(stated)
        if (stated := endpoint.settings.get(f"{prefix}{name}_file"))
        else None
        for name in ("anchors", "certificate", "key")
    }
    target = Target(
        url=url,
        secret_file=_text(endpoint, f"{prefix}secret_file"),
        anchors=files["anchors"],
        certificate=files["certificate"],
        key=files["key"],
        allow_internal=True,
    )
    return target, _text(endpoint, f"{prefix}system_id")


def _may_be_plain(host: str, allowed: object) -> bool:
    if host == "localhost":
        return allowed is True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return allowed is True if address.is_loopback else address.is_private and allowed == host


def _seconds(endpoint: Endpoint, prefix: str, default: float) -> float:
    stated = endpoint.settings.get(f"{prefix}timeout_seconds")
    return float(stated) if isinstance(stated, int | float) and stated > 0 else default


def _text(endpoint: Endpoint, name: str) -> str:
    value = endpoint.settings.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"the channel {endpoint.name} has no {name}")
    return value
