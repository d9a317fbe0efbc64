"""Whoever is woken by an alert finds it in the runbook, and the other way round."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from gateway.cli import build_parser

ROOT = Path(__file__).parents[3]


def test_every_alert_has_its_place_in_the_runbook() -> None:
    """A new alert without words on what to do is no help at night."""
    alerts = re.findall(r"- alert: (\w+)", (ROOT / "deploy" / "alerts.yml").read_text())
    told = re.findall(r"^## (Gateway\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert alerts
    assert sorted(told) == sorted(alerts)


def test_both_languages_have_the_same_places_and_commands() -> None:
    """And every command is one that there is."""
    english, vietnamese = ((ROOT / "docs" / name).read_text() for name in ("runbook.md", "runbook.vi.md"))
    headings, commands = r"^## ((?:Gateway|Alarm) ?\w.*)$", r"`(gateway [a-z][a-z -]*|\w+ctl [a-z][a-z -]*)"
    assert re.findall(headings, english, re.MULTILINE) == re.findall(headings, vietnamese, re.MULTILINE)
    said = {" ".join(found.split()) for text in (english, vietnamese) for found in re.findall(commands, text)}
    assert {"gateway alarms list", "gateway keys switch --reason"} <= said
    parser = build_parser()
    for command in said:
        words = [word for word in command.split() if not word.startswith("-")]
        if words[0] == "gateway":
            assert _is_known(parser, words[1:]), command


def _is_known(parser: argparse.ArgumentParser, words: list[str]) -> bool:
    inner = next((one for one in parser._actions if isinstance(one, argparse._SubParsersAction)), None)
    if inner is None:
        return True  # the rest are its arguments
    return bool(words) and words[0] in inner.choices and _is_known(inner.choices[words[0]], words[1:])
