"""What the facade is told at its start: one TOML file of accounts, agencies and habits. Shapes and their reading.

    token_seconds = 1800

    [[accounts]]
    username = "gateway"
    password_file = "gateway.password"    # beside this file
    application_code = "EDOC"
    system_id = "H33.LGSP"
    secret_file = "gateway.secret"
    hosts = ["*.H33", "H33", "H33.*"]     # codes, or patterns with *

    [[agencies]]
    code = "000.00.00.G22"
    name = "Văn phòng Chính phủ"

Unknown keys are refused, so that a misspelt one is not a habit silently left out. Relative paths start at the
file.
"""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from gateway.errors import ConfigError, InputError

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")]


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One system that may call, and for whom it receives."""

    username: _Text
    #: Read again for every login.
    password_file: str
    application_code: str = ""
    system_id: _Text
    #: Holds X-SecretKey; read again for every call.
    secret_file: str
    hosts: tuple[_Text, ...] = ()

    def receives(self, code: str) -> bool:
        """Whether an agency is behind it."""
        return any(fnmatchcase(code, pattern) for pattern in self.hosts)


class AgencyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One agency of the catalogue; what is sent to one without an account waits for nobody."""

    code: _Text
    name: str = ""
    parent: str = ""
    #: Documents to it are refused with code 23.
    locked: bool = False


class FacadeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    accounts: tuple[Account, ...]
    agencies: tuple[AgencyEntry, ...] = ()
    #: How long a token lives.
    token_seconds: Annotated[float, msgspec.Meta(gt=0)] = 1800.0
    #: How far this machine's clock is ahead of the true time.
    clock_ahead_seconds: float = 0.0
    #: How getEdoc hands a document out.
    edxml_as: Literal["base64", "text", "attachment"] = "base64"
    #: What getAgenciesList puts around its agencies.
    agencies_as: Literal["data", "list", "items"] = "data"
    #: The account for which everything waits that is no edXML; "": it is refused. For tests of the transport alone.
    unreadable_to: str = ""
    #: The largest document.
    max_bytes: Annotated[int, msgspec.Meta(gt=0)] = 300_000_000


def read_settings(path: Path) -> FacadeSettings:
    """Read the file; ConfigError says what is wrong with it."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), FacadeSettings)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {error}") from error
    for what in ("username", "system_id"):
        names = [getattr(account, what) for account in found.accounts]
        if len(set(names)) < len(names):
            raise ConfigError(f"{path}: two accounts have the same {what}")
    if found.unreadable_to and found.unreadable_to not in {account.username for account in found.accounts}:
        raise ConfigError(f"{path}: unreadable_to names no account")
    return found
