"""What the verification of a bundle found: every check with its verdict, and what all of it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.bundle.facts import Facts
from gateway.seal.indications import MEANINGS
from gateway.seal.report import Report, Verdict, worst_of

if TYPE_CHECKING:
    from gateway.bundle.absence import Question  # few files are about what there is not

#: The check that a file given with `--document` is the document.
ORIGINAL: Final = "document.original"
#: What only `--pdf` looks at.
SIGNATURES_NOT_EXAMINED: Final = "signatures within the document (PDF signatures): --pdf"

#: Code -> what it means, Vietnamese and English; among them `gateway.seal.report.Indication`, in lower case.
REASONS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        **{str(each).lower(): words for each, words in MEANINGS.items()},
        "anchor_from_bundle": (
            "Không có điểm tin cậy từ bên ngoài: gói tự chứng cho chính nó. Hãy dùng --anchors.",
            "No anchors from outside: the bundle vouches for itself. Give --anchors.",
        ),
        "anchors_unusable": ("Không đọc được các điểm tin cậy.", "The anchors cannot be used."),
        "container_broken": ("Tệp không phải gói hợp lệ.", "The file is not a bundle of the one allowed shape."),
        "version_unknown": ("Phiên bản định dạng không được biết.", "The format or its version is not known."),
        "facts_unreadable": ("Không đọc được bundle.json.", "evidence/bundle.json cannot be read."),
        "facts_differ": ("Các phần của gói nói khác nhau.", "Parts of the bundle contradict each other."),
        "entries_differ": ("Danh mục không khớp với tệp.", "The lists of entries are not those of the file."),
        "message_incomplete": ("Thiếu tệp của một bản tin.", "A message lacks its bytes, transfer or receipt."),
        "status_missing": ("Thiếu bản tin trạng thái.", "A status of the history is not in the bundle."),
        "no_checkpoint": (
            "Chưa có điểm kiểm tra của nhật ký.",
            "The log had signed nothing yet: no proof of order.",
        ),
        "no_log_key": ("Không có khóa của nhật ký.", "No key of the log was given (log.vkey)."),
        "another_log": ("Điểm kiểm tra của nhật ký khác.", "The checkpoint is that of another log."),
        "checkpoint_wrong": ("Chữ ký của điểm kiểm tra sai.", "The checkpoint's signature does not hold."),
        "leaf_missing": ("Thiếu lá của nhật ký.", "A leaf that should be there is not."),
        "leaf_of_another_document": ("Lá của văn bản khác.", "The leaf is about another document."),
        "leaf_changed": ("Lá của nhật ký bị thay đổi.", "The leaf is not what its hash says."),
        "leaf_foreign": ("Lá không thuộc tháng này.", "The leaf is not of this month."),
        "leaves_not_signed": (
            "Các lá này không phải các lá mà nhật ký đã ký.",
            "These leaves are not those that the log signed.",
        ),
        "leaf_paper_missing": (
            "Thiếu giấy tờ mà lá của nhật ký nêu ra.",
            "What the leaf tells of (receipt, verdict, proof, register) is not here.",
        ),
        "leaf_paper_wrong": (
            "Giấy tờ không phải thứ mà lá của nhật ký nêu ra.",
            "It is not what the leaf tells of: changed, or put in its place.",
        ),
        "paper_without_leaf": ("Không lá nào nói tới giấy tờ này.", "No leaf tells of it."),
        "renewal_wrong": (
            "Việc gia hạn đầu nhật ký bằng hàm băm khác không đúng.",
            "The renewal of the log's head by another hash is not over what it says.",
        ),
        "archive_unreadable": ("Không đọc được một phần của tệp lưu trữ.", "A part of the archive cannot be read."),
        "proof_missing": ("Thiếu chứng minh của lá.", "A leaf and its proof do not come together."),
        "proof_wrong": ("Chứng minh không đúng với lá.", "The proof is not one for this leaf."),
        "proof_of_another_checkpoint": (
            "Chứng minh theo điểm kiểm tra khác.",
            "The proof is under another checkpoint.",
        ),
        "leaves_pending": (
            "Sự kiện mới chưa nằm dưới điểm kiểm tra đã ký (hoặc chưa đủ nhân chứng ký); hãy xuất lại sau.",
            "Newer events were under no checkpoint yet, or under one that waits for witnesses: export again later.",
        ),
        "state_not_in_history": ("Trạng thái không có trong lịch sử.", "The history does not lead to this state."),
        "day_missing": (
            "Có ngày chưa khóa sổ, hoặc thiếu sổ của ngày ấy.",
            "A day of the question is not closed, or its registers are missing.",
        ),
        "day_foreign": ("Sổ của ngày khác.", "The registers are those of another day."),
        "register_wrong": (
            "Sổ không phải sổ đã khóa trong nhật ký.",
            "The register is not the one that was closed in the log: an entry is missing, added or changed.",
        ),
        "issuer_not_shown": (
            "Không rõ sổ nào là của cơ quan phát hành.",
            "Which register is the issuer's is not shown.",
        ),
        "entry_not_shown": (
            "Không chứng tỏ được một mục là của văn bản khác.",
            "An entry is not shown to be of another document.",
        ),
        "no_witness_keys": ("Không có khóa của nhân chứng.", "No keys of witnesses were given."),
        "too_few_witnesses": (
            "Không đủ nhân chứng; hãy xuất lại sau khi họ đã ký.",
            "Fewer witnesses than the quorum signed: export again once they have.",
        ),
        "witness_absent": ("Nhân chứng này không ký.", "This witness did not sign."),
        "witness_unknown": ("Không biết nhân chứng này.", "A witness that you do not know: it counts nothing."),
        "cosignature_wrong": ("Chữ ký của nhân chứng sai.", "The cosignature of a known witness does not hold."),
        "cosignature_in_future": (
            "Chữ ký của nhân chứng đề thời điểm tương lai.",
            "The cosignature is of a time to come: it counts nothing.",
        ),
        "no_time_stamp": ("Không có dấu thời gian.", "No time stamp: nobody but us says when."),
        "no_tsa_anchors": ("Không có điểm tin cậy của TSA.", "No anchors for time stamps were given (tsa/)."),
        "receiver_proof_missing": ("Thiếu chứng cứ của nơi nhận.", "The log tells of a proof that is not here."),
        "receiver_proof_not_in_log": (
            "Chứng cứ này không có trong nhật ký.",
            "No proved leaf holds the digest of this proof.",
        ),
        "receiver_proof_unreadable": ("Không đọc được chứng cứ.", "The proof cannot be read."),
        "receiver_signature_wrong": (
            "Chữ ký của nơi nhận không đúng.",
            "What is said to be the receiver's signature does not hold.",
        ),
        "receiver_signed_elsewhere": (
            "Chữ ký cho lượt gửi hoặc việc khác.",
            "The signature is for another delivery or another act.",
        ),
        "receiver_other_document": (
            "Chữ ký cho văn bản hoặc nội dung khác.",
            "The signature is over other bytes, or says something else than the bundle.",
        ),
        "receiver_key_from_gateway": (
            "Khóa của nơi nhận chỉ do trục nêu ra: hãy lấy khóa từ cơ quan (receivers/MÃ.pem).",
            "That the key is the office's, only the gateway says: get it from the office (receivers/CODE.pem).",
        ),
        "receiver_key_not_given": (
            "Không phải khóa đã được cung cấp của cơ quan này.",
            "Not by one of the keys that were given for this office.",
        ),
        "receiver_bound_to_connection": (
            "Nơi nhận không ký; chỉ có lời của trục về kết nối.",
            "The receiver signed nothing: what there is, is the gateway's word about the connection.",
        ),
        "receiver_signed_message": (
            "Nơi nhận ký số lên trạng thái; trục đã thấy hợp lệ. Dùng --pdf để kiểm tra lại.",
            "The receiver signed the status itself; the gateway found it valid. Examine it anew with --pdf.",
        ),
        "receiver_signed_unbound": (
            "Trạng thái có chữ ký số hợp lệ, chứng thư chưa được gắn với nơi nhận.",
            "The status bears a valid signature, by a certificate that nobody has bound to the receiver.",
        ),
        "receiver_signed_by_another": (
            "Trạng thái được ký bằng chứng thư không phải của nơi nhận.",
            "The status is signed by a certificate that is not the receiver's.",
        ),
        "receiver_message_signature_wrong": (
            "Không xác nhận được chữ ký số trên trạng thái.",
            "The signature on the status message could not be confirmed.",
        ),
        "stamp_unreadable": ("Không đọc được dấu thời gian.", "The time stamp cannot be read."),
        "stamp_of_other_bytes": ("Dấu thời gian cho dữ liệu khác.", "The time stamp is over something else."),
        "no_institution_signature": (
            "Mốc nhật ký chưa có chữ ký của cơ quan.",
            "The checkpoint has no signature of the institution.",
        ),
        "no_institution_anchors": (
            "Không có điểm tin cậy cho chữ ký của cơ quan.",
            "No anchors for the institution's signature were given (institution/).",
        ),
        "institution_signature_wrong": (
            "Chữ ký của cơ quan trên mốc nhật ký sai.",
            "The institution's signature over the checkpoint does not hold.",
        ),
        "institution_untrusted": (
            "Chữ ký của cơ quan không dẫn tới điểm tin cậy tại thời điểm kiểm tra.",
            "The institution's certificate does not lead to an anchor as of that time.",
        ),
        "stamps_removed": (
            "Dấu thời gian của dấu niêm phong đã bị gỡ.",
            "The bundle says that its seal was made to last; the stamps are gone.",
        ),
        "answer_unreadable": (
            "Không đọc được trả lời thu hồi.",
            "The revocation list or OCSP answer cannot be read.",
        ),
        "answer_of_another_ca": (
            "Trả lời thu hồi mang tên CA nhưng CA đó không ký.",
            "The revocation answer bears the name of a CA that did not sign it.",
        ),
        "answer_unrelated": (
            "Trả lời thu hồi của CA, hoặc về chứng thư, không có trong gói.",
            "The revocation answer is of a CA, or about a certificate, that is not here.",
        ),
        "answer_weak": (
            "Trả lời thu hồi được ký bằng SHA-1: không có giá trị.",
            "The revocation answer is signed with SHA-1: it counts nothing.",
        ),
        "answer_missing": ("Thiếu trả lời thu hồi.", "Revocation answers that a verdict rests on are not here."),
        "verdict_changed": ("Kết luận kiểm tra chữ ký bị thay đổi.", "The log holds another verdict."),
        "verdict_missing": ("Thiếu kết luận kiểm tra chữ ký.", "A verdict of the history is not in the bundle."),
        "verdict_not_logged": ("Kết luận không có trong nhật ký.", "No leaf tells of this verdict."),
        "properties_wrong": (
            "Phần thêm vào dấu niêm phong không đúng dạng.",
            "What was added to the seal is not of the one allowed form.",
        ),
        "record_unreadable": ("Không đọc được bản ghi bằng chứng.", "The evidence record cannot be read."),
        "record_of_other_receipts": (
            "Bản ghi bằng chứng cho biên nhận khác.",
            "The evidence record is over other receipts or documents.",
        ),
        "document_purged": (
            "Nội dung đã bị hủy theo lệnh; còn mã băm. Ai có bản gốc thì dùng --document.",
            "The bytes were destroyed by order; their digest is left. Whoever has the original: --document.",
        ),
        "document_other": ("Tệp đưa ra không phải văn bản này.", "The file that was given is not this document."),
        "document_unreadable": ("Không đọc được tệp đưa ra.", "The file that was given cannot be read."),
        "purge_not_in_log": (
            "Nhật ký không nói nội dung này đã bị hủy.",
            "The log does not tell that these bytes were destroyed.",
        ),
        "no_signature": ("Không có chữ ký nào trong văn bản.", "Nothing in the document is signed."),
        "signatures_unreadable": (
            "Không đọc được văn bản để kiểm chữ ký.",
            "The document, or the anchors of signers, cannot be read.",
        ),
        "stamp_untrusted": ("Dấu thời gian không đáng tin.", "The time stamp does not lead to an anchor."),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing examined."""

    #: Such as `acceptance.document.digest`; stable.
    name: str
    verdict: Verdict
    #: A code of `REASONS`, or an indication in lower case; "" exactly when it passed.
    reason: str = ""
    #: One sentence for a person.
    detail: str = ""
    #: Whether the verdict depends on it.
    counts: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """All that was found about one bundle."""

    checks: tuple[Check, ...]
    at: datetime
    facts: Facts | None = None
    #: What there is no document of, where that is what the file proves.
    question: Question | None = None
    #: Of which month the file is, where it is an archive.
    month: str = ""
    #: Not later than this, a time-stamping authority says; None when none does.
    proven_at: datetime | None = None
    not_examined: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> Verdict:
        """The worst of the checks that count; INDETERMINATE when there is none."""
        return worst_of(check.verdict for check in self.checks if check.counts)

    def shape(self) -> dict[str, object]:
        """For JSON."""
        return {
            "verdict": str(self.verdict),
            "at": self.at.isoformat(),
            "document": self.facts.document.id if self.facts else None,
            **({"absent": msgspec.to_builtins(self.question)} if self.question else {}),
            **({"month": self.month} if self.month else {}),
            "proven_at": self.proven_at.isoformat() if self.proven_at else None,
            "checks": [
                {
                    "name": check.name,
                    "verdict": str(check.verdict),
                    "reason": check.reason,
                    "detail": check.detail,
                    "counts": check.counts,
                }
                for check in self.checks
            ],
            "not_examined": list(self.not_examined),
        }


def passed(name: str, detail: str = "", *, counts: bool = True) -> Check:
    """It holds."""
    return Check(name=name, verdict=Verdict.PASSED, detail=detail, counts=counts)


def failed(name: str, reason: str, detail: str = "") -> Check:
    """It is proved wrong."""
    return Check(name=name, verdict=Verdict.FAILED, reason=reason, detail=detail)


def undecided(name: str, reason: str, detail: str = "", *, counts: bool = True) -> Check:
    """What is at hand does not decide it."""
    return Check(name=name, verdict=Verdict.INDETERMINATE, reason=reason, detail=detail, counts=counts)


def of_seal(prefix: str, report: Report) -> Iterator[Check]:
    """The checks of a seal's report, under the name of the seal."""
    for check in report.checks:
        reason = str(check.indication).lower() if check.indication else ""
        name = f"{prefix}.{check.name}"
        yield Check(name=name, verdict=check.verdict, reason=reason, detail=check.reason)
