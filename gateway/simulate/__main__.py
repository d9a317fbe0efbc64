"""`python -m gateway.simulate ROLE --config FILE`: one simulator process; the demo starts them."""

from __future__ import annotations

import argparse
from pathlib import Path

from gateway.loop import run
from gateway.simulate.process import read_spec, run_process


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m gateway.simulate", description=__doc__)
    parser.add_argument("role", choices=("axis", "shared", "communes", "offices"), help="whose part it plays")
    parser.add_argument("--config", type=Path, required=True, help="the process's JSON file")
    run(run_process(read_spec(parser.parse_args().config)))


if __name__ == "__main__":
    main()
