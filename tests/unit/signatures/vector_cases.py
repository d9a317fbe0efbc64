"""The vectors of `tests/vectors/signatures`: a folder per defect, with input, expected report and why.

`python -m tests.unit.signatures.vector_cases` writes them; a test compares what lies there with what this makes.
For each signature that is found, `faults` names every check that does not pass, with its indication: no more, no
less.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tests.unit.signatures.cms_made import AT, pki

FOLDER: Final = Path(__file__).parents[2] / "vectors" / "signatures"
ANCHORS: Final = "anchors"

Faults = dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One vector."""

    name: str
    why: str
    #: `input.xml`, `input.pdf`, or `input.p7s` beside `content.bin`.
    data: bytes
    kind: str = "xml"
    content: bytes = b""
    #: By signature, in the order of the report.
    faults: tuple[Faults, ...] = ({},)
    verdict: str = "FAILED"
    at: datetime = AT
    proven_at: datetime | None = None

    def files(self) -> dict[str, bytes]:
        """The folder's content."""
        expected = {
            "why": self.why,
            "at": self.at.isoformat(),
            "verdict": self.verdict,
            "proven_at": self.proven_at.isoformat() if self.proven_at else None,
            "signatures": self.faults,
        }
        found = {
            f"input.{self.kind}": self.data,
            "expected.json": (json.dumps(expected, indent=2, ensure_ascii=False) + "\n").encode(),
        }
        return found | ({"content.bin": self.content} if self.kind == "p7s" else {})


def cases() -> Iterator[Case]:
    """Every vector."""
    from tests.unit.signatures import vectors_certificates, vectors_pdf, vectors_wrapping, vectors_xml

    for module in (vectors_xml, vectors_wrapping, vectors_pdf, vectors_certificates):
        yield from module.cases()


def write_anchors(folder: Path) -> None:
    """The trust stores of the vectors."""
    pki().write_anchors(folder / "signers", "signers-root")
    pki().write_anchors(folder / "stamps", "stamps-root")


def write() -> None:
    """Write every folder anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for case in cases():
        (FOLDER / case.name).mkdir(parents=True)
        for name, content in case.files().items():
            (FOLDER / case.name / name).write_bytes(content)
    write_anchors(FOLDER / ANCHORS)


if __name__ == "__main__":
    write()
