"""Somebody who does not come in is told what happened, in constant words, and led back to what waits for them."""

import logging
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.clock import Clock
from tests.providers import Providers
from tests.relying_party import RelyingParty, add_client
from tests.social.travelling import NAMES, Traveller, path_of

BACK_CHANNEL_FAULTS = {"error": 502, "reset": 502, "html": 502, "huge": 502, "redirect": 502}
FORGED = (
    "aud",
    "azp",
    "iss",
    "nonce",
    "no_nonce",
    "expired",
    "none",
    "kid",
    "signature",
    "hs256",
    "alg",
    "at_hash",
    "sub",
)


@pytest.fixture
def waiting(app: Flask, traveller: Traveller) -> str:
    """An authorization request that waits for the traveller."""
    add_client(app, "spa")
    login = RelyingParty(traveller.browser, "spa").authorize()
    return parse_qs(urlsplit(login.location).query)["interaction"][0]


def is_way_back(response: TestResponse, interaction: str) -> bool:
    """Whether one click goes on with the request that waits."""
    links = re.findall(r'<a class="btn[^>]*href="([^"]+)"', response.text)
    return bool(links) and all(f"interaction={interaction}" in link for link in links)


def change(address: str, **values: str | None) -> str:
    """A callback's path with other parameters."""
    query = {name: found[0] for name, found in parse_qs(urlsplit(address).query).items()}
    query = {name: value for name, value in {**query, **values}.items() if value is not None}
    return urlsplit(address).path + "?" + "&".join(f"{name}={value}" for name, value in query.items())


@pytest.mark.parametrize("name", NAMES)
def test_a_person_who_cancels_goes_on_in_another_way(traveller: Traveller, waiting: str, name: str) -> None:
    response = traveller.log_in(name, query=f"interaction={waiting}", cancel="1")
    assert response.status_code == 200
    assert "Login cancelled" in response.text
    assert is_way_back(response, waiting)
    assert traveller.account is None


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable", "made_up", "x" * 300])
def test_what_a_provider_says_is_not_repeated(
    traveller: Traveller, providers: Providers, waiting: str, error: str
) -> None:
    providers.google.switch("refusal", error)
    response = traveller.log_in("google", query=f"interaction={waiting}")
    assert response.status_code == 400
    assert error not in response.text
    assert "alert(1)" not in response.text
    assert is_way_back(response, waiting)


@pytest.mark.parametrize(("fault", "status"), BACK_CHANNEL_FAULTS.items())
@pytest.mark.parametrize("name", NAMES)
def test_a_provider_that_fails_has_its_page(
    traveller: Traveller, providers: Providers, waiting: str, name: str, fault: str, status: int
) -> None:
    address = traveller.depart(name, f"interaction={waiting}")
    providers[name].switch(fault, "token")
    response = traveller.come_back(name, address)
    assert response.status_code == status
    assert is_way_back(response, waiting)
    assert traveller.account is None
    assert not re.search(r"169\.254|Traceback", response.text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", ["error", "html", "huge", "redirect", "reset"])
def test_so_has_one_that_fails_to_say_who_it_is(
    traveller: Traveller, providers: Providers, waiting: str, name: str, fault: str
) -> None:
    address = traveller.depart(name, f"interaction={waiting}")
    providers[name].switch(fault, "user")
    response = traveller.come_back(name, address)
    assert response.status_code in {400, 502}
    assert is_way_back(response, waiting)


@pytest.mark.parametrize("name", ["google", "acme"])
@pytest.mark.parametrize("kind", ["discovery", "keys"])
def test_so_has_one_whose_metadata_or_keys_are_away(
    traveller: Traveller, providers: Providers, waiting: str, name: str, kind: str
) -> None:
    if kind == "keys":
        address = traveller.depart(name, f"interaction={waiting}")
        providers[name].switch("error", kind)
        response = traveller.come_back(name, address)
    else:
        providers[name].switch("error", kind)
        response = traveller.browser.get(f"/auth/{name}?interaction={waiting}")
    assert response.status_code == 502
    assert is_way_back(response, waiting)


@pytest.mark.parametrize("name", NAMES)
def test_an_access_token_that_is_revoked_at_once_proves_nothing(
    traveller: Traveller, providers: Providers, name: str
) -> None:
    providers[name].switch("revoked", True)
    assert traveller.log_in(name).status_code == 400
    assert traveller.account is None


@pytest.mark.parametrize("name", ["google", "acme"])
@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_id_token_logs_nobody_in(
    app: Flask, traveller: Traveller, providers: Providers, waiting: str, name: str, forgery: str
) -> None:
    providers[name].switch("forged", forgery)
    response = traveller.log_in(name, query=f"interaction={waiting}")
    assert response.status_code == 400
    assert is_way_back(response, waiting)
    assert traveller.account is None
    providers[name].switch("forged", False)
    assert traveller.log_in(name).status_code == 303


@pytest.mark.parametrize("name", ["google", "acme"])
def test_an_id_token_that_is_missing_logs_nobody_in(traveller: Traveller, providers: Providers, name: str) -> None:
    providers[name].switch("forged", "absent")
    assert traveller.log_in(name).status_code == 400


@pytest.mark.parametrize(
    ("reason", "first", "second"),
    [
        ("cancelled", "/login", "/auth/google"),
        ("replayed", "/login", "/auth/google"),
        ("slow", "/auth/google", "/login"),
        ("another_browser", "/auth/google", "/login"),
        ("disabled", "/login", None),
    ],
)
def test_the_best_way_on_is_the_button_and_the_other_a_link(
    traveller: Traveller, waiting: str, reason: str, first: str, second: str | None
) -> None:
    page = traveller.browser.get(f"/auth/problem?reason={reason}&provider=google&interaction={waiting}").text
    step = page.partition("<h1>")[2].partition("</main>")[0]
    links = re.findall(r'<a (?:class="(btn)[^"]*" )?href="([^"?]+)\?interaction=([^"&]+)"', step)
    expected = [("btn", first), *([("", second)] if second else [])]
    assert [(style, path) for style, path, _ in links] == expected
    assert {interaction for *_, interaction in links} == {waiting}


@pytest.mark.parametrize(("reason", "is_told"), [("cancelled", False), ("gone", False), ("down", True)])
def test_a_code_for_help_stands_where_somebody_may_need_some(traveller: Traveller, reason: str, is_told: bool) -> None:
    page = traveller.browser.get(f"/auth/problem?reason={reason}&provider=google").text
    assert ("If you ask for help" in page) is is_told


# The state


@pytest.mark.parametrize("state", [None, "", "wrong", "x" * 5000, "%00", "ㄱ"])
def test_a_callback_with_a_wrong_state_leads_back(traveller: Traveller, waiting: str, state: str | None) -> None:
    address = traveller.depart("google", f"interaction={waiting}")
    back = traveller.providers.google.visit(address)
    response = traveller.browser.get(change(back, state=state))
    assert response.status_code == 400
    if state != "%00":
        assert is_way_back(response, waiting)
    assert traveller.account is None
    # It used nothing up.
    assert traveller.browser.get(path_of(back)).status_code == 303


def test_a_callback_nobody_waits_for_is_refused(traveller: Traveller) -> None:
    response = traveller.browser.get("/auth/google/callback?code=abc&state=def")
    assert response.status_code == 400
    assert "This login is not known here" in response.text


def test_an_answer_counts_once(app: Flask, traveller: Traveller, waiting: str) -> None:
    address = traveller.depart("google", f"interaction={waiting}")
    back = path_of(traveller.providers.google.visit(address))
    assert traveller.browser.get(back).status_code == 303
    again = traveller.browser.get(back)
    assert again.status_code == 400
    assert "This answer was used already" in again.text
    assert is_way_back(again, waiting)


def test_an_answer_of_another_browser_logs_nobody_in_and_stays_good(
    app: Flask, providers: Providers, traveller: Traveller, waiting: str
) -> None:
    back = path_of(providers.google.visit(traveller.depart("google", f"interaction={waiting}")))
    for victim in (Traveller(app, providers), Traveller(app, providers)):
        if victim:
            victim.depart("google")
        response = victim.browser.get(back)
        assert response.status_code == 400
        assert "This login was begun in another browser" in response.text
        assert is_way_back(response, waiting)
        assert victim.account is None
    assert traveller.browser.get(back).status_code == 303


@pytest.mark.parametrize(("begun", "answered"), [("google", "kakao"), ("kakao", "google"), ("acme", "google")])
def test_a_login_begun_with_one_and_answered_by_another_is_refused(
    traveller: Traveller, providers: Providers, waiting: str, begun: str, answered: str
) -> None:
    back = path_of(providers[begun].visit(traveller.depart(begun, f"interaction={waiting}")))
    response = traveller.browser.get(back.replace(f"/{begun}/", f"/{answered}/"))
    assert response.status_code == 400
    assert "The answer came from somewhere else" in response.text
    assert is_way_back(response, waiting)
    assert not providers[answered].of_kind("token")
    assert not providers[begun].of_kind("token")
    # The code was shown to somebody else's page: it is of no use any more.
    assert traveller.browser.get(back).status_code == 400


def test_who_answers_has_to_be_who_was_asked(traveller: Traveller, providers: Providers, waiting: str) -> None:
    providers.acme.switch("other_issuer", True)
    response = traveller.log_in("acme", query=f"interaction={waiting}")
    assert response.status_code == 400
    assert "The answer came from somewhere else" in response.text
    assert not providers.acme.of_kind("token")


def test_a_provider_that_says_who_it_is_must_say_it_each_time(traveller: Traveller, providers: Providers) -> None:
    back = providers.acme.visit(traveller.depart("acme"))
    assert "iss=" in back
    assert traveller.browser.get(change(back, iss=None)).status_code == 400


def test_after_half_an_hour_it_is_too_late(traveller: Traveller, waiting: str, clock: Clock) -> None:
    address = traveller.depart("google", f"interaction={waiting}")
    clock.advance(minutes=31)
    response = traveller.come_back("google", address)
    assert response.status_code == 400
    assert "This login took too long" in response.text
    assert is_way_back(response, waiting)


@pytest.mark.parametrize("code", ["", "x" * 5000, None])
def test_a_callback_without_a_usable_code_asks_nobody(
    traveller: Traveller, providers: Providers, waiting: str, code: str | None
) -> None:
    back = providers.google.visit(traveller.depart("google", f"interaction={waiting}"))
    assert traveller.browser.get(change(back, code=code)).status_code == 400
    assert not providers.google.of_kind("token")


def test_what_went_wrong_is_logged_without_what_was_sent(
    traveller: Traveller, providers: Providers, caplog: pytest.LogCaptureFixture
) -> None:
    providers.google.switch("forged", "aud")
    with caplog.at_level(logging.DEBUG):
        traveller.log_in("google")
    (record,) = [each for each in caplog.records if each.message == "provider_failed"]
    assert (record.provider, record.reason, record.detail) == ("google", "untrusted", "id_token")  # type: ignore[attr-defined]
    everything = "\n".join(
        f"{each.getMessage()} {each.__dict__}" for each in caplog.records if "urllib3" not in each.name
    )
    assert not [secret for secret in providers.secrets if secret in everything]


def test_a_page_can_be_loaded_again_and_read_in_another_language(traveller: Traveller, waiting: str) -> None:
    response = traveller.log_in("google", query=f"interaction={waiting}", cancel="1")
    own = re.search(r'data-page="([^"]+)"', response.text)
    assert own
    address = own[1].replace("&amp;", "&")
    assert address.startswith("/auth/problem?")
    assert "code=" not in response.text
    assert "state=" not in response.text
    again = traveller.browser.get(address)
    assert "Login cancelled" in again.text
    assert is_way_back(again, waiting)
    korean = traveller.browser.get(address, headers={"Accept-Language": "ko"})
    assert "로그인을 취소했습니다" in korean.text


@pytest.mark.parametrize(
    "query", ["", "reason=made_up", "reason=slow&purpose=made_up", "reason=%3Cscript%3E", "reason=slow&purpose="]
)
def test_such_a_page_says_nothing_of_its_own(traveller: Traveller, query: str) -> None:
    assert traveller.browser.get(f"/auth/problem?{query}").status_code == 404


def test_such_a_page_names_only_providers_that_are_there(traveller: Traveller) -> None:
    page = traveller.browser.get("/auth/problem?reason=slow&provider=%3Cscript%3Eevil&next=//evil.example")
    assert page.status_code == 504
    assert "evil" not in page.text.partition('id="language')[0]
