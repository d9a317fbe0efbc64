"""The question that a webhook's receiver answers before it gets its first document. Pure.

    POST url        Gateway-Kind: verification; Gateway-Dispatch-Id: the challenge; signed like every transmission
                    {"challenge": "…", "channel": "its name here"}
    200             {"challenge": "the same", "proof": "v1=hex HMAC-SHA256(secret, 'verification.' + challenge)"}

The proof shows that whoever answers holds the channel's secret, so a URL that leads to somebody else's service, or
to one that repeats what it is sent, gets no document. Where the channel signs with a private key there is no shared
secret: the challenge alone must come back, as JSON, which a service not made for it does not do.

During a rotation a proof by either secret counts.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from adapters.webhook_reply import REPLY_BYTES_MAX, redacted
from adapters.webhook_signature import Key
from gateway.model import Outcome, OutcomeKind

MEDIA_TYPE = "application/json"
_PROVED = Outcome(kind=OutcomeKind.DELIVERED)


class _Answer(msgspec.Struct):
    challenge: str
    proof: str = ""


_decoder = msgspec.json.Decoder(_Answer)


def question(challenge: str, channel: str) -> bytes:
    """The body."""
    return msgspec.json.encode({"challenge": challenge, "channel": channel})


def proof_of(secret: bytes, challenge: str) -> str:
    """What a receiver answers."""
    return f"v1={hmac.new(secret, f'verification.{challenge}'.encode(), hashlib.sha256).hexdigest()}"


def judge(status: int, content: bytes, challenge: str, keys: Sequence[Key]) -> Outcome:
    """Whether the answer proves it."""
    if status != 200:  # noqa: PLR2004
        return _unproved(f"the receiver answers the verification with HTTP {status}")
    try:
        answer = _decoder.decode(content[:REPLY_BYTES_MAX])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _unproved("the receiver's answer to the verification is not the agreed JSON")
    if not hmac.compare_digest(answer.challenge.encode(), challenge.encode()):
        return _unproved("the receiver's answer holds another challenge")
    shared = [key for key in keys if key.is_shared]
    given = answer.proof.encode("utf-8", "replace")
    if shared and not any(hmac.compare_digest(given, proof_of(key.secret, challenge).encode()) for key in shared):
        return _unproved("the receiver's proof was not made with the channel's secret")
    return _PROVED


def _unproved(detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.DEFERRED, reason="channel_unverified", detail=redacted(detail))
