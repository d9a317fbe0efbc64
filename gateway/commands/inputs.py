"""Files and numbers that a person names on the command line; what cannot be used is an InputError (exit code 2).

Every message says which file it was and what to do. Files are read up to a bound, so that a device or a wrong
file ends in a sentence too.
"""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from pathlib import Path

from gateway.errors import InputError

_DIGITS_MOST = 15
_PLAIN_NUMBER = re.compile(rf"\d{{1,{_DIGITS_MOST}}}(\.\d{{1,{_DIGITS_MOST}}})?", re.ASCII)
#: Signed, with an exponent, too long, in digits of another script, or no number at all by its own name.
_ODD_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)


def require_readable(path: Path, what: str) -> None:
    """Refuse what is no file or cannot be opened."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise _refusal(path, what, error) from error


def read_text(path: Path, what: str, *, most: int) -> str:
    """The UTF-8 text of a file, its byte order mark taken off."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise _refusal(path, what, error) from error
    if len(data) > most:
        raise InputError(f"{what} {path}: it is larger than {most // 1024**2} MiB; divide it into several files")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{what} {path}: line {line} is not UTF-8; save the file as CSV UTF-8") from error


def whole(text: str) -> int:
    """A number from 1 to a million, as an argument."""
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:8]) <= 1_000_000:  # noqa: PLR2004
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from 1 to 1000000")
    return int(text)


def lasting(text: str) -> timedelta:
    """A length of time such as 30m, 12h or 7d, as an argument."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text.strip(), re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no length of time such as 30m, 12h or 7d")
    return timedelta(seconds=int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[found[2]])


def typed_value(what: str, text: str) -> str | int | float | bool:
    """A channel's setting: true, false, a number as 30 or 0.5, or text; what looks like another number is refused.

    Digits that a number would not give back as they stand (007, 1.10) are a code or a version, so text.
    """
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text in {"true", "false"}:
        return text == "true"
    if _PLAIN_NUMBER.fullmatch(text):
        value = float(text) if "." in text else int(text)
        return value if str(value) == text else text
    if _ODD_NUMBER.fullmatch(text):
        raise InputError(
            f"{what}: {text[:40]} is no number from 0 to {10**_DIGITS_MOST - 1} such as 30 or 0.5;"
            f" if it is text, put it into double quotes: '\"{text[:40]}\"'"
        )
    return text


def _refusal(path: Path, what: str, error: OSError) -> InputError:
    todo = {
        FileNotFoundError: "there is no such file; check the name",
        IsADirectoryError: "it is a folder; name a file in it",
        PermissionError: "you may not read it; change its rights or your user",
    }.get(type(error), f"{error.strerror}; name another file")
    return InputError(f"{what} {path}: {todo}")
