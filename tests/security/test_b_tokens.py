"""Section B, what a code is exchanged for: the answer, its tokens, and whose session it hangs on.

RFC 6749 section 5.1, OpenID Connect Core sections 2, 3.1.3.3 and 11.
"""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.conformance import id_tokens
from tests.relying_party import RelyingParty, log_in
from tests.security.answers import ISSUER, is_accepted, is_json, is_refused
from tests.security.parties import Parties, decided, left


@pytest.mark.parametrize(
    "extra",
    [
        {"unknown": "1"},
        {"scope": "admin:full openid"},
        {"state": "x", "nonce": "x", "response_type": "token"},
        {"user_id": "1", "sub": "1", "aud": "https://evil.test", "client_assertion": ""},
        {"code_challenge": "x", "code_challenge_method": "plain"},
    ],
    ids=" ".join,
)
def test_b63_what_nobody_knows_is_ignored(parties: Parties, extra: dict[str, str]) -> None:
    answer = is_json(parties.web.redeem(parties.web.code(scope="openid email"), **extra))
    claims = id_tokens.claims(answer["access_token"])
    assert (answer["scope"], claims["scope"], claims["sub"], claims["aud"]) == ("openid email",) * 2 + (
        parties.ada,
        ISSUER,
    )
    assert id_tokens.claims(answer["id_token"])["nonce"] == "the-nonce"


def test_b64_the_answer_has_the_documented_members_and_is_not_kept(parties: Parties) -> None:
    response = parties.web.redeem(parties.web.code())
    answer = is_json(response)
    assert {name: type(value) for name, value in answer.items()} == {
        "access_token": str,
        "token_type": str,
        "expires_in": int,
        "scope": str,
        "refresh_token": str,
        "refresh_expires_in": int,
        "id_token": str,
    }
    assert (answer["token_type"], answer["expires_in"], answer["refresh_expires_in"]) == ("Bearer", 3600, 2592000)
    assert (response.headers["Pragma"], response.headers["X-Content-Type-Options"]) == ("no-cache", "nosniff")
    assert response.headers.getlist("Set-Cookie") == []
    assert parties.web.secret not in response.text


def test_b64_the_scope_is_told_when_it_differs(parties: Parties) -> None:
    assert parties.web.tokens(scope="openid nosuchscope admin:full")["scope"] == "openid"


def test_b64_tokens_are_long_and_never_the_same(parties: Parties) -> None:
    code, answers = parties.web.code(), [parties.web.tokens() for _ in range(5)]
    refresh_tokens = {answer["refresh_token"] for answer in answers}
    jtis = {id_tokens.claims(answer["access_token"])["jti"] for answer in answers}
    assert (len(refresh_tokens), len(jtis)) == (5, 5)
    # Base64url has six bits in a character: 256 bits, 384 bits, 128 bits.
    assert (len(code), {len(token) for token in refresh_tokens}) == (43, {64})
    assert {len(jti) for jti in jtis} == {22}


def test_b66_logging_out_voids_a_code(parties: Parties) -> None:
    client, _ = parties.visit()
    code = client.code()
    left(client.browser)
    is_refused(client.redeem(code), "invalid_grant")


def test_b66_logging_in_again_as_another_voids_a_code(parties: Parties) -> None:
    client, _ = parties.visit()
    code = client.code()
    left(client.browser)
    assert log_in(client.browser).status_code == 303
    is_refused(client.redeem(code), "invalid_grant")


@pytest.mark.parametrize(
    "command", [("users", "disable"), ("users", "set-password", "--password", "another battery 10")]
)
def test_b66_what_an_operator_ends_voids_a_code(parties: Parties, command: tuple[str, ...]) -> None:
    client, email = parties.visit()
    code = client.code()
    result = parties.run(*command[:2], email, *command[2:])
    assert result.exit_code == 0, result.output
    is_refused(client.redeem(code), "invalid_grant")


def test_b66_a_disabled_client_redeems_nothing(parties: Parties) -> None:
    client = parties.client("ended", is_confidential=True)
    code = client.code()
    assert parties.run("clients", "disable", "ended").exit_code == 0
    is_refused(client.redeem(code), "invalid_client", 401)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_b68_an_id_token_is_what_its_client_can_check(parties: Parties, algorithm: str) -> None:
    client = parties.client(is_confidential=True, id_token_signed_response_alg=algorithm)
    now = int(parties.clock.now.timestamp())
    tokens = client.tokens(max_age="1000", scope="openid offline_access")
    header, claims = id_tokens.header(tokens["id_token"]), id_tokens.claims(tokens["id_token"])
    jwks = parties.nobody.get("/.well-known/jwks.json").json
    assert jwt.decode(tokens["id_token"], KeySet.import_key_set(jwks), algorithms=[algorithm]).claims == claims
    (key,) = [key for key in jwks["keys"] if key["kid"] == header["kid"]]
    assert (header, key["alg"]) == ({"alg": algorithm, "typ": "JWT", "kid": key["kid"]}, algorithm)
    assert claims == {
        "iss": ISSUER,
        "aud": client.client_id,
        "sub": parties.ada,
        "iat": now,
        "exp": now + 3600,
        "auth_time": now,
        "nonce": "the-nonce",
        "at_hash": id_tokens.left_half_hash(tokens["access_token"]),
        "sid": claims["sid"],
    }
    assert len(claims["sid"]) > 20


def test_b68_the_session_cookie_is_not_the_sid(parties: Parties) -> None:
    cookie = parties.browser.get_cookie("portal_session")
    assert cookie
    assert id_tokens.claims(parties.web.tokens()["id_token"])["sid"] not in {cookie.value, cookie.decoded_value}


def test_b68_metadata_offers_no_unsigned_id_tokens(parties: Parties) -> None:
    metadata = parties.nobody.get("/.well-known/openid-configuration").json
    assert metadata["id_token_signing_alg_values_supported"] == ["RS256", "ES256"]
    assert parties.run("clients", "create", "x", "--auth-method", "tls_client_auth").exit_code == 2


def test_b68_without_openid_there_is_no_id_token(parties: Parties) -> None:
    assert "id_token" not in parties.web.tokens(scope="profile email")


def gets_refresh_token(client: RelyingParty, scope: str) -> bool:
    """Whether a login of Ada, who allows what she is asked for, gives a refresh token."""
    response = client.authorize(scope=scope)
    if response.location.startswith("/consent"):
        response = decided(client.browser, response.location)
    return "refresh_token" in is_json(client.redeem(is_accepted(response)))


@pytest.mark.parametrize(
    ("policy", "scope", "expected"),
    [
        ("once", "openid profile", False),
        ("once", "openid offline_access", True),
        ("always", "openid offline_access", True),
        ("always", "openid", False),
        ("once", "profile", True),
        ("implicit", "openid", True),
        ("implicit", "openid offline_access", True),
    ],
)
def test_b69_an_openid_client_of_others_gets_a_refresh_token_for_offline_access_alone(
    parties: Parties, policy: str, scope: str, expected: bool
) -> None:
    assert gets_refresh_token(parties.client(consent_policy=policy, is_confidential=True), scope) is expected


@pytest.mark.parametrize("scope", ["openid offline_access", "profile", "openid"])
def test_b69_a_client_without_the_grant_never_gets_one(parties: Parties, scope: str) -> None:
    client = parties.client(consent_policy="once", is_confidential=True, grants=["authorization_code"])
    assert gets_refresh_token(client, scope) is False


def test_b69_offline_access_that_the_client_may_not_have_is_not_granted(parties: Parties) -> None:
    client = parties.client(consent_policy="once", is_confidential=True, scopes=["openid"])
    assert gets_refresh_token(client, "openid offline_access") is False


def test_b69_a_person_is_told_about_offline_access_before(parties: Parties) -> None:
    client = parties.client(consent_policy="once", is_confidential=True)
    assert gets_refresh_token(client, "openid") is False
    page = client.authorize(scope="openid offline_access").location
    shown = parties.browser.get(page, headers={"Accept-Language": "en"}).text
    assert "Keep access after you close it, until you remove it" in shown
