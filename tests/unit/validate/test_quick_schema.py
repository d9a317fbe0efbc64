"""The schema asked first takes a message just when the strict one does."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import pytest
from lxml import etree

from gateway.edxml.envelope import MessageKind
from gateway.edxml.schema_files import quick_schema, schema
from tests.unit.edxml_write.samples import DOCUMENT, STATUS
from tests.unit.validate.trees import tree

_TREES = {MessageKind.DOCUMENT: tree(DOCUMENT), MessageKind.STATUS: tree(STATUS)}


def _spoilt(good: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """The tree with each element in turn taken away, emptied, doubled and moved to the end."""
    for number, original in enumerate(good.iter()):
        parent = original.getparent()
        for act in ("gone", "empty", "double", "last", "bare") if parent is not None else ():
            root = deepcopy(good)
            one = list(root.iter())[number]
            holder = one.getparent()
            assert holder is not None
            if act == "gone":
                holder.remove(one)
            elif act == "empty":
                one.text = ""
                del one[:]
            elif act == "double":
                one.addnext(deepcopy(one))
            elif act == "last":
                holder.append(one)
            else:
                one.attrib.clear()
            yield f"{act} {one.tag}", root


@pytest.mark.parametrize("kind", list(MessageKind))
def test_quick_schema_takes_what_the_strict_one_takes(kind: MessageKind) -> None:
    """Nothing passes by the keys, and nothing takes the long way in vain."""
    quick, strict = quick_schema(kind), schema(kind, strict=True)
    assert quick.validate(_TREES[kind])
    verdicts = []
    for what, root in _spoilt(_TREES[kind]):
        verdict = strict.validate(root)
        assert quick.validate(root) == verdict, what
        verdicts.append(verdict)
    assert True in verdicts
    assert False in verdicts
