"""The plan ``oidcc-basic-certification-test-plan``: the code flow, client_secret_basic, one test for each module.

``test_form_post_op.py`` runs these again with ``response_mode=form_post``.
"""

import secrets

import pytest

from tests.browser_http import Document
from tests.clock import Clock
from tests.conformance import id_tokens
from tests.conformance.relying_party import ISSUER, REDIRECT_URI, Login, RelyingParty, checked_userinfo
from tests.relying_party import CHALLENGE, EMAIL, VERIFIER

PROFILE = {"name", "preferred_username", "locale", "zoneinfo", "updated_at"}


def assert_same_authentication(first: Login, second: Login) -> None:
    """The person did not log in again in between."""
    assert second.claims["auth_time"] == first.claims["auth_time"]
    assert second.claims["sub"] == first.claims["sub"]
    assert second.claims["iat"] > first.claims["iat"]


def assert_error_page(document: Document, *texts: str) -> None:
    """A page of the portal that says what is wrong; the browser was sent nowhere else."""
    assert (document.status, document.url.startswith(f"{ISSUER}/")) == (400, True), document.url
    for text in texts:
        assert text in document.text


def test_oidcc_server(rp: RelyingParty) -> None:
    """The happy flow; a code of enough entropy, an ID token with nothing about the person that was not asked for."""
    login = rp.log_in()
    assert set(login.claims) == id_tokens.PROTOCOL_CLAIMS
    assert login.tokens["scope"] == "openid"
    assert len(login.answer["code"]) >= 43
    assert len(set(login.answer["code"])) >= 16


def test_oidcc_response_type_missing(rp: RelyingParty) -> None:
    """Answered at the redirect URI with invalid_request."""
    assert rp.refused(rp.ask(response_type=None)) == "invalid_request"


def test_oidcc_idtoken_signature(rp: RelyingParty) -> None:
    """A client that states no algorithm gets RS256, and the header names the key."""
    header = id_tokens.header(rp.log_in().tokens["id_token"])
    assert header["alg"] == "RS256"
    assert header["kid"]


def test_oidcc_idtoken_unsigned(rp: RelyingParty) -> None:
    """Not offered: metadata lists no ``none``, and no client can ask for it, since none registers itself."""
    assert "none" not in rp.metadata["id_token_signing_alg_values_supported"]
    assert "registration_endpoint" not in rp.metadata
    assert rp.refused(rp.ask(registration='{"id_token_signed_response_alg": "none"}')) == "registration_not_supported"


def test_oidcc_userinfo_get(rp: RelyingParty) -> None:
    """The token in the header of a GET."""
    assert set(rp.userinfo(rp.log_in())) == {"sub"}


def test_oidcc_userinfo_post_header(rp: RelyingParty) -> None:
    """The token in the header of a POST."""
    login = rp.log_in()
    headers = {"Authorization": f"Bearer {login.tokens['access_token']}"}
    response = rp.call("POST", rp.endpoint("userinfo"), headers=headers)
    assert set(checked_userinfo(response, login.claims["sub"])) == {"sub"}


def test_oidcc_userinfo_post_body(rp: RelyingParty) -> None:
    """The token in the body of a POST."""
    login = rp.log_in()
    response = rp.call("POST", rp.endpoint("userinfo"), data={"access_token": login.tokens["access_token"]})
    assert set(checked_userinfo(response, login.claims["sub"])) == {"sub"}


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(rp: RelyingParty) -> None:
    """No nonce is needed, and none is made up."""
    assert "nonce" not in rp.log_in(nonce=None).claims


def test_oidcc_scope_profile(rp: RelyingParty) -> None:
    """Userinfo says what the account has of the profile, and the ID token the same."""
    login = rp.log_in(scope="openid profile")
    userinfo = rp.userinfo(login)
    assert set(userinfo) >= PROFILE
    assert not set(userinfo) & {"email", "email_verified"}
    assert set(login.claims) == id_tokens.PROTOCOL_CLAIMS | set(userinfo)
    assert {name: login.claims[name] for name in userinfo} == userinfo


def test_oidcc_scope_email(rp: RelyingParty) -> None:
    """Userinfo says the address and whether it was verified."""
    userinfo = rp.userinfo(rp.log_in(scope="openid email"))
    assert {**userinfo, "sub": ""} == {"sub": "", "email": EMAIL, "email_verified": True}


def test_oidcc_scope_address(rp: RelyingParty) -> None:
    """Not offered: metadata lists neither scope nor claim, and a request for it is answered without."""
    assert_scope_is_not_offered(rp, "address", {"address"})


def test_oidcc_scope_phone(rp: RelyingParty) -> None:
    """Not offered, as address."""
    assert_scope_is_not_offered(rp, "phone", {"phone_number", "phone_number_verified"})


def assert_scope_is_not_offered(rp: RelyingParty, scope: str, claims: set[str]) -> None:
    assert scope not in rp.metadata["scopes_supported"]
    assert not claims & set(rp.metadata["claims_supported"])
    login = rp.log_in(scope=f"openid {scope}")
    assert login.tokens["scope"] == "openid"
    assert set(rp.userinfo(login)) == {"sub"}


def test_oidcc_scope_all(rp: RelyingParty) -> None:
    """All standard scopes at once: what is offered is granted, the token response says what was left out."""
    login = rp.log_in(scope="openid email phone address profile")
    assert login.tokens["scope"] == "openid email profile"
    assert set(rp.userinfo(login)) >= {*PROFILE, "email", "email_verified"}


def test_oidcc_alternate_happy_flow(rp: RelyingParty) -> None:
    """Neither the order of scopes nor that of parameters matters."""
    request = rp.request(scope="email openid")
    login = rp.finish(rp.send(dict(sorted(request.items(), reverse=True))))
    assert rp.userinfo(login)["email"] == EMAIL


def test_oidcc_display_page(rp: RelyingParty) -> None:
    """``display=page`` shows the login page and changes nothing else."""
    assert_display(rp, "page")


def test_oidcc_display_popup(rp: RelyingParty) -> None:
    """``display=popup`` shows the login page and changes nothing else."""
    assert_display(rp, "popup")


def assert_display(rp: RelyingParty, display: str) -> None:
    assert display in rp.metadata["display_values_supported"]
    attempt = rp.ask(display=display)
    assert attempt.page == "/login"
    rp.finish(attempt)


def test_oidcc_prompt_login(rp: RelyingParty, clock: Clock) -> None:
    """Who is logged in is asked again, and ``auth_time`` is later."""
    first = rp.log_in()
    clock.advance(seconds=1)
    attempt = rp.ask(prompt="login")
    assert attempt.page == "/login"
    second = rp.finish(attempt)
    assert second.claims["auth_time"] > first.claims["auth_time"]
    assert second.claims["sub"] == first.claims["sub"]


def test_oidcc_prompt_none_not_logged_in(rp: RelyingParty) -> None:
    """An error that says a page is needed, with a long state unharmed."""
    assert rp.refused(rp.ask(prompt="none", state=secrets.token_hex(64))) == "login_required"


def test_oidcc_prompt_none_logged_in(rp: RelyingParty, clock: Clock) -> None:
    """No page is shown, and the authentication is the same."""
    first = rp.log_in()
    clock.advance(seconds=1)
    assert_same_authentication(first, rp.log_in_silently(prompt="none"))


def test_oidcc_max_age_1(rp: RelyingParty, clock: Clock) -> None:
    """Two seconds after logging in, ``max_age=1`` asks again, and ``auth_time`` is new."""
    first = rp.log_in()
    clock.advance(seconds=2)
    attempt = rp.ask(max_age="1")
    assert attempt.page == "/login"
    second = rp.finish(attempt)
    assert second.claims["auth_time"] == first.claims["auth_time"] + 2
    assert second.claims["sub"] == first.claims["sub"]


def test_oidcc_max_age_10000(rp: RelyingParty, clock: Clock) -> None:
    """A login within ``max_age`` is good enough; ``auth_time`` says when it was."""
    first = rp.log_in(max_age="15000")
    clock.advance(seconds=1)
    assert_same_authentication(first, rp.log_in_silently(max_age="10000"))


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(rp: RelyingParty) -> None:
    """Parameters nobody defined are ignored."""
    rp.log_in(extra="foobar")


def test_oidcc_id_token_hint(rp: RelyingParty, clock: Clock) -> None:
    """The hint of the person who is logged in, without any page."""
    first = rp.log_in()
    clock.advance(seconds=1)
    assert_same_authentication(first, rp.log_in_silently(prompt="none", id_token_hint=first.tokens["id_token"]))


def test_oidcc_login_hint(rp: RelyingParty) -> None:
    """The hint stands in the login form; another person may log in all the same."""
    attempt = rp.ask(login_hint="buffy@id.example.com")
    assert attempt.document.form("email", "password").fields["email"] == "buffy@id.example.com"
    rp.finish(attempt)


@pytest.mark.parametrize(("ui_locales", "language"), [("se", "en"), ("ko", "ko"), ("se en", "en")])
def test_oidcc_ui_locales(rp: RelyingParty, ui_locales: str, language: str) -> None:
    """The login page is in the first language asked for that there is, else in the browser's."""
    attempt = rp.ask(ui_locales=ui_locales)
    assert f'<html lang="{language}"' in attempt.document.text
    rp.finish(attempt)


def test_oidcc_claims_locales(rp: RelyingParty) -> None:
    """A language of claims that there is not is no error."""
    rp.log_in(claims_locales="se")


def test_oidcc_ensure_request_with_acr_values_succeeds(rp: RelyingParty) -> None:
    """Classes are not offered: metadata lists none, asking is no error, and the ID token claims none."""
    assert "acr_values_supported" not in rp.metadata
    assert "acr" not in rp.log_in(acr_values="1 2").claims


def test_oidcc_codereuse(rp: RelyingParty) -> None:
    """A code used again at once is refused."""
    code = rp.log_in().answer["code"]
    assert rp.refusal(rp.exchange(code)) == "invalid_grant"


def test_oidcc_codereuse_30seconds(rp: RelyingParty, clock: Clock) -> None:
    """A code used again half a minute later is refused, and the token it gave stops working."""
    login = rp.log_in()
    clock.advance(seconds=30)
    assert rp.userinfo(login)["sub"]
    assert rp.refusal(rp.exchange(login.answer["code"])) == "invalid_grant"
    headers = {"Authorization": f"Bearer {login.tokens['access_token']}"}
    dead = rp.call("GET", rp.endpoint("userinfo"), headers=headers)
    assert dead.status_code == 401
    assert 'error="invalid_token"' in dead.headers["WWW-Authenticate"]


def test_oidcc_ensure_registered_redirect_uri(rp: RelyingParty) -> None:
    """A path added to the registered URI makes another one: an error page names it and nobody is sent there."""
    bad = f"{REDIRECT_URI}/{secrets.token_hex(5)}"
    assert_error_page(rp.ask(redirect_uri=bad).document, "redirect_uri", bad)


def test_oidcc_ensure_post_request_succeeds(rp: RelyingParty) -> None:
    """The authorization request as a posted form."""
    attempt = rp.send(rp.request(), method="post")
    assert attempt.page == "/login"
    rp.finish(attempt)


def test_oidcc_server_client_secret_post(rp: RelyingParty) -> None:
    """The happy flow of a client that sends its secret in the body, and may not send it otherwise."""
    client = RelyingParty(rp.app, rp.clock, rp.response_mode, "client_secret_post")
    assert client.auth_method in client.metadata["token_endpoint_auth_methods_supported"]
    assert set(client.log_in().claims) == id_tokens.PROTOCOL_CLAIMS


def request_object(rp: RelyingParty) -> str:
    """A whole request as an unsigned request object (Core section 6.1)."""
    return id_tokens.unsigned({**rp.request(), "iss": rp.client_id, "aud": ISSUER})


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(rp: RelyingParty) -> None:
    """Not offered: metadata says so, which silence would not, and the answer is the error that means it."""
    assert rp.metadata["request_uri_parameter_supported"] is False
    attempt = rp.ask(request_uri="https://client.example.com/request.jwt", state=None, nonce=None)
    assert rp.refused(attempt) == "request_uri_not_supported"


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(rp: RelyingParty) -> None:
    """Not offered: metadata says so, and the answer is the error that means it."""
    assert rp.metadata["request_parameter_supported"] is False
    assert "request_object_signing_alg_values_supported" not in rp.metadata
    assert rp.refused(rp.ask(request=request_object(rp), state=None, nonce=None)) == "request_not_supported"


def test_oidcc_claims_essential(rp: RelyingParty) -> None:
    """``name`` asked for as essential at userinfo: the request succeeds, and the ID token does not carry it."""
    login = rp.log_in(claims='{"userinfo": {"name": {"essential": true}}}')
    assert "name" not in login.claims


def test_oidcc_ensure_request_object_with_redirect_uri(rp: RelyingParty) -> None:
    """Request objects are not read, so a bad URI beside one that is good in it is a bad URI."""
    bad = f"{REDIRECT_URI}_invalid"
    attempt = rp.ask(request=request_object(rp), redirect_uri=bad, state=None, nonce=None)
    assert_error_page(attempt.document, "redirect_uri", bad)


def test_oidcc_refresh_token(rp: RelyingParty, clock: Clock) -> None:
    """Refreshing gives a new access token and the same authentication; the token is of no use to another client."""
    other = RelyingParty(rp.app, rp.clock, rp.response_mode)
    assert {"refresh_token", "offline_access"} <= {
        *rp.metadata["grant_types_supported"],
        *rp.metadata["scopes_supported"],
    }
    assert_refreshes(rp, clock, scope="openid offline_access")
    token = assert_refreshes(other, clock)
    refused = rp.token(grant_type="refresh_token", refresh_token=token, scope="openid offline_access")
    assert rp.refusal(refused) == "invalid_grant"
    other.tokens(other.token(grant_type="refresh_token", refresh_token=token))


def assert_refreshes(rp: RelyingParty, clock: Clock, **form: str) -> str:
    """A login and one refresh (Core section 12.2); answers the newest refresh token."""
    first = rp.log_in(scope="openid offline_access", prompt="consent")
    clock.advance(seconds=1)
    tokens = rp.tokens(rp.token(grant_type="refresh_token", refresh_token=first.tokens["refresh_token"], **form))
    assert tokens["access_token"] != first.tokens["access_token"]
    assert tokens["refresh_token"] != first.tokens["refresh_token"]
    assert len(tokens["refresh_token"]) >= 43
    nonce = first.request["nonce"] if "nonce" in id_tokens.claims(tokens["id_token"]) else None
    second = Login(first.request, first.answer, tokens, rp.claims(tokens, nonce))
    assert_same_authentication(first, second)
    assert (second.claims["iss"], second.claims["aud"]) == (first.claims["iss"], first.claims["aud"])
    rp.userinfo(second)
    return str(tokens["refresh_token"])


def test_oidcc_ensure_request_with_valid_pkce_succeeds(rp: RelyingParty) -> None:
    """A confidential client may use PKCE, and then it counts."""
    attempt = rp.ask(code_challenge=CHALLENGE, code_challenge_method="S256")
    rp.finish(attempt, code_verifier=VERIFIER)
    code = rp.accepted(rp.ask(code_challenge=CHALLENGE, code_challenge_method="S256"))["code"]
    assert rp.refusal(rp.exchange(code)) == "invalid_grant"
