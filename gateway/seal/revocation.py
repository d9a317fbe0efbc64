"""What CAs said about revocation: CRLs and OCSP answers, each kept as it came, to be shown in ten years.

A folder holds one file an answer, named after what it is about, from when it is, and its SHA-256:

    crl-<issuer>-<thisUpdate>-<digest>.crl      <issuer>: begin of the SHA-256 of the issuer's name in DER
    ocsp-<issuer key>-<serial>-<thisUpdate>-<digest>.ocsp

The same answer is kept once, however often it was fetched. Only the form is judged here; signatures and times are
judged where an answer is used (`gateway.signatures.path`). Files that are not of this form are left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from gateway.errors import RevocationError, StorageError
from gateway.fsio import make_private_dir, write_durably
from gateway.seal.profile import UNREADABLE_CERTIFICATE

#: The folder, below the data folder.
REVOCATIONS = "revocations"
#: A national CA's list may have hundreds of thousands of entries.
MAX_ANSWER_BYTES = 64 * 1024**2
_INSTANT = "%Y%m%dT%H%M%SZ"
_SHORT = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One CRL or OCSP answer."""

    #: `crl` or `ocsp`.
    kind: str
    #: What it is about: equal for answers that replace each other.
    subject: str
    this_update: datetime
    #: None: the CA does not say when the next one comes.
    next_update: datetime | None
    der: bytes

    @property
    def name(self) -> str:
        """Of its file."""
        digest = hashlib.sha256(self.der).hexdigest()[:_SHORT]
        return f"{self.subject}-{self.this_update.strftime(_INSTANT)}-{digest}.{self.kind}"


def read_answer(raw: bytes) -> Answer:
    """A CRL (PEM or DER) or an OCSP answer (DER); RevocationError for anything else."""
    if len(raw) > MAX_ANSWER_BYTES:
        raise RevocationError(f"{len(raw)} bytes are more than any revocation list")
    for read in (_read_crl, _read_ocsp):
        try:
            return read(raw)
        except UNREADABLE_CERTIFICATE:
            continue
    raise RevocationError("this is neither a CRL nor a successful OCSP answer")


def _read_crl(raw: bytes) -> Answer:
    is_pem = raw.lstrip().startswith(b"-----BEGIN")
    found = x509.load_pem_x509_crl(raw) if is_pem else x509.load_der_x509_crl(raw)
    return Answer(
        kind="crl",
        subject=f"crl-{_named(found.issuer)}",
        this_update=found.last_update_utc,
        next_update=found.next_update_utc,
        der=found.public_bytes(Encoding.DER),
    )


def _read_ocsp(raw: bytes) -> Answer:
    found = ocsp.load_der_ocsp_response(raw)
    if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ValueError("it tells of an error")
    single = next(iter(found.responses))
    return Answer(
        kind="ocsp",
        subject=f"ocsp-{single.issuer_key_hash.hex()[:_SHORT]}-{single.serial_number:x}",
        this_update=single.this_update_utc,
        next_update=single.next_update_utc,
        der=raw,
    )


def _named(name: x509.Name) -> str:
    return hashlib.sha256(name.public_bytes()).hexdigest()[:_SHORT]


class RevocationStore:
    """The folder. Everything blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, answer: Answer) -> bool:
        """Durably; whether it was new. StorageError when it cannot be written."""
        make_private_dir(self._folder)
        path = self._folder / answer.name
        if path.exists():
            return False
        try:
            write_durably(path, answer.der)
        except FileExistsError:  # somebody else was quicker
            return False
        return True

    def about(self, certificates: Iterable[x509.Certificate], at: datetime) -> tuple[Answer, ...]:
        """What speaks of these certificates: of each subject the last before `at`, and the newest."""
        subjects: dict[str, None] = {}
        for each in certificates:
            subjects[f"crl-{_named(each.issuer)}-"] = None
            subjects[f"ocsp-*-{each.serial_number:x}-"] = None
        found: dict[str, Answer] = {}
        for subject in subjects:
            for answer in _chosen(list(self._answers(subject)), at):
                found[answer.name] = answer
        return tuple(found.values())

    def newest(self, subject: str) -> Answer | None:
        """The last of those that replace each other."""
        answers = list(self._answers(f"{subject}-"))
        return max(answers, key=lambda each: each.this_update, default=None)

    def _answers(self, pattern: str) -> Iterable[Answer]:
        for path in self._folder.glob(f"{pattern}*"):
            try:
                yield read_answer(path.read_bytes())
            except RevocationError as error:
                raise StorageError(f"{path} is damaged: {error}", path=str(path)) from error


def _chosen(answers: Sequence[Answer], at: datetime) -> Iterable[Answer]:
    if not answers:
        return
    before = [each for each in answers if each.this_update <= at]
    # the last word before `at` tells how it stood then; the newest tells of what became known only later
    if before:
        yield max(before, key=lambda each: each.this_update)
    yield max(answers, key=lambda each: each.this_update)


def is_stale(answer: Answer, at: datetime) -> bool:
    """Whether its successor was due."""
    return answer.next_update is not None and answer.next_update < at.astimezone(UTC)
