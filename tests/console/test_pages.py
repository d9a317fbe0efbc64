"""Every page of the console is among those of which pictures are taken and which are examined."""

from __future__ import annotations

import re

from gateway.console.routes import ROUTES
from tests.console.screenshots import SHOTS

#: Parts of pages, files, streams, ways to another provider.
_NO_PAGE = re.compile(
    r"/(now|news|lines|count|urgent|live|progress)$|^/desk/agencies$|\.(csv|xlsx|pdf|html)$|/files?(/|$)|^/static/|^/login/"
)
PAGES = tuple(route for route in ROUTES if route.method == "GET" and not _NO_PAGE.search(route.path))


def test_every_page_has_its_picture() -> None:
    """A new one fails here until `screenshots.SHOTS` has it."""
    assert {route.path for route in PAGES} - {shot.covers for shot in SHOTS} == set()
