"""Whoever changes a ledger whose log was signed is found by fsck, and what was changed is named."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.audit.fsck import FsckReport
from gateway.config import settings as config
from gateway.evidence.log_mark import Mark, read_mark, write_mark
from gateway.foundation import database_of
from gateway.pki import DevPki
from gateway.transparency.merkle import Frontier, leaf_hash
from gateway.transparency.tiles import grow
from tests.journeys.installation import Installation, prepare
from tests.journeys.test_log import report_of, sent, signed


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> tuple[Installation, list[str]]:
    """A stopped installation with some documents under several checkpoints; tests copy it."""
    folder = tmp_path_factory.mktemp("grown") / "site"
    folder.mkdir()

    async def fill() -> tuple[Installation, list[str]]:
        made = await prepare(folder, pki_folder)
        async with made.running():
            ids = []
            for number in range(1, 7):
                ids.append(await sent(made, number))
                await signed(made)
        async with made.running():
            await signed(made)
        return made, ids

    return asyncio.run(fill())


def tampered(grown: Installation, folder: Path, *statements: str) -> tuple[Installation, FsckReport]:
    """A copy after somebody with SQLite was at it, and what fsck says."""
    shutil.copytree(grown.folder, folder)
    site = Installation(
        folder=folder, pki=DevPki(folder=folder / "certs"), settings=config.load(_moved(grown, folder))
    )
    with closing(sqlite3.connect(database_of(site.settings))) as connection:
        connection.create_function("leaf_hash", 1, lambda leaf: leaf_hash(bytes(leaf)))
        connection.execute("PRAGMA foreign_keys = OFF")
        guards = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, text in guards:
            connection.execute(text)
        connection.commit()
    return site, asyncio.run(report_of(site))


def _moved(grown: Installation, folder: Path) -> Path:
    """Its configuration, with the copy's own certificates."""
    file = folder / "config.toml"
    file.write_text(file.read_text().replace(str(grown.folder), str(folder)))
    return file


def found(report: FsckReport, prefix: str = "") -> set[tuple[str, str]]:
    """Codes and subjects, those of the log only."""
    return {
        (each.code, each.subject)
        for each in report.findings
        if each.code.startswith(("log_", "checkpoint_", prefix or "log_"))
    }


#: A leaf with one field changed.
_EDITED = "CAST(json_set(CAST(leaf AS TEXT), '$.{}', {}) AS BLOB)"
#: Of the third document's acceptance.
_THIRD = "(SELECT seq FROM event WHERE kind = 'document.accepted' ORDER BY seq LIMIT 1 OFFSET 2)"


def seq_of(site: Installation, text: str) -> int:
    with closing(sqlite3.connect(database_of(site.settings))) as connection:
        return int(connection.execute(f"SELECT {text}").fetchone()[0])


def test_untouched_log_is_found_in_order(grown: tuple[Installation, list[str]], tmp_path: Path) -> None:
    """And all of it was looked at."""
    _, report = tampered(grown[0], tmp_path / "site")
    assert report.ok, report.findings
    assert found(report) == set()
    assert report.counts.leaves > 15
    assert report.counts.checkpoints >= 7


def test_changed_row_is_named(grown: tuple[Installation, list[str]], tmp_path: Path) -> None:
    """Leaf, hash and columns changed alike: as consistent as any other event, but not what was signed."""
    seq = seq_of(grown[0], _THIRD)
    site, report = tampered(
        grown[0],
        tmp_path / "site",
        f"UPDATE event SET at = 7, leaf = {_EDITED.format('at', 7)} WHERE seq = {seq}",
        f"UPDATE event SET leaf_hash = leaf_hash(leaf) WHERE seq = {seq}",
    )
    assert found(report) == {("log_leaf_changed", f"event {seq}")}
    assert seq_of(site, _THIRD) == seq


def test_deleted_row_is_named(grown: tuple[Installation, list[str]], tmp_path: Path) -> None:
    """The gap, and which leaf lies in it."""
    seq = seq_of(grown[0], _THIRD)
    _, report = tampered(grown[0], tmp_path / "site", f"DELETE FROM event WHERE seq = {seq}")
    assert found(report) == {("log_leaf_missing", f"event {seq}")}


def test_inserted_row_is_named(grown: tuple[Installation, list[str]], tmp_path: Path) -> None:
    """A number between those of an epoch's jump, or below all others, is no leaf's."""
    _, report = tampered(
        grown[0],
        tmp_path / "site",
        "INSERT INTO event (seq, kind, at, actor, leaf, leaf_hash)"
        " SELECT 0, kind, at, actor, leaf, leaf_hash FROM event WHERE seq = 1",
    )
    assert found(report) == {("log_leaf_foreign", "event 0")}


def test_rewritten_tail_is_named_leaf_by_leaf(grown: tuple[Installation, list[str]], tmp_path: Path) -> None:
    """Everything after an event, with hashes that fit."""
    seq = seq_of(grown[0], _THIRD)
    site, report = tampered(
        grown[0],
        tmp_path / "site",
        f"UPDATE event SET at = 7, leaf = {_EDITED.format('at', 7)} WHERE seq >= {seq}",
        f"UPDATE event SET leaf_hash = leaf_hash(leaf) WHERE seq >= {seq}",
    )
    last = seq_of(site, "seq FROM log_tree")
    assert found(report) == {("log_leaf_changed", f"event {each}") for each in range(seq, last + 1)}


def test_history_rewritten_with_its_tree_is_found_by_checkpoints_and_mark(
    grown: tuple[Installation, list[str]], tmp_path: Path
) -> None:
    """Events, tiles and tree agree again; what was signed does not."""
    seq = seq_of(grown[0], _THIRD)
    shutil.copytree(grown[0].folder, tmp_path / "other")
    site = Installation(
        folder=tmp_path / "other",
        pki=grown[0].pki,
        settings=config.load(_moved(grown[0], tmp_path / "other")),
    )
    with closing(sqlite3.connect(database_of(site.settings))) as connection:
        connection.create_function("leaf_hash", 1, lambda leaf: leaf_hash(bytes(leaf)))
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(f"UPDATE event SET at = 7, leaf = {_EDITED.format('at', 7)} WHERE seq = {seq}")
        connection.execute(f"UPDATE event SET leaf_hash = leaf_hash(leaf) WHERE seq = {seq}")
        size = int(connection.execute("SELECT size FROM log_tree").fetchone()[0])
        hashes = [row[0] for row in connection.execute("SELECT leaf_hash FROM event ORDER BY seq LIMIT ?", (size,))]
        growth = grow(Frontier(), {}, hashes)
        for tile, row in growth.tiles.items():
            connection.execute(
                "UPDATE log_tile SET hashes = ? WHERE level = ? AND idx = ?", (row, tile.level, tile.index)
            )
        connection.execute(
            "UPDATE log_tree SET root = ?, frontier = ?", (growth.frontier.root(), growth.frontier.packed())
        )
        sizes = [row[0] for row in connection.execute("SELECT size FROM checkpoint ORDER BY size")]
        connection.commit()
    report = asyncio.run(report_of(site))
    wrong = {f"checkpoint {each}" for each in sizes if each >= seq}
    assert wrong
    assert found(report) == {("checkpoint_differs", each) for each in wrong} | {("log_mark_differs", "log.mark")}
    first = min(each for each in sizes if each >= seq)
    before = max(each for each in sizes if each < seq)
    details = {each.subject: each.detail for each in report.findings if each.code == "checkpoint_differs"}
    assert f"leaves {before} to {first - 1}" in details[f"checkpoint {first}"]


def test_tail_cut_off_with_everything_that_tells_of_it_is_found_by_the_mark(
    grown: tuple[Installation, list[str]], tmp_path: Path
) -> None:
    """As if the last documents had never been: an older folder without a restore."""
    site, _ = tampered(grown[0], tmp_path / "site")
    mark = read_mark(site.settings.log.mark)
    assert mark is not None
    write_mark(site.settings.log.mark, Mark(key=mark.key, epoch=1, size=mark.size + 3, root=mark.root))
    assert found(asyncio.run(report_of(site))) == {("log_mark_differs", "log.mark")}
    site.settings.log.mark.unlink()
    assert found(asyncio.run(report_of(site))) == {("log_mark_differs", "log.mark")}


def test_receipt_without_leaf_and_swapped_body_are_named(
    grown: tuple[Installation, list[str]], tmp_path: Path
) -> None:
    """The document itself: its acceptance is no event any more; its bytes are another document's."""
    first, second = grown[1][:2]
    site, report = tampered(
        grown[0],
        tmp_path / "site",
        f"DELETE FROM event WHERE kind = 'document.accepted' AND message_id = '{first}'",
    )
    assert ("accepted_event", first) in found(report, "accepted_event")
    with closing(sqlite3.connect(database_of(site.settings))) as connection:
        digests = dict(connection.execute("SELECT id, sha256 FROM message"))
    bodies = site.settings.storage.folder / "bodies"
    paths = [bodies / digests[each][:2] / digests[each] for each in (first, second)]
    paths[0].write_bytes(paths[1].read_bytes())
    assert ("body_changed", first) in found(asyncio.run(report_of(site)), "body_changed")


@pytest.mark.parametrize(
    ("statement", "code", "subject"),
    [
        ("UPDATE log_tile SET hashes = zeroblob(length(hashes)) WHERE level = 0", "log_tree_differs", "tree"),
        ("DELETE FROM log_tile", "log_tile_differs", "tile 0/0"),
        ("UPDATE log_tree SET root = zeroblob(32)", "log_tree_differs", "tree"),
        ("UPDATE log_run SET count = count - 1", "log_tree_differs", "tree"),
        ("UPDATE checkpoint SET note = CAST(note || 'x' AS BLOB)", "checkpoint_unproven", ""),
        ("UPDATE checkpoint SET root = zeroblob(32)", "checkpoint_differs", ""),
        ("INSERT INTO cosignature SELECT MAX(size), 'w', 1, 'x' FROM checkpoint", "checkpoint_cosignature", ""),
        (
            "INSERT INTO checkpoint VALUES (100000, zeroblob(32), 1, x'00')",
            "checkpoint_differs",
            "checkpoint 100000",
        ),
    ],
)
def test_damage_to_the_logs_own_tables_is_found(
    grown: tuple[Installation, list[str]], tmp_path: Path, statement: str, code: str, subject: str
) -> None:
    """Tiles, tree, runs, checkpoints."""
    _, report = tampered(grown[0], tmp_path / "site", statement)
    assert not report.ok
    assert any(each[0] == code and subject in each[1] for each in found(report)), found(report)
