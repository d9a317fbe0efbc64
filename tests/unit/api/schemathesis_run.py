"""Runs schemathesis, in a process of its own, against a live server; the real gateway is tested with it too."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.pki import KeyPair
from tests.unit.api.schemathesis_hooks import KNOWN_IDS, NO_TOKENS

#: Of schemathesis' checks, those that the document promises to hold.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
#: How bad data may be refused: beside the usual, by the version of tus and by size.
_REFUSALS = """[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 408, 409, 412, 413, 415, 422, 423, 428, 429, "5xx"]
"""
#: Endless by nature; it has tests of its own.
STREAM = "streamEvents"


async def run_schemathesis(
    url: str,
    *,
    anchors: Path,
    credential: str | KeyPair,
    known_ids: Mapping[str, str] | None = None,
    folder: Path,
    examples: int = 12,
    seed: int = 1,
    seconds: int = 30,
) -> tuple[int, str]:
    """Exit code and output of a bounded run over every operation but the stream.

    `credential` is a token or a client certificate; `known_ids` are ids that exist, by the folder of their paths.
    """
    checks = list(CHECKS)
    if isinstance(credential, str):
        known = ["--header", f"Authorization: Bearer {credential}"]
    else:
        checks.remove("ignored_auth")  # no request can leave a certificate out
        known = ["--request-cert", str(credential.certificate), "--request-cert-key", str(credential.key)]
    (folder / "schemathesis.toml").write_text(_REFUSALS)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/v1/openapi.json", "--url", url),
        *(*known, "--tls-verify", str(anchors)),
        *("--checks", ",".join(checks), "--phases", "examples,coverage,fuzzing", "--max-time", str(seconds)),
        *("--max-examples", str(examples), "--seed", str(seed), "--exclude-operation-id", STREAM),
        *("--no-color", "--generation-database", "none", "--request-timeout", "20"),
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.unit.api.schemathesis_hooks"}
    if not isinstance(credential, str):
        environment[NO_TOKENS] = "1"
    environment[KNOWN_IDS] = json.dumps(dict(known_ids or {}))
    environment["PYTHONPATH"] = str(Path(__file__).parents[3])
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode("utf-8", "replace")
