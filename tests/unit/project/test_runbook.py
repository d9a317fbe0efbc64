"""Whoever is woken by an alert finds it in the runbook, and the other way round."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_alert_has_its_place_in_the_runbook() -> None:
    """A new alert without words on what to do is no help at night."""
    alerts = re.findall(r"- alert: (\w+)", (ROOT / "deploy" / "alerts.yml").read_text())
    told = re.findall(r"^## (Gateway\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert alerts
    assert sorted(told) == sorted(alerts)
