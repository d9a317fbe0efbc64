"""What is generated is up to date, and the pages tell all that the code registers."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tomllib
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters import BindingOptions
from gateway import channels
from gateway.cli import build_parser
from gateway.config import settings as config
from gateway.config.settings import Settings
from gateway.config.values import Size
from gateway.events import Event
from gateway.simulate.stage import CONFIG
from gateway.states import State
from tools import docs
from tools.pages import commands, figures, settings
from tools.pages.members import documented

FOLDER = Path("/srv/gateway")


def test_generated_pages_are_up_to_date() -> None:
    """`make docs` would change nothing."""
    assert docs.outdated() == []


def test_outdated_page_is_named(tmp_path: Path) -> None:
    """A page that somebody edited by hand, or forgot, is seen."""
    for name in (*docs.pages(), "docs/bench.json"):  # a page is made of the figures
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((docs.ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "docs/states.md").write_text("edited\n", encoding="utf-8")
    (tmp_path / "docs/reasons.md").unlink()
    assert docs.outdated(tmp_path) == ["docs/reasons.md", "docs/states.md"]


def test_page_without_markers_is_refused(tmp_path: Path) -> None:
    """A block that has no place is not dropped silently."""
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway/DESIGN.md").write_text("# Design\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="states:begin"):
        docs.pages(tmp_path)


def _leaves(table: dict[str, Any]) -> int:
    """Keys, those of tables in tables too."""
    return sum(_leaves(each) if isinstance(each, dict) else 1 for each in table.values())


def _told(settings: Any) -> int:
    """Settings that are documented, those of sections in sections too."""
    return sum(
        _told(getattr(settings, each.name)) if is_dataclass(getattr(settings, each.name)) else bool(each.metadata)
        for each in fields(settings)
    )


def test_config_example_changes_nothing() -> None:
    """Everything in it is a comment, so that a copy of it gives the defaults."""
    assert config.parse(tomllib.loads(settings.example()), folder=FOLDER) == config.parse({}, folder=FOLDER)


def test_config_example_uncommented_gives_the_defaults() -> None:
    """Every setting stands there with a value that the gateway takes and that is its default."""
    text = re.sub(r"(?m)^#(\w+ = )", r"\1", settings.example())
    table = tomllib.loads(text)
    parsed, defaults = config.parse(table, folder=FOLDER), config.parse({}, folder=FOLDER)
    assert channels.binding_options(parsed) == channels.binding_options(defaults)
    bindings = replace(parsed.bindings, protocols=defaults.bindings.protocols)
    assert replace(parsed, bindings=bindings) == defaults
    told = _told(defaults)
    declared = len(fields(BindingOptions))
    assert _leaves(table) == told + declared


@pytest.mark.parametrize(
    ("hint", "value", "text"),
    [
        (timedelta, timedelta(milliseconds=250), '"250ms"'),
        (timedelta, timedelta(seconds=90), '"90s"'),
        (timedelta, timedelta(days=5), '"5d"'),
        (Size, 1_000_000, '"1000000B"'),
        (Size, 400 * 1024**2, '"400MiB"'),
        (bool, False, "false"),
        (int, 3, "3"),
        (float, 0.8, "0.8"),
        (Path, Path("certs/server.pem"), '"certs/server.pem"'),
    ],
)
def test_default_is_written_in_its_largest_whole_unit(hint: object, value: object, text: str) -> None:
    """The example reads as a person would write it, and loses nothing."""
    assert settings.written(hint, value) == text.replace("false", str(value).lower())


def test_every_setting_says_what_it_means() -> None:
    """A setting without a meaning cannot be set."""
    lines = settings.example().splitlines()
    assert all(
        re.fullmatch(r"# .+ \[.+\]", lines[n - 1]) for n, line in enumerate(lines) if re.match(r"#\w+ = ", line)
    )
    assert Settings().profile == "strict"


@pytest.mark.parametrize("kind", [State, Event])
def test_every_member_of_a_registry_is_told(kind: type[State | Event]) -> None:
    """Each state and each event has its comment, which becomes its line in the documents."""
    assert documented(kind).keys() == set(kind.__members__)


def test_every_command_and_argument_has_help() -> None:
    """Nothing on the command line is left to guess."""
    parser = build_parser()
    assert commands.undocumented(parser, parser.prog) == []


def test_command_without_help_is_named() -> None:
    """The check above can fail."""
    parser = argparse.ArgumentParser(prog="gateway", description="all")
    inner = parser.add_subparsers().add_parser("fsck")
    inner.add_argument("--json")
    assert commands.undocumented(parser, "gateway") == [
        "gateway fsck has no description",
        "gateway fsck --json JSON has no help",
    ]


def test_figures_are_a_sentence_until_a_run_is_published(tmp_path: Path) -> None:
    """The README never shows a figure that nobody measured."""
    published = tmp_path / "bench.json"
    assert "make bench" in figures.table(published, "en")
    rows = [
        {"name": "sustained", "value": 640.04, "unit": "documents/s", "goal": 600.0, "met": True},
        {"name": "latency_max", "value": 59.4, "unit": "ms", "goal": None, "met": None},
        {"name": "a later figure", "value": 3, "unit": "s", "goal": 2, "met": False},
    ]
    published.write_text(json.dumps(rows), encoding="utf-8")
    shown = figures.table(published, "en").splitlines()[2:]
    assert shown == [
        "| documents a second, from 202 to acknowledged | 640 documents/s | ≥ 600 | ✓ |",
        "| a later figure | 3 s | ≤ 2 | ✗ |",
    ]


def test_links_between_pages_lead_somewhere() -> None:
    """A relative link in a page names a file that exists."""
    pages = [*docs.ROOT.glob("*.md"), *docs.ROOT.glob("docs/*.md"), *docs.ROOT.glob("gateway/**/*.md")]
    dead = [
        f"{page.relative_to(docs.ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert dead == []


@pytest.mark.parametrize("name", ["README.md", "README.vi.md"])
def test_readme_finds_the_address_in_the_configuration_of_the_demo(name: str, tmp_path: Path) -> None:
    """Whatever other addresses stand there: every example after that line rests on it."""
    lines = (docs.ROOT / name).read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith("URL=")]
    ports = {"port": 4443, "operations_port": 4444, "bindings_port": 4445}
    text = CONFIG.format(**ports, organ_id="000.00.00.H33", tsa_url="http://127.0.0.1:4446/", witnesses="")
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    found = subprocess.run(
        ["bash", "-c", f'{line}\nprintf %s "$URL"'], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout == "https://localhost:4443/api/v1"
