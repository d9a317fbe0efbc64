"""What an auditor is handed: the command as it is installed, in the container, too."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.bundle.making import AT, made, write_anchors

ROOT = Path(__file__).parents[2]


def test_installed_command_verifies_a_bundle(tmp_path: Path) -> None:
    """The script itself, from a folder that has nothing of ours: it passes, and fails with a byte changed."""
    command, anchors, file = (
        Path(sys.executable).with_name("gateway-verify"),
        tmp_path / "anchors",
        tmp_path / "a.asice",
    )
    anchors.mkdir()
    write_anchors(anchors)
    whole = made()
    for content, verdict, code in ((whole, "PASSED", 0), (whole[:-100] + b"x" * 100, "FAILED", 1)):
        file.write_bytes(content)
        words = (command, file, "--anchors", anchors, "--at", AT.date().isoformat(), "--json")
        done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        assert json.loads(done.stdout)["verdict"] == verdict
    assert subprocess.run((command,), capture_output=True, cwd=tmp_path, timeout=60, check=False).returncode == 2


def test_container_has_every_command_of_the_package() -> None:
    """It is made without pip, so each is written there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    marked = re.search(r"chmod 0755 (.*)", dockerfile)
    assert marked is not None
    for name, place in project["scripts"].items():
        module = place.removesuffix(".__main__:main").removesuffix(".cli:main")
        assert f"""python -m {module} "$@"\\n' > .venv/bin/{name} """ in dockerfile
        assert f".venv/bin/{name}" in marked[1].split()
