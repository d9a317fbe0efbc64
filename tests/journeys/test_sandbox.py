"""Test agencies and production agencies on one running gateway: nothing goes from one side to the other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.client import GatewayClient
from gateway.directory.importer import import_agencies
from gateway.errors import ProblemError
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation
from tests.journeys.messages import document, status
from tests.journeys.receiver import Receiver
from tests.journeys.test_journey import reaches

VENDOR, TRIAL = "000.90.01.H33", "000.90.02.H33"
#: The trial office is reached over a channel that production offices use too.
CSV = f"""organ_id,name,kind,endpoint,sandbox
{VENDOR},Phần mềm thử,agency,province,yes
{TRIAL},Đơn vị thử,agency,pushed,yes
"""


async def _trial(installation: Installation) -> None:
    """Adds the two test agencies to the running gateway, and a token for the vendor."""
    assert installation.app is not None
    base = installation.app.foundation
    now = base.clock.now()
    report = await import_agencies(
        base.directory, base.pump, base.readers, CSV.encode(), actor="operator:test", now=now
    )
    assert not report.problems
    for organ_id in (VENDOR, TRIAL):
        agency = (await base.directory.resolve([organ_id], now))[organ_id]
        installation.tokens[organ_id], _ = await base.accounts.issue_token(
            agency.id, label="test", lifetime=timedelta(days=1), actor="operator:test", now=now
        )


async def _refusal(client: GatewayClient, body: bytes) -> str:
    with pytest.raises(ProblemError) as caught:
        await client.submit(body)
    assert (await client.documents()).items == []
    return caught.value.code


async def test_documents_do_not_cross_in_either_direction(installation: Installation, receiver: Receiver) -> None:
    """One recipient from the other side is enough to refuse the whole, and nobody gets anything."""
    await _trial(installation)
    async with installation.client(VENDOR) as vendor, installation.client(PROVINCE) as province:
        assert await _refusal(vendor, document(VENDOR, [PUSHED])) == "sandbox_crossing"
        assert await _refusal(vendor, document(VENDOR, [TRIAL, COMMUNE])) == "sandbox_crossing"
        assert await _refusal(province, document(PROVINCE, [TRIAL])) == "sandbox_crossing"
        assert await _refusal(province, document(PROVINCE, [PUSHED, TRIAL])) == "sandbox_crossing"
    assert receiver.came == []


async def test_test_agencies_reach_each_other_and_nobody_else_later(
    installation: Installation, receiver: Receiver
) -> None:
    """The journey works inside the sandbox, statuses included; adding a real recipient afterwards is refused."""
    await _trial(installation)
    async with installation.client(VENDOR) as vendor, installation.client(TRIAL) as trial:
        accepted = await vendor.submit(document(VENDOR, [TRIAL]))
        await reaches(vendor, accepted.id, TRIAL, "delivered")
        with pytest.raises(ProblemError) as caught:
            await vendor.redeliver(accepted.id, recipients=[PUSHED], reason="thử")
        assert caught.value.code == "sandbox_crossing"
        await trial.post_status(status(TRIAL, "03", sender=VENDOR))
        assert (await reaches(vendor, accepted.id, TRIAL, "acknowledged")).business_status == "03"
    assert {code for came in receiver.came for code in came.deliveries.values()} == {TRIAL}
