"""The fault sweep's short form; the long one is `make diskfaults`."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.crash.fault_sweep import FaultSweep
from tests.crash.faulty import CHANGING, EVERYWHERE, Fault, Kind, Place, build_faults
from tests.crash.kill_site import make_template
from tests.system_tools import require_tool

pytestmark = pytest.mark.slow

_FAULTS = (
    Fault(kinds=(Kind.SYNC,), places=(Place.WAL,), error=errno.EIO, skip=2),
    Fault(kinds=(Kind.SYNC,), places=(Place.BODY,), error=errno.EIO),
    Fault(kinds=(Kind.WRITE,), places=(Place.SPOOL,), error=errno.ENOSPC, lasting=True),
    Fault(kinds=CHANGING, places=EVERYWHERE, error=errno.EROFS, lasting=True),
    Fault(kinds=(Kind.READ,), places=(Place.BODY,), error=errno.EIO),
    Fault(kinds=(Kind.WRITE,), places=(Place.WAL,), error=errno.ENOSPC, lasting=True, starting=True),
)


async def test_failing_disk_loses_and_doubles_nothing_and_the_gateway_comes_back(tmp_path: Path) -> None:
    """Requests are refused with 503 and a reason or kept, reading goes on, and all is well once the disk is."""
    library = build_faults(require_tool("cc", "gcc"))
    sweep = FaultSweep(await make_template(tmp_path), library, last=0.5)
    tally = await sweep.run(_FAULTS)
    assert tally.violations == []
    assert sum(row.struck for row in tally.rows.values()) == len(_FAULTS)
    assert tally.answers["accepted"]
    assert tally.answers["503 storage_unavailable"]
    assert tally.messages > 0
