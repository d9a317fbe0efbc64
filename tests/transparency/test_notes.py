"""Notes, checkpoints and proofs as files."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import ProofError
from gateway.transparency.checkpoint import Checkpoint, opened
from gateway.transparency.keys import Cosigner, LogSigner, new_key, read_key
from gateway.transparency.merkle import inclusion_proof
from gateway.transparency.note import NoteSignature, SignedNote, VerifierKey, sign, signature_by, time_of
from gateway.transparency.proof import InclusionProof
from tests.transparency.growing import leaves, root_by_the_book, subtrees

#: The example of Go's package golang.org/x/mod/sumdb/note, where the format comes from.
_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
_LOG = LogSigner("example.com/log", read_key(new_key()))
_WITNESS = Cosigner("witness.example/w1", read_key(new_key()), lambda: 1_679_315_147)
_HASHES = leaves(13)
_CHECKPOINT = Checkpoint("example.com/log", 13, root_by_the_book(_HASHES))


def test_the_note_of_another_implementation_holds() -> None:
    """Key, key id and signature of Go's own example."""
    key = VerifierKey.parse(_VKEY)
    assert str(key) == _VKEY
    note = SignedNote.parse(_NOTE)
    assert note.verify([key]) == [key]
    assert bytes(note) == _NOTE


def test_a_log_and_a_witness_sign_the_same_text() -> None:
    """Two algorithms under one note; the witness's line carries its time."""
    note = sign(_CHECKPOINT.text(), _LOG)
    cosignature = signature_by(_WITNESS, note.text)
    both = SignedNote.parse(bytes(note.with_signatures([cosignature])))
    assert both.verify([_WITNESS.verifier, _LOG.verifier]) == [_LOG.verifier, _WITNESS.verifier]
    assert both.verify([_WITNESS.verifier]) == [_WITNESS.verifier]
    assert time_of(both.signatures[1].signature) == 1_679_315_147
    assert VerifierKey.parse(str(_WITNESS.verifier)) == _WITNESS.verifier


def test_signatures_of_strangers_are_passed_over_and_wrong_ones_refuse() -> None:
    """C2SP signed-note: unknown keys are ignored, a known key that fails rejects the note."""
    note = sign(_CHECKPOINT.text(), _LOG)
    stranger = LogSigner("stranger.example", read_key(new_key()))
    with_stranger = note.with_signatures([signature_by(stranger, note.text)])
    assert with_stranger.verify([_LOG.verifier]) == [_LOG.verifier]
    with pytest.raises(ProofError, match="no known key"):
        note.verify([stranger.verifier])
    with pytest.raises(ProofError, match="does not hold"):
        with_stranger.with_signatures([NoteSignature(_LOG.name, _LOG.verifier.key_id, bytes(64))]).verify(
            [_LOG.verifier]
        )
    moved = SignedNote(b"another text\n", note.signatures)
    with pytest.raises(ProofError, match="does not hold"):
        moved.verify([_LOG.verifier])


def test_a_cosignature_does_not_hold_for_another_time() -> None:
    """The time is under the signature."""
    line = signature_by(_WITNESS, _CHECKPOINT.text())
    later = NoteSignature(line.name, line.key_id, (1_679_315_148).to_bytes(8, "big") + line.signature[8:])
    with pytest.raises(ProofError):
        SignedNote(_CHECKPOINT.text(), (later,)).verify([_WITNESS.verifier])
    for wrong in (b"", bytes(71), b"\xff" * 72):
        with pytest.raises(ProofError):
            time_of(wrong)


@pytest.mark.parametrize(
    "line",
    [
        "", "name", "name+00000000", "na me+c74f20a3+AQ==", "PeterNeumann+c74f20a4+" + _VKEY.split("+", 2)[2],
        "PeterNeumann+C74F20A3+" + _VKEY.split("+", 2)[2], "x+00000000+AQID", "x+00000000+!!!",
        "x+00000000+" + base64.b64encode(b"\x09" + bytes(32)).decode(),
    ],
)  # fmt: skip
def test_other_verifier_keys_are_refused(line: str) -> None:
    """Form, algorithm, and the id must be that of the key."""
    with pytest.raises(ProofError):
        VerifierKey.parse(line)


@pytest.mark.parametrize(
    "note",
    [
        b"", b"text\n", b"text\n\n", b"text\n\nno signature\n", "text\n\n— a AAAAAAA=".encode(),
        "text\n\n— a AAAA\n".encode(), "text\n\n— a+b AAAAAAA=\n".encode(), "text\n\n—a AAAAAAA=\n".encode(),
        "text\n\n— a AAAAAAB=\n".encode(), "te\rxt\n\n— a AAAAAAA=\n".encode(),
        b"\xff\n\n" + "— a AAAAAAA=\n".encode(),
        "\n\n— a AAAAAAA=\n".encode(), b"x" * 300_000, b"text\n\n" + "— a AAAAAAA=\n".encode() * 65,
    ],
)  # fmt: skip
def test_other_notes_are_refused(note: bytes) -> None:
    """What cannot be read is a ProofError."""
    with pytest.raises(ProofError):
        SignedNote.parse(note)


@pytest.mark.parametrize("text", [b"", b"\n", b"no newline", b"a\x00b\n", b"\xff\n"])
def test_what_is_no_text_of_a_note_is_not_signed(text: bytes) -> None:
    """The signer refuses what no verifier would read."""
    with pytest.raises(ProofError):
        sign(text, _LOG)


def test_the_checkpoint_of_the_specification_is_read() -> None:
    """The example of C2SP tlog-checkpoint."""
    text = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = Checkpoint.parse(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.text() == text
    assert Checkpoint.parse(text + b"more\n").extensions == ("more",)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"a\n1\n", b"a\n01\n" + b"A" * 43 + b"=\n", b"a\n-1\n" + b"A" * 43 + b"=\n", b"a\n1\nAAAA\n",
        b"\n1\n" + b"A" * 43 + b"=\n", b"a\n1\n" + b"A" * 43 + b"=", b"a\n1\n" + b"A" * 43 + b"=\n\n",
        b"\xff\n1\nA\n",
        b"a\n9223372036854775808\n" + b"A" * 43 + b"=\n", b"a\n" + b"9" * 5000 + b"\n" + b"A" * 43 + b"=\n",
    ],
)  # fmt: skip
def test_other_checkpoints_are_refused(text: bytes) -> None:
    """Origin, size and root, a line each."""
    with pytest.raises(ProofError):
        Checkpoint.parse(text)


def test_nobody_but_the_log_speaks_for_the_log() -> None:
    """A checkpoint that only a witness signed, or another log, is refused though its signature holds."""
    other = LogSigner("other.example/log", read_key(new_key()))
    note = bytes(sign(_CHECKPOINT.text(), other))
    with pytest.raises(ProofError, match="no known key of the log"):
        opened(note, [other.verifier, _LOG.verifier])


def _proof(index: int, *, extra: bytes = b"") -> InclusionProof:
    path = inclusion_proof(index, 13, subtrees(_HASHES))
    return InclusionProof(index, tuple(path), bytes(sign(_CHECKPOINT.text(), _LOG)), extra)


@pytest.mark.parametrize("index", [0, 7, 12])
def test_a_proof_comes_back_from_its_file_and_holds(index: int) -> None:
    """The index, hashes, extra data and checkpoint, verbatim."""
    proof = _proof(index, extra=b"for whom it may concern")
    again = InclusionProof.parse(bytes(proof))
    assert again == proof
    checkpoint, signed = again.verify(_HASHES[index], [_LOG.verifier])
    assert checkpoint == _CHECKPOINT
    assert signed == [_LOG.verifier]
    with pytest.raises(ProofError):
        again.verify(_HASHES[index - 1], [_LOG.verifier])


def test_a_proof_file_is_written_as_specified() -> None:
    """Line by line."""
    lines = bytes(_proof(12)).decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 12"]
    empty = lines.index("")
    assert lines[empty + 1 : empty + 3] == ["example.com/log", "13"]


def test_any_change_to_a_proof_file_is_refused() -> None:
    """Each byte of it in turn."""
    file = bytes(_proof(5))
    for at in range(len(file)):
        changed = file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :]
        with pytest.raises(ProofError):
            InclusionProof.parse(changed).verify(_HASHES[5], [_LOG.verifier])


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"c2sp.org/tlog-proof@v1\n", b"c2sp.org/tlog-proof@v1\nindex 5\n"]),
)
def test_any_bytes_are_refused_as_a_proof(rest: bytes, head: bytes) -> None:
    """Never another exception."""
    with pytest.raises(ProofError):
        InclusionProof.parse(head + rest).verify(_HASHES[5], [_LOG.verifier])


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=120), st.text(max_size=120).map(str.encode)))
def test_any_bytes_are_refused_as_note_and_key(data: bytes) -> None:
    """Never another exception."""
    with pytest.raises(ProofError):
        opened(data, [_LOG.verifier])
    with pytest.raises(ProofError):
        read_key(data)
    with pytest.raises(ProofError):
        VerifierKey.parse(data.decode(errors="replace"))
