"""Section B, the exchange of a code: once, soon, by whom it was issued to, for the same address and verifier.

RFC 6749 sections 4.1.2, 4.1.3 and 5, RFC 7636 section 4.6, RFC 9700 sections 2.1.1 and 4.5.
"""

import sqlite3
from contextlib import closing

import pytest

from tests.relying_party import CHALLENGE, EMAIL, REDIRECT_URI, VERIFIER, RelyingParty, refusal
from tests.security.answers import is_accepted, is_challenged, is_json, is_refused, is_sent_back
from tests.security.parties import Parties

FORM = "application/x-www-form-urlencoded"
TOKEN = "/api/oauth/token"
METADATA = "/.well-known/openid-configuration"


def form_of(client: RelyingParty, code: str, **changes: str) -> dict[str, str]:
    """A good token request in a form, with the secret in it where there is one."""
    good = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
        "client_id": client.client_id,
        **({"client_secret": client.secret} if client.secret else {}),
    }
    return {**good, **changes}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("garbage", "invalid_grant"),
        ("x" * 43, "invalid_grant"),
        ("x" * 8192, "invalid_grant"),
        ("x" * 8193, "invalid_request"),
        ("\u00e9" * 43, "invalid_grant"),
        ("a\x00b", "invalid_request"),
        ("' or '1'='1", "invalid_grant"),
    ],
    ids=["missing", "empty", "garbage", "of the right length", "long", "too long", "no ascii", "NUL", "SQL"],
)
@pytest.mark.parametrize("client", ["web", "spa"])
def test_b46_what_is_no_code_gets_nothing(parties: Parties, client: str, code: str | None, error: str) -> None:
    party: RelyingParty = getattr(parties, client)
    is_refused(
        party.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER),
        error,
    )


@pytest.mark.parametrize("change", ["case", "shorter", "longer", "space"])
def test_b46_a_code_that_was_changed_is_none(parties: Parties, change: str) -> None:
    code = parties.web.code()
    changed = {"case": code.swapcase(), "shorter": code[:-1], "longer": code + "A", "space": code + " "}[change]
    is_refused(parties.web.redeem(changed), "invalid_grant")
    assert parties.web.redeem(code).status_code == 200


@pytest.mark.parametrize("client", ["web", "spa"])
def test_b47_a_code_is_good_once(parties: Parties, client: str) -> None:
    party: RelyingParty = getattr(parties, client)
    code = party.code()
    assert party.redeem(code).status_code == 200
    for _ in range(3):
        is_refused(party.redeem(code), "invalid_grant")


@pytest.mark.parametrize("client", ["web", "spa"])
def test_b48_a_code_used_twice_takes_along_what_came_of_it(parties: Parties, client: str) -> None:
    party: RelyingParty = getattr(parties, client)
    code = party.code()
    first = party.redeem(code).json
    second = party.refresh(first["refresh_token"]).json
    is_refused(party.redeem(code), "invalid_grant")
    for tokens in (first, second):
        is_challenged(party.userinfo(tokens["access_token"]))
        is_refused(party.refresh(tokens["refresh_token"]), "invalid_grant")


def test_b48_the_reuse_of_a_code_ends_nothing_else(parties: Parties) -> None:
    others, code = parties.web.tokens(), parties.web.code()
    for _ in range(2):
        parties.web.redeem(code)
    assert parties.web.userinfo(others["access_token"]).status_code == 200
    assert parties.web.refresh(others["refresh_token"]).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400), (61, 400), (600, 400)])
def test_b50_a_code_lives_a_minute(fresh: Parties, seconds: int, status: int) -> None:
    code = fresh.web.code()
    fresh.clock.advance(seconds=seconds)
    response = fresh.web.redeem(code)
    assert response.status_code == status
    if status == 400:
        is_refused(response, "invalid_grant")


@pytest.mark.parametrize("thief", ["other", "spa", "third"])
def test_b51_another_client_gets_nothing_for_a_code(parties: Parties, thief: str) -> None:
    party: RelyingParty = getattr(parties, thief)
    code = parties.web.code()
    is_refused(party.redeem(code), "invalid_grant")
    is_refused(parties.browser.post(TOKEN, data=form_of(party, code)), "invalid_grant")


def test_b51_the_code_of_a_public_client_is_bound_to_it_as_well(parties: Parties) -> None:
    code = parties.spa.code()
    another = parties.client()
    is_refused(another.redeem(code), "invalid_grant")
    is_refused(parties.web.redeem(code), "invalid_grant")
    mixed = parties.browser.post(TOKEN, data=form_of(parties.spa, code), auth=("web", parties.web.secret))
    is_refused(mixed, "invalid_request")


def test_b52_a_foreign_attempt_spoils_nothing_and_is_on_record(parties: Parties) -> None:
    code = parties.web.code()
    is_refused(parties.other.redeem(code), "invalid_grant")
    tokens = is_json(parties.web.redeem(code))
    assert parties.web.userinfo(tokens["access_token"]).status_code == 200
    with closing(sqlite3.connect(parties.database_url.removeprefix("sqlite:///"))) as database:
        rows = database.execute(
            "SELECT user_id, success, error_code FROM oauth_audit_logs WHERE client_id = 'other'"
        ).fetchall()
    assert (parties.ada, 0, "invalid_grant") in rows


@pytest.mark.parametrize(
    "uri",
    [
        "https://client.example.com/other",
        "https://client.example.com/second",
        REDIRECT_URI + "/",
        REDIRECT_URI + "?",
        REDIRECT_URI + "#",
        REDIRECT_URI.replace("client", "CLIENT"),
        REDIRECT_URI.replace(".com/", ".com:443/"),
        "https://evil.test/callback",
        "x",
        None,
        "",
    ],
)
def test_b53_the_redirect_uri_is_the_one_of_the_request(parties: Parties, uri: str | None) -> None:
    client = parties.client(redirects=[REDIRECT_URI, "https://client.example.com/second"])
    code = client.code()
    is_refused(client.redeem(code, redirect_uri=uri), "invalid_grant")
    assert client.redeem(code).status_code == 200


def test_b53_a_default_redirect_uri_may_be_left_out_or_named_but_not_replaced(parties: Parties) -> None:
    for uri, status in ((None, 200), (REDIRECT_URI, 200), ("https://evil.test/", 400)):
        code = is_accepted(parties.web.authorize(redirect_uri=None, scope="profile"))
        assert parties.web.redeem(code, redirect_uri=uri).status_code == status


@pytest.mark.parametrize("given", [None, ""], ids=["missing", "empty"])
@pytest.mark.parametrize("client", ["web", "spa"])
def test_b54_a_challenge_that_was_sent_is_enforced(parties: Parties, client: str, given: str | None) -> None:
    party: RelyingParty = getattr(parties, client)
    code = party.code()
    is_refused(party.redeem(code, code_verifier=given), "invalid_grant")
    assert party.redeem(code).status_code == 200


@pytest.fixture(scope="module")
def relaxed(parties: Parties) -> RelyingParty:
    """A confidential client that need not use PKCE."""
    return parties.client("relaxed", is_confidential=True, require_pkce=False)


def test_b54_a_challenge_is_enforced_where_none_was_required(relaxed: RelyingParty) -> None:
    is_refused(relaxed.redeem(relaxed.code(), code_verifier=None), "invalid_grant")


def test_b54_a_verifier_without_a_challenge_is_refused(relaxed: RelyingParty) -> None:
    code = relaxed.code(code_challenge=None, code_challenge_method=None)
    is_refused(relaxed.redeem(code), "invalid_grant")
    assert relaxed.redeem(code, code_verifier=None).status_code == 200


@pytest.mark.parametrize(
    "verifier",
    [
        *(
            VERIFIER[:-1] + "x",
            CHALLENGE,
            VERIFIER[:42],
            "short",
            "a" * 128,
            "a" * 129,
            "a" * 5000,
            VERIFIER.swapcase(),
        ),
        *(VERIFIER + "=", VERIFIER + " ", VERIFIER + "\n", VERIFIER[:-1] + "+", VERIFIER[:-1] + "/", "\u00fc" * 43),
        *(VERIFIER[:-1] + "\uff4b", VERIFIER * 2, "\u0660" * 43),
    ],
    ids=lambda verifier: f"{ascii(verifier)[-20:]} of {len(verifier)}",
)
def test_b55_no_other_verifier_will_do(parties: Parties, verifier: str) -> None:
    code = parties.spa.code()
    is_refused(parties.spa.redeem(code, code_verifier=verifier), "invalid_grant")
    assert parties.spa.redeem(code).status_code == 200


@pytest.mark.parametrize("given", [None, ""], ids=["missing", "empty"])
def test_b58_a_request_without_grant_type_is_invalid(parties: Parties, given: str | None) -> None:
    is_refused(parties.web.token(grant_type=given, code=parties.web.code()), "invalid_request")


@pytest.mark.parametrize(
    "grant",
    [
        *("foo", "password", "implicit", "AUTHORIZATION_CODE", "authorization_code ", "none", 'x"\\', "\u00fc", "code"),
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:openid:params:grant-type:ciba",
    ],
)
def test_b58_grants_that_are_not_there_are_unsupported(parties: Parties, grant: str) -> None:
    values = {"username": EMAIL, "password": "correct horse battery 9", "code": parties.web.code()}
    response = parties.web.token(grant_type=grant, **values)
    assert (response.status_code, is_json(response, 400)["error"]) == (400, "unsupported_grant_type")
    assert set(refusal(response.json)) <= {"error", "error_description"}


def test_b58_an_unsupported_grant_is_described_as_every_other_error(parties: Parties) -> None:
    is_refused(parties.web.token(grant_type="password"), "unsupported_grant_type")


def test_b58_metadata_names_the_grants_that_are_there(parties: Parties) -> None:
    grants = parties.nobody.get(METADATA).json["grant_types_supported"]
    assert sorted(grants) == ["authorization_code", "client_credentials", "refresh_token"]


@pytest.fixture(scope="module")
def service(parties: Parties) -> RelyingParty:
    """A client that registered for client credentials alone, though it has a redirect URI."""
    return parties.client("service", is_confidential=True, grants=["client_credentials"])


def test_b59_a_client_without_the_grant_may_not_use_it(parties: Parties, service: RelyingParty) -> None:
    is_refused(service.redeem(parties.web.code()), "unauthorized_client")
    is_refused(service.redeem("x"), "unauthorized_client")
    is_refused(service.refresh("x"), "unauthorized_client")
    is_refused(parties.web.token(grant_type="client_credentials"), "unauthorized_client")


def test_b59_a_client_without_the_grant_gets_no_code_either(service: RelyingParty) -> None:
    is_sent_back(service.authorize(prompt="none"), "unauthorized_client")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_b60_nothing_but_post_is_answered(parties: Parties, method: str) -> None:
    code = parties.web.code()
    response = parties.browser.open(TOKEN, method=method, query_string=form_of(parties.web, code))
    assert (response.status_code, response.headers["Allow"]) == (405, "OPTIONS, POST")
    assert (response.mimetype, response.headers["Cache-Control"]) == ("application/json", "no-store")
    assert method == "HEAD" or response.json["error"] == "invalid_request"
    assert parties.web.redeem(code).status_code == 200


def test_b60_what_stands_in_the_query_does_not_count(parties: Parties) -> None:
    code = parties.web.code()
    form = form_of(parties.web, code)
    is_refused(parties.browser.post(TOKEN, query_string=form), "invalid_request")
    is_refused(parties.browser.post(TOKEN, query_string=form, content_type=FORM), "invalid_request")
    for name, error in (
        ("code", "invalid_request"),
        ("code_verifier", "invalid_grant"),
        ("grant_type", "invalid_request"),
    ):
        body = {key: value for key, value in form.items() if key != name}
        is_refused(parties.browser.post(TOKEN, query_string={name: form[name]}, data=body), error)
    body = {key: value for key, value in form.items() if key != "client_secret"}
    in_query = {"client_secret": form["client_secret"]}
    is_refused(parties.browser.post(TOKEN, query_string=in_query, data=body), "invalid_client", 401)
    assert parties.browser.post(TOKEN, query_string={"code": "another"}, data=form).status_code == 200


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain", "application/xml", None])
def test_b61_only_a_form_is_read(parties: Parties, kind: str | None) -> None:
    code = parties.web.code()
    form = form_of(parties.web, code)
    bodies = {"application/json": {"json": form}, "multipart/form-data": {"data": form, "content_type": kind}}
    encoded = "&".join(f"{name}={value}" for name, value in form.items())
    body = bodies.get(kind or "", {"data": encoded, "content_type": kind or ""})
    is_refused(parties.browser.post(TOKEN, **body), "invalid_request")
    assert parties.web.redeem(code).status_code == 200


def test_b61_a_form_may_name_its_character_set(parties: Parties) -> None:
    form = form_of(parties.web, parties.web.code())
    assert parties.browser.post(TOKEN, data=form, content_type=f"{FORM}; charset=UTF-8").status_code == 200


@pytest.mark.parametrize("second", ["another", "the same", ""], ids=["another value", "the same value", "empty"])
@pytest.mark.parametrize(
    "name", ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret", "scope", "unknown"]
)
def test_b62_no_parameter_comes_twice(parties: Parties, name: str, second: str) -> None:
    code = parties.web.code()
    form = form_of(parties.web, code, scope="openid", unknown="1")
    twice: dict[str, str | list[str]] = {**form, name: [form[name], form[name] if second == "the same" else second]}
    is_refused(parties.browser.post(TOKEN, data=twice), "invalid_request")
    assert parties.web.redeem(code).status_code == 200


@pytest.mark.parametrize("given", [None, ""], ids=["missing", "empty"])
@pytest.mark.parametrize(
    ("name", "error", "status"),
    [
        ("grant_type", "invalid_request", 400),
        ("code", "invalid_request", 400),
        ("redirect_uri", "invalid_grant", 400),
        ("code_verifier", "invalid_grant", 400),
        ("client_id", "invalid_client", 401),
        ("client_secret", "invalid_client", 401),
    ],
)
def test_b62_an_empty_parameter_is_a_missing_one(
    parties: Parties, name: str, error: str, status: int, given: str | None
) -> None:
    code = parties.web.code()
    form = {**form_of(parties.web, code), name: given}
    if given is None:
        del form[name]
    is_refused(parties.browser.post(TOKEN, data=form), error, status)
    assert parties.web.redeem(code).status_code == 200
