"""Documents of a system under test, addressed to the sandbox's offices."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.conformance.papers import Sheet, document, reference_of
from gateway.simulate.writing import Named


class Papers:
    """Numbers them; `access` is what the sandbox tells scripts."""

    def __init__(self, access: dict[str, str]) -> None:
        self._access = access
        self._numbers = 0

    def document(self, *offices: str, sender: str = "", about: str = "", padding: int = 0) -> bytes:
        """A new document to offices, by their names in `access`; or a recall of the one numbered `about`."""
        self._numbers += 1
        now = datetime.now(UTC)
        own = Named(code=sender or self._access["organ_id"], name="Phần mềm thử")
        codes = [self._access.get(f"offices.{one}", one) for one in offices]
        sheet = Sheet(
            sender=own,
            recipients=tuple(Named(code=code, name=code) for code in codes),
            number=about or f"7{self._numbers:03}",
            subject="V/v thử gửi",
            padding=padding,
            business_type="1" if about else "0",
            about=reference_of(own.code, about, now) if about else None,
        )
        return document(sheet, now)
