"""The sealing key as a service of another user: `gateway keys serve`, at the end of a socket."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.config.settings import SealSettings
from gateway.errors import KeyFileError, SealError
from gateway.signing import SealingKey, try_service
from tests.pki.test_signing import begun, faults_of, written

#: Rights are dropped once Python runs: nobody may not start one that lies in root's home.
CONNECT_AS_NOBODY = """
import os, socket, sys
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(sys.argv[1])
"""


def command(folder: Path, *more: str) -> list[str]:
    files = ["--key", str(folder / "seal.key"), "--certificate", str(folder / "seal.pem")]
    return [sys.executable, "-m", "gateway", "keys", "serve", *files, *more]


@contextmanager
def started(words: Sequence[str], *, fds: Sequence[int] = ()) -> Iterator[subprocess.Popen[str]]:
    """The service, from the moment that it says whom it signs for."""
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, pass_fds=fds) as process:
        assert process.stderr is not None
        try:
            said = process.stderr.readline()
            assert said.startswith("Signing for"), said + process.stderr.read()
            yield process
        finally:
            process.terminate()


@contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with started(command(folder, "--socket", str(folder / "s"))) as process:
        yield process


def settings(folder: Path) -> SealSettings:
    """As the server has them, which cannot read the key."""
    return SealSettings(key=Path("/nowhere"), certificate=folder / "seal.pem", socket=folder / "s")


async def test_server_that_cannot_read_the_key_has_receipts_signed(tmp_path: Path) -> None:
    """Only the service reads the file; many receipts at once are told apart."""
    written(tmp_path, "seal-rsa")
    key = SealingKey()
    with serving(tmp_path):
        try_service(tmp_path / "s", tmp_path / "seal.pem")
        await key.take(settings(tmp_path))
        sealings = [begun(key, str(number).encode()) for number in range(20)]
        assert [await faults_of(each, str(n).encode()) for n, each in enumerate(sealings)] == [()] * 20
        await key.close()


async def test_missing_service_stops_the_start_and_is_named(tmp_path: Path) -> None:
    """An operator learns which socket nobody listens at."""
    written(tmp_path, "seal-rsa")
    with pytest.raises(KeyFileError, match=f"{tmp_path}/s"):
        await SealingKey().take(settings(tmp_path))
    with pytest.raises(KeyFileError, match="No such file"):
        try_service(tmp_path / "s", tmp_path / "seal.pem")


async def test_service_that_died_costs_what_it_had_and_is_found_again(tmp_path: Path) -> None:
    """The next request connects anew; until somebody listens, documents are refused."""
    written(tmp_path, "seal-rsa")
    key = SealingKey()
    with serving(tmp_path) as process:
        await key.take(settings(tmp_path))
        process.kill()
        await asyncio.to_thread(process.wait)
        for _ in range(2):
            with pytest.raises(SealError, match="died"):
                await begun(key).receipt()
    with serving(tmp_path):
        assert await faults_of(begun(key)) == ()
        await key.close()


async def test_new_key_needs_no_restart_of_the_service_and_the_old_signs_until_the_reload(tmp_path: Path) -> None:
    """Files are exchanged, then the server reloads: in between nothing contradicts itself."""
    written(tmp_path, "seal-rsa")
    key = SealingKey()
    with serving(tmp_path):
        await key.take(settings(tmp_path))
        written(tmp_path, "seal-p256")
        between = begun(key)
        assert await faults_of(between) == ()
        assert b"rsa-sha256" in await between.receipt()
        await key.take(settings(tmp_path))
        assert await faults_of(begun(key)) == ()
        assert b"ecdsa-sha256" in await begun(key).receipt()
        await key.close()


async def test_certificate_of_another_key_is_not_signed_for(tmp_path: Path) -> None:
    """The service signs for the certificate that lies beside its key, and says so."""
    written(tmp_path, "seal-rsa")
    other = tmp_path / "other"
    other.mkdir()
    written(other, "seal-p256")
    with serving(tmp_path):
        asked = SealSettings(certificate=other / "seal.pem", socket=tmp_path / "s")
        with pytest.raises(KeyFileError, match="another certificate"):
            await SealingKey().take(asked)
        with pytest.raises(KeyFileError, match="another certificate"):
            try_service(tmp_path / "s", other / "seal.pem")


def test_unfit_key_ends_the_service_at_once(tmp_path: Path) -> None:
    """With the sentence that mends it."""
    key, _ = written(tmp_path, "seal-rsa")
    key.chmod(0o640)
    done = subprocess.run(command(tmp_path, "--socket", "x"), capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "chmod 600" in done.stderr


def test_socket_that_systemd_hands_over_is_served(tmp_path: Path) -> None:
    """Its mode and owner are then systemd's business."""
    written(tmp_path, "seal-rsa")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        number = listener.fileno()
        shell = f'exec 3<&{number} {number}<&-; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'
        if number == 3:
            shell = 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'
        with started(["bash", "-c", shell, "bash", *command(tmp_path)], fds=[number]):
            try_service(tmp_path / "s", tmp_path / "seal.pem")


def test_socket_is_open_to_its_group_alone(tmp_path: Path) -> None:
    """Who may connect may have things signed."""
    written(tmp_path, "seal-rsa")
    with serving(tmp_path):
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o660


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_user_who_may_not_connect_gets_nothing_signed(tmp_path: Path) -> None:
    """A commune's file in the wrong hands is no way to the key."""
    written(tmp_path, "seal-rsa")
    (tmp_path / "seal.pem").chmod(0o644)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    with serving(tmp_path):
        command = [sys.executable, "-c", CONNECT_AS_NOBODY, str(tmp_path / "s")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "PermissionError" in done.stderr
