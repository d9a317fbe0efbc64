"""What the axis is told at its start: one TOML or JSON file of systems and habits. Shapes and their reading.

    [[systems]]
    id = "000.00.00.H33"
    secret_file = "h33.secret"            # beside this file
    hosts = ["*.H33", "H33", "H33.*"]     # codes, or patterns with *

    [answers]
    enabled = true

Unknown keys are refused, so that a misspelt one is not a habit silently left out. Relative paths start at the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from gateway.errors import ConfigError, InputError

#: Whose part the simulator plays itself: agencies of the catalogue that no system hosts.
PLAYED = "axis.played"

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")]
_SECRET_BYTES = 8


class System(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One registered system: who may call, and for whom it receives."""

    id: _Text
    #: Holds the secret as text; required unless `played`. Read again when it changes.
    secret_file: str = ""
    #: Codes of the agencies behind it, in either form; `*` stands for any text.
    hosts: tuple[_Text, ...] = ()
    #: Nobody calls for it: its documents are answered by the simulator's script.
    played: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One status that a played office reports."""

    code: str
    #: Seconds after the document's arrival.
    after: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    words: str = ""


class Answers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the played offices answer."""

    enabled: bool = False
    steps: tuple[Step, ...] = (
        Step(code="01", words="Đã đến"),
        Step(code="03", after=2.0, words="Đã tiếp nhận"),
        Step(code="06", after=6.0, words="Hoàn thành"),
    )
    #: Every so many-th document is refused (02) after 01; 0: none.
    refuse_every: Annotated[int, msgspec.Meta(ge=0)] = 0
    refuse_words: str = "Gửi nhầm đơn vị nhận"
    #: What offices say to a recall, an update, a replacement or status 13: 15 agrees, 16 refuses.
    to_changes: Literal["15", "16"] = "15"


class Habits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where nobody knows what the real axis does, each choice is a setting."""

    #: A recipient nobody knows: `note` takes the document when at least one is known, `refuse` refuses it whole.
    unknown_recipients: Literal["note", "refuse"] = "note"
    #: `to` in lists: the text of a JSON array, an array, or codes joined by semicolons.
    recipients_as: Literal["text", "array", "semicolons"] = "text"
    #: Document ids in JSON: text, or bare numbers.
    doc_ids_as: Literal["text", "number"] = "text"
    #: Whether lists heed fromDate, toDate, pageSize and pageIndex; clients leak them from call to call.
    filters: bool = False
    #: The number of the first page, where they are heeded.
    first_page: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    #: Whether `hash-file` must match the file.
    checks_hash: bool = True
    #: Whether a POST without Content-Length (a chunked one) fails, as the real axis was seen to do.
    needs_length: bool = True
    #: Hours that a call's timestamp may be off; 0: it is not judged.
    window_hours: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    #: The longest body, in bytes.
    body_bytes_max: Annotated[int, msgspec.Meta(ge=1)] = 128 * 1024 * 1024


class AxisSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of the file."""

    systems: tuple[System, ...]
    answers: Answers = Answers()
    habits: Habits = Habits()


def read_settings(path: Path) -> AxisSettings:
    """The file's settings; ConfigError says what is wrong."""
    try:
        content = path.read_bytes()
        raw = tomllib.loads(content.decode()) if path.suffix == ".toml" else msgspec.json.decode(content)
        settings = msgspec.convert(raw, AxisSettings)
    except (ValueError, msgspec.ValidationError) as error:
        raise InputError(f"{path}: {error}") from error
    names = [system.id for system in settings.systems]
    if len(set(names)) < len(names) or PLAYED in names:
        raise InputError(f"{path}: a system id stands twice, or is {PLAYED}")
    for system in settings.systems:
        if not system.played:
            read_secret(path.parent / system.secret_file)
    return settings


def read_secret(path: Path) -> bytes:
    """The secret in a file; ConfigError when it cannot serve."""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"{path}: the secret cannot be read: {error.strerror}") from error
    if len(secret) < _SECRET_BYTES:
        raise ConfigError(f"{path}: a secret has at least {_SECRET_BYTES} characters")
    return secret
