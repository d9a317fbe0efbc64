"""A small CA that speaks ACME [RFC 8555] over TLS, with http-01 alone; what it does wrong is set by a test.

It checks what a CA checks: signature, nonce and URL of each request, and by a connection of its own that whoever
asks holds the name. Like other CAs for tests it makes that connection to a place it is given, whatever the name.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from acme.jws import JWS
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from josepy.b64 import b64decode, b64encode
from josepy.jwk import JWK

from gateway.pki import KeyPair

_ROOT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ACME test root")])


@dataclass(kw_only=True)
class Order:
    """One order and its only authorization."""

    number: int
    name: str
    token: str
    key: JWK
    state: str = "pending"
    why: str = ""
    chain: str = ""


@dataclass(kw_only=True)
class AcmeCa:
    """The CA; `fault` is what it does wrong."""

    #: Where it asks for the proof.
    port: int
    life: timedelta = timedelta(days=90)
    #: Key id and key (base64url) of the external account that it wants; none for ("", "").
    external: tuple[str, str] = ("", "")
    #: "", limited, other_key, other_name, expired, garbage, page.
    fault: str = ""
    url: str = ""
    accounts: dict[str, JWK] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)
    _nonces: set[str] = field(default_factory=set)
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    _numbers: Any = field(default_factory=itertools.count)

    @asynccontextmanager
    async def running(self, pair: KeyPair) -> AsyncIterator[AcmeCa]:
        """On loopback, with that certificate."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pair.certificate, pair.key)
        app = web.Application()
        app.router.add_get("/directory", self._directory)
        app.router.add_route("*", "/nonce", self._nonce)
        for path, handler in (
            ("/account", self._account),
            ("/order", self._new_order),
            ("/order/{number}", self._order),
            ("/authz/{number}", self._authorization),
            ("/challenge/{number}", self._challenge),
            ("/finalize/{number}", self._finalize),
            ("/certificate/{number}", self._certificate),
        ):
            app.router.add_post(path, handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        assert runner.server is not None
        # `requests` says no farewell within TLS: it is waited for shortly, so that nothing is left open
        server = await asyncio.get_running_loop().create_server(
            runner.server, "127.0.0.1", 0, ssl=tls, ssl_shutdown_timeout=0.05
        )
        self.url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            await runner.cleanup()
            await asyncio.sleep(0.1)

    async def _directory(self, _request: web.Request) -> web.Response:
        if self.fault == "page":
            return web.Response(text="<html>maintenance</html>", content_type="text/html")
        names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order"}
        return web.json_response({name: f"{self.url}/{path}" for name, path in names.items()})

    async def _nonce(self, _request: web.Request) -> web.Response:
        return self._answer({})

    def _answer(self, body: Any, status: int = 200, **headers: str) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        self._nonces.add(nonce)
        return web.json_response(body, status=status, headers={"Replay-Nonce": nonce, **headers})

    def _problem(self, kind: str, detail: str) -> web.Response:
        answer = self._answer({"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail}, 403)
        answer.content_type = "application/problem+json"
        return answer

    async def _signed(self, request: web.Request) -> tuple[JWK, Any]:
        """Whose request it is, and what it says; an AssertionError is an answer 500."""
        jws = JWS.json_loads(await request.text())
        head = jws.signature.combined
        assert head.url == f"{self.url}{request.path}"
        nonce = head.nonce if isinstance(head.nonce, str) else ""
        assert not nonce or nonce in self._nonces
        key = head.jwk or self.accounts[head.kid]
        assert jws.verify(key)
        return key, json.loads(jws.payload or b"{}")

    async def _account(self, request: web.Request) -> web.Response:
        key, asked = await self._signed(request)
        if self.external != ("", "") and not self._is_bound(asked.get("externalAccountBinding"), key):
            return self._problem("externalAccountRequired", "this CA wants an external account")
        known = next((url for url, each in self.accounts.items() if each == key), "")
        url = known or f"{self.url}/account/{len(self.accounts)}"
        self.accounts[url] = key
        self.contacts += asked.get("contact", [])
        return self._answer({"status": "valid"}, 200 if known else 201, Location=url)

    def _is_bound(self, binding: dict[str, str] | None, key: JWK) -> bool:
        """Whether the external account vouches for the key [RFC 8555 7.3.4]."""
        if binding is None:
            return False
        name, secret = self.external
        head = json.loads(b64decode(binding["protected"]))
        signed = f"{binding['protected']}.{binding['payload']}".encode()
        mac = hmac.new(b64decode(secret), signed, "sha256").digest()
        is_ours = JWK.from_json(json.loads(b64decode(binding["payload"]))) == key
        return head["kid"] == name and is_ours and hmac.compare_digest(mac, b64decode(binding["signature"]))

    async def _new_order(self, request: web.Request) -> web.Response:
        key, asked = await self._signed(request)
        if self.fault == "limited":
            return self._problem("rateLimited", "too many certificates for this name")
        [identifier] = asked["identifiers"]
        made = Order(number=next(self._numbers), name=identifier["value"], token=secrets.token_urlsafe(16), key=key)
        self.orders.append(made)
        return self._shown(made, 201)

    def _shown(self, order: Order, status: int = 200) -> web.Response:
        url, number = self.url, order.number
        body: dict[str, Any] = {
            "status": order.state,
            "identifiers": [{"type": "dns", "value": order.name}],
            "authorizations": [f"{url}/authz/{number}"],
            "finalize": f"{url}/finalize/{number}",
        }
        if order.chain:
            body["certificate"] = f"{url}/certificate/{number}"
        return self._answer(body, status, Location=f"{url}/order/{number}")

    async def _asked(self, request: web.Request) -> tuple[Order, Any]:
        _, asked = await self._signed(request)
        return self.orders[int(request.match_info["number"])], asked

    async def _order(self, request: web.Request) -> web.Response:
        order, _ = await self._asked(request)
        return self._shown(order)

    async def _authorization(self, request: web.Request) -> web.Response:
        order, _ = await self._asked(request)
        state = {"pending": "pending", "invalid": "invalid"}.get(order.state, "valid")
        body = {
            "status": state,
            "identifier": {"type": "dns", "value": order.name},
            "challenges": [self._shown_challenge(order)],
        }
        return self._answer(body)

    def _shown_challenge(self, order: Order) -> dict[str, Any]:
        state = {"pending": "pending", "invalid": "invalid"}.get(order.state, "valid")
        shown = {
            "type": "http-01",
            "status": state,
            "url": f"{self.url}/challenge/{order.number}",
            "token": order.token,
        }
        if order.why:
            shown["error"] = {"type": "urn:ietf:params:acme:error:unauthorized", "detail": order.why}  # type: ignore[assignment]
        return shown

    async def _challenge(self, request: web.Request) -> web.Response:
        """Asked for at once, by a connection of the CA's own."""
        order, _ = await self._asked(request)
        url = f"http://127.0.0.1:{self.port}/.well-known/acme-challenge/{order.token}"
        thumbprint = order.key.thumbprint(hash_function=hashes.SHA256)
        wanted = f"{order.token}.{_base64url(thumbprint)}"
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                got = await answer.text()
        except aiohttp.ClientError as error:
            got = str(error)
        order.state, order.why = ("ready", "") if got == wanted else ("invalid", f"wrong answer: {got[:60]}")
        return self._answer(self._shown_challenge(order), Link=f'<{self.url}/authz/{order.number}>;rel="up"')

    async def _finalize(self, request: web.Request) -> web.Response:
        order, asked = await self._asked(request)
        assert order.state == "ready"
        csr = x509.load_der_x509_csr(b64decode(asked["csr"]))
        assert csr.is_signature_valid
        order.chain, order.state = self._issued(csr, order.name), "valid"
        return self._shown(order)

    def _issued(self, csr: x509.CertificateSigningRequest, name: str) -> str:
        now = datetime.now(UTC)
        begins = now - timedelta(days=400) if self.fault == "expired" else now - timedelta(hours=1)
        key = self._key.public_key() if self.fault == "other_key" else csr.public_key()
        name = "elsewhere.example" if self.fault == "other_name" else name
        leaf = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(_ROOT)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + self.life)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        return leaf.public_bytes(Encoding.PEM).decode()

    async def _certificate(self, request: web.Request) -> web.Response:
        order, _ = await self._asked(request)
        answer = self._answer({})
        answer.body = b"no certificate" if self.fault == "garbage" else order.chain.encode()
        answer.content_type = "application/pem-certificate-chain"
        return answer


def _base64url(data: bytes) -> str:
    return b64encode(data).decode()
