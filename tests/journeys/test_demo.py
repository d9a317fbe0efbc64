"""The whole demo, as a user runs it: separate processes, real TLS, real SQLite, the gateway killed twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

KEYS = [
    "recipients",
    "documents",
    "deliveries",
    "relayed",
    "delivered",
    "acknowledged",
    "refused",
    "withdrawn",
    "unread",
    "lost",
    "duplicated",
    "retransmitted",
    "statuses",
    "seconds",
]


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--faults"]], ids=["plain", "faults"])
def test_demo_ends_with_every_delivery_as_scripted(tmp_path: Path, more: list[str]) -> None:
    """Nothing is lost or doubled, whatever the receivers do and however often the gateway is killed."""
    folder = tmp_path / "demo"
    demo = [sys.executable, "-m", "gateway", "demo", "--exit", "--folder", str(folder), *more]
    ended = subprocess.run(demo, capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    result = json.loads(ended.stdout.splitlines()[-1])
    assert list(result) == KEYS
    assert (result["lost"], result["duplicated"]) == (0, 0)
    states = ("relayed", "delivered", "acknowledged", "refused", "withdrawn", "unread")
    assert sum(result[state] for state in states) == result["deliveries"]
    assert result["retransmitted"] > 0 or not more
    check = [sys.executable, "-m", "gateway", "--config", str(folder / "config.toml"), "fsck", "--json"]
    found = subprocess.run(check, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stdout[-4000:]
    told = json.loads(found.stdout)
    assert told["ok"] is True
    counted = ("documents", "deliveries", "statuses")
    assert {name: told[name] for name in counted} == {name: result[name] for name in counted}
