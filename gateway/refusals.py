"""From exceptions to what a peer is told: the one mapping of our own errors to reason codes.

What it does not know becomes `internal_error`, whose text says nothing about the inside; the caller logs it.
"""

from __future__ import annotations

from typing import Final

from gateway.errors import (
    BodyDamagedError,
    EnrolmentError,
    GatewayError,
    PoolError,
    RefusedError,
    SealError,
    SecretKeyError,
    StorageBusyError,
    StorageClosedError,
    StorageError,
    TransitionError,
)
from gateway.reasons import REASONS

#: What a temporary refusal says when nobody knows better, in seconds.
RETRY_AFTER: Final = 5
#: First match wins, so a subclass stands before its parent.
_CODES: Final[tuple[tuple[type[GatewayError], str], ...]] = (
    (StorageBusyError, "server_busy"),
    (StorageClosedError, "server_stopping"),
    (BodyDamagedError, "body_damaged"),
    (StorageError, "storage_unavailable"),
    (SealError, "seal_unavailable"),
    (SecretKeyError, "secret_key_lost"),
    (EnrolmentError, "server_busy"),
    (PoolError, "server_busy"),
    (TransitionError, "state_forbids"),
)
_WAITING: Final = frozenset({429, 503})


def wait_of(refusal: RefusedError) -> int | None:
    """When to come back, in seconds; 429 and 503 always say it."""
    if refusal.retry_after is not None or REASONS[refusal.code].http in _WAITING:
        return refusal.retry_after or RETRY_AFTER
    return None


def refusal_of(error: Exception) -> RefusedError:
    """What the caller is told about `error`."""
    if isinstance(error, RefusedError):
        return error if error.code in REASONS else RefusedError("internal_error")
    for kind, code in _CODES:
        if isinstance(error, kind):
            return RefusedError(code)
    return RefusedError("internal_error")
