"""Fixtures of the console's tests: one server per module, with users of each role, and one real browser."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from gateway.maintenance.alarm_watch import AlarmWatch
from tests.console.browsing import chromium
from tests.console.clicking import Speech
from tests.console.site import Site, console

#: How often a test in a browser that failed is run again; the run's end tells of it.
_RERUNS = int(os.environ.get("TEST_RERUNS", "1"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What walks through pages shares the machine with a browser: it may fail once (decision 49)."""
    for item in items:
        if any("chromium" in mark.kwargs.get("reason", "") for mark in item.iter_markers("skipif")):
            item.add_marker(pytest.mark.flaky(reruns=_RERUNS))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> AsyncIterator[Site]:
    """The console of a module's tests; they share it, so each brings what it changes."""
    folder = tmp_path_factory.mktemp("console") / "site"
    folder.mkdir()
    async with console(folder, pki_folder) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A real one for the module."""
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole_browser() -> AsyncIterator[Browser]:
    """One that shows PDFs and notifications."""
    async with chromium(is_whole=True) as found:
        yield found


@pytest.fixture(params=["vi", "en"])
def speech(request: pytest.FixtureRequest) -> Speech:
    """Each walk that asks for it is gone in both languages, whole."""
    return Speech(request.param)


@pytest.fixture
def alarms_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The duty, which looks every 30 s, ends no alarm that the test opens, and opens none beside it."""

    async def looks_away(_: AlarmWatch) -> None:
        pass

    monkeypatch.setattr(AlarmWatch, "run_once", looks_away)
