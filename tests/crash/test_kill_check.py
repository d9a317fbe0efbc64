"""The kill sweep's arithmetic bites: each way to break a promise is seen, and a kept one is not."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.crash.kill_check import Ledger, compare
from tests.crash.kill_journal import Arrived, Line, Record, Sent, Wrong
from tests.crash.kill_verdict import Verdict

SENT = Sent(key="A1", message="m", sha256="s", lines=(Line("d", "office"),), tries=1)
ARRIVED = Arrived(delivery="d", recipient="office", message="m", sha256="s", dispatch="p", first=True, at=1.0)
AGAIN = msgspec.structs.replace(ARRIVED, first=False)
LEDGER = Ledger(
    messages={"m": ("sender", "s")}, deliveries={"d": ("m", "delivered", "p", False)}, attempts={"p": 2}
)


def found(records: list[Record], ledger: Ledger = LEDGER) -> Verdict:
    """When all is quiet."""
    verdict = Verdict()
    compare(records, ledger, verdict, final=True)
    return verdict


def test_kept_promise_is_no_violation() -> None:
    """A transmission that dedupe caught, with an attempt for each, is none either."""
    assert found([SENT, ARRIVED]).violations == []
    assert found([SENT, SENT, ARRIVED, AGAIN]).violations == []


@pytest.mark.parametrize(
    ("records", "ledger"),
    [
        pytest.param([SENT, ARRIVED], replace(LEDGER, messages={}, deliveries={}), id="202 without its message"),
        pytest.param([SENT, ARRIVED], replace(LEDGER, messages={"m": ("sender", "t")}), id="other bytes recorded"),
        pytest.param([SENT], LEDGER, id="delivered, says the ledger alone"),
        pytest.param(
            [SENT, ARRIVED],
            replace(LEDGER, deliveries={"d": ("m", "in_flight", "p", False)}),
            id="left in flight",
        ),
        pytest.param([SENT, msgspec.structs.replace(ARRIVED, sha256="t")], LEDGER, id="other bytes arrived"),
    ],
)
def test_what_is_lost_is_seen(records: list[Record], ledger: Ledger) -> None:
    """Nothing that has a 202 may be missing or changed."""
    assert found(records, ledger).lost


OTHER_WAY = msgspec.structs.replace(ARRIVED, delivery="e", dispatch="q")
TWO_WAYS = replace(
    LEDGER, deliveries={**LEDGER.deliveries, "e": ("m", "delivered", "q", False)}, attempts={"p": 1, "q": 1}
)


@pytest.mark.parametrize(
    ("records", "ledger"),
    [
        pytest.param([SENT, ARRIVED, ARRIVED], LEDGER, id="processed twice"),
        pytest.param([SENT, ARRIVED, OTHER_WAY], TWO_WAYS, id="processed as two deliveries"),
        pytest.param([SENT, ARRIVED, AGAIN, AGAIN], LEDGER, id="a transmission without an attempt"),
        pytest.param([ARRIVED], LEDGER, id="a message nobody has a 202 for"),
    ],
)
def test_what_is_doubled_is_seen(records: list[Record], ledger: Ledger) -> None:
    """Dedupe by dispatch id must be enough, and each transmission must have left its trace."""
    assert found(records, ledger).duplicated


def test_what_clients_saw_and_nobody_should_is_told() -> None:
    """A refusal or another answer to the same request."""
    assert found([SENT, ARRIVED, Wrong(what="refused")]).other == ["refused"]
