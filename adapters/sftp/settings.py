"""How an SFTP server is reached, and what proves it and us.

Settings of the channel, beside those of `adapters.folder.settings`: `host`, `port` (22), `username`, `root` (the
office's folder there; "." is where the server puts us), `known_hosts_file` (the server's key in OpenSSH's form,
beside the configuration; a server with another key is not spoken to), and either `key_file` or `password_file`: a
bare name in the secrets folder, mode 0600. A key without a passphrase, as the gateway has nobody to ask.

Nothing else is read or asked: no configuration of a user, no agent, no host-based login, no passwords typed. Files
are read again for every connection, so a renewed key needs no restart.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.errors import ConfigError
from gateway.model import Endpoint
from gateway.ports import Surroundings

if TYPE_CHECKING:
    import asyncssh

_PORT = 22
_PORT_MAX = 65_535
_SECRET_BYTES_MAX = 16_384
_KEEPALIVE_SECONDS = 15
_CONNECT_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A channel's settings, checked."""

    host: str
    port: int
    username: str
    root: str
    known_hosts: Path
    key_file: str
    password_file: str


def target_of(endpoint: Endpoint, surroundings: Surroundings) -> Target:
    """Read them; ConfigError says what is wrong."""
    given = endpoint.settings
    key_file, password_file = (str(given.get(name) or "") for name in ("key_file", "password_file"))
    if bool(key_file) == bool(password_file):
        raise ConfigError("give either key_file or password_file, a file in the secrets folder")
    port = given.get("port", _PORT)
    if not isinstance(port, int) or not 0 < port <= _PORT_MAX:
        raise ConfigError("port is no number of a port")
    return Target(
        host=_text(given, "host"),
        port=port,
        username=_text(given, "username"),
        root=_text(given, "root"),
        known_hosts=surroundings.folder / _text(given, "known_hosts_file"),
        key_file=key_file,
        password_file=password_file,
    )


def options_of(target: Target, secrets: Path, timeout_seconds: float) -> dict[str, Any]:
    """What asyncssh is called with; everything that it would look for by itself is switched off."""
    return {
        "host": target.host,
        "port": target.port,
        "username": target.username,
        "known_hosts": _known_hosts(target),
        "config": None,
        "agent_path": None,
        "gss_host": None,
        "x509_trusted_certs": None,
        "tunnel": None,
        "proxy_command": None,
        "compression_algs": None,
        "request_pty": False,
        "host_based_auth": False,
        "kbdint_auth": False,
        "disable_trivial_auth": True,
        "connect_timeout": min(_CONNECT_SECONDS, timeout_seconds),
        "login_timeout": min(_CONNECT_SECONDS, timeout_seconds),
        "keepalive_interval": _KEEPALIVE_SECONDS,
        **_proof(target, secrets),
    }


def _proof(target: Target, secrets: Path) -> dict[str, Any]:
    if target.password_file:
        try:
            password = _secret(secrets, target.password_file).decode().strip("\r\n")
        except UnicodeDecodeError:  # which would name a byte of it
            raise ConfigError(f"the password in {target.password_file} is not UTF-8") from None
        return {
            "password": password,
            "client_keys": None,
            "public_key_auth": False,
            "preferred_auth": "password",
        }
    import asyncssh  # a third of a second of the processor, which only those pay that have such a channel

    try:
        key = asyncssh.import_private_key(_secret(secrets, target.key_file))
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        why = "has a passphrase, and there is nobody to ask" if "assphrase" in str(error) else "cannot be read"
        raise ConfigError(f"the key {target.key_file} {why}") from error
    return {"client_keys": [key], "password_auth": False, "preferred_auth": "publickey"}


def _known_hosts(target: Target) -> asyncssh.SSHKnownHosts:
    import asyncssh

    try:
        found = asyncssh.import_known_hosts(target.known_hosts.read_text("utf-8"))
        keys = found.match(target.host, "", target.port)
    except OSError as error:
        raise ConfigError(f"known_hosts_file cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"known_hosts_file is not in the form of OpenSSH: {error}") from error
    if not any(keys[:2]):
        raise ConfigError(f"known_hosts_file holds no key of {target.host}:{target.port}")
    return found


def _secret(secrets: Path, name: str) -> bytes:
    if "/" in name or name in {"", ".", ".."}:
        raise ConfigError("key_file and password_file are bare names in the secrets folder")
    path = secrets / name
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077:
            raise ConfigError(f"the secret {name} may be read by others; its mode must be 0600")
        if not 0 < found.st_size <= _SECRET_BYTES_MAX:
            raise ConfigError(f"the secret {name} is empty or too long")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the secret {name} cannot be read: {error.strerror}") from error


def _text(given: Mapping[str, object], name: str) -> str:
    value = given.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)  # the command line makes numbers of digits
    if not isinstance(value, str) or not value:
        raise ConfigError(f"the channel has no {name}")
    return value
