"""What is published of the benchmark hides no goal: every one has its row, measured or not, met or missed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.goals import GOALS, Figure, aimed, published, rows, verdict
from tools.pages import figures

ROOT = Path(__file__).parents[3]


def test_published_file_has_a_row_for_every_goal_and_judges_by_it() -> None:
    """Also for what no published run has measured; a goal that was changed since is not judged by the old one."""
    found = json.loads((ROOT / "docs" / "bench.json").read_text(encoding="utf-8"))
    assert [set(row) for row in found] == [{"name", "value", "unit", "goal", "met"}] * len(found)
    names = [row["name"] for row in found]
    assert len(names) == len(set(names))
    by_name = {row["name"]: row for row in found}
    assert set(by_name) >= set(GOALS)
    for name, goal in GOALS.items():
        row = by_name[name]
        assert (row["goal"], row["unit"]) == (goal.value, goal.unit)
        assert row["met"] is (None if row["value"] is None else aimed(name, row["value"]).met)


@pytest.mark.parametrize(("page", "language"), [("README.md", "en"), ("README.vi.md", "vi")])
def test_readme_has_a_line_with_words_for_every_goal(page: str, language: str) -> None:
    """In both languages."""
    text = (ROOT / page).read_text(encoding="utf-8")
    table = text[text.index("<!-- bench:begin -->") : text.index("<!-- bench:end -->")]
    goals = [line for line in table.splitlines() if re.search(r"\| [≥≤] ", line)]
    assert len(goals) == len(GOALS)
    bare = [line for line in goals for name in GOALS if "_" in name and line.startswith(f"| {name} |")]
    assert not bare, "give it words in tools/pages/figures.py"
    assert language in {"en", "vi"}


def test_table_names_a_goal_that_nobody_measured(tmp_path: Path) -> None:
    """Whoever reads the table sees what it lacks."""
    file = tmp_path / "bench.json"
    file.write_text(json.dumps(rows([aimed("poll_1000", 4.0)])), encoding="utf-8")
    told = figures.table(file, "en")
    assert "taken from the axis | 4 s | ≤ 5 | ✓ |" in told
    assert told.count("not measured yet") == len(GOALS) - 1


def test_every_goal_is_the_aim_of_a_figure_that_a_run_makes() -> None:
    """A goal that no phase measures would stay unmeasured for ever."""
    made = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py"))
    assert [name for name in GOALS if f'aimed("{name}"' not in made] == ["poll_1000"]  # made for any number of them
    assert 'f"poll_{documents}"' in made


def test_last_line_names_what_was_missed_and_what_was_not_measured() -> None:
    """It is what people read."""
    run = rows([aimed("sustained", 544.6), aimed("lost", 0), Figure(name="x", value=1, unit="s")])
    told = verdict(run)
    assert told.startswith(
        f"1 of {len(GOALS)} goals met; MISSED: sustained (544.6 documents/s, goal 600); not measured"
    )
    assert "poll_1000" in told
    assert (
        verdict(rows([aimed(name, goal.value) for name, goal in GOALS.items()]))
        == f"{len(GOALS)} of {len(GOALS)} goals met"
    )


def test_publishing_some_phases_leaves_the_others_as_they_were() -> None:
    """What this run did not measure is not made unmeasured by it."""
    before = rows([aimed("sustained", 610.0)])
    after = published(before, rows([aimed("poll_1000", 4.0), Figure(name="poll_cpu", value=2.0, unit="ms")]))
    values = {row["name"]: row["value"] for row in after}
    assert (values["sustained"], values["poll_1000"], values["poll_cpu"]) == (610.0, 4.0, 2.0)
    assert [row["name"] for row in before] == [row["name"] for row in after][: len(before)]
