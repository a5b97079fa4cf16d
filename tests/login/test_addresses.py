"""The address of an account: proven by its mailbox, changed by the new one's, taken back by the old one's."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.errors import NotFound
from app.services.foundation.environment import NOBODY
from tests.clock import Clock
from tests.login.test_recovery import ask
from tests.mailbox import Mail, only_mail, received
from tests.relying_party import PASSWORD, RelyingParty, add_client, add_person, answer, csrf_token

ENGLISH = {"Accept-Language": "en"}
NEW_EMAIL = "ada.new@example.com"
UNDO = "can undo it for 7 days"


@pytest.fixture
def person(app: Flask) -> str:
    return add_person(app)


def register(browser: FlaskClient, email: str = "min@example.com", path: str = "/register") -> TestResponse:
    form = {"name": "김민수", "email": email, "password": PASSWORD, "csrf_token": csrf_token(browser, path)}
    return browser.post(path, data=form)


def press(browser: FlaskClient, path: str) -> TestResponse:
    """Open a mailed link and press its button."""
    page = browser.get(path)
    assert page.status_code == 200, page.text
    action = re.search(r'<form method="post" action="(/(?:verify|change|restore)-email[^"]*)"', page.text)
    assert action
    assert "token=" not in action[1]
    return browser.post(action[1].replace("&amp;", "&"), data=dict(fields_of(page)))


def fields_of(page: TestResponse) -> list[tuple[str, str]]:
    return re.findall(r'name="(csrf_token|token)"[^>]*value="([^"]*)"', page.text.partition("</form>")[0])


def request_change(app: Flask, user_id: str, email: str = NEW_EMAIL) -> None:
    """What the account's page does."""
    with app.app_context():
        services = app.extensions["services"]
        services.email_addresses.request_change(user_id, email, "ko", NOBODY)
        services.db.commit()


def changed(app: Flask, user_id: str, email: str = NEW_EMAIL) -> Mail:
    """Change the address; answers the notice to the old one."""
    request_change(app, user_id, email)
    assert press(app.test_client(), only_mail(app, "change_email").path).location == "/change-email?done=1"
    return only_mail(app, "email_changed")


def account(app: Flask, email: str) -> tuple[str, bool]:
    """Who has the address, and whether it is proven."""
    with app.app_context():
        found = app.extensions["services"].accounts.find(email)
        return found.id, found.email_verified


def events(app: Flask) -> list[str]:
    """What is on record about addresses and passwords."""
    with app.app_context():
        rows = (
            app.extensions["services"]
            .db.session.connection()
            .exec_driver_sql("select action from oauth_audit_logs order by rowid")
        )
        return [action for (action,) in rows if action.startswith(("account:email", "account:password"))]


def test_registering_mails_a_link_in_the_language_of_the_page_that_a_button_uses(app: Flask, clock: Clock) -> None:
    browser = app.test_client()
    browser.set_cookie("lang", "en")
    assert register(browser).status_code == 303
    mail = only_mail(app, "verify_email")
    assert (mail.to, mail.language, mail.values["name"]) == ("min@example.com", "en", "김민수")
    assert re.fullmatch(r"/verify-email\?token=[A-Za-z0-9_-]{43}", mail.path)
    assert account(app, "min@example.com")[1] is False
    assert press(browser, mail.path).location == "/verify-email?done=1"
    assert account(app, "min@example.com")[1] is True
    assert events(app) == ["account:email:verified"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_a_link_proves_nothing(app: Flask, client: FlaskClient, method: str) -> None:
    register(client)
    path = only_mail(app, "verify_email").path
    for _ in range(3):
        assert app.test_client().open(path, method=method).status_code == 200
    assert account(app, "min@example.com")[1] is False


def test_a_form_without_its_token_proves_nothing_and_is_one_click_from_going_on(
    app: Flask, client: FlaskClient
) -> None:
    register(client)
    token, browser = only_mail(app, "verify_email").token, app.test_client()
    again = browser.post("/verify-email", data={"token": token})
    assert again.status_code == 400
    assert account(app, "min@example.com")[1] is False
    assert browser.post("/verify-email", data=dict(fields_of(again))).status_code == 303


def test_the_page_of_a_link_speaks_the_language_of_its_person(app: Flask, client: FlaskClient) -> None:
    client.set_cookie("lang", "en")
    register(client)
    path = only_mail(app, "verify_email").path
    for accepted in ("ko", "en"):
        page = app.test_client().get(path, headers={"Accept-Language": accepted})
        assert '<html lang="en"' in page.text


def test_the_page_of_a_link_is_told_to_nobody(app: Flask, client: FlaskClient) -> None:
    register(client)
    mail = only_mail(app, "verify_email")
    page = app.test_client().get(mail.path)
    assert page.headers.getlist("Referrer-Policy") == ["no-referrer"]
    assert page.headers["Cache-Control"] == "no-store"
    assert page.text.count(mail.token) == 1  # in the field of the form, and in no address
    # Which is how browsers send a form from such a page.
    browser = app.test_client()
    form = dict(fields_of(browser.get(mail.path)))
    assert browser.post("/verify-email", data=form, headers={"Origin": "null"}).status_code == 303


def test_the_flow_goes_on_where_it_was_after_the_address_is_proven(app: Flask) -> None:
    browser = app.test_client()
    client = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True, consent_policy="always"))
    start = client.authorize().location
    interaction = start.partition("interaction=")[2]
    assert register(browser, path=f"/register?interaction={interaction}").status_code == 303
    mail = only_mail(app, "verify_email")
    assert mail.path.endswith(f"&interaction={interaction}")
    onward = press(browser, mail.path).location
    assert onward == f"/api/oauth/authorize/resume?interaction={interaction}"
    consent = browser.get(onward).location
    form = {"csrf_token": csrf_token(browser, consent), "decision": "allow"}
    assert "code" in answer(browser.get(browser.post(consent, data=form).location))


def test_another_browser_proves_the_address_and_says_how_to_go_on(app: Flask) -> None:
    browser = app.test_client()
    start = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True, name="Web")).authorize().location
    kept = start.partition("?")[2]
    register(browser, path=f"/register?{kept}")
    elsewhere = app.test_client()
    done = press(elsewhere, only_mail(app, "verify_email").path).location
    assert done == f"/verify-email?done=1&{kept}"
    page = elsewhere.get(done, headers=ENGLISH)
    assert "go back to that window" in page.text
    assert f'href="/login?{kept}"' in page.text
    assert account(app, "min@example.com")[1] is True
    assert "code" in answer(browser.get(f"/api/oauth/authorize/resume?{kept}"))


def test_a_new_link_is_mailed_to_who_is_logged_in_and_voids_the_old_one(app: Flask, client: FlaskClient) -> None:
    register(client)
    old = only_mail(app, "verify_email").path
    form = {"csrf_token": csrf_token(client, "/verify-email")}
    assert client.post("/verify-email/resend", data=form).location == "/verify-email?sent=1"
    new = only_mail(app, "verify_email").path
    assert client.get(old).status_code == 410
    assert press(client, new).status_code == 303
    # Nothing is left to prove.
    form = {"csrf_token": csrf_token(client, "/logout")}
    client.post("/verify-email/resend", data=form)
    assert received(app) == []


def test_a_new_link_costs_a_form_of_ours_and_a_session(app: Flask, client: FlaskClient) -> None:
    register(client)
    received(app)
    assert client.post("/verify-email/resend").status_code == 400
    stranger = app.test_client()
    form = {"csrf_token": csrf_token(stranger, "/login")}
    answered = stranger.post("/verify-email/resend", data=form)
    assert stranger.get(answered.location).location == "/login"
    assert received(app) == []


def test_links_are_mailed_five_times_an_hour(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="none")
    browser = app.test_client()
    register(browser)
    form = {"csrf_token": csrf_token(browser, "/verify-email")}
    answers = [browser.post("/verify-email/resend", data=form) for _ in range(5)]
    assert [each.status_code for each in answers] == [303] * 4 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 3600
    assert len(received(app)) == 5


def test_a_link_that_is_no_good_offers_a_new_one_to_who_is_logged_in(app: Flask, client: FlaskClient) -> None:
    register(client)
    page = client.get("/verify-email?token=unknown", headers=ENGLISH)
    assert page.status_code == 410
    assert 'action="/verify-email/resend"' in page.text
    assert client.post("/verify-email/resend", data=dict(fields_of(page))).status_code == 303
    stranger = app.test_client().get("/verify-email?token=unknown", headers=ENGLISH)
    assert stranger.status_code == 410
    assert 'href="/login"' in stranger.text


@pytest.mark.parametrize("path", ["/verify-email", "/change-email", "/restore-email", "/reset-password"])
def test_a_link_of_another_purpose_is_none(app: Flask, client: FlaskClient, path: str) -> None:
    user_id = register_and_ask(app, client)
    tokens = {mail.template: mail.token for mail in received(app)}
    assert set(tokens) == {"verify_email", "change_email", "reset_password"}
    own = path.strip("/").replace("-", "_")
    for purpose, token in tokens.items():
        page = client.get(f"{path}?token={token}")
        assert page.status_code == (200 if purpose == own else 410)
        if purpose != own:
            form = {"csrf_token": csrf_token(client, "/logout"), "token": token, "password": "violet lantern 72"}
            assert client.post(path, data=form).status_code == 410
    assert account(app, "min@example.com") == (user_id, False)


def register_and_ask(app: Flask, client: FlaskClient) -> str:
    """Have a link of every kind that a person can ask for."""
    register(client)
    user_id = account(app, "min@example.com")[0]
    request_change(app, user_id)
    ask(app.test_client(), "min@example.com")
    return user_id


def test_a_stranger_whose_address_was_typed_by_mistake_is_not_handed_the_account(app: Flask) -> None:
    register(app.test_client(), "typo@example.com")
    received(app)
    user_id = account(app, "typo@example.com")[0]
    request_change(app, user_id, "right@example.com")
    press(app.test_client(), only_mail(app, "change_email").path)
    assert received(app) == []


@pytest.mark.parametrize(
    ("template", "life"),
    [("verify_email", 86400), ("change_email", 3600), ("reset_password", 3600), ("email_changed", 604800)],
)
def test_a_link_lives_as_long_as_its_mail_says(app: Flask, clock: Clock, template: str, life: int) -> None:
    register_and_ask(app, app.test_client())
    mails = {mail.template: mail for mail in received(app)}
    if template == "email_changed":
        press(app.test_client(), mails["verify_email"].path)
        press(app.test_client(), mails["change_email"].path)
        mails = {mail.template: mail for mail in received(app)}
    mail = mails[template]
    clock.advance(seconds=life - 1)
    assert app.test_client().get(mail.path).status_code == 200
    clock.advance(seconds=1)
    assert mail.values["expires_at"] == {"at": clock.now.isoformat()}
    assert app.test_client().get(mail.path).status_code == 410


@pytest.mark.parametrize("template", ["verify_email", "change_email", "reset_password"])
def test_a_link_of_a_disabled_account_is_none(app: Flask, template: str) -> None:
    register_and_ask(app, app.test_client())
    mails = {mail.template: mail for mail in received(app)}
    app.test_cli_runner().invoke(args=["users", "disable", "min@example.com"])
    browser, mail = app.test_client(), mails[template]
    assert browser.get(mail.path).status_code == 410
    form = {"csrf_token": csrf_token(browser, "/login"), "token": mail.token, "password": "violet lantern 72"}
    assert browser.post(mail.path.partition("?")[0], data=form).status_code == 410
    with pytest.raises(NotFound):
        request_change(app, account(app, "min@example.com")[0])


@pytest.mark.parametrize("token", ["", "x", "x" * 9000, "%ff", "../../x", "' OR 1=1 --"])
def test_broken_tokens_break_no_page(client: FlaskClient, token: str) -> None:
    for path in ("/verify-email", "/change-email", "/restore-email", "/reset-password"):
        assert client.get(path, query_string={"token": token}).status_code == 410
