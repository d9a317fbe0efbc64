"""When an alarm opens, is told again and closes; when people may be told; the words."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.alarms.deciding import Memory, decide
from gateway.alarms.quiet import told_from
from gateway.alarms.rules import RULES
from gateway.alarms.symptoms import Symptom
from gateway.alarms.telling import Notice, described, letter, pushed
from gateway.clock import micros
from gateway.config import settings as config
from gateway.config.alerts import AlarmSettings
from gateway.config.values import Addresses, DayTime, Weekdays
from gateway.errors import ConfigError
from gateway.ledger.alarms import Alarm, Looked

#: A Friday.
EVENING = datetime.fromisoformat("2026-12-04T17:30:00+07:00")
SETTINGS = AlarmSettings(
    mail=Addresses(("truc@example.vn",)),
    quiet_from=DayTime("18:00"),
    quiet_until=DayTime("07:00"),
    quiet_days=Weekdays(("sat", "sun")),
)
DOWN = Symptom(rule="axis_down", subject="a", since=EVENING, facts={"name": "axis"}, endpoint_id="a")
STUCK = Symptom(rule="flash_waiting", subject="a", since=EVENING, facts={"name": "axis", "count": 2})


def alarm(symptom: Symptom = DOWN, **more: object) -> Alarm:
    """An open one."""
    values: dict[str, object] = {
        "id": symptom.rule, "rule": symptom.rule, "subject": symptom.subject,
        "is_flash": RULES[symptom.rule].is_flash, "since": EVENING, "opened_at": EVENING, "facts": symptom.told,
        "acknowledged_at": None, "acknowledged_by": "", "snoozed_until": None, "note": "", "again_at": None,
        "closed_at": None,
    }  # fmt: skip
    return Alarm(**values | more)  # type: ignore[arg-type]


def look(memory: Memory, found: Sequence[Symptom], opened: Sequence[Alarm] = (), **later: float) -> Looked:
    """One look, so much later than the evening began."""
    return decide(memory, found, opened, SETTINGS, now=EVENING + timedelta(**later))


@pytest.mark.parametrize(
    ("at", "free"),
    [
        ("2026-12-04T17:59", "2026-12-04T17:59"),
        ("2026-12-04T18:00", "2026-12-07T07:00"),
        ("2026-12-05T12:00", "2026-12-07T07:00"),
        ("2026-12-06T23:59", "2026-12-07T07:00"),
        ("2026-12-07T06:59", "2026-12-07T07:00"),
        ("2026-12-07T07:00", "2026-12-07T07:00"),
        ("2026-12-07T23:00", "2026-12-08T07:00"),
    ],
)
def test_people_are_told_when_the_quiet_period_ends(at: str, free: str) -> None:
    """Nights and a weekend that follow each other are one."""
    asked, told = (datetime.fromisoformat(f"{each}:00+07:00") for each in (at, free))
    assert told_from(asked, SETTINGS) == told


def test_quiet_hours_of_one_day_end_on_it() -> None:
    """And without hours nothing is quiet."""
    noon = datetime.fromisoformat("2026-12-07T12:00:00+07:00")
    break_ = AlarmSettings(quiet_from=DayTime("11:30"), quiet_until=DayTime("13:00"))
    assert told_from(noon, break_) == noon + timedelta(hours=1)
    assert told_from(noon + timedelta(hours=1), break_) == noon + timedelta(hours=1)
    assert told_from(noon, AlarmSettings()) == noon


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("quiet_days", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
        ("quiet_days", ["saturday"]),
        ("quiet_from", "25:00"),
        ("mail", ["truc@example.vn\nBcc: x@example.vn"]),
    ],
)
def test_settings_that_would_hold_all_back_or_write_headers_refuse_to_start(name: str, value: object) -> None:
    """Before anything runs."""
    with pytest.raises(ConfigError, match=f"alarms.{name}"):
        config.parse({"alarms": {name: value}}, folder=Path("/"))


def test_trouble_seen_once_is_none_yet_and_seen_twice_opens_once() -> None:
    """A channel that failed between two looks wakes nobody."""
    memory = Memory()
    assert look(memory, [DOWN]).opened == ()
    assert look(memory, [], seconds=30).opened == ()
    assert look(memory, [DOWN], seconds=60).opened == ()
    (opened,) = look(memory, [DOWN, STUCK], seconds=90).opened
    assert (opened.rule, opened.subject, opened.facts["channel"]) == ("axis_down", "a", "a")
    assert look(memory, [DOWN], [alarm()], seconds=120).opened == ()


def test_alarm_closes_when_its_trouble_is_missing_for_long_enough() -> None:
    """Not before, and a trouble that comes back meanwhile keeps it open."""
    memory = Memory()
    for minutes, seen in ((0, True), (4, False), (4.5, True), (9, False)):
        assert look(memory, [DOWN] if seen else [], [alarm()], minutes=minutes).closed == ()
    assert look(memory, [], [alarm()], minutes=9.6).closed == ("axis_down",)


def test_new_process_gives_an_open_alarm_its_time() -> None:
    """What it has not seen yet is not over."""
    assert look(Memory(), [], [alarm()], days=3).closed == ()


def test_alarm_is_told_again_while_nobody_acknowledges_it() -> None:
    """With what is true now; the next time is counted from when people may hear it."""
    later = {**DOWN.told, "count": 9}
    seen = Symptom(
        rule="axis_down", subject="a", since=EVENING, facts={"name": "axis", "count": 9}, endpoint_id="a"
    )
    due = alarm(again_at=EVENING + timedelta(hours=4))
    assert look(Memory(), [seen], [due], hours=3.9).again == {}
    again = look(Memory(), [seen], [due], hours=4)
    assert again.again == {"axis_down": later}
    assert again.told_from == datetime.fromisoformat("2026-12-07T07:00:00+07:00")
    assert again.next_at == again.told_from + SETTINGS.repeat
    assert again.next_flash_at == again.now + SETTINGS.repeat


def test_alarms_that_are_due_soon_are_told_again_with_one_that_is() -> None:
    """So that many alarms make few mails; hỏa tốc has its own time, and so has what was put off."""
    at = {name: EVENING + timedelta(hours=hours) for name, hours in (("due", 4), ("soon", 5), ("late", 7))}
    alarms = [alarm(id=name, subject=name, again_at=again) for name, again in at.items()]
    alarms += [alarm(id="off", subject="off", again_at=at["soon"], snoozed_until=at["soon"])]
    alarms += [alarm(STUCK, again_at=at["soon"])]
    assert look(Memory(), [], alarms, hours=3.9).again == {}
    assert set(look(Memory(), [], alarms, hours=4).again) == {"due", "soon"}


def test_trouble_that_planned_maintenance_explains_opens_nothing() -> None:
    """What is open by then stays."""
    memory = Memory()
    explained = {("axis_down", "a")}
    for _ in range(3):
        assert decide(memory, [DOWN], [], SETTINGS, explained=explained, now=EVENING).opened == ()
    assert decide(memory, [DOWN], [alarm()], SETTINGS, explained=explained, now=EVENING).closed == ()
    assert len(decide(memory, [DOWN], [], SETTINGS, now=EVENING).opened) == 1


def test_every_rule_has_its_place_in_the_runbook() -> None:
    """Whoever is told finds what to do."""
    text = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text()
    headings = set(re.findall(r"^## (.+)$", text, re.MULTILINE))
    assert {code: rule.runbook for code, rule in RULES.items() if rule.runbook not in headings} == {}


def test_hoa_toc_that_joins_is_told_whoever_sees_to_the_alarm() -> None:
    """Not what is only being tried just now, and not every half minute."""
    first, joined = dataclasses.replace(STUCK, newest=5), dataclasses.replace(STUCK, newest=7)
    memory = Memory()
    look(memory, [first])
    (opened,) = look(memory, [first], seconds=30).opened
    seen = alarm(STUCK, facts=opened.facts, acknowledged_at=EVENING)
    fewer = dataclasses.replace(STUCK, newest=3, facts={"name": "axis", "count": 1})
    told = look(memory, [fewer], [seen], hours=1)
    assert (told.grown, told.again, told.facts[seen.id]["count"]) == ({}, {}, 1)
    later = dataclasses.replace(seen, facts=told.facts[seen.id])
    assert look(memory, [first], [later], hours=1, seconds=30).grown == {}, "it was told of all this"
    assert look(memory, [joined], [seen], minutes=5).grown == {}, "it was told a moment ago"
    grown = look(memory, [joined], [later], minutes=6).grown
    assert grown[seen.id]["told"] == {"at": micros(EVENING + timedelta(minutes=6)), "count": 2, "newest": 7}
    more = dataclasses.replace(first, facts={"name": "axis", "count": 51})
    assert set(look(memory, [more], [later], minutes=7).grown) == {seen.id}
    assert look(memory, [more], [alarm(facts={"name": "axis"})], minutes=7).grown == {}


def test_what_could_not_be_looked_at_is_not_over() -> None:
    """Nor is what was seen before forgotten."""
    memory = Memory()
    look(memory, [DOWN])
    for minutes in (1, 20, 40):
        blind = decide(
            memory, [], [alarm(STUCK)], SETTINGS, unseen={"flash_waiting", "axis_down"},
            now=EVENING + timedelta(minutes=minutes),
        )  # fmt: skip
        assert (blind.opened, blind.closed) == ((), ())
    assert len(look(memory, [DOWN], minutes=41).opened) == 1


def notice(symptom: Symptom = DOWN, **more: object) -> Notice:
    """One that is due."""
    values: dict[str, object] = {
        "id": "n", "way": "mail", "target": "truc@example.vn", "about": "opened", "failures": 0, "doubted": 0,
        "created_at": micros(EVENING), "alarm_id": symptom.rule, "rule": symptom.rule, "subject": symptom.subject,
        "is_flash": int(RULES[symptom.rule].is_flash), "since": micros(EVENING), "opened_at": micros(EVENING),
        "facts": symptom.told, "acknowledged_at": None, "closed_at": None,
    }  # fmt: skip
    return Notice(**values | more)  # type: ignore[arg-type]


def test_letter_tells_each_alarm_once_as_it_is_now_and_what_to_do() -> None:
    """What is over comes last; what may be a repetition says so."""
    over = notice(about="closed", closed_at=micros(EVENING + timedelta(hours=1)))
    subject, text = letter(
        [notice(closed_at=over.closed_at), over, notice(STUCK, doubted=1)], "https://c.example.vn"
    )
    assert subject == "[Trục văn bản] HỎA TỐC: 1 cảnh báo, 1 đã hết / 1 alarms"
    assert text.count("OVER: Nothing gets through") == 1
    assert text.index("OPEN: An express document") < text.index("OVER:")
    assert RULES["flash_waiting"].kind.do_vi in text
    assert "docs/runbook.md: GatewayDeliveriesOld" in text
    assert "axis · 2 văn bản" in text
    assert "bản gửi lại" in text
    assert text.rstrip().endswith("https://c.example.vn/alerts")
    assert "\n" not in letter([notice()], "")[0]


def test_push_says_the_same_for_programs() -> None:
    """One JSON text for each alarm."""
    told = pushed(notice(STUCK, about="again"), "https://c.example.vn")
    assert (told["rule"], told["about"], told["flash"], told["is_open"]) == ("flash_waiting", "again", True, True)
    assert described({"name": "x", "count": 3, "text": "y"}, vi=False) == "x · 3 documents · y"
    assert described({"name": "x", "count": 3, "least": True}, vi=True) == "x · ít nhất 3 văn bản"
    facts = {"name": "disk", "text": "3 MiB free", "name_vi": "ổ đĩa", "text_vi": "còn trống 3 MiB"}
    assert [described(facts, vi=vi) for vi in (True, False)] == ["ổ đĩa · còn trống 3 MiB", "disk · 3 MiB free"]
