"""One ContentTransferEncoded as it streams by.

It is measured and hashed both as it is and, if it begins like a ZIP, as the first file inside. Which of the
two is the attachment is decided later, when its name is known.
"""

from __future__ import annotations

import hashlib

from gateway.edxml.base64stream import Base64Stream, decode
from gateway.edxml.encryption import Front
from gateway.edxml.envelope import Encryption
from gateway.edxml.limits import ParseLimits
from gateway.edxml.marks import IN_PDF, WordSearch
from gateway.edxml.zipstream import LOCAL_HEADER, FirstFile

#: What a ZIP around a file of the largest size may be larger than that: a share of it, and its frame.
_ZIP_SHARE, _ZIP_FRAME = 1000, 64 * 1024


class EncodedFile:
    """Takes the text in pieces; memory stays flat."""

    __slots__ = (
        "_base64",
        "_digest",
        "_front",
        "_head",
        "_limits",
        "_max",
        "_search",
        "_undigested",
        "inner",
        "problem",
        "size",
        "too_large",
    )

    def __init__(self, limits: ParseLimits, max_bytes: int) -> None:
        self._limits = limits
        self._max = max_bytes
        self._base64: Base64Stream | None = Base64Stream(self.write)
        self._digest = hashlib.sha256()
        self._front = Front()
        self._search = WordSearch(IN_PDF)
        self._undigested = b""
        self._head: bytes | None = b""
        #: The file inside, when the bytes begin like a ZIP.
        self.inner: FirstFile | None = None
        #: Decoded bytes.
        self.size = 0
        #: Whether even a ZIP of so many bytes is over the limit; decoding stopped there.
        self.too_large = False
        #: What is wrong with the base64, "" if nothing; known when it has ended.
        self.problem = ""

    @property
    def sha256(self) -> str:
        """Of the decoded bytes, hex."""
        undigested, self._undigested = self._undigested, b""
        self._digest.update(undigested)
        return self._digest.hexdigest()

    @property
    def encryption(self) -> Encryption | None:
        """How it is encrypted as it is; of the file inside, `inner` tells."""
        return self._front.encryption

    @property
    def is_marked(self) -> bool:
        """Whether a signature may be in it, as it is or as the file inside."""
        return self._search.found or (self.inner is not None and self.inner.is_marked)

    @property
    def is_over(self) -> bool:
        """Whether it is over the limit as it is; a ZIP around a file that is not may be."""
        return self.size > self._max

    @property
    def largest(self) -> int:
        """The larger of the two sizes, for the limit over all attachments."""
        return max(self.size, self.inner.size if self.inner else 0)

    def feed(self, text: str) -> None:
        """The next piece of base64."""
        if self._base64 is not None and not self.too_large:
            self._base64.feed(text)

    def finish(self) -> None:
        """The element has ended."""
        decoder, self._base64 = self._base64, None  # it knows our `write`, and a ring lives until it is collected
        if decoder is None or self.too_large:
            return
        decoder.finish()
        self._front.finish()
        self.problem = decoder.problem
        if self.inner is not None:
            self.inner.finish()

    def take(self, text: bytes) -> bool:
        """The whole text at once; False when it is to be read in pieces instead, which tell what is wrong.

        Whether an archive is a bomb depends on when one looks, so all that might be one is left to the pieces.
        """
        data = decode(text)
        if data is None or len(data) > self._max:
            return False
        self._base64 = None
        self.size = len(data)
        self._undigested = data  # of an archive nobody asks for the digest
        self._front.feed(data)
        self._front.finish()
        self._search.feed(data)
        if not data.startswith(LOCAL_HEADER):
            return True
        self.inner = inner = FirstFile(self._limits, self._max)
        inner.feed(data)
        inner.finish()
        return inner.problem is None and inner.size <= self._limits.zip_ratio_floor

    def write(self, data: bytes) -> None:
        """The next decoded bytes."""
        self.size += len(data)
        if self.size > self._max + self._max // _ZIP_SHARE + _ZIP_FRAME:
            self.too_large = True
            return
        self._digest.update(data)
        self._front.feed(data)
        self._search.feed(data)
        piece = data
        if self._head is not None:
            self._head += data
            if len(self._head) < len(LOCAL_HEADER):
                return
            piece, self._head = self._head, None
            if piece.startswith(LOCAL_HEADER):
                self.inner = FirstFile(self._limits, self._max)
        if self.inner is not None:
            self.inner.feed(piece)
