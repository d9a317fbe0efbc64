"""What our files may not say: notes to self, empty module names, SQL inside Python, XML parsers of one's own.

SQL belongs into `.sql` files as named blocks; foreign XML goes through `gateway/xml.py`, which has the limits.
Tests may do both.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools.checks.source import Source, called_name, sources, texts_below

#: Split, so that this file does not find itself.
_NOTES = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")
_NAMES = frozenset({"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"})
_TREES = frozenset({"etree", "ElementTree", "ET", "objectify"})
_PARSERS = frozenset(
    {"XMLParser", "XMLPullParser", "HTMLParser", "parse", "iterparse", "fromstring", "XML", "HTML"}
)
_SQL = re.compile(
    r"\s*(SELECT\s.+\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(TABLE|INDEX|TRIGGER)\s"
    r"|DROP\s+TABLE\s|ALTER\s+TABLE\s)",
    re.DOTALL,
)


def problems(root: Path) -> list[str]:
    """Every place that says it."""
    found: list[str] = []
    for source in sources(root, ".py", ".sql", ".sh", ".xsd"):
        found += _notes(source)
        if source.path.stem in _NAMES:
            found.append(f"{source.name}: a module is named by its noun or step, not {source.path.stem}; rename it")
    for source in sources(root, ".py", folders=("gateway", "adapters")):
        found += _sql(source)
        if source.name != "gateway/xml.py":
            found += _parsers(source)
    return found


def _notes(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        match = _NOTES.search(line)
        if match:
            yield f"{source.name}:{number}: {match[0]}; do it, or write an issue"


def _sql(source: Source) -> Iterator[str]:
    documented = {id(text) for text in _docstrings(source.tree)}
    for value, node in texts_below(source.tree):
        if id(node) not in documented and _SQL.match(value):
            yield f"{source.at(node)} SQL in Python; make it a named block of an .sql file"


def _parsers(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and called_name(node) in _PARSERS and _of_etree(node.func):
            yield f"{source.at(node)} an XML parser of its own; use gateway/xml.py, which has the limits"


def _of_etree(func: ast.expr) -> bool:
    return isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id in _TREES


def _docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr):
                yield first.value
