"""One PKI for the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.installation import make_pki


@pytest.fixture(scope="session")
def pki_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A development PKI, made once."""
    folder = tmp_path_factory.mktemp("pki") / "certs"
    make_pki(folder)
    return folder
