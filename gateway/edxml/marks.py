"""What a signature cannot do without, looked for in bytes as they pass by.

Where no mark stands in the XML of a message nor in its decoded attachments, there is no XML signature and no signed
PDF in it. A mark proves nothing: whoever verifies looks properly (`gateway.signatures.document`).
"""

from __future__ import annotations

from typing import Final

#: Any XML signature has its name in the file: names, unlike namespaces, cannot be written by references.
IN_XML: Final = b"ignature"
#: Of a PDF's signature; it is written plainly, never in a compressed object.
IN_PDF: Final = b"/ByteRange"


class WordSearch:
    """Whether a word stands in what is fed; `found` stays."""

    __slots__ = ("_tail", "_word", "found")

    def __init__(self, word: bytes) -> None:
        self._word, self._tail = word, b""
        self.found = False

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        if self.found:
            return
        most = len(self._word) - 1
        self.found = self._word in data or self._word in self._tail + data[:most]
        self._tail = (self._tail + data)[-most:] if len(data) < most else data[-most:]
