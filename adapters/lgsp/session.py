"""Calls to one facade: connections, the token, the three headers.

Every call but that of agencies carries `Authorization: Bearer`, `X-SystemId` and `X-SecretKey`; the guide names
two of them, and the facade answers 401 without the third. A call that is turned away with 401 is made once more
with another token: the facade looked at nothing but the token then. Redirects are not followed, cookies not kept.
Secrets are read again when their files change, and are in no error.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
import msgspec

from adapters.lgsp.reply import is_unauthorised, read_token
from adapters.lgsp.settings import Facade, facade_of
from adapters.lgsp.token import Tokens
from adapters.upload import Upload, read_answer, source_error
from adapters.webhook_channel import Contexts, Secrets, open_session
from adapters.webhook_names import Names
from gateway.errors import ConfigError
from gateway.model import Endpoint
from gateway.ports import SLOWEST_BYTES_PER_SECOND, Surroundings

#: The longest answer to anything but a document or a list.
REPLY_BYTES_MAX: Final = 65_536

_CONNECT_SECONDS = 10.0
_PASSWORD_BYTES_MIN = 6
#: As long as the largest document in base64 may take, no fetch takes longer.
_DOCUMENT_BYTES = 400_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read as a whole."""

    status: int
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What became of an upload: an answer, or what broke it off."""

    upload: Upload
    answer: Answer | None = None
    error: Exception | None = None


class Session:
    """One facade as one system id."""

    def __init__(
        self, facade: Facade, surroundings: Surroundings, *, contexts: Contexts, names: Names, connections: int
    ) -> None:
        self.facade = facade
        self._secrets = Secrets(surroundings.secrets)
        self._contexts = contexts
        self._seconds = surroundings.timeout_seconds
        self._context: ssl.SSLContext = contexts.of(facade.target)
        self._http = open_session(facade.target, self._context, connections, names)
        self._tokens = Tokens(surroundings.clock, self._login)

    def is_current(self) -> bool:
        """Whether the files of its TLS are still those that it was made with."""
        return self._contexts.of(self.facade.target) is self._context

    async def close(self) -> None:
        """Close the connections."""
        await self._tokens.close()
        await self._http.close()

    async def upload(self, path: str, make: Callable[[], Upload], seconds: float) -> Sent:
        """POST a document; SourceError: no login succeeded, and the facade has nothing of it."""
        password, key = self._password(), self._key()
        token = await self._tokens.current(password)
        sent = await self._post(path, make(), self._headers(token, key), seconds)
        if sent.answer is not None and is_unauthorised(sent.answer.status):
            token = await self._tokens.renewed(password, token)
            sent = await self._post(path, make(), self._headers(token, key), seconds)
        if sent.error is not None and sent.upload.has_begun and not sent.upload.is_complete:
            self._tokens.forget(token)  # a facade may cut a long upload off instead of answering 401
        return sent

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: object = None,
        most: int = REPLY_BYTES_MAX,
        token_alone: bool = False,
    ) -> Answer:
        """One call without a document; SourceError when no whole answer comes."""
        password, key = self._password(), "" if token_alone else self._key()
        token = await self._tokens.current(password)
        answer = await self._ask(method, path, query, content, self._headers(token, key), most)
        if is_unauthorised(answer.status):
            token = await self._tokens.renewed(password, token)
            answer = await self._ask(method, path, query, content, self._headers(token, key), most)
        return answer

    @asynccontextmanager
    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """GET an answer of any length; SourceError when it does not come or breaks off."""
        password, key = self._password(), self._key()
        token = await self._tokens.current(password)
        try:
            async with AsyncExitStack() as stack:
                response = await stack.enter_async_context(self._get(path, query, self._headers(token, key)))
                if is_unauthorised(response.status):
                    token = await self._tokens.renewed(password, token)
                    response = await stack.enter_async_context(self._get(path, query, self._headers(token, key)))
                yield response
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise source_error(error) from error

    def _get(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        place, timeout = self.facade.place(path).with_query(query), self._patience(_DOCUMENT_BYTES)
        return self._http.get(place, headers=headers, allow_redirects=False, timeout=timeout)

    def _patience(self, most: int) -> aiohttp.ClientTimeout:
        """A silence has its limit, and so has an answer that comes byte by byte."""
        return aiohttp.ClientTimeout(
            total=self._seconds + most / SLOWEST_BYTES_PER_SECOND,
            sock_connect=min(_CONNECT_SECONDS, self._seconds),
            sock_read=self._seconds,
        )

    async def _post(self, path: str, upload: Upload, headers: Mapping[str, str], seconds: float) -> Sent:
        timeout = aiohttp.ClientTimeout(
            total=seconds, sock_connect=min(_CONNECT_SECONDS, seconds), sock_read=seconds
        )
        try:
            async with self._http.post(
                self.facade.place(path),
                data=upload,
                headers=headers,
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                upload.peer["http_status"] = response.status
                content = await read_answer(response, REPLY_BYTES_MAX)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Sent(upload=upload, error=error)
        return Sent(upload=upload, answer=Answer(response.status, content))

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        content: object,
        headers: Mapping[str, str],
        most: int,
    ) -> Answer:
        data = None if content is None else msgspec.json.encode(content)
        if data is not None:
            headers = {**headers, "Content-Type": "application/json"}
        try:
            async with self._http.request(
                method,
                self.facade.place(path).with_query(query),
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=self._patience(most),
            ) as response:
                return Answer(response.status, await read_answer(response, most))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise source_error(error) from error

    async def _login(self, password: bytes) -> str:
        facade = self.facade
        told = {
            "username": facade.username,
            "password": password.decode(),
            "applicationCode": facade.application_code,
            "otp": None,
            "twoFactorProvider": None,
            "typeObjs": [0, 1],
        }
        query = {"allow_anonymous": "true"}
        answer = await self._ask("POST", "auth/login", query, told, {}, REPLY_BYTES_MAX)
        return read_token(answer.status, answer.content)

    def _password(self) -> bytes:
        password = self._secrets.read(self.facade.password_file, least=_PASSWORD_BYTES_MIN)
        try:
            password.decode()
        except UnicodeDecodeError as error:
            raise ConfigError(f"the secret {self.facade.password_file} is not UTF-8") from error
        return password

    def _key(self) -> str:
        name = self.facade.target.secret_file
        key = self._secrets.read(name, least=_PASSWORD_BYTES_MIN)
        if not key.isascii() or not key.decode().isprintable():
            raise ConfigError(f"the secret {name} can be no header")
        return key.decode()

    def _headers(self, token: str, key: str) -> dict[str, str]:
        bearer = {"Authorization": f"Bearer {token}"}
        return bearer | {"X-SystemId": self.facade.system_id, "X-SecretKey": key} if key else bearer


def problems(endpoint: Endpoint, surroundings: Surroundings) -> list[str]:
    """What is wrong with the settings, the secrets and the certificates of a channel, in sentences."""
    try:
        facade = facade_of(endpoint, surroundings.folder)
    except ConfigError as error:
        return [str(error)]
    found = []
    secrets = Secrets(surroundings.secrets)
    for name in (facade.password_file, facade.target.secret_file):
        try:
            secrets.read(name, least=_PASSWORD_BYTES_MIN)
        except ConfigError as error:
            found.append(str(error))
    try:
        Contexts().of(facade.target)
    except ConfigError as error:
        found.append(str(error))
    return found
