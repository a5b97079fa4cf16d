"""Section R, cross-origin reading: whose scripts may read an answer, and that no page is read (RFC 9700 2.6)."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.settings import Settings
from tests.portal import close
from tests.relying_party import RelyingParty, log_in
from tests.security.answers import is_challenged, is_json, is_page, is_refused, is_sent_back
from tests.security.parties import Parties

ORIGIN = "https://client.example.com"
UNKNOWN = "https://app.evil.test"
FOR_BROWSERS = [f"{prefix}/{name}" for prefix in ("/api/oauth", "/oauth") for name in ("token", "revoke", "userinfo")]
METHODS = {"token": "OPTIONS, POST", "revoke": "OPTIONS, POST", "userinfo": "GET, HEAD, OPTIONS, POST"}
PAGES = {
    "/api/oauth/authorize": 400,
    "/oauth/authorize": 400,
    "/api/oauth/authorize/resume": 410,
    "/api/oauth/logout": 303,
    "/oauth/logout": 303,
    "/login": 200,
    "/register": 200,
    "/consent": 410,
    "/select-account": 303,
    "/logout": 303,
    "/logged-out": 200,
    "/": 200,
    "/developers": 200,
    "/playground": 200,
    "/playground/callback": 200,
    "/terms": 200,
    "/nothing-here": 404,
}
FOR_SERVERS = ["/api/oauth/introspect", "/api/oauth/token/validate", "/oauth/introspect", "/oauth/token/validate"]
DOCUMENTS = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/api/oauth/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
]
# What a client's origin is not, however much it looks like it.
LOOK_ALIKE = [
    "null",
    "https://client.example.com.evil.test",
    "http://client.example.com",
    "https://client.example.com:8443",
    "https://client.example.com:443",
    "https://xclient.example.com",
    "https://client.example.comx",
    "https://client.example",
    "https://example.com",
    "https://sub.client.example.com",
    "https://CLIENT.example.com",
    "HTTPS://client.example.com",
    "https://client.example.com/",
    "https://client.example.com/callback",
    "https://client.example.com.",
    "https://client.example.com@evil.test",
    "https://evil.test#https://client.example.com",
    "https://evil.test?https://client.example.com",
    "https://client.example.com https://evil.test",
    "https://client.example.com,https://evil.test",
    "https://client.example.com%60.evil.test",
    "https://client.example.com%00.evil.test",
    "https://clientXexample.com",
    "https://client_example.com",
    "https://*.example.com",
    "*",
    "client.example.com",
    "//client.example.com",
    "file://",
    "https://",
    "http://localhost",
    "http://127.0.0.1:8000",
    "https://localhost:8000",
    "x" * 4000,
]


def granted(response: TestResponse) -> dict[str, str]:
    """The headers by which an answer lets scripts of other origins read it."""
    return {name.lower(): value for name, value in response.headers if name.lower().startswith("access-control-")}


def preflight(browser: FlaskClient, path: str, origin: str, method: str = "POST") -> TestResponse:
    """What a browser asks before a script of ``origin`` may send a token along."""
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"}
    return browser.options(path, headers={"Origin": origin, **asked})


@pytest.fixture(scope="module", autouse=True)
def known(parties: Parties) -> RelyingParty:
    """A public client, whose origin is thereby known."""
    return parties.spa


@pytest.mark.parametrize("origin", [ORIGIN, UNKNOWN, "null", "http://localhost:8000"])
@pytest.mark.parametrize("path", PAGES)
def test_r276_no_page_is_read_by_a_script_of_another_origin(parties: Parties, path: str, origin: str) -> None:
    browser = parties.app.test_client()
    response = browser.get(path, headers={"Origin": origin})
    assert (response.status_code, granted(response)) == (PAGES[path], {})
    asked = preflight(browser, path, origin, "GET")
    assert (asked.status_code, granted(asked)) == (404 if path == "/nothing-here" else 200, {})


def test_r276_nor_is_an_answer_to_a_request(parties: Parties) -> None:
    for changes in ({}, {"max_age": "x"}, {"response_mode": "web_message"}, {"response_mode": "form_post"}):
        query = parties.spa.parameters(**changes)
        response = parties.browser.get("/api/oauth/authorize", query_string=query, headers={"Origin": ORIGIN})
        assert (response.status_code, granted(response)) == (200 if "response_mode" in changes else 302, {})
        posted = parties.browser.post("/api/oauth/authorize", data=query, headers={"Origin": ORIGIN})
        assert (posted.status_code, granted(posted)) == (200 if "response_mode" in changes else 303, {})


@pytest.mark.parametrize("path", FOR_SERVERS)
def test_r276_what_servers_ask_no_browser_reads(parties: Parties, path: str) -> None:
    assert granted(preflight(parties.nobody, path, ORIGIN)) == {}
    response = parties.nobody.post(path, data={"token": "x"}, headers={"Origin": ORIGIN})
    assert (response.status_code, granted(response)) == (415 if path.endswith("validate") else 401, {})


@pytest.mark.parametrize("path", FOR_BROWSERS)
def test_r277_a_preflight_of_a_clients_origin_is_answered_in_full(parties: Parties, path: str) -> None:
    response = preflight(parties.nobody, path, ORIGIN)
    assert (response.status_code, response.data) == (204, b"")
    allowed = granted(response)
    assert sorted(allowed.pop("access-control-allow-methods").split(", ")) == METHODS[path.split("/")[-1]].split(", ")
    assert allowed == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-allow-headers": "Authorization, Content-Type",
        "access-control-expose-headers": "WWW-Authenticate, Retry-After, X-Request-ID",
        "access-control-max-age": "600",
    }
    assert "Origin" in response.headers["Vary"]


def test_r277_the_answers_themselves_may_be_read_refusals_included(parties: Parties) -> None:
    tokens = parties.spa.tokens()
    headers = {"Origin": ORIGIN}
    bearer = {**headers, "Authorization": f"Bearer {tokens['access_token']}"}
    form = {"client_id": "spa", "token": tokens["refresh_token"]}
    refresh = {"client_id": "spa", "grant_type": "refresh_token", "refresh_token": "unknown"}
    answers = [
        parties.nobody.get("/api/oauth/userinfo", headers=bearer),
        parties.nobody.post("/api/oauth/revoke", data=form, headers=headers),
        parties.nobody.post("/api/oauth/token", data=refresh, headers=headers),
        parties.nobody.get("/api/oauth/userinfo", headers={**headers, "Authorization": "Bearer x"}),
        parties.nobody.post("/api/oauth/revoke", json={}, headers=headers),
        parties.nobody.get("/api/oauth/token", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 400, 401, 400, 405]
    for answer in answers:
        assert granted(answer) == {
            "access-control-allow-origin": ORIGIN,
            "access-control-allow-credentials": "true",
            "access-control-expose-headers": "WWW-Authenticate, Retry-After, X-Request-ID",
        }
        assert answer.headers.getlist("Vary").count("Origin") == 1


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("http://localhost:3005/oauth/callback", "http://localhost:3005"),
        ("https://plain.example.com:443/cb", "https://plain.example.com"),
        ("https://port.example.com:8443/cb", "https://port.example.com:8443"),
        ("https://UPPER.example.com/cb", "https://upper.example.com"),
        ("http://[::1]:4000/cb", "http://[::1]:4000"),
    ],
)
def test_r277_an_origin_is_compared_as_browsers_write_it(parties: Parties, uri: str, origin: str) -> None:
    parties.client(redirects=[uri])
    assert granted(preflight(parties.nobody, FOR_BROWSERS[0], origin))["access-control-allow-origin"] == origin


def test_r277_a_private_scheme_gives_no_origin(parties: Parties) -> None:
    parties.client(redirects=["com.example.app:/callback"])
    for origin in ("com.example.app://", "com.example.app:", "null"):
        assert granted(preflight(parties.nobody, FOR_BROWSERS[0], origin)) == {}


@pytest.mark.parametrize("origin", [UNKNOWN, "null"])
def test_r278_a_foreign_origin_reads_nothing_and_costs_the_token_nothing(parties: Parties, origin: str) -> None:
    headers = {"Origin": origin}
    code, form = parties.spa.code(), {"client_id": "spa"}
    exchange = parties.spa.browser.post(
        "/api/oauth/token", data={**form, "grant_type": "refresh_token", "refresh_token": "x"}, headers=headers
    )
    is_refused(exchange, "invalid_grant")
    tokens = is_json(parties.spa.redeem(code))
    bearer = {**headers, "Authorization": f"Bearer {tokens['access_token']}"}
    person = parties.nobody.get("/api/oauth/userinfo", headers=bearer)
    assert is_json(person)["sub"] == parties.ada
    revoked = parties.nobody.post("/api/oauth/revoke", data={**form, "token": tokens["access_token"]}, headers=headers)
    assert is_json(revoked) == {}
    gone = parties.nobody.get("/api/oauth/userinfo", headers=bearer)
    is_challenged(gone)
    for answer in (exchange, person, revoked, gone):
        assert (granted(answer), answer.headers.getlist("Vary").count("Origin")) == ({}, 1)


@pytest.mark.parametrize("path", FOR_BROWSERS)
def test_r278_a_preflight_of_an_unknown_origin_allows_nothing(parties: Parties, path: str) -> None:
    response = preflight(parties.nobody, path, UNKNOWN)
    assert (response.status_code, granted(response)) == (200, {})
    assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize("origin", LOOK_ALIKE, ids=lambda origin: origin[:50])
def test_r279_an_origin_that_only_looks_alike_is_unknown(parties: Parties, origin: str) -> None:
    for path in FOR_BROWSERS[:3]:
        assert granted(preflight(parties.nobody, path, origin)) == {}
        assert granted(parties.nobody.post(path, headers={"Origin": origin})) == {}


@pytest.mark.parametrize("origin", ["http://127.0.0.1:51004", "http://127.0.0.1", "http://[::1]:51004"])
def test_r279_the_ports_a_native_client_may_vary_are_no_origins(parties: Parties, origin: str) -> None:
    parties.client(redirects=["http://127.0.0.1:9/cb", "http://[::1]:9/cb"])
    assert granted(preflight(parties.nobody, FOR_BROWSERS[0], origin)) == {}


def test_r279_two_origins_in_one_request_are_none(parties: Parties) -> None:
    for pair in ((ORIGIN, UNKNOWN), (UNKNOWN, ORIGIN)):
        response = parties.nobody.options(FOR_BROWSERS[0], headers=[("Origin", origin) for origin in pair])
        assert granted(response) == {}


def test_r279_the_origin_of_a_disabled_client_is_forgotten_at_once(parties: Parties) -> None:
    client = parties.client(redirects=["https://leaving.example.com/cb"])
    origin = "https://leaving.example.com"
    assert granted(preflight(parties.nobody, FOR_BROWSERS[0], origin))["access-control-allow-origin"] == origin
    assert parties.run("clients", "disable", client.client_id).exit_code == 0
    assert granted(preflight(parties.nobody, FOR_BROWSERS[0], origin)) == {}


@contextmanager
def with_extra_origins(parties: Parties, origins: str) -> Iterator[FlaskClient]:
    """The same portal, told of further origins by its operator."""
    settings = {"CORS_ORIGINS": origins, "RATE_LIMIT_ENABLED": "false"}
    app = create_app(Settings.for_testing(parties.directory, parties.database_url, **settings), parties.clock)
    try:
        yield app.test_client()
    finally:
        close(app)


def test_r279_origins_of_the_operators_are_compared_whole_and_open_no_page(parties: Parties) -> None:
    with with_extra_origins(parties, "https://status.example.com,https://tools.example.com:8443") as browser:
        for origin in ("https://status.example.com", "https://tools.example.com:8443", ORIGIN):
            assert granted(preflight(browser, FOR_BROWSERS[0], origin))["access-control-allow-origin"] == origin
            assert granted(browser.get("/login", headers={"Origin": origin})) == {}
        for origin in ("https://tools.example.com", "https://status.example.com.evil.test", "https://status.example"):
            assert granted(preflight(browser, FOR_BROWSERS[0], origin)) == {}


@pytest.mark.parametrize("origin", [ORIGIN, UNKNOWN, "null", "http://localhost:8000"])
@pytest.mark.parametrize(
    "path", [*FOR_BROWSERS, *FOR_SERVERS, *DOCUMENTS, *PAGES, "/health", "/static/sdk/max-auth.js"]
)
def test_r281_no_answer_is_read_with_the_cookies_of_the_person(parties: Parties, path: str, origin: str) -> None:
    # The portal's own origin is that of its playground, a client as any other.
    is_read = origin in {ORIGIN, "http://localhost:8000"} and path in FOR_BROWSERS
    for method in ("GET", "POST", "OPTIONS"):
        response = parties.browser.open(path, method=method, headers={"Origin": origin}, buffered=True)
        allowed = granted(response)
        # Credentials are let through where no cookie is read (the next test), and to those origins alone.
        assert allowed.get("access-control-allow-credentials") == ("true" if is_read else None)
        assert "access-control-allow-private-network" not in allowed
        own = {origin} if is_read else set()
        shared = {"*"} if path in DOCUMENTS or path.startswith("/static/sdk/") else set()
        assert {allowed.get("access-control-allow-origin")} == (own or shared or {None})


@pytest.mark.parametrize("origin", [ORIGIN, UNKNOWN, "null", None])
@pytest.mark.parametrize("path", DOCUMENTS)
def test_r282_what_is_public_may_be_read_by_all_and_without_credentials(
    parties: Parties, path: str, origin: str | None
) -> None:
    headers = {"Origin": origin} if origin else {}
    first = parties.nobody.get(path, headers=headers)
    again = parties.browser.get(path, headers={**headers, "If-None-Match": first.headers["ETag"]})
    fresh = parties.nobody.get(f"{path}?x=1", headers=headers)
    assert [answer.status_code for answer in (first, again, fresh)] == [200, 304, 200]
    for answer in (first, again, fresh):
        assert granted(answer) == {"access-control-allow-origin": "*"}
        # Whatever keeps the one answer may give it to everybody.
        assert "Origin" not in answer.headers.get("Vary", "")
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", DOCUMENTS)
def test_r282_nobody_writes_there(parties: Parties, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        response = parties.nobody.open(path, method=method)
        assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert is_json(response, 405)["error"] == "invalid_request"


@pytest.mark.parametrize("origin", [ORIGIN, UNKNOWN, "http://localhost:8000.evil.test", "https://localhost:8000"])
@pytest.mark.parametrize(
    "path", ["/login", "/register", "/logout", "/select-account", "/language", "/theme", "/consent"]
)
def test_r283_no_other_origin_changes_anything_by_a_form(parties: Parties, path: str, origin: str) -> None:
    response = parties.browser.post(path, data={}, headers={"Origin": origin})
    is_page(response, 403)
    assert granted(response) == {}


def test_r283_an_origin_that_may_ask_for_tokens_logs_nobody_in_or_out(parties: Parties) -> None:
    browser, _ = parties.newcomer()
    client = RelyingParty(browser, "spa")
    is_page(browser.post("/logout", data={}, headers={"Origin": ORIGIN}), 403)
    assert client.code(prompt="none")
    stranger = parties.app.test_client()
    assert log_in(stranger, password="wrong").status_code == 401
    is_sent_back(RelyingParty(stranger, "spa").authorize(prompt="none"), "login_required")
