"""Logging in by the API: the same login as on the page, an access token of 900 seconds, a refresh token in a cookie."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.people import API, FrontEnd, cookies, fields, refusal
from tests.clock import Clock
from tests.conformance import id_tokens
from tests.mailbox import only_mail, received
from tests.relying_party import EMAIL, PASSWORD, RelyingParty, add_client, add_person

TOKEN = {"access_token", "token_type", "expires_in"}
THIRTY_DAYS = 30 * 86400


@pytest.mark.parametrize("prefix", ["/api/v1/auth", "/api/auth"])
def test_a_login_answers_a_token_and_sets_three_cookies(app: Flask, ada: str, prefix: str) -> None:
    response = FrontEnd(app).post(f"{prefix}/login", {"email": "ADA@example.com", "password": PASSWORD})
    assert (response.status_code, set(response.json)) == (200, TOKEN)
    assert (response.json["token_type"], response.json["expires_in"]) == ("Bearer", 900)
    assert response.headers["Cache-Control"] == "no-store"
    made = cookies(response)
    assert {"portal_refresh", "portal_session", "portal_device"} <= set(made)
    rules = made["portal_refresh"].split("; ", 1)[1]
    assert re.fullmatch(r"Expires=[^;]+; Max-Age=2592000; HttpOnly; Path=/; SameSite=Lax", rules)
    assert made["portal_refresh"].split(";")[0].partition("=")[2] not in response.text


def test_over_tls_the_cookie_is_bound_to_the_host(make_app: Callable[..., Flask]) -> None:
    app = make_app(PUBLIC_URL="https://id.example.com")
    add_person(app)
    response = FrontEnd(app).log_in()
    (cookie,) = [each for name, each in cookies(response).items() if name.endswith("_refresh")]
    assert cookie.startswith("__Host-portal_refresh=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_the_access_token_is_one_of_the_portal_like_any_other(app: Flask, front: FrontEnd, ada: str) -> None:
    claims = id_tokens.claims(front.token)
    assert (claims["sub"], claims["client_id"], claims["type"]) == (ada, "portal", "access")
    assert claims["exp"] - claims["iat"] == 900
    assert claims["scope"] == "profile email read:profile read:features read:groups"
    (session,) = front.get("/sessions").json["sessions"]
    assert (session["session_id"], session["current"]) == (claims["sid"], True)
    person = front.browser.get("/api/oauth/userinfo", headers={"Authorization": f"Bearer {front.token}"})
    assert person.json["email"] == EMAIL


def test_an_application_then_needs_no_page(app: Flask, front: FrontEnd) -> None:
    add_client(app, "spa")
    assert RelyingParty(front.browser, "spa").tokens(prompt="none")["access_token"]


@pytest.mark.parametrize(
    "credentials",
    [
        {"email": EMAIL, "password": "wrong"},
        {"email": "nobody@example.com", "password": PASSWORD},
        {"email": "no address", "password": PASSWORD},
        {"email": f"{EMAIL}\x00", "password": PASSWORD},
        {"email": EMAIL, "password": PASSWORD + " "},
        {"email": EMAIL, "password": PASSWORD.upper()},
    ],
    ids=lambda credentials: ascii(credentials["email"] + credentials["password"])[:40],
)
def test_wrong_credentials_are_all_refused_alike(app: Flask, ada: str, credentials: dict[str, str]) -> None:
    response = FrontEnd(app).post("/login", credentials)
    body = refusal(response, 401, "wrong_credentials")
    assert body["error_description"] == "That e-mail and password don't match. Check both and try again."
    assert cookies(response) == {}


def test_a_disabled_account_is_refused_as_an_unknown_one(app: Flask, ada: str) -> None:
    assert app.test_cli_runner().invoke(args=["users", "disable", EMAIL]).exit_code == 0
    refusal(FrontEnd(app).log_in(), 401, "wrong_credentials")


def test_attempts_are_limited_together_with_those_on_the_page(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_LOGIN="3/minute")
    add_person(app)
    for _ in range(3):
        refusal(FrontEnd(app).log_in(password="wrong"), 401, "wrong_credentials")
    response = FrontEnd(app).log_in()
    refusal(response, 429, "too_many_attempts")
    assert 1 <= int(response.headers["Retry-After"]) <= 60


def test_a_remembered_login_outlives_an_hour_without_use(
    app: Flask, ada: str, another: Callable[..., FrontEnd], clock: Clock
) -> None:
    forgotten, kept = another(), another(remember=True)
    clock.advance(hours=2)
    add_client(app, "spa")
    for end, expected in ((forgotten, "login_required"), (kept, "")):
        location = RelyingParty(end.browser, "spa").authorize(prompt="none").location
        assert (f"error={expected}" in location) == bool(expected)


def test_a_new_browser_is_told_to_the_person_and_the_first_one_is_not(
    app: Flask, front: FrontEnd, another: Callable[..., FrontEnd]
) -> None:
    def is_told() -> bool:
        return "new_device" in [mail.template for mail in received(app)]

    assert not is_told()
    front.log_in()
    assert not is_told()
    another()
    assert is_told()


def test_registration_answers_as_a_login_with_the_person(app: Flask) -> None:
    end = FrontEnd(app)
    body = {"email": "New@Example.com", "password": PASSWORD, "full_name": "  Neu  "}
    response = end.post("/register", body)
    assert (response.status_code, set(response.json)) == (201, {*TOKEN, "user"})
    user = response.json["user"]
    assert (user["email"], user["email_verified"], user["full_name"]) == ("new@example.com", False, "Neu")
    assert (user["is_admin"], user["role_name"], user["groups"]) == (False, "member", ["MAX"])
    assert {"portal_refresh", "portal_session"} <= set(cookies(response))
    end.token = response.json["access_token"]
    assert end.get("/me").json == user
    assert only_mail(app, "verify_email").to == "new@example.com"


def test_nothing_can_be_claimed_at_registration(app: Flask) -> None:
    claimed = {
        **{"is_admin": True, "is_superuser": True, "is_staff": True, "role": "admin", "role_name": "admin"},
        **{"email_verified": True, "id": "1", "plan": "enterprise", "subscription_plan": "enterprise"},
    }
    body = {"email": "new@example.com", "password": PASSWORD, **claimed}
    user = FrontEnd(app).post("/register", body).json["user"]
    assert not user["is_admin"]
    assert not user["email_verified"]
    assert (user["role_name"], user["subscription_plan"]) == ("member", "free")
    assert user["id"] != "1"


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"email": "no address"}, "email", "This is not an e-mail address."),
        ({"email": "a@example.com\r\nBcc: b@example.com"}, "email", "This is not an e-mail address."),
        ({"email": EMAIL.upper()}, "email", "There is an account with this e-mail. Log in, or use another e-mail."),
        ({"email": ""}, "email", "This is too short."),
        ({"email": None}, "email", "This must be a string."),
        ({"email": "x" * 255}, "email", "This is too long."),
        ({"password": "short"}, "password", "This is too short."),
        ({"password": "x" * 1025}, "password", "This is too long."),
        ({"password": "password"}, "password", "This password is easy to guess. Add another word or two."),
        ({"password": "a\ud800b" * 9}, "password", "This is not valid text."),
        ({"full_name": "x" * 201}, "full_name", "This is too long."),
        ({"full_name": 7}, "full_name", "This must be a string."),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_cannot_be_registered_is_named(
    app: Flask, ada: str, change: dict[str, Any], field: str, message: str
) -> None:
    response = FrontEnd(app).post("/register", {"email": "new@example.com", "password": PASSWORD, **change})
    assert fields(response) == {field: message}
    assert cookies(response) == {}


def test_a_refresh_gives_a_new_token_and_a_new_cookie(front: FrontEnd, clock: Clock) -> None:
    first, cookie = front.token, front.refresh_token
    clock.advance(minutes=15)
    assert not front.is_logged_in()
    response = front.post("/refresh")
    assert (response.status_code, set(response.json), response.json["expires_in"]) == (200, TOKEN, 900)
    assert front.refresh_token != cookie
    assert front.refresh_token not in response.text
    front.token = response.json["access_token"]
    assert front.token != first
    assert front.is_logged_in()


def test_a_lost_answer_is_given_again_and_a_later_reuse_ends_all(front: FrontEnd, clock: Clock) -> None:
    old = front.refresh_token
    first = front.post("/refresh").json["access_token"]
    successor = front.refresh_token
    front.browser.set_cookie("portal_refresh", old)
    clock.advance(seconds=3)
    again = front.post("/refresh")
    assert (again.status_code, again.json["expires_in"], front.refresh_token) == (200, 897, successor)
    clock.advance(seconds=30)
    front.browser.set_cookie("portal_refresh", old)
    refusal(front.post("/refresh"), 401, "invalid_grant")
    front.token = first
    refusal(front.get("/me"), 401, "invalid_token")
    front.browser.set_cookie("portal_refresh", successor)
    refusal(front.post("/refresh"), 401, "invalid_grant")


def test_a_refused_refresh_leaves_the_cookie_that_another_window_may_just_have_got(front: FrontEnd) -> None:
    front.browser.set_cookie("portal_refresh", "x" * 64)
    response = front.post("/refresh")
    refusal(response, 401, "invalid_grant")
    assert "portal_refresh" not in cookies(response)


def test_without_a_cookie_there_is_nothing_to_refresh(app: Flask, front: FrontEnd) -> None:
    stranger = FrontEnd(app)
    refusal(stranger.post("/refresh"), 401, "unauthorized")
    # Neither the access token nor a token in the body stands in for it.
    stranger.token = front.token
    refusal(stranger.post("/refresh", {"refresh_token": front.refresh_token}), 401, "unauthorized")


def test_the_refresh_token_of_an_application_is_none_of_the_portals(app: Flask, front: FrontEnd) -> None:
    add_client(app, "spa")
    foreign = RelyingParty(front.browser, "spa").tokens()["refresh_token"]
    front.browser.set_cookie("portal_refresh", foreign)
    refusal(front.post("/refresh"), 401, "invalid_grant")
    assert RelyingParty(front.browser, "spa").refresh(foreign).status_code == 200


def test_the_cookie_is_good_for_thirty_days(front: FrontEnd, clock: Clock) -> None:
    clock.advance(seconds=THIRTY_DAYS - 1)
    assert front.post("/refresh").status_code == 200
    clock.advance(seconds=THIRTY_DAYS)
    refusal(front.post("/refresh"), 401, "invalid_grant")


@pytest.mark.parametrize("how", ["users disable", "new password"])
def test_a_refresh_asks_whether_the_person_may_still(app: Flask, front: FrontEnd, how: str) -> None:
    command = ["users", "disable", EMAIL] if how == "users disable" else ["users", "set-password", EMAIL]
    more = [] if how == "users disable" else ["--password", "a much newer password 5"]
    assert app.test_cli_runner().invoke(args=[*command, *more]).exit_code == 0
    refusal(front.post("/refresh"), 401, "invalid_grant")
    refusal(front.get("/me"), 401, "invalid_token")


def test_logging_in_again_ends_the_tokens_of_the_cookie_it_replaces(front: FrontEnd) -> None:
    token, cookie = front.token, front.refresh_token
    assert front.log_in().status_code == 200
    assert front.is_logged_in()
    front.token = token
    refusal(front.get("/me"), 401, "invalid_token")
    front.browser.set_cookie("portal_refresh", cookie)
    refusal(front.post("/refresh"), 401, "invalid_grant")


def test_nothing_is_to_be_had_as_the_portal_at_the_oauth_endpoints(app: Flask, front: FrontEnd) -> None:
    cookie, browser = front.refresh_token, front.browser
    for error, form in (
        ("unauthorized_client", {"grant_type": "refresh_token", "refresh_token": cookie}),
        ("unauthorized_client", {"grant_type": "authorization_code", "code": "c" * 43, "redirect_uri": "http://x/"}),
        ("invalid_client", {"grant_type": "client_credentials"}),
    ):
        response = browser.post("/api/oauth/token", data={"client_id": "portal", **form})
        assert response.json["error"] == error
    assert RelyingParty(browser, "portal").authorize().status_code == 400
    assert front.post("/refresh").status_code == 200


def test_nobody_registers_as_the_portal_and_no_page_lists_it(app: Flask, front: FrontEnd) -> None:
    made = app.test_cli_runner().invoke(args=["clients", "create", "portal", "--redirect-uri", "https://x.example/cb"])
    assert made.exit_code != 0
    page = app.test_client().get("/developers").text
    assert "portal</code>" not in page
    assert "MAX Flow" in app.test_client().get("/").text


def test_an_operator_can_switch_the_api_off(app: Flask, front: FrontEnd) -> None:
    assert app.test_cli_runner().invoke(args=["clients", "disable", "portal"]).exit_code == 0
    refusal(front.get("/me"), 401, "invalid_token")
    refusal(front.post("/refresh"), 401, "invalid_token")
    refusal(FrontEnd(app).log_in(), 401, "invalid_token")


@pytest.mark.parametrize("path", ["/login", "/register", "/refresh", "/logout", "/forgot-password"])
def test_what_is_posted_is_not_asked_for(client: FlaskClient, path: str) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        response = client.open(API + path, method=method)
        refusal(response, 405, "invalid_request")
        assert response.headers["Allow"] == "OPTIONS, POST"
