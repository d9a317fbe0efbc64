"""A PKCS#11 token of SoftHSM2 for tests: made in a folder of its own, with keys of the test PKI on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.config.values import TokenPlace
from tests.system_tools import require_tool

_MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
PIN, WRONG = "48301", "99999"


@dataclass(frozen=True, kw_only=True)
class TokenLab:
    """One token."""

    folder: Path
    label: str = "gateway"

    @property
    def store(self) -> Path:
        """Where the token lies; moved away, it is pulled out."""
        return self.folder / "tokens"

    @property
    def secret(self) -> Path:
        """The PIN's file."""
        return self.folder / "pin"

    def place(self, key: str = "") -> TokenPlace:
        """As a setting names it."""
        return TokenPlace(module=module(), token=self.label, key=key)

    def write_pin(self, pin: str = PIN) -> Path:
        """What the gateway is told."""
        self.secret.write_text(f"{pin}\n")
        self.secret.chmod(0o600)
        return self.secret

    def put(self, key: Path, label: str, number: int) -> None:
        """An unencrypted PEM key onto the token."""
        self._util(
            "--import", str(key), "--token", self.label, "--label", label, "--id", f"{number:02x}", "--pin", PIN
        )

    @contextmanager
    def pulled_out(self) -> Iterator[None]:
        """Nobody finds the token meanwhile."""
        self.store.rename(self.folder / "away")
        try:
            yield
        finally:
            (self.folder / "away").rename(self.store)

    def _util(self, *words: str) -> None:
        util = require_tool("softhsm2-util", "softhsm2")
        subprocess.run([util, *words], check=True, capture_output=True, timeout=60)


def module() -> Path:
    """SoftHSM's driver."""
    return next(Path(each) for each in _MODULES if Path(each).exists())


def make_token(folder: Path, monkeypatch: pytest.MonkeyPatch) -> TokenLab:
    """An empty token, found by this process and its children until the test ends."""
    require_tool("softhsm2-util", "softhsm2")
    lab = TokenLab(folder=folder)
    lab.store.mkdir(parents=True)
    config = folder / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {lab.store}\nobjectstore.backend = file\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", os.fspath(config))
    lab._util("--init-token", "--free", "--label", lab.label, "--pin", PIN, "--so-pin", "5678")
    lab.write_pin()
    return lab
