"""A CA that is out: documents wait for it, seen by everybody, and go on by themselves when it answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.cli import main
from gateway.commands.acting import status_of
from gateway.diagnosis.doctor import examine_server
from gateway.maintenance import refresher
from tests.ca_process import Ca, running_ca
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.test_journey import reaches, until
from tests.unit.signatures import cms_made
from tests.unit.signatures.cms_made import CmsPlan
from tests.unit.signatures.pdf_made import signed

CONFIG = """
[checks]
policy = "record"
require = ["{code}"]
signers = "ca/anchors"
[revocation]
grace = "{grace}"
{more}
"""

#: Seconds: the first look starts a process that imports what reads signatures.
_PATIENCE = 60.0


@pytest_asyncio.fixture
async def ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ca]:
    monkeypatch.setattr(refresher, "FIRST_PAUSE", timedelta(milliseconds=100))
    async with running_ca(tmp_path / "ca") as running:
        monkeypatch.setattr(cms_made, "DECLARATION", running.declaration)
        yield running


async def _prepared(ca: Ca, pki_folder: Path, *, grace: str = "4h", more: str = "") -> Installation:
    config = CONFIG.format(code=COMMUNE, grace=grace, more=more)
    return await prepare(ca.folder.parent, pki_folder, more=config)


def _signed(number: str = "125", who: str = "person") -> bytes:
    pdf = signed(CmsPlan(member=who), CmsPlan(member="agency")).data
    return document(PROVINCE, [COMMUNE], number=number, content=pdf)


async def run(site: Installation, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """A command; what it says, without the log of the server beside it."""
    capsys.readouterr()
    code = await asyncio.to_thread(main, ["--config", str(site.folder / "config.toml"), *arguments])
    return code, capsys.readouterr().out


async def _told(site: Installation) -> str:
    """What the running server says of it."""
    status = await status_of(site.settings)
    assert status is not None
    layers = {each.subject: each.code for each in await examine_server(site.settings, status)}
    told = str(status["revocation"])
    words = {"fine": "layer_fine", "degraded": "revocation_degraded", "late": "revocation_late"}
    assert layers["revocation"] == words[told.partition(":")[0]]
    return told


def _metric(site: Installation, name: str) -> float:
    assert site.app is not None
    return site.app.metrics.registry.get_sample_value(name) or 0.0


async def test_documents_wait_for_a_ca_that_is_out_and_go_on_when_it_answers(
    ca: Ca, pki_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Held and listed, the state degraded; one fetch serves all that wait, and the verdict keeps the list."""
    site = await _prepared(ca, pki_folder)
    await ca.kill()
    async with site.running(), site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        first = await province.submit(_signed())
        second = await province.submit(_signed("126", "asked"))

        async def both_wait() -> bool:
            return _metric(site, "gateway_checks_pending") == 2 and (await _told(site)).startswith(
                "degraded: 2 doc"
            )

        await until(both_wait, _PATIENCE)
        for each in (first, second):
            line = await reaches(province, each.id, COMMUNE, "held")
            assert line.reason == "held_for_checks"
            assert (await province.document(each.id)).signatures is None
        assert ca.url in await _told(site)
        code, told = await run(site, capsys, "signatures", "pending", "--json")
        assert (code, {row["document"] for row in json.loads(told)}) == (0, {first.id, second.id})
        assert {row["for"] for row in json.loads(told)} == {"ca, ca-root"}
        code, told = await run(site, capsys, "show", first.id)
        assert "chưa xác định: đang chờ thông tin thu hồi của ca, ca-root" in told
        code, told = await run(site, capsys, "keys", "revocation", "list")
        assert code == 1
        await ca.start()

        async def both_there() -> bool:
            return len((await commune.inbox()).items) == 2

        await until(both_there, _PATIENCE)
        for each in (first, second):
            shown = (await province.document(each.id)).signatures
            assert shown is not None
            assert (shown.verdict, shown.vi) == ("PASSED", "chữ ký cá nhân, chữ ký cơ quan: hợp lệ")

        async def fine() -> bool:
            return (await _told(site)).startswith("fine")

        await until(fine, _PATIENCE)
        code, told = await run(site, capsys, "keys", "revocation", "list", "--json")
        assert (code, len(json.loads(told)["sources"]), len(json.loads(told)["answers"])) == (0, 2, 3)
        assert site.app is not None
        reads = site.app.foundation.readers
        kept = await reads.fetch("revocation_answer_list_named")
        verdict = await reads.fetch_one("verdict_get_newest", (first.id,))
        assert verdict is not None
        assert set(json.loads(verdict[3])["revocations"]) <= {row[0] for row in kept}
        third = await province.submit(_signed("127"))  # nothing is fetched for it
        await reaches(province, third.id, COMMUNE, "queued")
    assert not list(site.settings.storage.folder.glob("staging/*"))


async def test_grace_ends_and_the_policy_decides_then_the_answer_still_counts(
    ca: Ca, pki_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Undecided is never shown as valid: required, it waits for a person, and goes by itself once it is valid."""
    site = await _prepared(ca, pki_folder, grace="500ms")
    await ca.kill()
    async with site.running(), site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        accepted = await province.submit(_signed())

        async def decided() -> bool:
            return (await reaches(province, accepted.id, COMMUNE, "held")).reason == "signatures_not_valid"

        await until(decided, _PATIENCE)
        shown = (await province.document(accepted.id)).signatures
        assert shown is not None
        assert shown.verdict == "INDETERMINATE"
        words = "chữ ký cá nhân: chưa xác định được; chữ ký cơ quan: chưa xác định được — chỉ để biết, tham khảo"
        assert shown.vi == words

        async def late() -> bool:
            return (await _told(site)).startswith("late")

        await until(late, _PATIENCE)
        assert words in (await run(site, capsys, "show", accepted.id))[1]
        await ca.start()

        async def there() -> bool:
            return bool((await commune.inbox()).items)

        await until(there, _PATIENCE)
        again = (await province.document(accepted.id)).signatures
        assert again is not None
        assert again.verdict == "PASSED"


async def test_lists_from_files_let_documents_go_where_nothing_is_fetched(
    ca: Ca, pki_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator loads them; without a server they are loaded, too. What is no list is refused."""
    site = await _prepared(ca, pki_folder, more="fetch = false")
    files = [str(ca.folder / name) for name in ("root.crl", "ca.crl")]
    async with site.running(), site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        await province.submit(_signed())

        async def waits() -> bool:
            return _metric(site, "gateway_checks_pending") == 1

        await until(waits, _PATIENCE)
        code, _ = await run(site, capsys, "keys", "revocation", "load", files[1], "--reason", "monthly disc")
        assert code == 0
        code, told = await run(site, capsys, "keys", "revocation", "load", *files, "--reason", "disc", "--json")
        assert (code, len(json.loads(told)["answers"])) == (0, 2)
        assert (await commune.inbox(wait=10)).items
        wrong = str(site.folder / "config.toml")
        code, _ = await run(site, capsys, "keys", "revocation", "load", wrong, "--reason", "a test")
        assert code == 2
    ca.publish("person")
    code, told = await run(site, capsys, "keys", "revocation", "load", files[1], "--reason", "a new one")
    assert code == 0
    async with site.running(), site.client(PROVINCE) as province:
        accepted = await province.submit(_signed("126"))

        async def revoked() -> bool:
            return (await reaches(province, accepted.id, COMMUNE, "held")).reason == "signatures_not_valid"

        await until(revoked, _PATIENCE)
        shown = (await province.document(accepted.id)).signatures
        assert shown is not None
        assert "REVOKED_NO_POE" in shown.items[0].findings[0]
