"""One sandbox for the run: `gateway conformance serve` as a process, ended as a person ends it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.foundation import DATABASE
from gateway.simulate.ledger import LedgerReader
from gateway.simulate.reckoning import LedgerView
from tests.conformance.papers import Papers


@dataclass(kw_only=True)
class Site:
    """The sandbox, and how to enter it."""

    folder: Path
    access: dict[str, str]
    papers: Papers
    #: Whether a test did what steps ask for: then the report shows that some were passed.
    took_steps: bool = False

    async def ledger(self) -> LedgerView:
        """As it is now."""
        reader = LedgerReader(self.folder / "data" / DATABASE)
        await reader.open()
        try:
            return await reader.view()
        finally:
            await reader.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Ready for requests; in the end Ctrl-C must leave a report and a last line."""
    folder = tmp_path_factory.mktemp("s") / "s"
    command = [sys.executable, "-m", "gateway", "conformance", "serve", "--binding", "vxp", "--json"]
    process = subprocess.Popen([*command, "--folder", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    access = folder / "access.json"
    until = time.monotonic() + 150
    while not access.is_file():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    told = json.loads(access.read_text())
    made = Site(folder=folder, access=told, papers=Papers(told))
    yield made
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out, err.decode()
    count = json.loads(out.decode().splitlines()[-1])
    assert process.returncode == (1 if count["failed"] else 0), err.decode()
    assert set(count) == {"passed", "failed", "skipped"}
    assert count["passed"] > 0 or not made.took_steps
    assert (folder / "report.html").is_file()
