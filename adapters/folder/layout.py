"""How an office's folder looks, and whether it is the office's folder at all.

    .gateway-folder   put there by an administrator; without it nothing is read or written
    outbox/           the office puts documents here
    status/           and answers to what it got here
    inbox/            what comes for the office, one folder for each document
    sent/             what was taken up; receipts/ what proves it; refused/ what was not taken, and why
    .gateway/         the gateway's own notes: which transmissions were put into inbox/; in leaving/ what is
                      just being taken out of outbox/ and status/
    README.txt        put there at first use, with the folders

A share that is not mounted leaves an empty folder behind, and an empty folder is not an office without documents.
So the marker must be there, and, once the folders were made (`.gateway` is made last), each of them: one that is
gone was removed by somebody and is not made again. A marker that holds a word holds the channel's name, so that
two shares that were exchanged are not taken for each other.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from adapters.folder.papers import README
from adapters.folder.store import FileStore, put, read_small
from gateway.errors import SourceError
from gateway.model import Endpoint

MARKER: Final = ".gateway-folder"
OUTBOX: Final = "outbox"
STATUS: Final = "status"
INBOX: Final = "inbox"
SENT: Final = "sent"
RECEIPTS: Final = "receipts"
REFUSED: Final = "refused"
NOTES: Final = ".gateway"
FOLDERS: Final = (OUTBOX, STATUS, INBOX, SENT, RECEIPTS, REFUSED)

_MARKER_BYTES_MAX = 1000


async def require_ready(store: FileStore, endpoint: Endpoint) -> None:
    """Raise SourceError unless this is the office's folder; at first use, lay it out."""
    marker = await store.entry((MARKER,))
    if marker is None or marker.kind != "file":
        raise SourceError("folder_unprepared", f"there is no file {MARKER} in it; is the share mounted?")
    told = (
        (await read_small(store, (MARKER,), marker, _MARKER_BYTES_MAX))
        .decode("utf-8", "replace")
        .strip("\ufeff \r\n")
    )
    if told and told != endpoint.name:
        raise SourceError("folder_unprepared", f"its {MARKER} says that it is another channel's")
    notes = await store.entry((NOTES,))
    if notes is None:
        await _lay_out(store)
        return
    for name in (*FOLDERS, NOTES):
        found = notes if name == NOTES else await store.entry((name,))
        if found is None or found.kind != "folder":
            raise SourceError("folder_unprepared", f"its folder {name} is gone or no folder")


async def _lay_out(store: FileStore) -> None:
    for name in FOLDERS:
        await store.make((name,))
    with suppress(SourceError):  # adapter and source may come at once, and nothing depends on it
        await put(store, ("README.txt",), README.encode("utf-8-sig"))
    await store.make((NOTES,))
