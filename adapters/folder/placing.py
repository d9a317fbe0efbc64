"""A folder that appears in an office's folder whole or not at all, and once, however often it is tried.

    1 note     .gateway/<name>: written when the folder is whole under a temporary name, before
    2 rename   to its name, which is the delivery

Both are synced. What is found again tells what happened: the folder, or the note without the temporary folder,
means that it was there, even if a clerk has moved it away since; anything else is begun anew.
"""

from __future__ import annotations

from adapters.folder.layout import NOTES
from adapters.folder.store import FileStore, Place, put


def temporary_of(area: str, name: str) -> Place:
    """Where it is built; programs and clerks do not see it."""
    return (area, f".{name}.part")


async def is_placed(store: FileStore, name: str, temporary: Place, final: Place) -> bool:
    """Whether an earlier try came to its end; what else it left is cleared away."""
    if await store.entry(final) is not None:
        return True
    noted = await store.entry((NOTES, name)) is not None
    if noted and await store.entry(temporary) is None:
        return True  # it was there, and somebody has taken it
    await store.remove((NOTES, name))
    await store.remove(temporary)
    return False


async def note(store: FileStore, name: str, final: Place) -> None:
    """It is whole and gets its name next."""
    await put(store, (NOTES, name), final[-1].encode())
