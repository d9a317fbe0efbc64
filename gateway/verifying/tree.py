"""The log's part of a bundle: its checkpoint, who signed it, and that every leaf is under it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.bundle.container import Container
from gateway.bundle.facts import Facts, Log
from gateway.bundle.format import CHECKPOINT, role_of
from gateway.errors import BundleError, ProofError
from gateway.seal.report import Verdict
from gateway.transparency.checkpoint import Checkpoint, opened
from gateway.transparency.merkle import leaf_hash, verify_inclusion
from gateway.transparency.note import SignedNote
from gateway.transparency.proof import InclusionProof
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Check, failed, passed, undecided
from gateway.verifying.witnesses import check_witnesses


@dataclass(kw_only=True)
class Logged:
    """What the log proves."""

    checks: list[Check] = field(default_factory=list)
    #: Index -> leaf, of those that are proved.
    leaves: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    #: What time stamps are over: the note as the log first signed it; b"" where that is not known.
    signed: bytes = b""

    def of(self, *kinds: str, **about: str) -> Iterator[Mapping[str, Any]]:
        """Proved leaves of some kinds about something, in the order of the log."""
        for _, leaf in sorted(self.leaves.items()):
            if leaf.get("kind") in kinds and all(leaf.get(key) == value for key, value in about.items()):
                yield leaf


def check_log(container: Container, facts: Facts, anchors: Anchors, at: datetime) -> Logged:
    """Every finding about checkpoint, witnesses and leaves, as of `at`."""
    found = Logged()
    note, checkpoint = check_checkpoint(container, facts.log, anchors, found, at)
    indices = {
        int(name.split("/")[2].split(".")[0])
        for name in container.entries
        if name.startswith("evidence/leaves/") and role_of(name) in {"leaf", "proof"}
    }
    known = {leaf.index: leaf.kind for leaf in facts.leaves}
    about = {facts.document.id, *(m.id for m in facts.messages), *(d.id for d in facts.deliveries)}
    for index in sorted(indices | known.keys()):
        check, leaf = check_leaf(container, index, note, checkpoint)
        if leaf is not None and check.verdict is not Verdict.FAILED:
            if not about & {name for name in (leaf.get("message"), leaf.get("delivery")) if isinstance(name, str)}:
                check = failed(
                    check.name, "leaf_of_another_document", "the leaf names neither document nor delivery"
                )
            elif known.get(index) != leaf.get("kind"):
                check = failed(
                    check.name, "facts_differ", f"bundle.json says {known.get(index)}, the leaf otherwise"
                )
            elif check.verdict is Verdict.PASSED:
                found.leaves[index] = leaf
        found.checks.append(check)
    if facts.pending_leaves:
        until = f": it speaks of the log's first {facts.log.size} leaves; export again later" if facts.log else ""
        detail = f"{facts.pending_leaves} newer events had no proof when the bundle was made{until}"
        found.checks.append(undecided("leaves.pending", "leaves_pending", detail, counts=False))
    return found


def check_checkpoint(
    container: Container, log: Log | None, anchors: Anchors, found: Logged, at: datetime
) -> tuple[bytes, Checkpoint | None]:
    """The checkpoint and its witnesses: the note, and what it says if that holds; `log` is what the facts say."""
    note, checkpoint = _checkpoint(container, log, anchors, found)
    found.checks += check_witnesses(note, anchors, at)
    return note, checkpoint


def _checkpoint(
    container: Container, log: Log | None, anchors: Anchors, found: Logged
) -> tuple[bytes, Checkpoint | None]:
    name = "checkpoint"
    if CHECKPOINT not in container.entries:
        found.checks.append(undecided(name, "no_checkpoint", "the bundle was made before the log signed anything"))
        return b"", None
    try:
        note = container.bytes_of(CHECKPOINT)
        signed = SignedNote.parse(note)
        checkpoint = Checkpoint.parse(signed.text)
    except (ProofError, BundleError) as error:
        found.checks.append(failed(name, "checkpoint_wrong", str(error)))
        return b"", None
    if not anchors.log:
        found.checks.append(undecided(name, "no_log_key", f"whether it is of {checkpoint.origin} cannot be told"))
        return note, checkpoint
    if checkpoint.origin not in {key.name for key in anchors.log}:
        detail = f"the log is {checkpoint.origin}, the known ones are {', '.join(key.name for key in anchors.log)}"
        found.checks.append(failed(name, "another_log", detail))
        return note, None
    try:
        opened(note, anchors.log)
    except ProofError as error:
        found.checks.append(failed(name, "checkpoint_wrong", str(error)))
        return note, None
    ours = [each for each in signed.signatures if each.name == checkpoint.origin][:1]
    found.signed = bytes(SignedNote(signed.text, tuple(ours)))
    if log is None or (log.origin, log.size) != (checkpoint.origin, checkpoint.size):
        found.checks.append(failed(name, "facts_differ", "the facts speak of another checkpoint"))
    else:
        found.checks.append(passed(name, f"{checkpoint.size} leaves of {checkpoint.origin}"))
    return note, checkpoint


def check_leaf(
    container: Container, index: int, note: bytes, checkpoint: Checkpoint | None
) -> tuple[Check, Mapping[str, Any] | None]:
    """Whether a leaf is under the checkpoint, and what it says."""
    name, files = f"leaf.{index}", (f"evidence/leaves/{index}.json", f"evidence/leaves/{index}.tlog-proof")
    missing = [each for each in files if each not in container.entries]
    if missing:
        return failed(name, "leaf_missing" if len(missing) > 1 else "proof_missing", ", ".join(missing)), None
    try:
        raw = container.bytes_of(files[0])
        proof = InclusionProof.parse(container.bytes_of(files[1]))
        leaf = _object(raw)
    except (ProofError, BundleError) as error:
        return failed(name, "proof_wrong", str(error)), None
    return _proved(name, index, raw, proof, note, checkpoint), leaf


def _proved(
    name: str, index: int, raw: bytes, proof: InclusionProof, note: bytes, checkpoint: Checkpoint | None
) -> Check:
    if proof.index != index:
        return failed(name, "proof_wrong", f"the proof is for leaf {proof.index}")
    if proof.checkpoint != note:
        return failed(name, "proof_of_another_checkpoint")
    if checkpoint is None:
        return undecided(name, "no_checkpoint", "there is no checkpoint that holds")
    try:
        verify_inclusion(index, checkpoint.size, leaf_hash(raw), list(proof.hashes), checkpoint.root)
    except ProofError as error:
        return failed(name, "proof_wrong", str(error))
    return passed(name)


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(raw)
        json.dumps(found, ensure_ascii=False).encode()  # half of a surrogate pair could not be told to anybody
    except (ValueError, RecursionError) as error:
        raise BundleError(f"the leaf is no JSON: {error}", code="facts_unreadable") from error
    if not isinstance(found, dict):
        raise BundleError("the leaf is no object", code="facts_unreadable")
    return found


def facts_of(leaves: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What the leaves say."""
    for leaf in leaves:
        facts = leaf.get("facts")
        if isinstance(facts, dict):
            yield facts
