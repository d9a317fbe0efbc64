"""Verifies a month archive, offline: every leaf, and everything that leaves tell of.

1. Container, lists, anchors, the archive's own checkpoint, witnesses, institution, stamps, seal: as of any bundle.
2. The leaves, from one signed checkpoint to the next: each is what its hash says, none is missing, and the tree
   that they make has the root that was signed. If not, the leaves between the two checkpoints are named.
3. What a leaf tells of, as it comes by: the receipt of an acceptance (its digest, its signature, its time stamp),
   the report of a verdict, the proof of a receiver, the registers of a day, a renewal of the head. What no leaf
   tells of is named, too.
4. From the tree at the end of the month to the archive's checkpoint.

Parts are read side by side, a line at a time: memory does not grow with the month. A receipt is judged at the time
that the stamp over the next checkpoint proves, so it holds long after its certificate has ended. What it does NOT
prove: anything about bodies, which are elsewhere; names and codes of agencies, which only the seal vouches for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final

import msgspec

from gateway.bundle import archive as shapes
from gateway.bundle import format as layout
from gateway.bundle.container import Container
from gateway.errors import BundleError, ProofError
from gateway.seal.embedded import certificates_of_receipt
from gateway.seal.evidence_record import group_hash, root_of
from gateway.seal.report import Verdict
from gateway.seal.unsigned import signature_imprint
from gateway.seal.verify import verify_receipt
from gateway.transparency.checkpoint import Checkpoint, opened
from gateway.transparency.merkle import Frontier, leaf_hash, verify_consistency
from gateway.transparency.note import SignedNote
from gateway.transparency.registers import Closing, Register, agency_commitment, day_root
from gateway.transparency.renewal import Grown, Renewal
from gateway.verifying.added import check_added, is_lasting
from gateway.verifying.anchors import Anchors
from gateway.verifying.archive_lines import Findings, Lines
from gateway.verifying.findings import Verification, failed, of_seal, passed, undecided
from gateway.verifying.institution import check_institution
from gateway.verifying.renewals import check_chain
from gateway.verifying.sealed import check_container, check_export, small, trusted
from gateway.verifying.stamps import check_stamps, judged, time_proven
from gateway.verifying.story import check_lists
from gateway.verifying.tree import Logged, check_checkpoint

_ACCEPTED: Final = frozenset({"document.accepted", "document.imported"})
_NOT_EXAMINED: Final = (
    "bodies of documents: an archive holds none; receipts name them by their digests",
    "names and codes of agencies, numbers of documents: the gateway's word, which its seal is over",
    "the institution's signatures over the month's checkpoints but the archive's own",
    "signatures that others made: verdicts are told as the gateway found them",
)
_PORTION: Final = 4096
_ENTRY_BYTES: Final = 40
#: Called with leaves that were looked at, and all of them.
Progress = Callable[[int, int], None]


def verify_archive(
    container: Container,
    anchors: Anchors | None,
    at: datetime,
    *,
    require_time: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> Verification:
    """All findings; raises nothing for what the file holds."""
    checks = list(check_container(container))  # 1
    try:
        facts = shapes.read(container.bytes_of(layout.ARCHIVE))
    except BundleError as error:
        return Verification(checks=(*checks, failed("format", error.code, str(error))), at=at)
    checks += [passed("format", f"version {facts.version}"), *check_lists(container, layout.ARCHIVE, facts.entries)]
    known, check = trusted(container, anchors, facts.log.vkey)
    logged = Logged()
    _, checkpoint = check_checkpoint(container, facts.log, known, logged, at)
    stamped = check_stamps(container, logged.signed, known)
    exported = check_added("export", small(container, layout.EXPORT), known, container)
    proof, proven_at = time_proven(stamped, is_required=require_time)
    times = [each for _, each in exported if each is not None and each <= at]
    report, sealed = check_export(container, known, min(times, default=at))
    checks += [check, *logged.checks, *(each for each, _ in (*stamped, *exported)), proof, *sealed]
    if facts.lasting and not is_lasting(small(container, layout.EXPORT)):
        checks.append(failed("export.archive_stamp", "stamps_removed"))
    checks += check_institution(container, logged.signed, known, min(times, default=at))
    findings = Findings()
    try:
        walk = _Walk(container, facts, known, min([proven_at or at, at]), at, findings)
        walk.run(checkpoint, progress)
    except (BundleError, ProofError) as error:
        findings.add(failed("archive", "archive_unreadable", str(error)))
    return Verification(
        checks=(*checks, *findings.checks()),
        at=at,
        month=facts.month,
        proven_at=proven_at,
        not_examined=(*_NOT_EXAMINED, *(each for each in report.not_examined if "time stamp" not in each)),
    )


class _Walk:
    """Steps 2 to 4."""

    def __init__(
        self,
        container: Container,
        facts: shapes.Archive,
        anchors: Anchors,
        proven: datetime,
        at: datetime,
        findings: Findings,
    ) -> None:
        self.findings = findings
        self._container, self._facts, self._anchors = container, facts, anchors
        #: When what follows was there at the latest; the archive's own stamp is the last resort.
        self._proven, self._when, self._at = proven, proven, at
        self._checkpoints = Lines(container, layout.CHECKPOINTS, shapes.Signed, self.findings)
        self._receipts = Lines(container, layout.RECEIPTS, shapes.Receipt, self.findings)
        self._stamps = Lines(container, layout.RECEIPT_STAMPS, shapes.ReceiptStamp, self.findings)
        self._reports = Lines(container, layout.VERDICTS, shapes.Report, self.findings)
        self._proofs = Lines(container, layout.PROOFS, shapes.Proof, self.findings)
        self._days = Lines(container, layout.REGISTERS, shapes.Day, self.findings)
        self._stamp: shapes.ReceiptStamp | None = None
        self._stamp_at: datetime | None = None
        self._hashes: Iterator[bytes] = iter(())
        self._answers: set[str] = set()
        self._closed: Closing | None = None
        self._renewed: tuple[Grown, Renewal, list[bytes]] | None = None
        #: Text and stamp of each renewal, by their digests.
        self._kept: list[tuple[str, str]] = []

    def run(self, checkpoint: Checkpoint | None, progress: Progress) -> None:
        """All of it."""
        first, until = self._facts.first, self._facts.until
        before = b"".join(_unhex(each) for each in self._facts.before)
        frontier = Frontier.parse(first, before)
        self._renewals()
        leaves = enumerate(shapes.lines_of(self._container, layout.LEAVES), first)
        is_broken = False
        while frontier.size < until:
            begin = frontier.size
            signed = self._next_checkpoint(begin, until)
            end = signed.size if signed else until
            frontier = self._segment(frontier, leaves, end, progress)
            root = signed.root if signed else None
            if frontier.size < end:
                self.findings.add(
                    failed(f"leaves.{frontier.size}", "leaf_missing", f"they end here, {until} are due")
                )
                return
            if root is not None and frontier.root() != root and not is_broken:
                is_broken = True
                told = f"leaves {begin} to {end - 1} do not make the root that was signed over {end}"
                self.findings.add(failed(f"leaves.{begin}-{end - 1}", "leaves_not_signed", told))
        for index, _ in leaves:
            self.findings.add(failed(f"leaves.{index}", "leaf_foreign", "behind the last leaf of the month"))
            break
        self._end(frontier, checkpoint)

    def _next_checkpoint(self, begin: int, until: int) -> Checkpoint | None:
        """The next one that was signed within the month, judged; its stamp says when what follows was there."""
        self._when = self._proven
        line = self._checkpoints.take()
        if line is None:
            return None
        self.findings.seen("checkpoints")
        name = f"checkpoints.{line.size}"
        if not begin < line.size <= until:
            self.findings.add(failed(name, "checkpoint_wrong", f"it stands in front of leaf {begin}"))
            return None
        try:
            return self._opened(line)
        except ProofError as error:
            self.findings.add(failed(name, "checkpoint_wrong", str(error)))
            return None

    def _opened(self, line: shapes.Signed) -> Checkpoint:
        note, name = line.note.encode(), f"checkpoints.{line.size}"
        whole = note + "".join(line.cosignatures).encode()
        found = Checkpoint.parse(SignedNote.parse(whole).text)
        if found.origin in {key.name for key in self._anchors.log}:
            opened(whole, [*self._anchors.log, *self._anchors.witnesses])
        else:
            self.findings.add(undecided(name, "another_log" if self._anchors.log else "no_log_key", found.origin))
        if found.size != line.size:
            raise ProofError(f"it is of {found.size} leaves")
        for number, token in enumerate(line.stamps):
            self.findings.seen("stamped")
            check, at = judged(f"stamped.{line.size}.{number}", token.token, sha256(note).digest(), self._anchors)
            if check.verdict is not Verdict.PASSED:
                self.findings.add(check)
            elif at is not None:
                self._when = min(self._when, at)
        return found

    def _segment(
        self, frontier: Frontier, leaves: Iterator[tuple[int, bytes]], end: int, progress: Progress
    ) -> Frontier:
        """Leaves up to `end`, and what they tell of."""
        while frontier.size < end:
            hashes = []
            for index, line in leaves:
                hashes.append(self._leaf(index, line))
                if len(hashes) == min(_PORTION, end - frontier.size):
                    break
            if not hashes:
                return frontier
            frontier = frontier.extended(hashes)
            progress(frontier.size - self._facts.first, self._facts.until - self._facts.first)
        return frontier

    def _leaf(self, index: int, line: bytes) -> bytes:
        """Its hash."""
        self.findings.seen("leaves")
        name = f"leaves.{index}"
        try:
            told, digest, raw = shapes.read_leaf_line(line)
            leaf = json.loads(raw)
            facts = leaf.get("facts") if isinstance(leaf, dict) else None
        except (BundleError, ValueError, RecursionError) as error:
            self.findings.add(failed(name, "archive_unreadable", str(error)[:200]))
            return leaf_hash(line)
        if told != index:
            self.findings.add(failed(name, "leaf_missing", f"leaf {told} stands in its place"))
        elif leaf_hash(raw) != digest:
            self.findings.add(
                failed(name, "leaf_changed", "its bytes do not have the hash that stands beside them")
            )
        elif not isinstance(facts, dict):
            self.findings.add(failed(name, "archive_unreadable", "it is no leaf"))
        else:
            self._papers(index, leaf, facts)
        if self._renewed is not None:
            self._renewed[0].add(raw)
        return leaf_hash(raw)

    def _renewals(self) -> None:
        """Renewals of the log's head: the newest that is over all leaves of the month is followed along."""
        lines, part = (
            list[shapes.Renewed](),
            Lines(self._container, layout.RENEWALS, shapes.Renewed, self.findings),
        )
        while (line := part.take()) is not None:
            lines.append(line)
        self._kept = [(_sha256(line.kept.text), _sha256(line.kept.token)) for line in lines]
        newest, checks = check_chain([line.kept for line in lines], self._anchors)
        for check in checks:
            self.findings.seen("renewals")
            if check.verdict is not Verdict.PASSED:
                self.findings.add(check)
        if newest is not None and newest.size >= self._facts.until:
            grown = Grown(hash=newest.hash, size=self._facts.first, hashes=list(lines[-1].before))
            self._renewed = (grown, newest, lines[-1].path)

    def _papers(self, index: int, leaf: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """What it tells of, beside it."""
        kind = leaf.get("kind")
        if kind in _ACCEPTED:
            self._receipt(index, leaf, facts)
        elif kind == "document.checked" and "report" in facts:
            report = self._reports.at(index, "verdicts")
            if self._holds("verdicts", index, report, facts["report"], report.report if report else b""):
                self._named(index, report.report if report else b"")
        elif kind == "register.closed":
            self._day(index, facts)
        elif kind == "log.restamped":
            self._restamped(facts)
        if "proof" in facts:
            proof = self._proofs.at(index, "receivers")
            self._holds("receivers", index, proof, facts["proof"], proof.file if proof else b"")

    def _restamped(self, facts: Mapping[str, Any]) -> None:
        """The renewal that a leaf tells of was there when the archive was made: so it is here."""
        number = facts.get("number")
        name = f"renewals.{str(number)[:20]}"
        if not isinstance(number, int) or not 0 < number <= len(self._kept):
            self.findings.add(
                failed(name, "leaf_paper_missing", "a renewal of the log's head that a leaf tells of")
            )
        elif self._kept[number - 1] != (facts.get("text"), facts.get("token")):
            self.findings.add(failed(name, "leaf_paper_wrong", "it is not the renewal that its leaf tells of"))

    def _holds(self, word: str, index: int, line: object, due: object, file: bytes) -> bool:
        self.findings.seen(word)
        if line is None:
            self.findings.add(failed(f"{word}.{index}", "leaf_paper_missing"))
            return False
        if sha256(file).hexdigest() != due:
            self.findings.add(failed(f"{word}.{index}", "leaf_paper_wrong", "it has another digest than the leaf"))
            return False
        return True

    def _named(self, index: int, report: bytes) -> None:
        try:
            found = msgspec.json.decode(report, type=_Rests)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.findings.add(failed(f"verdicts.{index}", "archive_unreadable", str(error)))
            return
        self._answers |= found.revocations.keys()

    def _receipt(self, index: int, leaf: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        line = self._receipts.at(index, "receipts")
        receipt, group = line.receipt if line else b"", self._next_group(index)
        if not self._holds("receipts", index, line, facts.get("receipt"), receipt) or line is None:
            return
        name = f"receipts.{index}"
        if line.message != leaf.get("message"):
            self.findings.add(failed(name, "leaf_paper_wrong", "it is of another message"))
            return
        try:
            body = bytes.fromhex(str(facts.get("sha256")))
            when = min(self._when, self._stamped(index, line, body, group) or self._when)
            report = verify_receipt(
                receipt,
                document_sha256=body,
                transfer=line.transfer,
                anchors=self._anchors.seal_at(when, partial(certificates_of_receipt, receipt)),
                at=when,
            )
        except ValueError as error:
            self.findings.add(failed(name, "leaf_paper_wrong", str(error)))
            return
        for check in of_seal(name, report):
            if check.verdict is not Verdict.PASSED:
                self.findings.add(check)

    def _next_group(self, index: int) -> bytes | None:
        """What the stamp over the receipt of this leaf must be over; None where there is no stamp."""
        if self._stamps.next is not None and self._stamps.next.leaf <= index:
            self._stamp = self._stamps.take()
            assert self._stamp is not None, "looked at above"
            self._hashes = _hashes(self._stamp.hashes)
            self._judge(self._stamp)
        return None if self._stamp is None or index > self._stamp.last else next(self._hashes, b"")

    def _stamped(self, index: int, line: shapes.Receipt, body: bytes, due: bytes | None) -> datetime | None:
        """What the stamp over a receipt proves of it."""
        if due is None or self._stamp is None:
            return None
        group = [sha256(line.receipt).digest(), body, sha256(line.transfer).digest()]
        found = group_hash(group) if self._stamp.form == "record" else signature_imprint(line.receipt)
        if found != due:
            self.findings.add(failed(f"receipt_stamps.{index}", "record_of_other_receipts"))
            return None
        return self._stamp_at

    def _judge(self, stamp: shapes.ReceiptStamp) -> None:
        self.findings.seen("receipt_stamps")
        name, hashes = f"receipt_stamps.{stamp.leaf}", list(_hashes(stamp.hashes))
        if not hashes or (stamp.form == "each" and len(hashes) > 1):
            self.findings.add(failed(name, "stamp_unreadable", "it says not what it is over"))
            return
        imprint = hashes[0] if stamp.form == "each" else root_of(hashes)
        check, self._stamp_at = judged(name, stamp.token, imprint, self._anchors)
        if check.verdict is not Verdict.PASSED:
            self.findings.add(check)

    def _day(self, index: int, facts: Mapping[str, Any]) -> None:
        self.findings.seen("registers")
        name, line, closing = f"registers.{index}", self._days.at(index, "registers"), Closing.parse(facts)
        if line is None:
            self.findings.add(failed(name, "leaf_paper_missing"))
            return
        told = _day_fault(line, closing)
        if closing is not None and self._closed is not None and closing.after != self._closed.until:
            told = told or f"it looks at leaves since {closing.after}, the day before up to {self._closed.until}"
        self._closed = closing
        if told:
            self.findings.add(failed(name, "register_wrong", f"{line.day[:10]}: {told}"))

    def _end(self, frontier: Frontier, checkpoint: Checkpoint | None) -> None:
        """Step 4, and whatever no leaf told of."""
        name, root = "continued", frontier.root()
        if root.hex() != self._facts.root:
            self.findings.add(failed(name, "facts_differ", "archive.json tells of another root"))
        if checkpoint is None:
            self.findings.add(undecided(name, "no_checkpoint", "there is no checkpoint that holds"))
        else:
            try:
                path = [_unhex(each) for each in self._facts.consistency]
                verify_consistency(frontier.size, checkpoint.size, root, checkpoint.root, path)
                self.findings.seen(name)
            except ProofError as error:
                self.findings.add(failed(name, "leaves_not_signed", f"the archive's own checkpoint: {error}"))
        if self._renewed is not None:
            grown, renewal, path = self._renewed
            try:
                grown.verify(renewal, path)
                self.findings.seen("renewed", grown.size - self._facts.first)
            except ProofError as error:
                self.findings.add(failed("renewed", "renewal_wrong", str(error)))
        while (line := self._checkpoints.take()) is not None:
            self.findings.add(failed(f"checkpoints.{line.size}", "checkpoint_wrong", "behind the month"))
        self._receipts.rest("receipts")
        self._reports.rest("verdicts")
        self._proofs.rest("receivers")
        self._days.rest("registers")
        self._revocations()

    def _revocations(self) -> None:
        """Verdicts come with what they rest on."""
        found = set()
        answers = Lines(self._container, layout.ANSWERS, shapes.Answer, self.findings)
        while (line := answers.take()) is not None:
            self.findings.seen("revocation")
            if sha256(line.der).hexdigest() != line.sha256:
                self.findings.add(failed(f"revocation.{line.sha256[:64]}", "leaf_paper_wrong", "another digest"))
            found.add(line.sha256)
        for each in sorted(self._answers - found):
            self.findings.add(undecided(f"revocation.{each[:64]}", "answer_missing", counts=False))


class _Rests(msgspec.Struct):
    """Of a report: by what digests it names the answers that it rests on."""

    revocations: dict[str, str] = msgspec.field(default_factory=dict)


def _day_fault(line: shapes.Day, closing: Closing | None) -> str:
    """Why these are not the registers that were closed; "" when they are."""
    if closing is None or closing.day != line.day:
        return "the leaf closes another day"
    try:
        seed, items = _unhex(line.seed), []
        for book in line.books:
            rows = [book.entries[at : at + _ENTRY_BYTES] for at in range(0, len(book.entries), _ENTRY_BYTES)]
            if not rows or any(len(row) != _ENTRY_BYTES for row in rows):
                return f"the register of {book.agency[:64]} has no entries"
            leaves = [int.from_bytes(row[:8], "big") for row in rows]
            register = Register.of(leaves, [row[8:] for row in rows])
            items.append((agency_commitment(seed, book.agency), register.digest))
    except (ProofError, OverflowError, ValueError) as error:
        return str(error)
    if len(items) != closing.registers or day_root(items) != closing.root:
        return "an entry or a register is missing, added or changed"
    return ""


def _hashes(packed: bytes) -> Iterator[bytes]:
    for at in range(0, len(packed), 32):
        yield packed[at : at + 32]


def _sha256(data: bytes) -> str:
    return sha256(data).hexdigest()


def _unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise ProofError("it is not hexadecimal") from error
