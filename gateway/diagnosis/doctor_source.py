"""What `gateway doctor CHANNEL` says of the list that is polled there. Pure: rows in, findings out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gateway.audit.findings import Finding
from gateway.channel_health import Looks
from gateway.clock import VIETNAM, instant, rfc3339
from gateway.diagnosis.check_kinds import KINDS
from gateway.maintenance.canaries import Canary
from gateway.maintenance.comparing import LATE, Due


def examine_source(state: Sequence[Any] | None, stuck: int, failing: Looks | None = None) -> list[Finding]:
    """A row of `source_list_states`, if the channel is polled, and how many of its entries wait for a person.

    `failing`: how the last looks went, where so many of them failed that it is worth an alarm.
    """
    if state is None:
        return []
    _, failing_since, reason, detail, listed_at, _, silent_since, _ = state
    if failing_since is not None:
        told = f"since {rfc3339(instant(failing_since))}: {reason} {detail}"
        return [_finding("source_degraded", told if failing is None else f"{told}; {failing.told(vi=False)}")]
    if silent_since is not None:
        return [_finding("source_silent", f"since {rfc3339(instant(silent_since))}")]
    told = "never" if listed_at is None else rfc3339(instant(listed_at))
    found = [_finding("layer_fine", f"last read {told}")]
    if failing is not None:
        counts = (failing.told(vi=False), failing.told(vi=True))
        found = [_finding("source_failing", f"{counts[0]}; last read {told}", f"{counts[1]}; lần cuối {told}")]
    if stuck:
        found.append(_finding("offers_stuck", str(stuck)))
    return found


def examine_canary(canary: Canary | None) -> list[Finding]:
    """When the last test document went out, and the last that came back did."""
    if canary is None:
        return []
    sent, back = ("never" if at is None else rfc3339(at) for at in (canary.state.sent_at, canary.state.returned_at))
    code = "canary_missing" if canary.is_missing else "canary_fine"
    return [Finding(code=code, kind=KINDS[code], subject="canary", detail=f"last sent {sent}, last back {back}")]


def examine_books(due: Due, findings: int, now: datetime) -> list[Finding]:
    """Up to when our ledger was compared with the peer's books, and what came of it."""
    code = "reconciliation_old" if now - due.until > LATE else "layer_fine"
    told = f"every day before {due.until.astimezone(VIETNAM):%Y-%m-%d} is compared; {findings} findings lately"
    return [Finding(code=code, kind=KINDS[code], subject="books", detail=told)]


def _finding(code: str, detail: str, detail_vi: str = "") -> Finding:
    return Finding(code=code, kind=KINDS[code], subject="list", detail=detail, detail_vi=detail_vi)
