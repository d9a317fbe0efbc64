"""What a call leaves in the connection inspector: enough for its maker to find the mistake by himself. Pure.

An HMAC is over a text, so the text is shown as it was received, beside the one that the headers of the same call
would give; where the two differ, the signer most likely signed another text than he sent. Secrets never come here,
and of the MAC that was sent only the beginning is kept, by `gateway.inspection`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from adapters.vxp.endpoint_signature import PREFIX, Signed
from gateway.broker import Claim, Refusal, Visit
from gateway.inspection import Comparison, Exchange, compared
from gateway.model import Caller

_SENDS: Final = "sendEdoc"


@dataclass(kw_only=True, slots=True)
class Seen:
    """What was learnt of one call while it was answered."""

    visit: Visit
    operation: str
    signed: Signed | None = None
    claim: Claim | None = None
    caller: Caller | None = None
    refusal: Refusal | None = None
    replayed: bool = False
    #: Recipients that the call named beside the document, where they are others than its own.
    named: Comparison | None = None

    def exchange(self, request: web.Request, status: int, now: datetime) -> Exchange:
        """For the inspector."""
        refusal, signed = self.refusal, self.signed
        tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
        signed_at = signed.signed_at() if signed is not None else None
        expected, got = self._hashes()
        return Exchange(
            at=now,
            binding="vxp",
            credential=self.caller.credential_id if self.caller else refusal.credential if refusal else "",
            system_id=self.claim.system_id if self.claim is not None else "",
            method=request.method,
            operation=self.operation,
            path=request.path,
            status=status,
            reason=refusal.code if refusal is not None else "",
            detail=refusal.detail if refusal is not None else "",
            trace_id=self.visit.trace_id,
            address=request.remote or "",
            milliseconds=round((now - self.visit.at).total_seconds() * 1000, 1),
            replayed=self.replayed,
            tls_version=(tls.version() or "") if tls is not None else "",
            clock_difference_seconds=(signed_at - self.visit.at).total_seconds() if signed_at else None,
            body_size=request.content_length,
            body_hash_expected=expected,
            body_hash_got=got,
            comparisons=tuple(self._comparisons()),
        )

    def _hashes(self) -> tuple[str, str]:
        if self.refusal is None or self.refusal.code != "digest_mismatch" or self.signed is None:
            return "", ""
        return self.signed.values.get("hash-file", ""), self.refusal.detail.rpartition(" ")[2]

    def _comparisons(self) -> list[Comparison]:
        if self.named is not None:
            return [self.named]
        if self.refusal is None or self.signed is None:
            return []
        if self.refusal.code == "credential_invalid":
            text = self.signed.text.decode("utf-8", "replace")
            return [compared("hmac", text, _as_headers_say(self.signed), self.signed.mac)]
        if self.refusal.code == "header_differs":
            return [
                compared(f"{PREFIX}{name}", value, sent[0])
                for name, value in self.signed.values.items()
                if (sent := self.signed.sent.get(name.lower())) and sent[0] != value
            ]
        return []


def _as_headers_say(signed: Signed) -> str:
    """The text that signs what the headers really carry, in the order of their names' list."""
    listed = signed.sent.get("sign-header-key", ("",))[0].split(";")
    names = [name for name in (one.strip() for one in listed) if name.lower() in signed.sent]
    pairs = {f"{PREFIX}{name}": signed.sent[name.lower()][0] for name in names}
    return json.dumps(pairs, separators=(",", ":"), ensure_ascii=False) if pairs else ""
