"""The commands that docs/cutover.md tells exist, with the arguments it gives them."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from gateway.audit.shadow import AgencyReport
from gateway.cli import build_parser
from gateway.config.settings import parse

PAGE = (Path(__file__).resolve().parents[3] / "docs/cutover.md").read_text(encoding="utf-8")


def told() -> list[str]:
    """Every command of the page, whole lines in blocks and those inside sentences."""
    blocks = "".join(part for part in PAGE.split("```")[1::2] if part.startswith("\n")).replace("\\\n", " ")
    lines = [line.strip() for line in blocks.splitlines() if line.strip().startswith("gateway ")]
    return lines + re.findall(r"`(gateway [^`]+)`", PAGE.replace("\n", " "))


COMMANDS = [command for command in told() if command != "gateway import"]


def test_page_has_commands_of_every_kind() -> None:
    """A listing that found nothing would make the next test pass."""
    assert {command.split()[1] for command in COMMANDS} >= {"agencies", "shadow", "import", "cutover", "release"}


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_page_is_taken_by_the_parser(command: str) -> None:
    """Somebody will type it as it stands."""
    build_parser().parse_args(shlex.split(command)[1:])


def test_settings_of_the_page_are_taken() -> None:
    """The TOML it shows is one."""
    block = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
    assert parse(tomllib.loads(block), folder=Path("/srv")).cutover.served_by == "shadow"


def test_page_explains_every_word_of_the_report() -> None:
    """Each word that may speak against an agency has its line."""
    worst = AgencyReport(organ_id="", name="", served_by="", missed=1, never_seen=1)
    worst.refused["edxml_invalid"] = worst.not_fetched["peer_error"] = 1
    for word in worst.against(blind=True):
        assert f"| `{word}` |" in PAGE
