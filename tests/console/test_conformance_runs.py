"""Conformance runs at their edges: begun twice at once, ended early, killed, and left behind by a crash.

Their processes are stand-ins that only wait; `test_vendor_walk` runs a real one.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.admin import conformance_runs
from gateway.admin.conformance_runs import BeginRun, ConformanceRuns, Run
from gateway.conformance import serving
from gateway.errors import RefusedError
from gateway.simulate.children import Child
from tests.console.site import Site
from tests.journeys.installation import COMMUNE

pytestmark = pytest.mark.asyncio(loop_scope="module")
ASKED = BeginRun(organ_id=COMMUNE, reason="thử")
_WAITS = "import signal; signal.pause()"


async def waiting(run: Run, code: str = _WAITS) -> asyncio.subprocess.Process:
    """Looks like a process of the run, and does nothing."""
    (run.folder / "gateway.py").write_text(code)
    (run.folder / "said.log").touch()
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        f"--folder={run.folder}/sandbox",
        cwd=run.folder,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


async def newest(site: Site) -> list[tuple[str, str]]:
    """Kind and actor of the newest events of runs, newest first."""
    rows = await site.base.writer.fetch(
        "SELECT kind, actor FROM event WHERE kind LIKE 'conformance.%' ORDER BY seq DESC LIMIT 2"
    )
    return [(row[0], row[1]) for row in rows]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> ConformanceRuns:
    """Without a sandbox."""
    monkeypatch.setattr(conformance_runs, "_started", waiting)
    return ConformanceRuns()


async def test_form_that_was_sent_twice_begins_one_run_and_its_end_names_who_ended_it(
    site: Site, runs: ConformanceRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the directory takes to know the office."""
    require = site.base.directory.require

    async def slowly(*asked: Any) -> Any:
        await asyncio.sleep(0)
        return await require(*asked)

    monkeypatch.setattr(site.base.directory, "require", slowly)
    both = [runs.begin(site.base, ASKED, f"user:{name}") for name in "ab"]
    answers = await asyncio.gather(*both, return_exceptions=True)
    (one,) = (each for each in answers if isinstance(each, Run))
    (other,) = (each for each in answers if isinstance(each, RefusedError))
    assert (other.code, runs.last) == ("conformance_running", one)
    await runs.stop("user:c")
    assert await newest(site) == [("conformance.ended", "user:c"), ("conformance.begun", one.actor)]
    await runs.close()
    assert not one.folder.exists()


async def test_command_that_is_killed_leaves_no_sandbox_behind(site: Site, runs: ConformanceRuns) -> None:
    """Its gateway has a session of its own."""
    run = await runs.begin(site.base, ASKED, "user:a")
    gateway = await waiting(run)
    assert run.process is not None
    assert run.task is not None
    run.process.kill()
    async with asyncio.timeout(60):
        await run.task
        assert await gateway.wait() == -9
    await runs.close()


async def test_run_of_a_server_that_crashed_is_ended_at_the_next_start(site: Site, runs: ConformanceRuns) -> None:
    """Processes, folder with its secrets, and the event; folders of other installations stay."""
    run = await runs.begin(site.base, ASKED, "user:a")
    assert run.process is not None
    assert run.task is not None
    run.task.cancel()
    await asyncio.wait([run.task])
    await ConformanceRuns().clean_up(site.base)
    async with asyncio.timeout(60):
        assert await run.process.wait() == -9
    assert not run.folder.exists()
    assert await newest(site) == [("conformance.ended", "gateway"), ("conformance.begun", "user:a")]
    await ConformanceRuns().clean_up(site.base)
    assert (await newest(site))[1] == ("conformance.begun", "user:a")


async def test_run_that_is_ended_while_its_gateway_starts_does_not_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it start one, if it was ended before."""
    started: list[tuple[str, Child]] = []
    ended = asyncio.Event()

    async def start(name: str, _arguments: list[str], log: Path) -> Child:
        child = await real("server", ["http.server", "--bind", "127.0.0.1", "0"], log)
        started.append((name, child))
        asyncio.get_running_loop().call_soon(ended.set)
        return child

    real = Child.start
    monkeypatch.setattr(Child, "start", start)
    layout = SimpleNamespace(config=tmp_path / "gateway.toml", logs=tmp_path)
    sandbox: Any = SimpleNamespace(layout=layout, operations_url="http://127.0.0.1:1")
    for _ in range(2):
        async with asyncio.timeout(60), serving._running(sandbox, ended) as gateway:
            assert gateway is None
    assert [(name, child.is_running) for name, child in started] == [("gateway", False)]
