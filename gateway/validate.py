"""Step 3 of the journey: what a received file is, and whether it may be accepted.

`inspect` runs in the parsers' process: it parses, asks the schemas (compiled once per process),
then the rules, and puts everything into one report. A finding of severity error refuses the message: with
the rule's own reason code if it has one, else with `edxml_invalid`; the parser's own refusals stand.

It does NOT know the directory: whether sender and recipients exist and may do this is decided afterwards.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from lxml import etree

from gateway.edxml.envelope import Finding, ParseReport, Severity
from gateway.edxml.limits import ParseLimits
from gateway.edxml.parser import parse_file, parse_stream
from gateway.edxml.source import Stored
from gateway.validate_message import message_findings
from gateway.validate_rules import RULES
from gateway.validate_schema import Depth, schema_findings

#: Rules that say the same as one of the parser's, but with the consequence.
_SUPERSEDED = {"EDX-RUL-04": "EDX-STS-03"}
#: libxml2 numbers only elements that have siblings of their name.
_FIRST = re.compile(r"\[1\]")


def inspect(source: str | Stored | bytes, limits: ParseLimits, mode: str, now: datetime) -> ParseReport:
    """The report about the message in a file, or in bytes.

    `mode` is a `Depth`: `full`, or `fast` for errors only. `now` is what dates and clocks are compared with.
    """
    if isinstance(source, bytes):
        parsed = parse_stream(io.BytesIO(source), limits=limits)
    else:
        parsed = parse_file(source, limits=limits)
    return judge(parsed.report, parsed.skeleton, Depth(mode), now)


def judge(report: ParseReport, skeleton: etree._Element | None, depth: Depth, now: datetime) -> ParseReport:
    """The parser's report with the findings of schemas and rules, and the refusal that follows from all."""
    envelope = report.envelope
    if envelope is None:
        return report
    by_schema = [] if skeleton is None else schema_findings(skeleton, envelope.kind, envelope.dialect, depth)
    findings = _merged(report.findings, by_schema, message_findings(envelope, now))
    refusal, detail = report.refusal, report.detail
    if not refusal:
        refusal, detail = _refusal(findings)
    return replace(report, findings=findings, refusal=refusal, detail=detail)


def _merged(
    parsed: Iterable[Finding], by_schema: Iterable[Finding], by_rule: Iterable[Finding]
) -> tuple[Finding, ...]:
    """All findings once: a schema's remark on an element another finding is about says nothing new."""
    ruled = list(by_rule)
    superseded = {_SUPERSEDED.get(found.rule) for found in ruled}
    kept = [found for found in parsed if found.rule not in superseded]
    told = {_place(found) for found in (*kept, *ruled)}
    refused = {_place(found) for found in (*kept, *ruled) if found.severity is Severity.ERROR}
    by_schema = [
        found for found in by_schema if _place(found) not in (refused if found.severity is Severity.ERROR else told)
    ]
    return (*kept, *by_schema, *ruled)


def _place(found: Finding) -> str:
    return _FIRST.sub("", found.path)


def _refusal(findings: Iterable[Finding]) -> tuple[str, str]:
    """Reason code and detail: the first error with a code of its own, else the first error."""
    errors = [found for found in findings if found.severity is Severity.ERROR]
    if not errors:
        return "", ""
    exact = [found for found in errors if found.rule in RULES and RULES[found.rule].refusal]
    first = (exact or errors)[0]
    code = RULES[first.rule].refusal if exact else "edxml_invalid"
    return code, f"{first.en} ({first.path})" if first.path else first.en
