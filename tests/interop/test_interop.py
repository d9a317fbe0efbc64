"""Verifiers of other people accept each kind of evidence and refuse what was altered, as far as they look."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.artefacts import artefacts
from tests.interop.run import PAGE, is_due
from tests.interop.verifiers import VERIFIERS, Dss, Verifier, asked
from tests.system_tools import require_tool

#: EU DSS needs Maven and some 60 MB: `make interop` runs it.
HERE = [each for each in VERIFIERS if not isinstance(each, Dss)]


@pytest.mark.parametrize("verifier", HERE, ids=lambda each: type(each).__name__)
def test_verifier_accepts_evidence_and_refuses_what_was_altered(verifier: Verifier, tmp_path: Path) -> None:
    """Sealed with ECDSA; what it does not look at is said beforehand, and in docs/interop.md."""
    if verifier.missing():
        require_tool("-", {"Santuario": "libxml-security-java"}.get(type(verifier).__name__, verifier.name))
    found = artefacts("seal-p256")
    good, altered = asked(verifier, tmp_path, found)
    assert good
    assert good.keys() == altered.keys()
    assert all(each.accepted for each in good.values()), good
    assert {key: each.accepted for key, each in altered.items()} == {
        key: is_due(verifier, key, is_altered=True) for key in altered
    }


def test_page_has_a_verdict_or_a_reason_for_each_verifier() -> None:
    """It is written by a run; nobody is left out of it."""
    text = PAGE.read_text("utf-8")
    for verifier in VERIFIERS:
        assert f"- {verifier.name}" in text
    for each in artefacts():
        assert f"| {each.title} |" in text
