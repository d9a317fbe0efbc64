"""What a browser remembers of how a person likes pages: language, time zone, light or dark; in one cookie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from gateway.console.formats import Zone
from gateway.console.words import LANGUAGES, Language

COOKIE: Final = "__Host-view"
Theme = Literal["auto", "light", "dark"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """As chosen, or Vietnamese, Vietnam's time and what the system says."""

    language: Language = "vi"
    zone: Zone = "vn"
    theme: Theme = "auto"

    @classmethod
    def read(cls, cookie: str) -> Preferences:
        """What the cookie says; what it says wrongly is left out."""
        language, _, rest = cookie.partition(".")
        zone, _, theme = rest.partition(".")
        return cls().changed(language=language, zone=zone, theme=theme)

    def changed(self, *, language: str = "", zone: str = "", theme: str = "") -> Preferences:
        """With what is given and known."""
        return Preferences(
            language=language if language in LANGUAGES else self.language,
            zone=cast("Zone", zone) if zone in get_args(Zone) else self.zone,
            theme=cast("Theme", theme) if theme in get_args(Theme) else self.theme,
        )

    @property
    def cookie(self) -> str:
        """What `read` reads."""
        return f"{self.language}.{self.zone}.{self.theme}"
