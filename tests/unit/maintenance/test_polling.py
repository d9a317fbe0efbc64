"""How often lists are read, and when an empty one is too quiet: decisions without a clock of their own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway import reconcile
from gateway.clock import VIETNAM, SystemClock, micros
from gateway.errors import ConfigError
from gateway.maintenance.canary import CanarySettings, CanaryState, canary_settings, state_of
from gateway.maintenance.pace import Pace, Rate, poll_settings
from gateway.maintenance.silence import Patience, expected_between, hour_of, is_silent, patience_of
from gateway.maintenance.tries import Tries
from gateway.ports import Listed, SentRecord

NOW = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)  # a Wednesday, ten o'clock in Vietnam
EVERY = timedelta(seconds=30)
PATIENCE = Patience(floor=timedelta(minutes=30), at_first=timedelta(hours=24))


def test_wait_is_short_while_something_comes_and_grows_while_nothing_does() -> None:
    """From the shortest, doubling, to the longest; back at once."""
    pace = Pace(poll_settings({"poll_seconds": 8, "poll_seconds_min": 1}, every=EVERY))
    assert [pace.after_list(came=False) for _ in range(5)] == [2, 4, 8, 8, 8]
    assert pace.after_list(came=True) == 1


def test_wait_of_an_outage_grows_beyond_the_longest_and_ends_with_it() -> None:
    """Nobody hammers a peer that is down; the first list is followed soon again."""
    pace = Pace(poll_settings({"poll_seconds": 8, "poll_seconds_min": 1}, every=EVERY))
    assert [pace.after_failure() for _ in range(6)] == [8, 16, 32, 64, 80, 80]
    assert pace.after_list(came=True) == 1


def test_channel_that_says_nothing_has_the_waits_of_the_configuration() -> None:
    """And a short one has no shortest that is nonsense."""
    assert poll_settings({}, every=EVERY).longest == 30
    assert poll_settings({}, every=EVERY).shortest == 2
    assert poll_settings({"poll_seconds": 0.2}, every=EVERY).shortest == 0.05


@pytest.mark.parametrize("settings", [{"poll_seconds": 0}, {"poll_rate": "fast"}, {"poll_at_once": True}])
def test_nonsense_is_refused(settings: dict[str, object]) -> None:
    """With a sentence."""
    with pytest.raises(ConfigError, match="poll_"):
        poll_settings(settings, every=EVERY)


async def test_rate_lets_so_many_through_a_second() -> None:
    """Ten of two hundred a second take at least nine gaps."""
    clock = SystemClock()
    rate, began = Rate(200, clock), clock.monotonic()
    for _ in range(10):
        await rate.admit()
    assert clock.monotonic() - began >= 9 / 200 - 0.001


def test_entry_that_cannot_be_had_is_asked_for_ever_more_seldom() -> None:
    """Up to once an hour; what is listed no more is forgotten."""
    tries, now = Tries(), NOW
    waits = []
    for _ in range(14):
        tries.failed("o", now)
        wait = timedelta(0)
        while not tries.is_due("o", now + wait):
            wait += timedelta(seconds=5)
        waits.append(wait)
        now += wait
    assert waits[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert waits[-1] == timedelta(hours=1)
    tries.failed("o", now)
    tries.keep_only(frozenset())
    assert tries.is_due("o", now)


def test_entry_that_fails_as_in_an_outage_is_its_own_trouble_while_others_succeed() -> None:
    """It alone waits, whether the others succeed before, after or meanwhile; so does one that is the only one."""
    tries = Tries()
    tries.begin()
    tries.failed_as_in_outage("only", NOW)
    assert (tries.is_peers, tries.is_due("only", NOW)) == (False, False)
    tries.succeeded("good")
    tries.failed_as_in_outage("late", NOW)
    assert (tries.is_peers, tries.is_due("late", NOW), tries.is_due("good", NOW)) == (False, False, True)
    tries.begin()  # both are known by now, whatever else is listed
    for bad in ("only", "late"):
        tries.failed_as_in_outage(bad, NOW)
    assert (tries.is_peers, tries.in_a_row) == (False, 2)


def test_several_that_fail_while_nothing_succeeds_are_their_peers_trouble_and_wait_for_nothing() -> None:
    """They are tried with the next list; the first success clears the peer and leaves the others marked."""
    tries, blamed = Tries(), []
    for failing, succeeding in (("ab", ""), ("", "a"), ("bc", ""), ("d", "")):
        tries.begin()
        for entry in failing:
            tries.failed_as_in_outage(entry, NOW)
        for entry in succeeding:
            tries.succeeded(entry)
        blamed.append(tries.is_peers)
    assert blamed == [True, False, False, True]
    assert [entry for entry in "bcd" if tries.is_due(entry, NOW)] == ["c", "d"]
    tries.keep_only(frozenset({"d"}))
    assert not tries.is_peers


def busy_weeks(per_hour: int = 10) -> dict[int, int]:
    """Six weeks with so many entries in every hour from eight to seventeen on working days."""
    found = {}
    for hours in range(1, 6 * 168 + 2):
        at = NOW - timedelta(hours=hours)
        local = at.astimezone(VIETNAM)
        if local.weekday() < 5 and 8 <= local.hour < 17:
            found[hour_of(at)] = per_hour
    return found


def test_an_hour_without_anything_in_busy_hours_is_silent_and_a_night_is_not() -> None:
    """What is usual at this hour of this weekday decides."""
    since = NOW - timedelta(weeks=20)
    usual = busy_weeks()
    assert is_silent(usual, now=NOW, arrived_at=NOW - timedelta(minutes=40), watched_since=since, patience=PATIENCE)
    night = NOW - timedelta(hours=4)  # six o'clock
    evening = NOW - timedelta(hours=16)
    assert not is_silent(usual, now=night, arrived_at=evening, watched_since=since, patience=PATIENCE)


def test_short_pause_is_never_silent_and_before_there_is_history_a_setting_decides() -> None:
    """The floor, and the first two weeks."""
    since, usual = NOW - timedelta(weeks=20), busy_weeks(1000)
    assert not is_silent(
        usual, now=NOW, arrived_at=NOW - timedelta(minutes=29), watched_since=since, patience=PATIENCE
    )
    young = NOW - timedelta(days=5)
    for hours, silent in ((23, False), (25, True)):
        arrived = NOW - timedelta(hours=hours)
        assert is_silent({}, now=NOW, arrived_at=arrived, watched_since=young, patience=PATIENCE) is silent


def test_expectation_is_the_mean_of_the_same_hours() -> None:
    """Half an hour of ten an hour is five."""
    half = expected_between(busy_weeks(), NOW - timedelta(minutes=30), NOW, weeks=6)
    assert half == pytest.approx(5.0)


def test_nothing_is_expected_of_an_offices_own_channel() -> None:
    """Unless its settings say so."""
    assert patience_of({}, is_relay=False) is None
    assert patience_of({"silent_hours": 2}, is_relay=False) is not None
    assert patience_of({}, is_relay=True) == PATIENCE


# --- comparing

DAY = date(2026, 3, 3)
AT = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)


def sent(ref: str, at: datetime = AT, **more: object) -> reconcile.Sent:
    facts: dict[str, object] = {
        "delivery": f"d-{ref}", "message": f"m-{ref}", "recipient": "G22", "ref": ref, "state": "relayed",
        "business_status": "", "expects_status": True, "kind": "document", "document_id": "x", "sent_at": at,
    }  # fmt: skip
    return reconcile.Sent(**(facts | more))  # type: ignore[arg-type]


def record(ref: str, at: datetime | None = AT, *, failed: bool = False) -> SentRecord:
    return SentRecord(ref=ref, kind="document", recipient_code="G22", notation="1/A", sent_at=at, failed=failed)


def counts(direction: reconcile.Direction) -> dict[str, int]:
    return {name: kind.count for name, kind in direction.findings.items() if kind.count}


def test_outgoing_differences_are_named_one_by_one() -> None:
    """Missing there, extra there, failed there, stuck, undecided."""
    found = reconcile.outgoing(
        DAY,
        [sent("1", business_status="03"), sent("2"), sent("3", business_status="01")],
        [record("1"), record("3", failed=True), record("9")],
        [reconcile.Item(ref="", delivery="d")],
        now=AT + timedelta(days=2),
    )
    assert counts(found) == {
        "missing_there": 1, "extra_there": 1, "failed_there": 1, "stuck": 1, "undecided": 1,
    }  # fmt: skip
    assert found.findings["missing_there"].items[0].ref == "2"
    assert found.findings["extra_there"].items[0].ref == "9"


def test_days_are_vietnams_and_neighbours_are_no_findings() -> None:
    """A minute after midnight there is still the evening before in UTC; clocks may differ at the edge."""
    start = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
    ours = [sent("1", start, business_status="03"), sent("2", start - timedelta(seconds=1), business_status="03")]
    found = reconcile.outgoing(DAY, ours, [record("1"), record("2", start)], [], now=AT)
    assert counts(found) == {}
    assert (found.numbers["recipients_here"], found.numbers["recipients_there"]) == (1, 2)


def test_status_not_yet_due_is_not_missed() -> None:
    """Within a day nobody expects one, and of a status nobody does."""
    assert counts(reconcile.outgoing(DAY, [sent("1")], [record("1")], [], now=AT + timedelta(hours=5))) == {}
    late = AT + timedelta(days=9)
    assert counts(reconcile.outgoing(DAY, [sent("1", kind="status")], [record("1")], [], now=late)) == {}


def test_what_stands_in_the_list_is_told_by_what_became_of_it() -> None:
    """Not read, not accepted, not acknowledged, listed again; and a count that does not agree."""
    listed = [Listed(ref=str(number), kind="document") for number in range(5)]
    known = {
        "1": reconcile.Known(message="", acknowledged=False, failure="not_edxml", refused=True),
        "2": reconcile.Known(message="m", acknowledged=False, failure="", refused=False),
        "3": reconcile.Known(message="m", acknowledged=True, failure="", refused=False),
        "4": reconcile.Known(message="", acknowledged=False, failure="", refused=False),
    }
    found = reconcile.incoming((7, 6, 5), listed, known, (6, 0))
    assert counts(found) == {
        "not_read": 2, "unaccepted": 1, "unacknowledged": 1, "listed_again": 1, "count_differs": 1,
    }  # fmt: skip
    report = reconcile.report_of("axis", DAY, AT, reconcile.outgoing(DAY, [], [], [], now=AT), found)
    assert report.findings == 4


CANARY = CanarySettings(code="T", every=timedelta(hours=1), late=timedelta(minutes=30))


def canaries(*ages_and_states: tuple[int, str]) -> CanaryState:
    """Newest first: minutes ago, and what it is; each changed its state when it was sent."""
    found = [(micros(NOW - timedelta(minutes=age)), state) for age, state in ages_and_states]
    return state_of([("m", at, state, at) for at, state in found])


@pytest.mark.parametrize(
    ("state", "due", "missing"),
    [
        (canaries(), True, False),
        (canaries((59, "delivered")), False, False),
        (canaries((60, "delivered")), True, False),
        (canaries((29, "relayed")), False, False),
        (canaries((30, "relayed")), False, True),
        (canaries((90, "deferred")), False, False),
        (canaries((90, "dead")), True, False),
        (canaries((5, "relayed"), (65, "relayed"), (125, "delivered")), False, True),
        (canaries((5, "delivered"), (65, "relayed")), False, False),
        (canaries((5, "queued"), (65, "relayed")), False, True),
    ],
)
def test_test_document_is_missing_until_a_later_one_comes_back(
    state: CanaryState, *, due: bool, missing: bool
) -> None:
    """From when the peer took it; none is sent while one waits for a channel that is down."""
    assert (state.is_due(CANARY, NOW), state.is_missing(CANARY, NOW)) == (due, missing)


@pytest.mark.parametrize(
    "settings",
    [{"canary_code": 5}, {"canary_code": "T", "canary_minutes": 0}, {"canary_code": "T", "source": "vxp"}],
)
def test_nonsense_about_test_documents_is_refused(settings: dict[str, object]) -> None:
    """They are for a member's own channel; without a code there are none."""
    with pytest.raises(ConfigError, match="canary_"):
        canary_settings(settings, is_relay=True)
    with pytest.raises(ConfigError, match="relay"):
        canary_settings({"canary_code": "T"}, is_relay=False)
    assert canary_settings({"canary_minutes": 5}, is_relay=True) is None
