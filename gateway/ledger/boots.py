"""Runs of the program: every start that may write has a boot id, which owns its attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway import __version__
from gateway.clock import micros
from gateway.events import Event
from gateway.ledger import history
from gateway.model import BootId
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Boot:
    """A start, or (with `ended`) the orderly end of one."""

    id: BootId
    at: datetime
    #: `serve`, or the command that opened the folder.
    purpose: str
    ended: bool = False


class BootOperation:
    """Records starts and ends; those of the server are events."""

    name = "boot"

    async def apply(self, tx: Transaction, payloads: Sequence[Boot]) -> Sequence[None]:
        """Nothing to give back."""
        started = [(p.id, micros(p.at), __version__) for p in payloads if not p.ended]
        await tx.execute_many("boot_insert", started)
        await tx.execute_many("boot_mark_stopped", [(micros(p.at), p.id) for p in payloads if p.ended])
        await history.append(tx, [_event(p) for p in payloads if p.purpose == "serve"])
        return [None] * len(payloads)


def _event(boot: Boot) -> history.EventRow:
    return history.EventRow(
        kind=Event.SERVER_STOPPED if boot.ended else Event.SERVER_STARTED,
        at=boot.at,
        actor="gateway",
        facts={"boot": boot.id, "version": __version__},
    )
