"""A running gateway whose key lies on a token that is pulled out: visible, nothing unsigned, nothing lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from gateway.app import Application
from gateway.cli import main
from gateway.commands.acting import status_of
from gateway.config import settings as config
from gateway.diagnosis.doctor import examine_server
from gateway.errors import ProblemError
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.test_fsck import examined
from tests.token_lab import WRONG, TokenLab, make_token


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path, lab: TokenLab) -> Installation:
    """The key is on the token and nowhere else."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder)
    lab.put(made.pki.seal.key, "seal", 1)
    made.pki.seal.key.unlink()
    path = folder / "config.toml"
    text = path.read_text().replace("[seal]", f'[seal]\ntoken = "{lab.place()}"\nsecret = "{lab.secret}"')
    path.write_text(text)
    return replace(made, settings=config.load(path))


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenLab:
    return make_token(tmp_path / "token", monkeypatch)


async def get(app: Application, path: str) -> tuple[int, str]:
    """From the operations' listener."""
    url = f"http://127.0.0.1:{app.operations_port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def told(app: Application, site: Installation) -> tuple[int, str, float, set[str]]:
    """What /readyz, `gateway status`, /metrics and doctor say of the key."""
    await app.key.trial()
    ready, _ = await get(app, "/readyz")
    _, metrics = await get(app, "/metrics")
    failing = next(line for line in metrics.splitlines() if line.startswith("gateway_seal_failing_seconds "))
    status = await status_of(site.settings)
    assert status is not None
    found = {layer.code for layer in await examine_server(site.settings, status)}
    return ready, str(status["seal"]), float(failing.split()[1]), found


async def test_token_that_is_pulled_out_refuses_documents_and_stops_nothing_else(
    site: Installation, lab: TokenLab
) -> None:
    """503 with a time to come again; what was accepted is delivered; back again, the same document is taken."""
    async with site.running() as app, site.client(PROVINCE) as province, site.client(COMMUNE) as commune:
        first = await province.submit(document(PROVINCE, [COMMUNE], number="1"))
        ready, seal, failing, found = await told(app, site)
        assert (ready, seal, failing) == (200, "signs", 0)
        assert "seal_failing" not in found
        with lab.pulled_out():
            for _ in range(2):
                with pytest.raises(ProblemError) as caught:
                    await province.submit(document(PROVINCE, [COMMUNE], number="2"))
                assert (caught.value.status, caught.value.code) == (503, "seal_unavailable")
            ready, seal, failing, found = await told(app, site)
            assert ready == 503
            assert seal.startswith("not signing since ")
            assert failing > 0
            assert "seal_failing" in found
            waiting = (await commune.inbox()).items
            assert [item.message_id for item in waiting] == [first.id]
            await commune.content(waiting[0].id)
            await commune.ack(waiting[0].id)
        await asyncio.sleep(1.1)  # as long as a failing token is left alone
        second = await province.submit(document(PROVINCE, [COMMUNE], number="2"))
        assert (await province.receipt(second.id))[1]
        assert (await told(app, site))[1] == "signs"
    report = await asyncio.to_thread(examined, site.folder)
    assert [item.code for item in report.findings] == []


async def test_gateway_starts_without_its_token_and_takes_documents_once_it_is_there(
    site: Installation, lab: TokenLab
) -> None:
    """Agencies fetch what is theirs meanwhile; a restart does not wait for a person at the machine room."""
    with lab.pulled_out():
        async with site.running() as app, site.client(PROVINCE) as province:
            assert app.key.trouble is not None
            with pytest.raises(ProblemError, match="seal_unavailable"):
                await province.submit(document(PROVINCE, [COMMUNE], number="3"))


async def test_wrong_pin_is_a_finding_and_tried_again_by_a_person_alone(
    site: Installation, lab: TokenLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check names it, the command with the right PIN mends it, and the running server signs again by itself."""
    lab.write_pin(WRONG)
    command = ["--config", str(site.folder / "config.toml"), "keys", "try"]
    async with site.running() as app:
        assert app.key.trouble is not None
        assert app.key.trouble.code == "pin_refused"
        lab.write_pin()
        assert await asyncio.to_thread(main, command) == 1
        assert "pin_refused" in capsys.readouterr().out
        assert await asyncio.to_thread(main, [*command, "--pin-again"]) == 0
        await asyncio.sleep(1.1)
        assert (await told(app, site))[1] == "signs"
