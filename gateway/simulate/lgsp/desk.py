"""What the facade does with a call that it has let in: takes documents, lists, hands out, notes what it is told.

Codes of failure are the guide's: 10 the file, 18 no such recipient, 19 the sender is not registered, 21 the file
could not be processed, 22 not edXML, 23 the recipient is locked.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
from aiohttp import BodyPartReader, web

from gateway.clock import VIETNAM, Clock
from gateway.simulate.axis.reading import Letter, UnreadableError, read
from gateway.simulate.lgsp.settings import Account, AgencyEntry, FacadeSettings
from gateway.simulate.lgsp.store import Store, Taken, Told

_PIECE = 256 * 1024
_TYPES = frozenset({"edoc", "status"})
_FIELD_BYTES = 100


class FailedError(Exception):
    """The call is answered with success false."""

    def __init__(self, code: int, words: str) -> None:
        self.code = code
        self.words = words
        super().__init__(f"{code} {words}")


class _Update(msgspec.Struct):
    doc_id: str = msgspec.field(name="docId")
    status: str


class Desk:
    """One facade's work."""

    def __init__(self, settings: FacadeSettings, store: Store, clock: Clock) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._ahead = timedelta(seconds=settings.clock_ahead_seconds)
        self._agencies = {agency.code: agency for agency in settings.agencies}

    async def send(self, request: web.Request, account: Account) -> dict[str, object]:
        """Take a document, for each account that hosts one of its recipients."""
        if request.content_length is None:
            raise FailedError(21, "lỗi xử lý file: Unexpected end of Stream")
        if not request.content_type.startswith("multipart/"):
            raise FailedError(10, "file không hợp lệ")
        doc_id = self._store.new_id()
        try:
            message_type, size, sha256 = await self._receive(request, doc_id)
            letter = await asyncio.to_thread(self._read, doc_id, message_type)
            if letter is not None:
                self._require_known(letter, account)
        except FailedError:
            self._store.part_of(doc_id).unlink(missing_ok=True)
            raise
        taken = Taken(
            doc_id=doc_id,
            username=account.username,
            sender=letter.sender if letter else "",
            recipients=_codes(letter) if letter else (),
            waits_for=self._accounts_for(letter),
            message_type=message_type,
            reference=letter.code if letter else "",
            subject=letter.subject if letter else "",
            at=self._now().timestamp(),
            size=size,
            sha256=sha256,
        )
        await self._store.take(taken)
        return {"success": True, "message": "Thành công", "docId": doc_id}

    async def list(self, request: web.Request, account: Account) -> dict[str, object]:
        """What came for an account between two days, settled or not."""
        first, last = _day(request, "fromDate"), _day(request, "toDate")
        found = []
        for taken, status in self._store.entries(account.username, request.query.get("messageType", "")):
            at = datetime.fromtimestamp(taken.at, UTC).astimezone(VIETNAM)
            if first <= at.date() <= last:
                found.append(_entry(taken, status, f"{at:%Y-%m-%d %H:%M:%S}", account))
        return {"success": True, "message": "", "count": len(found), "data": found}

    async def get(self, request: web.Request, account: Account) -> dict[str, object]:
        """One document."""
        taken = self._entry(request.query.get("docId", ""), account)
        content = self._store.path_of(taken.doc_id).read_bytes()
        encoded = base64.b64encode(content).decode()
        data: dict[str, object] = {
            "docId": taken.doc_id,
            "from": taken.sender,
            "fromName": self._agencies.get(taken.sender, AgencyEntry(code="?")).name,
            "edocCode": taken.reference,
            "edocAbstract": taken.subject,
            "edxml": encoded if self._settings.edxml_as == "base64" else "",
            "attachments": [],
        }
        if self._settings.edxml_as == "text":
            data["edxml"] = content.decode()
        elif self._settings.edxml_as == "attachment":
            data["attachments"] = [{"fileName": f"{taken.doc_id}.edxml", "fileContent": encoded}]
        return {"success": True, "message": "", "data": data}

    async def update(self, request: web.Request, account: Account) -> dict[str, object]:
        """Note what an account says about an entry."""
        try:
            given = msgspec.json.decode(await request.read(), type=_Update)
        except msgspec.DecodeError as error:
            raise FailedError(10, "yêu cầu sai cú pháp") from error
        taken = self._entry(given.doc_id, account)
        told = Told(
            doc_id=taken.doc_id,
            username=account.username,
            status=given.status,
            at=self._now().timestamp(),
        )
        await self._store.tell(told)
        return {"success": True, "message": "Thành công"}

    async def agencies(self, _request: web.Request, _account: Account) -> dict[str, object]:
        """The catalogue, in the shape that the settings name."""
        every = [
            {"orgCode": each.code, "orgName": each.name, "parentCode": each.parent or None}
            | {"address": None, "email": None, "phone": None}
            for each in self._settings.agencies
        ]
        if self._settings.agencies_as == "list":
            return {"bare": every}
        data = every if self._settings.agencies_as == "data" else {"items": every, "total": len(every)}
        return {"success": True, "message": "", "data": data}

    async def _receive(self, request: web.Request, doc_id: str) -> tuple[str, int, str]:
        """The form's message type, and size and digest of its file, which lies under its name of arrival."""
        message_type, size, digest = "", 0, hashlib.sha256()
        try:
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader):
                    raise FailedError(10, "file không hợp lệ")
                if part.name == "messageType":
                    message_type = (await part.read_chunk(_FIELD_BYTES)).decode("utf-8", "replace").strip()
                elif part.name == "edocFile":
                    if not (part.filename or "").endswith(".edxml"):
                        raise FailedError(10, "file không hợp lệ: tên tệp phải là *.edxml")
                    with self._store.part_of(doc_id).open("wb") as file:  # a simulator's own file
                        while piece := await part.read_chunk(_PIECE):
                            size += len(piece)
                            digest.update(piece)
                            file.write(piece)
        except (ValueError, AssertionError) as error:
            raise FailedError(21, "lỗi xử lý file") from error
        if message_type not in _TYPES or not size:
            raise FailedError(10, "file không hợp lệ: thiếu messageType hoặc edocFile")
        return message_type, size, digest.hexdigest()

    def _read(self, doc_id: str, message_type: str) -> Letter | None:
        """What the document says; None: nothing, and it is taken all the same."""
        try:
            letter = read(self._store.part_of(doc_id).read_bytes())
        except UnreadableError as error:
            if self._settings.unreadable_to:
                return None
            raise FailedError(22, f"sai định dạng edXML: {error}") from error
        if not _codes(letter):
            raise FailedError(22, "sai định dạng edXML: không có nơi nhận")
        if message_type == "status" and not letter.about:
            raise FailedError(22, "sai định dạng edXML: trạng thái không có ResponseFor")
        return letter

    def _require_known(self, letter: Letter, account: Account) -> None:
        """The sender is behind this account, or an agency of nobody's that it carries for; recipients exist."""
        others = [each for each in self._settings.accounts if each is not account]
        if not account.receives(letter.sender) and _any_of(others, letter.sender):
            raise FailedError(19, f"đơn vị gửi {letter.sender} chưa đăng ký")
        for code in _codes(letter):
            agency = self._agencies.get(code)
            if agency is not None and agency.locked:
                raise FailedError(23, f"đơn vị nhận {code} đã khóa")
            if agency is None and not _any_of(self._settings.accounts, code):
                raise FailedError(18, f"đơn vị nhận {code} không tồn tại")

    def _accounts_for(self, letter: Letter | None) -> tuple[str, ...]:
        if letter is None:
            return (self._settings.unreadable_to,)
        return tuple(each.username for each in self._settings.accounts if _any(each, _codes(letter)))

    def _entry(self, doc_id: str, account: Account) -> Taken:
        taken = self._store.taken.get(doc_id)
        if taken is None or account.username not in taken.waits_for:
            raise FailedError(10, "không tìm thấy văn bản")
        return taken

    def _now(self) -> datetime:
        return self._clock.now() + self._ahead


def _codes(letter: Letter) -> tuple[str, ...]:
    """For whom it is; a status without To is for whoever it reports to."""
    return letter.recipients or tuple(dict.fromkeys(about.organ_id for about in letter.about))


def _any(account: Account, codes: Sequence[str]) -> bool:
    return any(account.receives(code) for code in codes)


def _any_of(accounts: Sequence[Account], code: str) -> bool:
    return any(account.receives(code) for account in accounts)


def _day(request: web.Request, name: str) -> date:
    try:
        return datetime.strptime(request.query.get(name, ""), "%Y/%m/%d").replace(tzinfo=VIETNAM).date()
    except ValueError as error:
        raise FailedError(10, f"{name} phải có dạng YYYY/MM/DD") from error


def _entry(taken: Taken, status: str, at: str, account: Account) -> dict[str, object]:
    return {
        "docId": taken.doc_id,
        "from": taken.sender,
        "to": ";".join(code for code in taken.recipients if account.receives(code)),
        "serviceType": "eDoc",
        "messageType": taken.message_type,
        "createdTime": at,
        "updatedTime": at,
        "status": status,
        "statusDesc": "",
    }
