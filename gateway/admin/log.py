"""Declaring that what was signed beyond the present tree is lost: the log goes on as another log, and says so.

`restamp` renews the head by another hash (`gateway.evidence.restamping`).

1. Whether there is something to declare: a log that continues what was signed last stays what it is.
2. The event, which becomes a leaf, and the new epoch, in one transaction.
3. The mark of the new epoch. A crash before it leaves that of an epoch which the ledger has ended: as good.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from gateway.admin.acts import Change, Desk, Reply
from gateway.clock import rfc3339
from gateway.config.settings import LogSettings
from gateway.errors import KeyFileError, LogRefusedError, ProofError, RefusedError
from gateway.evidence.log_mark import Mark, read_mark, write_mark
from gateway.evidence.restamping import Restamping
from gateway.evidence.sequencer import require_continued
from gateway.evidence.stamping import HttpTsa, Stamping
from gateway.ledger.tree import DeclareGap, DeclareGapOperation, LogReads
from gateway.transparency.keys import of_epoch, read_vkeys
from gateway.transparency.note import VerifierKey


class DeclareLogGap(Change, kw_only=True):
    """What was signed last cannot be continued."""


async def declare_gap(desk: Desk, request: DeclareLogGap, actor: str) -> Reply:
    """Steps 1 to 3; what auditors must be told."""
    base = desk.foundation
    settings = base.settings.log
    key = await asyncio.to_thread(log_key, settings)
    tree = await LogReads(base.readers).tree()
    # 1
    try:
        await require_continued(base.readers, settings.mark, tree, key)
    except LogRefusedError as error:
        why = error
    else:
        raise RefusedError("log_in_order")
    mark = await asyncio.to_thread(_readable, settings)
    # 2
    epoch = max(tree.epoch, 0 if mark is None else mark.epoch) + 1
    lost = None if mark is None else (mark.size, mark.root_hash)
    ask = DeclareGap(epoch=epoch, lost=lost, now=base.clock.now(), actor=actor, note=request.reason)
    opened = await base.pump.submit(DeclareGapOperation(), ask)
    # 3
    begun = Mark(key=key.digest.hex(), epoch=epoch, size=opened.size, root=opened.root.hex())
    await asyncio.to_thread(write_mark, settings.mark, begun)
    fresh = of_epoch(key, epoch)
    return {
        "epoch": epoch,
        "origin": fresh.name,
        "vkey": str(fresh),
        "size": opened.size,
        "lost_size": None if mark is None else mark.size,
        "because": why.code,
    }


class RestampLog(Change, kw_only=True):
    """The log's head by another hash, stamped."""

    algorithm: Literal["sha384", "sha512", "sha3-256", "sha3-512"]


async def restamp(desk: Desk, request: RestampLog, actor: str) -> Reply:
    """Renewed over the newest checkpoint that has a stamp; what was made."""
    base = desk.foundation
    settings = base.settings.stamps
    restamping = Restamping(
        readers=base.readers,
        pump=base.pump,
        stamping=Stamping(settings, HttpTsa(settings.timeout), base.clock),
        clock=base.clock,
    )
    made = await restamping.renew(request.algorithm, actor=actor, note=request.reason)
    return {
        "number": made.renewal.number,
        "algorithm": made.renewal.algorithm,
        "size": made.renewal.size,
        "root": made.renewal.root,
        "server": made.server,
        "not_later_than": rfc3339(made.stamped_at),
    }


def log_key(settings: LogSettings) -> VerifierKey:
    """The log's public key; RefusedError where none was made. Blocks."""
    try:
        return read_vkeys(settings.vkey.read_bytes())[0]
    except FileNotFoundError as error:
        raise RefusedError("log_unset", str(settings.vkey)) from error
    except OSError as error:
        raise KeyFileError(f"cannot read {settings.vkey}: {error.strerror}", path=str(settings.vkey)) from error
    except ProofError as error:
        raise KeyFileError(f"{settings.vkey}: {error}", path=str(settings.vkey)) from error


def _readable(settings: LogSettings) -> Mark | None:
    """The mark; a damaged one tells nothing."""
    try:
        return read_mark(settings.mark)
    except LogRefusedError:
        return None
