"""A Friday evening: the axis is down, people are told, the night is quiet; on Monday it is over."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway import channels
from gateway.alarms.telling import described
from gateway.clock import VIETNAM
from gateway.condition import Condition
from gateway.config.alerts import AlarmSettings, MailSettings
from gateway.config.values import Addresses, DayTime, Size, Weekdays
from gateway.directory.endpoint_changes import MarkEndpoint, MarkEndpointOperation
from gateway.errors import RefusedError
from gateway.foundation import Foundation, database_of, open_foundation
from gateway.ledger.alarms import (
    Alarm,
    Looked,
    LookedOperation,
    NewAlarm,
    Seen,
    SeenOperation,
    Telling,
    TellingOperation,
    Way,
)
from gateway.ledger.inbox import Fetch, FetchOperation
from gateway.ledger.record import RecordMessage
from gateway.maintenance.alarm_teller import AlarmTeller, TellerParts
from gateway.maintenance.alarm_watch import AlarmWatch
from gateway.model import Endpoint, Outcome, OutcomeKind
from gateway.observe import Metrics
from gateway.ports import Letter
from gateway.storage.sqlite import connect_lookup
from tests.adapters.mail_server import ACCOUNT, PASSWORD, MailServer, serving
from tests.journeys.alert_lab import Watch
from tests.journeys.installation import COMMUNE, prepare
from tests.journeys.receiver import Receiver
from tests.ledger.lab import message

ADDRESS, WHY = "truc@example.vn", "gọi đơn vị vận hành trục"


def friday() -> datetime:
    """The next one, half past five in the afternoon."""
    now = datetime.now(VIETNAM).replace(hour=17, minute=30, second=0, microsecond=0)
    return now + timedelta(days=(4 - now.weekday()) % 7 + 7)


@dataclass(kw_only=True)
class Lab:
    """A data folder without a server, both duties, and those who are told."""

    base: Foundation
    clock: Watch
    mails: MailServer
    receiver: Receiver
    teller: AlarmTeller = field(init=False)
    watch: AlarmWatch = field(init=False)
    stack: AsyncExitStack

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """As a new process does."""
        teller, receiver = channels.make_alarm_teller(self.base.settings, self.clock)
        assert teller is not None
        self.stack.push_async_callback(teller.close)
        mailer = channels.make_mailer(self.base.settings, self.clock)
        parts = TellerParts(mailer=mailer, teller=teller, receiver=receiver)
        self.teller = AlarmTeller(self.base, parts, Metrics())
        self.watch = AlarmWatch(self.base, dict)

    async def run(self, **later: float) -> None:
        """Let the time pass, then two looks and all that is due."""
        self.clock.pass_by(**later)
        await self.watch.run_once()
        await self.watch.run_once()
        await self.teller.run_once()

    async def axis(self, *, up: bool) -> None:
        """It answers, or does not."""
        endpoint = next(each for each in await self.base.directory.endpoints() if each.name == "axis")
        mark = MarkEndpoint(endpoint_id=endpoint.id, up=up, reason="connect_failed", now=self.clock.now())
        await self.base.directory.apply(self.base.pump, MarkEndpointOperation(), mark)

    async def alarms(self, statement: str = "alarm_list_open") -> list[Alarm]:
        """Those about the axis; that no server answers is another one."""
        found = [Alarm.of_row(row) for row in await self.base.readers.fetch(statement, (99,))]
        return [each for each in found if each.rule != "not_ready"]

    async def see(self, alarm: Alarm, until: datetime | None = None) -> bool:
        """Somebody does."""
        ask = Seen(alarm_id=alarm.id, actor="user:x", why=WHY, now=self.clock.now(), until=until)
        return await self.base.pump.submit(SeenOperation(), ask)

    def mailed(self) -> list[str]:
        """The texts."""
        return [str(each.message.get_content()) for each in self.mails.mails]

    def pushed(self) -> list[dict[str, Any]]:
        """Those about the axis."""
        found = [json.loads(each.body) for each in self.receiver.came]
        return [each for each in found if each["rule"] != "not_ready"]

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """What is recorded of alarms."""
        rows = self.rows("SELECT kind, leaf FROM event WHERE kind LIKE 'alarm.%' ORDER BY seq")
        return [(kind, json.loads(leaf)["facts"]) for kind, leaf in rows]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the tables hold."""
        with closing(connect_lookup(database_of(self.base.settings))) as connection:
            return list(connection.execute(sql).fetchall())


@pytest_asyncio.fixture
async def lab(tmp_path: Path, pki_folder: Path, receiver: Receiver) -> AsyncIterator[Lab]:
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder)
    for name, content in (("mail", PASSWORD), ("alarms", "secret-of-alarms-0123456789abcdef")):
        (made.settings.storage.secrets / name).write_text(content)
        (made.settings.storage.secrets / name).chmod(0o600)
    anchors = pki_folder / "anchors" / "tls" / "root.pem"
    async with AsyncExitStack() as stack, serving(receiver.context()) as mails:
        settings = dataclasses.replace(
            made.settings,
            mail=MailSettings(
                host="localhost", port=mails.port, anchors=anchors, username=ACCOUNT, password_file="mail",
                sender="truc@vanban.example.vn",
            ),
            alarms=AlarmSettings(
                mail=Addresses((ADDRESS,)), url=receiver.url("/alarms"), secret_file="alarms", anchors=anchors,
                quiet_from=DayTime("18:00"), quiet_days=Weekdays(("sat", "sun")),
                disk=Size(0),  # how full the machine is is not looked at here
            ),
        )  # fmt: skip
        base = await stack.enter_async_context(open_foundation(settings, purpose="test"))
        clock = Watch(at=friday())
        lab = Lab(
            base=dataclasses.replace(base, clock=clock), clock=clock, mails=mails, receiver=receiver, stack=stack
        )
        await lab.run()  # that no server answers is told by now
        mails.mails.clear()
        receiver.came.clear()
        yield lab


async def test_axis_goes_down_on_a_friday_evening(lab: Lab) -> None:
    """Told once, repeated only after the quiet period, told that it is over; a row and an event each."""
    await lab.axis(up=False)
    await lab.run(minutes=5)
    assert await lab.alarms() == []
    await lab.run(minutes=6)
    (alarm,) = await lab.alarms()
    assert (alarm.rule, alarm.facts["name"], alarm.since) == ("axis_down", "axis", friday())
    (text,) = lab.mailed()
    assert "Không gửi được qua trục. axis" in text
    assert [(each["rule"], each["about"]) for each in lab.pushed()] == [("axis_down", "opened")]
    signed = next(each for each in lab.receiver.came if b"axis_down" in each.body)
    assert signed.signatures
    await lab.run(minutes=5)
    assert len(await lab.alarms()) == 1
    await lab.run(hours=5)
    await lab.axis(up=True)
    await lab.run(minutes=1)
    await lab.run(minutes=6)
    assert await lab.alarms() == []
    assert len(lab.mailed()) == 1, "nobody is woken for it"
    lab.clock.at = friday() + timedelta(days=2, hours=13, minutes=31)  # Monday, 07:01
    await lab.run()
    assert len(lab.mailed()) == 2
    assert "ĐÃ HẾT: Không gửi được qua trục." in lab.mailed()[1]
    assert {each["about"] for each in lab.pushed()} == {"opened", "again", "closed"}
    events = [(kind, facts) for kind, facts in await lab.events() if facts.get("rule") == "axis_down"]
    assert [kind for kind, _ in events] == ["alarm.opened", "alarm.closed"]
    assert {facts["alarm"] for _, facts in events} == {alarm.id}
    assert ADDRESS not in json.dumps(await lab.events())


async def test_hoa_toc_is_told_in_the_quiet_period_and_never_put_off(lab: Lab) -> None:
    """Everything else waits for its end."""
    lab.clock.pass_by(hours=8)
    now, free = lab.clock.now(), lab.clock.now() + timedelta(days=2)
    new = tuple(
        NewAlarm(rule=rule, subject="x", is_flash=is_flash, since=now, facts={"name": "x"})
        for rule, is_flash in (("flash_unread", True), ("urgent_unread", False))
    )
    await lab.base.pump.submit(
        LookedOperation(), Looked(now=now, opened=new, ways=(("mail", ADDRESS),), told_from=free)
    )
    await lab.teller.run_once()
    (text,) = lab.mailed()
    assert "hỏa tốc" in text
    assert "văn bản khẩn" not in text
    flash, urgent = await lab.alarms()
    assert flash.is_flash
    with pytest.raises(RefusedError, match="never muted"):
        await lab.see(flash, now + timedelta(hours=1))
    assert await lab.see(urgent, now + timedelta(hours=1))
    assert await lab.see(flash)
    assert not await lab.see(flash), "twice changes nothing"
    kinds = [kind for kind, _ in await lab.events()]
    assert kinds[-2:] == ["alarm.snoozed", "alarm.acknowledged"]
    assert await lab.see(urgent)
    assert not await lab.see(urgent, now + timedelta(hours=1)), "nobody is told again while somebody sees to it"
    taken_up = next(each for each in await lab.alarms() if each.id == urgent.id)
    assert (taken_up.acknowledged_by, taken_up.snoozed_until, taken_up.again_at) == ("user:x", None, None)
    with pytest.raises(RefusedError):
        await lab.see(dataclasses.replace(flash, id="nobody"))
    over = Looked(now=now, closed=(flash.id,), ways=(("mail", ADDRESS),), told_from=free)
    assert await lab.base.pump.submit(LookedOperation(), over) == 1
    await lab.teller.run_once()
    assert len(lab.mailed()) == 1, "that it is over wakes nobody"


async def test_what_a_crash_left_half_told_is_told_again_and_says_so(lab: Lab) -> None:
    """The rows of another boot that were being sent; what was not sent at all is merely sent."""
    await lab.axis(up=False)
    lab.clock.pass_by(minutes=11)
    await lab.watch.run_once()
    await lab.watch.run_once()
    rows = await lab.base.readers.fetch("alarm_notice_list_due", {"now": 2**62, "limit": 99})
    mails = [row[0] for row in rows if row[1] == "mail"]
    other = lab.rows("SELECT id FROM boot ORDER BY id LIMIT 1")[0][0]
    claim = Telling(notices=tuple(mails), boot_id=other, now=lab.clock.now())
    assert await lab.base.pump.submit(TellingOperation(), claim) == len(mails)
    lab.start()
    await lab.teller.run_once()
    (text,) = lab.mailed()
    assert "bản gửi lại" in text
    assert not any(each["repeated"] for each in lab.pushed())


async def test_what_cannot_be_told_is_tried_again_and_given_up_with_an_event(lab: Lab) -> None:
    """Whether the server is busy or refuses the address: somebody may mend it."""
    lab.mails.answer = "451 later"
    await lab.axis(up=False)
    await lab.run(minutes=11)
    await lab.run(minutes=1)
    assert len(lab.mailed()) == 1, "its pause is not over"
    lab.mails.answer = "250 OK"
    lab.clock.pass_by(hours=62)  # the quiet weekend is over, too
    await lab.teller.run_once()
    assert len(lab.mailed()) == 2
    lab.mails.refused[ADDRESS] = "550 nobody"
    await lab.axis(up=True)
    await lab.run()
    await lab.run(minutes=6)

    async def untold() -> list[str]:
        return [facts["reason"] for kind, facts in await lab.events() if kind == "alarm.untold"]

    await lab.run(hours=50)
    assert (len(lab.mailed()), await untold()) == (2, [])
    del lab.mails.refused[ADDRESS]
    await lab.run(hours=2)
    assert len(lab.mailed()) == 3
    lab.mails.refused[ADDRESS] = "550 nobody"
    await lab.axis(up=False)
    await lab.run(minutes=11)
    await lab.run(days=4)
    await lab.run(minutes=1)
    assert set(await untold()) == {"gave_up"}


async def to_commune(lab: Lab, name: str, lane: int = 2, *, due: str = "") -> None:
    """A document comes for an office that fetches."""
    commune = (await lab.base.directory.resolve([COMMUNE], lab.clock.now()))[COMMUNE]
    assert commune.endpoint is not None
    new = message("i1", name=name, at=lab.clock.now(), lane=lane)
    (dispatch,), (delivery,) = new.dispatches, new.deliveries
    new = dataclasses.replace(
        new,
        message=dataclasses.replace(
            new.message, sender_id=commune.id, envelope=json.dumps({"due_date": due} if due else {})
        ),
        dispatches=(dataclasses.replace(dispatch, endpoint_id=commune.endpoint.id, recipient_id=commune.id),),
        deliveries=(dataclasses.replace(delivery, endpoint_id=commune.endpoint.id, recipient_id=commune.id),),
    )
    await lab.base.pump.submit(RecordMessage(), new)


async def fetched(lab: Lab, name: str) -> None:
    """Its office takes it, and says nothing yet."""
    ask = Fetch(
        delivery_id=f"{name}/i1", reader="r", actor="agency:x", boot_id=lab.base.boot_id, now=lab.clock.now(),
        peer={},
    )  # fmt: skip
    await lab.base.pump.submit(FetchOperation(), ask)


async def test_more_hoa_toc_is_told_though_somebody_sees_to_the_first(lab: Lab) -> None:
    """And somebody has to see to it anew."""
    await to_commune(lab, "first", lane=0)
    await lab.run(minutes=16)
    (alarm,) = await lab.alarms()
    assert (alarm.rule, alarm.facts["count"]) == ("flash_unread", 1)
    assert alarm.facts["office"] == alarm.subject, "its name leads to the office, where the telephone number is"
    assert await lab.see(alarm)
    await to_commune(lab, "second", lane=0)
    await lab.run(hours=5)
    (alarm,) = await lab.alarms()
    assert (alarm.facts["count"], alarm.acknowledged_at) == (2, None)
    assert [each["about"] for each in lab.pushed()] == ["opened", "again"]
    assert "2 documents" in lab.mailed()[-1]
    await lab.run(hours=5)
    await lab.run(hours=5)
    assert len(lab.pushed()) == 4, "it is repeated in the quiet period"
    assert await lab.see(alarm)
    await lab.run(hours=5)
    assert len(lab.pushed()) == 4


async def test_office_is_silent_by_the_hours_of_workdays_and_where_it_fetches_nothing(lab: Lab) -> None:
    """A weekend is none of them; what is only not acknowledged was fetched."""
    for name in ("old", "mid", "new"):
        await to_commune(lab, name)
        lab.clock.pass_by(minutes=1)
    await fetched(lab, "old")
    await lab.run(hours=59)
    assert await lab.alarms() == []
    await lab.run(days=5)
    (alarm,) = await lab.alarms()
    assert (alarm.rule, alarm.facts["name"], alarm.facts["count"]) == ("office_silent", "UBND xã Một", 3)
    await fetched(lab, "new")
    await lab.run()
    await lab.run(minutes=6)
    assert await lab.alarms() == [], "it fetches, if not all"
    await fetched(lab, "mid")
    await lab.run(days=9)
    assert await lab.alarms() == []


async def test_answer_is_missed_after_the_working_day_on_which_its_term_ends(lab: Lab) -> None:
    """One alarm for each such day, with the offices; a Saturday ends no term."""
    await to_commune(lab, "asked", due=(lab.clock.at + timedelta(days=1)).date().isoformat())
    monday = (lab.clock.at + timedelta(days=3)).date().isoformat()
    await lab.run(days=3)
    assert [each for each in await lab.alarms() if each.rule == "answers_overdue"] == []
    await lab.run(days=1)
    (alarm,) = [each for each in await lab.alarms() if each.rule == "answers_overdue"]
    assert (alarm.subject, alarm.facts["count"], alarm.facts["least"]) == (monday, 1, False)
    assert alarm.facts["text"]
    ended = date.fromisoformat(monday)
    assert described(alarm.facts, vi=True).startswith(f"hạn {ended:%d/%m/%Y} · 1 văn bản · ")
    assert described(alarm.facts, vi=False).startswith(f"due {ended:%d %b %Y} · 1 document · ")
    await lab.run(days=31)
    await lab.run(minutes=6)
    assert [each for each in await lab.alarms() if each.rule == "answers_overdue"] == [], "it is history"


async def test_part_that_cannot_be_looked_at_hides_no_other(lab: Lab) -> None:
    """What is open stays open, and that it cannot be looked at is told."""

    def broken() -> dict[str, Condition]:
        raise OSError("a file is gone")

    lab.watch = AlarmWatch(lab.base, broken)
    await lab.axis(up=False)
    await lab.run(minutes=11)
    await lab.run(minutes=11)
    rules = [row[0] for row in lab.rows("SELECT rule FROM alarm WHERE closed_at IS NULL ORDER BY rule")]
    assert rules == ["axis_down", "not_ready", "watch_failing"]


@dataclass(kw_only=True)
class Post:
    """A mail server and a receiver of pushes, as they are told to be."""

    said: list[str] = field(default_factory=list)
    pushes: list[str] = field(default_factory=list)
    error: Exception | None = None
    refuses: str = ""

    #: What the time does while one of them is told.
    takes: Callable[[], None] = lambda: None

    async def send(self, letter: Letter) -> Outcome:
        """A mail."""
        if self.error is not None:
            raise self.error
        self.said.append("mail again" if "gửi lại" in letter.text else "mail")
        return Outcome(kind=OutcomeKind.DELIVERED)

    async def close(self) -> None:
        """Nothing is open."""

    async def tell(self, endpoint: Endpoint, key: str, content: bytes) -> Outcome:
        """A push."""
        self.takes()
        self.said.append("push")
        self.pushes.append(json.loads(content)["rule"])
        return Outcome(kind=OutcomeKind.DEFERRED if self.refuses else OutcomeKind.DELIVERED, reason=self.refuses)


async def test_telling_that_breaks_off_is_taken_up_by_the_next_run(lab: Lab) -> None:
    """Whatever broke, by the same process; hỏa tốc and mails first, and who is silent is asked once in a run."""
    post = Post(error=RuntimeError("not an error of ours"), refuses="connect_failed")
    _, receiver = channels.make_alarm_teller(lab.base.settings, lab.clock)
    lab.teller = AlarmTeller(lab.base, TellerParts(mailer=post, teller=post, receiver=receiver), Metrics())
    now = lab.clock.now()
    new = tuple(
        NewAlarm(rule=rule, subject="x", is_flash=rule == "flash_unread", since=now, facts={"name": "x"})
        for rule in ("backlog_old", "disk_soon", "flash_unread")
    )
    ways: tuple[tuple[Way, str], ...] = (("push", "alarms"), ("mail", ADDRESS))
    await lab.base.pump.submit(LookedOperation(), Looked(now=now, opened=new, ways=ways, told_from=now))
    await lab.teller.run_once()
    assert post.pushes == ["flash_unread"]
    post.error, post.refuses = None, ""
    lab.clock.pass_by(minutes=6)
    await lab.teller.run_once()
    assert post.said == ["push", "mail again", "push", "push", "push"]
    assert post.pushes[1] == "flash_unread"
    post.said.clear()
    now = lab.clock.now()
    more = (NewAlarm(rule="flash_waiting", subject="y", is_flash=True, since=now, facts={"name": "y"}),)
    await lab.base.pump.submit(LookedOperation(), Looked(now=now, opened=more, ways=ways[1:], told_from=now))
    half = tuple(row[0] for row in lab.rows("SELECT id FROM alarm_notice WHERE state = 'waiting'"))
    claim = Telling(notices=half, boot_id=lab.base.boot_id, now=now)
    assert await lab.base.pump.submit(TellingOperation(), claim) == 1
    (counted,) = await lab.base.readers.fetch("alarm_notice_count_waiting", (0,))
    assert counted[0] == counted[2] == 1, "what is half told is not forgotten"
    await lab.teller.run_once()
    assert post.said == ["mail again"]


async def opened(lab: Lab, *rules: str) -> None:
    """Alarms of some rules, each of which is pushed."""
    now = lab.clock.now()
    new = tuple(NewAlarm(rule=each, subject="x", is_flash=False, since=now, facts={"name": "x"}) for each in rules)
    ask = Looked(now=now, opened=new, ways=(("push", "alarms"),), told_from=now)
    await lab.base.pump.submit(LookedOperation(), ask)


async def test_run_leaves_what_takes_long_to_the_next_one(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """After half a minute; what waits is counted once a run, and is told though nothing can be written."""
    post = Post(takes=lambda: lab.clock.pass_by(seconds=16))
    metrics, (_, receiver) = Metrics(), channels.make_alarm_teller(lab.base.settings, lab.clock)
    lab.teller = AlarmTeller(lab.base, TellerParts(mailer=post, teller=post, receiver=receiver), metrics)
    await opened(lab, "backlog_old", "disk_soon", "list_silent")
    asked: list[str] = []

    def untold() -> float | None:
        return metrics.registry.get_sample_value("gateway_alarms_untold_seconds")

    fetch = lab.base.readers.fetch

    async def heard(name: str, *given: Any) -> Any:
        asked.append(name)
        return await fetch(name, *given)

    monkeypatch.setattr(lab.base.readers, "fetch", heard)
    await lab.teller.run_once()
    assert len(post.pushes) == 2
    assert asked == ["alarm_notice_count_waiting", "alarm_notice_list_due"]
    with monkeypatch.context() as patch:
        patch.setattr(lab.base.pump, "broken", "the disk takes nothing")
        await lab.teller.run_once()
    assert len(post.pushes) == 2
    assert untold() == 32
    await lab.teller.run_once()
    asked.clear()
    await lab.teller.run_once()
    assert (len(post.pushes), asked) == (3, ["alarm_notice_count_waiting"])
    assert untold() == 0
    await lab.watch.run_once()
    assert asked.count("calendar_day_list") == 1
