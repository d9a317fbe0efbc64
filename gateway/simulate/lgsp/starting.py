"""A folder for a first run: a certificate authority, two accounts with secrets, and the settings that name them.

    lgsp.toml                       settings of the facade
    ca.pem                          what clients trust (`anchors_file`)
    pki/                            a development PKI with the server's certificate, for localhost
    gateway.password, gateway.secret, other.password, other.secret       mode 0600

Whatever is there stays as it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from gateway.fsio import make_private_dir, write_durably
from gateway.pki import DevPki, KeyPair, make_dev_pki
from gateway.seal.trust import TrustPurpose

SETTINGS = "lgsp.toml"
CA = "ca.pem"

_TEXT = """# The simulated facade; every setting is described by `gateway simulate lgsp --help`.
token_seconds = 1800

[[accounts]]                 # the gateway under test
username = "gateway"
password_file = "gateway.password"
application_code = "EDOC"
system_id = "GW.LGSP"
secret_file = "gateway.secret"
hosts = [{ours}]

[[accounts]]                 # a system to talk with
username = "other"
password_file = "other.password"
application_code = "EDOC"
system_id = "OTHER.LGSP"
secret_file = "other.secret"
hosts = [{theirs}]
"""


def make_folder(folder: Path, *, ours: Sequence[str], theirs: Sequence[str], now: datetime) -> None:
    """Make what is not there yet."""
    make_private_dir(folder)
    for name in ("gateway", "other"):
        for what in ("password", "secret"):
            path = folder / f"{name}.{what}"
            if not path.exists():
                write_durably(path, secrets.token_hex(16).encode() + b"\n")
    if not (folder / SETTINGS).exists():
        text = _TEXT.format(ours=_listed(ours), theirs=_listed(theirs))
        write_durably(folder / SETTINGS, text.encode())
    pki = DevPki(folder=folder / "pki")
    if not pki.server.key.exists():
        make_dev_pki(pki.folder, now=now)
    if not (folder / CA).exists():
        write_durably(folder / CA, (pki.anchors(TrustPurpose.TLS) / "root.pem").read_bytes())


def server_pair(folder: Path) -> KeyPair:
    """The certificate that `make_folder` made."""
    return DevPki(folder=folder / "pki").server


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(f'"{code}"' for code in codes)
