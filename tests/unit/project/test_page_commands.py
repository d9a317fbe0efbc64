"""What a page tells to type is a command that there is, with arguments that it knows."""

from __future__ import annotations

import argparse
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from gateway.cli import build_parser

ROOT = Path(__file__).parents[3]
#: Where people look first; what `docs/connect-*` tell is run whole elsewhere.
PAGES = [
    *(
        f"{page}{end}"
        for page in ("README", "docs/console", "docs/desk", "docs/runbook")
        for end in (".md", ".vi.md")
    ),
    "docs/install.md",
]
#: A line of a block: alone, behind another command, or in another user's name.
_TYPED = re.compile(r"(?:^|&& |\| )(?:runuser -u gateway -- )?(gateway [a-z-][^|;&>\n]*)", re.MULTILINE)
_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```|^(    gateway [^\n]*)$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`(?:runuser -u gateway -- )?(gateway [a-z-][^`]*)`")


@cache
def _parser() -> argparse.ArgumentParser:
    return build_parser()  # of all commands, which takes a while


def _wrong(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    try:
        _parser().parse_args(shlex.split(command, comments=True)[1:])
    except SystemExit as ended:
        return capsys.readouterr().err.splitlines()[-1] if ended.code else ""
    return ""


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_the_page_is_known(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In blocks they are whole; within a sentence some leave out what every one of them needs, the reason."""
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    blocks = "\n".join(found[1] or found[2].strip() for found in _BLOCK.finditer(text))
    for command in _TYPED.findall(blocks):
        assert _wrong(command, capsys) == "", command
    for said in _INLINE.findall(text):
        if "…" not in said:
            wrong = _wrong(" ".join(said.split()), capsys)
            assert "required" in wrong or wrong == "", said
