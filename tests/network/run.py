"""`make network`: every scenario for longer, then isolation. The last line on standard output is one JSON object.

    python -m tests.network.run --rounds 3 --pairs 3 --seconds 10

Either part may be left out (`--rounds 0`, `--pairs 0`); the report then has it of the last run, from `build/`.
Needs root, iproute2 and nftables. Exit 0 when there was no violation; a ratio that misses its goal is shown as
missed, for it is a measurement. The report goes to `docs/network.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import signal
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from tests.crash.found import say
from tests.crash.kill_site import Template, make_template
from tests.network.isolation import compare, field_of
from tests.network.lab import Lab, laboratory, missing
from tests.network.places import NotSeenError, running
from tests.network.report import Measured, Ran, last_line, write_report
from tests.network.scenarios import BY_NAME, CERTIFIED, DIRECT, Scenario

_ROOT = Path(__file__).parents[2]
_BUILD = _ROOT / "build"
_RAN, _MEASURED = _BUILD / "network-scenarios.json", _BUILD / "network-isolation.json"
_FAULT_SECONDS = 8.0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make network", description="Break the network in every way.")
    parser.add_argument("--rounds", type=int, default=3, help="of every scenario (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=3, help="of rounds per trouble (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of one such round (default: %(default)s)")
    report = _ROOT / "docs" / "network.md"
    parser.add_argument("--report", type=Path, default=report, help="where it goes (default: docs/network.md)")
    return parser.parse_args()


async def _scenarios(lab: Lab, folder: Path, rounds: int) -> list[Ran]:
    ran = []
    for group in (DIRECT, BY_NAME, CERTIFIED):
        for scenario in group:
            home = folder / scenario.act.__name__
            home.mkdir()
            template = await make_template(home, places=scenario.places)
            for number in range(rounds):
                ran.append(await _one(lab, template, scenario, seed=number))
                say(f"{scenario.name} {number + 1}: {len(ran[-1].verdict.violations)} violations")
    return ran


async def _one(lab: Lab, template: Template, scenario: Scenario, *, seed: int) -> Ran:
    began = time.monotonic()
    async with running(lab, template, seed=seed, prepare=scenario.prepare) as found:
        try:
            await scenario.act(found, _FAULT_SECONDS)
        except NotSeenError as error:
            found.verdict.other.append(str(error))
        lab.heal()
        await found.settle()
        return Ran(
            name=scenario.name,
            text=scenario.text,
            verdict=found.verdict,
            deliveries=found.deliveries(),
            seconds=time.monotonic() - began,
        )


def _isolation(folder: Path, pairs: int, seconds: float, pipe: Connection) -> None:
    """In a process of its own, which moves into the gateway's namespace."""
    signal.signal(signal.SIGTERM, _end)
    with laboratory() as lab, field_of(lab, folder) as found:
        compared = compare(found, pairs, seconds, say)
        found.drain()
        pipe.send(Measured(compared=compared, accepted=found.accepted, refused=found.refused, left=found.left()))


def _end(_number: int, _frame: object) -> None:
    """Told to stop: leave in order, so that no namespace stays."""
    sys.exit(143)


def _measured(folder: Path, pairs: int, seconds: float) -> Measured:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_isolation, args=(folder, pairs, seconds, theirs))
    process.start()
    theirs.close()
    try:
        found: Measured = ours.recv()  # EOFError when it has failed
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join()
    return found


def main() -> int:
    """Scenarios, isolation, report."""
    args = _arguments()
    if why := missing():
        say(why)
        return 3
    signal.signal(signal.SIGTERM, _end)
    began = time.monotonic()
    _BUILD.mkdir(exist_ok=True)
    if args.rounds:
        with tempfile.TemporaryDirectory(prefix="gw-net.", dir="/tmp") as short, laboratory() as lab:
            ran = asyncio.run(_scenarios(lab, Path(short), args.rounds))
        _RAN.write_bytes(msgspec.json.encode(ran))
    if args.pairs:
        with tempfile.TemporaryDirectory(prefix="gw-net.", dir="/var/tmp") as folder:
            measured = _measured(Path(folder), args.pairs, args.seconds)
        _MEASURED.write_bytes(msgspec.json.encode(measured))
    ran = msgspec.json.decode(_RAN.read_bytes(), type=list[Ran])
    measured = msgspec.json.decode(_MEASURED.read_bytes(), type=Measured)
    write_report(args.report, ran, measured)
    print(last_line(ran, measured, time.monotonic() - began))  # noqa: T201 - the output
    return 1 if measured.left or any(each.verdict.violations for each in ran) else 0


if __name__ == "__main__":
    sys.exit(main())
