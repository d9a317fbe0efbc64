"""`python -m gateway.simulate.lgsp FOLDER [PORT]`: the facade of a folder that is there; tests start it."""

from __future__ import annotations

import sys
from pathlib import Path

from gateway import loop
from gateway.simulate.lgsp.process import run_facade

if __name__ == "__main__":
    loop.run(run_facade(Path(sys.argv[1]), port=int((sys.argv[2:] or ["0"])[0])))
