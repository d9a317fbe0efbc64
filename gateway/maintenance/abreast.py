"""The same done with many things, so many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from gateway.errors import GatewayError, RefusedError, SourceError, StorageError

T = TypeVar("T")


async def side_by_side(act: Callable[[T], Awaitable[None]], items: Sequence[T], *, at_once: int) -> None:
    """So many at once, taken in their order; the first hopeless one keeps more from beginning."""
    left = iter(items)
    ended: list[GatewayError] = []

    async def work() -> None:
        for item in left:
            if ended:
                return
            try:
                await act(item)
            except (SourceError, RefusedError, StorageError) as error:
                ended.append(error)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(items))):
            group.create_task(work())
    if ended:
        raise ended[0]
