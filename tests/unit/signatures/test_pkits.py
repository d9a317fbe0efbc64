"""Paths of NIST's suite: no signer's certificate and no seal's is believed that the suite calls invalid."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zipfile import ZipFile

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from gateway.seal.path import check_certificate
from gateway.seal.report import Check, Verdict
from gateway.seal.trust import Anchor, TrustPurpose, TrustStore
from gateway.signatures.model import Gathered
from gateway.signatures.path import Brought, check_signer

FOLDER = Path(__file__).parents[2] / "vectors" / "public" / "pkits"
AT = datetime(2020, 1, 1, tzinfo=UTC)
_TEST = re.compile(r"certs/(Valid|Invalid)(.+Test\d+)EE\.crt")


class Suite:
    """Its certificates and lists, and which of them stand on the way from a certificate to the root."""

    def __init__(self) -> None:
        with ZipFile(FOLDER / "pkits.zip") as file:
            found = {name: file.read(name) for name in file.namelist()}
        self.files = {name: der for name, der in found.items() if name.startswith("certs/")}
        self.lists = [der for name, der in found.items() if name.startswith("crls/")]
        self.root = x509.load_der_x509_certificate(found["certs/TrustAnchorRootCertificate.crt"])
        self._by_subject: dict[str, list[bytes]] = {}
        for name, der in self.files.items():
            if not name.endswith("EE.crt") and _is_readable(der):
                self._by_subject.setdefault(_folded(_parsed(der).subject), []).append(der)

    def above(self, der: bytes) -> list[bytes]:
        """CAs that may have issued it, and theirs."""
        todo, found = [der], dict[bytes, None]()
        while todo:
            issuers = self._by_subject.get(_folded(_parsed(todo.pop()).issuer), [])
            todo += [each for each in issuers if each not in found]
            found |= dict.fromkeys(issuers)
        return [each for each in found if each != self.files["certs/TrustAnchorRootCertificate.crt"]]


@cache
def _parsed(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def _is_readable(der: bytes) -> bool:
    """Not so those of DSA keys whose parameters are the issuer's."""
    with suppress(ValueError, UnsupportedAlgorithm):
        return bool(_parsed(der).extensions)
    return False


def _folded(name: x509.Name) -> str:
    """Names compare without regard to case and white space [RFC 5280 7.1]."""
    return " ".join(name.rfc4514_string().casefold().split())


def _told(checks: tuple[Check, ...], unexamined: tuple[str, ...] = ()) -> str:
    """PASSED, or the first thing that does not hold."""
    wrong = [f"{each.name} {each.indication}" for each in checks if each.verdict is not Verdict.PASSED]
    return wrong[0] if wrong else "unexamined" if unexamined else "PASSED"


def as_signer(suite: Suite, der: bytes) -> str:
    """As the certificate of somebody who signed."""
    store = TrustStore(purpose=TrustPurpose.SIGNERS, anchors=(Anchor(certificate=suite.root, name="root"),))
    brought = Brought(certificates=tuple(suite.above(der)), crls=tuple(suite.lists))
    return _told(check_signer(_parsed(der), brought, store=store, at=AT, gathered=Gathered(), usage=lambda _: ()))


def as_seal(suite: Suite, der: bytes) -> str:
    """As the certificate of a seal; its own usage aside, which the suite does not know."""
    lists = tuple(x509.load_der_x509_crl(each) for each in suite.lists)
    anchor = Anchor(certificate=suite.root, name="root")
    store = TrustStore(purpose=TrustPurpose.SEAL, anchors=(anchor,), revocations=lists)
    checks, unexamined = check_certificate(
        _parsed(der), tuple(map(_parsed, suite.above(der))), anchors=store, at=AT
    )
    return _told(tuple(each for each in checks if each.name != "certificate.usage"), unexamined)


def told_of_each() -> dict[str, list[str]]:
    """Of each test, by its name: as a signer's certificate, as a seal's."""
    suite, found = Suite(), dict[str, list[str]]()
    for name, der in suite.files.items():
        if test := _TEST.fullmatch(name):
            verdicts = [as_signer(suite, der), as_seal(suite, der)] if _is_readable(der) else ["unreadable"] * 2
            found[test[1] + test[2]] = verdicts
    return found


@pytest.mark.filterwarnings("ignore")
def test_nist_suite_is_judged_as_written_down_and_nothing_invalid_is_believed() -> None:
    """`expected.json` has each verdict; where ours is stricter, the README beside it says why."""
    found = told_of_each()
    assert len(found) == 203
    believed = {name for name, verdicts in found.items() if "PASSED" in verdicts}
    assert not {name for name in believed if name.startswith("Invalid")}
    refused = {name for name, verdicts in found.items() if verdicts[0] != "PASSED" and name.startswith("Valid")}
    assert len(refused) == 10, "what the suite calls valid and a signer's path does not"
    assert found == json.loads((FOLDER / "expected.json").read_bytes())
