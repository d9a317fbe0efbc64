"""What the checks of a verified file are called by people, Vietnamese and English.

The verifier's own names (`acceptance.document.digest`) are for programs and stay as they are: here stands what a
person who audits reads in front of them. Which document, leaf or file is meant, the name says, which is shown, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Pair = tuple[str, str]

#: What is looked at: the first word of a name, or its first two.
SUBJECTS: Final[Mapping[str, Pair]] = {
    "container": ("Tệp mở được, đúng dạng gói", "The file opens and has the shape of a bundle"),
    "format": ("Phiên bản của định dạng", "Version of the format"),
    "anchors": ("Các điểm tin cậy", "Anchors of trust"),
    "entries": ("Danh mục khớp với các tệp trong gói", "The list of contents is that of the file"),
    "manifest": ("Bản kê các tệp", "Manifest of the files"),
    "acceptance": ("Biên nhận của trục khi tiếp nhận văn bản", "Receipt for the document"),
    "export": ("Dấu niêm phong của cả gói", "Seal over the whole bundle"),
    "transfer": ("Dữ liệu gửi nhận khớp với văn bản", "Data of the transfer fits the document"),
    "messages": ("Bản tin về văn bản", "Message about the document"),
    "document.original": ("Tệp đưa kèm đúng là văn bản này", "The file given is the document"),
    "document.bytes": ("Nội dung văn bản", "Bytes of the document"),
    "checkpoint": ("Mốc mà nhật ký đã ký", "Checkpoint that the log signed"),
    "leaf": ("Sự kiện có trong nhật ký", "Event stands in the log"),
    "leaves": ("Các sự kiện của nhật ký", "Events of the log"),
    "leaves.pending": ("Sự kiện chưa được ký vào nhật ký", "Events that the log has not signed yet"),
    "witnesses": ("Đủ nhân chứng của nhật ký", "Enough witnesses of the log"),
    "log": ("Các nhân chứng của nhật ký", "Witnesses of the log"),
    "log.witness": ("Một nhân chứng của nhật ký", "One witness of the log"),
    "institution": ("Chữ ký số của cơ quan trên mốc nhật ký", "The institution's signature over the log"),
    "stamps": ("Dấu thời gian của mốc nhật ký", "Time stamp over the log"),
    "time_proven": ("Thời điểm do bên khác chứng thực", "Time that somebody else vouches for"),
    "evidence_record": ("Dấu thời gian lưu trữ của các biên nhận", "Time stamp over receipts together"),
    "receipt_stamps": ("Dấu thời gian của các biên nhận", "Time stamps over receipts"),
    "statuses": ("Lịch sử trạng thái đầy đủ", "All statuses of the history are here"),
    "delivery": ("Lượt gửi đúng với nhật ký", "Delivery is as the log tells it"),
    "receiver": ("Chứng cứ của nơi nhận", "Proof of the recipient"),
    "receivers": ("Chứng cứ của các nơi nhận trong tháng", "Proofs of recipients"),
    "stamped": ("Dấu thời gian của nhật ký trong tháng", "Time stamps over the log"),
    "verdicts": ("Kết luận kiểm tra chữ ký số của văn bản", "Verdict on the document's signatures"),
    "revocation": ("Trả lời của CA về thu hồi chứng thư", "A CA's answer about revocation"),
    "purge": ("Việc tiêu hủy nội dung theo lệnh", "Destruction of the bytes by order"),
    "renewals": ("Việc gia hạn đầu nhật ký", "Renewal of the log's head"),
    "renewed": ("Đầu nhật ký đã gia hạn", "Renewed head of the log"),
    "question": ("Câu hỏi mà giấy này trả lời", "Question that is answered"),
    "register": ("Sổ khóa trong ngày", "Registers of a day"),
    "registers": ("Sổ đã khóa theo ngày", "Registers closed by day"),
    "archive": ("Tệp lưu trữ tháng", "Archive of a month"),
    "checkpoints": ("Các mốc mà nhật ký đã ký trong tháng", "Checkpoints of the month"),
    "receipts": ("Biên nhận đã cấp trong tháng", "Receipts of the month"),
    "continued": ("Tháng này nối tiếp tháng trước", "The month goes on from the one before"),
    "handover": ("Giấy bàn giao sổ cái", "Handover of the ledger"),
    "handover.log": ("Nhật ký bàn giao đủ các tháng", "The log that is handed over is whole"),
    "handover.end": ("Sự kiện kết thúc sổ cái", "Last event of the ledger"),
    "handover.open": ("Danh sách lượt gửi còn mở", "Deliveries that are still open"),
    "signatures": ("Chữ ký số trong văn bản", "Signatures within the document"),
    "signature": ("Một chữ ký số trong văn bản", "Signature within the document"),
}
#: What of it: the end of a name.
PARTS: Final[Mapping[str, Pair]] = {
    "receipt.shape": ("đúng dạng", "shape"),
    "receipt.ids": ("các mã nối khớp nhau", "its parts belong together"),
    "receipt.names": ("nêu đúng các tệp", "names the right files"),
    "seal.shape": ("đúng dạng", "shape"),
    "seal.ids": ("các mã nối khớp nhau", "its parts belong together"),
    "seal.entries": ("niêm đúng các tệp có trong gói", "is over the files that are here"),
    "digest": ("không bị thay đổi", "unchanged"),
    "document.digest": ("văn bản không bị thay đổi", "document unchanged"),
    "transfer.digest": ("dữ liệu gửi nhận không bị thay đổi", "data of the transfer unchanged"),
    "properties.digest": ("thông tin kèm chữ ký không bị thay đổi", "what is signed along is unchanged"),
    "certificate.present": ("có chứng thư của người ký", "has the signer's certificate"),
    "certificate.path": ("chứng thư dẫn tới điểm tin cậy", "certificate leads to an anchor"),
    "certificate.validity": ("chứng thư còn hạn", "certificate within its validity"),
    "certificate.usage": ("chứng thư được dùng để ký", "certificate may sign"),
    "certificate.revocation": ("chứng thư không bị thu hồi", "certificate not revoked"),
    "certificate.agency": ("chứng thư thuộc cơ quan gửi", "certificate is the sender's"),
    "signing_certificate.binding": ("chữ ký gắn với chứng thư này", "signature names this certificate"),
    "signature.method": ("thuật toán ký được chấp nhận", "way of signing is allowed"),
    "signature.value": ("chữ ký đúng", "signature holds"),
    "signature.digest": ("nội dung được ký không bị thay đổi", "signed content unchanged"),
    "signature.form": ("dạng chữ ký", "form of the signature"),
    "signature.key": ("khóa của chữ ký", "key of the signature"),
    "signature.algorithms": ("thuật toán được chấp nhận", "algorithms are allowed"),
    "signature.examined": ("đã được xem xét", "was examined"),
    "signing_time": ("thời điểm ký", "time of signing"),
    "leaf": ("có trong nhật ký", "stands in the log"),
    "transfer": ("dữ liệu gửi nhận khớp", "data of the transfer fits"),
    "bytes": ("nội dung", "bytes"),
    "added": ("phần thêm vào sau khi ký", "what was added after sealing"),
    "stamp": ("dấu thời gian", "time stamp"),
    "archive_stamp": ("dấu thời gian lưu trữ", "time stamp for the archive"),
    "answers": ("các trả lời thu hồi làm căn cứ", "answers that it rests on"),
    "signature": ("chữ ký số trên trạng thái", "signature on the status"),
    "closing": ("đã khóa trong nhật ký", "closed in the log"),
    "issuer": ("sổ của cơ quan phát hành", "the issuer's register"),
    "entries": ("đủ các mục", "entries are whole"),
    "absent": ("không có văn bản được hỏi", "the document is not in it"),
    "found": ("tìm thấy", "found"),
    "content.seen": ("nội dung người ký đã thấy", "what the signer saw"),
    "pdf.readable": ("đọc được tệp PDF", "the PDF can be read"),
    "pdf.coverage": ("phần tệp PDF được ký", "what of the PDF is signed"),
    "pdf.changes": ("thay đổi sau khi ký", "changes after signing"),
    "xml.shape": ("đúng dạng", "shape"),
    "xml.wellformed": ("đọc được như XML", "can be read as XML"),
    "xml.plain": ("không có phần bị cấm", "nothing that is forbidden"),
    "xml.limits": ("trong giới hạn cho phép", "within the limits"),
    "xml.ids": ("các mã nối khớp nhau", "its parts belong together"),
    "xml.place": ("vị trí của chữ ký trong bản tin", "place of the signature in the message"),
    "xml.references": ("các dẫn chiếu của chữ ký", "references of the signature"),
    "xml.transforms": ("các phép biến đổi trước khi ký", "transforms before signing"),
    "xml.size": ("kích thước", "size"),
    "xml.coverage": ("phần được ký", "what is signed"),
    "xades.properties": ("thông tin kèm chữ ký", "what is signed along"),
    "xades.certificate": ("chữ ký gắn với chứng thư này", "signature names this certificate"),
    "qcvn.signature": ("chữ ký theo quy chuẩn", "signature as the standard has it"),
}
#: What the verifier says that it did not look at, and its Vietnamese.
NOT_EXAMINED: Final[Mapping[str, str]] = {
    "whether the contents of the document are true": "nội dung văn bản có đúng sự thật hay không",
    "signatures within the document (PDF signatures): --pdf": (
        "chữ ký số bên trong văn bản (chữ ký PDF): dùng gateway-verify với --pdf"
    ),
    "what is not in the bundle: other messages about the document, and what peers did with it afterwards": (
        "những gì không có trong gói: bản tin khác về văn bản, và việc các bên làm với nó sau đó"
    ),
    "whether the gateway entered all that it accepted: a receipt of the document would prove that it did not": (
        "trục có vào sổ mọi văn bản đã nhận hay không: một biên nhận của văn bản sẽ chứng minh là không"
    ),
    "whether the directory's ids are the offices that are named: receipts and transfer.json name them, too": (
        "mã trong danh bạ có đúng là cơ quan được nêu tên hay không: biên nhận và transfer.json cũng nêu tên"
    ),
    "documents that did not go through this gateway, and spellings of the number that are another text": (
        "văn bản không đi qua trục này, và số ký hiệu viết theo cách khác"
    ),
    "bodies of documents: an archive holds none; receipts name them by their digests": (
        "nội dung văn bản: tệp lưu trữ không chứa; biên nhận nêu giá trị băm của chúng"
    ),
    "names and codes of agencies, numbers of documents: the gateway's word, which its seal is over": (
        "tên và mã cơ quan, số văn bản: là lời của trục, có dấu niêm phong của trục"
    ),
    "the institution's signatures over the month's checkpoints but the archive's own": (
        "chữ ký của cơ quan trên các mốc trong tháng, trừ mốc của chính tệp lưu trữ"
    ),
    "signatures that others made: verdicts are told as the gateway found them": (
        "chữ ký của các bên khác: kết luận được nêu như trục đã kiểm tra"
    ),
    "time of sealing: claimed by the signer, no time stamp examined": (
        "thời điểm niêm phong: do bên ký tự khai, không xét dấu thời gian"
    ),
}
_REVOCATION: Final = ("revocation of ", ": no list of its issuer")
_DIGEST_OF: Final = "digest of "


def words_of(name: str) -> Pair | None:
    """What a check is called; None where its kind is not known."""
    pieces = name.split(".")
    two = SUBJECTS.get(".".join(pieces[:2])) if len(pieces) > 1 else None
    subject = two or SUBJECTS.get(pieces[0])
    part = None if two else _part(pieces[1:])
    if subject is None or part is None:
        return subject
    return f"{subject[0]}: {part[0]}", f"{subject[1]}: {part[1]}"


def unexamined(text: str, language: str) -> str:
    """One of what was not looked at, in a language; as it is where it is not known."""
    begin, end = _REVOCATION
    if language == "vi" and text.startswith(begin) and text.endswith(end):
        return f"việc thu hồi chứng thư {text.removeprefix(begin).removesuffix(end)}: không có danh sách của CA"
    return NOT_EXAMINED.get(text, text) if language == "vi" else text


def _part(pieces: list[str]) -> Pair | None:
    """The longest end that is known; behind it may stand a number."""
    if pieces and pieces[0].startswith(_DIGEST_OF):
        return PARTS["digest"]
    ends = pieces[:-1] if pieces and pieces[-1].isdigit() else pieces
    return next((PARTS[end] for at in range(len(ends)) if (end := ".".join(ends[at:])) in PARTS), None)
