"""A proof once more before something sensitive: the same person, throttled, and back to where it was needed."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models import AuditLog, User
from tests.clock import Clock
from tests.login.test_pages import shown_errors
from tests.mailbox import only_mail, received
from tests.providers import NOBODY_THERE
from tests.relying_party import EMAIL, PASSWORD, add_person, csrf_token, link_identity, log_in, take_password

PAGE = "/confirm?next=/terms"


@pytest.fixture
def person(app: Flask) -> str:
    return add_person(app)


@pytest.fixture
def stale(app: Flask, client: FlaskClient, person: str, clock: Clock) -> FlaskClient:
    """A browser whose person typed the password a while ago."""
    log_in(client)
    clock.advance(seconds=601)
    return client


def confirm(browser: FlaskClient, password: str = PASSWORD, path: str = PAGE, **fields: str) -> TestResponse:
    return browser.post(path, data={"csrf_token": csrf_token(browser, path), "password": password, **fields})


def events(app: Flask) -> list[tuple[str, bool]]:
    with app.app_context():
        confirmed = sa.select(AuditLog).where(AuditLog.action == "account:password:confirmed")
        return [(row.user_id, row.success) for row in app.extensions["services"].db.session.scalars(confirmed)]


def test_it_is_asked_only_a_while_after_the_password_was_typed(client: FlaskClient, person: str, clock: Clock) -> None:
    log_in(client)
    clock.advance(seconds=600)
    assert client.get(PAGE).location == "/terms"
    clock.advance(seconds=1)
    page = client.get(PAGE, headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert "it is a while since you typed your password" in page.text
    assert EMAIL in page.text


def test_the_right_password_leads_on_under_a_new_cookie(app: Flask, stale: FlaskClient, person: str) -> None:
    old = stale.get_cookie("portal_session")
    answer = confirm(stale)
    assert answer.location == "/terms"
    new = stale.get_cookie("portal_session")
    assert old is not None
    assert new is not None
    assert old.value != new.value
    thief = app.test_client()
    thief.set_cookie("portal_session", old.value)
    assert thief.get("/logout").location == "/logged-out"
    assert stale.get(PAGE).location == "/terms"
    assert events(app) == [(person, True)]


def test_confirming_keeps_the_session_as_long_as_it_was_meant_to_be_kept(
    app: Flask, client: FlaskClient, person: str, clock: Clock
) -> None:
    log_in(client, remember="y")
    clock.advance(seconds=601)
    cookies = str(confirm(client).headers.getlist("Set-Cookie"))
    assert "portal_session" in cookies
    assert "Max-Age=2592000" in cookies


def test_another_persons_password_confirms_nothing(app: Flask, stale: FlaskClient, person: str) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.accounts.create("bob@example.com", "another fine password 7")
        services.db.commit()
    refused = confirm(stale, "another fine password 7", email="bob@example.com")
    assert (refused.status_code, len(shown_errors(refused.text))) == (401, 1)
    assert stale.get(PAGE).status_code == 200
    assert events(app) == [(person, False)]


@pytest.mark.parametrize("fields", [{"password": ""}, {"password": "wrong"}, {"csrf_token": "stale"}])
def test_a_refused_confirmation_keeps_cookie_and_place(stale: FlaskClient, fields: dict[str, str]) -> None:
    refused = confirm(stale, **fields)
    assert refused.status_code in {400, 401}
    assert "portal_session" not in str(refused.headers.getlist("Set-Cookie"))
    assert confirm(stale).location == "/terms"


def test_who_is_logged_out_is_sent_to_log_in(client: FlaskClient) -> None:
    assert client.get(PAGE).location == "/login?next=/terms"
    assert client.post(PAGE, data={"password": PASSWORD}).location == "/login?next=/terms"


def test_a_disabled_person_confirms_nothing(app: Flask, stale: FlaskClient) -> None:
    token = csrf_token(stale, PAGE)
    app.test_cli_runner().invoke(args=["users", "disable", EMAIL])
    assert stale.post(PAGE, data={"csrf_token": token, "password": PASSWORD}).location == "/login?next=/terms"


def test_guesses_are_counted_with_those_at_the_login_page(make_app: Callable[..., Flask], clock: Clock) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="none")
    add_person(app)
    browser = app.test_client()
    log_in(browser)
    clock.advance(seconds=601)
    answers = [confirm(browser, "wrong") for _ in range(3)]
    answers += [log_in(browser, path="/login?switch=1", password="wrong") for _ in range(2)]
    answers += [confirm(browser, PASSWORD)]
    assert [each.status_code for each in answers] == [401] * 5 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


@pytest.fixture
def portal(make_app: Callable[..., Flask]) -> Flask:
    """One with providers."""
    return make_app(**NOBODY_THERE)


@pytest.fixture
def without(portal: Flask, clock: Clock) -> FlaskClient:
    """A browser whose person has no password, and logged in a while ago."""
    user_id = add_person(portal)
    browser = portal.test_client()
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    log_in(browser, remember="y")
    take_password(portal, user_id)
    clock.advance(seconds=601)
    received(portal)
    return browser


def id_of(app: Flask, email: str = EMAIL) -> str:
    with app.app_context():
        return str(app.extensions["services"].db.session.scalar(sa.select(User.id).where(User.email == email)))


def ways(text: str) -> list[str]:
    return re.findall(r'action="/auth/([a-z]+)/confirm\?next=/terms"', text)


def asked(browser: FlaskClient) -> TestResponse:
    return browser.post(PAGE, data={"csrf_token": csrf_token(browser, PAGE), "send": "1"})


def mailed_code(app: Flask) -> str:
    return str(only_mail(app, "email_code").values["code"])


def typed(browser: FlaskClient, code: str, **fields: str) -> TestResponse:
    return browser.post(PAGE, data={"csrf_token": csrf_token(browser, PAGE), "code": code, **fields})


def wrong(code: str) -> str:
    return f"{(int(code.replace(' ', '')) + 1) % 1_000_000:06}"


def outcomes(app: Flask) -> list[tuple[str, bool]]:
    with app.app_context():
        confirmed = sa.select(AuditLog).where(AuditLog.action == "account:email:confirmed").order_by(AuditLog.id)
        return [(row.user_id, row.success) for row in app.extensions["services"].db.session.scalars(confirmed)]


def test_who_has_a_password_also_gets_the_providers_that_are_linked(portal: Flask, clock: Clock) -> None:
    user_id = add_person(portal)
    browser = portal.test_client()
    log_in(browser)
    clock.advance(seconds=601)
    assert ways(browser.get(PAGE).text) == []
    link_identity(portal, user_id, "kakao")
    link_identity(portal, user_id, "kakao", "2")
    link_identity(portal, user_id, "discord")
    link_identity(portal, user_id, "gone")
    page = browser.get(PAGE, headers={"Accept-Language": "ko"}).text
    assert ways(page) == ["kakao", "discord"]
    assert 'name="password"' in page
    assert 'name="send"' not in page
    assert confirm(browser).location == "/terms"


def test_who_has_none_is_asked_for_none(portal: Flask, without: FlaskClient) -> None:
    link_identity(portal, id_of(portal), "google")
    page = without.get(PAGE).text
    assert ways(page) == ["google"]
    assert 'name="password"' not in page
    assert "Send a code to your e-mail" in page
    assert "your password" not in page
    refused = confirm(without)
    assert refused.status_code == 400
    assert without.get(PAGE).status_code == 200


def test_a_code_in_a_mail_leads_on_under_a_new_cookie(portal: Flask, without: FlaskClient) -> None:
    old = without.get_cookie("portal_session")
    sent = asked(without)
    assert (sent.status_code, sent.location) == (303, PAGE)
    mail = only_mail(portal, "email_code")
    assert (mail.to, mail.language, mail.values["minutes"]) == (EMAIL, "en", 15)
    page = without.get(PAGE).text
    assert f"We sent 6 digits to {EMAIL}." in page
    assert mail.values["code"] not in page
    answer = typed(without, mail.values["code"])
    assert answer.location == "/terms"
    assert "Max-Age=2592000" in str(answer.headers.getlist("Set-Cookie"))
    new = without.get_cookie("portal_session")
    assert old is not None
    assert new is not None
    assert old.value != new.value
    assert without.get(PAGE).location == "/terms"
    assert outcomes(portal) == [(id_of(portal), True)]


def test_a_wrong_code_confirms_nothing_and_five_are_the_last(portal: Flask, without: FlaskClient) -> None:
    asked(without)
    code = mailed_code(portal)
    for _ in range(5):
        refused = typed(without, wrong(code))
        assert refused.status_code == 400
        assert shown_errors(refused.text) == ["This is not the code in the mail. Check it and try again."]
        assert 'name="code"' in refused.text
        assert wrong(code) not in refused.text
        assert "portal_session" not in str(refused.headers.getlist("Set-Cookie"))
    refused = typed(without, code)
    assert shown_errors(refused.text) == ["This code is no longer good. Have a new one sent."]
    assert without.get(PAGE).status_code == 200
    assert outcomes(portal) == [(id_of(portal), False)] * 6
    asked(without)
    assert typed(without, mailed_code(portal)).location == "/terms"


@pytest.mark.parametrize("code", ["", " ", "x" * 5000, "１２３", "-1", "\u202e"])
def test_what_is_no_code_is_said_beside_the_field(portal: Flask, without: FlaskClient, code: str) -> None:
    asked(without)
    received(portal)
    refused = typed(without, code)
    assert refused.status_code == 400
    assert len(shown_errors(refused.text)) == 1
    assert 'id="code-error"' in refused.text


def test_a_code_is_good_once_and_for_fifteen_minutes(portal: Flask, without: FlaskClient, clock: Clock) -> None:
    asked(without)
    code = mailed_code(portal)
    clock.advance(minutes=15)
    late = typed(without, code)
    assert (late.status_code, shown_errors(late.text)) == (400, ["This code is no longer good. Have a new one sent."])
    assert 'name="code"' not in late.text
    assert 'name="send"' in late.text
    asked(without)
    code = mailed_code(portal)
    assert typed(without, code).location == "/terms"
    clock.advance(seconds=601)
    assert typed(without, code).status_code == 400


def test_only_the_newest_code_is_good(portal: Flask, without: FlaskClient) -> None:
    asked(without)
    first = mailed_code(portal)
    asked(without)
    second = mailed_code(portal)
    assert first == second or typed(without, first).status_code == 400
    assert typed(without, second).location == "/terms"


def test_a_code_of_one_session_is_nothing_in_another(portal: Flask, without: FlaskClient, clock: Clock) -> None:
    asked(without)
    code = mailed_code(portal)
    other = portal.test_client()
    add_person(portal, "bob@example.com")
    log_in(other, email="bob@example.com")
    clock.advance(seconds=601)
    take_password(portal, id_of(portal, "bob@example.com"))
    assert typed(other, code).status_code == 400
    assert typed(without, code).location == "/terms"


def test_a_code_that_went_to_an_address_the_account_has_no_more_is_none(portal: Flask, without: FlaskClient) -> None:
    asked(without)
    code = mailed_code(portal)
    with portal.app_context():
        services = portal.extensions["services"]
        services.db.session.execute(sa.update(User).where(User.email == EMAIL).values(email="new@example.com"))
        services.db.session.commit()
    assert typed(without, code).status_code == 400
    assert without.get(PAGE).status_code == 200


@pytest.mark.parametrize("token", ["", "stale"])
def test_no_code_is_sent_or_taken_for_a_form_that_is_not_ours(portal: Flask, without: FlaskClient, token: str) -> None:
    assert without.post(PAGE, data={"csrf_token": token, "send": "1"}).status_code == 400
    assert received(portal) == []
    asked(without)
    code = mailed_code(portal)
    assert without.post(PAGE, data={"csrf_token": token, "code": code}).status_code == 400
    assert typed(without, code).location == "/terms"


def test_five_codes_leave_in_an_hour(make_app: Callable[..., Flask], clock: Clock) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="none")
    user_id = add_person(app)
    browser = app.test_client()
    log_in(browser)
    take_password(app, user_id)
    clock.advance(seconds=601)
    answers = [asked(browser) for _ in range(6)]
    assert [each.status_code for each in answers] == [303] * 5 + [429]
    assert "Retry-After" in answers[-1].headers
    assert 'name="code"' in answers[-1].text
    assert len(received(app)) == 5


def test_where_no_mail_would_arrive_none_is_offered(portal: Flask, without: FlaskClient) -> None:
    form = {"csrf_token": csrf_token(without, PAGE), "send": "1"}
    with portal.app_context():
        services = portal.extensions["services"]
        services.db.session.execute(sa.update(User).where(User.email == EMAIL).values(email="x@displaced.invalid"))
        services.db.session.commit()
    page = without.get(PAGE).text
    assert 'name="send"' not in page
    assert "There is no way to confirm it here at the moment." in page
    assert without.post(PAGE, data=form).status_code == 400
    link_identity(portal, id_of(portal, "x@displaced.invalid"), "naver")
    page = without.get(PAGE).text
    assert ways(page) == ["naver"]
    assert "There is no way" not in page
