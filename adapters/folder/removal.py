"""Takes away from outbox/ and status/ what was accepted or refused, and never what was put there since.

Whoever looks and then renames by name may take another file: programs replace files under the same name. So

    1 note      .gateway/leaving/<key>.json: which files, how they were when they were judged, and where they go
    2 take      each one by a rename to <key>.<number> beside the note, where nobody else has names
    3 compare   what was taken with what was judged: by its digest where the bytes were read, else by what a rename
                leaves as it is (`Entry.identity`)
    4 put down  where it goes; another file goes back to where it was put, as new as it is
    5 forget    the note, once nothing of it is left here

What was cut off in between is gone through again from the note (`resume`) before anything else is looked at. The
digest costs reading each file twice; over SFTP nothing less tells two files of one second and one size apart.

No move takes the place of a file that is there (`FileStore.move`). A file goes back under its own name, or, where
that is taken, or would make it look like the one that was judged, as `name (2).ext`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import chain

from adapters.folder.layout import NOTES
from adapters.folder.settings import ENTRIES_MAX
from adapters.folder.store import Entry, FileStore, Place, put, read_small, shown
from gateway.edxml.names import safe_name
from gateway.errors import SourceError

LEAVING: Place = (NOTES, "leaving")

_NOTE_BYTES_MAX = 1024 * 1024
_SAME_NAMES_MAX = 100
#: Leaves room for a number and an extension in a name of 255 bytes.
_STEM_BYTES_MAX = 200
_SUFFIX_MAX = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaver:
    """One file as it was judged."""

    name: str
    stamp: str
    identity: str
    #: Of its bytes, where they were read; else "".
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """Files that go together, what names the others last."""

    #: The same for every try; can stand in a file's name.
    key: str
    area: str
    folder: Place
    files: tuple[Leaver, ...]


async def remove_judged(store: FileStore, removal: Removal) -> None:
    """Take them away."""
    await store.make(LEAVING)
    content = json.dumps(asdict(removal)).encode()  # in ASCII: names of any bytes are kept
    await put(store, (*LEAVING, f"{removal.key}.json"), content)
    await _carry(store, removal)


async def resume(store: FileStore) -> None:
    """End what was cut off."""
    if await store.entry(LEAVING) is None:
        return
    there = []
    for entry in await store.entries(LEAVING, ENTRIES_MAX):
        if entry.name.startswith("."):  # a note that was not finished: nothing was taken by it
            await store.remove((*LEAVING, entry.name))
        else:
            there.append(entry)
    notes = [entry for entry in there if entry.name.endswith(".json")]
    keys = {entry.name.removesuffix(".json") for entry in notes}
    lost = next((entry for entry in there if entry.name.partition(".")[0] not in keys), None)
    if lost is not None:  # a note goes last, so somebody has taken it
        told = "/".join((*LEAVING, shown(lost.name)))
        raise SourceError("folder_unprepared", f"no note says what {told} is: put it back into outbox or status")
    for entry in notes:
        await _carry(store, await _read(store, entry))


async def _read(store: FileStore, entry: Entry) -> Removal:
    content = await read_small(store, (*LEAVING, entry.name), entry, _NOTE_BYTES_MAX)
    try:
        told = json.loads(content)
        files = tuple(Leaver(**each) for each in told["files"])
        return Removal(key=told["key"], area=told["area"], folder=tuple(told["folder"]), files=files)
    except (ValueError, TypeError, KeyError) as error:
        raise SourceError("folder_unprepared", f"the note {shown(entry.name)} in .gateway is damaged") from error


async def _carry(store: FileStore, removal: Removal) -> None:
    if len(removal.folder) > 1:
        await store.make(removal.folder)
    is_left = False
    for number, leaver in enumerate(removal.files):
        taken = (*LEAVING, f"{removal.key}.{number}")
        if await store.entry(taken) is None:
            await _take(store, (removal.area, leaver.name), taken, leaver)
        found = await store.entry(taken)
        if found is None:
            continue  # gone already, or put there since: that is another matter
        if await _is_same(store, taken, found, leaver):
            is_put = await _put_down(store, taken, removal.folder, _names(leaver.name, removal.key[:8]))
        else:
            back = _names_back(leaver.name, is_own_free=found.stamp != leaver.stamp)
            is_put = await _put_down(store, taken, (removal.area,), back)
        is_left = is_left or not is_put
    if not is_left:
        await store.remove((*LEAVING, f"{removal.key}.json"))


async def _take(store: FileStore, place: Place, taken: Place, leaver: Leaver) -> None:
    found = await store.entry(place)
    if found is None or found.stamp != leaver.stamp:
        return
    try:
        await store.take(place, taken)
    except SourceError as error:
        if error.code != "file_changing":  # gone in this very moment
            raise


async def _is_same(store: FileStore, place: Place, found: Entry, leaver: Leaver) -> bool:
    if not leaver.sha256 or found.kind != "file":
        return found.identity == leaver.identity
    digest = sha256()
    try:
        async for chunk in store.read(place, found.stamp):
            digest.update(chunk)
    except SourceError as error:
        if error.code != "file_changing":
            raise
        return False  # somebody still writes it: what was judged stood still
    return digest.hexdigest() == leaver.sha256


async def _put_down(store: FileStore, taken: Place, folder: Place, names: Iterable[str]) -> bool:
    for name in names:
        if await store.move(taken, (*folder, name)):
            return True
    return False


def _names(name: str, token: str) -> Iterator[str]:
    """Names for a file where its own may be taken."""
    plain = safe_name(shown(name))
    yield from (name, f"{token}_{plain}")
    yield from (f"{token}-{number}_{plain}" for number in range(2, _SAME_NAMES_MAX))


def _names_back(name: str, *, is_own_free: bool) -> Iterator[str]:
    """Names by which it is still taken up as what it is: extension and beginning stay."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > _SUFFIX_MAX:
        stem, dot, suffix = name, "", ""
    stem = os.fsdecode(os.fsencode(stem)[:_STEM_BYTES_MAX])
    numbered = (f"{stem} ({number}){dot}{suffix}" for number in range(2, _SAME_NAMES_MAX))
    return chain((name,) if is_own_free else (), numbered)
