"""Role by route: what the table of permissions says is what the server does, for every route there is."""

from __future__ import annotations

import pytest

from gateway.accounts.roles import PERMISSIONS, Permission, Role
from gateway.console.routes import ROUTES
from tests.console.site import LOGINS, PREVIEWER, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
#: Paths that end what the test goes by, or do not end by themselves.
_APART = {"/logout", "/live", "/login"}
#: Parameters of paths, filled in so that nothing is found.
_NOBODY = "0198aaaa-0000-7000-8000-000000000000"


def _filled(path: str) -> str:
    return "/".join(_NOBODY if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize("role", list(Role), ids=str)
async def test_route_lets_in_whoever_has_its_permission_and_nobody_else(site: Site, role: Role) -> None:
    """Refused with `not_permitted`; let in, whatever the handler then makes of a form without fields."""
    browser = await site.signed_in(role)
    user = await site.base.users.require(LOGINS[role])
    for route in ROUTES:
        if route.path in _APART:
            continue
        path = _filled(route.path)
        if route.method == "GET":
            answer = await browser.get(path)
        else:
            answer = await browser.post(path)
        refused = answer.status == 403 and "not_permitted" in answer.text
        assert refused is not user.may(route.permission), (route, answer.status, answer.text[:300])
        assert answer.status < 500, (route, answer.text[:2000])


async def test_stranger_is_let_in_by_open_routes_alone(site: Site) -> None:
    """Everything else asks to sign in, what does not exist included."""
    browser = site.browser()
    await browser.get("/login")
    for route in ROUTES:
        path = _filled(route.path)
        answer = await (browser.get(path) if route.method == "GET" else browser.post(path))
        asked = (answer.status == 303 and answer.location.startswith("/login")) or (
            route.path == "/live" and answer.status == 401
        )
        assert asked is not (route.permission is Permission.OPEN), route
    assert (await browser.get("/nowhere")).location == "/login?next=%2Fnowhere"


async def test_right_to_look_into_documents_is_no_role(site: Site) -> None:
    """It is given to persons; no role includes it."""
    assert all(Permission.PREVIEW not in granted for granted in PERMISSIONS.values())
    assert (await site.base.users.require(PREVIEWER)).may(Permission.PREVIEW)
    assert not (await site.base.users.require(LOGINS[Role.ADMINISTRATOR])).may(Permission.PREVIEW)


async def test_auditor_changes_nothing() -> None:
    """No route that changes something asks for a permission of the auditor, but what is the person's own."""
    granted = PERMISSIONS[Role.AUDITOR] - {Permission.OPEN, Permission.SELF, Permission.AUDIT}
    assert not [route for route in ROUTES if route.method != "GET" and route.permission in granted]


async def test_routes_stand_once_in_the_table() -> None:
    """No two handlers for one address."""
    keys = [(route.method, route.path) for route in ROUTES]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR, Role.CLERK], ids=str)
async def test_every_page_opens_in_both_languages(site: Site, role: Role) -> None:
    """Of those that are opened by their address alone; what is no page is left out."""
    browser = await site.signed_in(role)
    user = await site.base.users.require(LOGINS[role])
    gets = [route for route in ROUTES if route.method == "GET" and "{" not in route.path]
    paths = [route.path for route in gets if route.path not in _APART and user.may(route.permission)]
    for language in ("vi", "en"):
        await browser.get("/account")
        await browser.post("/preferences", {"language": language, "next": "/"})
        for path in paths:
            answer = await browser.get(path)
            assert answer.status < 500, path
            if "<html" in answer.text and "attachment" not in answer.headers.get("Content-Disposition", ""):
                assert f'<html lang="{language}"' in answer.text, path
