"""Endpoints: capabilities, pauses, outages, and that none of these disturbs routing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway.directory.endpoint_changes import (
    MarkEndpoint,
    MarkEndpointOperation,
    PauseEndpoint,
    PauseEndpointOperation,
    ResumeEndpoint,
    ResumeEndpointOperation,
    SetEndpointPace,
    SetEndpointPaceOperation,
)
from gateway.directory.endpoints import capabilities_of
from gateway.errors import ConfigError, RefusedError
from gateway.model import Capabilities, EndpointId
from tests.unit.directory.store import ACTOR, NOW, Store

HOUR = timedelta(hours=1)


def test_capabilities_are_decoded_with_their_defaults() -> None:
    """What is not said is the model's default."""
    assert capabilities_of({}) == Capabilities()
    able = capabilities_of({"dialect": "B", "fans_out": True, "document_types": ["0", "1"]})
    assert (able.dialect, able.fans_out, able.document_types) == ("B", True, ("0", "1"))


@pytest.mark.parametrize(
    "given", [{"fan_out": True}, {"max_bytes": "many"}, {"dialect": "C"}, {"max_bytes": 0}, {"fans_out": 1}]
)
def test_unknown_or_wrong_capability_is_refused(given: dict[str, object]) -> None:
    """A misspelt key never passes in silence."""
    with pytest.raises(ConfigError, match="capabilit"):
        capabilities_of(given)


async def test_endpoint_keeps_its_id_when_it_is_configured_again(store: Store) -> None:
    """The name is the key; agencies and dispatches that refer to the id are not disturbed."""
    first = await store.endpoint("qlvb", "webhook", fans_out=True)
    again = await store.endpoint("qlvb", "inbox", max_in_flight=3)
    assert first == again
    endpoint = await store.directory.endpoint(first)
    assert endpoint is not None
    assert (endpoint.kind, endpoint.capabilities.fans_out, endpoint.capabilities.max_in_flight) == (
        "inbox",
        False,
        3,
    )
    assert [kind for kind, _ in await store.events()] == ["endpoint.configured"] * 2


async def test_pace_changes_nothing_else_of_an_endpoint(store: Store) -> None:
    """Whoever sets it may have looked at the endpoint before somebody else changed it."""
    endpoint_id = await store.endpoint("qlvb", "webhook", fans_out=True, max_bytes=9)
    pace = SetEndpointPace(endpoint_id=endpoint_id, most=5, actor=ACTOR, now=NOW)
    await store.endpoint("qlvb", "inbox", max_bytes=7)
    await store.directory.apply(store.pump, SetEndpointPaceOperation(), pace)
    endpoint = await store.directory.endpoint(endpoint_id)
    assert endpoint is not None
    assert (endpoint.kind, endpoint.capabilities) == ("inbox", Capabilities(max_bytes=7, max_in_flight=5))
    kind, leaf = (await store.events())[-1]
    assert (kind, '"max_in_flight":5' in leaf) == ("endpoint.configured", True)
    nobody = SetEndpointPace(endpoint_id=EndpointId("none"), most=5, actor=ACTOR, now=NOW)
    with pytest.raises(RefusedError, match="not_found"):
        await store.directory.apply(store.pump, SetEndpointPaceOperation(), nobody)


async def test_endpoint_with_unknown_capability_is_not_made(store: Store) -> None:
    """The refusal comes before anything is written."""
    with pytest.raises(RefusedError, match="unknown capability fan_out"):
        await store.endpoint("qlvb", fan_out=True)
    assert await store.directory.endpoints() == []


async def test_pause_and_resume_tell_since_when_nothing_got_through(store: Store) -> None:
    """A pause counts as down time; who and why are kept; the reason stays out of the leaf."""
    endpoint_id = await store.endpoint("qlvb", "webhook")
    version = store.directory.version
    pause = PauseEndpoint(endpoint_id=endpoint_id, until=NOW + HOUR, why="bảo trì", actor=ACTOR, now=NOW)
    assert await store.directory.apply(store.pump, PauseEndpointOperation(), pause) == NOW
    state = (await store.directory.endpoint_states())[0]
    assert (state.endpoint.paused_until, state.endpoint.down_since) == (NOW + HOUR, NOW)
    assert (state.paused_by, state.paused_why) == (ACTOR, "bảo trì")
    resume = ResumeEndpoint(endpoint_id=endpoint_id, actor=ACTOR, now=NOW + HOUR / 2)
    assert await store.directory.apply(store.pump, ResumeEndpointOperation(), resume) == NOW
    state = (await store.directory.endpoint_states())[0]
    assert (state.endpoint.paused_until, state.endpoint.down_since, state.paused_by) == (None, None, "")
    with pytest.raises(RefusedError, match="state_forbids"):
        await store.directory.apply(store.pump, ResumeEndpointOperation(), resume)
    events = await store.events()
    assert [kind for kind, _ in events] == ["endpoint.configured", "endpoint.paused", "endpoint.resumed"]
    assert "bảo trì" not in events[1][1]
    assert store.directory.version == version


async def test_pause_that_ran_out_is_recorded_once_and_one_that_was_put_off_goes_on(store: Store) -> None:
    """Whoever comes first, the duty or the next pause; what the duty read before the end was put off is old."""
    endpoint_id = await store.endpoint("qlvb", "webhook")
    apply, over = store.directory.apply, NOW + HOUR

    async def pause(until: datetime, now: datetime) -> datetime:
        ask = PauseEndpoint(endpoint_id=endpoint_id, until=until, why="bảo trì", actor=ACTOR, now=now)
        return await apply(store.pump, PauseEndpointOperation(), ask)

    async def run_out(now: datetime) -> None:
        ask = ResumeEndpoint(endpoint_id=endpoint_id, actor="gateway", now=now, if_over=True)
        await apply(store.pump, ResumeEndpointOperation(), ask)

    await pause(over, NOW)
    assert await pause(over + HOUR, NOW + HOUR / 2) == NOW
    with pytest.raises(RefusedError, match="state_forbids"):
        await run_out(over)
    assert await pause(over + 3 * HOUR, over + HOUR) == over + HOUR, "the one before has ended by itself"
    await run_out(over + 3 * HOUR)
    with pytest.raises(RefusedError, match="state_forbids"):
        await run_out(over + 3 * HOUR)
    told = ["paused", "paused", "resumed", "paused", "resumed"]
    assert [kind for kind, _ in await store.events()][1:] == [f"endpoint.{each}" for each in told]


async def test_outage_is_marked_once_and_ended_once(store: Store) -> None:
    """Marking down twice keeps the first instant; the first success gives it back."""
    endpoint_id = await store.endpoint("qlvb", "webhook")
    mark, apply = MarkEndpointOperation(), store.directory.apply
    down = MarkEndpoint(endpoint_id=endpoint_id, up=False, reason="connect_failed", now=NOW)
    again = MarkEndpoint(endpoint_id=endpoint_id, up=False, reason="connect_failed", now=NOW + HOUR)
    up = MarkEndpoint(endpoint_id=endpoint_id, up=True, now=NOW + 2 * HOUR)
    assert await apply(store.pump, mark, down) == NOW
    assert await apply(store.pump, mark, again) is None
    assert await apply(store.pump, mark, up) == NOW
    assert await apply(store.pump, mark, up) is None
    state = (await store.directory.endpoint_states())[0]
    assert (state.endpoint.down_since, state.last_success_at) == (None, NOW + 2 * HOUR)
    assert [kind for kind, _ in await store.events()][1:] == ["endpoint.closed", "endpoint.opened"]


async def test_agency_shows_its_endpoint_as_it_is_now(store: Store) -> None:
    """A hot agency shows the pause of its endpoint at once."""
    endpoint_id = await store.endpoint("qlvb", "webhook")
    await store.load("organ_id,name,endpoint\nH33.01,A,qlvb\n")
    await store.agency("H33.01")
    pause = PauseEndpoint(endpoint_id=endpoint_id, until=NOW + HOUR, why="", actor=ACTOR, now=NOW)
    await store.pump.submit(PauseEndpointOperation(), pause)
    await store.directory.reload_endpoints()
    endpoint = (await store.agency("H33.01")).endpoint
    assert endpoint is not None
    assert endpoint.paused_until == NOW + HOUR


async def test_unknown_endpoint_and_pause_in_the_past_are_refused(store: Store) -> None:
    """A change needs something to change."""
    known, unknown = await store.endpoint("qlvb"), EndpointId("nobody")
    for endpoint_id, until in ((unknown, NOW + HOUR), (known, NOW)):
        pause = PauseEndpoint(endpoint_id=endpoint_id, until=until, why="", actor=ACTOR, now=NOW)
        with pytest.raises(RefusedError):
            await store.directory.apply(store.pump, PauseEndpointOperation(), pause)
    with pytest.raises(RefusedError, match="not_found"):
        await store.directory.apply(
            store.pump, MarkEndpointOperation(), MarkEndpoint(endpoint_id=unknown, up=True, now=NOW)
        )
