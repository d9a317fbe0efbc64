"""A small provider of identities over TLS: it signs what a test tells it to, and checks what a real one would."""

from __future__ import annotations

import ssl
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey
from yarl import URL

from gateway.pki import DevPki

CLIENT, SECRET = "console", "a-secret-of-the-client"


class FakeProvider:
    """One on loopback."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "one"})
        self.issuer = ""
        #: Code -> what the browser brought.
        self.codes: dict[str, dict[str, str]] = {}
        #: What the token says besides, or other than it should.
        self.claims: dict[str, Any] = {"sub": "person-1"}
        self.now = 0
        #: How it is signed; None: as it should be.
        self.forged: tuple[dict[str, Any], ECKey | OctKey] | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, pki_folder: Path) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._about)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_get("/keys", self._keys)
        app.router.add_post("/token", self._token)
        pair = DevPki(folder=pki_folder).server
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(pair.certificate, pair.key)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "localhost", 0, ssl_context=tls)
        await site.start()
        assert site._server is not None
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]  # of asyncio's own server
        self.issuer = f"https://localhost:{port}"

    async def close(self) -> None:
        """Gone."""
        if self._runner is not None:
            await self._runner.cleanup()

    def sign_in(self, query: dict[str, str]) -> str:
        """What somebody does there who came with this query: a code."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return code

    async def _about(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    async def _authorize(self, request: web.Request) -> web.Response:
        """Somebody is signed in here already, and is sent back at once."""
        query = dict(request.query)
        back = URL(query["redirect_uri"]).with_query(code=self.sign_in(query), state=query["state"])
        return web.Response(status=302, headers={"Location": str(back)})

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        query = self.codes.pop(str(form["code"]), None)
        verifier = sha256(str(form["code_verifier"]).encode()).digest()
        challenge = urlsafe_b64encode(verifier).rstrip(b"=").decode()
        is_client = (
            request.headers.get("Authorization") == f"Basic {b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"
        )
        if query is None or query["code_challenge"] != challenge or not is_client:
            return web.json_response({"error": "invalid_grant"}, status=400)
        assert form["redirect_uri"] == query["redirect_uri"]
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": self.now,
            "exp": self.now + 300,
            "nonce": query["nonce"],
        }
        header, key = self.forged or ({"alg": "ES256", "kid": "one"}, self.key)
        token = jwt.encode(header, claims | self.claims, key)
        return web.json_response({"id_token": token, "access_token": "unused", "token_type": "Bearer"})
