"""The request hash as a security server computes it, for answers that are to be compared with it.

`X-Road-Request-Hash` is base64 of SHA-512(SHA-512(head) + SHA-512(body)), or of SHA-512(head) where there is no
body [PR-REST 4.3]. The head is one line for the method, one for path and query, one `name:value` for each
header in the order in which it was sent, each ended by CRLF: without the headers that a server does not pass
on, and with `X-Road-Request-Id`, which the server made and its answer names. The specification does not spell
the head out; this follows the published source.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence

from gateway.ports import Body

#: Headers that a security server keeps to itself.
_NOT_PASSED = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-road-request-hash",
        "x-road-request-id",
    }
)

Headers = Sequence[tuple[str, str]]


class HashedBody:
    """A body whose SHA-512 is known once it was read to its end."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.size, self.sha256 = body.size, body.sha256
        self.digest = b""

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes."""
        running = hashlib.sha512()
        async for chunk in self._body.chunks():
            running.update(chunk)
            yield chunk
        self.digest = running.digest()

    async def read(self) -> bytes:
        """All of it."""
        return b"".join([chunk async for chunk in self.chunks()])


def request_digest(
    method: str, target: str, headers: Iterable[tuple[str, str]], request_id: str, body: bytes
) -> bytes:
    """The digest of a request; `body` is the SHA-512 of its body, empty where it has none."""
    lines = [method, target]
    lines += [f"{name}:{value}" for name, value in headers if name.lower() not in _NOT_PASSED]
    lines.append(f"X-Road-Request-Id:{request_id}")
    head = hashlib.sha512("".join(f"{line}\r\n" for line in lines).encode()).digest()
    return hashlib.sha512(head + body).digest() if body else head
