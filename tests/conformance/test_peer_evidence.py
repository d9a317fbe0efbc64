"""What facades and security servers saw, judged: renewals, doubtful answers, receipts of a service."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.conformance.evidence import Evidence, asked
from gateway.conformance.peer_evidence import answers, doubted, refuses_unnamed, renewed, took_once, turned_away
from gateway.conformance.places import request_of
from gateway.conformance.verdicts import Grade, Verdict
from gateway.conformance.xroad_answers import judge_answer
from gateway.simulate.reckoning import LedgerView


def call(operation: str, **more: object) -> dict[str, Any]:
    return request_of("", "", "GET", operation) | more


def evidence(*requests: dict[str, Any]) -> Evidence:
    view = LedgerView(messages={}, deliveries={}, attempts={})
    return Evidence(vendor="v", view=view, requests=requests, performed={})


def grade(verdict: Verdict | None) -> str:
    return verdict.grade.value if verdict is not None else ""


LOGIN, LIST, ENDED = call("login"), call("syncReceivedEdocList"), call("tokensEnded")
EXPIRED = call("syncReceivedEdocList", reason="credential_expired", status=401)


@pytest.mark.parametrize(
    ("requests", "wanted"),
    [
        ((LOGIN, LIST), ""),
        ((LOGIN, LIST, ENDED, EXPIRED), ""),
        ((LOGIN, LIST, ENDED, EXPIRED, EXPIRED), "failed"),
        ((LOGIN, LIST, ENDED, EXPIRED, LOGIN), ""),
        ((LOGIN, LIST, ENDED, EXPIRED, LOGIN, LIST), "passed"),
        ((LOGIN, LIST) * 11, "failed"),
    ],
)
def test_token_is_renewed_once_and_kept(requests: tuple[dict[str, Any], ...], wanted: str) -> None:
    """A 401 is followed by one login and a call; a login before every call is too many."""
    assert grade(renewed(evidence(*requests), "renew")) == wanted


@pytest.mark.parametrize(
    ("after", "wanted"), [((), ""), (("a",), "passed"), (("b",), "failed"), (("b", "a"), "passed")]
)
def test_document_with_a_doubtful_answer_is_sent_again(after: tuple[str, ...], wanted: str) -> None:
    """Another one in its place is a failure, until the same comes."""
    sent = [call("handedIn", detail=each) for each in after]
    assert grade(doubted(evidence(call("answerSpoiled", detail="a"), *sent), "hash-wrong")) == wanted
    assert doubted(evidence(*sent), "hash-wrong") is None


def test_lost_answer_is_given_again() -> None:
    """The same message under the same key; another key says nothing."""
    lost = call("answerLost", detail="k")

    def took(key: str, message: str) -> dict[str, Any]:
        return call("askDocuments", key=key, detail=message)

    assert took_once(evidence(lost, took("k", "m"), took("other", "n")), "x") is None
    assert grade(took_once(evidence(lost, took("k", "m"), took("k", "m")), "x")) == "passed"
    assert grade(took_once(evidence(lost, took("k", "m"), took("k", "n")), "x")) == "failed"


def test_refusals_are_told_with_what_was_missing() -> None:
    """The reason alone would not say which of three headers."""
    missing = call("getEdoc", reason="credential_missing", detail="X-SecretKey")
    assert grade(turned_away("credential_missing", "X-SecretKey")(evidence(missing), "x")) == "passed"
    assert turned_away("credential_missing", "Authorization")(evidence(missing), "x") is None
    verdict = asked("getEdoc")(evidence(missing), "connect")
    assert verdict is not None
    assert (verdict.grade, verdict.saw.en) == (Grade.FAILED, "It was refused: credential_missing X-SecretKey")
    assert verdict.saw.vi == "Bị từ chối: credential_missing X-SecretKey"
    assert grade(refuses_unnamed(evidence(call("calledUnnamed", status=401)), "x")) == "passed"
    assert grade(refuses_unnamed(evidence(call("calledUnnamed", status=0)), "x")) == "failed"


@pytest.mark.parametrize(
    ("method", "path", "status", "body", "wanted"),
    [
        ("POST", "/documents", 202, b'{"message_id": "m"}', ("askDocuments", "")),
        ("POST", "/documents", 200, b"<html>", ("askDocuments", "peer_reply_invalid")),
        ("POST", "/documents", 202, b'{"message_id": 5}', ("askDocuments", "peer_reply_invalid")),
        ("POST", "/documents", 302, b"", ("askDocuments", "peer_error")),
        ("POST", "/documents", 403, b"", ("askDocuments", "peer_credential_rejected")),
        ("POST", "/documents", 422, b"", ("askDocuments", "peer_refused")),
        ("POST", "/documents", 503, b"", ("askDocuments", "peer_busy")),
        ("GET", "/inbox?kind=status&skip=2", 200, b'{"items": []}', ("askInbox", "")),
        ("GET", "/inbox?kind=status", 200, b"[]", ("askInbox", "peer_reply_invalid")),
        ("GET", "/inbox?kind=status", 200, b'{"items": [{"kind": "status"}]}', ("askInbox", "peer_reply_invalid")),
        ("GET", "/inbox/1/content", 200, b"", ("askContent", "peer_reply_invalid")),
        ("POST", "/inbox/1/done", 204, b"", ("askDone", "")),
        ("POST", "/inbox/1/fail", 500, b"", ("askFail", "peer_error")),
    ],
)
def test_answers_of_a_service_are_judged(
    method: str, path: str, status: int, body: bytes, wanted: tuple[str, str]
) -> None:
    """By status first, then by form."""
    operation, reason, detail = judge_answer(method, path, status, body)
    assert (operation, reason) == wanted
    verdict = answers(operation)(evidence(call(operation, reason=reason, detail=detail)), "x")
    assert grade(verdict) == ("failed" if reason else "passed")


def test_service_that_cannot_be_reached_has_failed() -> None:
    """Until its next answer."""
    gone = call("call", reason="connect_failed", detail="refused")
    assert grade(answers("askInbox")(evidence(gone), "x")) == "failed"
    assert grade(answers("askInbox")(evidence(gone, call("askInbox")), "x")) == "passed"
