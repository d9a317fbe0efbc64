"""What the migration to connectors makes of webhooks that were in use."""

from __future__ import annotations

from pathlib import Path

from gateway.storage.migrations import MIGRATIONS, migrate
from gateway.storage.sqlite import Writer
from tests.storage.earlier import migrations_before

_INSERT = (
    "INSERT INTO endpoint (id, name, kind, last_success_at) VALUES"
    " ('a', 'used', 'webhook', 17), ('b', 'new', 'webhook', NULL), ('c', 'pulled', 'inbox', 17)"
)


async def test_webhooks_in_use_need_no_proof_until_something_changes(writer: Writer, tmp_path: Path) -> None:
    """Receivers built before there were challenges go on; one that was never used, or is pulled, is left alone."""
    await migrate(writer, migrations_before("0004", tmp_path))
    await writer.fetch(_INSERT)
    await migrate(writer, MIGRATIONS)
    assert await writer.fetch("SELECT endpoint_id, mark, how, proved_at FROM proof") == [("a", "", "in_use", 17)]
