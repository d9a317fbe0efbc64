"""What is built is read back equal: fields, attachments, renditions."""

from __future__ import annotations

import hashlib
import io
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.edxml.builder import AttachmentSource, build_status, write_document
from gateway.edxml.builder_header import format_date, format_instant
from gateway.edxml.envelope import (
    Attachment,
    Business,
    BusinessType,
    Dialect,
    Envelope,
    MessageKind,
    ParseReport,
    Party,
    Receiver,
    Replacement,
    ResponseFor,
    Severity,
    StaffInfo,
    TraceHeader,
)
from gateway.edxml.limits import ParseLimits
from gateway.edxml.parser import parse_file
from gateway.edxml.profiles import PROFILE_A, PROFILE_B, Profile
from gateway.edxml.rendition import write_rendition
from tests.unit.edxml_write.samples import DOCUMENT, attachment


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=40).map(
    _clean
)
FILLED = TEXT.map(lambda text: text or "Mẫu")
ORGAN_ID = st.from_regex(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}", fullmatch=True)
CODE = st.from_regex(r"[1-9][0-9]{0,3}/[A-Z]{2,6}-[A-Z]{2,4}", fullmatch=True)
DAY = st.dates(date(1980, 1, 1), date(2090, 1, 1))
INSTANT = st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1)).map(  # noqa: DTZ001 given a zone below
    lambda naive: naive.replace(microsecond=0, tzinfo=UTC)
)
PARTY = st.builds(
    Party,
    organ_id=ORGAN_ID,
    organization_in_charge=TEXT,
    organ_name=FILLED,
    organ_add=TEXT,
    email=TEXT,
    telephone=TEXT,
    fax=TEXT,
    website=TEXT,
)
STAFF = st.builds(StaffInfo, department=FILLED, staff=TEXT, email=TEXT, mobile=TEXT)


@st.composite
def _answered(draw: st.DrawFn) -> ResponseFor:
    day = draw(DAY)
    return ResponseFor(
        organ_id=draw(ORGAN_ID),
        code=draw(CODE),
        promulgation_date=day,
        promulgation_date_text=format_date(day, ""),
        document_id=draw(FILLED),
    )


@st.composite
def _trace(draw: st.DrawFn) -> TraceHeader:
    at = draw(INSTANT)
    return TraceHeader(organ_id=draw(ORGAN_ID), timestamp=at, timestamp_text=format_instant(at, ""))


@st.composite
def _business(draw: st.DrawFn) -> Business:
    kind = draw(st.sampled_from(BusinessType))
    updates = kind is BusinessType.UPDATE
    return Business(
        type=kind,
        type_text=kind.value,
        reason=draw(TEXT),
        paper=draw(st.booleans()),
        document_id=draw(FILLED) if updates else "",
        document_changed=updates and draw(st.booleans()),
        receivers_changed=updates and draw(st.booleans()),
        receivers=tuple(
            draw(st.lists(st.builds(Receiver, organ_id=ORGAN_ID, receiver_type=st.sampled_from("01")), max_size=2))
            if updates
            else ()
        ),
        replacements=tuple(
            draw(
                st.lists(
                    st.builds(
                        Replacement,
                        document_id=FILLED,
                        organ_ids=st.lists(ORGAN_ID, max_size=2, unique=True).map(tuple),
                    ),
                    max_size=2,
                )
            )
            if kind is BusinessType.REPLACEMENT
            else ()
        ),
        staff=draw(st.none() | STAFF),
    )


@st.composite
def documents(draw: st.DrawFn) -> Envelope:
    """Any document as the parser would tell it, save what depends on the dialect."""
    day = draw(DAY)
    return Envelope(
        kind=MessageKind.DOCUMENT,
        dialect=Dialect.A,
        sender=draw(PARTY),
        recipients=tuple(draw(st.lists(PARTY, min_size=1, max_size=4, unique_by=lambda party: party.organ_id))),
        document_id=draw(FILLED),
        code_number=draw(FILLED),
        code_notation=draw(TEXT),
        place=draw(TEXT),
        promulgation_date=day,
        promulgation_date_text=format_date(day, ""),
        doc_type=draw(st.integers(1, 32).map(str)),
        doc_type_detail=draw(st.sampled_from(["", "0", "3"])),
        doc_type_name=draw(TEXT),
        subject=draw(FILLED),
        content=draw(TEXT),
        competence=draw(TEXT),
        position=draw(TEXT),
        signer=draw(TEXT),
        due_date=draw(st.none() | DAY),
        to_places=tuple(draw(st.lists(FILLED, max_size=3))),
        priority=draw(st.integers(0, 4)),
        sphere=draw(TEXT),
        typer=draw(TEXT),
        copies=draw(st.none() | st.integers(0, 500)),
        pages=draw(st.none() | st.integers(0, 500)),
        direction=draw(st.none() | st.booleans()),
        appendixes=tuple(draw(st.lists(FILLED, max_size=2))),
        steering_type=draw(st.integers(0, 2)),
        responses_for=tuple(draw(st.lists(_answered(), max_size=2))),
        business=draw(_business()),
        traces=tuple(draw(st.lists(_trace(), min_size=1, max_size=3))),
    )


@st.composite
def statuses(draw: st.DrawFn) -> Envelope:
    """Any status."""
    at = draw(INSTANT)
    code = draw(st.sampled_from(["01", "02", "03", "04", "05", "06", "13", "15", "16"]))
    return Envelope(
        kind=MessageKind.STATUS,
        dialect=Dialect.A,
        sender=draw(PARTY),
        responses_for=(draw(_answered()),),
        staff=draw(st.none() | STAFF),
        status_code=code,
        status_code_text=code,
        status_description=draw(FILLED),
        status_at=at,
        status_at_text=format_instant(at, ""),
    )


FILES = st.lists(
    st.builds(
        attachment,
        data=st.binary(min_size=1, max_size=300).filter(lambda data: not data.startswith(b"PK\x03\x04")),
        name=st.builds(
            "{}.{}".format, st.text("abcđê ._-", min_size=1, max_size=20), st.sampled_from(["pdf", "doc"])
        ).map(_clean),
        content_type=st.sampled_from(["application/pdf", "application/msword"]),
    ),
    max_size=3,
).map(
    lambda files: [
        replace(source, content_id=f"id-{number}", description=_clean(source.description))
        for number, source in enumerate(files)
    ]
)
PROFILES = st.sampled_from(
    [PROFILE_A, PROFILE_B, Profile(zip_attachments=False), Profile(dialect=Dialect.B, zip_attachments=True)]
)


def read(data: bytes) -> ParseReport:
    """The parser's report about some bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "message.edxml"
        path.write_bytes(data)
        return parse_file(str(path), limits=ParseLimits()).report


def read_well(data: bytes) -> Envelope:
    """The envelope of a message that must not be refused."""
    report = read(data)
    assert not report.refusal, (report.refusal, report.detail)
    assert not [found for found in report.findings if found.severity is Severity.ERROR]
    assert report.envelope is not None
    return report.envelope


def content_of(source: AttachmentSource) -> bytes:
    with source.open() as stream:
        return stream.read()


def as_read(envelope: Envelope, profile: Profile, attachments: tuple[Attachment, ...] = ()) -> Envelope:
    """What the parser is to tell of `envelope` once it was written under `profile`."""
    unknown = 0 if profile.dialect is Dialect.A and envelope.kind is MessageKind.DOCUMENT else None
    return replace(
        envelope,
        dialect=profile.dialect,
        copies=unknown if envelope.copies is None else envelope.copies,
        pages=unknown if envelope.pages is None else envelope.pages,
        attachments=attachments,
    )


def assert_same_files(attachments: Sequence[Attachment], files: Sequence[AttachmentSource]) -> None:
    assert [
        (one.number, one.name, one.content_id, one.description, one.size, one.sha256) for one in attachments
    ] == [
        (
            number,
            source.name,
            source.content_id,
            source.description,
            len(content_of(source)),
            hashlib.sha256(content_of(source)).hexdigest(),
        )
        for number, source in enumerate(files, start=1)
    ]


@settings(deadline=None, max_examples=80)
@given(documents(), FILES, PROFILES)
def test_built_document_reads_back_with_equal_fields_and_attachments(
    envelope: Envelope, files: list[AttachmentSource], profile: Profile
) -> None:
    """Nothing is lost or changed between an envelope, its bytes and the envelope read from them."""
    out = io.BytesIO()
    write_document(out, envelope, files, profile)
    found = read_well(out.getvalue())
    assert found == as_read(envelope, profile, found.attachments)
    assert_same_files(found.attachments, files)


@settings(deadline=None, max_examples=60)
@given(statuses(), st.sampled_from([PROFILE_A, PROFILE_B]))
def test_built_status_reads_back_with_equal_fields(envelope: Envelope, profile: Profile) -> None:
    """A status says the same before and after; A and B do not differ once no attribute tells them apart."""
    found = read_well(build_status(envelope, profile))
    assert replace(found, dialect=Dialect.A) == as_read(envelope, PROFILE_A)


@settings(deadline=None, max_examples=30)
@given(documents(), FILES)
def test_rendition_in_the_other_dialect_keeps_fields_and_attachment_digests(
    envelope: Envelope, files: list[AttachmentSource]
) -> None:
    """A rendition from B to A and back says what the original said."""
    original = io.BytesIO()
    write_document(original, envelope, files, PROFILE_B)
    first = read_well(original.getvalue())
    rendered = io.BytesIO()

    def extract(one: Attachment) -> io.BytesIO:
        return io.BytesIO(content_of(files[one.number - 1]))

    written = write_rendition(rendered, first, extract, PROFILE_A)
    assert written.sha256 == hashlib.sha256(rendered.getvalue()).hexdigest()
    again = read_well(rendered.getvalue())
    assert again == as_read(replace(first, dialect=Dialect.A), PROFILE_A, again.attachments)
    assert_same_files(again.attachments, files)
    back = io.BytesIO()
    write_rendition(back, again, extract, PROFILE_B)
    by_name = {"pdf": "application/pdf", "doc": "application/msword"}
    assert [one.content_type for one in read_well(back.getvalue()).attachments] == [
        by_name[source.name.rpartition(".")[2]] for source in files
    ]


def test_text_with_markup_and_line_ends_comes_back() -> None:
    """Escaping holds for what XML would otherwise read differently."""
    subject = 'a & b <c> ]]> "d"\te\r\nf\rg'
    out = io.BytesIO()
    write_document(out, replace(DOCUMENT, subject=subject), [], PROFILE_A)
    assert read_well(out.getvalue()).subject == subject
