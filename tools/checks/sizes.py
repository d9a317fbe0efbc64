"""No file over 500 lines, no function over 60, unless `[tool.sizes]` in pyproject.toml lists it with a reason.

    [tool.sizes.allowed]
    "gateway/some/file.py" = "why it is better whole"
    "gateway/some/file.py::function" = "why"

An entry that is no longer needed is a problem too.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tools.checks.source import Source, sources

FILE_LINES = 500
FUNCTION_LINES = 60


def problems(root: Path) -> list[str]:
    """What is too long."""
    allowed = _allowed(root)
    found = {
        key: text for source in sources(root, ".py", ".sql", ".sh", ".java") for key, text in _too_long(source)
    }
    unneeded = [
        f"pyproject.toml [tool.sizes.allowed]: {key} is within the caps; remove it"
        for key in allowed - found.keys()
    ]
    return [text for key, text in found.items() if key not in allowed] + sorted(unneeded)


def _allowed(root: Path) -> set[str]:
    file = root / "pyproject.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return set(table.get("tool", {}).get("sizes", {}).get("allowed", {}))


def _too_long(source: Source) -> Iterator[tuple[str, str]]:
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        yield source.name, f"{source.name} has {lines} lines, {FILE_LINES} is the most; split it by duty"
    if source.path.suffix != ".py":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            long = (node.end_lineno or node.lineno) - node.lineno + 1
            if long > FUNCTION_LINES:
                advice = f"has {long} lines, {FUNCTION_LINES} is the most; give its steps names"
                yield f"{source.name}::{node.name}", f"{source.at(node)} {node.name} {advice}"
