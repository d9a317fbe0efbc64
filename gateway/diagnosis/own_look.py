"""What the running server finds at itself: warnings and errors, as the doctor names them. Channels are apart."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.admin.acts import summary
from gateway.audit.findings import Finding, Severity
from gateway.condition import Condition, told
from gateway.diagnosis.doctor import examine_server
from gateway.foundation import Foundation


async def look_at_self(base: Foundation, conditions: Mapping[str, Condition]) -> list[Finding]:
    """Files are read and the server is asked, so whoever wants it often keeps it for a while."""
    status = {**await summary(base), **told(conditions)}
    found = await examine_server(base.settings, status)
    return [each for each in found if each.kind.severity is not Severity.INFO and each.code != "channel_down"]
