"""Large files to and from a gateway over lines that break: what has arrived is not sent again.

`send_file` uploads in pieces (tus) and submits the whole; `fetch_file` goes on where its file ends (Range).
Both try again while there is progress, and give up after `_TRIES` tries without any, with the last error.
Digests are checked: of each piece by the gateway, of the whole by the receipt or here.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import aiohttp

from gateway.api import models
from gateway.client import GatewayClient
from gateway.errors import ProblemError, UnreachableError
from gateway.message_signatures import digest_field

#: Files from this size on are worth it.
LARGE_BYTES: Final = 16 * 1024 * 1024
_PIECE: Final = 8 * 1024 * 1024
_TRIES: Final = 8
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 30.0
#: Refusals that another try may not meet, beside those with a Retry-After.
_AGAIN: Final = frozenset({"upload_in_use", "upload_offset_mismatch", "body_cut_off", "body_too_slow"})
_PARTIAL: Final = 206

#: What is done of how much.
Report = Callable[[int, int], None]


async def send_file(
    client: GatewayClient, path: Path, report: Report, *, idempotency_key: str | None = None
) -> models.Accepted:
    """An edXML file of any size; raises what the last try raised."""
    size = (await asyncio.to_thread(path.stat)).st_size
    upload_id = await client.begin_upload(size)
    with path.open("rb") as file:
        await _until_done(_Sending(client, upload_id, file, size), report)
    return await client.submit_uploads(models.UploadedDocument(document=upload_id), idempotency_key)


async def fetch_file(client: GatewayClient, source: str, target: BinaryIO, report: Report) -> None:
    """The bytes of a content path such as `/inbox/{id}/content` into an empty file."""
    await _until_done(_Fetching(client, source, target), report)


class _Work(Protocol):
    """Something that goes on where it stopped."""

    done: int
    #: None: not known yet.
    size: int | None

    async def step(self) -> None:
        """Some more of it."""
        ...


class _Sending:
    def __init__(self, client: GatewayClient, upload_id: str, file: BinaryIO, size: int) -> None:
        self._client, self._id, self._file = client, upload_id, file
        self._knows_offset = True
        self.done = 0
        self.size: int | None = size

    async def step(self) -> None:
        if not self._knows_offset:
            self.done = await self._client.upload_offset(self._id)
        await asyncio.to_thread(self._file.seek, self.done)
        piece = await asyncio.to_thread(self._file.read, _PIECE)
        self._knows_offset = False
        self.done = await self._client.append_upload(self._id, self.done, piece)
        self._knows_offset = True


class _Fetching:
    def __init__(self, client: GatewayClient, source: str, target: BinaryIO) -> None:
        self._client, self._source, self._target = client, source, target
        self._digest, self._tag = hashlib.sha256(), ""
        self.done = 0
        self.size: int | None = None

    async def step(self) -> None:
        async with self._client.content_from(self._source, self.done, self._tag) as response:
            if self.done and response.status != _PARTIAL:  # it is another file by now
                self._target.seek(0)
                self._target.truncate()
                self._digest, self.done = hashlib.sha256(), 0
            self._tag = response.headers.get("ETag", "")
            self.size = self.done + (response.content_length or 0)
            try:
                async for chunk in response.content.iter_chunked(_PIECE):
                    await asyncio.to_thread(self._target.write, chunk)
                    self._digest.update(chunk)
                    self.done += len(chunk)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise UnreachableError(f"the answer broke off after {self.done} bytes: {error}") from error
            expected = response.headers.get("Repr-Digest")
        if expected is not None and expected != digest_field(self._digest.digest()):
            raise ProblemError(status=422, code="digest_mismatch")


async def _until_done(work: _Work, report: Report) -> None:
    failures, wait = 0, _FIRST_WAIT
    while work.size is None or work.done < work.size:
        before = work.done
        try:
            await work.step()
        except (UnreachableError, ProblemError) as error:
            if work.done > before:
                failures, wait = 0, _FIRST_WAIT
            failures += 1
            if failures >= _TRIES or not _may_pass(error):
                raise
            await asyncio.sleep(max(wait, getattr(error, "retry_after", None) or 0.0))
            wait = min(2 * wait, _LONGEST_WAIT)
        else:
            failures, wait = 0, _FIRST_WAIT
            report(work.done, work.size or work.done)


def _may_pass(error: UnreachableError | ProblemError) -> bool:
    return isinstance(error, UnreachableError) or error.retry_after is not None or error.code in _AGAIN
