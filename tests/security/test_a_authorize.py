"""Section A, what may be asked for: clients, response types and modes, scopes, challenges.

RFC 6749 sections 3.1, 3.3 and 4.1.2.1, RFC 7636 section 4, OpenID Connect Core section 3.1.2.
"""

from urllib.parse import parse_qsl

import pytest
import sqlalchemy as sa

from app.errors import InvalidInput
from app.models import Client
from tests.conformance import id_tokens
from tests.relying_party import CHALLENGE, REDIRECT_URI, RelyingParty
from tests.security.answers import ISSUER, Markup, is_accepted, is_page, is_sent_back
from tests.security.parties import Parties, decided

METADATA = "/.well-known/openid-configuration"
NASTY = '"><svg onload=alert(1)>'
ERROR = ("error", "error_description", "error_uri")


@pytest.mark.parametrize(
    "client_id",
    [
        "nobody",
        "WEB",
        "web ",
        " web",
        "web\x00",
        "web\n",
        "\u0432eb",
        "web/../web",
        "*",
        "'or'1'='1",
        "w" * 5000,
        "0" * 36,
    ],
)
@pytest.mark.parametrize("changes", [{}, {"prompt": "none"}, {"response_mode": "web_message"}], ids=str)
def test_a01_an_unknown_client_is_not_redirected_for(parties: Parties, client_id: str, changes: dict[str, str]) -> None:
    markup = is_page(parties.web.authorize(client_id=client_id, **changes))
    assert "invalid_client" in markup.text


@pytest.mark.parametrize("given", [None, ""], ids=["missing", "empty"])
def test_a01_a_request_without_client_is_not_redirected_for(parties: Parties, given: str | None) -> None:
    assert "invalid_request" in is_page(parties.web.authorize(client_id=given)).text


@pytest.mark.parametrize("given", [None, ""], ids=["missing", "empty"])
def test_a14_a_missing_response_type_is_an_invalid_request(parties: Parties, given: str | None) -> None:
    is_sent_back(parties.web.authorize(response_type=given), "invalid_request")


@pytest.mark.parametrize(
    "response_type",
    [
        *("token", "id_token", "none", "xyz", "CODE", "code ", " code", "code code", "code,token"),
        *("code token", "token code", "code id_token", "id_token token", "code id_token token", "device_code"),
    ],
)
@pytest.mark.parametrize("client", ["web", "spa"])
def test_a15_no_other_response_type_is_answered_and_no_token_is_in_a_url(
    parties: Parties, client: str, response_type: str
) -> None:
    party: RelyingParty = getattr(parties, client)
    is_sent_back(party.authorize(response_type=response_type), "unsupported_response_type")


def test_a15_metadata_names_the_code_flow_alone(parties: Parties) -> None:
    metadata = parties.nobody.get(METADATA).json
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["response_modes_supported"] == ["query", "fragment", "form_post", "web_message"]


@pytest.mark.parametrize(
    "mode", ["FRAGMENT", "fragment.jwt", "xyz", "QUERY", "query.jwt", "jwt", "form_post.jwt", "query fragment", NASTY]
)
def test_a17_an_unknown_response_mode_is_refused_by_query(parties: Parties, mode: str) -> None:
    is_sent_back(parties.web.authorize(response_mode=mode), "invalid_request")


@pytest.mark.parametrize("state", ["the-state", NASTY, "#&code=x", "a b+c%00", "한글"])
@pytest.mark.parametrize(
    ("changes", "error"),
    [({}, None), ({"scope": "nonsense"}, "invalid_scope"), ({"max_age": "x"}, "invalid_request")],
    ids=["code", "scope", "max_age"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a17_fragment_carries_the_answer_behind_the_redirect_uri_and_in_nothing_else(
    parties: Parties, state: str, changes: dict[str, str], error: str | None, method: str
) -> None:
    values = parties.web.parameters(response_mode="fragment", state=state, **changes)
    if method == "POST":
        response = parties.browser.post("/api/oauth/authorize", data=values)
    else:
        response = parties.browser.get("/api/oauth/authorize", query_string=values)
    assert response.status_code == (303 if method == "POST" else 302)
    address, _, fragment = response.location.partition("#")
    assert address == REDIRECT_URI
    pairs = parse_qsl(fragment, keep_blank_values=True, strict_parsing=True)
    got = dict(pairs)
    assert len(got) == len(pairs)
    assert set(got) == {*(ERROR if error else ("code",)), "iss", "state"}
    assert (got["state"], got["iss"], got.get("error")) == (state, ISSUER, error)
    if not error:
        assert parties.web.redeem(got["code"]).status_code == 200


@pytest.mark.parametrize("uri", ["https://client.example.com/cb?x=1", "com.example.app:/cb", "http://127.0.0.1:5/cb?"])
def test_a17_fragment_goes_behind_any_redirect_uri_and_its_query(parties: Parties, uri: str) -> None:
    client = parties.client(redirects=[uri])
    assert client.authorize(response_mode="fragment", redirect_uri=uri).location.startswith(f"{uri}#code=")


def test_a17_fragment_carries_what_the_person_decides_later(parties: Parties) -> None:
    browser, _ = parties.newcomer()
    client = RelyingParty(browser, "third", parties.third.secret)
    for decision, member in (("deny", "error"), ("allow", "code")):
        page = client.authorize(response_mode="fragment").location
        location = decided(browser, page, decision).location
        assert location.startswith(f"{REDIRECT_URI}#{member}=")


@pytest.mark.parametrize(
    "state", ["the-state", NASTY, "</script><script>alert(1)</script>", "' onclick='x", "{{7*7}}", "\u2028"]
)
@pytest.mark.parametrize(
    ("changes", "error"), [({}, None), ({"scope": "nonsense"}, "invalid_scope")], ids=["code", "error"]
)
def test_a17_form_post_carries_the_answer_in_fields_and_in_nothing_else(
    parties: Parties, state: str, changes: dict[str, str], error: str | None
) -> None:
    plain = Markup(parties.web.authorize(response_mode="form_post", **changes).text)
    response = parties.web.authorize(response_mode="form_post", state=state, **changes)
    markup = Markup(response.text)
    assert (response.status_code, markup.action, markup.tags) == (200, REDIRECT_URI, plain.tags)
    assert set(markup.fields) == {*(ERROR if error else ("code",)), "iss", "state"}
    assert (markup.fields["state"], markup.fields["iss"], markup.fields.get("error")) == (state, ISSUER, error)
    assert response.headers["X-Frame-Options"] == "DENY"
    assert "'unsafe-inline'" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "state", [NASTY, "</script><script>alert(1)</script>", "<!--<script>", "'-alert(1)-'", "\u2028"]
)
@pytest.mark.parametrize("changes", [{}, {"scope": "nonsense"}], ids=["code", "error"])
def test_a17_web_message_says_to_one_origin_what_it_says_and_lets_no_other_frame_it(
    parties: Parties, state: str, changes: dict[str, str]
) -> None:
    plain = Markup(parties.web.authorize(response_mode="web_message", **changes).text)
    response = parties.web.authorize(response_mode="web_message", state=state, **changes)
    assert (response.status_code, Markup(response.text).tags) == (200, plain.tags)
    assert response.text.lower().count("<script") == 1
    assert '"https://client.example.com")' in response.text
    assert "frame-ancestors https://client.example.com" in response.headers["Content-Security-Policy"].split("; ")


@pytest.mark.parametrize("given", [None, "", " "], ids=["missing", "empty", "blank"])
def test_a18_without_scope_only_the_default_one_is_granted(parties: Parties, given: str | None) -> None:
    is_sent_back(parties.web.authorize(scope=given), "invalid_scope")
    client = parties.client(scopes=["openid", "email", "read:profile", "read:groups"])
    tokens = client.tokens(scope=given)
    assert (tokens["scope"], "id_token" in tokens) == ("read:profile", False)


@pytest.mark.parametrize(
    "scope", ["openid nosuchscope", "nosuchscope openid", "openid openid", "openid OPENID", f"openid {NASTY}"]
)
def test_a19_unknown_scopes_are_dropped_and_what_was_granted_is_said(parties: Parties, scope: str) -> None:
    tokens = parties.web.tokens(scope=scope)
    assert (tokens["scope"], id_tokens.claims(tokens["access_token"])["scope"]) == ("openid", "openid")


@pytest.mark.parametrize("scope", ["nosuchscope", "OPENID", "openid,profile", "openid+profile", "*", "admin:*"])
def test_a19_a_request_for_unknown_scopes_alone_is_refused(parties: Parties, scope: str) -> None:
    is_sent_back(parties.web.authorize(scope=scope), "invalid_scope")


@pytest.mark.parametrize("separator", ["\t", "\n", "\x0b", "\x1f", "\u00a0", "\u3000"], ids=ascii)
def test_a19_scopes_are_separated_by_spaces_and_by_nothing_else(parties: Parties, separator: str) -> None:
    is_sent_back(parties.web.authorize(scope=f"openid{separator}profile"), "invalid_scope")


@pytest.mark.parametrize("scope", ["admin:full", "admin:oauth", "manage:models", "read:features", "introspect"])
def test_a20_a_scope_the_client_may_not_have_is_never_granted(parties: Parties, scope: str) -> None:
    is_sent_back(parties.web.authorize(scope=scope), "invalid_scope")
    tokens = parties.web.tokens(scope=f"openid {scope}")
    assert (tokens["scope"], id_tokens.claims(tokens["access_token"])["scope"]) == ("openid", "openid")


def test_a20_a_scope_the_person_or_no_person_may_hand_on_is_never_granted(parties: Parties) -> None:
    client = parties.client(scopes=["openid", "manage:models", "manage:teams", "admin:oauth", "admin:full"])
    assert (
        client.tokens(scope="openid manage:models manage:teams admin:oauth admin:full")["scope"]
        == "openid manage:models"
    )
    for scope in ("manage:teams", "admin:oauth", "admin:full manage:teams"):
        is_sent_back(client.authorize(scope=scope), "invalid_scope")


@pytest.mark.parametrize("client", ["spa", "web", "third"])
def test_a25_a_challenge_is_required(parties: Parties, client: str) -> None:
    party: RelyingParty = getattr(parties, client)
    for changes in ({"code_challenge_method": None}, {}, {"code_challenge": ""}):
        is_sent_back(party.authorize(**{"code_challenge": None, **changes}), "invalid_request")


def test_a25_pkce_cannot_be_switched_off_for_a_public_client(parties: Parties) -> None:
    with pytest.raises(InvalidInput):
        parties.client("careless", require_pkce=False)
    public = parties.client()
    with parties.app.app_context():
        # As if a row had come from elsewhere: what is registered is not all that is checked.
        session = parties.app.extensions["services"].db.session
        session.execute(sa.update(Client).where(Client.client_id == public.client_id).values(require_pkce=False))
        session.commit()
    is_sent_back(public.authorize(code_challenge=None, code_challenge_method=None), "invalid_request")
    confidential = parties.client(require_pkce=False, is_confidential=True)
    is_accepted(confidential.authorize(code_challenge=None, code_challenge_method=None))


@pytest.mark.parametrize("method", ["plain", None, "", "s256", "S512", "S256 plain", "none", "PLAIN"])
@pytest.mark.parametrize("client", ["spa", "web"])
def test_a26_a_challenge_that_is_plain_or_implied_to_be_is_refused(
    parties: Parties, client: str, method: str | None
) -> None:
    party: RelyingParty = getattr(parties, client)
    is_sent_back(party.authorize(code_challenge_method=method), "invalid_request")


def test_a26_metadata_names_s256_alone(parties: Parties) -> None:
    assert parties.nobody.get(METADATA).json["code_challenge_methods_supported"] == ["S256"]


@pytest.mark.parametrize(
    "challenge",
    [
        *("a", "a" * 42, "a" * 44, "a" * 128, "a" * 129, "a" * 3000, CHALLENGE[:-1] + "+", CHALLENGE[:-1] + "/"),
        *(
            CHALLENGE[:-1] + "=",
            CHALLENGE + "=",
            CHALLENGE + "\n",
            CHALLENGE + " ",
            " " + CHALLENGE,
            CHALLENGE[:-1] + "~",
        ),
        *(CHALLENGE[:20] + " " + CHALLENGE[21:], CHALLENGE[:-1] + "\u0660", CHALLENGE[:-1] + "\uff21", "\u00e9" * 43),
    ],
)
def test_a27_a_challenge_that_no_verifier_gives_is_refused(parties: Parties, challenge: str) -> None:
    is_sent_back(parties.spa.authorize(code_challenge=challenge), "invalid_request")
