"""Verdicts about signatures that others made, as the gateway kept them: unchanged since, and what they rest on.

They are not made anew: a report says what the gateway found when it looked, by the lists and anchors of that time.
That it was so then, the log proves, where its leaf names the report's digest; the certificates are in the report,
the revocation answers beside it. What each report says is told in the check's words.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256

import msgspec
from msgspec import UNSET

from gateway.bundle.container import Container
from gateway.bundle.facts import Facts, Verdict
from gateway.errors import BundleError
from gateway.verifying.findings import Check, failed, passed, undecided
from gateway.verifying.tree import Logged, facts_of


def check_verdicts(container: Container, facts: Facts, logged: Logged) -> tuple[list[Check], set[str]]:
    """The findings, and the digests of the revocation answers that the verdicts rest on."""
    told = () if facts.verdicts is UNSET else tuple(facts.verdicts)
    checks, named = [], set[str]()
    for number, verdict in enumerate(told):
        name = f"verdicts.{number}"
        try:
            report = _report(container, verdict)
        except BundleError as error:
            checks.append(failed(name, error.code, str(error)))
            continue
        named |= report.revocations.keys()
        checks.append(_judged(name, verdict, report, logged, facts))
        lacking = [each for each in report.revocations if not _is_there(container, each)]
        if lacking:
            detail = f"{len(lacking)} of {len(report.revocations)} answers that it rests on are not in the bundle"
            checks.append(undecided(f"{name}.answers", "answer_missing", detail, counts=False))
    checks += _missing(told, facts, logged)
    return checks, named


class _Signer(msgspec.Struct):
    name: str = ""


class _Found(msgspec.Struct):
    where: str = ""
    verdict: str = ""
    signer: _Signer | None = None


class _Report(msgspec.Struct):
    """As much of `gateway.signatures.model.Examined` as is told here."""

    verdict: str
    at: str
    signatures: list[_Found]
    certificates: dict[str, str] = msgspec.field(default_factory=dict)
    revocations: dict[str, str] = msgspec.field(default_factory=dict)


def _report(container: Container, verdict: Verdict) -> _Report:
    raw = container.bytes_of(verdict.entry)
    if sha256(raw).hexdigest() != verdict.sha256:
        raise BundleError(f"{verdict.entry} is not what bundle.json tells", code="facts_differ")
    try:
        report = msgspec.json.decode(raw, type=_Report)
        found = {name: b64decode(der, validate=True) for name, der in report.certificates.items()}
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BundleError(f"{verdict.entry}: {error}", code="facts_unreadable") from error
    is_told = (report.verdict, len(report.signatures)) == (verdict.verdict, verdict.signatures)
    if not is_told or any(sha256(der).hexdigest() != name for name, der in found.items()):
        raise BundleError(f"{verdict.entry} contradicts itself or bundle.json", code="facts_differ")
    return report


def _judged(name: str, verdict: Verdict, report: _Report, logged: Logged, facts: Facts) -> Check:
    leaves = list(facts_of(logged.of("document.checked", message=verdict.message)))
    if any(each.get("report") == verdict.sha256 for each in leaves):
        return passed(name, _words(report))
    if not verdict.signatures:
        # what held nothing up and had no signature is no event
        return undecided(name, "verdict_not_logged", "no signature was found", counts=False)
    if leaves and not facts.pending_leaves:
        return failed(name, "verdict_changed", "the log holds another verdict about this message")
    is_due = bool(logged.leaves) and not facts.pending_leaves
    return undecided(name, "verdict_not_logged", _words(report), counts=is_due)


def _missing(told: tuple[Verdict, ...], facts: Facts, logged: Logged) -> Iterator[Check]:
    """Verdicts that the log tells of and that are not there."""
    known = {each.sha256 for each in told}
    for message in (facts.document.id, *(each.id for each in facts.messages)):
        for leaf in facts_of(logged.of("document.checked", message=message)):
            if leaf.get("report") not in known:
                yield failed("verdicts", "verdict_missing", f"{str(leaf.get('report'))[:64]} about {message}")


def _words(report: _Report) -> str:
    """What it says, for a person."""
    lines = [
        f"{each.where}: {each.signer.name if each.signer else 'nobody named'}: {each.verdict}"
        for each in report.signatures
    ]
    return f"{report.verdict} at {report.at}, not judged anew: {'; '.join(lines)[:400]}"


def _is_there(container: Container, digest: str) -> bool:
    return any(f"evidence/revocation/{digest}.{kind}" in container.entries for kind in ("crl", "ocsp"))
