"""A pushed system: the gateway's own adapter speaks to it over TLS, and its journal notes what came."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.webhook import WebhookAdapter
from gateway.clock import SystemClock
from gateway.model import (
    AgencyId,
    AttemptId,
    DeliveryId,
    DispatchId,
    Endpoint,
    EndpointId,
    MessageId,
    Outcome,
    OutcomeKind,
    Outgoing,
    OutgoingDelivery,
    Sha256Hex,
)
from gateway.pki import DevPki, client_tls_context
from gateway.ports import Surroundings
from gateway.reach import Reach
from gateway.seal.trust import TrustPurpose
from gateway.simulate.desk import Desk
from gateway.simulate.journal import Journal, Received, read_journal
from gateway.simulate.layout import free_ports
from gateway.simulate.plot import write_script
from gateway.simulate.post import Post
from gateway.simulate.push import Receiver
from gateway.simulate.rest import Rest
from gateway.simulate.spec import Faults
from tests.unit.simulate.small_cast import make_cast

SCRIPT = write_script(make_cast())
DECISION = SCRIPT.send_of("decision")
BYTES = Post(SCRIPT, SystemClock()).document(DECISION).body
SECRET = "0123456789abcdef0123456789abcdef"


class Memory:
    """A body in memory."""

    size = len(BYTES)
    sha256 = hashlib.sha256(BYTES).hexdigest()

    async def read(self) -> bytes:
        return BYTES

    async def chunks(self) -> AsyncIterator[bytes]:
        yield BYTES


class Pushed:
    """A receiver, the endpoint that leads to it, and its journal."""

    def __init__(self, endpoint: Endpoint, adapter: WebhookAdapter, journal: Path) -> None:
        self._endpoint = endpoint
        self._adapter = adapter
        self._journal = journal

    async def send(self, *recipients: str, number: int = 1) -> dict[str, Outcome]:
        """Transmit the decision; outcomes by recipient."""
        lines = tuple(
            OutgoingDelivery(id=DeliveryId(f"d-{code}"), recipient_id=AgencyId(code), recipient_code=code)
            for code in recipients
        )
        outgoing = Outgoing(
            dispatch_id=DispatchId("x1"),
            attempt_id=AttemptId(f"a{number}"),
            message_id=MessageId("m1"),
            kind="document",
            endpoint_id=self._endpoint.id,
            sha256=Sha256Hex(Memory.sha256),
            size=Memory.size,
            sender_code=DECISION.sender,
            document_ref=DECISION.document_id,
            business_type="0",
            priority=0,
            trace_id="0" * 32,
            number=number,
            deliveries=lines,
            created_at=datetime.now(UTC),
        )
        report = await self._adapter.send(self._endpoint, outgoing, Memory())
        return {line.recipient_code: report.outcomes[line.id] for line in lines}

    @property
    def received(self) -> list[Received]:
        """What its journal says."""
        return [record for record in read_journal(self._journal) if isinstance(record, Received)]


@asynccontextmanager
async def pushed(
    tmp_path: Path, pki: DevPki, *, secret: str = SECRET, faults: Faults | None = None
) -> AsyncIterator[Pushed]:
    """One receiver, listening, and the gateway's adapter with `SECRET`."""
    (port,) = free_ports(1)
    (tmp_path / "secret").write_text(SECRET, "ascii")
    (tmp_path / "secret").chmod(0o600)
    anchors = pki.anchors(TrustPurpose.TLS)
    settings: dict[str, object] = {
        "url": f"https://localhost:{port}/receive",
        "secret_file": "secret",
        "anchors_file": str(anchors / "root.pem"),
        "timeout_seconds": 5,
    }
    endpoint = Endpoint(
        id=EndpointId("e1"),
        name="pushed",
        kind="webhook",
        settings=settings,
    )
    adapter = WebhookAdapter(
        Surroundings(secrets=tmp_path, folder=tmp_path, clock=SystemClock(), reach=Reach(development=True))
    )
    rest = Rest("https://localhost:1", client_tls_context(anchors))
    journal = Journal(tmp_path / "j.jsonl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listens = pki.simulator("simulators")
    context.load_cert_chain(listens.certificate, listens.key)
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(
            script=SCRIPT,
            codes=frozenset(),
            journal=journal,
            rest=rest,
            tasks=tasks,
            announce=lambda _line: None,
            clock=SystemClock(),
            answers_by_form=False,
        )
        receiver = Receiver(
            desk=desk,
            secret=secret.encode(),
            port=port,
            context=context,
            faults=faults or Faults(),
        )
        listening = tasks.create_task(receiver.run())
        await receiver.listening.wait()
        try:
            yield Pushed(endpoint, adapter, tmp_path / "j.jsonl")
        finally:
            listening.cancel()
    await adapter.close()
    await rest.close()
    await journal.close()


def silent() -> str:
    """A receiver of the decision that the script lets answer nothing, so that no task stays."""
    return SCRIPT.cast.government.code


async def test_pushed_message_is_delivered_and_noted_as_sound(tmp_path: Path, pki: DevPki) -> None:
    """Digest, signature, header and PDF are right from end to end."""
    async with pushed(tmp_path, pki) as system:
        outcomes = await system.send(silent())
        assert outcomes[silent()].kind is OutcomeKind.DELIVERED
        (record,) = system.received
    assert (record.first, record.sound, record.attempt, record.dispatch) == (True, True, 1, "x1")
    assert record.sha256 == Memory.sha256


async def test_repeated_transmission_is_answered_and_noted_as_such(tmp_path: Path, pki: DevPki) -> None:
    """The receiver dedupes on the delivery id and still says that it has it."""
    async with pushed(tmp_path, pki) as system:
        await system.send(silent())
        outcomes = await system.send(silent(), number=2)
        assert outcomes[silent()].kind is OutcomeKind.DELIVERED
        assert [(record.first, record.attempt) for record in system.received] == [(True, 1), (False, 2)]


async def test_wrong_signature_is_turned_away(tmp_path: Path, pki: DevPki) -> None:
    """A system that shares no secret with the gateway takes nothing from it."""
    async with pushed(tmp_path, pki, secret="another secret of some length") as system:
        outcomes = await system.send(silent())
        assert outcomes[silent()].reason == "peer_credential_rejected"
        assert system.received == []


@pytest.mark.parametrize("times", [1, 2])
async def test_busy_system_takes_nothing_until_it_is_not(tmp_path: Path, pki: DevPki, times: int) -> None:
    """503 with Retry-After is temporary."""
    async with pushed(tmp_path, pki, faults=Faults(busy=times)) as system:
        for number in range(times):
            outcome = (await system.send(silent(), number=number + 1))[silent()]
            assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "peer_busy")
        assert (await system.send(silent(), number=times + 1))[silent()].kind is OutcomeKind.DELIVERED
        assert len(system.received) == 1


async def test_unanswered_message_is_in_the_journal_all_the_same(tmp_path: Path, pki: DevPki) -> None:
    """The gateway must send it again, and dedupe must catch it."""
    async with pushed(tmp_path, pki, faults=Faults(unanswered=1)) as system:
        first = (await system.send(silent()))[silent()]
        second = (await system.send(silent(), number=2))[silent()]
        assert (first.kind, second.kind) == (OutcomeKind.DEFERRED, OutcomeKind.DELIVERED)
        assert [record.first for record in system.received] == [True, False]
