"""Where plain HTTP may be listened on: this machine, or a private address of a named interface; nowhere else.

Old clients cannot speak TLS 1.2. They may come through a terminator beside the gateway (loopback) or a VPN, whose
interface is named in `[bindings] plain_host`. A private address does not do: the office network's looks the same as
the VPN's, and who writes the interface's name has thought of which one it is. Whoever sees that line reads the
documents and can send in the peer's name from its networks, so it is off by default, and said loudly at each start.

The address of an interface is reached by every other one, too: Linux takes a packet for any address of its own,
wherever it comes in. So the socket is bound to the interface itself, and what comes by another is not taken.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from gateway.errors import ConfigError

PLAIN_WARNING: Final = "plain HTTP: whoever sees this line reads the documents; use it behind a VPN only"
#: Linux: the first IPv4 address of an interface.
_SIOCGIFADDR: Final = 0x8915
_NAME_BYTES: Final = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainPlace:
    """Where to listen."""

    address: str
    #: What must come by this interface; "": a loopback address, which nothing from elsewhere can be for.
    interface: str = ""

    def __str__(self) -> str:
        return f"{self.address} of {self.interface}" if self.interface else self.address


def plain_place(host: str) -> PlainPlace:
    """What `plain_host` means; ConfigError where plain HTTP may not be, or the interface cannot be bound to."""
    try:
        written = ip_address(host)
    except ValueError:
        return _of_interface(host)
    if not written.is_loopback:
        raise ConfigError(f"bindings.plain_host: {host} is not loopback; name the VPN's interface, such as wg0")
    return PlainPlace(address=str(written))


def bind_to_interface(opened: socket.socket, name: str) -> None:
    """Take only what comes by it; before the address is bound. ConfigError where this process may not."""
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
    except PermissionError as error:
        raise ConfigError(
            f"bindings.plain_host: Linux does not let this user listen on {name} alone. From 5.7 on it does;"
            " before, give the service AmbientCapabilities=CAP_NET_RAW, or put a terminator on loopback"
        ) from error
    except OSError as error:
        raise ConfigError(f"bindings.plain_host: cannot listen on {name} alone: {error.strerror}") from error


def _of_interface(name: str) -> PlainPlace:
    if len(name.encode()) > _NAME_BYTES or name not in {known for _, known in socket.if_nameindex()}:
        raise ConfigError(f"bindings.plain_host: {name!r} is neither loopback nor an interface of this machine")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            found = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, struct.pack("256s", name.encode()))
        except OSError as error:
            raise ConfigError(f"bindings.plain_host: {name} has no IPv4 address ({error.strerror})") from error
        bind_to_interface(probe, name)
    address = ip_address(socket.inet_ntoa(found[20:24]))
    if address.is_unspecified or address.is_multicast or not (address.is_loopback or address.is_private):
        raise ConfigError(f"bindings.plain_host: {name} has {address}, which is no private address")
    return PlainPlace(address=str(address), interface=name)
