"""Vectors of what makes evidence last: records, stamps in seals, revocation answers; and attacks on each."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.bundle.build import Material
from gateway.bundle.container import Container
from gateway.bundle.facts import Verdict
from gateway.bundle.format import EXPORT
from gateway.seal.stamp_token import token_of
from gateway.seal.unsigned import Unsigned, extended, read_unsigned, signature_imprint, split
from tests.bundle.making import (
    AT,
    MADE_AT,
    MESSAGE,
    STAMPED_AT,
    Story,
    answers,
    crl,
    lasting,
    leaf,
    made,
    record_of,
    renewal,
    story,
    told,
    with_,
    with_entry,
)
from tests.bundle.stamping import stamp
from tests.pki.build import build
from tests.pki.weak import list_with_sha1
from tests.unit.seal.sealing import SIGNED_AT

TEN_YEARS: Final = AT + timedelta(days=3653)
_OTHER: Final = b"\1" * 32


def long_term() -> Iterator[dict[str, Any]]:
    """The fields of each case."""
    yield from _records()
    yield from _receipts()
    yield from _answers()
    yield from _lasting()
    yield from _verdicts()


def _case(name: str, why: str, bundle: bytes, **more: Any) -> dict[str, Any]:
    return {"name": name, "why": why, "bundle": bundle, **more}


def _records() -> Iterator[dict[str, Any]]:
    a = with_(story(), stamps=(), recorded_at=STAMPED_AT)

    def recorded(record: bytes) -> bytes:
        return made(a, change=lambda material: replace(material, record=record))

    why = "the record alone proves the time, without the log's stamp"
    yield _case("evidence-record", why, made(a), require_time=True)
    why = "the acceptance is proved by the record; nothing proves when the export was sealed"
    yield _case("evidence-record-ten-years-ahead", why, made(a), at=TEN_YEARS)
    other = record_of(told(50, b"<other/>"), STAMPED_AT)
    yield _case("record-over-other-receipts", "it is over another receipt and document", recorded(other))
    wrong = record_of(a.document, STAMPED_AT, imprint=_OTHER)
    yield _case("record-stamp-over-another-digest", "its stamp is not over its tree's root", recorded(wrong))
    yield _case("record-unreadable", "it is no ASN.1 of RFC 4998", recorded(b"\x30\x03\x02\x01\x02"))


def _receipts() -> Iterator[dict[str, Any]]:
    a = with_(story(), stamps=())

    def stamped(imprint: bytes) -> bytes:
        def change(material: Material) -> Material:
            receipt = material.document.receipt
            token = token_of(stamp(imprint or signature_imprint(receipt), STAMPED_AT))
            added = extended(receipt, Unsigned(signature_stamp=token))
            return replace(material, document=replace(material.document, receipt=added))

        return made(a, change=change)

    yield _case("receipt-stamped", "the receipt itself is stamped (B-T)", stamped(b""), require_time=True)
    why = "the stamp in the receipt is over another digest"
    yield _case("receipt-stamp-over-another-digest", why, stamped(_OTHER))


def _with(a: Story, others: Mapping[str, bytes], **facts: Any) -> bytes:
    def change(material: Material) -> Material:
        told_facts = msgspec.structs.replace(material.facts, **facts)
        return replace(material, facts=told_facts, others=dict(material.others) | dict(others))

    return made(a, change=change)


def _lists() -> tuple[bytes, ...]:
    return crl("seal-ca"), crl("seal-root"), crl("tsa-root")


def _answers() -> Iterator[dict[str, Any]]:
    a = story()
    yield _case("revocation-answers", "lists of every CA: nothing was revoked", _with(a, answers(*_lists())))
    forged = crl("seal-ca", key="impostor-ca")
    why = "it bears the name of the seal's CA, which did not sign it"
    yield _case("revocation-answer-of-another-ca", why, _with(a, answers(forged)))
    why = "a list of a CA that nothing in the bundle leads to"
    yield _case("revocation-answer-of-a-stranger", why, _with(a, answers(crl("foreign-root"))))
    revoked = crl("seal-ca", revoked="seal-rsa")
    yield _case("seal-revoked", "the seal's certificate was revoked before", _with(a, answers(revoked)))
    for name, listed, why in (
        ("", crl("seal-ca"), "a list signed with SHA-1 says nothing, as an OCSP answer does"),
        ("-revoked", revoked, "nor does it revoke anything"),
    ):
        weak = list_with_sha1(listed, build()["seal-ca"].key)
        yield _case(f"revocation-list-sha1{name}", why, _with(a, answers(weak)))
    why = "signed with SHA-1, and by another CA: weakness is no excuse for a stranger"
    stranger = list_with_sha1(crl("seal-ca"), build()["foreign-root"].key)
    yield _case("revocation-list-sha1-of-another-ca", why, _with(a, answers(stranger)))
    why = "a list that had ended before says nothing: revocation was not examined"
    ended = crl("seal-ca", until=SIGNED_AT - timedelta(days=1))
    yield _case("revocation-answer-ended", why, _with(a, answers(ended)))
    named = {f"evidence/revocation/{'0' * 64}.crl": crl("seal-ca")}
    yield _case("revocation-answer-renamed", "its name is another digest", _with(a, named))
    garbage = {f"evidence/revocation/{sha256(b'x').hexdigest()}.crl": b"x"}
    yield _case("revocation-answer-unreadable", "it is no list", _with(a, garbage))


def _lasting() -> Iterator[dict[str, Any]]:
    plain = _with(story(), answers(*_lists()), lasting=True)
    good = lasting(plain, *_lists())
    seal = Container.of(good).bytes_of(EXPORT)
    yield _case("lasting", "the seal has stamps, CAs and lists (B-LTA)", good)
    why = "a stamp proves that the seal was there while its certificate was valid"
    yield _case("lasting-ten-years-ahead", why, good, at=TEN_YEARS)
    why = "somebody took the stamps away; the sealed bundle.json tells that they were there"
    yield _case("lasting-removed", why, with_entry(good, EXPORT, split(seal)[0]))
    without = lasting(plain, *_lists(), has_archive=False)
    yield _case("lasting-archive-stamp-removed", "the second stamp is gone", without)
    other = lasting(plain, *_lists(), imprint=_OTHER)
    yield _case("lasting-stamp-over-another-digest", "the stamp is not over the signature value", other)
    other = lasting(plain, *_lists(), archived=_OTHER)
    yield _case("lasting-archive-stamp-over-another-digest", "the archive stamp is over something else", other)
    yield from _renewed(good)
    properties = read_unsigned(seal)
    assert properties is not None
    fewer = extended(seal, replace(properties, crls=properties.crls[1:]))
    yield _case("lasting-list-removed", "the archive stamp was over one more list", with_entry(good, EXPORT, fewer))
    more = seal.replace(b"<xades:CRLValues>", b"<xades:CRLValues><!-- -->", 1)
    yield _case("lasting-not-canonical", "something stands among the properties", with_entry(good, EXPORT, more))


def _renewed(good: bytes) -> Iterator[dict[str, Any]]:
    """A bundle that has an archive stamp more, made five years later."""
    again = renewal(good, AT + timedelta(days=400))
    later = AT + timedelta(days=401)
    yield _case("lasting-renewed", "it has an archive stamp more, over the one before it", again, at=later)
    why = "the renewal was made before the first stamp's authority ended"
    yield _case("lasting-renewed-ten-years-ahead", why, renewal(again, AT + timedelta(days=500)), at=TEN_YEARS)
    other = renewal(good, AT + timedelta(days=400), imprint=_OTHER)
    yield _case("lasting-renewal-over-another-digest", "the renewal is over something else", other)
    seal = Container.of(again).bytes_of(EXPORT)
    properties = read_unsigned(seal)
    assert properties is not None
    alone = replace(properties, archive_stamp=properties.renewals[0], renewals=())
    why = "the first archive stamp is gone, over which the renewal was made"
    yield _case("lasting-renewal-alone", why, with_entry(again, EXPORT, extended(seal, alone)))
    swapped = replace(properties, archive_stamp=properties.renewals[0], renewals=(properties.archive_stamp,))
    why = "the archive stamps stand in the wrong order"
    yield _case("lasting-renewals-swapped", why, with_entry(again, EXPORT, extended(seal, swapped)))


def _verdicts() -> Iterator[dict[str, Any]]:
    a = story()
    rests, report = crl("foreign-root"), _report(b"PASSED")
    facts: dict[str, object] = {"verdict": "PASSED", "report": sha256(report).hexdigest(), "signatures": 1}

    def logged(facts: dict[str, object], message: str) -> Story:
        tree = (*a.tree, leaf("document.checked", SIGNED_AT + timedelta(minutes=3), facts, message=message))
        return with_(a, tree=tree, chosen=(*a.chosen, len(a.tree)))

    checked = logged(facts, MESSAGE)

    def bundle(kept: bytes, *lists: bytes, b: Story = checked, message: str = MESSAGE) -> bytes:
        entry = "evidence/verdicts/0.json"
        verdict = Verdict(
            entry=entry,
            message=message,
            checked_at=MADE_AT.isoformat(),
            verdict=json.loads(kept)["verdict"],
            signatures=1,
            sha256=sha256(kept).hexdigest(),
        )
        return _with(b, {entry: kept} | answers(*lists), verdicts=[verdict])

    yield _case("verdict", "a signature of others, as the gateway judged it: a leaf", bundle(report, rests))
    for belongs in ("sender", "nobody", "other"):
        signed = _report(b"PASSED", kind="xml", belongs=belongs)
        told = logged(facts | {"report": sha256(signed).hexdigest()}, a.statuses[0].id)
        why = f"a status whose edXML is signed, as the gateway judged it; the certificate is that of {belongs}"
        made_so = bundle(signed, rests, b=told, message=a.statuses[0].id)
        yield _case(f"verdict-of-a-status-{belongs}", why, made_so)
    changed = _report(b"FAILED")
    yield _case("verdict-changed", "the log holds another verdict", bundle(changed, rests))
    yield _case("verdict-removed", "the log tells of a verdict that is not there", made(checked))
    yield _case("verdict-not-logged", "no leaf tells of it", bundle(report, rests, b=a))
    yield _case("verdict-answer-missing", "a list that it rests on is not there", bundle(report))


def _report(verdict: bytes, **more: str) -> bytes:
    signer = build()["foreign-seal"].certificate.public_bytes(Encoding.DER)
    digest = sha256(signer).hexdigest()
    report = {
        "at": "2026-11-22T09:33:00Z",
        "signatures": [
            {"kind": "pdf", "where": "1 quyet-dinh.pdf", "signer": {"sha256": digest, "name": "UBND xã"},
             "verdict": verdict.decode(), **more}
        ],
        "certificates": {digest: b64encode(signer).decode()},
        "revocations": {sha256(crl("foreign-root")).hexdigest(): ""},
        "verdict": verdict.decode(),
        "version": 1,
    }  # fmt: skip
    return json.dumps(report, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
