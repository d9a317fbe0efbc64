"""Both languages are whole: what is said in English has its Vietnamese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from babel.messages.extract import extract
from jinja2.ext import babel_extract

from gateway.console import words
from gateway.reasons import REASONS

_FOLDER = Path(str(resources.files("gateway.console")))
_PLACE = re.compile(r"%\(\w+\)s")
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def _said() -> Iterator[tuple[str, tuple[str, ...]]]:
    for file in sorted(_FOLDER.rglob("*")):
        if file.suffix == ".py":
            found: Any = extract("python", BytesIO(file.read_bytes()), keywords=cast("Any", _KEYWORDS))
            texts = [message for _, message, _, _ in found]
        elif file.suffix == ".html":
            options = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}
            jinja = babel_extract(BytesIO(file.read_bytes()), list(_KEYWORDS), [], options)
            texts = [message for _, _, message, _ in jinja]
        else:
            continue
        for text in texts:
            parts = tuple(part for part in (text if isinstance(text, tuple) else (text,)) if part)
            if parts:
                yield str(file.relative_to(_FOLDER)), parts


def _first(text: Any) -> str:
    return str(text if isinstance(text, str) else text[0])


def _known() -> dict[str, str]:
    found: dict[str, str] = {}
    for catalogue in words.catalogues().values():
        for message in catalogue:
            if message.id:
                found[_first(message.id)] = _first(message.string)
    return found


def test_every_text_has_its_vietnamese() -> None:
    """A new text fails here until `locale/vi/<area>.po` has it."""
    known = _known()
    missing = sorted({(where, text[0]) for where, text in _said() if not known.get(text[0])})
    assert not missing


def test_no_translation_is_left_over() -> None:
    """A text that is said nowhere any more goes from the catalogue, too."""
    said = {text[0] for _, text in _said()}
    assert sorted(_known().keys() - said) == []


def test_areas_say_the_same_of_the_same_text() -> None:
    """One text, one translation; a catalogue that has a text twice would say the last."""
    for file in _FOLDER.glob("locale/vi/*.po"):
        texts = re.findall(r'^msgid "(.+)"$', file.read_text(), re.MULTILINE)
        assert len(texts) == len(set(texts)), file.name
    found: dict[str, set[str]] = {}
    for catalogue in words.catalogues().values():
        for message in catalogue:
            if message.id:
                found.setdefault(str(message.id), set()).add(str(message.string))
    assert {text: told for text, told in found.items() if len(told) > 1} == {}


def test_placeholders_are_the_same_in_both_languages() -> None:
    """A name that is missing in one of them would be an error where it is shown."""
    for english, vietnamese in _known().items():
        assert set(_PLACE.findall(english)) == set(_PLACE.findall(vietnamese)), english


@pytest.mark.parametrize("code", ["sign_in_failed", "form_outdated", "password_weak"])
def test_reasons_of_the_console_speak_to_people(code: str) -> None:
    """They come with a next step in both languages."""
    reason = REASONS[code]
    assert reason.vi
    assert reason.next_vi
    assert reason.next_en
