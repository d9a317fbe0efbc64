"""Whether every recipient can open what is encrypted end to end, and to which certificates that was done.

The classic failure of such encryption is a document that arrives and that its office cannot open. The gateway sees
no content, but the head of an envelope names the certificates that can open it; those of each recipient are in the
directory. `[end_to_end]` says per recipient whether a document that it could not open is refused or accepted with a
warning. What a relay or an import brings is never refused for it: other recipients are not to suffer.

What is found goes into the sealed transfer record by the certificates' digests. It does NOT open anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.config.end_to_end import EndToEndSettings
from gateway.directory.encryption import EncryptionCertificate, encryption_certificates
from gateway.edxml.envelope import Attachment, Envelope, Finding, Severity
from gateway.edxml.organ_ids import canonical
from gateway.errors import RefusedError
from gateway.ledger.rows import DeliveryRow
from gateway.model import AgencyId
from gateway.storage.readers import Readers

#: Rules of findings: for whom it is encrypted; a recipient that cannot open it.
FOR_WHOM: Final = "GW-ENC-01"
LACKING: Final = "GW-ENC-02"
#: Recipients that findings name.
_MOST_NAMED: Final = 20

_STANDING: Final = {
    "replaced": ("đã được thay", "was replaced"),
    "revoked": ("đã bị thu hồi", "was revoked"),
    "expired": ("đã hết hạn", "has expired"),
    "early": ("chưa có hiệu lực", "is not valid yet"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressee:
    """Who shall open it: the code in the document, and whose certificates count."""

    code: str
    agency_id: AgencyId


@dataclass(frozen=True, kw_only=True, slots=True)
class Openness:
    """What there is to say; nothing where nothing is encrypted."""

    findings: tuple[Finding, ...] = ()
    #: For the transfer record: one of each encrypted attachment.
    facts: tuple[Mapping[str, object], ...] = ()
    #: Codes of recipients that cannot open all of it, each with its finding.
    lacking: Mapping[str, Finding] = field(default_factory=dict)


class Openable:
    """Looks at recipients' certificates."""

    def __init__(self, readers: Readers, settings: EndToEndSettings) -> None:
        """Codes are compared in their canonical form; a code in both lists has the stricter policy."""
        self._readers, self._default = readers, settings.policy
        self._own = {canonical(code): "warn" for code in settings.warn}
        self._own |= {canonical(code): "refuse" for code in settings.refuse}

    async def judged(
        self,
        envelope: Envelope,
        deliveries: Iterable[DeliveryRow],
        sender: AgencyId,
        now: datetime,
        *,
        may_refuse: bool = True,
    ) -> Openness:
        """What is encrypted for whom; RefusedError where a recipient cannot open it whose policy refuses that."""
        encrypted = [each for each in envelope.attachments if each.encryption is not None]
        if not encrypted:
            return Openness()
        recipients = [
            Addressee(code=each.recipient_code, agency_id=AgencyId(each.recipient_id)) for each in deliveries
        ]
        agencies = {each.agency_id for each in recipients}
        known = await encryption_certificates(self._readers, agencies | {sender})
        opened = judge(encrypted, recipients, sender, known, now)
        refusing = [found for code, found in opened.lacking.items() if self._policy(code) == "refuse"]
        if may_refuse and refusing:
            raise RefusedError("recipient_cannot_decrypt", refusing[0].en, findings=opened.findings)
        return opened

    def _policy(self, code: str) -> str:
        return self._own.get(canonical(code), self._default)


def judge(
    encrypted: Sequence[Attachment],
    recipients: Sequence[Addressee],
    sender: AgencyId,
    known: Mapping[AgencyId, Sequence[EncryptionCertificate]],
    now: datetime,
) -> Openness:
    """What envelopes and certificates say together. Pure."""
    lacking: dict[str, Finding] = {}
    told: list[str] = []
    for each in recipients:
        own = known.get(each.agency_id, ())
        closed = next((item for item in encrypted if not _openers(item, own, now)), None)
        if closed is not None:
            lacking[each.code] = _lacking(each, closed, own, now)
        else:
            digests = dict.fromkeys(found for item in encrypted for found in _openers(item, own, now))
            told.append(f"{each.code} ({', '.join(digests)})")
    findings = [_for_whom(encrypted, told), *list(lacking.values())[:_MOST_NAMED]]
    if len(lacking) > _MOST_NAMED:
        more = len(lacking) - _MOST_NAMED
        findings.append(_warning(f"Còn {more} nơi nhận khác cũng không mở được.", f"{more} more cannot open it."))
    codes = {each.agency_id: each.code for each in reversed(recipients)}
    facts = tuple(_fact(each, codes, sender, known, now) for each in encrypted)
    return Openness(findings=tuple(findings), facts=facts, lacking=lacking)


def _openers(each: Attachment, own: Sequence[EncryptionCertificate], now: datetime) -> list[str]:
    """Which of an agency's certificates that count open an attachment."""
    keys = set(each.encryption.keys) if each.encryption is not None else set()
    return [
        item.certificate.sha256 for item in own if item.standing(now) == "in_force" and keys & item.certificate.keys
    ]


def _for_whom(encrypted: Sequence[Attachment], told: Sequence[str]) -> Finding:
    numbers = ", ".join(str(each.number) for each in encrypted)
    named = "; ".join(told[:_MOST_NAMED]) or "–"
    more = len(told) - _MOST_NAMED
    return Finding(
        rule=FOR_WHOM,
        severity=Severity.INFO,
        vi=f"Tệp {numbers} mã hóa đầu cuối, trục không xem được nội dung. Mở được bằng chứng thư: {named}"
        + (f" và {more} nơi khác." if more > 0 else "."),
        en=f"Attachment {numbers} is encrypted end to end, the gateway sees nothing of it. It is opened by: {named}"
        + (f" and {more} more." if more > 0 else "."),
    )


def _lacking(each: Addressee, closed: Attachment, own: Sequence[EncryptionCertificate], now: datetime) -> Finding:
    """Why a recipient cannot open an attachment."""
    assert closed.encryption is not None, "chosen for it"
    keys = set(closed.encryption.keys)
    former = next((item for item in own if keys & item.certificate.keys), None)
    if closed.encryption.problem:
        vi, en = "không đọc được tệp mã hóa cho ai", "for whom it is encrypted cannot be read"
    elif former is not None:
        digest = former.certificate.sha256[:16]
        vi, en = _STANDING[former.standing(now)]
        vi, en = f"mã hóa cho chứng thư {digest} {vi}", f"it is encrypted to certificate {digest}, which {en}"
    elif own:
        vi, en = "không mã hóa cho chứng thư nào của nơi này", "it is encrypted to no certificate of theirs"
    else:
        vi, en = "nơi này chưa công bố chứng thư mã hóa", "they have published no certificate to encrypt to"
    return _warning(
        f"{each.code} không mở được tệp {closed.number}: {vi}.",
        f"{each.code} cannot open attachment {closed.number}: {en}.",
    )


def _warning(vi: str, en: str) -> Finding:
    return Finding(rule=LACKING, severity=Severity.WARNING, vi=vi, en=en)


def _fact(
    each: Attachment,
    codes: Mapping[AgencyId, str],
    sender: AgencyId,
    known: Mapping[AgencyId, Sequence[EncryptionCertificate]],
    now: datetime,
) -> Mapping[str, object]:
    """One attachment, as the transfer record has it."""
    assert each.encryption is not None, "chosen for it"
    certificates = [
        {"agency": agency, "organ_id": codes.get(agency, ""), "sha256": digest}
        for agency in dict.fromkeys((*codes, sender))
        for digest in _openers(each, known.get(agency, ()), now)
    ]
    return {
        "attachment": each.number,
        "sha256": each.sha256,
        "cipher": each.encryption.cipher,
        "authenticated": each.encryption.authenticated,
        # of these the directory knows whose they are
        "recipients": len(each.encryption.keys) + each.encryption.others,
        "certificates": certificates,
    }
