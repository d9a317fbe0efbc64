"""The recorder, built once per process of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.recording import build_recorder
from tests.system_tools import require_tool


@pytest.fixture(scope="session")
def library() -> Path:
    """The recorder's shared library; skips without a C compiler."""
    return build_recorder(require_tool("cc", "gcc"))
