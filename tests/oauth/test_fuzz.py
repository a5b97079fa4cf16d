"""Whatever is sent is answered: no error of ours, the right kind, nothing reflected, nobody sent elsewhere."""

import string
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes, urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app import create_app
from app.settings import Settings
from tests.databases import PostgresDatabases
from tests.portal import close
from tests.relying_party import CHALLENGE, REDIRECT_URI, VERIFIER, RelyingParty, add_client

MARKER = "<x\"'>"
GOOD = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": REDIRECT_URI,
    "scope": "openid profile",
    "state": "s",
    "nonce": "n",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "prompt": "none",
    "max_age": "60",
    "login_hint": "ada@example.com",
    "id_token_hint": "e30.e30.e30",
    "ui_locales": "ko en",
    "display": "popup",
    "response_mode": "form_post",
    "acr_values": "1",
    "claims": '{"id_token":{"email":null}}',
    "request": "",
    "grant_type": "authorization_code",
    "code": "c" * 43,
    "code_verifier": VERIFIER,
    "refresh_token": "r" * 64,
    "client_secret": "s" * 43,
    "token": "t" * 64,
    "token_type_hint": "refresh_token",
    "access_token": "a.b.c",
    "post_logout_redirect_uri": REDIRECT_URI,
    "interaction": "i" * 32,
    "email": "ada@example.com",
    "password": "correct horse battery 9",
    "name": "Ada",
    "decision": "allow",
    "account": "other",
    "lang": "ko",
    "theme": "dark",
    "next": "/",
    "csrf_token": "x",
}
FOR_PROGRAMS = ("/token", "/revoke", "/introspect", "/userinfo", "/token/validate")
GET_PATHS = [
    *(f"/api/oauth{path}" for path in ("/authorize", "/authorize/resume", "/logout", "/userinfo", "/token")),
    *("/login", "/register", "/consent", "/select-account", "/logout", "/logged-out", "/", "/developers"),
    *("/.well-known/openid-configuration", "/.well-known/jwks.json", "/static/sdk/1/x", "/playground/callback"),
]
POST_PATHS = [
    *(f"/api/oauth{path}" for path in ("/authorize", "/logout", "/logout/confirm", *FOR_PROGRAMS)),
    *("/login", "/register", "/consent", "/select-account", "/logout", "/language", "/theme"),
]

nasty = st.one_of(
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"",
            b"\x00",
            b"%00",
            b"%zz",
            b"\xff\xfe",
            b"\xed\xa0\x80",
            b"a" * 9000,
            MARKER.encode(),
            b"\r\nX-Injected: 1",
            b"javascript:alert(1)",
            b"https://evil.example/",
            b"//evil.example",
            b"/\\evil.example",
            b"' OR 1=1 --",
            b"{{7*7}}",
            b"[" * 3000,
            b"99999999999999999999999999",
            b"-1",
            "\u202e\u0000\ufffd".encode(),
            "ａｄａ＠example.com".encode(),
        ]
    ),
)
names = st.one_of(st.sampled_from(sorted(GOOD)), st.text(string.printable, max_size=8))
changes = st.lists(st.tuples(names, nasty, st.booleans()), max_size=4)
leavings = st.sets(st.sampled_from(sorted(GOOD)), max_size=6)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": st.sampled_from(
            ["", "Basic", "Basic !!!", "Basic Og==", "Basic d2ViOv8=", "Bearer", "Bearer a.b.c", "Bearer " + "x" * 9000]
        ),
        "Accept-Language": st.sampled_from(["*", "ko;q=2", "x" * 300, ";;;", "en-US,ko;q=0.5"]),
        "Origin": st.sampled_from(["null", "https://client.example.com", "https://evil.example", "x"]),
        "Content-Type": st.sampled_from(
            [
                "application/json",
                "text/plain",
                "multipart/form-data",
                "application/x-www-form-urlencoded; charset=x",
                "",
            ]
        ),
        "Cookie": st.sampled_from(["portal_session=" + "x" * 43, "portal_form=x.y.z", "lang=xx; theme=<b>", "=;=;"]),
    },
)
exhaustive = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def encoded(changed: list[tuple[str, bytes, bool]], left_out: set[str]) -> str:
    """A query of good values, some left out, some replaced or repeated."""
    pairs = [(name, value.encode()) for name, value in GOOD.items() if name not in left_out]
    for name, value, is_added in changed:
        pairs = [pair for pair in pairs if is_added or pair[0] != name] + [(name, value)]
    return "&".join(f"{quote_from_bytes(name.encode())}={quote_from_bytes(value)}" for name, value in pairs)


def hold(path: str, response: TestResponse) -> None:
    """What is true of every answer."""
    assert response.status_code < 500, (path, response.text[:300])
    assert "X-Injected" not in response.headers
    assert MARKER not in response.text
    if location := response.headers.get("Location"):
        target = urlsplit(location)
        assert (target.scheme, target.netloc) in {("", ""), ("https", "client.example.com")}, location
        assert not location.startswith(("//", "/\\"))
    is_for_programs = path.endswith(FOR_PROGRAMS) or "/.well-known/" in path
    if response.data and response.status_code >= 400:
        assert response.mimetype == ("application/json" if is_for_programs else "text/html"), path


@pytest.fixture
def browser(web: RelyingParty, spa: RelyingParty) -> FlaskClient:
    """The browser of a person who is logged in, and clients she uses."""
    return spa.browser


@exhaustive
@given(path=st.sampled_from(GET_PATHS), changed=changes, left_out=leavings, sent=headers)
def test_any_query(browser: FlaskClient, path: str, changed: Any, left_out: set[str], sent: dict[str, str]) -> None:
    hold(path, browser.get(f"{path}?{encoded(changed, left_out)}", headers=sent))


@exhaustive
@given(path=st.sampled_from(POST_PATHS), changed=changes, left_out=leavings, sent=headers)
def test_any_form(browser: FlaskClient, path: str, changed: Any, left_out: set[str], sent: dict[str, str]) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    hold(path, browser.post(path, data=encoded(changed, left_out), headers={**kind, **sent}))


@exhaustive
@given(path=st.sampled_from(POST_PATHS), body=st.one_of(st.binary(max_size=300), nasty), sent=headers)
def test_any_body(browser: FlaskClient, path: str, body: bytes, sent: dict[str, str]) -> None:
    hold(path, browser.post(path, data=body, headers=sent))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@exhaustive
@given(
    members=st.dictionaries(
        st.sampled_from(["access_token", "refresh_token", "client_id", "client_secret", "x"]), json_values, max_size=5
    )
)
def test_any_json(browser: FlaskClient, members: dict[str, Any]) -> None:
    hold("/api/oauth/token/validate", browser.post("/api/oauth/token/validate", json=members))


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("path", ["/api/oauth/authorize", "/api/oauth/token"])
def test_each_parameter_alone_on_postgresql(postgres_browser: FlaskClient, path: str, name: str) -> None:
    for value in (b"\x00", b"\xff", b"\xed\xa0\x80", b"a" * 9000, MARKER.encode(), "ünï\U0001f600".encode()):
        query = encoded([(name, value, False)], set())
        kind = "application/x-www-form-urlencoded"
        answer = postgres_browser.post(path, data=query, content_type=kind) if "token" in path else None
        hold(path, answer or postgres_browser.get(f"{path}?{query}"))


@pytest.fixture(scope="module")
def postgres_browser(
    postgres_databases: PostgresDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    """A portal on PostgreSQL, whose text takes no NUL, with the client of the good request."""
    instance = tmp_path_factory.mktemp("fuzz")
    with postgres_databases.fresh(instance, "seeded") as url:
        app = create_app(Settings.for_testing(instance, url, RATE_LIMIT_ENABLED="false"))
        add_client(app, "web", is_confidential=True)
        yield app.test_client()
        close(app)
