"""Handlers of the transparency log: files that anybody may fetch, and the proof of a document, for its parties.

The files are those of C2SP tlog-tiles, but for the entry bundles: a leaf holds ids, digests and times of
everybody's documents, so leaves are for the parties of a document and for auditors, and nobody else.
"""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import hdrs, web

from gateway.api import queries
from gateway.api.documents import id_of
from gateway.api.headers import SECURITY
from gateway.api.route import Call, checked
from gateway.errors import ProofError, RefusedError
from gateway.transparency.proof import SUFFIX
from gateway.transparency.tiles import TilePath

_FRESH: Final = "public, max-age=5"
_FOR_EVER: Final = "public, max-age=31536000, immutable"


async def fetch_checkpoint(call: Call) -> web.StreamResponse:
    """GET /log/checkpoint."""
    note = await call.gateway.log_checkpoint()
    if note is None:
        raise RefusedError("not_found", "nothing was signed yet")
    return _public(note, _FRESH, "text/plain")


async def fetch_institution(call: Call) -> web.StreamResponse:
    """GET /log/institution."""
    note, _ = await _institution(call)
    return _public(note, _FRESH, "text/plain")


async def fetch_institution_signature(call: Call) -> web.StreamResponse:
    """GET /log/institution.p7s."""
    _, cms = await _institution(call)
    return _public(cms, _FRESH, "application/pkcs7-signature")


async def _institution(call: Call) -> tuple[bytes, bytes]:
    found = await call.gateway.log_institution()
    if found is None:
        raise RefusedError("not_found", "the institution has signed nothing yet")
    return found


async def fetch_tile(call: Call) -> web.StreamResponse:
    """GET /log/tile/{tile}."""
    try:
        path = TilePath.parse(checked(call.path, queries.ByTile).tile)
    except ProofError as error:
        raise RefusedError("not_found", str(error)) from error
    hashes = await call.gateway.log_tile(path)
    if hashes is None:
        raise RefusedError("not_found")
    return _public(hashes, _FOR_EVER, "application/octet-stream")


async def fetch_proof(call: Call) -> web.StreamResponse:
    """GET /documents/{id}/proof."""
    message_id = id_of(call)
    proof = await call.gateway.proof(call.caller, message_id)
    headers = SECURITY.copy()
    part = checked(call.query, queries.ProofPart).part
    if part == "times":
        return web.Response(body=msgspec.json.encode(proof.times), headers=headers, content_type="application/json")
    if part == "stamp":
        if proof.stamp is None:
            raise RefusedError("proof_pending", "no time stamp covers it yet", retry_after=60)
        headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{message_id}.tsr"'
        return web.Response(body=proof.stamp, headers=headers, content_type="application/timestamp-reply")
    if part == "leaf":
        headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="leaf-{proof.index}.json"'
        return web.Response(body=proof.leaf, headers=headers, content_type="application/json")
    headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{message_id}{SUFFIX}"'
    return web.Response(body=proof.file, headers=headers, content_type="text/plain", charset="utf-8")


def _public(body: bytes, caching: str, kind: str) -> web.Response:
    headers = SECURITY.copy()
    headers[hdrs.CACHE_CONTROL] = caching
    charset = "utf-8" if kind.startswith("text/") else None
    return web.Response(body=body, headers=headers, content_type=kind, charset=charset)
