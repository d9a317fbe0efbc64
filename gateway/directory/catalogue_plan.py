"""What a catalogue would change in the directory. It reads the directory and writes nothing.

An agency is the catalogue's to change only where the directory knows it from this very catalogue, nobody else has
changed it since, and no system of ours speaks for it. All others are *kept*: those that we host, those that a
person made or changed, those of other catalogues. What the catalogue says of a kept agency is compared and told,
not taken, and a code that a kept agency has or ever had goes to nobody.

A code that another agency of the catalogue has is not moved either, unless that one is closed: it is told, and a
person decides. So the catalogue can make agencies, change and close its own, and nothing else.

An agency that the catalogue names no more is missing first, and closed once it has been missing for `close_after`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from gateway.clock import micros
from gateway.directory.catalogue_merge import Digests, Found, Merged
from gateway.directory.directory import find_holders, record_of
from gateway.directory.fold import fold
from gateway.directory.pace import Pace
from gateway.directory.records import Holder, holder_at
from gateway.ids import uuid7_series
from gateway.ledger.params import as_json
from gateway.model import AgencyId, EndpointId
from gateway.storage.readers import Readers

_PAGE: Final = 2000
#: So many changes are never too many.
_FEW: Final = 20


class Known(msgspec.Struct, gc=False):
    """An agency that the directory knows from this catalogue."""

    agency_id: AgencyId
    code: str
    digest: bytes
    written_at: int
    missing_since: int | None
    closed: bool
    #: Whether it is the catalogue's to change.
    owned: bool
    #: Whether the catalogue names it.
    seen: bool = False


@dataclass(kw_only=True, slots=True)
class Plan:
    """Places are those in `Merged.agencies`; parents stand before their children."""

    created: list[int] = field(default_factory=list)
    changed: list[tuple[int, Known]] = field(default_factory=list)
    #: With the place of the entry that says so, -1 where it was missing for too long.
    closed: list[tuple[int, Known]] = field(default_factory=list)
    missing: list[Known] = field(default_factory=list)
    #: Missing before, named again.
    returned: list[Known] = field(default_factory=list)
    unchanged: int = 0
    #: Kept agencies that the catalogue names.
    kept: int = 0
    #: Living agencies of the catalogue before.
    living: int = 0
    #: Which agency of the directory a place is; those that are unchanged aside.
    agency_of: dict[int, AgencyId] = field(default_factory=dict)
    #: The catalogue's own living agencies, by their codes.
    by_code: dict[str, Known] = field(default_factory=dict)
    #: Codes, as they are compared, that are not taken; and those that a closed agency had.
    refused: dict[int, set[str]] = field(default_factory=dict)
    inherited: dict[int, set[str]] = field(default_factory=dict)
    #: Of those that are created or changed.
    digests: dict[int, bytes] = field(default_factory=dict)
    #: Over all of the catalogue.
    digest: str = ""

    def agency_at(self, place: int, merged: Merged) -> AgencyId | None:
        """Which agency of the directory it is; None where it is not taken or there is none."""
        if place < 0:
            return None
        known = self.by_code.get(merged.agencies[place].form)
        return self.agency_of.get(place) or (known.agency_id if known is not None else None)

    @property
    def affected(self) -> int:
        """What it takes from or changes of what is known."""
        return len(self.changed) + len(self.missing) + sum(place >= 0 for place, _ in self.closed)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.created or self.changed or self.closed or self.missing or self.returned)


def too_much(plan: Plan, merged: Merged, *, faults: int, share: float, first: bool) -> bool:
    """Whether a person must look at it before it is taken; `first`: the catalogue was never taken in whole."""
    affected = plan.affected + (0 if first else len(plan.created))
    return affected > max(_FEW, share * plan.living) or faults > max(_FEW, share * merged.entries)


class Planner:
    """Makes one plan."""

    def __init__(
        self, readers: Readers, endpoint_id: EndpointId, merged: Merged, *, now: datetime, close_after: timedelta
    ) -> None:
        self._readers, self._endpoint_id, self._merged = readers, endpoint_id, merged
        self._now = micros(now)
        self._close_before = micros(now - close_after)
        self._known: dict[AgencyId, Known] = {}
        self._new: set[int] = set()
        self._pace, self._digests = Pace(), Digests()
        self.plan = Plan()
        self._by_code = self.plan.by_code

    async def make(self) -> Plan:
        """Compare all of it."""
        await self._load()
        for places in self._merged.from_the_top():
            await self._compare(places)
            await self._pace.step()
        for known in self._known.values():
            if known.owned and not known.closed and not known.seen:
                self._note_missing(known)
        whole = sha256()
        for part in self._digests.parts():
            whole.update(part)
            await self._pace.step()
        self.plan.digest = whole.hexdigest()
        await self._name_new()
        return self.plan

    async def _load(self) -> None:
        after = ""
        instants: dict[int, int] = {}  # one object for each of the few there are
        while True:
            params = {"endpoint_id": self._endpoint_id, "after": after, "limit": _PAGE}
            rows = await self._readers.fetch("catalogue_entry_list_page", params)
            for key, code, digest, written_at, missing_since, closed_at, owned in rows:
                closed = closed_at is not None and closed_at <= self._now
                at = instants.setdefault(written_at, written_at)
                known = Known(key, code, digest, at, missing_since, closed, bool(owned))
                self._known[known.agency_id] = known
                if known.owned and not closed:
                    self._by_code[code] = known
            if len(rows) < _PAGE:
                break
            after = rows[-1][0]
            await self._pace.step()
        self.plan.living = len(self._by_code)

    async def _compare(self, places: Sequence[int]) -> None:
        asked: list[int] = []
        for place in places:
            agency = self._merged.agencies[place]
            digest = self._merged.digest_of(place, with_parent=self._has_place(agency.parent))
            self._digests.add(digest)
            known = self._by_code.get(agency.form)
            if agency.fault:
                self._see(agency)
            elif known is not None and known.digest == digest and agency.parent not in self._new:
                self._note_unchanged(known)
            else:
                asked.append(place)
                self.plan.digests[place] = digest
        if not asked:
            return
        forms = [form for place in asked for form in self._merged.agencies[place].forms]
        holders = await find_holders(self._readers, forms)
        kept: dict[int, AgencyId] = {}
        for place in asked:
            strangers = self._strangers(self._merged.agencies[place], holders)
            if strangers:
                self._keep(place, strangers, holders, kept)
            else:
                self._judge(place, holders)
        await self._compare_kept(kept)

    def _has_place(self, place: int) -> bool:
        """Whether it is, or will be, an agency of the directory, so that others can be below it."""
        return place in self._new or self.plan.agency_at(place, self._merged) is not None

    def _see(self, agency: Found) -> None:
        for form in agency.forms:
            if form in self._by_code:
                self._by_code[form].seen = True

    def _note_unchanged(self, known: Known) -> None:
        known.seen = True
        if known.missing_since is None:
            self.plan.unchanged += 1
        else:
            self.plan.returned.append(known)

    def _note_missing(self, known: Known) -> None:
        if known.missing_since is None:
            self.plan.missing.append(known)
        elif known.missing_since <= self._close_before:
            self.plan.closed.append((-1, known))

    def _strangers(self, agency: Found, holders: Mapping[str, Sequence[Holder]]) -> set[AgencyId]:
        """Kept agencies that have, or had, one of the codes."""
        ids = {holder.agency_id for form in agency.forms for holder in holders.get(form, ())}
        return {key for key in ids if key not in self._known or not self._known[key].owned}

    def _keep(
        self,
        place: int,
        strangers: set[AgencyId],
        holders: Mapping[str, Sequence[Holder]],
        kept: dict[int, AgencyId],
    ) -> None:
        """Nothing is taken of what concerns a kept agency."""
        agency = self._merged.agencies[place]
        held = {form: holders[form] for form in agency.forms if form in holders}
        ids = {holder.agency_id for each in held.values() for holder in each}
        for key in ids - strangers:
            self._known[key].seen = True
        owner = holder_at(held.get(agency.form, ()), self._now)
        if owner in strangers:
            self.plan.agency_of[place] = owner
        if len(ids) == 1:
            kept[place] = next(iter(ids))
        else:
            self._note_claim(agency, held)

    def _note_claim(self, agency: Found, held: Iterable[str]) -> None:
        self._merged.problems.add("catalogue_code_kept", agency.codes[0], ", ".join(held))

    async def _compare_kept(self, kept: Mapping[int, AgencyId]) -> None:
        """What is said of kept agencies: the same, something else, or that one of their codes is somebody else's.

        Who has another code of his own than we know, but the name that we know, is taken for the one that we know.
        """
        if not kept:
            return
        rows = await self._readers.fetch("agency_read_by_ids", (as_json(sorted(set(kept.values()))),))
        records = {record.id: record for record in map(record_of, rows)}
        for place, key in kept.items():
            agency, record = self._merged.agencies[place], records[key]
            ours = {code.canonical for code in record.codes}
            same_name = fold(record.current_name(self._now)) == fold(agency.name)
            if agency.form not in ours and not same_name:
                self._note_claim(agency, ours.intersection(agency.forms))
                continue
            self.plan.kept += 1
            self.plan.agency_of[place] = key
            unknown = [code for code, form in zip(agency.codes, agency.forms, strict=True) if form not in ours]
            if not agency.deleted and (unknown or not same_name):
                self._merged.problems.add("catalogue_differs", agency.codes[0], " ".join((*unknown, agency.name)))

    def _judge(self, place: int, holders: Mapping[str, Sequence[Holder]]) -> None:
        """One agency of the catalogue that is new or not what it was."""
        agency = self._merged.agencies[place]
        target = self._by_code.get(agency.form)
        refused: set[str] = set()
        inherited: set[str] = set()
        for form in agency.forms:
            for holder in holders.get(form, ()):
                other = self._known[holder.agency_id]
                if target is None and not other.closed and self._is_free(other, place):
                    target = other
                if other is not target:
                    (inherited if other.closed else refused).add(form)
        if target is not None:
            target.seen = True
        if agency.deleted:
            if target is not None and self.plan.agency_of.setdefault(place, target.agency_id):
                self.plan.closed.append((place, target))
            return
        for form in refused:
            self._merged.problems.add("catalogue_code_elsewhere", agency.codes[0], form)
        if agency.form in refused:
            return
        self._take(place, target, refused, inherited - refused)

    def _take(self, place: int, target: Known | None, refused: set[str], inherited: set[str]) -> None:
        plan = self.plan
        if refused:
            plan.refused[place] = refused
        if inherited:
            plan.inherited[place] = inherited
        if target is None:
            plan.created.append(place)
            self._new.add(place)
        else:
            plan.agency_of[place] = target.agency_id
            plan.changed.append((place, target))

    async def _name_new(self) -> None:
        # in the order in which they are written, which keeps what is written together
        for place, key in zip(self.plan.created, uuid7_series(len(self.plan.created)), strict=True):
            self.plan.agency_of[place] = AgencyId(key)
            await self._pace.step()

    def _is_free(self, known: Known, place: int) -> bool:
        """Whether no other entry of the catalogue is this agency."""
        other = self._merged.place_of(known.code)
        return not known.seen and (other is None or other == place)
