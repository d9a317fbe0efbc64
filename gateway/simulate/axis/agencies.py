"""The catalogue of agencies as the axis serves it, and who hosts whom.

Three lists read it in three shapes; their JSON is made once per version, since one reply of 125,000 agencies has
some 20 MB. Every change gets a version of its own and an instant, as those need who keep a copy; what is deleted
stays, marked. `host_of` resolves a code to the system whose list carries its documents: a system names codes or
patterns, in either form; an agency that no system hosts is played by the simulator.
"""

from __future__ import annotations

import fnmatch
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from gateway.clock import VIETNAM, instant
from gateway.simulate.axis.catalogue import Unit
from gateway.simulate.axis.settings import PLAYED, System
from gateway.simulate.axis.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """Where a code leads."""

    #: Empty: nowhere.
    system_id: str
    #: Why nowhere, as the sent list says it.
    fault_code: str = ""
    fault: str = ""


_KEPT_MAX = 200_000
_UNKNOWN = Host(system_id="", fault_code="18", fault="Don vi nhan khong ton tai")
_CLOSED = Host(system_id="", fault_code="23", fault="Don vi nhan da khoa")


class Agencies:
    """The catalogue of one axis."""

    def __init__(self, store: Store, systems: Iterable[System]) -> None:
        self._store = store
        self._exact: dict[str, str] = {}
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        for system in systems:
            for code in system.hosts:
                if "*" in code:
                    self._patterns.append((re.compile(fnmatch.translate(code)), system.id))
                else:
                    self._exact[code] = system.id
        self._hosts: dict[str, Host] = {}
        self._lists: dict[tuple[str, int], bytes] = {}

    def fill(self, units: Iterable[Unit]) -> None:
        """The first catalogue; one that is there already stays."""
        if self.newest[2]:
            return
        now = self._store.now()
        rows = (
            (unit.id, unit.pid, unit.code, unit.old_code, unit.name, unit.mail, _level(unit.code), 1, now, 0, "")
            for unit in units
        )
        with self._store.transaction():
            self._store.insert_many("agency_insert", rows)
        self._forget()

    @property
    def newest(self) -> tuple[int, int, int]:
        """Version, last id, number of agencies."""
        version, last, count = self._store.rows("agency_newest")[0]
        return version, last, count

    def host_of(self, code: str) -> Host:
        """Who gets what is sent to this code."""
        found = self._hosts.get(code)
        if found is None:
            if len(self._hosts) >= _KEPT_MAX:
                self._hosts.clear()
            found = self._hosts[code] = self._find_host(code)
        return found

    def name_of(self, code: str) -> str:
        """What it is called."""
        found = self._store.rows("agency_read", code)
        return found[0][4] if found else f"Đơn vị {code}"

    def _find_host(self, code: str) -> Host:
        rows = self._store.rows("agency_read", code)
        names = (code, *rows[0][:2]) if rows else (code,)
        if rows and rows[0][2]:
            return _CLOSED
        for name in names:
            if name in self._exact:
                return Host(system_id=self._exact[name])
        if rows and rows[0][3]:
            return Host(system_id=rows[0][3])
        for name in names:
            for pattern, system_id in self._patterns:
                if pattern.fullmatch(name):
                    return Host(system_id=system_id)
        return Host(system_id=PLAYED) if rows else _UNKNOWN

    def list_live(self) -> bytes:
        """`getAgenciesList`: JSON of the array."""
        return self._list("agency_list_live", 0, ("id", "pid", "code", "oldCode", "name", "mail"))

    def list_level(self, level: int) -> bytes:
        """`getAgenciesListQD20`."""
        return self._list("agency_list_level", level, ("id", "code", "code102", "name", "mail"))

    def list_all(self) -> bytes:
        """`getSynchronizeUnit`."""
        key = ("agency_list_all", 0)
        if key not in self._lists:
            self._lists[key] = msgspec.json.encode([_synchronized(row) for row in self._store.rows(key[0])])
        return self._lists[key]

    def _list(self, statement: str, level: int, names: tuple[str, ...]) -> bytes:
        key = (statement, level)
        if key not in self._lists:
            values = (level,) if statement == "agency_list_level" else ()
            rows = self._store.rows(statement, *values)
            self._lists[key] = msgspec.json.encode([_told(names, row) for row in rows])
        return self._lists[key]

    def register(self, system_id: str, *, parent: str, code: str, name: str, mail: str) -> None:
        """A system's new agency, or one that comes back."""
        version, last, _ = self.newest
        now = self._store.now()
        with self._store.transaction():
            restored = self._store.run("agency_restore", name, mail, version + 1, now, system_id, code)
            if not restored:
                row = (last + 1, self._id_of(parent), code, code, name, mail, _level(code), version + 1, now, 0)
                self._store.run("agency_insert", *row, system_id)
        self._forget()

    def delete(self, code: str) -> bool:
        """Mark an agency as deleted; False when there is none."""
        version = self.newest[0]
        with self._store.transaction():
            touched = self._store.run("agency_delete", version + 1, self._store.now(), code)
        self._forget()
        return touched > 0

    def change(self, *, rename: int, add: int, delete: int, seed: int) -> list[str]:
        """Change that many at random, all under one new version; the codes: renamed, added, deleted."""
        dice = random.Random(seed)  # noqa: S311 - made-up data
        version, last, _ = self.newest
        now, version = self._store.now(), version + 1
        rows = self._store.rows("agency_list_codes")
        chosen = dice.sample(rows, min(rename + delete, len(rows)))
        renamed, deleted = chosen[:rename], chosen[rename:]
        added = [f"K{version % 100:02}.{place}" for place in range(1, add + 1)]
        with self._store.transaction():
            for number, _, name in renamed:
                self._store.run("agency_rename", f"{name} (mới {version})", version, now, number)
            for place, code in enumerate(added, 1):
                name = f"Đơn vị mới {version}/{place}"
                self._store.run(
                    "agency_insert", last + place, None, code, code, name, "", _level(code), version, now, 0, ""
                )
            for _, code, _ in deleted:
                self._store.run("agency_delete", version, now, code)
        self._forget()
        return [row[1] for row in renamed] + added + [row[1] for row in deleted]

    def _id_of(self, code: str) -> int | None:
        return next((row[0] for row in self._store.rows("agency_list_codes") if row[1] == code), None)

    def _forget(self) -> None:
        self._hosts.clear()
        self._lists.clear()


def _level(code: str) -> int:
    return code.count(".") + 1


def _told(names: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in zip(names, row, strict=True)}


def _synchronized(row: tuple[Any, ...]) -> dict[str, object]:
    number, parent, code, name, mail, version, deleted, modified_at = row
    return {
        "id": str(number),
        "pid": "" if parent is None else str(parent),
        "code": code,
        "name": name,
        "mail": mail,
        "version": version,
        "centerCode": code.partition(".")[0],
        "deleted": bool(deleted),
        "modifyDate": spoken(instant(modified_at)),
        "isAgency": True,
    }


def spoken(at: datetime) -> str:
    """An instant as the axis writes it."""
    return at.astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M:%S")
