"""An office that documents are brought to may keep a desk too, by its own wish, for what comes from then on."""

from __future__ import annotations

import pytest

from gateway.errors import RefusedError
from tests.desk.lab import DeskLab, clerk_of
from tests.journeys.installation import COMMUNE, PUSHED, Installation
from tests.journeys.receiver import Receiver
from tests.journeys.test_mass_acts import arrived


async def test_brought_documents_wait_at_the_desk_once_the_office_wants_it(
    installation: Installation, receiver: Receiver
) -> None:
    """What came before is its system's; what comes later is registered and answered at the desk, file and all."""
    app = installation.app
    assert app is not None
    clerk = await clerk_of(app, PUSHED)
    (office,) = clerk.offices
    lab = DeskLab(site=installation, app=app, office=office, code=PUSHED, clerk=clerk)
    inbox = lab.desk.inbox
    before = await lab.send("1")
    await arrived(app, before)
    assert (await inbox.waiting(clerk)).items == []
    stranger = await clerk_of(app, COMMUNE)
    with pytest.raises(RefusedError):
        await inbox.keep_desk(stranger, office, is_kept=True)
    await inbox.keep_desk(clerk, office, is_kept=True)
    await inbox.keep_desk(clerk, office, is_kept=True)
    later = await lab.send("2")
    await arrived(app, later)
    assert [item.delivery_id for item in (await inbox.waiting(clerk)).items] == [later]
    assert (await inbox.waiting(stranger)).items == []
    entry = await lab.desk.registering.register(clerk, later)
    assert (entry.number, lab.statuses(later)[-1][0]) == (1, "03")
    mailbox = app.gateway.mailbox
    async with mailbox.attachment(clerk.for_office(office), later, 1, "") as (_, found):
        assert found.size > 0
    with pytest.raises(RefusedError):
        await lab.desk.registering.register(clerk, before)
    await inbox.keep_desk(clerk, office, is_kept=False)
    last = await lab.send("3")
    await arrived(app, last)
    assert (await inbox.waiting(clerk)).items == []
    assert [len(lab.events(kind)) for kind in ("desk.opened", "desk.closed")] == [1, 1]
