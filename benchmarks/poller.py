"""How fast documents that wait at the axis are taken: python -m benchmarks.poller [--documents 1000].

An axis in a process of its own has so many documents of 20 KB for agencies of ours, and answers over TLS. Then the
gateway is started as it is served. Time runs from its first list call to the last `done` in the axis's journal:
listed, fetched, kept, judged, sealed, committed, acknowledged.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import msgspec

from benchmarks.axis import SYSTEM, axis, connect
from benchmarks.goals import GOALS, Figure
from benchmarks.installation import COMMUNES, prepare
from benchmarks.phases import Say
from benchmarks.processes import gateway

SIZE = 20_000
_LOG = Path("build/bench-poller.log")
_SENDER = "000.00.00.G22"
_WAIT_SECONDS = 300.0


def measure(folder: Path, *, documents: int, say: Say) -> list[Figure]:
    """Seconds for all of them; RuntimeError when some never came."""
    site = prepare(folder)
    lines = ["organ_id,name,kind,endpoint", f"{SYSTEM},UBND tỉnh,province,ours", "axis.relay,Trục,relay,axis"]
    lines += [f"{_SENDER},Văn phòng Chính phủ,ministry,axis"]
    lines += [f"{each.code},{each.name},commune,ours" for each in COMMUNES]
    with axis(site, agencies=500, hosts=("*.H90",)) as running:
        asyncio.run(connect(site, running, "\n".join(lines).encode(), ["ours"]))
        for number in range(0, documents, 100):
            recipient = COMMUNES[number // 100 % len(COMMUNES)].code
            order = {"sender": _SENDER, "to": [recipient], "count": min(100, documents - number), "size": SIZE}
            running.order("/send", order | {"first_number": number + 1})
        say(f"{documents} documents wait at the axis")
        with gateway(site, _LOG) as served:
            cpu = served.cpu_seconds()
            wanted = {"event": "settled", "system": SYSTEM, "status": "done", "count": documents}
            running.order("/wait", wanted | {"seconds": _WAIT_SECONDS})
            spent = served.cpu_seconds() - cpu
    took = _seconds(running.folder / "journal.jsonl")
    say(f"taken in {took:.2f} s")
    return [
        Figure(name=f"poll_{documents}", value=took, unit="s", goal=GOALS["poll_1000"].value * documents / 1000),
        Figure(name="poll_cpu", value=spent / documents * 1000, unit="ms/document"),
    ]


def _seconds(journal: Path) -> float:
    """From the first list call to the last acknowledgement."""
    calls = [msgspec.json.decode(line) for line in journal.read_bytes().splitlines()]
    called = [each for each in calls if each["type"] == "called" and each["system"] == SYSTEM]
    first = next(each["at"] for each in called if each["operation"] == "getReceivedEdocList")
    last = next(each["at"] for each in reversed(called) if each["operation"] == "updateStatus")
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1000, help="how many wait (default 1000)")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on the disk to measure")
    arguments = parser.parse_args()
    _LOG.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gateway-bench-", dir=arguments.folder) as folder:
        for each in measure(Path(folder).resolve(), documents=arguments.documents, say=print):
            goal = "" if each.goal is None else f"  (goal {each.goal:g})"
            print(f"{each.name:32}{each.value:10.2f} {each.unit}{goal}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
