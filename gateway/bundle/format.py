"""Format 1 of the evidence bundle, frozen: what an ASiC-E container of ours may hold, and in what role.

Every entry has a name of `ROLES`, nothing else is allowed; docs/bundle.md says the same for people. A later format
gets another number, and readers go on reading this one.

A container with an entry `ABSENCE` is of another format, the proof that there is no such document
(`ABSENCE_ROLES`); one with an entry `ARCHIVE` is a month of the ledger (`ARCHIVE_ROLES`).
"""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache
from hashlib import sha256
from typing import Final

#: What `evidence/bundle.json` says of itself.
FORMAT: Final = "edoc-evidence-bundle"
VERSION: Final = 1

MIMETYPE: Final = "mimetype"
#: [ETSI EN 319 162-1 4.4.2].
MEDIA_TYPE: Final = b"application/vnd.etsi.asic-e+zip"
SUFFIX: Final = ".asice"

DOCUMENT: Final = "document.edxml"
TRANSFER: Final = "transfer.json"
MANIFEST: Final = "META-INF/manifest.xml"
ACCEPTANCE: Final = "META-INF/signatures-acceptance.xml"
EXPORT: Final = "META-INF/signatures-export.xml"
#: [ETSI EN 319 162-1 4.4]; the names that readers of XAdES containers look for.
RECORD: Final = "META-INF/evidencerecord.ers"
RECORD_MANIFEST: Final = "META-INF/ASiCEvidenceRecordManifest.xml"
BUNDLE: Final = "evidence/bundle.json"
CHECKPOINT: Final = "evidence/checkpoint.note"
#: The institution's signature over the checkpoint as the log signed it: detached CMS.
INSTITUTION: Final = "evidence/checkpoint.p7s"
#: Who has read the document; among the verdicts, so that every reader of format 1 takes it.
READINGS: Final = "evidence/verdicts/readings.json"
#: Renewals of the log's head; among the verdicts, likewise.
RENEWALS_ENTRY: Final = "evidence/verdicts/renewals.json"
#: Which bodies are not here since they were destroyed by order; only then may one be missing.
PURGE: Final = "evidence/purge.json"
PDF: Final = "certificate.pdf"
HTML_VI: Final = "certificate.vi.html"
HTML_EN: Final = "certificate.en.html"

#: Without these a file is no bundle.
REQUIRED: Final = (MIMETYPE, DOCUMENT, TRANSFER, MANIFEST, ACCEPTANCE, EXPORT, BUNDLE)

#: What the entry of this name says of itself, and without which there is no proof of absence.
ABSENCE: Final = "evidence/absence.json"
ABSENCE_FORMAT: Final = "edoc-absence"
ABSENCE_VERSION: Final = 1
ABSENCE_REQUIRED: Final = (MIMETYPE, MANIFEST, EXPORT, ABSENCE)

#: What the entry of this name says of itself, and without which there is no month archive.
ARCHIVE: Final = "archive/archive.json"
ARCHIVE_FORMAT: Final = "edoc-month-archive"
ARCHIVE_VERSION: Final = 1
README: Final = "README.txt"
#: Its parts: a JSON object a line, in the order of the log.
LEAVES: Final = "archive/leaves.jsonl"
RECEIPTS: Final = "archive/receipts.jsonl"
RECEIPT_STAMPS: Final = "archive/receipt-stamps.jsonl"
VERDICTS: Final = "archive/verdicts.jsonl"
PROOFS: Final = "archive/receivers.jsonl"
REGISTERS: Final = "archive/registers.jsonl"
CHECKPOINTS: Final = "archive/checkpoints.jsonl"
ANSWERS: Final = "archive/revocation.jsonl"
RENEWALS: Final = "archive/renewals.jsonl"
AGENCIES: Final = "archive/agencies.jsonl"
CERTIFICATES: Final = "archive/certificates.jsonl"
ARCHIVE_PARTS: Final = (
    LEAVES, RECEIPTS, RECEIPT_STAMPS, VERDICTS, PROOFS, REGISTERS, CHECKPOINTS, RENEWALS, ANSWERS, AGENCIES,
    CERTIFICATES,
)  # fmt: skip
ARCHIVE_REQUIRED: Final = (MIMETYPE, MANIFEST, EXPORT, ARCHIVE, CHECKPOINT, *ARCHIVE_PARTS)

MAX_ENTRIES: Final = 10_000
#: Of any entry but bodies of messages, which may be as large as a container can be.
MAX_SMALL_BYTES: Final = 16 * 1024 * 1024
MAX_NAME_BYTES: Final = 160

_ID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FILE: Final = r"[a-z0-9][a-z0-9_-]{0,79}"
#: Role -> names; the roles are those of `evidence/bundle.json`.
ROLES: Final = {
    "document": re.escape(DOCUMENT),
    "transfer": re.escape(TRANSFER),
    "manifest": re.escape(MANIFEST),
    "acceptance_seal": re.escape(ACCEPTANCE),
    "export_seal": re.escape(EXPORT),
    "evidence_record": re.escape(RECORD),
    "evidence_record_manifest": re.escape(RECORD_MANIFEST),
    "facts": re.escape(BUNDLE),
    "purge": re.escape(PURGE),
    "leaf": r"evidence/leaves/(?:0|[1-9][0-9]{0,18})\.json",
    "proof": r"evidence/leaves/(?:0|[1-9][0-9]{0,18})\.tlog-proof",
    "checkpoint": re.escape(CHECKPOINT),
    "checkpoint_signature": re.escape(INSTITUTION),
    "stamp": r"evidence/stamps/(?:0|[1-9][0-9]{0,3})\.tsr",
    "revocation": rf"evidence/revocation/{_FILE}\.(?:crl|ocsp)",
    "verdict": rf"evidence/verdicts/{_FILE}\.json",
    "message": rf"messages/{_ID}\.edxml",
    "message_transfer": rf"messages/{_ID}\.transfer\.json",
    "message_receipt": rf"messages/{_ID}\.receipt\.xml",
    "certificate": "|".join(map(re.escape, (PDF, HTML_VI, HTML_EN))),
}
#: The roles of a proof of absence.
ABSENCE_ROLES: Final = {
    "absence": re.escape(ABSENCE),
    "register": r"evidence/registers/[0-9]{4}-[0-9]{2}-[0-9]{2}\.json",
    **{role: ROLES[role] for role in ("manifest", "export_seal", "leaf", "proof", "checkpoint", "stamp")},
}
#: The roles of a month archive.
ARCHIVE_ROLES: Final = {
    "archive": re.escape(ARCHIVE),
    "readme": re.escape(README),
    "part": "|".join(map(re.escape, ARCHIVE_PARTS)),
    **{role: ROLES[role] for role in ("manifest", "export_seal", "checkpoint", "checkpoint_signature", "stamp")},
}
_ROLES: Final = {role: re.compile(names) for role, names in (ROLES | ABSENCE_ROLES | ARCHIVE_ROLES).items()}

#: Media type of an entry by the end of its name.
TYPES: Final = {
    ".edxml": "application/xml",
    ".xml": "application/xml",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".txt": "text/plain",
    ".ers": "application/octet-stream",
    ".note": "text/plain",
    ".p7s": "application/pkcs7-signature",
    ".tlog-proof": "text/plain",
    ".tsr": "application/timestamp-reply",
    ".crl": "application/pkix-crl",
    ".ocsp": "application/ocsp-response",
    ".pdf": "application/pdf",
    ".html": "text/html",
}


def role_of(name: str) -> str | None:
    """The role of an entry; None for a name that is not of the format (`mimetype` has no role)."""
    return _role_of(name) if len(name) <= MAX_NAME_BYTES else None


@lru_cache(maxsize=16_384)  # asked of each entry again and again, and the same in most bundles
def _role_of(name: str) -> str | None:
    for role, names in _ROLES.items():
        if names.fullmatch(name):
            return role
    return None


def answer_entry(der: bytes, kind: str) -> str:
    """Where an answer about revocation lies; `kind`: `crl` or `ocsp`."""
    return f"evidence/revocation/{sha256(der).hexdigest()}.{kind}"


def lacks_place(names: Container[str], name: str) -> bool:
    """Whether an entry has no place in a container with these entries: not of the format, or not of its format."""
    roles = ARCHIVE_ROLES if ARCHIVE in names else ABSENCE_ROLES if ABSENCE in names else ROLES
    return name != MIMETYPE and role_of(name) not in roles


def required_of(names: Container[str]) -> tuple[str, ...]:
    """What a container with these entries must hold."""
    if ARCHIVE in names:
        return ARCHIVE_REQUIRED
    if ABSENCE in names:
        return ABSENCE_REQUIRED
    return tuple(name for name in REQUIRED if name != DOCUMENT or PURGE not in names)


def media_type_of(name: str) -> str:
    """The media type of an entry of the format."""
    return TYPES[name[name.rindex(".") :]]


def is_body(name: str) -> bool:
    """Whether an entry may be as large as a container can be: a document, or a part of an archive."""
    return role_of(name) in {"document", "message", "part"}
