"""A province whose way to the ministries is a facade: documents out and in, statuses back, over the real server."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit.fsck import examine
from gateway.client import GatewayClient
from gateway.commands.acting import open_for_reading
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.foundation import database_of, open_foundation
from tests.adapters.lgsp_lab import FacadeLab, facade, facade_folder
from tests.journeys.installation import COMMUNE, MINISTRY, Installation, prepare
from tests.journeys.messages import document, status
from tests.unit.deliver.fakes import FakeBody, outgoing

__all__ = ["facade", "facade_folder"]

_SECONDS = 60


def _lay_out(lab: FacadeLab, secrets: Path) -> None:
    """The facade's accounts are the province's and the ministry's, and the gateway has the keys of one."""
    path = lab.folder / "lgsp.toml"
    path.write_text(path.read_text().replace('"*.H99"', f'"{MINISTRY}"'))
    for name in ("gateway.password", "gateway.secret"):
        shutil.copy(lab.folder / name, secrets / name)


@pytest.fixture
async def province(facade: FacadeLab, pki_folder: Path, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation whose relay is the facade."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder, more='[cutover]\npoll_every = "200ms"')
    _lay_out(facade, made.settings.storage.secrets)
    await facade.start()
    async with open_foundation(made.settings, purpose="setup") as base:
        change = UpsertEndpoint(
            name="axis",
            kind="lgsp",
            settings=facade.endpoint().settings | {"anchors_file": str(facade.folder / "ca.pem")},
            capabilities={"fans_out": True},
            is_relay=True,
            actor="operator:test",
            now=base.clock.now(),
        )
        await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
    async with made.running():
        yield made


async def until(holds: Callable[[], bool]) -> None:
    """Another process writes what is waited for."""
    async with asyncio.timeout(_SECONDS):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def comes_to(client: GatewayClient, message_id: str, state: str) -> None:
    """Follow the events of the sender until its only delivery is there."""
    async with asyncio.timeout(_SECONDS):
        async for _ in client.events(0):
            if (await client.deliveries(message_id))[0].state == state:
                return


async def test_document_goes_out_its_status_comes_back_and_another_one_comes_in(
    province: Installation, facade: FacadeLab
) -> None:
    """Relayed is not delivered; the facade hears `done` of what is durably ours, and of nothing else."""
    content = document(COMMUNE, [MINISTRY])
    async with province.client(COMMUNE) as commune:
        accepted = await commune.submit(content)
        await until(lambda: bool(facade.taken()))
        (sent,) = facade.taken()
        assert facade.content(sent) == content
        await comes_to(commune, accepted.id, "relayed")
        ministry = facade.adapter()
        answer = replace(outgoing(), kind="status")
        await ministry.send(facade.endpoint("other"), answer, FakeBody(status(MINISTRY, "03", sender=COMMUNE)))
        await comes_to(commune, accepted.id, "acknowledged")
        (item,) = (await commune.inbox(wait=30)).items
        await commune.content(item.id)
        await commune.ack(item.id)

        incoming = document(MINISTRY, [COMMUNE], number="7")
        await ministry.send(facade.endpoint("other"), outgoing(), FakeBody(incoming))
        await ministry.close()
        items = (await commune.inbox(wait=30)).items
        assert [await commune.content(item.id) for item in items] == [incoming]
    await until(lambda: len(facade.told()) == 2)
    assert {(told.username, told.status) for told in facade.told()} == {("gateway", "done")}
    assert len(facade.taken()) == 3
    found = await examine(province.settings, database_of(province.settings))
    assert found.findings == []


async def test_facade_that_shows_a_proxys_page_is_an_outage_and_nothing_is_lost(
    province: Installation, facade: FacadeLab
) -> None:
    """While it lasts the source is marked as failing; afterwards everything goes on."""
    facade.order({"on": "*", "do": "page", "times": 0})
    async with province.client(COMMUNE) as commune:
        accepted = await commune.submit(document(COMMUNE, [MINISTRY], number="9"))
        await comes_to(commune, accepted.id, "deferred")
        facade.order()
        await comes_to(commune, accepted.id, "relayed")
    assert len(facade.taken()) == 1


async def test_entries_that_cannot_be_read_keep_no_other_from_being_taken(
    province: Installation, facade: FacadeLab
) -> None:
    """They are remembered, each once, and the list is no outage."""
    facade.order({"on": "list", "do": "malformed", "times": 0})
    ministry = facade.adapter()
    await ministry.send(facade.endpoint("other"), outgoing(), FakeBody(document(MINISTRY, [COMMUNE])))
    await ministry.close()
    await until(lambda: [told.status for told in facade.told()] == ["done"])
    async with open_for_reading(province.settings) as ledger:
        offers = await ledger.readers.fetch("offer_list_all")
        (source,) = await ledger.readers.fetch("source_list_all")
    assert sorted((row[9], bool(row[16])) for row in offers) == [("", True), *[("entry_unreadable", False)] * 2]
    assert source[4] == 0
