"""The listener of other protocols and the key of shared secrets, as `check` and `doctor` see them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.accounts.secret_box import SecretBox
from gateway.audit.findings import Findings
from gateway.diagnosis.check_bindings import check_secret_key, examine_bindings
from gateway.diagnosis.check_kinds import KINDS
from tests.journeys.installation import Installation


def codes(installation: Installation, keys: list[str]) -> set[str]:
    findings = Findings(KINDS)
    check_secret_key(installation.settings, keys, findings)
    return set(findings.counts)


def test_key_is_missed_only_where_secrets_need_it(installation: Installation) -> None:
    """Gone, replaced, or readable by others: each is an error once a secret is in force."""
    box = SecretBox(installation.settings.storage.secrets)
    assert codes(installation, []) == set()
    assert codes(installation, ["0123456789abcdef"]) == {"shared_key_unfit"}
    box.make()
    assert codes(installation, ["0123456789abcdef"]) == {"shared_key_unfit"}
    assert codes(installation, [box.key_id]) == set()
    box.path.chmod(0o644)
    assert codes(installation, [SecretBox(box.path.parent).path.name]) == {"shared_key_unfit"}


async def test_doctor_tries_the_listener_and_names_plain_http(installation: Installation) -> None:
    """A closed port is an error, an open one fine; plain HTTP is said each time."""

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = installation.settings
    chosen = replace(settings, bindings=replace(settings.bindings, port=port, plain_port=8080))
    assert [each.code for each in await examine_bindings(chosen)] == ["layer_fine", "plain_http"]
    server.close()
    await server.wait_closed()
    assert [each.code for each in await examine_bindings(chosen)] == ["bindings_closed", "plain_http"]
    assert await examine_bindings(settings) == []
    box = SecretBox(settings.storage.secrets)
    box.make()
    assert [(each.code, each.subject) for each in await examine_bindings(settings)] == [
        ("layer_fine", "shared secrets")
    ]
    box.path.chmod(0o604)
    assert [each.code for each in await examine_bindings(settings)] == ["shared_key_unfit"]
