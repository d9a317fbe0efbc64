"""The axis's three lists of agencies over real TLS, from a real axis, sound and at fault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.vxp.catalogue import VxpCatalogue
from gateway.clock import SystemClock
from gateway.errors import ConfigError, SourceError
from gateway.model import Endpoint, EndpointId
from gateway.ports import CatalogueEntry, Surroundings
from tests.axis_lab import H33, AxisLab, make_axis, running_axis


def catalogue(axis: AxisLab, **settings: object) -> VxpCatalogue:
    """A client of it."""
    given: dict[str, object] = {
        "url": axis.url,
        "system_id": H33,
        "secret_file": axis.secret_files[H33].name,
        "anchors_file": str(axis.anchors),
    }
    endpoint = Endpoint(id=EndpointId("e"), name="axis", kind="vxp", settings=given | settings, is_relay=True)
    clock = SystemClock()
    return VxpCatalogue(
        endpoint, Surroundings(secrets=axis.secrets, folder=axis.folder, clock=clock, timeout_seconds=2)
    )


async def taken(client: VxpCatalogue) -> tuple[str, list[CatalogueEntry]]:
    """Digest and entries."""
    try:
        digest = await client.fetch()
        return digest, [entry async for part in client.entries() for entry in part]
    finally:
        await client.close()


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[AxisLab]:
    """A small one."""
    async with running_axis(tmp_path / "a", agencies=400) as running:
        yield running


async def test_all_lists_come_with_what_each_knows(axis: AxisLab) -> None:
    """Over TLS and signed; the same bytes have the same digest."""
    digest, entries = await taken(catalogue(axis, catalogue_level="0"))
    assert {entry.listing for entry in entries} == {"units", "agencies", "qd20"}
    assert len(entries) == 1200
    province = {entry.listing: entry for entry in entries if entry.code == "H33"}
    assert province["units"].parent_ref == ""
    assert province["agencies"].further_codes == province["qd20"].further_codes == ("000.00.00.H33",)
    below = next(entry for entry in entries if entry.code == "H33.01")
    assert below.parent_ref == province["units"].ref
    assert (await taken(catalogue(axis, catalogue_level="0")))[0] == digest


async def test_deleted_agency_is_told_as_deleted(axis: AxisLab) -> None:
    """And the digest is another one."""
    before, _ = await taken(catalogue(axis))
    (code,) = (await axis.change_catalogue(delete=1, seed=3))["codes"]
    after, entries = await taken(catalogue(axis))
    assert [entry.deleted for entry in entries if entry.code == code and entry.listing == "units"] == [True]
    assert after != before


_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "html"}, "peer_error"),
    ({"kind": "html", "http_status": 200}, "peer_reply_invalid"),
    ({"kind": "empty"}, "peer_reply_invalid"),
    ({"kind": "cut_before"}, "connection_lost"),
    ({"kind": "cut_body"}, "connection_lost"),
    ({"kind": "truncated"}, "peer_reply_invalid"),
    ({"kind": "not_json"}, "peer_reply_invalid"),
    ({"kind": "hmac"}, "peer_credential_rejected"),
    ({"kind": "fail", "code": "99", "words": "Loi he thong"}, "peer_error"),
    ({"kind": "slow", "delay": 30}, "peer_timeout"),
]


@pytest.mark.parametrize("operation", ["getSynchronizeUnit", "getAgenciesList"])
async def test_fault_of_the_axis_is_an_outage(axis: AxisLab, operation: str) -> None:
    """Whichever list it befalls: the catalogue cannot be read, and is not taken for an empty one."""
    told = {}
    for order, code in _FAULTS:
        await axis.order(operations=[operation], **order)
        with pytest.raises(SourceError) as caught:
            await taken(catalogue(axis))
        told[str(order)] = (caught.value.code, code)
        await axis.calm()
    assert {name: found for name, (found, _) in told.items()} == {name: due for name, (_, due) in told.items()}
    assert (await taken(catalogue(axis)))[1]


async def test_wrong_secret_wrong_authority_and_no_axis_are_told_apart(axis: AxisLab, tmp_path: Path) -> None:
    """The operator's next step differs."""
    (axis.secrets / "wrong").touch(0o600)
    (axis.secrets / "wrong").write_text("not-the-secret-0123456789")
    other = make_axis(tmp_path / "other").anchors
    codes = []
    for settings in ({"secret_file": "wrong"}, {"anchors_file": str(other)}, {"url": "https://localhost:9"}):
        with pytest.raises(SourceError) as caught:
            await taken(catalogue(axis, **settings))
        codes.append(caught.value.code)
    assert codes == ["peer_credential_rejected", "peer_tls_failed", "connect_failed"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "http://axis.example.vn"}, "https"),
        ({"url": "https://user:pass@axis.example.vn"}, "https"),
        ({"system_id": ""}, "system_id"),
        ({"secret_file": ""}, "secret_file"),
        ({"catalogue_lists": "units,all"}, "all"),
    ],
)
def test_wrong_settings_are_told_in_a_sentence(tmp_path: Path, settings: dict[str, object], words: str) -> None:
    """Before anybody is dialled."""
    axis = make_axis(tmp_path)
    with pytest.raises(ConfigError, match=words):
        catalogue(axis, **settings)
