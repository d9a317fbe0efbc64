"""What an auditor was given beside a bundle: CAs of seals and time stamps, the log's key, witnesses' keys.

    DIR/seal/*.pem  DIR/tsa/*.pem     as in certs/README.md, with NAME.toml and NAME.crl.pem beside them
    DIR/log.vkey                      a line for each log
    DIR/witnesses.vkey                a line for each witness; `# quorum N`: how many must have signed (1)

`seal/` must be there, the others may be missing: what they would decide is then told as undecided.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509

from gateway.errors import ProofError, TrustStoreError
from gateway.seal.trust import Anchor, TrustPurpose, TrustStore
from gateway.transparency.keys import read_vkeys
from gateway.transparency.note import VerifierKey

_QUORUM: Final = re.compile(r"^# quorum ([1-9][0-9]?)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchors:
    """What is trusted."""

    seal: TrustStore
    tsa: TrustStore | None = None
    log: tuple[VerifierKey, ...] = ()
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 1
    #: Whether they are the bundle's own, which proves nothing.
    from_bundle: bool = False

    @classmethod
    def load(cls, folder: Path) -> Anchors:
        """Read them; TrustStoreError saying which file is wrong."""
        seal = TrustStore.load(folder / "seal", TrustPurpose.SEAL)
        tsa = folder / "tsa"
        witnesses = folder / "witnesses.vkey"
        quorum = _QUORUM.search(_text(witnesses))
        return cls(
            seal=seal,
            tsa=TrustStore.load(tsa, TrustPurpose.TSA) if tsa.exists() else None,
            log=_keys(folder / "log.vkey"),
            witnesses=_keys(witnesses),
            quorum=int(quorum[1]) if quorum else 1,
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
