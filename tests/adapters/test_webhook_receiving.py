"""The file that receivers copy believes what the adapter sends, and nothing that was changed on the way."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.model import OutcomeKind, Sha256Hex
from tests.adapters import webhook_lab
from tests.adapters.receiver import Request, receiving, says
from tests.adapters.webhook_lab import SECRET, Lab, lab
from tests.unit.deliver.fakes import FakeBody, outgoing

__all__ = ["lab"]

_FILE = Path(__file__).parents[2] / "deploy" / "examples" / "python" / "verify_webhook.py"
_BODY = b"<edXML/>"
_NEXT = b"the secret that comes after it"


def _module() -> Any:
    spec = importlib.util.spec_from_file_location("verify_webhook", _FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


verify_webhook = _module()


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver's clock is a real one."""
    monkeypatch.setattr(webhook_lab, "NOW", datetime.now(UTC))


def _keys(form: str) -> tuple[bytes, dict[str, Any]]:
    """Content of our key file, and what the receiver holds."""
    if form in {"hmac", "hmac-sha256"}:
        return SECRET, {"secrets": [SECRET]}
    key = ed25519.Ed25519PrivateKey.generate() if form == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), {"public_keys": [public]}


async def _pushed(lab: Lab, form: str, **settings: object) -> tuple[Request, str]:
    if form != "hmac":
        settings |= {"signature": "rfc9421", "algorithm": form}
    item = replace(outgoing("e1", "r1", "r2"), sha256=Sha256Hex(sha256(_BODY).hexdigest()), size=len(_BODY))
    async with receiving(says("204 No Content"), lab.context()) as receiver:
        to = lab.endpoint(receiver.port, **settings)
        await lab.adapter.send(to, item, FakeBody(_BODY))
        await lab.adapter.close()
    return receiver.requests[0], str(to.settings["url"])


@pytest.mark.parametrize("form", ["hmac", "hmac-sha256", "ed25519", "ecdsa-p256-sha256"])
async def test_what_was_sent_is_believed_and_what_was_changed_is_not(lab: Lab, form: str) -> None:
    """Body, deliveries, kind and key; with RFC 9421 the URL and every header of ours, too."""
    content, keys = _keys(form)
    lab.write_secret(content)
    request, url = await _pushed(lab, form)
    verifier = verify_webhook.Verifier(**keys)
    fields = list(request.fields)
    assert verifier.head_refusal("POST", url, fields) == verifier.refusal("POST", url, fields, _BODY) == ""
    assert verifier.refusal("POST", url, fields, _BODY + b" ") == "the body does not have its digest"
    without = [(name, value) for name, value in fields if name.lower() != "content-digest"]
    assert verifier.head_refusal("POST", url, without) == "the digest of the body is missing"
    changed = [
        (name, value.replace("r1", "r3") if name == "gateway-deliveries" else value) for name, value in fields
    ]
    assert verifier.head_refusal("POST", url, changed) != ""
    assert verifier.refusal("POST", url, changed, _BODY) != ""
    assert (
        verify_webhook.Verifier(secrets=[b"another secret, long enough"]).refusal("POST", url, fields, _BODY) != ""
    )
    if form != "hmac":
        assert verifier.refusal("POST", url + "x", fields, _BODY) != ""
        assert verifier.refusal("POST", url, [*fields, ("Gateway-Replay", "1")], _BODY) != ""


@pytest.mark.parametrize("form", ["hmac", "hmac-sha256"])
async def test_in_an_overlap_either_secret_is_enough(lab: Lab, form: str) -> None:
    """The receiver changes over when it likes."""
    path = lab.folder / "secrets" / "peer.2"
    path.write_bytes(_NEXT)
    path.chmod(0o600)
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    request, url = await _pushed(lab, form, next_secret_file="peer.2", next_secret_at=at)
    for secrets in ([SECRET], [_NEXT], [SECRET, _NEXT]):
        verifier = verify_webhook.Verifier(secrets=secrets)
        assert verifier.refusal("POST", url, list(request.fields), _BODY) == ""


async def test_an_old_push_is_not_believed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorded one cannot be played again later."""
    monkeypatch.setattr(webhook_lab, "NOW", datetime.now(UTC) - timedelta(hours=1))
    request, url = await _pushed(lab, "hmac")
    assert "old" in verify_webhook.Verifier(secrets=[SECRET]).refusal("POST", url, list(request.fields), _BODY)


@pytest.mark.parametrize("form", ["hmac", "ed25519"])
async def test_its_answer_to_the_challenge_is_a_proof(lab: Lab, form: str) -> None:
    """Both sides agree about the text."""
    content, _ = _keys(form)
    lab.write_secret(content)
    secret = SECRET if form == "hmac" else None
    settings = {} if form == "hmac" else {"signature": "rfc9421", "algorithm": form}

    async def act(request: Request, reader: Any, writer: Any) -> bool:
        answer: Callable[[bytes, bytes | None], bytes] = verify_webhook.answer_challenge
        return await says("200 OK", answer(request.body, secret))(request, reader, writer)

    async with receiving(act, lab.context()) as receiver:
        outcome = await lab.adapter.prove(lab.endpoint(receiver.port, **settings), "a-nonce")
        await lab.adapter.close()
    assert outcome.kind is OutcomeKind.DELIVERED
