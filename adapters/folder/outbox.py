"""What lies in outbox/ and status/, and which of it is ready to be taken up. Pure, but for what it remembers.

- A file is ready when it has stood still for the settling time: same size, same times, look after look.
- Names of programs that are still writing (`names.is_unfinished`) are left alone.
- A description (JSON) is ready with all files that it names; those are part of it and of nothing else. While a
  description is not read yet, plain PDFs wait: it may name them.
- What is no document, lacks something, or is no plain file waits for the channel's patience, since people copy one
  thing after the other; then it is taken up to be refused.

Answers go first, then names that say that they are urgent, then the oldest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from adapters.folder.layout import OUTBOX, STATUS
from adapters.folder.names import extension, is_unfinished, read_name, same, urgency
from adapters.folder.settings import FolderSettings
from adapters.folder.sidecar import Sidecar, delivery_named
from adapters.folder.store import Entry, shown
from gateway.errors import RefusedError

_EDXML = frozenset({"edxml", "xml"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """Something to take up."""

    area: str
    entry: Entry
    #: The files of a description, as they are called in the folder.
    files: tuple[Entry, ...] = ()
    sidecar: Sidecar | None = None
    #: Names that a description has and the folder has not.
    missing: tuple[str, ...] = ()
    #: What is wrong with it, known already.
    trouble: RefusedError | None = None

    @property
    def ref(self) -> str:
        """The same for the same content under the same name, as text that any log can hold."""
        return f"{self.area}/{_as_text(self.entry.name)}|{self.entry.stamp}"

    @property
    def about_delivery(self) -> str:
        """The delivery that an answer is about."""
        return delivery_named(self.entry.name) if self.area == STATUS else ""


@dataclass
class Stillness:
    """Since when each entry has been as it is."""

    _since: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def look(self, area: str, entries: Iterable[Entry], now: float) -> None:
        """Another look at a folder."""
        known = self._since
        kept = {key: value for key, value in known.items() if key[0] != area}
        for entry in entries:
            stamp, since = known.get((area, entry.name), ("", now))
            kept[area, entry.name] = (entry.stamp, since if stamp == entry.stamp else now)
        self._since = kept

    def seconds(self, area: str, entry: Entry, now: float) -> float:
        """How long it has stood still."""
        return now - self._since.get((area, entry.name), (entry.stamp, now))[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What one look at the folder saw."""

    outbox: Sequence[Entry]
    status: Sequence[Entry]
    #: Descriptions that were read, by name; what is wrong with one stands in its place.
    sidecars: Mapping[str, Sidecar | RefusedError]
    stillness: Stillness
    now: float


def ready(looked: Looked, settings: FolderSettings) -> list[Item]:
    """What is to be taken up, in order."""
    found = [*_answers(looked, settings), *_documents(looked, settings)]
    found.sort(
        key=lambda item: (
            item.area != STATUS,
            -urgency(item.entry.name),
            item.entry.modified_at,
            item.entry.name,
        )
    )
    return found


def _answers(looked: Looked, settings: FolderSettings) -> Iterable[Item]:
    for entry in looked.status:
        if is_unfinished(entry.name):
            continue
        item = Item(area=STATUS, entry=entry, trouble=_unsafe(entry))
        if _waited(looked, STATUS, entry, settings.patience_seconds if item.trouble else settings.settle_seconds):
            yield item


def _documents(looked: Looked, settings: FolderSettings) -> Iterable[Item]:
    there = {same(entry.name): entry for entry in looked.outbox}
    claimed: set[str] = set()
    unread = False
    for entry in looked.outbox:
        if extension(entry.name) != "json" or is_unfinished(entry.name):
            continue
        sidecar = looked.sidecars.get(entry.name)
        if sidecar is None:
            unread = unread or not _waited(looked, OUTBOX, entry, settings.patience_seconds)
        elif isinstance(sidecar, Sidecar):
            claimed |= {same(name) for name in sidecar.files}
    for entry in looked.outbox:
        if is_unfinished(entry.name) or same(entry.name) in claimed:
            continue
        item = _judged(entry, looked.sidecars.get(entry.name), there)
        is_plain = extension(entry.name) == "pdf"
        if item is None or (unread and is_plain):
            continue
        hasty = item.trouble is None and not item.missing
        wait = settings.settle_seconds if hasty else settings.patience_seconds
        if all(_waited(looked, OUTBOX, each, wait) for each in (entry, *item.files)):
            yield item


def _judged(entry: Entry, sidecar: Sidecar | RefusedError | None, there: Mapping[str, Entry]) -> Item | None:
    """None for a description that was not read yet."""
    trouble = _unsafe(entry)
    kind = extension(entry.name)
    if trouble is not None or kind in _EDXML:
        return Item(area=OUTBOX, entry=entry, trouble=trouble)
    if kind == "json":
        if isinstance(sidecar, RefusedError):
            return Item(area=OUTBOX, entry=entry, trouble=sidecar)
        return None if sidecar is None else _described(entry, sidecar, there)
    if kind != "pdf":
        return Item(area=OUTBOX, entry=entry, trouble=RefusedError("file_kind_unknown", shown(entry.name)))
    try:
        read_name(entry.name)
    except RefusedError as error:
        return Item(area=OUTBOX, entry=entry, trouble=error)
    return Item(area=OUTBOX, entry=entry)


def _described(entry: Entry, sidecar: Sidecar, there: Mapping[str, Entry]) -> Item:
    found = [(name, there.get(same(name))) for name in sidecar.files]
    files = tuple(file for _, file in found if file is not None)
    missing = tuple(name for name, file in found if file is None)
    unsafe = next((trouble for trouble in map(_unsafe, files) if trouble), None)
    return Item(area=OUTBOX, entry=entry, files=files, sidecar=sidecar, missing=missing, trouble=unsafe)


def _unsafe(entry: Entry) -> RefusedError | None:
    if entry.kind == "file" and entry.links == 1:
        return None
    return RefusedError("file_unsafe", shown(entry.name))


def _waited(looked: Looked, area: str, entry: Entry, seconds: float) -> bool:
    return looked.stillness.seconds(area, entry, looked.now) >= seconds


def _as_text(name: str) -> str:
    return "".join(
        char
        if char.isprintable() and char not in "%|" and not "\ud800" <= char <= "\udfff"
        else quote(char.encode("utf-8", "surrogateescape"))
        for char in name
    )
