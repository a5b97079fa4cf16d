"""Section K, the end of a session: what it takes, whom it concerns, and what is over with it.

OpenID Connect RP-Initiated Logout 1.0 sections 2 and 4. The requests themselves stand in ``test_k_logout.py``.
"""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.settings import Settings
from tests.conformance import id_tokens
from tests.portal import close
from tests.relying_party import EMAIL, NAME, RelyingParty, csrf_token, log_in
from tests.security.answers import is_challenged, is_json, is_page, is_refused, is_sent_back
from tests.security.ending import (
    CONFIRM,
    LEAVE,
    LOGOUT,
    asked,
    elsewhere,
    hint_of,
    is_alive,
    is_asked,
    is_gone,
    is_over,
    nothing_ended,
)
from tests.security.parties import Parties, left


@pytest.fixture(scope="module")
def registered(parties: Parties) -> RelyingParty:
    """A client that registered where to go after logout, in Ada's browser: its tests end nothing."""
    return parties.client("leaving", is_confidential=True, post_logout=[LEAVE])


@pytest.fixture
def leaving(registered: RelyingParty) -> RelyingParty:
    """The same client on another device of Ada's, where she may be logged out."""
    return elsewhere(registered)


def test_k195_an_expired_hint_is_a_hint(fresh: Parties) -> None:
    """Also when the session has ended by itself."""
    client = fresh.client("leaving", post_logout=[LEAVE])
    hint = hint_of(client)
    for _ in range(3):
        fresh.clock.advance(minutes=50)
        is_alive(client)
    assert fresh.clock.now.timestamp() > id_tokens.claims(hint)["exp"]
    values = {"id_token_hint": hint, "post_logout_redirect_uri": LEAVE, "state": "s"}
    is_gone(asked(fresh.browser, **values), f"{LEAVE}?state=s")
    is_over(client)
    assert log_in(fresh.browser).status_code == 303
    fresh.clock.advance(hours=13)
    is_over(client)
    is_gone(asked(fresh.browser, **values), f"{LEAVE}?state=s")


EMPTY = [{}, {"state": "s"}, {"ui_locales": "en"}, {"logout_hint": EMAIL}, {"sid": "x"}, {"id_token_hint": ""}]


@pytest.mark.parametrize("values", EMPTY, ids=lambda values: "-".join(values) or "nothing")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_k196_without_anything_to_go_by_the_person_is_asked(
    parties: Parties, registered: RelyingParty, values: dict[str, str], method: str
) -> None:
    is_asked(asked(registered.browser, method, **values))
    is_alive(registered)
    is_gone(asked(parties.nobody, method, **values), "/logged-out")


def test_k196_whoever_agrees_is_logged_out_and_stays_at_the_portal(leaving: RelyingParty) -> None:
    form = is_asked(asked(leaving.browser, state="the-state"))
    is_gone(leaving.browser.post(CONFIRM, data=form), "/logged-out")
    is_over(leaving)


CROSS_SITE = {"Referer": "https://evil.test/", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}


@pytest.mark.parametrize("path", [LOGOUT, "/oauth/logout", "/logout"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", ["image", "iframe", "document"])
def test_k197_an_address_that_a_foreign_page_loads_logs_nobody_out(
    parties: Parties, path: str, method: str, kind: str
) -> None:
    headers = {**CROSS_SITE, "Sec-Fetch-Dest": kind}
    response = parties.browser.open(path, method=method, headers=headers)
    is_page(response, 200)
    nothing_ended(response)
    assert ('name="csrf_token"' in response.text) == (method == "GET")
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    is_alive(parties.web)


def test_k197_a_form_that_a_foreign_page_sends_logs_nobody_out(parties: Parties) -> None:
    headers = {**CROSS_SITE, "Origin": "https://evil.test"}
    token = csrf_token(parties.nobody, "/login")
    is_asked(parties.browser.post(LOGOUT, data={"csrf_token": token}, headers=headers))
    for form in ({}, {"csrf_token": token}):
        is_page(parties.browser.post(CONFIRM, data=form, headers=headers), 403)
        is_page(parties.browser.post("/logout", data=form, headers=headers), 403)
        is_page(parties.browser.post("/logout", data=form))
    is_alive(parties.web)


def test_k198_a_hint_of_somebody_else_asks_who_is_there(parties: Parties, registered: RelyingParty) -> None:
    browser, email = parties.newcomer()
    bob = RelyingParty(browser, "leaving", registered.secret)
    hint, hint_of_bob = hint_of(registered), hint_of(bob)
    for method in ("GET", "POST"):
        response = asked(browser, method, id_token_hint=hint, post_logout_redirect_uri=LEAVE, state="s")
        form = is_asked(response)
        # Whose hint it was is nobody's business here.
        assert EMAIL not in response.text
        assert email in response.text
        is_alive(bob)
        is_alive(registered)
    is_gone(browser.post(CONFIRM, data=form), f"{LEAVE}?state=s")
    is_over(bob)
    is_alive(registered)
    is_asked(asked(parties.browser, id_token_hint=hint_of_bob))
    is_alive(registered)


def by_the_page(client: RelyingParty) -> None:
    """The person presses the button of the portal."""
    left(client.browser)


def by_a_hint(client: RelyingParty) -> None:
    """The application ends the session."""
    is_gone(asked(client.browser, id_token_hint=hint_of(client), post_logout_redirect_uri=LEAVE), LEAVE)


def by_confirming(client: RelyingParty) -> None:
    """The application asks, and the person agrees."""
    is_gone(client.browser.post(CONFIRM, data=is_asked(asked(client.browser))), "/logged-out")


ENDINGS: list[Callable[[RelyingParty], None]] = [by_the_page, by_a_hint, by_confirming]
every_ending = pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__)
PERSONAL = ["/", "/developers", "/playground", "/logout", "/select-account", LOGOUT, "/login?switch=1"]


def cookie_of(browser: FlaskClient, name: str = "portal_session") -> str:
    """The value of a cookie."""
    cookie = browser.get_cookie(name)
    assert cookie
    return cookie.value


def with_cookie(browser: FlaskClient, value: str, form: str = "") -> FlaskClient:
    """``browser`` with a session cookie, and perhaps a form cookie, that somebody kept."""
    browser.set_cookie("portal_session", value)
    if form:
        browser.set_cookie("portal_form", form)
    return browser


def test_k199_the_back_button_finds_no_page_of_the_person(leaving: RelyingParty) -> None:
    """No page was kept, whoever asks for it again asks as a stranger; also the cache is cleared on the way out."""
    name = "Ada"
    for path in PERSONAL:
        page = leaving.browser.get(path)
        assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store"), path
        assert "ETag" not in page.headers
        assert "Last-Modified" not in page.headers
    assert name in leaving.browser.get("/").text
    by_confirming(leaving)
    for path in PERSONAL:
        page = leaving.browser.get(path)
        assert page.headers["Cache-Control"] == "no-store", path
        assert name not in page.text, path
    assert leaving.browser.get("/logout").location == leaving.browser.get(LOGOUT).location == "/logged-out"
    assert leaving.browser.get("/select-account").location == "/login"


@pytest.fixture(scope="module")
def second_process(parties: Parties) -> Iterator[Flask]:
    """Another application object on the same database, with a memory of its own, as a second worker has."""
    settings = Settings.for_testing(parties.directory, parties.database_url, RATE_LIMIT_ENABLED="false")
    app = create_app(settings, parties.clock)
    yield app
    close(app)


@every_ending
def test_k199_the_old_cookie_opens_nothing_in_any_process(
    parties: Parties, second_process: Flask, leaving: RelyingParty, end: Callable[[RelyingParty], None]
) -> None:
    token = csrf_token(leaving.browser, "/logout")
    session, form = cookie_of(leaving.browser), cookie_of(leaving.browser, "portal_form")
    end(leaving)
    assert leaving.browser.get_cookie("portal_session") is None
    for app in (parties.app, second_process):
        thief = RelyingParty(with_cookie(app.test_client(), session, form), "leaving", leaving.secret)
        is_over(thief)
        assert thief.authorize().location.startswith("/login?interaction=")
        assert NAME not in thief.browser.get("/").text
        # The form's own cookie and token are still a pair, and worth nothing without the session.
        for path in ("/logout", CONFIRM):
            assert thief.browser.post(path, data={"csrf_token": token}).location == "/logged-out"
        with_cookie(thief.browser, session, form)
        assert thief.browser.post("/select-account", data={"csrf_token": token}).location == "/login"
        is_over(thief)


@pytest.mark.parametrize(
    ("end", "is_another"), [(by_the_page, False), (by_a_hint, True)], ids=["of the same person", "of another"]
)
def test_k199_the_old_form_token_is_refused_in_the_next_session(
    parties: Parties, leaving: RelyingParty, end: Callable[[RelyingParty], None], is_another: bool
) -> None:
    """Whether the next one is of the same person or of another."""
    browser = leaving.browser
    old = csrf_token(browser, "/logout")
    end(leaving)
    email = parties.newcomer()[1] if is_another else EMAIL
    assert log_in(browser, email=email).status_code == 303
    for path in ("/logout", CONFIRM, "/select-account"):
        is_page(browser.post(path, data={"csrf_token": old}))
    is_alive(leaving)
    assert browser.post("/logout", data={"csrf_token": csrf_token(browser, "/logout")}).location == "/logged-out"
    is_over(leaving)


def test_k199_a_page_that_was_left_open_decides_nothing(parties: Parties, leaving: RelyingParty) -> None:
    """Consent that is given after logging out, in another tab, is asked of whoever logs in next."""
    third = RelyingParty(leaving.browser, "third", parties.third.secret)
    page = third.authorize().location
    assert page.startswith("/consent?interaction=")
    token = csrf_token(leaving.browser, page)
    session, form = cookie_of(leaving.browser), cookie_of(leaving.browser, "portal_form")
    by_the_page(leaving)
    interaction = page.partition("interaction=")[2]
    for browser in (leaving.browser, with_cookie(parties.app.test_client(), session, form)):
        answer = browser.post(page, data={"csrf_token": token, "decision": "allow"})
        assert answer.location == f"/api/oauth/authorize/resume?interaction={interaction}"
        assert browser.get(answer.location).location == f"/login?interaction={interaction}"
    assert log_in(leaving.browser, email=EMAIL).status_code == 303
    is_sent_back(third.authorize(prompt="none"), "consent_required")


@every_ending
def test_k201_what_was_issued_in_the_session_ends_with_it(
    parties: Parties, leaving: RelyingParty, end: Callable[[RelyingParty], None]
) -> None:
    """Of every application, and also what was issued for ``offline_access``."""
    other = RelyingParty(leaving.browser, "other", parties.other.secret)
    scopes = ("openid offline_access", "openid profile", "profile")
    held = [(client, client.tokens(scope=scope)) for client in (leaving, other) for scope in scopes]
    held.append((other, is_json(other.refresh(held[-1][1]["refresh_token"]))))
    code = other.code()
    end(leaving)
    auth = (parties.resource.client_id, parties.resource.secret or "")
    for client, tokens in held:
        is_challenged(client.userinfo(tokens["access_token"]))
        is_refused(client.refresh(tokens["refresh_token"]), "invalid_grant")
        for kind in ("access_token", "refresh_token"):
            response = parties.nobody.post("/api/oauth/introspect", data={"token": tokens[kind]}, auth=auth)
            assert is_json(response) == {"active": False}
    is_refused(other.redeem(code), "invalid_grant")


def test_k201_what_was_issued_in_another_session_goes_on(parties: Parties, leaving: RelyingParty) -> None:
    """Of the same person on another device, and of other people."""
    bob = RelyingParty(parties.newcomer()[0], "other", parties.other.secret)
    held = [(client, client.tokens()) for client in (parties.web, bob)]
    by_a_hint(leaving)
    is_over(leaving)
    for client, tokens in held:
        is_alive(client)
        assert client.userinfo(tokens["access_token"]).status_code == 200
    assert [is_json(client.refresh(tokens["refresh_token"]))["token_type"] for client, tokens in held] == ["Bearer"] * 2
