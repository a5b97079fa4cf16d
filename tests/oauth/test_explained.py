"""Error pages of the front channel lead from the error to its mending, and show what is registered to few."""

import html
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.cli.test_commands import run
from tests.relying_party import EMAIL, PASSWORD, REDIRECT_URI, RelyingParty, add_client, add_person, answer, log_in

ENGLISH = {"Accept-Language": "en"}
PUBLIC_PORTAL = "https://id.example.com"
SHOWN = "What was received, and what is registered"
REGISTERED = ["https://app.example.com/auth/callback", "https://staging.example.com/cb"]
AFTER_LOGOUT = ["https://app.example.com/goodbye"]
OF_REGISTERED = ("app.example.com", "staging", "goodbye")
ELSEWHERE = "https://other.example.org/"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"
ERRORS = [
    ("http://localhost:5000/cb", "http://localhost:5001/cb", "[differs: :5001]/cb", "the port", "at another port"),
    (REDIRECT_URI, REDIRECT_URI + "/", "callback[differs: /]", "the slash at the end", "ends with a slash"),
    (REDIRECT_URI, REDIRECT_URI.replace("https", "http"), "[differs: http]://", "the scheme", "behind a proxy"),
    (
        "http://127.0.0.1:5000/cb",
        "http://localhost:5000/cb",
        "[differs: localhost]:5000",
        "the name of this machine",
        "different hosts here",
    ),
    (REDIRECT_URI, REDIRECT_URI.replace("/c", "/C"), "[differs: C]allback", "upper and lower case", "both count"),
    (
        "https://client.example.com/a/b",
        "https://client.example.com/a%2Fb",
        "/a[differs: %2F]b",
        "percent-encoding",
        "encoded once too often",
    ),
    (REDIRECT_URI, f"{REDIRECT_URI}?a=1", "[differs: ?a=1]", "the query", "What varies belongs in state"),
    (REDIRECT_URI, f"{REDIRECT_URI}#a", "[differs: #a]", "the fragment", "Leave out the #"),
    (
        REDIRECT_URI,
        REDIRECT_URI.replace("c", "\u0441", 1),
        "[differs: \u0441‹U+0441›]lient",
        "a character that looks like another",
        "text copied from a document",
    ),
]


def main_of(page: TestResponse) -> str:
    """The page without its frame, whose links lead back to the page itself."""
    assert (page.status_code, page.mimetype) == (400, "text/html"), page.text
    return page.text.partition("<main")[2].partition("</main>")[0]


def words(page: TestResponse) -> str:
    """What a developer reads: the text of the page."""
    marked = re.sub(r"</?(mark|span|code|bdi)\b[^>]*>", "", main_of(page))
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", marked)))


def typed(page: TestResponse) -> list[list[str]]:
    """The commands of the page, as a shell reads them."""
    found = re.findall(r"<pre><code data-copy-source>(.*?)</code></pre>", page.text, re.DOTALL)
    return [shlex.split(html.unescape(each)) for each in found]


def ask(browser: FlaskClient, client_id: str, path: str = "authorize", base: str = "", **asked: str) -> TestResponse:
    where = {"base_url": base} if base else {}
    return browser.get(f"/api/oauth/{path}", query_string={"client_id": client_id, **asked}, headers=ENGLISH, **where)


@pytest.fixture
def register(app: Flask) -> Callable[..., str]:
    """Registers a client, in development unless it is said otherwise."""

    def made(*redirects: str, in_development: bool = True, **fields: Any) -> str:
        add_client(app, "shop", redirects=redirects, in_development=in_development, **fields)
        return "shop"

    return made


@pytest.fixture
def production(make_app: Callable[..., Flask]) -> Flask:
    """A portal on a host of its own, with a client nobody develops any more."""
    app = make_app(PUBLIC_URL=PUBLIC_PORTAL)
    add_client(app, "shop", redirects=REGISTERED, post_logout=AFTER_LOGOUT, is_confidential=True)
    return app


@pytest.mark.parametrize(("registered", "sent", "marked", "part", "cause"), ERRORS)
def test_a_redirect_uri_that_is_almost_right_is_shown_beside_the_registered_one(
    client: FlaskClient, register: Callable[..., str], registered: str, sent: str, marked: str, part: str, cause: str
) -> None:
    page = ask(client, register(registered), redirect_uri=sent, response_type="code")
    said = words(page)
    for expected in ("invalid_redirect_uri", marked, f"Differs in: {part}", cause, "RFC 9700 section 2.1", SHOWN):
        assert expected in said
    assert page.headers["X-Request-ID"] in said
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("registered", "sent", "marked", "part", "cause"), ERRORS[:5])
def test_so_is_where_a_logout_leads(
    client: FlaskClient, register: Callable[..., str], registered: str, sent: str, marked: str, part: str, cause: str
) -> None:
    shop = register("https://client.example.com/never-shown", post_logout=[registered])
    said = words(ask(client, shop, "logout", post_logout_redirect_uri=sent))
    for expected in (marked, f"Differs in: {part}", cause, "RP-Initiated Logout 1.0 section 3", "curl -i", SHOWN):
        assert expected in said
    assert "never-shown" not in said


def test_what_is_said_to_type_mends_it(app: Flask, client: FlaskClient, register: Callable[..., str]) -> None:
    shop, sent = register(REDIRECT_URI, post_logout=[REDIRECT_URI]), "https://client.example.com/$(id);new?a=1&b=2"
    assert "clients update" not in words(ask(client, shop, redirect_uri=sent))
    add_person(app, is_admin=True)
    assert log_in(client).status_code == 303
    for path, name in (("authorize", "redirect_uri"), ("logout", "post_logout_redirect_uri")):
        page = ask(client, shop, path, **{name: sent})
        assert "Only if the address belongs to the application" in words(page)
        _, command = typed(page)
        assert command[:3] == ["flask", "--app", "wsgi"]
        run(app, *command[3:])
        assert ask(client, shop, path, **{name: sent}).status_code != 400
    for unfit in ("http://client.example.com/cb", "javascript:alert(1)", f"{REDIRECT_URI}#a"):
        assert "clients update" not in words(ask(client, shop, redirect_uri=unfit))


def test_the_request_is_typed_again_without_what_is_nobodys_business(
    client: FlaskClient, register: Callable[..., str]
) -> None:
    names = ("state", "nonce", "login_hint", "id_token_hint", "client_secret", "code", "password", "anything")
    hidden = {name: f"{name}-x" for name in names}
    sent = f"https://client.example.com/$(id)`id`'\"&{HOSTILE}"
    page = ask(client, register(REDIRECT_URI), redirect_uri=sent, scope="openid", **hidden)
    ((program, option, target),) = typed(page)
    assert (program, option) == ("curl", "-i")
    assert not any(value in main_of(page) for value in hidden.values())
    again = client.get(target.removeprefix("http://localhost:8000"), headers=ENGLISH)
    assert typed(again) == typed(page)
    assert words(again).partition(SHOWN)[2] == words(page).partition(SHOWN)[2]


def test_a_request_without_a_redirect_uri_is_shown_the_registered_ones(
    client: FlaskClient, register: Callable[..., str]
) -> None:
    shop = register(*(f"https://client.example.com/{number}" for number in range(7)))
    said = words(ask(client, shop, scope="openid"))
    for expected in ("Send redirect_uri with the request", "section 3.1.2.1", "example.com/4", "2 more are registered"):
        assert expected in said
    assert "example.com/5" not in said


def test_errors_that_go_to_the_client_name_the_parameter(web: RelyingParty) -> None:
    missing = answer(web.authorize(code_challenge=None, code_challenge_method=None))
    assert (missing["error"], "code_challenge" in missing["error_description"]) == ("invalid_request", True)
    unknown = answer(web.authorize(scope="read:nothing"))
    assert (unknown["error"], "scopes" in unknown["error_description"]) == ("invalid_scope", True)


def test_only_administrators_learn_which_client_may_have_been_meant(app: Flask, client: FlaskClient) -> None:
    add_client(app, "weather-web", in_development=True)
    wrong = {"redirect_uri": "http://localhost:5000/cb"}
    said = words(ask(client, "weather-wep", **wrong))
    assert ("weather-web" in said, "Check client_id" in said, "RFC 6749 section 4.1.2.1" in said) == (False, True, True)
    add_person(app, is_admin=True)
    assert log_in(client).status_code == 303
    said = words(ask(client, "Weather-web", **wrong))
    assert "Registered [differs: w]eather-web" in said
    assert "No client has this id." in said
    run(app, "clients", "disable", "weather-web")
    assert ["flask", "--app", "wsgi", "clients", "enable", "weather-web"] in typed(ask(client, "weather-web", **wrong))


REQUESTS: list[tuple[str, dict[str, str]]] = [
    ("authorize", {"redirect_uri": f"{ELSEWHERE}cb"}),
    ("authorize", {"redirect_uri": "http://localhost/cb"}),
    ("authorize", {"redirect_uri": "http://localhost:5000@other.example.org/"}),
    ("authorize", {"scope": "openid"}),
    ("authorize", {}),
    ("logout", {"post_logout_redirect_uri": ELSEWHERE}),
    ("logout", {"post_logout_redirect_uri": "http://127.0.0.1/"}),
]


@pytest.mark.parametrize("is_logged_in", [False, True])
def test_in_production_nobody_but_administrators_sees_what_is_registered(production: Flask, is_logged_in: bool) -> None:
    browser = production.test_client()
    if is_logged_in:
        add_person(production)
        log_in_at_public_portal(browser)
    for path, asked in REQUESTS:
        page = ask(browser, "shop", path, PUBLIC_PORTAL, **asked)
        said = words(page)
        assert not any(part in page.text for part in OF_REGISTERED), path
        assert ("curl" in said, SHOWN in said) == (False, False)
        assert '<details class="developer">' in page.text
        assert page.headers["Cache-Control"] == "no-store"


def test_in_production_administrators_do(production: Flask) -> None:
    browser = production.test_client()
    add_person(production, is_admin=True)
    add_person(production, "second@example.com", is_admin=True)
    log_in_at_public_portal(browser)
    for path, asked in REQUESTS:
        assert "app.example.com" in words(ask(browser, "shop", path, PUBLIC_PORTAL, **asked)), path
    run(production, "users", "set-role", EMAIL, "member")
    assert not any(part in ask(browser, "shop", "authorize", PUBLIC_PORTAL).text for part in OF_REGISTERED)


def log_in_at_public_portal(browser: FlaskClient) -> None:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/login", base_url=PUBLIC_PORTAL).text)
    assert found
    form = {"csrf_token": found[1], "email": EMAIL, "password": PASSWORD}
    response = browser.post("/login", data=form, base_url=PUBLIC_PORTAL, headers={"Referer": f"{PUBLIC_PORTAL}/login"})
    assert response.status_code == 303


def test_an_operator_lets_everybody_see_it_and_takes_that_back(production: Flask) -> None:
    browser = production.test_client()
    for option, is_shown in (("--in-development", True), ("--no-in-development", False)):
        run(production, "clients", "update", "shop", option)
        page = ask(browser, "shop", "authorize", PUBLIC_PORTAL, redirect_uri=ELSEWHERE)
        assert ("app.example.com" in words(page), '<details class="developer" open>' in page.text) == (
            is_shown,
            is_shown,
        )


def test_a_host_header_makes_no_portal_one_on_a_developers_machine(production: Flask) -> None:
    asked = {"client_id": "shop", "redirect_uri": "http://localhost:5000/cb"}
    for host in ("localhost", "127.0.0.1:8000"):
        page = production.test_client().get("/api/oauth/authorize", query_string=asked, base_url=f"http://{host}")
        assert page.status_code == 400
        assert not any(part in page.text for part in OF_REGISTERED)


def test_on_a_developers_machine_only_what_runs_there_sees_it(
    client: FlaskClient, register: Callable[..., str]
) -> None:
    shop = register("http://localhost:5000/cb", in_development=False)
    for sent, is_shown in (
        ("http://localhost:5001/cb", True),
        ("https://127.0.0.1/", True),
        ("https://a.test/", False),
        ("http://localhost@a.test/", False),
        ("http://localhost.a.test/", False),
        ("http://[localhost/", False),
    ):
        assert (SHOWN in words(ask(client, shop, redirect_uri=sent))) == is_shown, sent


@pytest.mark.parametrize("value", [HOSTILE, "a" * 8100, "\u202e\ufffd" + HOSTILE])
def test_whatever_comes_is_text_and_cut(client: FlaskClient, register: Callable[..., str], value: str) -> None:
    other = "https://client.example.com/other"
    good = {"client_id": register(REDIRECT_URI), "redirect_uri": other, "post_logout_redirect_uri": other}
    for name in (*good, "scope", "response_type", "ui_locales", "anything"):
        for path in ("authorize", "logout"):
            page = client.get(f"/api/oauth/{path}", query_string={**good, name: value}, headers=ENGLISH)
            assert "<script>alert" not in page.text
            assert "<img src=x" not in page.text
            assert "\u202e" not in words(page)
            assert ">49" not in words(page)
            assert "a" * 2001 not in main_of(page)


def test_the_way_back_is_the_applications_own_page(client: FlaskClient, register: Callable[..., str]) -> None:
    shop = register(REDIRECT_URI, home_uri="https://client.example.com/start", name="Shop")
    page = ask(client, shop, redirect_uri="https://evil.test/")
    assert '<a class="btn btn-primary" href="https://client.example.com/start">Return to Shop</a>' in page.text
    assert 'href="https://evil.test' not in page.text
    assert "changed nothing" in words(page)


def test_the_page_speaks_korean(client: FlaskClient, register: Callable[..., str]) -> None:
    asked = {"client_id": register(REDIRECT_URI), "redirect_uri": REDIRECT_URI + "/", "ui_locales": "ko"}
    said = words(client.get("/api/oauth/authorize", query_string=asked))
    assert "다른 부분: 마지막 슬래시" in said
    assert "Differs" not in said
