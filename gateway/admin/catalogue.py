"""Taking a peer's catalogue of agencies in: what operators ask for, and what the nightly duty does.

See `gateway.directory.catalogue`. A held catalogue is accepted by its digest, with a reason, after somebody has
looked at what it would do (`dry_run`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.admin.acts import REASON_CHARACTERS, Change, Desk, Reply, endpoint_named
from gateway.admin.peers import as_refusals
from gateway.channels import make_catalogue
from gateway.directory.catalogue import SyncAsked, SyncPolicy, SyncReport, sync_catalogue
from gateway.directory.catalogue_write import Progress
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.model import Endpoint


class SyncCatalogue(Change, kw_only=True):
    """One synchronisation."""

    channel: Annotated[str, Meta(max_length=64)]
    #: Needed only to accept one that is held.
    reason: Annotated[str, Meta(max_length=REASON_CHARACTERS[1])] = ""
    dry_run: bool = False
    #: Digest of the catalogue that is accepted, or its beginning.
    accept: Annotated[str, Meta(pattern="^([0-9a-f]{12,64})?$")] = ""


async def sync(desk: Desk, request: SyncCatalogue, actor: str, progress: Progress | None = None) -> Reply:
    """Bring the directory to what a channel's catalogue says, or say what that would do."""
    base = desk.foundation
    if request.accept and len(request.reason) < REASON_CHARACTERS[0]:
        raise RefusedError("parameter_invalid", "give a reason for accepting the catalogue")
    asked = SyncAsked(
        actor=actor,
        now=base.clock.now(),
        dry_run=request.dry_run,
        accept=request.accept,
        why=request.reason,
    )
    with as_refusals():
        report = await sync_channel(base, await endpoint_named(base, request.channel), asked, progress)
    reply: Reply = msgspec.to_builtins(report)
    return reply


async def sync_channel(
    base: Foundation, endpoint: Endpoint, asked: SyncAsked, progress: Progress | None = None
) -> SyncReport:
    """The same of a channel; SourceError where nothing may be concluded from what its peer says."""
    settings = base.settings.directory
    catalogue = make_catalogue(base.settings, base.clock, endpoint)
    try:
        return await sync_catalogue(
            base.directory,
            base.pump,
            base.readers,
            catalogue,
            endpoint,
            SyncPolicy(hold_share=settings.hold_share, close_after=settings.close_after),
            asked,
            progress,
        )
    finally:
        await catalogue.close()
