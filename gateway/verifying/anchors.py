"""What an auditor was given beside a bundle: CAs of seals and time stamps, the log's key, witnesses' keys.

    DIR/seal/*.pem  DIR/tsa/*.pem     as in certs/README.md, with NAME.toml and NAME.crl.pem beside them
    DIR/institution/*.pem             likewise, of the institution's signature over checkpoints
    DIR/log.vkey                      a line for each log
    DIR/witnesses.vkey                a line for each witness; `# quorum N`: how many must have signed (1)
    DIR/receivers/CODE.pem            public keys, or certificates, of the office with that code

`seal/` must be there, the others may be missing: what they would decide is then told as undecided.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.errors import ProofError, TrustStoreError
from gateway.seal.ocsp import OcspAnswer
from gateway.seal.trust import Anchor, TrustPurpose, TrustStore
from gateway.transparency.keys import read_vkeys
from gateway.transparency.note import VerifierKey

_BLOCK: Final = re.compile(r"(-----BEGIN (PUBLIC KEY|CERTIFICATE)-----.*?-----END \2-----)", re.DOTALL)
#: Of a seal or stamp; asked for where there are lists.
Certificates = Callable[[], Iterable[x509.Certificate]]
_QUORUM: Final = re.compile(r"^# quorum ([1-9][0-9]?)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchors:
    """What is trusted."""

    seal: TrustStore
    tsa: TrustStore | None = None
    institution: TrustStore | None = None
    log: tuple[VerifierKey, ...] = ()
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 1
    #: Code of an office -> ids of its keys, and the files that they lie in.
    receivers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Whether they are the bundle's own, which proves nothing.
    from_bundle: bool = False
    #: Revocation lists that came with the bundle: as good as the signatures of their CAs.
    lists: tuple[x509.CertificateRevocationList, ...] = ()
    #: OCSP answers, likewise.
    answers: tuple[OcspAnswer, ...] = ()

    def seal_at(self, at: datetime, certificates: Certificates) -> TrustStore:
        """For seals with these certificates, as of that time."""
        return self._with_lists(self.seal, at, certificates)

    def tsa_at(self, at: datetime, certificates: Certificates) -> TrustStore | None:
        """For time stamps, likewise."""
        return None if self.tsa is None else self._with_lists(self.tsa, at, certificates)

    def _with_lists(self, store: TrustStore, at: datetime, certificates: Certificates) -> TrustStore:
        if not self.lists and not self.answers:
            return store
        serials = {each.serial_number for each in certificates()}
        chosen = tuple(each for each in self.lists if _says(each, at, serials))
        answers = tuple(each for each in self.answers if each.says_at(at))
        return replace(store, revocations=(*store.revocations, *chosen), answers=(*store.answers, *answers))

    @classmethod
    def load(cls, folder: Path) -> Anchors:
        """Read them; TrustStoreError saying which file is wrong."""
        seal = TrustStore.load(folder / "seal", TrustPurpose.SEAL)
        tsa = folder / "tsa"
        institution = folder / "institution"
        witnesses = folder / "witnesses.vkey"
        quorum = _QUORUM.search(_text(witnesses))
        return cls(
            seal=seal,
            tsa=TrustStore.load(tsa, TrustPurpose.TSA) if tsa.exists() else None,
            institution=TrustStore.load(institution, TrustPurpose.INSTITUTION) if institution.exists() else None,
            log=_keys(folder / "log.vkey"),
            witnesses=_keys(witnesses),
            quorum=int(quorum[1]) if quorum else 1,
            receivers=_receivers(folder / "receivers"),
        )

    @classmethod
    def of_bundle(cls, certificates: tuple[x509.Certificate, ...], vkey: str) -> Anchors:
        """Those that a bundle brings along itself."""
        found = tuple(Anchor(certificate=each, name="bundle") for each in certificates[-1:])
        try:
            log = (VerifierKey.parse(vkey),) if vkey else ()
        except ProofError:
            log = ()
        return cls(seal=TrustStore(purpose=TrustPurpose.SEAL, anchors=found), log=log, from_bundle=True)


def _receivers(folder: Path) -> dict[str, dict[str, str]]:
    """The keys of each office, by their ids."""
    found: dict[str, dict[str, str]] = {}
    paths = sorted(folder.glob("*.pem"))
    if not paths:
        return found
    from gateway.message_signatures import PublicKey, algorithms_of, key_id  # only who has such keys pays for it

    for path in paths:
        blocks = _BLOCK.findall(_text(path))
        try:
            keys = [_public(block.encode(), kind) for block, kind in blocks]
        except (ValueError, UnsupportedAlgorithm) as error:
            raise TrustStoreError(
                f"{path} holds what is no public key and no certificate", path=str(path)
            ) from error
        if not keys:
            raise TrustStoreError(f"{path} holds no public key and no certificate", path=str(path))
        for key in keys:
            if not isinstance(key, PublicKey) or not algorithms_of(key):
                raise TrustStoreError(f"{path}: keys are Ed25519, P-256, P-384 or RSA", path=str(path))
            found.setdefault(path.stem.upper(), {})[key_id(key)] = path.name
    return found


def _public(block: bytes, kind: str) -> object:
    return (
        x509.load_pem_x509_certificate(block).public_key() if kind == "CERTIFICATE" else load_pem_public_key(block)
    )


def _says(found: x509.CertificateRevocationList, at: datetime, serials: Collection[int]) -> bool:
    """Whether a list says something about these certificates as of then.

    One that had ended before tells of revocations only: without a better one nothing was examined, as without any.
    """
    until = found.next_update_utc
    if until is None or until >= at:
        return True
    return any(found.get_revoked_certificate_by_serial_number(serial) is not None for serial in serials)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise TrustStoreError(f"cannot read {path}: {error}", path=str(path)) from error


def _keys(path: Path) -> tuple[VerifierKey, ...]:
    text = _text(path)
    if not any(line.strip() and not line.startswith("#") for line in text.splitlines()):
        return ()
    try:
        return tuple(read_vkeys(text.encode()))
    except ProofError as error:
        raise TrustStoreError(f"{path}: {error}", path=str(path)) from error
