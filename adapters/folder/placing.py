"""A folder that appears in an office's folder whole or not at all, and once, however often it is tried.

    1 fill     under a temporary name, which programs and clerks do not see
    2 note     .gateway/<name>: written when the folder is whole, before
    3 rename   to its name, which is the delivery

All are synced. What is found again tells what happened: the folder, or the note without the temporary folder,
means that it was there, even if a clerk has moved it away since; anything else is begun anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from adapters.folder.layout import NOTES
from adapters.folder.store import FileStore, Place, put
from gateway.errors import RefusedError, SourceError, StorageError


@dataclass(kw_only=True, slots=True)
class Crossing:
    """How far one folder has come, for whoever is cut off from it."""

    #: The rename was asked for and not answered: it may have happened.
    renaming: bool = False


async def place(
    store: FileStore, name: str, final: Place, fill: Callable[[Place], Awaitable[None]], crossing: Crossing
) -> None:
    """Have `fill` make the folder and all in it, unless an earlier try came to its end."""
    temporary = (final[0], f".{name}.part")
    if await _is_placed(store, name, temporary, final):
        return
    try:
        await fill(temporary)
        await put(store, (NOTES, name), final[-1].encode())
    except (SourceError, RefusedError, StorageError):
        with suppress(SourceError):  # at the next try
            await store.remove(temporary)
        raise
    crossing.renaming = True
    await store.move(temporary, final)
    crossing.renaming = False


async def _is_placed(store: FileStore, name: str, temporary: Place, final: Place) -> bool:
    """Whether an earlier try came to its end; what else it left is cleared away."""
    if await store.entry(final) is not None:
        return True
    noted = await store.entry((NOTES, name)) is not None
    if noted and await store.entry(temporary) is None:
        return True  # it was there, and somebody has taken it
    await store.remove((NOTES, name))
    await store.remove(temporary)
    return False
