"""The lines of docs/bundle.md verify a bundle with sha256sum, openssl and xmlsec1 alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.bundle.making import AT, made
from tests.bundle.vector_cases import FOLDER
from tests.pki.build import build
from tests.system_tools import require_tool

PAGE = Path(__file__).parents[2] / "docs" / "bundle.md"


def recipe() -> str:
    inside = PAGE.read_text("utf-8").split("<!-- recipe:begin -->")[1].split("<!-- recipe:end -->")[0]
    return inside.split("```sh\n")[1].split("```")[0]


def run(folder: Path, bundle: bytes) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    (folder / "evidence.asice").write_bytes(bundle)
    environment = {"TZ": "UTC", "AT": f"{AT:%Y-%m-%d %H:%M:%S}", "PATH": "/usr/bin:/bin"}
    for name, member in (("ANCHOR", "seal-root"), ("TSA", "tsa-root")):
        (folder / f"{name}.pem").write_bytes(build()[member].certificate.public_bytes(Encoding.PEM))
        environment[name] = str(folder / f"{name}.pem")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", recipe()],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_recipe_verifies_a_bundle_and_refuses_a_changed_one(tmp_path: Path) -> None:
    """Every step says yes; of a changed document one says no."""
    for tool in ("xmlsec1", "openssl", "unzip"):
        require_tool(tool, tool)
    done = run(tmp_path / "good", made())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verification: OK" in done.stdout + done.stderr
    assert "evidence/leaves/1.json" in done.stdout
    for name in ("receipt-of-another-document", "key-not-of-certificate", "stamp-over-another-digest"):
        changed = (FOLDER / name / "bundle.asice").read_bytes()
        assert run(tmp_path / name, changed).returncode != 0
