"""Verifies a file that somebody brought, in a process with little memory, no key and no connection.

It is what `gateway-verify` does, with the anchors that the person brought, or with those of this installation: then
it says so, since whoever holds the installation holds them too, and a bundle of another gateway is told as not
trusted here. Who wants to trust nobody verifies on a machine of his own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gateway.config.settings import Settings
from gateway.errors import GatewayError, PoolError, ProofError, RefusedError, TrustStoreError
from gateway.parsing.pool import PARSED_PER_SECOND, ParserPool

if TYPE_CHECKING:
    from gateway.verifying.anchors import Anchors

#: The largest file that is taken.
MOST_BYTES: Final = 256 * 1024 * 1024
_SECONDS: Final = 30.0
#: Bundles come seldom.
_IDLE: Final = 30.0
_MEMORY: Final = 1024 * 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    """Paths, all of them."""

    file: str
    seal: str
    tsa: str
    institution: str
    vkey: str
    #: The keys of the witnesses that the settings name, and how many of them a proof should have.
    witnesses: tuple[str, ...]
    quorum: int
    at: datetime
    #: Name and path of each file of anchors that was brought; none: those of this installation.
    given: tuple[tuple[str, str], ...]


class Checker:
    """One per console; its process starts with the first file and ends when it is idle."""

    def __init__(self) -> None:
        self._pool = ParserPool(processes=1, memory=_MEMORY, recycle_after=50, preload=(), idle=_IDLE)

    async def check(
        self, file: Path, size: int, settings: Settings, at: datetime, given: Sequence[tuple[str, Path]] = ()
    ) -> dict[str, Any]:
        """What was found, as `gateway-verify --json` tells it, with words for each reason, and what was trusted.

        PoolError where it could not be examined; RefusedError where what was given is no anchor.
        """
        task = _Task(
            file=str(file),
            seal=str(settings.seal.anchors),
            tsa=str(settings.stamps.anchors),
            institution=str(settings.institution.anchors),
            vkey=str(settings.log.vkey),
            witnesses=tuple(str(each.key) for each in settings.log.witnesses),
            quorum=settings.log.wanted.least,
            at=at,
            given=tuple((name, str(path)) for name, path in given),
        )
        seconds = _SECONDS + size / PARSED_PER_SECOND
        answer = await self._pool.run(verified, task, timeout=seconds, size=size)
        try:
            found = msgspec.json.decode(answer, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise PoolError("What examined it sent no report.", kind="broken") from error
        if "fault" in found:
            raise RefusedError("anchors_unreadable", str(found["fault"])[:300])
        return found

    async def close(self) -> None:
        """End the process."""
        await self._pool.close()


def verified(task: _Task) -> bytes:
    """Runs in the process: what it needs is imported there alone."""
    from gateway.inquiry.given import lay_out
    from gateway.verifying.anchors import Anchors
    from gateway.verifying.findings import REASONS
    from gateway.verifying.verify import verify_file

    with tempfile.TemporaryDirectory(prefix="anchors-") as folder:
        if task.given:
            try:
                lay_out(((name, Path(path)) for name, path in task.given), Path(folder))
                anchors: Anchors | None = Anchors.load(Path(folder))
            except (TrustStoreError, ProofError) as error:
                return msgspec.json.encode({"fault": str(error).replace(f"{folder}/", "")})
        else:
            anchors = _own(task)
    found = verify_file(Path(task.file), anchors, task.at)
    shape = found.shape()
    words = {check.reason: REASONS[check.reason] for check in found.checks if check.reason in REASONS}
    return msgspec.json.encode(shape | {"words": words, "trusted": _told(anchors) if anchors else []})


def _own(task: _Task) -> Anchors | None:
    """Those of this installation; None where they cannot be read."""
    from gateway.seal.trust import TrustPurpose, TrustStore
    from gateway.transparency.keys import read_vkeys
    from gateway.transparency.note import VerifierKey
    from gateway.verifying.anchors import Anchors

    def store(folder: str, purpose: TrustPurpose) -> TrustStore | None:
        return TrustStore.load(Path(folder), purpose) if Path(folder).is_dir() else None

    try:
        vkey = Path(task.vkey)
        return Anchors(
            seal=TrustStore.load(Path(task.seal), TrustPurpose.SEAL),
            tsa=store(task.tsa, TrustPurpose.TSA),
            institution=store(task.institution, TrustPurpose.INSTITUTION),
            log=tuple(read_vkeys(vkey.read_bytes())) if vkey.is_file() else (),
            witnesses=tuple(map(VerifierKey.parse, task.witnesses)),
            quorum=task.quorum,
        )
    except GatewayError:
        return None


def _told(anchors: Anchors) -> list[tuple[str, str, str]]:
    """What for, whose, and what to compare it by: a fingerprint, or the key itself."""
    from gateway.seal.profile import fingerprint

    stores = (("seal", anchors.seal), ("tsa", anchors.tsa), ("institution", anchors.institution))
    found = [
        (purpose, each.certificate.subject.rfc4514_string(), fingerprint(each.certificate).hex())
        for purpose, store in stores
        if store is not None
        for each in store.anchors
    ]
    keys = [("log", each) for each in anchors.log] + [("witness", each) for each in anchors.witnesses]
    return found + [(purpose, key.name, str(key)) for purpose, key in keys]
