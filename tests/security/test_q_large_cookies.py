"""Section Q, cookies too large to be read: a page says so, and takes the portal's own away (RFC 6585 section 5)."""

import re
import socket
from http.client import HTTPResponse
from http.cookies import SimpleCookie

import pytest
import requests

from tests.portal import Portal

OURS = {
    "portal_session",
    "portal_accounts",
    "portal_accounts_kept",
    "portal_device",
    "portal_refresh",
    "portal_form",
    "lang",
    "theme",
    "last_provider",
    "portal_provider",
    "portal_acting",
}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
LARGE = "; ".join(f"analytics_{number}={'x' * 3000}" for number in range(4))


def asked(portal: Portal, path: str, cookie: str = LARGE, method: str = "GET", **fields: str) -> requests.Response:
    """The answer to a browser with these cookies."""
    headers = {"Accept": BROWSER, "Cookie": cookie, **{name.replace("_", "-"): each for name, each in fields.items()}}
    return requests.request(method, f"{portal.url}{path}", headers=headers, timeout=10, allow_redirects=False)


def cleared(response: requests.Response) -> set[str]:
    """The cookies an answer takes away; it sets none."""
    lines = [value for name, value in response.raw.headers.items() if name.lower() == "set-cookie"]
    morsels = [morsel for line in lines for morsel in SimpleCookie(line).values()]
    kept = {morsel.key for morsel in morsels if morsel.value}
    assert all(morsel["path"] == "/" and not morsel["domain"] for morsel in morsels)
    assert kept <= {"portal_form"}
    return {morsel.key for morsel in morsels if not morsel.value}


@pytest.mark.parametrize(
    ("language", "words"), [("en", "sent more cookies than can be read"), ("ko", "쿠키가 너무 커서 읽을 수 없습니다")]
)
@pytest.mark.parametrize(
    "path", ["/", "/login?interaction=x", "/account", "/api/oauth/authorize?client_id=x", "/nowhere"]
)
@pytest.mark.parametrize("live_portal", ["sqlite", "postgresql+redis"], indirect=True)
def test_q268_a_page_says_so_and_takes_our_cookies_away(
    live_portal: Portal, path: str, language: str, words: str
) -> None:
    response = asked(live_portal, path, Accept_Language=language)
    assert (response.status_code, response.headers["Content-Type"]) == (431, "text/html; charset=utf-8")
    assert words in response.text
    assert f'lang="{language}"' in response.text
    assert cleared(response) == OURS
    assert (response.headers["Cache-Control"], response.headers["Connection"]) == ("no-store", "close")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Request-ID"] in response.text


def test_q268_it_is_a_page_however_the_cookies_come(live_portal: Portal) -> None:
    for cookie in (f"portal_session={'x' * 9000}", f"a={'x' * 60_000}", "a=b; " * 20_000):
        response = asked(live_portal, "/login", cookie)
        assert (response.status_code, cleared(response)) == (431, OURS)
    lines = "".join(f"cookie: a{number}=b\r\n" for number in range(100))
    request = f"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: {BROWSER}\r\n{lines}\r\n"
    with socket.create_connection(("127.0.0.1", live_portal.port), timeout=5) as connection:
        connection.sendall(request.encode())
        answer = HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.headers.get_content_type()) == (431, "text/html")


def test_q268_nothing_is_done_for_such_a_request(live_portal: Portal) -> None:
    with requests.Session() as browser:
        browser.headers["Accept"] = BROWSER
        token = (
            browser.get(f"{live_portal.url}/login")
            .text.partition('name="csrf_token"')[2]
            .partition('value="')[2]
            .partition('"')[0]
        )
        form = {"csrf_token": token, "theme": "dark", "next": "/"}
        small = "; ".join(f"{each.name}={each.value}" for each in browser.cookies)
        done = browser.post(f"{live_portal.url}/theme", data=form, headers={"Cookie": small}, allow_redirects=False)
        assert done.status_code == 303
        refused = browser.post(
            f"{live_portal.url}/theme", data=form, headers={"Cookie": f"{small}; {LARGE}"}, allow_redirects=False
        )
        assert (refused.status_code, cleared(refused)) == (431, OURS)


@pytest.mark.parametrize("path", ["/api/oauth/userinfo", "/oauth/token", "/api/v1/auth/me", "/api/oauth/revoke"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_q268_programs_are_told_in_json_and_lose_no_cookie(live_portal: Portal, path: str, method: str) -> None:
    response = asked(live_portal, path, method=method, Authorization="Bearer x")
    assert (response.status_code, response.json()["error"]) == (431, "invalid_request")
    assert "Set-Cookie" not in response.headers


def test_q268_other_fields_that_are_too_large_take_no_cookie_away(live_portal: Portal) -> None:
    for fields in ({"X-Other": "x" * 9000}, {"X-Other": "x" * 9000, "Cookie": "a=b"}):
        headers = {"Accept": BROWSER, **fields}
        response = requests.get(f"{live_portal.url}/login", headers=headers, timeout=5)
        assert (response.status_code, response.json()["error"]) == (431, "invalid_request")
        assert "Set-Cookie" not in response.headers


def test_q268_large_cookies_that_can_be_read_are_no_reason(live_portal: Portal) -> None:
    response = asked(live_portal, "/login", f"a={'x' * 7000}")
    assert response.status_code == 200
    assert cleared(response) == set()


def test_q268_a_bad_host_stays_one(live_portal: Portal) -> None:
    raw = f"GET / HTTP/1.1\r\nHost: a..b\r\nAccept: {BROWSER}\r\nCookie: {'x' * 9000}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", live_portal.port), timeout=5) as connection:
        connection.sendall(raw)
        answer = HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.headers.get_content_type()) == (431, "application/json")


def test_q268_the_page_looks_as_every_page(live_portal: Portal) -> None:
    page = asked(live_portal, "/login").text
    files = re.findall(r'(?:href|src)="(/(?:static|bootstrap)/[^"]+)"', page)
    assert len(files) > 4
    for file in files:
        response = requests.get(
            f"{live_portal.url}{file}", headers={"Accept": "text/css,*/*;q=0.1", "Cookie": LARGE}, timeout=10
        )
        assert (response.status_code, cleared(response)) == (200, set()), file
    missing = requests.get(f"{live_portal.url}/static/none.css", headers={"Accept": "*/*", "Cookie": LARGE}, timeout=10)
    assert (missing.status_code, cleared(missing)) == (404, set())
