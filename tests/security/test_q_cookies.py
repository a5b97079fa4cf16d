"""Section Q, cookies: bound to the host, small, opaque, and never somebody else's (OWASP ASVS 5.0 section 3.3)."""

import re
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import Morsel, SimpleCookie
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.settings import Settings
from tests.portal import close
from tests.relying_party import CHALLENGE, EMAIL, REDIRECT_URI, RelyingParty, csrf_token, log_in
from tests.security.pages import HIDDEN_STATE, SECURE_URL, pending, secured
from tests.security.parties import Parties

secure = pytest.fixture(secured, scope="module")


def cookies_set(response: TestResponse) -> dict[str, "Morsel[str]"]:
    """The cookies an answer sets, by name."""
    return {
        name: morsel for line in response.headers.getlist("Set-Cookie") for name, morsel in SimpleCookie(line).items()
    }


def rules(morsel: "Morsel[str]") -> dict[str, object]:
    """The attributes of a cookie that are there."""
    return {name: value for name, value in morsel.items() if value}


@contextmanager
def of_other_sites(secure: Parties, same_site: str) -> Iterator[Flask]:
    """The same portal, whose session goes along to frames of other sites or not."""
    settings = {"PUBLIC_URL": SECURE_URL, "SESSION_COOKIE_SAMESITE": same_site, "RATE_LIMIT_ENABLED": "false"}
    app = create_app(Settings.for_testing(secure.directory, secure.database_url, **settings), secure.clock)
    try:
        yield app
    finally:
        close(app)


@pytest.mark.parametrize("same_site", ["Lax", "None"])
def test_q262_over_tls_the_cookies_are_bound_to_the_host(secure: Parties, same_site: str) -> None:
    with of_other_sites(secure, same_site) as app:
        browser = app.test_client()
        expected = {"path": "/", "secure": True, "httponly": True, "samesite": same_site}
        (form,) = cookies_set(browser.get("/login")).items()
        assert (form[0], rules(form[1])) == ("__Host-portal_form", expected)
        session = cookies_set(log_in(browser))["__Host-portal_session"]
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", session.value)
        assert rules(session) == expected


def test_q262_a_remembered_session_is_kept_by_the_browser_and_no_other(secure: Parties) -> None:
    session = cookies_set(log_in(secure.app.test_client(), remember="y"))["__Host-portal_session"]
    kept = rules(session)
    assert (kept.pop("max-age"), "GMT" in str(kept.pop("expires"))) == ("2592000", True)
    assert kept == {"path": "/", "secure": True, "httponly": True, "samesite": "Lax"}


@pytest.mark.parametrize(("path", "name", "value"), [("/language", "lang", "en"), ("/theme", "theme", "dark")])
def test_q262_what_a_person_chose_is_kept_as_carefully(secure: Parties, path: str, name: str, value: str) -> None:
    browser = secure.app.test_client()
    chosen = cookies_set(browser.post(path, data={"csrf_token": csrf_token(browser, "/login"), name: value}))[name]
    assert {part: text for part, text in rules(chosen).items() if part != "expires"} == {
        "path": "/",
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
        "max-age": "31536000",
    }


def test_q262_the_cookie_is_taken_back_by_the_rules_it_was_given_with(secure: Parties) -> None:
    browser, _ = secure.newcomer()
    response = browser.post("/logout", data={"csrf_token": csrf_token(browser, "/logout")})
    gone = cookies_set(response)["__Host-portal_session"]
    assert (gone.value, gone["max-age"], gone["expires"]) == ("", "0", "Thu, 01 Jan 1970 00:00:00 GMT")
    assert (gone["path"], gone["secure"], gone["httponly"], gone["samesite"]) == ("/", True, True, "Lax")
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'


def test_q262_without_tls_only_the_mark_of_tls_is_missing(parties: Parties) -> None:
    browser = parties.app.test_client()
    (form,) = cookies_set(browser.get("/login")).values()
    session = cookies_set(log_in(browser))["portal_session"]
    assert rules(form) == rules(session) == {"path": "/", "httponly": True, "samesite": "Lax"}


def token_of(browser: FlaskClient, name: str) -> str:
    """The value of a browser's session cookie."""
    cookie = browser.get_cookie(name)
    assert cookie
    return cookie.value


@pytest.mark.parametrize(
    "header",
    [
        "={name}={token}",
        "; ={name}={token}",
        "x; ={name}={token};",
        "portal_session={token}",
        "__Host-portal_session_={token}",
        "__host-portal_session={token}",
        "__HOST-PORTAL_SESSION={token}",
        "__Secure-portal_session={token}",
        "%5F%5FHost-portal_session={token}",
        "a=b,{name}={token}",
    ],
)
def test_q271_a_session_under_another_name_or_none_is_nobodys(secure: Parties, header: str) -> None:
    token = token_of(secure.browser, "__Host-portal_session")
    sent = header.format(name="__Host-portal_session", token=token)
    # Without a jar of its own, or Werkzeug's client would drop the header.
    browser = secure.app.test_client(use_cookies=False)
    assert browser.get("/logout", headers={"Cookie": sent}).location == "/logged-out"


@pytest.fixture(scope="module")
def theirs(secure: Parties) -> str:
    """The session of somebody else."""
    return token_of(secure.newcomer()[0], "__Host-portal_session")


@pytest.mark.parametrize("name", ["portal_session", "__host-portal_session", "__Secure-portal_session", ""])
def test_q271_a_cookie_that_a_sibling_domain_can_set_changes_nothing(secure: Parties, theirs: str, name: str) -> None:
    mine = token_of(secure.browser, "__Host-portal_session")
    for pair in (f"{name}={theirs}; __Host-portal_session={mine}", f"__Host-portal_session={mine}; {name}={theirs}"):
        page = secure.app.test_client(use_cookies=False).get("/select-account", headers={"Cookie": pair})
        assert page.status_code == 200
        assert EMAIL in page.text


def test_q272_open_tabs_do_not_fill_the_cookies(secure: Parties) -> None:
    browser = secure.app.test_client()
    client = RelyingParty(browser, secure.web.client_id)
    browser.get("/login")
    before = sizes(browser)
    pages = [client.authorize(state="s" * 2000, nonce=f"n{tab}", display="popup").location for tab in range(20)]
    for page in pages:
        assert browser.get(page).status_code == 200
    assert sizes(browser) == before
    assert log_in(browser, path=pages[0]).status_code == 303
    after = sizes(browser)
    assert (set(before), set(after)) == ({"__Host-portal_form"}, {"__Host-portal_session", "__Host-portal_device"})
    # Each of the tabs still answers its own request.
    for page in pages:
        resumed = browser.get(browser.get(page).location)
        is_accepted_at_home(resumed)
    assert sizes(browser) == after
    assert max({**before, **after}.values()) < 400


def is_accepted_at_home(response: TestResponse) -> None:
    assert (response.status_code, response.location.partition("?")[0]) == (302, REDIRECT_URI), response.text
    given = dict(parse_qsl(urlsplit(response.location).query))
    assert (given["iss"], given["state"], len(given["code"])) == (SECURE_URL, "s" * 2000, 43)


def sizes(browser: FlaskClient) -> dict[str, int]:
    """What each cookie of a browser weighs."""
    header = browser.get("/health").request.headers.get("Cookie", "")
    return {pair.partition("=")[0]: len(pair) for pair in header.split("; ")}


def test_q273_cookies_hold_nothing_of_the_request(parties: Parties) -> None:
    browser = parties.app.test_client()
    hints = {"login_hint": "somebody@example.com", "claims": '{"id_token":{"email":null}}'}
    page = pending(browser, parties.web, nonce="a-nonce", **hints)
    assert page.status_code == 200
    told = [HIDDEN_STATE, "a-nonce", "somebody@example.com", "id_token", CHALLENGE, REDIRECT_URI, "response_type"]
    header = browser.get("/health").request.headers["Cookie"]
    for pair in header.split("; "):
        for text in (pair, opened_up(pair.partition("=")[2])):
            assert [value for value in told if value in text] == []
    assert set(re.findall(r"([^=; ]+)=", header)) == {"portal_form"}
    assert '"csrf_token"' in opened_up(header.partition("=")[2])


def opened_up(value: str) -> str:
    """What a signed cookie holds, for whoever looks into it."""
    part = value.lstrip(".").split(".")[0]
    raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    return (zlib.decompress(raw) if value.startswith(".") else raw).decode()


@pytest.mark.parametrize("page", ["/login", "/select-account", "/consent"])
def test_q273_the_address_holds_an_opaque_id_alone(parties: Parties, page: str) -> None:
    browser = parties.app.test_client() if page == "/login" else parties.browser
    client = parties.client(is_confidential=True, consent_policy="once")
    prompt = "select_account" if page == "/select-account" else None
    location = RelyingParty(browser, client.client_id).authorize(state=HIDDEN_STATE, prompt=prompt).location
    assert re.fullmatch(page + r"\?interaction=[A-Za-z0-9_-]{32}", location)
    for name, value in (("state", HIDDEN_STATE), ("code_challenge", CHALLENGE), ("nonce", "the-nonce")):
        assert value not in browser.get(location).text, name
