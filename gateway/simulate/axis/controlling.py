"""Speaks to the control socket of a running axis; for commands and tests."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from gateway.errors import EnvironmentRefusedError, InputError
from gateway.simulate.axis.process import CONTROL

_SOCKET_PATH_MAX = 100
_OK = 200
_TIMEOUT = aiohttp.ClientTimeout(total=660)


async def ask(folder: Path, method: str, path: str, body: object = None) -> dict[str, Any]:
    """One order; its answer, or an error that says why not."""
    socket = _short(folder / CONTROL)
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket)), timeout=_TIMEOUT) as session,
            session.request(method, f"http://axis{path}", data=io.BytesIO(msgspec.json.encode(body))) as response,
        ):
            answer: dict[str, Any] = msgspec.json.decode(await response.read())
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise EnvironmentRefusedError(f"{folder / CONTROL}: no axis answers there: {error}") from error
    if response.status != _OK:
        raise InputError(str(answer.get("error", response.status)))
    return answer


def _short(path: Path) -> Path:
    return path if len(os.fsencode(path)) <= _SOCKET_PATH_MAX else Path(os.path.relpath(path))
