"""Named SQL statements, read from `.sql` files once, at start.

A file is a list of blocks. A block opens with `-- name: object_verb_condition`, then one comment line that
says its purpose, then one statement:

    -- name: delivery_claim_due
    -- Take the deliveries whose time has come.
    UPDATE delivery SET ...;

A block without name, purpose or statement, a name in another form and a name given twice are programming
errors and refuse at start with ConfigError. It does NOT check the SQL: the database does, in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from gateway.errors import ConfigError

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
_HEAD = re.compile(r"^-- name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)


class Statements:
    """The statements of one or several folders by name."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)
        self._used: set[str] = set()

    @classmethod
    def load(cls, *sources: str | Path) -> Statements:
        """Every `.sql` file of packages (dotted names) and folders, or single files; not their subfolders."""
        texts: dict[str, str] = {}
        for source in sources:
            for file in _sql_files(source):
                for name, text in parse_blocks(file.name, file.read_text(encoding="utf-8")):
                    if name in texts:
                        raise ConfigError(f"{file.name}: the statement {name} exists twice")
                    texts[name] = text
        return cls(texts)

    def get(self, name: str) -> str:
        """The statement's text; an unknown name is a programming error (KeyError)."""
        text = self._texts[name]
        self._used.add(name)
        return text

    @property
    def names(self) -> frozenset[str]:
        """Every name that was loaded."""
        return frozenset(self._texts)

    @property
    def unused(self) -> frozenset[str]:
        """The names nobody has asked for yet; for a test that no statement is dead."""
        return self.names - self._used


def parse_blocks(file: str, text: str) -> list[tuple[str, str]]:
    """The (name, statement) pairs of one file's text."""
    parts = _HEAD.split(text)
    if parts[0].strip() and not _is_comment(parts[0]):
        raise ConfigError(f"{file}: SQL stands before the first '-- name:' line")
    return [(name, _statement(file, name, body)) for name, body in zip(parts[1::2], parts[2::2], strict=True)]


def _statement(file: str, name: str, body: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{file}: {name!r} is not of the form object_verb_condition")
    purpose, _, sql = body.lstrip("\n").partition("\n")
    if not purpose.startswith("-- ") or not purpose[3:].strip():
        raise ConfigError(f"{file}: the second line of {name} must say its purpose")
    if not sql.strip() or _is_comment(sql):
        raise ConfigError(f"{file}: {name} holds no statement")
    return sql.strip().removesuffix(";")


def _is_comment(text: str) -> bool:
    return all(line.startswith("--") or not line.strip() for line in text.splitlines())


def _sql_files(source: str | Path) -> list[Traversable]:
    root: Traversable = source if isinstance(source, Path) else resources.files(source)
    if root.is_file():
        return [root]
    files = sorted((f for f in root.iterdir() if f.name.endswith(".sql")), key=lambda file: file.name)
    if not files:
        raise ConfigError(f"{source} holds no .sql file")
    return files
