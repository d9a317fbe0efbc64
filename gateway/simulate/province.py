"""The cast of the demo: Kiên Giang as of 1 November 2018, and the offices beyond the axis.

Names and codes come from `gateway.data.kien_giang`; which system an office uses is decided here. Departments that
play no part have a browser, like the 15 communes. The row of the system that hosts 100 communes is made up.
"""

from __future__ import annotations

from gateway.data import kien_giang
from gateway.data.kien_giang import Row
from gateway.simulate.cast import Cast, Means, Office, means_of

#: The agency whose credential speaks for the 100 communes; no office of the province, so the code is opaque.
HOSTING = "qlvb.100xa.H33"
#: The gateway's own code, From of the statuses that it writes for itself.
GATEWAY = "gateway.H33"
#: Information and Communications, Home Affairs, Finance, and the province's own office.
_DEPARTMENTS = ("000.00.11.H33", "000.00.02.H33", "000.00.05.H33", "000.00.01.H33")
#: Government Office, a commune elsewhere, a province and a ministry, and one that the axis does not carry for.
_OUTSIDE = (kien_giang.GOVERNMENT_OFFICE, "000.29.27.H01", "000.00.00.H01", "000.00.00.G12", "000.00.28.H12")

#: Of the communes' clerks; made up.
_PHONE = "0297 000 0000"

AXIS_ENDPOINT = "truc-lien-thong"
SHARED_ENDPOINT = "qlvb-100-xa"
BROWSER_ENDPOINT = "hop-thu-web"
DIVISIONS_ENDPOINT = "phong-ban"


def make_cast() -> Cast:
    """The offices that take part; the same in every process."""
    rows = {row["organ_id"]: row for row in kien_giang.rows()}
    communes = [row for row in rows.values() if row["kind"] == "commune" and row["organ_id"].endswith(".H33")]
    divisions = [row for row in rows.values() if row["kind"] == "division"]
    return Cast(
        province=_office(rows[kien_giang.PROVINCE], Means.PULL),
        departments=tuple(_office(rows[code], Means.PULL) for code in _DEPARTMENTS),
        districts=tuple(_office(rows[code], Means.PULL) for code, _ in kien_giang.districts()),
        divisions=tuple(_office(row, Means.PULL) for row in divisions),
        communes=tuple(_office(row, means_of(place)) for place, row in enumerate(communes)),
        outside=tuple(_office(rows[code], Means.AXIS) for code in _OUTSIDE),
        axis=_office(rows[kien_giang.RELAY], Means.AXIS),
        hosting=_office(_hosting_row(), Means.PULL),
    )


def endpoint_name(office: Office) -> str:
    """The channel that leads to an office of the cast."""
    if office.means is Means.AXIS:
        return AXIS_ENDPOINT
    if office.means is Means.SHARED:
        return SHARED_ENDPOINT
    if office.means is Means.BROWSER:
        return BROWSER_ENDPOINT
    if office.kind == "division":
        return DIVISIONS_ENDPOINT
    return f"{office.kind}-{office.code}"


def directory_csv(cast: Cast) -> bytes:
    """The whole directory of the demo, each agency with its channel."""
    names = {office.code: endpoint_name(office) for office in cast.everyone}
    rows = [
        {
            **row,
            "endpoint": row.get("endpoint") or names.get(row["organ_id"], BROWSER_ENDPOINT),
            "phone": _PHONE if row["kind"] == "commune" else row.get("phone", ""),
        }
        for row in kien_giang.rows(axis_endpoint=AXIS_ENDPOINT)
    ]
    gateway = _system_row(GATEWAY, "Trục liên thông văn bản tỉnh Kiên Giang (mô phỏng)")
    shared = {**_hosting_row(), "endpoint": SHARED_ENDPOINT}
    return kien_giang.write_csv([*rows, gateway, shared])


def _hosting_row() -> Row:
    return _system_row(HOSTING, "Hệ thống quản lý văn bản dùng chung của 100 xã (mô phỏng)")


def _system_row(code: str, name: str) -> Row:
    return {
        "organ_id": code,
        "name": name,
        "kind": "system",
        "parent_organ_id": kien_giang.PROVINCE,
        "opened": kien_giang.OPENED,
        "note": "mô phỏng / simulated",
    }


def _office(row: Row, means: Means) -> Office:
    return Office(
        code=row["organ_id"],
        name=row["name"],
        kind=row["kind"],
        means=means,
        parent=row["parent_organ_id"],
    )
