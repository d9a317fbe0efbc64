"""Takes up what an office puts into outbox/ and status/.

    listed   what is ready (`outbox`), the most urgent first, at most LISTED_MAX of it
    fetch    an edXML file as it is; else the document or status that the gateway's workshop makes of the files
    settle   the receipt goes to receipts/, then the files to sent/; refused, to refused/ with the reason
    inform   what became of a document later on, or why a file is not taken up yet, goes to refused/ as a paper

Files are moved only once their message is committed, and only those that were accepted, whatever has been put under
their names since (`removal`). Before anything is listed, what a crash cut off is moved on.

What can be no message is refused here, at fetching, and told to the watcher as an entry that could not be had; the
office finds it in refused/. What may pass by itself (a file that changes, a busy parser) stays where it is.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256

from adapters.folder import papers
from adapters.folder.layout import OUTBOX, RECEIPTS, REFUSED, SENT, STATUS, require_ready
from adapters.folder.names import extension, is_unfinished, read_name
from adapters.folder.outbox import Item, Looked, Stillness, ready
from adapters.folder.placing import Crossing, place
from adapters.folder.removal import Leaver, Removal, remove_judged, resume
from adapters.folder.settings import ENTRIES_MAX, LISTED_MAX, FolderSettings
from adapters.folder.sidecar import ANSWER_BYTES_MAX, BYTES_MAX, Sidecar, read_answer, read_sidecar
from adapters.folder.store import Entry, FileStore, Place, put, read_small, shown
from gateway.edxml.names import safe_name
from gateway.errors import RefusedError, SourceError
from gateway.model import Endpoint
from gateway.ports import GivenFile, Listed, Paper, Settlement, Surroundings, Workshop, Write
from gateway.reasons import REASONS, is_temporary

#: Descriptions read at one look; each is read once.
_READ_MAX = 500
_INSTANT_MAX = 4_000_000_000
_PDF = b"%PDF-"


class FolderSource:
    """Fills `gateway.ports.Source` for one office."""

    def __init__(
        self, endpoint: Endpoint, surroundings: Surroundings, store: FileStore, settings: FolderSettings
    ) -> None:
        self._endpoint, self._store, self._settings = endpoint, store, settings
        self._clock, self._workshop = surroundings.clock, surroundings.workshop
        self._stillness = Stillness()
        self._sidecars: dict[tuple[str, str], Sidecar | RefusedError] = {}
        self._items: dict[str, Item] = {}
        #: Of the bytes that were read, by area, name and stamp.
        self._digests: dict[tuple[str, str, str], str] = {}

    async def listed(self) -> list[Listed]:
        """What is ready to be taken up."""
        await require_ready(self._store, self._endpoint)
        await resume(self._store)
        outbox = await self._store.entries((OUTBOX,), ENTRIES_MAX)
        status = await self._store.entries((STATUS,), ENTRIES_MAX)
        now = self._clock.monotonic()
        self._stillness.look(OUTBOX, outbox, now)
        self._stillness.look(STATUS, status, now)
        looked = Looked(
            outbox=outbox,
            status=status,
            sidecars=await self._read_sidecars(outbox, now),
            stillness=self._stillness,
            now=now,
        )
        self._items = {item.ref: item for item in ready(looked, self._settings)[:LISTED_MAX]}
        there = {
            (area, entry.name, entry.stamp) for area, seen in ((OUTBOX, outbox), (STATUS, status)) for entry in seen
        }
        self._digests = {key: digest for key, digest in self._digests.items() if key in there}
        return [_listed(ref, item) for ref, item in self._items.items()]

    async def fetch(self, ref: str, write: Write) -> None:
        """Hand over one message's bytes."""
        item = self._items.get(ref)
        if item is None:
            raise SourceError("file_changing", "it was not listed")
        try:
            await self._fetch(item, write)
        except RefusedError as error:
            if is_temporary(error.code):
                raise
            await self._refuse(item, error.code, error.detail)
            raise SourceError(error.code, error.detail) from error

    async def settle(self, ref: str, settlement: Settlement) -> bool:
        """Clear the entry away, and leave what the office is to read."""
        item = self._items.get(ref)
        if item is None:
            return False
        if not settlement.done:
            await self._refuse(item, settlement.reason, settlement.detail)
            return True
        if not await self._is_there(item):
            return True
        folder = (RECEIPTS, _label(item))
        await self._store.make(folder)
        for name, content in (
            ("thong-tin.txt", papers.receipt(shown(item.entry.name), settlement.message_id)),
            ("answer.json", settlement.answer),
            ("transfer.json", settlement.transfer),
            ("receipt.xml", settlement.xades),
        ):
            if content:
                await put(self._store, (*folder, name), content)
        await self._move_away(item, (SENT, _label(item)) if item.sidecar else (SENT,))
        return True

    async def inform(self, paper: Paper) -> None:
        """Put a paper into refused/, where the office looks for what went wrong."""
        store = self._store
        await require_ready(store, self._endpoint)
        name = papers.paper_name(paper)
        page, facts = papers.outcome(paper)

        async def fill(folder: Place) -> None:
            await store.make(folder)
            await put(store, (*folder, "LY-DO.txt"), page)
            await put(store, (*folder, "reason.json"), facts)

        await place(store, name, (REFUSED, name), fill, Crossing())

    async def close(self) -> None:
        """Give back connections."""
        await self._store.close()

    async def _fetch(self, item: Item, write: Write) -> None:
        if item.trouble is not None:
            raise item.trouble
        if item.missing:
            raise RefusedError("file_missing", ", ".join(shown(name) for name in item.missing[:5]))
        entry, kind = item.entry, extension(item.entry.name)
        size = entry.size + sum(file.size for file in item.files)
        if size > self._settings.max_bytes:
            raise RefusedError("body_too_large", f"{size} bytes; at most {self._settings.max_bytes} are taken")
        if item.area == STATUS:
            await self._answer(item, write)
        elif item.sidecar is not None:
            files = [self._given(file) for file in item.files]
            await self._shop().document(self._endpoint, item.sidecar.metadata, files, _instant(entry), write)
        elif kind == "pdf":
            await self._shop().document(
                self._endpoint, _metadata(entry.name), [self._given(entry)], _instant(entry), write
            )
        else:
            if not entry.size:
                raise RefusedError("not_edxml", "the file is empty")
            async for chunk in self._bytes(OUTBOX, entry):
                await write(chunk)

    async def _answer(self, item: Item, write: Write) -> None:
        entry = item.entry
        if entry.size > ANSWER_BYTES_MAX:
            raise RefusedError("body_too_large", f"at most {ANSWER_BYTES_MAX} bytes are taken")
        content = await self._small(STATUS, entry, ANSWER_BYTES_MAX)
        status = read_answer(entry.name, content)
        await self._shop().status(self._endpoint, item.about_delivery, status, _instant(entry), write)

    def _shop(self) -> Workshop:
        if self._workshop is None:
            raise SourceError("internal_error", "nobody here builds documents")
        return self._workshop

    def _given(self, entry: Entry) -> GivenFile:
        name = safe_name(entry.name)
        return GivenFile(
            name=name,
            content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
            chunks=partial(self._chunks, entry),
        )

    async def _chunks(self, entry: Entry) -> AsyncIterator[bytes]:
        is_first = extension(entry.name) == "pdf"
        async for chunk in self._bytes(OUTBOX, entry):
            if is_first and _PDF not in chunk[:1024]:
                raise RefusedError("file_kind_unknown", f"{shown(entry.name)} is no PDF")
            is_first = False
            yield chunk
        if is_first:
            raise RefusedError("file_kind_unknown", f"{shown(entry.name)} is empty")

    async def _read_sidecars(self, outbox: Sequence[Entry], now: float) -> dict[str, Sidecar | RefusedError]:
        known, self._sidecars = self._sidecars, {}
        fresh = 0
        for entry in outbox:
            if extension(entry.name) != "json" or is_unfinished(entry.name) or entry.kind != "file":
                continue
            key = (entry.name, entry.stamp)
            found = known.get(key)
            if found is None:
                if (
                    fresh >= _READ_MAX
                    or self._stillness.seconds(OUTBOX, entry, now) < self._settings.settle_seconds
                ):
                    continue
                fresh += 1
                found = await self._read_sidecar(entry)
            if found is not None:
                self._sidecars[key] = found
        return {name: sidecar for (name, _), sidecar in self._sidecars.items()}

    async def _read_sidecar(self, entry: Entry) -> Sidecar | RefusedError | None:
        if entry.size > BYTES_MAX:
            return RefusedError("body_too_large", f"a description has at most {BYTES_MAX} bytes")
        try:
            return read_sidecar(await self._small(OUTBOX, entry, BYTES_MAX))
        except RefusedError as error:
            return error
        except SourceError as error:
            if error.code != "file_changing":
                raise
            return None

    async def _bytes(self, area: str, entry: Entry) -> AsyncIterator[bytes]:
        """A file's bytes; their digest is kept for the moment in which the file is taken away."""
        digest = sha256()
        async for chunk in self._store.read((area, entry.name), entry.stamp):
            digest.update(chunk)
            yield chunk
        self._digests[area, entry.name, entry.stamp] = digest.hexdigest()

    async def _small(self, area: str, entry: Entry, most: int) -> bytes:
        content = await read_small(self._store, (area, entry.name), entry, most)
        self._digests[area, entry.name, entry.stamp] = sha256(content).hexdigest()
        return content

    async def _refuse(self, item: Item, code: str, detail: str) -> None:
        if not await self._is_there(item):
            return
        folder = (REFUSED, _label(item))
        await self._store.make(folder)
        page, facts = papers.refusal(shown(item.entry.name), code if code in REASONS else "internal_error", detail)
        await put(self._store, (*folder, "LY-DO.txt"), page)
        await put(self._store, (*folder, "reason.json"), facts)
        await self._move_away(item, folder)

    async def _is_there(self, item: Item) -> bool:
        """Whether it is still what was listed: settled already, or replaced by another, it is not."""
        found = await self._store.entry((item.area, item.entry.name))
        return found is not None and found.stamp == item.entry.stamp

    async def _move_away(self, item: Item, folder: Place) -> None:
        """The files, and what names them last."""
        leavers = tuple(
            Leaver(
                name=entry.name,
                stamp=entry.stamp,
                identity=entry.identity,
                sha256=self._digests.get((item.area, entry.name, entry.stamp), ""),
            )
            for entry in (*item.files, item.entry)
        )
        removal = Removal(key=_key(item.ref), area=item.area, folder=folder, files=leavers)
        await remove_judged(self._store, removal)


def _listed(ref: str, item: Item) -> Listed:
    at = _instant(item.entry).isoformat()
    about = item.about_delivery
    return Listed(
        ref=ref, kind="status" if item.area == STATUS else "document", claimed_at=at, about_delivery=about
    )


def _metadata(name: str) -> bytes:
    """What the name of a PDF says, as REST takes it."""
    told = read_name(name)
    return json.dumps({
        "recipients": list(told.recipients),
        "codeNumber": told.number,
        "codeNotation": told.notation,
        "promulgationDate": told.day.isoformat(),
        "subject": told.subject,
        "priority": told.priority,
    }, ensure_ascii=False).encode()  # fmt: skip


def _instant(entry: Entry) -> datetime:
    """Of the file: whatever is built from it again has the same."""
    return datetime.fromtimestamp(int(min(max(entry.modified_at, 0), _INSTANT_MAX)), UTC)


def _key(ref: str) -> str:
    return sha256(ref.encode()).hexdigest()[:32]


def _label(item: Item) -> str:
    """The name of the folder about an entry: its own, readable anywhere, and what tells it from others."""
    return f"{safe_name(shown(item.entry.name))}.{_key(item.ref)[:8]}"
