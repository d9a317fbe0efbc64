"""One lab per process of the tests, and one template per way in which the office is reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.kill_site import Places, Template, make_template
from tests.network.lab import Lab, laboratory
from tests.system_tools import require_namespaces


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Skips where namespaces are not permitted."""
    require_namespaces()
    with laboratory() as found:
        yield found


class Templates:
    """Made when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[Places, Template] = {}

    async def of(self, places: Places) -> Template:
        """The template of these places."""
        if places not in self._made:
            folder = self._folder / f"t{len(self._made)}"
            folder.mkdir()
            self._made[places] = await make_template(folder, places=places)
        return self._made[places]


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Of this process."""
    return Templates(tmp_path_factory.mktemp("net"))
