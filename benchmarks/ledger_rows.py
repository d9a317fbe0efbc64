"""Multiplies two real documents of a ledger by SQL: a circular to every office, and one to a single office.

Each copy gets ids, digests, number and instants of its own; copies to one office go from one office to another, so
that every office sends and receives. Ledgers of all sizes have as many documents a day (a small one is a young
one), and rows lie in the order of time, as a gateway writes them. Receipts are cut to some hundred bytes: nothing
that is measured reads them. What it makes is sound enough to run on, not to be examined.

Tables are filled without a journal and indexes built afterwards; it stops before the disk is full.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.installation import COMMUNES, OFFICES, PROVINCE
from gateway.clock import micros
from gateway.storage.driver import choose_driver

CIRCULARS_A_DAY, SINGLES_A_DAY = 60, 1300
_A_DAY = CIRCULARS_A_DAY * OFFICES + SINGLES_A_DAY
#: One document of so many to a single office was refused there.
_REFUSED_OF = 500
#: Lines of the first office that wait for a person.
_HELD = 40
_DAY = timedelta(days=1) // timedelta(microseconds=1)
#: Bytes of disk that stay free.
_LEAST_FREE = 15 * 1024**3
#: What the indexes take beside the tables, at most.
_INDEX_SHARE = 0.45
#: Days that are filled between two looks at the disk.
_PORTION_DAYS = 8
_PREPARING = ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -500000")
_WHERE = {
    "message": "id = :message",
    "receipt": "message_id = :message",
    "dispatch": "message_id = :message",
    "delivery": "message_id = :message ORDER BY seq",
    "attempt": "dispatch_id IN (SELECT id FROM dispatch WHERE message_id = :message)",
    "event": "message_id = :message ORDER BY seq",
}
_IDS = frozenset({"id", "message_id", "dispatch_id", "delivery_id"})
_INSTANTS = frozenset(
    {
        "received_at",
        "accepted_at",
        "created_at",
        "due_at",
        "give_up_at",
        "state_at",
        "started_at",
        "ended_at",
        "at",
        "arrived_at",
        "registered_at",
    }
)
#: The instant of copy i, and the beginning of a UUIDv7 of that instant.
_AT = "(:start + n.i * :step)"
_MILLIS = f"({_AT} / 1000)"
_PREFIX = f"printf('%08x-%04x', {_MILLIS} >> 16, {_MILLIS} & 65535)"
_DIGEST = "lower(hex(randomblob(32)))"
_OWN = {
    "message": {
        "sha256": _DIGEST,
        "fingerprint": _DIGEST,
        "content_key": _DIGEST,
        "document_ref": "lower(hex(randomblob(16)))",
        # numbers begin anew each year, in every office
        "code_number": "CAST(1 + n.i % (365 * :a_day) / :offices AS TEXT)",
        "code_notation": "'UBND-' || substr('VXKTNCTHNV', 1 + 2 * (n.i % 5), 2)",
    },
    "receipt": {"sha256": _DIGEST},
    "delivery": {"seq": "NULL"},
    "event": {"seq": "NULL"},
}
_CUT = {
    "receipt": {
        "xades": "substr(t.xades, 1, 500)",
        "transfer": "substr(t.transfer, 1, 500)",
        "answer": "substr(t.answer, 1, 500)",
    }
}
_FROM = "(SELECT o.{0} FROM office AS o WHERE o.n = n.i % 146)"
_TO = "(SELECT o.{0} FROM office AS o WHERE o.n = 1 + (n.i / 146 + n.i) % 145)"
_IS_REFUSED = f"n.i % {_REFUSED_OF} = 0"
_SINGLE = {
    "message": {"sender_id": _FROM.format("agency"), "sender_code": _FROM.format("code")},
    "dispatch": {"endpoint_id": _TO.format("endpoint"), "recipient_id": _TO.format("agency")},
    "delivery": {
        "recipient_id": _TO.format("agency"),
        "recipient_code": _TO.format("code"),
        "endpoint_id": _TO.format("endpoint"),
        "state": f"CASE WHEN {_IS_REFUSED} THEN 'refused' ELSE t.state END",
        "reason": f"CASE WHEN {_IS_REFUSED} THEN 'peer_refused' END",
    },
}


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of the two documents."""

    circular: str
    single: str


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of the database that a document takes, receipts whole."""

    single: float
    circular: float


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """What was made."""

    deliveries: int
    messages: int
    events: int
    bytes: int
    #: Microseconds: when the first copy was accepted, and the end of the last day.
    start: int
    end: int
    #: Whether the disk took as many as were asked for.
    whole: bool


def multiply(database: Path, models: Models, deliveries: int, say: Callable[[str], None]) -> Filled:
    """Fill the ledger up to so many deliveries, or as many as the disk takes."""
    days = max(1, round(deliveries / _A_DAY))
    # ids of today's documents come after those of the copies
    start = micros(datetime.now(UTC)) - (days + 1) * _DAY
    # sorting for the indexes takes more than memory
    os.environ["SQLITE_TMPDIR"] = str(database.parent)
    with closing(choose_driver().module.connect(str(database), isolation_level=None)) as connection:
        for pragma in _PREPARING:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        _know_offices(connection)
        _copy_models(connection, models)
        with _without_indexes(connection, say):
            done = 0
            while done < days and _fits(database):
                upto = min(days, done + _PORTION_DAYS)
                _portion(connection, start, done, upto)
                done = upto
                say(f"{done * _A_DAY} deliveries, {database.stat().st_size / 1e9:.1f} GB")
        _hold_some(connection)
        for pragma in ("locking_mode = NORMAL", "journal_mode = WAL"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        sizes = {
            name: connection.execute(f"SELECT MAX(rowid) FROM {name}").fetchone()[0]
            for name in ("delivery", "message", "event")
        }
    return Filled(
        deliveries=sizes["delivery"],
        messages=sizes["message"],
        events=sizes["event"],
        bytes=database.stat().st_size,
        start=start,
        end=start + done * _DAY,
        whole=done == days,
    )


def _fits(database: Path) -> bool:
    made = database.stat().st_size
    return shutil.disk_usage(database.parent).free - _INDEX_SHARE * made > _LEAST_FREE + (1 << 30)


def _portion(connection: Any, start: int, first: int, upto: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for kind, a_day, senders, other in (
        ("circular", CIRCULARS_A_DAY, 1, {}),
        ("single", SINGLES_A_DAY, OFFICES + 1, _SINGLE),
    ):
        values = {
            "first": first * a_day,
            "last": upto * a_day,
            "start": start,
            "step": _DAY // a_day,
            "a_day": a_day,
            "offices": senders,
            "base": connection.execute(f"SELECT accepted_at FROM temp.{kind}_message").fetchone()[0],
        }
        for table in _WHERE:
            special = _OWN.get(table, {}) | _CUT.get(table, {}) | other.get(table, {})
            connection.execute(_copying(connection, kind, table, special), values)
    connection.execute("COMMIT")


def weigh(database: Path, models: Models) -> Weights:
    """How much the file of a ledger grows by a document, in copies of this one."""
    return Weights(
        single=_weighed(database, models, "single", 2000), circular=_weighed(database, models, "circular", 100)
    )


def _weighed(database: Path, models: Models, kind: str, count: int) -> float:
    copy = database.with_suffix(".weighed")
    shutil.copyfile(database, copy)
    before = copy.stat().st_size
    with closing(choose_driver().module.connect(str(copy), isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF").fetchall()
        _copy_models(connection, models)
        values = {"first": 0, "last": count, "start": 0, "step": 10**6, "a_day": count, "offices": 1, "base": 0}
        connection.execute("BEGIN IMMEDIATE")
        for table in _WHERE:
            connection.execute(_copying(connection, kind, table, _OWN.get(table, {})), values)
        connection.execute("COMMIT")
    grown = copy.stat().st_size - before
    copy.unlink()
    return grown / count


def _copying(connection: Any, kind: str, table: str, special: dict[str, str]) -> str:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = [special.get(name) or _value(name) for name in columns]
    return (
        f"INSERT INTO {table} ({', '.join(columns)})"
        " WITH RECURSIVE n (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last - 1)"
        f" SELECT {', '.join(values)} FROM n CROSS JOIN temp.{kind}_{table} AS t"
    )


def _value(name: str) -> str:
    # NULL stays NULL
    if name in _IDS:
        return f"CASE WHEN t.{name} IS NOT NULL THEN {_PREFIX} || substr(t.{name}, 14) END"
    return f"t.{name} - :base + {_AT}" if name in _INSTANTS else f"t.{name}"


def _know_offices(connection: Any) -> None:
    """Number the offices; 0 is the province."""
    connection.execute("CREATE TEMP TABLE office (n INTEGER PRIMARY KEY, agency TEXT, code TEXT, endpoint TEXT)")
    for number, office in enumerate((PROVINCE, *COMMUNES)):
        connection.execute(
            "INSERT INTO office SELECT ?, a.id, c.code, a.endpoint_id FROM agency_code AS c"
            " JOIN agency AS a ON a.id = c.agency_id WHERE c.code = ?",
            (number, office.code),
        )


def _copy_models(connection: Any, models: Models) -> None:
    for kind, message in (("circular", models.circular), ("single", models.single)):
        for table, condition in _WHERE.items():
            connection.execute(
                f"CREATE TEMP TABLE {kind}_{table} AS SELECT * FROM {table} WHERE {condition}", {"message": message}
            )


@contextmanager
def _without_indexes(connection: Any, say: Callable[[str], None]) -> Iterator[None]:
    """Sorting at the end is many times quicker than inserting at random places."""
    found = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN"
        " ('message', 'dispatch', 'delivery', 'attempt', 'event')"
    ).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    yield
    for name, sql in found:
        connection.execute(sql)
        say(f"index {name}")


def _hold_some(connection: Any) -> None:
    """The newest lines of the first office wait for a person."""
    connection.execute(
        "UPDATE delivery SET state = 'held', reason = 'held_by_operator' WHERE seq IN (SELECT seq FROM delivery"
        " WHERE recipient_id = (SELECT agency FROM office WHERE n = 1) AND state = 'delivered'"
        " ORDER BY seq DESC LIMIT ?)",
        (_HELD,),
    )
