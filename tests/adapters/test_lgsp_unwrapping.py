"""The document is taken out of its JSON whatever its form, and however the answer is cut into pieces."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.lgsp.reply import read_attached
from adapters.lgsp.unwrapping import REST_BYTES_MAX, Unwrapper
from gateway.errors import SourceError

XML = "\ufeff<?xml version='1.0'?>\n<edXML note=\"a\\b\">công văn \U0001f600 \x7f</edXML>\n"
BASE64 = base64.b64encode(XML.encode()).decode()


def answer(**data: object) -> bytes:
    """A success with this data."""
    return json.dumps({"success": True, "message": 'a "b"', "data": data}).encode()


async def unwrapped(content: bytes, size: int = 1 << 18) -> tuple[bytes, bytes]:
    """The document and the rest of an answer that comes in pieces of this size."""
    got = bytearray()

    async def write(piece: bytes) -> None:
        got.extend(piece)

    unwrapper = Unwrapper(write)
    for place in range(0, len(content), size):
        await unwrapper.feed(content[place : place + size])
    rest = await unwrapper.end()
    assert unwrapper.has_document is bool(got)
    return bytes(got), rest


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 13, 64, 1 << 18])
@pytest.mark.parametrize(
    "text",
    [
        XML,
        XML[1:],
        "  \n" + XML[1:],
        BASE64,
        "\n" + "\r\n".join(BASE64[at : at + 7] for at in range(0, len(BASE64), 7)),
    ],
    ids=["mark", "text", "space", "base64", "lines"],
)
async def test_document_comes_out_byte_for_byte(text: str, size: int) -> None:
    """Text as it stands, base64 as what it stands for; the JSON around it is left."""
    attachments = [{"fileContent": "A" * 50}]
    content = answer(docId="D-1", edxml=text, edocCode='"edxml":', attachments=attachments)
    document, rest = await unwrapped(content, size)
    assert document == (XML.encode() if text.lstrip().startswith(BASE64[:4]) else text.encode())
    told = json.loads(rest)
    assert told["data"] == {
        "docId": "D-1",
        "edxml": "",
        "edocCode": '"edxml":',
        "attachments": [{"fileContent": ""}],
    }
    assert told["message"] == 'a "b"'


async def test_unescaped_text_comes_out_too() -> None:
    """Some write UTF-8 as it is, and slashes with a backslash before them."""
    content = json.dumps({"success": True, "data": {"edxml": XML}}, ensure_ascii=False).replace("</", "<\\/")
    assert (await unwrapped(content.encode(), 3))[0] == XML.encode()


@given(text=st.text().map(lambda text: "<" + text), size=st.integers(1, 40), is_ascii=st.booleans())
async def test_any_text_in_any_pieces(text: str, size: int, *, is_ascii: bool) -> None:
    """As the JSON of the standard library spells it."""
    content = json.dumps({"a": text, "edxml": text, "b": text}, ensure_ascii=is_ascii).encode()
    document, rest = await unwrapped(content, size)
    assert document == text.encode()
    assert json.loads(rest) == {"a": text, "edxml": "", "b": text}


@pytest.mark.parametrize("value", [None, "", "  ", 5, [], ["<a/>"], {"x": "<a/>"}, True])
async def test_no_document_is_none(value: object) -> None:
    """The next text is not taken for it."""
    document, rest = await unwrapped(answer(edxml=value, other="<b/>"), 4)
    assert document == b""
    assert json.loads(rest)["data"]["other"] == "<b/>"


@pytest.mark.parametrize(
    "content",
    [
        b'{"edxml": "<a>',
        b'{"edxml": "<a>\\',
        b'{"edxml": "<a>\\u00"}',
        b'{"edxml": "<a>\\x"}',
        b'{"edxml": "<a>\\ud800</a>"}',
        b'{"edxml": "<a>\\ud83d\\u0041</a>"}',
        b'{"edxml": "<a>\\udc00</a>"}',
        b'{"edxml": "YQ"}',
        b'{"edxml": "YQ==YQ=="}',
        b'{"edxml": "%%%%"}',
        b'{"edxml": "a"}',
        b'{"edxml": "<a/>", "edxml": "<b/>"}',
        b'{"other": "' + b"x" * REST_BYTES_MAX + b'"}',
        b'{"edxml": "' + b" " * (REST_BYTES_MAX + 10) + b'"}',
    ],
)
@pytest.mark.parametrize("size", [1, 1 << 18])
async def test_what_is_no_document_raises(content: bytes, size: int) -> None:
    """However it comes; nothing endless is kept in memory."""
    if size == 1 and len(content) > 1000:
        size = 1000
    with pytest.raises(SourceError) as caught:
        await unwrapped(content, size)
    assert caught.value.code == "peer_reply_invalid"


def test_attached_document_is_read_where_there_is_one() -> None:
    """By its name; several are none."""
    pdf, xml = {"fileName": "a.pdf", "fileContent": BASE64}, {"fileName": "d.edXML", "fileContent": BASE64}
    assert read_attached(200, answer(attachments=[pdf, xml])) == XML.encode()
    assert read_attached(200, answer(attachments=[xml | {"fileContent": XML}])) == XML.encode()
    for wrong in ([], [pdf], [xml, xml], [xml | {"fileContent": "%"}], [xml | {"fileContent": ""}], None):
        with pytest.raises(SourceError):
            read_attached(200, answer(attachments=wrong))
