"""Whose an office's own channel is: the agency that its setting `agency` names, else the only one behind it.

The watcher speaks for that agency when it accepts what the channel's folder or list holds; what the gateway builds
for such an office (`gateway.workshop`) gets its code as sender.
"""

from __future__ import annotations

from datetime import datetime

from gateway.directory.directory import Directory
from gateway.errors import ConfigError
from gateway.model import AgencyId, Endpoint
from gateway.storage.readers import Readers


async def owner_of(endpoint: Endpoint, directory: Directory, readers: Readers, now: datetime) -> AgencyId:
    """The agency; ConfigError where there is none or more than one."""
    named = endpoint.settings.get("agency")
    if named:
        found = (await directory.resolve([str(named)], now)).get(str(named))
        if found is None or found.endpoint is None or found.endpoint.id != endpoint.id:
            raise ConfigError(f"the channel {endpoint.name} is not that of its agency {named}")
        return found.id
    rows = await readers.fetch("agency_list_of_endpoint", (endpoint.id,))
    if len(rows) != 1:
        raise ConfigError(
            f"behind the channel {endpoint.name} there are {len(rows)} agencies: give its setting agency"
        )
    return AgencyId(rows[0][0])
