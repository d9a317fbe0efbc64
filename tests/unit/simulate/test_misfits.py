"""What the demo leaves in the queues of problems fits the directory that it is left in."""

from __future__ import annotations

from gateway.data import kien_giang
from gateway.directory.rows import AgencyRow, read_rows
from gateway.simulate.cast import Means
from gateway.simulate.misfits import heir_of, receivers
from gateway.simulate.province import BROWSER_ENDPOINT, make_cast


def test_a_merged_commune_has_an_heir_that_can_be_sent_its_mail() -> None:
    """Whom it was merged into, with a channel; neither office is one that the demo's clerks work for."""
    cast = make_cast()
    merged, warned = receivers(cast)
    assert merged != warned
    assert not {merged, warned} & set(cast.communes_by(Means.BROWSER)[:4])
    heir = heir_of(merged)
    assert heir["name"] == "Ủy ban nhân dân xã Vĩnh Bình"
    assert heir["organ_id"] not in cast.by_code
    [row] = read_rows(kien_giang.write_csv([heir]))
    assert isinstance(row, AgencyRow)
    assert row.endpoint == BROWSER_ENDPOINT
