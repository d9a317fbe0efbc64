"""Loaded by schemathesis in its own process (SCHEMATHESIS_HOOKS): no generated request may wait."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """A long poll that waits a minute is right, and too slow for a test."""
    wait = (case.query or {}).get("wait")
    if isinstance(wait, (int, float)) and 0 < wait <= 60:
        case.query["wait"] = 0.01
