"""What a log and a witness say to each other, after C2SP tlog-witness: the request, and the judgement of it.

    old 20852014
    <base 64 of a hash>      (none to 63: the consistency proof)
    <empty line>
    the checkpoint, a signed note

`judge` is a witness's whole decision, without its memory and its key: which checkpoint may be cosigned, or a
WitnessRefusalError with the status that the protocol has for it. Both halves of the protocol use this file, so that
what a log writes is what a witness reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from gateway.errors import ProofError, WitnessRefusalError
from gateway.transparency.checkpoint import Checkpoint, decimal, opened
from gateway.transparency.merkle import verify_consistency
from gateway.transparency.note import NoteSignature, SignedNote, VerifierKey, decode_base64, encode_base64

#: Of a request; the largest honest one has 63 hashes and a few lines of signatures.
MAX_REQUEST_BYTES: Final = 64 * 1024
MAX_PROOF_LINES: Final = 63
#: Media type of a 409, whose body is the size that the witness knows.
SIZE_TYPE: Final = "text/x.tlog.size"
_OLD: Final = "old "


class Status(IntEnum):
    """A witness's answers; the numbers are those of HTTP."""

    COSIGNED = 200
    #: Not a request of the protocol.
    MALFORMED = 400
    #: The log's key did not sign the checkpoint.
    UNSIGNED = 403
    UNKNOWN_LOG = 404
    #: The old size is not that of the witness, which is told.
    OTHER_SIZE = 409
    #: The checkpoint does not continue what was cosigned, or is not proved to.
    NOT_CONTINUED = 422
    #: The witness is not sure of itself.
    STANDS_STILL = 503


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A log asks for a cosignature."""

    #: Leaves of the checkpoint that the witness cosigned last, as far as the log knows.
    old: int
    #: 32 bytes each [RFC 9162 2.1.4.1].
    proof: tuple[bytes, ...]
    #: The checkpoint, verbatim.
    note: bytes

    def __bytes__(self) -> bytes:
        """The body of the request."""
        lines = [f"{_OLD}{self.old}", *map(encode_base64, self.proof), ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.note

    @classmethod
    def parse(cls, body: bytes) -> AddCheckpoint:
        """Read a body; raises ProofError. The checkpoint is not looked into before `judge`."""
        if len(body) > MAX_REQUEST_BYTES:
            raise ProofError(f"a request of {len(body)} bytes is over {MAX_REQUEST_BYTES}")
        head, gap, note = body.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise ProofError("the lines above the checkpoint are ASCII") from error
        if not gap or not first.startswith(_OLD):
            raise ProofError("a request is a line with the old size, a proof, an empty line, and a checkpoint")
        if len(lines) > MAX_PROOF_LINES:
            raise ProofError(f"a consistency proof has at most {MAX_PROOF_LINES} hashes")
        return cls(decimal(first.removeprefix(_OLD)), tuple(map(decode_base64, lines)), note)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose checkpoint a known log signed."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint
    #: Text and those lines that known keys of the log signed.
    note: SignedNote


def read(body: bytes, logs: Mapping[str, Sequence[VerifierKey]]) -> Asked:
    """What is asked, by which log; `logs`: the keys of each origin that the witness knows."""
    try:
        asked = AddCheckpoint.parse(body)
        note = SignedNote.parse(asked.note)
        checkpoint = Checkpoint.parse(note.text)
    except ProofError as error:
        raise WitnessRefusalError(Status.MALFORMED, str(error)) from error
    keys = logs.get(checkpoint.origin)
    if not keys:
        raise WitnessRefusalError(Status.UNKNOWN_LOG, "no log of that origin is known here")
    try:
        _, signed = opened(asked.note, keys)
    except ProofError as error:
        raise WitnessRefusalError(Status.UNSIGNED, str(error)) from error
    if asked.old > checkpoint.size:
        raise WitnessRefusalError(Status.MALFORMED, "the old size is above that of the checkpoint")
    known = {(key.name, key.key_id) for key in signed}
    lines = tuple(each for each in note.signatures if (each.name, each.key_id) in known)
    return Asked(asked.old, asked.proof, checkpoint, SignedNote(note.text, lines))


def judge(asked: Asked, last: Checkpoint) -> None:
    """WitnessRefusalError unless the checkpoint continues `last`, what was cosigned last of this log."""
    if asked.old != last.size:
        raise WitnessRefusalError(Status.OTHER_SIZE, f"{last.size}")
    new = asked.checkpoint
    try:
        verify_consistency(last.size, new.size, last.root, new.root, asked.proof)
    except ProofError as error:
        raise WitnessRefusalError(Status.NOT_CONTINUED, str(error)) from error


def read_cosignature(answer: bytes, text: bytes, witness: VerifierKey) -> NoteSignature:
    """The line of this witness in its answer, verified; ProofError when there is none that holds."""
    try:
        lines = answer.decode().split("\n")
    except UnicodeDecodeError as error:
        raise ProofError("the answer is not UTF-8") from error
    for line in lines[:-1]:
        signature = NoteSignature.parse(line)
        if (signature.name, signature.key_id) == (witness.name, witness.key_id):
            witness.check(text, signature.signature)
            return signature
    raise ProofError(f"the answer has no line of {witness.name}")
