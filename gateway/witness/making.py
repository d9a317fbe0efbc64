"""Makes a witness's folder, and takes further logs in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.clock import Clock
from gateway.errors import ConfigError, EnvironmentRefusedError, ProofError
from gateway.fsio import atomic_replace, make_private_dir, write_durably
from gateway.pki import KeyPair, make_own_certificate
from gateway.seal.keys import read_key_file
from gateway.transparency.keys import Cosigner, new_key, read_key, read_vkeys, verifier_of
from gateway.transparency.note import Algorithm, VerifierKey
from gateway.witness.records import Records
from gateway.witness.settings import FILE, load

_SETTINGS: Final = """\
# A witness of transparency logs: docs/witness.md says what each setting is. `gateway witness serve` runs it.
name = "{name}"
profile = "{profile}"
host = "{host}"
port = {port}
"""


def make(
    folder: Path,
    name: str,
    *,
    names: Sequence[str],
    host: str,
    port: int,
    clock: Clock,
    profile: str = "strict",
) -> VerifierKey:
    """A new folder with a new key; its public half. EnvironmentRefusedError where there is a witness already."""
    if (folder / FILE).exists() or (folder / "witness.key").exists():
        raise EnvironmentRefusedError(f"{folder} is a witness already; its key is what others know it by")
    pem = new_key()
    try:
        key = VerifierKey.parse(str(verifier_of(read_key(pem), name, Algorithm.COSIGNATURE_V1)))
    except ProofError as error:
        raise ConfigError(f"{name!r} cannot be the name of a witness: no white space, no plus") from error
    if '"' in name + host or "\\" in name + host:
        raise ConfigError("neither name nor address has quotation marks")
    make_private_dir(folder)
    make_own_certificate(KeyPair(key=folder / "tls.key", certificate=folder / "tls.pem"), names, now=clock.now())
    write_durably(folder / "witness.key", pem)
    write_durably(folder / "witness.vkey", f"{key}\n".encode(), 0o644)
    settings = _SETTINGS.format(name=name, profile=profile, host=host, port=port)
    write_durably(folder / FILE, settings.encode(), 0o644)
    return key


def follow(folder: Path, keys: Sequence[VerifierKey], clock: Clock) -> list[str]:
    """Know the logs of these keys from now on, also while the witness runs; the origins of those that are new.

    The record comes first: a log without one is not answered, so a crash in between is harmless.
    """
    settings = load(folder)
    try:
        signer = Cosigner(
            settings.name, read_key(read_key_file(settings.key)), lambda: int(clock.now().timestamp())
        )
        known = read_vkeys(settings.logs.read_bytes()) if settings.logs.exists() else []
    except ProofError as error:
        raise ConfigError(f"{folder}: {error}") from error
    wrong = [key.name for key in keys if key.algorithm is not Algorithm.ED25519]
    if wrong:
        raise ConfigError(f"that is the key of a witness, not of a log: {', '.join(wrong)}")
    fresh = [key for key in dict.fromkeys(keys) if key not in known]
    records = Records(folder, signer.verifier)
    for key in fresh:
        records.begin(key.name, signer)
    if fresh:
        lines = "".join(f"{key}\n" for key in (*known, *fresh))
        atomic_replace(settings.logs, lines.encode(), 0o644)
    return [key.name for key in fresh]
