"""An answer in sentences, Vietnamese and English, each with the grade of its evidence. Pure.

A sentence says who says so: what only our own seal shows is never told as arrival.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal, TypeAlias

from gateway.clock import VIETNAM
from gateway.edxml.codes import STATUS_CODES
from gateway.inquiry.finding import Absence, Candidate, Found, Group, Question, Unproved
from gateway.inquiry.grades import Grade, Standing, grade_of
from gateway.ledger.inquiries import Arrival, Later
from gateway.model import whole_code
from gateway.states import State

Language = Literal["vi", "en"]
#: How an instant is written.
When: TypeAlias = Callable[[datetime], str]

_GRADES: Final[dict[Grade, tuple[str, str]]] = {
    Grade.ACCEPTED: (
        "chỉ có dấu niêm phong của trục: đã tiếp nhận để gửi",
        "our own seal alone: it was accepted to be sent",
    ),
    Grade.RELAYED: (
        "mã của trục trung gian đã nhận chuyển",
        "the id that an intermediary gave when it took it",
    ),
    Grade.HANDED: (
        "chứng thư và trả lời của hệ thống nơi nhận đã lấy đủ nội dung",
        "certificate and answer of the receiver's system, which took it in full",
    ),
    Grade.REPORTED: (
        "trạng thái do hệ thống nơi nhận báo",
        "a status that the receiver's system reported",
    ),
    Grade.REGISTERED: (
        "trạng thái 03: nơi nhận báo đã tiếp nhận",
        "status 03: the receiver says that it took it in",
    ),
    Grade.SIGNED: (
        "chữ ký của chính nơi nhận",
        "the receiver's own signature",
    ),
}
_LATER: Final = {
    "1": ("bị thu hồi", "recalled"),
    "2": ("được cập nhật", "updated"),
    "3": ("bị thay thế", "replaced"),
}
_UNSENT: Final[dict[State, tuple[str, str]]] = {
    State.REFUSED: ("hệ thống nơi nhận không nhận", "refused by the receiver's system"),
    State.DEAD: ("hết hạn gửi mà chưa đến", "given up, it has not arrived"),
    State.WITHDRAWN: ("bên gửi đã rút lại trước khi gửi", "withdrawn by the sender before it left"),
    State.HANDED_OVER: ("chuyển bằng đường khác", "handed over another way"),
    State.QUARANTINED: ("bị cách ly", "quarantined"),
}
#: Why absence is not proved, and how to go on.
_UNPROVED: Final[dict[Unproved, tuple[str, str]]] = {
    Unproved.NO_ISSUER: (
        "Nêu cơ quan phát hành để chứng minh điều đó cho những ngày đã khóa sổ.",
        "Name the issuer to have that proved for the days whose registers are closed.",
    ),
    Unproved.NO_NOTATION: (
        "Ghi đủ số và ký hiệu, có dấu gạch chéo, ví dụ 125/UBND-VP, để chứng minh điều đó: sổ ghi liền cả hai.",
        "Write number and notation with the slash, such as 125/UBND-VP, to have that proved: registers hold both.",
    ),
    Unproved.OPEN: (
        "Năm đó chưa có ngày nào khóa sổ, nên chưa chứng minh được điều đó.",
        "No day of that year is closed yet, so that it cannot be proved.",
    ),
    Unproved.EXISTS: (
        "Không chứng minh được điều đó: trong những ngày đã khóa sổ, cơ quan này có gửi văn bản cùng số.",
        "That cannot be proved: on days whose registers are closed, this office sent a document of that number.",
    ),
}


def _vietnamese_time(at: datetime) -> str:
    return at.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")


def grade_told(grade: Grade, language: Language) -> str:
    """What the evidence is; `bậc 5/6: …`."""
    text = _GRADES[grade][language == "en"]
    step = "grade" if language == "en" else "bậc"
    return f"{step} {int(grade)}/{int(max(Grade))}: {text}"


def candidate_told(
    candidate: Candidate, group: Group, found: Found, language: Language, when: When = _vietnamese_time
) -> str:
    """What became of one document: of the office that was asked about, else of all its recipients."""
    document, is_english = candidate.document, language == "en"
    number = whole_code(document.number, document.notation)
    issuer = group.issuer.name if group.issuer else document.sender_code
    dated = (
        document.promulgated_on.strftime(" ngày %d/%m/%Y" if not is_english else " of %d/%m/%Y")
        if (document.promulgated_on)
        else ""
    )
    accepted = when(document.accepted_at)
    if is_english:
        parts = [f"Document {number}{dated} of {issuer} was accepted on {accepted}."]
    else:
        parts = [f"Văn bản {number}{dated} của {issuer} được trục tiếp nhận lúc {accepted}."]
    if candidate.office_lines and found.office is not None:
        parts += [_line_told(line, found.office.name, language, when) for line in candidate.office_lines]
    else:
        parts.append(_standing_told(candidate.standing, language))
    parts += [_later_told(each, language, when) for each in candidate.later]
    return " ".join(part for part in parts if part)


def absence_told(found: Found, language: Language) -> str:
    """That there is none of what was asked for, all of it; and whether that can be proved."""
    absence, is_english = found.absence, language == "en"
    none = _none_told(found.question, found.office.name if found.office else "", language)
    if isinstance(absence, Absence):
        name, first, last = absence.issuer.name, f"{absence.first:%d/%m/%Y}", f"{absence.last:%d/%m/%Y}"
        proof = (
            f"It can be proved that {name} sent no document {absence.number} from {first} to {last} "
            "(registers closed in the log)."
            if is_english
            else f"Có thể chứng minh {name} không gửi văn bản {absence.number} từ {first} đến {last} "
            "(sổ đã khóa trong nhật ký minh bạch)."
        )
        return f"{none} {proof}"
    return f"{none} {_UNPROVED[absence][is_english]}" if absence is not None else none


def _none_told(question: Question, office: str, language: Language) -> str:
    what, told = question.text.strip(), ""
    if language == "en":
        told += f" of {question.year}" if question.year else ""
        roles = {"issuer": f" issued by {office}", "recipient": f" sent to {office}"}
        told += roles.get(question.role, f" issued by or sent to {office}") if office else ""
        return f"The ledger has no document {what}{told}."
    told += f" năm {question.year}" if question.year else ""
    roles = {"issuer": f" do {office} phát hành", "recipient": f" gửi đến {office}"}
    told += roles.get(question.role, f" do {office} phát hành hoặc gửi đến cơ quan này") if office else ""
    return f"Sổ không có văn bản {what}{told}."


def _line_told(line: Arrival, office: str, language: Language, when: When) -> str:
    is_english, grade = language == "en", grade_of(line)
    evidence = grade_told(grade, language)
    if line.registered_at is not None:
        at = when(line.registered_at)
        said = f"{office} registered it on {at}" if is_english else f"{office} đã tiếp nhận lúc {at}"
    elif line.reported_at is not None:
        at, code = when(line.reported_at), _code_told(line.business_status, language)
        said = (
            f"{office} first reported on {at}, its status is {code}"
            if is_english
            else f"{office} báo trạng thái lần đầu lúc {at}, nay là {code}"
        )
    elif grade is Grade.HANDED:
        said = f"{office}'s system took it" if is_english else f"Hệ thống của {office} đã nhận"
    elif line.state is State.DELIVERED:
        said = (
            f"An operator asked {office} and recorded that it has it"
            if is_english
            else f"Theo người vận hành đã hỏi, {office} xác nhận đã nhận"
        )
    elif line.state in _UNSENT:
        said = (
            f"For {office}: {_UNSENT[line.state][1]}" if is_english else f"Với {office}: {_UNSENT[line.state][0]}"
        )
    else:
        said = (
            f"It is not known to have reached {office}"
            if is_english
            else f"Chưa có gì cho biết văn bản đã đến {office}"
        )
    returned = ""
    if line.business_status == "02":
        returned = ", and returned it (02)" if is_english else ", và từ chối tiếp nhận (02)"
    return f"{said}{returned} ({evidence})."


def _standing_told(standing: Standing, language: Language) -> str:
    is_english = language == "en"
    if not standing.lines:
        return "It has no recipient here." if is_english else "Không có nơi nhận nào ở đây."
    counts = sorted(standing.grades.items(), reverse=True)
    told = "; ".join(f"{lines}: {grade_told(grade, language)}" for grade, lines in counts)
    back = ""
    if standing.returned:
        back = (
            f" {standing.returned} returned it (02)." if is_english else f" {standing.returned} nơi từ chối (02)."
        )
    head = f"{standing.lines} recipients" if is_english else f"{standing.lines} nơi nhận"
    return f"{head} ({told}).{back}"


def _code_told(code: str, language: Language) -> str:
    """`04 (Phân công xử lý)`."""
    known = STATUS_CODES.get(code)
    return f"{code} ({known.en if language == 'en' else known.vi})" if known else code


def _later_told(later: Later, language: Language, when: When) -> str:
    number = whole_code(later.number, later.notation)
    verb = _LATER[later.business_type][language == "en"]
    if language == "en":
        return f"It was {verb} by {number} on {when(later.accepted_at)}."
    return f"Văn bản {verb} bởi {number} lúc {when(later.accepted_at)}."
