"""The settings of `[end_to_end]`, beside those of `gateway.config.settings`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.config.values import Codes
from gateway.config.values import documented as _f


@dataclass(frozen=True, kw_only=True, slots=True)
class EndToEndSettings:
    """Documents encrypted end to end (docs/end-to-end.md), for whoever receives them."""

    policy: Literal["warn", "refuse"] = _f(
        "warn",
        "refuse: a document that a recipient's certificates in the directory do not open is not accepted;"
        " warn: it is, with a finding",
    )
    refuse: Codes = _f(Codes(()), "organ ids of recipients for whom it is refused, whatever the policy says")
    warn: Codes = _f(Codes(()), "likewise, for whom it is not")
