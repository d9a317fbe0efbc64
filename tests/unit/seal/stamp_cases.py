"""The vectors of `tests/vectors/stamps`: each a folder of request, answer and expected report.

`python -m tests.unit.seal.stamp_cases` writes them; a test compares what lies there with what this makes. `faults`
names every check that must not pass, with its indication: no more, no less. A vector with a nonce is an answer to a
request just made, one without is a stored token.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from asn1crypto import tsp

from gateway.seal.timestamp import Asked
from gateway.simulate.tsa.issuing import POLICY, Flaw, Stamper, make_reply
from tests.pki.build import DECLARATION, Pki, build

FOLDER: Final = Path(__file__).parents[2] / "vectors" / "stamps"
ANCHORS: Final = "anchors"
NOTE: Final = b"000.00.00.H33/log\n5\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n"
IMPRINT: Final = hashlib.sha256(NOTE).digest()
AT: Final = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
YEARS_LATER: Final = datetime(2036, 11, 29, tzinfo=UTC)
NONCE: Final = 0x1122334455667788

_SHA256: Final = bytes.fromhex("608648016503040201")
_SHA384: Final = bytes.fromhex("608648016503040202")
_CONSTRAINTS: Final = "SIG_CONSTRAINTS_FAILURE"
_CHAIN: Final = "CHAIN_CONSTRAINTS_FAILURE"


def pki() -> Pki:
    """Authorities, good and bad."""
    return build(DECLARATION.with_name("stamps.toml"))


def stamper(name: str, *, old_certificate_id: bool = False, pss: bool = False) -> Stamper:
    """A member that stamps."""
    member = pki()[name]
    return Stamper(
        key=member.key,
        certificate=member.certificate,
        chain=member.sent,
        old_certificate_id=old_certificate_id,
        pss=pss,
    )


def request(policy: str = "", nonce: int | None = NONCE, *, cert_req: bool = True) -> Asked:
    """A request as `ask` makes it, with a nonce that is always the same."""
    values: dict[str, object] = {
        "version": 1,
        "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": IMPRINT},
        "cert_req": cert_req,
    }
    values |= {"nonce": nonce} if nonce is not None else {}
    values |= {"req_policy": policy} if policy else {}
    return Asked(request=tsp.TimeStampReq(values).dump(), imprint=IMPRINT, nonce=nonce or 0, policy=policy)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One vector."""

    name: str
    why: str
    faults: dict[str, str] = field(default_factory=dict)
    verdict: str = "FAILED"
    who: str = "tsa-p256"
    flaw: Flaw = Flaw.NONE
    policy: str = ""
    cert_req: bool = True
    old_certificate_id: bool = False
    made_at: datetime = AT
    at: datetime = AT
    fresh: bool = True
    raw: bytes | None = None

    def files(self) -> dict[str, bytes]:
        """The folder's content."""
        asked = request(self.policy, cert_req=self.cert_req)
        who = stamper(self.who, old_certificate_id=self.old_certificate_id)
        answer = self.raw
        if answer is None:
            answer = make_reply(asked.request, who, now=self.made_at, serial=4711, flaw=self.flaw)
        expected = {
            "why": self.why,
            "at": self.at.isoformat(),
            "imprint": IMPRINT.hex(),
            "fresh": {"nonce": f"{NONCE:x}", "policy": self.policy} if self.fresh else None,
            "verdict": self.verdict,
            "faults": self.faults,
        }
        told = (json.dumps(expected, indent=2, ensure_ascii=False) + "\n").encode()
        return {"request.tsq": asked.request, "reply.tsr": answer, "expected.json": told}


def cases() -> Iterator[Case]:
    """Every vector."""
    yield from _accepted()
    yield from _answers()
    yield from _signatures()
    yield from _certificates()
    yield from _shapes()


def _accepted() -> Iterator[Case]:
    yield Case(name="accepted-p256", why="ECDSA on P-256, ESSCertIDv2", verdict="PASSED")
    yield Case(name="accepted-rsa", why="RSA-SHA256", who="tsa-rsa", verdict="PASSED")
    yield Case(name="accepted-policy", why="under the policy asked for", policy=POLICY, verdict="PASSED")
    yield Case(
        name="accepted-old-certificate-id", why="ESSCertID of RFC 2634", old_certificate_id=True, verdict="PASSED"
    )
    yield Case(
        name="accepted-years-later", why="the certificate was valid when it stamped and has expired since",
        who="tsa-short", at=YEARS_LATER, fresh=False, verdict="PASSED",
    )  # fmt: skip
    yield Case(name="accepted-listed", why="the list does not name it", who="tsa-listed", verdict="PASSED")
    yield Case(
        name="accepted-superseded-after", why="revoked after it stamped, for a harmless reason",
        who="tsa-superseded-after", at=YEARS_LATER, fresh=False, verdict="PASSED",
    )  # fmt: skip


def _answers() -> Iterator[Case]:
    status = {"stamp.status": _CONSTRAINTS}
    yield Case(name="wrong-imprint", why="over another digest", flaw=Flaw.WRONG_IMPRINT,
               faults={"stamp.imprint": "HASH_FAILURE"})  # fmt: skip
    yield Case(name="wrong-nonce", why="the answer to another request", flaw=Flaw.WRONG_NONCE,
               faults={"stamp.nonce": _CONSTRAINTS})  # fmt: skip
    yield Case(name="no-nonce", why="the nonce was left out", flaw=Flaw.NO_NONCE,
               faults={"stamp.nonce": _CONSTRAINTS})  # fmt: skip
    yield Case(name="wrong-policy", why="under a policy that was not asked for", flaw=Flaw.WRONG_POLICY,
               policy=POLICY, faults={"stamp.policy": _CONSTRAINTS})  # fmt: skip
    yield Case(name="granted-with-mods", why="granted, but not as it was asked for",
               flaw=Flaw.GRANTED_WITH_MODS, faults=status)  # fmt: skip
    yield Case(name="rejected", why="refused", flaw=Flaw.REJECTED, faults=status)
    yield Case(name="granted-without-a-token", why="granted, and nothing came", flaw=Flaw.UNSTAMPED,
               faults={"stamp.status": "FORMAT_FAILURE"})  # fmt: skip
    for name, made_at, fresh in (
        ("time-in-the-future", AT + timedelta(hours=1), False),
        ("time-long-past", AT - timedelta(hours=1), True),
    ):
        yield Case(name=name, why="the authority's clock is an hour off", made_at=made_at, fresh=fresh,
                   faults={"stamp.time": _CONSTRAINTS})  # fmt: skip


def _signatures() -> Iterator[Case]:
    yield Case(name="signature-broken", why="one bit of the signature value differs", flaw=Flaw.BROKEN_SIGNATURE,
               faults={"stamp.signature": "SIG_CRYPTO_FAILURE"})  # fmt: skip
    yield Case(name="signature-over-other-content", why="the signed digest is that of another TSTInfo",
               flaw=Flaw.OTHER_CONTENT, faults={"stamp.signature": "HASH_FAILURE"})  # fmt: skip
    yield Case(name="signature-sha1", why="SHA-1", flaw=Flaw.SHA1,
               faults={"stamp.signature": "CRYPTO_CONSTRAINTS_FAILURE"})  # fmt: skip
    yield Case(name="certificate-id-of-another", why="ESSCertIDv2 names the CA instead of the signer",
               flaw=Flaw.WRONG_CERTIFICATE_ID, faults={"stamp.signing_certificate": _CONSTRAINTS})  # fmt: skip
    yield Case(name="certificate-id-missing", why="no attribute names the signer", flaw=Flaw.NO_CERTIFICATE_ID,
               faults={"stamp.format": "FORMAT_FAILURE", "stamp.signing_certificate": _CONSTRAINTS})  # fmt: skip
    yield Case(name="certificates-missing", why="asked for, and not sent", flaw=Flaw.NO_CERTIFICATES,
               verdict="INDETERMINATE", faults={"stamp.signature": "NO_SIGNING_CERTIFICATE_FOUND"})  # fmt: skip


def _certificates() -> Iterator[Case]:
    for name in ("no-purpose", "other-purpose", "not-critical", "two-purposes", "wrong-usage"):
        yield Case(name=f"certificate-{name}", why="the certificate is not one for time stamps alone",
                   who=f"tsa-{name}", faults={"stamp.purpose": _CHAIN})  # fmt: skip
    no_path = {"stamp.path": "NO_CERTIFICATE_CHAIN_FOUND"}
    yield Case(name="certificate-expired", why="it stamps though its certificate has expired", who="tsa-expired",
               faults={"stamp.validity": _CHAIN, **no_path})  # fmt: skip
    yield Case(name="certificate-foreign-ca", why="it leads to no anchor", who="foreign-tsa",
               verdict="INDETERMINATE", faults=no_path)  # fmt: skip
    yield Case(name="certificate-weak", why="RSA of 1024 bits", who="tsa-weak",
               faults={"stamp.signature": "CRYPTO_CONSTRAINTS_FAILURE"})  # fmt: skip
    for name, why in (
        ("revoked-before", "revoked before it stamped"),
        ("revoked-after", "revoked later, nobody says why: its key may have been stolen before"),
        ("compromised-after", "revoked later, since its key was stolen"),
    ):
        yield Case(name=f"certificate-{name}", why=why, who=f"tsa-{name}", fresh=False, at=YEARS_LATER,
                   verdict="INDETERMINATE", faults={"stamp.revocation": "REVOKED_NO_POE"})  # fmt: skip


def _shapes() -> Iterator[Case]:
    format_failure = {"stamp.format": "FORMAT_FAILURE"}
    good = Case(name="", why="").files()["reply.tsr"]
    yield Case(name="shape-html", why="a proxy's page", raw=b"<html>502 Bad Gateway</html>", faults=format_failure)
    yield Case(name="shape-empty", why="nothing", raw=b"", faults=format_failure)
    yield Case(name="shape-cut", why="the end is missing", raw=good[:-20], faults=format_failure)
    yield Case(name="shape-trailing", why="something follows", raw=good + b"\0", faults=format_failure)
    others = good.replace(_SHA256, _SHA384, 1)  # its first place is the list, which nobody signs
    yield Case(name="shape-digest-not-listed", why="its list of hashes lacks the signer's [RFC 5652 5.1]",
               raw=others, faults=format_failure)  # fmt: skip
    yield Case(name="shape-large", why="larger than any stamp", raw=b"\x30\x83\x01\x00\x00" + bytes(65536),
               faults=format_failure)  # fmt: skip


def main() -> None:
    """Write them all anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for case in cases():
        folder = FOLDER / case.name
        folder.mkdir(parents=True)
        for name, content in case.files().items():
            (folder / name).write_bytes(content)
    pki().write_anchors(FOLDER / ANCHORS, "tsa-root")


if __name__ == "__main__":
    main()
