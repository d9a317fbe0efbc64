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
from gateway.xml import small_tree

#: Far more than any of them has.
_MOST_BYTES = 1024**2
_XS = "{http://www.w3.org/2001/XMLSchema}"
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


@cache
def quick_schema(kind: MessageKind) -> etree.XMLSchema:
    """The strict schema with every key turned into `minOccurs`: it takes no message that the strict one does not.

    libxml2 follows a key through every element below it, which is most of the work. What it refuses is said badly:
    behind the first element that is missing nothing is looked at. So this is for messages that are all right.
    """
    file = schema_file(kind, strict=True)
    root = _tree(file)
    for include in root.findall(f"{_XS}include"):
        root.extend([*_tree(file.with_name(include.get("schemaLocation", "")))])
        root.remove(include)
    types = {one.get("name", ""): one for one in root.findall(f"{_XS}complexType")}
    for holder in root.iter(f"{_XS}element"):
        for key in holder.findall(f"{_XS}key"):
            element = holder
            for step in key.findall(f"{_XS}field")[0].get("xpath", "").split("/"):
                element = _require(types[element.get("type", "").rpartition(":")[2]], step)
            holder.remove(key)
    return etree.XMLSchema(root)


def _tree(file: Path) -> etree._Element:
    return small_tree(file.read_bytes(), _MOST_BYTES)


def _require(kind: etree._Element, step: str) -> etree._Element:
    """Makes what one step of a key's path names something every element of that type has."""
    name = step.rpartition(":")[2]
    for one in kind.iter(f"{_XS}element", f"{_XS}attribute"):
        if one.get("name") == name.lstrip("@"):
            assert one.get("maxOccurs") is None, "a key wants exactly one"
            if step.startswith("@"):
                one.set("use", "required")
            else:
                one.set("minOccurs", "1")
            return one
    raise EnvironmentRefusedError(f"The schemas of this installation are damaged: there is no {step}.")
