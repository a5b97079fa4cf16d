"""Handing mails to a real SMTP server: what arrives, what is tried again, what is given up, what is never said."""

import logging
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from flask import Flask

from tests.clock import Clock
from tests.mail.queue import LINK, TO, TOKEN, deliver, outcome, queue
from tests.mail.smtp_server import SmtpServer

PRODUCTION = {"APP_ENV": "production", "SECRET_KEY": "s" * 40, "ENCRYPTION_KEYS": "A" * 43 + "="}
SUBJECTS = {"이메일 주소를 인증해 주세요", "이메일 주소가 변경되었습니다", "비밀번호가 변경되었습니다"}
MakeApp = Callable[..., Flask]


def test_a_mail_arrives_once_and_whole(sending: Flask, mail_server: SmtpServer, clock: Clock) -> None:
    queue(sending)
    assert (deliver(sending), deliver(sending)) == (1, 0)
    (mail,) = mail_server.arrived
    assert (mail.sender, mail.recipients) == ("no-reply@id.example.com", [TO])
    message = mail.message
    assert message["From"] == "MAX 플랫폼 <no-reply@id.example.com>"
    assert (message["To"], message["Subject"]) == (TO, "새 비밀번호 설정")
    assert parsedate_to_datetime(message["Date"]) == clock.now
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f-]{36}@id\.example\.com>", message["Message-ID"])
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert LINK in mail.part("plain")
    assert f'href="{LINK}"' in mail.part("html")
    assert outcome(sending) == ("done", "")


def test_a_mail_passes_servers_that_know_seven_bits_and_short_lines(sending: Flask, mail_server: SmtpServer) -> None:
    queue(sending)
    deliver(sending)
    raw = mail_server.arrived[0].raw
    assert raw.isascii()
    assert max(len(line) for line in raw.splitlines()) <= 998
    assert b"\r" not in raw.replace(b"\r\n", b"")


def test_nobody_can_be_answered_or_counted(sending: Flask, mail_server: SmtpServer) -> None:
    queue(sending)
    deliver(sending)
    names = {name.lower() for name in mail_server.arrived[0].message}
    assert names == {
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "auto-submitted",
        "content-language",
        "content-type",
        "mime-version",
    }


@pytest.mark.parametrize(
    ("fault", "state", "reason"),
    [
        ({"answers": {"RCPT": "550 5.1.1 <ada@example.com> is unknown here"}}, "given up", "recipient_refused"),
        ({"answers": {"RCPT": "553 5.1.3 what"}}, "given up", "recipient_refused"),
        ({"answers": {"RCPT": "450 4.2.1 greylisted"}}, "waits", "recipient_refused"),
        ({"answers": {"RCPT": "421 4.3.2 too busy"}}, "waits", "recipient_refused"),
        ({"answers": {"DATA": "554 5.7.1 spam"}}, "given up", "content_refused"),
        ({"answers": {"DATA": "452 4.3.1 no room"}}, "waits", "content_refused"),
        ({"answers": {"MAIL": "550 5.7.1 not you"}}, "waits", "sender_refused"),
        ({"answers": {"MAIL": "451 4.3.0 later"}}, "waits", "sender_refused"),
        ({"drops_at": "MAIL"}, "waits", "connection_lost"),
        ({"drops_at": "RCPT"}, "waits", "connection_lost"),
        ({"drops_at": "DATA"}, "waits", "unconfirmed"),
        ({"hangs_at": "MAIL"}, "waits", "connection_lost"),
        ({"hangs_at": "RCPT"}, "waits", "connection_lost"),
    ],
)
def test_what_the_server_says_decides(
    sending: Flask,
    mail_server: SmtpServer,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
    state: str,
    reason: str,
) -> None:
    vars(mail_server).update(fault)
    queue(sending)
    with caplog.at_level(logging.DEBUG):
        assert deliver(sending) == 0
    assert outcome(sending) == (state, reason)
    assert deliver(sending) == 0  # not before its time
    lines = " ".join(f"{vars(record)}" for record in caplog.records if record.name.startswith("portal"))
    assert ("delivery_given_up" in lines) is (state == "given up")
    for secret in (TO, TOKEN, "greylisted", "unknown here", "spam"):
        assert secret not in lines
    vars(mail_server).update(answers={}, hangs_at="", drops_at="")
    clock.advance(seconds=11)
    assert deliver(sending) == (state == "waits")


def test_a_server_that_is_away_is_waited_for_longer_each_time(
    sending: Flask, mail_server: SmtpServer, clock: Clock
) -> None:
    mail_server.stop()
    queue(sending)
    for pause in (10, 30, 120, 600, 1800, 3600, 3600):
        assert deliver(sending) == 0
        assert outcome(sending) == ("waits", "no_connection")
        clock.advance(seconds=pause - 1)
        before = len(mail_server.asked)
        assert deliver(sending) == 0
        clock.advance(seconds=1)
        assert len(mail_server.asked) == before
    mail_server.start()
    assert deliver(sending) == 1
    assert len(mail_server.arrived) == 1


def test_a_mail_that_nobody_takes_is_given_up_with_its_life(
    sending: Flask, mail_server: SmtpServer, clock: Clock
) -> None:
    mail_server.stop()
    queue(sending)
    deliver(sending)
    clock.advance(days=3)
    assert deliver(sending) == 0
    assert outcome(sending) == ("given up", "no_connection")


def test_a_link_does_not_arrive_after_it_has_expired(sending: Flask, mail_server: SmtpServer, clock: Clock) -> None:
    """The portal may have been off since it was queued."""
    queue(sending)
    clock.advance(days=3)
    assert deliver(sending) == 0
    assert outcome(sending) == ("given up", "too_late")
    assert mail_server.arrived == []


def test_a_repeat_has_the_identity_of_the_first(sending: Flask, mail_server: SmtpServer, clock: Clock) -> None:
    queue(sending)
    mail_server.drops_at = "DATA"
    deliver(sending)
    mail_server.drops_at = ""
    clock.advance(hours=1)
    deliver(sending)
    first, second = mail_server.arrived
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.message["Date"] == second.message["Date"]
    assert first.part("html") == second.part("html")


def test_a_server_that_never_confirms_gets_a_mail_twice_at_most(
    sending: Flask, mail_server: SmtpServer, clock: Clock
) -> None:
    queue(sending)
    mail_server.drops_at = "DATA"
    for _ in range(5):
        deliver(sending)
        clock.advance(hours=2)
    assert len(mail_server.arrived) == 2
    assert outcome(sending) == ("given up", "unconfirmed")


@pytest.mark.parametrize(
    "to",
    [
        "ada@example.com, eve@example.com",
        "ada@example.com;eve@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\nRCPT TO:<eve@example.com>",
        "ada@example.com>\r\nDATA",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        "ada@example.com ",
        '"a b"@example.com',
        "ada@[127.0.0.1]",
        "ädä@example.com",
        "adä@example.com",
        "ada@example..com",
        "ada@eve@example.com",
        "@example.com",
        "ada",
        "",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 260}.com",
    ],
)
def test_only_one_plain_address_gets_a_mail(sending: Flask, mail_server: SmtpServer, to: str) -> None:
    queue(sending, to)
    assert deliver(sending) == 0
    assert outcome(sending) == ("given up", "address_unusable")
    assert mail_server.asked == []


@pytest.mark.parametrize("to", ["a.b+c@example.com", "o'neil@example.co.kr", "x@localhost", f"{'a' * 64}@example.com"])
def test_addresses_people_have_do(sending: Flask, mail_server: SmtpServer, to: str) -> None:
    queue(sending, to)
    assert deliver(sending) == 1
    assert mail_server.arrived[0].recipients == [to]


def test_a_host_of_another_script_is_told_in_ascii_and_read_as_it_is(sending: Flask, mail_server: SmtpServer) -> None:
    """RFC 5891: what is not ASCII in the name of a host has a form that every server takes."""
    queue(sending, "min@\ud55c\uae00.kr")
    assert deliver(sending) == 1
    (mail,) = mail_server.arrived
    assert (mail.recipients, mail.message["To"]) == (["min@xn--bj0bj06e.kr"], "min@xn--bj0bj06e.kr")


@pytest.mark.parametrize(
    "name", ["Eve\r\nBcc: eve@example.com", "Eve\r\n.\r\nMAIL FROM:<eve@example.com>\r\n", "\r\n.\r\n"]
)
def test_no_value_becomes_a_header_or_a_command(sending: Flask, mail_server: SmtpServer, name: str) -> None:
    for template in ("verify_email", "email_changed", "password_changed"):
        queue(sending, template=template, name=name, old_email=name, new_email=name, device=name, place=name)
    assert deliver(sending) == 3
    for mail in mail_server.arrived:
        assert mail.recipients == [TO]
        assert "Bcc" not in mail.message
        assert mail.message["Subject"] in SUBJECTS


def test_what_cannot_be_written_holds_up_nothing(
    sending: Flask, mail_server: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    queue(sending, template="no_such_mail")
    queue(sending)
    assert deliver(sending) == 1
    with sending.app_context():
        assert sending.extensions["services"].outbox.counts() == {"mail": {"done": 1, "given_up": 1}}


def test_without_a_server_production_queues_nothing(make_app: MakeApp) -> None:
    app = make_app(**PRODUCTION)
    queue(app)
    with app.app_context():
        services = app.extensions["services"]
        assert services.mail.is_possible is False
        assert services.outbox.counts() == {}


@pytest.mark.parametrize(("server", "lines"), [("", ["mails_are_not_sent"]), ("smtp.example.com", [])])
def test_production_without_a_server_says_so_once(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, server: str, lines: list[str]
) -> None:
    make_app(**PRODUCTION, MAIL_SERVER=server)
    assert [r.getMessage() for r in caplog.records if r.name == "portal.mail"] == lines
