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
_MOST_STYLE = 14 * 1024


def test_first_load_is_small() -> None:
    """Script and style of any page, compressed; the style even as it is."""
    assets = Assets()
    first = ("app.css", "app.js", "htmx-4.0.1.min.js", "icon.svg", "uplot-1.6.32.min.js", "uplot-1.6.32.min.css")
    assert sum(len(assets.named(name).gzipped) for name in first) < _MOST
    assert len(assets.named("app.css").content) < _MOST_STYLE


def test_what_is_not_ours_is_as_published() -> None:
    """The digests of the table beside them."""
    table = (_CONSOLE / "static" / "README.md").read_text("utf-8")
    rows = re.findall(r"\| `([^`]+\.min\.\w+)` \|.*`([0-9a-f]{64})` \|", table)
    assert len(rows) == 3
    for name, digest in rows:
        assert sha256((_CONSOLE / "static" / name).read_bytes()).hexdigest() == digest
    assert {name for name, _ in rows} == {file.name for file in (_CONSOLE / "static").glob("*.min.*")}


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
    assert {f"locale/vi/{file.name}" for file in (_CONSOLE / "locale" / "vi").glob("*.po")} <= held
