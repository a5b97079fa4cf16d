"""An authorization request that another site's page posts: browsers send no ``SameSite=Lax`` cookie with it.

OpenID Connect Core section 3.1.2.1: POST is to be supported. The portal goes on by a GET of its own, which has it.
"""

import pytest
from flask import Flask

from tests.relying_party import EMAIL, REDIRECT_URI, RelyingParty, add_client, add_person, answer, log_in

FOREIGN = {"Origin": "https://client.example.com", "Sec-Fetch-Site": "cross-site"}


def posted(client: RelyingParty, **changes: str | None) -> str:
    """Where the person's browser is told to go after the form came without its cookies."""
    nobody = client.browser.application.test_client()
    response = nobody.post("/api/oauth/authorize", data=client.parameters(**changes), headers=FOREIGN)
    assert response.status_code == 303
    assert response.headers.getlist("Set-Cookie") == []
    return str(response.location)


@pytest.mark.parametrize("prompt", [None, "none"])
def test_it_is_answered_for_the_person_who_is_there(spa: RelyingParty, prompt: str | None) -> None:
    target = posted(spa, prompt=prompt)
    assert target.startswith("/api/oauth/authorize/resume?interaction=")
    got = answer(spa.browser.get(target))
    assert (got["state"], spa.redeem(got["code"]).status_code) == ("the-state", 200)


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post", "web_message"])
def test_where_nobody_is_a_silent_one_is_refused_and_never_asks(public: RelyingParty, mode: str) -> None:
    target = posted(public, prompt="none", response_mode=mode)
    for _ in range(2):  # loaded again as well
        response = public.browser.get(target)
        assert "login_required" in (response.headers.get("Location") or response.text)
        assert "password" not in response.text


def test_where_nobody_is_another_one_asks_for_a_login(public: RelyingParty) -> None:
    page = public.browser.get(posted(public)).location
    assert page.startswith("/login?interaction=")
    assert answer(public.browser.get(log_in(public.browser, path=page).location))["code"]


def test_a_silent_one_is_answered_again_when_it_is_loaded_again(spa: RelyingParty) -> None:
    target = posted(spa, prompt="none")
    codes = [answer(spa.browser.get(target))["code"] for _ in range(2)]
    assert len(set(codes)) == 2
    assert spa.redeem(codes[0]).status_code == 200
    assert answer(spa.browser.get(target))["code"]


def test_a_silent_one_needs_consent_as_a_link_does(app: Flask, spa: RelyingParty) -> None:
    third = RelyingParty(spa.browser, "third", add_client(app, "third", consent_policy="once"))
    assert answer(spa.browser.get(posted(third, prompt="none")))["error"] == "consent_required"


@pytest.mark.parametrize("prompt", [None, "none"])
def test_a_hint_is_heeded_as_in_a_link(app: Flask, spa: RelyingParty, prompt: str | None) -> None:
    bob = add_person(app, "bob@example.com")
    log_in(spa.browser, "bob@example.com", path="/login?switch=1")
    for email, is_bob in ((EMAIL, False), ("bob@example.com", True), (EMAIL, False)):
        got = answer(spa.browser.get(posted(spa, login_hint=email, prompt=prompt, scope="openid email")))
        told = spa.userinfo(spa.redeem(got["code"]).json["access_token"]).json
        assert (told["email"], told["sub"] == bob) == (email, is_bob)


def test_what_is_wrong_with_it_is_said_at_once(public: RelyingParty) -> None:
    assert posted(public, scope="nonsense").startswith(f"{REDIRECT_URI}?error=invalid_scope&")
