"""Bodies at rest: nothing of a document lies readable on the disk; keys are turned, lost, and never told."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import shutil
import signal
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.fsck import FsckReport, examine
from gateway.backup.drill import drill
from gateway.backup.restore import Wanted, restore
from gateway.cli import main
from gateway.clock import SystemClock
from gateway.config import settings as config
from gateway.errors import EnvironmentRefusedError, RefusedError
from gateway.foundation import database_of, open_foundation
from gateway.storage.body_format import HEADER
from gateway.storage.body_keys import KeyFile
from tests.backup.lab import asked_json, backed_up, emptied, run, settings_of, shelf_of
from tests.backup.test_journey import client, command, served
from tests.forking import finished
from tests.journeys.handing import killed
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import document
from tests.stored import body_bytes, body_keys

#: Of a person, in a document's subject and in its file.
NAME = "Trần Thị Kín Đáo"
LETTER = f"Giấy mời bà {NAME} ".encode()
#: Not made smaller by any ZIP.
LARGE = LETTER * 10 + random.Random(3).randbytes(400_000) + LETTER
SMALL = LETTER * 40
#: What must not lie readable on a disk: as text, and where it begins in base64.
READABLE = (NAME.encode(), b64encode(LETTER)[:24], b"Nguy\xe1\xbb\x85n V\xc4\x83n M\xe1\xba\xabu")
#: Where a rotation is killed: at the replacing of the key file, and at its own commit, the second one of a command.
POINTS = (
    "fsio.replace.before=kill",
    "fsio.replace.after=kill",
    "pump.commit.before=kill:2",
    "pump.commit.after=kill:2",
)


def readable_in(folder: Path) -> list[str]:
    """Files below it in which one of the texts can be read."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(text in path.read_bytes() for text in READABLE)
    ]


def secrets_of(made: Installation) -> list[bytes]:
    """Everything that no log, database or backup may hold: tokens, shared secrets, keys as bytes and as text."""
    keys = [bytes.fromhex(text) for text in re.findall(r"\b[0-9a-f]{64}\b", key_file(made).read_text())]
    with closing(sqlite3.connect(database_of(made.settings))) as connection:
        rows = connection.execute("SELECT wrapped FROM body_key").fetchall()
    assert rows
    shared = [(made.folder / "secrets" / name).read_bytes() for name in ("pushed", "axis")]
    tokens = [token.encode() for token in made.tokens.values()]
    return [*keys, *(key.hex().encode() for key in keys), *shared, *tokens]


def key_file(made: Installation) -> Path:
    return made.settings.storage.body_key


def told_in(paths: Iterable[Path], secrets: Iterable[bytes]) -> list[str]:
    """Which file tells which secret."""
    found = {path: path.read_bytes() for path in paths}
    return [f"{path.name}: {secret[:6]!r}…" for path, data in found.items() for secret in secrets if secret in data]


async def asked(made: Installation, *arguments: str) -> Any:
    code, out, err = await finished("gateway", *command(made, *arguments))
    assert code == 0, (out, err)
    return json.loads(out)


async def test_journey_leaves_nothing_readable_on_the_disk_and_no_secret_anywhere(
    tmp_path: Path, pki_folder: Path
) -> None:
    """Every size, an upload under way, ranges, attachments, a turned key: bodies are noise, logs are silent."""
    site = tmp_path / "s"
    site.mkdir()
    made = await prepare(site, pki_folder)
    data = made.settings.storage.folder
    large = document(PROVINCE, [COMMUNE], number="1", subject=f"Mời {NAME}", content=LARGE)
    small = document(PROVINCE, [COMMUNE, PUSHED], number="2", subject=f"Mời {NAME}", content=SMALL)
    later = document(PROVINCE, [COMMUNE], number="3", subject=f"Mời {NAME}", content=SMALL)
    async with (
        served(made) as (process, port),
        client(made, port, PROVINCE) as sender,
        client(made, port, COMMUNE) as reader,
    ):
        sent = [await sender.submit(body) for body in (large, small)]
        begun = await sender.begin_upload(len(large), name="thu.pdf", content_type="application/pdf")
        assert await sender.append_upload(begun, 0, large[:400_000]) == 400_000
        assert [await sender.original(each.id) for each in sent] == [large, small]
        items = {item.message_id: item for item in (await reader.inbox(wait=10)).items}
        assert await reader.attachment(items[sent[0].id].id, 1) == LARGE
        async with reader.content_from(f"/inbox/{items[sent[0].id].id}/content", len(large) - 700) as part:
            assert (part.status, await part.read()) == (206, large[-700:])
        turned = await asked(made, "keys", "bodies", "rotate", "--reason", "mỗi năm", "--json")
        again = await sender.submit(later)
        assert await sender.original(again.id) == later
        assert await sender.original(sent[0].id) == large
        shown = await asked(made, "keys", "bodies", "show", "--count", "--json")
        assert (shown["encrypting"], shown["plain_bodies"], turned["keys"]) == (True, 0, 2)
        assert [key["needed_by"] == "nothing" for key in shown["keys"]] == [False, True]
        assert shown["data_keys"][-1]["id"] == turned["key"]
        assert shown["data_keys"][-1]["bodies"] >= 1
        assert {path.suffix for path in (data / "uploads").iterdir()} == {".json", ".part", ".tail"}
        for name in ("bodies", "spool", "uploads", "quarantine"):
            assert readable_in(data / name) == []
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    log = (site / "server.log").read_bytes()
    assert [text for text in READABLE if text in log] == []
    lying = [site / "server.log", *(path for path in data.rglob("*") if path.is_file())]
    assert told_in(lying, secrets_of(made)) == []
    assert (await examine(made.settings, database_of(made.settings))).ok


@pytest.mark.parametrize("part", ["database", "events", "messages"])
async def test_fsck_knows_the_keys_that_are_turned_beside_it(tmp_path: Path, pki_folder: Path, part: str) -> None:
    """What comes while it looks is encrypted under a key that was not there when it began."""
    site = tmp_path / "s"
    site.mkdir()
    made = await prepare(site, pki_folder)
    database, loop = database_of(made.settings), asyncio.get_running_loop()
    async with served(made) as (_, port), client(made, port, PROVINCE) as sender:
        first = await sender.submit(document(PROVINCE, [COMMUNE], number="1", content=SMALL))
        turned: list[str] = []

        async def turn() -> None:
            await asked(made, "keys", "bodies", "rotate", "--reason", "mỗi năm", "--json")
            turned.append((await sender.submit(document(PROVINCE, [COMMUNE], number="2", content=SMALL))).id)

        def told(name: str, _done: int, _total: int) -> None:
            if name == part and not turned:
                asyncio.run_coroutine_threadsafe(turn(), loop).result(60)

        def examined() -> FsckReport:
            return asyncio.run(examine(made.settings, database, progress=told))

        report = await asyncio.to_thread(examined)
        assert first.id != turned[0]
    assert report.findings == []
    assert report.counts.documents == (1 if part == "messages" else 2)


@pytest.mark.parametrize("point", POINTS)
def test_rotation_killed_anywhere_loses_no_body_and_is_run_again(
    folder: Path, point: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Either every data key is under the old key or every one under the new, and the file opens both."""
    killed(folder, point, "keys", "bodies", "rotate", "--reason", "killed on the way")
    settings = settings_of(folder)
    assert asyncio.run(examine(settings, database_of(settings), quick=True)).ok
    before = asked_json(folder, capsys, "keys", "bodies", "show")
    assert len(before["keys"]) == (1 if "replace.before" in point else 2)
    assert len(before["data_keys"]) == (2 if "commit.after" in point else 1)
    asked_json(folder, capsys, "keys", "bodies", "rotate", "--reason", "again")
    after = asked_json(folder, capsys, "keys", "bodies", "show")
    assert {key["under"] for key in after["data_keys"]} == {after["keys"][0]["id"]}
    for key in after["keys"][1:]:
        assert run(folder, "keys", "bodies", "retire", key["id"]) == 0
    assert asyncio.run(examine(settings, database_of(settings), quick=True)).ok


def test_backup_holds_what_a_restore_needs_but_the_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the key restore and drill say so and leave nothing; an older copy needs the older one."""
    settings, shelf = settings_of(folder), shelf_of(folder)
    path = settings.storage.body_key
    old = KeyFile.load(path).newest
    first = backed_up(folder, shelf).manifest.copy
    assert readable_in(shelf.folder / "bodies") == []
    kept = path.with_suffix(".safe")
    path.rename(kept)
    report = asyncio.run(drill(shelf, settings, "", SystemClock(), lambda *_: None))
    assert (report.ok, report.code) == (False, "body_key_unfit")
    emptied(folder)
    wanted = Wanted(copy=first, actor="operator:test", note="the disk died", quick=True)
    with pytest.raises(RefusedError, match="body_key_unfit"):
        asyncio.run(restore(shelf, settings, wanted, SystemClock(), lambda *_: None))
    assert not any(settings.storage.folder.iterdir())
    shutil.copy(kept, path)
    asyncio.run(restore(shelf, settings, wanted, SystemClock(), lambda *_: None))
    asked_json(folder, capsys, "keys", "bodies", "rotate", "--reason", "each year")
    second = backed_up(folder, shelf).manifest.copy
    (folder / "config.toml").write_text(
        f'{(folder / "config.toml").read_text()}\n[backup]\nfolder = "{shelf.folder}"\n'
    )
    assert run(folder, "keys", "bodies", "retire", old) != 0
    assert "copies" in capsys.readouterr().err
    assert run(folder, "keys", "bodies", "retire", old, "--accept-old-copies") == 0
    assert not any(
        secret in data for secret in path.read_bytes().split()[1::2] for data in _all_bytes(shelf.folder)
    )
    for copy, is_readable in ((second, True), (first, False)):
        report = asyncio.run(drill(shelf, settings_of(folder), copy, SystemClock(), lambda *_: None))
        assert (report.ok, report.code) == ((True, "") if is_readable else (False, "body_key_unfit"))


def _all_bytes(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def test_server_does_not_start_where_bodies_could_not_be_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A lost or other key stops it before it promises anything; the words say which file is meant."""
    settings = settings_of(folder)
    path = settings.storage.body_key
    path.unlink()
    spoils: list[Callable[[], None]] = [lambda: None, lambda: KeyFile.make(path), lambda: path.chmod(0o644)]
    for spoil in spoils:
        spoil()

        async def start() -> None:
            async with open_foundation(settings):
                pass

        with pytest.raises(EnvironmentRefusedError, match=r"bodies\.key"):
            asyncio.run(start())
    path.unlink()
    capsys.readouterr()
    assert main(["--config", str(folder / "config.toml"), "keys", "bodies", "init"]) == 0
    assert "safe" in capsys.readouterr().out
    assert main(["--config", str(folder / "config.toml"), "fsck"]) == 1
    assert "body_key" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write where it should not")
async def test_root_makes_no_key_for_a_folder_of_the_servers_user(tmp_path: Path) -> None:
    """An offline command on an empty ledger: the service could not read the key, and would not start."""
    settings = config.parse({}, folder=tmp_path)
    settings.storage.folder.mkdir()
    os.chown(settings.storage.folder, 12345, 12345)
    with pytest.raises(EnvironmentRefusedError, match="belongs to user 12345"):
        async with open_foundation(settings, purpose="setup"):
            pass
    assert not settings.storage.body_key.exists()


async def test_plain_bodies_stay_readable_after_encryption_began(tmp_path: Path, pki_folder: Path) -> None:
    """An operator makes the key when it suits him: nothing is written anew, and old and new lie side by side."""
    site = tmp_path / "s"
    site.mkdir()
    off = 'data"\nencrypt_bodies = false\nbody_key = "secrets/bodies.key'
    made = await prepare(site, pki_folder, data=off)
    first, second = (document(PROVINCE, [COMMUNE], number=number, content=LARGE) for number in ("1", "2"))
    async with made.running(), made.client(PROVINCE) as sender:
        old = await sender.submit(first)
    storage = made.settings.storage
    path = storage.folder / "bodies" / old.sha256[:2] / old.sha256
    assert path.read_bytes() == HEADER + first
    assert readable_in(storage.folder / "bodies") == [f"{path.parent.name}/{path.name}"]
    assert not key_file(made).exists()
    (site / "config.toml").write_text((site / "config.toml").read_text().replace("bodies = false", "bodies = true"))
    made.settings = config.load(site / "config.toml")
    async with made.running(), made.client(PROVINCE) as sender:
        assert made.app is not None
        assert not made.app.foundation.bodies.keys.is_encrypting  # nobody has put a key into a safe
    KeyFile.make(key_file(made))
    async with made.running(), made.client(PROVINCE) as sender:
        new = await sender.submit(second)
        assert [await sender.original(each.id) for each in (old, new)] == [first, second]
    assert path.read_bytes() == HEADER + first
    path = path.parents[1] / new.sha256[:2] / new.sha256
    assert not path.read_bytes().startswith(HEADER)
    assert body_bytes(path, body_keys(made.settings.storage)) == second
    assert (await examine(made.settings, database_of(made.settings))).ok
