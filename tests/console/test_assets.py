"""What pages load: there, small, ours or as published, and in the wheel."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

from gateway.console.assets import Assets

ROOT = Path(__file__).resolve().parents[2]
_CONSOLE = ROOT / "gateway" / "console"
#: Gzipped bytes of what every page loads.
_MOST = 60 * 1024
#: Of these, what a page is drawn with: less than fits into the first packets of an answer.
_MOST_STYLE = 8 * 1024


def test_first_load_is_small() -> None:
    """Script and style of all pages together, compressed; whoever has loaded them loads no more but pages."""
    assets = Assets()
    names = [file.name for file in (_CONSOLE / "static").iterdir() if file.suffix in {".css", ".js", ".svg"}]
    sizes = {name: len(assets.named(name).gzipped) for name in names}
    assert sum(sizes.values()) < _MOST, sizes
    assert sizes["app.css"] < _MOST_STYLE


def test_what_is_not_ours_is_as_published() -> None:
    """The digests of the table beside them."""
    table = (_CONSOLE / "static" / "README.md").read_text("utf-8")
    rows = re.findall(r"\| `([^`]+\.min\.\w+)` \|.*`([0-9a-f]{64})` \|", table)
    assert len(rows) == 1
    for name, digest in rows:
        assert sha256((_CONSOLE / "static" / name).read_bytes()).hexdigest() == digest
    assert {name for name, _ in rows} == {file.name for file in (_CONSOLE / "static").glob("*.min.*")}


def test_what_scrolls_is_reached_by_keys() -> None:
    """A table that is wider than a telephone can be moved without a mouse."""
    tags = [
        (file.name, tag)
        for file in (_CONSOLE / "templates").rglob("*.html")
        for tag in re.findall(r'<[^>]*class="(?:[^"]* )?scroll(?: [^"]*)?"[^>]*>', file.read_text("utf-8"))
    ]
    assert len(tags) > 20
    assert [each for each in tags if 'tabindex="0"' not in each[1]] == []


def test_every_asset_that_a_template_names_is_there_and_in_the_wheel(tmp_path: Path) -> None:
    """So are templates and catalogues; nothing is built besides."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    held = {name.removeprefix("gateway/console/") for name in zipfile.ZipFile(wheel).namelist()}
    named: set[str] = set()
    for file in (_CONSOLE / "templates").rglob("*.html"):
        named |= set(re.findall(r'asset\("([^"]+)"\)', file.read_text("utf-8")))
        assert str(file.relative_to(_CONSOLE)) in held
    assert {"app.css", "app.js"} <= named
    for name in named:
        assert Assets().url(name)
        assert f"static/{name}" in held
    assert "gateway/verifying/verify.html" in held  # what an audit page hands out
    assert {f"locale/vi/{file.name}" for file in (_CONSOLE / "locale" / "vi").glob("*.po")} <= held
