"""Whose documents are examined, and which deliveries wait for it: `[checks]`, by recipient.

A recipient that requires signatures, or wants to be warned, gets a document after the look; for one that only has
them recorded it is delivered meanwhile. Status messages are not examined: agencies do not sign them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.config.signatures import CheckSettings
from gateway.edxml.organ_ids import canonical

_WAITING: Final = frozenset({"require", "warn"})


class Policies:
    """What each recipient wants."""

    def __init__(self, settings: CheckSettings) -> None:
        """Codes are compared in their canonical form; a code in two lists has the stricter policy."""
        self._default = settings.policy
        named = (("off", settings.off), ("record", settings.record), ("warn", settings.warn))
        self._own = {canonical(code): policy for policy, codes in named for code in codes}
        self._own |= {canonical(code): "require" for code in settings.require}

    def waiting(self, deliveries: Iterable[tuple[str, str]]) -> Mapping[str, str] | None:
        """Of (delivery, recipient's code): delivery -> policy of those that wait; None when nobody wants a look."""
        wanted = {id_: self._own.get(canonical(code), self._default) for id_, code in deliveries}
        if all(policy == "off" for policy in wanted.values()):
            return None
        return {id_: policy for id_, policy in wanted.items() if policy in _WAITING}
