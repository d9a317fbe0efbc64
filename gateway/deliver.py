"""One try of one dispatch: what the peer can take, the time it may take, and what to say when all goes wrong.

`deliver` always returns a report with exactly one outcome per delivery, each with a reason from the closed
list that fits its kind; it raises nothing that an adapter, a peer or a shutdown can bring about:

- too large for the peer: refused, without dialling;
- longer than allowed: unknown, because the peer may have it;
- cancelled (shutdown): unknown, and due again at once; the task goes on, so that the outcome can be recorded;
- the stored bytes are damaged: not sent; the lines were set aside when they were opened;
- the stored bytes cannot be read: deferred, as a trouble of our own;
- anything else an adapter raises: deferred as `peer_error`, with the name of the class and nothing more.

It does NOT retry, store or decide about the time of the next try.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Protocol

import structlog

from gateway.errors import BodyDamagedError, StorageError
from gateway.model import DeliveryId, DispatchId, Endpoint, Outcome, OutcomeKind, Outgoing, SendReport, Sha256Hex
from gateway.ports import Adapter, Body, allowed_seconds
from gateway.reasons import REASONS, is_temporary

#: Adapters have their own clock; this much later the caller stops waiting for them.
_GRACE_SECONDS = 5.0
_DETAIL_LENGTH = 500

_log = structlog.get_logger(__name__)


class Bodies(Protocol):
    """Where the bytes lie."""

    async def open(self, sha256: Sha256Hex, dispatch_id: DispatchId) -> Body:
        """The sound body with this digest; raises BodyDamagedError (set aside by then) or StorageError."""
        ...


async def deliver(
    outgoing: Outgoing, endpoint: Endpoint, adapter: Adapter, bodies: Bodies, *, default_seconds: float
) -> SendReport:
    """Try once. `default_seconds` is how long an endpoint may take that states nothing else."""
    if outgoing.size > endpoint.capabilities.max_bytes:
        return report_all(outgoing, too_large(outgoing.size, endpoint), answered=True)
    allowed = allowed_seconds(endpoint, outgoing.size, default_seconds)
    if endpoint.capabilities.dialect is not None:  # it may have to be written anew
        allowed *= 2
    try:
        async with asyncio.timeout(allowed + _GRACE_SECONDS):
            report = await adapter.send(
                endpoint, outgoing, await bodies.open(outgoing.sha256, outgoing.dispatch_id)
            )
    except TimeoutError:
        detail = f"no answer within {allowed:.0f} s"
        return report_all(outgoing, Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown", detail=detail))
    except asyncio.CancelledError:
        return _interrupted(outgoing)
    except StorageError as error:
        return report_all(outgoing, _unreadable(outgoing, error))
    except Exception as error:  # noqa: BLE001  # the task's boundary: one dispatch must not end the worker
        _log.error(  # the message of a foreign exception may hold what must not be logged
            "delivery.adapter_failed", error=type(error).__name__, where=_where(error), trace_id=outgoing.trace_id
        )
        return report_all(outgoing, _deferred("peer_error", type(error).__name__))
    return _complete(outgoing, report)


def too_large(size: int, endpoint: Endpoint) -> Outcome:
    """What a message of `size` bytes comes to that the peer would not take."""
    detail = f"{size} bytes; the receiver takes {endpoint.capabilities.max_bytes}"
    return Outcome(kind=OutcomeKind.REFUSED, reason="too_large_for_peer", detail=detail)


def report_all(outgoing: Outgoing, outcome: Outcome, *, answered: bool = False) -> SendReport:
    """The same outcome for every delivery."""
    return SendReport(outcomes={one.id: outcome for one in outgoing.deliveries}, answered=answered)


def _unreadable(outgoing: Outgoing, error: StorageError) -> Outcome:
    if isinstance(error, BodyDamagedError):  # logged where it was set aside
        return _deferred("body_damaged", "not sent")
    _log.error("delivery.body_unreadable", sha256=outgoing.sha256, trace_id=outgoing.trace_id, exc_info=error)
    return _deferred("storage_unavailable", type(error).__name__)


def _interrupted(outgoing: Outgoing) -> SendReport:
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
    unknown = Outcome(kind=OutcomeKind.UNKNOWN, reason="server_stopping", detail="interrupted by a restart")
    return report_all(outgoing, unknown)


def _deferred(reason: str, detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.DEFERRED, reason=reason, detail=detail)


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def _complete(outgoing: Outgoing, report: SendReport) -> SendReport:
    """One sound outcome per delivery: what the adapter left out was not confirmed, so it is not delivered."""
    outcomes: dict[DeliveryId, Outcome] = {}
    is_sound = len(report.outcomes) == len(outgoing.deliveries)
    for one in outgoing.deliveries:
        outcome = report.outcomes.get(one.id)
        if outcome is None:
            outcome = _deferred("peer_reply_invalid", "the answer does not mention this delivery")
        sound = _sound(outcome)
        is_sound = is_sound and sound is report.outcomes.get(one.id)
        outcomes[one.id] = sound
    return report if is_sound else dataclasses.replace(report, outcomes=outcomes)


def _sound(outcome: Outcome) -> Outcome:
    """An outcome whose reason is of the closed list and fits its kind."""
    if outcome.kind is OutcomeKind.DELIVERED or outcome.kind is OutcomeKind.RELAYED:
        return outcome
    if outcome.reason not in REASONS:
        return _deferred("peer_error", f"unknown reason {outcome.reason!r}"[:_DETAIL_LENGTH])
    wants_temporary = outcome.kind is not OutcomeKind.REFUSED
    if is_temporary(outcome.reason) is not wants_temporary:
        if outcome.kind is OutcomeKind.UNKNOWN:
            return dataclasses.replace(outcome, reason="outcome_unknown")
        kind = OutcomeKind.DEFERRED if outcome.kind is OutcomeKind.REFUSED else OutcomeKind.REFUSED
        outcome = dataclasses.replace(outcome, kind=kind)
    if len(outcome.detail) > _DETAIL_LENGTH:
        outcome = dataclasses.replace(outcome, detail=outcome.detail[:_DETAIL_LENGTH])
    return outcome
