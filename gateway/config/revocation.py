"""The settings of `[revocation]`, beside those of `gateway.config.settings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway.config.values import Networks, Size, Urls
from gateway.config.values import documented as _f


@dataclass(frozen=True, kw_only=True, slots=True)
class RevocationSettings:
    """What CAs say about revocation (docs/signatures.md): fetched in the background, or loaded from files."""

    fetch: bool = _f(True, "fetch lists and OCSP answers where certificates of a trusted CA say; false: files only")
    urls: Urls = _f(Urls(()), "lists that are fetched besides, of CAs that are trusted here")
    allowed_networks: Networks = _f((), "internal networks that may be asked; public addresses need none")
    every: timedelta = _f(timedelta(hours=1), "wait between two fetches of a list; each is kept once")
    timeout: timedelta = _f(timedelta(seconds=30), "longest time of one request")
    max_size: Size = _f(Size(16 * 1024**2), "largest list")
    grace: timedelta = _f(timedelta(hours=4), "how long documents wait for a CA that is out; then policies decide")
    forget: timedelta = _f(timedelta(days=30), "when answers that no verdict rests on are forgotten, once replaced")
