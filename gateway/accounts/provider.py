"""Signing in at another provider (OpenID Connect): the code flow with PKCE [RFC 7636], tokens checked by joserfc.

The provider says who it is (`sub`), nothing else is taken from it: roles and offices stand here. It is believed
over TLS with the CAs that are named, and by the signature of its token under the keys that it publishes: issuer,
audience, nonce and times are looked at, algorithms are those of a list. What it answers has a limit of size and
time. The second factor is the provider's to ask for.
"""

from __future__ import annotations

import secrets
import ssl
import time
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote_plus

import aiohttp
import msgspec
from aiohttp import hdrs
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from yarl import URL

from gateway.bounded import read_at_most
from gateway.config.console import OidcSettings
from gateway.config.storage import StorageSettings
from gateway.errors import KeyFileError, RefusedError
from gateway.seal.keys import read_key_file

#: Neither shared secrets nor "none".
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
#: How long somebody may take there.
AWAY: Final = timedelta(minutes=10)
_MOST: Final = 256 * 1024
#: Its addresses and keys are asked for again after so many seconds; for an unknown key no sooner than the second.
_KNOWN_FOR, _ASKED_AGAIN = 3600.0, 60.0
_LEEWAY: Final = 60
_FINE: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaving:
    """Somebody who went there to sign in."""

    state: str
    nonce: str
    verifier: str
    #: Where to go on afterwards.
    following: str
    #: Which browser it is: what it held.
    held: str
    at: datetime

    @classmethod
    def drawn(cls, *, following: str, held: str, at: datetime) -> Leaving:
        """With secrets of its own."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state=state, nonce=nonce, verifier=verifier, following=following, held=held, at=at)


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Token(msgspec.Struct, frozen=True, kw_only=True):
    """Its answer to a code."""

    id_token: str


class Provider:
    """The one provider of this gateway."""

    def __init__(self, settings: OidcSettings, storage: StorageSettings) -> None:
        self._settings, self._storage = settings, storage
        self._found: tuple[float, _Found] | None = None
        self._keys: tuple[float, KeySet] | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is one."""
        return bool(self._settings.issuer)

    @property
    def name(self) -> str:
        """What people call it."""
        return self._settings.name

    async def address(self, leaving: Leaving, back: str) -> str:
        """Where the browser goes to sign in, and from where it comes back."""
        challenge = urlsafe_b64encode(sha256(leaving.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self._settings.client,
            "redirect_uri": back,
            "state": leaving.state,
            "nonce": leaving.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return str(URL((await self._about()).authorization_endpoint).update_query(query))

    async def subject(self, leaving: Leaving, code: str, back: str, now: datetime) -> str:
        """Who it is; RefusedError `sign_in_failed` for what the token does not prove."""
        found = await self._about()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self._settings.client,
            "code_verifier": leaving.verifier,
        }
        raw = await self._asked(found.token_endpoint, form)
        try:
            token = msgspec.json.decode(raw, type=_Token).id_token
            claims = await self._claims(token, found, leaving, now)
        except (JoseError, msgspec.MsgspecError, ValueError) as error:
            raise RefusedError("sign_in_failed", "the provider's token does not hold") from error
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise RefusedError("sign_in_failed", "the provider's token names nobody")
        return subject

    async def _claims(self, token: str, found: _Found, leaving: Leaving, now: datetime) -> dict[str, Any]:
        try:
            decoded = jwt.decode(token, await self._keyset(found), algorithms=ALGORITHMS)
        except JoseError:
            decoded = jwt.decode(token, await self._keyset(found, anew=True), algorithms=ALGORITHMS)
        claims: dict[str, Any] = decoded.claims
        client = self._settings.client
        registry = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=_LEEWAY,
            iss={"essential": True, "value": found.issuer},
            aud={"essential": True, "value": client},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": leaving.nonce},
        )
        registry.validate(claims)
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != client:
            raise RefusedError("sign_in_failed", "the provider's token is for others, too")
        return claims

    async def _about(self) -> _Found:
        if self._found is None or time.monotonic() - self._found[0] > _KNOWN_FOR:
            issuer = self._settings.issuer
            raw = await self._asked(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            try:
                found = msgspec.json.decode(raw, type=_Found)
            except msgspec.MsgspecError as error:
                raise RefusedError("provider_unavailable", "what it says of itself cannot be read") from error
            addresses = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
            if found.issuer != issuer or not all(address.startswith("https://") for address in addresses):
                raise RefusedError("provider_unavailable", "it is not the issuer of [console.oidc]")
            self._found = (time.monotonic(), found)
        return self._found[1]

    async def _keyset(self, found: _Found, *, anew: bool = False) -> KeySet:
        longest = _ASKED_AGAIN if anew else _KNOWN_FOR
        if self._keys is None or time.monotonic() - self._keys[0] > longest:
            raw = await self._asked(found.jwks_uri)
            try:
                self._keys = (time.monotonic(), KeySet.import_key_set(msgspec.json.decode(raw)))
            except (JoseError, msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
                raise RefusedError("provider_unavailable", "its keys cannot be read") from error
        return self._keys[1]

    async def _asked(self, url: str, form: dict[str, str] | None = None) -> bytes:
        """Its answer to a GET, or to a form that bears the client's secret, where it has one."""
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout.total_seconds())
        anchors = self._settings.anchors
        try:
            tls = ssl.create_default_context(cafile=None if anchors is None else str(anchors))
            connector = aiohttp.TCPConnector(ssl=tls, force_close=True)
            async with aiohttp.ClientSession(
                connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
            ) as session:
                asked = (
                    session.get(url, allow_redirects=False)
                    if form is None
                    else session.post(url, data=form, headers=self._auth(), allow_redirects=False)
                )
                async with asked as answer:
                    raw = await read_at_most(answer.content, _MOST)
                    if answer.status != _FINE or len(raw) > _MOST:
                        code = "provider_unavailable" if form is None else "sign_in_failed"
                        raise RefusedError(code, f"the provider answers {answer.status}")
                    return raw
        except (aiohttp.ClientError, OSError, TimeoutError, KeyFileError) as error:
            raise RefusedError("provider_unavailable", f"no answer: {type(error).__name__}") from error

    def _auth(self) -> dict[str, str]:
        name = self._settings.secret_file
        if not name:
            return {}
        secret = read_key_file(self._storage.secrets / name).decode().strip()
        pair = f"{quote_plus(self._settings.client)}:{quote_plus(secret)}"
        return {hdrs.AUTHORIZATION: f"Basic {b64encode(pair.encode()).decode()}"}
