"""Turns the name a sender gave a file into one that may become a file name anywhere."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARACTERS = 80
MAX_BYTES = 240

_MAX_EXTENSION = 16
_FALLBACK = "attachment"
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"}
)
_FORBIDDEN = re.compile(r'[<>:"|?*]')


def safe_name(name: str) -> str:
    """A name without path parts, control or reserved characters, NFC, at most 80 characters, never empty.

    The extension is kept. Idempotent. Invisible formatting characters go too, since they can make `exe.pdf`
    look like `fdp.exe`.
    """
    last = re.split(r"[/\\]", name.rstrip("/\\ "))[-1]
    visible = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C")
    plain = " ".join(_FORBIDDEN.sub("_", visible).split()).strip(". ")
    stem, extension = _split(plain)
    if stem.split(".", 1)[0].strip().lower() in _RESERVED:
        stem = f"_{stem}"
    stem = _cut(stem, extension)
    return f"{stem}{extension}" if stem else f"{_FALLBACK}{extension}"


def extension_of(name: str) -> str:
    """Lower case, without the dot; "" when there is none."""
    return _split(name.strip())[1][1:].lower()


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    if not dot or not extension or len(extension) > _MAX_EXTENSION or " " in extension:
        return name, ""
    return stem, f".{extension}"


def _cut(stem: str, extension: str) -> str:
    """The longest part of `stem` that fits with the extension."""
    stem = stem[: MAX_CHARACTERS - len(extension)]
    while len((stem + extension).encode()) > MAX_BYTES:
        stem = stem[:-1]
    return stem.rstrip(". ")
