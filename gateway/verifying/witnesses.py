"""Who cosigned a checkpoint: a check for each witness that the auditor knows, and whether they are enough.

A line of an unknown key is named and counts nothing: anybody can write one. One of a known key that does not hold
proves that somebody put it there, so it fails. A witness counts once, by its key, whatever names it goes by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.errors import ProofError
from gateway.seal.report import Verdict
from gateway.transparency.note import Algorithm, NoteSignature, SignedNote, VerifierKey, time_of
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Check, failed, passed, undecided

#: A witness's clock may be ahead of ours by so much.
_AHEAD: Final = timedelta(minutes=5)
_SHOWN: Final = 100


def check_witnesses(note: bytes, anchors: Anchors, at: datetime) -> list[Check]:
    """The findings about the lines below a checkpoint; b"": there is none."""
    name = "witnesses"
    try:
        parsed = SignedNote.parse(note) if note else None
    except ProofError:  # told as that of the checkpoint
        parsed = None
    lines = parsed.signatures if parsed else ()
    strangers = list(_strangers(parsed, anchors)) if parsed else []
    if not anchors.witnesses:
        asked = f"no independent witness was asked; {len(strangers)} unknown ones signed"
        return [undecided(name, "no_witness_keys", asked, counts=False), *strangers]
    if not lines:
        return [undecided(name, "no_checkpoint")]
    found = {key: _of_witness(note, lines, key, at) for key in anchors.witnesses}
    checks = [*found.values(), *strangers]
    signed = {key.digest: key.name for key, check in found.items() if check.verdict is Verdict.PASSED}
    told = f"{len(signed)} of {len({key.digest for key in found})} signed, {anchors.quorum} must"
    if len(signed) < anchors.quorum:
        return [undecided(name, "too_few_witnesses", told), *checks]
    return [passed(name, f"{told}: {', '.join(sorted(signed.values()))}"), *checks]


def _of_witness(note: bytes, lines: Sequence[NoteSignature], key: VerifierKey, at: datetime) -> Check:
    name = f"log.witness.{key.name[:_SHOWN]}"
    own = [each for each in lines if (each.name, each.key_id) == (key.name, key.key_id)]
    if not own:
        return undecided(name, "witness_absent", counts=False)
    if key.algorithm is not Algorithm.COSIGNATURE_V1:
        return failed(name, "cosignature_wrong", "that is the key of a log")
    try:
        SignedNote.parse(note).verify([key])
        told = min(datetime.fromtimestamp(time_of(each.signature), UTC) for each in own)
    except (ProofError, ValueError, OverflowError, OSError) as error:
        return failed(name, "cosignature_wrong", str(error))
    if told > at + _AHEAD:
        detail = f"it says {told.isoformat()}, verified as of {at.isoformat()}"
        return undecided(name, "cosignature_in_future", detail, counts=False)
    return passed(name, f"seen at {told.isoformat()}, by its own clock", counts=False)


def _strangers(note: SignedNote, anchors: Anchors) -> Iterator[Check]:
    """Those of keys that are neither the log's nor a known witness's."""
    known = {(key.name, key.key_id) for key in anchors.witnesses}
    origin = note.text.split(b"\n", 1)[0].decode()
    for name, key_id in dict.fromkeys((each.name, each.key_id) for each in note.signatures):
        if (name, key_id) not in known and name != origin:
            told = f"key {key_id.hex()}"
            yield undecided(f"log.witness.{name[:_SHOWN]}", "witness_unknown", told, counts=False)
