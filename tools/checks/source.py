"""The files that checks look at, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

#: Folders at the top whose files are ours.
FOLDERS = ("gateway", "adapters", "tests", "tools", "benchmarks", "schemas", "deploy")


@dataclass(frozen=True)
class Source:
    """One file below `root`."""

    root: Path
    path: Path

    @property
    def name(self) -> str:
        """Its path from the root, with slashes."""
        return self.path.relative_to(self.root).as_posix()

    @cached_property
    def text(self) -> str:
        """Its characters."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree; only for Python."""
        return ast.parse(self.text, self.name)

    def at(self, node: ast.expr | ast.stmt) -> str:
        """`file:line`, as editors like it."""
        return f"{self.name}:{node.lineno}"


def sources(root: Path, *suffixes: str, folders: tuple[str, ...] = FOLDERS) -> Iterator[Source]:
    """Our files with these suffixes, by name; not those in folders that commands make."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file() and "__pycache__" not in path.parts:
                yield Source(root, path)


def called_name(call: ast.Call) -> str:
    """`EventRow` of both `EventRow(...)` and `history.EventRow(...)`; "" for anything else."""
    func = call.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def text_of(node: ast.AST | None) -> str | None:
    """The value of a string constant."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def texts_below(node: ast.AST) -> Iterator[tuple[str, ast.Constant]]:
    """Every string constant in it."""
    for found in ast.walk(node):
        if isinstance(found, ast.Constant) and isinstance(found.value, str):
            yield found.value, found
