"""The pages of docs/ and README as tests run them: their shell blocks as they stand, only places exchanged."""

from __future__ import annotations

import asyncio
import re
import subprocess
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^( *)```sh\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_SECONDS = 480
_SANDBOX = "gateway conformance"
#: What a reader in another language is told in that language: the remarks behind commands, and reasons.
_SAID = re.compile(r'( +#|# ).*|(?<=--reason )"[^"]*"')


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a script ended, and all it printed."""

    code: int
    told: str


def page_text(page: str) -> str:
    """A page by its path below the project's folder."""
    return (ROOT / page).read_text("utf-8")


def shell_blocks(page: str) -> list[str]:
    """What the page gives for a shell, block by block, also within a list."""
    return [textwrap.dedent(found[2]) for found in _BLOCK.finditer(page_text(page))]


def followed(page: str) -> list[str]:
    """All but what begins a sandbox, which stays up, or checks a server of the reader's."""
    return [block for block in shell_blocks(page) if not block.startswith(_SANDBOX)]


def sandboxes(page: str) -> list[str]:
    """The commands of those."""
    return [line for block in shell_blocks(page) if block.startswith(_SANDBOX) for line in block.splitlines()]


def bare(block: str) -> list[str]:
    """Its commands without what each language says in its own words."""
    lines = (_SAID.sub("", line) for line in block.splitlines())
    return [" ".join(line.split()) for line in lines if line.strip()]


def told_with(block: str, places: Mapping[str, str]) -> str:
    """The block with places of this machine; each of them is in it."""
    for theirs, ours in places.items():
        assert theirs in block, theirs
        block = block.replace(theirs, ours)
    return block


async def run_shell(script: str) -> Ended:
    """In the project's folder, as a newcomer's shell would, ending at the first command that fails."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-eo", "pipefail", "-c", f"trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}",
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
    assert process.returncode is not None
    return Ended(code=process.returncode, told=told.decode())
