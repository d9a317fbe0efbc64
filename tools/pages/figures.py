"""The table of the benchmark's figures in both READMEs, made from `docs/bench.json` where there is one.

`docs/bench.json` is the `build/bench.json` of a run that somebody chose to publish: a list of objects with name,
value, unit, goal and met.
"""

from __future__ import annotations

import json
from pathlib import Path

_WORDS = {
    "en": ("what", "measured", "goal", "met", "No run is published yet; `make bench` writes `build/bench.json`."),
    "vi": (
        "chỉ tiêu",
        "đo được",
        "mục tiêu",
        "đạt",
        "Chưa công bố lần đo nào; `make bench` ghi `build/bench.json`.",
    ),
}


def table(published: Path, language: str) -> str:
    """The rows, or a sentence that nothing was measured."""
    what, measured, goal, met, nothing = _WORDS[language]
    if not published.exists():
        return nothing + "\n"
    rows = [
        f"| {one['name']} | {one['value']} {one['unit']} | {one['goal']} | {'✓' if one['met'] else '✗'} |"
        for one in json.loads(published.read_text(encoding="utf-8"))
    ]
    return "\n".join([f"| {what} | {measured} | {goal} | {met} |", "|---|---|---|---|", *rows, ""])
