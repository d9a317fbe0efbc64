"""Gives orders to a running authority."""

from __future__ import annotations

import aiohttp
import msgspec

from gateway.errors import InputError, UnreachableError

_SECONDS = 5.0


async def ask(url: str, method: str, path: str, body: object = None) -> object:
    """Its answer; UnreachableError without one, InputError where it refuses the order."""
    data = None if body is None else msgspec.json.encode(body)
    try:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, f"{url.rstrip('/')}/{path}", data=data) as response,
        ):
            told = await response.read()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise UnreachableError(f"{url}: {str(error) or type(error).__name__}") from error
    if not response.ok:
        raise InputError(told.decode("utf-8", "replace")[:300])
    found: object = msgspec.json.decode(told)
    return found
