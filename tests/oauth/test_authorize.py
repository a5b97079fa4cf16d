"""The authorization endpoint (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2)."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.clock import Clock
from tests.relying_party import CHALLENGE, EMAIL, REDIRECT_URI, RelyingParty, add_client, answer, csrf_token, log_in

PAGES = [
    {"client_id": "nobody"},
    {"client_id": "<svg onload=alert(1)>"},
    {"client_id": None},
    {"redirect_uri": "https://evil.test/cb"},
    {"redirect_uri": REDIRECT_URI + "/"},
    {"redirect_uri": REDIRECT_URI + "?x=1"},
    {"redirect_uri": REDIRECT_URI + "#frag"},
    {"redirect_uri": REDIRECT_URI.replace("client", "CLIENT")},
    {"redirect_uri": REDIRECT_URI.replace(".com/", ".com:443/")},
    {"redirect_uri": 'https://evil.test/"><script>'},
    {"redirect_uri": "javascript:alert(1)"},
    {"redirect_uri": "http://[broken"},
    {"redirect_uri": None},
]
REFUSALS = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": 'code "token'}, "unsupported_response_type"),
    ({"response_mode": "fragment.jwt"}, "invalid_request"),
    ({"scope": "nothing-we-know"}, "invalid_scope"),
    ({"scope": "admin:full"}, "invalid_scope"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": CHALLENGE[:42]}, "invalid_request"),
    ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
    ({"code_challenge": "+" * 43}, "invalid_request"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "surprise"}, "invalid_request"),
    ({"prompt": "none"}, "login_required"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "abc"}, "invalid_request"),
    ({"max_age": "１"}, "invalid_request"),
    ({"id_token_hint": "e30.e30."}, "invalid_request"),
    ({"request": "e30.e30."}, "request_not_supported"),
    ({"request_uri": "https://evil.test/jar"}, "request_uri_not_supported"),
    ({"claims": "not json"}, "invalid_request"),
    ({"claims": "[1]"}, "invalid_request"),
    ({"claims": '{"id_token": 5}'}, "invalid_request"),
    ({"nonce": "n\x00"}, "invalid_request"),
    ({"nonce": "n" * 3000}, "invalid_request"),
]


@pytest.mark.parametrize("change", PAGES)
def test_an_unknown_client_or_redirect_uri_is_shown_a_page_and_never_redirected_to(
    public: RelyingParty, change: dict[str, str | None]
) -> None:
    response = public.authorize(**change)
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert response.mimetype == "text/html"
    assert "<script>" not in response.text.replace('<script type="module"', "")
    assert "<svg onload" not in response.text
    assert not re.search(r'(href|content)="[^"]*evil', response.text)


def test_the_page_tells_the_developer_what_was_received_and_how_to_fix_it(public: RelyingParty) -> None:
    response = public.authorize(redirect_uri="https://evil.test/cb")
    for part in ("public", "https://evil.test/cb", "redirect_uri", response.headers["X-Request-ID"]):
        assert part in response.text


@pytest.mark.parametrize(("change", "error"), REFUSALS)
def test_other_errors_go_to_the_client_with_state_and_issuer(
    public: RelyingParty, change: dict[str, str | None], error: str
) -> None:
    response = public.authorize(**change)
    assert response.location.startswith(REDIRECT_URI + "?")
    got = answer(response)
    assert (got["error"], got["state"], got["iss"]) == (error, "the-state", "http://localhost:8000")
    assert got["error_description"]


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "scope", "nonce", "extra"])
def test_a_repeated_parameter_is_refused(public: RelyingParty, name: str) -> None:
    pairs = [*public.parameters(extra="1").items(), (name, "other")]
    response = public.browser.get("/api/oauth/authorize", query_string=pairs)
    if name in {"client_id", "redirect_uri"}:
        assert response.status_code == 400
        assert "Location" not in response.headers
    else:
        assert answer(response)["error"] == "invalid_request"


@pytest.mark.parametrize(
    "change",
    [
        {"extra": "foobar", "another[]": "1"},
        {"display": "popup", "ui_locales": "se", "claims_locales": "se", "acr_values": "1 2", "login_hint": "x"},
        {"nonce": None},
        {"claims": '{"userinfo": {"email": {"essential": true}}, "id_token": {"\\ud800": null}}'},
        {"scope": "openid nosuchscope"},
        {"state": "quotes\"'&\r\n한글 %00" + "s" * 1500},
    ],
)
def test_what_a_client_may_send_is_taken(spa: RelyingParty, change: dict[str, str | None]) -> None:
    got = answer(spa.authorize(**change))
    assert got["code"]
    assert got["state"] == change.get("state", "the-state")


def test_a_request_may_be_posted_as_a_form_but_not_as_json(spa: RelyingParty) -> None:
    assert answer(spa.browser.post("/api/oauth/authorize", data=spa.parameters()))["code"]
    assert spa.browser.post("/api/oauth/authorize", json=spa.parameters()).status_code == 415
    refused = spa.browser.put("/api/oauth/authorize")
    assert refused.status_code == 405
    assert "GET" in refused.headers["Allow"]


def test_a_disabled_client_is_stopped_at_its_next_request(app: Flask, spa: RelyingParty) -> None:
    result = app.test_cli_runner().invoke(args=["clients", "disable", "public"])
    assert result.exit_code == 0
    assert spa.authorize().status_code == 400


def test_prompt_login_asks_again_and_auth_time_moves(spa: RelyingParty, clock: Clock) -> None:
    clock.advance(minutes=5)
    response = spa.authorize(prompt="login")
    assert response.location.startswith("/login?interaction=")
    assert f'value="{EMAIL}"' in spa.browser.get(response.location).text
    resumed = spa.browser.get(log_in(spa.browser, path=response.location).location)
    tokens = spa.redeem(answer(resumed)["code"]).json
    with spa.browser.application.app_context():
        services = spa.browser.application.extensions["services"]
        assert services.tokens.read_id_token_hint(tokens["id_token"])["auth_time"] == int(clock.now.timestamp())


@pytest.mark.parametrize(("max_age", "asks"), [("0", True), ("60", True), ("3000", False)])
def test_max_age_asks_when_the_login_is_older(spa: RelyingParty, clock: Clock, max_age: str, asks: bool) -> None:
    clock.advance(minutes=5)
    assert spa.authorize(max_age=max_age).location.startswith("/login" if asks else REDIRECT_URI)
    silent = answer(spa.authorize(max_age=max_age, prompt="none"))
    assert silent.get("error") == ("login_required" if asks else None)


def test_a_hint_of_somebody_else_never_logs_that_person_in_silently(spa: RelyingParty, app: Flask) -> None:
    id_token = spa.tokens()["id_token"]
    assert "code" in answer(spa.authorize(prompt="none", id_token_hint=id_token))
    other = app.test_client()
    with app.app_context():
        services = app.extensions["services"]
        services.accounts.create("bob@example.com", "correct horse battery 9")
        services.db.session.commit()
    log_in(other, email="bob@example.com")
    refused = RelyingParty(other, "public").authorize(prompt="none", id_token_hint=id_token)
    assert answer(refused)["error"] == "login_required"
    asked = RelyingParty(other, "public").authorize(id_token_hint=id_token)
    page = other.get(asked.location, headers={"Accept-Language": "en"}).text
    assert "with another account" in page
    assert EMAIL not in page  # who holds the hint may not know the person
    assert "bob@example.com" not in page


def test_consent_is_asked_once_remembered_and_asked_again_when_scopes_grow(spa: RelyingParty, app: Flask) -> None:
    add_client(app, "third", consent_policy="once")
    third = RelyingParty(spa.browser, "third")
    assert answer(third.authorize(prompt="none", scope="openid"))["error"] == "consent_required"
    page = third.authorize(scope="openid").location
    assert page.startswith("/consent")
    form = {"csrf_token": csrf_token(spa.browser, page), "decision": "allow", "scope": "admin:full"}
    resumed = spa.browser.get(spa.browser.post(page, data=form).location)
    assert third.redeem(answer(resumed)["code"]).json["scope"] == "openid"
    assert "code" in answer(third.authorize(prompt="none", scope="openid"))
    assert third.authorize(scope="openid email").location.startswith("/consent")


def test_denied_consent_answers_access_denied_and_no_code(spa: RelyingParty, app: Flask) -> None:
    add_client(app, "third", consent_policy="once")
    page = RelyingParty(spa.browser, "third").authorize().location
    assert spa.browser.post(page, data={"decision": "allow"}).status_code == 400  # no form token: nothing is granted
    form = {"csrf_token": csrf_token(spa.browser, page), "decision": "deny"}
    got = answer(spa.browser.get(spa.browser.post(page, data=form).location))
    assert (got["error"], got["state"]) == ("access_denied", "the-state")
    assert "code" not in got


def test_web_message_posts_to_the_exact_origin_and_lets_it_alone_frame_the_answer(spa: RelyingParty) -> None:
    response = spa.authorize(response_mode="web_message", prompt="none", state="</script><script>")
    assert "https://client.example.com" in response.text
    assert "</script><script>" not in response.text
    assert "frame-ancestors https://client.example.com" in response.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in response.headers
    assert response.headers["Cross-Origin-Opener-Policy"] == "unsafe-none"


def test_form_post_escapes_what_it_carries(spa: RelyingParty) -> None:
    response = spa.authorize(response_mode="form_post", state='"><script>alert(1)</script>')
    assert f'action="{REDIRECT_URI}"' in response.text
    assert "<script>alert" not in response.text
    assert "form-action" not in response.headers["Content-Security-Policy"]


def test_sending_a_form_twice_still_leads_to_the_client_and_only_the_last_code_counts(public: RelyingParty) -> None:
    page = public.authorize().location
    resume = log_in(public.browser, path=page).location
    first, second = (answer(public.browser.get(resume))["code"] for _ in range(2))
    assert public.redeem(first).json["error"] == "invalid_grant"
    assert public.redeem(second).status_code == 200
    again = public.browser.get(resume)  # answered and used: the person is led back to the application
    assert again.status_code == 200
    assert "https://client.example.com" in again.text


def test_an_interaction_of_another_browser_gives_no_code(app: Flask, public: RelyingParty) -> None:
    page = public.authorize().location
    log_in(public.browser, path=page)
    stranger = app.test_client()
    resumed = stranger.get(page.replace("/login", "/api/oauth/authorize/resume"))
    assert resumed.location.startswith("/login")


def test_an_unknown_or_expired_interaction_has_a_page_with_a_way_on(
    client: FlaskClient, public: RelyingParty, clock: Clock
) -> None:
    page = public.authorize().location
    clock.advance(hours=25)
    for path in (page, "/login?interaction=nonsense", "/consent?interaction=x", "/api/oauth/authorize/resume"):
        response = client.get(path)
        assert response.status_code == 410
        assert 'href="/"' in response.text


def test_login_hint_fills_the_form(public: RelyingParty) -> None:
    assert f'value="{EMAIL}"' in public.browser.get(public.authorize(login_hint=EMAIL).location).text
