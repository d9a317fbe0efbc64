"""One attachment of a stored message, decoded into a file by a parser process."""

from __future__ import annotations

from typing import Final

from gateway.edxml.envelope import Attachment
from gateway.edxml.extract import extract_attachment
from gateway.edxml.limits import ParseLimits
from gateway.parsing.pool import PARSED_PER_SECOND, ParserPool
from gateway.storage.bodies import BodyReader
from gateway.storage.body_file import BodyFile, ScratchFile
from gateway.storage.spool import in_our_words

#: For decoding one attachment, beside the time that its message's size takes.
_SECONDS: Final = 120.0


async def extract(
    pool: ParserPool, body: BodyReader, number: int, target: ScratchFile, limits: ParseLimits, *, owner: str
) -> Attachment:
    """Decode attachment `number` (from 1) into a new file; `owner` is whose turn in the pool it takes.

    Raises what the pool raises, and StorageError where the disk fails.
    """
    with in_our_words():
        return await pool.run(
            _extract_to,
            body.file,
            number,
            target,
            limits,
            timeout=_SECONDS + body.size / PARSED_PER_SECOND,
            size=body.size,
            owner=owner,
        )


def _extract_to(body: BodyFile, number: int, target: ScratchFile, limits: ParseLimits) -> Attachment:
    with target.create() as out:
        return extract_attachment(body, number=number, out=out, limits=limits)
