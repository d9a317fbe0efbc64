"""The list of findings in the schemas' README is the registries' own."""

from __future__ import annotations

import re

import pytest

from gateway.edxml.findings import READING_RULES
from gateway.edxml.schema_files import schemas_folder
from gateway.validate_rules import RULES

ROW = re.compile(r"^\| `(EDX-[A-Z]+-\d+)` \| (\w+) \| (.*) \| (.*) \|$", re.MULTILINE)


def test_readme_lists_every_finding_with_the_registries_texts() -> None:
    """Ids, severities and both texts in `schemas/README.md` equal those in the code, in their order."""
    written = ROW.findall((schemas_folder() / "README.md").read_text(encoding="utf-8"))
    reading = [(rule.id, rule.severity.value, rule.vi, rule.en) for rule in READING_RULES.values()]
    judging = [(rule.id, rule.severity.value, rule.vi, rule.en) for rule in RULES.values()]
    assert written == reading + judging


def test_registries_share_no_id() -> None:
    """An id means one thing."""
    assert not set(READING_RULES) & set(RULES)


@pytest.mark.parametrize("text", ["vi", "en"])
def test_every_rule_is_a_sentence_in_both_languages(text: str) -> None:
    """Texts are sentences of their own and differ between the languages."""
    for rule in RULES.values():
        assert getattr(rule, text).endswith((".", "{expected}.", "{limit}."))
        assert rule.vi != rule.en
