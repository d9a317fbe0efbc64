"""What is wrong with the settings by which a channel's list is polled, before anybody polls it."""

from __future__ import annotations

from datetime import timedelta

from gateway.errors import ConfigError
from gateway.maintenance.canary import canary_settings
from gateway.maintenance.pace import poll_settings
from gateway.maintenance.silence import patience_of
from gateway.model import Endpoint


def polling_problems(endpoint: Endpoint) -> list[str]:
    """Sentences for operators; with one of them the list would not be read at all."""
    problems = []
    for read in (
        lambda: poll_settings(endpoint.settings, every=timedelta(seconds=1)),
        lambda: patience_of(endpoint.settings, is_relay=endpoint.is_relay),
        lambda: canary_settings(endpoint.settings, is_relay=endpoint.is_relay),
    ):
        try:
            read()
        except ConfigError as error:
            problems.append(str(error))
    return problems
