"""Settings of a channel that operators set up with a server of another authority: its URL, names, files.

Anything wrong raises ConfigError with a sentence for the operator, which names the channel and the setting.
"""

from __future__ import annotations

from pathlib import Path

from yarl import URL

from adapters.webhook_channel import Target
from gateway.errors import ConfigError
from gateway.model import Endpoint

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def text_of(endpoint: Endpoint, name: str) -> str:
    """A text that has to be there; the command line makes numbers of what looks like one."""
    value = endpoint.settings.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"the channel {endpoint.name} has no {name}")
    return value


def url_of(endpoint: Endpoint) -> URL:
    """`url`: https, or plain http on loopback where `allow_plain` says so; no name, password or query in it."""
    url = URL(text_of(endpoint, "url"))
    plain = url.scheme == "http" and endpoint.settings.get("allow_plain") is True and url.host in _LOOPBACK
    if not (url.scheme == "https" or plain) or url.host is None:
        raise ConfigError(f"the channel {endpoint.name}: url is https://host/path")
    if url.user or url.password or url.query_string or url.fragment:
        raise ConfigError(f"the channel {endpoint.name}: url holds a name, a password or a query")
    return url


def target_of(endpoint: Endpoint, folder: Path, *, secret_file: str = "") -> Target:
    """Where connections go, and by which certificates; `folder` is where relative paths start."""
    return Target(
        url=url_of(endpoint),
        secret_file=secret_file,
        anchors=_path(endpoint, "anchors_file", folder),
        certificate=_path(endpoint, "certificate_file", folder),
        key=_path(endpoint, "key_file", folder),
        allow_internal=True,
    )


def _path(endpoint: Endpoint, name: str, folder: Path) -> Path | None:
    return folder / text_of(endpoint, name) if endpoint.settings.get(name) is not None else None
