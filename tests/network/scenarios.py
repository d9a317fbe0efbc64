"""What happens to the network, one scenario each: the fault, what must hold meanwhile, the end of the fault.

Each takes a running lab under load and how long its fault lasts, and notes what did not hold in `running.verdict`;
the caller lets everything settle afterwards and looks for what was lost or doubled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.model import Capabilities
from gateway.pki import issue_server
from gateway.storage.sqlite import connect_lookup
from tests.crash.kill_journal import now
from tests.crash.kill_site import AXIS_RECEIVER, CLIENTS, RECEIVER, Places, Site
from tests.network.lab import ADDRESSES, TLS_NAMES
from tests.network.places import OFFICE_PORT, Helper, Running, places

_NO_NAMES = "in udp dport 53 drop"
_MOST_IN_FLIGHT = Capabilities().max_in_flight
#: Of a certificate of the development PKI, as `gateway.pki` makes it: life, and how far it is dated back.
_LIFE, _BACKDATED = timedelta(days=398), timedelta(minutes=5)
_SHORT_LIFE = timedelta(seconds=3)


async def partition(running: Running, seconds: float) -> None:
    """The office is cut off, then the axis, then both; the others get theirs meanwhile."""
    lab = running.lab
    for members in (("offices",), ("axis",), ("offices", "axis")):
        await _flows(running, CLIENTS)
        for member in members:
            lab.cut("gateway", member)
        await asyncio.sleep(seconds / 3)
        await _flows(running, CLIENTS, *({RECEIVER: "offices", AXIS_RECEIVER: "axis"}.keys() - _names(members)))
        lab.heal("gateway")
    await _flows(running, RECEIVER, AXIS_RECEIVER)


async def loss(running: Running, seconds: float) -> None:
    """A fifth of all packets of offices and clients is lost in each direction."""
    for member in ("offices", "clients"):
        running.lab.lose(member, 20)
    await _flows(running, AXIS_RECEIVER, RECEIVER)
    await asyncio.sleep(seconds)
    running.lab.heal("offices", "clients")


async def delay(running: Running, seconds: float) -> None:
    """The way to the office takes 300 ms each way, then it trickles; the others do not wait for it."""
    relay = running.helpers["relay"]
    relay.order("delay 0.3")
    await _flows(running, RECEIVER, AXIS_RECEIVER)
    await asyncio.sleep(seconds / 2)
    relay.order("trickle 300")
    await _flows(running, AXIS_RECEIVER, CLIENTS)
    await asyncio.sleep(seconds / 2)
    relay.order("pass")
    await _flows(running, RECEIVER)


async def silence(running: Running, seconds: float) -> None:
    """The office's connections stay open and nothing comes through them; new ones open and are as silent."""
    await _flows(running, RECEIVER)
    # segments with content are longer than the bare acknowledgements and SYNs, which pass
    running.lab.fault("offices", f"in tcp dport {OFFICE_PORT} ip length > 80 drop")
    await asyncio.sleep(seconds)
    await _flows(running, AXIS_RECEIVER, CLIENTS)
    open_now = running.lab.sockets("gateway", "offices", OFFICE_PORT)
    if open_now > 2 * _MOST_IN_FLIGHT:  # those given up are closed beside those under way
        running.verdict.other.append(f"{open_now} connections are open to a silent office")
    running.lab.heal("offices")
    await _flows(running, RECEIVER)


async def names_gone(running: Running, seconds: float) -> None:
    """The office's name is not found at first, then it is; when the name server goes again, the old answer does."""
    # at the far end: what a machine drops of its own datagrams fails at once and hangs nobody
    running.lab.fault("offices", _NO_NAMES)
    await _flows(running, AXIS_RECEIVER, CLIENTS)
    if running.arrived(RECEIVER):
        running.verdict.other.append("something arrived at a name that nobody knew")
    await running.until(lambda: "connect_failed" in _reasons(running), "names fail as connect_failed")
    running.lab.heal("offices")
    running.helpers["names"] = await Helper.start(running.lab, "offices", "names", ADDRESSES["offices"])
    await _flows(running, RECEIVER)
    running.lab.fault("offices", _NO_NAMES)
    await asyncio.sleep(seconds)
    await _flows(running, RECEIVER, AXIS_RECEIVER, CLIENTS)
    running.lab.heal("offices")


def with_own_certificate(site: Site) -> None:
    """The office has a certificate of its own, and closes its connections, so that it is asked for it again."""
    pair = issue_server(site.pki.folder, "office", now=datetime.now(UTC), names=TLS_NAMES)
    site.change(RECEIVER, certificate=str(pair.certificate), key=str(pair.key), closes=True)


async def certificate_ends(running: Running, seconds: float) -> None:
    """The office's certificate ends: a temporary failure with its reason, announced; renewed, all goes on."""
    await _flows(running, RECEIVER)
    _certify(running, datetime.now(UTC) - _LIFE + _BACKDATED + _SHORT_LIFE)
    await running.until(lambda: "peer_tls_failed" in _reasons(running), "peer_tls_failed is recorded")
    await running.until(lambda: _events(running, "endpoint.closed"), "the endpoint is announced as down")
    if "expired" not in _reasons(running).get("peer_tls_failed", ""):
        running.verdict.other.append("the attempt does not say that the certificate has expired")
    await asyncio.sleep(seconds / 4)
    await _flows(running, AXIS_RECEIVER, CLIENTS)
    _certify(running, datetime.now(UTC))
    await _flows(running, RECEIVER)
    await running.until(lambda: _events(running, "endpoint.opened"), "the endpoint is announced as up")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """One of them, and what it needs."""

    act: Callable[[Running, float], Awaitable[None]]
    places: Places
    prepare: Callable[[Site], None] = lambda _: None

    @property
    def name(self) -> str:
        """As its function is called."""
        return str(getattr(self.act, "__name__", "")).replace("_", " ")

    @property
    def text(self) -> str:
        """What happens."""
        return (self.act.__doc__ or "").strip()


DIRECT = tuple(Scenario(act=act, places=places()) for act in (partition, loss, silence))
#: The first one begins with a name that nobody knows.
BY_NAME = (
    Scenario(act=names_gone, places=places(by_name=True, by_relay=True)),
    Scenario(act=delay, places=places(by_relay=True)),
)
CERTIFIED = (Scenario(act=certificate_ends, places=places(), prepare=with_own_certificate),)


async def _flows(running: Running, *names: str) -> None:
    """Each of these receives something that it had not before."""
    since = now()
    for name in names:
        await running.until(lambda name=name: running.arrived(name, since), f"{name} receives")  # type: ignore[misc]


def _names(members: tuple[str, ...]) -> set[str]:
    return {RECEIVER if member == "offices" else AXIS_RECEIVER for member in members}


def _certify(running: Running, issued_at: datetime) -> None:
    """Another certificate for the office, taken at once."""
    pair = running.site.pki.simulator("office")
    pair.key.unlink()
    pair.certificate.unlink()
    issue_server(running.site.pki.folder, "office", now=issued_at, names=TLS_NAMES)
    running.office.renew()


def _reasons(running: Running) -> dict[str, str]:
    """Of all attempts so far, with one of their details."""
    with closing(connect_lookup(running.site.database)) as connection:
        rows = connection.execute("SELECT reason, detail FROM attempt WHERE reason IS NOT NULL").fetchall()
    return {str(reason): str(detail) for reason, detail in rows}


def _events(running: Running, name: str) -> int:
    with closing(connect_lookup(running.site.database)) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM event WHERE kind = ?", (name,)).fetchall()
    return int(count)
