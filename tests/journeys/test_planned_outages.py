"""Planned maintenance is told to those who send over the axis's protocol and X-Road, too."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from gateway.admin.outages import AnnounceOutage, announce_outage
from gateway.outage import HEADER, header_of
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.test_xroad_provider import CLIENTS, register
from tests.journeys.vxp_lab import vxp_lab

LIST = {"servicetype": "eDoc", "messagetype": "edoc"}


async def test_answers_of_every_protocol_name_what_is_planned_to_whoever_is_known(
    tmp_path: Path, pki_folder: Path
) -> None:
    """As REST does; strangers learn no name of a channel."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        await register(lab, PROVINCE)
        sdk, base = await lab.sdk(PROVINCE), lab.app.foundation

        async def told() -> list[str | None]:
            found = []
            known, unknown = {"X-Road-Client": CLIENTS[PROVINCE]}, {"X-Road-Client": CLIENTS[COMMUNE]}
            xroad = f"https://localhost:{lab.port}/xroad/inbox?kind=document"
            for url, headers in (
                (f"{lab.url}/getReceivedEdocList", sdk.headers(LIST)),
                # a refusal of one that is known
                (f"{lab.url}/getEdoc", sdk.headers({"docId": "none"})),
                (xroad, known),
                (f"{lab.url}/getReceivedEdocList", {**sdk.headers(LIST), "XroadVnpt-hash-header": "00" * 32}),
                (xroad, unknown),
            ):
                method = "GET" if url == xroad else "POST"
                async with lab.session.request(method, url, headers=headers) as answer:
                    found.append(answer.headers.get(HEADER))
            return found

        assert await told() == [None] * 5
        now = base.clock.now()
        soon = AnnounceOutage(
            channel="axis",
            starts_at=now + timedelta(hours=1),
            ends_at=now + timedelta(hours=2),
            reason="nâng cấp trục",
        )
        await announce_outage(lab.app, soon, "user:test")
        header = header_of(base.outages.told(now))
        assert header.startswith('"axis";from="')
        assert await told() == [header] * 3 + [None] * 2
