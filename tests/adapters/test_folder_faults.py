"""An office's folder in trouble: half-written, changing, gone, full, forbidden, tricky, or cut off midway."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from adapters.folder.adapter import FolderAdapter
from adapters.folder.local import LocalStore
from adapters.folder.settings import FolderSettings
from adapters.folder.source import FolderSource
from gateway.errors import SourceError
from gateway.model import Outcome, OutcomeKind, Outgoing, SendReport
from gateway.ports import Informed, Listed, Paper, Settlement, Source
from tests.adapters.folder_killed import KilledError, KilledStore
from tests.adapters.folder_lab import Office, local_office
from tests.unit.deliver.fakes import FakeBody, outgoing

_DONE = Settlement(done=True, message_id="m", answer=b"{}", transfer=b"{}", xades=b"<x/>")
_REFUSED = Settlement(done=False, reason="recipient_unknown", detail="nobody")
_EDXML = b"<edXML>cong van</edXML>"
_MEGABYTE = 1024 * 1024


@pytest.fixture
async def office(tmp_path: Path) -> Office:
    """One that is laid out."""
    found = local_office(tmp_path)
    assert list(await found.source().listed()) == []
    return found


async def taken(source: Source, ref: str) -> bytes:
    """What it fetches."""
    content = bytearray()

    async def write(chunk: bytes) -> None:
        content.extend(chunk)

    await source.fetch(ref, write)
    return bytes(content)


def names(items: list[Listed] | object) -> list[str]:
    """Names of what was listed."""
    assert isinstance(items, list)
    return [item.ref.partition("/")[2].partition("|")[0] for item in items]


def only_outcome(report: SendReport) -> Outcome:
    (found,) = report.outcomes.values()
    return found


# --- what is not ready


@pytest.mark.parametrize(
    "name",
    ["a.edxml.part", "~$a.pdf", "a.tmp", "a.pdf.filepart", ".a.edxml", "a.crdownload", "Thumbs.db", "a.pdf~"],
)
async def test_names_of_programs_that_write_are_left_alone(office: Office, name: str) -> None:
    """They are renamed when they are done."""
    (office.path / "outbox" / name).write_bytes(_EDXML)
    assert list(await office.source().listed()) == []
    assert (office.path / "outbox" / name).exists()


async def test_file_is_taken_up_only_after_it_stood_still(office: Office) -> None:
    """Whoever still writes is waited for, however often it pauses shorter than that."""
    path = office.path / "outbox" / "a.edxml"
    source = office.source(settle_seconds=10)
    path.write_bytes(_EDXML[:5])
    assert list(await source.listed()) == []
    office.clock.seconds += 9
    path.write_bytes(_EDXML)
    assert list(await source.listed()) == []
    office.clock.seconds += 9
    assert list(await source.listed()) == []
    office.clock.seconds += 1
    (item,) = await source.listed()
    assert await taken(source, item.ref) == _EDXML


async def test_file_that_grows_while_it_is_read_is_taken_up_later(office: Office) -> None:
    """Half of a document is none."""
    path = office.path / "outbox" / "a.edxml"
    path.write_bytes(b"<edXML>" + b"x" * _MEGABYTE)
    source = office.source()
    (item,) = await source.listed()

    async def write(_: bytes) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    with pytest.raises(SourceError, match="file_changing"):
        await source.fetch(item.ref, write)
    (again,) = await source.listed()
    assert again.ref != item.ref
    assert path.exists()


async def test_file_that_is_gone_when_it_is_read_is_no_outage(office: Office) -> None:
    """A clerk has thought better of it."""
    path = office.path / "outbox" / "a.edxml"
    path.write_bytes(_EDXML)
    source = office.source()
    (item,) = await source.listed()
    path.unlink()
    with pytest.raises(SourceError, match="file_changing"):
        await taken(source, item.ref)
    assert list(await source.listed()) == []


async def test_file_replaced_after_it_was_fetched_stays_for_the_next_look(office: Office) -> None:
    """Only what was accepted is moved away."""
    path = office.path / "outbox" / "a.edxml"
    path.write_bytes(_EDXML)
    source = office.source()
    (item,) = await source.listed()
    await taken(source, item.ref)
    path.write_bytes(b"<edXML>another</edXML>")
    assert await source.settle(item.ref, _DONE)
    assert path.exists()
    (other,) = await source.listed()
    assert await taken(source, other.ref) == b"<edXML>another</edXML>"


# --- tricks


async def test_links_special_files_and_folders_are_refused_unread(office: Office, tmp_path: Path) -> None:
    """The gateway reads no file that lies elsewhere, whoever asks it to."""
    secret = tmp_path / "secret.edxml"
    secret.write_bytes(b"secret")
    outbox = office.path / "outbox"
    (outbox / "link.edxml").symlink_to(secret)
    (outbox / "hard.edxml").hardlink_to(secret)
    (outbox / "folder.edxml").mkdir()
    os.mkfifo(outbox / "fifo.edxml")
    source = office.source()
    items = await source.listed()
    assert len(items) == 4
    for item in items:
        with pytest.raises(SourceError, match="file_unsafe"):
            await taken(source, item.ref)
    assert list(outbox.iterdir()) == []
    assert len(office.texts("refused/*/LY-DO.txt")) == 4
    assert secret.read_bytes() == b"secret"


async def test_folder_that_became_a_link_is_an_outage(office: Office, tmp_path: Path) -> None:
    """Nothing is read from or written to where it leads."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.edxml").write_bytes(_EDXML)
    shutil.rmtree(office.path / "outbox")
    (office.path / "outbox").symlink_to(elsewhere)
    with pytest.raises(SourceError, match="folder_unprepared"):
        await office.source().listed()
    assert (elsewhere / "a.edxml").exists()


async def test_names_of_any_bytes_are_dealt_with(office: Office) -> None:
    """Latin-1, decomposed accents, 255 bytes, signs that mean something elsewhere."""
    outbox = os.fsencode(office.path / "outbox")
    given = [
        b"v\xe2n b\xe1n.edxml",
        "Về việc.edxml".encode(),
        b"a|b%41.edxml",
        b"n" * 249 + b".edxml",
        b"-rf.edxml",
    ]
    given.append("\u0301e\u0302.edxml".encode())
    for name in given:
        with open(outbox + b"/" + name, "wb") as file:  # noqa: ASYNC230, PTH123 - bytes are meant
            file.write(_EDXML + name)
    source = office.source()
    items = await source.listed()
    assert {await taken(source, item.ref) for item in items} == {_EDXML + name for name in given}
    for number, item in enumerate(items):
        assert item.ref.encode("utf-8")
        assert await source.settle(item.ref, _DONE if number % 2 else _REFUSED)
    assert list((office.path / "outbox").iterdir()) == []
    assert {os.fsencode(each.name) for each in (office.path / "sent").iterdir()} < set(given)


async def test_same_name_sent_twice_keeps_both(office: Office) -> None:
    """What was sent is never written over."""
    for content in (b"<edXML>1</edXML>", b"<edXML>2</edXML>"):
        (office.path / "outbox" / "a.edxml").write_bytes(content)
        source = office.source()
        (item,) = await source.listed()
        await source.settle(item.ref, _DONE)
    kept = {each.read_bytes() for each in (office.path / "sent").iterdir()}
    assert kept == {b"<edXML>1</edXML>", b"<edXML>2</edXML>"}
    assert len(office.texts("receipts/*/answer.json")) == 2


async def test_files_that_a_description_names_are_nothing_by_themselves(office: Office) -> None:
    """Copied one after the other, they wait for each other."""
    outbox = office.path / "outbox"
    pdf = outbox / "1_VP_2026-03-02_005.02.01.H33_x.pdf"
    pdf.write_bytes(b"%PDF-1")
    (outbox / "mo-ta.json").write_text(json.dumps({"files": [pdf.name.upper(), "b.docx"]}))
    source = office.source(settle_seconds=0, patience_seconds=60)
    assert list(await source.listed()) == []
    (outbox / "b.docx").write_bytes(b"x")
    items = await source.listed()
    assert names(items) == ["mo-ta.json"]
    assert await source.settle(items[0].ref, _DONE)
    assert list(outbox.iterdir()) == []


async def test_ten_thousand_files_are_taken_up_in_turns_urgent_and_old_ones_first(office: Office) -> None:
    """A flood delays neither others nor what is urgent in it."""
    outbox = office.path / "outbox"
    for number in range(10_000):
        (outbox / f"{number:05}.edxml").touch()
    os.utime(outbox / "07777.edxml", (1, 1))
    (outbox / "HỎA TỐC_x.edxml").touch()
    (outbox / "khan_x.edxml").touch()
    began = time.monotonic()
    items = await office.source().listed()
    assert time.monotonic() - began < 60
    assert len(items) == 1000
    assert names(items)[:3] == ["HỎA TỐC_x.edxml", "khan_x.edxml", "07777.edxml"]


# --- outages


@contextmanager
def small_disk(path: Path, megabytes: int = 2) -> Iterator[Path]:
    """A file system of its own, of two megabytes."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def remount(path: Path, how: str) -> None:
    """From now on it is `ro` or `rw`."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(path)], check=True)


async def test_full_disk_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Delivery waits; once there is room, it goes through."""
    with small_disk(tmp_path / "disk") as disk:
        office = local_office(disk)
        await office.source().listed()
        filler = disk / "filler"
        filler.write_bytes(b"x" * 1_500_000)
        item = outgoing()
        outcome = only_outcome(await office.send(item, b"<edXML>" + b"x" * 400_000))
        assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "folder_full")
        # told wrong by the disk: it ends in the middle
        filler.write_bytes(b"x" * 900_000)
        (office.path / "inbox" / "other").write_bytes(b"x" * 60_000)
        outcome = only_outcome(await _send_blindly(office, item, b"<edXML>" + b"x" * 1_200_000))
        assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "folder_full")
        assert [each.name for each in (office.path / "inbox").iterdir()] == ["other"]
        filler.unlink()
        outcome = only_outcome(await office.send(item, b"<edXML>" + b"x" * 400_000))
        assert outcome.kind is OutcomeKind.DELIVERED


async def _send_blindly(office: Office, item: Outgoing, content: bytes) -> SendReport:
    """By a store that cannot tell how much room there is."""

    class Blind(LocalStore):
        async def free_bytes(self) -> int | None:
            return None

    adapter = FolderAdapter(office.surroundings, lambda *_: Blind(office.path, 2))
    return await adapter.send(office.endpoint(), replace(item, size=len(content)), FakeBody(content))


async def test_read_only_share_is_an_outage_in_both_directions(tmp_path: Path) -> None:
    """What lies there is not taken up, since it could not be cleared away: the office would send it again."""
    with small_disk(tmp_path / "disk") as disk:
        office = local_office(disk)
        source = office.source()
        await source.listed()
        (office.path / "outbox" / "a.edxml").write_bytes(_EDXML)
        remount(disk, "ro")
        (item,) = await source.listed()
        with pytest.raises(SourceError, match="folder_forbidden"):
            await source.settle(item.ref, _DONE)
        assert only_outcome(await office.send(outgoing(), _EDXML)).reason == "folder_forbidden"
        remount(disk, "rw")
        assert await source.settle(item.ref, _DONE)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ESTALE, "connect_failed"),
        (errno.EIO, "connect_failed"),
        (errno.EACCES, "folder_forbidden"),
        (errno.EROFS, "folder_forbidden"),
        (errno.ENOSPC, "folder_full"),
        (errno.EDQUOT, "folder_full"),
    ],
)
@pytest.mark.parametrize("call", ["scandir", "open", "stat"])
async def test_errors_of_shares_are_outages_with_a_reason(
    office: Office, monkeypatch: pytest.MonkeyPatch, call: str, number: int, code: str
) -> None:
    """Whichever call meets it, the folder is down and not empty."""
    (office.path / "outbox" / "a.edxml").write_bytes(_EDXML)

    def fails(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    source = office.source()
    monkeypatch.setattr(f"adapters.folder.local.os.{call}", fails)
    with pytest.raises(SourceError) as caught:
        await source.listed()
    assert caught.value.code == code
    monkeypatch.undo()
    assert len(await source.listed()) == 1


async def test_share_that_hangs_is_given_up_and_keeps_few_threads(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead server's calls never end; others go on, and no more than two of them gather."""
    import threading

    let_go, hanging = threading.Event(), []

    def hangs(*_: object, **__: object) -> None:
        hanging.append(1)
        let_go.wait(30)
        raise OSError(errno.EIO, "at last")

    store = LocalStore(office.path, 0.1)
    monkeypatch.setattr("adapters.folder.local.os.scandir", hangs)
    for _ in range(5):
        with pytest.raises(SourceError, match="peer_timeout"):
            await store.entries(("outbox",), 10)
    assert len(hanging) == 2
    let_go.set()


# --- cut off between any two acts


async def test_pick_up_killed_at_any_act_ends_the_same_after_a_restart(tmp_path: Path) -> None:
    """One receipt, the files in sent/, nothing left, and the same entry each time it is seen again."""
    for settlement, area in ((_DONE, "sent"), (_REFUSED, "refused")):
        for acts in count():
            office = local_office(tmp_path / f"{area}{acts}")
            await office.source().listed()
            outbox = office.path / "outbox"
            (outbox / "1_VP_2026-03-02_005.02.01.H33_x.pdf").write_bytes(b"%PDF-1")
            (outbox / "b.docx").write_bytes(b"x")
            description = {"files": ["1_VP_2026-03-02_005.02.01.H33_x.pdf", "b.docx"]}
            (outbox / "mo-ta.json").write_text(json.dumps(description))
            died, refs = await _settle(office, settlement, acts)
            for _ in range(2):
                again, more = await _settle(office, settlement, 10_000)
                assert not again
                refs += more
            assert len(set(refs)) == 1
            assert list(outbox.iterdir()) == []
            where = [
                each.name for each in office.path.rglob("*") if each.name in {*description["files"], "mo-ta.json"}
            ]
            assert sorted(where) == sorted([*description["files"], "mo-ta.json"])
            assert len(office.texts("receipts/*/answer.json")) == (area == "sent")
            assert len(office.texts("refused/*/reason.json")) == (area == "refused")
            assert not office.texts("**/.*.part")
            if not died:
                break
        assert acts > 5


async def test_paper_killed_at_any_act_lies_there_once_after_a_restart(tmp_path: Path) -> None:
    """Whole, with its reason, and never again once a clerk has taken it away."""
    paper = Paper(key="0123456789abcdef", state="held", reason="held_by_operator", code="1/VP")
    for acts in count():
        office = local_office(tmp_path / f"{acts}")
        await office.source().listed()
        store = KilledStore(LocalStore(office.path, 2), acts)
        died = False
        try:
            await FolderSource(office.endpoint(), office.surroundings, store, FolderSettings()).inform(paper)
        except KilledError:
            died = True
        source = office.source()
        assert isinstance(source, Informed)
        for _ in range(2):
            await source.inform(paper)
        assert len(office.texts("refused/[!.]*/LY-DO.txt")) == len(office.texts("refused/[!.]*/reason.json")) == 1
        assert not office.texts("**/.*.part")
        shutil.rmtree(office.path / office.texts("refused/[!.]*")[0])
        await source.inform(paper)
        assert office.texts("refused/*") == []
        if not died:
            break
    assert acts > 5


async def _settle(office: Office, settlement: Settlement, acts: int) -> tuple[bool, list[str]]:
    """Whether it died, and what it saw."""
    store = KilledStore(LocalStore(office.path, 2), acts)
    source = FolderSource(
        office.endpoint(),
        office.surroundings,
        store,
        FolderSettings(settle_seconds=0, patience_seconds=1000),
    )
    refs: list[str] = []
    try:
        for item in await source.listed():
            refs.append(item.ref)
            assert await source.settle(item.ref, settlement)
    except KilledError:
        return True, refs
    return False, refs


async def test_delivery_killed_at_any_act_makes_one_folder_after_a_restart(tmp_path: Path) -> None:
    """Whole, once, even where a clerk has moved it away before the gateway came back."""
    for is_taken in (False, True):
        for acts in count():
            office = local_office(tmp_path / f"{is_taken}{acts}")
            await office.source().listed()
            item = replace(outgoing(), size=len(_EDXML))
            killed = KilledStore(LocalStore(office.path, 2), acts)
            died = False
            try:
                await FolderAdapter(office.surroundings, lambda *_, store=killed: store).send(
                    office.endpoint(), item, FakeBody(_EDXML)
                )
            except KilledError:
                died = True
            had = office.arrived()
            if is_taken and had:
                (folder,) = [each for each in (office.path / "inbox").iterdir() if each.name[0] != "."]
                folder.rename(office.path / "taken by a clerk")
            outcome = only_outcome(await office.send(item, _EDXML))
            assert outcome.kind is OutcomeKind.DELIVERED
            assert len(office.arrived()) == (0 if is_taken and had else 1)
            assert not office.texts("inbox/.*")
            if not died:
                break
        assert acts > 5
