"""One axis per test: another folder, another port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.axis_lab import AxisLab, running_axis


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[AxisLab]:
    """Two systems, a thousand agencies, nobody answers by himself."""
    async with running_axis(tmp_path) as lab:
        yield lab
