"""The schemas are found in a checkout and in an installed wheel."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gateway.edxml import schema_files
from gateway.errors import EnvironmentRefusedError

ROOT = Path(__file__).resolve().parents[3]


def test_wheel_carries_the_schemas_where_the_code_looks_for_them() -> None:
    """`pyproject.toml` puts `schemas` into the wheel under the first place that is searched."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    package = Path(schema_files.__file__).resolve().parents[1]
    assert package.parent / included["schemas"] == schema_files._PLACES[0]


def test_installed_schemas_are_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed program does not read whatever lies beside it."""
    for name in ("installed", "checkout"):
        (tmp_path / name / "edxml").mkdir(parents=True)
    monkeypatch.setattr(schema_files, "_PLACES", (tmp_path / "installed", tmp_path / "checkout"))
    assert schema_files.schemas_folder() == tmp_path / "installed"


def test_installation_without_schemas_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Validating without schemas would accept anything."""
    monkeypatch.setattr(schema_files, "_PLACES", (tmp_path,))
    with pytest.raises(EnvironmentRefusedError, match="schemas"):
        schema_files.schemas_folder()
