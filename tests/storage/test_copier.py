"""Copying beside the writer: what it leaves for the writer, and what its failure means."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.storage.sqlite import SqliteSettings
from tests.storage.conftest import TABLE, open_writer

EIGHT = SqliteSettings(checkpoint_commits=8)


async def log_and_copied(writer: object) -> tuple[int, int]:
    """Frames in the log, and how many of them are in the database."""
    ((_, frames, copied),) = await writer.fetch("PRAGMA wal_checkpoint(NOOP)")  # type: ignore[attr-defined]
    return frames, copied


async def test_most_of_a_checkpoint_is_copied_before_it_is_due(tmp_path: Path) -> None:
    """When the writer's own turn comes, little is left; afterwards all is copied and the log begins anew."""
    async with open_writer(tmp_path, EIGHT) as writer:
        for number in range(8):
            await writer.begin()
            await writer.fetch(TABLE.replace("item", f"item{number}"))
            await writer.commit()
            assert await writer.checkpoint_if_due() is (number == 7)
            if number == 6:
                await writer._copier.finished()
                frames, copied = await log_and_copied(writer)
                assert frames == copied > 0
        frames, copied = await log_and_copied(writer)
        assert frames == copied
        await writer.probe()
        assert (await log_and_copied(writer))[0] < frames


async def test_affected_sqlite_is_copied_by_the_writer_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two connections that checkpoint and write are what the WAL-reset bug needs."""
    async with open_writer(tmp_path, EIGHT) as writer:
        monkeypatch.setattr("gateway.storage.copier.Copier.begin", lambda _: pytest.fail("it copied"))
        monkeypatch.setattr(writer, "_driver", type("Affected", (), {"alarm": "affected", "module": None}))
        for _ in range(7):
            await writer.probe()
            assert not await writer.checkpoint_if_due()


async def test_trouble_of_the_copier_comes_with_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told to the pump, which reopens the connections; a later copy works again."""
    async with open_writer(tmp_path, EIGHT) as writer:
        with monkeypatch.context() as patched:

            def fail(_: object) -> None:
                raise OSError("no more files")

            patched.setattr("gateway.storage.copier.Copier._copy", fail)
            for _ in range(7):
                await writer.probe()
                await writer.checkpoint_if_due()
        await writer.probe()
        with pytest.raises(OSError, match="no more files"):
            await writer.checkpoint_if_due()
        await writer.reopen()
        assert await writer.checkpoint_if_due()
