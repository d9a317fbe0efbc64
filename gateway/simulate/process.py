"""One simulator process: builds its systems from a `ProcessSpec` and runs them until it is told to stop.

It talks to the demo in lines: on standard output `ready` once its listeners and pollers run, `acted <act>` and
`problem <what>`; on standard input `begin` starts its acts, and the end of input (the demo is gone) stops it, as
SIGTERM does. Submissions under way then get a moment for their answers; everything else is cut off. Journals are
synced line by line, so what they say stays true. `fail <system>` and `mend <system>` break a pushed system and mend
it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import sys
from functools import partial
from pathlib import Path

import msgspec

from gateway.clock import SystemClock
from gateway.pki import KeyPair, client_tls_context
from gateway.simulate.collect import Collector
from gateway.simulate.desk import Desk
from gateway.simulate.journal import Journal
from gateway.simulate.member import Member
from gateway.simulate.plot import write_script
from gateway.simulate.province import make_cast
from gateway.simulate.pull import Puller
from gateway.simulate.push import Receiver
from gateway.simulate.rest import Rest
from gateway.simulate.script import Script
from gateway.simulate.spec import ProcessSpec, SystemSpec

#: Offices from which a system counts as shared and gets more connections.
_MANY = 10
_CONNECTIONS = 3
_SETTLE_SECONDS = 5.0
_CONNECTIONS_OF_MANY = 8


def announce(line: str) -> None:
    """One line to the demo."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def read_spec(path: Path) -> ProcessSpec:
    """What the demo wrote for this process."""
    return msgspec.json.decode(path.read_bytes(), type=ProcessSpec)


async def run_process(spec: ProcessSpec) -> None:
    """The whole life of the process."""
    stop, begin = asyncio.Event(), asyncio.Event()
    receivers: dict[str, Receiver] = {}
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin.fileno(), _heed, loop, begin, stop, receivers)
    desks: list[Desk] = []
    async with contextlib.AsyncExitStack() as closing:
        systems = asyncio.create_task(_run_systems(spec, closing, desks, receivers, begin))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({systems, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not systems.done():
            await _settle(desks)
        for task in (systems, stopped):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await systems


def _heed(
    loop: asyncio.AbstractEventLoop, begin: asyncio.Event, stop: asyncio.Event, receivers: dict[str, Receiver]
) -> None:
    line = sys.stdin.readline()
    word, _, name = line.strip().partition(" ")
    if word == "begin":
        begin.set()
    elif word == "fail":
        receivers[name].fail()
    elif word == "mend":
        receivers[name].mend()
    elif not line:
        loop.remove_reader(sys.stdin.fileno())
        stop.set()


async def _settle(desks: list[Desk]) -> None:
    # An answer that came but is not in the journal would look like a message that nobody sent.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SETTLE_SECONDS):
            await asyncio.gather(*(desk.settle() for desk in desks))


async def _run_systems(
    spec: ProcessSpec,
    closing: contextlib.AsyncExitStack,
    desks: list[Desk],
    receivers: dict[str, Receiver],
    begin: asyncio.Event,
) -> None:
    script = write_script(make_cast())
    async with asyncio.TaskGroup() as tasks:
        desks += [_open_system(each, spec, script, closing, tasks, receivers) for each in spec.systems]
        announce("ready")
        await begin.wait()
        for desk in desks:
            desk.play()


def _open_system(
    spec: SystemSpec,
    process: ProcessSpec,
    script: Script,
    closing: contextlib.AsyncExitStack,
    tasks: asyncio.TaskGroup,
    receivers: dict[str, Receiver],
) -> Desk:
    own = KeyPair(key=Path(spec.key), certificate=Path(spec.certificate)) if spec.certificate else None
    token = Path(spec.token_file).read_text("ascii").strip() if spec.token_file else ""
    connections = _CONNECTIONS_OF_MANY if len(spec.codes) > _MANY else _CONNECTIONS
    context = client_tls_context(Path(process.anchors), own)
    journal = Journal(Path(spec.journal))
    closing.push_async_callback(journal.close)
    open_desk = partial(
        Desk,
        script=script,
        codes=frozenset(spec.codes),
        journal=journal,
        tasks=tasks,
        announce=announce,
        clock=SystemClock(),
        answers_by_form=spec.answers_by_form,
    )
    if spec.receives == "member":
        member = Member(
            spec.member_url,
            context,
            system_id=spec.system_id,
            secret=Path(spec.secret_file).read_bytes().strip(),
            clock=SystemClock(),
            connections=connections,
        )
        closing.push_async_callback(member.close)
        desk = open_desk(rest=member, writes_forms=False)
        collector = Collector(
            member=member,
            desk=desk,
            codes=frozenset(spec.codes),
            behind_relay=spec.behind_relay,
            faults=spec.faults,
        )
        tasks.create_task(collector.run())
        return desk
    rest = Rest(process.gateway_url, context, token=token, connections=connections)
    closing.push_async_callback(rest.close)
    desk = open_desk(rest=rest)
    if spec.receives == "pull":
        tasks.create_task(Puller(rest=rest, desk=desk, faults=spec.faults, tasks=tasks).run())
        return desk
    receiver = Receiver(
        desk=desk,
        secret=Path(spec.secret_file).read_bytes().strip(),
        port=spec.port,
        context=_listening_context(spec),
        faults=spec.faults,
    )
    receivers[spec.name] = receiver
    tasks.create_task(receiver.run())
    return desk


def _listening_context(spec: SystemSpec) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(spec.server_certificate, spec.server_key)
    return context
