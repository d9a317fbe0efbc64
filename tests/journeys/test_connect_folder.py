"""The page for offices without a service, tried as written, in both languages."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from adapters.folder.names import read_name
from adapters.folder.sidecar import read_sidecar
from tests.adapters.folder_lab import SftpOffice, lay, sftp_office
from tests.journeys.installation import COMMUNE, PUSHED, Installation, prepare
from tests.journeys.pages import page_text
from tests.journeys.test_shadow import run

PAGES = ("docs/connect-folder.md", "docs/connect-folder.vi.md")


def blocks(page: str) -> list[str]:
    """The indented blocks of a page, lines that go on joined."""
    found = re.findall(r"(?:^    .*\n)+", page_text(page), re.MULTILINE)
    return [re.sub(r"\\\n\s*", "", block) for block in found]


def commands(page: str) -> list[list[str]]:
    """Its commands of ours, in order."""
    lines = [line.strip() for block in blocks(page) for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("gateway ")]


@pytest.fixture
async def office(tmp_path: Path, pki_folder: Path) -> AsyncIterator[tuple[Installation, SftpOffice]]:
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder)
    async with sftp_office(folder) as server:
        yield made, server


@pytest.mark.parametrize("page", PAGES)
async def test_commands_of_the_page_connect_both_kinds(
    page: str, office: tuple[Installation, SftpOffice], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the places are this test's own."""
    made, server = office
    path = lay(tmp_path / "share")
    (made.folder / "secrets" / "commune-2-key").write_bytes(server.user_key.export_private_key())
    (made.folder / "secrets" / "commune-2-key").chmod(0o600)
    ours = {
        "path=/srv/offices/commune-1": f"path={path}",
        "host=sftp.commune-2.example.vn": "host=127.0.0.1",
        "root=/exchange": "root=/office",
    }
    told = commands(page)
    assert [each[0] for each in told] == ["agencies", "agencies", "doctor"]
    async with made.running():
        for words in told[:2]:
            extra = ["--setting", f"port={server.port}"] if "sftp" in words else []
            assert await run(made, *(ours.get(word, word) for word in words), *extra) == 0
        for code, channel in ((COMMUNE, "commune-1"), (PUSHED, "commune-2")):
            assert await run(made, "agencies", "route", code, channel, "--reason", "as the page says") == 0
        for channel in ("commune-1", "commune-2"):
            words = [word.replace("commune-1", channel) for word in told[2]]
            capsys.readouterr()
            assert await run(made, *words) == 0
            assert "0 ready to be taken up" in capsys.readouterr().out
        (path / ".gateway-folder").unlink()
        (made.folder / "known_hosts").write_text(
            f"[127.0.0.1]:{server.port} "
            + asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        )
        for channel, reason in (("commune-1", ".gateway-folder"), ("commune-2", "host_key_wrong")):
            assert await run(made, "doctor", channel) != 0
            assert reason in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES)
def test_examples_of_the_page_are_what_the_gateway_reads(page: str) -> None:
    """The name and the description."""
    found = blocks(page)
    (name,) = [line.strip() for block in found for line in block.splitlines() if line.strip().startswith("12_")]
    told = read_name(name)
    assert (told.number, told.notation, told.subject) == ("12", "UBND-VP", "Về việc nghỉ lễ")
    assert told.recipients == ("000.00.01.H33", "000.00.02.H33")
    (description,) = [block for block in found if block.strip().startswith("{")]
    sidecar = read_sidecar(description.encode())
    assert sidecar.files == ("bao-cao.pdf", "phu-luc.xlsx")
    assert json.loads(sidecar.metadata)["codeNotation"] == "BC-UBND"
