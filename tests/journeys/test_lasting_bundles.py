"""Evidence that is to last: exports with evidence record, revocation answers and B-LTA, verified in ten years."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from gateway.bundle.container import Container
from gateway.bundle.facts import read
from gateway.bundle.format import BUNDLE, EXPORT, RECORD, role_of
from gateway.cli import main
from gateway.clock import SystemClock
from gateway.seal.unsigned import read_unsigned
from gateway.simulate.tsa.issuing import POLICY
from tests.journeys.installation import Installation, prepare
from tests.journeys.test_bundles import anchors_of, verified
from tests.journeys.test_log import sent, signed
from tests.tsa_process import TsaProcess, running_tsa


def list_file(site: Installation, path: Path) -> Path:
    """What an operator would load: the list of the time-stamping authority's CA."""
    now, folder = SystemClock().now(), site.pki.folder / "authorities"
    authority = x509.load_pem_x509_certificate((folder / "tsa-ca.pem").read_bytes())
    key = load_pem_private_key((folder / "tsa-ca.key").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    found = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(now - timedelta(hours=1))
        .next_update(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(found.public_bytes(Encoding.DER))
    return path


async def site_with(tsa: TsaProcess, folder: Path, pki_folder: Path) -> Installation:
    more = f'[stamps]\nservers = ["{tsa.url} {POLICY} own"]\nanchors = "certs/anchors/tsa"\n'
    return await prepare(folder, pki_folder, more=more)


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    """Empty."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


async def test_export_that_lasts_is_verified_in_ten_years_and_another_is_not(
    tmp_path: Path, site_folder: Path, pki_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The record and the stamps are those of a real authority; without it no bundle is made that says it lasts."""
    async with running_tsa(pki_folder) as tsa:
        site = await site_with(tsa, site_folder, pki_folder)
        anchors = anchors_of(site, tmp_path / "anchors")
        config = ["--config", str(site.folder / "config.toml")]
        out, plain = tmp_path / "lasting.asice", tmp_path / "plain.asice"
        async with site.running():
            message_id = await sent(site)
            assert site.app is not None
            await site.app.stampers[1].run_once()
            await signed(site)
            revoked = str(list_file(site, tmp_path / "tsa.crl"))
            load = [*config, "keys", "revocation", "load", revoked, "--reason", "monthly disc"]
            assert await asyncio.to_thread(main, load) == 0
            export = [*config, "export", message_id, "--out"]
            assert await asyncio.to_thread(main, [*export, str(out), "--lta"]) == 0
            assert await asyncio.to_thread(main, [*export, str(plain)]) == 0
            await tsa.kill()
            assert await asyncio.to_thread(main, [*export, str(tmp_path / "none.asice"), "--lta"]) != 0
            assert "no_stamp" in capsys.readouterr().err
            assert not (tmp_path / "none.asice").exists()
    later = f"{SystemClock().now() + timedelta(days=3650):%Y-%m-%d}"
    proven = await asyncio.to_thread(verified, out, "--anchors", str(anchors), "--require-time", "--at", later)
    assert proven["verdict"] == "PASSED", [each for each in proven["checks"] if each["verdict"] != "PASSED"]  # type: ignore[attr-defined]
    ended = await asyncio.to_thread(verified, plain, "--anchors", str(anchors), "--require-time", "--at", later)
    assert ended["verdict"] == "INDETERMINATE"
    now = await asyncio.to_thread(verified, plain, "--anchors", str(anchors), "--require-time")
    assert now["verdict"] == "PASSED"
    container = Container.open(out)
    assert RECORD in container.entries
    assert read(container.bytes_of(BUNDLE)).lasting is True
    properties = read_unsigned(container.bytes_of(EXPORT))
    assert properties is not None
    assert properties.archive_stamp
    assert properties.certificates
    assert len(properties.crls) == 1
    assert [name for name in container.entries if role_of(name) == "revocation"]


async def test_renewed_bundle_has_a_stamp_more_and_a_broken_one_is_not_renewed(
    tmp_path: Path, site_folder: Path, pki_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a server; in place or beside it; the old file stays whole whatever goes wrong."""
    async with running_tsa(pki_folder) as tsa:
        site = await site_with(tsa, site_folder, pki_folder)
        anchors = anchors_of(site, tmp_path / "anchors")
        config = ["--config", str(site.folder / "config.toml")]
        out, again, plain = (tmp_path / f"{name}.asice" for name in ("lasting", "again", "plain"))
        async with site.running():
            message_id = await sent(site)
            assert site.app is not None
            await site.app.stampers[1].run_once()
            await signed(site)
            export = [*config, "export", message_id, "--out"]
            assert await asyncio.to_thread(main, [*export, str(out), "--lta"]) == 0
            assert await asyncio.to_thread(main, [*export, str(plain)]) == 0
        renew = [*config, "export", "--renew"]
        assert await asyncio.to_thread(main, [*renew, str(out), "--out", str(again)]) == 0
        assert await asyncio.to_thread(main, [*renew, str(again), "--out", str(again)]) == 0
        before, after = (Container.open(each) for each in (out, again))
        assert [after.digest_of(name) for name in after.entries if name != EXPORT] == [
            before.digest_of(name) for name in before.entries if name != EXPORT
        ]
        properties = read_unsigned(after.bytes_of(EXPORT))
        assert properties is not None
        assert len(properties.archive_stamps) == 3
        changed = bytearray(again.read_bytes())
        changed[changed.index(b"<edXML") + 30] ^= 1
        broken = tmp_path / "broken.asice"
        broken.write_bytes(changed)
        for file in (plain, broken, tmp_path / "none.asice"):
            assert await asyncio.to_thread(main, [*renew, str(file), "--out", str(tmp_path / "new.asice")]) == 1
            assert "bundle_unfit" in capsys.readouterr().err
        await tsa.kill()
        whole = again.read_bytes()
        assert await asyncio.to_thread(main, [*renew, str(again), "--out", str(again)]) != 0
        assert "no_stamp" in capsys.readouterr().err
        assert again.read_bytes() == whole
        assert not (tmp_path / "new.asice").exists()
    later = f"{SystemClock().now() + timedelta(days=3650):%Y-%m-%d}"
    found = await asyncio.to_thread(verified, again, "--anchors", str(anchors), "--at", later)
    assert found["verdict"] == "PASSED", [each for each in found["checks"] if each["verdict"] != "PASSED"]  # type: ignore[attr-defined]
    names = [each["name"] for each in found["checks"]]  # type: ignore[attr-defined]
    assert {"export.archive_stamp", "export.archive_stamp.2", "export.archive_stamp.3"} <= set(names)
