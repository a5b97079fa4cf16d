"""Forms: whose they are, what becomes of what was typed, and what is said where a browser keeps no cookies."""

import re
from html import unescape
from importlib import import_module
from pkgutil import walk_packages

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from wtforms import PasswordField

import app as portal
from app.web.drafts import NEVER_KEPT
from app.web.forms import Form
from tests.account.browsing import Facts, english
from tests.clock import Clock
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, csrf_token, log_in

BOB, PASSWORD = "bob@example.com", "correct horse battery 9"
PROFILE = "/account/profile"
BIO = "두 번째 줄까지\n씁니다 <b>"


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """Ada is logged in; Bob has an account."""
    add_person(app)
    add_person(app, BOB)
    browser = english(app)
    assert log_in(browser).status_code == 303
    return browser


@pytest.fixture
def facts(app: Flask) -> Facts:
    return Facts(app)


def follow(browser: FlaskClient, response: TestResponse) -> TestResponse:
    assert response.status_code == 303
    return browser.get(str(response.location))


def fields(response: TestResponse) -> dict[str, str]:
    """What stands in the fields of a page's form."""
    found = {}
    for tag in re.findall(r"<input\b[^>]*>", response.text):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            found.setdefault(name[1], unescape(value[1]) if value else "")
    texts = re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\r?\n?(.*?)</textarea>', response.text, re.DOTALL)
    return found | {name: unescape(text) for name, text in texts}


# Whose a form is


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (PROFILE, {"full_name": "Ada Lovelace", "username": "ada2", "locale": "en", "timezone": "UTC"}),
        ("/account/security/email", {"email": "new@example.com"}),
        ("/account/security/password", {"current": PASSWORD, "password": "another long passphrase 7"}),
        ("/account/data/delete", {"email": BOB}),
        ("/account/sessions/end-others", {}),
        ("/account/data/keep", {}),
        ("/account/verification", {}),
        ("/confirm", {"password": PASSWORD}),
    ],
)
def test_a_form_of_one_person_does_nothing_once_another_is_there(
    browser: FlaskClient, facts: Facts, path: str, form: dict[str, str]
) -> None:
    token = csrf_token(browser, PROFILE)
    log_in(browser, email=BOB, path="/login?switch=1")
    people = facts.all("select * from users order by id")
    response = browser.post(path, data={**form, "csrf_token": token})
    assert response.status_code == 409
    text = unescape(response.text)
    assert "nothing was changed" in text
    assert "Nothing was lost" not in text
    assert not {value for value in form.values() if value in text and value not in {"en", "UTC"}}
    assert facts.all("select * from users order by id") == people
    assert facts.one("select count(*) from one_time_tokens where purpose = 'change_email'") == 0


def test_the_first_person_chooses_the_own_account_and_finds_what_was_typed(browser: FlaskClient, facts: Facts) -> None:
    token = csrf_token(browser, PROFILE)
    log_in(browser, email=BOB, path="/login?switch=1")
    refused = browser.post(PROFILE, data={"csrf_token": token, "full_name": "Ada L.", "bio": BIO})
    assert fields(browser.get(PROFILE)).get("bio") == ""
    (choice,) = re.findall(r'href="(/select-account[^"]*)"', refused.text)
    page = browser.get(unescape(choice))
    (session,) = re.findall(rf'name="account" value="([^"]+)">(?:(?!</button>).)*{EMAIL}', page.text, re.DOTALL)
    sent = {"csrf_token": csrf_token(browser, unescape(choice)), "account": session}
    back = follow(browser, browser.post(unescape(choice), data=sent))
    assert (fields(back)["full_name"], fields(back)["bio"]) == ("Ada L.", BIO)
    assert "It is not saved yet" in back.text
    saved = browser.post(PROFILE, data={**fields(back), "csrf_token": csrf_token(browser, PROFILE)})
    assert saved.status_code == 303
    assert "It is not saved yet" not in browser.get(PROFILE).text
    assert facts.one("select full_name from users where email = :email", email=EMAIL) == "Ada L."
    assert facts.one("select full_name from users where email = :email", email=BOB) != "Ada L."


def test_a_consent_page_of_one_says_whose_it_was_and_leads_both_on(app: Flask, browser: FlaskClient) -> None:
    third = RelyingParty(browser, "third", add_client(app, "third", is_confidential=True, consent_policy="once"))
    page = third.authorize().location
    token = csrf_token(browser, page)
    log_in(browser, email=BOB, path="/login?switch=1")
    refused = browser.post(page, data={"csrf_token": token, "decision": "allow"})
    assert refused.status_code == 409
    links = [unescape(each) for each in re.findall(r'<a class="btn[^>]*href="([^"]+)"', refused.text)]
    assert links == [page.replace("/consent", "/select-account"), page]
    assert BOB in browser.get(page).text


def test_logging_in_again_as_the_same_person_keeps_the_form(browser: FlaskClient) -> None:
    token = csrf_token(browser, PROFILE)
    log_in(browser, path="/login?switch=1")
    again = browser.post(PROFILE, data={"csrf_token": token, "full_name": "Ada L.", "bio": BIO})
    assert again.status_code == 400
    assert "Nothing was lost" in again.text
    assert fields(again)["bio"] == BIO


def test_the_login_form_of_another_tab_goes_on_whoever_is_there(browser: FlaskClient) -> None:
    token = csrf_token(browser, "/login?switch=1")
    log_in(browser, email=BOB, path="/login?switch=1")
    form = {"csrf_token": token, "email": EMAIL, "password": PASSWORD}
    again = browser.post("/login?switch=1", data=form)
    assert again.status_code == 400
    assert "Nothing was lost" in again.text
    assert fields(again)["email"] == EMAIL


def test_the_mark_of_a_form_names_nobody(app: Flask, browser: FlaskClient) -> None:
    with app.app_context():
        user_id = app.extensions["services"].accounts.find(EMAIL).id
    browser.get(PROFILE)
    with browser.session_transaction() as kept:
        secret = kept["csrf_token"]
    assert re.fullmatch(r"[0-9a-f]{40}\.[0-9a-f]{16}\.[0-9a-f]{32}", secret)
    assert user_id not in secret


# What was typed


def test_a_session_that_ended_while_typing_gives_back_what_was_typed(browser: FlaskClient, facts: Facts) -> None:
    form = {"csrf_token": csrf_token(browser, PROFILE), "full_name": "Ada L.", "bio": BIO}
    facts.do("update user_sessions set ended_at = last_used_at")
    login = follow(browser, browser.post(PROFILE, data=form))
    assert "what you typed is still there" in unescape(login.text)
    assert BIO not in unescape(login.text)
    # A mistake at the login takes nothing away.
    where = f"/login?next={PROFILE}"
    assert log_in(browser, path=where, password="wrong").status_code == 401
    back = follow(browser, log_in(browser, path=where))
    assert (fields(back)["full_name"], fields(back)["bio"]) == ("Ada L.", BIO)
    assert facts.one("select bio from users where email = :email", email=EMAIL) != BIO


def test_who_logs_in_instead_does_not_see_what_another_typed(browser: FlaskClient, facts: Facts) -> None:
    form = {"csrf_token": csrf_token(browser, PROFILE), "full_name": "Ada L.", "bio": BIO}
    facts.do("update user_sessions set ended_at = last_used_at")
    browser.post(PROFILE, data=form)
    page = follow(browser, log_in(browser, email=BOB, path=f"/login?next={PROFILE}"))
    assert fields(page)["bio"] == ""
    assert "is not saved yet" not in page.text


def test_a_confirmation_in_between_gives_back_what_was_typed(browser: FlaskClient, clock: Clock) -> None:
    path = "/account/security/email"
    form = {"csrf_token": csrf_token(browser, path), "email": "new@example.com"}
    clock.advance(minutes=20)
    confirm = browser.post(path, data=form)
    assert confirm.location.startswith("/confirm?")
    sent = {"csrf_token": csrf_token(browser, confirm.location), "password": PASSWORD}
    back = follow(browser, browser.post(confirm.location, data=sent))
    assert fields(back)["email"] == "new@example.com"


@pytest.mark.parametrize("choice", [{"lang": "ko"}, {"theme": "dark"}])
@pytest.mark.parametrize(
    ("page", "typed"),
    [
        ("/login", {"email": "ada@exam"}),
        ("/register", {"name": "에이다", "email": "ada@exam"}),
        ("/forgot-password", {"email": "ada@exam"}),
    ],
)
def test_another_language_or_theme_keeps_what_was_typed(
    app: Flask, page: str, typed: dict[str, str], choice: dict[str, str]
) -> None:
    browser = english(app)
    form = {"csrf_token": csrf_token(browser, page), "next": page, "password": PASSWORD, **typed, **choice}
    (endpoint,) = ["/language" if "lang" in choice else "/theme"]
    back = follow(browser, browser.post(endpoint, data=form))
    assert {name: fields(back)[name] for name in typed} == typed
    assert PASSWORD not in back.text
    chosen = 'lang="ko"' if "lang" in choice else 'data-bs-theme="dark"'
    assert chosen in re.findall(r"<html[^>]*>", back.text)[0]


def test_a_choice_by_a_form_of_another_site_changes_nothing(app: Flask) -> None:
    browser = english(app)
    browser.get("/login")
    response = browser.post("/language", data={"lang": "ko", "next": "/login", "email": "planted@example.com"})
    assert response.status_code == 303
    page = browser.get("/login")
    assert '<html lang="en"' in page.text
    assert "planted" not in page.text


def test_what_stands_in_a_form_with_a_token_of_another_browser_is_not_kept(app: Flask) -> None:
    token, browser = csrf_token(app.test_client(), "/login"), english(app)
    browser.get("/login")
    form = {"csrf_token": token, "email": "planted@example.com", "password": "x", "next": "/login", "lang": "ko"}
    assert browser.post("/language", data=form).status_code == 303
    assert browser.post("/login", data=form).status_code == 400
    assert "planted" not in browser.get("/login").text


@pytest.mark.parametrize("path", ["sessions/8a62a81f-b7b5-4fb5-83b8-8f78d2ed16d4/end", "apps/x/remove"])
def test_choices_on_a_page_that_only_takes_forms_lead_to_one_that_can_be_shown(browser: FlaskClient, path: str) -> None:
    refused = browser.post(f"/account/{path}", data={})
    assert refused.status_code == 400
    target = fields(refused)["next"]
    assert browser.get(target).status_code == 200
    assert f'data-page="{target}"' in refused.text


def test_a_refused_form_is_found_again_by_the_way_back(app: Flask) -> None:
    browser = english(app)
    form = {"csrf_token": csrf_token(browser, "/register"), "name": "Ada", "email": "nothing", "password": PASSWORD}
    refused = browser.post("/register", data=form)
    assert refused.status_code == 400
    assert 'data-page="/register"' in refused.text
    again = browser.get("/register")
    assert (fields(again)["name"], fields(again)["email"]) == ("Ada", "nothing")
    assert PASSWORD not in again.text


def test_a_draft_lies_sealed(app: Flask, browser: FlaskClient) -> None:
    form = {"csrf_token": csrf_token(browser, PROFILE), "username": "not allowed!", "bio": BIO}
    assert browser.post(PROFILE, data=form).status_code == 400
    assert fields(browser.get(PROFILE))["bio"] == BIO
    store = app.instance_path + "/store.db"
    with open(store, "rb") as file, open(f"{store}-wal", "rb") as log:
        assert BIO.encode()[:12] not in file.read() + log.read()


def test_every_password_field_is_left_out_of_drafts() -> None:
    for module in walk_packages(portal.__path__, "app."):
        if module.name.endswith("forms"):
            import_module(module.name)
    seen, kinds = set(), [Form]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        with_fields = {name: getattr(kind, name) for name in dir(kind) if hasattr(getattr(kind, name), "field_class")}
        seen |= {name for name, field in with_fields.items() if field.field_class is PasswordField}
    assert seen >= {"password", "current"}
    assert seen <= NEVER_KEPT


def test_more_than_a_person_types_is_not_kept(browser: FlaskClient) -> None:
    form = {"csrf_token": csrf_token(browser, PROFILE), "username": "x!", "bio": "a" * 30_000}
    assert browser.post(PROFILE, data=form).status_code == 400
    assert fields(browser.get(PROFILE))["bio"] == ""


# Links in mails


def test_a_good_link_outlives_a_refused_password_a_reload_and_another_language(app: Flask) -> None:
    add_person(app)
    with app.app_context():
        services = app.extensions["services"]
        token = services.one_time_tokens.issue(
            import_module("app.services.people.one_time_tokens").Purpose.RESET_PASSWORD,
            services.accounts.find(EMAIL).id,
            EMAIL,
        )
        services.db.session.commit()
    browser = english(app)
    page = browser.get(f"/reset-password?token={token}")
    assert fields(page)["token"] == token
    assert fields(page)["next"] == "/reset-password"
    form = {"csrf_token": fields(page)["csrf_token"], "token": token, "next": "/reset-password", "lang": "ko"}
    in_korean = follow(browser, browser.post("/language", data=form))
    assert '<html lang="ko"' in in_korean.text
    assert fields(in_korean)["token"] == token
    weak = browser.post("/reset-password", data={**fields(in_korean), "password": "short"})
    assert weak.status_code == 400
    assert 'data-page="/reset-password"' in weak.text
    reloaded = browser.get("/reset-password")
    assert fields(reloaded)["token"] == token
    done = browser.post("/reset-password", data={**fields(reloaded), "password": "another long passphrase 7"})
    assert done.status_code == 303
    assert browser.get("/reset-password").status_code == 410


# Cookies


def test_a_browser_without_cookies_is_told_so(app: Flask) -> None:
    browser = app.test_client(use_cookies=False)
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    form = {"csrf_token": csrf_token(browser, "/login"), "email": EMAIL, "password": PASSWORD}
    for _ in range(2):
        refused = browser.post("/login", data=form)
        assert refused.status_code == 400
        assert "allow cookies for localhost" in unescape(refused.text)
        assert "was open for a while" not in refused.text
        assert fields(refused)["email"] == EMAIL
        form["csrf_token"] = fields(refused)["csrf_token"]


def test_a_page_that_really_was_open_for_long_is_called_that(app: Flask, clock: Clock) -> None:
    browser = app.test_client(use_cookies=False)
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    form = {"csrf_token": csrf_token(browser, "/login"), "email": EMAIL, "password": PASSWORD}
    clock.advance(hours=2)
    assert "was open for a while" in browser.post("/login", data=form).text


# What is wrong


def test_all_mistakes_of_a_registration_are_said_at_once(app: Flask) -> None:
    browser = english(app)
    form = {"csrf_token": csrf_token(browser, "/register"), "name": "", "email": "no address", "password": "short"}
    page = unescape(browser.post("/register", data=form).text)
    for sentence in ("Enter your name.", "Use 8 or more characters."):
        assert page.count(sentence) == 2, sentence
    assert page.count('class="field-error"') == 3


def test_a_password_that_was_fine_is_asked_for_once(app: Flask) -> None:
    browser = english(app)
    form = {"csrf_token": csrf_token(browser, "/register"), "name": "Ada", "email": "no address", "password": PASSWORD}
    page = unescape(browser.post("/register", data=form).text)
    assert page.count("Only your password has to be typed again.") == 1
    assert page.count('class="field-error"') == 1


@pytest.mark.parametrize("path", ["/login", "/register", "/forgot-password"])
def test_no_field_cuts_what_is_pasted(app: Flask, path: str) -> None:
    assert "maxlength" not in app.test_client().get(path).text
