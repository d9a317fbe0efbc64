"""A witness over a real folder: what it answers, and that it stands still where it cannot be sure."""

from __future__ import annotations

import asyncio
import os
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.errors import ConfigError, EnvironmentRefusedError, ProofError
from gateway.transparency.checkpoint import Checkpoint, opened
from gateway.transparency.keys import LogSigner, new_key, read_key, read_vkeys
from gateway.transparency.note import SignedNote, VerifierKey, sign, time_of
from gateway.transparency.witnessing import AddCheckpoint, read_cosignature
from gateway.witness.making import follow, make
from gateway.witness.records import Records, origin_hash
from gateway.witness.server import open_witness
from gateway.witness.service import Witness
from gateway.witness.settings import load
from tests.witness.histories import History, tells_one_history

NAME = "thanhtra.example.vn/witness"


class Shifted(SystemClock):
    """The real time, and what was added to it."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
def history() -> History:
    return History.of(12)


@pytest.fixture
def folder(tmp_path: Path, history: History) -> Path:
    path = tmp_path / "witness"
    make(path, NAME, names=["localhost"], host="127.0.0.1", port=0, clock=SystemClock())
    follow(path, [history.signer.verifier], SystemClock())
    return path


@pytest.fixture
def witness(folder: Path) -> Witness:
    return open_witness(folder, load(folder))


def vkey(folder: Path) -> VerifierKey:
    return read_vkeys((folder / "witness.vkey").read_bytes())[0]


async def test_each_answer_of_the_protocol(witness: Witness, folder: Path, history: History) -> None:
    """C2SP tlog-witness: 200, 400, 403, 404, 409 with the size, 422; the cosignature is of the text and of now."""
    key = vkey(folder)
    assert (await witness.latest(origin_hash(history.signer.name))).status == 404
    answer = await witness.add(history.ask(0, 5))
    assert answer.status == 200
    line = read_cosignature(answer.body, history.note(5).text, key)
    assert abs(time_of(line.signature) - SystemClock().now().timestamp()) < 60
    assert (await witness.add(history.ask(5, 9))).status == 200
    again = await witness.add(history.ask(9, 9))
    assert again.status == 200, "whose answer was lost asks again"

    known = await witness.add(history.ask(5, 10))
    assert (known.status, known.body, known.media_type) == (409, b"9\n", "text/x.tlog.size")
    assert (await witness.add(history.forked(9).ask(0, 12))).status == 409
    forked = history.forked(4)
    assert (await witness.add(forked.ask(9, 12))).status == 422
    assert (await witness.add(forked.ask(9, 9))).status == 422
    unproved = AddCheckpoint(9, (), bytes(history.note(12)))
    assert (await witness.add(bytes(unproved))).status == 422
    kept = {path.read_bytes() for path in (folder / "refused").iterdir()}
    assert kept == {bytes(forked.note(12)), bytes(forked.note(9)), bytes(history.note(12))}

    stranger = History.of(3, "elsewhere.vn/log")
    assert (await witness.add(stranger.ask(0, 3))).status == 404
    impostor = History(LogSigner(history.signer.name, read_key(new_key())), history.hashes)
    assert (await witness.add(impostor.ask(9, 12))).status == 403
    unsigned = bytes(history.note(12)).replace("— example.vn/log ".encode(), "— other.vn/log ".encode())
    assert (await witness.add(bytes(AddCheckpoint(9, (), unsigned)))).status == 403
    above = AddCheckpoint(11, (), bytes(history.note(10)))
    assert (await witness.add(bytes(above))).status == 400
    empty = sign(Checkpoint(history.signer.name, 0, bytes(32)).text(), history.signer)
    fresh = open_witness(folder, load(folder))
    assert (await fresh.add(bytes(AddCheckpoint(0, (), bytes(empty))))).status == 409

    monitored = await witness.latest(origin_hash(history.signer.name))
    checkpoint, signed = opened(monitored.body, [history.signer.verifier, key])
    assert (checkpoint.size, {each.name for each in signed}) == (9, {history.signer.name, NAME})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 0\n\n",
        b"old 00\n\nx\n",
        b"old -1\n\nx\n",
        b"old 9223372036854775808\n\nx\n",
        b"new 0\n\nx\n",
        b"old 0\nAAAA====\n\nx\n",
        b"old 0\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 63 + b"\nx\n",
        b"old 0\n\n" + "é\n1\n".encode() + b"\n" + "— a b\n".encode(),
        b"old 0\n\n" + b"\xff" * 100,
        b"\x00" * 70_000,
    ],
)
async def test_what_is_no_request_is_400(witness: Witness, body: bytes) -> None:
    """Strangers' bytes give an answer, never a traceback."""
    assert (await witness.add(body)).status == 400


def said(body: bytes) -> tuple[int, tuple[bytes, ...], SignedNote] | None:
    """What a request says, however it is written."""
    try:
        asked = AddCheckpoint.parse(body)
        return asked.old, asked.proof, SignedNote.parse(asked.note)
    except ProofError:
        return None


async def test_garbled_requests_are_refused_and_move_nothing(
    witness: Witness, folder: Path, history: History
) -> None:
    """Any changed byte: refused, unless the change is in what is not signed and still proves the same."""
    assert (await witness.add(history.ask(0, 5))).status == 200
    body, draw = history.ask(5, 9), random.Random(5)
    for _ in range(300):
        changed = bytearray(body)
        for _ in range(draw.randint(1, 4)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        if said(bytes(changed)) == said(body):  # base64 has bits that say nothing
            continue
        assert (await witness.add(bytes(changed))).status in {400, 403, 404, 409, 422}
    assert Records(folder, vkey(folder)).read(history.signer.name).checkpoint.size == 5


async def test_two_histories_at_once_are_never_both_cosigned(folder: Path, history: History) -> None:
    """Sixty requests of both at the same time, from every size that a witness might have."""
    witness, other = open_witness(folder, load(folder)), history.forked(0)
    requests = [each.ask(old, size) for each in (history, other) for old, size in ((0, 3), (3, 7), (0, 7), (7, 12))]
    answers = await asyncio.gather(*(witness.add(body) for body in requests * 8))
    cosigned = [
        Checkpoint.parse(SignedNote.parse(AddCheckpoint.parse(body).note).text)
        for body, answer in zip(requests * 8, answers, strict=True)
        if answer.status == 200
    ]
    assert cosigned
    assert tells_one_history(cosigned, (history, other))


async def test_cancelled_request_leaves_no_gap_for_another(folder: Path, history: History) -> None:
    """A client that goes away takes its turn with it only when the write is over."""
    witness, other = open_witness(folder, load(folder)), history.forked(0)
    first = asyncio.create_task(witness.add(history.ask(0, 5)))
    await asyncio.sleep(0)
    first.cancel()
    second = await witness.add(other.ask(0, 5))
    record = Records(folder, vkey(folder)).read(history.signer.name).checkpoint
    assert (second.status == 200) is other.has(record)


async def test_record_that_is_gone_damaged_or_put_back_stops_the_witness(folder: Path, history: History) -> None:
    """Whatever somebody does to the file, a fork is not cosigned: not while it runs, and not at its next start."""
    witness, other = open_witness(folder, load(folder)), history.forked(0)
    (path,) = (folder / "records").iterdir()
    began = path.read_bytes()
    assert (await witness.add(history.ask(0, 5))).status == 200
    good = path.read_bytes()
    path.write_bytes(began)  # an old copy: only who was there can tell
    assert (await witness.add(other.ask(0, 5))).status == 503
    assert (await witness.latest(origin_hash(history.signer.name))).status == 503
    for damaged in (None, b"", good[:50], good.replace(b"\n5\n", b"\n4\n"), bytes(other.note(5))):
        path.unlink(missing_ok=True)
        if damaged is not None:
            path.write_bytes(damaged)
        for each in (witness, open_witness(folder, load(folder))):
            assert (await each.add(other.ask(0, 5))).status == 503
    path.write_bytes(good)
    assert (await witness.add(history.ask(5, 9))).status == 200


@pytest.mark.parametrize("failing", ["replace", "fsync"])
async def test_failing_disk_stops_the_witness_before_it_answers(
    folder: Path, history: History, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """A write that failed before the name changed is made up for; one that may be half there waits for a start."""
    witness, other = open_witness(folder, load(folder)), history.forked(0)
    real, calls = os.fsync, []

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    def second_fails(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 1:
            broken()
        real(descriptor)

    with monkeypatch.context() as patched:
        if failing == "replace":
            patched.setattr("gateway.fsio.os.rename", broken)
        else:  # the file is synced and has its name, the folder is not
            patched.setattr("gateway.fsio.os.fsync", second_fails)
        assert (await witness.add(history.ask(0, 5))).status == 503
    if failing == "replace":
        assert (await witness.add(other.ask(0, 5))).status == 200
        assert (await witness.add(history.ask(0, 5))).status == 409
        return
    for body in (history.ask(0, 5), other.ask(0, 5), history.ask(5, 5)):
        assert (await witness.add(body)).status == 503
    assert (await witness.latest(origin_hash(history.signer.name))).status == 503
    again = open_witness(folder, load(folder))
    assert (await again.add(other.ask(0, 5))).status == 409
    assert (await again.add(history.ask(5, 5))).status == 200


async def test_time_in_cosignatures_never_goes_back(folder: Path, history: History) -> None:
    """Each says which tree was the largest then: a clock that is behind stops the witness."""
    clock, settings = Shifted(), load(folder)
    key = read_key(settings.key.read_bytes())
    witness = Witness(NAME, key, folder, settings.logs, clock)
    first = await witness.add(history.ask(0, 5))
    clock.ahead = timedelta(seconds=-30)
    second = await witness.add(history.ask(5, 6))
    times = [
        time_of(read_cosignature(answer.body, history.note(size).text, vkey(folder)).signature)
        for answer, size in ((first, 5), (second, 6))
    ]
    assert times[0] == times[1]
    clock.ahead = timedelta(hours=-2)
    assert (await witness.add(history.ask(6, 7))).status == 503
    clock.ahead = timedelta()
    assert (await witness.add(history.ask(6, 7))).status == 200


async def test_repeats_cost_no_write(folder: Path, history: History) -> None:
    """A checkpoint is public, so anybody may send it again: the same line is given for a minute, then a new one."""
    clock, settings = Shifted(), load(folder)
    witness = Witness(NAME, read_key(settings.key.read_bytes()), folder, settings.logs, clock)
    first = await witness.add(history.ask(0, 5))
    (path,) = (folder / "records").iterdir()
    before = path.stat().st_ino
    assert await witness.add(history.ask(5, 5)) == first
    assert path.stat().st_ino == before
    clock.ahead = timedelta(seconds=90)
    later = await witness.add(history.ask(5, 5))
    assert later.status == 200
    assert later != first


async def test_logs_are_those_that_a_person_added(folder: Path, witness: Witness) -> None:
    """A further one while it runs; a witness's key is none; nothing is made twice."""
    another = History.of(4, "example.vn/log/2")
    assert (await witness.add(another.ask(0, 4))).status == 404
    assert follow(folder, [another.signer.verifier], SystemClock()) == ["example.vn/log/2"]
    assert (await witness.add(another.ask(0, 4))).status == 200
    assert follow(folder, [another.signer.verifier], SystemClock()) == []
    assert (await witness.add(another.ask(0, 4))).status == 409, "following again forgets nothing"
    with pytest.raises(ConfigError):
        follow(folder, [vkey(folder)], SystemClock())
    with pytest.raises(EnvironmentRefusedError):
        make(folder, NAME, names=["localhost"], host="127.0.0.1", port=0, clock=SystemClock())
    for name in ("two words", "a+b", 'quo"ted'):
        with pytest.raises(ConfigError):
            make(folder / "new", name, names=["localhost"], host="127.0.0.1", port=0, clock=SystemClock())
