"""Who signed is compared with what operators have bound: at the time of the signature, and never a crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.seal.report import passed
from gateway.signatures.belonging import Bound, with_belonging
from gateway.signatures.judgement import judge
from gateway.signatures.model import Belonging, Examined, Found, Kind, Signer, SignerKind

AT = datetime(2026, 11, 29, tzinfo=UTC)
DAY = timedelta(days=1)
OURS, OTHERS = "a" * 64, "b" * 64


def _found(sha256: str = OURS, *, kind: SignerKind = SignerKind.AGENCY, proven_at: datetime | None = None) -> Found:
    signer = Signer(sha256=sha256, name="x", subject="CN=x", issuer="CN=y", serial="1", kind=kind)
    return Found(
        kind=Kind.PDF, where="1 a.pdf", signer=signer, proven_at=proven_at, checks=(passed("signature.value"),)
    )


def _bound(
    sha256: str = OURS,
    *,
    sender: bool = True,
    kind: SignerKind = SignerKind.AGENCY,
    since: datetime = AT - 100 * DAY,
    until: datetime | None = None,
) -> Bound:
    return Bound(
        sha256=sha256,
        organ_id="000.00.00.H33" if sender else "005.02.01.H33",
        is_sender=sender,
        kind=kind,
        valid_from=since,
        valid_until=until,
    )


def _judged(found: Found, *bound: Bound) -> Found:
    return with_belonging(Examined(at=AT, signatures=(found,)), bound).signatures[0]


PERSON = SignerKind.PERSON
RENEWED = _bound(until=AT - 10 * DAY), _bound(OTHERS, since=AT - 10 * DAY)


@pytest.mark.parametrize(
    ("found", "bound", "belongs", "verdict"),
    [
        pytest.param(_found(), (), "unknown", "PASSED", id="nobody bound anything"),
        pytest.param(_found(), (_bound(),), "sender", "PASSED", id="the sender's"),
        pytest.param(_found(), (_bound(sender=False),), "other", "INDETERMINATE", id="another agency's"),
        pytest.param(_found(), (_bound(OTHERS),), "other", "INDETERMINATE", id="the sender has others"),
        pytest.param(
            _found(), (_bound(OTHERS, until=AT - DAY),), "unknown", "PASSED", id="the sender had others once"
        ),
        pytest.param(_found(kind=PERSON), (_bound(OTHERS, kind=PERSON),), "unknown", "PASSED", id="a new person"),
        pytest.param(_found(), RENEWED, "ended", "INDETERMINATE", id="renewed, and no time is proven"),
        pytest.param(
            _found(proven_at=AT - 20 * DAY), RENEWED, "sender", "PASSED", id="signed before a renewal, by its stamp"
        ),
        pytest.param(
            _found(OTHERS, proven_at=AT - 20 * DAY), RENEWED, "ended", "INDETERMINATE", id="not yet the sender's"
        ),
        pytest.param(
            _found(kind=PERSON),
            (_bound(kind=PERSON, sender=False), _bound(kind=PERSON)),
            "sender",
            "PASSED",
            id="a person of two agencies",
        ),
    ],
)
def test_signer_is_compared_at_its_time(found: Found, bound: tuple[Bound, ...], belongs: str, verdict: str) -> None:
    """What is known decides; what nobody bound is a finding and changes nothing."""
    judged = _judged(found, *bound)
    assert (judged.belongs, judged.verdict) == (belongs, verdict)


def test_binding_tells_whose_kind_a_certificate_is() -> None:
    """The Government's own CA writes no numbers: what an operator has bound counts."""
    unknown = SignerKind.UNKNOWN
    report = Examined(at=AT, signatures=(_found(kind=unknown), _found(OTHERS, kind=unknown)))
    assert not judge(report).as_the_law_asks
    judged = with_belonging(report, (_bound(), _bound(OTHERS, kind=PERSON)))
    assert judge(judged).vi == "chữ ký cá nhân, chữ ký cơ quan: hợp lệ"
    assert Examined.decode(judged.encode()) == judged


def test_what_has_no_signer_is_left_alone() -> None:
    """A block that is decorative, a signature that names nobody."""
    nobody = Found(kind=Kind.XML, where="edXML")
    assert _judged(nobody, _bound()) == nobody
    assert Belonging("other") is Belonging.OTHER
