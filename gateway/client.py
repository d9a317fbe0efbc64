"""A client of REST v1, for the command line, simulators and the bench.

Every method is one request and returns the typed answer. A refusal is a ProblemError with its code, both
texts and the trace id; a connection that fails or breaks is an UnreachableError. The client never retries:
`Idempotency-Key` and delivery ids make it safe for callers to do so. Files that come with a Repr-Digest are
checked against it.

It does NOT need the rest of the gateway: only the shapes of `gateway.api.models`.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import BytesIO
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from gateway.api import models
from gateway.api.encryption import EncryptionCertificateOut
from gateway.client_signature import ReceiverSigner
from gateway.errors import ProblemError, UnreachableError
from gateway.message_signatures import digest_field

_PREFIX: Final = "/api/v1"
_XML: Final = "application/xml"
_RECONNECT: Final = 3.0
_LARGE: Final = 256 * 1024
#: A stream sends a comment every 15 seconds; silence longer than this means that it is dead.
_SILENCE: Final = 60.0

_TUS: Final = {"Tus-Resumable": "1.0.0"}

T = TypeVar("T")


class GatewayClient:
    """One connection pool to one gateway; an async context manager."""

    def __init__(
        self,
        base_url: str,
        *,
        tls: ssl.SSLContext | None = None,
        token: str | None = None,
        timeout: float = 120.0,
        connections: int = 100,
    ) -> None:
        self._base = URL(base_url)
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._connections = connections
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._connections, ssl=self._tls if self._tls is not None else True)
        self._session = aiohttp.ClientSession(
            self._base,
            connector=connector,
            headers=self._headers,
            timeout=self._timeout,
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    # Senders --------------------------------------------------------------------------------------

    async def submit(
        self, document: bytes, idempotency_key: str | None = None, *, traceparent: str | None = None
    ) -> models.Accepted:
        """Raw edXML."""
        headers = _submission(document, idempotency_key)
        if traceparent:
            headers["traceparent"] = traceparent
        return await self._send("POST", "/documents", models.Accepted, data=_payload(document), headers=headers)

    async def submit_parts(
        self,
        metadata: models.NewDocument,
        files: Sequence[tuple[str, bytes, str]],
        idempotency_key: str | None = None,
    ) -> models.Accepted:
        """Metadata and files as (name, bytes, content type)."""
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("metadata", msgspec.json.encode(metadata).decode(), content_type="application/json")
        for name, data, content_type in files:
            form.add_field("file", _payload(data), filename=name, content_type=content_type)
        headers = {"Idempotency-Key": _quoted(idempotency_key)} if idempotency_key else {}
        return await self._send("POST", "/documents", models.Accepted, data=form, headers=headers)

    async def post_status(self, status: bytes, idempotency_key: str | None = None) -> models.Accepted:
        """A raw edXML status message."""
        headers = _submission(status, idempotency_key)
        return await self._send("POST", "/statuses", models.Accepted, data=_payload(status), headers=headers)

    async def begin_upload(self, length: int, *, name: str = "", content_type: str = "") -> str:
        """The id of a resumable upload; a file of a document has a name."""
        pairs = {"filename": name, "filetype": content_type}
        metadata = ",".join(f"{key} {b64encode(text.encode()).decode()}" for key, text in pairs.items() if text)
        headers = _TUS | {"Upload-Length": str(length)} | ({"Upload-Metadata": metadata} if metadata else {})
        async with self._request("POST", "/uploads", headers=headers) as response:
            return response.headers["Location"].rpartition("/")[2]

    async def upload_offset(self, upload_id: str) -> int:
        """How many bytes are safe there."""
        async with self._request("HEAD", f"/uploads/{upload_id}", headers=_TUS) as response:
            return int(response.headers["Upload-Offset"])

    async def append_upload(self, upload_id: str, offset: int, data: bytes) -> int:
        """The next bytes; the new offset, synced there."""
        headers = _TUS | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        headers["Content-Digest"] = _digest(data)
        async with self._request(
            "PATCH", f"/uploads/{upload_id}", headers=headers, data=_payload(data)
        ) as response:
            return int(response.headers["Upload-Offset"])

    async def submit_uploads(
        self, uploaded: models.UploadedDocument, idempotency_key: str | None = None
    ) -> models.Accepted:
        """What `submit` or `submit_parts` do, of whole uploads."""
        headers = {"Idempotency-Key": _quoted(idempotency_key)} if idempotency_key else {}
        return await self._send("POST", "/submissions", models.Accepted, json=uploaded, headers=headers)

    async def validate(self, document: bytes) -> models.Validation:
        """What acceptance would find."""
        headers = {"Content-Type": _XML}
        return await self._send("POST", "/validate", models.Validation, data=_payload(document), headers=headers)

    async def documents(self, **filters: str | int) -> models.DocumentPage:
        """One page; filters by their names in the OpenAPI document."""
        return await self._send("GET", "/documents", models.DocumentPage, params=filters)

    async def document(self, message_id: str) -> models.DocumentOut:
        """One document."""
        return await self._send("GET", f"/documents/{message_id}", models.DocumentOut)

    async def original(self, message_id: str) -> bytes:
        """Its bytes as sent."""
        return await self._bytes(f"/documents/{message_id}/content")

    async def receipt(self, message_id: str) -> tuple[bytes, bytes]:
        """transfer.json and the XAdES file."""
        path = f"/documents/{message_id}/receipt"
        return await self._bytes(path, part="transfer"), await self._bytes(path)

    async def findings(self, message_id: str) -> list[models.FindingOut]:
        """What the validator noticed."""
        return (await self._send("GET", f"/documents/{message_id}/findings", models.Findings)).items

    async def deliveries(self, message_id: str) -> list[models.DeliveryOut]:
        """One line per recipient."""
        return (await self._send("GET", f"/documents/{message_id}/deliveries", models.Deliveries)).items

    async def withdraw(
        self, message_id: str, reason: str, recipients: Sequence[str] = ()
    ) -> models.WithdrawalResult:
        """Take it back where it has not left."""
        body = models.Withdrawal(reason=reason, recipients=list(recipients))
        return await self._send("POST", f"/documents/{message_id}/withdraw", models.WithdrawalResult, json=body)

    async def redeliver(
        self, message_id: str, reason: str, recipients: Sequence[str]
    ) -> list[models.AcceptedDelivery]:
        """A new series of attempts."""
        body = models.Redelivery(reason=reason, recipients=list(recipients))
        found = await self._send("POST", f"/documents/{message_id}/redeliver", models.Redelivered, json=body)
        return found.items

    # Receivers ------------------------------------------------------------------------------------

    async def inbox(
        self,
        *,
        wait: float = 0,
        agency: str = "",
        cursor: str = "",
        limit: int = 100,
        lease: float = 0,
        reader: str = "",
    ) -> models.InboxPage:
        """What waits; with `wait` it may take that many seconds to answer."""
        asked = {"agency": agency, "cursor": cursor, "limit": limit, "wait": wait, "lease": lease, "reader": reader}
        return await self._send("GET", "/inbox", models.InboxPage, params={k: v for k, v in asked.items() if v})

    async def item(self, delivery_id: str) -> models.InboxDetail:
        """The envelope of one item."""
        return await self._send("GET", f"/inbox/{delivery_id}", models.InboxDetail)

    async def content(self, delivery_id: str, *, reader: str = "") -> bytes:
        """Its bytes."""
        return await self._bytes(f"/inbox/{delivery_id}/content", reader=reader)

    async def attachment(self, delivery_id: str, number: int, *, reader: str = "") -> bytes:
        """One decoded attachment."""
        return await self._bytes(f"/inbox/{delivery_id}/attachments/{number}", reader=reader)

    @asynccontextmanager
    async def content_from(self, path: str, offset: int, tag: str = "") -> AsyncIterator[aiohttp.ClientResponse]:
        """Bytes of a content path from `offset` on; from the start if they are not those of `tag` any more."""
        headers = {"Range": f"bytes={offset}-"} | ({"If-Range": tag} if tag else {}) if offset else {}
        async with self._request("GET", path, headers=headers) as response:
            yield response

    async def ack(
        self, delivery_id: str, *, reader: str = "", signer: ReceiverSigner | None = None, sha256: str = ""
    ) -> models.Acknowledged:
        """It leaves the inbox; `signer` signs for the bytes that were received, whose digest is `sha256`."""
        path = f"/inbox/{delivery_id}/ack"
        headers = self._signed(signer, path, reader, sha256)
        return await self._send("POST", path, models.Acknowledged, params=_given(reader=reader), headers=headers)

    async def answer(
        self,
        delivery_id: str,
        status: models.NewStatus,
        *,
        reader: str = "",
        idempotency_key: str | None = None,
        signer: ReceiverSigner | None = None,
        sha256: str = "",
    ) -> models.Accepted:
        """Answer an item with a status, signed as `ack`."""
        path = f"/inbox/{delivery_id}/status"
        headers = self._signed(signer, path, reader, sha256, msgspec.json.encode(status))
        if idempotency_key:
            headers["Idempotency-Key"] = _quoted(idempotency_key)
        return await self._send(
            "POST", path, models.Accepted, json=status, params=_given(reader=reader), headers=headers
        )

    def _signed(
        self, signer: ReceiverSigner | None, path: str, reader: str, sha256: str, body: bytes | None = None
    ) -> dict[str, str]:
        if signer is None:
            return {}
        url = str(self._base.with_path(_PREFIX + path).with_query(_given(reader=reader)))
        return signer.headers(url, document_sha256=sha256, at=datetime.now(UTC), body=body)

    # Everybody ------------------------------------------------------------------------------------

    async def agencies(self, q: str = "", *, organ_id: str = "", cursor: str = "") -> models.AgencyPage:
        """Search the directory."""
        asked = _given(q=q, organId=organ_id, cursor=cursor)
        return await self._send("GET", "/agencies", models.AgencyPage, params=asked)

    async def encryption_certificate(self, organ_id: str) -> EncryptionCertificateOut:
        """To which one encrypts for an agency."""
        path = f"/agencies/{quote(organ_id, safe='')}/encryption-certificate"
        return await self._send("GET", path, EncryptionCertificateOut)

    async def limits(self) -> models.Limits:
        """What a request may hold."""
        return await self._send("GET", "/limits", models.Limits)

    async def channels(self) -> list[models.ChannelOut]:
        """The peers' channels."""
        return (await self._send("GET", "/channels", models.Channels)).items

    async def enrol(self, code: str, signing_request: str, label: str = "") -> models.Certificate:
        """Certify a first key; needs no credential."""
        body = models.EnrolmentRequest(code=code, signing_request=signing_request, label=label)
        return await self._send("POST", "/enrol", models.Certificate, json=body)

    async def renew(self, signing_request: str) -> models.Certificate:
        """Certify the next key."""
        body = models.RenewalRequest(signing_request=signing_request)
        return await self._send("POST", "/renew", models.Certificate, json=body)

    async def events(self, since: int | None = None) -> AsyncIterator[models.EventOut]:
        """Events after `since`, for ever: a stream that ends is taken up again where it was."""
        last = since
        while True:
            try:
                async for event in self._stream(last):
                    last = event.seq
                    yield event
            except UnreachableError:
                if last is None:
                    raise  # nothing to resume from: the caller decides what it may have missed
            except ProblemError as error:
                if error.retry_after is None:
                    raise
            await asyncio.sleep(_RECONNECT)

    async def _stream(self, last: int | None) -> AsyncIterator[models.EventOut]:
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_SILENCE)
        async with self._request("GET", "/events", headers=headers, timeout=timeout) as response:
            try:
                async for line in response.content:
                    if line.startswith(b"data: "):
                        yield msgspec.json.decode(line[6:], type=models.EventOut)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise UnreachableError(f"the event stream broke: {error}") from error

    async def _bytes(self, path: str, **params: str) -> bytes:
        async with self._request("GET", path, params=_given(**params)) as response:
            data = await _read(response)
            digest = response.headers.get("Repr-Digest")
        if digest is not None and digest != _digest(data):
            raise UnreachableError("the bytes do not have the digest that the gateway names", path=path)
        return data

    async def _send(
        self, method: str, path: str, kind: type[T], *, json: msgspec.Struct | None = None, **options: Any
    ) -> T:
        if json is not None:
            headers = dict(options.pop("headers", {})) | {"Content-Type": "application/json"}
            options |= {"data": msgspec.json.encode(json), "headers": headers}
        async with self._request(method, path, **options) as response:
            data = await _read(response)
        return msgspec.json.decode(data, type=kind)

    @asynccontextmanager
    async def _request(self, method: str, path: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise UnreachableError("the client is not open")
        try:
            response = await self._session.request(method, _PREFIX + path, **options)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError(f"{method} {path}: {str(error) or type(error).__name__}") from error
        try:
            if not response.ok:
                raise _problem(response, await _read(response))
            yield response
        finally:
            response.release()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnreachableError(f"the answer broke off: {str(error) or type(error).__name__}") from error


def _problem(response: aiohttp.ClientResponse, data: bytes) -> ProblemError:
    waited = response.headers.get("Retry-After", "")
    retry_after = float(waited) if waited.isdecimal() else None
    try:
        found = msgspec.json.decode(data, type=models.Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):  # a proxy in between
        return ProblemError(status=response.status, code="peer_error", retry_after=retry_after)
    return ProblemError(
        status=found.status,
        code=found.code,
        detail=found.detail,
        texts={"vi": found.message.vi, "en": found.message.en},
        next_steps={"vi": found.next_step.vi, "en": found.next_step.en},
        trace_id=found.trace_id,
        retry_after=retry_after,
        findings=tuple(found.findings),
    )


def _submission(data: bytes, idempotency_key: str | None) -> dict[str, str]:
    headers = {"Content-Type": _XML, "Content-Digest": _digest(data)}
    if idempotency_key:
        headers["Idempotency-Key"] = _quoted(idempotency_key)
    return headers


def _payload(data: bytes) -> bytes | BytesIO:
    """Large bodies are sent in pieces, so that the event loop stays free."""
    return data if len(data) <= _LARGE else BytesIO(data)


def _quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _digest(data: bytes) -> str:
    return digest_field(hashlib.sha256(data).digest())


def _given(**parameters: str | float) -> dict[str, str | int | float]:
    return {name: value for name, value in parameters.items() if value}
