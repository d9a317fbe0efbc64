"""The settings of `[checks]` and `[receivers]`, what others sign, beside those of `gateway.config.settings`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.config.values import Codes
from gateway.config.values import documented as _f


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckSettings:
    """Looking at the signatures that others made on documents, for whoever receives them."""

    policy: Literal["require", "warn", "record", "off"] = _f(
        "record",
        "require: what is not signed by person and agency waits for a person; warn: delivered after the look;"
        " record: looked at meanwhile; off",
    )
    require: Codes = _f(Codes(()), "organ ids of recipients that require it, whatever the policy says")
    warn: Codes = _f(Codes(()), "likewise")
    record: Codes = _f(Codes(()), "likewise")
    off: Codes = _f(Codes(()), "likewise")
    signers: Path | None = _f(None, "folder of CAs of people and agencies who sign; empty: none is trusted")
    stamps: Path | None = _f(None, "folder of CAs of time-stamping authorities; empty: none is trusted")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverSettings:
    """What receivers must prove with their acknowledgements and statuses."""

    policy: Literal["record", "require"] = _f(
        "record",
        "record: an unsigned acknowledgement or status is bound to its connection; require: it is refused",
    )
    require: Codes = _f(Codes(()), "organ ids of offices that must sign, whatever the policy says")
    record: Codes = _f(Codes(()), "likewise, that need not")
