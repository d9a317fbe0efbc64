"""What holds for every test."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long one example takes says how busy the machine is, not whether the code is right.
settings.register_profile("gateway", deadline=None)
settings.load_profile("gateway")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests begin the run: at its end no process waits for the long last file of another."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Thousands of tests and their modules stay: the collector need not look through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _keeps_its_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup or a drill that a test runs in its own process would slow all tests after it down."""
    monkeypatch.setattr(os, "nice", lambda _more: 0)


@pytest.fixture
def no_refill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rate limits give nothing back, however long this machine takes to use them up."""
    from gateway.ratelimit import RateLimit

    take = RateLimit.take
    monkeypatch.setattr(RateLimit, "take", lambda limit, key, _now: take(limit, key, 0.0))


@pytest.fixture(scope="session")
def pki_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A development PKI, made once; tests copy it."""
    from tests.journeys.installation import make_pki  # the whole gateway, which most tests do without

    folder = tmp_path_factory.mktemp("pki") / "certs"
    make_pki(folder)
    return folder


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> Path:
    """A filled installation, stopped; tests copy it."""
    from tests.journeys.filled import filled

    folder = tmp_path_factory.mktemp("ledger") / "site"
    folder.mkdir()

    async def fill() -> None:
        async with filled(folder, pki_folder):
            pass

    asyncio.run(fill())
    return folder
