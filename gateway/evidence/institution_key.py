"""Has checkpoints signed by the institution's key, which a process of its own holds and which may be slow.

Nobody waits for it but the duty that asks. What comes back is verified before it is given on. The certificate is
read anew each time, so that a renewed one needs no restart.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from gateway.config.settings import InstitutionSettings
from gateway.errors import SealError
from gateway.ledger.institution import CheckpointSignature
from gateway.ledger.tree import StoredCheckpoint
from gateway.seal.institution import draft
from gateway.seal.keys import Certificates
from gateway.seal.profile import fingerprint
from gateway.signing import KeyProcess


@dataclass(frozen=True, kw_only=True, slots=True)
class InstitutionSignature:
    """A signature that was just made, and whose it is."""

    kept: CheckpointSignature
    signer: x509.Certificate


class InstitutionKey:
    """The key and its process."""

    def __init__(self, settings: InstitutionSettings) -> None:
        self._settings = settings
        self._process: KeyProcess | None = None
        self._alone = asyncio.Lock()

    @property
    def is_set_up(self) -> bool:
        """Whether there is a certificate to sign for."""
        return self._settings.certificate.exists()

    async def sign(self, checkpoint: StoredCheckpoint, now: datetime) -> InstitutionSignature:
        """The signature over it; KeyFileError or SealError when there is none."""
        async with self._alone:
            known = await asyncio.to_thread(Certificates.load, self._settings.certificate)
            if not known.certificate.not_valid_before_utc <= now <= known.certificate.not_valid_after_utc:
                raise SealError(f"the certificate in {self._settings.certificate} is not valid now: renew it")
            process = await self._of(known)
            unsigned = draft(known, checkpoint.signed, now)
            cms = unsigned.signed(await process.sign(unsigned.attributes))
        digest = fingerprint(known.certificate).hex()
        kept = CheckpointSignature(
            size=checkpoint.size, at=now, certificate=digest, cms=cms, note=checkpoint.signed
        )
        return InstitutionSignature(kept=kept, signer=known.certificate)

    async def close(self) -> None:
        """End the process when it has answered."""
        process, self._process = self._process, None
        if process is not None:
            await process.close()

    async def _of(self, known: Certificates) -> KeyProcess:
        if self._process is None or self._process.certificates.certificate != known.certificate:
            await self.close()
            patience = self._settings.timeout.total_seconds()
            self._process = await asyncio.to_thread(KeyProcess, self._settings, patience=patience)
        return self._process
