"""Ways to damage a data folder, each as somebody with a root shell, or a failing disk, would."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gateway.events import canonical, leaf_hash

Tamper = Callable[[Path], None]


@contextmanager
def database(data: Path) -> Iterator[sqlite3.Connection]:
    """The database with nothing in the way; what was taken away to get there is put back."""
    with closing(sqlite3.connect(data / "gateway.sqlite")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        guards = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, text in guards:
            connection.execute(text)
        connection.commit()


def sql(text: str) -> Tamper:
    """Run one statement."""

    def tamper(data: Path) -> None:
        with database(data) as connection:
            done = connection.execute(text)
            assert done.rowcount > 0, f"nothing was changed by: {text}"

    return tamper


def body_of(data: Path, kind: str = "document") -> Path:
    """The stored bytes of the first message of a kind."""
    with database(data) as connection:
        (digest,) = connection.execute(
            "SELECT sha256 FROM message WHERE kind = ? ORDER BY id LIMIT 1", (kind,)
        ).fetchone()
    digest = str(digest)
    return data / "bodies" / digest[:2] / digest


def flip_body(data: Path) -> None:
    """One bit of a document."""
    path = body_of(data)
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)


def cut_body(data: Path) -> None:
    """The last byte of a document is gone."""
    path = body_of(data)
    path.write_bytes(path.read_bytes()[:-1])


def exchange_body(data: Path) -> None:
    """Another whole body lies under a document's name."""
    body_of(data).write_bytes(body_of(data, "status").read_bytes())


def remove_body(data: Path) -> None:
    """A document is gone."""
    body_of(data).unlink()


def remove_rendition(data: Path) -> None:
    """What a peer was sent instead of the original is gone."""
    with database(data) as connection:
        digest = str(connection.execute("SELECT sha256 FROM rendition").fetchone()[0])
    (data / "bodies" / digest[:2] / digest).unlink()


def spoil_header(data: Path) -> None:
    """The file no longer begins as ours do."""
    path = body_of(data)
    path.write_bytes(b"x" + path.read_bytes()[1:])


def swap_receipts(data: Path) -> None:
    """Two documents exchange their receipts, digests included."""
    with database(data) as connection:
        rows = connection.execute(
            "SELECT r.message_id, r.transfer, r.xades, r.sha256, r.answer FROM receipt AS r "
            "JOIN message AS m ON m.id = r.message_id WHERE m.kind = 'document' ORDER BY m.id LIMIT 2"
        ).fetchall()
        for (owner, *_), (_, *other) in zip(rows, reversed(rows), strict=True):
            connection.execute(
                "UPDATE receipt SET transfer = ?, xades = ?, sha256 = ?, answer = ? WHERE message_id = ?",
                (*other, owner),
            )


def edit_transfer(data: Path) -> None:
    """The sealed record names another sender."""
    with database(data) as connection:
        owner, transfer = connection.execute("SELECT message_id, transfer FROM receipt LIMIT 1").fetchone()
        record = json.loads(transfer)
        record["sender"]["organ_id"] = "000.00.00.H99"
        text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        connection.execute("UPDATE receipt SET transfer = ? WHERE message_id = ?", (text, owner))


def edit_leaf(
    change: Callable[[dict[str, object]], None], *, kind: str, rehash: bool = True, tidy: bool = True
) -> Tamper:
    """The leaf of the first event of a kind, with or without a hash that fits again."""

    def tamper(data: Path) -> None:
        with database(data) as connection:
            seq, leaf, digest = connection.execute(
                "SELECT seq, leaf, leaf_hash FROM event WHERE kind = ? ORDER BY seq LIMIT 1", (kind,)
            ).fetchone()
            told = json.loads(leaf)
            change(told)
            text = canonical(told) if tidy else json.dumps(told, indent=1).encode()
            connection.execute(
                "UPDATE event SET leaf = ?, leaf_hash = ? WHERE seq = ?",
                (text, leaf_hash(text) if rehash else digest, seq),
            )

    return tamper


def set_fact(name: str, value: object) -> Callable[[dict[str, object]], None]:
    """A change for `edit_leaf`."""

    def change(leaf: dict[str, object]) -> None:
        facts = leaf["facts"]
        assert isinstance(facts, dict)
        facts[name] = value

    return change


def nothing(_leaf: dict[str, object]) -> None:
    """A change for `edit_leaf`: the words stay the same."""


def damage_page(data: Path) -> None:
    """A sector of the database file comes back as noise."""
    path = data / "gateway.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'message'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * page_bytes)
        file.write(b"\xa5" * page_bytes)


def drop_guard(data: Path) -> None:
    """The history may be rewritten from now on."""
    with closing(sqlite3.connect(data / "gateway.sqlite")) as connection:
        connection.execute("DROP TRIGGER event_is_append_only_delete")
        connection.commit()
