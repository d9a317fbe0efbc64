"""How a member's channel deals with one axis: where axes are known or feared to differ, a setting decides.

Beside those of `adapters.vxp.calls`:

    hash_file                 sdk: as the vendor's SDK prints the digest (the default); padded
    crlf                      whether CRLF follows the file, as the SDK sends it (true)
    names_recipients          whether `to` names the recipients; false: the axis reads them in the document (true)
    temporary_codes, permanent_codes      error codes of this axis beside the known ones, with commas between
    clock_tolerance_seconds   how far its clock may be off where times are compared (300)
    lag_seconds               for how long its sent list is asked for what it lacks before a person decides (600)
    sent_page                 documents of a page of its sent list (1000); 0: the list is not asked for in pages

Settings that begin with poll_, silent_, canary_, catalogue or source, and `agency`, are read by whoever polls the
channel. `problems_of` names what nobody would read, and whatever keeps the channel from working.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from adapters.vxp.calls import Acting
from adapters.vxp.outcomes import Codes
from adapters.vxp.sent import PAGE
from adapters.webhook_channel import Secrets
from gateway.errors import ConfigError
from gateway.model import Endpoint
from gateway.ports import Surroundings

_OWN: Final = frozenset(
    {
        "url",
        "system_id",
        "secret_file",
        "anchors_file",
        "certificate_file",
        "key_file",
        "timeout_seconds",
        "allow_plain",
        "hash_file",
        "crlf",
        "names_recipients",
        "temporary_codes",
        "permanent_codes",
        "clock_tolerance_seconds",
        "lag_seconds",
        "sent_page",
    }
)
_OTHERS: Final = ("poll_", "silent_", "canary_", "catalogue", "source", "agency")
_TOLERANCE_SECONDS: Final = 300.0
_LAG_SECONDS: Final = 600.0
_PAGE_MOST: Final = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Manners:
    """What one axis wants."""

    hash_file: Literal["sdk", "padded"]
    end: bytes
    names_recipients: bool
    codes: Codes
    tolerance: timedelta
    lag: timedelta
    sent_page: int


def manners_of(endpoint: Endpoint) -> Manners:
    """Read them; ConfigError with a sentence for the operator."""
    return Manners(
        hash_file=_hash_file(endpoint),
        end=b"\r\n" if _flag(endpoint, "crlf") else b"",
        names_recipients=_flag(endpoint, "names_recipients"),
        codes=Codes(temporary=_codes(endpoint, "temporary_codes"), permanent=_codes(endpoint, "permanent_codes")),
        tolerance=timedelta(seconds=_seconds(endpoint, "clock_tolerance_seconds", _TOLERANCE_SECONDS)),
        lag=timedelta(seconds=_seconds(endpoint, "lag_seconds", _LAG_SECONDS)),
        sent_page=_count(endpoint, "sent_page", PAGE),
    )


def problems_of(endpoint: Endpoint, surroundings: Surroundings) -> Sequence[str]:
    """What is wrong with a member's channel, without dialling."""
    unread = sorted(name for name in endpoint.settings if name not in _OWN and not name.startswith(_OTHERS))
    problems = [f"nobody reads the setting {name}" for name in unread]
    if not endpoint.is_relay:
        problems.append("an axis carries for agencies it does not own: make the channel a relay (--relay)")
    if not endpoint.capabilities.fans_out:
        problems.append(
            "an axis fans out: set the capability fans_out=true, or each recipient is a call of its own"
        )
    try:
        manners_of(endpoint)
        Acting(endpoint, surroundings)
        Secrets(surroundings.secrets).read(str(endpoint.settings["secret_file"]))
    except ConfigError as error:
        problems.append(str(error))
    return problems


def _hash_file(endpoint: Endpoint) -> Literal["sdk", "padded"]:
    value = endpoint.settings.get("hash_file", "sdk")
    if value == "padded":
        return "padded"
    if value == "sdk":
        return "sdk"
    raise ConfigError("hash_file is sdk or padded")


def _flag(endpoint: Endpoint, name: str) -> bool:
    value = endpoint.settings.get(name, True)
    if not isinstance(value, bool):
        raise ConfigError(f"{name} is true or false")
    return value


def _seconds(endpoint: Endpoint, name: str, default: float) -> float:
    value = endpoint.settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ConfigError(f"{name} is a number of seconds")
    return float(value)


def _count(endpoint: Endpoint, name: str, default: int) -> int:
    value = endpoint.settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _PAGE_MOST:
        raise ConfigError(f"{name} is a number from 0 to {_PAGE_MOST}")
    return value


def _codes(endpoint: Endpoint, name: str) -> frozenset[str]:
    text = str(endpoint.settings.get(name, ""))
    return frozenset(code.strip() for code in text.split(",") if code.strip())
