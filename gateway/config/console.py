"""The settings of `[console]`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from gateway.config.values import documented as _f


@dataclass(frozen=True, kw_only=True, slots=True)
class OidcSettings:
    """Another provider at which people may sign in (OpenID Connect); `gateway users add --subject` names them."""

    issuer: str = _f("", 'its address, such as "https://sso.example.vn"; empty: none')
    client: str = _f("", "what the console is called there; it comes back to PUBLIC_URL/login/back")
    secret_file: str = _f("", "name of a file in storage.secrets with the client's secret; mode 0600; empty: none")
    anchors: Path | None = _f(None, "file of CAs its certificate leads to; empty: the system's")
    name: str = _f("SSO", 'what the button says after "sign in with"')
    timeout: timedelta = _f(timedelta(seconds=10), "longest time of one request to it")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsoleSettings:
    """Pages for people (docs/console.md), on a listener of their own with the server's certificate."""

    host: str = _f("127.0.0.1", "address of the console's listener (TLS)")
    port: int = _f(0, "its port; 0: off")
    public_url: str = _f("", 'how browsers reach it, such as "https://console.example.vn"; empty: by localhost')
    totp: Literal["optional", "required"] = _f("optional", "whether everybody needs one-time codes besides")
    idle: timedelta = _f(timedelta(minutes=30), "after so long without a request a person signs in again")
    longest: timedelta = _f(timedelta(hours=10), "so long after signing in, whatever happens")
    lock_after: int = _f(10, "wrong passwords in a row that lock a user")
    lock_for: timedelta = _f(timedelta(minutes=15), "for how long")
    tries_per_minute: int = _f(
        20, "tries to sign in of one address, or of one known browser; raise it behind a proxy"
    )
    max_connections: int = _f(1000, "connections at once")
    max_connections_per_address: int = _f(200, "of them from one address; raise it behind a proxy")
    oidc: OidcSettings = field(default_factory=OidcSettings)
