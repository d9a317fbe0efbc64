"""Folders of runs that were given none: what a run that crashed left goes with the next one, others stay."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from gateway.conformance.folders import own_folder
from gateway.storage.lock import LOCK_NAME


def test_what_a_crashed_run_left_goes_and_a_running_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who holds the lock is at work; a folder that nobody has locked yet is of a run that begins."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, begins, other = (tmp_path / f"{name}" for name in ("gateway-conformance-1", "gateway-conformance-2", "x"))
    for folder in (left, begins, other):
        folder.mkdir()
        (folder / "token").write_text("a secret")
    (left / LOCK_NAME).touch()
    with own_folder() as first, own_folder() as second:
        assert {*tmp_path.iterdir()} == {first, second, begins, other}
    assert {*tmp_path.iterdir()} == {begins, other}
