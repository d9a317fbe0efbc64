"""Writes every generated page: `python -m tools.docs`; with `--check` it only says which are out of date.

A page is either whole (`docs/reasons.md`) or a block of a page that people write, between two markers such as
`<!-- states:begin -->` and `<!-- states:end -->`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from adapters.xroad.provider_openapi import DOCUMENT
from gateway.cli import build_parser
from tools.pages import commands, figures, listed, machine, postman, postman_vxp, settings, verifying_page

ROOT = Path(__file__).resolve().parent.parent


def pages(root: Path = ROOT) -> dict[str, str]:
    """What each generated file should hold."""
    published = root / "docs" / "bench.json"
    return {
        "config.example.toml": settings.example(),
        "docs/reasons.md": listed.reasons(),
        "docs/events.md": listed.events(),
        "docs/states.md": machine.page(),
        "docs/xroad-openapi.json": DOCUMENT.decode(),
        "gateway/verifying/verify.html": verifying_page.page(),
        "docs/commands.md": commands.page(build_parser()),
        "deploy/examples/postman/gateway.postman_collection.json": postman.collection(),
        "deploy/examples/postman/vxp.postman_collection.json": postman_vxp.collection(),
        "deploy/examples/postman/sandbox.postman_environment.json": postman.environment(),
        "gateway/DESIGN.md": _with_block(root / "gateway/DESIGN.md", "states", machine.diagram()),
        "README.md": _with_block(root / "README.md", "bench", figures.table(published, "en")),
        "README.vi.md": _with_block(root / "README.vi.md", "bench", figures.table(published, "vi")),
    }


def _with_block(file: Path, name: str, block: str) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, found, rest = file.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{file}: the markers {begin} and {end} are missing; put them where the block belongs")
    return f"{before}{begin}\n{block}{end}{after}"


def outdated(root: Path = ROOT) -> list[str]:
    """The generated files that differ from what they should hold."""
    return [
        name
        for name, text in pages(root).items()
        if not (root / name).exists() or (root / name).read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write, or with `--check` compare."""
    if sys.argv[1:] == ["--check"]:
        stale = outdated()
        for name in stale:
            print(f"{name} is out of date; run `make docs` and commit what it writes")
        return 1 if stale else 0
    for name, text in pages().items():
        (ROOT / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
