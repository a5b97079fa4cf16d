"""Identity providers on pages: what is set and what is missing, how each fares, and what a test of one finds."""

import json
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.services.record.usage import EVERYBODY, Use
from app.social import trials
from examples.providers import web
from examples.providers.openid import OpenIDProvider
from tests.account.browsing import Facts, send, shown
from tests.admin.offices import administrator
from tests.clock import Clock
from tests.providers import Providers, providers, shared_providers
from tests.social.travelling import Traveller

__all__ = ["providers", "shared_providers"]
PROVIDERS = "/admin/providers"


@pytest.fixture
def portal(make_app: Callable[..., Flask], providers: Providers) -> Flask:
    """With every provider."""
    return make_app(RATE_LIMIT_ENABLED="false", **providers.environment)


@pytest.fixture
def office(portal: Flask) -> FlaskClient:
    """Of the part alone."""
    return administrator(portal, "admin:system")


def pressed(office: FlaskClient, name: str) -> str:
    """The page after the button was pressed."""
    return shown(send(office, f"{PROVIDERS}/{name}/test", f"{PROVIDERS}/{name}"))


def outcomes(app: Flask, name: str) -> dict[str, str]:
    """How each check of the command ended."""
    answer = app.test_cli_runner().invoke(args=["identities", "test-provider", name, "--json"])
    found = {each["name"]: each["outcome"] for each in json.loads(answer.stdout)}
    assert answer.exit_code == ("failed" in found.values())
    return found


def failing(found: dict[str, str]) -> set[str]:
    return {name for name, outcome in found.items() if outcome == "failed"}


def test_every_provider_that_is_there_does_what_a_login_needs(portal: Flask, office: FlaskClient) -> None:
    for name in ("google", "acme"):
        assert outcomes(portal, name) == dict.fromkeys(trials.OPENID, "passed")
    for name in ("kakao", "discord"):
        assert outcomes(portal, name) == dict.fromkeys(trials.PLAIN, "passed")
    assert outcomes(portal, "naver") == {**dict.fromkeys(trials.PLAIN, "passed"), "credentials": "not_tested"}
    page = pressed(office, "acme")
    assert "No problem found" in page
    assert "It refused a code that was made up, and not the portal." in page
    rows = Facts(portal).all("SELECT actor, success, details FROM oauth_audit_logs WHERE action = 'provider:tested'")
    assert len(rows) == 6
    assert [row.actor for row in rows].count("operator") == 5
    assert all(row.success for row in rows)


@pytest.mark.parametrize(
    ("switch", "value", "failed", "words"),
    [
        ("metadata", "issuer", {"issuer"}, "The discovery document is of another issuer."),
        ("metadata", "lacking", {"addresses"}, "Missing: token_endpoint."),
        ("metadata", "inner", {"addresses"}, "Not by https: token_endpoint."),
        ("metadata", "list", {"discovery"}, "The answer could not be read."),
        ("html", "keys", {"keys"}, "The answer could not be read."),
        ("error", "keys", {"keys"}, "The server answered with the status 500."),
        ("huge", "discovery", {"discovery"}, "The answer was too long."),
        ("redirect", "keys", {"keys"}, "The server answered with the status 302."),
        ("error", "token", {"token"}, "The server answered with the status 500."),
        ("html", "token", {"token"}, "The answer could not be read."),
        ("reset", "discovery", {"discovery"}, "The server could not be reached."),
    ],
)
def test_what_is_wrong_with_an_openid_provider_is_said(
    portal: Flask, office: FlaskClient, providers: Providers, switch: str, value: str, failed: set[str], words: str
) -> None:
    providers.acme.switch(switch, value)
    assert failing(outcomes(portal, "acme")) == failed
    page = pressed(office, "acme")
    assert words in page
    assert "What to do:" in page
    assert "1 problem found" in page
    # Nobody is led to where a discovery document that is not its own points.
    if failed <= {"discovery", "issuer", "addresses"}:
        assert {each.kind for each in providers.acme.requests} == {"discovery"}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"keys": [{"kty": "RSA", "n": "?", "e": "AQAB"}]}, "a key in it is broken"),
        ({"keys": "none"}, "is no set of keys"),
        ({"keys": []}, "is no set of keys"),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ"}]}, "No key in it can verify its ID tokens."),
        ({}, "is no set of keys"),
    ],
)
def test_keys_that_are_of_no_use_are_told_apart(
    office: FlaskClient, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], words: str
) -> None:
    monkeypatch.setattr(OpenIDProvider, "keys", lambda self, request: web.as_json(keys))
    page = pressed(office, "acme")
    assert words in page
    assert "1 problem found" in page
    assert "c2VjcmV0" not in page


@pytest.mark.parametrize("address", ["https://[", "https:// ", "http://id.example.com/keys", "", "//", 7, ["x"]])
def test_whatever_a_discovery_document_names_is_told_and_breaks_nothing(
    portal: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch, address: Any
) -> None:
    told = {**providers.acme.metadata(), "jwks_uri": address, "id_token_signing_alg_values_supported": [{}, None, 7]}
    monkeypatch.setattr(providers.acme, "metadata", lambda: told)
    assert failing(outcomes(portal, "acme")) <= {"addresses", "signatures", "keys", "token"}
    assert outcomes(portal, "acme")["clock"] == "passed"


def test_one_that_signs_with_shared_secrets_only_is_told(
    portal: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {**providers.acme.metadata(), "id_token_signing_alg_values_supported": ["HS256", "none"]}
    monkeypatch.setattr(providers.acme, "metadata", lambda: told)
    assert failing(outcomes(portal, "acme")) == {"signatures"}


def test_a_provider_that_is_not_there_or_slow_takes_seconds_and_no_more(
    portal: Flask, office: FlaskClient, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    providers.kakao.stop()
    assert failing(outcomes(portal, "kakao")) == {"authorize", "token"}
    assert "The server could not be reached." in pressed(office, "kakao")
    monkeypatch.setattr(trials, "EACH_SECONDS", 0.3)
    providers.google.switch("hang")
    page = pressed(office, "google")
    assert "No answer came in time." in page
    assert "Let the portal’s network reach this provider" in page
    assert page.count("Not tried, for something before it did not hold.") == len(trials.OPENID) - 2
    monkeypatch.setattr(trials, "SECONDS", 0.0)
    assert set(outcomes(portal, "discord").values()) == {"not_tested"}


def test_a_wrong_secret_and_a_wrong_clock_are_noticed(
    portal: Flask, office: FlaskClient, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("google", "kakao", "naver", "discord", "acme"):
        monkeypatch.setattr(providers[name], "client_secret", "another")
        assert failing(outcomes(portal, name)) == {"credentials"}, name
    assert "the secret is another one" in pressed(office, "kakao")
    monkeypatch.setattr(web.Handler, "date_time_string", lambda self: formatdate(time.time() - 600, usegmt=True))
    assert failing(outcomes(portal, "discord")) == {"credentials", "clock"}


def test_no_secret_and_no_answer_is_on_any_page(portal: Flask, office: FlaskClient, providers: Providers) -> None:
    pages = [office.get(PROVIDERS).text]
    for name in providers.all:
        pages += [shown(office.get(f"{PROVIDERS}/{name}")), pressed(office, name)]
        assert f"http://localhost:8000/auth/{name}/callback" in pages[-2]
    for secret in providers.secrets:
        assert not any(secret in page for page in pages)
    assert "http://localhost:8000/auth/kakao/webhook" in shown(office.get(f"{PROVIDERS}/kakao"))
    assert "OIDC_ACME_TRUSTS_EMAIL trusts it so far" in shown(office.get(f"{PROVIDERS}/acme"))


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_how_a_provider_fares_is_counted(
    make_app: Callable[..., Flask], open_database: Callable[..., str], providers: Providers, clock: Clock, engine: str
) -> None:
    app = make_app(open_database(engine), RATE_LIMIT_ENABLED="false", **providers.environment)

    def written(logins: int) -> None:
        with app.app_context():
            services = app.extensions["services"]
            services.usage.count(EVERYBODY, Use.LOGIN, "google", by=logins)
            services.usage.write()

    written(2000)
    clock.advance(days=8)
    written(30)
    clock.advance(days=2)
    providers.google.switch("error", "token")
    Traveller(app, providers).log_in("google")
    written(4)
    office = administrator(app, "admin:system")
    page = re.sub(r"<[^>]+>", "", shown(office.get(f"{PROVIDERS}/google")))
    assert "24 hours: 4 · 7 days: 34 · 30 days: 2,034" in page
    assert "24 hours: 1 · 7 days: 1 · 30 days: 1" in page
    assert "It could not be reached, or had an error of its own." in page
    assert "None in 30 days" not in page
    assert page.count("Linked accounts") == 1
    assert "None in 30 days" in shown(office.get(f"{PROVIDERS}/acme"))
    assert ">34<" in office.get(PROVIDERS).text
    clock.advance(days=31)
    assert "None in 30 days" in shown(administrator(app, email="late@example.com").get(f"{PROVIDERS}/google"))


def test_one_that_is_not_there_says_what_to_set_and_cannot_be_tested(app: Flask) -> None:
    office = administrator(app)
    assert shown(office.get(PROVIDERS)).count("Not configured") == 4
    page = shown(office.get(f"{PROVIDERS}/naver"))
    assert "Set NAVER_CLIENT_ID and NAVER_CLIENT_SECRET" in page
    assert "http://localhost:8000/auth/naver/callback" in page
    assert "Test the provider" not in page
    assert send(office, f"{PROVIDERS}/naver/test", "/logout").status_code == 404
    assert office.get(f"{PROVIDERS}/nobody").status_code == 404
    answer = app.test_cli_runner().invoke(args=["identities", "test-provider", "naver"])
    assert answer.exit_code == 1
    assert "/admin/providers/kakao" in office.get("/admin/search?q=kakao").text


def test_one_that_is_gone_stands_there_while_anybody_is_linked_with_it(app: Flask) -> None:
    office = administrator(app)
    facts = Facts(app)
    person = facts.one("SELECT id FROM users WHERE email = 'office@example.com'")
    facts.do(
        "INSERT INTO identities (id, user_id, provider, issuer, subject, email, email_verified, profile, sealed_tokens,"
        " created_at, last_used_at) VALUES ('11111111-1111-4111-8111-111111111111', :person, 'former', '', 's', '',"
        " false, '{}', '', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
        person=person,
    )
    assert "Not configured any more" in shown(office.get(PROVIDERS))
    assert "Accounts are linked with it, and nobody can log in with it." in shown(office.get(f"{PROVIDERS}/former"))
