"""Runs schemathesis, in a process of its own, against a live server; the real gateway is tested with it too."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

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
#: Endless by nature; it has tests of its own.
STREAM = "streamEvents"


async def run_schemathesis(
    url: str, *, anchors: Path, token: str, folder: Path, examples: int = 12, seed: int = 1, seconds: int = 30
) -> tuple[int, str]:
    """Exit code and output of a bounded run over every operation but the stream."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/v1/openapi.json", "--url", url),
        *("--header", f"Authorization: Bearer {token}", "--tls-verify", str(anchors)),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-time", str(seconds)),
        *("--max-examples", str(examples), "--seed", str(seed), "--exclude-operation-id", STREAM),
        *("--no-color", "--generation-database", "none", "--request-timeout", "20"),
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.unit.api.schemathesis_hooks"}
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
