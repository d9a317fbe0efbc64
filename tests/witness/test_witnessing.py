"""The gateway's side: every checkpoint is cosigned, whoever lags or contradicts is told, nobody waits.

Ledger, tree and witnesses are real; most tests reach the witnesses without a network, one over TLS.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.clock import SystemClock, rfc3339
from gateway.config.settings import LogSettings, parse
from gateway.config.values import WitnessAddress
from gateway.errors import ConfigError, CosignatureError
from gateway.evidence.cosigning import FIRST_PAUSE, LONGEST_PAUSE, HttpWitness
from gateway.evidence.proving import may_wait, proved_leaves
from gateway.evidence.sequencer import Sequencer
from gateway.ledger.institution import (
    CheckpointSignature,
    CheckpointSignatures,
    KeepCheckpointSignatureOperation,
)
from gateway.ledger.tree import KeepCheckpointOperation, LogReads, Signed
from gateway.maintenance.witnessing import Witnessing
from gateway.observe import Metrics
from gateway.simulate.layout import free_ports
from gateway.transparency.checkpoint import Checkpoint, opened
from gateway.transparency.keys import Cosigner, LogSigner, new_key, read_key
from gateway.transparency.note import sign, signature_by
from gateway.transparency.quorum import Quorum
from gateway.transparency.witnessing import AddCheckpoint
from gateway.witness.making import follow, make
from gateway.witness.server import open_witness
from gateway.witness.service import Witness
from gateway.witness.settings import load
from tests.ledger.lab import Lab, open_lab
from tests.transparency.test_sequencer import note
from tests.witness.histories import History
from tests.witness.running import WitnessProcess

NAMES = ("thanh-tra.vn/w", "so-tttt.vn/w", "ubnd.vn/w")


class Shifted(SystemClock):
    """The real time, and what was added to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead.total_seconds()


@dataclass
class Direct:
    """Reaches witnesses of this process; some may be away, or answer something else."""

    witnesses: dict[str, Witness]
    away: set[str] = field(default_factory=set)
    lies: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def add(self, address: WitnessAddress, body: bytes) -> tuple[int, bytes]:
        name = address.key.name
        self.asked.append(name)
        if name in self.away:
            raise CosignatureError("no answer: away")
        if name in self.lies:
            return self.lies[name]
        answer = await self.witnesses[name].add(body)
        return answer.status, answer.body


@dataclass
class Site:
    """A log with three witnesses."""

    lab: Lab
    signer: LogSigner
    port: Direct
    clock: Shifted
    metrics: Metrics
    duty: Witnessing

    async def signed(self, events: int = 3) -> int:
        """Some more events, and a checkpoint over all; its size."""
        await note(self.lab, events)
        tree = await Sequencer(self.lab.readers, self.lab.pump).catch_up()
        signed = sign(Checkpoint(self.signer.name, tree.size, tree.root).text(), self.signer)
        row = Signed(size=tree.size, root=tree.root, at=self.clock.now(), note=bytes(signed))
        await self.lab.pump.submit(KeepCheckpointOperation(), row)
        return tree.size

    def restarted(self) -> Witnessing:
        """The duty of another start."""
        self.duty = duty_of(self.lab, self.port, self.clock, self.metrics)
        return self.duty

    def cosigned(self) -> dict[tuple[int, str], int]:
        """(size, witness) of every line in the ledger."""
        return {(row[0], row[1]): 1 for row in self.lab.eye.execute("SELECT size, witness FROM cosignature")}

    def events(self, kind: str) -> list[dict[str, object]]:
        """Facts of the events of a kind."""
        rows = self.lab.eye.execute("SELECT leaf FROM event WHERE kind = ? ORDER BY seq", (kind,))
        return [json.loads(row[0])["facts"] for row in rows]

    def gauge(self, name: str, witness: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"witness": witness})


def settings_of(port: Direct) -> LogSettings:
    found = tuple(WitnessAddress(url="https://unused/", key=each.verifier) for each in port.witnesses.values())
    return LogSettings(witnesses=found, quorum=2)


def duty_of(lab: Lab, port: Direct, clock: Shifted, metrics: Metrics) -> Witnessing:
    settings = settings_of(port)
    return Witnessing(lab.readers, lab.pump, port, settings=settings, clock=clock, metrics=metrics)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    signer, clock, metrics = LogSigner("example.vn/log", read_key(new_key())), Shifted(), Metrics()
    witnesses = {}
    for number, name in enumerate(NAMES):
        folder = tmp_path / f"w{number}"
        make(folder, name, names=["localhost"], host="127.0.0.1", port=0, clock=clock)
        follow(folder, [signer.verifier], clock)
        witnesses[name] = open_witness(folder, load(folder))
    (tmp_path / "lab").mkdir()
    async with open_lab(tmp_path / "lab") as lab:
        port = Direct(witnesses)
        yield Site(lab, signer, port, clock, metrics, duty_of(lab, port, clock, metrics))


async def test_every_checkpoint_gets_the_lines_of_all_witnesses(site: Site) -> None:
    """Once each, kept, and handed out below the note; without a new checkpoint nobody is asked."""
    await site.duty.run_once()
    assert site.port.asked == []
    sizes = [await site.signed(), 0]
    await site.duty.run_once()
    sizes[1] = await site.signed()
    await site.duty.run_once()
    await site.duty.run_once()
    assert len(site.port.asked) == 6
    assert site.cosigned().keys() == {(size, name) for size in sizes for name in NAMES}
    latest = await LogReads(site.lab.readers).latest()
    assert latest is not None
    keys = [site.signer.verifier, *(each.verifier for each in site.port.witnesses.values())]
    _, who = opened(latest.note, keys)
    assert {each.name for each in who} == {site.signer.name, *NAMES}
    assert site.duty.condition.words == "cosigned by 3 of 3"


async def test_witness_that_is_away_holds_up_nobody_and_catches_up(site: Site) -> None:
    """Asked again after its pause, about the newest alone; late only beyond the grace."""
    size = await site.signed()
    site.port.away.add(NAMES[0])
    await site.duty.run_once()
    assert site.cosigned().keys() == {(size, name) for name in NAMES[1:]}
    assert site.duty.condition.words.startswith("cosigned by 2 of 3; thanh-tra.vn/w: no answer")
    await site.duty.run_once()
    assert site.port.asked.count(NAMES[0]) == 1
    for _ in range(3):
        size = await site.signed()
        site.clock.ahead += timedelta(minutes=21)
        await site.duty.run_once()
    assert site.duty.condition.words.startswith("late: thanh-tra.vn/w for")
    assert site.gauge("gateway_witness_late", NAMES[0]) == 1
    assert site.gauge("gateway_witness_late", NAMES[1]) == 0
    site.port.away.clear()
    site.clock.ahead += LONGEST_PAUSE
    await site.duty.run_once()
    assert [each for each in site.cosigned() if each[1] == NAMES[0]] == [(size, NAMES[0])]
    assert site.duty.condition.words == "cosigned by 3 of 3"


async def test_line_that_was_lost_on_the_way_is_asked_for_again(site: Site) -> None:
    """The witness is further than the ledger knows: it says so, and is asked from there."""
    first = await site.signed()
    await site.duty.run_once()
    second = await site.signed()
    latest = await LogReads(site.lab.readers).latest()
    assert latest is not None
    proof = await LogReads(site.lab.readers).consistency(first, second)
    lost = await site.port.witnesses[NAMES[0]].add(bytes(AddCheckpoint(first, tuple(proof), latest.signed)))
    assert lost.status == 200
    await site.restarted().run_once()
    assert (second, NAMES[0]) in site.cosigned()
    third = await site.signed()
    await site.restarted().run_once()
    assert (third, NAMES[0]) in site.cosigned()
    assert site.events("witness.contradicted") == []


@pytest.mark.parametrize(("leaves", "code"), [(2, "other_history"), (4000, "ahead")])
async def test_another_history_under_our_name_is_an_alarm(
    site: Site, tmp_path: Path, leaves: int, code: str
) -> None:
    """One event however often it is asked and started; others go on; it ends when the witness cosigns again."""
    fork = History(site.signer, History.of(leaves).hashes)
    assert (await site.port.witnesses[NAMES[0]].add(fork.ask(0, leaves))).status == 200
    size = await site.signed()
    await site.duty.run_once()
    for _ in range(2):
        site.clock.ahead += LONGEST_PAUSE
        await site.restarted().run_once()
    assert site.duty.condition.words.startswith(
        f"contradicted by thanh-tra.vn/w ({code}: it knows {leaves} leaves, {size}"
    )
    assert site.gauge("gateway_witness_contradicts", NAMES[0]) == 1
    assert site.cosigned().keys() == {(size, name) for name in NAMES[1:]}
    (told,) = site.events("witness.contradicted")
    assert told == {"witness": NAMES[0], "reason": code, "known": leaves, "asked": size}
    folder = tmp_path / "w0"
    shutil.rmtree(folder / "records")
    (folder / "logs.vkey").unlink()
    follow(folder, [site.signer.verifier], SystemClock())  # its operator began anew
    site.port.witnesses[NAMES[0]] = open_witness(folder, load(folder))
    site.clock.ahead += LONGEST_PAUSE
    size = await site.signed()
    await site.duty.run_once()
    assert site.duty.condition.words == "cosigned by 3 of 3"
    assert site.events("witness.agreed") == [{"witness": NAMES[0], "size": size}]
    assert site.gauge("gateway_witness_contradicts", NAMES[0]) == 0


LINE = Cosigner(NAMES[0], read_key(new_key()), lambda: 1_000_000)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"", "no cosignature that holds"),
        (200, b"\xff\n", "not UTF-8"),
        (200, "— x\n".encode(), "no cosignature that holds"),
        (200, signature_by(LINE, b"x\n").line().encode(), "has no line of"),
        (409, b"", "409 without a size"),
        (409, b"007\n", "409 without a size"),
        (409, b"1\n", "keeps saying"),
        (404, b"unknown", "it answers 404 unknown"),
        (500, b"\xff" * 50_000, "it answers 500"),
        (302, b"", "it answers 302"),
    ],
)
async def test_answer_that_is_none_is_a_fault_and_no_line(site: Site, status: int, body: bytes, told: str) -> None:
    """Whatever it says, nothing is kept of it and nothing is raised; the others are asked."""
    size = await site.signed()
    site.port.lies[NAMES[0]] = (status, body)
    await site.duty.run_once()
    assert told in site.duty.condition.words
    assert site.cosigned().keys() == {(size, name) for name in NAMES[1:]}


async def test_cosignature_of_the_future_or_of_another_text_is_not_taken(site: Site) -> None:
    """It is verified before it is kept."""
    await site.signed()
    latest = await LogReads(site.lab.readers).latest()
    assert latest is not None
    text = latest.signed.split(b"\n\n")[0] + b"\n"
    key, now = site.port.witnesses[NAMES[0]]._key, int(site.clock.now().timestamp())
    ahead = signature_by(Cosigner(NAMES[0], key, lambda: now + 400), text)
    site.port.lies[NAMES[0]] = (200, ahead.line().encode())
    await site.duty.run_once()
    assert "ahead of ours" in site.duty.condition.words
    other = signature_by(Cosigner(NAMES[0], key, lambda: now), text.replace(b"\n3\n", b"\n4\n") + b"x\n")
    site.port.lies[NAMES[0]] = (200, other.line().encode())
    site.clock.ahead += FIRST_PAUSE
    await site.duty.run_once()
    assert "does not hold" in site.duty.condition.words
    assert not [each for each in site.cosigned() if each[1] == NAMES[0]]


async def test_proof_is_made_under_the_first_checkpoint_with_enough_witnesses(site: Site) -> None:
    """Else under the first; without witnesses nothing is looked for."""
    site.port.away |= {NAMES[0], NAMES[1]}
    first = await site.signed()
    await site.duty.run_once()
    reads = LogReads(site.lab.readers, quorum=Quorum(2, frozenset(NAMES)))
    found = await reads.covering(0)
    assert found is not None
    assert found.size == first
    site.port.away.clear()
    site.clock.ahead += LONGEST_PAUSE
    second = await site.signed()
    await site.duty.run_once()
    found = await reads.covering(0)
    assert found is not None
    assert found.size == second
    found = await LogReads(site.lab.readers).covering(0)
    assert found is not None
    assert found.size == first


async def test_lines_of_a_witness_that_is_no_longer_asked_make_no_quorum(site: Site) -> None:
    """Taken out of the settings, or another one put in its place."""
    site.port.away.add(NAMES[0])
    first = await site.signed()
    await site.duty.run_once()
    site.port.away.clear()
    site.clock.ahead += LONGEST_PAUSE
    second = await site.signed()
    await site.duty.run_once()
    for names, size in ((NAMES[1:], first), (NAMES[:2], second), ((NAMES[0], "other.vn/w"), first)):
        reads = LogReads(site.lab.readers, quorum=Quorum(2, frozenset(names)))
        found, latest = await reads.covering(0), await reads.latest()
        assert found is not None
        assert latest is not None
        assert (found.size, reads.has_quorum(latest)) == (size, "other.vn/w" not in names)


async def test_bundle_keeps_the_signature_that_it_chose(site: Site) -> None:
    """The signed checkpoint itself, or one with the witnesses; never an unsigned one beyond the signed one."""
    reads = LogReads(site.lab.readers, quorum=Quorum(2, frozenset(NAMES)))
    signatures = CheckpointSignatures(site.lab.readers)
    events = [(1, b"leaf")]

    async def signed_by_institution(size: int) -> None:
        row = CheckpointSignature(size=size, at=site.clock.now(), certificate="a" * 64, cms=b"cms", note=b"")
        await site.lab.pump.submit(KeepCheckpointSignatureOperation(), row)

    first = await site.signed()
    await signed_by_institution(first)
    alone = (await proved_leaves(reads, events, signatures))[1]
    await site.signed()
    second = await site.signed()
    await site.duty.run_once()
    cosigned = (await proved_leaves(reads, events, signatures))[1]
    await site.lab.writer.fetch("INSERT INTO cosignature SELECT ?, witness, at, line FROM cosignature", (first,))
    both = (await proved_leaves(reads, events, signatures))[1]
    assert [each.size for each in (alone, cosigned, both) if each] == [first, second, first]


async def test_what_happened_since_the_witnesses_signed_last_waits_for_them(site: Site) -> None:
    """Exports for as long as it takes, the rest for a quarter of an hour; what the document is proved by never."""
    reads = LogReads(site.lab.readers, quorum=Quorum(2, frozenset(NAMES)))
    now = site.clock.now()

    def leaf(kind: str, ago: timedelta = timedelta(), message: str = "m", **facts: str) -> bytes:
        return json.dumps({"kind": kind, "at": rfc3339(now - ago), "message": message, "facts": facts}).encode()

    async def proved(*newer: bytes) -> tuple[int, int]:
        events = [(1, leaf("document.accepted", timedelta(days=1))), *enumerate(newer, cosigned + 1)]
        found, checkpoint, pending = await proved_leaves(reads, events, waits=may_wait("m", now))
        assert checkpoint is not None
        assert len(found) + pending == len(events)
        return checkpoint.size, pending

    cosigned = await site.signed()
    await site.duty.run_once()
    site.port.away |= {NAMES[0], NAMES[1]}
    alone = await site.signed()
    await site.duty.run_once()
    day, hour = timedelta(days=1), timedelta(hours=1)
    exports = leaf("document.exported", day), leaf("lookup.made", day), leaf("document.read", day, act="shown")
    assert await proved(*exports) == (cosigned, 3)
    assert await proved(leaf("status.recorded")) == (cosigned, 1)
    assert await proved(leaf("document.accepted", message="status")) == (cosigned, 1)
    assert await proved(leaf("status.recorded", hour)) == (alone, 0)
    assert await proved(exports[0], leaf("status.recorded", hour)) == (alone, 0)
    assert await proved(leaf("document.read", hour, act="downloaded")) == (alone, 0)
    assert await proved(leaf("document.accepted")) == (alone, 0)
    (none,) = [(await proved_leaves(reads, [(cosigned + 1, exports[0])], waits=may_wait("m", now)))[1]]
    assert none is not None
    assert none.size == alone, "a bundle without any leaf proves nothing"


async def test_signed_checkpoint_with_fewer_lines_is_taken_when_none_has_more(site: Site) -> None:
    """Witnesses are away for long."""
    reads = LogReads(site.lab.readers, quorum=Quorum(2, frozenset(NAMES)))
    await site.signed()
    second = await site.signed()
    row = CheckpointSignature(size=second, at=site.clock.now(), certificate="a" * 64, cms=b"cms", note=b"")
    await site.lab.pump.submit(KeepCheckpointSignatureOperation(), row)
    found = (await proved_leaves(reads, [(1, b"leaf")], CheckpointSignatures(site.lab.readers)))[1]
    assert found is not None
    assert found.size == second


async def test_witness_is_asked_over_tls(site: Site, tmp_path: Path) -> None:
    """Its certificate must lead to what the setting names; one that does not is no answer."""
    process = WitnessProcess(tmp_path / "process", free_ports(1)[0], [site.signer.verifier])
    await process.start()
    settings = parse({"log": {"witnesses": [process.setting]}}, folder=tmp_path).log
    size = await site.signed()

    async def run(chosen: LogSettings) -> Witnessing:
        port = HttpWitness(chosen.witness_timeout)
        duty = Witnessing(
            site.lab.readers, site.lab.pump, port, settings=chosen, clock=site.clock, metrics=site.metrics
        )
        await duty.run_once()
        return duty

    strange = parse({"log": {"witnesses": [process.setting.replace("/process/", "/w0/")]}}, folder=tmp_path).log
    assert "CERTIFICATE_VERIFY_FAILED" in (await run(strange)).condition.words
    assert (await run(settings)).condition.words == "cosigned by 1 of 1"
    assert (size, process.vkey.name) in site.cosigned()
    await process.kill()
    await site.signed()
    assert "no answer" in (await run(settings)).condition.words


def test_settings_that_name_no_witness_are_refused(tmp_path: Path) -> None:
    """Plain HTTP to another machine, a log's key, a name twice: told with the setting."""
    key = str(LINE.verifier)
    log = str(LogSigner("a/log", read_key(new_key())).verifier)
    for wrong in (
        "",
        "https://w/",
        f"http://w.vn/ {key}",
        f"ftp://w/ {key}",
        f"https://w/ {log}",
        f"https://w/ {key[:-1]}",
    ):
        with pytest.raises(ConfigError, match=r"log\.witnesses"):
            parse({"log": {"witnesses": [wrong]}}, folder=tmp_path)
    with pytest.raises(ConfigError, match="twice"):
        parse({"log": {"witnesses": [f"https://a/ {key}", f"https://b/ {key}"]}}, folder=tmp_path)
    found = parse({"log": {"witnesses": [f"https://a/ {key} tls.pem"], "quorum": 3}}, folder=tmp_path).log
    assert found.witnesses[0].anchors == tmp_path / "tls.pem"
    assert found.wanted == Quorum(1, frozenset({NAMES[0]}))
