"""`gateway encrypt` and `gateway decrypt`, with `openssl cms` on the other side, and what they say to a person."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import BinaryIO

import pytest

from gateway.cli import main
from gateway.edxml.envelope import Attachment, Encryption
from gateway.edxml.extract import extract_attachment
from gateway.edxml.limits import ParseLimits
from gateway.edxml.parser import parse_file
from gateway.edxml.profiles import PROFILE_B
from gateway.edxml.rendition import write_rendition
from tests.journeys.messages import document, status
from tests.unit.enveloped.holders import holder, made, openssl

SENDER, RECIPIENT = "000.00.00.H33", "000.28.23.H33"
PDF = b"%PDF-1.4\nmot trang\n%%EOF\n"


def run(*arguments: str | Path) -> int:
    return main(["--config", "/nowhere/config.toml", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the files of some offices."""
    for kind in ("rsa", "p256", "p384"):
        holder(kind).files(tmp_path, kind)
    return tmp_path


@pytest.mark.parametrize("content", ["aes256-gcm", "aes256-cbc"])
def test_documents_are_encrypted_and_opened_again(
    folder: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Header and subject stay, name and type of the file come back with either key; another key gets nothing."""
    plain, sealed = folder / "a.edxml", folder / "b.edxml"
    plain.write_bytes(document(SENDER, [RECIPIENT], content=PDF))
    to = ("--to", folder / "rsa.pem", "--to", folder / "p256.pem")
    assert run("encrypt", plain, *to, "--content", content, "--out", sealed, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["certificate"] for each in told["recipients"]] == [
        holder(kind).certificate.sha256 for kind in ("rsa", "p256")
    ]
    envelope = parse_file(str(sealed), limits=ParseLimits()).report.envelope
    assert envelope is not None
    before = parse_file(str(plain), limits=ParseLimits()).report.envelope
    assert before is not None
    assert (envelope.subject, envelope.document_id) == (before.subject, before.document_id)
    (attachment,) = envelope.attachments
    assert attachment.name == "tep-1.p7m"
    assert attachment.encryption is not None
    assert attachment.encryption.cipher == content
    assert attachment.encryption.authenticated is (content == "aes256-gcm")
    assert b"mot trang" not in sealed.read_bytes()
    for kind in ("rsa", "p256"):
        out = folder / f"{kind}.edxml"
        assert run("decrypt", sealed, "--key", folder / f"{kind}.key", "--out", out) == 0
        again = parse_file(str(out), limits=ParseLimits()).report.envelope
        assert again is not None
        assert again.attachments[0].encryption is None
        assert again.attachments[0].name == "125.pdf"
        assert again.attachments[0].sha256 == before.attachments[0].sha256
    assert run("decrypt", sealed, "--key", folder / "p384.key", "--out", folder / "none") == 1
    assert "attachment 1: it is not encrypted for this key" in capsys.readouterr().err
    assert not (folder / "none").exists()
    assert not list(folder.glob(".part-*"))


def test_what_is_encrypted_already_stays_as_it_is(folder: Path) -> None:
    """And a second key does not open it."""
    plain, once, twice = folder / "a.edxml", folder / "b.edxml", folder / "c.edxml"
    plain.write_bytes(document(SENDER, [RECIPIENT], content=PDF))
    assert run("encrypt", plain, "--to", folder / "rsa.pem", "--out", once) == 0
    assert run("encrypt", once, "--to", folder / "p256.pem", "--out", twice) == 0
    found = [parse_file(str(file), limits=ParseLimits()).report.envelope for file in (once, twice)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].attachments[0].sha256 == found[1].attachments[0].sha256


def test_single_files_get_their_name_back_in_a_folder(folder: Path) -> None:
    """Never outside it, whatever the sender called them."""
    file, sealed, into = folder / "tờ trình.docx", folder / "x.p7m", folder / "opened"
    file.write_bytes(b"PK\x03\x04 a document")
    into.mkdir()
    assert run("encrypt", file, "--to", folder / "p256.pem", "--out", sealed) == 0
    assert run("decrypt", sealed, "--key", folder / "p256.key", "--cert", folder / "p256.pem", "--out", into) == 0
    assert (into / "tờ trình.docx").read_bytes() == file.read_bytes()
    assert run("decrypt", sealed, "--key", folder / "p256.key", "--out", into) == 2
    assert run("decrypt", sealed, "--key", folder / "p256.key", "--out", folder / "p256.pem") == 2


def test_envelopes_of_openssl_without_a_name_are_called_as_outside(folder: Path) -> None:
    """Its extension off."""
    sealed, into = folder / "bao-cao.pdf.p7m", folder / "opened"
    into.mkdir()
    sealed.write_bytes(
        openssl("cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-gcm", folder / "rsa.pem", given=PDF)
    )
    assert run("decrypt", sealed, "--key", folder / "rsa.key", "--out", into) == 0
    assert (into / "bao-cao.pdf").read_bytes() == PDF


def test_what_cannot_be_used_is_said_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed file, an expired certificate, a key that others may read, a signed document, a status, no edXML."""
    file, sealed, out = folder / "a.pdf", folder / "a.p7m", folder / "out"
    file.write_bytes(PDF)
    assert run("encrypt", file, "--to", folder / "rsa.pem", "--out", sealed) == 0
    data = bytearray(sealed.read_bytes())
    data[-20] ^= 1
    (folder / "changed.p7m").write_bytes(data)
    old = made(holder("rsa").private, days=0.5).files(folder, "old")[0]
    message = folder / "status.edxml"
    message.write_bytes(status(RECIPIENT, "01", sender=SENDER))
    signed = folder / "signed.edxml"
    block = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></edXML>'
    signed.write_bytes(document(SENDER, [RECIPIENT], content=PDF).replace(b"</edXML>", block))
    (folder / "open.key").write_bytes((folder / "rsa.key").read_bytes())
    (folder / "open.key").chmod(0o644)
    for code, words, arguments in (
        (1, "changed on its way", ("decrypt", folder / "changed.p7m", "--key", folder / "rsa.key")),
        (1, "not_edxml", ("decrypt", file, "--key", folder / "rsa.key")),
        (2, "expired on", ("encrypt", file, "--to", old)),
        (2, "no certificate", ("encrypt", file, "--to", file)),
        (1, "status message", ("encrypt", message, "--to", folder / "rsa.pem")),
        (1, "encrypt first, then sign", ("encrypt", signed, "--to", folder / "rsa.pem")),
        (3, "open.key", ("decrypt", sealed, "--key", folder / "open.key")),
        (2, "no private key", ("decrypt", sealed, "--key", folder / "rsa.pem")),
        (2, "no such file", ("encrypt", folder / "none", "--to", folder / "rsa.pem")),
    ):
        capsys.readouterr()
        (folder / "rsa.pem").chmod(0o600)
        assert run(*arguments, "--out", out) == code, arguments
        said = capsys.readouterr().err
        assert words in said
        assert "Traceback" not in said
        assert not out.exists()


def test_attachments_of_any_name_are_noticed_by_their_bytes(folder: Path) -> None:
    """Zipped or not, and whatever they are declared as."""
    sealed = openssl("cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-cbc", folder / "rsa.pem", given=PDF)
    file = folder / "a.edxml"
    file.write_bytes(document(SENDER, [RECIPIENT], content=sealed))
    report = parse_file(str(file), limits=ParseLimits()).report
    assert report.envelope is not None
    (serial,) = [key for key in holder("rsa").certificate.keys if "@" in key]
    assert report.envelope.attachments[0].encryption == Encryption(cipher="aes256-cbc", keys=(serial,))
    assert "EDX-ATT-11" in {each.rule for each in report.findings}


def test_a_rendition_carries_the_encrypted_bytes_as_they_are(folder: Path) -> None:
    """It needs nothing of what is inside: peers of the other dialect get the same envelope, under its own type."""
    plain, sealed = folder / "a.edxml", folder / "b.edxml"
    plain.write_bytes(document(SENDER, [RECIPIENT], content=PDF))
    assert run("encrypt", plain, "--to", folder / "rsa.pem", "--out", sealed) == 0
    before = parse_file(str(sealed), limits=ParseLimits()).report.envelope
    assert before is not None

    def extract(attachment: Attachment) -> BinaryIO:
        out = io.BytesIO()
        extract_attachment(str(sealed), number=attachment.number, out=out, limits=ParseLimits())
        out.seek(0)
        return out

    other = folder / "c.edxml"
    with other.open("wb") as out:
        write_rendition(out, before, extract, PROFILE_B)
    after = parse_file(str(other), limits=ParseLimits()).report.envelope
    assert after is not None
    assert after.attachments[0].sha256 == before.attachments[0].sha256
    assert after.attachments[0].encryption == before.attachments[0].encryption
    assert after.attachments[0].content_type == "application/pkcs7-mime"
