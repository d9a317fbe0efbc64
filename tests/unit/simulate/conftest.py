"""A development PKI for the tests with real TLS, made once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.pki import DevPki, issue_server, make_dev_pki


@pytest.fixture(scope="package")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevPki:
    """The PKI, with a certificate for a simulator."""
    now = datetime.now(UTC)
    made = make_dev_pki(Path(tmp_path_factory.mktemp("pki")) / "dev", now=now)
    issue_server(made.folder, "simulators", now=now)
    return made
