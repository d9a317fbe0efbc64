"""What every `Catalogue` holds to: the axis's client at a real axis, and the fake of the directory's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.vxp.catalogue import VxpCatalogue
from gateway.clock import SystemClock
from gateway.errors import SourceError
from gateway.model import Endpoint, EndpointId
from gateway.ports import Catalogue, CatalogueEntry, Surroundings
from tests.axis_lab import H33, running_axis
from tests.fakes.catalogue_fake import CatalogueFake, nation

AGENCIES = 300


@dataclass
class Lab:
    """A catalogue, and how its peer is made to change, to fall silent and to break off."""

    catalogue: Catalogue
    change: Callable[[], Awaitable[object]]
    go_away: Callable[[], Awaitable[object]]
    break_off: Callable[[], Awaitable[object]]


@pytest.fixture(params=["fake", "vxp"])
async def lab(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Lab]:
    """Each kind of catalogue."""
    if request.param == "fake":
        fake = CatalogueFake(nation(AGENCIES))

        async def change() -> None:
            fake.said = nation(AGENCIES + 1)

        async def fail(after: int | None) -> None:
            fake.fails, fake.fails_after = SourceError("peer_reply_invalid", "cut"), after

        yield Lab(fake, change, lambda: fail(None), lambda: fail(200))
        return
    async with running_axis(tmp_path / "a", agencies=AGENCIES) as axis:
        settings: dict[str, object] = {
            "url": axis.url,
            "system_id": H33,
            "secret_file": axis.secret_files[H33].name,
            "anchors_file": str(axis.anchors),
        }
        endpoint = Endpoint(id=EndpointId("e"), name="axis", kind="vxp", settings=settings, is_relay=True)
        client = VxpCatalogue(
            endpoint, Surroundings(secrets=axis.secrets, folder=axis.folder, clock=SystemClock(), timeout_seconds=5)
        )
        yield Lab(
            client,
            lambda: axis.change_catalogue(add=1, seed=1),
            lambda: axis.order("cut_before"),
            lambda: axis.order("truncated", operations=["getAgenciesList"]),
        )
        await client.close()


async def read(catalogue: Catalogue) -> list[CatalogueEntry]:
    """All of it."""
    return [entry async for part in catalogue.entries() for entry in part]


async def test_all_entries_come_list_after_list(lab: Lab) -> None:
    """Each with a code of its own; a list that has ended does not begin again; reading twice gives the same."""
    await lab.catalogue.fetch()
    entries = await read(lab.catalogue)
    assert len({entry.code for entry in entries}) >= AGENCIES
    lists = [entry.listing for entry in entries]
    assert [name for place, name in enumerate(lists) if place == 0 or lists[place - 1] != name] == list(
        dict.fromkeys(lists)
    )
    assert await read(lab.catalogue) == entries


async def test_digest_is_the_same_until_something_changes(lab: Lab) -> None:
    """It stands for what was fetched."""
    first = await lab.catalogue.fetch()
    assert await lab.catalogue.fetch() == first
    await lab.change()
    assert await lab.catalogue.fetch() != first


async def test_peer_that_is_away_raises_and_is_asked_again(lab: Lab) -> None:
    """With SourceError and a reason, never with an empty catalogue."""
    await lab.go_away()
    with pytest.raises(SourceError):
        await lab.catalogue.fetch()


async def test_catalogue_that_breaks_off_raises_in_the_end(lab: Lab) -> None:
    """Entries may have come before: none of them counts."""
    await lab.break_off()

    async def all_of_it() -> None:
        await lab.catalogue.fetch()
        await read(lab.catalogue)

    with pytest.raises(SourceError):
        await all_of_it()


async def test_closing_twice_does_no_harm(lab: Lab) -> None:
    """And a catalogue that was closed can be fetched again."""
    await lab.catalogue.fetch()
    await lab.catalogue.close()
    await lab.catalogue.close()
    assert await lab.catalogue.fetch()
    assert await read(lab.catalogue)
