"""A message read whole gives what streaming it gives, or is streamed."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.edxml import parser
from gateway.edxml.base64stream import Base64Stream, decode
from gateway.edxml.limits import ParseLimits
from gateway.edxml.parser import ParsedMessage, parse_file
from gateway.edxml.scan import Scan
from gateway.edxml.whole import read_whole
from tests.unit.edxml_read.samples import attachment, business, document, parse, reference, status, zipped
from tools.vectors import vector_folders

_SEEDS = [(folder / "input.edxml").read_bytes() for folder in vector_folders()]
_CUT = b"ContentTransferEncoded"
_PDF = "JVBERi0xLjQK"
_PLAIN = document(manifest=reference("1", "a.pdf"), attachments=attachment(_PDF, kind="application/pdf"))
#: Spliced in by the mutations: what the two might see differently.
_TRICKS = (
    b"<", b">", b"/", b'"', b"&", b"&#32;", b"&amp;", b" ", b"\n", b"\r\n", b"\0", b"\xc2\xa0", b"\xc4\x90", b"]]>",
    b"<!---->", b"<![CDATA[ ]]>", b"<?a b?>", b"<ContentTransferEncoded>", b"</ContentTransferEncoded>",
    b"<ContentTransferEncoded/>", b"<contenttransferencoded>AAAA</contenttransferencoded>", b' a=">"', b" a='/'",
    b' xmlns:x="urn:x"', b' xmlns=""', b' xmlns:y="a b"', b' xml:id="1"', b' y:z="1"', b"<x:y/>", b"<a/>",
    b'<x a="<ContentTransferEncoded>AAAA</ContentTransferEncoded>"/>', b"AAAA", b"<!DOCTYPE a>", b"\xff",
    b" \xc4\x90", b"=",
)  # fmt: skip


def _streamed(data: bytes, **limits: int) -> ParsedMessage:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parser, "read_whole", lambda _data, _limits: None)
        return parse(data, **limits)


def _shape(element: etree._Element | None) -> object:
    if element is None:
        return None
    kids = [_shape(kid) for kid in element]
    return element.tag, element.text or "", element.tail or "", sorted(element.items()), kids


def _is_the_same(data: bytes, **limits: int) -> None:
    quick, slow = parse(data, **limits), _streamed(data, **limits)
    assert quick.report == slow.report
    assert _shape(quick.skeleton) == _shape(slow.skeleton)


def _whole(data: bytes, **limits: int) -> Scan | None:
    return read_whole(data, ParseLimits(**limits))


def test_ordinary_messages_are_read_whole() -> None:
    """Otherwise this file would prove nothing."""
    indented = _PLAIN.replace(b"><", b">\n  <")
    empty = document(attachments=attachment(""))
    for data in (_PLAIN, indented, empty, document(), status("03"), document(traces=business("1"))):
        assert _whole(data) is not None
        _is_the_same(data)


@pytest.mark.parametrize("data", _SEEDS, ids=[folder.name for folder in vector_folders()])
def test_vectors_read_whole_give_the_same(data: bytes) -> None:
    """The same report and the same tree."""
    _is_the_same(data)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([_PLAIN, *_SEEDS]), st.randoms(use_true_random=False))
def test_mutated_messages_read_whole_give_the_same(seed: bytes, chance: random.Random) -> None:
    """What is odd or wrong is seen by both in the same way."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 3)):
        # Mostly around the attachments, and at the seams of tags.
        begin = (
            data.find(_CUT, chance.randrange(len(data) + 1))
            if chance.random() < 0.4
            else chance.randrange(len(data) + 1)
        )
        at = data.find(chance.choice((b"<", b">")), max(0, begin)) + chance.choice((0, 1, 1, 2))
        length = chance.choice((0, 0, 0, 1, 4))
        data[at : at + length] = chance.choice(_TRICKS)
    _is_the_same(bytes(data))


@pytest.mark.parametrize("trick", _TRICKS, ids=repr)
def test_odd_bytes_at_the_attachment_are_seen_alike(trick: bytes) -> None:
    """Before its tag, in it, in front of, inside and behind its text, and in its end tag."""
    tag = _PLAIN.find(b"<" + _CUT)
    start, end = _PLAIN.find(b">", tag), _PLAIN.find(b"</" + _CUT)
    for at in (
        tag,
        tag + 1,
        tag + 1 + len(_CUT),
        start,
        start + 1,
        start + 6,
        end,
        end + 1,
        end + 2 + len(_CUT),
        end + 30,
    ):
        _is_the_same(_PLAIN[:at] + trick + _PLAIN[at:])


@pytest.mark.parametrize(
    ("data", "limits"),
    [
        (document(attachments=attachment(_PDF).replace("ContentTransferEncoded", "contentTransferEncoded")), {}),
        (document(attachments=attachment(zipped(("a.pdf", bytes(3_000_000))))), {}),
        (document(attachments=attachment(_PDF) * 3), {"max_attachments": 2}),
        (_PLAIN, {"max_attachment_bytes": 4}),
        (document(attachments=attachment(_PDF) * 3), {"max_total_attachment_bytes": 20}),
        (_PLAIN, {"max_header_bytes": 200}),
        (_PLAIN, {"max_depth": 3}),
    ],
    ids=["spelt otherwise", "bomb", "too many", "too large", "too large in all", "header", "depth"],
)
def test_what_is_refused_is_refused_by_the_streaming_pass(data: bytes, limits: dict[str, int]) -> None:
    """One pass alone says why."""
    assert _whole(data, **limits) is None
    _is_the_same(data, **limits)


@pytest.mark.parametrize("count", [16, 17])
def test_namespaces_and_attributes_have_the_same_limits(count: int) -> None:
    """Sixteen declarations and sixty-four attributes on one element."""
    declared = "".join(f' xmlns:n{number}="urn:{number}"' for number in range(count - 1))
    _is_the_same(_PLAIN.replace(b"<MessageHeader", f"<MessageHeader{declared}".encode()))
    written = "".join(f' a{number}="1"' for number in range(count * 4))
    _is_the_same(_PLAIN.replace(b"<MessageHeader", f"<MessageHeader{written}".encode()))


def test_a_name_the_tree_does_not_take_is_streamed() -> None:
    """So are a type by name and an identifier, which a tree understands."""
    for oddity in (b' xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="a"', b' xml:id="a"'):
        data = _PLAIN.replace(b"<MessageHeader", b"<MessageHeader" + oddity)
        assert _whole(data) is None
        _is_the_same(data)


def _in_pieces(text: bytes) -> bytes | None:
    out: list[bytes] = []
    stream = Base64Stream(out.append)
    stream.feed(text.decode("latin-1"))
    stream.finish()
    return None if stream.problem else b"".join(out)


@pytest.mark.parametrize("text", [b"QUJD", b"QUJDQQ==", b"QUJDQUE=", b"QUJDQR==", b"QUJDREVG\r\n QUJD\n"])
def test_base64_is_as_strict_whole_as_in_pieces(text: bytes) -> None:
    """Every byte at every place, and all sorts of padding."""
    tried = [text[:at] + bytes([byte]) + text[at + 1 :] for at in range(len(text)) for byte in range(256)]
    tried += [text[:at] + b"=" * count + text[at:] for at in range(len(text) + 1) for count in range(1, 6)]
    tried += [text[:at] for at in range(len(text))]
    tried += [
        text[:at] + escape + text[at:] for at in range(len(text)) for escape in (b"\\u0041", b"\\/", b'" ', b'","')
    ]
    for one in tried:
        assert decode(one) == _in_pieces(one), one


def test_a_file_longer_than_a_piece_is_streamed(tmp_path: Path) -> None:
    """What follows a whole message is seen."""
    path = tmp_path / "long.edxml"
    path.write_bytes(_PLAIN + b" " * 70_000 + b"<")
    assert parse_file(str(path), limits=ParseLimits()).report.refusal == "xml_not_wellformed"


class _Dripping(io.BytesIO):
    """Gives less than is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(len(_PLAIN) if size is None or size < 0 else min(size, len(_PLAIN)))


def test_a_short_read_is_not_the_end() -> None:
    """A source may give less than a piece and still have more."""
    message = parser.parse_stream(_Dripping(_PLAIN + b"<"), limits=ParseLimits())
    assert message.report.refusal == "xml_not_wellformed"
