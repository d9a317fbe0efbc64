"""The demo's processes: how they are ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.simulate.children import Child


async def test_process_that_was_stopped_is_stopped_no_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then the kernel may have given its number, and that of its session, to somebody else."""
    child = await Child.start("server", ["http.server", "--bind", "127.0.0.1", "0"], tmp_path / "log")
    await child.stop(10)
    assert not child.is_running
    killed = list[tuple[int, int]]()
    monkeypatch.setattr(os, "killpg", lambda group, number: killed.append((group, number)))
    await child.stop(10)
    assert killed == []
