"""Power cuts in recorded runs of the real gateway: make powercut [ARGS="--seeds 500"].

Writes docs/powercut.md, or build/powercut.md with fewer seeds than are published. The last line is one JSON object.
Exit code 1 when something was lost, done twice or did not hold, or a proof found nothing; 3 without a compiler.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # at run time late, since the many processes that parsers start from here import this module again
    from tests.crash.report import Report

_SEEDS = 500
_DOCUMENTS = 240
_RECORDINGS = 4
_PROOF_DOCUMENTS = 60
_PUBLISHED = Path("docs/powercut.md")
_TRIAL = Path("build/powercut.md")


def main() -> int:
    """Record, cut, prove, report."""
    import msgspec

    from tests.crash.report import Report

    arguments = _arguments()
    compiler = shutil.which("cc")
    if compiler is None:
        sys.stderr.write("powercut: no C compiler (cc); install the Debian packages gcc and libc6-dev\n")
        return 3
    report = Report.begun(arguments.seeds, arguments.documents)
    with tempfile.TemporaryDirectory(prefix="gwcut.", dir=arguments.folder) as folder:
        _run(Path(folder).resolve(), compiler, arguments, report)
    target = _PUBLISHED if arguments.seeds >= _SEEDS else _TRIAL
    target.write_text(report.page(), encoding="utf-8")
    sys.stdout.write(f"The report is {target}.\n{msgspec.json.encode(report.summary()).decode()}\n")
    return 0 if report.is_fine else 1


def _run(folder: Path, compiler: str, arguments: argparse.Namespace, report: Report) -> None:
    from tests.crash.campaign import WEAKENED, Flaw, Replayer, recorded_run, replay_all
    from tests.crash.recording import build_recorder

    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.1f}  {text}\n")
        sys.stdout.flush()

    library = build_recorder(compiler)
    scratch = folder / "cut"
    scratch.mkdir()
    count = min(_RECORDINGS, arguments.seeds)
    for number in range(count):
        say(f"recording {number + 1} of {count}")
        recorded = recorded_run(folder / f"run{number}", library, documents=arguments.documents, say=say)
        replayer = Replayer(recorded, scratch)
        report.add_recording(replayer.recording, recorded)
        for outcome in replay_all(recorded, scratch, range(number, arguments.seeds, count)):
            report.add(number, outcome)
            if report.runs % 25 == 0 or outcome.verdict.is_violation:
                say(report.progress(outcome))
    for flaw in (Flaw.BODIES, Flaw.FOLDERS, Flaw.UPLOADS):
        report.add_proof(f"the disk ignores {flaw}", replayer.first_violation(flaw))
        say(report.proofs[-1].told)
    recorded = recorded_run(folder / "weak", library, documents=_PROOF_DOCUMENTS, module=WEAKENED, say=say)
    report.add_proof(
        "the gateway runs with `synchronous=NORMAL`", Replayer(recorded, scratch).first_violation(Flaw.NOTHING)
    )
    say(report.proofs[-1].told)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=_SEEDS, help="power cuts (default: %(default)s)")
    parser.add_argument("--documents", type=int, default=_DOCUMENTS, help="of each run (default: %(default)s)")
    where = Path("/var/tmp")
    parser.add_argument("--folder", type=Path, default=where, help="on the disk to use (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
