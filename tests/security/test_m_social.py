"""Section M: callbacks of providers. What was not begun in this browser, or was answered before, logs nobody in.

RFC 9700 section 4.7. The stand-ins answer over real HTTP; who attacks has a browser and an account there too.
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.services.identities.requests import Way
from tests.clock import Clock
from tests.providers import NOBODY_THERE, Providers
from tests.relying_party import RelyingParty, add_client, add_person, log_in
from tests.security.answers import is_page
from tests.social.conftest import app, providers, shared_providers, traveller
from tests.social.travelling import NAMES, Traveller, path_of

__all__ = ["app", "providers", "shared_providers", "traveller"]
PREFIXES = ("/auth", "/api/v1/auth", "/api/auth")
OPENID = ("google", "acme")
HTTPS = {"PUBLIC_URL": "https://id.example.com"}
STATES = [None, "", "wrong", "x" * 5000, "ㄱ", "{other}", "{other}x", "' OR 1=1 --"]


def callback(name: str, prefix: str = "/auth", **query: str) -> str:
    return f"{prefix}/{name}/callback?{urlencode(query)}"


def parts(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def is_refused(response: TestResponse, status: int = 400) -> None:
    """A page that leads back, and no session."""
    markup = is_page(response, status)
    assert any(address.startswith(("/auth/", "/login")) for address in markup.addresses)
    names = {each.partition("=")[0].strip() for each in response.headers.getlist("Set-Cookie")}
    assert not {"portal_session", "portal_device", "last_provider"} & names


def answered(traveller: Traveller, name: str = "google", person: str = "kim") -> str:
    """Go to a provider; the path it sends one back to, which is not followed yet."""
    return path_of(traveller.providers[name].visit(traveller.depart(name), person))


# 216: a state that is missing, wrong, or another browser's


@pytest.mark.parametrize("state", STATES, ids=lambda state: str(state)[:12])
@pytest.mark.parametrize("name", NAMES)
def test_m216_a_callback_without_the_state_of_this_browser_is_refused(
    app: Flask, traveller: Traveller, name: str, state: str | None
) -> None:
    other = Traveller(app, traveller.providers)
    theirs, mine = parts(answered(other, name, "lee")), parts(answered(traveller, name))
    changed = {"code": mine["code"], **({} if state is None else {"state": state.format(other=theirs["state"])})}
    is_refused(traveller.browser.get(callback(name, **changed)))
    assert traveller.account is None
    # The code was shown to nobody, and the login that was begun can still be finished.
    assert not traveller.providers[name].of_kind("token")
    assert traveller.browser.get(callback(name, **mine)).status_code == 303


@pytest.mark.parametrize("prefix", PREFIXES)
def test_m216_the_answer_of_an_attacker_logs_nobody_in_as_the_attacker(
    app: Flask, providers: Providers, traveller: Traveller, prefix: str
) -> None:
    """Login CSRF: the attacker leads the victim to a callback of his own, with a good state and a good code."""
    traveller.join(traveller.log_in("google", person="lee"))
    trap = answered(traveller, "google", "lee").replace("/auth", prefix, 1)
    fresh, under_way = Traveller(app, providers), Traveller(app, providers)
    under_way.depart("google")
    for victim in (fresh, under_way):
        is_refused(victim.browser.get(trap))
        assert victim.account is None
    assert len(providers.google.of_kind("token")) == 1


def test_m216_nor_does_it_change_who_is_logged_in(app: Flask, traveller: Traveller) -> None:
    add_person(app)
    trap = answered(traveller)
    victim = Traveller(app, traveller.providers)
    log_in(victim.browser)
    before = victim.browser.get_cookie("portal_session")
    is_refused(victim.browser.get(trap))
    assert victim.browser.get_cookie("portal_session") == before
    assert victim.account is not None


def test_m216_the_browser_is_known_by_a_cookie_no_script_and_no_sibling_host_can_set(
    make_app: Callable[..., Flask], providers: Providers, traveller: Traveller
) -> None:
    plain = traveller.browser.get("/auth/kakao")
    (set_cookie,) = [each for each in plain.headers.getlist("Set-Cookie") if "provider=" in each]
    value = set_cookie.partition("=")[2].partition(";")[0]
    assert re.fullmatch(r"[\w-]{43}", value)
    assert value not in plain.location
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(set_cookie.split("; "))
    secure = make_app(**{**NOBODY_THERE, **HTTPS}).test_client()
    answer = secure.get("/auth/kakao", base_url="https://id.example.com")
    (set_cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if "provider=" in each]
    assert set_cookie.startswith("__Host-portal_provider=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(set_cookie.split("; "))
    assert "Domain=" not in set_cookie


def test_m216_a_cookie_that_was_planted_under_the_plain_name_is_not_read_on_https(
    make_app: Callable[..., Flask], providers: Providers
) -> None:
    """A neighbour below the same domain can set plain names; the prefix keeps ours to this very host."""
    app = make_app(**{**NOBODY_THERE, **HTTPS})
    attacker, victim = app.test_client(), app.test_client()
    base = "https://id.example.com"
    state = parts(attacker.get("/auth/kakao", base_url=base).location)["state"]
    stolen = attacker.get_cookie("__Host-portal_provider", domain="id.example.com")
    assert stolen
    victim.set_cookie("portal_provider", stolen.value, domain="id.example.com")
    refused = victim.get(callback("kakao", state=state, code="x"), base_url=base, headers={"Accept-Language": "en"})
    assert "begun in another browser" in refused.text


@pytest.mark.parametrize("planted", ["", "x", "x" * 43, "x" * 10_000, "%00", "a b", '"'])
def test_m216_a_made_up_cookie_is_no_browser(app: Flask, traveller: Traveller, planted: str) -> None:
    trap = answered(traveller)
    answer = app.test_client().get(trap, headers={"Cookie": f"portal_provider={planted}"})
    is_refused(answer)


def test_m216_a_session_that_was_planted_before_the_login_is_not_the_one_after_it(
    app: Flask, traveller: Traveller, providers: Providers
) -> None:
    traveller.join(traveller.log_in("google"))
    add_person(app)
    attacker = app.test_client()
    log_in(attacker)
    planted = attacker.get_cookie("portal_session")
    assert planted
    for value in (planted.value, "x" * 43):
        victim = Traveller(app, providers)
        victim.browser.set_cookie("portal_session", value)
        victim.log_in("google")
        after = victim.browser.get_cookie("portal_session")
        assert after
        assert after.value != value
        assert (victim.account or {})["full_name"] == providers.google.person("kim").name
        thief = Traveller(app, providers)
        thief.browser.set_cookie("portal_session", value)
        assert (thief.account or {}).get("full_name") != providers.google.person("kim").name


@pytest.mark.parametrize("query", ["state={state}&state={state}&code={code}", "state=x&state={state}&code={code}"])
def test_m216_a_state_that_stands_twice_is_none(traveller: Traveller, query: str) -> None:
    good = answered(traveller)
    is_refused(traveller.browser.get("/auth/google/callback?" + query.format(**parts(good))))
    assert not traveller.providers.google.of_kind("token")
    assert traveller.browser.get(good).status_code == 303


@pytest.mark.parametrize("query", ["state={state}&code={code}&code=x", "state={state}&code=x&code={code}"])
def test_m216_a_code_that_stands_twice_is_shown_to_nobody(traveller: Traveller, query: str) -> None:
    is_refused(traveller.browser.get("/auth/google/callback?" + query.format(**parts(answered(traveller)))))
    assert not traveller.providers.google.of_kind("token")


def test_m216_what_an_api_gave_to_begin_a_link_is_no_state(app: Flask, traveller: Traveller) -> None:
    user_id = add_person(app)
    log_in(traveller.browser)
    traveller.depart("google")
    with app.app_context():
        services = app.extensions["services"]
        ticket = services.provider_requests.issue_ticket("google", user_id, None, Way())
        services.db.commit()
    is_refused(traveller.browser.get(callback("google", state=ticket, code="x")))
    state = parts(traveller.depart("google"))["state"]
    assert traveller.browser.get(f"/auth/google?link={state}").status_code == 404


def test_m216_an_application_that_an_attacker_began_gets_nothing_of_the_victim(
    app: Flask, traveller: Traveller, providers: Providers
) -> None:
    """The attacker leads the victim to a login on behalf of his own request: its code goes to the victim's browser."""
    add_client(app, "spa")
    attacker = RelyingParty(app.test_client(), "spa")
    waiting = parts(attacker.authorize().location)["interaction"]
    traveller.join(traveller.log_in("google", query=f"interaction={waiting}"))
    answer = attacker.browser.get(f"/api/oauth/authorize/resume?interaction={waiting}")
    assert urlsplit(answer.location).path == "/login"
    assert "code=" not in answer.location


@pytest.mark.parametrize("prefix", PREFIXES)
def test_m216_who_only_looks_ahead_uses_nothing_up(app: Flask, traveller: Traveller, prefix: str) -> None:
    back = path_of(traveller.providers.google.visit(traveller.depart("google", prefix=prefix)))
    scanner = app.test_client()
    for method in ("HEAD", "GET", "OPTIONS"):
        assert scanner.open(back, method=method).status_code in {200, 400}
    assert scanner.head(f"{prefix}/google").status_code == 302
    assert not traveller.providers.google.of_kind("token")
    assert traveller.browser.get(back).status_code == 303


# 218: an answer counts once


@pytest.mark.parametrize("name", NAMES)
def test_m218_the_second_use_of_an_answer_is_refused(traveller: Traveller, name: str) -> None:
    back = answered(traveller, name)
    first = traveller.browser.get(back)
    assert first.status_code == 303
    is_refused(traveller.browser.get(back))
    assert len(traveller.providers[name].of_kind("token")) == 1


@pytest.mark.parametrize(("begun", "then"), [("/auth", "/api/auth"), ("/api/auth", "/auth"), ("/api/v1/auth", "/auth")])
def test_m218_under_another_prefix_it_is_the_same_answer(traveller: Traveller, begun: str, then: str) -> None:
    back = path_of(traveller.providers.google.visit(traveller.depart("google", prefix=begun)))
    assert traveller.browser.get(back.replace(begun, then, 1)).status_code == 303
    for prefix in PREFIXES:
        is_refused(traveller.browser.get(back.replace(begun, prefix, 1)))
    assert len(traveller.providers.google.of_kind("token")) == 1


def test_m218_a_code_of_another_login_is_of_no_use(app: Flask, traveller: Traveller, providers: Providers) -> None:
    """Code injection: the state is the victim's own, the code was stolen from somebody else's address bar."""
    traveller.join(traveller.log_in("google"))
    stolen = parts(answered(traveller))["code"]
    for name in ("google", "acme"):
        attacker = Traveller(app, providers)
        own = parts(attacker.depart(name))["state"]
        is_refused(attacker.browser.get(callback(name, state=own, code=stolen)))
        assert attacker.account is None


def test_m218_after_half_an_hour_there_is_nothing_to_answer(traveller: Traveller, clock: Clock) -> None:
    back = answered(traveller)
    clock.advance(minutes=30)
    is_refused(traveller.browser.get(back))
    assert not traveller.providers.google.of_kind("token")


# 219: an error of the provider


@pytest.mark.parametrize(
    "error", ["access_denied", "server_error", "<script>alert(1)</script>", "x" * 5000, "ㄱ\u202e"]
)
@pytest.mark.parametrize("name", NAMES)
def test_m219_nothing_of_an_error_is_repeated(traveller: Traveller, name: str, error: str) -> None:
    state = parts(traveller.depart(name))["state"]
    said = {"error_description": "<script>alert(2)</script>", "error_uri": "javascript:alert(3)"}
    answer = traveller.browser.get(callback(name, state=state, error=error, **said))
    is_page(answer, 200 if error == "access_denied" else 400)
    for text in ("alert(", "javascript:", error if error != "access_denied" else "alert("):
        assert text not in answer.text
    assert traveller.account is None
    assert not traveller.providers[name].of_kind("token")


def test_m219_an_error_beside_a_code_is_an_error(traveller: Traveller) -> None:
    good = parts(answered(traveller))
    is_page(traveller.browser.get(callback("google", **good, error="access_denied")), 200)
    assert traveller.account is None
    is_refused(traveller.browser.get(callback("google", **good)))


@pytest.mark.parametrize("query", ["iss={iss}&iss={iss}", "iss={iss}&iss=https://evil.test", "iss=", "iss={iss}/"])
def test_m218_who_answers_says_once_who_it_is(traveller: Traveller, query: str) -> None:
    good = parts(answered(traveller, "acme"))
    said = f"state={good['state']}&code={good['code']}&{query.format(iss=good['iss'])}"
    is_refused(traveller.browser.get(f"/auth/acme/callback?{said}"))
    assert not traveller.providers.acme.of_kind("token")


# 230: what is sent along


@pytest.mark.parametrize("name", NAMES)
def test_m230_requests_carry_pkce_and_where_there_is_an_id_token_a_nonce(traveller: Traveller, name: str) -> None:
    sent, again = parts(traveller.depart(name)), parts(traveller.depart(name))
    assert (sent["response_type"], sent["code_challenge_method"]) == ("code", "S256")
    assert re.fullmatch(r"[\w-]{43}", sent["code_challenge"])
    assert ("nonce" in sent) == (name in OPENID)
    random = {"state", "code_challenge"} | ({"nonce"} if name in OPENID else set())
    assert [each for each in random if sent[each] == again[each] or len(sent[each]) < 20] == []
    assert not {"client_secret", "code_verifier"} & set(sent)


@pytest.mark.parametrize("name", NAMES)
def test_m230_the_verifier_of_another_login_redeems_nothing(app: Flask, traveller: Traveller, name: str) -> None:
    """PKCE downgrade and injection end at the provider: it holds the code to the challenge it came with."""
    other = Traveller(app, traveller.providers)
    injected = {"state": parts(traveller.depart(name))["state"], "code": parts(answered(other, name))["code"]}
    is_refused(traveller.browser.get(callback(name, **injected)))
    assert traveller.account is None


# 231: a provider that is not configured


def addresses(name: str) -> list[tuple[str, str]]:
    """Method and path of all that a provider has."""
    of_pages = [("POST", f"/auth/{name}/{action}") for action in ("link", "confirm", "prove")]
    of_all = [("GET", f"{prefix}/{name}{end}") for prefix in PREFIXES for end in ("", "/callback")]
    return [*of_all, *of_pages]


@pytest.mark.parametrize("name", [*NAMES, "nobody", "GOOGLE", "google%20", "google%2f..", "any"])
def test_m231_a_provider_that_is_not_configured_has_no_address(make_app: Callable[..., Flask], name: str) -> None:
    app = make_app()
    add_person(app)
    browser = app.test_client()
    log_in(browser)
    for method, path in [*addresses(name), ("POST", "/auth/kakao/webhook"), ("GET", "/auth/kakao/webhook")]:
        assert browser.open(path, method=method, data={"user_id": "1"}).status_code == 404, path


@pytest.mark.parametrize("name", NAMES)
def test_m231_of_those_that_are_none_lends_its_addresses(
    make_app: Callable[..., Flask], providers: Providers, name: str
) -> None:
    mine = {key: value for key, value in providers.environment.items() if name.upper() not in key}
    mine["OIDC_PROVIDERS"] = "" if name == "acme" else "acme"
    browser = make_app(**mine).test_client()
    assert [browser.open(path, method=method).status_code for method, path in addresses(name)] == [404] * 9
    other = "kakao" if name != "kakao" else "naver"
    assert browser.get(f"/auth/{other}").status_code == 302


def test_m231_one_that_was_switched_off_meanwhile_answers_nobody(
    make_app: Callable[..., Flask], open_database: Callable[..., str], providers: Providers
) -> None:
    url = open_database()
    before = Traveller(make_app(url, **providers.environment), providers)
    back = answered(before)
    without = {key: value for key, value in providers.environment.items() if not key.startswith("GOOGLE")}
    after = Traveller(make_app(url, **without), providers)
    after.browser._cookies = before.browser._cookies
    assert after.browser.get(back).status_code == 404
    # Nor does another provider's address take what was begun with it.
    is_refused(after.browser.get(back.replace("google", "kakao")))
    assert not providers.google.of_kind("token")


@pytest.mark.parametrize("prefix", PREFIXES)
def test_m231_odd_ways_to_ask_begin_nothing(app: Flask, traveller: Traveller, prefix: str) -> None:
    browser: FlaskClient = app.test_client()
    for path in (f"{prefix}/google/", f"{prefix}/google/callback/", f"{prefix}//google", f"{prefix}/Google"):
        assert browser.get(path).status_code in {308, 404}, path
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert browser.open(f"{prefix}/google", method=method).status_code in {400, 405}
        assert browser.open(answered(traveller).replace("/auth", prefix, 1), method=method).status_code in {400, 405}
    with app.app_context():
        begun = app.extensions["services"].db.session.scalar(
            sa.text("SELECT count(*) FROM provider_requests WHERE answered_at IS NOT NULL")
        )
    assert begun == 0
