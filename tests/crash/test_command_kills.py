"""A sample of the kills of `command_kills`: ledgers handed over, the bodies' key moving onto a token."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.command_kills import Command, make_commands

#: Kills of each command; all of them take minutes on a quiet machine (`python -m tests.crash.command_kills`).
_SAMPLE = 5
_NAMES = ("handover make", "handover take", "keys bodies rotate")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Command]]:
    """Prepared once."""
    with pytest.MonkeyPatch.context() as patch:
        yield {each.name: each for each in make_commands(tmp_path_factory.mktemp("commands"), patch)}


@pytest.mark.parametrize("name", _NAMES)
def test_killed_command_is_undone_or_goes_on(commands: dict[str, Command], tmp_path: Path, name: str) -> None:
    """The gateway starts, fsck has nothing against it, and the command ends well when it is run again."""
    command, seed = commands[name], random.randrange(1 << 32)
    draw = random.Random(seed)
    points = command.points(tmp_path / "noted")
    kills = 0
    for number, point in enumerate(draw.sample(points, min(_SAMPLE, len(points)))):
        hit = draw.choice((1, 1, 2, 3, 5))
        found = command.kill(tmp_path / f"{number}", point, hit)
        if found is None:  # it has fewer hits
            found = command.kill(tmp_path / f"{number}-first", point, 1)
        assert found == [], f"seed {seed}"
        kills += 1
    assert kills == min(_SAMPLE, len(points))
