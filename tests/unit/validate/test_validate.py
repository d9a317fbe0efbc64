"""The whole inspection of a file: findings of parser, schemas and rules, and the refusal that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from gateway.edxml.envelope import (
    Business,
    BusinessType,
    Envelope,
    ParseReport,
    Replacement,
    ResponseFor,
    Severity,
    TraceHeader,
)
from gateway.edxml.limits import ParseLimits
from gateway.edxml.profiles import PROFILE_B, Profile
from gateway.reasons import REASONS
from gateway.storage import body_format
from gateway.storage.body_file import BodyFile
from gateway.validate import inspect
from gateway.validate_rules import RULES
from tests.unit.edxml_write.samples import DOCUMENT, STATUS
from tests.unit.validate.trees import HEADER, MESSAGE, Spoil, message, saying, tree, without

#: The afternoon of the sample document's day.
NOW = datetime(2018, 11, 5, 8, 0, tzinfo=UTC)

Inspect = Callable[..., ParseReport]


@pytest.fixture
def inspected(tmp_path: Path) -> Inspect:
    """Inspect a message, spoilt or not, as a file."""

    def run(
        envelope: Envelope, *spoils: Spoil, mode: str = "full", body: bool = False, profile: Profile | None = None
    ) -> ParseReport:
        path = tmp_path / "message.edxml"
        data = message(envelope) if profile is None else message(envelope, profile)
        if spoils:
            root = tree(envelope)
            for spoil in spoils:
                spoil(root)
            data = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
        path.write_bytes(body_format.HEADER + data if body else data)
        return inspect(BodyFile(path=path) if body else str(path), ParseLimits(), mode, NOW)

    return run


def recalled() -> Envelope:
    answered = STATUS.responses_for
    return replace(DOCUMENT, business=Business(type=BusinessType.RECALL, reason="Thu hồi"), responses_for=answered)


def updated() -> Envelope:
    business = Business(type=BusinessType.UPDATE, reason="Cập nhật", document_id=DOCUMENT.document_id)
    return replace(DOCUMENT, business=business)


def replaced() -> Envelope:
    business = Business(
        type=BusinessType.REPLACEMENT,
        reason="Thay thế",
        replacements=(Replacement(document_id="000.00.00.H33,2018/01/02,5/UBND"),),
    )
    return replace(DOCUMENT, business=business)


def traced(at: datetime) -> Envelope:
    return replace(DOCUMENT, traces=(TraceHeader(organ_id="000.00.00.H33", timestamp=at),))


@pytest.mark.parametrize("envelope", [DOCUMENT, STATUS, recalled(), updated(), replaced()])
@pytest.mark.parametrize("mode", ["full", "fast"])
@pytest.mark.parametrize("profile", [None, PROFILE_B])
def test_ordinary_message_is_accepted_without_findings(
    envelope: Envelope, mode: str, profile: Profile | None, inspected: Inspect
) -> None:
    """Documents of all four types and statuses, as we write them, leave nothing to say."""
    report = inspected(envelope, mode=mode, profile=profile)
    assert (report.refusal, report.detail, report.findings) == ("", "", ())
    assert report.envelope is not None


ACCOMPANYING: list[tuple[str, Envelope, str]] = [
    ("EDX-RUL-01", replace(DOCUMENT, promulgation_date=date(2018, 11, 6)),
     f"{MESSAGE}/PromulgationInfo/PromulgationDate"),
    ("EDX-RUL-02", traced(NOW + timedelta(days=1, seconds=1)),
     f"{HEADER}/TraceHeaderList/TraceHeader[1]/Timestamp"),
    ("EDX-RUL-02", replace(STATUS, status_at=NOW + timedelta(days=1, seconds=1)), f"{MESSAGE}/Timestamp"),
    ("EDX-RUL-06", replace(recalled(), responses_for=()), f"{MESSAGE}/ResponseFor"),
    ("EDX-RUL-07", replace(updated(), business=replace(updated().business, document_id="")),
     f"{HEADER}/TraceHeaderList/Bussiness/DocumentId"),
    ("EDX-RUL-08", replace(replaced(), business=replace(replaced().business, replacements=())),
     f"{HEADER}/TraceHeaderList/Bussiness/ReplacementInfoList"),
    ("EDX-RUL-09", replace(DOCUMENT, doc_type="3"), f"{MESSAGE}/DocumentType/Type"),
    ("EDX-RUL-10", replace(DOCUMENT, due_date=date(2018, 11, 5)), f"{MESSAGE}/DueDate"),
    ("EDX-RUL-10", replace(DOCUMENT, due_date=date(2018, 11, 4)), f"{MESSAGE}/DueDate"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "envelope", "path"), ACCOMPANYING)
def test_remark_of_a_rule_accompanies_the_message_and_never_refuses_it(
    rule: str, envelope: Envelope, path: str, inspected: Inspect
) -> None:
    """Wrong clocks, odd dates and missing references are told with both texts, and the message is taken."""
    report = inspected(envelope)
    assert [(found.rule, found.path) for found in report.findings] == [(rule, path)]
    assert report.findings[0].severity is not Severity.ERROR
    assert (report.findings[0].vi, report.findings[0].en) == (RULES[rule].vi, RULES[rule].en)
    assert report.refusal == ""


@pytest.mark.parametrize(
    "envelope",
    [
        replace(DOCUMENT, promulgation_date=date(2018, 11, 5)),
        traced(NOW + timedelta(days=1)),
        replace(STATUS, status_at=NOW + timedelta(days=1)),
        replace(DOCUMENT, due_date=date(2018, 11, 6)),
        replace(DOCUMENT, due_date=None),
        replace(DOCUMENT, doc_type="1"),
    ],
)
def test_value_just_inside_the_rule_is_not_remarked_on(envelope: Envelope, inspected: Inspect) -> None:
    """Today's date, a clock exactly a day ahead, tomorrow's due date and the widespread Type 1 pass."""
    assert inspected(envelope).findings == ()


def test_day_of_the_rules_is_the_day_in_vietnam(tmp_path: Path) -> None:
    """At 18:00 UTC it is tomorrow in Vietnam, so tomorrow's date is not in the future."""
    path = tmp_path / "message.edxml"
    path.write_bytes(message(replace(DOCUMENT, promulgation_date=date(2018, 11, 6))))
    evening = datetime(2018, 11, 5, 18, 0, tzinfo=UTC)
    assert inspect(str(path), ParseLimits(), "full", evening).findings == ()


REFUSED: list[tuple[str, str, Envelope, Spoil, str]] = [
    ("status_reason_missing", "EDX-RUL-03", STATUS, saying("Description", " "), f"{MESSAGE}/Description"),
    ("status_reason_missing", "EDX-RUL-03", STATUS, without("Description"), f"{MESSAGE}/Description"),
    ("status_code_unknown", "EDX-RUL-04", STATUS, saying("StatusCode", "07"), f"{MESSAGE}/StatusCode"),
    ("edxml_invalid", "EDX-SCH-01", STATUS, without("ResponseFor"), f"{MESSAGE}/ResponseFor"),
    ("edxml_invalid", "EDX-SCH-01", DOCUMENT, without("MessageHeader/Subject"), f"{MESSAGE}/Subject"),
    ("edxml_invalid", "EDX-SCH-02", DOCUMENT, saying("MessageHeader/Subject", ""), f"{MESSAGE}/Subject"),
]


@pytest.mark.parametrize(("code", "rule", "envelope", "spoil", "path"), REFUSED)
@pytest.mark.parametrize("mode", ["full", "fast"])
def test_error_refuses_with_the_most_exact_code(
    code: str, rule: str, envelope: Envelope, spoil: Spoil, path: str, mode: str, inspected: Inspect
) -> None:
    """An error's own reason code is used, else edxml_invalid; the detail says what and where."""
    report = inspected(envelope, spoil, mode=mode)
    errors = [found for found in report.findings if found.severity is Severity.ERROR]
    assert (rule, path) in [(found.rule, found.path) for found in errors]
    assert report.refusal == code
    assert code in REASONS
    assert path in report.detail


def test_status_that_names_no_document_is_refused(inspected: Inspect) -> None:
    """ResponseFor without DocumentId and Code cannot be correlated by anybody."""
    empty = (ResponseFor(organ_id="000.00.00.H33"),)
    report = inspected(replace(STATUS, responses_for=empty))
    assert report.refusal == "edxml_invalid"
    assert "EDX-RUL-05" in [found.rule for found in report.findings]


def test_document_without_id_and_number_is_refused_and_with_either_is_not(inspected: Inspect) -> None:
    """One of the two is enough for a status to refer to the document."""
    no_id, no_number = without("MessageHeader/DocumentId"), without("Code/CodeNumber")
    assert inspected(DOCUMENT, no_id).refusal == ""
    assert inspected(DOCUMENT, no_number).refusal == ""
    both = inspected(DOCUMENT, no_id, no_number)
    assert both.refusal == "edxml_invalid"
    assert "EDX-RUL-11" in [found.rule for found in both.findings]


def test_document_id_over_200_characters_is_a_finding(inspected: Inspect) -> None:
    """A long id is kept, and the sender is told that some receivers cannot store it."""
    report = inspected(replace(DOCUMENT, document_id="x" * 201))
    assert [(found.rule, found.severity) for found in report.findings] == [("EDX-SCH-15", Severity.WARNING)]
    assert report.findings[0].vi == "DocumentId dài 201 ký tự; có nơi nhận chỉ lưu được 200."
    assert report.refusal == ""


def test_missing_sender_and_recipient_keep_the_parsers_own_codes(inspected: Inspect) -> None:
    """What the parser refused by a more exact code stays so."""
    assert inspected(DOCUMENT, without("From/OrganId")).refusal == "sender_missing"
    assert inspected(DOCUMENT, without("To")).refusal == "recipients_missing"


def test_attachment_named_in_the_manifest_but_absent_is_refused(inspected: Inspect) -> None:
    """Manifest and attachments must agree."""
    report = inspected(DOCUMENT, without("AttachmentEncoded/Attachment"))
    assert report.refusal == "attachment_missing"


def test_attachment_absent_from_the_manifest_is_a_finding(inspected: Inspect) -> None:
    """A file beyond the manifest is taken and told."""
    report = inspected(DOCUMENT, without("edXMLManifest/Reference"))
    assert report.refusal == ""
    assert "EDX-ATT-06" in [found.rule for found in report.findings]


def test_one_element_is_not_told_twice(inspected: Inspect) -> None:
    """A schema's warning on an element the parser already spoke of is left out."""
    report = inspected(DOCUMENT, saying("PromulgationDate", "2018/02/30"))
    paths = [found.path for found in report.findings]
    assert len(paths) == len(set(paths)) == 1


def test_file_that_is_no_edxml_is_refused_by_the_parser(tmp_path: Path) -> None:
    """Without an envelope there is nothing to judge; the parser's answer stands."""
    path = tmp_path / "message.edxml"
    path.write_bytes(b"<html/>")
    report = inspect(str(path), ParseLimits(), "full", NOW)
    assert (report.envelope, report.refusal) == (None, "not_edxml")


def test_message_behind_an_offset_is_inspected(inspected: Inspect) -> None:
    """A body file has a header of its own in front."""
    assert inspected(DOCUMENT, body=True).findings == ()


def test_unknown_mode_is_a_programming_error(inspected: Inspect) -> None:
    """There are two depths."""
    with pytest.raises(ValueError, match="deep"):
        inspected(DOCUMENT, mode="deep")
