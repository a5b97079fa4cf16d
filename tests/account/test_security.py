"""Changing what one logs in with: who does it knows the password, and it ends what others could have opened."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.account.browsing import IPHONE, Facts, english, send, shown
from tests.clock import Clock
from tests.login.test_pages import shown_errors
from tests.mailbox import received
from tests.relying_party import EMAIL, PASSWORD, RelyingParty, add_client, add_person, log_in

PASSWORD_PAGE, EMAIL_PAGE = "/account/security/password", "/account/security/email"
NEW = "violet lantern 72 harbour"


def test_a_new_password_ends_every_other_session_and_this_one_goes_on_under_a_new_cookie(
    app: Flask, browser: FlaskClient
) -> None:
    phone = english(app, IPHONE)
    log_in(phone)
    add_client(app, "notes")
    there, here = RelyingParty(phone, "notes"), RelyingParty(browser, "notes")
    lost, kept = there.tokens(), here.tokens()
    before = browser.get_cookie("portal_session")
    received(app)
    response = send(browser, PASSWORD_PAGE, current=PASSWORD, password=NEW)
    assert (response.status_code, response.location) == (303, "/account/security")
    assert "Your password is changed." in shown(browser.get("/account/security"))
    after = browser.get_cookie("portal_session")
    assert before is not None
    assert after is not None
    assert after.value != before.value
    stranger = app.test_client()
    stranger.set_cookie("portal_session", before.value)
    assert stranger.get("/account").status_code == 303
    assert phone.get("/account").status_code == 303
    assert there.userinfo(lost["access_token"]).status_code == 401
    assert here.userinfo(kept["access_token"]).status_code == 200
    assert [mail.template for mail in received(app)] == ["password_changed"]
    assert log_in(app.test_client()).status_code == 401
    assert log_in(app.test_client(), password=NEW).status_code == 303


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"current": "wrong"}, "current"),
        ({"current": ""}, "current"),
        ({"current": "x" * 5000}, "current"),
        ({"password": "short"}, "password"),
        ({"password": "password1"}, "password"),
        ({"password": EMAIL}, "password"),
        ({"password": "x" * 2000}, "password"),
        ({"password": ""}, "password"),
    ],
)
def test_a_password_is_not_changed_without_the_present_one_or_to_a_weak_one(
    browser: FlaskClient, facts: Facts, change: dict[str, str], field: str
) -> None:
    before = facts.all("SELECT password_hash FROM users")
    form = {"current": PASSWORD, "password": NEW, **change}
    response = send(browser, PASSWORD_PAGE, **form)
    assert response.status_code == 400
    assert f'id="{field}-error"' in response.text
    assert len(shown_errors(response.text)) == 1
    assert all(value not in response.text for value in form.values() if len(value) > 8 and value != EMAIL)
    assert facts.all("SELECT password_hash FROM users") == before


@pytest.mark.parametrize("current", ["", "wrong"])
@pytest.mark.parametrize("new", ["short", "password1", EMAIL])
def test_both_mistakes_are_said_at_once(browser: FlaskClient, current: str, new: str) -> None:
    response = send(browser, PASSWORD_PAGE, current=current, password=new)
    assert response.status_code == 400
    assert [f'id="{name}-error"' in response.text for name in ("current", "password")] == [True, True]
    assert len(shown_errors(response.text)) == 2


@pytest.mark.parametrize("path", ["/account/security/password", "/account/security/email", "/account/data/delete"])
def test_no_field_cuts_off_what_is_pasted(browser: FlaskClient, path: str) -> None:
    assert "maxlength" not in shown(browser.get(path))


def test_every_field_says_what_it_is_for_to_who_fills_forms_in(browser: FlaskClient) -> None:
    def purposes(path: str) -> list[str]:
        return re.findall(r'autocomplete="([^"]+)"', browser.get(path).text.partition("<main")[2])

    assert purposes(PASSWORD_PAGE) == ["username", "current-password", "new-password"]
    assert purposes(EMAIL_PAGE) == ["email"]
    assert purposes("/account/data/delete") == ["off"]


def test_guessing_the_present_password_is_slowed_down(make_app: object, ada: str) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true")  # type: ignore[operator]
    browser = app.test_client()
    log_in(browser)
    answers = [send(browser, PASSWORD_PAGE, current="wrong", password=NEW) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


def test_an_address_is_asked_for_only_of_who_typed_the_password_lately(browser: FlaskClient, clock: Clock) -> None:
    assert browser.get(EMAIL_PAGE).status_code == 200
    clock.advance(minutes=11)
    for response in (browser.get(EMAIL_PAGE), browser.post(EMAIL_PAGE, data={"email": "new@example.com"})):
        assert (response.status_code, response.location) == (303, f"/confirm?next={EMAIL_PAGE}")
    confirmed = send(browser, f"/confirm?next={EMAIL_PAGE}", password=PASSWORD)
    assert confirmed.location == EMAIL_PAGE
    assert browser.get(EMAIL_PAGE).status_code == 200


def asked_for(browser: FlaskClient, email: str) -> str:
    """Ask for a change of address; answers the page that follows."""
    response = send(browser, EMAIL_PAGE, email=email)
    assert (response.status_code, response.location) == (303, f"{EMAIL_PAGE}?sent=1")
    return shown(browser.get(response.location))


def test_another_address_counts_once_its_link_was_opened(
    app: Flask, browser: FlaskClient, facts: Facts, ada: str
) -> None:
    received(app)
    assert "We sent a link to countess@example.com." in asked_for(browser, "countess@example.com")
    # A reload sends nothing, and the link stays good.
    assert "We sent a link to countess@example.com." in shown(browser.get(f"{EMAIL_PAGE}?sent=1"))
    (mail,) = received(app)
    assert (mail.template, mail.to) == ("change_email", "countess@example.com")
    assert facts.one("SELECT email FROM users WHERE id = :id", id=ada) == EMAIL
    assert browser.get(mail.path).status_code == 200


def test_a_change_that_waits_is_told_and_can_be_sent_again_or_elsewhere(app: Flask, browser: FlaskClient) -> None:
    asked_for(browser, "countess@example.com")
    first = received(app)[-1]
    assert "A change to countess@example.com waits" in shown(browser.get(EMAIL_PAGE))
    again = send(browser, EMAIL_PAGE, f"{EMAIL_PAGE}?sent=1", email="countess@example.com")
    assert again.location == f"{EMAIL_PAGE}?sent=1"
    assert browser.get(first.path).status_code == 410
    assert "We sent a link to other@example.com." in asked_for(browser, "other@example.com")


def test_nothing_is_said_to_be_on_its_way_that_was_not_asked_for(browser: FlaskClient) -> None:
    assert "We sent a link" not in shown(browser.get(f"{EMAIL_PAGE}?sent=1"))


def test_a_taken_address_is_answered_like_a_free_one(app: Flask, browser: FlaskClient) -> None:
    add_person(app, "bob@example.com")
    received(app)
    pages = [asked_for(browser, email).replace(email, "it") for email in ("free@example.com", "bob@example.com")]
    free, taken = (
        re.sub(r'name="csrf_token"[^>]*', "", page.partition("<main")[2].partition("</main>")[0]) for page in pages
    )
    assert free == taken
    assert {mail.template for mail in received(app)} == {"change_email", "email_taken"}


@pytest.mark.parametrize(
    "address", ["", "no address", EMAIL, EMAIL.upper(), "a@example.com\r\nBcc: b@example.com", "x" * 300]
)
def test_what_is_no_other_address_is_said_beside_the_field(app: Flask, browser: FlaskClient, address: str) -> None:
    received(app)
    response = send(browser, EMAIL_PAGE, email=address)
    assert response.status_code == 400
    assert 'id="email-error"' in response.text
    assert received(app) == []


def test_the_overview_says_what_to_improve(
    app: Flask, browser: FlaskClient, facts: Facts, ada: str, clock: Clock
) -> None:
    assert "Nothing to improve." in shown(browser.get("/account"))
    facts.do("UPDATE users SET email_verified = false, full_name = '' WHERE id = :id", id=ada)
    clock.advance(days=366)
    log_in(browser)
    text = shown(browser.get("/account"))
    assert "3 things to improve" in text
    assert "more than a year old" in text
    assert "Not verified" in text
    received(app)
    assert send(browser, "/account/verification", "/account").location == "/account"
    assert "We sent a link to your e-mail address." in shown(browser.get("/account"))
    assert [mail.template for mail in received(app)] == ["verify_email"]


def test_the_overview_says_where_the_last_login_was(app: Flask, browser: FlaskClient, clock: Clock) -> None:
    clock.advance(minutes=2)
    log_in(english(app, IPHONE))
    text = shown(browser.get("/account"))
    seen, _, folded = text.partition("Last login")[2].partition("</details>")[0].partition("<dl")
    assert "just now</time>, Safari · iPhone" in seen
    assert "127.0.0.1" in folded
    assert "KST" in folded
    assert "Logged in on 2 devices" in text


def test_the_first_thing_to_improve_is_the_one_to_do_next(
    app: Flask, browser: FlaskClient, facts: Facts, ada: str
) -> None:
    assert "btn-primary" not in browser.get("/account").text
    facts.do("UPDATE users SET email_verified = false, full_name = '' WHERE id = :id", id=ada)
    text = browser.get("/account").text
    assert text.count("btn-primary") == 1
    assert "Send the link again" in text.partition("btn-primary")[2].partition("</button>")[0]


def test_advice_stands_where_activity_links_to(browser: FlaskClient) -> None:
    assert 'href="/account/security#not-you"' in browser.get("/account/activity").text
    assert 'id="not-you"' in browser.get("/account/security").text
