"""`openssl cms` opens what we write, and we open what it writes: every kind of key and of contents."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gateway.enveloped.entity import head_of
from gateway.enveloped.opening import open_envelope
from gateway.enveloped.reading import read_head
from gateway.enveloped.writing import Content, envelop
from gateway.errors import EnvelopedError
from tests.unit.enveloped.holders import holder, openssl

PLAIN = b"%PDF-1.7\nm\xe1\xba\xadt\n" * 5000
KINDS = ("rsa", "p256", "p384", "p521")


def enveloped(*kinds: str, content: Content = "aes256-gcm", plain: bytes = PLAIN) -> bytes:
    out = io.BytesIO()
    recipients = [holder(kind).certificate for kind in kinds]
    envelop(
        io.BytesIO(plain), len(plain), out, recipients, name="tờ trình.pdf", content_type="application/pdf",
        content=content,
    )  # fmt: skip
    return out.getvalue()


def opened(data: bytes, kind: str, *, named: bool = True) -> tuple[str, str, bytes]:
    out, one = io.BytesIO(), holder(kind)
    told = open_envelope(io.BytesIO(data), out, one.private, one.certificate if named else None)
    return told.name, told.content_type, out.getvalue()


@pytest.mark.parametrize("content", ["aes256-gcm", "aes256-cbc"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_we_write_is_opened_by_openssl(kind: str, content: Content, tmp_path: Path) -> None:
    """With its head, as the one who has the key sees it."""
    certificate, key = holder(kind).files(tmp_path, kind)
    data = enveloped(kind, "rsa2", content=content)
    found = openssl(
        "cms", "-decrypt", "-inform", "DER", "-binary", "-recip", certificate, "-inkey", key, given=data
    )
    assert found == head_of("tờ trình.pdf", "application/pdf") + PLAIN
    assert opened(data, kind) == ("tờ trình.pdf", "application/pdf", PLAIN)
    assert opened(data, kind, named=False)[2] == PLAIN


@pytest.mark.parametrize("stream", [(), ("-stream",)])
@pytest.mark.parametrize("cipher", ["-aes-256-gcm", "-aes-256-cbc", "-aes-128-gcm", "-aes-192-cbc"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_openssl_writes_is_opened_by_us(
    kind: str, cipher: str, stream: tuple[str, ...], tmp_path: Path
) -> None:
    """To two recipients, by its own choice of algorithms; without a head the file has no name."""
    files = [holder(each).files(tmp_path, each)[0] for each in ("rsa2", kind)]
    data = openssl("cms", "-encrypt", "-binary", "-outform", "DER", cipher, *stream, *files, given=PLAIN)
    assert set(read_head(io.BytesIO(data)).keys) < {
        key for each in ("rsa2", kind) for key in holder(each).certificate.keys
    }
    assert opened(data, kind) == ("", "", PLAIN)


@pytest.mark.parametrize(
    "options",
    [
        ("-keyopt", "rsa_padding_mode:oaep"),
        ("-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"),
        ("-keyid",),
    ],
)
def test_openssl_with_oaep_or_key_identifiers(options: tuple[str, ...], tmp_path: Path) -> None:
    """Hashes by default and chosen ones; a recipient named by its key's identifier."""
    file, _ = holder("rsa").files(tmp_path, "rsa")
    before = options if options == ("-keyid",) else ()
    after = () if before else options
    data = openssl(
        "cms",
        "-encrypt",
        "-binary",
        "-outform",
        "DER",
        "-aes-256-gcm",
        *before,
        "-recip",
        file,
        *after,
        given=PLAIN,
    )
    assert opened(data, "rsa")[2] == PLAIN


@pytest.mark.parametrize("hashed", ["sha256", "sha384", "sha512"])
def test_openssl_with_other_hashes_of_the_agreement(hashed: str, tmp_path: Path) -> None:
    """SHA-1 is its default; these are chosen."""
    file, _ = holder("p256").files(tmp_path, "p256")
    data = openssl(
        "cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-gcm", "-recip", file,
        "-keyopt", f"ecdh_kdf_md:{hashed}", given=PLAIN,
    )  # fmt: skip
    assert opened(data, "p256")[2] == PLAIN


def test_two_keys_of_the_old_kind_need_the_certificate(tmp_path: Path) -> None:
    """By PKCS #1 1.5 nobody can tell whether a key fits."""
    files = [holder(each).files(tmp_path, each)[0] for each in ("rsa", "rsa2")]
    data = openssl("cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-gcm", *files, given=PLAIN)
    with pytest.raises(EnvelopedError, match="name the certificate"):
        opened(data, "rsa", named=False)
    assert opened(data, "rsa2")[2] == PLAIN


def test_a_head_that_openssl_was_given_tells_name_and_type(tmp_path: Path) -> None:
    """The page's recipe for senders without our command."""
    file, _ = holder("rsa").files(tmp_path, "rsa")
    whole = head_of("a b.docx", "application/msword") + PLAIN
    data = openssl("cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-gcm", file, given=whole)
    assert opened(data, "rsa") == ("a b.docx", "application/msword", PLAIN)
