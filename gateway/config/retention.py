"""The settings of `[retention]`, beside those of `gateway.config.settings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway.config.values import RetentionRules
from gateway.config.values import documented as _f


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionSettings:
    """When bodies of documents are due to be destroyed (docs/retention.md); two persons decide each time."""

    rules: RetentionRules = _f(
        (),
        'such as ["default 10y", "business:1 5y", "type:2 never"]; each month an order is made of what is due;'
        " empty: none is",
    )
    confirm_within: timedelta = _f(timedelta(days=14), "how long an order waits for its persons before it lapses")
