"""The line to our own security server: settings, connections, headers, and the proof that an answer is ours.

    url                 https://host[:port] of our security server; plain http on loopback with `allow_plain`
    client              instance/class/member/subsystem: ourselves, `X-Road-Client`
    service             instance/class/member/subsystem/service: the provider's service
    certificate_file, key_file   our certificate for the security server; a subsystem registered there demands it
    anchors_file        CA of the security server's internal certificate; absent: the system's
    user_id             X-Road-UserId, if the provider wants one
    security_server     instance/class/member/server: which one of the provider's (`X-Road-Security-Server`)
    hash_check          `present` (the default): an answer has to bring a request hash of the right form;
                        `computed`: the hash of what we sent; `off`: not looked at
    timeout_seconds     for one call without its body

An answer that a security server passed on repeats our `X-Road-Id`, `X-Road-Client` and the service, and names the
request and its hash [PR-REST 4.3]. One that does not was made by something else in between, and says nothing. The
security server has compared the hash already, and TLS authenticates it: `computed` is for those who want to see it
themselves, and follows the published source of the server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yarl import URL

from adapters.peer_settings import target_of, text_of
from adapters.webhook_channel import Target
from adapters.xroad.client_reply import digest_of
from adapters.xroad.names import Name, client_name, server_name, service_name
from gateway.errors import ConfigError
from gateway.model import Endpoint

HashCheck = Literal["present", "computed", "off"]

_HEADER = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """An endpoint's settings, checked."""

    target: Target
    client: Name
    service: Name
    user_id: str
    security_server: Name | None
    hash_check: HashCheck

    def place(self, path: str) -> URL:
        """Where a path of the service is called."""
        return URL(f"{self.target.url.origin()}/r1/{self.service.encoded}/{path}", encoded=True)

    def headers(self, call_id: str, issue: str = "") -> dict[str, str]:
        """X-Road's headers of one call."""
        found = {"X-Road-Client": self.client.encoded, "X-Road-Id": call_id}
        if self.user_id:
            found["X-Road-UserId"] = self.user_id
        if issue:
            found["X-Road-Issue"] = issue
        if self.security_server is not None:
            found["X-Road-Security-Server"] = self.security_server.encoded
        return found

    def objection(self, call_id: str, headers: Mapping[str, str], digest: bytes | None) -> str:
        """Why an answer is not one to this call; "" where it is. `digest`: what the hash should be, if known."""
        told = digest_of(headers.get("X-Road-Request-Hash"))
        wrong = {
            "X-Road-Id is not that of the request": headers.get("X-Road-Id") != call_id,
            "X-Road-Client is not ours": not self.client.is_named_by(headers.get("X-Road-Client", "")),
            "X-Road-Service is not the called one": not self.service.is_named_by(headers.get("X-Road-Service", "")),
            "X-Road-Request-Id is missing": not headers.get("X-Road-Request-Id"),
            "X-Road-Request-Hash is missing or no digest": self.hash_check != "off" and told is None,
            "X-Road-Request-Hash is not that of the request": digest is not None and told != digest,
        }
        return next((words for words, holds in wrong.items() if holds), "")


def line_of(endpoint: Endpoint, folder: Path) -> Line:
    """Read the settings; paths are relative to `folder`."""
    settings = endpoint.settings
    check = settings.get("hash_check", "present")
    if check != "present" and check != "computed" and check != "off":  # noqa: PLR1714  # narrows the type
        raise ConfigError(f"the channel {endpoint.name}: hash_check is present, computed or off")
    user_id = str(settings.get("user_id", ""))
    if user_id and not _HEADER.fullmatch(user_id):
        raise ConfigError(f"the channel {endpoint.name}: user_id can be no header")
    server = settings.get("security_server")
    target = target_of(endpoint, folder)
    if target.url.path not in {"", "/"}:
        raise ConfigError(f"the channel {endpoint.name}: url ends with the host; the service names the path")
    return Line(
        target=target,
        client=client_name(text_of(endpoint, "client")),
        service=service_name(text_of(endpoint, "service")),
        user_id=user_id,
        security_server=server_name(str(server)) if server else None,
        hash_check=check,
    )
