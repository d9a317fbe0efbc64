"""Channels as people see them, on a running server: the list, what waits, what was said, an outage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.admin import incidents, urgent, watching
from gateway.admin.acts import PauseChannel, ResumeChannel, pause_channel, resume_channel
from gateway.app import Application
from gateway.channel_health import ChannelHealth
from gateway.directory.endpoints import EndpointState
from gateway.line import Breaker
from gateway.model import Lane
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation
from tests.journeys.messages import document
from tests.journeys.receiver import Receiver, Reply
from tests.journeys.test_mass_acts import FIRST, WHY, arrived, running, sent


async def channel(app: Application, name: str) -> watching.Channel:
    """One of the list."""
    return next(each for each in await watching.channels(app.foundation) if each.state.endpoint.name == name)


async def test_list_names_every_channel_and_the_worst_first(installation: Installation) -> None:
    """A pause is told with since when; resumed, the channel is fine again; both are its history."""
    app = running(installation)
    assert {each.judgement.health for each in await watching.channels(app.foundation)} == {ChannelHealth.FINE}
    ends = app.foundation.clock.now() + timedelta(hours=1)
    await pause_channel(app, PauseChannel(target="pushed", until=ends, reason=WHY), FIRST)
    first, *_ = await watching.channels(app.foundation)
    assert (first.state.endpoint.name, first.judgement.health) == ("pushed", ChannelHealth.PAUSED)
    assert (first.state.paused_by, first.state.paused_why) == (FIRST, WHY)
    await resume_channel(app, ResumeChannel(target="pushed", reason=WHY), FIRST)
    assert (await channel(app, "pushed")).judgement.health is ChannelHealth.FINE
    told = await watching.history(app.foundation, first.state.endpoint.id)
    assert [(each.kind, each.actor, each.why) for each in told] == [
        ("endpoint.resumed", FIRST, WHY),
        ("endpoint.paused", FIRST, WHY),
    ]


async def test_what_waits_is_counted_by_urgency_with_whom_to_call(installation: Installation) -> None:
    """Lanes in their order; the urgent ones are named with their recipients."""
    app = running(installation)
    async with installation.client(PROVINCE) as province:
        for number, priority in enumerate((0, 1, 3)):
            await province.submit(document(PROVINCE, [COMMUNE], number=str(400 + number), priority=priority))
    state = (await channel(app, "commune")).state
    waits = await watching.waits(app.foundation, state.endpoint.id)
    assert {each.lane: each.waiting for each in waits.lanes} == {
        Lane.FLASH: 1,
        Lane.URGENT: 1,
        Lane.NORMAL: 1,
        Lane.BULK: 0,
    }
    assert (waits.waiting, waits.more, waits.per_minute, waits.done_at(app.foundation.clock.now())) == (
        3,
        False,
        0,
        None,
    )
    calls = (await urgent.of_channel(app.foundation, state.endpoint.id)).calls
    assert [(call.line.code, call.recipient.organ_id if call.recipient else "") for call in calls] == [
        ("402/UBND-VP", COMMUNE),
        ("401/UBND-VP", COMMUNE),
    ]


async def test_outage_is_told_with_what_it_touched_and_what_the_peer_said(
    installation: Installation, receiver: Receiver
) -> None:
    """While nothing gets through, and after the recovery; the rate counts what did."""
    app = running(installation)
    [first] = await sent(installation, 1, [PUSHED])
    await arrived(app, first)
    good, since = (await channel(app, "pushed")).state.last_success_at, app.foundation.clock.now()
    receiver.script.extend([Reply(status=503)] * 2)
    async with installation.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [PUSHED], number="500"))
    key = accepted.deliveries[0].id

    await arrived(app, key)
    state = (await channel(app, "pushed")).state
    said = await watching.replies(app.foundation, state.endpoint.id)
    assert [(each.outcome, each.peer["http_status"]) for each in said[:2]] == [
        ("delivered", 200),
        ("deferred", 503),
    ]
    found = await incidents.incident(
        app.foundation, await channel(app, "pushed"), since, app.foundation.clock.now()
    )
    assert (found.documents, [each.organ_id for each, _ in found.offices]) == (1, [PUSHED])
    assert found.tries > sum(found.failures.values()) > 0
    assert (await channel(app, "pushed")).state.last_success_at != good, "something got through again"
    assert found.last_good_at == good
    assert (await watching.waits(app.foundation, state.endpoint.id)).per_minute > 0
    line = app.worker.line_view(state.endpoint.id)
    assert line is not None
    assert line.breaker in set(Breaker)


async def test_what_merely_waited_is_touched_too_while_it_lasts_and_after(
    installation: Installation, receiver: Receiver
) -> None:
    """Nothing failed: the channel was paused; what had gone before is not touched, nor what came after."""
    app = running(installation)
    since = app.foundation.clock.now()
    [before] = await sent(installation, 1, [PUSHED])
    await arrived(app, before)
    ends = app.foundation.clock.now() + timedelta(hours=1)
    await pause_channel(app, PauseChannel(target="pushed", until=ends, reason=WHY), FIRST)
    async with installation.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [PUSHED], number="501"))
    base = app.foundation

    async def touched() -> tuple[int, int, list[str], list[str], bool]:
        found = await incidents.incident(base, await channel(app, "pushed"), since, base.clock.now())
        codes = [code for code, _ in found.named]
        return found.documents, found.waited, codes, [each.organ_id for each, _ in found.offices], found.is_over

    assert await touched() == (1, 1, ["501/UBND-VP"], [PUSHED], False)
    await resume_channel(app, ResumeChannel(target="pushed", reason=WHY), FIRST)
    await arrived(app, accepted.deliveries[0].id)
    async with installation.client(PROVINCE) as province:
        after = await province.submit(document(PROVINCE, [PUSHED], number="502"))
    await arrived(app, after.deliveries[0].id)
    assert await touched() == (1, 1, ["501/UBND-VP"], [PUSHED], True)


async def test_channel_without_any_traffic_says_nothing(installation: Installation) -> None:
    """Nothing waits, nobody answered, nothing happened."""
    app = running(installation)
    state: EndpointState = (await channel(app, "axis")).state
    assert await watching.replies(app.foundation, state.endpoint.id) == []
    assert await watching.history(app.foundation, state.endpoint.id) == []
    assert (await urgent.of_channel(app.foundation, state.endpoint.id)).count == 0
    assert app.worker.line_view(state.endpoint.id) is None


def test_what_happens_again_and_again_is_told_twice_with_the_number() -> None:
    """The first and the last of it; what happened to another channel, or otherwise, is told as it was."""
    now = datetime.now(UTC)

    def turn(kind: str, minute: int) -> watching.Turn:
        return watching.Turn(at=now + timedelta(minutes=minute), kind=kind, actor="gateway", why="", reason="")

    often = [("a", turn("source.closed", minute)) for minute in range(11)]
    told = [*often[:6], ("b", turn("source.closed", 50)), ("a", turn("source.opened", 51)), *often[6:]]
    assert watching.shortened(told) == [
        ("a", often[0][1], 11), ("b", told[6][1], 1), ("a", told[7][1], 1), ("a", often[10][1], 11),
    ]  # fmt: skip
    assert [times for _, _, times in watching.shortened(often[:10])] == [1] * 10
