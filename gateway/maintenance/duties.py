"""Runs background duties: each in its own task, again and again, for as long as the server lives.

A duty is one class in one file with `run_once()`, so that it can be called and tested without its loop. A
duty that fails is logged and runs again after its usual wait; it never stops another duty or the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import structlog

_log = structlog.get_logger(__name__)


class Duty(Protocol):
    """Something to be done from time to time."""

    @property
    def name(self) -> str:
        """For logs."""
        ...

    @property
    def every(self) -> timedelta:
        """The wait between two runs."""
        ...

    async def run_once(self) -> None:
        """Do it."""
        ...


class Duties:
    """The runner."""

    def __init__(self, duties: Sequence[Duty]) -> None:
        self._duties = tuple(duties)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Each runs at once, then after its wait."""
        self._tasks = [asyncio.create_task(_repeat(duty), name=f"duty-{duty.name}") for duty in self._duties]

    async def stop(self) -> None:
        """Interrupt them; a write that began is carried to its end by the pump."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []


async def _repeat(duty: Duty) -> None:
    while True:
        try:
            await duty.run_once()
        except Exception as error:  # noqa: BLE001  # the task's boundary: a duty that failed is due again
            _log.exception("duty.failed", duty=duty.name, error=type(error).__name__)
        await asyncio.sleep(duty.every.total_seconds())
