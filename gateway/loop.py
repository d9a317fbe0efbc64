"""The event loop of every process of ours: uvloop's, with one owner for each descriptor.

A caller that opened a socket itself may hand it to `create_connection`, as aiohttp's client does for each of its
connections. uvloop then has two owners of one descriptor, the Python object and libuv's handle, and forgets the
first where the connection breaks within `connection_made`: a peer that resets before the first bytes of TLS leave
is enough. Whatever opens next gets the same number, be it another connection or a file of the database, and has it
closed behind its back when the object is collected. libuv aborts the process when it then polls the number; before
that, bytes may have gone where they do not belong.

Here a socket that is given is given away: once the call ends, whichever way, the object owns nothing. Only the
handle closes the descriptor, as it does for connections that the loop opens itself (decision 19).

It does NOT change anything else, and nobody else of ours imports uvloop.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop  # noqa: TID251  # the one place

T = TypeVar("T")


class Loop(uvloop.Loop):
    """uvloop's, whose `create_connection` takes a given socket over for good."""

    async def create_connection(self, *arguments: Any, sock: Any = None, **options: Any) -> Any:
        """As asyncio's; a socket object that is given owns nothing any more when this returns or raises."""
        if sock is None:
            return await super().create_connection(*arguments, **options)
        try:
            return await super().create_connection(*arguments, sock=sock, **options)
        finally:
            sock.detach()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on a loop of its own until it ends."""
    return uvloop.run(main, loop_factory=Loop)
