"""What one delivery looks like in an office's folder: names and texts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.folder import papers
from adapters.folder.names import same
from gateway.edxml.codes import STATUS_CODES
from gateway.edxml.names import safe_name
from gateway.model import Outgoing
from gateway.ports import ContainedFile, Contents

#: Answers that need no word of explanation.
_PLAIN_ANSWERS = ("01", "03", "04", "05", "06")
_OWN_NAMES = ("van-ban.edxml", "thong-tin.txt", "info.json", "tra-loi")
_NAME_CHARACTERS = 70


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """One delivery."""

    #: The name of its folder: the same for every try of a transmission.
    folder: str
    outgoing: Outgoing
    contents: Contents | None
    #: Names of files that become answers once they lie in status/.
    answers: tuple[str, ...]

    def papers(self, lost: Sequence[str]) -> tuple[bytes, bytes]:
        """thong-tin.txt and info.json; `lost` are attachments that could not be taken out of the message."""
        return _page(self, lost), papers.as_json(_facts(self, lost))


def bundle_of(outgoing: Outgoing, contents: Contents | None, *, answers: bool) -> Bundle:
    """The folder of a transmission."""
    is_document = outgoing.kind == "document"
    names = tuple(f"{one.id}.{code}" for one in outgoing.deliveries for code in _PLAIN_ANSWERS)
    return Bundle(
        folder=_folder_name(outgoing, contents),
        outgoing=outgoing,
        contents=contents,
        answers=names if answers and is_document else (),
    )


def attachment_names(files: Sequence[ContainedFile]) -> list[str]:
    """A name for each: safe, and another one for each even where case does not count."""
    taken = {same(name) for name in _OWN_NAMES}
    names = []
    for file in files:
        name = safe_name(file.name)
        while same(name) in taken:
            name = safe_name(f"{file.number}-{name}") if same(name) != same(f"{file.number}") else f"{name}-"
            if len(name) > _NAME_CHARACTERS and same(name) in taken:
                name = f"{file.number}"
        taken.add(same(name))
        names.append(name)
    return names


def _folder_name(outgoing: Outgoing, contents: Contents | None) -> str:
    parts = []
    if outgoing.priority:
        parts.append("HOATOC" if outgoing.priority > 2 else "KHAN")  # noqa: PLR2004
    if outgoing.kind == "status":
        parts.append(f"trang-thai-{outgoing.business_type}")
    if contents is not None:
        parts += [contents.promulgated_on, contents.code.replace("/", "-")]
    parts.append(outgoing.sender_code)
    told = safe_name(" ".join(part.replace("/", "-") for part in parts if part))[:_NAME_CHARACTERS].rstrip(". ")
    return f"{told}_{safe_name(outgoing.dispatch_id)}".replace(" ", "_")


def _page(bundle: Bundle, lost: Sequence[str]) -> bytes:
    outgoing, contents = bundle.outgoing, bundle.contents
    vi, en = papers.priority_words(outgoing.priority)
    facts = [
        ("Nơi gửi", "Sender", f"{contents.sender_name if contents else ''} ({outgoing.sender_code})"),
        ("Số, ký hiệu", "Number and notation", contents.code if contents else ""),
        ("Ngày ban hành", "Date", contents.promulgated_on if contents else ""),
        ("Trích yếu", "Subject", contents.subject if contents else ""),
        ("Người ký", "Signed by", contents.signer if contents else ""),
        ("Hạn xử lý", "Due", contents.due_on if contents else ""),
        ("Độ khẩn", "Priority", f"{vi} / {en}"),
    ]
    if outgoing.kind == "status":
        name = STATUS_CODES.get(outgoing.business_type)
        told = f"{outgoing.business_type} {name.vi} / {name.en}" if name else outgoing.business_type
        facts += [
            ("Trạng thái", "Status", told),
            ("Nội dung", "Description", contents.status_description if contents else ""),
            ("Mã lý do", "Reason code", contents.reason if contents else ""),
        ]
    facts += [("Mã giao nhận", "Delivery", one.id) for one in outgoing.deliveries]
    facts += [("Không mở được tệp đính kèm", "Attachment that cannot be opened", name) for name in lost]
    title = (
        ("TRẠNG THÁI VĂN BẢN", "STATUS OF A DOCUMENT")
        if outgoing.kind == "status"
        else ("VĂN BẢN ĐẾN", "INCOMING DOCUMENT")
    )
    return papers.table(title, facts, _steps(bundle))


def _steps(bundle: Bundle) -> list[tuple[str, str]]:
    steps = [("van-ban.edxml là bản gốc: không sửa.", "van-ban.edxml is the original: do not change it.")]
    if bundle.contents is not None and bundle.contents.reason:
        steps += papers.advice(papers.reason_of(bundle.contents.reason))
    if bundle.answers:
        steps += [
            ("Trả lời: chép một tệp trong tra-loi/ vào thư mục status/ (03 = đã tiếp nhận).",
             "Answer: copy a file out of tra-loi/ to the folder status/ (03 = accepted)."),
            ("Từ chối: tạo tệp <mã giao nhận>.02 trong status/, trong tệp ghi lý do.",
             "Reject: make a file <delivery>.02 in status/ that holds the reason."),
        ]  # fmt: skip
    return steps


def _facts(bundle: Bundle, lost: Sequence[str]) -> dict[str, object]:
    outgoing, contents = bundle.outgoing, bundle.contents
    facts: dict[str, object] = {
        "kind": outgoing.kind,
        "dispatch": outgoing.dispatch_id,
        "deliveries": [{"id": one.id, "recipient": one.recipient_code} for one in outgoing.deliveries],
        "message": outgoing.message_id,
        "sender": outgoing.sender_code,
        "documentId": outgoing.document_ref,
        "businessType": outgoing.business_type,
        "priority": outgoing.priority,
        "sha256": outgoing.sha256,
        "size": outgoing.size,
    }
    if contents is not None:
        facts |= {
            "senderName": contents.sender_name,
            "code": contents.code,
            "promulgationDate": contents.promulgated_on,
            "typeName": contents.type_name,
            "subject": contents.subject,
            "signer": contents.signer,
            "dueDate": contents.due_on,
            "statusDescription": contents.status_description,
            "about": contents.about_document,
            **({"reason": _reason_facts(contents.reason)} if contents.reason else {}),
            "files": [
                {"name": name, "sha256": file.sha256, "size": file.size, "extracted": name not in lost}
                for file, name in zip(contents.files, attachment_names(contents.files), strict=True)
            ],
        }
    return facts


def _reason_facts(code: str) -> dict[str, object]:
    return papers.reason_facts(papers.reason_of(code), "")
