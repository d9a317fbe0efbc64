"""A console for tests: an installation with its server in this process, users of each role, and clients signed in.

Everything is real: TLS, SQLite, argon2id (with small costs, which are not what is tested here).
"""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from argon2 import PasswordHasher
from yarl import URL

from gateway.accounts.passwords import Passwords
from gateway.accounts.roles import Role
from gateway.app import Application
from gateway.foundation import Foundation, open_foundation
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from tests.journeys.installation import COMMUNE, Installation, prepare

PASSWORD = "mot-mat-khau-de-thu-nghiem"
LOGINS = {role: f"{role}1" for role in Role}
#: May look into documents besides.
PREVIEWER = "previewer1"
_TOKEN = re.compile(r'name="form-token" value="([0-9a-f]+)"')
_WEAK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@dataclass(kw_only=True)
class Page:
    """An answer, read."""

    status: int
    text: str
    headers: dict[str, str]
    url: str

    @property
    def location(self) -> str:
        """Where it leads."""
        return self.headers.get("Location", "")


@dataclass(kw_only=True)
class Browser:
    """A client without scripts: cookies, and the token of the last page in each form that it sends."""

    origin: str
    session: aiohttp.ClientSession
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, *, follow: bool = False, **headers: str) -> Page:
        """Open a page."""
        async with self.session.get(
            self.origin + path, allow_redirects=follow, headers=_named(self.headers | headers)
        ) as answer:
            return await self._read(answer)

    async def post(
        self, path: str, fields: dict[str, str] | None = None, *, follow: bool = False, **headers: str
    ) -> Page:
        """Send a form with the token of the last page that had one."""
        form = {"form-token": self.token} | (fields or {})
        async with self.session.post(
            self.origin + path, data=form, allow_redirects=follow, headers=_named(self.headers | headers)
        ) as answer:
            return await self._read(answer)

    async def sign_in(self, login: str, password: str = PASSWORD, code: str = "") -> Page:
        """By the form, as people do."""
        await self.get("/login")
        answer = await self.post("/login", {"login": login, "password": password, "code": code, "next": "/"})
        if answer.status == 303:
            await self.get("/account", follow=True)
        return answer

    def cookie(self, name: str) -> str:
        """What it holds."""
        found = self.session.cookie_jar.filter_cookies(URL(self.origin)).get(name)
        return found.value if found else ""

    async def _read(self, answer: aiohttp.ClientResponse) -> Page:
        text = await answer.text(errors="replace")  # files, too
        if found := _TOKEN.search(text):
            self.token = found[1]
        return Page(status=answer.status, text=text, headers=dict(answer.headers), url=str(answer.url))


def _named(headers: dict[str, str]) -> dict[str, str]:
    """sec_fetch_site -> Sec-Fetch-Site."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(kw_only=True)
class Site:
    """The running console."""

    installation: Installation
    app: Application
    tls: ssl.SSLContext
    opened: list[aiohttp.ClientSession] = field(default_factory=list)

    @property
    def base(self) -> Foundation:
        """Its data folder."""
        return self.app.foundation

    @property
    def origin(self) -> str:
        """Where it is."""
        return f"https://localhost:{self.app.console_port}"

    def browser(self, *, address: str = "127.0.0.1", **headers: str) -> Browser:
        """One that nobody has signed in with, on this machine; it is closed with the site."""
        connector = aiohttp.TCPConnector(ssl=self.tls, local_addr=(address, 0))
        session = aiohttp.ClientSession(connector=connector)
        self.opened.append(session)
        return Browser(origin=self.origin, session=session, headers=headers)

    async def signed_in(self, who: Role | str) -> Browser:
        """One of somebody of a role, or with a login."""
        found = self.browser()
        answer = await found.sign_in(LOGINS[who] if isinstance(who, Role) else who)
        assert answer.status == 303, answer.text
        return found

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self.opened:
            await session.close()


@asynccontextmanager
async def console(
    folder: Path,
    pki_folder: Path,
    *,
    settings: str = "",
    offices: Sequence[str] = (COMMUNE,),
    tries: int = 6000,
    more: str = "",
    push_url: str = "https://localhost:1/",
) -> AsyncIterator[Site]:
    """An installation in an empty folder, its users, and its server; `settings` are lines of [console]."""
    port = free_ports(1)[0]
    section = f"[console]\nport = {port}\ntries_per_minute = {tries}\n{settings}\n"
    made = await prepare(folder, pki_folder, more=section + more, push_url=push_url)
    async with open_foundation(made.settings, purpose="setup") as base:
        await add_users(base, offices)
    async with made.running() as app:
        app.foundation.users.passwords = Passwords(hasher=_WEAK)
        async with Site(
            installation=made, app=app, tls=client_tls_context(made.pki.anchors(TrustPurpose.TLS))
        ) as site:
            yield site


async def add_users(base: Foundation, offices: Sequence[str]) -> None:
    """One of each role, and a viewer who may look into documents; all with the same password."""
    base.users.passwords = Passwords(hasher=_WEAK)
    for role, login in [*LOGINS.items(), (Role.VIEWER, PREVIEWER)]:
        user, _ = await base.users.add(
            login,
            name=f"Người {login}",
            role=role,
            may_preview=login == PREVIEWER,
            offices=offices if role is Role.CLERK else (),
            actor="operator:test",
            now=base.clock.now(),
        )
        await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
