"""There and back with each provider: a first login makes an account, the next ones find it, and what waited goes on."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from tests.mailbox import received
from tests.providers import Providers
from tests.relying_party import RelyingParty, add_client, answer
from tests.social.travelling import NAMES, Traveller, fields_of, path_of

VERIFYING = ("google", "kakao", "discord", "acme")
"""Those that say of an e-mail that it was verified, and are believed."""
PREFIXES = ("/auth", "/api/v1/auth", "/api/auth")


def named(traveller: Traveller, name: str) -> str:
    """What a provider calls the person of most tests."""
    return traveller.providers[name].person("kim").name


@pytest.mark.parametrize("name", VERIFYING)
def test_a_first_login_says_what_it_will_make_and_makes_it(traveller: Traveller, name: str) -> None:
    response = traveller.log_in(name)
    page = traveller.browser.get(response.location).text
    assert fields_of(page)["name"] == named(traveller, name)
    assert "kim.minsu@example.com" in page
    assert 'href="/terms"' in page
    assert 'href="/privacy"' in page
    assert traveller.account is None
    made = traveller.join(response)
    assert (made.status_code, made.location) == (303, "/")
    account = traveller.account
    assert account is not None
    assert account["full_name"] == named(traveller, name)


@pytest.mark.parametrize("name", VERIFYING)
def test_the_next_login_finds_the_account(app: Flask, providers: Providers, traveller: Traveller, name: str) -> None:
    traveller.join(traveller.log_in(name), name="Another Name")
    again = Traveller(app, providers)
    response = again.log_in(name)
    assert (response.status_code, response.location) == (303, "/")
    account = again.account
    assert account is not None
    assert account["full_name"] == "Another Name"


def test_naver_says_nothing_of_verification_so_the_address_is_proven_by_a_code(traveller: Traveller) -> None:
    page = traveller.browser.get(traveller.log_in("naver").location)
    assert page.location.startswith("/join/email?")
    asked = traveller.browser.get(page.location).text
    assert fields_of(asked)["email"] == "kim.minsu@example.com"
    sent = traveller.send(page.location, email="kim.minsu@example.com")
    assert sent.location.startswith("/join/code?")
    assert "kim.minsu@example.com" in traveller.browser.get(sent.location).text
    (mail,) = received(traveller.app)
    assert (mail.template, mail.to) == ("email_code", "kim.minsu@example.com")
    assert re.fullmatch(r"\d{3} \d{3}", mail.values["code"])
    entered = traveller.send(sent.location, code=mail.values["code"])
    assert traveller.join(entered).location == "/"
    assert traveller.account is not None


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_prefix_leads_there_and_back_below_itself(traveller: Traveller, prefix: str) -> None:
    address = traveller.depart("google", prefix=prefix)
    redirect_uri = parse_qs(urlsplit(address).query)["redirect_uri"]
    assert redirect_uri == [f"http://localhost:8000{prefix}/google/callback"]
    response = traveller.come_back("google", address)
    assert response.request.path == f"{prefix}/google/callback"
    assert traveller.join(response).location == "/"


@pytest.mark.parametrize("name", NAMES)
def test_requests_carry_what_protects_them(traveller: Traveller, name: str) -> None:
    sent = {key: values[0] for key, values in parse_qs(urlsplit(traveller.depart(name)).query).items()}
    assert sent["code_challenge_method"] == "S256"
    assert len(sent["code_challenge"]) == 43
    assert len(sent["state"]) >= 43
    assert ("nonce" in sent) == (name in {"google", "acme"})
    other = parse_qs(urlsplit(traveller.depart(name)).query)
    assert other["state"] != [sent["state"]]
    assert other["code_challenge"] != [sent["code_challenge"]]


def test_what_the_provider_is_asked_for(traveller: Traveller) -> None:
    query = {name: parse_qs(urlsplit(traveller.depart(name)).query) for name in NAMES}
    assert query["google"]["access_type"] == ["offline"]
    assert query["google"]["scope"] == ["openid email profile"]
    assert query["discord"]["scope"] == ["identify email"]
    assert "scope" not in query["kakao"]
    assert "scope" not in query["naver"]
    traveller.log_in("naver")
    token = traveller.providers.naver.awaited("token").parameters
    assert token["state"]


@pytest.mark.parametrize("name", VERIFYING)
def test_the_application_that_waits_gets_its_code(app: Flask, traveller: Traveller, name: str) -> None:
    add_client(app, "spa")
    party = RelyingParty(traveller.browser, "spa")
    login = party.authorize()
    interaction = parse_qs(urlsplit(login.location).query)["interaction"][0]
    assert f"/auth/{name}?interaction={interaction}" in traveller.browser.get(login.location).text
    made = traveller.join(traveller.log_in(name, query=f"interaction={interaction}"))
    code = answer(traveller.browser.get(made.location))["code"]
    tokens = party.redeem(code).json
    assert tokens is not None
    told = party.userinfo(tokens["access_token"]).json
    assert told is not None
    assert (told["email"], told["email_verified"]) == ("kim.minsu@example.com", True)
    assert told["name"] == named(traveller, name)


def test_a_page_of_the_portal_is_gone_back_to(traveller: Traveller) -> None:
    traveller.join(traveller.log_in("google"))
    other = Traveller(traveller.app, traveller.providers)
    assert other.log_in("google", query="next=/account/sessions").location == "/account/sessions"
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        another = Traveller(traveller.app, traveller.providers)
        assert another.log_in("google", query=f"next={target}").location == "/"


def test_a_restart_meanwhile_loses_nothing(
    make_app: Callable[..., Flask], open_database: Callable[..., str], providers: Providers
) -> None:
    url = open_database()
    before = Traveller(make_app(url, **providers.environment), providers)
    address = before.depart("google")
    after = Traveller(make_app(url, **providers.environment), providers)
    after.browser._cookies = before.browser._cookies
    assert after.join(after.come_back("google", address)).location == "/"


def test_two_tabs_come_back_in_any_order(traveller: Traveller) -> None:
    first, second = traveller.depart("google"), traveller.depart("kakao")
    late = traveller.providers.google.visit(first)
    assert traveller.join(traveller.come_back("kakao", second, person="lee")).location == "/"
    assert traveller.browser.get(path_of(late)).status_code == 303


def test_the_browser_that_came_back_in_another_tab_is_the_same(app: Flask, traveller: Traveller) -> None:
    """A tab is no browser: cookies are shared, what a page remembers is not."""
    add_client(app, "spa")
    login = RelyingParty(traveller.browser, "spa").authorize()
    interaction = parse_qs(urlsplit(login.location).query)["interaction"][0]
    address = traveller.depart("google", f"interaction={interaction}")
    traveller.browser.get("/")
    assert traveller.join(traveller.come_back("google", address)).location.endswith(f"interaction={interaction}")


def cookie_life(traveller: Traveller) -> int | None:
    """Of the session's cookie: None, if it ends with the browser."""
    cookie = traveller.browser.get_cookie("portal_session")
    assert cookie is not None
    return cookie.max_age


@pytest.mark.parametrize(("query", "is_kept"), [("", False), ("remember=1", True)])
def test_who_asks_to_stay_logged_in_does(app: Flask, providers: Providers, query: str, is_kept: bool) -> None:
    first = Traveller(app, providers)
    first.join(first.log_in("google", query=query))
    assert (cookie_life(first) is not None) == is_kept
    second = Traveller(app, providers)
    second.log_in("google", query=query)
    assert (cookie_life(second) is not None) == is_kept


def test_nobody_stays_logged_in_where_the_operator_turned_that_off(
    make_app: Callable[..., Flask], providers: Providers
) -> None:
    traveller = Traveller(make_app(SESSION_REMEMBER_DAYS="0", **providers.environment), providers)
    traveller.join(traveller.log_in("google", query="remember=1"))
    assert cookie_life(traveller) is None


ANEW = {
    "google": {"prompt": "select_account", "max_age": "0"},
    "kakao": {"prompt": "login"},
    "naver": {"auth_type": "reauthenticate"},
    "discord": {"prompt": "consent"},
    "acme": {"prompt": "login", "max_age": "0"},
}


def waiting(app: Flask, traveller: Traveller, **asked: str) -> str:
    """A request of an application that waits for the traveller, as a part of the query."""
    add_client(app, "spa")
    login = RelyingParty(traveller.browser, "spa").authorize(**asked)
    return f"interaction={parse_qs(urlsplit(login.location).query)['interaction'][0]}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("asked", [{}, {"prompt": "login"}, {"max_age": "60"}], ids=["as it is", "login", "max_age"])
def test_what_an_application_wants_proven_anew_is_asked_of_the_provider(
    app: Flask, traveller: Traveller, name: str, asked: dict[str, str]
) -> None:
    query = parse_qs(urlsplit(traveller.depart(name, waiting(app, traveller, **asked))).query)
    sent = {key: query[key][0] for key in ANEW[name] if key in query}
    assert sent == (ANEW[name] if asked else {})


@pytest.mark.parametrize("name", ["google", "acme"])
@pytest.mark.parametrize(("asked", "status"), [({}, 303), ({"prompt": "login"}, 400), ({"max_age": "60"}, 400)])
def test_a_login_of_long_ago_there_is_none_where_one_is_to_be_proven_anew(
    app: Flask, traveller: Traveller, name: str, asked: dict[str, str], status: int
) -> None:
    traveller.providers[name].switch("old_login", True)
    assert traveller.log_in(name, query=waiting(app, traveller, **asked)).status_code == status
