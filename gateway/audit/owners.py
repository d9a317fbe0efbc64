"""Whether each receipt was sealed with a certificate that was ours when it was accepted.

A CA that auditors trust certifies others, too: that a receipt leads to it does not make it ours. The ledger keeps
which certificates were (`gateway.ledger.own_keys`); receipts from before the first of them are left out. Around a
change both are ours, since a receipt is drafted before it is committed.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from gateway.audit.findings import Findings
from gateway.audit.rows import Message, Receipt
from gateway.clock import instant
from gateway.ledger.own_keys import InForce
from gateway.seal.shape import read

#: Longer than any receipt takes from its draft to its commit.
_OVERLAP: Final = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnCertificates:
    """Those of the seal, in their order."""

    known: Sequence[InForce]

    def examine(self, message: Message, receipt: Receipt | None, findings: Findings) -> None:
        """The finding about one receipt, if there is one."""
        at = instant(message.accepted_at)
        if receipt is None or not self.known or at < self.known[0].since:
            return
        ours = {each.sha256 for each in self.known if _is_in_force(each, at)}
        values = read(receipt.xades).values.get("certificate", [""])
        try:
            used = sha256(b64decode(values[0])).hexdigest()
        except (Error, ValueError):
            return  # told by the look at the receipt itself
        if used not in ours:
            findings.add("receipt_not_ours", message.id, f"sealed with the certificate {used}")


def _is_in_force(each: InForce, at: datetime) -> bool:
    return each.since - _OVERLAP <= at and (each.until is None or at <= each.until + _OVERLAP)
