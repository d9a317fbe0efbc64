"""The parsers that are fuzzed: for each its seeds, and a function that returns for any bytes at all.

A target lets pass the one error that its parser promises for bytes that are not what they should be; whatever else
it raises is a finding. Imports are made when a target is taken, so that a fuzzer can instrument just that parser.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from tests.fuzz import words
from tests.fuzz.archives import archive_seeds, handover_seeds, open_archive, open_handover
from tests.fuzz.enveloping import enveloped_seeds, open_enveloped
from tests.fuzz.lasting import lasting_seeds, open_lasting

Run = Callable[[bytes], object]

VECTORS: Final = Path(__file__).parents[1] / "vectors"
#: Inputs that once were findings: `FOUND/<target>/<defect>`.
FOUND: Final = VECTORS / "fuzz"
_AT: Final = datetime(2026, 11, 29, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One parser."""

    #: Makes the function; imports what it needs.
    open: Callable[[], Run]
    #: Good and bad inputs to begin with.
    seeds: Callable[[], Iterable[bytes]]
    #: Bytes that a fuzzer would be long in finding.
    words: tuple[bytes, ...] = ()
    most_bytes: int = 1 << 16

    def corpus(self, name: str) -> list[bytes]:
        """Seeds and former findings, each once."""
        found = [path.read_bytes() for path in sorted((FOUND / name).glob("*"))]
        every = [*self.seeds(), *found]
        return list(dict.fromkeys(each for each in every if len(each) <= self.most_bytes))


def _files(*patterns: str) -> Callable[[], Iterable[bytes]]:
    def found() -> Iterable[bytes]:
        for pattern in patterns:
            for path in sorted(VECTORS.glob(pattern)):
                yield path.read_bytes()

    return found


def _edxml() -> Run:
    from gateway.edxml.limits import ParseLimits
    from gateway.edxml.parser import parse_stream
    from gateway.reasons import REASONS

    limits = ParseLimits()

    def run(data: bytes) -> None:
        report = parse_stream(io.BytesIO(data), limits=limits).report
        assert report.envelope is not None or report.refusal in REASONS

    return run


def _xml() -> Run:
    from gateway.seal.trust import TrustPurpose, TrustStore
    from gateway.signatures.model import Gathered
    from gateway.signatures.path import Trust
    from gateway.signatures.xml import verify_xml

    anchors = VECTORS / "signatures" / "anchors"
    trust = Trust(
        signers=TrustStore.load(anchors / "signers", TrustPurpose.SIGNERS),
        stamps=TrustStore.load(anchors / "stamps", TrustPurpose.TSA),
        at=_AT,
    )
    return lambda data: verify_xml(data, trust=trust, gathered=Gathered())


def _pdf() -> Run:
    from gateway.signatures.model import Gathered
    from gateway.signatures.path import Trust
    from gateway.signatures.pdf import verify_pdf

    trust = Trust(signers=None, stamps=None, at=_AT)
    return lambda data: verify_pdf(io.BytesIO(data), where="1", trust=trust, gathered=Gathered())


def _cms() -> Run:
    from gateway.signatures.cms import digest_of, verify_detached
    from gateway.signatures.model import Gathered
    from gateway.signatures.path import Trust

    trust, content = Trust(signers=None, stamps=None, at=_AT), digest_of(b"content")
    return lambda data: verify_detached(data, content, where="1", trust=trust, gathered=Gathered())


def _seal() -> Run:
    from gateway.seal.trust import TrustPurpose, TrustStore
    from gateway.seal.unsigned import archive_imprint, read_unsigned, signature_imprint
    from gateway.seal.verify import verify_export, verify_receipt

    anchors = TrustStore.load(VECTORS / "seal" / "anchors", TrustPurpose.SEAL)

    def run(data: bytes) -> None:
        verify_receipt(data, document_sha256=bytes(32), transfer=b"{}", anchors=anchors, at=_AT)
        verify_export(data, entries={"document.edxml": bytes(32)}, anchors=anchors, at=_AT)
        read_unsigned(data)
        signature_imprint(data)
        archive_imprint(data, sha256())

    return run


def _bundle() -> Run:
    from gateway.bundle.container import Container
    from gateway.verifying.anchors import Anchors
    from gateway.verifying.page import page_of
    from gateway.verifying.verify import verify

    anchors = Anchors.load(VECTORS / "bundles" / "anchors" / "good")

    def run(data: bytes) -> None:
        for given in (anchors, None):
            found = verify(Container.of(data), given, _AT)
            page_of("bundle.asice", found).encode()
            json.dumps(found.shape(), ensure_ascii=False).encode()

    return run


def _note() -> Run:
    from gateway.errors import ProofError, WitnessRefusalError
    from gateway.transparency.checkpoint import Checkpoint, opened
    from gateway.transparency.merkle import EMPTY_ROOT
    from gateway.transparency.note import SignedNote, VerifierKey
    from gateway.transparency.proof import InclusionProof
    from gateway.transparency.tiles import unbundle
    from gateway.transparency.witnessing import judge, read, read_cosignature

    keys = [VerifierKey.parse((VECTORS / "bundles/anchors/good/log.vkey").read_text().strip())]
    text_of: list[Callable[[bytes], object]] = [
        SignedNote.parse,
        Checkpoint.parse,
        unbundle,
        lambda data: opened(data, keys),
        lambda data: InclusionProof.parse(data).verify(sha256(b"leaf").digest(), keys),
        lambda data: judge(read(data, {keys[0].name: keys}), Checkpoint(keys[0].name, 0, EMPTY_ROOT)),
        lambda data: read_cosignature(data, b"text\n", keys[0]),
        lambda data: VerifierKey.parse(data.decode("utf-8", "replace")),
    ]

    def run(data: bytes) -> None:
        for each in text_of:
            with suppress(ProofError, WitnessRefusalError):
                each(data)

    return run


def _witness() -> Run:
    """What logs ask a witness, and what it answers."""
    from gateway.errors import ProofError, WitnessRefusalError
    from gateway.transparency.keys import read_vkeys
    from gateway.transparency.witnessing import judge, read, read_cosignature

    anchors = VECTORS / "bundles/anchors/good"
    (key,) = read_vkeys((anchors / "log.vkey").read_bytes())
    witness = read_vkeys((anchors / "witnesses.vkey").read_bytes())[0]

    def run(data: bytes) -> None:
        with suppress(WitnessRefusalError):
            asked = read(data, {key.name: [key]})
            judge(asked, asked.checkpoint)
        with suppress(ProofError):
            read_cosignature(data, b"text\n", witness)

    return run


def _witness_seeds() -> Iterable[bytes]:
    from tests.bundle.making import checkpoint_of, story

    signed, cosigned = checkpoint_of(story())
    yield b"old 11\n\n" + signed
    yield b"old 4\n" + b"PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n" * 4 + b"\n" + cosigned
    yield cosigned.split(b"\n\n")[1]


def _tsa() -> Run:
    from gateway.errors import StampError
    from gateway.seal.evidence_record import read_record
    from gateway.seal.stamp_token import read_reply, reply_with
    from gateway.seal.timestamp import verify_stamp
    from gateway.seal.trust import TrustPurpose, TrustStore

    anchors = TrustStore.load(VECTORS / "stamps" / "anchors", TrustPurpose.TSA)

    def run(data: bytes) -> None:
        with suppress(StampError):
            token = read_reply(data).token
            verify_stamp(data, token.imprint if token else bytes(32), anchors=anchors, at=_AT)
        verify_stamp(data, bytes(32), anchors=anchors, at=_AT)
        with suppress(StampError):
            record = read_record(data)
            assert record.root
            reply_with(record.token)

    return run


def _receivers() -> Run:
    """What receivers sign: the header fields of a request, and the proofs that are kept of them."""
    from gateway.accounts.receiver_keys import read_key
    from gateway.bundle.receivers import Due, body_of, read, verify_signed
    from gateway.errors import ReceiverProofError, RefusedError
    from gateway.message_signatures import Presented, signed_of

    due = Due(act="acknowledgement", delivery="d", document="", body="")

    def run(data: bytes) -> None:
        with suppress(ReceiverProofError):
            signature = read(data).signature
            if signature is not None:
                body_of(signature)
                verify_signed(signature, due)
        lines = dict(line.partition(": ")[::2] for line in data.decode("latin-1").split("\n"))
        request = Presented(method="POST", target_uri="https://a/inbox/d/ack", fields=lines, body=data)
        with suppress(ValueError):
            found = signed_of(request, "gateway-receiver")
            assert found is None or found.base
        with suppress(RefusedError):
            read_key(data)

    return run


def _receiver_seeds() -> Iterable[bytes]:
    from gateway.bundle.container import Container
    from gateway.client_signature import ReceiverSigner
    from tests.bundle.receiver_cases import OFFICE

    for path in sorted(VECTORS.glob("bundles/receiver-*/bundle.asice")):
        bundle = Container.of(path.read_bytes())
        for name in bundle.entries:
            if name.startswith("evidence/verdicts/receiver-"):
                yield bundle.bytes_of(name)
    headers = ReceiverSigner(private=OFFICE).headers("https://a/inbox/d/ack", document_sha256="ab" * 32, at=_AT)
    yield "\n".join(f"{name.lower()}: {value}" for name, value in headers.items()).encode()
    yield from (path.read_bytes() for path in VECTORS.glob("bundles/anchors/good/receivers/*.pem"))


def _requests() -> Run:
    """Signing requests of agencies, as the process that holds the CA's key gets them."""
    from gateway.enrolment_process import Authority, answer
    from tests.pki.build import build

    root = build()["seal-root"]
    authority = Authority(certificate=root.certificate, key=root.key)

    def run(data: bytes) -> None:
        told = {"operation": "certify", "csr": data.decode("latin-1"), "organ_id": "A", "agency_id": "a", "days": 9}
        assert {"certificate", "refused"} & answer(authority, json.dumps(told).encode(), _AT).keys()
        answer(authority, data, _AT)

    return run


def _request_seeds() -> Iterable[bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    from tests.pki.build import build

    for name in ("seal-rsa", "seal-p256"):
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        yield builder.sign(build()[name].key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _revocation() -> Run:
    from gateway.errors import RevocationError
    from gateway.seal.revocation import is_stale, read_answer
    from gateway.signatures.model import Gathered
    from gateway.signatures.path import Brought, check_signer, forget
    from tests.unit.seal.stamp_cases import pki
    from tests.unit.signatures.test_revocation import CA, LISTED, store

    trusted, members = store(), pki()
    chain = tuple(each.public_bytes(Encoding.DER) for each in (*members[LISTED].sent, members[CA].certificate))

    def run(data: bytes) -> None:
        with suppress(RevocationError):
            answer = read_answer(data)
            assert answer.name
            is_stale(answer, _AT)
        forget()
        brought = Brought(certificates=chain, crls=(data,), ocsps=(data,))
        check_signer(
            members[LISTED].certificate,
            brought,
            store=trusted,
            at=_AT,
            gathered=Gathered(),
            usage=lambda _: (),
        )

    return run


def _revocation_seeds() -> Iterable[bytes]:
    from datetime import timedelta

    from cryptography import x509

    from tests.unit.signatures.test_revocation import CA, LISTED, crl, ocsp_answer

    day = timedelta(days=1)
    for revoked in ({}, {LISTED: _AT - day}):
        yield crl(CA, made=_AT - day, until=_AT + day, revoked=revoked).der
    yield ocsp_answer(LISTED, made=_AT - day, until=_AT + day).der
    yield ocsp_answer(LISTED, made=_AT - day, until=_AT + day, revoked_at=_AT - day).der
    for path in sorted(VECTORS.glob("*/anchors/**/*.crl.pem")):
        yield path.read_bytes()
        yield x509.load_pem_x509_crl(path.read_bytes()).public_bytes(Encoding.DER)


def _replies() -> Run:
    """What the axis, a provincial platform and a security server answer, and the headers of the axis's protocol."""
    from adapters.lgsp import reply as lgsp
    from adapters.lgsp.token import lifetime_of
    from adapters.vxp import reply as vxp
    from adapters.vxp.catalogue_reply import AgencyReply
    from adapters.vxp.endpoint_signature import read_signed
    from adapters.vxp.outcomes import outcome_of_send
    from adapters.vxp.sent_reply import SentReply
    from adapters.xroad import client_reply as xroad
    from gateway.clock import SystemClock
    from gateway.errors import RefusedError, SourceError

    def listed(reply: AgencyReply | SentReply, data: bytes) -> None:
        for piece in (data[: len(data) // 2], data[len(data) // 2 :]):
            list(reply.feed(piece))
        list(reply.end())

    clock = SystemClock()
    parsers: list[Run] = [
        lambda data: vxp.read_list(data, "document"),
        vxp.read_document,
        vxp.accept_settled,
        vxp.read_count,
        vxp.read_list_of,
        lambda data: vxp.require_ok(500, data),
        lambda data: outcome_of_send(200, None, data, clock),
        lambda data: outcome_of_send(503, data.decode("latin-1"), data, clock),
        lambda data: listed(AgencyReply(), data),
        lambda data: listed(SentReply(), data),
        lambda data: lgsp.read_token(200, data),
        lambda data: lifetime_of(data.decode("latin-1")),
        lambda data: lgsp.read_list(200, data, "document", frozenset()),
        lambda data: lgsp.read_attached(200, data),
        lambda data: lgsp.require_done(200, data),
        xroad.read_list,
        lambda data: xroad.require_ok(500, {"X-Road-Error": data.decode("latin-1")}, data),
        lambda data: xroad.require_ok(500, {}, data),
        lambda data: read_signed(
            [(name, value) for name, _, value in (line.partition(b":") for line in data.split(b"\n"))]
        ),
    ]

    def run(data: bytes) -> None:
        for each in parsers:
            with suppress(SourceError, RefusedError):
                each(data)

    return run


def _reply_seeds() -> Iterable[bytes]:
    yield b'{"status":"OK","ErrorCode":"0","ErrorDesc":"","data":[{"docId":"7","from":"A","to":["B"]}]}'
    yield b'{"status":"OK","ErrorCode":"0","data":[{"docId":8,"to":"[\\"B\\"]","messageType":"status"}],"count":2}'
    yield b'{"status":"OK","ErrorCode":"0","DocId":"123","count":"17","data":"PGE+PC9hPg=="}'
    yield b'{"status":"FAIL","ErrorCode":"-3","ErrorDesc":"not registered"}'
    yield (
        b'{"status":"OK","ErrorCode":0,"data":[{"id":1,"pid":null,"code":"000.00.00.H33","name":"x","deleted":false}]}'
    )
    yield (
        b'{"status":"OK","data":[{"senderDocId":5,"toCode":"B","sentTime":"2026-11-29 08:00:00",'
        b'"sendStatus":"done"}]}'
    )
    yield b'{"success":true,"message":"","docId":"9","data":[{"docId":"9","token":"x"}],"token":"abc"}'
    yield b'{"success":false,"message":"no","data":{"docId":"1","status":"x","errorCode":18,"errorDesc":"y"}}'
    yield b'{"items":[{"delivery_id":"d","message_id":"m","sender":"A"}],"more":true,"next":"c"}'
    yield b'{"type":"Server.ServerProxy.AccessDenied","message":"m","detail":"d","code":"c"}'
    yield (
        b'XroadVnpt-sign-header:{"a":"b"}\nXroadVnpt-hash-header:'
        + b"ab" * 32
        + b"\nXroadVnpt-timestamp:29112026T080000"
    )


TARGETS: Final[dict[str, Target]] = {
    "edxml": Target(open=_edxml, seeds=_files("edxml/*/input.edxml"), words=words.EDXML),
    "xmldsig": Target(open=_xml, seeds=_files("signatures/*/input.xml"), words=words.XML),
    "seal": Target(
        open=_seal, seeds=_files("seal/*/receipt.xml", "seal/*/*.xml"), words=words.XML, most_bytes=1 << 15
    ),
    "bundle": Target(
        open=_bundle,
        seeds=_files("bundles/*/bundle.asice", "bundles/absences/*/bundle.asice"),
        words=words.ZIP,
        most_bytes=1 << 17,
    ),
    "archive": Target(open=open_archive, seeds=archive_seeds, words=words.ARCHIVE, most_bytes=1 << 14),
    "handover": Target(open=open_handover, seeds=handover_seeds, words=words.ARCHIVE, most_bytes=1 << 13),
    "note": Target(
        open=_note,
        seeds=lambda: (*_files("bundles/anchors/good/*.vkey")(), *_notes()),
        words=(b"\n\n\xe2\x80\x94 ", b"c2sp.org/tlog-proof@v1\n", b"index ", b"extra ", b"9223372036854775807"),
        most_bytes=1 << 13,
    ),
    "witness": Target(
        open=_witness,
        seeds=_witness_seeds,
        words=(b"\n\n", b"old 0\n", b"\xe2\x80\x94 ", b"9223372036854775807"),
        most_bytes=1 << 13,
    ),
    "tsa": Target(open=_tsa, seeds=_files("stamps/*/reply.tsr"), most_bytes=1 << 14),
    "receivers": Target(
        open=_receivers,
        seeds=_receiver_seeds,
        words=(
            b'signature-input: a=("@method" "@path");created=',
            b"signature: a=:",
            b';keyid="',
            b'"base":"',
            b"\\n",
        ),
        most_bytes=1 << 14,
    ),
    "requests": Target(open=_requests, seeds=_request_seeds, most_bytes=1 << 13),
    "lasting": Target(
        open=open_lasting,
        seeds=lasting_seeds,
        words=(b"<xades:UnsignedProperties>", b"<xades:CRLValues>", b"<xades141:ArchiveTimeStamp "),
    ),
    "revocation": Target(
        open=_revocation, seeds=_revocation_seeds, words=(b"-----BEGIN X509 CRL-----",), most_bytes=1 << 13
    ),
    "enveloped": Target(open=open_enveloped, seeds=enveloped_seeds, most_bytes=1 << 13),
    "cms": Target(open=_cms, seeds=_files("signatures/*/input.p7s"), most_bytes=1 << 14),
    "pdf": Target(open=_pdf, seeds=_files("signatures/*/input.pdf"), words=words.PDF),
    "replies": Target(
        open=_replies,
        seeds=_reply_seeds,
        words=(
            b'"data":',
            b'"status":"OK"',
            b'"ErrorCode":"0"',
            b'"docId":',
            b'"to":',
            b"\\ud800",
            b"[[[[",
            b"1e999",
        ),
        most_bytes=1 << 13,
    ),
}


def _notes() -> Iterable[bytes]:
    from gateway.bundle.container import Container

    good = Container.of((VECTORS / "bundles" / "accepted" / "bundle.asice").read_bytes())
    for name in good.entries:
        if name.endswith((".note", ".tlog-proof")):
            yield good.bytes_of(name)
