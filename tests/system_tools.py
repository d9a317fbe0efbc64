"""Tools from Debian packages that some tests need: a named skip at home, a failure where CI=true."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

from tests.network.lab import missing


def require_tool(name: str, package: str) -> str:
    """The path of `name`; skips (or fails under CI) naming the Debian package that brings it."""
    path = shutil.which(name)
    if path is None:
        _skip(f"{name} is not installed (Debian package {package})")
    return path


def without_network() -> list[str]:
    """What a command is begun with so that it has no network; where that cannot be, nothing (CI fails)."""
    if shutil.which("unshare"):
        return ["unshare", "--net", "--map-root-user"]
    if os.environ.get("CI") == "true":
        pytest.fail("unshare is not installed (Debian package util-linux)")
    return []


def require_namespaces() -> None:
    """Skips (or fails under CI) where no network of namespaces can be made."""
    if why := missing():
        _skip(why)


def _skip(message: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
