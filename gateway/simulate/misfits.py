"""What the demo leaves in the queues of problems: mail at a commune that was merged away, and a file set apart.

The merger is that of 1 July 2025 as the directory's data has it. All of it is done by the commands that an operator
would type.
"""

from __future__ import annotations

import asyncio

from gateway.data import kien_giang
from gateway.data.kien_giang import Row
from gateway.errors import EnvironmentRefusedError
from gateway.fsio import write_durably
from gateway.simulate.cast import Cast, Means, Office
from gateway.simulate.children import run_command
from gateway.simulate.layout import Layout
from gateway.simulate.province import BROWSER_ENDPOINT

#: Which of the communes with a browser is merged into another, and which gets the file.
_MERGED, _WARNED = 9, 4


def receivers(cast: Cast) -> tuple[Office, Office]:
    """Of a letter that neither can use: the commune that is merged, and the one where its file is suspected."""
    communes = cast.communes_by(Means.BROWSER)
    return communes[_MERGED], communes[_WARNED]


async def merge_and_warn(layout: Layout, cast: Cast, warned: str) -> None:
    """`warned`: the delivery whose file is suspected."""
    await asyncio.gather(_merge(layout, receivers(cast)[0]), _quarantine(layout, warned))


async def _merge(layout: Layout, office: Office) -> None:
    heir = heir_of(office)
    file = layout.simulate / "merged.csv"
    await asyncio.to_thread(write_durably, file, kien_giang.write_csv([heir]))
    await _run(layout, "agencies", "import", str(file), "--reason", "Sắp xếp đơn vị hành chính cấp xã")
    close = ("agencies", "close", office.code, "--successor", heir["organ_id"])
    await _run(layout, *close, "--reason", f"Nhập vào {heir['name']}")


def heir_of(office: Office) -> Row:
    """The commune of 2025 that it is part of, as a row for the import."""
    rows = kien_giang.rows_2025()
    code = next(row["successor_organ_id"] for row in rows if row["organ_id"] == office.code)
    heir = next(row for row in rows if row["organ_id"] == code)
    return {**heir, "parent_organ_id": office.parent, "endpoint": BROWSER_ENDPOINT}


async def _quarantine(layout: Layout, delivery: str) -> None:
    why = "Phần mềm diệt virus của xã báo động với tệp PDF; chờ kiểm tra"
    await _run(layout, "quarantine", delivery, "--reason", why)


async def _run(layout: Layout, *arguments: str) -> None:
    code, told = await run_command("gateway", "--config", str(layout.config), *arguments)
    if code:
        raise EnvironmentRefusedError(f"{' '.join(arguments[:2])}: {told.decode(errors='replace')[:300]}")
