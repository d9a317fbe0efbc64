"""Who plays whom, and who misbehaves."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from gateway.errors import EnvironmentRefusedError
from gateway.simulate.cast import Cast, Means
from gateway.simulate.layout import Layout, free_ports
from gateway.simulate.province import directory_csv, endpoint_name, make_cast
from gateway.simulate.spec import Faults
from gateway.simulate.systems import System, all_systems


@pytest.fixture(name="cast", scope="module")
def _cast() -> Cast:
    return make_cast()


def faulty_offices(systems: list[System]) -> int:
    """How many receiving offices are behind a system, or a part of one, that misbehaves."""
    return sum(
        len(system.faults.offices_away) or len(system.codes) for system in systems if system.faults != Faults()
    )


def test_every_office_but_the_unopened_ones_is_played_once(cast: Cast) -> None:
    """Nobody is forgotten, nobody is played by two systems, nobody opens the browsers."""
    played = Counter(code for system in all_systems(cast, faults=False) for code in system.codes)
    assert set(played.values()) == {1}
    offices = {office.code for office in cast.everyone} | {cast.axis.code}
    assert set(played) == offices - cast.unopened


def test_one_credential_speaks_for_100_communes(cast: Cast) -> None:
    """The shared system."""
    (shared,) = [system for system in all_systems(cast, faults=False) if len(system.represents) == 100]
    assert shared.owner == cast.hosting.code


def test_half_of_the_own_systems_are_pushed(cast: Cast) -> None:
    """30 communes with a system of their own: 15 pull, 15 are pushed."""
    own = [system for system in all_systems(cast, faults=False) if system.role == "communes"]
    assert Counter(system.receives for system in own) == {"pull": 15, "push": 15}


def test_nobody_misbehaves_without_being_asked(cast: Cast) -> None:
    """Faults are played only with --faults."""
    assert faulty_offices(all_systems(cast, faults=False)) == 0


def test_about_a_tenth_of_the_receivers_misbehave_when_asked(cast: Cast) -> None:
    """Of 145 communes and the offices, some 17 or 18, in every way there is."""
    systems = all_systems(cast, faults=True)
    inside = [system for system in systems if not system.behind_relay and system.role != "offices"]
    assert 0.09 <= faulty_offices(inside) / len(cast.communes) <= 0.15
    assert any(system.faults.away_seconds and system.receives == "push" for system in systems)
    assert any(system.faults.unanswered and system.receives == "push" for system in systems)
    assert any(system.faults.busy and system.receives == "push" for system in systems)
    assert any(system.faults.unanswered and system.behind_relay for system in systems)


def test_every_agency_of_the_directory_has_a_channel_that_exists(cast: Cast) -> None:
    """Whoever plays on after the demo can send to any office."""
    names = {endpoint_name(office) for office in cast.everyone} | {endpoint_name(cast.axis)}
    lines = directory_csv(cast).decode().splitlines()
    place = lines[0].split(",").index("endpoint")
    used = {line.split(",")[place] for line in lines[1:] if '"' not in line}
    assert used <= names | {""}


def test_pushed_commune_and_pulling_commune_have_channels_of_their_own(cast: Cast) -> None:
    """One dead office never shares its channel with another."""
    own = [*cast.communes_by(Means.PUSH), *cast.communes_by(Means.PULL)]
    assert len({endpoint_name(office) for office in own}) == len(own)


def test_folder_of_somebody_else_is_never_deleted(tmp_path: Path) -> None:
    """Only a marked folder is replaced."""
    kept = tmp_path / "letters"
    kept.mkdir()
    (kept / "letter.txt").write_text("keep me", "utf-8")
    with pytest.raises(EnvironmentRefusedError):
        Layout(folder=kept).renew()
    assert (kept / "letter.txt").exists()


def test_folder_of_an_earlier_demo_is_replaced(tmp_path: Path) -> None:
    """The demo can be run again."""
    layout = Layout(folder=tmp_path / "demo")
    layout.renew()
    (layout.journals / "old.jsonl").write_text("{}", "utf-8")
    layout.renew()
    assert list(layout.journals.iterdir()) == []


@pytest.mark.parametrize("faults", [False, True])
def test_attempts_end_early_only_where_a_system_stalls(cast: Cast, *, faults: bool) -> None:
    """On a busy machine all others would be given up, again and again, and nothing would move."""
    systems = all_systems(cast, faults=faults)
    hurried = [each for each in systems if each.attempt_seconds < 60]
    assert hurried == [each for each in systems if each.receives == "push" and each.faults.stall_seconds]
    assert bool(hurried) is faults
    assert all(each.attempt_seconds < each.faults.stall_seconds for each in hurried)


def test_free_ports_are_all_different_and_the_system_gives_them_to_nobody() -> None:
    """Two listeners never get one port; an outgoing connection takes none before its listener is there."""
    random.seed(1)
    found = free_ports(20)
    random.seed(1)
    assert len(set(found + free_ports(20))) > 20, "whoever runs beside it, with the same seed, gets others"
    assert len(set(found)) == 20
    assert max(found) < 32768
