"""Gets a certificate from an ACME CA [RFC 8555] with the `acme` library of certbot's project.

    1 account   its key is made with the first order (P-256, mode 0600); external binding where the CA wants it
    2 order     one for all names; each is proved by HTTP [RFC 8555 8.3], answered here while the order is under way
    3 judgement what the CA sends must fit (`fit.py`) and load together with the server's key
    4 exchange  one file is replaced, in one step: the key stays, so certificate and key always belong together

It blocks and belongs into a process of its own: `gateway tls renew`. The server never imports it.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import josepy.errors
import josepy.jwa
import josepy.jwk
import josepy.util
import requests
from acme import challenges, client, errors, messages, standalone
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gateway.acme.fit import require_fit
from gateway.config.settings import AcmeSettings, TlsSettings
from gateway.errors import RenewalError
from gateway.fsio import atomic_replace, make_private_dir, write_durably
from gateway.seal.keys import read_key_file

#: Longest time of an order, from the first answer to the certificate.
_ORDER = timedelta(minutes=5)
_SECONDS = 30
_SHOWN = 300
_RSA_BITS = 2048

_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def order(settings: AcmeSettings, tls: TlsSettings, now: datetime) -> datetime:
    """Put a new certificate in place; when it ends. Raises RenewalError, and then the old one stays."""
    key = _server_key(tls.key)
    try:
        chain = _ordered(settings, key)
    except messages.Error as error:
        raise RenewalError(_told(error)) from error
    except errors.ValidationError as error:
        raise RenewalError(_unproved(error)) from error
    except (errors.Error, josepy.errors.Error, requests.RequestException, KeyError, ValueError) as error:
        told = f"{type(error).__name__}: {error}"[:_SHOWN]
        raise RenewalError(f"{settings.directory} gave no certificate: {told}") from error
    public_key = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    leaf = require_fit(chain, public_key, settings.names, now)
    _try_to_load(chain, tls)
    atomic_replace(tls.certificate, chain, 0o644)
    return leaf.not_valid_after_utc


def _server_key(path: Path) -> _Key:
    """The key that the certificate is for; made when there is none."""
    if not path.exists():
        # RSA: peers of old cannot do without [docs/references.md]
        made = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
        _write_key(path, made)
    return _read_key(path)


def _read_key(path: Path) -> _Key:
    try:
        key = load_pem_private_key(read_key_file(path), None)
    except (TypeError, ValueError) as error:
        raise RenewalError(f"{path} holds no plain private key in PEM") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise RenewalError(f"{path} holds neither an RSA nor an elliptic key")
    return key


def _write_key(path: Path, key: _Key) -> None:
    make_private_dir(path.parent)
    write_durably(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)


def _ordered(settings: AcmeSettings, key: _Key) -> bytes:
    with closing(_network(settings)) as net:
        return _ordered_from(_with_account(settings, net), settings, key)


def _ordered_from(ca: client.ClientV2, settings: AcmeSettings, key: _Key) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in settings.names])
    request = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    made = ca.new_order(request.public_bytes(Encoding.PEM))
    asked = [_http_challenge(each) for each in made.authorizations if each.body.status != messages.STATUS_VALID]
    deadline = datetime.now() + _ORDER  # noqa: DTZ005 - the library compares it with a time without a zone
    with _answering(settings, ca, asked):
        for each in asked:
            ca.answer_challenge(each, each.chall.response(ca.net.key))
        return str(ca.poll_and_finalize(made, deadline).fullchain_pem).encode()


class _Network(client.ClientNetwork):
    def close(self) -> None:
        self.session.close()


def _jwk(settings: AcmeSettings) -> josepy.jwk.JWK:
    """The account's key."""
    if not settings.account_key.exists():
        _write_key(settings.account_key, ec.generate_private_key(ec.SECP256R1()))
    key = _read_key(settings.account_key)
    if isinstance(key, rsa.RSAPrivateKey):
        return josepy.jwk.JWKRSA(key=josepy.util.ComparableRSAKey(key))
    return josepy.jwk.JWKEC(key=josepy.util.ComparableECKey(key))


def _network(settings: AcmeSettings) -> _Network:
    """Requests that the account's key signs."""
    key = _jwk(settings)
    algorithm = josepy.jwa.RS256 if isinstance(key, josepy.jwk.JWKRSA) else josepy.jwa.ES256
    net = _Network(key, alg=algorithm, user_agent="document-gateway", timeout=_SECONDS)
    if settings.anchors is not None:
        net.verify_ssl = str(settings.anchors)  # type: ignore[assignment]  # `requests` takes a file, too
    return net


def _with_account(settings: AcmeSettings, net: client.ClientNetwork) -> client.ClientV2:
    ca = client.ClientV2(client.ClientV2.get_directory(settings.directory, net), net)
    more: dict[str, Any] = {"email": settings.contact} if settings.contact else {}
    if settings.key_id and settings.hmac_key is not None:
        more["external_account_binding"] = messages.ExternalAccountBinding.from_data(
            account_public_key=_jwk(settings).public_key(),
            kid=settings.key_id,
            hmac_key=read_key_file(settings.hmac_key).decode("ascii").strip(),
            directory=ca.directory,
        )
    wanted = messages.NewRegistration.from_data(terms_of_service_agreed=True, **more)
    try:
        ca.new_account(wanted)
    except errors.ConflictError as error:  # it exists already
        known = messages.RegistrationResource(uri=error.location, body=messages.Registration())
        ca.query_registration(known)
    return ca


def _http_challenge(authorization: messages.AuthorizationResource) -> messages.ChallengeBody:
    for each in authorization.body.challenges:
        if isinstance(each.chall, challenges.HTTP01):
            return each
    raise RenewalError(f"the CA does not let {authorization.body.identifier.value} be proved by HTTP")


@contextmanager
def _answering(
    settings: AcmeSettings, ca: client.ClientV2, asked: Sequence[messages.ChallengeBody]
) -> Iterator[None]:
    """While it lasts the CA's questions are answered at [acme] host and port."""
    if not asked:
        yield
        return
    resource = standalone.HTTP01RequestHandler.HTTP01Resource
    known = {resource(each.chall, *each.chall.response_and_validation(ca.net.key)) for each in asked}
    try:
        server = standalone.HTTP01Server((settings.host, settings.port), known, timeout=10)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise RenewalError(
            f"the CA's question cannot be answered at {place} ([acme] host, port): {error.strerror}"
        ) from error
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _try_to_load(chain: bytes, tls: TlsSettings) -> None:
    with tempfile.NamedTemporaryFile(dir=tls.certificate.parent) as file:
        file.write(chain)
        file.flush()
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file.name, os.fspath(tls.key))
        except ssl.SSLError as error:
            raise RenewalError(f"the CA's certificate does not load with {tls.key}: {error}") from error


def _told(error: messages.Error) -> str:
    parts = (error.code or "", error.detail or "", *(each.detail or "" for each in error.subproblems or ()))
    return f"the CA refuses: {': '.join(filter(None, parts))}"[:_SHOWN]


def _unproved(error: errors.ValidationError) -> str:
    told = []
    for authorization in error.failed_authzrs:
        name = authorization.body.identifier.value
        found = [each.error.detail for each in authorization.body.challenges if each.error is not None]
        told.append(f"{name}: {'; '.join(filter(None, found)) or 'no reason given'}")
    return f"the CA could not prove by HTTP that we hold the name: {', '.join(told)}"[:_SHOWN]
