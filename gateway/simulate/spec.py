"""What a simulator process is told: one JSON file per process, written by the demo. Shapes only."""

from __future__ import annotations

from typing import Literal

import msgspec


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """How a receiver misbehaves for a while; all zero: it behaves."""

    #: Seconds from the start during which a pushed system refuses connections, or a pulling one does not poll.
    away_seconds: float = 0.0
    #: The first messages that a pushed system takes without ever answering, or that a pulling one fetches
    #: and does not acknowledge until it fetches them again.
    unanswered: int = 0
    #: Seconds for which such a message stays without an answer.
    stall_seconds: float = 0.0
    #: The first messages that a pushed system turns away with 503.
    busy: int = 0
    #: Offices of a shared system that are away (instead of the whole system).
    offices_away: tuple[str, ...] = ()


class SystemSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One office system: one credential, one journal, one or many offices."""

    name: str
    #: member: it collects and submits by the axis's protocol.
    receives: Literal["pull", "push", "member"]
    #: The offices whose part it plays.
    codes: tuple[str, ...]
    journal: str
    #: Client certificate and key, or else a file with a bearer token.
    certificate: str = ""
    key: str = ""
    token_file: str = ""
    #: Pushed systems: the port they listen on, their TLS certificate and key, the file with the shared secret.
    port: int = 0
    server_certificate: str = ""
    server_key: str = ""
    secret_file: str = ""
    #: Members: where the protocol is spoken, by which system id, and whether the gateway reaches it by a relay.
    member_url: str = ""
    system_id: str = ""
    behind_relay: bool = False
    #: Answers with JSON about the inbox item instead of an edXML status of its own.
    answers_by_form: bool = False
    faults: Faults = Faults()


class ProcessSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One process."""

    role: str
    gateway_url: str
    #: The folder of CAs that the gateway's certificate leads to.
    anchors: str
    systems: tuple[SystemSpec, ...]
