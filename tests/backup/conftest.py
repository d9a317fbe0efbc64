"""A filled ledger, made once, and copies of it to damage and restore."""

from __future__ import annotations

from tests.journeys.conftest import folder, receiver

__all__ = ["folder", "receiver"]
