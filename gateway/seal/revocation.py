"""What CAs said about revocation: CRLs and OCSP answers, each kept as it came, to be shown in ten years.

The ledger keeps them (`gateway.ledger.revocations`), and with them each that a verdict rests on. A folder is its
copy for those that open no database; it holds one file an answer, named after what it is about, from when it is,
and its SHA-256:

    crl-<issuer>-<thisUpdate>-<digest>.crl      <issuer>: begin of the SHA-256 of the issuer's name in DER
    ocsp-<issuer key>-<serial>-<thisUpdate>-<digest>.ocsp

The same answer is kept once, however often it was fetched. Only the form is judged here; signatures and times are
judged where an answer is used (`gateway.signatures.path`). Files that are not of this form are left alone.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
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
_FILE = re.compile(
    r"(?P<subject>crl-[0-9a-f]{32}|ocsp-[0-9a-f]{1,32}-[0-9a-f]{1,64})-(?P<at>[0-9]{8}T[0-9]{6}Z)-[0-9a-f]{32}\.(?:crl|ocsp)"
)
_Named = re.Match[str]


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
    def sha256(self) -> str:
        """Hex."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def name(self) -> str:
        """Of its file."""
        return file_name(self.subject, self.this_update, self.sha256, self.kind)

    @property
    def is_well_named(self) -> bool:
        """Whether its parts are of the form that files have: a process told them that may have gone astray."""
        return self.subject.startswith(self.kind) and _FILE.fullmatch(self.name) is not None


def file_name(subject: str, this_update: datetime, sha256: str, kind: str) -> str:
    """Of the file that holds an answer."""
    return f"{subject}-{this_update.strftime(_INSTANT)}-{sha256[:_SHORT]}.{kind}"


def list_subject(issuer: x509.Name) -> str:
    """What an issuer's lists are about."""
    return f"crl-{_named(issuer)}"


def ocsp_subject(issuer_key_hash: bytes, serial: int) -> str:
    """What OCSP answers about one certificate are about."""
    return f"ocsp-{issuer_key_hash.hex()[:_SHORT]}-{serial:x}"


def unarmoured(raw: bytes) -> bytes:
    """The DER of what may be PEM; not looked into. ValueError for what is damaged."""
    text = raw.strip()
    if not text.startswith(b"-----BEGIN"):
        return raw
    lines = text.splitlines()
    return b64decode(b"".join(lines[1:-1]), validate=True)


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
        subject=list_subject(found.issuer),
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
        subject=ocsp_subject(single.issuer_key_hash, single.serial_number),
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

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._folder

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
        certificates = list(certificates)
        lists = {f"crl-{_named(each.issuer)}" for each in certificates}
        serials = {f"{each.serial_number:x}" for each in certificates}
        about: dict[str, list[_Named]] = {}
        for name in self._names():
            subject = name["subject"]
            if subject in lists or (subject.startswith("ocsp-") and subject.rpartition("-")[2] in serials):
                about.setdefault(subject, []).append(name)
        chosen = {name.string: None for names in about.values() for name in _chosen(names, at)}
        return tuple(self._read(name) for name in chosen)

    def newest(self, subject: str) -> Answer | None:
        """The last of those that replace each other."""
        names = [name for name in self._names() if name["subject"] == subject]
        return self._read(max(names, key=_of).string) if names else None

    def state(self) -> int:
        """Another number as soon as a file came or went."""
        try:
            return self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def names(self) -> frozenset[str]:
        """Of the files that hold answers."""
        return frozenset(name.string for name in self._names())

    def drop(self, name: str) -> None:
        """The ledger keeps it no longer, or it is damaged."""
        (self._folder / name).unlink(missing_ok=True)

    def holds(self, name: str) -> bool:
        """Whether the file is there, undamaged."""
        try:
            return _fits(name, (self._folder / name).read_bytes())
        except OSError:
            return False

    def _names(self) -> list[_Named]:
        try:
            found = [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return []
        return [name for each in found if (name := _FILE.fullmatch(each)) is not None]

    def _read(self, name: str) -> Answer:
        path = self._folder / name
        raw = path.read_bytes()
        if not _fits(name, raw):
            raise StorageError(f"{path} is damaged: its name tells another digest", path=str(path))
        return read_answer(raw)


def _fits(name: str, raw: bytes) -> bool:
    return hashlib.sha256(raw).hexdigest()[:_SHORT] == name.rpartition("-")[2].partition(".")[0]


def _of(name: _Named) -> datetime:
    return datetime.strptime(name["at"], _INSTANT).replace(tzinfo=UTC)


def _chosen(names: Sequence[_Named], at: datetime) -> Iterable[_Named]:
    before = [each for each in names if _of(each) <= at]
    # the last word before `at` tells how it stood then; the newest tells of what became known only later
    last = {max(map(_of, each)) for each in (before, names) if each}
    # all of that instant, which is a whole second: a CA may have called it good and revoked within one
    yield from (each for each in names if _of(each) in last)


def is_stale(answer: Answer, at: datetime) -> bool:
    """Whether its successor was due."""
    return answer.next_update is not None and answer.next_update < at.astimezone(UTC)
