"""A witness's folder: its settings, keys, the logs it knows, and what it cosigned last.

witness.toml                 the settings below
witness.key witness.vkey     its key (0600), and the public half, for logs and auditors
tls.pem tls.key              its certificate; made by itself unless others are put in place
logs.vkey                    keys of the logs that it knows, a line each; nobody else is answered
records/HASH.note            the last checkpoint cosigned of each log; HASH is the SHA-256 of its origin
refused/HASH.note            checkpoints that a known log signed and that do not continue what was cosigned
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from gateway.config.settings import load_of

FILE: Final = "witness.toml"
PORT: Final = 8460


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessSettings:
    """Of witness.toml; relative paths are relative to its folder."""

    #: As in "thanhtra.example.vn/witness"; for ever, like its key.
    name: str = ""
    #: `development` allows points that kill it, for tests.
    profile: Literal["strict", "development"] = "strict"
    #: Where it listens.
    host: str = "127.0.0.1"
    port: int = PORT
    #: Certificate and chain of its listener, and the key, mode 0600.
    certificate: Path = Path("tls.pem")
    certificate_key: Path = Path("tls.key")
    #: What cosigns, Ed25519; mode 0600.
    key: Path = Path("witness.key")
    #: Keys of the logs that it knows, a line each.
    logs: Path = Path("logs.vkey")
    #: Connections at once, and of them from one address.
    max_connections: int = 100
    max_connections_per_address: int = 20


def load(folder: Path) -> WitnessSettings:
    """The settings of a folder; raises ConfigError."""
    return load_of(WitnessSettings, folder / FILE)
