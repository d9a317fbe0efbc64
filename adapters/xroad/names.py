"""X-Road identifiers: of members, of services, and how they are written in a path and in a header. Pure.

An identifier is written with slashes between its parts, each percent-encoded by itself [PR-REST 4.2]: a client has
`instance/class/member/subsystem`, a service one part more. Which characters the parts may have is a closed list
[PR-REST 4.8]; others are refused here, before a security server would.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from gateway.errors import ConfigError

_PART = re.compile(r"[A-Za-z0-9'()+,\-.=?_]{1,255}")
_OF_CLIENT = 4
_OF_SERVICE = 5


@dataclass(frozen=True, slots=True)
class Name:
    """One identifier."""

    parts: tuple[str, ...]

    @property
    def encoded(self) -> str:
        """As it stands in a path and in a header."""
        return "/".join(quote(part, safe="") for part in self.parts)

    def is_named_by(self, header: str) -> bool:
        """Whether a header names this one; how it is encoded there does not matter."""
        return tuple(unquote(part) for part in header.strip().split("/")) == self.parts


def client_name(text: str) -> Name:
    """`instance/class/member/subsystem`."""
    return _name(text, _OF_CLIENT, "instance, class, member, subsystem")


def service_name(text: str) -> Name:
    """`instance/class/member/subsystem/service`."""
    return _name(text, _OF_SERVICE, "instance, class, member, subsystem, service")


def server_name(text: str) -> Name:
    """`instance/class/member/server`."""
    return _name(text, _OF_CLIENT, "instance, class, member, server")


def _name(text: str, count: int, form: str) -> Name:
    parts = tuple(text.split("/"))
    if len(parts) != count or not all(_PART.fullmatch(part) for part in parts):
        raise ConfigError(
            f"{text[:200]!r} is no X-Road name: {form}, with / between, of letters, digits, '()+,-.=?_"
        )
    return Name(parts)
