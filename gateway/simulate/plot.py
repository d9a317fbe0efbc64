"""The working days of November 2018, in the order of the issue.

Documents down from the province, reports up, letters through the axis both ways, then a recall, an update, a
replacement, a take-back and a withdrawal. Pure: the same cast gives the same script in every process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from gateway.simulate.acts import Answer, BringBack, End, Send, TakeBack, Way, Withdraw
from gateway.simulate.cast import Cast, Means, Office
from gateway.simulate.script import Script
from gateway.states import State

_DESCRIPTIONS = {
    "01": "Đã đến hệ thống của đơn vị",
    "03": "Đã vào sổ văn bản đến",
    "04": "Đã phân công xử lý",
    "05": "Đang xử lý",
    "06": "Đã hoàn thành",
    "15": "Đồng ý với yêu cầu",
    "16": "Không đồng ý với yêu cầu",
}
#: What receivers of the circular answer, by their place in the list.
_PATTERNS = (("01", "03", "04", "05", "06"), ("01", "03", "06"), ("01", "03"), ("01", "03", "05"), ("01",))
#: How many communes of each district write a report, and how many communes write elsewhere.
_REPORTING = 2
_WRITING_ELSEWHERE = 5
_WAYS: tuple[Way, ...] = ("A", "B", "multipart")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kind:
    """A type of document and the day on which the re-enactment issues it."""

    name: str
    number: int
    day: int


_LETTER = _Kind(name="Công văn", number=18, day=5)
_DECISION = _Kind(name="Quyết định", number=2, day=5)
_REPORT = _Kind(name="Báo cáo", number=14, day=7)
_PLAN = _Kind(name="Kế hoạch", number=10, day=6)
_INVITATION = _Kind(name="Giấy mời", number=25, day=6)


def write_script(cast: Cast) -> Script:
    """The whole re-enactment."""
    script = Script(cast=cast)
    _documents_of_the_province(script)
    _reports_upwards(script)
    _letters_elsewhere(script)
    _brought_by_the_axis(script)
    _recalled(script)
    _updated(script)
    _replaced(script)
    _taken_back_and_withdrawn(script)
    return script


def _documents_of_the_province(script: Script) -> None:
    cast = script.cast
    circular = _send(
        "circular", cast.province, cast.communes, _LETTER, "1250/UBND-VP", "V/v rà soát thủ tục hành chính cấp xã"
    )
    answers = {
        office.code: _answers(*_PATTERNS[place % len(_PATTERNS)])
        for place, office in enumerate(cast.communes)
        if office.code not in cast.unopened
    }
    wronged = cast.communes_by(Means.SHARED)[7].code
    answers[wronged] = (
        *_answers("01"),
        Answer(code="02", description="Gửi nhầm đơn vị, đề nghị gửi lại đúng nơi nhận"),
    )
    script.add(circular, answers)

    decision = _send(
        "decision",
        cast.province,
        (*cast.districts, cast.government, *cast.neighbours, cast.dropped),
        _DECISION,
        "2188/QĐ-UBND",
        "Quyết định phê duyệt kế hoạch kiểm tra cải cách hành chính",
        way="B",
    )
    answers = _same(cast.districts, "01", "03", "05", "06") | _same(cast.neighbours, "01", "03", "06")
    script.add(decision, answers)
    # The axis takes the document for all and carries it for those whom it knows: its sent list says so.
    script.end(decision.key, cast.dropped.code, End(state=State.RELAYED))
    divisions = [office for office in cast.divisions if office.parent == cast.districts[0].code]
    divided = _send(
        "divisions", cast.districts[0], divisions, _LETTER, "91/UBND-VP", "V/v phân công kiểm tra", way="multipart"
    )
    script.add(divided)


def _reports_upwards(script: Script) -> None:
    cast = script.cast
    for place, district in enumerate(cast.districts):
        reports = []
        for number, commune in enumerate(cast.below(district)[:_REPORTING]):
            key = f"report-{place + 1:02d}-{number + 1}"
            report = _send(
                key,
                commune,
                (district,),
                _REPORT,
                f"{40 + number}/BC-UBND",
                f"Báo cáo kết quả rà soát của {commune.name}",
                way=_WAYS[(place + number) % len(_WAYS)],
                about="circular",
                after=("circular",),
            )
            script.add(report, _same((district,), *(("01", "03", "06") if place % 2 else ("01", "03"))))
            reports.append(key)
        summary = _send(
            f"summary-{place + 1:02d}",
            district,
            (cast.province,),
            _REPORT,
            "112/BC-UBND",
            f"Báo cáo tổng hợp của {district.name}",
            way=_WAYS[place % len(_WAYS)],
            about="decision",
            after=("decision", *reports),
        )
        script.add(summary, _same((cast.province,), "01", "03", "06"))


def _letters_elsewhere(script: Script) -> None:
    cast = script.cast
    writers = cast.communes_by(Means.SHARED)[10 : 10 + _WRITING_ELSEWHERE - 2] + cast.communes_by(Means.PUSH)[4:6]
    for place, commune in enumerate(writers):
        letter = _send(
            f"elsewhere-{place + 1}",
            commune,
            (cast.elsewhere,),
            _LETTER,
            "77/UBND",
            "V/v phối hợp xác minh cư trú",
            way=_WAYS[place % 2],
            after=("circular",),
        )
        # One stays without an answer: relayed is as far as anybody can say.
        script.add(letter, _same((cast.elsewhere,), "01", "03") if place else None)


def _brought_by_the_axis(script: Script) -> None:
    cast = script.cast
    order = _send(
        "order",
        cast.government,
        (cast.province, *cast.departments[:2], cast.neighbours[0]),
        _LETTER,
        "7816/VPCP-TTĐT",
        "V/v triển khai liên thông văn bản điện tử",
        priority=2,
    )
    script.add(order, _same((cast.province,), "01", "03", "05", "06") | _same(cast.departments[:2], "01", "03"))
    receivers = (
        *cast.communes_by(Means.SHARED)[20:26],
        *cast.communes_by(Means.PULL)[2:4],
        *cast.communes_by(Means.PUSH)[2:4],
        cast.communes_by(Means.BROWSER)[0],
    )
    inquiry = _send(
        "inquiry", cast.elsewhere, receivers, _LETTER, "305/UBND", "V/v đề nghị cung cấp thông tin hộ tịch", way="B"
    )
    script.add(inquiry, _same(receivers[:-1], "01", "03"))
    script.add(BringBack(key="returned", sender=cast.axis.code, about="decision"))


def _recalled(script: Script) -> None:
    cast = script.cast
    office = cast.departments[0]
    receivers = (
        *cast.communes_by(Means.SHARED)[30:33],
        *cast.communes_by(Means.PULL)[5:7],
        *cast.communes_by(Means.PUSH)[5:7],
    )
    invitation = _send(
        "invitation", office, receivers, _INVITATION, "58/GM-STTTT", "Giấy mời họp giao ban công nghệ thông tin"
    )
    script.add(invitation, _same(receivers, "01", "03"))
    recall = _again(invitation, "recall", "1", "Thu hồi giấy mời họp giao ban công nghệ thông tin", cast.by_code)
    script.add(recall, _agreed(receivers))
    for receiver in receivers:
        script.end(invitation.key, receiver.code, End(state=State.ACKNOWLEDGED, business_status="15"))


def _updated(script: Script) -> None:
    cast = script.cast
    receivers = cast.districts[:5]
    plan = _send(
        "plan",
        cast.departments[1],
        receivers,
        _PLAN,
        "23/KH-SNV",
        "Kế hoạch kiểm tra công vụ quý IV",
        way="multipart",
    )
    script.add(plan, _same(receivers, "01", "03"))
    update = _again(plan, "update", "2", "Kế hoạch kiểm tra công vụ quý IV (cập nhật)", cast.by_code)
    script.add(update, _agreed(receivers))
    for receiver in receivers:
        script.end(plan.key, receiver.code, End(state=State.ACKNOWLEDGED, business_status="15"))


def _replaced(script: Script) -> None:
    cast = script.cast
    receivers = (*cast.districts[5:9], *cast.communes_by(Means.SHARED)[40:44])
    office = cast.departments[2]
    old = _send("guidance", office, receivers, _PLAN, "31/KH-STC", "Kế hoạch quyết toán ngân sách xã")
    script.add(old, _same(receivers, "01", "03"))
    new = _send(
        "replacement",
        office,
        receivers,
        _PLAN,
        "32/KH-STC",
        "Kế hoạch quyết toán ngân sách xã (thay thế)",
        about="guidance",
        after=("guidance",),
        business_type="3",
    )
    script.add(new, _same(receivers, "01", "03"))


def _taken_back_and_withdrawn(script: Script) -> None:
    cast = script.cast
    keeper = cast.communes_by(Means.PULL)[8]
    district = cast.by_code[keeper.parent]
    letter = _send("mistake", district, (keeper,), _LETTER, "95/UBND-VP", "V/v cử cán bộ tập huấn")
    script.add(letter, _same((keeper,), "01", "03"))
    request = TakeBack(
        key="take-back",
        sender=district.code,
        about="mistake",
        recipient=keeper.code,
        reason="Ban hành nhầm số, đề nghị cho lấy lại văn bản",
        after=("mistake",),
    )
    script.add(request)
    refusal = Answer(code="16", description="Văn bản đã được giải quyết, không thể trả lại")
    script.answers[request.key, keeper.code] = (refusal,)
    script.end(letter.key, keeper.code, End(state=State.ACKNOWLEDGED, business_status="16"))

    unread = cast.communes_by(Means.BROWSER)[1]
    early = _send("premature", cast.province, (unread,), _LETTER, "1251/UBND-VP", "V/v dự thảo chưa được duyệt")
    script.add(early)
    script.add(
        Withdraw(key="withdrawal", sender=cast.province.code, about="premature", reason="Gửi khi chưa được duyệt")
    )
    script.end(early.key, unread.code, End(state=State.WITHDRAWN))


def _send(
    key: str, sender: Office, recipients: Iterable[Office], kind: _Kind, code: str, subject: str, **more: object
) -> Send:
    number, _, notation = code.partition("/")
    issued_on = date(2018, 11, kind.day)
    return Send(
        key=key,
        sender=sender.code,
        recipients=tuple(office.code for office in recipients),
        document_id=f"{sender.code},{issued_on:%Y/%m/%d},{code}",
        number=number,
        notation=notation,
        issued_on=issued_on,
        type_name=kind.name,
        type_number=kind.number,
        subject=subject,
        **more,  # type: ignore[arg-type]
    )


def _again(original: Send, key: str, business_type: str, subject: str, offices: dict[str, Office]) -> Send:
    kind = _Kind(name=original.type_name, number=original.type_number, day=original.issued_on.day)
    return _send(
        key,
        offices[original.sender],
        [offices[code] for code in original.recipients],
        kind,
        f"{original.number}/{original.notation}",
        subject,
        business_type=business_type,
        about=original.key,
        after=(original.key,),
    )


def _answers(*codes: str) -> tuple[Answer, ...]:
    return tuple(Answer(code=code, description=_DESCRIPTIONS[code]) for code in codes)


def _same(receivers: Iterable[Office], *codes: str) -> dict[str, tuple[Answer, ...]]:
    return {office.code: _answers(*codes) for office in receivers}


def _agreed(receivers: Iterable[Office]) -> dict[str, tuple[Answer, ...]]:
    # A request has its original's DocumentId, so its 01 must say something else: the same words in the same second
    # would be the same bytes, and the same status.
    arrived = Answer(code="01", description="Yêu cầu đã đến hệ thống của đơn vị")
    return {office.code: (arrived, *_answers("15")) for office in receivers}
