"""Writes `expected.json` beside every input of `tests/vectors/edxml/`; without changes it writes the same again.

    python tools/vectors.py

A test compares what it would write with what is there, so a change of the parser shows up as a diff to judge.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from gateway.edxml.envelope import ParseReport
from gateway.edxml.limits import ParseLimits
from gateway.edxml.parser import parse_file

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "edxml"


def vector_folders() -> list[Path]:
    """Every vector, by name."""
    return sorted(path.parent for path in FOLDER.glob("*/input.edxml"))


def expected_text(folder: Path) -> str:
    """What `expected.json` of that vector should hold."""
    report = parse_file(str(folder / "input.edxml"), limits=ParseLimits()).report
    return json.dumps(_shown(report), ensure_ascii=False, indent=2) + "\n"


def _shown(report: ParseReport) -> dict[str, Any]:
    """The report without the texts of the findings, which have their registry, and without empty fields."""
    return {
        "refusal": report.refusal,
        # What libxml2 says differs between its versions.
        "detail": "" if report.refusal.startswith("xml_") else report.detail,
        "findings": [f"{one.severity} {one.rule} {one.path}".rstrip() for one in report.findings],
        "envelope": _filled(msgspec.to_builtins(report.envelope)),
    }


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one) for key, one in value.items() if one not in ("", None, [], {})}
    if isinstance(value, list):
        return [_filled(one) for one in value]
    return value


def main() -> None:
    """Writes all of them."""
    for folder in vector_folders():
        (folder / "expected.json").write_text(expected_text(folder), encoding="utf-8")


if __name__ == "__main__":
    main()
