"""Runs the facade until it is told to stop.

Prints one line of JSON once it listens: `{"url": …, "folder": …}`. SIGTERM and SIGINT end it; requests under way
get a moment. Killed at any instant, it still has whatever it answered for.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from pathlib import Path

import msgspec
from aiohttp import web

from gateway.clock import SystemClock
from gateway.simulate.lgsp.desk import Desk
from gateway.simulate.lgsp.server import FacadeServer
from gateway.simulate.lgsp.settings import read_settings
from gateway.simulate.lgsp.starting import SETTINGS, server_pair
from gateway.simulate.lgsp.store import Store

_SETTLE_SECONDS = 2.0


async def run_facade(folder: Path, *, host: str = "localhost", port: int = 0) -> None:
    """Serve from a folder that `starting.make_folder` made."""
    settings, clock = read_settings(folder / SETTINGS), SystemClock()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    pair = server_pair(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    store = Store(folder)
    desk = Desk(settings, store, clock)
    application = FacadeServer(settings, folder, desk, clock).application()
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SETTLE_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=context).start()
        told = {"url": f"https://{host}:{runner.addresses[0][1]}", "folder": str(folder)}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()
        store.close()
