"""Builds the worker: each kind of channel with its adapter, its renditions, and the proofs that receivers owe."""

from __future__ import annotations

from contextlib import AsyncExitStack
from random import SystemRandom

from gateway import channels
from gateway.damage import SoundBodies
from gateway.foundation import Foundation
from gateway.inspecting import parse_limits
from gateway.observe import Metrics
from gateway.outgoing import EndpointJournal, LedgerOutlook, LedgerQueue, StoredBodies
from gateway.parsing.pool import ParserPool
from gateway.renditions import RenderingAdapter, Renditions
from gateway.verification import Proofs, proving
from gateway.worker import Worker, WorkerPorts
from gateway.workshop import Workshop


def make_worker(
    stack: AsyncExitStack,
    base: Foundation,
    pool: ParserPool,
    sound: SoundBodies,
    metrics: Metrics,
    workshop: Workshop,
) -> Worker:
    """Nothing starts yet; the stack closes its adapters."""
    settings = base.settings
    bodies = StoredBodies(base.bodies, sound)
    renditions = Renditions(readers=base.readers, pump=base.pump, bodies=base.bodies, pool=pool, clock=base.clock)
    surroundings = channels.surroundings_of(settings, base.clock, settings.delivery.timeout, workshop)
    limits = parse_limits(settings.limits)
    proofs = Proofs(base.readers, base.pump, base.clock)
    adapters = {
        kind: RenderingAdapter(proving(adapter, proofs, settings), renditions, bodies, limits)
        for kind, adapter in channels.make_adapters(surroundings).items()
    }
    for adapter in adapters.values():
        stack.push_async_callback(adapter.close)
    ports = WorkerPorts(
        queue=LedgerQueue(pump=base.pump, boot_id=base.boot_id, settings=settings.delivery),
        outlook=LedgerOutlook(base.readers),
        record=EndpointJournal(pump=base.pump, directory=base.directory, clock=base.clock),
        directory=base.directory,
        bodies=bodies,
        adapters=adapters,
    )
    return Worker(
        ports,
        settings=settings.delivery,
        clock=base.clock,
        steady=base.steady,
        draw=SystemRandom().random,
        metrics=metrics,
    )
