"""Commands that are killed: a ledger is handed over, one is taken, the bodies' key moves onto a token.

Each command runs from the same folder again and again and dies at a point that it comes by: at the first hit, the
second, the fourth …, until one run survives. After each kill the gateway starts, fsck has nothing against it, and
what was under way is undone or done: run again, the command ends well.

    python -m tests.crash.command_kills        all of it; the last line is one JSON object
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.audit.fsck import examine
from gateway.failpoints import VARIABLE
from gateway.foundation import ENDED, ENDING, database_of
from gateway.pki import DevPki
from tests.backup.lab import query, run, settings_of
from tests.crash.found import say
from tests.journeys.handing import Handed, copy_of, ended, taking
from tests.journeys.installation import COMMUNE, OWN, PROVINCE, Installation, make_pki, prepare
from tests.journeys.messages import document
from tests.token_lab import make_token

_LABEL = "gateway-bodies"
#: More hits of one point than any of these commands has.
_MOST_HITS = 1 << 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One of them."""

    name: str
    #: The installation that each run has a copy of.
    before: Path
    words: Callable[[Path], list[str]]
    #: What is wrong after a kill.
    look: Callable[[Path], list[str]]

    def run(self, folder: Path, armed: str) -> int:
        """In a process of its own; its exit code."""
        command = [sys.executable, "-m", "gateway", "--config", str(folder / "config.toml"), *self.words(folder)]
        environment = os.environ | {VARIABLE: armed}
        return subprocess.run(
            command, env=environment, timeout=600, check=False, capture_output=True, start_new_session=True
        ).returncode

    def points(self, folder: Path) -> list[str]:
        """Those that it comes by."""
        noted = folder.with_suffix(".points")
        assert self.run(copy_of(self.before, folder), f"note={noted}") == 0
        return noted.read_text().split()

    def kill(self, folder: Path, point: str, hit: int) -> list[str] | None:
        """What is wrong afterwards; None where the run survived."""
        code = self.run(copy_of(self.before, folder), f"{point}=kill:{hit}")
        if code == 0:
            return None
        wrong = [f"it ended with {code}"] if code != -signal.SIGKILL else self.look(folder)
        return [f"{self.name} killed at {point}, hit {hit}: {each}" for each in wrong]


def hits() -> Iterator[int]:
    """1, 2, 4, 8 and so on."""
    hit = 1
    while hit < _MOST_HITS:
        yield hit
        hit *= 2


def examined(folder: Path) -> list[str]:
    """What fsck has against it."""
    settings = settings_of(folder)
    report = asyncio.run(examine(settings, database_of(settings), quick=True))
    return [f"fsck: {each.code} {each.subject} {each.detail}" for each in report.findings if not report.ok]


def started(folder: Path) -> list[str]:
    """Whether the gateway starts, and stops."""

    async def start() -> None:
        site = Installation(folder=folder, pki=DevPki(folder=folder / "certs"), settings=settings_of(folder))
        async with site.running():
            pass

    try:
        asyncio.run(start())
    except Exception as error:  # noqa: BLE001 - whatever it is
        return [f"the gateway does not start: {error}"]
    return []


def make_commands(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    """All of them, each with its folder."""
    make_pki(folder / "pki")
    handed = asyncio.run(ended(folder, folder / "pki"))
    successor = asyncio.run(_filled(folder / "successor", folder / "pki"))
    return [_making(handed), _taking(handed, successor), _turning(folder, successor, monkeypatch)]


async def _filled(folder: Path, pki: Path) -> Path:
    folder.mkdir()  # noqa: ASYNC240
    site = await prepare(folder, pki)
    async with site.running(), site.client(PROVINCE) as client:
        await client.submit(document(PROVINCE, [COMMUNE], number="81"))
    return folder


def _making(handed: Handed) -> Command:
    """A folder without its list is no handover; with it all is in it, and the gateway never starts again."""

    def words(out: Path) -> list[str]:
        return ["handover", "make", "--to", OWN, "--reason", "merger", "--out", str(out)]

    def look(folder: Path) -> list[str]:
        wrong, first, again = examined(folder), folder / "out", folder / "again"
        is_there = (first / "handover.json").exists()
        if (folder / "data" / ENDED).exists():
            return wrong + (_verified(folder, first, handed.anchors) if is_there else ["it has ended for nobody"])
        if is_there or (folder / "data" / ENDING).exists():
            wrong += [] if started(folder) else ["the gateway starts though a handover may stand"]
        else:
            wrong += started(folder)
        made = first if is_there else again
        if run(folder, *words(made)) != 0:
            return [*wrong, "it cannot be made again"]
        return wrong + _verified(folder, made, handed.anchors)

    return Command(
        name="handover make", before=handed.before, words=lambda folder: words(folder / "out"), look=look
    )


def _verified(folder: Path, out: Path, anchors: Path) -> list[str]:
    is_fine = run(folder, "handover", "verify", str(out), "--anchors", str(anchors)) == 0
    return [] if is_fine else [f"{out.name} does not verify"]


def _taking(handed: Handed, successor: Path) -> Command:
    """No file of a final name is half; the ledger knows of all of it or of nothing."""

    def look(folder: Path) -> list[str]:
        wrong = [
            f"{path.name} is half"
            for path in (folder / "data" / "foreign").glob("*/*")
            if not path.name.startswith(".") and path.read_bytes() != (handed.folder / path.name).read_bytes()
        ]
        ((ledgers, files),) = query(
            folder, "SELECT (SELECT COUNT(*) FROM foreign_ledger), (SELECT COUNT(*) FROM foreign_file)"
        )
        if (ledgers, files > 0) not in {(0, False), (1, True)}:
            wrong.append(f"{ledgers} ledgers with {files} files")
        wrong += [*examined(folder), *started(folder)]
        if run(folder, *taking(handed)) != ledgers:  # a second time is refused
            wrong.append("it is neither taken nor to be taken")
        return wrong + examined(folder)

    return Command(name="handover take", before=successor, words=lambda _: taking(handed), look=look)


def _turning(folder: Path, before: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Data keys are under the file's key or under the token's, never under both."""
    lab, site = make_token(folder / "token", monkeypatch), copy_of(before, folder / "token-site")
    config = site / "config.toml"
    lines = f'[storage]\nbody_token = "{lab.place(_LABEL)}"\nbody_secret = "{lab.secret}"'
    config.write_text(config.read_text().replace("[storage]", lines, 1))
    assert run(site, "keys", "bodies", "init") == 0
    words, in_file = ["keys", "bodies", "rotate", "--reason", "onto the token"], _wrappers(site)

    def look(folder: Path) -> list[str]:
        wrong = [*examined(folder), *started(folder)]
        if len(_wrappers(folder)) != 1:
            wrong.append(f"data keys are under {_wrappers(folder)}")
        if run(folder, *words) != 0:
            wrong.append("it cannot be turned again")
        if len(_wrappers(folder) - in_file) != 1 or _wrappers(folder) & in_file:
            wrong.append(f"after another turn data keys are under {_wrappers(folder)}")
        return wrong + examined(folder)

    return Command(name="keys bodies rotate", before=site, words=lambda _: words, look=look)


def _wrappers(folder: Path) -> set[str]:
    return {row[0] for row in query(folder, "SELECT wrapper FROM body_key")}


def sweep(commands: Sequence[Command], folder: Path) -> tuple[int, list[str]]:
    """Kills at every point of each; how many, and what was wrong."""
    kills, wrong = 0, list[str]()
    for command in commands:
        points = command.points(folder / "noted")
        for point in points:
            for hit in hits():
                found = command.kill(folder / "site", point, hit)
                shutil.rmtree(folder / "site")
                if found is None:
                    break
                kills, wrong = kills + 1, wrong + found
                for each in found:
                    say(f"violation: {each}")
            say(f"{command.name}: {point}, {kills} kills, {len(wrong)} violations")
        shutil.rmtree(folder / "noted")
    return kills, wrong


def main() -> int:
    """All of it; exit 0 when nothing was wrong."""
    folder = Path(tempfile.mkdtemp(prefix="gw-kill.", dir="/tmp"))
    with pytest.MonkeyPatch.context() as patch:
        kills, wrong = sweep(make_commands(folder, patch), folder)
    shutil.rmtree(folder)
    print(json.dumps({"runs": kills, "violations": len(wrong)}))  # noqa: T201 - the output
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
