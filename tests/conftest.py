"""What holds for every test."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import settings

# How long one example takes says how busy the machine is, not whether the code is right.
settings.register_profile("gateway", deadline=None)
settings.load_profile("gateway")


def pytest_collection_finish() -> None:
    """Thousands of tests and their modules stay: the collector need not look through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _keeps_its_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup or a drill that a test runs in its own process would slow all tests after it down."""
    monkeypatch.setattr(os, "nice", lambda _more: 0)
