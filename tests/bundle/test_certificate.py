"""The certificate: what it says has a source, and it says what it does not prove."""

from __future__ import annotations

import msgspec
import pytest

from gateway.bundle.certificate import Language
from gateway.bundle.certificate_html import page
from tests.bundle.making import checkpoint_of, facts_of, story

FACTS = facts_of(story(), checkpoint_of(story())[1])


@pytest.mark.parametrize("language", ["vi", "en"])
def test_ladder_names_the_source_of_each_rung(language: Language) -> None:
    """The seal, the intermediary's id, the statuses with their messages; names then and now."""
    told = page(FACTS, language).decode()
    for each in ("VXP-7781", "Lê Văn A, số đến 381", "tỉnh Kiên Giang", "tỉnh An Giang", FACTS.document.sha256):
        assert each in told
    assert all(status.message in told for status in FACTS.statuses)
    assert "<svg" in told
    assert "http://www.w3.org/2000/svg" in told
    assert "src=" not in told
    assert "<script" not in told


def test_what_peers_say_is_text() -> None:
    """A description is somebody else's words."""
    status = msgspec.structs.replace(FACTS.statuses[1], description="<script>alert(1)</script>")
    told = page(msgspec.structs.replace(FACTS, statuses=[status]), "vi").decode()
    assert "<script" not in told
