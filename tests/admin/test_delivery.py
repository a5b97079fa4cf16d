"""Mails and notices on pages: what became of each, another attempt, the end of one, a test, and how mails look."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.mail.letter import NAMES
from app.models import Delivery
from app.services.delivery.logout_notices import KIND
from app.services.foundation.powers import CLIENTS, SYSTEM
from tests.account.browsing import Facts, send, shown
from tests.admin.offices import administrator
from tests.clock import Clock
from tests.mail.conftest import smtp_settings
from tests.mail.queue import TO, TOKEN, deliver, outcome, queue
from tests.mail.smtp_server import SmtpServer
from tests.security.answers import is_page

MAIL = "/admin/mail"


@pytest.fixture
def sending(make_app: Any, mail_server: SmtpServer) -> Flask:
    """A portal that sends its mails to ``mail_server``."""
    app: Flask = make_app(**smtp_settings(mail_server))
    return app


def only_id(app: Flask) -> str:
    return str(Facts(app).one("SELECT id FROM deliveries"))


def verify(app: Flask) -> None:
    Facts(app).do("UPDATE users SET email_verified = true")


def test_a_mail_that_failed_is_tried_now_and_arrives(sending: Flask, mail_server: SmtpServer) -> None:
    office = administrator(sending)
    Facts(sending).do("DELETE FROM deliveries")
    mail_server.answers = {"MAIL": "451 4.3.0 later"}
    queue(sending)
    assert deliver(sending) == 0
    page, one = office.get(MAIL), f"{MAIL}/{only_id(sending)}"
    assert is_page(page, 200)
    assert "The mail server refused the sender’s address." in shown(page)
    assert "Try 1 that failed now" in shown(page)
    detail = office.get(one)
    assert "reset_password" in shown(detail)
    assert TO in shown(detail)
    for secret in (TOKEN, "민수"):
        assert secret not in detail.text + page.text
    mail_server.answers = {}
    assert deliver(sending) == 0
    assert send(office, f"{one}/retry", one).location == one
    assert deliver(sending) == 1
    assert [each.recipients for each in mail_server.arrived] == [[TO]]
    assert "Arrived" in shown(office.get(one))
    assert "does not wait after a failure" in send(office, f"{one}/retry", MAIL).text
    assert Facts(sending).one("SELECT count(*) FROM oauth_audit_logs WHERE action = 'delivery:retried'") == 1


def test_all_that_failed_of_a_queue_is_tried_and_nothing_of_the_other(sending: Flask) -> None:
    office = administrator(sending)
    Facts(sending).do("DELETE FROM deliveries")
    with sending.app_context():
        services = sending.extensions["services"]
        services.outbox.add(KIND, {"user_id": "x", "session_id": "y"}, life=timedelta(days=1), client_id="shop")
        later = services.clock() + timedelta(hours=1)
        services.db.session.execute(sa.update(Delivery).values(error="answered:503", next_attempt_at=later))
        services.db.commit()
    assert send(office, f"{MAIL}/retry", MAIL).location == MAIL
    assert "Nothing waits after a failure" in shown(office.get(MAIL))
    notices = shown(office.get("/admin/notices?client=shop&state=failing"))
    assert "The server answered with the status 503." in notices
    assert "No notice fits this" in shown(office.get("/admin/notices?client=other"))
    assert send(office, "/admin/notices/retry", "/admin/notices").location == "/admin/notices"
    assert "<dt>Next attempt</dt><dd>Now</dd>" in office.get(f"/admin/notices/{only_id(sending)}").text
    assert office.get(f"{MAIL}/{only_id(sending)}").status_code == 404


def test_what_is_dropped_is_forgotten_and_never_sent(sending: Flask, mail_server: SmtpServer, clock: Clock) -> None:
    office = administrator(sending)
    Facts(sending).do("DELETE FROM deliveries")
    queue(sending)
    one = f"{MAIL}/{only_id(sending)}"
    asked = office.get(f"{one}/drop")
    assert "a link in it reaches nobody" in shown(asked)
    assert send(office, f"{one}/drop").location == one
    assert outcome(sending) == ("given up", "dropped")
    assert deliver(sending) == 0
    assert mail_server.arrived == []
    assert "An administrator took it out of the queue." in shown(office.get(one))
    again = office.post(f"{one}/drop", data={"csrf_token": _token(office)})
    assert again.status_code == 400
    assert Facts(sending).one("SELECT count(*) FROM oauth_audit_logs WHERE action = 'delivery:dropped'") == 1
    clock.advance(minutes=20)
    assert office.get(f"{one}/drop").status_code == 303


def test_a_test_mail_goes_to_whoever_asks_and_says_what_became_of_it(sending: Flask, mail_server: SmtpServer) -> None:
    office = administrator(sending, SYSTEM)
    Facts(sending).do("DELETE FROM deliveries")
    Facts(sending).do("UPDATE users SET email_verified = false")
    refused = send(office, f"{MAIL}/test", MAIL)
    assert refused.status_code == 400
    assert "Verify your own e-mail address first" in refused.text
    verify(sending)
    sent = send(office, f"{MAIL}/test", MAIL, to="else@example.com")
    deliver(sending)
    assert [each.recipients for each in mail_server.arrived] == [["office@example.com"]]
    page = shown(office.get(sent.location))
    assert "Arrived" in page
    assert "The server took the mail." in page
    mail_server.answers = {"RCPT": "550 5.1.1 office@example.com is unknown at relay.internal"}
    sent = send(office, f"{MAIL}/test", MAIL)
    deliver(sending)
    page = shown(office.get(sent.location))
    assert "The mail server refused the recipient’s address." in page
    assert "relay.internal" not in page
    assert Facts(sending).one("SELECT count(*) FROM oauth_audit_logs WHERE action = 'delivery:tested'") == 2


def test_the_server_is_shown_without_its_secrets(make_app: Any, mail_server: SmtpServer) -> None:
    app = make_app(**smtp_settings(mail_server), MAIL_USERNAME="relay-user-77", MAIL_PASSWORD="relay-secret-77")
    page = administrator(app).get(MAIL).text
    assert f"127.0.0.1:{mail_server.port}" in page
    assert "With a username and a password" in page
    assert "relay-secret-77" not in page
    assert "relay-user-77" not in page


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_mail_is_previewed_and_none_holds_a_way_in(app: Flask, language: str) -> None:
    office = administrator(app)
    listed = set(re.findall(r'/admin/mail/templates/([a-z_]+)"', office.get(f"{MAIL}/templates").text))
    assert listed == NAMES
    for name in sorted(NAMES):
        page = office.get(f"{MAIL}/templates/{name}?language={language}&width=phone")
        assert is_page(page, 200), name
        frame = office.get(f"{MAIL}/templates/{name}/html?language={language}")
        assert "sandbox" in frame.headers["Content-Security-Policy"], name
        assert f'<html lang="{language}">' in frame.text, name
        assert "token=" not in unescape(frame.text + page.text), name
        assert set(re.findall(r'href="([^"]*)"', frame.text)) <= {"#"}, name
    for path in ("nothing", "frame", "../letter"):
        assert office.get(f"{MAIL}/templates/{path}").status_code == 404


def test_addresses_are_for_who_may_see_people(sending: Flask) -> None:
    office = administrator(sending, SYSTEM)
    Facts(sending).do("DELETE FROM deliveries")
    queue(sending)
    page = shown(office.get(f"{MAIL}/{only_id(sending)}"))
    assert "reset_password" in page
    assert TO not in page
    assert "e-mail addresses are for administrators of people" in shown(office.get(f"{MAIL}?person={TO}"))
    assert administrator(sending, CLIENTS, email="c@example.com").get(MAIL).status_code == 403


def _token(office: Any) -> str:
    return str(re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', office.get("/account/profile").text)[0])
