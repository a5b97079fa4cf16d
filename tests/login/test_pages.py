"""Logging in and registering, without script: nothing is revealed, nothing is lost, nobody is fooled."""

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.relying_party import EMAIL, PASSWORD, add_person, csrf_token, log_in

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def person(app: Flask) -> str:
    return add_person(app)


def shown_errors(text: str) -> list[str]:
    return re.findall(r"<li>(?:<a[^>]*>)?([^<]+)", text.partition('role="alert"')[2].partition("</div>")[0])


def test_a_wrong_password_and_an_unknown_or_disabled_account_look_the_same(app: Flask, person: str) -> None:
    add_person(app, "gone@example.com")
    app.test_cli_runner().invoke(args=["users", "disable", "gone@example.com"])
    answers = [
        log_in(app.test_client(), email=email, password=password)
        for email, password in ((EMAIL, "wrong"), ("nobody@example.com", PASSWORD), ("gone@example.com", PASSWORD))
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({tuple(shown_errors(answer.text)) for answer in answers}) == 1


@pytest.mark.parametrize("token", [None, "", "forged", "IjEi.aaaa.bbbb"])
def test_a_form_with_a_stale_token_is_shown_again_with_its_values(
    client: FlaskClient, person: str, token: str | None
) -> None:
    form = {"email": EMAIL, "password": PASSWORD, **({"csrf_token": token} if token is not None else {})}
    response = client.post("/login", data=form)
    assert response.status_code == 400
    assert f'value="{EMAIL}"' in response.text
    assert PASSWORD not in response.text
    assert "portal_session" not in str(response.headers.getlist("Set-Cookie"))
    again = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', response.text)
    assert again
    assert client.post("/login", data={**form, "csrf_token": again[1]}).status_code == 303


def test_a_form_of_another_site_is_refused(client: FlaskClient, person: str) -> None:
    token = csrf_token(client, "/login")
    form = {"csrf_token": token, "email": EMAIL, "password": PASSWORD}
    refused = client.post("/login", data=form, headers={"Origin": "https://evil.test"})
    assert refused.status_code == 403
    assert client.post("/login", data=form, headers={"Origin": "http://localhost:8000"}).status_code == 303


def test_the_session_cookie_changes_at_login_and_the_old_one_is_dead(
    app: Flask, client: FlaskClient, person: str
) -> None:
    log_in(client)
    old = client.get_cookie("portal_session")
    assert old is not None
    assert "HttpOnly" in str(log_in(client, path="/login?switch=1").headers.getlist("Set-Cookie"))
    new = client.get_cookie("portal_session")
    assert new is not None
    assert new.value != old.value
    stranger = app.test_client()
    stranger.set_cookie("portal_session", old.value)
    assert stranger.get("/logout").location == "/logged-out"


@pytest.mark.parametrize("cookie", ["x", "y" * 43, "é" * 30, "a" * 3500])
def test_a_cookie_that_names_no_session_is_none(client: FlaskClient, cookie: str) -> None:
    client.set_cookie("portal_session", cookie)
    assert client.get("/logout").location == "/logged-out"


def test_registering_makes_a_plain_account_and_logs_it_in(client: FlaskClient, app: Flask) -> None:
    form = {
        "name": "김민수",
        "email": "Min@Example.com",
        "password": PASSWORD,
        "is_admin": "1",
        "email_verified": "1",
        "role": "admin",
        "id": "1",
        "csrf_token": csrf_token(client, "/register"),
    }
    assert client.post("/register", data=form).location == "/"
    assert "김민수" in client.get("/").text
    with app.app_context():
        account = app.extensions["services"].accounts.find("min@example.com")
    assert (account.is_admin, account.email_verified) == (False, False)


@pytest.mark.parametrize(
    "change",
    [
        {"email": "no e-mail"},
        {"email": EMAIL.upper()},
        {"email": "a@example.com\r\nBcc: b@example.com"},
        {"password": "short"},
        {"password": "password1"},
        {"password": "x" * 2000},
        {"name": ""},
        {"email": ""},
    ],
)
def test_what_cannot_be_registered_is_said_beside_its_field_and_keeps_the_rest(
    client: FlaskClient, person: str, change: dict[str, str]
) -> None:
    form = {"name": "Someone", "email": "some@example.com", "password": PASSWORD, **change}
    response = client.post("/register", data={**form, "csrf_token": csrf_token(client, "/register")}, headers=ENGLISH)
    assert response.status_code == 400
    assert shown_errors(response.text)
    assert 'aria-invalid="true"' in response.text
    assert form["password"] not in response.text
    if form["name"]:
        assert 'value="Someone"' in response.text


def test_guessing_is_slowed_down_by_account_and_says_for_how_long(make_app: object, person: str) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true")  # type: ignore[operator]
    answers = [log_in(app.test_client(), email="nobody@example.com", password="wrong") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/developers", "/playground", "/terms", "/nothing-here"])
def test_every_page_carries_the_headers_that_protect_it(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "unsafe-inline" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("query", ["?interaction=%00", "?lang=%00x", "?x=%ff%fe", "?interaction=" + "x" * 3000])
def test_broken_input_never_breaks_a_page(client: FlaskClient, query: str) -> None:
    for path in ("/", "/login", "/register", "/consent", "/select-account", "/logged-out"):
        assert client.get(path + query).status_code < 500


def test_the_kit_is_served_to_all_under_an_address_that_never_changes(client: FlaskClient) -> None:
    newest = client.get("/static/sdk/max-auth.js", buffered=True, headers={"Origin": "https://app.example.com"})
    assert newest.headers["Access-Control-Allow-Origin"] == "*"
    version = re.search(r'VERSION = "([0-9.]+)"', newest.text)
    assert version
    pinned = client.get(f"/static/sdk/{version[1]}/max-auth.js", buffered=True)
    assert pinned.data == newest.data
    assert "immutable" in pinned.headers["Cache-Control"]
    first = client.get("/static/sdk/1.0.0/max-auth.js", buffered=True)
    assert 'VERSION = "1.0.0"' in first.text
    assert "immutable" in first.headers["Cache-Control"]
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    for nowhere in ("0.0.0/max-auth.js", "1.0.0/other.js", "../max-auth.js", "%2e%2e/max-auth.js", "1.0/max-auth.js"):
        assert client.get(f"/static/sdk/{nowhere}").status_code == 404


@pytest.mark.parametrize("page", ["/developers", "/developers?client=maxlab", "/playground", "/terms", "/privacy"])
def test_logging_in_from_a_page_for_anybody_leads_back_to_it(client: FlaskClient, person: str, page: str) -> None:
    link = re.search(r'<div class="person-menu"><a [^>]*href="([^"]+)"', client.get(page).text)
    assert link
    address = html.unescape(link[1])
    assert log_in(client, path=address).location == page


@pytest.mark.parametrize("page", ["/logged-out", "/nothing-here"])
def test_logging_in_from_elsewhere_leads_to_the_solutions(client: FlaskClient, page: str) -> None:
    assert re.findall(r'href="(/login[^"]*)"', client.get(page).text) in ([], ["/login"])
