"""What a webhook endpoint's settings lead to: its URL, its secret, its TLS context, its pool of connections.

Settings of an endpoint: `url`, `secret_file` (a bare name in the secrets folder, mode 0600), `anchors_file`
(CAs the receiver's certificate leads to; absent: the system's), `certificate_file` and `key_file` (our client
certificate, if the receiver wants one), `timeout_seconds`, `allow_plain`, `allow_internal`, `header_bytes` (the
longest `Gateway-Deliveries`); those of signatures are in `adapters.webhook_keys`.

Anything wrong here raises ConfigError with a sentence for the operator: plain HTTP except on loopback and
where `allow_plain` says so, a name or password inside the URL, a secret that others may read. Files are read
again when they change. Contexts are shared between endpoints with the same files: each holds its own copy of
the CAs, and there may be hundreds of endpoints.

Whom the URL may lead to is the policy of `gateway.reach`, asked about each address that is about to be dialled.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from adapters.webhook_names import Names
from gateway.errors import ConfigError
from gateway.model import Endpoint
from gateway.reach import AllowedResolver, Reach

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_SECRET_BYTES_MIN = 16
_SECRET_BYTES_MAX = 4096
_KEEP_ALIVE_SECONDS = 30.0
#: Servers take 8 KiB for one field, or for all of them together, unless told otherwise.
_HEADER_BYTES = 6_000
_HEADER_BYTES_MIN, _HEADER_BYTES_MAX = 200, 262_144

#: What changes when a file changes.
_Stamp = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """An endpoint's settings, checked."""

    url: URL
    secret_file: str
    anchors: Path | None
    certificate: Path | None
    key: Path | None
    #: False: no internal address, whatever `reach` allows.
    allow_internal: bool = True
    #: How long `Gateway-Deliveries` may be before a transmission is split.
    header_bytes: int = _HEADER_BYTES
    #: Which addresses may be dialled; None: any.
    reach: Reach | None = None


class MissingFileError(ConfigError):
    """A file that the settings name cannot be read."""


class TargetForbiddenError(ConfigError):
    """The URL leads where nobody may point a channel."""


def target_of(endpoint: Endpoint, folder: Path, reach: Reach) -> Target:
    """Read the settings; paths are relative to `folder`."""
    url = URL(_text(endpoint, "url"))
    host = url.host
    if url.scheme not in {"https", "http"} or host is None:
        raise ConfigError("the webhook's url is not https")
    if url.user is not None or url.password is not None:
        raise ConfigError("the webhook's url holds a name or password; use secret_file")
    if url.scheme == "http" and not (endpoint.settings.get("allow_plain") is True and _is_loopback(host)):
        raise ConfigError("the webhook's url is plain http, which is allowed on loopback with allow_plain only")
    allow_internal = endpoint.settings.get("allow_internal") is not False
    if not allow_internal:
        reach = Reach(own=reach.own)
    _require_allowed(host, url.port or 0, reach)
    return Target(
        url=url,
        secret_file=_text(endpoint, "secret_file"),
        anchors=_path(endpoint, "anchors_file", folder),
        certificate=_path(endpoint, "certificate_file", folder),
        key=_path(endpoint, "key_file", folder),
        allow_internal=allow_internal,
        header_bytes=_header_bytes(endpoint),
        reach=reach,
    )


def _require_allowed(host: str, port: int, reach: Reach) -> None:
    """Judge a host that is an address; a name is judged by its answers.

    The client dials what consists of digits and dots without asking a resolver, and the system then reads `127.1`
    or `2130706433` as an address: so such a host must be an address as everybody writes it.
    """
    if _address(host) is None and host.replace(".", "").isdigit():
        raise TargetForbiddenError("the webhook's url names an address in an unusual form")
    if _address(host) is not None and (why := reach.refusal(host, port)):
        raise TargetForbiddenError(f"the webhook's url may not be dialled: {why}")


def _header_bytes(endpoint: Endpoint) -> int:
    stated = endpoint.settings.get("header_bytes", _HEADER_BYTES)
    if type(stated) is not int or not _HEADER_BYTES_MIN <= stated <= _HEADER_BYTES_MAX:
        raise ConfigError(f"header_bytes is a number of {_HEADER_BYTES_MIN} to {_HEADER_BYTES_MAX}")
    return stated


class Secrets:
    """The folder of peers' secrets, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[_Stamp, bytes]] = {}

    def read(self, name: str, *, least: int = _SECRET_BYTES_MIN) -> bytes:
        """The secret, read again when its file changed; it has `least` bytes or more."""
        if not _NAME.fullmatch(name):
            raise ConfigError("secret_file is not a plain file name")
        path = self._folder / name
        status = _status(path)
        stamp = _stamp(status)
        known = self._known.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
            raise ConfigError(f"the secret {name} may be read by others; its mode must be 0600")
        secret = path.read_bytes().strip()
        if not least <= len(secret) <= _SECRET_BYTES_MAX:
            raise ConfigError(f"the secret {name} must have {least} to {_SECRET_BYTES_MAX} bytes")
        self._known[name] = (stamp, secret)
        return secret


class Contexts:
    """TLS contexts by the files they are made of."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path | None, ...], tuple[tuple[_Stamp, ...], ssl.SSLContext]] = {}

    def of(self, target: Target) -> ssl.SSLContext:
        """The context; a new one once a file has changed."""
        paths = (target.anchors, target.certificate, target.key)
        stamps = tuple(_stamp(_status(path)) for path in paths if path is not None)
        known = self._known.get(paths)
        if known is not None and known[0] == stamps:
            return known[1]
        context = _context(target)
        self._known[paths] = (stamps, context)
        return context


def _context(target: Target) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=target.anchors)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if target.certificate is not None:
            context.load_cert_chain(target.certificate, target.key)
            context.post_handshake_auth = True  # servers that ask for it only once they know the path
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the channel's certificates cannot be loaded: {error.strerror}") from error
    return context


def open_session(target: Target, context: ssl.SSLContext, connections: int, names: Names) -> aiohttp.ClientSession:
    """A pool of connections to one endpoint, without cookies, proxies or unpacking of answers."""
    reach = target.reach if target.reach is not None or target.allow_internal else Reach()
    connector = aiohttp.TCPConnector(
        limit=connections,
        ssl=context,
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
        use_dns_cache=False,  # `names` keeps answers for all channels
        resolver=names if reach is None else AllowedResolver(names, reach),
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "gateway"},
    )


def _text(endpoint: Endpoint, name: str) -> str:
    value = endpoint.settings.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"the webhook has no {name}")
    return value


def _path(endpoint: Endpoint, name: str, folder: Path) -> Path | None:
    return folder / _text(endpoint, name) if endpoint.settings.get(name) is not None else None


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise MissingFileError(f"the file {path.name} cannot be read: {error.strerror}") from error


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _stamp(status: os.stat_result) -> _Stamp:
    return (status.st_ino, status.st_size, status.st_mtime_ns)
