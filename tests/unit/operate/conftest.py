"""One PKI for the run, and an installation per test, laid out as the journey tests do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.journeys.installation import Installation, prepare


@pytest.fixture(autouse=True)
def logs_end_with_the_test() -> Iterator[None]:
    """A server logs to the standard error of its test, which is closed when the next test logs."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def installation(tmp_path: Path, pki_folder: Path) -> Installation:
    """An installation without a running server; its socket's path is short."""
    folder = tmp_path / "i"
    folder.mkdir()
    return asyncio.run(prepare(folder, pki_folder))
