"""Multipart submissions: what is taken, and every limit."""

from __future__ import annotations

import msgspec
import pytest

from gateway.api.models import NewDocument
from gateway.api.multipart import PartEnd, PartHead, PartsParser
from gateway.errors import ProblemError, RefusedError
from tests.unit.api.conftest import Server

METADATA = NewDocument(
    sender="H33.01",
    recipients=["000.01.01.H33"],
    code_number="125",
    code_notation="UBND-VP",
    promulgation_date=msgspec.convert("2018-11-01", type=__import__("datetime").date),
    subject="V/v kết nối",
)
JSON = msgspec.json.encode(METADATA)
TYPE = {"Content-Type": "multipart/form-data; boundary=B"}


def part(disposition: str, data: bytes, more: str = "") -> bytes:
    return f"--B\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n".encode() + data + b"\r\n"


def file(name: str, data: bytes = b"x", more: str = "") -> bytes:
    return part(f'name="file"; filename="{name}"', data, more)


META = part('name="metadata"', JSON, "Content-Type: application/json\r\n")
END = b"--B--\r\n"


async def test_metadata_and_files_are_taken_with_vietnamese_names(server: Server) -> None:
    """Files arrive in order, byte for byte, under the names the client gave; the spool is empty afterwards."""
    files = [("Công văn.pdf", b"%PDF" + b"a" * 300_000, "application/pdf"), ("b.xlsx", b"PK", "application/zip")]
    async with server.client() as client:
        accepted = await client.submit_parts(METADATA, files, "key")
    assert accepted.deliveries[0].organ_id == "000.01.01.H33"
    assert server.gateway.files == [(name, kind, data) for name, data, kind in files]
    assert list(server.spool.iterdir()) == []


async def test_files_may_come_before_the_metadata(server: Server) -> None:
    """The order of parts is the client's."""
    async with (
        server.http() as session,
        session.post("/api/v1/documents", data=file("a.pdf") + META + END, headers=TYPE) as response,
    ):
        assert response.status == 202


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (META, 400, "body_cut_off"),
        (META + file("a.pdf"), 400, "body_cut_off"),
        (file("a.pdf") + END, 422, "parameter_invalid"),
        (META + META + END, 422, "parameter_invalid"),
        (META + part('name="other"', b"x") + END, 422, "parameter_invalid"),
        (META + file("../../etc/passwd") + END, 422, "parameter_invalid"),
        (META + file("C:\\x\\a.pdf") + END, 422, "parameter_invalid"),
        (META + file("a\x07.pdf") + END, 422, "parameter_invalid"),
        (META + file("a" * 400) + END, 422, "parameter_invalid"),
        (META + part('name="file"', b"x") + END, 422, "parameter_invalid"),
        (META + file("..") + END, 422, "parameter_invalid"),
        (META + file("a") * 4 + END, 400, "request_malformed"),
        (META + file("a", b"x" * 1_000_001) + END, 413, "body_too_large"),
        (META + file("a", more="X-A: " + "x" * 5000 + "\r\n") + END, 400, "request_malformed"),
        (META + file("a", more="".join(f"X-{n}: 1\r\n" for n in range(9))) + END, 400, "request_malformed"),
        (META + file("a", more="Content-Transfer-Encoding: base64\r\n") + END, 400, "request_malformed"),
        (part('name="metadata"', b"{") + END, 400, "request_malformed"),
        (part('name="metadata"', b"{}") + END, 422, "parameter_invalid"),
        (part('name="metadata"', b" " * 1_100_000) + END, 413, "body_too_large"),
        (b"no boundary at all", 400, "request_malformed"),
        (b"", 400, "body_cut_off"),
    ],
)
async def test_bad_multipart_is_refused_and_leaves_nothing(
    server: Server, body: bytes, status: int, code: str
) -> None:
    """Each limit has its code, and no spooled file outlives its request."""
    async with server.http() as session:
        from io import BytesIO

        async with session.post("/api/v1/documents", data=BytesIO(body), headers=TYPE) as response:
            found = await response.json(content_type="application/problem+json")
            assert (response.status, found["code"]) == (status, code), found["detail"]
    assert server.gateway.messages == []
    assert list(server.spool.iterdir()) == []


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=" + "b" * 300])
async def test_unusable_boundary_is_refused(server: Server, kind: str) -> None:
    """Without a boundary of a sane length nothing can be read."""
    async with (
        server.http() as session,
        session.post("/api/v1/documents", data=META + END, headers={"Content-Type": kind}) as response,
    ):
        assert (response.status, (await response.json())["code"]) == (400, "request_malformed")


async def test_wrong_metadata_names_the_parameter(server: Server) -> None:
    """The detail begins with the path of what is wrong."""
    body = part('name="metadata"', JSON.replace(b'"000.01.01.H33"', b'""')) + END
    async with server.http() as session, session.post("/api/v1/documents", data=body, headers=TYPE) as response:
        assert (await response.json())["detail"].startswith("recipients[")


async def test_typed_client_sees_the_problem(server: Server) -> None:
    """The client raises what the server said."""
    async with server.client() as client:
        with pytest.raises(ProblemError) as caught:
            await client.submit_parts(METADATA, [("a/b", b"x", "text/plain")])
    assert caught.value.code == "parameter_invalid"
    assert set(caught.value.texts) == {"vi", "en"}


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_parser_finds_the_same_parts_however_the_body_is_cut(size: int) -> None:
    """Pieces of any size give the same heads and data."""
    body = META + file("Công.pdf", b"\r\n--B-\r\n--" * 20) + END
    parser, heads, data = PartsParser(b"B", 4), [], b""
    for start in range(0, len(body), size):
        for found in parser.feed(body[start : start + size]):
            if isinstance(found, PartHead):
                heads.append((found.field, found.name))
            elif not isinstance(found, PartEnd):
                data += found
    assert parser.complete
    assert heads == [("metadata", ""), ("file", "Công.pdf")]
    assert data == JSON + b"\r\n--B-\r\n--" * 20


def test_parser_refuses_names_that_are_not_utf8() -> None:
    """A name in another encoding is not guessed at."""
    with pytest.raises(RefusedError):
        PartsParser(b"B", 4).feed(b'--B\r\nContent-Disposition: form-data; name="file"; filename="\xff"\r\n\r\n')
