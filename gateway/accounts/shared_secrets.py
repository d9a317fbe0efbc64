"""Secrets that a peer and we both know: how they are issued, found, and end.

A peer is known by a binding (the protocol) and a system id. Several secrets of one system id may be in force at
once, so that a peer changes from one to the next without a pause: issuing one lets the others end after an overlap.
A system id belongs to one agency. Each secret may be used from its networks only, and there is none without: what
they sign covers neither path nor body, so the address is what stops a call that somebody else recorded.

`find` answers from a bounded map when it can; whoever changes secrets calls `forget` after the commit, so that a
revocation counts for the very next request. No method logs, and nothing secret enters an exception or an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import msgspec

from gateway.accounts.credentials import Network, allows, networks_json
from gateway.accounts.secret_box import SecretBox
from gateway.clock import instant, micros, rfc3339
from gateway.directory.changes import OneByOne, event_of
from gateway.directory.directory import Directory
from gateway.directory.lru import Lru
from gateway.enrolment import new_token
from gateway.errors import RefusedError, SecretKeyError
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.model import AgencyId, CredentialId
from gateway.storage.pump import Pump, Transaction
from gateway.storage.readers import Readers

#: The longest system id.
MOST_CHARACTERS = 200
_REMEMBERED = 4096
_strings = msgspec.json.Decoder(tuple[str, ...])


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedSecret:
    """One of them, without the secret."""

    id: CredentialId
    agency_id: AgencyId
    binding: str
    system_id: str
    #: SHA-256 of the secret, hex; of a peer that has none, of its system id.
    fingerprint: str
    key_id: str
    #: From where it may be used; never empty.
    allowed_networks: tuple[Network, ...]
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    label: str

    def allows(self, address: str) -> bool:
        """Whether it may be used from an address."""
        return allows(self.allowed_networks, address)

    def is_in_force(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and self.expires_at > now


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSecret:
    """A secret to record."""

    id: CredentialId
    agency_id: AgencyId
    binding: str
    system_id: str
    sealed: bytes
    key_id: str
    fingerprint: str
    #: JSON list.
    allowed_networks: str
    expires_at: datetime
    #: When those before it end at the latest.
    others_until: datetime
    label: str
    actor: str
    now: datetime
    #: Why the operator did it; kept beside the event.
    why: str


class IssueSecretOperation(OneByOne[NewSecret, int]):
    """Records a secret and lets the earlier ones of its system end; how many those are."""

    name = "shared_secret_issue"

    async def _one(self, tx: Transaction, payload: NewSecret) -> int:
        peer = {"binding": payload.binding, "system_id": payload.system_id, "now": micros(payload.now)}
        if await tx.fetch("shared_secret_find_other_owner", peer | {"agency_id": payload.agency_id}):
            raise RefusedError("state_forbids", f"the system id {payload.system_id} belongs to another agency")
        ending = await tx.fetch("shared_secret_end_earlier", peer | {"until": micros(payload.others_until)})
        await tx.fetch(
            "shared_secret_insert_new",
            {
                "id": payload.id,
                "agency_id": payload.agency_id,
                "binding": payload.binding,
                "system_id": payload.system_id,
                "sealed": payload.sealed,
                "key_id": payload.key_id,
                "fingerprint": payload.fingerprint,
                "allowed_networks": payload.allowed_networks,
                "issued_at": micros(payload.now),
                "expires_at": micros(payload.expires_at),
                "label": payload.label,
            },
        )
        facts: dict[str, object] = {
            "credential": payload.id, "agency": payload.agency_id, "kind": payload.binding,
            "expires_at": micros(payload.expires_at),
        }  # fmt: skip
        await history.append(
            tx, [event_of(Event.CREDENTIAL_ISSUED, payload.now, payload.actor, facts, note=payload.why)]
        )
        return len(ending)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What an operator asks for."""

    agency_id: AgencyId
    binding: str
    system_id: str
    lifetime: timedelta
    #: How long the secrets before it still count.
    overlap: timedelta
    networks: Sequence[str]
    label: str
    actor: str
    why: str
    #: Whether the peer proves itself by a secret; else somebody we trust vouches for it.
    secret: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedSecret:
    """What it got; the secret is shown once."""

    id: CredentialId
    secret: str
    expires_at: datetime
    #: Earlier secrets that end with the overlap.
    ending: int


class SharedSecrets:
    """The service; one per process."""

    def __init__(self, pump: Pump, readers: Readers, directory: Directory, box: SecretBox) -> None:
        self._pump, self._readers, self._directory, self._box = pump, readers, directory, box
        self._known: Lru[tuple[str, str], tuple[tuple[SharedSecret, bytes], ...]] = Lru(_REMEMBERED)
        self._generation = 0
        self._issue = IssueSecretOperation()

    async def issue(self, wish: Wish, now: datetime) -> IssuedSecret:
        """A new secret; RefusedError where it may not be."""
        if not wish.networks:
            raise RefusedError("network_missing")
        agency = (await self._directory.agencies([wish.agency_id], now)).get(wish.agency_id)
        if agency is None:
            raise RefusedError("not_found", "there is no such agency")
        if agency.closed_at is not None:
            raise RefusedError("state_forbids", f"the agency was closed at {rfc3339(agency.closed_at)}")
        if not wish.system_id or len(wish.system_id) > MOST_CHARACTERS or not wish.system_id.isascii():
            raise RefusedError("parameter_invalid", f"a system id has 1 to {MOST_CHARACTERS} ASCII characters")
        await self._box.require(self._readers, now)
        key, expires_at = CredentialId(uuid7()), now + wish.lifetime
        secret, fingerprint = new_token()
        new = NewSecret(
            id=key,
            agency_id=wish.agency_id,
            binding=wish.binding,
            system_id=wish.system_id,
            sealed=self._box.seal(secret.encode() if wish.secret else b"", _purpose(key, wish.system_id)),
            key_id=self._box.key_id,
            fingerprint=fingerprint,
            allowed_networks=networks_json(wish.networks),
            expires_at=expires_at,
            others_until=now + wish.overlap,
            label=wish.label,
            actor=wish.actor,
            now=now,
            why=wish.why,
        )
        try:
            ending = await self._pump.submit(self._issue, new)
        finally:
            self.forget()
        return IssuedSecret(id=key, secret=secret if wish.secret else "", expires_at=expires_at, ending=ending)

    async def find(self, binding: str, system_id: str, now: datetime) -> tuple[tuple[SharedSecret, bytes], ...]:
        """The newest secrets of a system, ended ones that can be opened included; () for one that nobody knows.

        SecretKeyError where one in force cannot be opened.
        """
        known = self._known.get((binding, system_id))
        if known is not None:
            return known
        generation = self._generation
        rows = await self._readers.fetch("shared_secret_find_of_system", (binding, system_id))
        found = tuple(each for row in rows if (each := self._opened(row, now)) is not None)
        # what nobody knows is not remembered: guesses from outside would push the others out
        if found and generation == self._generation:
            self._known.put((binding, system_id), found)
        return found

    def forget(self) -> None:
        """Look everything up again."""
        self._generation += 1
        self._known.clear()

    def _opened(self, row: tuple[Any, ...], now: datetime) -> tuple[SharedSecret, bytes] | None:
        found = secret_of(row[1:])
        try:
            return found, self._box.open(row[0], _purpose(found.id, found.system_id))
        except SecretKeyError:
            if found.is_in_force(now):
                raise
            return None  # ended, and sealed under a key that was lost: it must not stop those issued since


def _purpose(key: CredentialId, system_id: str) -> str:
    return f"{key}\n{system_id}"


def secret_of(row: Sequence[Any]) -> SharedSecret:
    """A row of the statements `shared_secret_list_…`, or one of `shared_secret_find_…` without its first column."""
    key, agency, binding, system, fingerprint, key_id, networks, issued, expires, revoked, label = row
    return SharedSecret(
        id=key,
        agency_id=agency,
        binding=binding,
        system_id=system,
        fingerprint=fingerprint,
        key_id=key_id,
        allowed_networks=tuple(map(ip_network, _strings.decode(networks))),
        issued_at=instant(issued),
        expires_at=instant(expires),
        revoked_at=None if revoked is None else instant(revoked),
        label=label,
    )


def loopback() -> Iterable[str]:
    """This machine, as a list of networks has it."""
    return ("127.0.0.0/8", "::1/128")
