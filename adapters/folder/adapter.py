"""Brings messages to an office: each transmission becomes one folder in inbox/, whole or not at all.

It is placed as `placing` says, so a transmission that is repeated never makes two folders.

A folder holds the message's exact bytes (van-ban.edxml), its attachments under safe names, thong-tin.txt and
info.json, and in tra-loi/ the answers, ready to be copied to status/. Statuses about what the office sent come into
receipts/, those that say 02 into refused/; a take-back (13) comes into inbox/, since it asks for something.

`delivered` means that the folder is durably in the office's own folder; where the channel is a relay's it is
`relayed`. Whether a person has read it, nobody knows before the office answers.

It does NOT retry. A connection that breaks in the very rename leaves the outcome unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

from adapters.folder.bundle import Bundle, attachment_names, bundle_of
from adapters.folder.layout import INBOX, RECEIPTS, REFUSED, require_ready
from adapters.folder.placing import Crossing, place
from adapters.folder.settings import FolderSettings, settings_of
from adapters.folder.store import FileStore, Place, pieces
from gateway.edxml.names import safe_name
from gateway.errors import BodyDamagedError, ConfigError, RefusedError, SourceError, StorageError
from gateway.model import Endpoint, Outcome, OutcomeKind, Outgoing, SendReport
from gateway.ports import Body, Contents, Surroundings, Unpacked, Workshop, allowed_seconds
from gateway.reasons import is_temporary
from gateway.said import shortened

MESSAGE = "van-ban.edxml"
_ANSWERS = "tra-loi"
#: Room that is left beside a message and its attachments.
_SPARE_BYTES = 1024 * 1024
_PIECE = 256 * 1024
_STATUS_AREAS = {"02": REFUSED, "13": INBOX}

OpenStore = Callable[[Endpoint, Surroundings], FileStore]


class FolderAdapter:
    """Fills `gateway.ports.Adapter` for all offices of its kind."""

    def __init__(self, surroundings: Surroundings, open_store: OpenStore) -> None:
        self._surroundings, self._open_store = surroundings, open_store
        self._stores: dict[str, tuple[dict[str, object], FileStore]] = {}

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        """Transmit once."""
        clock, crossing = self._surroundings.clock, Crossing()
        began = clock.monotonic()
        try:
            settings, store = settings_of(endpoint), await self._store(endpoint)
        except ConfigError as error:
            return _report(outgoing, _failed("connect_failed", str(error)), {})
        if outgoing.size > settings.max_bytes:
            told = f"{outgoing.size} bytes; the channel takes {settings.max_bytes}"
            refused = Outcome(kind=OutcomeKind.REFUSED, reason="too_large_for_peer", detail=told)
            return _report(outgoing, refused, {}, answered=True)
        allowed = allowed_seconds(endpoint, 2 * outgoing.size, self._surroundings.timeout_seconds)
        peer: dict[str, object] = {}
        try:
            async with asyncio.timeout(allowed):
                peer["folder"] = await self._deliver(store, endpoint, outgoing, body, settings, crossing)
            kind = OutcomeKind.RELAYED if endpoint.is_relay else OutcomeKind.DELIVERED
            outcome = Outcome(kind=kind, peer_ref=str(peer["folder"])[:200])
        except TimeoutError:
            outcome = _of_error(SourceError("peer_timeout", f"not done within {allowed:.0f} s"), crossing)
        except (SourceError, RefusedError) as error:
            outcome = _of_error(error, crossing)
        except BodyDamagedError:
            raise  # the lines were set aside
        except StorageError as error:
            outcome = _failed("storage_unavailable", type(error).__name__)
        peer["duration_ms"] = round((clock.monotonic() - began) * 1000)
        return _report(
            outgoing, outcome, peer, answered=outcome.kind in {OutcomeKind.DELIVERED, OutcomeKind.RELAYED}
        )

    async def close(self) -> None:
        """Give back connections."""
        stores, self._stores = list(self._stores.values()), {}
        for _, store in stores:
            await store.close()

    async def _store(self, endpoint: Endpoint) -> FileStore:
        known = self._stores.get(endpoint.id)
        if known is not None and known[0] == endpoint.settings:
            return known[1]
        store = self._open_store(endpoint, self._surroundings)
        self._stores[endpoint.id] = (endpoint.settings, store)
        if known is not None:
            await known[1].close()
        return store

    async def _deliver(
        self,
        store: FileStore,
        endpoint: Endpoint,
        outgoing: Outgoing,
        body: Body,
        settings: FolderSettings,
        crossing: Crossing,
    ) -> str:
        await require_ready(store, endpoint)
        workshop = self._surroundings.workshop
        contents = await workshop.contents(outgoing) if workshop else None
        answers = settings.answers and endpoint.capabilities.answers
        bundle = bundle_of(outgoing, contents, answers=answers)
        area = _STATUS_AREAS.get(outgoing.business_type, RECEIPTS) if outgoing.kind == "status" else INBOX

        async def fill(folder: Place) -> None:
            await _require_room(store, outgoing, contents)
            await store.make(folder)
            await store.write((*folder, MESSAGE), body.chunks())
            lost = await self._unpack(store, workshop, outgoing, contents, folder) if contents else ()
            await _write_papers(store, folder, bundle, lost)

        await place(store, safe_name(outgoing.dispatch_id), (area, bundle.folder), fill, crossing)
        return bundle.folder

    async def _unpack(
        self,
        store: FileStore,
        workshop: Workshop | None,
        outgoing: Outgoing,
        contents: Contents,
        folder: Place,
    ) -> tuple[str, ...]:
        """Put the attachments beside the message; the names of those that cannot be taken out of it."""
        lost = []
        assert workshop is not None, "who told the contents takes them out, too"
        for file, name in zip(contents.files, attachment_names(contents.files), strict=True):
            try:
                async with workshop.attachment(outgoing, contents, file.number) as unpacked:
                    await store.write((*folder, name), _chunks(unpacked))
            except RefusedError as error:
                if is_temporary(error.code):
                    raise
                lost.append(name)
        return tuple(lost)


async def _write_papers(store: FileStore, folder: Place, bundle: Bundle, lost: tuple[str, ...]) -> None:
    page, facts = bundle.papers(lost)
    await store.write((*folder, "thong-tin.txt"), pieces(page))
    await store.write((*folder, "info.json"), pieces(facts))
    if bundle.answers:
        await store.make((*folder, _ANSWERS))
        for name in bundle.answers:
            await store.write((*folder, _ANSWERS, name), pieces(b""))


async def _require_room(store: FileStore, outgoing: Outgoing, contents: Contents | None) -> None:
    """Better nothing than half of it."""
    free = await store.free_bytes()
    needed = outgoing.size + _SPARE_BYTES + sum(file.size for file in (contents.files if contents else ()))
    if free is not None and free < needed:
        raise SourceError("folder_full", f"{free} bytes are free, {needed} are needed")


async def _chunks(unpacked: Unpacked) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    with unpacked.open() as stream:
        while chunk := await loop.run_in_executor(None, partial(stream.read, _PIECE)):
            yield chunk


def _of_error(error: SourceError | RefusedError, crossing: Crossing) -> Outcome:
    if crossing.renaming and error.code in {"peer_timeout", "connection_lost"}:
        told = f"the folder was about to get its name: {error.detail}"
        return Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown", detail=shortened(told))
    if is_temporary(error.code):
        return _failed(error.code, error.detail)
    return _failed("peer_error", f"{error.code}: {error.detail}")


def _failed(reason: str, detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.DEFERRED, reason=reason, detail=shortened(detail))


def _report(outgoing: Outgoing, outcome: Outcome, peer: dict[str, object], *, answered: bool = False) -> SendReport:
    return SendReport(outcomes={one.id: outcome for one in outgoing.deliveries}, peer=peer, answered=answered)
