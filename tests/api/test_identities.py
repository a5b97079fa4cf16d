"""Identities at providers by the API: what is linked, a link that a browser makes, its end."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from flask import Flask

from app.models import AuditLog, Identity
from tests.api.linking import (
    PAGE,
    PROOF,
    app,
    in_browser,
    kim,
    linked,
    providers,
    requests_begun,
    rows,
    shared_providers,
    ticket,
    traveller,
)
from tests.api.people import FrontEnd, fields, refusal
from tests.clock import Clock
from tests.mailbox import received
from tests.providers import Providers
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, log_in
from tests.social.travelling import NAMES, Traveller, path_of

__all__ = ["app", "kim", "providers", "shared_providers", "traveller"]


# What is linked


def test_it_is_told_by_what_the_person_logs_in(traveller: Traveller, front: FrontEnd, providers: Providers) -> None:
    assert front.get("/identities", Accept_Language="en").json == {
        "has_password": True,
        "identities": [],
        "providers": [
            {"name": "google", "title": "Google"},
            {"name": "discord", "title": "Discord"},
            {"name": "kakao", "title": "Kakao"},
            {"name": "naver", "title": "Naver"},
            {"name": "acme", "title": providers.acme.title},
        ],
    }
    assert linked(traveller, front, "kakao") == f"{PAGE}kakao"
    told = front.get("/api/auth/identities", Accept_Language="ko").json
    assert [each["name"] for each in told["providers"]] == ["kakao", "naver", "google", "discord", "acme"]
    (identity,) = told["identities"]
    assert set(identity) == {
        *("id", "provider", "title", "email", "email_verified", "name", "created_at", "last_used_at"),
    }
    assert (identity["provider"], identity["title"]) == ("kakao", "카카오")
    assert (identity["email"], identity["email_verified"]) == ("kim.minsu@example.com", True)
    assert identity["name"] == providers.kakao.person("kim").name


def test_who_has_no_password_is_told_so(kim: FrontEnd) -> None:
    told = kim.get("/identities").json
    assert (told["has_password"], [each["provider"] for each in told["identities"]]) == (False, ["google"])


def test_an_address_is_told_only_where_the_token_covers_it(kim: FrontEnd) -> None:
    kim.token = RelyingParty(kim.browser, "spa").tokens(scope="openid profile")["access_token"]
    (identity,) = kim.get("/identities").json["identities"]
    assert (identity["email"], identity["email_verified"], identity["provider"]) == (None, None, "google")


def test_nobody_sees_what_another_has_linked(traveller: Traveller, front: FrontEnd, another: Any) -> None:
    linked(traveller, front)
    assert another("other@example.com").get("/identities").json["identities"] == []


def test_a_portal_without_providers_offers_none(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    add_person(app)
    end = FrontEnd(app)
    end.log_in()
    assert end.get("/identities").json == {"has_password": True, "identities": [], "providers": []}
    for name in NAMES:
        refusal(end.post(f"/link/{name}", PROOF), 404, "not_found")
        refusal(end.send("DELETE", f"/unlink/{name}", PROOF), 404, "not_found")


# A link


@pytest.mark.parametrize("provider", NAMES)
def test_a_browser_links_what_its_front_end_asked_for(
    app: Flask, ada: str, traveller: Traveller, front: FrontEnd, provider: str
) -> None:
    received(app)
    assert linked(traveller, front, provider) == f"{PAGE}{provider}"
    assert [(each.provider, each.user_id) for each in rows(app, Identity)] == [(provider, ada)]
    assert [(mail.template, mail.to) for mail in received(app)] == [("identity_linked", EMAIL)]
    assert front.is_logged_in()


def test_the_browser_goes_back_to_where_the_front_end_wants_it(traveller: Traveller, front: FrontEnd) -> None:
    away = traveller.browser.get(ticket(front, next="/account/security?tab=1"))
    assert traveller.come_back("google", away.location).location == "/account/security?tab=1"


@pytest.mark.parametrize(
    "target", ["https://evil.test/", "//evil.test/", "/\\evil.test", "account", "javascript:x", "/x\ny", " /", ""]
)
def test_it_goes_to_no_other_site(app: Flask, front: FrontEnd, target: str) -> None:
    assert set(fields(front.post("/link/google", {**PROOF, "next": target}))) == {"next"}
    assert requests_begun(app) == 0


@pytest.mark.parametrize("provider", ["nobody", "GOOGLE", "google%20", "..", "x" * 300])
def test_who_is_no_provider_cannot_be_linked(app: Flask, front: FrontEnd, provider: str) -> None:
    refusal(front.post(f"/link/{provider}", PROOF), 404, "not_found")
    assert requests_begun(app) == 0


def test_an_address_is_good_once(traveller: Traveller, front: FrontEnd) -> None:
    path = ticket(front)
    assert traveller.browser.get(path).status_code == 302
    assert traveller.browser.get(path).status_code == 404


def test_an_address_is_good_for_half_an_hour(traveller: Traveller, front: FrontEnd, clock: Clock) -> None:
    path = ticket(front)
    clock.advance(minutes=31)
    assert traveller.browser.get(path).status_code == 404


def test_an_address_leads_only_to_its_provider(traveller: Traveller, front: FrontEnd) -> None:
    path = ticket(front, "google")
    assert traveller.browser.get(path.replace("google", "kakao")).status_code == 404
    assert traveller.browser.get(path).status_code == 302


def test_an_address_is_of_no_use_to_another_person(app: Flask, front: FrontEnd, another: Any, ada: str) -> None:
    path = ticket(front)
    victim = another("other@example.com").browser
    assert victim.get(path).status_code == 404
    assert requests_begun(app) == 1
    # It was not used up, either.
    assert front.browser.get(path).status_code == 302


def test_an_address_asks_a_stranger_to_log_in_first(app: Flask, providers: Providers, front: FrontEnd) -> None:
    path = ticket(front)
    stranger = Traveller(app, providers)
    login = stranger.browser.get(path)
    assert login.location.startswith("/login?next=")
    log_in(stranger.browser, path=login.location)
    assert stranger.browser.get(path).status_code == 302


def test_an_address_names_nobody_and_no_token(front: FrontEnd, ada: str) -> None:
    query = parse_qs(urlsplit(ticket(front)).query)
    assert set(query) == {"link"}
    assert not {ada, front.token, EMAIL} & set(query["link"])


# The end of one


def test_a_link_ends(app: Flask, traveller: Traveller, front: FrontEnd) -> None:
    linked(traveller, front)
    received(app)
    response = front.send("DELETE", "/unlink/google", PROOF)
    assert (response.status_code, response.json["status"]) == (200, "success")
    assert rows(app, Identity) == []
    assert front.get("/identities").json["identities"] == []
    assert [(mail.template, mail.to) for mail in received(app)] == [("identity_unlinked", EMAIL)]
    refusal(front.send("DELETE", "/unlink/google", PROOF), 404, "not_found")


def test_sessions_that_came_of_it_end_but_that_of_the_token(
    app: Flask, traveller: Traveller, front: FrontEnd, providers: Providers
) -> None:
    linked(traveller, front)
    away = Traveller(app, providers)
    away.log_in("google")
    by_password = Traveller(app, providers)
    log_in(by_password.browser)
    assert away.account is not None
    assert front.send("DELETE", "/unlink/google", PROOF).status_code == 200
    assert away.account is None
    assert by_password.account is not None
    assert front.is_logged_in()


def test_of_two_identities_of_one_provider_one_can_be_ended(app: Flask, traveller: Traveller, front: FrontEnd) -> None:
    linked(traveller, front, person="kim")
    linked(traveller, front, person="lee")
    first, second = (each["id"] for each in front.get("/identities").json["identities"])
    refusal(front.send("DELETE", f"/unlink/kakao?identity_id={first}", PROOF), 404, "not_found")
    for unknown in (str(uuid4()), "x", "%27%20OR%201=1"):
        refusal(front.send("DELETE", f"/unlink/google?identity_id={unknown}", PROOF), 404, "not_found")
    assert front.send("DELETE", f"/unlink/google?identity_id={first}", PROOF).status_code == 200
    assert [each["id"] for each in front.get("/identities").json["identities"]] == [second]
    assert front.send("DELETE", "/unlink/google", PROOF).status_code == 200


def test_another_persons_link_cannot_be_ended(app: Flask, traveller: Traveller, front: FrontEnd, another: Any) -> None:
    linked(traveller, front)
    (theirs,) = rows(app, Identity)
    other = another("other@example.com")
    refusal(other.send("DELETE", "/unlink/google", PROOF), 404, "not_found")
    refusal(other.send("DELETE", f"/unlink/google?identity_id={theirs.id}", PROOF), 404, "not_found")
    assert len(rows(app, Identity)) == 1


def test_the_last_way_to_log_in_stays(app: Flask, providers: Providers, kim: FrontEnd) -> None:
    refusal(kim.send("DELETE", "/unlink/google"), 409, "last_way_in")
    kim_at = in_browser(app, providers, kim)
    away = kim.browser.get(path_of(kim.post("/link/kakao").json["authorization_url"]))
    kim_at.come_back("kakao", away.location)
    assert kim.send("DELETE", "/unlink/google").status_code == 200
    refusal(kim.send("DELETE", "/unlink/kakao"), 409, "last_way_in")
    assert [each.provider for each in rows(app, Identity)] == ["kakao"]


def test_a_provider_that_is_not_offered_any_more_can_be_unlinked(
    app: Flask, make_app: Callable[..., Flask], traveller: Traveller, front: FrontEnd
) -> None:
    linked(traveller, front)
    url = app.config["SQLALCHEMY_DATABASE_URI"].render_as_string(hide_password=False)
    later = FrontEnd(make_app(url))
    later.log_in()
    assert [each["title"] for each in later.get("/identities").json["identities"]] == ["Google"]
    assert later.send("DELETE", "/unlink/google", PROOF).status_code == 200


def test_what_changes_is_on_record(app: Flask, ada: str, traveller: Traveller, front: FrontEnd) -> None:
    linked(traveller, front)
    front.send("DELETE", "/unlink/google", PROOF)
    events = [each.action for each in rows(app, AuditLog) if each.user_id == ada]
    assert "account:identity:linked" in events
    assert "account:identity:unlinked" in events


# Addresses for browsers


@pytest.mark.parametrize("prefix", ["/api/v1/auth", "/api/auth"])
@pytest.mark.parametrize("origin", ["https://client.example.com", "https://max.example.com", "https://evil.test"])
def test_no_script_reads_where_a_browser_is_led(
    make_app: Callable[..., Flask], providers: Providers, prefix: str, origin: str
) -> None:
    app = make_app(CORS_ORIGINS="https://max.example.com", **providers.environment)
    add_client(app, "spa")
    wanted = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    for path in (f"{prefix}/google", f"{prefix}/google/callback?state=x&code=y", f"{prefix}/google?link=x"):
        browser = app.test_client()
        for answer in (browser.get(path, headers={"Origin": origin}), browser.options(path, headers=wanted)):
            assert [name for name, _ in answer.headers if name.lower().startswith("access-control")] == []
        assert browser.get(path).mimetype == "text/html"


def test_cookies_count_where_a_browser_is_led(app: Flask, traveller: Traveller, front: FrontEnd) -> None:
    path = ticket(front).replace("/auth/", "/api/v1/auth/")
    away = traveller.browser.get(path)
    assert away.status_code == 302
    assert traveller.come_back("google", away.location).location == f"{PAGE}google"


@pytest.mark.parametrize("prefix", ["/api/v1/auth", "/api/auth"])
def test_what_is_refused_there_is_a_page_for_people(app: Flask, prefix: str) -> None:
    browser = app.test_client()
    for path, status in (("google?interaction=gone", 410), ("google/callback?state=x", 400)):
        answer = browser.get(f"{prefix}/{path}", headers={"Accept-Language": "en"})
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
        assert "Content-Security-Policy" in answer.headers
    refusal(browser.get(f"{prefix}/nobody"), 404, "invalid_request")
