"""An office's SFTP server that is another's, lies, stalls, breaks off, or leads elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from adapters.sftp.channel import problems
from gateway.errors import SourceError
from gateway.model import OutcomeKind
from gateway.ports import Settlement
from tests.adapters.folder_lab import SftpOffice, pin, sftp_office, write_secret
from tests.adapters.test_folder_faults import only_outcome, taken
from tests.unit.deliver.fakes import outgoing

_DONE = Settlement(done=True, message_id="m", answer=b"{}", transfer=b"{}", xades=b"<x/>")
_EDXML = b"<edXML>cong van</edXML>"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[SftpOffice]:
    async with sftp_office(tmp_path) as found:
        source = found.source()
        assert list(await source.listed()) == []
        await source.close()
        yield found


async def failure(office: SftpOffice) -> SourceError:
    """Why its list cannot be read."""
    source = office.source()
    try:
        with pytest.raises(SourceError) as caught:
            await source.listed()
    finally:
        await source.close()
    return caught.value


async def test_server_with_another_key_is_not_spoken_to(office: SftpOffice, tmp_path: Path) -> None:
    """No user name, no key and no document reach whoever sits in between."""
    pin(tmp_path / "known_hosts", office.port, asyncssh.generate_private_key("ssh-ed25519"))
    assert (await failure(office)).code == "host_key_wrong"
    assert only_outcome(await office.send(outgoing(), _EDXML)).reason == "host_key_wrong"
    assert office.arrived() == []


async def test_password_from_its_file_lets_us_in_and_is_told_nowhere(office: SftpOffice, tmp_path: Path) -> None:
    """Either a key or a password; a wrong one is the credential's fault."""
    office.settings = {**office.settings, "key_file": "", "password_file": "office-password"}
    assert only_outcome(await office.send(outgoing(), _EDXML)).kind is OutcomeKind.DELIVERED
    write_secret(tmp_path / "secrets" / "office-password", b"another, quite wrong")
    error = await failure(office)
    assert error.code == "peer_credential_rejected"
    assert "quite wrong" not in str(error)


async def test_password_that_is_no_text_is_told_without_a_byte_of_it(office: SftpOffice, tmp_path: Path) -> None:
    """An error of the decoder would name one."""
    office.settings = {**office.settings, "key_file": "", "password_file": "office-password"}
    write_secret(tmp_path / "secrets" / "office-password", b"correct horse \xf3")
    outcome = only_outcome(await office.send(outgoing(), _EDXML))
    assert outcome.kind is OutcomeKind.DEFERRED
    assert "UTF-8" in outcome.detail
    assert "f3" not in outcome.detail


async def test_key_of_somebody_else_is_rejected(office: SftpOffice, tmp_path: Path) -> None:
    """The server decides who comes in."""
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key()
    write_secret(tmp_path / "secrets" / "office-key", key)
    assert (await failure(office)).code == "peer_credential_rejected"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"known_hosts_file": "absent"}, "cannot be read"),
        ({"known_hosts_file": ""}, "no known_hosts_file"),
        ({"host": "localhost"}, "no key of localhost"),
        ({"key_file": "../office-key"}, "bare names"),
        ({"key_file": "absent"}, "cannot be read"),
        ({"key_file": "open-key"}, "0600"),
        ({"key_file": "locked-key"}, "passphrase"),
        ({"key_file": "no-key"}, "cannot be read"),
        ({"key_file": ""}, "either"),
        ({"password_file": "office-password"}, "either"),
        ({"port": 0}, "port"),
        ({"root": ""}, "no root"),
        ({"settle_seconds": "soon"}, "settle_seconds"),
        ({"settle_seconds": float("nan")}, "settle_seconds"),
        ({"max_bytes": float("inf")}, "max_bytes"),
        ({"patience_seconds": -1}, "patience_seconds"),
        ({"max_bytes": 10**400}, "max_bytes"),
    ],
)
async def test_wrong_settings_are_told_and_nothing_is_dialled(
    office: SftpOffice, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    """The operator reads what to mend, before and when it is used."""
    secrets = tmp_path / "secrets"
    write_secret(secrets / "open-key", office.user_key.export_private_key(), 0o644)
    write_secret(secrets / "locked-key", office.user_key.export_private_key("pkcs8-pem", passphrase="x"))
    write_secret(secrets / "no-key", b"no key at all")
    office.settings = office.settings | change
    assert any(words in told for told in problems(office.endpoint(), office.surroundings))
    dialled = len(office.connections)
    outcome = only_outcome(await office.send(outgoing(), _EDXML))
    assert outcome.kind is OutcomeKind.DEFERRED
    assert words in outcome.detail
    assert len(office.connections) == dialled


async def test_size_that_is_a_lie_is_no_document(office: SftpOffice) -> None:
    """Longer or shorter than it says: it is read again later, and never taken as it is."""
    (office.path / "outbox" / "a.edxml").write_bytes(_EDXML)
    for lie in (5, -5):
        office.habits.size_lie = lie
        source = office.source()
        (item,) = await source.listed()
        with pytest.raises(SourceError, match="file_changing"):
            await taken(source, item.ref)
        await source.close()


async def test_links_on_the_server_are_not_followed(office: SftpOffice) -> None:
    """Neither as a file nor as a folder."""
    (office.path.parent / "secret.edxml").write_bytes(b"secret")
    (office.path / "outbox" / "link.edxml").symlink_to("../../secret.edxml")
    source = office.source()
    (item,) = await source.listed()
    with pytest.raises(SourceError, match="file_unsafe"):
        await taken(source, item.ref)
    await source.close()
    (office.path / "outbox").rename(office.path / "elsewhere")
    (office.path / "outbox").symlink_to("elsewhere")
    assert (await failure(office)).code == "folder_unprepared"


async def test_stalled_server_is_given_up_and_the_next_look_has_a_new_connection(office: SftpOffice) -> None:
    """It costs one time-out, not the gateway's patience."""
    stalled = asyncio.Event()
    office.habits.before = lambda _: stalled.wait()
    source = office.source()
    async with asyncio.timeout(20):
        with pytest.raises(SourceError, match="peer_timeout"):
            await source.listed()
    office.habits.before = None
    assert list(await source.listed()) == []
    await source.close()


async def test_connection_that_breaks_is_opened_again(office: SftpOffice) -> None:
    """A restart of the server is one failed look at most."""
    (office.path / "outbox" / "a.edxml").write_bytes(_EDXML)
    source = office.source()
    (item,) = await source.listed()
    office.hang_up()
    with pytest.raises(SourceError, match="connection_lost"):
        await taken(source, item.ref)
    assert await taken(source, item.ref) == _EDXML
    await source.close()


async def test_server_without_extensions_serves_in_both_directions(office: SftpOffice) -> None:
    """Plain renames, no syncs, no figures of its disk: the least that version 3 has."""
    office.habits.extensions = False
    (office.path / "outbox" / "a.edxml").write_bytes(_EDXML)
    source = office.source()
    (item,) = await source.listed()
    assert await taken(source, item.ref) == _EDXML
    assert await source.settle(item.ref, _DONE)
    await source.close()
    assert office.texts("sent/*") == ["sent/a.edxml"]
    for _ in range(2):
        assert only_outcome(await office.send(outgoing(), _EDXML)).kind is OutcomeKind.DELIVERED
    assert len(office.arrived()) == 2


async def test_delivery_broken_off_midway_leaves_nothing_and_goes_through_next_time(office: SftpOffice) -> None:
    """A part of a document is never seen in the inbox."""
    item, writes = outgoing(), 0

    def before(name: str) -> None:
        nonlocal writes
        writes += name == "write"
        if writes == 2:
            office.hang_up()

    office.habits.before = before
    outcome = only_outcome(await office.send(item, b"<edXML>" + b"x" * 1_000_000))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "connection_lost")
    assert office.arrived() == []
    office.habits.before = None
    assert only_outcome(await office.send(item, b"<edXML>" + b"x" * 1_000_000)).kind is OutcomeKind.DELIVERED
    assert len(office.arrived()) == 1
    assert not office.texts("inbox/.*")
