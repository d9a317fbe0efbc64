"""The shortest adapter, read first: hands the bytes to a callable in this very process.

It shows all that an adapter owes its caller: one outcome per delivery, never an exception for what the
receiver does, no retry of its own. Rehearsals and tests use it; a document never leaves the machine by it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gateway.model import DeliveryId, Endpoint, Outcome, OutcomeKind, Outgoing, SendReport
from gateway.ports import Body

#: Gets the endpoint, the dispatch and all bytes; answers per delivery, or None: everything arrived.
Receive = Callable[[Endpoint, Outgoing, bytes], Awaitable[Mapping[DeliveryId, Outcome] | None]]


class LoopbackAdapter:
    """Delivers to `receive`."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        """Call the receiver once; a broken connection in it counts as one of the network."""
        content = await body.read()
        try:
            answer = await self._receive(endpoint, outgoing, content)
        except ConnectionRefusedError:
            return _all(outgoing, Outcome(kind=OutcomeKind.DEFERRED, reason="connect_failed"))
        except ConnectionError:
            return _all(outgoing, Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown"))
        if answer is None:
            taken = OutcomeKind.RELAYED if endpoint.is_relay else OutcomeKind.DELIVERED
            return _all(outgoing, Outcome(kind=taken), answered=True)
        return SendReport(outcomes=dict(answer), peer={"address": "loopback"}, answered=True)

    async def close(self) -> None:
        """Nothing is held."""


def _all(outgoing: Outgoing, outcome: Outcome, *, answered: bool = False) -> SendReport:
    outcomes = {delivery.id: outcome for delivery in outgoing.deliveries}
    return SendReport(outcomes=outcomes, peer={"address": "loopback"}, answered=answered)
