"""`make fuzz`: every parser that meets foreign bytes under a coverage-guided fuzzer, five minutes together.

    python -m tests.fuzz.run [--seconds EACH] [TARGET…]

What led somewhere new is kept in `build/fuzz/corpus/TARGET` and taken up by the next run. A finding is an
exception that the parser does not promise, 10 seconds of the processor for one input, or 2 GiB of memory; its input
lies in `build/fuzz/found`. Put it, once mended, into `tests/vectors/fuzz/TARGET/` under the name of the defect:
`make test` runs it from then on.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.targets import TARGETS

FOLDER = Path("build/fuzz")
_ALL_SECONDS = 300
#: By the wall, for what hangs; what is merely slow the child finds by the processor's time (`child.SLOW_SECONDS`).
_ONE_INPUT_SECONDS = 120
_MEGABYTES = 2048


def main() -> int:
    """Exit code 1 when there was a finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=_ALL_SECONDS // len(TARGETS), help="for each parser")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    args = parser.parse_args()
    if find_spec("atheris") is None:
        parser.error("atheris is not installed: it has wheels for Linux and Python up to 3.13")
    unknown = set(args.targets) - TARGETS.keys()
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    return max([_fuzz(name, args.seconds) for name in args.targets or TARGETS])


def _fuzz(name: str, seconds: int) -> int:
    target = TARGETS[name]
    corpus, seeds, found = FOLDER / "corpus" / name, FOLDER / "seeds" / name, FOLDER / "found"
    for folder in (corpus, seeds, found):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in target.corpus(name):
        (seeds / sha256(seed).hexdigest()).write_bytes(seed)
    words = FOLDER / f"{name}.words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    log = FOLDER / f"{name}.log"
    command = [
        sys.executable, "-m", "tests.fuzz.child", name, str(corpus), str(seeds),
        *([f"-dict={words}"] if target.words else []),
        f"-max_total_time={seconds}", f"-max_len={target.most_bytes}", f"-timeout={_ONE_INPUT_SECONDS}",
        f"-rss_limit_mb={_MEGABYTES}", f"-artifact_prefix={found}/{name}-", "-print_final_stats=1",
    ]  # fmt: skip
    before = _processor_seconds()
    with log.open("w") as file:
        code = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    told = log.read_text("utf-8", "replace")
    runs = re.search(r"stat::number_of_executed_units:\s+(\d+)", told)
    verdict = f"FOUND, see {log}" if code else "fine"
    used = _processor_seconds() - before
    inputs = runs[1] if runs else "?"
    print(f"{name:12} {seconds:6} s, {used:6.0f} s of the processor {inputs:>10} inputs  {verdict}")  # noqa: T201 - a command
    return 1 if code else 0


def _processor_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    sys.exit(main())
