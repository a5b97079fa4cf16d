"""Several people in one browser: who is there, who else, how one becomes the other, and that nothing is mixed."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web.sessions import MOST_ACCOUNTS
from tests.clock import Clock
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, answer, csrf_token, log_in

BOB = "bob@example.com"
CHOOSE = "/select-account"
OTHERS = ("portal_accounts", "portal_accounts_kept")


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """Ada logged in first, Bob after her: he is there, she waits."""
    for email, name in ((EMAIL, "Ada"), (BOB, "Bob")):
        with app.app_context():
            services = app.extensions["services"]
            services.accounts.create(email, "correct horse battery 9", name=name, is_verified=True)
            services.db.session.commit()
    browser = app.test_client()
    log_in(browser)
    assert log_in(browser, email=BOB, path="/login?switch=1").status_code == 303
    return browser


@pytest.fixture
def party(app: Flask, browser: FlaskClient) -> RelyingParty:
    return RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))


def choices(browser: FlaskClient, path: str = CHOOSE) -> dict[str, str]:
    """The accounts on the page by e-mail, and their sessions."""
    page = browser.get(path).text
    shown = re.findall(r'name="account" value="([^"]+)".*?<small class="soft">([^<]+@[^<]+)<', page, re.DOTALL)
    return {email: session for session, email in shown}


def choose(browser: FlaskClient, email: str, path: str = CHOOSE, field: str = "account") -> str:
    """Press an account's button, or the one beside it; answers where that leads."""
    form = {"csrf_token": csrf_token(browser, path), field: choices(browser, path)[email]}
    response = browser.post(path, data=form)
    assert response.status_code == 303
    return str(response.location)


def who(browser: FlaskClient) -> str:
    """The e-mail of who is there by the portal's own pages."""
    found = re.search(r'<div class="menu">.*?<small class="soft">([^<]+)<', browser.get("/").text, re.DOTALL)
    return found[1] if found else ""


def person_of_code(party: RelyingParty, code: str) -> str:
    return str(party.userinfo(party.redeem(code).json["access_token"]).json["email"])


def person_of(party: RelyingParty, **changes: str | None) -> str:
    return person_of_code(party, answer(party.authorize(**changes))["code"])


def cookies(browser: FlaskClient) -> dict[str, str]:
    found = {name: browser.get_cookie(name) for name in ("portal_session", *OTHERS)}
    return {name: cookie.value for name, cookie in found.items() if cookie}


def with_cookies(app: Flask, values: dict[str, str]) -> FlaskClient:
    browser = app.test_client()
    for name, value in values.items():
        browser.set_cookie(name, value)
    return browser


def test_who_logs_in_is_there_and_who_was_there_waits(app: Flask, browser: FlaskClient) -> None:
    assert who(browser) == BOB
    assert list(choices(browser)) == [BOB, EMAIL]
    assert set(cookies(browser)) == {"portal_session", "portal_accounts"}


def test_the_one_who_is_chosen_is_there_and_nothing_ended(browser: FlaskClient) -> None:
    before = choices(browser)
    held = set(cookies(browser).values())
    assert choose(browser, EMAIL) == "/"
    assert who(browser) == EMAIL
    assert choices(browser) == before
    assert set(cookies(browser).values()) == held
    choose(browser, BOB)
    assert who(browser) == BOB


def test_the_cookies_of_the_others_are_as_guarded_as_the_session_s(
    browser: FlaskClient,
) -> None:
    response = browser.post(
        CHOOSE, data={"csrf_token": csrf_token(browser, CHOOSE), "account": choices(browser)[EMAIL]}
    )
    lines = [line for line in response.headers.getlist("Set-Cookie") if line.startswith("portal_")]
    for name in ("portal_session", "portal_accounts"):
        (line,) = [line for line in lines if line.startswith(f"{name}=")]
        assert "HttpOnly" in line
        assert "SameSite=Lax" in line
        assert "Path=/" in line
        assert "Max-Age" not in line


def test_on_https_they_are_bound_to_the_host(make_app: Callable[..., Flask]) -> None:
    app = make_app(PUBLIC_URL="https://portal.example.com")
    add_person(app)
    add_person(app, BOB)
    browser = app.test_client()
    base = {"base_url": "https://portal.example.com"}
    for email in (EMAIL, BOB):
        page = browser.get("/login?switch=1", **base).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token
        form = {"csrf_token": token[1], "email": email, "password": "correct horse battery 9"}
        response = browser.post("/login?switch=1", data=form, headers={"Origin": base["base_url"]}, **base)
    (line,) = [each for each in response.headers.getlist("Set-Cookie") if "portal_accounts" in each]
    assert line.startswith("__Host-portal_accounts=")
    assert "Secure" in line


def test_who_is_remembered_waits_for_the_next_time_the_browser_opens_and_others_do_not(
    app: Flask, browser: FlaskClient
) -> None:
    add_person(app, "carl@example.com")
    log_in(browser, email=EMAIL, path="/login?switch=1", remember="y")
    response = log_in(browser, email="carl@example.com", path="/login?switch=1")
    lines = {line.split("=")[0]: line for line in response.headers.getlist("Set-Cookie")}
    assert "Max-Age" not in lines["portal_accounts"]
    assert f"Max-Age={30 * 86400}" in lines["portal_accounts_kept"]
    closed = with_cookies(app, {"portal_accounts_kept": cookies(browser)["portal_accounts_kept"]})
    assert list(choices(closed)) == [EMAIL]


def test_the_same_person_again_keeps_one_session(browser: FlaskClient, party: RelyingParty) -> None:
    """Whoever of those who are logged in logs in again; what hangs on it stays."""
    before = choices(browser)
    choose(browser, EMAIL)
    tokens = party.tokens()
    choose(browser, BOB)
    old = cookies(browser)["portal_accounts"]
    log_in(browser, path="/login?switch=1")
    assert who(browser) == EMAIL
    assert choices(browser) == before
    assert party.userinfo(tokens["access_token"]).status_code == 200
    assert old not in cookies(browser).values()


def test_five_people_at_most_and_the_one_not_used_for_longest_ends(
    app: Flask, browser: FlaskClient, clock: Clock
) -> None:
    more = [f"{number}@example.com" for number in range(MOST_ACCOUNTS - 1)]
    for email in more:
        add_person(app, email)
        clock.advance(minutes=1)
        log_in(browser, email=email, path="/login?switch=1")
    assert set(choices(browser)) == {BOB, *more}
    with app.app_context():
        services = app.extensions["services"]
        assert services.sessions.page(services.accounts.find(EMAIL).id).total == 0
        assert services.sessions.page(services.accounts.find(BOB).id).total == 1


def test_one_can_be_logged_out_and_the_others_stay(browser: FlaskClient, party: RelyingParty) -> None:
    of_bob = party.tokens()
    choose(browser, EMAIL)
    of_ada = party.tokens()
    assert choose(browser, BOB, field="logout") == CHOOSE
    assert (who(browser), list(choices(browser))) == (EMAIL, [EMAIL])
    assert party.userinfo(of_bob["access_token"]).status_code == 401
    assert party.userinfo(of_ada["access_token"]).status_code == 200


def test_who_is_there_can_be_logged_out_and_nobody_takes_the_place_unasked(app: Flask, browser: FlaskClient) -> None:
    old = cookies(browser)["portal_session"]
    choose(browser, BOB, field="logout")
    assert who(browser) == ""
    assert browser.get("/login").location == CHOOSE
    assert browser.get("/login?switch=1").status_code == 200
    assert list(choices(browser)) == [EMAIL]
    assert with_cookies(app, {"portal_session": old}).get(CHOOSE).location == "/login"
    choose(browser, EMAIL, field="logout")
    assert browser.get(CHOOSE).location == "/login"
    assert browser.get("/login").status_code == 200


@pytest.mark.parametrize("ending", ["page", "application", "application that asked"])
def test_logging_out_logs_everybody_out(app: Flask, browser: FlaskClient, party: RelyingParty, ending: str) -> None:
    held = cookies(browser)
    of_bob = party.tokens()
    choose(browser, EMAIL)
    of_ada = party.tokens()
    if ending == "page":
        page = browser.get("/logout").text
        response = browser.post("/logout", data={"csrf_token": csrf_token(browser, "/logout")})
    elif ending == "application":
        page = f"{EMAIL} {BOB}"
        response = browser.get("/api/oauth/logout", query_string={"id_token_hint": of_bob["id_token"]})
    else:
        page = browser.get("/api/oauth/logout").text
        form = dict(re.findall(r'name="(csrf_token|request)"[^>]*value="([^"]+)"', page))
        response = browser.post("/api/oauth/logout/confirm", data=form)
    assert EMAIL in page
    assert BOB in page
    assert response.location.startswith("/logged-out")
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert cookies(browser) == {}
    for tokens in (of_bob, of_ada):
        assert party.userinfo(tokens["access_token"]).status_code == 401
    for value in held.values():
        assert with_cookies(app, {"portal_session": value}).get(CHOOSE).location == "/login"
        assert with_cookies(app, {"portal_accounts": value}).get(CHOOSE).location == "/login"


def test_with_one_account_the_menu_logs_out_at_once_and_with_several_it_asks(app: Flask, browser: FlaskClient) -> None:
    assert '<a class="menu-item" href="/logout">' in browser.get("/").text
    alone = app.test_client()
    log_in(alone)
    page = alone.get("/").text
    assert '<form method="post" action="/logout">' in page
    assert '<a class="menu-item" href="/select-account">' in page


# On behalf of applications


def test_an_application_that_lets_people_choose_gets_the_chosen_one(browser: FlaskClient, party: RelyingParty) -> None:
    for email in (EMAIL, BOB, EMAIL):
        page = party.authorize(prompt="select_account").location
        assert page.startswith(f"{CHOOSE}?interaction=")
        resume = choose(browser, email, page)
        assert person_of_code(party, answer(browser.get(resume))["code"]) == email
        assert who(browser) == email


def test_logging_one_out_on_the_way_keeps_the_request(browser: FlaskClient, party: RelyingParty) -> None:
    page = party.authorize(prompt="select_account").location
    assert choose(browser, BOB, page, field="logout") == page
    resume = choose(browser, EMAIL, page)
    assert person_of_code(party, answer(browser.get(resume))["code"]) == EMAIL


def test_a_request_with_nobody_there_lets_those_who_wait_be_chosen(browser: FlaskClient, party: RelyingParty) -> None:
    choose(browser, BOB, field="logout")
    login = party.authorize().location
    assert login.startswith("/login?interaction=")
    page = browser.get(login).location
    assert page.startswith(f"{CHOOSE}?interaction=")
    resume = choose(browser, EMAIL, page)
    assert person_of_code(party, answer(browser.get(resume))["code"]) == EMAIL


def test_a_choice_does_not_stand_in_for_a_login_that_was_asked_for(browser: FlaskClient, party: RelyingParty) -> None:
    page = party.authorize(prompt="login select_account").location
    choose(browser, EMAIL, f"{CHOOSE}?{page.partition('?')[2]}")
    assert browser.get(f"/api/oauth/authorize/resume?{page.partition('?')[2]}").location == page
    assert f'value="{EMAIL}"' in browser.get(page).text


def hint_of(browser: FlaskClient, party: RelyingParty, email: str) -> str:
    choose(browser, email)
    return str(party.tokens()["id_token"])


@pytest.mark.parametrize("prompt", [None, "none"])
@pytest.mark.parametrize("kind", ["id_token_hint", "login_hint"])
def test_a_hint_at_somebody_who_waits_needs_no_password(
    browser: FlaskClient, party: RelyingParty, kind: str, prompt: str | None
) -> None:
    """Silently, it is answered for that person and nothing changes in the browser."""
    hint = hint_of(browser, party, EMAIL) if kind == "id_token_hint" else EMAIL.upper()
    choose(browser, BOB)
    before = cookies(browser)
    assert person_of(party, prompt=prompt, **{kind: hint}) == EMAIL
    assert who(browser) == (BOB if prompt else EMAIL)
    assert (cookies(browser) == before) == bool(prompt)
    assert person_of(party, prompt=prompt) == (BOB if prompt else EMAIL)


def test_a_hint_at_somebody_who_is_not_here_changes_nothing(
    app: Flask, browser: FlaskClient, party: RelyingParty
) -> None:
    hint = hint_of(browser, party, EMAIL)
    choose(browser, EMAIL, field="logout")
    choose(browser, BOB)
    before = cookies(browser)
    assert "error=login_required" in party.authorize(prompt="none", id_token_hint=hint).location
    assert party.authorize(id_token_hint=hint).location.startswith("/login?interaction=")
    assert person_of(party, prompt="none", login_hint=EMAIL) == BOB
    assert cookies(browser) == before


def test_a_hint_is_no_way_around_what_else_is_asked(app: Flask, browser: FlaskClient) -> None:
    third = RelyingParty(browser, "third", add_client(app, "third", is_confidential=True, consent_policy="once"))
    assert "error=consent_required" in third.authorize(prompt="none", login_hint=EMAIL).location
    page = third.authorize(login_hint=EMAIL).location
    assert page.startswith("/consent?interaction=")
    assert EMAIL in browser.get(page).text
    assert BOB not in browser.get(page).text.partition("<main")[2]


# Nothing is mixed


def test_a_page_of_one_is_not_answered_as_the_other(app: Flask, browser: FlaskClient) -> None:
    """The consent page that Bob left open decides nothing once Ada is there; her own is asked of her."""
    third = RelyingParty(browser, "third", add_client(app, "third", is_confidential=True, consent_policy="once"))
    page = third.authorize().location
    token = csrf_token(browser, page)
    choose(browser, EMAIL)
    refused = browser.post(page, data={"csrf_token": token, "decision": "allow"})
    assert refused.status_code == 409
    assert BOB not in refused.text
    assert "error=consent_required" in third.authorize(prompt="none").location
    choose(browser, BOB)
    assert "error=consent_required" in third.authorize(prompt="none").location


def test_consent_of_one_says_nothing_for_the_other(app: Flask, browser: FlaskClient) -> None:
    third = RelyingParty(browser, "third", add_client(app, "third", is_confidential=True, consent_policy="once"))
    page = third.authorize().location
    allowed = browser.post(page, data={"csrf_token": csrf_token(browser, page), "decision": "allow"})
    choose(browser, EMAIL)
    # The code of the request Bob allowed is not for her either.
    assert browser.get(allowed.location).location == page
    assert "error=consent_required" in third.authorize(prompt="none").location
    choose(browser, BOB)
    assert person_of(third, prompt="none") == BOB


def test_tokens_of_each_go_on_beside_each_other(browser: FlaskClient, party: RelyingParty) -> None:
    held = {}
    for email in (EMAIL, BOB):
        choose(browser, email)
        held[email] = party.tokens()
    for email, tokens in held.items():
        again = party.refresh(tokens["refresh_token"]).json
        assert party.userinfo(again["access_token"]).json["email"] == email


def test_a_session_that_is_not_held_here_cannot_be_chosen_nor_ended(app: Flask, browser: FlaskClient) -> None:
    elsewhere = app.test_client()
    log_in(elsewhere)
    (foreign,) = choices(elsewhere).values()
    for field, target in (("account", "/login?switch=1"), ("logout", CHOOSE)):
        form = {"csrf_token": csrf_token(browser, CHOOSE), field: foreign}
        assert browser.post(CHOOSE, data=form).location == target
    assert who(browser) == BOB
    assert who(elsewhere) == EMAIL


@pytest.mark.parametrize("field", ["account", "logout"])
@pytest.mark.parametrize("token", [None, "forged"])
def test_neither_happens_without_the_forms_token(browser: FlaskClient, field: str, token: str | None) -> None:
    form = {field: choices(browser)[EMAIL], **({"csrf_token": token} if token else {})}
    assert browser.post(CHOOSE, data=form).status_code == 400
    assert browser.post(CHOOSE, data=form, headers={"Origin": "https://evil.test"}).status_code == 403
    assert browser.get(f"{CHOOSE}?{field}={form[field]}").status_code == 200
    assert (who(browser), set(choices(browser))) == (BOB, {EMAIL, BOB})


def test_what_ended_idled_out_or_was_disabled_falls_out(app: Flask, browser: FlaskClient, clock: Clock) -> None:
    for _ in range(2):
        clock.advance(minutes=40)
        assert who(browser) == BOB
    assert list(choices(browser)) == [BOB]
    log_in(browser, path="/login?switch=1")
    app.test_cli_runner().invoke(args=["sessions", "end", "--user", BOB])
    assert list(choices(browser)) == [EMAIL]
    log_in(browser, email=BOB, path="/login?switch=1")
    app.test_cli_runner().invoke(args=["users", "disable", EMAIL])
    assert list(choices(browser)) == [BOB]


@pytest.mark.parametrize("value", ["x", "." * 3000, "é.é", "a" * 43 + "." + "b" * 43, '"', "%00", "." * 3 + "c" * 43])
@pytest.mark.parametrize("name", OTHERS)
def test_a_cookie_that_names_nobody_is_none(app: Flask, browser: FlaskClient, name: str, value: str) -> None:
    browser.set_cookie(name, value)
    assert who(browser) == BOB
    assert BOB in choices(browser)
    stranger = with_cookies(app, {name: value})
    assert stranger.get(CHOOSE).location == "/login"
    assert stranger.get("/login").status_code == 200
    assert stranger.get("/logout").location == "/logged-out"


def test_a_value_twice_is_one_person(app: Flask, browser: FlaskClient) -> None:
    held = cookies(browser)
    ada, bob = held["portal_accounts"], held["portal_session"]
    mixed = with_cookies(app, {"portal_session": bob, "portal_accounts": f"{ada}.{bob}.{ada}", OTHERS[1]: ada})
    assert sorted(choices(mixed)) == [EMAIL, BOB]
