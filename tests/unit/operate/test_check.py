"""check: every finding can be caused, and a sound installation has none that matters."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.audit.findings import Findings, Severity
from gateway.cli import main
from gateway.config.settings import Settings
from gateway.config.values import Addresses, Size
from gateway.diagnosis import check as checking
from gateway.diagnosis.check_kinds import KINDS
from gateway.errors import EnvironmentRefusedError
from gateway.failpoints import VARIABLE
from gateway.foundation import database_of
from gateway.model import Endpoint, EndpointId
from gateway.storage.driver import Driver, choose_driver
from tests.journeys.installation import OWN, Installation

NOW = datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that is wrong."""

    code: str
    settings: Callable[[Settings], Settings] = lambda settings: settings
    files: Callable[[Settings], object] = lambda _: None
    now: datetime = NOW
    newest_event: datetime | None = None
    own_agency: bool | None = None


def found(
    settings: Settings,
    *,
    now: datetime = NOW,
    newest_event: datetime | None = None,
    own_agency: bool | None = None,
) -> Findings:
    """What check finds beside a running server."""
    return checking.check(settings, now=now, running=True, newest_event=newest_event, own_agency=own_agency)


def test_sound_installation_has_no_errors(installation: Installation) -> None:
    """Only what a development installation is warned of."""
    findings = found(installation.settings)
    assert findings.ok
    assert set(findings.counts) == {"development_profile"}


def test_enrolment_authority_may_have_a_key_of_another_curve(installation: Installation) -> None:
    """It seals nothing; a key that is not its own is named all the same."""
    settings = installation.settings
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Enrolment CA")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(1), NOW + timedelta(3650))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = made.sign(key, hashes.SHA384()).public_bytes(Encoding.PEM)
    for file in (settings.enrolment.certificate, settings.tls.client_anchors / "enrolment-ca.pem"):
        file.write_bytes(pem)
    assert found(settings).counts["key_mismatch"] == 1
    settings.enrolment.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert set(found(settings).counts) == {"development_profile"}


def _replaced(part: str, **changed: object) -> Callable[[Settings], Settings]:
    return lambda settings: replace(settings, **{part: replace(getattr(settings, part), **changed)})


def _swap_seal(settings: Settings) -> None:
    shutil.copy(settings.tls.certificate, settings.seal.certificate)


def _narrow_anchors(settings: Settings) -> None:
    (settings.tls.client_anchors / "enrolment-ca.pem").unlink()


def _foreign_seal_anchor(settings: Settings) -> None:
    shutil.copy(settings.tls.client_anchors / "root.pem", settings.seal.anchors / "root.pem")


CASES = [
    Case(code="plain_http", settings=_replaced("bindings", plain_port=8080)),
    Case(code="plain_host_unfit", settings=_replaced("bindings", plain_port=8080, plain_host="0.0.0.0")),
    Case(code="plain_host_unfit", settings=_replaced("bindings", plain_port=8080, plain_host="10.8.0.1")),
    Case(code="head_small", settings=_replaced("bindings", port=8444, max_head=Size(8192))),
    Case(code="lease_short", settings=_replaced("delivery", lease=timedelta(seconds=1))),
    Case(code="retry_order", settings=_replaced("delivery", base=timedelta(days=1))),
    Case(code="organ_id_missing", settings=_replaced("seal", organ_id="")),
    Case(code="organ_id_opaque", settings=_replaced("seal", organ_id="gateway")),
    Case(code="organ_id_unknown", own_agency=False),
    Case(code="operations_exposed", settings=_replaced("server", operations_host="0.0.0.0")),
    Case(code="socket_path", settings=_replaced("server", admin_socket=Path("/" + "a" * 120))),
    Case(code="file_unreadable", files=lambda settings: settings.tls.certificate.unlink()),
    Case(code="file_unreadable", files=lambda settings: settings.tls.certificate.write_text("no PEM")),
    Case(code="file_unreadable", files=lambda settings: settings.seal.key.unlink()),
    Case(code="key_unfit", files=lambda settings: settings.tls.key.chmod(0o644)),
    Case(code="key_unfit", files=lambda settings: settings.tls.key.write_text("no key")),
    Case(code="key_mismatch", files=_swap_seal),
    Case(code="key_service_unfit", settings=_replaced("seal", socket=Path("/nowhere/seal.sock"))),
    Case(code="certificate_expired", now=NOW + timedelta(days=4000)),
    Case(code="certificate_expired", now=NOW - timedelta(days=1)),
    Case(code="certificate_soon", now=NOW + timedelta(days=350)),
    Case(code="certificate_name", settings=_replaced("server", public_url="https://truc.kiengiang.gov.vn")),
    Case(code="seal_untrusted", files=_foreign_seal_anchor),
    Case(code="anchors_unfit", files=lambda settings: shutil.rmtree(settings.seal.anchors)),
    Case(code="anchors_unfit", files=lambda settings: settings.tls.client_anchors.chmod(0o777)),
    Case(code="enrolment_untrusted", files=_narrow_anchors),
    Case(code="secret_exposed", files=lambda settings: (settings.storage.secrets / "axis").chmod(0o640)),
    Case(code="secret_exposed", files=lambda settings: settings.storage.secrets.chmod(0o755)),
    Case(code="folder_unfit", files=lambda settings: settings.storage.folder.chmod(0o755)),
    Case(code="folder_unfit", settings=_replaced("storage", folder=Path("/proc/1/mem/data"))),
    Case(code="disk_low", settings=_replaced("storage", min_free_bytes=Size(1 << 60))),
    Case(code="parser_memory", settings=_replaced("parser", memory=Size(1024))),
    Case(code="parser_memory_large", settings=_replaced("parser", processes=100_000)),
    Case(code="backup_unset", settings=lambda settings: replace(settings, profile="strict")),
    Case(
        code="backup_same_disk",
        settings=lambda settings: replace(
            settings, backup=replace(settings.backup, folder=settings.storage.folder.parent)
        ),
    ),
    Case(
        code="backup_key_unfit",
        settings=lambda settings: replace(
            settings, backup=replace(settings.backup, folder=Path("/nowhere"), key=Path("/nowhere/key"))
        ),
    ),
    Case(code="alarms_unmailed", settings=_replaced("alarms", mail=Addresses(("truc@example.vn",)))),
    Case(code="secret_missing", settings=_replaced("alarms", url="https://phat.example.vn", secret_file="alarms")),
    Case(code="alarms_unset", settings=lambda settings: replace(settings, profile="strict")),
    Case(code="parser_alone", settings=lambda settings: replace(settings, profile="strict")),
    Case(code="clock_behind", newest_event=NOW + timedelta(hours=1)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_what_is_wrong_is_found(installation: Installation, case: Case) -> None:
    """Each mistake has its finding."""
    case.files(installation.settings)
    findings = found(
        case.settings(installation.settings),
        now=case.now,
        newest_event=case.newest_event,
        own_agency=case.own_agency,
    )
    assert case.code in findings.counts


def test_disk_that_will_soon_be_full_is_a_warning(installation: Installation) -> None:
    """Less than twice the least is told before documents are refused."""
    free = shutil.disk_usage(installation.folder).free
    findings = found(_replaced("storage", min_free_bytes=Size(int(free * 0.7)))(installation.settings))
    assert "disk_soon" in findings.counts


def test_armed_failpoints_are_an_error_in_the_strict_profile(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A production process must not be told to kill itself."""
    monkeypatch.setenv(VARIABLE, "pump.commit.before=kill")
    assert "failpoints_armed" not in found(installation.settings).counts
    assert "failpoints_armed" in found(replace(installation.settings, profile="strict")).counts


def test_seal_certificate_for_another_purpose_is_a_warning(installation: Installation) -> None:
    """A TLS certificate does not seal."""
    settings = installation.settings
    shutil.copy(settings.tls.certificate, settings.seal.certificate)
    settings.seal.key.unlink()
    shutil.copy(settings.tls.key, settings.seal.key)
    assert "certificate_usage" in found(settings).counts


def test_affected_sqlite_is_an_error_unless_overridden(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The WAL-reset bug is told in either case."""

    def refuse(**_: object) -> Driver:
        raise EnvironmentRefusedError("SQLite 3.45.0 can corrupt")

    monkeypatch.setattr(checking, "choose_driver", refuse)
    assert "sqlite_affected" in found(installation.settings).counts
    alarmed = replace(choose_driver(allow_affected_sqlite=True), alarm="SQLite 3.45.0 can corrupt")
    monkeypatch.setattr(checking, "choose_driver", lambda **_: alarmed)
    assert "sqlite_overridden" in found(installation.settings).counts


def test_taken_port_is_found_only_while_the_server_is_stopped(installation: Installation) -> None:
    """The running server's own ports are no finding."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = _replaced("server", port=port)(installation.settings)
        stopped = checking.check(settings, now=NOW, running=False)
        assert "port_taken" in stopped.counts
        assert "port_taken" not in found(settings).counts


def test_channel_without_its_files_is_found(installation: Installation) -> None:
    """A webhook needs its secret and its CAs."""
    settings: dict[str, object] = {"secret_file": "nobody", "anchors_file": "none.pem"}
    settings["url"] = "https://qlvb.example.vn/nhan"
    endpoint = Endpoint(id=EndpointId("e"), name="x", kind="webhook", settings=settings)
    findings = Findings(KINDS)
    checking.check_channels(installation.settings, [endpoint], findings)
    assert set(findings.counts) == {"secret_missing", "file_unreadable"}


def test_command_exits_0_when_well_and_1_on_errors(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts ask by exit code, people read what to do."""
    arguments = ["--config", str(installation.folder / "config.toml"), "check"]
    assert main(arguments) == 0
    assert "All is well" in capsys.readouterr().out
    installation.settings.tls.key.chmod(0o644)
    assert main([*arguments, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert "chmod 600" in told["findings"][0]["detail"]
    assert main(arguments) == 1
    shown = capsys.readouterr().out
    assert "Khóa không dùng được" in shown
    assert "A key cannot be used" in shown


@pytest.mark.parametrize(("key", "value", "code"), [
    ("compat_version", "99", "schema_newer"), ("schema_version", "0", "migrations_pending"),
])  # fmt: skip
def test_database_of_another_version_is_told(
    installation: Installation, capsys: pytest.CaptureFixture[str], key: str, value: str, code: str
) -> None:
    """Before a start refuses it, or changes it."""
    driver = choose_driver(allow_affected_sqlite=True)
    connection = driver.module.connect(database_of(installation.settings))
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))
    connection.commit()
    connection.close()
    main(["--config", str(installation.folder / "config.toml"), "check", "--json"])
    assert code in {item["code"] for item in json.loads(capsys.readouterr().out)["findings"]}


def test_organ_id_is_looked_up_in_the_directory(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """A system's code of no official form is right when the directory has it; one it does not have is told."""
    file = installation.folder / "config.toml"
    text = file.read_text()
    for code, due in (("vxp.saas.03", set()), ("000.00.98.H33", {"organ_id_unknown"})):
        file.write_text(text.replace(OWN, code))
        assert main(["--config", str(file), "check", "--json"]) == 0
        told = {item["code"] for item in json.loads(capsys.readouterr().out)["findings"]}
        assert told == due | {"development_profile"}


def test_damaged_database_is_an_error(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    """All is not well when nobody can read the ledger; which way it is damaged, fsck tells."""
    for name in ("-wal", "-shm", ""):
        path = database_of(installation.settings)
        path.with_name(path.name + name).unlink(missing_ok=True)
    database_of(installation.settings).write_bytes(b"%PDF-1.7" * 1000)
    assert main(["--config", str(installation.folder / "config.toml"), "check", "--json"]) == 1
    assert "database_unreadable" in {item["code"] for item in json.loads(capsys.readouterr().out)["findings"]}


def test_every_kind_says_what_to_do_in_both_languages() -> None:
    """A finding without advice helps nobody."""
    for kind in KINDS.values():
        assert all((kind.vi, kind.en, kind.do_vi, kind.do_en))
        assert kind.severity in Severity
