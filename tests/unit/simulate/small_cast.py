"""A cast of the right shape with made-up codes, for tests that need no directory."""

from __future__ import annotations

from gateway.simulate.cast import Cast, Means, Office, means_of


def make_cast(communes: int = 145, districts: int = 15) -> Cast:
    """An invented province whose communes are spread over the districts."""

    def office(code: str, kind: str, means: Means, parent: str = "") -> Office:
        return Office(code=code, name=f"{kind} {code}", kind=kind, means=means, parent=parent)

    halls = tuple(office(f"000.00.{n:02d}.H33", "district", Means.PULL) for n in range(21, 21 + districts))
    return Cast(
        province=office("000.00.00.H33", "province", Means.PULL),
        departments=tuple(office(f"000.00.{n:02d}.H33", "department", Means.PULL) for n in range(1, 5)),
        districts=halls,
        divisions=tuple(
            office(f"001.{n:02d}.21.H33", "division", Means.PULL, halls[0].code) for n in range(90, 93)
        ),
        communes=tuple(
            office(
                f"000.{n // districts + 1:02d}.{21 + n % districts}.H33",
                "commune",
                means_of(n),
                halls[n % districts].code,
            )
            for n in range(communes)
        ),
        outside=tuple(office(f"000.00.00.{code}", "outside", Means.AXIS) for code in ("G22", "H01", "G12", "G14")),
        axis=office("vxp.test", "relay", Means.AXIS),
        hosting=office("hosting.test", "system", Means.PULL),
    )
