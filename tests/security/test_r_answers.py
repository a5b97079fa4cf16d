"""Section R, what scripts may send and read: any header, refusals and outages too, and never a cookie."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.errors import TooManyAttempts
from tests.relying_party import RelyingParty, add_client, add_person
from tests.security.parties import Parties
from tests.security.test_r_cors import DOCUMENTS, FOR_BROWSERS, ORIGIN, UNKNOWN, granted
from tests.servers import unrestricted_engine

API = "/api/v1/auth/me"
PUBLIC = [*DOCUMENTS, "/api/openapi.json", "/static/sdk/max-auth.js", "/static/sdk/max-auth.d.ts"]
READ = {
    "access-control-allow-origin": ORIGIN,
    "access-control-expose-headers": "WWW-Authenticate, Retry-After, X-Request-ID",
}
WITH_CREDENTIALS = {**READ, "access-control-allow-credentials": "true"}
BY_ALL = {"access-control-allow-origin": "*"}
# As they were seen: FastAPI's /docs, auth0-spa-js, MCP clients, tracing, keycloak-js, and a browser with several.
ASKED = [
    "x-requested-with",
    "auth0-client",
    "mcp-protocol-version",
    "traceparent,tracestate,baggage",
    "sentry-trace",
    "authorization, content-type, x-requested-with",
    "Authorization,Content-Type",
    "a",
    "*",
    ",".join(f"x-header-{number}" for number in range(60)),
    "Content-Type , X-A\t,\tX-B",
    "!#$%&'*+.^_`|~09azAZ-",
]
NO_LIST = [
    "",
    " ",
    ",",
    "a,,b",
    "a b",
    "a;b",
    "a:b",
    '"a"',
    "a\tb",
    "<script>",
    "\u00fc",
    "x" * 1025,
    ",".join(["x"] * 600),
]


def asked(browser: FlaskClient, path: str, headers: str | None, origin: str = ORIGIN) -> TestResponse:
    """A preflight for these headers."""
    more = {} if headers is None else {"Access-Control-Request-Headers": headers}
    return browser.options(path, headers={"Origin": origin, "Access-Control-Request-Method": "POST", **more})


def names(headers: str) -> set[str]:
    """The names of a list, which count in any case."""
    return {name.strip().lower() for name in headers.split(",")}


def allowed(answer: TestResponse) -> set[str]:
    """The headers a preflight allows, each named once."""
    listed = answer.headers["Access-Control-Allow-Headers"]
    assert len(names(listed)) == len(listed.split(","))
    return names(listed)


@pytest.fixture(scope="module", autouse=True)
def known(parties: Parties) -> RelyingParty:
    """A public client, whose origin is thereby known."""
    return parties.spa


@pytest.mark.parametrize("headers", ASKED)
def test_r277_a_script_of_a_client_may_send_the_headers_its_browser_asks_for(parties: Parties, headers: str) -> None:
    for path in (*FOR_BROWSERS, API):
        answer = asked(parties.nobody, path, headers)
        assert (answer.status_code, answer.data) == (204, b"")
        assert allowed(answer) == {"authorization", "content-type", *names(headers)}
        assert {"Origin", "Access-Control-Request-Headers"} <= set(answer.headers.getlist("Vary"))
        assert granted(asked(parties.nobody, path, headers, UNKNOWN)) == {}


@pytest.mark.parametrize("headers", [None, *NO_LIST], ids=lambda headers: str(headers)[:20])
def test_r277_what_is_no_list_of_names_is_not_said_again(parties: Parties, headers: str | None) -> None:
    for path in (FOR_BROWSERS[0], API):
        assert allowed(asked(parties.nobody, path, headers)) == {"authorization", "content-type"}
    assert allowed(asked(parties.nobody, DOCUMENTS[0], headers)) == {"*", "authorization"}


@pytest.mark.parametrize("origin", [ORIGIN, UNKNOWN, "null"])
@pytest.mark.parametrize("path", PUBLIC)
def test_r282_any_header_may_be_sent_for_what_is_public(parties: Parties, path: str, origin: str) -> None:
    for headers in ASKED:
        answer = asked(parties.nobody, path, headers, origin)
        assert (answer.status_code, answer.data) == (204, b"")
        assert allowed(answer) == {"*", "authorization", *names(headers)}
        assert {name: value for name, value in granted(answer).items() if not name.endswith("allow-headers")} == {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": answer.headers["Allow"],
            "access-control-max-age": "600",
        }
        assert "GET" in answer.headers["Allow"]
        assert "Set-Cookie" not in answer.headers


def test_r277_a_refused_request_is_not_hidden_by_its_preflight(make_app: Callable[..., Flask]) -> None:
    """A browser that gets 429 or 404 for its question tells the script nothing of it."""
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="1/minute")
    add_client(app, "spa")
    browser = app.test_client()
    for path in (API, "/api/openapi.json"):
        answers = []
        for _ in range(3):
            assert asked(browser, path, "authorization").status_code == 204
            answers.append(browser.get(path, headers={"Origin": ORIGIN}))
        assert answers[-1].status_code == 429
        assert granted(answers[-1]) == (READ if path == API else BY_ALL)
    for path in ("/api/v1/nothing-here", "/.well-known/nothing-here"):
        assert asked(browser, path, "authorization").status_code == 204


def shown(app: Flask, path: str, status: int, method: str = "GET", **request: Any) -> None:
    """The answer has this status; the client's origin may read it and an unknown one may not."""
    for origin in (ORIGIN, UNKNOWN, "null", None):
        headers = {**request.get("headers", {}), **({"Origin": origin} if origin else {})}
        answer = app.test_client().open(path, method=method, **{**request, "headers": headers})
        assert answer.status_code == status, (path, answer.text)
        if path in PUBLIC or path.startswith(("/.well-known/", "/static/sdk/")):
            assert granted(answer) == BY_ALL
            continue
        expected = WITH_CREDENTIALS if path in FOR_BROWSERS else READ
        assert granted(answer) == (expected if origin == ORIGIN else {}), (path, origin)
        assert answer.headers.getlist("Vary").count("Origin") == 1


@pytest.mark.parametrize("path", FOR_BROWSERS)
def test_r277_every_refusal_of_the_protocol_may_be_read(parties: Parties, path: str) -> None:
    is_userinfo = path.endswith("userinfo")
    shown(parties.app, path, 405, "DELETE")
    shown(parties.app, path, 405, "TRACE")
    form = {} if is_userinfo else {"grant_type": "refresh_token", "token": "x", "client_id": "nobody"}
    shown(parties.app, path, 401, "POST", headers={"Authorization": "Bearer x"} if is_userinfo else {}, data=form)
    shown(parties.app, path, 401 if is_userinfo else 400, "POST", json={})
    big = {"data": "a=" + "x" * 300_000, "content_type": "application/x-www-form-urlencoded"}
    shown(parties.app, path, 413, "POST", **big)


def test_r277_every_refusal_of_the_api_may_be_read(parties: Parties) -> None:
    shown(parties.app, API, 401)
    shown(parties.app, API, 405, "TRACE")
    shown(parties.app, "/api/v1/nothing-here", 404)
    shown(parties.app, "/api/v1/auth/me/", 404)
    shown(parties.app, "/api/v1/auth/me?x=%00", 400)


@pytest.mark.parametrize("path", PUBLIC)
def test_r282_every_refusal_of_what_is_public_may_be_read(parties: Parties, path: str) -> None:
    shown(parties.app, path, 405, "TRACE")
    shown(parties.app, "/.well-known/nothing-here", 404)
    shown(parties.app, "/static/sdk/nothing-here.js", 404)


def unexpected(*_: object, **__: object) -> None:
    raise RuntimeError


def limited(*_: object, **__: object) -> None:
    raise TooManyAttempts(7)


@pytest.mark.parametrize("path", FOR_BROWSERS)
def test_r277_an_error_of_ours_may_be_read(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    app = make_app()
    add_client(app, "spa")
    services = app.extensions["services"]
    for look_up in ("find", "find_with_secrets"):
        monkeypatch.setattr(services.clients, look_up, unexpected)
    monkeypatch.setattr(services.bearer, "access", unexpected)
    request = {"data": {"client_id": "spa", "token": "x", "grant_type": "refresh_token", "refresh_token": "x"}}
    shown(app, path, 500, "POST", headers={"Authorization": "Bearer x"} if path.endswith("info") else {}, **request)


def test_r277_a_client_that_asks_too_often_reads_it(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_TOKEN="1/minute")
    add_client(app, "spa")
    form = {"client_id": "spa", "token": "x", "grant_type": "refresh_token", "refresh_token": "x"}
    assert app.test_client().post("/api/oauth/token", data=form).status_code == 400
    for path in ("/api/oauth/token", "/oauth/revoke"):
        shown(app, path, 429, "POST", data=form)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_r277_an_outage_may_be_read_by_the_origins_that_were_known(
    make_app: Callable[..., Flask], open_database: Callable[..., str], engine: str
) -> None:
    app = make_app(url := open_database(engine))
    add_client(app, "spa")
    with unrestricted_engine(url).begin() as outside:
        outside.exec_driver_sql("DROP TABLE clients" + (" CASCADE" if engine == "postgresql" else ""))
    assert asked(app.test_client(), "/api/oauth/token", "x-requested-with").status_code == 204
    # A schema that is not this code's is nobody's fault who asks.
    form = {"client_id": "spa", "grant_type": "refresh_token"}
    shown(app, "/api/oauth/token", 503, "POST", data=form)


class Watched(Request):
    """A request that tells when anybody looks for a cookie in it."""

    @property
    def cookies(self) -> Any:
        """None that could be read."""
        raise AssertionError("a cookie was read")


@pytest.mark.parametrize("path", FOR_BROWSERS)
def test_r281_where_credentials_may_be_sent_no_cookie_is_read(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    app = make_app()
    add_person(app)
    add_client(app, "spa")
    monkeypatch.setattr(app, "request_class", Watched)
    browser = app.test_client(use_cookies=False)
    cookies = "portal_session=x; portal_form=y; portal_device=z; lang=en; theme=dark; portal_accounts=a.b"
    headers = {"Origin": ORIGIN, "Cookie": cookies}
    form = {"client_id": "spa", "token": "x", "grant_type": "refresh_token", "refresh_token": "x"}
    answers = [
        browser.post(path, data=form, headers=headers),
        browser.post(path, data={}, headers=headers),
        browser.post(path, json={}, headers=headers),
        browser.post(path, data="a" * 300_000, content_type="application/x-www-form-urlencoded", headers=headers),
        browser.get(path, headers={**headers, "Authorization": "Bearer x"}),
        browser.delete(path, headers=headers),
        browser.options(path, headers=headers),
        browser.post(path, data=form, headers={"Cookie": cookies}),
    ]
    assert {answer.status_code for answer in answers} <= {200, 204, 400, 401, 405, 413}
    assert [answer for answer in answers if "Set-Cookie" in answer.headers or "Cookie" in answer.headers["Vary"]] == []
    with pytest.raises(AssertionError, match="a cookie was read"):
        browser.get("/login", headers=headers)


def test_r281_cookies_change_no_answer_and_the_answer_changes_no_cookie(parties: Parties) -> None:
    """What a script of a client gets with the person's cookies is what it gets without."""
    tokens = parties.spa.tokens()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    for browser in (parties.browser, parties.nobody, parties.newcomer()[0]):
        for headers in ({"Origin": ORIGIN}, {"Origin": UNKNOWN}, {}):
            person = browser.get("/api/oauth/userinfo", headers={**headers, **bearer})
            assert (person.status_code, person.json["sub"]) == (200, parties.ada)
            assert browser.get("/api/oauth/userinfo", headers=headers).status_code == 401
            assert browser.post("/api/oauth/userinfo", headers=headers).status_code == 401
            refused = browser.post("/api/oauth/token", data={"client_id": "spa"}, headers=headers)
            assert json.loads(refused.data)["error"] == "invalid_request"
            unknown = browser.post("/api/oauth/revoke", data={"client_id": "spa", "token": "x"}, headers=headers)
            assert unknown.status_code == 200
            for answer in (person, refused, unknown):
                assert "Set-Cookie" not in answer.headers
