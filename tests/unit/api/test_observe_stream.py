"""Logging must not be able to break what it tells of."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import structlog

from gateway.logs import configure_logs


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_closed_log_costs_its_line_and_nothing_else() -> None:
    """A log that cannot be written raises nothing in the code that logs."""
    stream = io.StringIO()
    configure_logs("info", "json", stream)
    structlog.get_logger("test").info("first")
    stream.close()
    structlog.get_logger("test").info("second")
