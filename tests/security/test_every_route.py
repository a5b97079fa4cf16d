"""Every route with every method and with input that is odd but can be sent: no 500, and nothing of one browser is kept.

The routes are those of the application's own table, so a new one is among them.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.databases import SqliteDatabases
from tests.relying_party import csrf_token
from tests.security.parties import PROVIDERS, Parties, opened

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X-ODD"]
FILES = ["css/portal.css", "css/bootstrap.min.css", "../x", "%2e%2e/x", "%00", "", "css", "css/", "x" * 300, "한글"]
NO_ROUTES = [
    "/nowhere",
    "//",
    "/static",
    "/bootstrap/",
    "/api/",
    "/api/v1/nowhere",
    "/.well-known/nowhere",
    "/%ff",
    "/LOGIN",
]
MORE = ["/favicon.ico", "/robots.txt", "/static/sdk/max-auth.js", "/x" * 500, "/login/"]
FIELDS: list[dict[str, str]] = [
    {"Range": "bytes=5-1"},
    {"Range": "bytes=0-0,2-2"},
    {"If-None-Match": "*", "If-Modified-Since": "nonsense"},
    {"If-Match": '"x"'},
    {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"Accept-Language": ";;q=x,,*;q=9", "Accept": "nonsense/;;", "Accept-Encoding": "x;q=z"},
    {"Cookie": "portal_session=\xff; portal_form=; lang=\x01; theme=;;;=;portal_accounts=.....;portal_device=%00"},
    {"Authorization": "Bearer"},
    {"Authorization": "Basic !!!"},
    {"Authorization": "\xff\xfe"},
    {"Origin": "http://[::1"},
    {"Origin": "\xff", "Access-Control-Request-Method": "\xff", "Access-Control-Request-Headers": "\xff"},
    {
        "User-Agent": "\xf0\x9f" * 300,
        "X-Forwarded-For": "x" * 500,
        "X-Request-ID": "\xff" * 100,
        "Referer": "http://[x",
    },
    {"Host": "a.b.c:99999", "Expect": "x", "Upgrade": "websocket", "Connection": "upgrade"},
    {"Content-Length": "abc"},
]
QUERIES = [
    "%ff=%fe&a=%00",
    "%ff=%fe&%E2",
    "a[]=1&a[b]=2&interaction=%F0%9F%98%80&next=//evil",
    "&&==;;%",
    "x=" + "y" * 7000,
]
JSON, FORM, PARTS = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
BODIES: list[tuple[bytes, str]] = [
    (b"", JSON),
    (b"[]", JSON),
    (b"null", JSON),
    (b'"x"', JSON),
    (b"[[1, 2], 3]", JSON),
    (b'{"email": ["x"], "password": {"a": 1}, "csrf_token": []}', JSON),
    (b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}", JSON),
    (b"\xff\xfe", f"{JSON}; charset=utf-16"),
    (b"{}", f"{JSON}; charset=nonsense"),
    (b"a=%ff&csrf_token=%00&email=%ED%A0%80", FORM),
    (b"a=b", f"{FORM}; charset=nonsense"),
    (
        b'--x\r\nContent-Disposition: form-data; name="email"; filename="\xff"\r\n\r\nv\r\n--x--\r\n',
        f"{PARTS}; boundary=x",
    ),
    (b"nonsense", f"{PARTS}; boundary=x"),
    (b"x", PARTS),
    (b"x", "\xff/\xfe"),
    (b"x", ""),
    (b"a=b", "text/plain"),
]


@pytest.fixture(scope="module")
def parties(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """With providers, which have routes as well."""
    with opened(sqlite_databases, tmp_path_factory.mktemp("parties"), **PROVIDERS) as found:
        yield found


@pytest.fixture(scope="module")
def paths(parties: Parties) -> list[str]:
    """A path of every route, and some of none."""
    found = {*NO_ROUTES, *MORE}
    for rule in parties.app.url_map.iter_rules():
        values = FILES if "filename" in rule.arguments else ["nowhere"]
        # Of some names it is known which there are.
        rule_of_one = re.sub(r"<any\('(\w+)'.*?>", r"\1", rule.rule)
        found |= {re.sub(r"<[^>]+>", value, rule_of_one) for value in values}
    assert len(found) > 100
    return sorted(found)


def faults(response: TestResponse) -> set[str]:
    """What is wrong with an answer."""
    headers, status = response.headers, response.status_code
    may_be_kept = "no-store" not in headers.get("Cache-Control", "")
    wrong = {
        f"status {status}": status >= 500,
        "sets a cookie and may be kept": may_be_kept and "Set-Cookie" in headers,
        "a refusal that may be kept": may_be_kept and status >= 400,
        "405 without Allow": status == 405 and not headers.get("Allow"),
        "a body for HEAD": response.request.method == "HEAD" and bool(response.data),
        "no nosniff": headers.get("X-Content-Type-Options") != "nosniff",
    }
    return {name for name, is_so in wrong.items() if is_so}


def found(browser: FlaskClient, paths: list[str], method: str, **sent: Any) -> dict[str, set[str]]:
    """The paths whose answers are wrong."""
    wrong = {}
    for path in paths:
        with browser.open(path, method=method, **sent) as response:
            wrong[path] = faults(response)
    return {path: names for path, names in wrong.items() if names}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("who", ["nobody", "ada"])
def test_no_route_breaks_and_no_answer_that_may_be_kept_sets_a_cookie(
    parties: Parties, paths: list[str], method: str, who: str
) -> None:
    browser = parties.browser if who == "ada" else parties.app.test_client()
    assert found(browser, paths, method) == {}
    for path in paths if who == "nobody" and method in {"GET", "POST"} else []:  # each with no cookie yet
        assert found(parties.app.test_client(), [path], method) == {}


@pytest.mark.parametrize("fields", FIELDS, ids=[f"{number} {min(each)}" for number, each in enumerate(FIELDS)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_field_breaks_a_route(parties: Parties, paths: list[str], method: str, fields: dict[str, str]) -> None:
    assert found(parties.app.test_client(), paths, method, headers=fields) == {}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:20])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_query_breaks_a_route(parties: Parties, paths: list[str], method: str, query: str) -> None:
    assert found(parties.app.test_client(), paths, method, query_string=query) == {}


@pytest.mark.parametrize(
    ("body", "kind"), BODIES, ids=[f"{number} {kind[:40]!a}" for number, (_, kind) in enumerate(BODIES)]
)
def test_no_input_breaks_a_route(parties: Parties, paths: list[str], body: bytes, kind: str) -> None:
    browser = parties.browser
    taking = [
        (path, method)
        for path in paths
        for method in ("POST", "PUT", "PATCH", "DELETE")
        if parties.app.url_map.bind("localhost").test(path, method)
    ]
    assert len(taking) > 50
    for path, method in taking:
        assert found(browser, [path], method, data=body, content_type=kind) == {}


def test_a_form_sent_as_json_is_an_empty_one(parties: Parties) -> None:
    browser = parties.app.test_client()
    token = csrf_token(browser, "/login")
    form = {"csrf_token": token, "email": "ada@example.com", "password": "x"}
    assert browser.post("/login", json=form).status_code == 400
    assert browser.post("/login", data=form).status_code == 401
