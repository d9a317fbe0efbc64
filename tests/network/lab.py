"""A small network of namespaces: a bridge in one, and one each for the gateway, the axis, offices and clients.

Nothing in it reaches any other network: its only links are those to the bridge, its addresses exist nowhere else,
so two labs never meet though they use the same ones. Names carry the process id; what a killed run left is removed
by the next one. Faults are rules of nftables in the namespace of the side they happen to; `heal` removes them all.

It does NOT touch the namespace it is started from.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

#: Member -> its address. `dead` and `other` are further machines: offices that go away, clients that misbehave.
ADDRESSES: Final = {
    "gateway": "10.77.0.1",
    "offices": "10.77.0.2",
    "axis": "10.77.0.3",
    "clients": "10.77.0.4",
    "dead": "10.77.0.5",
    "other": "10.77.0.6",
}
#: Names in the certificates of a lab.
OFFICE_NAME: Final = "office.test"
TLS_NAMES: Final = ("localhost", "127.0.0.1", OFFICE_NAME, *ADDRESSES.values())

_PREFIX: Final = "gwlab"
_HUB: Final = "hub"
_ETC: Final = Path("/etc/netns")
_NAME: Final = re.compile(rf"{_PREFIX}-(\d+)-\d+-\w+")
_numbers = iter(range(1_000_000))
_lock = threading.Lock()


class Lab:
    """Its members, and what may be done to their connections."""

    def __init__(self) -> None:
        with _lock:
            self._stem = f"{_PREFIX}-{os.getpid()}-{next(_numbers)}"

    def space(self, member: str) -> str:
        """The name of a member's namespace."""
        return f"{self._stem}-{member}"

    def within(self, member: str) -> tuple[str, ...]:
        """What a command is started with to run there."""
        return ("ip", "netns", "exec", self.space(member))

    def run(self, member: str, *command: str, check: bool = True) -> str:
        """Run a command there; its output."""
        return _run(*self.within(member), *command, check=check)

    def fault(self, member: str, *rules: str) -> None:
        """Rules for what comes in (`in …`) or goes out (`out …`) at a member."""
        lines = [f"add rule inet lab {rule}" for rule in rules]
        subprocess.run([*self.within(member), "nft", "-f", "-"], input="\n".join(lines), text=True, check=True)

    def cut(self, member: str, other: str) -> None:
        """No packet passes between the two any more, in either direction."""
        address = ADDRESSES[other]
        self.fault(member, f"in ip saddr {address} drop", f"out ip daddr {address} drop")

    def lose(self, member: str, percent: int) -> None:
        """So many of a member's packets are lost in each direction."""
        part = f"numgen random mod 100 < {percent} drop"
        self.fault(member, f"in iif != lo {part}", f"out oif != lo {part}")

    def heal(self, *members: str) -> None:
        """All faults end."""
        for member in members or ADDRESSES:
            self.run(member, "nft", "flush", "table", "inet", "lab")

    def sockets(self, member: str, other: str, port: int | None = None) -> int:
        """Connections with the other one, or to a port of it, that processes of a member hold."""
        there = ADDRESSES[other] if port is None else f"{ADDRESSES[other]}:{port}"
        lines = self.run(member, "ss", "-Htnp", "dst", there).splitlines()
        return sum(1 for line in lines if "users:" in line)

    def _open(self) -> None:
        _run("ip", "netns", "add", self.space(_HUB))
        self.run(_HUB, "ip", "link", "add", "br0", "type", "bridge")
        self.run(_HUB, "ip", "link", "set", "br0", "up")
        for member, address in ADDRESSES.items():
            space = self.space(member)
            etc = _ETC / space
            etc.mkdir(parents=True)
            (etc / "resolv.conf").write_text(f"nameserver {ADDRESSES['offices']}\noptions timeout:3 attempts:2\n")
            _run("ip", "netns", "add", space)
            pair = ("type", "veth", "peer", "name", "eth0", "netns", space)
            self.run(_HUB, "ip", "link", "add", member, *pair)
            self.run(_HUB, "ip", "link", "set", member, "master", "br0", "up")
            self.run(member, "ip", "address", "add", f"{address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                self.run(member, "ip", "link", "set", device, "up")
            self.run(member, "nft", "add table inet lab")
            for chain, hook in (("in", "input"), ("out", "output")):
                self.run(member, "nft", f"add chain inet lab {chain} {{ type filter hook {hook} priority 0; }}")

    def _close(self) -> None:
        for member in (*ADDRESSES, _HUB):
            _remove(self.space(member))


@contextmanager
def laboratory() -> Iterator[Lab]:
    """A lab, and its end with everything that still runs in it."""
    _sweep()
    lab = Lab()
    try:
        lab._open()
        yield lab
    finally:
        lab._close()


def enter(space: str) -> None:
    """This thread, and what it starts, lives in that namespace from now on; for processes of their own."""
    with (Path("/run/netns") / space).open() as opened:
        if ctypes.CDLL(None, use_errno=True).setns(opened.fileno(), 0):
            raise OSError(ctypes.get_errno(), f"cannot enter {space}")


def missing() -> str:
    """Why there can be no lab here; empty when there can."""
    for name, package in (("ip", "iproute2"), ("ss", "iproute2"), ("nft", "nftables")):
        if shutil.which(name) is None:
            return f"{name} is not installed (Debian package {package})"
    if os.geteuid() != 0:
        return "network namespaces need root"
    space = f"{_PREFIX}-{os.getpid()}-0-trial"
    try:
        _run("ip", "netns", "add", space)
        _run("ip", "netns", "exec", space, "nft", "add table inet lab")
    except (subprocess.CalledProcessError, OSError) as error:
        return f"network namespaces are not permitted here: {error}"
    finally:
        _remove(space)
    return ""


def _sweep() -> None:
    """Remove what runs left that were killed."""
    for path in Path("/run/netns").glob(f"{_PREFIX}-*"):
        found = _NAME.fullmatch(path.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            _remove(path.name)


def _remove(space: str) -> None:
    if (Path("/run/netns") / space).exists():
        for pid in _run("ip", "netns", "pids", space, check=False).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        _run("ip", "netns", "delete", space, check=False)
    shutil.rmtree(_ETC / space, ignore_errors=True)


def _run(*command: str, check: bool = True) -> str:
    done = subprocess.run(_words(command), capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout


def _words(command: Sequence[str]) -> list[str]:
    return list(command)
