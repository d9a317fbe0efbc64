"""Loaded by schemathesis in its own process (SCHEMATHESIS_HOOKS): no generated request may wait; ids that exist."""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis
from schemathesis import GenerationMode

#: An environment variable: set where the caller is known by its certificate, which a made-up token would hide.
NO_TOKENS = "SCHEMATHESIS_NO_TOKENS"
#: An environment variable: a JSON object of the first folder of a path to an id that exists there.
KNOWN_IDS = "SCHEMATHESIS_KNOWN_IDS"


# MIME as a document is one binary body, not a form.
schemathesis.serializer.alias("multipart/related", "application/octet-stream")
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """A long poll that waits a minute is right, and too slow for a test; a random id only shows `not_found`."""
    wait = (case.query or {}).get("wait")
    if isinstance(wait, (int, float)) and 0 < wait <= 60:
        case.query["wait"] = 0.01
    if os.environ.get(NO_TOKENS) and case.headers:
        case.headers.pop("Authorization", None)
    known = json.loads(os.environ.get(KNOWN_IDS, "{}")).get(case.path.split("/")[1])
    if known and "id" in (case.path_parameters or {}) and case.meta.generation.mode is GenerationMode.POSITIVE:
        case.path_parameters["id"] = known
