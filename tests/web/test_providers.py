"""Buttons of identity providers: those that are there, whole words, in the order of the language, the request kept."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask, make_response
from flask.testing import FlaskClient

from app.web.providers import provider_title, remember_provider
from tests.providers import NOBODY_THERE
from tests.relying_party import RelyingParty, add_client, add_person, csrf_token, log_in
from tests.web.test_in_app_browsers import BY_THEMSELVES, INSIDE

ORDERS = {"ko": ["kakao", "naver", "google", "discord", "acme"], "en": ["google", "discord", "kakao", "naver", "acme"]}
WORDS = {
    "ko": ["카카오로 계속하기", "네이버로 계속하기", "Google로 계속하기", "Discord로 계속하기", "Acme ID로 계속하기"],
    "en": [f"Continue with {title}" for title in ("Google", "Discord", "Kakao", "Naver", "Acme ID")],
}
BUTTON = re.compile(r'<a class="btn provider [^"]*" href="/auth/([^"?]+)\??([^"]*)">(.*?)</a>', re.DOTALL)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(**NOBODY_THERE)


def buttons(text: str) -> list[tuple[str, str, str]]:
    """The name, the query and the words of each button on a page."""
    return [
        (name, unescape(query), " ".join(unescape(re.sub(r"<[^>]*>", " ", words)).split()))
        for name, query, words in BUTTON.findall(text)
    ]


def names(text: str) -> list[str]:
    return [name for name, *_ in buttons(text)]


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", ["/login", "/register"])
def test_they_stand_in_the_order_of_the_language_with_whole_words(
    client: FlaskClient, path: str, language: str
) -> None:
    shown = buttons(client.get(path, headers={"Accept-Language": language}).text)
    assert [name for name, *_ in shown] == ORDERS[language]
    assert [words for *_, words in shown] == WORDS[language]


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_with_no_provider_nothing_of_them_is_there(make_app: Callable[..., Flask], path: str) -> None:
    page = make_app().test_client().get(path).text
    assert "provider" not in page
    assert 'class="or"' not in page


def test_only_those_that_are_configured_are_there(make_app: Callable[..., Flask]) -> None:
    some = dict.fromkeys(("KAKAO_REST_API_KEY", "KAKAO_CLIENT_SECRET", "DISCORD_CLIENT_ID"), "x")
    app = make_app(**some, DISCORD_CLIENT_SECRET="x")
    assert names(app.test_client().get("/login").text) == ["kakao", "discord"]


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_the_request_that_waits_goes_along(app: Flask, client: FlaskClient, path: str) -> None:
    add_client(app, "board")
    asked = RelyingParty(client, "board").authorize()
    interaction = asked.location.partition("interaction=")[2]
    for _, query, _ in buttons(client.get(f"{path}?interaction={interaction}").text):
        assert query == f"interaction={interaction}"


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_the_page_one_came_from_goes_along_and_none_of_another_host(client: FlaskClient, path: str) -> None:
    page = client.get(f"{path}?next=/account/profile?a=b").text
    assert {query for _, query, _ in buttons(page)} == {"next=/account/profile?a%3Db"}
    for elsewhere in ("https://evil.test/", "//evil.test", "/\\evil.test"):
        page = client.get(path, query_string={"next": elsewhere}).text
        assert {query for _, query, _ in buttons(page)} == {""}


def test_who_chooses_an_account_may_come_in_by_another(app: Flask, client: FlaskClient) -> None:
    add_person(app)
    log_in(client)
    shown = buttons(client.get("/select-account?next=/terms", headers={"Accept-Language": "en"}).text)
    assert [(name, query) for name, query, _ in shown] == [(name, "next=/terms") for name in ORDERS["en"]]


def test_they_stay_when_the_form_comes_back(client: FlaskClient) -> None:
    form = {"csrf_token": csrf_token(client, "/login"), "email": "ada@example.com", "password": "wrong"}
    assert len(names(client.post("/login", data=form).text)) == 5


@pytest.mark.parametrize("name", ORDERS["ko"])
def test_the_one_that_was_used_last_says_so(app: Flask, client: FlaskClient, name: str) -> None:
    with app.test_request_context():
        response = make_response("")
        remember_provider(response, name)
    kept, *rules = response.headers["Set-Cookie"].split("; ")
    assert kept == f"last_provider={name}"
    assert {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=31536000"} <= set(rules)
    client.set_cookie("last_provider", name)
    shown = buttons(client.get("/login", headers={"Accept-Language": "en"}).text)
    assert [each for each, _, words in shown if words.endswith("Last used")] == [name]
    assert [each for each, *_ in shown] == ORDERS["en"]


@pytest.mark.parametrize("value", ["", "okta", "kakao,naver", "<script>", "KAKAO", "x" * 4000])
def test_a_cookie_that_names_no_provider_marks_none(client: FlaskClient, value: str) -> None:
    client.set_cookie("last_provider", value)
    page = client.get("/login", headers={"Accept-Language": "en"}).text
    assert len(names(page)) == 5
    assert "Last used" not in page
    assert "<script>" not in page.replace('<script type="module"', "")


def test_a_provider_that_is_gone_still_has_a_name(app: Flask, make_app: Callable[..., Flask]) -> None:
    for portal, acme in ((app, "Acme ID"), (make_app(), "Acme")):
        with portal.test_request_context(headers={"Accept-Language": "ko"}):
            known = [provider_title(name) for name in ("kakao", "naver", "google", "discord", "acme")]
            assert known == ["카카오", "네이버", "Google", "Discord", acme]


def test_a_name_of_an_operator_is_text_and_is_cut(make_app: Callable[..., Flask]) -> None:
    app = make_app(**{**NOBODY_THERE, "OIDC_ACME_NAME": "<b>Acme & International Identity Services</b>"})
    (words,) = [words for name, _, words in buttons(app.test_client().get("/login").text) if name == "acme"]
    assert words.startswith("<b>Acme & Internati…")


@pytest.mark.parametrize("app_name", INSIDE)
def test_inside_an_app_googles_button_gives_way_to_the_way_out(client: FlaskClient, app_name: str) -> None:
    for user_agent in INSIDE[app_name]:
        page = client.get("/login?next=/terms", headers={"Accept-Language": "en", "User-Agent": user_agent}).text
        assert names(page) == ["discord", "kakao", "naver", "acme"]
        assert f"Google does not allow logging in inside {app_name}." in page
        assert ">http://localhost:8000/login?next=/terms</code>" in page
        assert ("Open in your browser" in page) == ('href="intent:' in page or "External" in page)
        assert ("Choose “Open in browser”" in page) != ("Open in your browser" in page)


def test_no_other_address_gets_into_the_way_out(client: FlaskClient) -> None:
    headers = {"User-Agent": INSIDE["KakaoTalk"][0], "Accept-Language": "en", "Host": "evil.test"}
    hosts = set(re.findall(r"url=http%3A%2F%2F([^%\"]*)", client.get("/login", headers=headers).text))
    assert hosts <= {"localhost"}
    page = client.get('/login?next=/"><script>&token=secret', headers={**headers, "Host": "localhost:8000"}).text
    assert "secret" not in page.partition('class="outside"')[2].partition("</div>")[0]
    assert "<script>" not in page.replace('<script type="module"', "")


@pytest.mark.parametrize("user_agent", BY_THEMSELVES.values(), ids=BY_THEMSELVES)
def test_a_browser_of_its_own_has_googles_button(client: FlaskClient, user_agent: str) -> None:
    page = client.get("/login", headers={"User-Agent": user_agent}).text
    assert "google" in names(page)
    assert "outside" not in page
