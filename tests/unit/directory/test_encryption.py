"""Certificates to encrypt to: which one is given out when, and who can open what was encrypted to which."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.admin.ending_encryption import ending_encryption
from gateway.config.end_to_end import EndToEndSettings
from gateway.config.values import Codes
from gateway.directory.changes import CloseAgency, CloseAgencyOperation
from gateway.directory.encryption import (
    EndPublished,
    EndPublishedOperation,
    Publish,
    PublishOperation,
    encryption_certificates,
    to_encrypt_to,
)
from gateway.edxml.envelope import Attachment, Dialect, Encryption, Envelope, MessageKind, Party
from gateway.errors import RefusedError
from gateway.ledger.rows import DeliveryRow
from gateway.model import Agency
from gateway.openable import FOR_WHOM, LACKING, Openable, Openness
from tests.unit.directory.store import ACTOR, Store
from tests.unit.enveloped.holders import Holder, holder, made

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
CODES = tuple(f"00{number}.01.H33" for number in range(1, 4))


async def agencies(store: Store) -> list[Agency]:
    text = "organ_id,qd20_code,name,kind\n" + "".join(f"{code},,Office {code},commune\n" for code in CODES)
    report = await store.load(text)
    assert report.applied, report.problems
    return [await store.agency(code, NOW) for code in CODES]


async def publish(store: Store, agency: Agency, one: Holder, at: datetime = NOW) -> str:
    ask = Publish(agency_id=agency.id, certificate=one.certificate, actor=ACTOR, now=at, why="letter")
    await store.pump.submit(PublishOperation(), ask)
    return one.certificate.sha256


async def end(store: Store, agency: Agency, digest: str, at: datetime, *, revoked: bool = False) -> None:
    ask = EndPublished(
        agency_id=agency.id,
        sha256=digest,
        ended_as="revoked" if revoked else "replaced",
        actor=ACTOR,
        now=at,
        why="letter",
    )
    await store.pump.submit(EndPublishedOperation(), ask)


async def given(store: Store, agency: Agency, at: datetime) -> str:
    """The digest of the one that is given out, or why none is."""
    try:
        return (await to_encrypt_to(store.readers, agency.id, agency.organ_id, at)).certificate.sha256
    except RefusedError as error:
        return f"{error.code} {error.detail.split(' ')[-2] if ' ' in error.detail else ''}".strip()


async def test_the_newest_that_counts_is_given_out(store: Store) -> None:
    """One that begins later is not, one that expired or was revoked says so; the history stays."""
    agency, *_ = await agencies(store)
    assert await given(store, agency, NOW) == "encryption_certificate_missing"
    first = await publish(store, agency, made(holder("rsa").private, "first", days=11))
    second = await publish(store, agency, made(holder("p256").private, "second", days=6), NOW + DAY)
    await publish(store, agency, made(holder("p384").private, "third", begins=3 * DAY, days=99), NOW + DAY * 2)
    assert await given(store, agency, NOW + DAY * 2) == second
    await end(store, agency, second, NOW + DAY * 2.5, revoked=True)
    assert await given(store, agency, NOW + DAY * 2.6) == first
    found = (await encryption_certificates(store.readers, [agency.id]))[agency.id]
    later = NOW + DAY * 2.6
    assert [(each.certificate.name, each.standing(later)) for each in found] == [
        ("third", "early"),
        ("second", "revoked"),
        ("first", "in_force"),
    ]
    assert [each.standing(NOW + DAY * 200) for each in found] == ["expired", "revoked", "expired"]
    assert await given(store, agency, NOW + DAY * 200) == "encryption_certificate_ended expired"
    with pytest.raises(RefusedError, match="ended before"):
        await end(store, agency, second, later)
    again = Publish(agency_id=agency.id, certificate=found[1].certificate, actor=ACTOR, now=later, why="letter")
    with pytest.raises(RefusedError, match="has, or had"):
        await store.pump.submit(PublishOperation(), again)
    kinds = [kind for kind, _ in await store.events() if kind.startswith("agency.encryption")]
    assert kinds == ["agency.encryption_published"] * 3 + ["agency.encryption_ended"]


async def test_office_is_told_of_before_nobody_can_encrypt_to_it(store: Store) -> None:
    """A month ahead, and until there is another; of several, the last counts; what an operator ended is over."""
    one, two, three = await agencies(store)
    year = made(holder("rsa").private, "year", days=365)
    await publish(store, one, made(holder("p384").private, "before", days=40))
    last = await publish(store, one, year)
    ended = await publish(store, two, made(holder("p256").private, "ended", days=200))
    await end(store, two, ended, NOW + DAY)
    revoked = await publish(store, three, made(holder("p384").private, "revoked", days=300))
    ask = EndPublished(
        agency_id=three.id, sha256=revoked, ended_as="revoked", actor="gateway", now=NOW + DAY, why="its CA"
    )
    await store.pump.submit(EndPublishedOperation(), ask)

    async def told(days: float) -> list[tuple[str, int, int]]:
        store.clock.at = at = NOW + timedelta(days=days)
        found = await ending_encryption(store.readers, store.directory, at)
        return [(each.agency.organ_id if each.agency else "", each.level, (each.ends - NOW).days) for each in found]

    assert await told(39) == [(CODES[2], 3, 1)]
    assert await told(334) == []
    assert await told(336) == [(CODES[0], 2, 364)]
    assert await told(359) == [(CODES[0], 3, 364)]
    assert await told(400) == [(CODES[0], 3, 364)]
    at = NOW + 300 * DAY
    await publish(store, one, made(holder("p256").private, "next", begins=300 * DAY, days=700), at)
    assert await told(360) == []
    await end(store, one, last, at)
    closed = CloseAgency(agency_id=one.id, at=NOW, successor_id=None, actor=ACTOR, now=NOW)
    assert [code for code, *_ in await told(999)] == [CODES[0]]
    await store.directory.apply(store.pump, CloseAgencyOperation(), closed)
    assert await told(999) == [], "nobody writes to it"


def envelope(*encryptions: Encryption | None) -> Envelope:
    attached = [Attachment(number=number, encryption=each) for number, each in enumerate(encryptions, 1)]
    return Envelope(
        kind=MessageKind.DOCUMENT, dialect=Dialect.A, sender=Party(organ_id="X"), attachments=tuple(attached)
    )


def encrypted(*ones: Holder) -> Encryption:
    keys = [key for one in ones for key in sorted(one.certificate.keys)[:1]]
    return Encryption(cipher="aes256-gcm", authenticated=True, keys=tuple(keys))


async def judged(store: Store, found: Envelope, to: list[Agency], at: datetime, *refuse: str) -> Openness:
    rows = [
        DeliveryRow(
            id=each.id, message_id="m", recipient_id=each.id, recipient_code=each.organ_id, endpoint_id="e",
            dispatch_id="d", expects_status=True, in_inbox=True, created_at=at,
        )
        for each in to
    ]  # fmt: skip
    openable = Openable(store.readers, EndToEndSettings(refuse=Codes(refuse)))
    return await openable.judged(found, rows, to[0].id, at)


async def test_every_recipient_is_looked_at_for_every_attachment(store: Store) -> None:
    """Two with a certificate, one without; what is not encrypted does not count."""
    one, two, none = await agencies(store)
    first, second = made(holder("rsa").private), made(holder("p256").private)
    digests = await publish(store, one, first), await publish(store, two, second)
    both, alone = encrypted(first, second), encrypted(first)
    assert await judged(store, envelope(None), [one, none], NOW) == Openness()
    found = await judged(store, envelope(both, None), [one, two], NOW)
    assert [each.rule for each in found.findings] == [FOR_WHOM]
    assert all(digest in found.findings[0].vi for digest in digests)
    found = await judged(store, envelope(both, None, alone), [one, two, none], NOW)
    assert list(found.lacking) == [CODES[1], CODES[2]]
    assert [each.rule for each in found.findings] == [FOR_WHOM, LACKING, LACKING]
    assert [each["attachment"] for each in found.facts] == [1, 3]
    with pytest.raises(RefusedError, match=f"{CODES[1]} cannot open attachment 3") as caught:
        await judged(store, envelope(both, None, alone), [one, two, none], NOW, CODES[1])
    assert caught.value.code == "recipient_cannot_decrypt"


async def test_certificates_of_the_past_open_nothing_new(store: Store) -> None:
    """Expired, replaced, or unreadable recipients: each is told by its name."""
    one, two, _ = await agencies(store)
    first = made(holder("rsa").private, days=3)
    digest = await publish(store, one, first)
    later = NOW + DAY * 5
    (_, why) = (await judged(store, envelope(encrypted(first)), [one], later)).findings
    assert why.vi == f"{CODES[0]} không mở được tệp 1: mã hóa cho chứng thư {digest[:16]} đã hết hạn."
    await end(store, one, digest, NOW + DAY)
    (_, why) = (await judged(store, envelope(encrypted(first)), [one], NOW + DAY * 2)).findings
    assert why.en.endswith("which was replaced.")
    broken = Encryption(problem="it is cut off")
    (_, why) = (await judged(store, envelope(broken), [two], NOW)).findings
    assert why.en.endswith("for whom it is encrypted cannot be read.")
