"""Section A, whose login an answer is for: prompt, max_age and id_token_hint.

OpenID Connect Core sections 3.1.2.1, 3.1.2.2 and 3.1.2.6.
"""

import base64
import hmac

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.conformance import id_tokens
from tests.relying_party import PASSWORD, RelyingParty, csrf_token, log_in
from tests.security.answers import Markup, is_accepted, is_page, is_sent_back
from tests.security.parties import Parties


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a29_silent_and_not_logged_in_is_answered_without_a_page(parties: Parties, method: str) -> None:
    client = parties.away(parties.web)
    if method == "POST":
        response = client.browser.post("/api/oauth/authorize", data=client.parameters(prompt="none"))
        # The cookie may only have been withheld from the form.
        assert response.location.startswith("/api/oauth/authorize/resume?interaction=")
        is_sent_back(client.browser.get(response.location), "login_required")
    else:
        is_sent_back(client.authorize(prompt="none"), "login_required")


@pytest.mark.parametrize("cookie", ["", "x" * 43, "../../etc/passwd", "null"])
def test_a29_a_made_up_session_is_none(parties: Parties, cookie: str) -> None:
    client = parties.away(parties.web)
    client.browser.set_cookie("portal_session", cookie)
    response = client.authorize(prompt="none")
    assert response.location.partition("error=")[2].startswith("login_required&")


@pytest.mark.parametrize(("mode", "error"), [("form_post", "login_required"), ("web_message", "login_required")])
def test_a29_silent_answers_keep_to_the_response_mode(parties: Parties, mode: str, error: str) -> None:
    response = parties.away(parties.web).authorize(prompt="none", response_mode=mode)
    assert response.status_code == 200
    markup = Markup(response.text)
    assert markup.fields.get("error") == error if mode == "form_post" else f'"error": "{error}"' in response.text
    assert "password" not in markup.fields


@pytest.mark.parametrize("policy", ["once", "always"])
def test_a30_silent_and_without_consent_is_answered_without_a_page(parties: Parties, policy: str) -> None:
    client = parties.client(consent_policy=policy)
    is_sent_back(client.authorize(prompt="none"), "consent_required")
    is_sent_back(client.authorize(prompt="none", max_age="3600", login_hint="ada@example.com"), "consent_required")


@pytest.mark.parametrize(
    "prompt",
    [
        "none login",
        "login none",
        "none consent",
        "none select_account",
        "none xyz",
        "xyz",
        "LOGIN",
        "None",
        "login,consent",
        "create",
        "login xyz",
    ],
)
def test_a31_prompts_that_contradict_each_other_or_are_unknown_are_refused(parties: Parties, prompt: str) -> None:
    is_sent_back(parties.web.authorize(prompt=prompt), "invalid_request")


@pytest.mark.parametrize("prompt", ["login", "login consent", "login select_account"])
def test_a32_prompt_login_asks_for_the_password_and_auth_time_moves(fresh: Parties, prompt: str) -> None:
    web, clock = fresh.web, fresh.clock
    before = id_tokens.claims(web.tokens()["id_token"])["auth_time"]
    clock.advance(minutes=5)
    page = web.authorize(prompt=prompt).location
    assert page.startswith("/login?interaction=")
    resume = page.replace("/login", "/api/oauth/authorize/resume")
    for _ in range(2):
        # Going on without a password leads back to the question for it.
        assert web.browser.get(resume).location == page
    wrong = log_in(web.browser, path=page, password="wrong")
    assert wrong.status_code == 401
    assert web.browser.get(resume).location == page
    response = web.browser.get(log_in(web.browser, path=page).location)
    if "consent" in prompt:
        consent = response.location
        form = {"csrf_token": csrf_token(web.browser, consent), "decision": "allow"}
        response = web.browser.get(web.browser.post(consent, data=form).location)
    after = id_tokens.claims(web.redeem(is_accepted(response)).json["id_token"])["auth_time"]
    assert (after - before, after) == (300, int(clock.now.timestamp()))


def test_a32_one_login_answers_one_request(fresh: Parties) -> None:
    page = fresh.web.authorize(prompt="login").location
    is_accepted(fresh.browser.get(log_in(fresh.browser, path=page).location))
    assert fresh.web.authorize(prompt="login").location.startswith("/login?")


def test_a34_a_login_older_than_max_age_is_asked_again(fresh: Parties) -> None:
    web, clock = fresh.web, fresh.clock
    before = id_tokens.claims(web.tokens()["id_token"])["auth_time"]
    clock.advance(seconds=2)
    is_sent_back(web.authorize(max_age="1", prompt="none"), "login_required")
    page = web.authorize(max_age="1").location
    assert page.startswith("/login?interaction=")
    tokens = web.redeem(is_accepted(web.browser.get(log_in(web.browser, path=page).location))).json
    assert id_tokens.claims(tokens["id_token"])["auth_time"] == before + 2
    is_accepted(web.authorize(max_age="1", prompt="none"))


def test_a34_max_age_zero_is_prompt_login(parties: Parties) -> None:
    assert parties.web.authorize(max_age="0").location.startswith("/login?interaction=")
    is_sent_back(parties.web.authorize(max_age="0", prompt="none"), "login_required")


@pytest.mark.parametrize("max_age", ["10000", "1", "999999999", str(10**20), "0" * 30 + "1", "1" * 5000])
def test_a34_a_younger_login_is_good(parties: Parties, max_age: str) -> None:
    code = is_accepted(parties.web.authorize(max_age=max_age))
    assert "auth_time" in id_tokens.claims(parties.web.redeem(code).json["id_token"])


@pytest.mark.parametrize(
    "max_age",
    ["-1", "abc", "1.5", "1e3", "+1", " 1", "1 ", "0x10", "\uff11", "\u0661", "NaN", "1\x00"],
)
def test_a34_a_max_age_that_is_no_number_of_seconds_is_refused(parties: Parties, max_age: str) -> None:
    is_sent_back(parties.web.authorize(max_age=max_age), "invalid_request")


def test_a35_a_hint_of_another_person_is_not_answered_silently_or_for_the_wrong_one(parties: Parties) -> None:
    hint = parties.web.tokens()["id_token"]
    is_accepted(parties.web.authorize(id_token_hint=hint, prompt="none"))
    browser, email = parties.newcomer()
    bob = RelyingParty(browser, "web", parties.web.secret)
    is_sent_back(bob.authorize(id_token_hint=hint, prompt="none"), "login_required")
    page = bob.authorize(id_token_hint=hint).location
    assert page.startswith("/login?")
    # Logging in once more as the same wrong person does not help.
    assert log_in(browser, path=page, email=email).status_code == 303
    assert bob.browser.get(page.replace("/login", "/api/oauth/authorize/resume")).location == page


def test_a35_a_hint_alone_logs_nobody_in(parties: Parties) -> None:
    hint = parties.web.tokens()["id_token"]
    away = parties.away(parties.web)
    is_sent_back(away.authorize(id_token_hint=hint, prompt="none"), "login_required")
    page = away.browser.get(away.authorize(id_token_hint=hint).location)
    assert "ada@example.com" not in page.text


HINTS = [
    "another key",
    "another algorithm",
    "key in the header",
    "key by address",
    "alg none",
    "HS256 with the public key",
]


def forged(parties: Parties, kind: str) -> str:
    """A hint with the claims of a good one, signed as ``kind`` says."""
    good = parties.web.tokens()["id_token"]
    claims, header = id_tokens.claims(good), id_tokens.header(good)
    public = next(
        key for key in parties.nobody.get("/.well-known/jwks.json").json["keys"] if key["kid"] == header["kid"]
    )
    rsa = RSAKey.generate_key(2048)
    if kind == "alg none":
        return id_tokens.unsigned(claims)
    if kind == "HS256 with the public key":
        pem = RSAKey.import_key(public).as_pem(private=False)
        signed = f"{id_tokens.encoded({**header, 'alg': 'HS256'})}.{id_tokens.encoded(claims)}"
        mac = hmac.digest(pem, signed.encode(), "sha256")
        return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    if kind == "another algorithm":
        return jwt.encode({**header, "alg": "ES256"}, claims, ECKey.generate_key("P-256"))
    extra = {
        "key in the header": {"jwk": rsa.as_dict(private=False)},
        "key by address": {"jku": "https://evil.test/jwks"},
    }
    return jwt.encode({**header, **extra.get(kind, {})}, claims, rsa)


@pytest.mark.parametrize("kind", HINTS)
def test_a36_a_hint_that_we_did_not_sign_is_refused(parties: Parties, kind: str) -> None:
    hint = forged(parties, kind)
    is_sent_back(parties.web.authorize(id_token_hint=hint), "invalid_request")
    is_sent_back(parties.web.authorize(id_token_hint=hint, prompt="none"), "invalid_request")


@pytest.mark.parametrize(
    "hint", ["x", "e30.e30.", "e30.e30.e30", "a.b.c.d.e", "....", "x" * 8000, "\ud55c.e30.e30", "eyJhbGciOjF9.e30.x"]
)
def test_a36_a_hint_that_is_no_token_is_refused(parties: Parties, hint: str) -> None:
    is_sent_back(parties.web.authorize(id_token_hint=hint), "invalid_request")


def test_a36_a_hint_that_was_changed_is_refused(parties: Parties) -> None:
    header, payload, signature = parties.web.tokens()["id_token"].split(".")
    other = id_tokens.encoded({**id_tokens.claims(f"{header}.{payload}."), "sub": "somebody else"})
    for hint in (
        f"{header}.{other}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-8]}AAAAAAAA",
    ):
        is_sent_back(parties.web.authorize(id_token_hint=hint), "invalid_request")


def test_a36_a_hint_of_another_client_or_of_another_kind_is_refused(parties: Parties) -> None:
    others = parties.other.tokens()["id_token"]
    mine = parties.web.tokens()
    for hint in (others, mine["access_token"], mine["refresh_token"]):
        is_sent_back(parties.web.authorize(id_token_hint=hint), "invalid_request")


def test_a36_an_expired_hint_still_says_who_is_meant(fresh: Parties) -> None:
    hint = fresh.web.tokens()["id_token"]
    for _ in range(3):
        fresh.clock.advance(minutes=50)
        is_accepted(fresh.web.authorize(id_token_hint=hint, prompt="none"))
    assert fresh.clock.now.timestamp() > id_tokens.claims(hint)["exp"]


def test_a36_the_page_of_a_refused_hint_is_none(parties: Parties) -> None:
    """Where the address is wrong as well, the page says nothing of the hint."""
    hint = parties.web.tokens()["id_token"]
    markup = is_page(parties.web.authorize(id_token_hint=hint, redirect_uri="https://evil.test/"))
    assert hint not in markup.text
    assert PASSWORD not in markup.text
