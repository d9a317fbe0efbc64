"""The facade's adapter and source over real TLS, against the simulator as a process of its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.lgsp.source import LgspSource
from gateway.clock import SystemClock
from gateway.model import Doubt, Outcome, OutcomeKind, Outgoing, SendReport
from gateway.ports import Settlement
from tests.adapters.lgsp_lab import OURS, THEIRS, FacadeLab, facade, facade_folder
from tests.journeys.messages import document, status
from tests.unit.deliver.fakes import FakeBody, outgoing

__all__ = ["facade", "facade_folder"]

DONE = Settlement(done=True, message_id="0193")


def only(report: SendReport) -> Outcome:
    """The outcome of a transmission with one delivery."""
    (outcome,) = report.outcomes.values()
    return outcome


async def sent(
    lab: FacadeLab, content: bytes, item: Outgoing | None = None, account: str = "gateway"
) -> SendReport:
    """One transmission by a client of its own."""
    adapter = lab.adapter()
    try:
        return await adapter.send(lab.endpoint(account, is_relay=True), item or outgoing(), FakeBody(content))
    finally:
        await adapter.close()


async def fetched(source: LgspSource, ref: str) -> bytes:
    got = bytearray()

    async def write(chunk: bytes) -> None:
        got.extend(chunk)

    await source.fetch(ref, write)
    return bytes(got)


@pytest.fixture
async def running(facade: FacadeLab) -> FacadeLab:
    await facade.start()
    return facade


# --- against the simulator


async def test_what_one_system_sends_another_lists_fetches_and_settles(running: FacadeLab) -> None:
    """Fan-out by the codes inside; an entry goes when it was settled."""
    content = document(OURS, [THEIRS, "000.00.21.H99"])
    report = await sent(running, content)
    assert only(report).kind is OutcomeKind.RELAYED
    source = running.source("other")
    (item,) = await source.listed()
    assert (item.ref, item.kind, item.sender_code) == (only(report).peer_ref, "document", OURS)
    assert item.recipient_codes == (THEIRS, "000.00.21.H99")
    assert await fetched(source, item.ref) == content
    assert await source.settle(item.ref, DONE)
    assert await source.listed() == ()
    await source.close()
    ours = running.source("gateway")
    assert await ours.listed() == ()
    await ours.close()


@pytest.mark.parametrize("form", ["base64", "text", "attachment"])
async def test_document_comes_in_every_form_of_the_facade(facade: FacadeLab, form: str) -> None:
    """Byte for byte."""
    facade.settings(f'edxml_as = "{form}"')
    await facade.start()
    content = document(OURS, [THEIRS])
    ref = only(await sent(facade, content)).peer_ref
    source = facade.source("other")
    assert await fetched(source, ref) == content
    await source.close()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (document(OURS, ["000.00.99.X99"]), "recipient_unknown"),
        (document(THEIRS, [OURS]), "sender_unknown"),
        (b"<edXML>", "peer_refused"),
        (b"<!DOCTYPE a><edXML/>", "peer_refused"),
    ],
)
async def test_what_the_facade_refuses_is_refused_for_good(running: FacadeLab, content: bytes, reason: str) -> None:
    """And nothing of it is kept there."""
    outcome = only(await sent(running, content))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.REFUSED, reason)
    assert running.taken() == []


async def test_token_that_ended_in_mid_session_is_renewed_and_the_document_arrives_once(running: FacadeLab) -> None:
    """401 says that nothing else was looked at."""
    adapter, to = running.adapter(), running.endpoint()
    await adapter.send(to, outgoing(), FakeBody(document(OURS, [THEIRS], number="1")))
    running.order({"on": "send", "do": "unauthorised"})
    report = await adapter.send(to, outgoing(), FakeBody(document(OURS, [THEIRS], number="2")))
    await adapter.close()
    assert only(report).kind is OutcomeKind.DELIVERED
    assert len(running.taken()) == 2


async def test_facade_that_was_restarted_wants_another_login(running: FacadeLab) -> None:
    """Its tokens are gone; lists and sends go on."""
    source = running.source("other")
    await source.listed()
    await running.stop(kill=True)
    await running.start()
    assert await source.listed() == ()
    await source.close()


async def test_facade_whose_clock_is_years_ahead_or_behind_is_used_all_the_same(facade: FacadeLab) -> None:
    """A token's life is a difference; days are asked with room to spare."""
    facade.settings("clock_ahead_seconds = -80000", "token_seconds = 100")
    await facade.start()
    assert only(await sent(facade, document(OURS, [THEIRS]))).kind is OutcomeKind.RELAYED
    source = facade.source("other")
    assert len(await source.listed()) == 1
    await source.close()


async def test_lost_answer_leads_to_a_second_copy_that_is_marked(running: FacadeLab) -> None:
    """The facade cannot be asked, so the trace says what may have happened."""
    item, content = outgoing(), document(OURS, [THEIRS])
    running.order({"on": "send", "do": "cut"})
    first = await sent(running, content, item)
    assert only(first).kind is OutcomeKind.UNKNOWN
    assert "possible_duplicate" not in first.peer
    doubt = Doubt(since=datetime.now(UTC), last=datetime.now(UTC), transmissions=1, inquiries=0)
    again = await sent(running, content, replace(item, doubt=doubt))
    assert only(again).kind is OutcomeKind.RELAYED
    assert again.peer["possible_duplicate"] is True
    assert [taken.sha256 for taken in running.taken()] == [hashlib.sha256(content).hexdigest()] * 2


async def test_wrong_password_and_wrong_key_are_the_channels_trouble(running: FacadeLab) -> None:
    """Documents wait until an operator mends it."""
    for name in ("gateway.secret", "gateway.password"):
        mine = running.folder / "mine"
        mine.write_bytes((running.folder / name).read_bytes()[::-1])
        mine.chmod(0o600)
        setting = "secret_file" if name == "gateway.secret" else "password_file"
        endpoint = running.endpoint()
        adapter = running.adapter()
        outcome = only(
            await adapter.send(
                replace(endpoint, settings=endpoint.settings | {setting: "mine"}),
                outgoing(),
                FakeBody(document(OURS, [THEIRS])),
            )
        )
        await adapter.close()
        assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "peer_credential_rejected")
        assert mine.read_text().strip() not in outcome.detail


async def test_status_is_sent_and_listed_as_one(running: FacadeLab) -> None:
    """By messageType, both ways."""
    content = status(THEIRS, "01", sender=OURS)
    report = await sent(running, content, replace(outgoing(), kind="status"), "other")
    assert only(report).kind is OutcomeKind.RELAYED
    source = running.source("gateway")
    (item,) = await source.listed()
    assert item.kind == "status"
    await source.close()


async def test_facade_killed_after_it_answered_still_has_it(running: FacadeLab) -> None:
    """The simulator keeps its own promises, so that tests of ours mean something."""
    ref = only(await sent(running, document(OURS, [THEIRS]))).peer_ref
    await running.stop(kill=True)
    await running.start()
    source = running.source("other")
    assert [item.ref for item in await source.listed()] == [ref]
    await source.close()


# --- days


@dataclass
class _Clock:
    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return SystemClock().monotonic()


async def test_entry_that_stays_unsettled_is_listed_for_days_and_settled_ones_free_the_window(
    running: FacadeLab,
) -> None:
    """What was not settled is not passed over, whatever the date."""
    await sent(running, document(OURS, [THEIRS]))
    clock = _Clock(datetime.now(UTC))
    source = running.source("other", clock, lookback_days=30, overlap_days=1)
    for _ in range(5):
        assert len(await source.listed()) == 1
        clock.at += timedelta(days=4)
    (item,) = await source.listed()
    await source.settle(item.ref, DONE)
    assert await source.listed() == ()
    await source.close()


async def test_entry_older_than_the_lookback_is_not_listed_after_a_start(running: FacadeLab) -> None:
    """The only way to lose sight of one, and a setting."""
    await sent(running, document(OURS, [THEIRS]))
    source = running.source("other", _Clock(datetime.now(UTC) + timedelta(days=8)), lookback_days=7)
    assert await source.listed() == ()
    await source.close()


async def test_clock_that_was_ahead_for_a_while_hides_nothing(running: FacadeLab) -> None:
    """What came meanwhile lies before the days that were asked."""
    clock = _Clock(datetime.now(UTC) + timedelta(days=20))
    source = running.source("other", clock, lookback_days=10, overlap_days=1)
    assert await source.listed() == ()
    await sent(running, document(OURS, [THEIRS]))
    clock.at = datetime.now(UTC) + timedelta(days=4)
    assert len(await source.listed()) == 1
    await source.close()
