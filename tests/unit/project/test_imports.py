"""The import contracts of pyproject.toml can fail: a tree that breaks one is caught."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.unit.project.trees import write

ROOT = Path(__file__).resolve().parents[3]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]


def _modules(root: Path) -> None:
    """Every module that a contract names, empty."""
    layers = next(one for one in CONTRACTS if one["id"] == "layers")["layers"]
    for layer in layers:
        for name in layer.replace("|", ":").split(":"):
            write(root, f"gateway/{name.strip().strip('()')}/__init__.py", "")
    for name in ("api/table", "api/models", "api/service", "seal/verify", "seal/timestamp", "seal/report"):
        write(root, f"gateway/{name}.py", "")
    write(root, "gateway/storage/sqlite.py", "import aiosqlite, pysqlite3, sqlite3\n")
    write(root, "gateway/__init__.py", "")
    write(root, "adapters/__init__.py", "")
    write(root, "adapters/webhook.py", "")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    write(root, "pyproject.toml", text[text.index("[tool.importlinter]") :])


def _lint(root: Path) -> tuple[int, str]:
    program = Path(sys.executable).with_name("lint-imports")  # it puts the present folder first on the path
    done = subprocess.run([program, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_contracts_hold_for_modules_that_import_nothing(tmp_path: Path) -> None:
    """The tree that the next test breaks is right before."""
    _modules(tmp_path)
    code, told = _lint(tmp_path)
    assert code == 0, told


@pytest.mark.parametrize(
    ("module", "line", "told"),
    [
        ("gateway/storage/a.py", "import gateway.journey", "gateway.storage.a -> gateway.journey"),
        ("gateway/model/a.py", "import gateway.storage", "gateway.model.a -> gateway.storage"),
        ("gateway/stray.py", "", "- gateway.stray"),
        ("gateway/facade/a.py", "import gateway.api.table", "gateway.facade.a -> gateway.api.table"),
        ("adapters/a.py", "import gateway.ledger", "adapters.a -> gateway.ledger"),
        ("gateway/worker/a.py", "import adapters.webhook", "gateway.worker.a -> adapters.webhook"),
        ("gateway/seal/verify.py", "import aiohttp", "gateway.seal.verify -> aiohttp"),
        ("gateway/ledger/a.py", "import sqlite3", "gateway.ledger.a -> sqlite3"),
        ("gateway/simulate/a.py", "import gateway.edxml", "gateway.simulate.a -> gateway.edxml"),
    ],
)
def test_import_against_a_contract_is_named(tmp_path: Path, module: str, line: str, told: str) -> None:
    """One wrong import per contract; the check fails and shows it."""
    _modules(tmp_path)
    code, shown = _lint(write(tmp_path, module, line + "\n"))
    assert code == 1
    assert told in shown
