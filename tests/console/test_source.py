"""The text of a message for eyes: which elements are marked, and that no text makes it go wrong or slow."""

from __future__ import annotations

from time import monotonic

import pytest

from gateway.console.document_source import MOST_BYTES, laid_out
from gateway.edxml.envelope import Finding, Severity

#: Of the half of a megabyte that is laid out: what costs the square of it is seen well before.
_MANY = MOST_BYTES // 4
_HEADER = "edXML/edXMLEnvelope/edXMLHeader/MessageHeader"
MESSAGE = """<?xml version="1.0"?><!-- <MessageHeader><To><OrganId>no element</OrganId></To> -->
<edx:edXML xmlns:edx="x"><edx:edXMLEnvelope><edx:edXMLHeader><edx:MessageHeader>
<edx:From><edx:OrganId>A</edx:OrganId></edx:From><edx:To><edx:OrganId>B</edx:OrganId></edx:To>
<edx:To at="a > b"><edx:OrganId>C</edx:OrganId></edx:To><edx:Subject>two
lines</edx:Subject><edx:Content/><edx:DueDate>D</edx:DueDate>
</edx:MessageHeader><edx:TraceHeaderList><edx:TraceHeader><edx:OrganId>E</edx:OrganId></edx:TraceHeader>
</edx:TraceHeaderList></edx:edXMLHeader></edx:edXMLEnvelope></edx:edXML>"""


def marked(path: str, text: str = MESSAGE) -> list[str]:
    """The lines that a finding there marks."""
    finding = Finding(rule="R", severity=Severity.WARNING, path=path, vi="v", en="e")
    return [line.text.strip() for line in laid_out(text.encode(), [finding]) if line.findings]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (f"{_HEADER}/To[2]/OrganId", "<edx:OrganId>C</edx:OrganId>"),
        (f"{_HEADER}/To[1]/OrganId", "<edx:OrganId>B</edx:OrganId>"),
        (f"{_HEADER}/From/OrganId", "<edx:OrganId>A</edx:OrganId>"),
        (f"{_HEADER}/DueDate", "<edx:DueDate>D</edx:DueDate>"),
        # the blocks stand elsewhere than in the regulation, a single one is numbered, a name is in other letters
        ("edXML/TraceHeaderList/traceheader[1]/OrganId", "<edx:OrganId>E</edx:OrganId>"),
        ("To", "<edx:To>"),
        # what is missing is marked where it should stand
        (f"{_HEADER}/To[1]/Email", "<edx:To>"),
        (f"{_HEADER}/DocumentId", "<edx:MessageHeader>"),
        ("edXML", '<edx:edXML xmlns:edx="x">'),
        ("", None),
        ("edXML/AttachmentEncoded/Attachment[3]", None),
    ],
)
def test_finding_marks_the_element_that_it_means_alone(path: str, line: str | None) -> None:
    """By name and number, not every element of that name; a comment holds none."""
    assert marked(path) == ([] if line is None else [line])


def test_lines_are_as_deep_as_their_elements() -> None:
    """Text over several lines, and what is empty, move nothing."""
    deep = {line.text.strip(): len(line.text) - len(line.text.lstrip()) for line in laid_out(MESSAGE.encode(), [])}
    assert deep["<edx:Subject>two"] == deep["<edx:Content/>"] == deep["<edx:DueDate>D</edx:DueDate>"] == 8
    assert (deep["</edx:MessageHeader>"], deep["</edx:edXML>"], deep['<edx:edXML xmlns:edx="x">']) == (6, 0, 0)


@pytest.mark.parametrize(
    "unit", ["<!--", "<![CDATA[", "<?", '<a"', "<a '", "</", "<a-", "a-", "<a>", "</a>", "> <", '<a b="']
)
def test_what_is_no_xml_is_shown_in_its_time(unit: str) -> None:
    """As much of it as is laid out; a page's thread is not held up."""
    begun = monotonic()
    lines = laid_out((unit * _MANY)[:_MANY].encode(), [])
    assert lines
    assert monotonic() - begun < 20
