"""The settings of `[storage]`, beside those of `gateway.config.settings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gateway.config.values import Size, TokenPlace
from gateway.config.values import documented as _f


@dataclass(frozen=True, kw_only=True, slots=True)
class StorageSettings:
    """The data folder."""

    folder: Path = _f(Path("data"), "database, bodies, spool, locks; one local disk, never a network share")
    allow_affected_sqlite: bool = _f(False, "run on a SQLite with the WAL-reset bug; raises an alarm")
    readers: int = _f(3, "read-only connections")
    min_free_bytes: Size = _f(Size(1024**3), "refuse new documents (503) below this much free disk")
    max_waiting_writes: int = _f(2000, "intents waiting for the writer before 503")
    encrypt_bodies: bool = _f(
        True, "encrypt bodies on the disk; with false new ones are plain, old ones still open"
    )
    body_key: Path = _f(
        Path("secrets/bodies.key"),
        "the key for that; mode 0600; in no backup: copy it elsewhere (docs/encryption.md)",
    )
    body_token: TokenPlace | None = _f(
        None, "a PKCS#11 token that holds the key instead, as [seal] token, with object=LABEL, an AES key's label"
    )
    body_secret: Path | None = _f(None, "file with the PIN of that token; mode 0600")
    secrets: Path = _f(Path("secrets"), "folder of peers' secrets, one file each, mode 0600")
    keep_ended: timedelta = _f(
        timedelta(days=90),
        "how long alerts and webhook replays that have ended stay listed, 7d at least; their events stay",
    )
