"""The state machine: every state reachable, every transition tested, the table equal to the SQL CHECK.

Reads `gateway/states.py` of the tree by importing it from its path, so that a test can bring another one.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

#: Where a delivery begins.
_FIRST = frozenset({"queued"})
_CHECK = re.compile(r"CREATE TABLE delivery \(.*?\bstate\s+TEXT NOT NULL CHECK \(state IN \((.*?)\)\)", re.DOTALL)
#: The test that goes through the whole table, by name.
_TEST = re.compile(r"\bTRANSITIONS\b")


def problems(root: Path) -> list[str]:
    """What the table, the schema and the tests do not agree on."""
    states = _load(root / "gateway" / "states.py")
    table: dict[tuple[Any, Any], Any] = states.TRANSITIONS
    found = [
        f"gateway/states.py: no transition leads to {name}; add one or remove it" for name in _unreachable(states)
    ]
    used = {trigger for _, trigger in table}
    idle = [trigger for trigger in states.Trigger if trigger not in used]
    found += [f"gateway/states.py: the trigger {name} moves nothing; remove it" for name in idle]
    found += _schema_problems(root, {str(state) for state in states.State})
    if not any(_TEST.search(file.read_text(encoding="utf-8")) for file in (root / "tests").rglob("test_*.py")):
        found.append("tests: no test goes through states.TRANSITIONS; write one that tries every transition")
    return found


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("states_under_check", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _unreachable(states: ModuleType) -> list[str]:
    reached = {state for state in states.State if str(state) in _FIRST}
    while True:
        more = {after for (before, _), after in states.TRANSITIONS.items() if before in reached} - reached
        if not more:
            return sorted(str(state) for state in set(states.State) - reached)
        reached |= more


def _schema_problems(root: Path, known: set[str]) -> list[str]:
    text = "\n".join(
        file.read_text(encoding="utf-8") for file in sorted((root / "gateway/storage/migrations").glob("*.sql"))
    )
    match = _CHECK.search(text)
    if match is None:
        return ["gateway/storage/migrations: the table delivery has no CHECK on state; add it"]
    checked = set(re.findall(r"'(\w+)'", match[1]))
    return [
        f"gateway/storage/migrations: the CHECK on delivery.state and states.py differ in {name}; make them equal"
        for name in sorted(checked ^ known)
    ]
