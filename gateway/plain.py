"""Where plain HTTP may be listened on: this machine, or a private address of a named interface; nowhere else.

Old clients cannot speak TLS 1.2. They may come through a terminator beside the gateway (loopback) or a VPN, whose
interface is named in `[bindings] plain_host`. A private address does not do: the office network's looks the same as
the VPN's, and who writes the interface's name has thought of which one it is. Whoever sees that line reads the
documents and can send in the peer's name from its networks, so it is off by default, and said loudly at each start.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from ipaddress import ip_address
from typing import Final

from gateway.errors import ConfigError

PLAIN_WARNING: Final = "plain HTTP: whoever sees this line reads the documents; use it behind a VPN only"
#: Linux: the first IPv4 address of an interface.
_SIOCGIFADDR: Final = 0x8915
_NAME_BYTES: Final = 15


def plain_address(host: str) -> str:
    """The address that `plain_host` means; ConfigError where plain HTTP may not be."""
    try:
        written = ip_address(host)
    except ValueError:
        return _private_of(host)
    if not written.is_loopback:
        raise ConfigError(f"bindings.plain_host: {host} is not loopback; name the VPN's interface, such as wg0")
    return str(written)


def _private_of(name: str) -> str:
    address = ip_address(_of_interface(name))
    if address.is_unspecified or address.is_multicast or not (address.is_loopback or address.is_private):
        raise ConfigError(f"bindings.plain_host: {name} has {address}, which is no private address")
    return str(address)


def _of_interface(name: str) -> str:
    if len(name.encode()) > _NAME_BYTES or name not in {known for _, known in socket.if_nameindex()}:
        raise ConfigError(f"bindings.plain_host: {name!r} is neither loopback nor an interface of this machine")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            found = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, struct.pack("256s", name.encode()))
        except OSError as error:
            raise ConfigError(f"bindings.plain_host: {name} has no IPv4 address ({error.strerror})") from error
    return socket.inet_ntoa(found[20:24])
