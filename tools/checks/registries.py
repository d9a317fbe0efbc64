"""What is registered is used and what is used is registered: events, reason codes, SQL statements.

An event counts as recorded where `Event.NAME` stands in `gateway/` outside the registry, or where a transition's
trigger is named (`Trigger.NAME` records `delivery.name`). A reason counts as used where its code stands as a text.
A use is recognised by the call it stands in: `RefusedError("code")`, `Outcome(..., reason="code")` and the like.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools.checks.source import Source, called_name, sources, text_of, texts_below

_CODE = ("gateway", "adapters")
#: One file per theme.
_REASONS = "gateway/reasons/"
#: Calls whose first text is a reason code, and those whose `reason=` is one.
_TAKES_CODE = frozenset({"RefusedError", "is_temporary"})
_TAKES_REASON = frozenset({"Outcome", "Move"})
#: Methods of the pump's transaction and of the readers whose first text names a statement.
_RUNS_STATEMENT = frozenset({"fetch", "fetch_one", "execute_many"})
_BLOCK = re.compile(r"^-- name:[ \t]*(\S+)", re.MULTILINE)


def problems(root: Path) -> list[str]:
    """All three registries."""
    return [*_events(root), *_reasons(root), *_statements(root)]


def _code(root: Path, *but: str) -> Iterator[Source]:
    return (source for source in sources(root, ".py", folders=_CODE) if source.name not in but)


def _members(source: Source, name: str) -> dict[str, str]:
    """NAME -> value of the enum `name`."""
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return {
                str(one.targets[0].id): text_of(one.value) or ""
                for one in node.body
                if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
            }
    return {}


def _attributes(source: Source, name: str) -> Iterator[tuple[str, ast.Attribute]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            yield node.attr, node


def _events(root: Path) -> list[str]:
    events = _members(Source(root, root / "gateway/events.py"), "Event")
    triggers = _members(Source(root, root / "gateway/states.py"), "Trigger")
    used: set[str] = set()
    found: list[str] = []
    for source in _code(root, "gateway/events.py", "gateway/states.py"):
        for attr, node in _attributes(source, "Event"):
            used.add(events.get(attr, ""))
            if attr not in events and attr.isupper():
                found.append(f"{source.at(node)} Event.{attr} is not in gateway/events.py; register it")
        used |= {f"delivery.{triggers[attr]}" for attr, _ in _attributes(source, "Trigger") if attr in triggers}
    lonely = [value for value in events.values() if value not in used]
    names = [value for value in events.values() if not re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", value)]
    found += [f"gateway/events.py: nothing records {value}; record it or remove it" for value in lonely]
    found += [f"gateway/events.py: {value} is not of the form noun.past_verb; rename it" for value in names]
    missing = {f"delivery.{value}" for value in triggers.values()} - set(events.values())
    return found + [
        f"gateway/events.py: {value} is missing for a trigger of states.py" for value in sorted(missing)
    ]


def _reasons(root: Path) -> list[str]:
    codes: dict[str, str] = {}
    found: list[str] = []
    for source in sources(root, ".py", folders=(_REASONS,)):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and called_name(node) in {"_p", "_t"} and (code := text_of(node.args[0])):
                if code in codes:
                    found.append(f"{source.at(node)} {code} stands at {codes[code]} already; remove one")
                codes[code] = source.at(node)
    said: set[str] = set()
    for source in _code(root):
        if source.name.startswith(_REASONS):
            continue
        said |= {value for value, _ in texts_below(source.tree)}
        for code, node in _codes_used(source):
            if code not in codes:
                found.append(f"{source.at(node)} reason {code!r} is not in {_REASONS}; register it")
    said |= {
        word for source in sources(root, ".sql", folders=_CODE) for word in re.findall(r"'(\w+)'", source.text)
    }
    return found + [
        f"{codes[code]} nothing uses {code}; use it or remove it" for code in sorted(codes.keys() - said)
    ]


def _codes_used(source: Source) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        name = called_name(node)
        if name in _TAKES_CODE and node.args and (code := text_of(node.args[0])) is not None:
            yield code, node
        if name in _TAKES_REASON:
            for keyword in node.keywords:
                if keyword.arg == "reason" and (code := text_of(keyword.value)):
                    yield code, keyword.value


def _statements(root: Path) -> list[str]:
    blocks = {
        name: source.name
        for source in sources(root, ".sql", folders=_CODE)
        if "/migrations/" not in source.name
        for name in _BLOCK.findall(source.text)
    }
    found: list[str] = []
    said: set[str] = set()
    for source in _code(root):
        said |= {value for value, _ in texts_below(source.tree)}
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and called_name(node) in _RUNS_STATEMENT and node.args:
                name = text_of(node.args[0])
                if name is not None and name not in blocks:
                    found.append(f"{source.at(node)} the statement {name!r} is in no .sql file; write it")
    unused = [f"{file}: nothing runs {name}; remove it" for name, file in blocks.items() if name not in said]
    return found + unused
