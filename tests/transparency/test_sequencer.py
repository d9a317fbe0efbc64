"""The sequencer and the signing of checkpoints: real SQLite, the real pump, the real process that signs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509

from gateway.clock import SystemClock
from gateway.config.settings import LogSettings, SealSettings
from gateway.errors import KeyFileError, LogRaceError, LogRefusedError, ProofError
from gateway.events import Event
from gateway.evidence.log_mark import Mark, read_mark, write_mark
from gateway.evidence.sequencer import Sequencer
from gateway.ledger import history
from gateway.ledger.epochs import OpenEpoch, OpenEpochOperation
from gateway.ledger.tree import (
    DeclareGap,
    DeclareGapOperation,
    Grow,
    GrowOperation,
    KeepCheckpointOperation,
    LogReads,
    Signed,
)
from gateway.maintenance.checkpointer import Checkpointer
from gateway.observe import Metrics
from gateway.pki import DevPki, make_dev_pki
from gateway.seal.profile import fingerprint
from gateway.seal.signer import KeyPlace
from gateway.signing import SealingKey
from gateway.signing_process import SIGNED, KeyHolder, LogKey
from gateway.storage.pump import Transaction
from gateway.transparency.checkpoint import Checkpoint, opened
from gateway.transparency.keys import of_epoch, read_vkeys
from gateway.transparency.merkle import EMPTY_ROOT, Frontier, verify_consistency, verify_inclusion
from gateway.transparency.note import VerifierKey
from gateway.transparency.tiles import TileId
from tests.ledger.lab import START, Lab, open_lab
from tests.transparency.growing import root_by_the_book


class _Note:
    """Appends so many events."""

    name = "note_events"

    async def apply(self, tx: Transaction, payloads: Sequence[int]) -> Sequence[None]:
        for count in payloads:
            rows = [
                history.EventRow(kind=Event.SERVER_STARTED, at=START, actor="gateway", facts={"number": number})
                for number in range(count)
            ]
            await history.append(tx, rows)
        return [None] * len(payloads)


async def note(lab: Lab, count: int) -> None:
    await lab.pump.submit(_Note(), count)


def hashes_of(lab: Lab) -> list[bytes]:
    """Leaf hashes of all events, as they lie there."""
    return [sha256(b"\x00" + row[0]).digest() for row in lab.eye.execute("SELECT leaf FROM event ORDER BY seq")]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevPki:
    return make_dev_pki(tmp_path_factory.mktemp("log") / "pki", now=SystemClock().now())


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with open_lab(tmp_path) as opened_lab:
        yield opened_lab


@asynccontextmanager
async def checkpointer(lab: Lab, pki: DevPki, mark: Path) -> AsyncIterator[Checkpointer]:
    settings = LogSettings(vkey=pki.log_vkey, key=pki.log_key, mark=mark)
    key = SealingKey()
    await key.take(SealSettings(certificate=pki.seal.certificate, key=pki.seal.key), settings)
    try:
        yield Checkpointer(lab.readers, lab.pump, key, settings=settings, clock=SystemClock(), metrics=Metrics())
    finally:
        await key.close()


def vkey(pki: DevPki) -> VerifierKey:
    return read_vkeys(pki.log_vkey.read_bytes())[0]


def seal_place(pki: DevPki) -> KeyPlace:
    return KeyPlace(key=pki.seal.key, certificate=pki.seal.certificate)


async def refusal(duty: Checkpointer) -> str:
    await duty.run_once()
    return "" if duty.refusal is None else duty.refusal.code


async def test_every_event_becomes_a_leaf_in_the_order_of_its_number(lab: Lab) -> None:
    """In portions of any size; proofs of every leaf under every size hold."""
    sequencer, reads = Sequencer(lab.readers, lab.pump, portion=7), LogReads(lab.readers)
    for count in (1, 300, 0, 5):
        if count:
            await note(lab, count)
        tree = await sequencer.catch_up()
    hashes = hashes_of(lab)
    assert tree.size == len(hashes) == tree.seq
    assert tree.root == root_by_the_book(hashes) == await reads.root_at(tree.size)
    assert await reads.tree() == tree
    for index in (0, 6, 255, 256, tree.size - 1):
        assert await reads.index_of(index + 1) == index
        assert await reads.seq_of(index) == index + 1
        path = await reads.inclusion(index, tree.size)
        verify_inclusion(index, tree.size, hashes[index], path, tree.root)
    old = 257
    proof = await reads.consistency(old, tree.size)
    verify_consistency(old, tree.size, root_by_the_book(hashes[:old]), tree.root, proof)
    assert await reads.index_of(tree.seq + 1) is None
    assert await reads.seq_of(tree.size) is None
    with pytest.raises(ProofError):
        await reads.inclusion(tree.size, tree.size)
    with pytest.raises(ProofError):
        await reads.root_at(tree.size + 1)


async def test_numbers_that_jump_leave_no_gap_among_leaves(lab: Lab) -> None:
    """A restore opens an epoch of the ledger: its events go on far above, its leaves where the tree ends."""
    sequencer, reads = Sequencer(lab.readers, lab.pump), LogReads(lab.readers)
    await note(lab, 3)
    before = await sequencer.catch_up()
    ask = OpenEpoch(copy="c", taken_at=START, now=START + timedelta(days=1), actor="operator:0", note="disk")
    epoch = await lab.pump.submit(OpenEpochOperation(), ask)
    await note(lab, 2)
    tree = await sequencer.catch_up()
    assert tree.root == root_by_the_book(hashes_of(lab))
    assert await reads.index_of(epoch.first) == before.size
    assert await reads.index_of(epoch.first - 1) is None
    assert await reads.index_of(before.seq + 1) is None
    assert await reads.seq_of(before.size + 1) == epoch.first + 1
    assert (
        await reads.leaf(before.size)
        == lab.eye.execute("SELECT leaf FROM event WHERE kind = 'epoch.opened'").fetchone()[0]
    )


async def test_whoever_worked_over_another_tree_grows_nothing(lab: Lab) -> None:
    """Compare and swap of size and root."""
    sequencer = Sequencer(lab.readers, lab.pump)
    await note(lab, 3)
    tree = await sequencer.catch_up()
    stale = replace(tree, root=bytes(32))
    grown = tree.frontier.extended([bytes(32)])
    tiles = {TileId(0, 0): bytes(32 * (tree.size + 1))}
    for before in (stale, replace(tree, frontier=Frontier())):
        with pytest.raises(LogRaceError):
            await lab.pump.submit(
                GrowOperation(), Grow(before=before, after=grown, seqs=[tree.seq + 1], tiles=tiles)
            )
    assert await LogReads(lab.readers).tree() == tree


async def test_two_sequencers_make_one_tree(lab: Lab) -> None:
    """One of the two may lose a race; no leaf is there twice."""
    await note(lab, 500)
    one, other = (Sequencer(lab.readers, lab.pump, portion=11) for _ in range(2))
    await asyncio.gather(one.catch_up(), other.catch_up(), return_exceptions=True)
    tree = await one.catch_up()
    assert tree.root == root_by_the_book(hashes_of(lab))


async def test_checkpoints_are_signed_over_what_is_committed(lab: Lab, pki: DevPki, tmp_path: Path) -> None:
    """Nothing new: nothing signed. Each continues the one before; the mark is that of the last."""
    async with checkpointer(lab, pki, tmp_path / "mark") as duty:
        reads, seen = LogReads(lab.readers), []
        for count in (0, 5, 0, 300):
            if count:
                await note(lab, count)
            assert await refusal(duty) == ""
            latest = await reads.latest()
            if latest is not None:
                seen.append(latest)
    assert [each.size for each in seen] == sorted(each.size for each in seen)
    assert len({each.size for each in seen}) == len(lab.eye.execute("SELECT size FROM checkpoint").fetchall())
    for each in seen:
        checkpoint, signed = opened(each.note, [vkey(pki)])
        assert checkpoint == Checkpoint(vkey(pki).name, each.size, root_by_the_book(hashes_of(lab)[: each.size]))
        assert signed == [vkey(pki)]
    mark = read_mark(tmp_path / "mark")
    assert mark is not None
    assert (mark.size, mark.root_hash) == (seen[-1].size, seen[-1].root)
    covering = await reads.covering(seen[-1].size - 1)
    assert covering is not None
    assert covering.size == seen[-1].size
    assert await reads.covering(seen[-1].size) is None


async def test_log_without_a_key_grows_and_signs_nothing(lab: Lab, pki: DevPki, tmp_path: Path) -> None:
    """An installation that has not set the log up yet loses no leaf by it."""
    await note(lab, 5)
    settings = LogSettings(vkey=tmp_path / "none", key=tmp_path / "none", mark=tmp_path / "mark")
    key = SealingKey()
    await key.take(SealSettings(certificate=pki.seal.certificate, key=pki.seal.key), settings)
    try:
        duty = Checkpointer(lab.readers, lab.pump, key, settings=settings, clock=SystemClock(), metrics=Metrics())
        assert await refusal(duty) == "no_key"
    finally:
        await key.close()
    assert (await LogReads(lab.readers).tree()).size == len(hashes_of(lab))


async def test_tree_behind_the_mark_is_not_signed_until_the_gap_is_declared(
    lab: Lab, pki: DevPki, tmp_path: Path
) -> None:
    """A restored folder: fewer leaves, then as many others; the declaration is a leaf, under another origin."""
    path = tmp_path / "mark"
    lost = Mark(key=vkey(pki).digest.hex(), epoch=1, size=20, root="ab" * 32)
    write_mark(path, lost)
    async with checkpointer(lab, pki, path) as duty:
        await note(lab, 5)
        assert await refusal(duty) == "behind"
        await note(lab, 30)
        assert await refusal(duty) == "other_history"
        reads = LogReads(lab.readers)
        assert await reads.latest() is None
        assert read_mark(path) == lost
        await lab.pump.submit(
            DeclareGapOperation(),
            DeclareGap(epoch=2, lost=(20, lost.root_hash), now=START, actor="operator:0", note="the disk died"),
        )
        assert await refusal(duty) == ""
        latest = await reads.latest()
        assert latest is not None
        second = of_epoch(vkey(pki), 2)
        assert opened(latest.note, [second])[0].origin == f"{vkey(pki).name}/2"
        with pytest.raises(ProofError):
            opened(latest.note, [vkey(pki)])
        assert latest.root == root_by_the_book(hashes_of(lab))
        leaf = await reads.leaf(latest.size - 1)
        assert leaf is not None
        assert b"log.declared" in leaf
        assert b"disk" not in leaf
        mark = read_mark(path)
        assert mark is not None
        assert (mark.epoch, mark.size) == (2, latest.size)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (b"{", "mark_unreadable"),
        (b"", "mark_unreadable"),
        (b'{"key":"00","epoch":1,"size":1,"root":"zz"}', "mark_unreadable"),
        (b'{"key":"00","epoch":1,"size":1,"root":"' + b"ab" * 32 + b'"}', "other_key"),
    ],
)
async def test_mark_that_tells_nothing_of_this_log_forbids_signing(
    lab: Lab, pki: DevPki, tmp_path: Path, told: bytes, code: str
) -> None:
    """What cannot be compared is not taken for agreement."""
    (tmp_path / "mark").write_bytes(told)
    async with checkpointer(lab, pki, tmp_path / "mark") as duty:
        await note(lab, 5)
        assert await refusal(duty) == code
    assert (tmp_path / "mark").read_bytes() == told


async def test_missing_mark_forbids_signing_where_something_was_signed(
    lab: Lab, pki: DevPki, tmp_path: Path
) -> None:
    """The mark died with the machine: what was signed last is not known."""
    path = tmp_path / "mark"
    async with checkpointer(lab, pki, path) as duty:
        await note(lab, 5)
        assert await refusal(duty) == ""
        path.unlink()
        await note(lab, 5)
        assert await refusal(duty) == "mark_missing"
        assert not path.exists()


async def test_mark_ahead_of_the_ledger_by_a_crash_is_caught_up_with(lab: Lab, pki: DevPki, tmp_path: Path) -> None:
    """Killed between mark and ledger: the tree of the mark is there, so it is signed again."""
    await note(lab, 5)
    tree = await Sequencer(lab.readers, lab.pump).catch_up()
    mark = Mark(key=vkey(pki).digest.hex(), epoch=1, size=tree.size, root=tree.root.hex())
    write_mark(tmp_path / "mark", mark)
    async with checkpointer(lab, pki, tmp_path / "mark") as duty:
        assert await refusal(duty) == ""
    latest = await LogReads(lab.readers).latest()
    assert latest is not None
    assert latest.size == tree.size


async def test_mark_that_cannot_be_written_keeps_the_checkpoint_here(lab: Lab, pki: DevPki, tmp_path: Path) -> None:
    """First the mark, then the world."""
    async with checkpointer(lab, pki, tmp_path / "no such folder" / "mark") as duty:
        await note(lab, 5)
        assert await refusal(duty) == "mark_unwritable"
    assert await LogReads(lab.readers).latest() is None


async def test_key_that_is_another_one_signs_nothing(lab: Lab, pki: DevPki, tmp_path: Path) -> None:
    """The process that signs is asked by the key's id, and its answer is verified."""
    other = make_dev_pki(tmp_path / "other", now=SystemClock().now())
    mixed = LogSettings(vkey=pki.log_vkey, key=other.log_key, mark=tmp_path / "mark")
    key = SealingKey()
    await key.take(SealSettings(certificate=pki.seal.certificate, key=pki.seal.key), mixed)
    try:
        duty = Checkpointer(lab.readers, lab.pump, key, settings=mixed, clock=SystemClock(), metrics=Metrics())
        await note(lab, 5)
        assert await refusal(duty) == "key_failed"
    finally:
        await key.close()
    assert not (tmp_path / "mark").exists()


async def test_checkpoint_cannot_be_kept_twice_or_changed(lab: Lab) -> None:
    """One root for each size, for ever."""
    kept = Signed(size=3, root=EMPTY_ROOT, at=START, note=b"note")
    await lab.pump.submit(KeepCheckpointOperation(), kept)
    for statement in ("UPDATE checkpoint SET root = zeroblob(32)", "DELETE FROM checkpoint"):
        with pytest.raises(Exception, match="append-only"):
            lab.eye.execute(statement)


def test_the_logs_key_signs_no_two_checkpoints_that_contradict_each_other(pki: DevPki) -> None:
    """And nothing that is no checkpoint; another origin is another log."""
    key = LogKey(pki.log_key)
    first, other = Checkpoint("a", 5, bytes(32)), Checkpoint("a", 5, EMPTY_ROOT)
    VerifierKey("a", vkey(pki).algorithm, vkey(pki).public_key).check(first.text(), key.sign(first.text()))
    assert key.sign(first.text())
    for wrong in (other, Checkpoint("a", 4, bytes(32))):
        with pytest.raises(KeyFileError):
            key.sign(wrong.text())
    assert key.sign(Checkpoint("b", 1, EMPTY_ROOT).text())
    with pytest.raises(KeyFileError):
        key.sign(b"pay to the bearer\n")


def test_process_that_signs_has_two_keys_and_is_asked_by_their_ids(pki: DevPki, tmp_path: Path) -> None:
    """The log's key signs no receipt, the seal's no checkpoint; without a log key the other works as ever."""
    text = Checkpoint("a", 1, EMPTY_ROOT).text()
    both = KeyHolder(seal_place(pki), pki.log_key)
    answer = both.answer(memoryview(vkey(pki).digest + text))
    assert answer[:1] == SIGNED
    VerifierKey("a", vkey(pki).algorithm, vkey(pki).public_key).check(text, answer[1:])
    assert both.answer(memoryview(vkey(pki).digest + b"a receipt"))[:1] != SIGNED
    sealed = fingerprint(x509.load_pem_x509_certificate(pki.seal.certificate.read_bytes())) + b"a receipt"
    assert both.answer(memoryview(sealed))[:1] == SIGNED
    assert both.answer(memoryview(bytes(32) + text))[:1] != SIGNED
    for log_key in (None, tmp_path / "none"):
        one = KeyHolder(seal_place(pki), log_key)
        assert one.answer(memoryview(sealed))[:1] == SIGNED
        assert one.answer(memoryview(vkey(pki).digest + text))[:1] != SIGNED
    open_to_all = tmp_path / "log.key"
    open_to_all.write_bytes(pki.log_key.read_bytes())
    open_to_all.chmod(0o644)
    answer = KeyHolder(seal_place(pki), open_to_all).answer(memoryview(vkey(pki).digest + text))
    assert b"chmod 600" in answer


def test_refusals_say_their_code_and_detail() -> None:
    """For logs and /readyz."""
    assert str(LogRefusedError("behind", "20, here 5")) == "behind: 20, here 5"
