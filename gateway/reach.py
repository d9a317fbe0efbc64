"""Which addresses may be dialled on behalf of somebody who may set a URL. Pure, but for one look.

- The unspecified and broadcast addresses, multicast, link-local (where clouds keep their metadata services) and
  what is reserved are never dialled, whatever is allowed.
- Our own listeners are never dialled.
- Loopback is dialled only where `loopback` says so (the development profile), or a network within 127.0.0.0/8 or
  ::1/128 is allowed by name.
- Every other internal address (RFC 1918, unique local, carrier-grade NAT …) must lie in an allowed network.
- Public addresses are dialled.

An IPv6 address that only wraps an IPv4 one (mapped, compatible, NAT64, 6to4) is judged by what it wraps. What must
be judged is the address that is then dialled, never a name: a name's answer changes (DNS rebinding).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.errors import ConfigError

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

#: The prefix that is the same everywhere, and the one of networks of their own.
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
#: IPv4 addresses as they were once written into IPv6 ones; `::` and `::1` are none.
_COMPATIBLE = IPv6Network("::/96")
_LOOPBACKS = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
#: Services that tell a machine its credentials and lie outside of link-local.
_METADATA = (IPv4Network("100.100.100.200/32"), IPv6Network("fd00:ec2::254/128"), IPv4Network("168.63.129.16/32"))


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks, written as `10.0.0.0/8`; raises ConfigError."""
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise ConfigError(f"not a network: {error}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """The policy; as made without arguments it lets nobody point inside."""

    #: Internal networks that may be dialled.
    allowed: tuple[Network, ...] = ()
    #: The development profile: loopback and every internal network.
    development: bool = False
    #: Host and port of our own listeners.
    own: frozenset[tuple[str, int]] = frozenset()
    #: Whose setting `allowed` is.
    setting: str = "webhook.allowed_networks"

    def refusal(self, host: str, port: int) -> str:
        """Why this address may not be dialled; "" where it may. `host` is an address, not a name."""
        try:
            address = _unwrapped(ip_address(host.partition("%")[0]))
        except ValueError:
            return f"{host} is not an address"
        if _is_never(address):
            return f"{address} is an address that is never dialled"
        if self._is_own(address, port):
            return f"{address}:{port} is a listener of the gateway itself"
        if address.is_loopback:
            named = any(_holds(network, address) for network in self.allowed if _is_within_loopback(network))
            return "" if self.development or named else f"{address} is this machine"
        if self.development or _is_public(address) or any(_holds(network, address) for network in self.allowed):
            return ""
        return f"{address} is an internal address outside of {self.setting}"

    def _is_own(self, address: Address, port: int) -> bool:
        hosts = {host for host, ours in self.own if ours == port}
        if not hosts:
            return False
        if str(address) in hosts:
            return True
        wide = {"", "0.0.0.0", "::"} & hosts  # noqa: S104  # compared with, not listened on
        return bool(wide or {"localhost"} & hosts) and (address.is_loopback or _is_this_machine(address))


class AllowedResolver(AbstractResolver):
    """Addresses that may not be dialled are not found: what is judged here is what is dialled."""

    def __init__(self, names: AbstractResolver, reach: Reach) -> None:
        self._names, self._reach = names, reach

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Those that may be; ForbiddenAddressError where none may."""
        found = await self._names.resolve(host, port, family)
        refusals = {one["host"]: self._reach.refusal(one["host"], port) for one in found}
        allowed = [one for one in found if not refusals[one["host"]]]
        if not allowed:
            raise ForbiddenAddressError(None, "; ".join(sorted(set(refusals.values()))))
        return allowed

    async def close(self) -> None:
        """Whoever asks for names closes what it asks."""


class ForbiddenAddressError(OSError):
    """A name leads only to addresses that may not be dialled."""


def _is_never(address: Address) -> bool:
    if address.is_unspecified or address.is_multicast or address.is_link_local:
        return True
    if any(_holds(network, address) for network in _METADATA):
        return True
    return isinstance(address, IPv4Address) and address.is_reserved  # 240.0.0.0/4 with broadcast


def _is_public(address: Address) -> bool:
    return address.is_global and not (isinstance(address, IPv6Address) and address.is_site_local)


def _holds(network: Network, address: Address) -> bool:
    return network.version == address.version and address in network


def _is_within_loopback(network: Network) -> bool:
    return any(_holds(loop, network.network_address) for loop in _LOOPBACKS)


def _unwrapped(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and (
        any(address in network for network in _NAT64) or (address in _COMPATIBLE and int(address) > 1)
    ):
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner if inner is not None else address


def _is_this_machine(address: Address) -> bool:
    """Whether a socket can be bound to it."""
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as tried:
            tried.bind((str(address), 0))
    except OSError:
        return False
    return True
