"""Whatever the network does to gateway, axis, offices and clients: what was accepted arrives, once.

Short forms of what `make network` does for longer; the network is one of namespaces, with real packets lost.
"""

from __future__ import annotations

import pytest

from tests.network.conftest import Templates
from tests.network.lab import Lab
from tests.network.places import running
from tests.network.scenarios import BY_NAME, CERTIFIED, DIRECT, Scenario

pytestmark = pytest.mark.slow


async def hold(lab: Lab, templates: Templates, *scenarios: Scenario) -> None:
    """One after the other in one run; then everything has arrived exactly once."""
    first = scenarios[0]
    async with running(lab, await templates.of(first.places), prepare=first.prepare) as found:
        for scenario in scenarios:
            await scenario.act(found, 1.5)
        await found.settle()
        assert found.verdict.violations == []
        assert found.deliveries() > 0


async def test_partition_loss_and_silence_lose_and_double_nothing(lab: Lab, templates: Templates) -> None:
    """Offices and the axis cut off, packets lost, connections that stay open and are dead."""
    await hold(lab, templates, *DIRECT)


async def test_delay_and_a_name_server_that_is_gone_lose_and_double_nothing(lab: Lab, templates: Templates) -> None:
    """A slow line and names without an answer hold up nobody else."""
    await hold(lab, templates, *BY_NAME)


async def test_certificate_that_ends_in_mid_run_is_told_and_taken_again(lab: Lab, templates: Templates) -> None:
    """A temporary failure that says why, an endpoint announced as down, and as up once it is renewed."""
    await hold(lab, templates, *CERTIFIED)
