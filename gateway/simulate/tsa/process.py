"""Runs the development authority until it is told to stop.

Its keys are those of a development PKI, which is made where there is none. It prints one line of JSON once it
listens: `{"url": …, "anchors": …}`; the anchors are what a gateway must trust to take its stamps.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.clock import SystemClock
from gateway.errors import KeyFileError
from gateway.pki import DevPki, KeyPair, make_dev_pki
from gateway.seal.keys import read_key_file
from gateway.seal.trust import TrustPurpose
from gateway.simulate.tsa.issuing import Stamper
from gateway.simulate.tsa.server import Authority, Order


async def run_authority(folder: Path, *, host: str, port: int, orders: Sequence[Order] = ()) -> None:
    """Serve with the keys of the development PKI in `folder`; ValueError for an order of an unknown kind."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    pki = DevPki(folder=folder)
    if not pki.server.key.exists():
        pki = await asyncio.to_thread(make_dev_pki, folder, now=SystemClock().now())
    authority = Authority(read_stamper(pki.tsa), read_stamper(pki.tsa_expired), SystemClock())
    for order in orders:
        authority.order(order)
    runner = web.AppRunner(authority.application(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        anchors = str(pki.anchors(TrustPurpose.TSA))
        told = {"url": f"http://{host}:{runner.addresses[0][1]}/", "anchors": anchors}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()


def read_stamper(pair: KeyPair) -> Stamper:
    """A key of the development PKI with its certificates; raises KeyFileError."""
    try:
        certificate, *chain = x509.load_pem_x509_certificates(pair.certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise KeyFileError(f"{pair.certificate}: {error}; make a new development PKI") from error
    key = load_pem_private_key(read_key_file(pair.key), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyFileError(f"{pair.key} is neither an RSA nor an EC key")
    return Stamper(key=key, certificate=certificate, chain=tuple(chain))
