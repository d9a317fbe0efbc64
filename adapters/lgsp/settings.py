"""The settings of an endpoint of kind `lgsp`.

    url                 https://host/path, to which /v1/… is appended; plain http on loopback with `allow_plain`
    username            of the login
    application_code    of the login, as the province gave it
    system_id           X-SystemId
    password_file       bare name in the secrets folder, mode 0600: the login's password
    secret_file         the same: X-SecretKey
    anchors_file        CAs of the facade; absent: the system's
    certificate_file, key_file   our client certificate, if the facade wants one
    timeout_seconds     for one call without its body
    done_status, fail_status     what `updateStatus` is told: "done" and "fail"; some facades may want two digits.
                        An empty fail_status: refusals are not told
    lookback_days       how far back the first list after a start reaches: 30
    overlap_days        how many days before today are always listed again: 2

Anything wrong raises ConfigError with a sentence for the operator; no secret is in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from yarl import URL

from adapters.peer_settings import target_of, text_of
from adapters.webhook_channel import Target
from gateway.errors import ConfigError
from gateway.model import Endpoint

_HEADER = re.compile(r"[\x21-\x7e]{1,200}")
_MOST_DAYS = 365


@dataclass(frozen=True, kw_only=True, slots=True)
class Facade:
    """An endpoint's settings, checked."""

    target: Target
    username: str
    application_code: str
    system_id: str
    password_file: str
    done_status: str
    fail_status: str
    lookback_days: int
    overlap_days: int

    def place(self, path: str) -> URL:
        """Where a call goes."""
        return self.target.url / "v1" / path


def facade_of(endpoint: Endpoint, folder: Path) -> Facade:
    """Read the settings; paths are relative to `folder`."""
    system_id = text_of(endpoint, "system_id")
    if not _HEADER.fullmatch(system_id):
        raise ConfigError(f"the channel {endpoint.name}: system_id can be no header")
    lookback, overlap = _days(endpoint, "lookback_days", 30), _days(endpoint, "overlap_days", 2)
    if overlap > lookback:
        raise ConfigError(f"the channel {endpoint.name}: overlap_days is more than lookback_days")
    return Facade(
        target=target_of(endpoint, folder, secret_file=text_of(endpoint, "secret_file")),
        username=text_of(endpoint, "username"),
        application_code=str(endpoint.settings.get("application_code", "")),
        system_id=system_id,
        password_file=text_of(endpoint, "password_file"),
        done_status=_status(endpoint, "done_status", "done") or "done",
        fail_status=_status(endpoint, "fail_status", "fail"),
        lookback_days=lookback,
        overlap_days=overlap,
    )


def _status(endpoint: Endpoint, name: str, default: str) -> str:
    """A word, or a code of two digits, of which a command line has made a number."""
    value = endpoint.settings.get(name, default)
    return f"{value:02}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _days(endpoint: Endpoint, name: str, default: int) -> int:
    value = endpoint.settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_DAYS:
        raise ConfigError(f"the channel {endpoint.name}: {name} is a whole number of days up to {_MOST_DAYS}")
    return value
