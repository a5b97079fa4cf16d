"""Section E, access tokens at the userinfo endpoint: where they stand, whose they are, what they open.

RFC 6750 sections 2 and 3, RFC 9068 section 4, OpenID Connect Core sections 5.3 and 5.4.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.conformance import id_tokens
from tests.databases import SqliteDatabases
from tests.relying_party import PASSWORD, RelyingParty, log_in
from tests.security.answers import ISSUER, is_challenged, is_json
from tests.security.parties import Parties, decided, opened

USERINFO = "/api/oauth/userinfo"
SHARED = "a secret that is shared with older backends"
PROFILE = {"name", "preferred_username", "locale", "zoneinfo", "updated_at"}
ROLE = {
    *("roles", "permissions", "is_admin", "group_id", "group_name", "role_id", "role_name", "subscription_plan"),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic d2ViOng=", "Token x", "DPoP x", "x"])
def test_e106_without_a_token_the_challenge_names_no_error(
    parties: Parties, method: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = parties.nobody.open(USERINFO, method=method, headers=headers)
    is_json(response, 401)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="MAX Platform"'


def test_e106_a_session_is_no_token(parties: Parties) -> None:
    assert parties.browser.get(USERINFO).headers["WWW-Authenticate"] == 'Bearer realm="MAX Platform"'


@pytest.mark.parametrize(
    "token",
    ["garbage", "a.b.c", "e30.e30.", "....", "x" * 9000, "eyJhbGciOiJub25lIn0.e30.", "a b", "\u00fc", "e30=.e30=.e30="],
    ids=lambda token: ascii(token)[:20],
)
def test_e107_garbage_is_an_invalid_token(parties: Parties, token: str) -> None:
    is_challenged(parties.web.userinfo(token))
    is_challenged(parties.nobody.post(USERINFO, data={"access_token": token}))


@pytest.mark.parametrize("change", ["payload", "signature", "no signature", "alg none", "another type", "longer"])
def test_e107_a_token_that_was_changed_is_invalid(parties: Parties, change: str) -> None:
    token = parties.web.tokens()["access_token"]
    header, payload, signature = token.split(".")
    changed = {
        "payload": f"{header}.{id_tokens.encoded({**id_tokens.claims(token), 'is_admin': True})}.{signature}",
        "signature": f"{header}.{payload}.{signature[:-8]}AAAAAAAA",
        "no signature": f"{header}.{payload}.",
        "alg none": f"{id_tokens.encoded({'alg': 'none', 'typ': 'at+jwt'})}.{payload}.",
        "another type": f"{id_tokens.encoded({**id_tokens.header(token), 'typ': 'JWT'})}.{payload}.{signature}",
        "longer": f"{token}.x",
    }[change]
    is_challenged(parties.web.userinfo(changed))
    assert parties.web.userinfo(token).status_code == 200


@pytest.mark.parametrize(("seconds", "is_good"), [(3599, True), (3600, False), (86400, False)])
def test_e107_a_token_expires(fresh: Parties, seconds: int, is_good: bool) -> None:
    token = fresh.web.tokens()["access_token"]
    fresh.clock.advance(seconds=seconds)
    response = fresh.web.userinfo(token)
    assert response.status_code == 200 if is_good else is_challenged(response)


def test_e107_a_revoked_token_is_invalid(parties: Parties) -> None:
    token = parties.spa.tokens()["access_token"]
    parties.browser.post("/api/oauth/revoke", data={"token": token, "client_id": "spa"})
    is_challenged(parties.spa.userinfo(token))


def test_e108_a_token_that_covers_nothing_here_is_insufficient(parties: Parties) -> None:
    client = parties.client(scopes=["openid", "read:features", "manage:models"])
    service = parties.client(is_confidential=True, grants=["client_credentials"], scopes=["admin:full"])
    for token in (
        client.tokens(scope="read:features")["access_token"],
        client.tokens(scope="manage:models read:features")["access_token"],
        service.token(grant_type="client_credentials").json["access_token"],
    ):
        challenge = is_challenged(client.userinfo(token), "insufficient_scope", 403)
        assert challenge.endswith(', scope="openid"')


def test_e109_a_token_in_the_query_is_refused_even_beside_a_good_one(parties: Parties) -> None:
    token = parties.web.tokens()["access_token"]
    good = {"Authorization": f"Bearer {token}"}
    for headers in ({}, good):
        for value in (token, "x", ""):
            response = parties.nobody.get(USERINFO, query_string={"access_token": value}, headers=headers)
            is_challenged(response, "invalid_request", 400)
    response = parties.nobody.post(USERINFO, query_string={"access_token": token}, data={"access_token": token})
    is_challenged(response, "invalid_request", 400)


def test_e110_a_token_is_sent_in_one_way(parties: Parties) -> None:
    token = parties.web.tokens()["access_token"]
    for in_body in (token, "x"):
        headers = {"Authorization": f"Bearer {token}"}
        response = parties.nobody.post(USERINFO, data={"access_token": in_body}, headers=headers)
        is_challenged(response, "invalid_request", 400)
    twice = parties.nobody.post(USERINFO, data={"access_token": [token, token]})
    is_challenged(twice, "invalid_request", 400)


def test_e111_a_token_may_be_posted_in_a_form_or_in_the_header(parties: Parties) -> None:
    token = parties.web.tokens()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    answers = [
        parties.nobody.get(USERINFO, headers=headers),
        parties.nobody.post(USERINFO, headers=headers),
        parties.nobody.post(USERINFO, data={"access_token": token}),
        parties.nobody.post(USERINFO, headers=headers, json={"access_token": "x"}),
    ]
    assert [is_json(response)["sub"] for response in answers] == [parties.ada] * 4


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_e111_another_body_is_not_looked_into(parties: Parties, kind: str) -> None:
    token = parties.web.tokens()["access_token"]
    response = parties.nobody.post(USERINFO, data=f'{{"access_token": "{token}"}}', content_type=kind)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="MAX Platform"')


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_e111_other_methods_are_refused(parties: Parties, method: str) -> None:
    headers = {"Authorization": f"Bearer {parties.web.tokens()['access_token']}"}
    response = parties.nobody.open(USERINFO, method=method, headers=headers)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR", "Bearer "])
def test_e112_the_name_of_the_scheme_is_written_in_any_case(parties: Parties, scheme: str) -> None:
    token = parties.web.tokens()["access_token"]
    response = parties.nobody.get(USERINFO, headers={"Authorization": f"{scheme} {token}"})
    assert is_json(response)["sub"] == parties.ada


@pytest.mark.parametrize("kind", ["id_token", "refresh_token", "code", "cookie", "secret"])
def test_e113_nothing_else_is_an_access_token(parties: Parties, kind: str) -> None:
    cookie = parties.browser.get_cookie("portal_session")
    assert cookie
    others = {**parties.web.tokens(), "code": parties.web.code(), "cookie": cookie.value, "secret": parties.web.secret}
    is_challenged(parties.web.userinfo(others[kind]))


def test_e113_an_id_token_with_the_algorithm_of_access_tokens_is_still_none(parties: Parties) -> None:
    client = parties.client(id_token_signed_response_alg="ES256")
    tokens = client.tokens()
    assert id_tokens.header(tokens["id_token"])["kid"] == id_tokens.header(tokens["access_token"])["kid"]
    is_challenged(client.userinfo(tokens["id_token"]))


@pytest.fixture(scope="module")
def sharing(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """A portal that signs with a shared secret, so that tokens of any content can be made with its key."""
    secret = {"JWT_ALGORITHM": "HS256", "JWT_SHARED_SECRET": SHARED}
    with opened(sqlite_databases, tmp_path_factory.mktemp("sharing"), **secret) as found:
        yield found


def signed(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token signed with the shared secret; what is None is left out."""
    kept = {name: value for name, value in claims.items() if value is not None}
    head = {name: value for name, value in header.items() if value is not None}
    return jwt.encode(head, kept, OctKey.import_key(SHARED), algorithms=["HS256"])


def test_e117_a_token_with_the_right_key_and_the_right_content_is_good(sharing: Parties) -> None:
    token = sharing.web.tokens()["access_token"]
    again = signed(id_tokens.header(token), id_tokens.claims(token))
    assert is_json(sharing.web.userinfo(again))["sub"] == sharing.ada


@pytest.mark.parametrize(
    "change",
    [
        *({"iss": "https://other.test"}, {"iss": ISSUER + "/"}, {"iss": None}, {"aud": "https://api.other.test"}),
        *({"aud": None}, {"aud": "web"}, {"aud": []}, {"aud": ["https://api.other.test"]}, {"exp": None}, {"exp": 1}),
        *(
            {"exp": "4102444800"},
            {"exp": True},
            {"jti": None},
            {"jti": 5},
            {"client_id": "nobody"},
            {"client_id": None},
        ),
        *({"sub": "nobody"}, {"sub": "web"}),
    ],
    ids=str,
)
def test_e117_a_token_for_somebody_else_is_refused_though_our_key_signed_it(
    sharing: Parties, change: dict[str, Any]
) -> None:
    token = sharing.web.tokens()["access_token"]
    is_challenged(sharing.web.userinfo(signed(id_tokens.header(token), {**id_tokens.claims(token), **change})))


@pytest.mark.parametrize("typ", ["JWT", "jwt", None, "logout+jwt", "at+jwt+x"])
def test_e117_a_token_of_another_type_is_refused_though_our_key_signed_it(sharing: Parties, typ: str | None) -> None:
    token = sharing.web.tokens()["access_token"]
    is_challenged(sharing.web.userinfo(signed({**id_tokens.header(token), "typ": typ}, id_tokens.claims(token))))


@pytest.mark.parametrize(
    "extra", [{}, {"jku": "https://evil.test/jwks"}, {"x5u": "https://evil.test/x"}, {"jwk": None}]
)
def test_e117_a_token_of_another_key_is_refused_whatever_kid_it_names(parties: Parties, extra: dict[str, Any]) -> None:
    token, key = parties.web.tokens()["access_token"], ECKey.generate_key("P-256")
    header = {**id_tokens.header(token), **extra}
    if "jwk" in extra:
        header["jwk"] = key.as_dict(private=False)
    is_challenged(parties.web.userinfo(jwt.encode(header, id_tokens.claims(token), key)))


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("openid", set()),
        ("openid email", {"email", "email_verified"}),
        ("openid profile", PROFILE | ROLE),
        ("openid read:groups", {"groups", "workspaces"}),
        ("openid offline_access", set()),
        ("email", {"email", "email_verified"}),
        ("openid profile email read:groups", PROFILE | ROLE | {"email", "email_verified", "groups", "workspaces"}),
    ],
)
def test_e118_scopes_open_exactly_their_claims(parties: Parties, scope: str, expected: set[str]) -> None:
    tokens = parties.web.tokens(scope=scope)
    answer = is_json(parties.web.userinfo(tokens["access_token"]))
    assert set(answer) == {"sub", *expected}
    assert answer["sub"] == parties.ada == id_tokens.claims(tokens["access_token"])["sub"]


def test_e118_claims_asked_for_by_name_open_nothing_more(parties: Parties) -> None:
    asked = '{"userinfo": {"email": {"essential": true}, "is_admin": null}, "id_token": {"email": null}}'
    token = parties.web.tokens(scope="openid", claims=asked)["access_token"]
    assert is_json(parties.web.userinfo(token)) == {"sub": parties.ada}


@pytest.mark.parametrize("is_verified", [True, False])
def test_e118_whether_the_email_is_verified_is_said_honestly(parties: Parties, is_verified: bool) -> None:
    email = f"{is_verified}@example.com".lower()
    flags = ("--verified",) if is_verified else ()
    assert parties.run("users", "create", email, "--password", PASSWORD, *flags).exit_code == 0
    client = RelyingParty(parties.app.test_client(), "web", parties.web.secret)
    assert log_in(client.browser, email=email).status_code == 303
    answer = is_json(client.userinfo(client.tokens(scope="openid email")["access_token"]))
    assert (answer["email"], answer["email_verified"]) == (email, is_verified)


def by_disabling_the_person(parties: Parties, client: RelyingParty, email: str) -> None:
    assert parties.run("users", "disable", email).exit_code == 0


def by_disabling_the_client(parties: Parties, client: RelyingParty, email: str) -> None:
    assert parties.run("clients", "disable", client.client_id).exit_code == 0


def by_a_new_password(parties: Parties, client: RelyingParty, email: str) -> None:
    assert parties.run("users", "set-password", email, "--password", "another battery 10").exit_code == 0


@pytest.mark.parametrize(
    "end", [by_disabling_the_person, by_disabling_the_client, by_a_new_password], ids=lambda end: end.__name__
)
def test_e119_a_token_ends_with_what_it_stands_for(parties: Parties, end: Callable[..., None]) -> None:
    browser, email = parties.newcomer()
    made = parties.client(is_confidential=True, consent_policy="once")
    client = RelyingParty(browser, made.client_id, made.secret)
    response = decided(browser, client.authorize().location)
    code = response.location.partition("code=")[2].partition("&")[0]
    token = is_json(client.redeem(code))["access_token"]
    assert client.userinfo(token).status_code == 200
    end(parties, client, email)
    is_challenged(client.userinfo(token))


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, None),
        ("https://client.example.com", "https://client.example.com"),
        ("https://evil.test", None),
        ("null", None),
        ("https://client.example.com.evil.test", None),
        ("http://client.example.com", None),
    ],
)
def test_e120_the_answer_is_not_kept_not_guessed_at_and_shared_with_registered_origins_alone(
    parties: Parties, origin: str | None, expected: str | None
) -> None:
    token = parties.web.tokens()["access_token"]
    sent = {"Authorization": f"Bearer {token}", **({"Origin": origin} if origin else {})}
    for headers, status in ((sent, 200), ({**sent, "Authorization": "Bearer x"}, 401)):
        got = parties.nobody.get(USERINFO, headers=headers)
        assert (got.status_code, got.mimetype) == (status, "application/json")
        assert (got.headers["Cache-Control"], got.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
        assert got.headers.get("Access-Control-Allow-Origin") == expected
        assert ("Access-Control-Allow-Credentials" in got.headers) == (expected is not None)
        assert "Origin" in got.headers["Vary"]
        assert got.headers.getlist("Set-Cookie") == []
