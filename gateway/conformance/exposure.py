"""Where the sandbox listens, and from which networks its credentials count.

On this machine alone, unless a host is given by which another machine reaches it. Then it listens on that one
address of ours, never on all of them, and the developer's token and secret count from the networks that were named;
whoever else reaches the address finds a server that believes nobody. What is nearly everybody is refused.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from gateway.errors import RefusedError
from gateway.pki import LOOPBACK

#: The widest network that is taken: that of a whole organisation.
_WIDEST: Final = {4: 8, 6: 32}
_HERE: Final = ("127.0.0.1/32", "::1/128")


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposure:
    """Who may come in."""

    #: Name or address by which the developer's machine reaches this one.
    host: str
    #: What is listened on.
    address: str
    #: Where the developer's credentials count.
    networks: tuple[str, ...]

    @property
    def is_local(self) -> bool:
        """Whether other machines are kept out."""
        return self.host in LOOPBACK

    @property
    def own_networks(self) -> tuple[str, ...]:
        """Where the test offices' token counts: they run on this machine."""
        return _HERE if self.is_local else (*_HERE, str(ip_network(self.address)))

    def admits(self, address: str) -> bool:
        """Whether a developer's system may come from there; the sandbox itself always may."""
        peer = _unwrapped(address)
        return any(peer in ip_network(each) for each in (*self.networks, *self.own_networks))

    def url(self, port: int) -> str:
        """How the sandbox is reached, from this machine too."""
        return f"https://{f'[{self.host}]' if ':' in self.host else self.host}:{port}"


async def expose(host: str, networks: Sequence[str]) -> Exposure:
    """What was asked for; RefusedError where it would open the sandbox to everybody."""
    allowed = tuple(map(_narrow, networks))
    if host in LOOPBACK:
        if allowed:
            raise RefusedError(
                "parameter_invalid", "--network goes with --host: the sandbox is on this machine only"
            )
        return Exposure(host=host, address="127.0.0.1" if host == "localhost" else host, networks=_HERE)
    address = await _address_of(host)
    if not allowed:
        raise RefusedError("network_missing", f"--host {host}: say whose machines may come in")
    return Exposure(host=host, address=str(address), networks=allowed)


def _narrow(text: str) -> str:
    try:
        network = ip_network(text.strip())
    except ValueError as error:
        raise RefusedError("parameter_invalid", f"--network: {error}") from error
    if network.prefixlen < _WIDEST[network.version]:
        raise RefusedError(
            "parameter_invalid", f"--network {network} is nearly everybody; /{_WIDEST[network.version]} at most"
        )
    return str(network)


async def _address_of(host: str) -> IPv4Address | IPv6Address:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RefusedError("parameter_invalid", f"--host {host}: {error}") from error
    # a name may have several, and /etc/hosts often gives this machine's own a loopback address
    addresses = [_unwrapped(str(each[4][0])) for each in found]
    if not host or any(each.is_unspecified or each.is_multicast for each in addresses):
        raise RefusedError(
            "parameter_invalid", f"--host {host or repr(host)} means every address; name one of them"
        )
    outside = [each for each in addresses if not each.is_loopback]
    if not outside:
        raise RefusedError("parameter_invalid", f"--host {host} is this machine's loopback here; give its address")
    _require_ours(host, outside[0])
    return outside[0]


def _unwrapped(text: str) -> IPv4Address | IPv6Address:
    address = ip_address(text.partition("%")[0])
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def _require_ours(host: str, address: IPv4Address | IPv6Address) -> None:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError as error:
            detail = f"--host {host}: {address} is no address of this machine ({error.strerror})"
            raise RefusedError("parameter_invalid", detail) from error
