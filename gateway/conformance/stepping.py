"""The shape of a step of the sandbox, and by which call each action is done in each protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.conformance.evidence import Judge
from gateway.conformance.offices import BY_KEY, Order
from gateway.conformance.verdicts import Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One of them."""

    key: str
    title: Words
    #: What the developer does; {ready} and the like become codes of test offices.
    do: Words
    mend: Words
    #: Which line of HOW names the call.
    how: str
    judge: Judge
    #: What a test office sends when the step opens.
    order: Order | None = None
    #: What the place does where the system and the gateway meet (`places`).
    trick: str = ""
    #: Steps that must have passed before.
    after: tuple[str, ...] = ()

    def told(self) -> Words:
        """With the codes filled in."""
        codes = {key: office.code for key, office in BY_KEY.items()}
        return Words(self.do.vi.format(**codes), self.do.en.format(**codes))


_TAKE: Final = (
    "lưu thư mục trong inbox/, receipts/, refused/ rồi chuyển nó ra khỏi đó / store the folder, then move it out "
    "of inbox/, receipts/ or refused/"
)
_FILES: Final[Mapping[str, str]] = {
    "fetch": _TAKE,
    "take": _TAKE,
    "answer": "status/<mã giao nhận / delivery>.<code>, hoặc / or <delivery>.json; info.json: deliveries[].id",
    "send": "outbox/<tên / name>.edxml, PDF + JSON; ghi dưới tên / write as .part, đổi tên / then rename",
}
_FACADE: Final[Mapping[str, str]] = {
    "connect": "POST …/v1/auth/login?allow_anonymous=true  {username, password, applicationCode, …}: data.token",
    "list": "GET …/v1/syncReceivedEdocList?messageType=edoc&fromDate=YYYY/MM/DD&toDate=YYYY/MM/DD",
    "fetch": "GET …/v1/getEdoc?docId=",
    "take": "GET …/v1/getEdoc, POST …/v1/updateStatus  {docId, status: done}",
    "answer": "POST …/v1/sendEdoc  multipart: messageType=status, edocFile=*.edxml",
    "send": "POST …/v1/sendEdoc  multipart: messageType=edoc, edocFile=*.edxml",
    "agencies": "GET …/v1/getAgenciesList  (Authorization: Bearer …)",
    "renew": "GET …/v1/syncReceivedEdocList  (Authorization: Bearer …, X-SystemId, X-SecretKey)",
}
_MEMBER: Final[Mapping[str, str]] = {
    "connect": "GET xroad_url/r1/xroad_service/inbox  (X-Road-Client: xroad_client)",
    "list": "GET …/inbox?kind=document, kind=status",
    "fetch": "GET …/inbox/{id}/content",
    "take": "GET …/inbox/{id}/content, POST …/inbox/{id}/done",
    "answer": "POST …/statuses  edXML",
    "send": "POST …/documents  edXML  (X-Road-Client, X-Road-Id, Idempotency-Key)",
    "client": "GET …/inbox",
    "hash": "POST …/documents; X-Road-Id, X-Road-Request-Hash",
}
_SERVICE: Final[Mapping[str, str]] = {
    "serve": 'GET service_url/inbox?kind=document: {"items": [{"id", "kind", …}]}; POST documents: {"message_id"}',
    "fetch": 'POST service_url/documents: 202 {"message_id": "…"}',
    "take": 'POST service_url/documents: 202 {"message_id": "…"}',
    "answer": "GET …/inbox?kind=status, GET …/inbox/{id}/content, POST …/inbox/{id}/done",
    "send": "GET …/inbox?kind=document, GET …/inbox/{id}/content, POST …/inbox/{id}/done (…/fail)",
    "lost": "POST service_url/documents  (Idempotency-Key)",
}

#: Protocol -> action -> the call.
HOW: Final[Mapping[str, Mapping[str, str]]] = {
    "rest": {
        "connect": "GET /api/v1/limits  (Authorization: Bearer …)",
        "list": "GET /api/v1/inbox?wait=30",
        "fetch": "GET /api/v1/inbox/{id}/content",
        "take": "GET /api/v1/inbox/{id}/content, POST /api/v1/inbox/{id}/ack",
        "answer": "POST /api/v1/inbox/{id}/status  JSON, or POST /api/v1/statuses  edXML",
        "send": "POST /api/v1/documents  Content-Type: application/xml",
        "withdraw": "POST /api/v1/documents/{id}/withdraw  JSON {reason}",
        "digest": "POST /api/v1/documents  Content-Digest: sha-256=:…:",
    },
    "vxp": {
        "connect": "POST …/getReceivedEdocList",
        "list": "POST …/getReceivedEdocList  messagetype=edoc",
        "fetch": "POST …/getEdoc  docId",
        "take": "POST …/getEdoc, POST …/updateStatus  docId, status=done",
        "answer": "POST …/sendEdoc  messagetype=status",
        "send": "POST …/sendEdoc  messagetype=edoc",
        "replay": "POST …/sendEdoc",
        "digest": "POST …/sendEdoc  hash-file",
        "sign": "POST …/getReceivedEdocList",
    },
    "webhook": {
        "take": "200 sau khi lưu / 200 once it is stored",
        "answer": "POST /api/v1/statuses  edXML  (Authorization: Bearer …)",
        "send": "POST /api/v1/documents  Content-Type: application/xml",
        "withdraw": "POST /api/v1/documents/{id}/withdraw  JSON {reason}",
        "digest": "POST /api/v1/documents  Content-Digest: sha-256=:…:",
    },
    "folder": _FILES,
    "lgsp": _FACADE,
    "xroad": _MEMBER,
    #: The system is the service, and the gateway its client.
    "xroad-service": _SERVICE,
    "sftp": {"connect": "sftp -i sftp_key_file sftp_user@sftp_host", **_FILES},
}


def make_step(
    key: str,
    how: str,
    titles: tuple[str, str],
    do: tuple[str, str],
    mend: Words,
    judge: Judge,
    *,
    order: Order | None = None,
    trick: str = "",
    after: tuple[str, ...] = (),
) -> Step:
    """A line of the lists."""
    return Step(
        key=key,
        how=how,
        title=Words(*titles),
        do=Words(*do),
        mend=mend,
        judge=judge,
        order=order,
        trick=trick,
        after=after,
    )
