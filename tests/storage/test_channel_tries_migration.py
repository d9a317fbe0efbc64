"""What the migration to tries by channel makes of those that were there, and what comes after it."""

from __future__ import annotations

from pathlib import Path

from gateway.storage.migrations import MIGRATIONS, migrate
from gateway.storage.sqlite import Writer
from tests.storage.earlier import migrations_before

_DISPATCHES = (
    "INSERT INTO dispatch (id, message_id, endpoint_id, state, lane, created_at, due_at, give_up_at) VALUES"
    " ('p', 'm', 'axis', 'done', 2, 0, 0, 0), ('q', 'm', 'commune', 'done', 2, 0, 0, 0)"
)
#: What a transmission belongs to beside its channel is left out.
_ALONE = "PRAGMA foreign_keys = OFF"
_TRIES = "INSERT INTO attempt (id, dispatch_id, boot_id, series, started_at) VALUES {}"


async def test_tries_from_before_and_after_are_found_by_their_channel(writer: Writer, tmp_path: Path) -> None:
    """A report of a channel leaves out none that was made before the upgrade."""
    await migrate(writer, migrations_before("0063", tmp_path))
    await writer.fetch(_ALONE)
    await writer.fetch(_DISPATCHES)
    await writer.fetch(_TRIES.format("('1', 'p', 'b', 1, 0), ('2', 'q', 'b', 1, 0), ('3', 'p', 'b', 1, 0)"))
    await migrate(writer, MIGRATIONS)
    await writer.fetch(_ALONE)
    await writer.fetch(_TRIES.format("('4', 'q', 'b', 1, 0)"))
    assert await writer.fetch("SELECT endpoint_id, attempt_id FROM attempt_of_channel ORDER BY 1, 2") == [
        ("axis", "1"),
        ("axis", "3"),
        ("commune", "2"),
        ("commune", "4"),
    ]
