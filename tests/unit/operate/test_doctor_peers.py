"""check and doctor on channels of kinds that their adapters know best: a facade, a security server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.audit.findings import Findings
from gateway.diagnosis import doctor
from gateway.diagnosis.check import check_channels
from gateway.diagnosis.check_kinds import KINDS
from gateway.model import Endpoint, EndpointId
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import Installation
from tests.unit.operate.test_doctor import peer


def channel(installation: Installation, kind: str, port: int) -> Endpoint:
    """Complete settings."""
    own = installation.pki.server  # any pair will do
    settings: dict[str, object] = {
        "url": f"https://localhost:{port}",
        "anchors_file": str(installation.pki.anchors(TrustPurpose.TLS) / "root.pem"),
    }
    settings |= {
        "lgsp": {"username": "u", "system_id": "s", "password_file": "pushed", "secret_file": "pushed"},
        "xroad": {
            "client": "VN/GOV/7700/gateway",
            "service": "VN/GOV/G22/documents/exchange",
            "certificate_file": str(own.certificate),
            "key_file": str(own.key),
        },
    }[kind]
    return Endpoint(id=EndpointId("e"), name="x", kind=kind, settings=settings)


@pytest.mark.parametrize("kind", ["lgsp", "xroad"])
async def test_sound_channel_is_fine_in_every_layer(installation: Installation, kind: str) -> None:
    """From its settings to the other side's clock; the check finds nothing either."""
    async with peer(installation) as port:
        endpoint = channel(installation, kind, port)
        layers = await doctor.examine_channel(installation.settings, endpoint, None, now=datetime.now(UTC))
    assert {each.subject: each.code for each in layers} == dict.fromkeys(
        ("settings", "name", "tcp", "tls", "http", "last reply"), "layer_fine"
    )
    findings = Findings(KINDS)
    check_channels(installation.settings, [endpoint], findings)
    assert findings.listed() == []


@pytest.mark.parametrize(
    ("kind", "setting", "value"),
    [
        ("lgsp", "password_file", "none"),
        ("lgsp", "url", "http://lgsp.example.vn"),
        ("xroad", "client", "VN"),
        ("xroad", "key_file", "none.key"),
    ],
)
async def test_channel_that_lacks_something_says_what(
    installation: Installation, kind: str, setting: str, value: str
) -> None:
    """And nobody is dialled."""
    endpoint = channel(installation, kind, 1)
    wrong = replace(endpoint, settings=endpoint.settings | {setting: value})
    first, last = await doctor.examine_channel(installation.settings, wrong, None, now=datetime.now(UTC))
    assert (first.subject, first.code, last.subject) == ("settings", "channel_unfit", "last reply")
    findings = Findings(KINDS)
    check_channels(installation.settings, [wrong], findings)
    assert [each.code for each in findings.listed()] == ["channel_unfit"]
