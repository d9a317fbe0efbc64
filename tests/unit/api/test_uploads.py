"""Resumable uploads over TLS: tus as a client of others speaks it, and what a client may do wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
from tusclient.client import TusClient

from gateway.seal.trust import TrustPurpose
from tests.fakes.authenticator_fake import caller_of
from tests.fakes.gateway_shapes import ORGAN_IDS, RECIPIENT, SENDER
from tests.unit.api.conftest import DOCUMENT, RECIPIENT_TOKEN, SENDER_TOKEN, Server

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
PATH = "/api/v1/uploads"
LARGE = b"<edXML>" + b"y" * 1_900_000 + b"</edXML>"


def named(name: str, kind: str = "application/pdf") -> str:
    pairs = (("filename", name), ("filetype", kind))
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs)


async def begun(http: aiohttp.ClientSession, length: int, **more: str) -> str:
    headers = {**TUS, "Upload-Length": str(length), **more}
    async with http.post(PATH, headers=headers) as response:
        assert response.status == 201, await response.text()
        return response.headers["Location"]


async def added(http: aiohttp.ClientSession, where: str, offset: int, data: bytes, **more: str) -> tuple[int, str]:
    """Status, and the offset or the reason code."""
    async with http.patch(where, headers={**BYTES, "Upload-Offset": str(offset), **more}, data=data) as response:
        if response.status == 204:
            return 204, response.headers["Upload-Offset"]
        return response.status, (await response.json())["code"]


async def offset_of(http: aiohttp.ClientSession, where: str) -> tuple[int, int]:
    async with http.head(where, headers=TUS) as response:
        return response.status, int(response.headers.get("Upload-Offset", -1))


async def submitted(http: aiohttp.ClientSession, body: Mapping[str, object]) -> tuple[int, dict[str, object], bool]:
    """Status, answer, whether it was given before."""
    async with http.post("/api/v1/submissions", json=body) as response:
        return response.status, await response.json(), "Idempotency-Replayed" in response.headers


async def test_client_of_others_uploads_in_pieces(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """tuspy, which knows nothing of us, sends a file; the document is then accepted from it."""
    anchor = server.pki.anchors(TrustPurpose.TLS) / "root.pem"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(anchor))
    client = TusClient(f"{server.url}{PATH}", headers={"Authorization": f"Bearer {SENDER_TOKEN}"})

    def upload() -> str:
        uploader = client.uploader(
            file_stream=io.BytesIO(LARGE), chunk_size=100_000, metadata={"filename": "a.edxml"}
        )
        uploader.upload()
        return str(uploader.url)

    url = await asyncio.to_thread(upload)
    async with server.http() as http:
        status, answer, again = await submitted(http, {"document": url.rpartition("/")[2]})
    assert (status, again) == (202, False)
    assert answer["sha256"] == hashlib.sha256(LARGE).hexdigest()


async def test_what_came_before_a_break_is_kept_and_told(server: Server) -> None:
    """The line breaks in the middle of a PATCH; the client asks, and goes on from there."""
    async with server.http() as http:
        where = await begun(http, len(LARGE))
        reader, writer = await asyncio.open_connection("localhost", server.port, ssl=server.tls())
        head = f"PATCH {where} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SENDER_TOKEN}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in BYTES.items())
        writer.write(f"{head}Upload-Offset: 0\r\nContent-Length: {len(LARGE)}\r\n\r\n".encode() + LARGE[:1_800_000])
        part = server.uploads.folder / f"{where.rpartition('/')[2]}.part"
        while part.stat().st_size < 1_000_000:  # noqa: ASYNC110 - the server gives no signal of it
            await asyncio.sleep(0.005)
        writer.transport.abort()
        del reader
        async with asyncio.timeout(60):
            while not (offset := (await offset_of(http, where))[1]):  # noqa: ASYNC110 - nor of the break
                await asyncio.sleep(0.01)
        assert 1_000_000 <= offset <= 1_800_000
        assert await added(http, where, offset, LARGE[offset:]) == (204, str(len(LARGE)))
        status, answer, _ = await submitted(http, {"document": where.rpartition("/")[2]})
    assert (status, answer["sha256"]) == (202, hashlib.sha256(LARGE).hexdigest())


async def test_files_of_a_document_are_uploaded_one_by_one(server: Server) -> None:
    """Metadata as with multipart; names and types come with the uploads, in the order that is asked for."""
    metadata = {
        "sender": ORGAN_IDS[SENDER], "recipients": [ORGAN_IDS[RECIPIENT]], "codeNumber": "1", "codeNotation": "VX",
        "promulgationDate": "2026-11-25", "subject": "V/v",
    }  # fmt: skip
    async with server.http() as http:
        ids = []
        for name, data in (("b.pdf", b"second"), ("ă.pdf", b"first")):
            where = await begun(http, len(data), **{"Upload-Metadata": named(name)})
            assert await added(http, where, 0, data) == (204, str(len(data)))
            ids.append(where.rpartition("/")[2])
        status, _, _ = await submitted(http, {"metadata": metadata, "files": ids[::-1]})
    assert status == 202
    assert server.gateway.files == [
        ("ă.pdf", "application/pdf", b"first"),
        ("b.pdf", "application/pdf", b"second"),
    ]


async def test_submission_is_repeated_with_the_same_answer_and_frees_the_disk(server: Server) -> None:
    """A lost 202 is asked for again; the bytes are gone, a piece more is refused."""
    async with server.http() as http:
        where = await begun(http, len(DOCUMENT))
        name = where.rpartition("/")[2]
        await added(http, where, 0, DOCUMENT)
        first = await submitted(http, {"document": name})
        assert await submitted(http, {"document": name}) == (202, first[1], True)
        assert not list(server.uploads.folder.glob("*.part"))
        assert (await added(http, where, len(DOCUMENT), b"x"))[0] == 404
        assert (await submitted(http, {"document": name, "files": []}))[0] == 202
        metadata = {"sender": "a", "recipients": ["b"], "codeNumber": "1", "codeNotation": "x", "subject": "s"}
        other = {"metadata": {**metadata, "promulgationDate": "2026-11-25"}, "files": [name]}
        assert (await submitted(http, other))[0] == 404
    assert [room.size for room in server.rooms] == [0]


async def test_refused_submission_keeps_the_upload_for_another_try(server: Server) -> None:
    """A full disk today is no reason to send a gigabyte again."""
    async with server.http() as http:
        where = await begun(http, len(DOCUMENT))
        await added(http, where, 0, DOCUMENT)
        server.gateway.failures["accept"] = RuntimeError("boom")
        assert (await submitted(http, {"document": where.rpartition("/")[2]}))[0] == 500
        assert (await submitted(http, {"document": where.rpartition("/")[2]}))[0] == 202
    assert not list(server.spool.iterdir())


async def test_upload_of_another_agency_does_not_exist(server: Server) -> None:
    """Neither to be seen, nor continued, given up or submitted."""
    async with server.http() as http, server.http(RECIPIENT_TOKEN) as other:
        where = await begun(http, 10)
        assert (await offset_of(other, where))[0] == 404
        assert (await added(other, where, 0, b"x"))[0] == 404
        async with other.delete(where, headers=TUS) as response:
            assert response.status == 404
        assert (await submitted(other, {"document": where.rpartition("/")[2]}))[0] == 404
        assert await offset_of(http, where) == (200, 0)


async def test_wrong_offset_more_than_announced_and_wrong_digest_are_refused_and_leave_it_as_it_was(
    server: Server,
) -> None:
    """Each says what is wrong; the client goes on from where it stood."""
    wrong = "sha-256=:" + base64.b64encode(bytes(32)).decode() + ":"
    async with server.http() as http:
        where = await begun(http, 10)
        assert await added(http, where, 0, b"01234") == (204, "5")
        assert await added(http, where, 0, b"01234") == (409, "upload_offset_mismatch")
        assert await added(http, where, 5, b"567890") == (413, "body_too_large")
        assert await added(http, where, 5, b"56", **{"Content-Digest": wrong}) == (422, "digest_mismatch")
        assert await offset_of(http, where) == (200, 5)
        assert (await submitted(http, {"document": where.rpartition("/")[2]}))[1]["code"] == "upload_incomplete"
        assert await added(http, where, 5, b"56789") == (204, "10")


async def test_uploads_are_bounded_per_agency_and_in_size(server: Server) -> None:
    """Two may be open here; giving one up makes room; nothing larger than a body is begun."""
    async with server.http() as http, server.http(RECIPIENT_TOKEN) as other:
        first, _ = await begun(http, 10), await begun(http, 10)
        async with http.post(PATH, headers={**TUS, "Upload-Length": "10"}) as response:
            assert (response.status, (await response.json())["code"]) == (429, "uploads_too_many")
        await begun(other, 10)
        async with http.delete(first, headers=TUS) as response:
            assert response.status == 204
        await begun(http, 10)
        async with other.post(PATH, headers={**TUS, "Upload-Length": "3000000"}) as response:
            assert (response.status, (await response.json())["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Upload-Length": "10"}, "tus_version_unsupported"),
        ({"Tus-Resumable": "0.2", "Upload-Length": "10"}, "tus_version_unsupported"),
        (TUS, "parameter_invalid"),
        ({**TUS, "Upload-Length": "-1"}, "parameter_invalid"),
        ({**TUS, "Upload-Length": "10", "Upload-Metadata": "filename !!"}, "parameter_invalid"),
        ({**TUS, "Upload-Length": "10", "Upload-Metadata": named("../a.pdf")}, "parameter_invalid"),
    ],
)
async def test_malformed_beginning_is_refused(server: Server, headers: dict[str, str], code: str) -> None:
    """With its reason; nothing is made."""
    async with server.http() as http, http.post(PATH, headers=headers) as response:
        assert (await response.json())["code"] == code
    assert not list(server.uploads.folder.iterdir())


async def test_beginning_says_where_it_is_and_until_when(server: Server) -> None:
    """And OPTIONS says what the server can."""
    async with server.http() as http:
        async with http.options(PATH) as response:
            assert (response.status, response.headers["Tus-Max-Size"]) == (204, "2000000")
            assert "creation" in response.headers["Tus-Extension"]
        async with http.post(PATH, headers={**TUS, "Upload-Length": "10"}) as response:
            expires = parsedate_to_datetime(response.headers["Upload-Expires"])
    assert timedelta(hours=23) < expires - datetime.now(UTC) <= timedelta(days=1)


async def test_uploads_are_found_again_after_a_crash_and_expire(server: Server) -> None:
    """What is synced counts; what was not told to anybody goes; an old one is swept with its disk."""
    async with server.http() as http:
        where = await begun(http, 10)
        await added(http, where, 0, b"01234")
    folder = server.uploads.folder
    (folder / "never-told.part").write_bytes(b"rest")
    (folder / "damaged.json").write_bytes(b"{")
    again = type(server.uploads)(
        folder=folder, bodies=server.bodies, room=server.uploads.room, clock=server.uploads.clock,
        lifetime=timedelta(0), most=2,
    )  # fmt: skip
    again.load()
    caller, name = caller_of(SENDER), where.rpartition("/")[2]
    assert again.progress(caller, name).offset == 5
    assert server.rooms[-1].size == 5
    assert not (folder / "never-told.part").exists()
    assert await again.sweep() == 0
    short = await again.begin(caller, length=5, name="", content_type="")
    assert await again.sweep() == 1
    assert not list(folder.glob(f"{short.id}*"))
