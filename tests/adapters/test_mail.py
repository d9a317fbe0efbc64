"""Letters over real SMTP with STARTTLS: what is in them, what answers mean, what is never sent."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.mail import MailServer as Settings
from adapters.mail import SmtpMailer
from gateway.alerting import Wishes
from gateway.clock import SystemClock
from gateway.model import Outcome, OutcomeKind
from gateway.ports import Letter
from gateway.reasons import REASONS
from tests.adapters.certificates import issue, server_context
from tests.adapters.mail_server import ACCOUNT, PASSWORD, serving

_LETTER = Letter(
    to="vanthu@xa.example.vn", subject="2 văn bản chờ", text="Có 2 văn bản chờ.\n", id="0190-abc", token="0190-abc"
)


class Post:
    """A CA, a mail server's certificate, an account."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = issue("ca")
        (folder / "anchors.pem").write_bytes(self.ca.certificate.public_bytes(Encoding.PEM))
        (folder / "secrets").mkdir()
        self.write_password(PASSWORD)
        self.context = server_context(issue("mail", by=self.ca), folder)

    def write_password(self, password: str, mode: int = 0o600) -> None:
        path = self.folder / "secrets" / "mail"
        path.write_text(password)
        path.chmod(mode)

    def settings(self, port: int) -> Settings:
        return Settings(
            host="localhost",
            port=port,
            tls="starttls",
            sender="truc@vanban.example.vn",
            bounces="bounce@vanban.example.vn",
            anchors=self.folder / "anchors.pem",
            username=ACCOUNT,
            password_file="mail",
            timeout_seconds=5,
        )

    async def send(self, settings: Settings, letter: Letter = _LETTER) -> Outcome:
        return await SmtpMailer(settings, secrets=self.folder / "secrets", clock=SystemClock()).send(letter)


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


async def test_a_letter_arrives_with_its_return_path(post: Post) -> None:
    """Over TLS, with an account, and a bounce would name it."""
    async with serving(post.context) as server:
        outcome = await post.send(post.settings(server.port))
    assert outcome.kind is OutcomeKind.DELIVERED
    (mail,) = server.mails
    assert mail.tls
    assert mail.to == ["vanthu@xa.example.vn"]
    assert mail.sender == "bounce+0190-abc@vanban.example.vn"
    assert mail.message["Subject"] == "2 văn bản chờ"
    assert mail.message["Message-ID"] == "<0190-abc@vanban.example.vn>"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert abs((mail.message["Date"].datetime - datetime.now(UTC)).total_seconds()) < 60
    assert mail.message.get_content().strip() == "Có 2 văn bản chờ."


async def test_an_attachment_arrives_byte_for_byte(post: Post) -> None:
    """Where an agency wants the document itself."""
    content = bytes(range(256)) * 40
    async with serving(post.context) as server:
        await post.send(post.settings(server.port), replace(_LETTER, attachment=("a.edxml", content)))
    (attached,) = server.mails[0].message.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("a.edxml", content)


@pytest.mark.parametrize(
    "letter",
    [
        replace(_LETTER, to="a@example.vn\r\nBcc: b@example.vn"),
        replace(_LETTER, to="a@example.vn, b@example.vn"),
        replace(_LETTER, to="<a@example.vn>"),
        replace(_LETTER, to="văn@example.vn"),
        replace(_LETTER, to="a..b@example.vn"),
        replace(_LETTER, to="a.@example.vn"),
        replace(_LETTER, to="a@example..vn"),
        replace(_LETTER, subject="x\r\nBcc: b@example.vn"),
        replace(_LETTER, token="x@elsewhere.example"),
        replace(_LETTER, id="x>\r\nBcc: b@example.vn"),
    ],
)
async def test_no_header_can_be_slipped_in(post: Post, letter: Letter) -> None:
    """Refused before anybody dials."""
    async with serving(post.context) as server:
        outcome = await post.send(post.settings(server.port), letter)
    assert outcome.kind is OutcomeKind.DEFERRED
    assert (server.connections, server.mails) == (0, [])


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        ("550 5.1.1 no such user", OutcomeKind.REFUSED, "mail_address_refused"),
        ("450 4.2.1 greylisted", OutcomeKind.DEFERRED, "peer_busy"),
    ],
)
async def test_an_answer_about_the_address(post: Post, answer: str, kind: OutcomeKind, reason: str) -> None:
    """Permanent and temporary are told apart by the code."""
    async with serving(post.context) as server:
        server.refused[_LETTER.to] = answer
        outcome = await post.send(post.settings(server.port))
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert server.mails == []
    assert reason in REASONS


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        ("554 5.7.1 spam", OutcomeKind.REFUSED, "mail_refused"),
        ("452 4.3.1 full", OutcomeKind.DEFERRED, "peer_busy"),
    ],
)
async def test_an_answer_about_the_letter_is_not_one_about_the_address(
    post: Post, answer: str, kind: OutcomeKind, reason: str
) -> None:
    """A spam filter's mood marks nobody's address."""
    async with serving(post.context) as server:
        server.answer = answer
        outcome = await post.send(post.settings(server.port))
    assert (outcome.kind, outcome.reason) == (kind, reason)


async def test_a_rejected_account_is_ours_to_mend(post: Post) -> None:
    """And the password is told to nobody."""
    post.write_password("not the password at all")
    async with serving(post.context) as server:
        outcome = await post.send(post.settings(server.port))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "peer_credential_rejected"), outcome.detail
    assert "not the password" not in outcome.detail


async def test_no_password_is_sent_without_tls(post: Post) -> None:
    """A server, or somebody in between, that offers no STARTTLS gets nothing."""
    async with serving(None, account=False) as server:
        outcome = await post.send(post.settings(server.port))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "peer_tls_failed")
    assert server.mails == []


async def test_a_certificate_that_leads_nowhere_ends_it(post: Post, tmp_path: Path) -> None:
    """Nothing goes to whom we do not know."""
    other = server_context(issue("mail", by=issue("other ca")), tmp_path)
    async with serving(other) as server:
        outcome = await post.send(post.settings(server.port))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "peer_tls_failed")
    assert server.mails == []


async def test_plain_smtp_is_for_loopback_alone(post: Post) -> None:
    """A relay on the same machine needs no TLS."""
    async with serving(None, account=False) as server:
        plain = replace(post.settings(server.port), tls="none", username="", password_file="")
        assert (await post.send(plain)).kind is OutcomeKind.DELIVERED
        outcome = await post.send(replace(plain, host="mail.example.vn"))
    assert (outcome.reason, len(server.mails)) == ("connect_failed", 1)


async def test_an_absent_server_is_a_failed_connection(post: Post) -> None:
    """Nothing left."""
    outcome = await post.send(post.settings(1))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "connect_failed")


async def test_a_server_that_takes_and_says_nothing_leaves_it_unknown(post: Post) -> None:
    """It may have it."""
    forever = asyncio.Event()

    async def stall() -> None:
        await forever.wait()

    async with serving(post.context) as server:
        server.taken = stall
        outcome = await post.send(replace(post.settings(server.port), timeout_seconds=0.5))
        forever.set()
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNKNOWN, "outcome_unknown")


async def test_a_password_that_others_may_read_is_not_used(post: Post) -> None:
    """As with every secret."""
    post.write_password(PASSWORD, 0o644)
    outcome = await post.send(post.settings(1))
    assert outcome.reason == "connect_failed"
    assert "0600" in outcome.detail


def test_the_context_checks_names() -> None:
    """What `ssl` makes by default is what is used."""
    assert ssl.create_default_context().check_hostname


async def test_a_password_that_is_no_text_is_told_without_a_byte_of_it(post: Post) -> None:
    """An error of the decoder would name one."""
    (post.folder / "secrets" / "mail").write_bytes(b"correct horse battery \xf3")
    async with serving(post.context) as server:
        outcome = await post.send(post.settings(server.port))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "connect_failed")
    assert "f3" not in outcome.detail
    assert not server.mails


@pytest.mark.parametrize("address", ["a..b@example.vn", ".a@example.vn", "a.@example.vn", "a@example..vn"])
def test_a_wish_that_no_letter_could_be_sent_to_is_refused(address: str) -> None:
    """Whoever sets it is told, not whoever waits for letters."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"mail": [address]}, Wishes)
    assert msgspec.convert({"mail": ["van.thu@xa.example.vn"]}, Wishes).mail
