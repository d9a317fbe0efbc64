"""Where the schemas lie, and their compiled form.

A source checkout has them in `schemas/`, an installed wheel in `gateway/_schemas/`. They are our own files,
read from disk only and never from the network. Compiled once per process, on first use.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lxml import etree

from gateway.edxml.envelope import MessageKind
from gateway.errors import EnvironmentRefusedError

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "_schemas", _PACKAGE.parent / "schemas")


def schemas_folder() -> Path:
    """The folder that holds `edxml/`."""
    for place in _PLACES:
        if (place / "edxml").is_dir():
            return place
    raise EnvironmentRefusedError("The schemas are missing from this installation.")


def schema_file(kind: MessageKind, *, strict: bool) -> Path:
    """The schema for a document or a status."""
    return schemas_folder() / "edxml" / "2016" / f"{kind.value}-{'strict' if strict else 'lenient'}.xsd"


@cache
def schema(kind: MessageKind, *, strict: bool) -> etree.XMLSchema:
    """The compiled schema; not to be shared between threads, since it carries its last errors."""
    return etree.XMLSchema(file=str(schema_file(kind, strict=strict)))
