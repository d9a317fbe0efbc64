"""Keys of `[bindings]` that adapters declare: read by the rules of all others, and as strict."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway import channels
from gateway.commands.context import Context
from gateway.config import settings as config
from gateway.errors import ConfigError

FOLDER = Path("/srv/gateway")


def test_keys_of_one_protocol_have_units_and_paths_like_all_others() -> None:
    """A duration is one, and a path is relative to the file's folder."""
    table = {"bindings": {"port": 8444, "vxp_window": "5m", "xroad_certificates": "certs/peers.pem"}}
    settings = config.parse(table, folder=FOLDER)
    options = channels.binding_options(settings)
    assert (settings.bindings.port, options.vxp_window) == (8444, timedelta(minutes=5))
    assert options.peer_certificates == FOLDER / "certs" / "peers.pem"
    assert channels.binding_options(config.parse({}, folder=FOLDER)).vxp_window == timedelta(hours=24)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("vxp_windw", "5m", r"unknown setting bindings\.vxp_windw; known: .*max_head.*vxp_window"),
        ("plain_prt", 80, r"unknown setting bindings\.plain_prt"),
        ("vxp_window", 5, r"bindings\.vxp_window must be a duration"),
        ("window", "5m", r"unknown setting bindings\.window"),
    ],
)
def test_misspelt_key_stops_every_command(tmp_path: Path, key: str, value: object, told: str) -> None:
    """As for any other section: what is not understood is not worked with."""
    file = tmp_path / "config.toml"
    file.write_text(f"[bindings]\n{key} = {value!r}\n".replace("'", '"'))
    with pytest.raises(ConfigError, match=told):
        _ = Context(config_path=file).settings


def test_every_protocol_that_is_served_says_where() -> None:
    """Operators are given an address for each; a name that nobody serves has none."""
    served = channels.served_bindings()
    assert all(each.path.startswith("/") for each in served.values())
    assert len({each.path for each in served.values()}) == len(served) > 1
    with pytest.raises(KeyError):
        _ = served["fax"]
