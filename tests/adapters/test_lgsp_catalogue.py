"""A facade's list of agencies, in each of its shapes, and whatever is none."""

from __future__ import annotations

import json

import pytest

from adapters.lgsp.catalogue import LgspCatalogue, read_agencies
from gateway.errors import SourceError
from gateway.ports import CatalogueEntry
from tests.adapters.lgsp_lab import FacadeLab, facade, facade_folder, playing
from tests.adapters.receiver import says

__all__ = ["facade", "facade_folder"]

ROWS = [
    {"orgCode": "000.00.00.H33", "orgName": "UBND tỉnh", "parentCode": None, "email": "vt@example.vn"},
    {"orgCode": "005.02.01.H33", "orgName": "UBND xã Một", "parentCode": "000.00.00.H33", "phone": 5},
]


async def entries_of(lab: FacadeLab, **limits: int) -> list[CatalogueEntry]:
    """Everything the facade knows."""
    catalogue = LgspCatalogue(lab.endpoint(), lab.surroundings(), **limits)
    await catalogue.fetch()
    found = [entry async for part in catalogue.entries() for entry in part]
    await catalogue.close()
    return found


@pytest.mark.parametrize("shape", ["data", "list", "items"])
async def test_list_is_read_in_each_of_its_shapes(facade: FacadeLab, shape: str) -> None:
    """From the simulator, which asks for the token alone."""
    facade.settings(
        f'agencies_as = "{shape}"',
        'agencies = [{code = "000.00.00.G22", name = "Văn phòng Chính phủ"},'
        ' {code = "G22.W00", name = "x", parent = "000.00.00.G22"}]',
    )
    await facade.start()
    first, second = await entries_of(facade)
    assert (first.code, first.name, first.ref) == ("000.00.00.G22", "Văn phòng Chính phủ", "000.00.00.G22")
    assert (second.parent_ref, second.kind) == ("000.00.00.G22", "virtual")


async def test_list_is_asked_with_the_token_and_nothing_else(facade: FacadeLab) -> None:
    """As the guide says; the key stays at home."""
    content = json.dumps({"success": True, "data": ROWS}).encode()
    async with playing(facade, getAgenciesList=says("200 OK", content)) as script:
        found = await entries_of(facade)
    assert [(entry.code, entry.parent_ref, entry.email) for entry in found] == [
        ("000.00.00.H33", "", "vt@example.vn"),
        ("005.02.01.H33", "000.00.00.H33", ""),
    ]
    (call,) = script.calls
    assert call.line.startswith("GET /v1/getAgenciesList ")
    assert call.headers["authorization"] == "Bearer token-1"
    assert not {"x-systemid", "x-secretkey"} & set(call.headers)


async def test_list_longer_than_we_take_is_none(facade: FacadeLab) -> None:
    """Whoever runs the facade decides no size of our memory."""
    content = json.dumps({"success": True, "data": ROWS}).encode()
    async with playing(facade, getAgenciesList=says("200 OK", content)):
        with pytest.raises(SourceError):
            await entries_of(facade, bytes_max=len(content) - 1)


@pytest.mark.parametrize(
    ("status", "content", "code"),
    [
        (200, b"<html>", "peer_reply_invalid"),
        (200, b"", "peer_reply_invalid"),
        (200, b"[]", "peer_reply_invalid"),
        (200, b"[1]", "peer_reply_invalid"),
        (200, json.dumps(ROWS).encode()[:-1], "peer_reply_invalid"),
        (200, json.dumps({"success": True, "data": []}).encode(), "peer_reply_invalid"),
        (200, json.dumps({"success": True, "data": {"a": ROWS, "b": ROWS}}).encode(), "peer_reply_invalid"),
        (200, json.dumps({"success": True, "data": {"a": 1}}).encode(), "peer_reply_invalid"),
        (200, json.dumps({"success": True, "data": "x"}).encode(), "peer_reply_invalid"),
        (200, json.dumps({"success": True, "data": [{"orgName": "x"}]}).encode(), "peer_reply_invalid"),
        (200, json.dumps({"success": False, "message": "x"}).encode(), "peer_error"),
        (401, b"licenseInfo:invalid", "peer_credential_rejected"),
        (502, json.dumps(ROWS).encode(), "peer_error"),
    ],
)
def test_whatever_is_no_list_of_agencies_raises(status: int, content: bytes, code: str) -> None:
    """Nobody is closed because a facade was in trouble."""
    with pytest.raises(SourceError) as caught:
        read_agencies(status, content)
    assert caught.value.code == code
