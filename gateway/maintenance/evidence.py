"""Builds the duties of the log: what signs it, stamps and cosigns, the institution too. See `gateway.app`."""

from __future__ import annotations

from contextlib import AsyncExitStack

from gateway.admin.archives import Archives
from gateway.evidence.cosigning import HttpWitness
from gateway.evidence.institution_key import InstitutionKey
from gateway.evidence.restamping import Restamping
from gateway.evidence.stamping import HttpTsa, Stamping
from gateway.foundation import Foundation
from gateway.ledger.tree import LogReads
from gateway.maintenance.archiver import Archiver
from gateway.maintenance.checkpointer import Checkpointer
from gateway.maintenance.institution_signer import InstitutionSigner
from gateway.maintenance.receipt_stamper import ReceiptStamper
from gateway.maintenance.restamper import Restamper
from gateway.maintenance.stamper import Stamper
from gateway.maintenance.witnessing import Witnessing
from gateway.observe import Metrics
from gateway.signing import SealingKey


def checkpointer(base: Foundation, key: SealingKey, metrics: Metrics) -> Checkpointer:
    """What signs the log."""
    return Checkpointer(base.readers, base.pump, key, settings=base.settings.log, clock=base.clock, metrics=metrics)


def stampers(base: Foundation, metrics: Metrics) -> tuple[Stamper, ReceiptStamper, Restamper]:
    """What has checkpoints, receipts and the head time-stamped; they share what is known of the servers."""
    settings, clock = base.settings.stamps, base.clock
    stamping = Stamping(settings, HttpTsa(settings.timeout), clock)
    return (
        Stamper(base.readers, base.pump, stamping, settings=settings, clock=clock, metrics=metrics),
        ReceiptStamper(base.readers, base.pump, stamping, settings=settings, metrics=metrics),
        Restamper(
            base.readers,
            Restamping(readers=base.readers, pump=base.pump, stamping=stamping, clock=clock),
            settings=base.settings.archive,
            clock=clock,
        ),
    )


def witnessing(base: Foundation, metrics: Metrics) -> Witnessing:
    """What has witnesses cosign."""
    settings, port = base.settings.log, HttpWitness(base.settings.log.witness_timeout)
    return Witnessing(base.readers, base.pump, port, settings=settings, clock=base.clock, metrics=metrics)


def archiver(base: Foundation, key: SealingKey, metrics: Metrics) -> Archiver:
    """What archives finished months."""
    folder = base.settings.archive.folder
    return Archiver(Archives(base, key), base.readers, folder=folder, clock=base.clock, metrics=metrics)


def institution_signer(stack: AsyncExitStack, base: Foundation, metrics: Metrics) -> InstitutionSigner:
    """What has the institution's key sign; the stack ends its process."""
    key, log = InstitutionKey(base.settings.institution), LogReads(base.readers)
    stack.push_async_callback(key.close)
    return InstitutionSigner(
        base.readers, base.pump, log, key, settings=base.settings.institution, clock=base.clock, metrics=metrics
    )
