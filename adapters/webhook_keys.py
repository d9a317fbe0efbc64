"""The keys of a webhook channel, and what they sign: one key, or two while a rotation lasts.

Settings of an endpoint: `signature` (hmac, the default, or rfc9421), `algorithm` (rfc9421: hmac-sha256, the
default, ed25519 or ecdsa-p256-sha256), `secret_file` (the shared secret, or the private key in PEM), and during a
rotation `next_secret_file` with `next_secret_at`, the instant from which on the old key is not used any more. Until
then both sign, so that a receiver may change over at any moment:

- hmac: a second field line `Gateway-Signature`, after that of the old secret, so that a receiver which reads only
  the first line goes on working;
- rfc9421: labels `gw1` and `gw2` in the same fields, each with its own `keyid`, the name of the key's file.

A receiver is asked for a proof of a shared secret before it is trusted (`adapters.webhook_challenge`): `mark_of`
tells by what it was proved, and changes with the URL and the key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from yarl import URL

from adapters.webhook_channel import Secrets
from adapters.webhook_signature import Key, key_of
from gateway.errors import ConfigError
from gateway.message_signatures import HMAC, headers_of, parameters_of, signature_base
from gateway.model import Endpoint

#: How long after its creation a receiver should take an RFC 9421 signature.
_EXPIRES_SECONDS = 300
_TAG = "gateway-webhook"

Headers = list[tuple[str, str]]


def keys_of(endpoint: Endpoint, files: Secrets, now: datetime) -> tuple[Key, ...]:
    """The key in force, and the one that follows while both are; raises ConfigError."""
    settings = endpoint.settings
    form, algorithm = settings.get("signature", "hmac"), str(settings.get("algorithm", HMAC))
    if form not in {"hmac", "rfc9421"}:
        raise ConfigError("signature is hmac or rfc9421")
    if form == "hmac" and algorithm != HMAC:
        raise ConfigError(f"algorithm {algorithm} needs signature rfc9421")
    names = [_name(endpoint, "secret_file")]
    if settings.get("next_secret_file") is not None:
        following = _name(endpoint, "next_secret_file")
        names = [*names, following] if now < _instant(settings.get("next_secret_at")) else [following]
    return tuple(key_of(name, algorithm, files.read(name)) for name in names)


def mark_of(url: URL, key: Key) -> str:
    """Changes when another URL or another key is used; tells nobody the key."""
    return hashlib.sha256(b"\n".join([str(url).encode(), key.algorithm.encode(), key.mark()])).hexdigest()[:32]


def sign(secret: bytes, timestamp: str, dispatch_id: str, deliveries: str, sha256: str) -> str:
    """The value of `Gateway-Signature`."""
    signed = f"{timestamp}.{dispatch_id}.{deliveries}.{sha256}".encode("ascii")
    return f"v1={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"


def signed_headers(
    endpoint: Endpoint, keys: Sequence[Key], url: URL, headers: Mapping[str, str], *, sha256: str
) -> Headers:
    """All of `headers` and the signatures over them."""
    found = list(headers.items())
    if endpoint.settings.get("signature") == "rfc9421":
        return found + list(_message_signatures(keys, url, headers).items())
    stamp, dispatch, whom = (headers[f"Gateway-{name}"] for name in ("Timestamp", "Dispatch-Id", "Deliveries"))
    return found + [("Gateway-Signature", sign(key.secret, stamp, dispatch, whom, sha256)) for key in keys]


def _message_signatures(keys: Sequence[Key], url: URL, headers: Mapping[str, str]) -> dict[str, str]:
    fields = {name.lower(): value for name, value in headers.items()}
    covered = [
        ("@method", "POST"),
        ("@target-uri", str(url)),
        *((name, fields[name]) for name in ("content-digest", "content-type", "idempotency-key") if name in fields),
        *((name, value) for name, value in fields.items() if name.startswith("gateway-")),
    ]
    created = int(headers["Gateway-Timestamp"])
    numbers = {"created": created, "expires": created + _EXPIRES_SECONDS}
    signed = {}
    for place, key in enumerate(keys, start=1):
        texts = {"nonce": secrets.token_urlsafe(16), "alg": key.algorithm, "keyid": key.id, "tag": _TAG}
        parameters = parameters_of([name for name, _ in covered], numbers, texts)
        signed[f"gw{place}"] = parameters, key.sign(signature_base(covered, parameters))
    return headers_of(signed)


def _name(endpoint: Endpoint, setting: str) -> str:
    name = endpoint.settings.get(setting)
    if not isinstance(name, str) or not name:
        raise ConfigError(f"the webhook has no {setting}")
    return name


def _instant(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ConfigError("next_secret_at is an instant such as 2026-12-01T00:00:00+07:00") from error
    if at.tzinfo is None:
        raise ConfigError("next_secret_at needs its offset from UTC")
    return at
