"""What the schemas find, rule by rule, and what they let pass."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from lxml import etree

from gateway.edxml.envelope import Dialect, Finding, MessageKind, Severity
from gateway.edxml.normalise import normalise
from gateway.edxml.profiles import PROFILE_B
from gateway.edxml.schema_files import schema, schema_file, schemas_folder
from gateway.validate_rules import RULES
from gateway.validate_schema import MOST_FINDINGS, Depth, schema_findings
from tests.unit.edxml_write.samples import COMMUNE, DOCUMENT, STATUS
from tests.unit.validate.trees import (
    HEADER,
    MESSAGE,
    NS,
    Spoil,
    at,
    doubled,
    first,
    good,
    saying,
    tree,
    without,
)

DOC, STA = MessageKind.DOCUMENT, MessageKind.STATUS
ATTACHMENT = "edXML/AttachmentEncoded/Attachment"
REFERENCE = "edXML/edXMLEnvelope/edXMLBody/edXMLManifest/Reference"
TRACE = f"{HEADER}/TraceHeaderList"


def judged(
    root: etree._Element, kind: MessageKind, dialect: Dialect = Dialect.A, depth: Depth = Depth.FULL
) -> list[Finding]:
    return schema_findings(root, kind, dialect, depth)


def ids(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(found.rule, found.path) for found in findings]


ERRORS: list[tuple[MessageKind, Spoil, str, str]] = [
    (DOC, without("From/OrganId"), "EDX-SCH-01", f"{MESSAGE}/From/OrganId"),
    (DOC, without("To/OrganId"), "EDX-SCH-01", f"{MESSAGE}/To/OrganId"),
    (DOC, without("To"), "EDX-SCH-01", f"{MESSAGE}/To"),
    (DOC, without("MessageHeader/Subject"), "EDX-SCH-01", f"{MESSAGE}/Subject"),
    (DOC, without("ContentTransferEncoded"), "EDX-SCH-01", f"{ATTACHMENT}/ContentTransferEncoded"),
    (DOC, saying("From/OrganId", " "), "EDX-SCH-02", f"{MESSAGE}/From/OrganId"),
    (DOC, saying("To/OrganId", ""), "EDX-SCH-02", f"{MESSAGE}/To/OrganId"),
    (DOC, saying("MessageHeader/Subject", ""), "EDX-SCH-02", f"{MESSAGE}/Subject"),
    (DOC, doubled("MessageHeader/From"), "EDX-SCH-03", f"{MESSAGE}/From"),
    (DOC, doubled("MessageHeader/DocumentId"), "EDX-SCH-03", f"{MESSAGE}/DocumentId"),
    (DOC, doubled("MessageHeader/Subject"), "EDX-SCH-03", f"{MESSAGE}/Subject"),
    (STA, without("From/OrganId"), "EDX-SCH-01", f"{MESSAGE}/From/OrganId"),
    (STA, without("ResponseFor"), "EDX-SCH-01", f"{MESSAGE}/ResponseFor"),
    (STA, without("StatusCode"), "EDX-SCH-01", f"{MESSAGE}/StatusCode"),
    (STA, saying("StatusCode", ""), "EDX-SCH-02", f"{MESSAGE}/StatusCode"),
    (STA, doubled("StatusCode"), "EDX-SCH-03", f"{MESSAGE}/StatusCode"),
]

_USUAL = [
    "From/OrganName", "To/OrganName", "DocumentId", "Code/CodeNumber", "Code/CodeNotation",
    "PromulgationInfo/Place", "PromulgationInfo/PromulgationDate", "DocumentType/Type", "DocumentType/TypeName",
    "SignerInfo/Position", "SignerInfo/FullName", "OtherInfo/Priority", "OtherInfo/SphereOfPromulgation",
    "OtherInfo/TyperNotation", "OtherInfo/PromulgationAmount", "OtherInfo/PageAmount",
]  # fmt: skip
WARNINGS: list[tuple[MessageKind, Spoil, str, str]] = [
    *((DOC, without(f"MessageHeader/{name}"), "EDX-SCH-11", f"{MESSAGE}/{name}") for name in _USUAL),
    (DOC, without("TraceHeader/OrganId"), "EDX-SCH-11", f"{TRACE}/TraceHeader/OrganId"),
    (DOC, without("TraceHeader/Timestamp"), "EDX-SCH-11", f"{TRACE}/TraceHeader/Timestamp"),
    (DOC, without("Bussiness"), "EDX-SCH-11", f"{TRACE}/Bussiness/BussinessDocType"),
    (DOC, without("Reference/ContentId"), "EDX-SCH-11", f"{REFERENCE}/ContentId"),
    (DOC, without("Reference/AttachmentName"), "EDX-SCH-11", f"{REFERENCE}/AttachmentName"),
    (DOC, without("Attachment/ContentId"), "EDX-SCH-11", f"{ATTACHMENT}/ContentId"),
    (DOC, without("Attachment/AttachmentName"), "EDX-SCH-11", f"{ATTACHMENT}/AttachmentName"),
    (DOC, saying("Code/CodeNotation", ""), "EDX-SCH-12", f"{MESSAGE}/Code/CodeNotation"),
    (DOC, saying("PromulgationDate", ""), "EDX-SCH-12", f"{MESSAGE}/PromulgationInfo/PromulgationDate"),
    (DOC, saying("DocumentType/Type", ""), "EDX-SCH-12", f"{MESSAGE}/DocumentType/Type"),
    (DOC, doubled("MessageHeader/Content"), "EDX-SCH-13", f"{MESSAGE}/Content"),
    (DOC, saying("DueDate", "30/11/2018"), "EDX-SCH-14", f"{MESSAGE}/DueDate"),
    (DOC, saying("PromulgationDate", "2018/13/05"), "EDX-SCH-14",
     f"{MESSAGE}/PromulgationInfo/PromulgationDate"),
    (DOC, saying("TraceHeader/Timestamp", "2018/11/05"), "EDX-SCH-14", f"{TRACE}/TraceHeader/Timestamp"),
    (DOC, saying("DocumentId", "x" * 201), "EDX-SCH-15", f"{MESSAGE}/DocumentId"),
    (DOC, saying("From/OrganId", "x" * 51), "EDX-SCH-15", f"{MESSAGE}/From/OrganId"),
    (DOC, saying("MessageHeader/Subject", "x" * 501), "EDX-SCH-15", f"{MESSAGE}/Subject"),
    (DOC, saying("OtherInfo/TyperNotation", "x" * 11), "EDX-SCH-15", f"{MESSAGE}/OtherInfo/TyperNotation"),
    (DOC, saying("OtherInfo/Priority", "5"), "EDX-SCH-16", f"{MESSAGE}/OtherInfo/Priority"),
    (DOC, saying("SteeringType", "3"), "EDX-SCH-16", f"{MESSAGE}/SteeringType"),
    (DOC, saying("BussinessDocType", "4"), "EDX-SCH-16", f"{TRACE}/Bussiness/BussinessDocType"),
    (DOC, saying("Paper", "2"), "EDX-SCH-16", f"{TRACE}/Bussiness/Paper"),
    (DOC, saying("OtherInfo/PageAmount", "-1"), "EDX-SCH-17", f"{MESSAGE}/OtherInfo/PageAmount"),
    (DOC, saying("OtherInfo/PageAmount", "1000000"), "EDX-SCH-17", f"{MESSAGE}/OtherInfo/PageAmount"),
    (DOC, saying("OtherInfo/Direction", "không"), "EDX-SCH-17", f"{MESSAGE}/OtherInfo/Direction"),
    (STA, saying("StatusCode", "1"), "EDX-SCH-16", f"{MESSAGE}/StatusCode"),
    (STA, without("Timestamp"), "EDX-SCH-11", f"{MESSAGE}/Timestamp"),
    (STA, saying("Timestamp", "05/11/2018 10:05:12"), "EDX-SCH-14", f"{MESSAGE}/Timestamp"),
    (STA, without("ResponseFor/DocumentId"), "EDX-SCH-11", f"{MESSAGE}/ResponseFor/DocumentId"),
    (STA, without("ResponseFor/OrganId"), "EDX-SCH-11", f"{MESSAGE}/ResponseFor/OrganId"),
    (STA, without("ResponseFor/Code"), "EDX-SCH-11", f"{MESSAGE}/ResponseFor/Code"),
    (STA, without("ResponseFor/PromulgationDate"), "EDX-SCH-11", f"{MESSAGE}/ResponseFor/PromulgationDate"),
]  # fmt: skip
INFOS: list[tuple[MessageKind, Spoil, str, str]] = [
    (DOC, first("SteeringType"), "EDX-SCH-21", MESSAGE),
    (DOC, first("Bussiness"), "EDX-SCH-21", TRACE),
    (STA, first("Timestamp"), "EDX-SCH-21", MESSAGE),
]


@pytest.mark.parametrize("kind", [DOC, STA])
def test_message_of_our_own_builders_has_no_findings(kind: MessageKind) -> None:
    """What we write in dialect A passes the strict schema as it is."""
    assert judged(good(kind), kind) == []


def test_messages_of_dialect_b_have_no_findings() -> None:
    """What we write in dialect B passes too."""
    assert judged(tree(DOCUMENT, PROFILE_B), DOC, Dialect.B) == []
    assert judged(tree(STATUS, PROFILE_B), STA, Dialect.B) == []


@pytest.mark.parametrize(("kind", "spoil", "rule", "path"), [*ERRORS, *WARNINGS, *INFOS])
def test_one_breach_gives_one_finding_of_its_rule_at_its_element(
    kind: MessageKind, spoil: Spoil, rule: str, path: str
) -> None:
    """Each rule of the schemas finds its breach, and nothing else besides."""
    root = good(kind)
    spoil(root)
    found = judged(root, kind)
    assert (rule, path) in ids(found)
    beside = {other.path for other in found} - {path}
    # A parent taken away also takes what stood in it.
    assert all(other.startswith(path.rpartition("/")[0]) for other in beside)
    assert all("{" not in other.vi + other.en for other in found)


@pytest.mark.parametrize(("kind", "spoil", "rule", "path"), [*WARNINGS, *INFOS])
def test_fast_depth_tells_errors_only(kind: MessageKind, spoil: Spoil, rule: str, path: str) -> None:
    """What is merely unusual passes the lenient schema."""
    root = good(kind)
    spoil(root)
    assert judged(root, kind, depth=Depth.FAST) == []


@pytest.mark.parametrize(("kind", "spoil", "rule", "path"), ERRORS)
def test_what_the_lenient_schema_refuses_is_an_error_at_any_depth(
    kind: MessageKind, spoil: Spoil, rule: str, path: str
) -> None:
    """Errors do not depend on how much is asked."""
    root = good(kind)
    spoil(root)
    assert (rule, path) in ids(judged(root, kind, depth=Depth.FAST))
    assert RULES[rule].severity is Severity.ERROR


def test_all_missing_elements_are_told_at_once() -> None:
    """A gap hides neither another gap nor a wrong value behind it."""
    root = good(DOC)
    for path in ("MessageHeader/Subject", "MessageHeader/Code", "SignerInfo/FullName"):
        without(path)(root)
    saying("OtherInfo/Priority", "9")(root)
    assert {name.removeprefix(f"{MESSAGE}/") for _, name in ids(judged(root, DOC))} == {
        "Subject", "Code/CodeNumber", "Code/CodeNotation", "SignerInfo/FullName", "OtherInfo/Priority",
    }  # fmt: skip


def test_finding_names_which_recipient_it_is_about() -> None:
    """With several To the path and the sentence carry the number."""
    root = tree(replace(DOCUMENT, recipients=(COMMUNE, COMMUNE)))
    root.findall(f".//{{{NS}}}To")[1].remove(root.findall(f".//{{{NS}}}To/{{{NS}}}OrganId")[1])
    (found,) = judged(root, DOC)
    assert found.path == f"{MESSAGE}/To[2]/OrganId"
    assert found.vi == "Thiếu phần tử bắt buộc To[2]/OrganId."
    assert found.en == "The required element To[2]/OrganId is missing."


def test_sentence_says_what_was_expected() -> None:
    """Texts carry the list, the length and the limit."""
    root = good(DOC)
    saying("OtherInfo/Priority", "9")(root)
    saying("OtherInfo/TyperNotation", "x" * 12)(root)
    texts = [found.en for found in judged(root, DOC)]
    assert texts == [
        "The value of Priority is not one of: 0, 1, 2, 3, 4.",
        "TyperNotation has 12 characters; some receivers store only 10.",
    ]


def test_more_findings_than_the_limit_end_in_a_count() -> None:
    """At most fifty findings; the last says how many were left out."""
    root = tree(replace(DOCUMENT, recipients=(replace(COMMUNE, organ_id="x" * 60),) * 80))
    found = judged(root, DOC)
    assert len(found) == MOST_FINDINGS
    assert found[-1].en == "There are 31 more that are not listed."


@pytest.mark.parametrize("uri", ["", "http://www.go.vn/eDoc", "http://www.e-doc.vn/Schema/"])
def test_namespace_and_case_do_not_matter(uri: str) -> None:
    """Another namespace or none, and names in another case, normalise to the same tree."""
    text = etree.tostring(good(DOC)).decode()
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("edXML:", "").replace("Bussiness", "Business")
    text = text.replace("MessageHeader", "messageheader")
    root = etree.fromstring(text.replace("<edXML>", f'<edXML xmlns="{uri}">' if uri else "<edXML>"))
    assert judged(root, DOC) == []


def test_vendor_extensions_are_not_remarked_on() -> None:
    """Elements no schema knows are left to the parser."""
    root = good(DOC)
    header = at(root, "MessageHeader")
    header.insert(3, etree.fromstring(f'<ResponseForTask xmlns="{NS}"><x/></ResponseForTask>'))
    header.insert(0, etree.Comment("x"))
    assert judged(root, DOC) == []


def test_status_of_the_provincial_soap_dialect_is_judged_by_the_lenient_schema_only() -> None:
    """Dialect D: blocks are found in the SOAP header, its date forms are no warning."""
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    inner = "".join(
        f"<e:{name}>{text}</e:{name}>"
        for name, text in (
            ("ResponseFor", "<e:OrganId>H33</e:OrganId>"),
            ("From", "<e:OrganId>H33.21</e:OrganId>"),
            ("StatusCode", "03"),
            ("Timestamp", "05/11/2018 10:00:00"),
        )
    )
    root = etree.fromstring(
        f'<s:Envelope xmlns:s="{soap}" xmlns:e="{soap}"><s:Header><e:Status>{inner}</e:Status></s:Header>'
        "<s:Body/></s:Envelope>"
    )
    assert judged(root, STA, Dialect.D) == []
    without_code = re.sub("<e:StatusCode.*</e:StatusCode>", "", etree.tostring(root).decode())
    assert ids(judged(etree.fromstring(without_code), STA, Dialect.D)) == [("EDX-SCH-01", f"{MESSAGE}/StatusCode")]


def test_message_without_any_block_is_an_error_not_a_crash() -> None:
    """A tree that holds nothing of ours lacks its message header."""
    found = judged(etree.fromstring("<edXML/>"), DOC)
    assert ids(found) == [("EDX-SCH-01", MESSAGE)]


def test_attribute_that_no_schema_knows_is_dropped_by_normalising() -> None:
    """An xsi:type cannot turn a check off."""
    root = good(DOC)
    xsi = "{http://www.w3.org/2001/XMLSchema-instance}type"
    at(root, "MessageHeader/Subject").set(xsi, "anyType")
    saying("MessageHeader/Subject", "")(root)
    assert ids(judged(root, DOC)) == [("EDX-SCH-02", f"{MESSAGE}/Subject")]


@pytest.mark.parametrize("kind", [DOC, STA])
def test_normalising_twice_changes_nothing(kind: MessageKind) -> None:
    """The canonical form is a fixed point."""
    once = normalise(good(kind), kind).root
    assert etree.tostring(normalise(once, kind).root) == etree.tostring(once)


@pytest.mark.parametrize("kind", [DOC, STA])
def test_lenient_schema_takes_whatever_the_strict_one_takes(kind: MessageKind) -> None:
    """Step 1 may stop at the strict schema because it implies the lenient one."""
    for profile in (None, PROFILE_B):
        root = good(kind) if profile is None else tree(STATUS if kind is STA else DOCUMENT, profile)
        assert schema(kind, strict=True).validate(root)
        assert schema(kind, strict=False).validate(root)


def test_catalog_names_every_schema_and_nothing_else() -> None:
    """`catalog.xml` resolves to files that exist, one per schema."""
    folder = schemas_folder() / "edxml"
    entries = etree.parse(str(folder / "catalog.xml")).getroot()
    files = {folder / str(entry.get("uri")) for entry in entries.iterchildren("*")}
    assert files == {schema_file(kind, strict=strict) for kind in MessageKind for strict in (True, False)}
