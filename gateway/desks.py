"""The journey and its desks, built over the foundation: a part of the composition root, which calls it once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from gateway.acknowledging import Acknowledging, link_secret
from gateway.addressing import Addressing, Plan
from gateway.compose import Composer
from gateway.damage import SoundBodies
from gateway.facade import LocalGateway
from gateway.feed import Feed
from gateway.foundation import Foundation
from gateway.inspecting import Inspector, parse_limits
from gateway.intake import Intake
from gateway.journey import Journey
from gateway.last_asked import LastAsked
from gateway.ledger.institution import CheckpointSignatures
from gateway.ledger.stamps import Times
from gateway.ledger.tree import LogReads
from gateway.listings import Listings
from gateway.mailbox import Mailbox
from gateway.model import AgencyId, EndpointId
from gateway.observe import Metrics
from gateway.openable import Openable
from gateway.outbox import Outbox
from gateway.parsing.pool import ParserPool
from gateway.pushes import Pushes
from gateway.readings import Readings
from gateway.receivers import Receivers
from gateway.signatures.policy import Policies
from gateway.signing import SealingKey
from gateway.worker import Worker


@dataclass(frozen=True, slots=True)
class Desks:
    """What the journey and the two desks share."""

    base: Foundation
    key: SealingKey
    pool: ParserPool
    sound: SoundBodies
    worker: Worker
    metrics: Metrics

    def mailbox(self, intake: Intake, readings: Readings) -> Mailbox:
        """What waits, and who takes it."""
        base = self.base
        return Mailbox(
            reads=base.reads,
            pump=base.pump,
            bodies=base.bodies,
            sound=self.sound,
            directory=base.directory,
            clock=base.clock,
            boot_id=base.boot_id,
            pool=self.pool,
            limits=parse_limits(base.settings.limits),
            lease_max=base.settings.delivery.inbox_lease_max,
            room=intake.room,
            receivers=self.receivers(),
            listings=Listings(base.pump, base.clock),
            last_asked=LastAsked(base.directory, base.pump, base.clock),
            readings=readings,
        )

    def receivers(self) -> Receivers:
        """What is made of acknowledgements and statuses."""
        return Receivers(self.base.readers, self.base.settings.receivers)

    def openable(self) -> Openable:
        """Who can open what is encrypted end to end."""
        return Openable(self.base.readers, self.base.settings.end_to_end)

    def addressing(self) -> Addressing:
        """Who gets what, by which way."""
        base = self.base
        give_up_after = base.settings.delivery.give_up_after
        return Addressing(directory=base.directory, reads=base.reads, give_up_after=give_up_after)

    def outbox(self, mailbox: Mailbox, intake: Intake) -> Outbox:
        """What was sent, and what its sender may still do."""

        def requeued(agencies: Iterable[AgencyId]) -> None:
            mailbox.notify(agencies)
            self.worker.wake()

        return Outbox(
            reads=self.base.reads,
            pump=self.base.pump,
            clock=self.base.clock,
            directory=self.base.directory,
            addressing=self.addressing(),
            intake=intake,
            give_up_after=self.base.settings.delivery.give_up_after,
            requeued=requeued,
            openable=self.openable(),
        )

    def journey(self, mailbox: Mailbox, intake: Intake) -> Journey:
        """Steps 2 to 6, and whom to wake after a commit."""

        def accepted(plan: Plan) -> None:
            mailbox.notify(plan.recipients)
            due = [EndpointId(item.endpoint_id) for item in plan.dispatches if item.state == "ready"]
            if due:
                self.worker.wake(due)

        base, settings = self.base, self.base.settings
        inspector = Inspector(
            pool=self.pool,
            limits=parse_limits(settings.limits),
            clock=base.clock,
            timeout=settings.parser.timeout,
        )
        return Journey(
            parse=inspector.inspect,
            directory=base.directory,
            reads=base.reads,
            bodies=base.bodies,
            pump=base.pump,
            key=self.key,
            intake=intake,
            addressing=self.addressing(),
            clock=base.clock,
            gateway_organ_id=settings.seal.organ_id,
            idempotency_days=settings.limits.idempotency_days,
            committed=accepted,
            policies=Policies(settings.checks),
            receivers=self.receivers(),
            openable=self.openable(),
            metrics=self.metrics,
        )


def make_gateway(stack: AsyncExitStack, desks: Desks) -> LocalGateway:
    """The facade over all of them; the stack lets what is still to be written be written."""
    base, settings = desks.base, desks.base.settings
    intake = Intake(
        bodies=base.bodies, pump=base.pump, reads=base.reads, storage=settings.storage, limits=settings.limits
    )
    readings = Readings(base.pump)
    mailbox = desks.mailbox(intake, readings)
    stack.push_async_callback(mailbox.close)
    journey = desks.journey(mailbox, intake)
    return LocalGateway(
        journey=journey,
        composer=Composer(bodies=base.bodies, directory=base.directory, clock=base.clock),
        mailbox=mailbox,
        outbox=desks.outbox(mailbox, intake),
        feed=Feed(base.readers),
        pushes=Pushes(base.readers, base.pump, base.clock),
        acknowledging=Acknowledging(base.readers, base.pump, base.clock, link_secret(settings)),
        reads=base.reads,
        readers=base.readers,
        log=LogReads(base.readers, quorum=base.settings.log.wanted),
        by_institution=CheckpointSignatures(base.readers),
        times=Times(base.readers, base.settings.stamps.servers),
        directory=base.directory,
        accounts=base.accounts,
        credentials=base.credentials,
        bodies=base.bodies,
        sound=desks.sound,
        intake=intake,
        clock=base.clock,
        readings=readings,
    )
