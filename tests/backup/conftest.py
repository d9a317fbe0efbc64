"""A filled ledger, made once, and copies of it to damage and restore."""

from __future__ import annotations

from tests.journeys.conftest import folder, pki_folder, receiver, sound

__all__ = ["folder", "pki_folder", "receiver", "sound"]
