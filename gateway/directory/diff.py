"""What a row changes in the directory: the rows to write, none when it says what is already there. Pure code.

A changed code or name never overwrites the old one: the old one ends at the row's `effective` instant (by
default that of the import) and the new one begins there. A code or name that would then have held for no
time at all was a mistake and goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, TypeVar

import msgspec

from gateway.directory.fold import fold
from gateway.directory.records import Code, Holder, Name, Period, Record
from gateway.directory.rows import AgencyRow
from gateway.edxml.organ_ids import scheme_of_canonical
from gateway.model import AgencyId, EndpointId

#: Agencies of this kind are found by their codes only.
HIDDEN: Final = "virtual"

_OFFICIAL: Final = ("qcvn102", "qd20")
_ROWID_BITS = (1 << 62) - 1

_Dated = TypeVar("_Dated", Code, Name)


@dataclass(kw_only=True, slots=True)
class DirectoryRows:
    """Rows to write, in the order of the statements' parameters (`changes.sql`)."""

    agencies_new: list[tuple[object, ...]] = field(default_factory=list)
    agencies_changed: list[tuple[object, ...]] = field(default_factory=list)
    codes_ended: list[tuple[object, ...]] = field(default_factory=list)
    codes_new: list[tuple[object, ...]] = field(default_factory=list)
    names_ended: list[tuple[object, ...]] = field(default_factory=list)
    names_new: list[tuple[object, ...]] = field(default_factory=list)
    #: Search words of new agencies, without those of their parents.
    words_new: list[tuple[int, AgencyId, str, AgencyId | None]] = field(default_factory=list)
    #: Others whose search words change; a changed name changes those of the agencies below, too.
    searched: list[AgencyId] = field(default_factory=list)
    created: list[AgencyId] = field(default_factory=list)
    changed: list[AgencyId] = field(default_factory=list)
    closed: list[AgencyId] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.created or self.changed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """What a row's references lead to; None where it names none or it is not there yet."""

    parent_id: AgencyId | None = None
    successor_id: AgencyId | None = None
    endpoint_id: EndpointId | None = None


def match_row(
    row: AgencyRow,
    holders: Mapping[str, Sequence[Holder]],
    periods: Mapping[AgencyId, Period],
    ended_by_file: Callable[[str, AgencyRow], bool],
) -> frozenset[AgencyId]:
    """The agencies a row may mean: those that hold one of its codes in its time, per code the newest.

    `ended_by_file`: whether another row closes the holder of a code before this row's agency opens.
    """
    found = set()
    for form in row.canonicals:
        owners = [
            (periods[holder.agency_id].start, holder.agency_id)
            for holder in holders.get(form, ())
            if holder.agency_id in periods
            and holder.period.overlaps(row.period)
            and periods[holder.agency_id].overlaps(row.period)
        ]
        if owners and ended_by_file(form, row):
            owners = [owner for owner in owners if owner[0] >= (row.opened or 0)]
        if owners:
            found.add(max(owners)[1])
    return frozenset(found)


def add_agency(out: DirectoryRows, key: AgencyId, row: AgencyRow, links: Links, now: int) -> None:
    """Rows for an agency that the directory does not know."""
    opened, closed = row.opened or 0, row.closed
    out.agencies_new.append(
        (
            key,
            row.kind or "agency",
            links.parent_id,
            links.endpoint_id,
            _json({column: value for column, value in row.contact.items() if value}),
            opened,
            closed,
            links.successor_id,
            int(row.sandbox or False),
            row.daily_quota_bytes or None,
            now,
        )
    )
    for code, form, scheme in schemed(row):
        out.codes_new.append((key, code, scheme, form, opened, closed))
    names = dict.fromkeys((row.name or "", *(row.aliases or ())))
    folded = [fold(name) for name in names]
    for number, (name, text) in enumerate(zip(names, folded, strict=True)):
        out.names_new.append((key, name, text, int(number > 0), opened, closed))
    out.created.append(key)
    if row.kind != HIDDEN:
        out.words_new.append((rowid_of(key), key, " ".join((*folded, *row.codes)), links.parent_id))
    if closed is not None:
        out.closed.append(key)


def change_agency(
    out: DirectoryRows,
    record: Record,
    row: AgencyRow,
    links: Links,
    now: int,
    *,
    late: AbstractSet[str] = frozenset(),
) -> None:
    """Rows for an agency that the directory knows; none if the row says nothing new.

    `late`: codes, as they are compared, that another agency had before: they begin with the change.
    """
    closed = record.closed if row.closed is None else row.closed
    since = row.effective if row.effective is not None else now
    if closed is not None and since >= closed:  # nothing new can have begun: this corrects all of its time
        since = record.opened
    change = _Change(out=out, record=record, row=row, since=since, closed=closed, late=late)
    change.codes()
    change.names()
    if closed is not None and closed != record.closed:
        change.close(closed)
        out.closed.append(record.id)
    fields = _fields(record, row, links)
    if fields == _fields_of(record) and not change.made:
        return
    out.agencies_changed.append((*fields, now, record.id))
    change.searched |= fields[:2] != (record.kind, record.parent_id)
    out.changed.append(record.id)
    if change.searched:
        out.searched.append(record.id)


def schemed(row: AgencyRow) -> Iterator[tuple[str, str, str]]:
    """The codes of a row, as they are compared, and which scheme's they count as.

    An agency's code of an official form is the first of that form; a further one (which it had before, as a rule)
    is an alias like any other, so that it never becomes the organ id.
    """
    seen: set[str] = set()
    for code, form in zip(row.codes, row.canonicals, strict=True):
        scheme = scheme_of_canonical(form).value
        yield code, form, "opaque" if scheme in seen else scheme
        seen.add(scheme)


def rowid_of(key: AgencyId) -> int:
    """Where an agency's words lie: the random bits of its id, since searching FTS by id would read it all."""
    return int(key[19:23] + key[24:], 16) & _ROWID_BITS


def _fields(record: Record, row: AgencyRow, links: Links) -> tuple[object, ...]:
    contact = {column: value for column, value in (record.contact | row.contact).items() if value}
    quota = record.daily_quota_bytes if row.daily_quota_bytes is None else row.daily_quota_bytes or None
    return (
        row.kind or record.kind,
        _link(row.parent, links.parent_id, record.parent_id),
        _link(row.endpoint, links.endpoint_id, record.endpoint_id),
        _json(contact),
        record.closed if row.closed is None else row.closed,
        _link(row.successor, links.successor_id, record.successor_id),
        int(record.sandbox if row.sandbox is None else row.sandbox),
        quota,
    )


def _fields_of(record: Record) -> tuple[object, ...]:
    return (
        record.kind,
        record.parent_id,
        record.endpoint_id,
        _json(record.contact),
        record.closed,
        record.successor_id,
        int(record.sandbox),
        record.daily_quota_bytes,
    )


def _link(said: str | None, found: str | None, held: str | None) -> str | None:
    """What a reference becomes: cleared, set, or left alone while it is not said or not there yet."""
    return None if said == "" else found or held


@dataclass(kw_only=True, slots=True)
class _Change:
    """What a row changes of one agency's dated codes and names."""

    out: DirectoryRows
    record: Record
    row: AgencyRow
    #: From when.
    since: int
    #: Until when: the agency's closing.
    closed: int | None
    late: AbstractSet[str] = frozenset()
    #: Whether codes or names change.
    made: bool = False
    #: Whether the words of searches change.
    searched: bool = False
    ended: set[tuple[str, int]] = field(default_factory=set)

    def codes(self) -> None:
        """A code of an official form replaces the one of that form; other codes only add up."""
        given = self.row.canonicals
        held = [code for code in self.record.codes if code.period.holds(self.since)]
        for text, form, scheme in schemed(self.row):
            if any(code.canonical == form for code in held):
                continue
            outdated = [
                code
                for code in self._lasting(self.record.codes)
                if code.scheme == scheme and scheme in _OFFICIAL and code.canonical not in given
            ]
            for code in outdated:
                self._end_code(code, self.since)
            known = any(code.canonical == form for code in self.record.codes)
            start = self.since if outdated or known or form in self.late else self.record.opened
            self.out.codes_new.append((self.record.id, text, scheme, form, start, self.closed))
            self.made = self.searched = True

    def names(self) -> None:
        """A name replaces the one before; the aliases given are all there are."""
        name = self.record.current_name(self.since)
        if self.row.name is not None and self.row.name != name:
            name = self.row.name
            self._replace([n for n in self._lasting(self.record.names) if not n.is_alias], [name])
        if self.row.aliases is None:
            return
        wanted = [alias for alias in dict.fromkeys(self.row.aliases) if alias != name]
        held = [item for item in self._lasting(self.record.names) if item.is_alias]
        kept = {item.name for item in held if item.period.holds(self.since)} & set(wanted)
        outdated = [item for item in held if item.name not in kept]
        self._replace(outdated, [alias for alias in wanted if alias not in kept], is_alias=1)

    def close(self, closed: int) -> None:
        """End codes and names with the agency, so that others may take the codes over."""
        for code in self.record.codes:
            if (code.canonical, code.start) not in self.ended and code.end in {None, self.record.closed}:
                self._end_code(code, closed)
        for name in self.record.names:
            if (name.name, name.start) not in self.ended and name.end in {None, self.record.closed}:
                self._end_name(name, closed)
        self.made = True

    def _lasting(self, dated: Sequence[_Dated]) -> list[_Dated]:
        """What would hold at `since` or begin after it."""
        return [item for item in dated if item.end is None or item.end > self.since]

    def _replace(self, outdated: Sequence[Name], new: Sequence[str], *, is_alias: int = 0) -> None:
        for item in outdated:
            self._end_name(item, self.since)
        for name in new:
            self.out.names_new.append((self.record.id, name, fold(name), is_alias, self.since, self.closed))
        if outdated or new:
            self.made = self.searched = True

    def _end_code(self, code: Code, at: int) -> None:
        self.out.codes_ended.append((at, code.canonical, code.start))
        self.ended.add((code.canonical, code.start))

    def _end_name(self, name: Name, at: int) -> None:
        self.out.names_ended.append((at, self.record.id, name.name, name.start))
        self.ended.add((name.name, name.start))


def _json(value: dict[str, str]) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
