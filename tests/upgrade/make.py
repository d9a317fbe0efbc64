"""Makes the data folder of one release, for later ones to open: `python -m tests.upgrade.make v0.1.0`.

Run it from the tag itself, once; what it writes (`tests/upgrade/folders/<tag>.zip`) is never made again, since
a later program would write it otherwise. It holds the data folder of a ledger with a line of every way, the anchors
of its seals, and in `expected.json` what that release's own `fsck` counted.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path

from gateway import __version__
from gateway.audit.fsck import examine
from gateway.foundation import database_of
from gateway.storage.migrations import MIGRATIONS, load_migrations
from tests.journeys.filled import filled
from tests.journeys.installation import make_pki

FOLDERS = Path(__file__).with_name("folders")


async def _made(work: Path) -> Path:
    """A filled installation, its server stopped in order."""
    site = work / "site"
    site.mkdir()
    make_pki(work / "pki")
    async with filled(site, work / "pki") as made:
        settings = made.settings
    report = await examine(settings, database_of(settings))
    if not report.ok or report.findings:
        raise SystemExit(f"the folder is not sound: {report.findings}")
    expected = {
        "version": __version__,
        "schema": len(load_migrations(MIGRATIONS)),
        "counts": asdict(report.counts),
    }
    (site / "expected.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")
    return site


def main() -> int:
    """Make the archive that the argument names."""
    tag = sys.argv[1]
    target = FOLDERS / f"{tag}.zip"
    if target.exists():
        raise SystemExit(f"{target} exists, and is made once only")
    FOLDERS.mkdir(exist_ok=True)  # the tag itself has none
    with tempfile.TemporaryDirectory(dir="/tmp") as work:
        site = asyncio.run(_made(Path(work)))
        with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
            for path in _kept(site):
                archive.write(path, path.relative_to(site))
    return 0


def _kept(site: Path) -> list[Path]:
    folders = [site / "data" / "gateway.sqlite", site / "certs" / "anchors" / "seal", site / "expected.json"]
    files = [path for root in folders for path in ([root] if root.is_file() else sorted(root.iterdir()))]
    return files + sorted(path for path in (site / "data" / "bodies").rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
