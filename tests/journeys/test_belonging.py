"""Certificates bound to agencies by an operator's commands, and what becomes of documents by them."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.cli import main
from gateway.client import GatewayClient
from gateway.storage.sqlite import connect_lookup
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.test_journey import until
from tests.unit.signatures.cms_made import CmsPlan, pki
from tests.unit.signatures.pdf_made import signed
from tests.unit.signatures.vector_cases import write_anchors

CONFIG = '[checks]\nsigners = "foreign/signers"\n'


async def test_bound_certificates_are_compared_and_their_history_kept(
    tmp_path: Path, pki_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown, then the sender's; ended, it is no more the sender's, and the list keeps who did what."""
    write_anchors(tmp_path / "foreign")
    site = await prepare(tmp_path, pki_folder, more=CONFIG)
    files = {}
    for name, encoding in (("person", Encoding.PEM), ("agency", Encoding.DER)):
        files[name] = tmp_path / f"{name}.cer"
        files[name].write_bytes(pki()[name].certificate.public_bytes(encoding))

    async def certificates(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        arguments = ["--config", str(site.folder / "config.toml"), "agencies", "certificates", *words]
        return await asyncio.to_thread(main, arguments), capsys.readouterr().out

    why = ("--reason", "from their office", "--json")
    async with site.running(), site.client(PROVINCE) as province:
        assert await _looked_at(province, "1") == [("unknown", "PASSED"), ("unknown", "PASSED")]
        for name in ("person", "agency"):
            code, told = await certificates("add", PROVINCE, str(files[name]), *why)
            assert (code, json.loads(told)["kind"]) == (0, name)
        assert await _looked_at(province, "2") == [("sender", "PASSED"), ("sender", "PASSED")]
        assert (await certificates("add", COMMUNE, str(files["agency"]), *why))[0] == 1
        assert (await certificates("add", COMMUNE, str(files["person"]), *why))[0] == 0
        assert (await certificates("add", PROVINCE, str(site.folder / "config.toml"), *why))[0] == 1
        at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        sha256 = json.loads((await certificates("list", PROVINCE, "--json"))[1])[1]["certificate"]
        assert (await certificates("end", PROVINCE, sha256[:12], "--at", at, *why))[0] == 0
        assert (await certificates("end", PROVINCE, sha256[:12], *why))[0] == 1
        seen = await _looked_at(province, "3")
        assert seen == [("sender", "PASSED"), ("ended", "INDETERMINATE")]
        listed = json.loads((await certificates("list", PROVINCE, "--json"))[1])
        assert [bool(each["ended_by"]) for each in listed] == [False, True]
        assert all(each["bound_by"].startswith("operator:") for each in listed)
        kinds = _events(site)
        assert kinds.count("agency.certificate_bound") == 3
        assert kinds.count("agency.certificate_ended") == 1


async def _looked_at(province: GatewayClient, number: str) -> list[tuple[str, str]]:
    """What is found of a document by person and agency: whose they are, and the verdict of each."""
    pdf = signed(CmsPlan(member="person"), CmsPlan(member="agency")).data
    accepted = await province.submit(document(PROVINCE, [COMMUNE], number=number, content=pdf))

    async def is_there() -> bool:
        return (await province.document(accepted.id)).signatures is not None

    await until(is_there, 60)
    shown = (await province.document(accepted.id)).signatures
    assert shown is not None
    return [(each.belongs, each.verdict) for each in shown.items]


def _events(site: Installation) -> list[str]:
    with closing(connect_lookup(site.settings.storage.folder / "gateway.sqlite")) as connection:
        return [row[0] for row in connection.execute("SELECT kind FROM event").fetchall()]
