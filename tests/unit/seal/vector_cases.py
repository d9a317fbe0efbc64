"""The vectors of `tests/vectors/seal`: each a folder of document, transfer, receipt and expected report.

`python -m tests.unit.seal.vector_cases` writes them; a test compares what lies there with what this makes.
`faults` names every check that must not pass, with its indication: no more, no less.
"""

from __future__ import annotations

import json
import shutil
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from gateway.seal.profile import ECDSA_SHA256, RSA_SHA256
from tests.pki.build import build
from tests.unit.seal.sealing import AT, DOCUMENT, TRANSFER, altered, resigned, sealed

FOLDER: Final = Path(__file__).parents[2] / "vectors" / "seal"
ANCHORS: Final = "anchors"

_FORMAT: Final = "FORMAT_FAILURE"
_SHAPE: Final = {"receipt.shape": _FORMAT}
_BROKEN: Final = {"signature.value": "SIG_CRYPTO_FAILURE"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One vector."""

    name: str
    why: str
    receipt: bytes
    faults: dict[str, str]
    verdict: str = "FAILED"
    document: bytes = DOCUMENT
    transfer: bytes = TRANSFER
    at: datetime = AT

    def files(self) -> dict[str, bytes]:
        """The folder's content."""
        expected = {"why": self.why, "at": self.at.isoformat(), "verdict": self.verdict, "faults": self.faults}
        return {
            "receipt.xml": self.receipt,
            "document.edxml": self.document,
            "transfer.json": self.transfer,
            "expected.json": (json.dumps(expected, indent=2, ensure_ascii=False) + "\n").encode(),
        }


def cases() -> Iterator[Case]:
    """Every vector."""
    yield from _accepted()
    yield from _tampered()
    yield from _wrapped()
    yield from _reshaped()
    yield from _algorithms()
    yield from _certificates()


def _accepted() -> Iterator[Case]:
    for member, why in (
        ("seal-rsa", "RSA-SHA256, as the gateway seals"),
        ("seal-p256", "ECDSA-SHA256 on P-256"),
        ("seal-listed", "the issuer's revocation list does not name the certificate"),
    ):
        name = f"accepted-{member.removeprefix('seal-')}"
        yield Case(name=name, why=why, receipt=sealed(member).encode(), verdict="PASSED", faults={})


def _flipped(raw: bytes, position: int) -> bytes:
    return raw[:position] + bytes((raw[position] ^ 0x01,)) + raw[position + 1 :]


def _tampered() -> Iterator[Case]:
    for member in ("seal-rsa", "seal-p256"):
        kind, receipt = member.removeprefix("seal-"), sealed(member)
        good = receipt.encode()
        yield Case(
            name=f"document-bit-flipped-{kind}", why="one bit of the document differs",
            receipt=good, document=_flipped(DOCUMENT, 70), faults={"document.digest": "HASH_FAILURE"},
        )  # fmt: skip
        yield Case(
            name=f"transfer-bit-flipped-{kind}", why="one bit of the transfer manifest differs",
            receipt=good, transfer=_flipped(TRANSFER, 14), faults={"transfer.digest": "HASH_FAILURE"},
        )  # fmt: skip
        # The letter before the last group of the transfer's DigestValue, within base 64.
        at = good.index(b"</ds:DigestValue>", good.index(b'-T" URI')) - 10
        swapped = b"A" if good[at : at + 1] != b"A" else b"B"
        yield Case(
            name=f"signed-info-altered-{kind}", why="the sealed digest of the manifest was altered",
            receipt=good[:at] + swapped + good[at + 1 :],
            faults={"transfer.digest": "HASH_FAILURE", **_BROKEN},
        )  # fmt: skip
        yield Case(
            name=f"signed-properties-altered-{kind}", why="the claimed time was moved by a second",
            receipt=altered(receipt, "09:30:00Z", "09:30:01Z").encode(),
            faults={"properties.digest": "HASH_FAILURE"},
        )  # fmt: skip
        at = good.index(b"<ds:SignatureValue>") + 40
        swapped = b"A" if good[at : at + 1] != b"A" else b"B"
        yield Case(
            name=f"signature-value-altered-{kind}", why="the signature value was altered",
            receipt=good[:at] + swapped + good[at + 1 :], faults=_BROKEN,
        )  # fmt: skip


_PROPERTIES: Final = r"<xades:SignedProperties .*</xades:SignedProperties>"


def _wrapped() -> Iterator[Case]:
    receipt = sealed()
    declaration, _, body = receipt.partition("\n")
    start, end = receipt.index("<xades:SignedProperties"), receipt.index("</xades:QualifyingProperties>")
    properties = receipt[start:end]
    unreadable = {
        "receipt.ids": _FORMAT, "receipt.names": "SIG_CONSTRAINTS_FAILURE", "document.digest": _FORMAT,
        "transfer.digest": _FORMAT, "certificate.present": "NO_SIGNING_CERTIFICATE_FOUND",
    }  # fmt: skip
    yield Case(
        name="wrapped-in-another-root", why="a good signature somewhere inside another document",
        receipt=f"{declaration}\n<Envelope>{body.strip()}</Envelope>\n".encode(),
        faults={**_SHAPE, **unreadable, "properties.digest": _FORMAT},
    )  # fmt: skip
    later = properties.replace("09:30:00Z", "09:00:00Z")
    moved = altered(receipt, _PROPERTIES, later.replace('-P"', '-X"'))
    yield Case(
        name="signed-properties-moved", why="other properties stand where the signed ones belong",
        receipt=moved.replace("</ds:Object>", f"</ds:Object><ds:Object>{properties}</ds:Object>").encode(),
        faults={**_SHAPE, "receipt.ids": _FORMAT, "properties.digest": _FORMAT},
    )  # fmt: skip
    yield Case(
        name="signed-properties-twice", why="two elements bear the id that the signature refers to",
        receipt=receipt.replace("</ds:Object>", f"</ds:Object><ds:Object>{properties}</ds:Object>").encode(),
        faults={**_SHAPE, "receipt.ids": _FORMAT, "properties.digest": _FORMAT},
    )  # fmt: skip
    identifier = receipt.split('Id="', 1)[1].split('"', 1)[0]
    for number, attribute in enumerate(("ID", "id", "xml:id")):
        decoy = f'<ds:Object><Decoy {attribute}="{identifier}-P"></Decoy></ds:Object>'
        yield Case(
            name=f"id-repeated-{attribute.replace(':', '-')}-{number}",
            why=f"the properties' id stands a second time as {attribute}",
            receipt=receipt.replace("</ds:Object>", f"</ds:Object>{decoy}").encode(),
            faults={**_SHAPE, "receipt.ids": _FORMAT},
        )  # fmt: skip
    signature = body.strip()
    yield Case(
        name="second-signature-inside", why="a signature stands in an object of the signature",
        receipt=receipt.replace("</ds:Object>", f"</ds:Object><ds:Object>{signature}</ds:Object>").encode(),
        faults={
            **_SHAPE, "receipt.ids": _FORMAT, "properties.digest": _FORMAT, "signature.value": _FORMAT,
        },
    )  # fmt: skip
    yield Case(
        name="unsigned-properties-added", why="a receipt of this format has no unsigned properties",
        receipt=receipt.replace(
            "</xades:QualifyingProperties>",
            "<xades:UnsignedProperties></xades:UnsignedProperties></xades:QualifyingProperties>",
        ).encode(), faults=_SHAPE,
    )  # fmt: skip


def _reshaped() -> Iterator[Case]:
    """Files that a holder of a genuine key signed, or that differ where nothing is signed."""
    receipt = sealed()
    head = receipt.index("<ds:Reference Id=")
    first = receipt[head : receipt.index("</ds:Reference>") + len("</ds:Reference>")]
    extra = first.replace('-D"', '-E"').replace("document.edxml", "another.xml")
    yield Case(
        name="fourth-reference", why="a genuine key signed one reference more",
        receipt=resigned(receipt.replace("<ds:Reference Type", f"{extra}<ds:Reference Type")).encode(),
        faults={**_SHAPE, "receipt.ids": _FORMAT, "properties.digest": _FORMAT},
    )  # fmt: skip
    transforms = (
        '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#base64"></ds:Transform>'
        "</ds:Transforms>"
    )
    name = 'URI="document.edxml">'
    yield Case(
        name="transform-on-the-document", why="a genuine key signed the document after a transform",
        receipt=resigned(receipt.replace(name, name + transforms)).encode(),
        faults={**_SHAPE, "receipt.ids": _FORMAT, "document.digest": _FORMAT},
    )  # fmt: skip
    yield Case(
        name="exclusive-canonicalisation", why="another canonical form than this format names",
        receipt=resigned(
            altered(
                receipt,
                r"<ds:CanonicalizationMethod Algorithm=\"[^\"]*\"",
                '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"',
            )
        ).encode(),
        faults=_SHAPE,
    )  # fmt: skip
    yield Case(
        name="reference-to-another-file", why="a genuine key signed a file of another name",
        receipt=resigned(receipt.replace('"document.edxml"', '"file:///etc/passwd"')).encode(),
        faults={"receipt.names": "SIG_CONSTRAINTS_FAILURE"},
    )  # fmt: skip
    yield Case(
        name="identifiers-of-another-document", why="a genuine key signed ids that do not follow the digest",
        receipt=resigned(receipt.replace("S-", "R-")).encode(), faults={"receipt.ids": _FORMAT},
    )  # fmt: skip
    yield Case(
        name="attribute-added", why="xml:lang at the root is inherited by the canonical form",
        receipt=receipt.replace(" Id=", ' xml:lang="vi" Id=', 1).encode(),
        faults=_SHAPE,
    )  # fmt: skip
    yield Case(
        name="white-space-added", why="a receipt that was indented is no longer the sealed file",
        receipt=receipt.replace("<ds:KeyInfo>", "\n  <ds:KeyInfo>").encode(), faults=_SHAPE,
    )  # fmt: skip
    yield Case(
        name="relative-namespace", why="canonicalisation of relative namespaces is undefined",
        receipt=receipt.replace("<ds:Signature ", '<ds:Signature xmlns:x="./void" ').encode(),
        faults={**_SHAPE, "properties.digest": _FORMAT, "signature.value": _FORMAT},
    )  # fmt: skip
    yield from _unreadable(receipt)


def _unreadable(receipt: str) -> Iterator[Case]:
    faults = {
        **_SHAPE, "receipt.ids": _FORMAT, "receipt.names": "SIG_CONSTRAINTS_FAILURE", "document.digest": _FORMAT,
        "transfer.digest": _FORMAT, "properties.digest": _FORMAT,
        "certificate.present": "NO_SIGNING_CERTIFICATE_FOUND",
    }  # fmt: skip
    declaration, _, body = receipt.partition("\n")
    bomb = '<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;&b;&b;">]>'
    altered_files = {
        "document-type-declaration": (f"{declaration}\n{bomb}\n{body}".encode(), "a DTD, before any parser"),
        "comment-in-a-digest": (
            receipt.replace("</ds:DigestValue>", "<!-- --></ds:DigestValue>", 1).encode(),
            "text that readers cut at a comment",
        ),
        "processing-instruction": (receipt.replace("<ds:KeyInfo>", "<?x y?><ds:KeyInfo>").encode(), "a PI"),
        "another-encoding": (
            receipt.replace("UTF-8", "UTF-16").encode("utf-16"),
            "an encoding in which a search for forbidden bytes finds nothing",
        ),
        "cut-off": (receipt.encode()[:2000], "the file ends early"),
        "empty": (b"", "no file at all"),
        "too-large": (receipt.encode() + b" " * 70_000, "larger than any receipt"),
    }
    for name, (content, why) in altered_files.items():
        yield Case(name=f"unreadable-{name}", why=why, receipt=content, faults=faults)


def _algorithms() -> Iterator[Case]:
    constraint = "CRYPTO_CONSTRAINTS_FAILURE"
    rsa = sealed("seal-rsa")
    for name, uri in (
        ("hmac", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
        ("rsa-sha1", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        ("ecdsa-with-an-rsa-key", ECDSA_SHA256),
    ):
        yield Case(
            name=f"method-{name}", why="a signature method that is not allowed with this key",
            receipt=rsa.replace(RSA_SHA256, uri).encode(), faults={"signature.method": constraint},
        )  # fmt: skip
    weak = "http://www.w3.org/2000/09/xmldsig#sha1"
    document = altered(
        sealed(),
        r"(?<=URI=\"document.edxml\"><ds:DigestMethod Algorithm=\")[^\"]*",
        weak,
    )
    yield Case(
        name="digest-sha1", why="a genuine key signed a SHA-1 reference",
        receipt=resigned(document).encode(), faults=_SHAPE,
    )  # fmt: skip
    yield Case(
        name="key-too-short", why="an RSA key of 1024 bits",
        receipt=sealed("seal-weak").encode(),
        faults={"signature.method": constraint},
    )  # fmt: skip


def _certificates() -> Iterator[Case]:
    no_chain = {"certificate.path": "NO_CERTIFICATE_CHAIN_FOUND"}
    outside = {"certificate.validity": "OUT_OF_BOUNDS_NO_POE"}
    claimed = {"signing_time": "SIG_CONSTRAINTS_FAILURE"}
    usage = {"certificate.usage": "CHAIN_CONSTRAINTS_FAILURE"}
    doubtful, wrong = "INDETERMINATE", "FAILED"
    for name, member, why, verdict, faults in (
        ("expired", "seal-expired", "expired at sealing", wrong, {**outside, **no_chain, **claimed}),
        ("not-yet-valid", "seal-not-yet-valid", "valid only later", wrong, {**outside, **no_chain, **claimed}),
        ("wrong-usage", "seal-wrong-usage", "keyUsage without nonRepudiation", wrong, usage),
        ("server-purpose", "seal-server-purpose", "a TLS server's certificate", wrong, usage),
        ("revoked", "seal-revoked", "in its issuer's list", doubtful, {"certificate.revocation": "REVOKED_NO_POE"}),
        ("foreign-ca", "foreign-seal", "leads to a CA that nobody trusts", doubtful, no_chain),
        ("impostor-ca", "impostor-seal", "a CA with the name of ours and another key", doubtful, no_chain),
        ("issued-by-a-leaf", "seal-by-leaf", "issued by a certificate that is no CA", doubtful, no_chain),
        ("expired-ca", "seal-by-expired-ca", "the issuing CA had expired", doubtful, no_chain),
        ("unknown-demand", "seal-critical", "an unknown critical extension", doubtful, no_chain),
        ("path-too-long", "seal-too-deep", "a CA below one that may have none", doubtful, no_chain),
        ("weak-ca", "seal-by-weak-ca", "issued with an RSA key of 1024 bits", doubtful, no_chain),
    ):
        receipt = sealed(member).encode()
        yield Case(name=f"certificate-{name}", why=why, receipt=receipt, verdict=verdict, faults=faults)
    twin = b64encode(build()["seal-twin"].certificate.public_bytes(Encoding.DER)).decode()
    swapped = altered(sealed("seal-rsa"), r"(?<=<ds:X509Data><ds:X509Certificate>)[^<]*", twin)
    yield Case(
        name="certificate-swapped", why="another certificate of the same key was put into KeyInfo",
        receipt=swapped.encode(), faults={"signing_certificate.binding": "SIG_CONSTRAINTS_FAILURE"},
    )  # fmt: skip
    yield Case(
        name="sealed-in-the-future", why="the claimed time is a day after the verification",
        receipt=sealed(signed_at=datetime(2026, 11, 23, 10, tzinfo=UTC)).encode(), faults=claimed,
    )  # fmt: skip


def write(folder: Path) -> None:
    """Write every vector and the anchors, replacing what lies there."""
    for old in folder.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
    build().write_anchors(folder / ANCHORS, "seal-root")
    for case in cases():
        (folder / case.name).mkdir()
        for name, content in case.files().items():
            (folder / case.name / name).write_bytes(content)


if __name__ == "__main__":
    write(FOLDER)
