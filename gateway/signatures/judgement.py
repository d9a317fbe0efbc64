"""What a report means to a clerk: one word for the document, one for each kind of signature, in two languages.

Decree 30/2020/NĐ-CP asks for the signature of the person who may sign and for that of the agency. A document that
bears both, PASSED, is valid; one that lacks either, or whose signature was not proved right, is to be known and
consulted only (*chỉ để biết, tham khảo*). A signature whose holder's kind no certificate tells stands for neither.
Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.seal.report import Verdict
from gateway.signatures.model import Examined, Found, Kind, SignerKind


class Standing(StrEnum):
    """Of one kind of signature."""

    VALID = "valid"
    #: What is at hand does not decide.
    UNDECIDED = "undecided"
    INVALID = "invalid"
    ABSENT = "absent"


#: In both languages.
WORDS: Final = {
    Standing.VALID: ("hợp lệ", "valid"),
    Standing.UNDECIDED: ("chưa xác định được", "undecided"),
    Standing.INVALID: ("không hợp lệ", "invalid"),
    Standing.ABSENT: ("không có", "none"),
}
OF_VERDICT: Final = {
    Verdict.PASSED: Standing.VALID,
    Verdict.INDETERMINATE: Standing.UNDECIDED,
    Verdict.FAILED: Standing.INVALID,
}
#: What is found where no signature is.
_NONE = frozenset({Kind.DECORATIVE, Kind.ENCRYPTED})
#: The worst counts: one bad signature of the agency is not mended by a good one beside it.
_WORST = (Standing.INVALID, Standing.UNDECIDED, Standing.VALID)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What the clerk is told."""

    person: Standing
    agency: Standing
    #: Signatures of which nobody knows whose kind they are.
    others: Standing
    #: Whether there are attachments that only their recipients can look at.
    unseen: bool = False
    vi: str
    en: str

    @property
    def as_the_law_asks(self) -> bool:
        """A person and the agency signed, and nothing is wrong or open."""
        good = self.person is Standing.VALID and self.agency is Standing.VALID
        return good and not self.unseen and self.others in {Standing.VALID, Standing.ABSENT}


def judge(report: Examined) -> Judgement:
    """The judgement of a report."""
    unseen = any(each.kind is Kind.ENCRYPTED for each in report.signatures)
    real = [each for each in report.signatures if each.kind not in _NONE and each.form != "ETSI.RFC3161"]
    person = _standing(real, SignerKind.PERSON)
    agency = _standing(real, SignerKind.AGENCY)
    others = _standing(real, SignerKind.UNKNOWN)
    judgement = Judgement(person=person, agency=agency, others=others, unseen=unseen, vi="", en="")
    if not real and unseen:
        vi, en = "không xem được, mã hóa đầu cuối", "cannot be seen, encrypted end to end"
    elif not real:
        vi, en = "không có chữ ký số", "no digital signature"
    elif judgement.as_the_law_asks:
        vi, en = "chữ ký cá nhân, chữ ký cơ quan: hợp lệ", "signatures of the person and of the agency: valid"
    else:
        vi = f"chữ ký cá nhân: {WORDS[person][0]}; chữ ký cơ quan: {WORDS[agency][0]}"
        en = f"signature of the person: {WORDS[person][1]}; of the agency: {WORDS[agency][1]}"
        if others is not Standing.ABSENT:
            vi, en = f"{vi}; chữ ký khác: {WORDS[others][0]}", f"{en}; others: {WORDS[others][1]}"
    if real and unseen:
        vi = f"{vi}; tệp mã hóa đầu cuối: không xem được"
        en = f"{en}; files encrypted end to end: cannot be seen"
    if not judgement.as_the_law_asks:
        vi, en = f"{vi} — chỉ để biết, tham khảo", f"{en} — for information only"
    return Judgement(person=person, agency=agency, others=others, unseen=unseen, vi=vi, en=en)


def _standing(signatures: list[Found], kind: SignerKind) -> Standing:
    found = {
        OF_VERDICT[each.verdict]
        for each in signatures
        if (each.signer.kind if each.signer is not None else SignerKind.UNKNOWN) is kind
    }
    return next((each for each in _WORST if each in found), Standing.ABSENT)
