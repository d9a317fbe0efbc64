"""Words in both languages: English texts stand in code and templates, their Vietnamese in `locale/vi/*.po`.

Catalogues are read as they are when the server starts, so nothing has to be compiled. One file per area; a text
that two areas share stands in `base.po`. In a handler: `_ = visit.gettext`; for a constant: `N_`, translated where
it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from io import BytesIO
from types import MappingProxyType
from typing import Final, Literal, cast

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

Language = Literal["vi", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("vi", "en")
LOCALES: Final[Mapping[str, Locale]] = MappingProxyType({"vi": Locale("vi", "VN"), "en": Locale("en", "GB")})


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """A text that is translated where it is shown."""
    return text


@cache
def translations(language: Language) -> NullTranslations:
    """What `gettext` of a language is."""
    if language == "en":
        return NullTranslations()
    merged = Catalog(locale=LOCALES[language])
    for catalogue in catalogues().values():
        for message in catalogue:
            if message.id:
                merged.add(message.id, message.string)
    compiled = BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return cast("NullTranslations", Translations(compiled))


def catalogues() -> dict[str, Catalog]:
    """Area -> its Vietnamese."""
    folder = resources.files("gateway.console") / "locale" / "vi"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".po")), key=lambda file: file.name)
    return {
        file.name.removesuffix(".po"): read_po(BytesIO(file.read_bytes()), locale="vi", abort_invalid=True)
        for file in files
    }
