"""Credentials as the database holds them, and their fast look-up.

A credential is known by a SHA-256: of the DER certificate, or of the token, which itself is stored nowhere.
`Credentials.find` answers from a bounded map when it can; whoever changes credentials calls `forget` after
the commit, so that a revocation counts for the very next request. Only credentials that exist are remembered:
guesses from outside cannot push them out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Literal

import msgspec

from gateway.clock import instant
from gateway.directory.lru import Lru
from gateway.errors import RefusedError
from gateway.model import AgencyId, CredentialId
from gateway.storage.readers import Readers

Network = IPv4Network | IPv6Network
Kind = Literal["certificate", "token"]

_REMEMBERED = 4096
_strings = msgspec.json.Decoder(tuple[str, ...])


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What a system is known by."""

    id: CredentialId
    agency_id: AgencyId
    kind: Kind
    #: SHA-256 of the DER certificate or of the token, hex.
    fingerprint: str
    #: From where it may be used; empty: from anywhere.
    allowed_networks: tuple[Network, ...]
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    #: The credential that this one renews.
    replaces_id: CredentialId | None
    label: str

    def allows(self, address: str) -> bool:
        """Whether it may be used from an address; IPv4 in IPv6 counts as IPv4."""
        return not self.allowed_networks or allows(self.allowed_networks, address)


def allows(networks: Iterable[Network], address: str) -> bool:
    """Whether an address lies in one of the networks; IPv4 in IPv6 counts as IPv4."""
    try:
        source = ip_address(address)
    except ValueError:
        return False
    if isinstance(source, IPv6Address) and source.ipv4_mapped is not None:
        source = source.ipv4_mapped
    return any(source in network for network in networks)


class Credentials:
    """Reads credentials."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._known: Lru[str, Credential] = Lru(_REMEMBERED)
        self._generation = 0

    async def find(self, fingerprint: str) -> Credential | None:
        """The credential of a certificate or token."""
        known = self._known.get(fingerprint)
        if known is not None:
            return known
        generation = self._generation
        row = await self._readers.fetch_one("credential_find_by_fingerprint", (fingerprint,))
        if row is None:
            return None
        credential = credential_of(row)
        if generation == self._generation:  # a look-up older than a revocation must not outlive it
            self._known.put(fingerprint, credential)
        return credential

    def forget(self) -> None:
        """Look everything up again."""
        self._generation += 1
        self._known.clear()


def credential_of(row: tuple[Any, ...]) -> Credential:
    """A row of the statements `credential_find_…` and `credential_list_…`."""
    key, agency_id, kind, fingerprint, networks, issued, expires, revoked, replaces, label = row
    return Credential(
        id=key,
        agency_id=agency_id,
        kind=kind,
        fingerprint=fingerprint,
        allowed_networks=tuple(map(ip_network, _strings.decode(networks))),
        issued_at=instant(issued),
        expires_at=instant(expires),
        revoked_at=None if revoked is None else instant(revoked),
        replaces_id=replaces,
        label=label,
    )


def networks_json(networks: Iterable[str]) -> str:
    """An allow-list as it is stored; RefusedError names what is no network."""
    checked = []
    for network in networks:
        try:
            checked.append(str(ip_network(network.strip())))
        except ValueError as error:
            raise RefusedError("parameter_invalid", f"no network: {error}") from error
    return msgspec.json.encode(checked).decode()
