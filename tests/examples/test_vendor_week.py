"""docs/vendor-week.md is true: its commands run as they stand against the sandbox, in both languages alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples.conftest import Site
from tests.journeys.pages import bare, followed, run_shell, shell_blocks, told_with

pytestmark = pytest.mark.slow

_PAGE, _SANDBOX = "docs/vendor-week.md", "build/conformance"


async def test_the_week_runs_as_it_stands(site: Site, tmp_path: Path) -> None:
    """Connect, receive, and see what was asked; the sandbox itself is up already."""
    client = followed(_PAGE)
    assert len(client) == 3
    site.took_steps = True
    places = {_SANDBOX: str(site.folder), "receive received": f"receive {tmp_path / 'received'}"}
    ended = await run_shell(told_with("\n".join(client), places))
    assert ended.code == 0, ended.told
    assert '"items"' in ended.told
    assert (tmp_path / "received").is_dir()


def test_both_languages_give_the_same_commands() -> None:
    """A reader of either does the same."""
    ours, theirs = ([bare(block) for block in shell_blocks(f"docs/vendor-week{end}")] for end in (".md", ".vi.md"))
    assert ours == theirs
