"""Section J, consent: given by a person, on our page, for what was asked, remembered and taken back.

RFC 6749 sections 4.1.2.1 and 10.2, RFC 8252 section 8.6, RFC 9700 sections 4.7 and 4.16, OpenID Connect Core 3.1.2.4.
"""

from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.errors import InvalidInput
from app.models import Client
from app.services.foundation.environment import NOBODY
from tests.conformance import id_tokens
from tests.relying_party import REDIRECT_URI, RelyingParty, csrf_token, log_in
from tests.security.answers import Markup, is_accepted, is_challenged, is_json, is_page, is_refused, is_sent_back
from tests.security.parties import Parties, decided

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def asking(parties: Parties) -> RelyingParty:
    """A new client of somebody else; Ada was not asked yet."""
    return parties.client(is_confidential=True, consent_policy="once")


def is_not_granted(client: RelyingParty) -> None:
    """Nothing was allowed so far."""
    is_sent_back(client.authorize(prompt="none"), "consent_required")


@pytest.mark.parametrize("token", [None, "", "forged", "IjEi.aaaa.bbbb", "of another browser"])
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_j180_without_the_form_token_of_this_browser_nothing_is_decided(
    parties: Parties, asking: RelyingParty, token: str | None, decision: str
) -> None:
    page = asking.authorize().location
    is_of_another = token == "of another browser"
    if is_of_another:
        token = csrf_token(parties.newcomer()[0], "/logout")
    form = {"decision": decision, **({} if token is None else {"csrf_token": token})}
    # What was shown to somebody else is told to be another's.
    markup = is_page(asking.browser.post(page, data=form), 409 if is_of_another else 400)
    is_not_granted(asking)
    # The page that is shown instead has a token of its own, one click from going on.
    assert (
        asking.browser.post(page, data={"csrf_token": markup.fields["csrf_token"], "decision": "allow"}).status_code
        == 303
    )
    is_accepted(asking.authorize(prompt="none"))


@pytest.mark.parametrize(
    "origin",
    ["https://evil.test", "https://client.example.com", "http://localhost:8000.evil.test", "https://localhost:8000"],
)
def test_j180_a_form_of_another_site_decides_nothing(asking: RelyingParty, origin: str) -> None:
    page = asking.authorize().location
    form = {"csrf_token": csrf_token(asking.browser, page), "decision": "allow"}
    is_page(asking.browser.post(page, data=form, headers={"Origin": origin}), 403)
    is_not_granted(asking)


@pytest.mark.parametrize("decision", ["", "yes", "ALLOW", "allow deny", None])
def test_j180_another_decision_is_none(asking: RelyingParty, decision: str | None) -> None:
    page = asking.authorize().location
    form = {"csrf_token": csrf_token(asking.browser, page), **({} if decision is None else {"decision": decision})}
    is_page(asking.browser.post(page, data=form))
    is_not_granted(asking)


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post", "web_message"])
def test_j181_a_denial_is_told_with_state_and_issuer_and_remembered_for_nothing(
    asking: RelyingParty, mode: str
) -> None:
    page = asking.authorize(response_mode=mode).location
    response = decided(asking.browser, page, "deny")
    if mode == "query":
        is_sent_back(response, "access_denied")
    elif mode == "fragment":
        assert response.location.startswith(f"{REDIRECT_URI}#error=access_denied&")
        assert "&state=the-state" in response.location
        assert "code=" not in response.location
    else:
        assert (response.status_code, "access_denied" in response.text, "the-state" in response.text) == (
            200,
            True,
            True,
        )
        assert "code" not in Markup(response.text).fields
    is_not_granted(asking)
    assert asking.authorize().location.startswith("/consent?")


def test_j181_after_a_denial_the_request_gives_no_code_any_more(asking: RelyingParty) -> None:
    page = asking.authorize().location
    is_sent_back(decided(asking.browser, page, "deny"), "access_denied")
    for path in (page.replace("/consent", "/api/oauth/authorize/resume"), page):
        response = asking.browser.get(path, follow_redirects=False)
        assert "code=" not in response.headers.get("Location", "")
    is_not_granted(asking)


@pytest.mark.parametrize("where", ["form", "query", "both"])
@pytest.mark.parametrize(
    "change",
    [
        {"scope": "openid profile email admin:full"},
        {"client_id": "web"},
        {"redirect_uri": "https://evil.test/"},
        {"state": "changed", "nonce": "changed"},
        {"code_challenge": "x" * 43, "response_mode": "form_post"},
        {"user_id": "somebody else", "account": "x"},
        {"interaction_id": "x"},
    ],
    ids=lambda change: " ".join(change),
)
def test_j182_the_stored_request_is_what_is_allowed(asking: RelyingParty, where: str, change: dict[str, str]) -> None:
    page = asking.authorize(scope="openid").location
    form = {"csrf_token": csrf_token(asking.browser, page), "decision": "allow"}
    in_form, in_query = (change if where in {place, "both"} else {} for place in ("form", "query"))
    added = "".join(f"&{name}={quote(value)}" for name, value in in_query.items())
    response = asking.browser.post(page + added, data={**form, **in_form})
    resumed = asking.browser.get(response.location + added)
    tokens = is_json(asking.redeem(is_accepted(resumed)))
    claims = id_tokens.claims(tokens["id_token"])
    assert (tokens["scope"], claims["aud"], claims["nonce"]) == ("openid", asking.client_id, "the-nonce")
    assert asking.authorize(scope="openid email").location.startswith("/consent?")


def test_j182_the_request_of_another_person_cannot_be_allowed_for_her(parties: Parties, asking: RelyingParty) -> None:
    page = asking.authorize().location
    stranger, _ = parties.newcomer()
    response = stranger.post(page, data={"csrf_token": csrf_token(stranger, page), "decision": "allow"})
    assert response.status_code == 303
    assert asking.browser.get(response.location).location == page
    is_not_granted(asking)


def test_j182_a_request_that_nobody_knows_has_nothing_to_allow(parties: Parties) -> None:
    for path in ("/consent", "/consent?interaction=", "/consent?interaction=x", "/consent?interaction=" + "x" * 3000):
        is_page(parties.browser.get(path), 410)
        is_page(parties.browser.post(path, data={"decision": "allow"}), 410)


def test_j184_the_same_and_fewer_scopes_are_not_asked_again_but_more_are(asking: RelyingParty) -> None:
    is_accepted(decided(asking.browser, asking.authorize(scope="openid profile").location))
    for scope in ("openid profile", "profile openid", "openid", "profile"):
        is_accepted(asking.authorize(scope=scope))
        is_accepted(asking.authorize(scope=scope, prompt="none"))
    is_sent_back(asking.authorize(scope="openid profile email", prompt="none"), "consent_required")
    page = asking.authorize(scope="openid profile email").location
    shown = asking.browser.get(page, headers=ENGLISH).text
    assert ("See your e-mail address" in shown, shown.count('class="new"')) == (True, 1)
    is_sent_back(decided(asking.browser, page, "deny"), "access_denied")
    # What was allowed before still is; what was denied is not.
    is_accepted(asking.authorize(scope="openid profile", prompt="none"))
    is_sent_back(asking.authorize(scope="email", prompt="none"), "consent_required")


def test_j184_prompt_consent_asks_though_it_is_remembered(asking: RelyingParty) -> None:
    is_accepted(decided(asking.browser, asking.authorize().location))
    assert asking.authorize(prompt="consent").location.startswith("/consent?")


def test_j184_the_policy_always_remembers_nothing(parties: Parties) -> None:
    client = parties.client(is_confidential=True, consent_policy="always")
    is_accepted(decided(client.browser, client.authorize().location))
    assert client.authorize().location.startswith("/consent?")
    is_not_granted(client)


def test_j184_a_consent_is_of_one_person_and_one_client(parties: Parties, asking: RelyingParty) -> None:
    is_accepted(decided(asking.browser, asking.authorize().location))
    is_not_granted(RelyingParty(parties.newcomer()[0], asking.client_id))
    is_not_granted(parties.client(is_confidential=True, consent_policy="once"))


@pytest.mark.parametrize("uri", ["http://127.0.0.1:53211/cb", "http://[::1]:53211/cb", "com.example.app:/cb"])
def test_j185_who_could_be_anybody_is_asked_about_each_time(parties: Parties, uri: str) -> None:
    redirects = ["http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"]
    client = parties.client(redirects=redirects, consent_policy="once")
    is_accepted(decided(client.browser, client.authorize(redirect_uri=uri).location), to=uri)
    assert client.authorize(redirect_uri=uri).location.startswith("/consent?")
    is_sent_back(client.authorize(redirect_uri=uri, prompt="none"), "consent_required", to=uri)


def test_j185_an_https_address_proves_a_public_client(parties: Parties) -> None:
    client = parties.client(consent_policy="once")
    is_accepted(decided(client.browser, client.authorize().location))
    is_accepted(client.authorize(prompt="none"))


NAMES = [
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "' onmouseover='x",
    "{{7*7}}",
    "&lt;b&gt;",
    "</title><b>",
]


@pytest.mark.parametrize("name", NAMES)
def test_j186_the_name_of_a_client_is_text_on_every_page_of_the_flow(parties: Parties, name: str) -> None:
    plain, tricky = (
        parties.client(name=given, consent_policy="once") for given in ("Plain".ljust(len(name), "x"), name)
    )
    expected, got = (Markup(client.browser.get(client.authorize().location).text) for client in (plain, tricky))
    assert (got.tags, name in got.text) == (expected.tags, True)
    expected, got = (
        Markup(away.browser.get(away.authorize().location).text) for away in (parties.away(plain), parties.away(tricky))
    )
    assert (got.tags, name in got.text) == (expected.tags, True)


@pytest.mark.parametrize(
    "logo",
    [
        "javascript:alert(1)",
        "data:image/svg+xml,<svg onload=alert(1)>",
        "https://evil.test/x.png",
        "//evil.test/x.png",
        '/x" onerror="alert(1)',
    ],
)
def test_j186_no_picture_of_elsewhere_is_loaded_and_no_script_run(parties: Parties, logo: str) -> None:
    """However it came into the table: registration takes none but https addresses and paths of the portal."""
    client = parties.client(consent_policy="once", logo_uri="https://evil.test/x.png")
    parties.clock.advance(seconds=3)
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        change = sa.update(Client).where(Client.client_id == client.client_id)
        services.db.session.execute(change.values(logo_uri=logo, updated_at=parties.clock()))
        services.db.commit()
        found = services.clients.find(client.client_id)
    assert found.logo_uri == logo
    response = client.browser.get(client.authorize().location)
    markup = is_page(response, 200)
    assert "img-src 'self' data:" in response.headers["Content-Security-Policy"].split("; ")
    assert logo not in "".join(address for address in markup.addresses if not address.startswith("/x"))


@pytest.mark.parametrize(
    "logo", ["javascript:alert(1)", "data:image/svg+xml,<svg onload=alert(1)>", "//evil.test/x.png"]
)
def test_j186_a_picture_of_no_web_address_is_not_registered(parties: Parties, logo: str) -> None:
    with pytest.raises(InvalidInput):
        parties.client(logo_uri=logo)


@pytest.mark.parametrize(
    "name",
    ["x" * 10_000, "x" * 101, "Bank\u202egnp.exe", "Bank\u2066x", "Bank\x00", "Bank\nx"],
    ids=lambda name: f"{ascii(name)[:20]} of {len(name)}",
)
def test_j186_a_name_that_deceives_or_fills_the_page_is_not_registered(parties: Parties, name: str) -> None:
    command = ("clients", "create", "deceiver", "--scope", "openid", "--redirect-uri", REDIRECT_URI, "--name", name)
    result = parties.run(*command)
    shown = parties.run("clients", "show", "deceiver").output
    assert (result.exit_code, shown) == (1, "Error: There is no client of that id.\n")


def withdrawn(parties: Parties, client: RelyingParty) -> None:
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        assert services.consents.withdraw(parties.ada, client.client_id, NOBODY)
        services.db.session.commit()


def test_j187_a_consent_taken_back_ends_what_came_of_it_and_is_asked_for_again(
    parties: Parties, asking: RelyingParty
) -> None:
    tokens = is_json(asking.redeem(is_accepted(decided(asking.browser, asking.authorize().location))))
    refreshed = is_json(asking.refresh(tokens["refresh_token"]))
    code = asking.code()
    others = parties.web.tokens()
    withdrawn(parties, asking)
    for answer in (tokens, refreshed):
        is_challenged(asking.userinfo(answer["access_token"]))
        is_refused(asking.refresh(answer["refresh_token"]), "invalid_grant")
    is_refused(asking.redeem(code), "invalid_grant")
    is_not_granted(asking)
    assert asking.authorize().location.startswith("/consent?")
    assert parties.web.userinfo(others["access_token"]).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{}, {"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch"}], ids=str)
def test_j188_no_safe_method_allows_anything(asking: RelyingParty, method: str, headers: dict[str, str]) -> None:
    page = asking.authorize().location
    query = {"interaction": page.partition("=")[2], "decision": "allow", "csrf_token": csrf_token(asking.browser, page)}
    for path in ("/consent", "/api/oauth/authorize/resume"):
        response = asking.browser.open(path, method=method, query_string=query, headers=headers)
        assert (response.status_code, response.headers.get("Location", page)) in {(200, page), (303, page)}
    is_not_granted(asking)


def test_j188_a_decision_stands_in_the_form(asking: RelyingParty) -> None:
    page = asking.authorize().location
    form = {"csrf_token": csrf_token(asking.browser, page)}
    is_page(asking.browser.post(f"{page}&decision=allow", data=form))
    is_page(asking.browser.post(page, json={**form, "decision": "allow"}))
    is_not_granted(asking)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_j188_other_methods_are_refused(asking: RelyingParty, method: str) -> None:
    page = asking.authorize().location
    response = asking.browser.open(page, method=method, data={"decision": "allow"})
    is_page(response, 405)
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    is_not_granted(asking)


def framed_pages(client: RelyingParty, stranger: FlaskClient) -> list[str]:
    """The pages of the flow on which somebody decides."""
    return [
        client.authorize().location,
        client.authorize(display="popup").location,
        client.authorize(response_mode="web_message").location,
        client.authorize(prompt="select_account").location,
        client.authorize(prompt="login").location,
    ]


def test_j190_no_page_on_which_somebody_decides_can_be_framed(parties: Parties, asking: RelyingParty) -> None:
    pages = framed_pages(asking, parties.nobody)
    assert [page.partition("?")[0] for page in pages] == ["/consent"] * 3 + ["/select-account", "/login"]
    for page in [*pages, "/logout"]:
        response = asking.browser.get(page)
        is_page(response, 200)
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"].split("; ")
        refused = asking.browser.post(page, data={"decision": "allow"})
        assert refused.headers["X-Frame-Options"] == "DENY"


def test_j190_the_policy_lets_the_redirect_after_the_form_through(asking: RelyingParty) -> None:
    for page in (asking.authorize().location, asking.authorize(prompt="login").location):
        assert "form-action" not in asking.browser.get(page).headers["Content-Security-Policy"]
    assert log_in(asking.browser, path=asking.authorize(prompt="login").location).status_code == 303
