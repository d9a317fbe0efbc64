"""The witness as a process over TLS, killed wherever its write may be: two histories are never both cosigned."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.simulate.layout import free_ports
from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.note import SignedNote
from gateway.transparency.witnessing import AddCheckpoint
from gateway.witness.server import open_witness
from gateway.witness.settings import load
from tests.witness.histories import History, tells_one_history
from tests.witness.running import WitnessProcess

#: Where the first write after a start may die: the file, its name, its folder. A start syncs one of each itself.
POINTS = (
    "fsio.sync.before=kill:2",
    "fsio.sync.after=kill:2",
    "fsio.replace.before=kill",
    "fsio.replace.after=kill",
    "fsio.sync_dir.before=kill:2",
    "fsio.sync_dir.after=kill:2",
)


def checkpoint_in(body: bytes) -> Checkpoint:
    return Checkpoint.parse(SignedNote.parse(AddCheckpoint.parse(body).note).text)


@pytest.mark.parametrize("point", POINTS)
async def test_kill_at_each_point_of_the_write_lets_no_fork_through(tmp_path: Path, point: str) -> None:
    """Nobody had the cosignature yet, so either history may go on, but one of them only."""
    history = History.of(9)
    other = history.forked(0)
    witness = WitnessProcess(tmp_path / "witness", free_ports(1)[0], [history.signer.verifier])
    await witness.start(point)
    assert await witness.post(history.ask(0, 5)) == (0, b"")
    assert await witness.ended() == -9
    await witness.kill()
    again, cosigned = open_witness(witness.folder, load(witness.folder)), list[Checkpoint]()
    for body in (other.ask(0, 6), other.ask(5, 6), history.ask(5, 5), history.ask(0, 5), other.ask(6, 9)):
        answer = await again.add(body)
        assert answer.status in {200, 409, 422}
        cosigned += [checkpoint_in(body)] if answer.status == 200 else []
    assert cosigned
    assert tells_one_history(cosigned, (history, other))
    is_written = point.startswith(("fsio.replace.after", "fsio.sync_dir"))
    assert history.has(cosigned[0]) is is_written


async def test_kills_at_random_under_two_histories_at_once(tmp_path: Path) -> None:
    """Whatever was cosigned over all the lives of the witness is of one tree."""
    history, draw = History.of(40), random.Random(11)
    other = history.forked(6)
    witness = WitnessProcess(tmp_path / "witness", free_ports(1)[0], [history.signer.verifier])
    cosigned: list[Checkpoint] = []

    async def push(each: History) -> None:
        known = 0
        while True:
            body = each.ask(known, min(40, known + draw.randint(1, 4)))
            status, answer = await witness.post(body)
            if status == 200:
                cosigned.append(checkpoint_in(body))
                known = cosigned[-1].size
            elif status == 409:
                known = min(40, int(answer))
            elif status == 0:
                await asyncio.sleep(0.05)
            else:
                assert status == 422
                known = 0
                await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(push(each)) for each in (history, other)]
    for _ in range(3):
        await witness.start()
        enough = len(cosigned) + draw.randint(4, 10)
        while len(cosigned) < enough and not any(task.done() for task in tasks):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(draw.uniform(0, 0.05))
        await witness.kill()
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends
    assert max(each.size for each in cosigned) > 6
    assert tells_one_history(cosigned, (history, other))


async def test_process_refuses_what_is_too_much_and_a_second_of_its_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Size, other paths and methods; one process a folder; points that kill only in development."""
    history = History.of(3)
    witness = WitnessProcess(tmp_path / "witness", free_ports(1)[0], [history.signer.verifier])
    await witness.start()
    assert (await witness.post(b"x" * 70_000))[0] == 413
    assert (await witness.post(history.ask(0, 3)))[0] == 200
    serve = [sys.executable, "-m", "gateway", "witness", "serve", str(witness.folder)]
    second = await asyncio.to_thread(subprocess.run, serve, capture_output=True, text=True, check=False)
    assert second.returncode == 3
    assert "another process works in" in second.stderr
    await witness.kill()
    assert await asyncio.to_thread(main, ["witness", "show", str(witness.folder)]) == 0
    assert history.signer.name in capsys.readouterr().out
    settings = witness.folder / "witness.toml"
    settings.write_text(settings.read_text().replace("development", "strict"))
    strict = await asyncio.to_thread(
        subprocess.run,
        serve,
        capture_output=True,
        text=True,
        check=False,
        env={"GATEWAY_FAILPOINTS": "note=/dev/null"},
    )
    assert strict.returncode == 3
    assert "GATEWAY_FAILPOINTS" in strict.stderr
