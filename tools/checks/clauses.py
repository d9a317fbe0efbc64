"""Every standard that is cited resolves to `docs/references.md`, and every entry there is cited.

Two forms count. `[RFC 5035 5]` cites a clause: the standard has a heading `## RFC 5035` there, and below it a line
that starts with `- 5 ` (the clause, then what it says). A bare `RFC 5035` names the standard: the heading will do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tools.checks.source import Source, sources

INDEX = "docs/references.md"
_SPEC = r"RFC \d+|ETSI (?:TS|EN) \d{3} \d{3}(?:-\d+)?|QCVN \d+:\d{4}|ISO(?:/IEC)? \d+(?:-\d+)?|PR-REST"
_CITED = re.compile(rf"\b(?P<spec>{_SPEC})(?: (?P<clause>\d+(?:\.\d+)*)(?=\]))?")
_HEADING = re.compile(rf"## (?P<spec>{_SPEC})\b")
_CLAUSE = re.compile(r"- (?P<clause>\d+(?:\.\d+)*) ")


def problems(root: Path) -> list[str]:
    """Citations that lead nowhere and entries that nobody cites."""
    index = _index(root)
    found: list[str] = []
    used: set[tuple[str, str]] = set()
    for source in sources(root, ".py", ".sql", ".md", ".xsd"):
        for number, spec, clause in _citations(source):
            used |= {(spec, ""), (spec, clause)}
            if spec not in index:
                found.append(f"{source.name}:{number}: {spec} is not in {INDEX}; add a heading '## {spec}'")
            elif clause and clause not in index[spec]:
                found.append(f"{source.name}:{number}: clause {clause} is not below '## {spec}' in {INDEX}; add it")
    entries = [(spec, clause) for spec, clauses in index.items() for clause in ("", *sorted(clauses))]
    lonely = [entry for entry in entries if entry not in used]
    return found + [f"{INDEX}: nothing cites {f'{spec} {clause}'.strip()}; remove it" for spec, clause in lonely]


def _index(root: Path) -> dict[str, set[str]]:
    index: dict[str, set[str]] = {}
    spec = ""
    file = root / INDEX
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        if heading := _HEADING.match(line):
            spec = heading["spec"]
            index[spec] = set()
        elif spec and (entry := _CLAUSE.match(line)):
            index[spec].add(entry["clause"])
    return index


def _citations(source: Source) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(source.text.splitlines(), 1):
        for match in _CITED.finditer(line):
            yield number, match["spec"], match["clause"] or ""
