"""Offices to which nobody will be able to encrypt any more, or is now: the last certificate ends, or has ended.

For whoever tells people of them, as `ending_credentials` does of what systems are known by; levels are the same. An
office whose certificate an operator ended wants none; one that its CA revoked is told of for a while, one that
lapsed until an operator ends it. Nothing is told of agencies of tests or that are closed. Reading alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from gateway.admin.ending_credentials import EndingCredential
from gateway.directory.directory import Directory
from gateway.directory.encryption import SPOKEN_OF, EncryptionCertificate, last_in_force, watched_certificates
from gateway.endings import LEVELS, level_of
from gateway.model import Agency
from gateway.storage.readers import Readers

#: What they are called among the credentials.
SORT: Final = "encryption"


async def ending_encryption(readers: Readers, directory: Directory, now: datetime) -> list[EndingCredential]:
    """Those that are worth telling, the next end first."""
    watched = await watched_certificates(readers, now - SPOKEN_OF)
    agencies = await directory.agencies({each.agency_id for each in watched}) if watched else {}
    found = []
    for key, group in groupby(watched, key=lambda each: each.agency_id):
        agency = agencies.get(key)
        if agency is not None and agency.closed_at is None and not agency.sandbox:
            found.append(_ending(agency, list(group), now))
    return sorted((each for each in found if each is not None and each.level > 1), key=lambda each: each.ends)


def _ending(agency: Agency, own: Sequence[EncryptionCertificate], now: datetime) -> EndingCredential | None:
    """Of the last that is in force, else of the one that lasted longest; None where one is still to begin."""
    last = last_in_force(own, now)
    if last is None and any(each.standing(now) == "early" for each in own):
        return None
    certificate = max(own, key=_end).certificate if last is None else last
    ends = max(map(_end, own)) if last is None else last.not_after
    return EndingCredential(
        id=certificate.sha256,
        agency_id=agency.id,
        agency=agency,
        sort=SORT,
        label=certificate.sha256[:16],
        begins=certificate.not_before,
        ends=ends,
        level=len(LEVELS) if last is None else level_of(certificate.not_before, ends, now),
    )


def _end(one: EncryptionCertificate) -> datetime:
    after = one.certificate.not_after
    return after if one.ended_at is None else min(one.ended_at, after)
