"""Judges of what only a facade (LGSP) or a security server (X-Road) sees. Pure, like `evidence`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.conformance.evidence import Evidence, Judge
from gateway.conformance.verdicts import Verdict, failed, passed

#: Logins that nobody finds too many.
_LOGINS: Final = 10
_DENIED: Final = range(400, 500)
_CALLS: Final = frozenset({"sendEdoc", "syncReceivedEdocList", "getEdoc", "updateStatus", "getAgenciesList"})


def turned_away(code: str, told: str) -> Judge:
    """A call was refused for just this reason, and for what `told` names."""

    def judge(evidence: Evidence, _step: str) -> Verdict | None:
        found = [each for each in evidence.requests if each["reason"] == code and told in each["detail"]]
        return passed(found[0]["detail"]) if found else None

    return judge


def renewed(evidence: Evidence, _step: str) -> Verdict | None:
    """After all tokens ended there was another login, and a call with its token."""
    calls = [each for each in evidence.requests if each["operation"] in _CALLS]
    logins = [each for each in evidence.requests if each["operation"] == "login"]
    if len(logins) > _LOGINS and len(logins) * 2 > len(calls):
        told = f"{len(logins)} / {len(calls)}"
        return failed(f"Số lần đăng nhập / số lần gọi: {told}", f"Logins for calls: {told}")
    after = _behind(evidence, "tokensEnded")
    if after is None:
        return None
    again = [place for place, each in enumerate(after) if each["operation"] == "login" and not each["reason"]]
    if again and any(each["operation"] in _CALLS and not each["reason"] for each in after[again[0] :]):
        return passed()
    refused = [each for each in after if each["reason"] == "credential_expired"]
    if len(refused) > 1 and not again:
        return failed(
            f"Token cũ bị từ chối (401) {len(refused)} lần mà chưa đăng nhập lại",
            f"The old token was turned away (401) {len(refused)} times, and no login followed",
        )
    return None


def doubted(evidence: Evidence, _step: str) -> Verdict | None:
    """A document whose answer proved nothing was sent again, as it was."""
    after = _behind(evidence, "answerSpoiled")
    if after is None:
        return None
    spoiled = next(each for each in evidence.requests if each["operation"] == "answerSpoiled")
    sent = [each for each in after if each["operation"] == "handedIn"]
    if any(each["detail"] == spoiled["detail"] for each in sent):
        return passed()
    if sent:
        return failed(
            "Trả lời mang mã băm của yêu cầu khác mà hệ thống coi là đã gửi xong và gửi văn bản khác",
            "The answer named the hash of another request, was taken for good, and the next document was sent",
        )
    return None


def answers(operation: str) -> Judge:
    """The service's last answer to a call of ours was one of the agreed form."""

    def judge(evidence: Evidence, _step: str) -> Verdict | None:
        mine = [each for each in evidence.requests if each["operation"] in {operation, "call"}]
        if not mine:
            return None
        last = mine[-1]
        if not last["reason"]:
            return passed()
        told = f"{last['reason']} {last['detail']}"
        return failed(f"Trả lời chưa đúng: {told}", f"The answer is not as agreed: {told}")

    return judge


def took_once(evidence: Evidence, _step: str) -> Verdict | None:
    """What came again under the same Idempotency-Key became the same message there."""
    lost = [each for each in evidence.requests if each["operation"] == "answerLost"]
    if not lost:
        return None
    given = [each["detail"] for each in evidence.requests if _took(each, lost[0]["detail"])]
    if len(given) < 2:  # noqa: PLR2004 - the first time, and again
        return None
    if len(set(given)) == 1:
        return passed(given[0])
    told = ", ".join(dict.fromkeys(given))
    return failed(f"Một văn bản thành nhiều mã: {told}", f"One document became several messages: {told}")


def refuses_unnamed(evidence: Evidence, _step: str) -> Verdict | None:
    """A call without a client's name got nothing."""
    statuses = [each["status"] for each in evidence.requests if each["operation"] == "calledUnnamed"]
    if not statuses:
        return None
    if statuses[-1] in _DENIED:
        return passed(f"HTTP {statuses[-1]}")
    told = f"HTTP {statuses[-1]}"
    return failed(f"Không có X-Road-Client mà vẫn trả lời {told}", f"Without X-Road-Client it answered {told}")


def _took(each: Mapping[str, Any], key: str) -> bool:
    return each["operation"] == "askDocuments" and not each["reason"] and each["key"] == key


def _behind(evidence: Evidence, operation: str) -> list[Mapping[str, Any]] | None:
    """The requests after the first of that kind; None where there was none."""
    for place, each in enumerate(evidence.requests):
        if each["operation"] == operation:
            return list(evidence.requests[place + 1 :])
    return None
