"""What is a webhook's own about an answer that came in part or not at all; the rest is in `adapters.upload`."""

from __future__ import annotations

import aiohttp

from adapters import upload
from adapters.webhook_reply import REPLY_BYTES_MAX
from gateway.model import Outcome
from gateway.reach import ForbiddenAddressError


async def read_answer(response: aiohttp.ClientResponse) -> bytes:
    """At most one byte more than an answer may have; what was cut off is told only if the status needs it."""
    content = bytearray()
    try:
        while len(content) <= REPLY_BYTES_MAX and (chunk := await response.content.readany()):
            content += chunk
    except (aiohttp.ClientError, OSError, TimeoutError):
        if response.status < 300:  # noqa: PLR2004  # the content is the answer there
            raise
    if len(content) > REPLY_BYTES_MAX:
        response.close()
        del content[REPLY_BYTES_MAX + 1 :]
    return bytes(content)


def of_error(error: Exception, sent: upload.Upload, allowed: float) -> Outcome:
    """As `upload.of_error`; an address that may not be dialled is told as such."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ForbiddenAddressError):
        return upload.deferred("target_not_allowed", str(error.os_error.strerror))
    return upload.of_error(error, sent, allowed)
