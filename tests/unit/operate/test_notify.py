"""What systemd is told."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gateway import notify


def test_states_are_sent_to_the_socket_that_systemd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """READY, RELOADING with its instant, STOPPING, each one datagram."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notify.ready()
        notify.reloading()
        notify.stopping()
        told = [manager.recv(200).decode() for _ in range(3)]
    assert told[0] == "READY=1"
    assert told[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert told[2] == "STOPPING=1"


def test_abstract_socket_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that begins with @ stands in the abstract namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0gateway-notify-test")
        monkeypatch.setenv("NOTIFY_SOCKET", "@gateway-notify-test")
        notify.ready()
        assert manager.recv(200) == b"READY=1"


def test_nothing_happens_without_or_behind_a_dead_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Running by hand, and a manager that is gone, are no errors."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify.ready()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify.ready()
