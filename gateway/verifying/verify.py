"""Verifies a bundle of evidence, offline: from the file and the anchors alone.

1. The container's shape; its lists of entries.
2. What to trust: the anchors given, else the bundle's own, which leaves the verdict INDETERMINATE at best.
3. The log: checkpoint, witnesses, the institution, every leaf; bodies that were destroyed by order. Time stamps
   over it, receipt and export seal.
4. The acceptance seal, at the time that a stamp proves, else at `at`; so those of other messages.
5. The export seal, likewise.
6. The story: transfer manifests, leaves of acceptances, statuses, states.
7. What receivers signed, or what the gateway says of their connections.

Every check is made as far as the file allows, whatever failed before it. PASSED means: these bytes were accepted
and sealed by the holder of the certified key, the log holds that, and nothing in the bundle contradicts it. What it
does NOT prove is listed in docs/bundle.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway.bundle.container import Container
from gateway.bundle.facts import Facts, read
from gateway.bundle.format import ABSENCE, ACCEPTANCE, ARCHIVE, BUNDLE, DOCUMENT, EXPORT, TRANSFER
from gateway.errors import BundleError
from gateway.seal.embedded import certificates_of_receipt
from gateway.seal.report import Report, Verdict
from gateway.seal.unsigned import split
from gateway.seal.verify import verify_receipt
from gateway.verifying.added import check_added, is_lasting
from gateway.verifying.anchors import Anchors
from gateway.verifying.answers import check_answers, lists_of, ocsps_of
from gateway.verifying.findings import (
    SIGNATURES_NOT_EXAMINED,
    Check,
    Verification,
    failed,
    of_seal,
    passed,
)
from gateway.verifying.institution import check_institution
from gateway.verifying.purge import check_purge
from gateway.verifying.receivers import check_receivers
from gateway.verifying.renewals import check_renewals
from gateway.verifying.sealed import check_container, check_export, small, trusted
from gateway.verifying.stamps import Timed, check_record, check_stamps, time_proven
from gateway.verifying.statuses import check_signed_statuses
from gateway.verifying.story import (
    check_acceptance,
    check_delivery,
    check_lists,
    check_message,
    check_statuses,
    check_transfer,
)
from gateway.verifying.tree import Logged, check_log
from gateway.verifying.verdicts import check_verdicts

_MESSAGE: Final = re.compile(r"messages/([0-9a-f-]{36})\.")
_NOT_EXAMINED: Final = (
    "whether the contents of the document are true",
    SIGNATURES_NOT_EXAMINED,
    "what is not in the bundle: other messages about the document, and what peers did with it afterwards",
)


#: Called with what is done of a large file, and how much there is.
Progress = Callable[[int, int], None]


def verify_file(
    path: Path,
    anchors: Anchors | None,
    at: datetime,
    *,
    require_time: bool = False,
    original: Path | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Verification:
    """All findings about a file; raises nothing for what it holds."""
    try:
        container = Container.open(path)
    except BundleError as error:
        return Verification(checks=(failed("container", "container_broken", str(error)),), at=at)
    return verify(container, anchors, at, require_time=require_time, original=original, progress=progress)


def verify(
    container: Container,
    anchors: Anchors | None,
    at: datetime,
    *,
    require_time: bool = False,
    original: Path | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Verification:
    """The same of a container that is open; `original`: a file that may be its document."""
    if ARCHIVE in container.entries:
        from gateway.verifying.archive import verify_archive  # few files are one

        return verify_archive(container, anchors, at, require_time=require_time, progress=progress)
    if ABSENCE in container.entries:
        from gateway.verifying.absence import verify_absence  # few containers are one, and it takes its time

        return verify_absence(container, anchors, at, require_time=require_time)
    checks = list(check_container(container))  # 1
    facts = _facts(container, checks)
    if facts is None:
        return Verification(checks=tuple(checks), at=at)
    checks += check_lists(container, BUNDLE, facts.entries)
    known, check = trusted(container, anchors, facts.log.vkey if facts.log else "")  # 2
    checks.append(check)
    logged = check_log(container, facts, known, at)  # 3
    checks += check_purge(container, facts, logged, original)
    lists, ocsps = lists_of(container), ocsps_of(container)
    verdicts, named = check_verdicts(container, facts, logged)
    checks += [*logged.checks, *verdicts, *check_answers(container, lists, ocsps, known, named)]
    known = replace(known, lists=tuple(lists.values()), answers=tuple(ocsps.values()))
    stamped = check_stamps(container, logged.signed, known)
    received = [*check_record(container, known), *check_added("acceptance", small(container, ACCEPTANCE), known)]
    exported = check_added("export", small(container, EXPORT), known, container)
    proof, proven_at = time_proven([*stamped, *received], is_required=require_time)
    checks += [*(check for check, _ in (*stamped, *received, *exported)), proof]
    if facts.lasting is True and not is_lasting(small(container, EXPORT)):
        checks.append(failed("export.archive_stamp", "stamps_removed"))
    times = _Times(at=at, log=_times(stamped), receipt=_times(received), export=_times(exported))
    checks += check_institution(container, logged.signed, known, times.of(*times.export))
    unexamined: dict[str, None] = dict.fromkeys(_NOT_EXAMINED)
    for report, found in _seals(container, facts, logged, known, times):  # 4, 5
        checks += found
        unexamined |= dict.fromkeys(each for each in report.not_examined if "time stamp" not in each)
    checks += [check_transfer(container, facts), check_statuses(facts, logged)]  # 6
    checks += [check_delivery(delivery, facts, logged) for delivery in facts.deliveries]
    checks += check_renewals(container, known)
    checks += check_receivers(container, facts, logged, known)  # 7
    checks += check_signed_statuses(container, facts, logged)
    return Verification(
        checks=tuple(checks), at=at, facts=facts, proven_at=proven_at, not_examined=tuple(unexamined)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Times:
    """When seals are verified: as of `at`, or earlier where a stamp proves that they were there."""

    at: datetime
    #: Proven of what the log holds, of the receipt, of the export seal.
    log: tuple[datetime, ...]
    receipt: tuple[datetime, ...]
    export: tuple[datetime, ...]

    def of(self, *proven: datetime) -> datetime:
        """The earliest that counts."""
        return min((each for each in proven if each <= self.at), default=self.at)


def _times(found: Sequence[Timed]) -> tuple[datetime, ...]:
    return tuple(at for _, at in found if at is not None)


def _facts(container: Container, checks: list[Check]) -> Facts | None:
    try:
        facts = read(container.bytes_of(BUNDLE))
    except BundleError as error:
        checks.append(failed("format", error.code, str(error)))
        return None
    checks.append(passed("format", f"version {facts.version}"))
    return facts


def _seals(
    container: Container, facts: Facts, logged: Logged, anchors: Anchors, times: _Times
) -> Iterator[tuple[Report, list[Check]]]:
    """Acceptance, messages, export."""
    yield from _receipt(container, facts, logged, anchors, times, "acceptance", facts.document.id)
    found = {match[1]: None for name in container.entries if (match := _MESSAGE.match(name))}
    for key in found | dict.fromkeys(message.id for message in facts.messages):
        yield from _receipt(container, facts, logged, anchors, times, f"messages.{key}", key)
    yield check_export(container, anchors, times.of(*times.export))


def _receipt(
    container: Container,
    facts: Facts,
    logged: Logged,
    anchors: Anchors,
    times: _Times,
    name: str,
    key: str,
) -> Iterator[tuple[Report, list[Check]]]:
    is_main = name == "acceptance"
    names = (DOCUMENT, TRANSFER, ACCEPTANCE)
    if not is_main:
        names = (f"messages/{key}.edxml", f"messages/{key}.transfer.json", f"messages/{key}.receipt.xml")
    missing = [each for each in names if not container.has(each)]
    if missing:
        yield Report(checks=()), [failed(name, "message_incomplete", f"missing: {', '.join(missing)}")]
        return
    body, transfer, receipt = names
    digest, seal = container.digest_of(body), small(container, receipt)
    if is_main:
        seal, _ = split(seal)
    may_be_pending = not is_main and facts.pending_leaves > 0
    receipt_digest = sha256(seal).hexdigest()
    leaf = check_acceptance(
        logged, f"{name}.leaf", key, digest.hex(), receipt_digest, may_be_pending=may_be_pending
    )
    # what a stamp proves, it proves of what the log held by then
    proven = (*(times.log if leaf.verdict is Verdict.PASSED else ()), *(times.receipt if is_main else ()))
    when = times.of(*proven)
    report = verify_receipt(
        seal,
        document_sha256=digest,
        transfer=small(container, transfer),
        anchors=anchors.seal_at(when, partial(certificates_of_receipt, seal)),
        at=when,
    )
    checks = [*of_seal(name, report), leaf]
    if not is_main:
        told = check_message(container, facts, key)
        checks.append(told or failed(name, "facts_differ", "bundle.json does not know this message"))
    yield report, checks
