"""Agencies hear that documents wait: by mail, by the digest of the day, by calls one after the other."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway import alerting
from gateway.admin.acts import ActOnDeliveries
from gateway.admin.reminding import lines_of
from gateway.alerting import Person
from gateway.api.models import NewStatus
from gateway.commands.acting import ask
from gateway.errors import RefusedError
from gateway.ledger.alerts import Bounced, BounceOperation
from gateway.ledger.reminders import Address, Remind, Reminded, RemindOperation, Unreminded
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from tests.journeys.alert_lab import ADDRESS, CALL_SECRET, MORNING, OTHER, AlertLab, alert_lab
from tests.journeys.installation import COMMUNE, PROVINCE, Installation
from tests.journeys.messages import document
from tests.journeys.receiver import Receiver, Reply

SECRET_SUBJECT = "V/v điều không ai được đọc trong thư"
_PERSONS = [
    Person(name="Nguyễn Văn A", number="+84900000001"),
    Person(name="Trần Thị B", number="+84900000002", after_minutes=10),
    Person(name="Lê Văn C", number="+84900000003", after_minutes=20),
]


@pytest.fixture
async def lab(installation: Installation, receiver: Receiver) -> AsyncIterator[AlertLab]:
    async with alert_lab(installation, receiver) as made:
        yield made


async def _send(installation: Installation, number: str = "1", *, priority: int = 0) -> str:
    async with installation.client(PROVINCE) as province:
        sent = document(PROVINCE, [COMMUNE], number=number, subject=SECRET_SUBJECT, priority=priority)
        return (await province.submit(sent)).id


# --- mail


async def test_a_notice_says_that_documents_wait_and_nothing_else(lab: AlertLab) -> None:
    """After a while, several of them in one mail, without subject, number or sender."""
    await lab.wish(mail=[ADDRESS])
    await _send(lab.installation, "41")
    await _send(lab.installation, "42")
    await lab.run()
    assert lab.server.mails == []
    await lab.run(minutes=6)
    (mail,) = lab.server.mails
    text = mail.message.get_content()
    assert mail.to == [ADDRESS]
    assert str(mail.message["Subject"]).startswith("2 văn bản")
    for hidden in (SECRET_SUBJECT, "41/UBND", PROVINCE):
        assert hidden not in text
        assert hidden not in str(mail.message["Subject"])
    assert await lab.states() == [(ADDRESS, "sent", "")] * 2
    await lab.run(minutes=60)
    assert len(lab.server.mails) == 1


async def test_details_are_there_where_the_agency_wants_them_and_never_a_subject(lab: AlertLab) -> None:
    """Number, sender and priority."""
    await lab.wish(mail=[ADDRESS], details=True)
    await _send(lab.installation, "41")
    await lab.run()
    await lab.run(minutes=6)
    text = lab.server.mails[0].message.get_content()
    assert f"41/UBND-VP · {PROVINCE} · thường" in text
    assert SECRET_SUBJECT not in text


async def test_the_document_is_attached_where_the_agency_wants_it(lab: AlertLab) -> None:
    """The very bytes, one mail each."""
    await lab.wish(mail=[ADDRESS], attach=True)
    message = await _send(lab.installation)
    await lab.run()
    await lab.run(minutes=6)
    (attached,) = lab.server.mails[0].message.iter_attachments()
    async with lab.installation.client(PROVINCE) as province:
        assert attached.get_content() == await province.original(message)


async def test_what_was_fetched_in_time_is_not_told(lab: AlertLab) -> None:
    """A system that pulls by itself makes no mail."""
    await lab.wish(mail=[ADDRESS])
    await _send(lab.installation)
    await lab.run()
    async with lab.installation.client(COMMUNE) as commune:
        item = (await commune.inbox()).items[0]
        await commune.content(item.id)
    await lab.run(minutes=6)
    assert lab.server.mails == []
    assert await lab.states() == [(ADDRESS, "dropped", "fetched")]


async def test_the_digest_comes_once_a_day(lab: AlertLab) -> None:
    """With what waits; on a day with nothing, nothing."""
    await lab.wish(mail=[ADDRESS], notices="digest")
    await _send(lab.installation)
    await lab.run()
    assert lab.server.mails == []
    await lab.run(hours=2)
    await lab.run(minutes=1)
    (mail,) = lab.server.mails
    assert str(mail.message["Subject"]).startswith("Tổng hợp: 1 văn bản")
    async with lab.installation.client(COMMUNE) as commune:
        item = (await commune.inbox()).items[0]
        await commune.content(item.id)
        await commune.ack(item.id)
    await lab.run(days=1)
    assert len(lab.server.mails) == 1


async def test_more_than_so_many_mails_an_hour_wait_and_share_one(
    installation: Installation, receiver: Receiver
) -> None:
    """Nobody's mailbox is filled by a rush of documents."""
    async with alert_lab(installation, receiver, mail={"per_hour": 1}) as lab:
        await lab.wish(mail=[ADDRESS], notices="each")
        for number in ("1", "2", "3"):
            await _send(installation, number)
            await lab.run()
            await lab.run(minutes=6)
        assert len(lab.server.mails) == 1
        await lab.run(minutes=60)
        assert [str(mail.message["Subject"])[:2] for mail in lab.server.mails] == ["1 ", "2 "]


async def test_an_address_that_does_not_exist_is_marked_and_set_again(lab: AlertLab) -> None:
    """Nothing more goes there, the other one hears all the same, and an operator sees it."""
    await lab.wish(mail=[ADDRESS, OTHER], notices="each")
    lab.server.refused[ADDRESS] = "550 5.1.1 no such user"
    await _send(lab.installation)
    await lab.run()
    await lab.run(minutes=6)
    assert [mail.to for mail in lab.server.mails] == [[OTHER]]
    assert await lab.states() == [(OTHER, "sent", ""), (ADDRESS, "failed", "mail_address_refused")]
    await _send(lab.installation, "2")
    await lab.run()
    await lab.run(minutes=6)
    assert (ADDRESS, "dropped", "mail_address_refused") in await lab.states()
    del lab.server.refused[ADDRESS]
    await lab.wish(mail=[ADDRESS])
    await _send(lab.installation, "3")
    await lab.run()
    await lab.run(minutes=6)
    assert lab.server.mails[-1].to == [ADDRESS]


async def test_a_bounce_in_the_maildir_marks_the_address(
    installation: Installation, receiver: Receiver, tmp_path: Path
) -> None:
    """One that names the return path of a mail of ours and says failed; a delay or a forged one does nothing."""
    folder = tmp_path / "bounces"
    (folder / "new").mkdir(parents=True)
    async with alert_lab(installation, receiver, mail={"bounce_folder": folder}) as lab:
        await lab.wish(mail=[ADDRESS], notices="each")
        await _send(installation)
        await lab.run()
        await lab.run(minutes=6)
        path = lab.server.mails[0].sender
        report = f"To: {path}\n\nFinal-Recipient: rfc822; {ADDRESS}\nAction: {{}}\nStatus: {{}}\n"
        (folder / "new" / "1").write_text(report.format("delayed", "4.4.1"))
        (folder / "new" / "2").write_text(
            report.format("failed", "5.1.1").replace(path, "bounce+x@vanban.example.vn")
        )
        await lab.run()
        assert installation.app is not None
        readers = installation.app.foundation.readers
        assert await readers.fetch("bounced_address_list") == []
        (folder / "new" / "3").write_text(report.format("failed", "5.1.1"))
        await lab.run()
        assert [row[0] for row in await readers.fetch("bounced_address_list")] == [ADDRESS]
    assert list((folder / "new").iterdir()) == []
    assert len(list((folder / "cur").iterdir())) == 3


async def test_an_outage_of_the_mail_server_delays_mail_and_nothing_else(lab: AlertLab) -> None:
    """Documents go on; the mail comes when the server is back."""
    await lab.wish(mail=[ADDRESS], notices="each")
    lab.server.answer = "451 4.3.0 try again later"
    await _send(lab.installation)
    await lab.run()
    await lab.run(minutes=6)
    assert [state for _, state, _ in await lab.states()] == ["waiting"]
    async with lab.installation.client(COMMUNE) as commune:
        assert len((await commune.inbox()).items) == 1
    lab.server.answer = "250 OK"
    await lab.run(minutes=2)
    assert [state for _, state, _ in await lab.states()] == ["sent"]


async def test_mail_is_given_up_after_three_days(lab: AlertLab) -> None:
    """Nothing is tried for ever."""
    await lab.wish(mail=[ADDRESS], notices="each")
    lab.server.answer = "451 4.3.0 try again later"
    await _send(lab.installation)
    await lab.run()
    await lab.run(days=4)
    assert [(state, reason) for _, state, reason in await lab.states()] == [("dropped", "gave_up")]


async def _remind(lab: AlertLab, message: str, *more: Address) -> Reminded:
    assert lab.installation.app is not None
    base = lab.installation.app.foundation
    agency = await base.directory.require(COMMUNE, base.clock.now())
    ask = Remind(
        message_id=message,
        actor="user:nhac",
        now=lab.watch.now(),
        addresses={agency.id: (Address(way="mail", target=ADDRESS), *more)},
    )
    return await base.pump.submit(RemindOperation(), ask)


async def test_office_is_told_again_when_a_person_reminds_it_until_it_answers(lab: AlertLab) -> None:
    """Though it has fetched the document; once in four hours; what is answered meanwhile is not told."""
    await lab.wish(mail=[ADDRESS], notices="each")
    message = await _send(lab.installation)
    await lab.run()
    await lab.run(minutes=6)
    async with lab.installation.client(COMMUNE) as commune:
        item = (await commune.inbox()).items[0]
        assert item.reminded_at is None
        await commune.content(item.id)
        done = await _remind(lab, message)
        assert (len(done.deliveries), done.told) == (1, 1)
        assert (await commune.inbox()).items[0].reminded_at == lab.watch.at
        await commune.ack(item.id)
        await lab.run()
        assert [str(mail.message["Subject"])[:5] for mail in lab.server.mails] == ["1 văn", "Nhắc:"]
        assert len({str(mail.message["Message-ID"]) for mail in lab.server.mails}) == 2, (
            "a mailbox drops what it had"
        )
        assert await lab.states() == [(ADDRESS, "sent", "")] * 2, "the hour counts both, and both keep their record"
        again = await _remind(lab, message)
        assert (again.deliveries, again.left) == ((), {Unreminded.LATELY: 1})
        await lab.run(hours=4)
        assert len(lab.server.mails) == 2
        assert (await _remind(lab, message)).told == 1
        await commune.answer(item.id, NewStatus(code="03"))
        await lab.run()
    assert len(lab.server.mails) == 2
    assert await lab.states() == [(ADDRESS, "dropped", "answered"), *[(ADDRESS, "sent", "")] * 2]
    lab.watch.pass_by(hours=4)
    assert (await _remind(lab, message)).left == {Unreminded.ANSWERED: 1}
    assert lab.installation.app is not None
    told = await lab.installation.app.foundation.readers.fetch("event_list_told", {"message": message, "limit": 50})
    assert [row[4] for row in told if row[1] == "delivery.reminded"] == ["user:nhac"] * 2


async def test_reminder_takes_the_place_of_a_telling_that_waits(lab: AlertLab) -> None:
    """One mail, not two of the same document."""
    await lab.wish(mail=[ADDRESS])
    message = await _send(lab.installation)
    await lab.run()
    await _remind(lab, message)
    await lab.run(minutes=6)
    assert [str(mail.message["Subject"])[:7] for mail in lab.server.mails] == ["Nhắc: 1"]
    assert await lab.states() == [(ADDRESS, "dropped", "reminded"), (ADDRESS, "sent", "")]


async def test_address_that_bounces_is_told_nothing(lab: AlertLab) -> None:
    """Its system has taken the document, so that only the telephone is left."""
    await lab.wish(mail=[ADDRESS])
    message = await _send(lab.installation)
    async with lab.installation.client(COMMUNE) as commune:
        item = (await commune.inbox()).items[0]
        await commune.content(item.id)
        await commune.ack(item.id)
    assert lab.installation.app is not None
    base = dataclasses.replace(lab.installation.app.foundation, settings=lab.settings)
    (before,) = await lines_of(base, message)
    bounced = Bounced(address=ADDRESS, reason="mail_address_refused", detail="550", now=lab.watch.now())
    await base.pump.submit(BounceOperation(), bounced)
    (after,) = await lines_of(base, message)
    assert [before.why_not(lab.watch.now()), after.why_not(lab.watch.now())] == [None, Unreminded.ELSEWHERE]


async def test_reminder_of_an_answer_says_so(lab: AlertLab, receiver: Receiver) -> None:
    """In the mail and on the telephone; the document is registered; 06 ends it."""
    await lab.wish(mail=[ADDRESS])
    async with lab.installation.client(PROVINCE) as province:
        asked = document(PROVINCE, [COMMUNE], due=MORNING.date(), priority=3)
        message = (await province.submit(asked)).id
    async with lab.installation.client(COMMUNE) as commune:
        item = (await commune.inbox()).items[0]
        await commune.content(item.id)
        await commune.ack(item.id)
        await commune.answer(item.id, NewStatus(code="03"))
        assert (await _remind(lab, message, Address(way="call", target="+84900000001"))).told == 1
        await lab.run()
        (call,) = receiver.came
        assert json.loads(call.body)["text"] == (
            f"Nhắc lại: 1 văn bản hỏa tốc / express đã đến hạn, {COMMUNE} chưa trả lời. "
            "1 document(s) wait for an answer."
        )
        (mail,) = lab.server.mails
        assert str(mail.message["Subject"]).startswith(f"Nhắc: 1 văn bản chờ {COMMUNE} trả lời")
        assert "vào sổ" not in mail.message.get_content()
        lab.watch.pass_by(hours=4)
        assert (await _remind(lab, message)).told == 1
        await commune.answer(item.id, NewStatus(code="06"))
        await lab.run()
    assert len(lab.server.mails) == 1
    assert (ADDRESS, "dropped", "answered") in await lab.states()


@pytest.mark.parametrize("address", ["a b@example.vn", "a@example.vn\r\nBcc: b@example.vn", "văn@example.vn", "a"])
async def test_an_address_that_no_header_can_hold_is_not_set(lab: AlertLab, address: str) -> None:
    """The command refuses it."""
    with pytest.raises(RefusedError):
        await lab.wish(mail=[address])


# --- calls


async def test_persons_are_called_one_after_the_other_until_somebody_acknowledges(
    lab: AlertLab, receiver: Receiver
) -> None:
    """The first at once, the second after ten minutes; the link of the second stops the third."""
    await lab.wish(calls=_PERSONS)
    await _send(lab.installation, priority=3)
    await lab.run()
    await lab.run(minutes=5)
    assert _numbers(receiver) == ["+84900000001"]
    await lab.run(minutes=6)
    assert _numbers(receiver) == ["+84900000001", "+84900000002"]
    call = json.loads(receiver.came[-1].body)
    assert SECRET_SUBJECT not in call["text"]
    assert receiver.came[-1].headers["Gateway-Kind"] == "alert"
    assert await _follow(lab, "GET", call["acknowledge"]) == (200, True)
    assert await _follow(lab, "POST", call["acknowledge"]) == (200, False)
    assert await _follow(lab, "GET", call["acknowledge"]) == (200, False)
    await lab.run(minutes=30)
    assert len(_numbers(receiver)) == 2
    assert ("+84900000003", "dropped", "acknowledged") in await lab.states()


async def test_a_rush_of_urgent_documents_is_one_call_and_one_answer(lab: AlertLab, receiver: Receiver) -> None:
    """Nobody can make a telephone ring a hundred times, and the link answers for all that the call was about."""
    await lab.wish(calls=_PERSONS)
    for number in ("1", "2", "3"):
        await _send(lab.installation, number, priority=3)
    await lab.run()
    await lab.run()
    assert _numbers(receiver) == ["+84900000001"]
    call = json.loads(receiver.came[-1].body)
    assert call["text"].startswith("3 văn bản")
    assert await _follow(lab, "POST", call["acknowledge"]) == (200, False)
    await lab.run(minutes=60)
    assert _numbers(receiver) == ["+84900000001"]


async def test_what_is_held_is_told_once_it_may_be_fetched(lab: AlertLab) -> None:
    """A mail about something that nobody can have would only make people ring us."""
    await lab.wish(mail=[ADDRESS], notices="each")
    message = await _send(lab.installation)
    await lab.run()
    act = ActOnDeliveries(act="hold", document=message, reason="kiểm thử")
    await ask(lab.installation.settings, "deliveries", act)
    await lab.run(minutes=6)
    assert lab.server.mails == []
    act = ActOnDeliveries(act="release", document=message, reason="kiểm thử")
    await ask(lab.installation.settings, "deliveries", act)
    await lab.run(minutes=11)
    assert len(lab.server.mails) == 1


async def test_nobody_else_is_called_once_it_is_fetched(lab: AlertLab, receiver: Receiver) -> None:
    """The document itself is the best answer."""
    await lab.wish(calls=_PERSONS)
    await _send(lab.installation, priority=2)
    await lab.run()
    async with lab.installation.client(COMMUNE) as commune:
        await commune.content((await commune.inbox()).items[0].id)
    await lab.run(minutes=60)
    assert _numbers(receiver) == ["+84900000001"]


async def test_nobody_is_called_about_what_is_not_urgent(lab: AlertLab, receiver: Receiver) -> None:
    """Khẩn (1) is not thượng khẩn (2)."""
    await lab.wish(calls=_PERSONS)
    await _send(lab.installation, priority=1)
    await lab.run(minutes=60)
    assert _numbers(receiver) == []


async def test_a_call_gateway_that_is_busy_is_asked_again_under_the_same_key(
    lab: AlertLab, receiver: Receiver
) -> None:
    """It can tell the repetition."""
    await lab.wish(calls=_PERSONS[:1])
    receiver.script.append(Reply(status=503))
    await _send(lab.installation, priority=4)
    await lab.run()
    await lab.run(minutes=2)
    keys = [came.headers["Idempotency-Key"] for came in receiver.came]
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_a_link_that_is_not_ours_does_not_exist(lab: AlertLab) -> None:
    """Nobody acknowledges for an alert whose link he never had."""
    await lab.wish(mail=[ADDRESS], notices="each")
    await _send(lab.installation)
    await lab.run()
    alert_id = (await lab.rows())[0][0]
    base = f"{lab.settings.server.public_url}/api/v1/alerts"
    for token in (alert_id, f"{alert_id}.{'0' * 32}", "x", alerting.link_token(b"another secret", alert_id)):
        assert (await _follow(lab, "POST", f"{base}/{token}"))[0] == 404


def _numbers(receiver: Receiver) -> list[str]:
    return [json.loads(came.body)["to"] for came in receiver.came]


async def _follow(lab: AlertLab, method: str, link: str) -> tuple[int, bool]:
    """The status, and whether the page still asks."""
    app = lab.installation.app
    assert app is not None
    url = link.replace(lab.settings.server.public_url, f"https://localhost:{app.port}")
    context = client_tls_context(lab.installation.pki.anchors(TrustPurpose.TLS))
    async with aiohttp.ClientSession() as session, session.request(method, url, ssl=context) as response:
        return response.status, "<button>" in await response.text()


def test_tokens_prove_themselves() -> None:
    """And only for their alert."""
    token = alerting.link_token(CALL_SECRET.encode(), "0190")
    assert alerting.alert_of(CALL_SECRET.encode(), token) == "0190"
    assert alerting.alert_of(CALL_SECRET.encode(), token.replace("0190", "0191")) is None
    assert alerting.alert_of(CALL_SECRET.encode(), "văn bản.x") is None
