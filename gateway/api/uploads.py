"""Handlers of resumable uploads: tus 1.0 with creation, expiration and termination (https://tus.io/protocols).

`POST /uploads` begins one, `PATCH` adds to it, `HEAD` says where it stands, `DELETE` gives it up; all of it is
acknowledged only when it is synced. `POST /submissions` then does with whole uploads what `POST /documents`
does with a body, and gives the same 202. A Content-Digest (RFC 9530) of a PATCH is checked: what does not match
is not kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from email.utils import format_datetime
from typing import Final

import msgspec
from aiohttp import hdrs, web

from gateway.api import models
from gateway.api.documents import arrival_of, id_of
from gateway.api.headers import SECURITY
from gateway.api.intake import incoming, media_type
from gateway.api.multipart import check_file_name
from gateway.api.route import PREFIX, Call, checked
from gateway.api.service import AcceptedAnswer, SubmittedFile, UploadProgress
from gateway.errors import RefusedError

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,expiration,termination"
OFFSET_TYPE: Final = "application/offset+octet-stream"
_MAX_METADATA: Final = 4096
_MAX_DIGITS: Final = 15


async def tell(call: Call) -> web.StreamResponse:
    """OPTIONS /uploads."""
    limits = call.parts.settings.limits
    headers = {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": str(limits.max_body)}
    return _answer(204, **headers)


async def begin(call: Call) -> web.StreamResponse:
    """POST /uploads."""
    _require_version(call)
    length = _number(call, "Upload-Length")
    most = call.parts.settings.limits.max_body
    if length > most:
        raise RefusedError("body_too_large", f"the limit is {most} bytes")
    if call.request.can_read_body:
        raise RefusedError("parameter_invalid", "the first bytes come with PATCH")
    facts = _metadata_of(call.request.headers.get("Upload-Metadata", ""))
    name = facts.get("filename", "")
    if name:
        check_file_name(name)
    begun = await call.parts.uploads.begin(
        call.caller, length=length, name=name, content_type=facts.get("filetype", "")[:255]
    )
    return _at(begun, 201, Location=f"{PREFIX}/uploads/{begun.id}")


async def show(call: Call) -> web.StreamResponse:
    """HEAD /uploads/{id}."""
    _require_version(call)
    found = call.parts.uploads.progress(call.caller, id_of(call))
    return _at(found, 200, **{"Upload-Length": str(found.length), hdrs.CACHE_CONTROL: "no-store"})


async def append(call: Call) -> web.StreamResponse:
    """PATCH /uploads/{id}."""
    _require_version(call)
    media_type(call)
    stands = call.parts.uploads.progress(call.caller, id_of(call))
    source = incoming(call, stands.length - stands.offset)
    return _at(
        await call.parts.uploads.append(call.caller, id_of(call), _number(call, "Upload-Offset"), source.chunks()),
        204,
    )


async def give_up(call: Call) -> web.StreamResponse:
    """DELETE /uploads/{id}."""
    _require_version(call)
    await call.parts.uploads.give_up(call.caller, id_of(call))
    return _answer(204)


async def submit(call: Call) -> AcceptedAnswer:
    """POST /submissions."""
    asked, uploads, arrival = checked(call.body, models.UploadedDocument), call.parts.uploads, arrival_of(call)
    if bool(asked.document) == (asked.metadata is not None) or (asked.document and asked.files):
        raise RefusedError("parameter_invalid", "give either document, or metadata with files")
    wanted = [asked.document] if asked.document else asked.files
    if not wanted:
        raise RefusedError("attachment_missing")
    if len(set(wanted)) < len(wanted):
        raise RefusedError("parameter_invalid", "files: each upload once")
    request = hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()
    before = uploads.answered(call.caller, wanted, request)
    if before is not None:
        return AcceptedAnswer(body=before, replayed=True)
    async with uploads.submitted(call.caller, wanted) as taken:
        if asked.metadata is None:
            answer = await call.gateway.accept(arrival, taken[0].body)
        else:
            files = [_named(each) for each in taken]
            with call.gateway.room(3 * sum(each.body.size for each in taken)):
                answer = await call.gateway.accept_parts(arrival, asked.metadata, files)
    await uploads.accepted(call.caller, wanted, request, answer.body)
    return answer


def _named(file: SubmittedFile) -> SubmittedFile:
    if not file.name:
        raise RefusedError("parameter_invalid", "Upload-Metadata: a file of a document needs a filename")
    return file


def _require_version(call: Call) -> None:
    if call.request.headers.get("Tus-Resumable") != VERSION:
        raise RefusedError("tus_version_unsupported", headers={"Tus-Version": VERSION})


def _number(call: Call, name: str) -> int:
    text = call.request.headers.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise RefusedError("parameter_invalid", f"{name}: a number of bytes is missing")
    return int(text)


def _metadata_of(text: str) -> dict[str, str]:
    """`key base64, key base64`; values are UTF-8."""
    if len(text) > _MAX_METADATA:
        raise RefusedError("parameter_invalid", f"Upload-Metadata: more than {_MAX_METADATA} characters")
    found: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in text.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise RefusedError(
                "parameter_invalid", f"Upload-Metadata: {key[:50]} is not UTF-8 in base64"
            ) from error
    return found


def _at(progress: UploadProgress, status: int, **more: str) -> web.Response:
    expires = format_datetime(progress.expires_at, usegmt=True)
    return _answer(status, **{"Upload-Offset": str(progress.offset), "Upload-Expires": expires, **more})


def _answer(status: int, **headers: str) -> web.Response:
    return web.Response(status=status, headers={**SECURITY, "Tus-Resumable": VERSION, **headers})
