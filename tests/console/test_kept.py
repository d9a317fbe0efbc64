"""A form that came too late speaks of every field that a page has, or the field is one of the page's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from gateway.console import kept

_FORM = re.compile(r'<form[^>]*method="post"(?:[^>]*action="([^"]*)")?[^>]*>(.*?)</form>', re.DOTALL)
_FIELD = re.compile(r'<(?:input|textarea|select|button)\b[^>]*?name="(\w+)"[^>]*>')
#: Never kept: they bear a secret, or come with a file.
_SECRET = re.compile(r'type="(?:password|file)"|name="secret"')
#: Open to strangers, so never too late.
_OPEN = {"/preferences"}


def _fields() -> Iterator[tuple[str, str, str, bool]]:
    """File, end of the form's address, name of a field, whether a person types it."""
    for file in sorted(Path(str(resources.files("gateway.console"))).glob("templates/*.html")):
        for action, inside in _FORM.findall(file.read_text(encoding="utf-8")):
            if _SECRET.search(inside) or action in _OPEN:
                continue
            end = action.split("{{ here }}")[0].rpartition("/")[2]
            for field in _FIELD.finditer(inside):
                typed = not re.search(r'type="(?:hidden|checkbox|radio)"|^<(?:button|select)', field[0])
                yield file.name, end, field[1], typed


def test_field_that_is_typed_has_its_words() -> None:
    """A new one fails here until `kept` calls it something."""
    found = set(_fields())
    assert len(found) > 50
    wordless = {(file, end, name) for file, end, name, typed in found if typed and not kept.called(end, name)}
    assert wordless == set()


def test_field_of_a_form_is_shown_in_words_or_is_one_of_the_page() -> None:
    """Nothing that decides what is done goes along unseen because somebody forgot it."""
    bare = {(file, name) for file, end, name, _ in _fields() if kept.called(end, name) == name}
    assert {each for each in bare if each[1] not in kept._CHOICES} == set()
