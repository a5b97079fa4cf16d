"""Where ``error_uri`` leads: a page that says how to mend the request, and to whom it tells more (RFC 6749 5.2)."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from app.oauth.parameters import FORM
from app.services.record.explanations import MOST_A_MINUTE, address, scope_names
from app.web.protocol.causes import CAUSES, COMMANDS, FACTS, FIXES
from app.web.protocol.topics import AUTHORIZATION, BY_DESCRIPTION, BY_ERROR, TOPICS
from tests.relying_party import CHALLENGE, ISSUER, REDIRECT_URI, VERIFIER, RelyingParty, add_person, log_in
from tests.security.assertions import Signer, jwk_of, jwks_of
from tests.security.parties import Parties, opened

DOORS = {"direct": FORM, "flask": f"{FORM}; charset=utf-8"}
KEY = ECKey.generate_key("P-256")
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def parties(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """The parties of this file, on each engine."""
    databases = request.getfixturevalue("sqlite_databases" if request.param == "sqlite" else "postgres_databases")
    with opened(databases, tmp_path_factory.mktemp("parties")) as found:
        yield found


@contextmanager
def later(parties: Parties, **span: float) -> Iterator[None]:
    """For a while it is later."""
    now = parties.clock.now
    parties.clock.now = now + timedelta(**span)
    try:
        yield
    finally:
        parties.clock.now = now


def asked(party: RelyingParty, door: str = "direct", **form: str | None) -> TestResponse:
    values = {name: value for name, value in form.items() if value is not None}
    if party.secret is None:
        values.setdefault("client_id", party.client_id)
    auth = (party.client_id, party.secret) if party.secret else None
    return party.browser.post("/api/oauth/token", data=values, auth=auth, content_type=DOORS[door])


def redeemed(party: RelyingParty, door: str = "direct", **changes: str | None) -> TestResponse:
    good = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    return asked(party, door, **{**good, "code": changes.get("code") or party.code(), **changes})


def place(refused: TestResponse) -> str:
    """The path of the page that an answer leads to."""
    assert refused.status_code in {400, 401}, refused.text
    uri = refused.json["error_uri"]
    assert uri.startswith(f"{ISSUER}/errors/")
    return urlsplit(uri).path


def page(parties: Parties, refused: TestResponse) -> str:
    """What a developer reads who follows the answer in a browser of its own."""
    found = parties.nobody.get(place(refused), headers={**ENGLISH, "Accept": "text/html"})
    assert (found.status_code, found.mimetype, found.headers["Cache-Control"]) == (200, "text/html", "no-store")
    return found.text


def told(parties: Parties, refused: TestResponse) -> dict[str, Any]:
    """The same for a program."""
    found = parties.nobody.get(place(refused), headers={**ENGLISH, "Accept": "application/json"})
    assert (found.status_code, found.mimetype) == (200, "application/json")
    return dict(found.json)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("changes", "check", "facts", "fix"),
    [
        ({"code_verifier": None}, "verifier_missing", {}, "send that very one as code_verifier"),
        ({"code_verifier": "short"}, "verifier_form", {"length": 5}, "A verifier has 43 to 128 characters"),
        ({"code_verifier": "x" * 43}, "verifier", {"length": 43}, "letters, digits, hyphens"),
        ({"code_verifier": CHALLENGE}, "verifier_is_challenge", {"length": 43}, "in the place of the verifier"),
        ({"redirect_uri": None}, "redirect_uri_missing", {"expected": REDIRECT_URI}, "Send the same redirect_uri"),
        (
            {"redirect_uri": "http://client.example.com/callback?code=secret-code&state=x"},
            "redirect_uri",
            {"sent": "http://client.example.com/callback?…", "expected": REDIRECT_URI},
            "without the code and state",
        ),
        ({"code": "never-was"}, "code_unknown", {}, "A code is good once"),
    ],
)
def test_a_proven_client_reads_what_was_wrong_with_its_code(
    parties: Parties, door: str, changes: dict[str, str | None], check: str, facts: dict[str, Any], fix: str
) -> None:
    refused = redeemed(parties.client(is_confidential=True), door, **changes)
    said = told(parties, refused)
    assert (said["error"], said["refusal"]["check"], said["refusal"]["facts"]) == ("invalid_grant", check, facts)
    assert said["refusal"]["request_id"] == refused.headers["X-Request-ID"]
    read = page(parties, refused)
    assert fix in read
    assert all(str(value) in read for value in facts.values())
    assert "secret-code" not in read


@pytest.mark.parametrize("door", DOORS)
def test_a_code_that_was_used_or_is_too_old_says_so_with_the_time(parties: Parties, door: str) -> None:
    party = parties.client(is_confidential=True)
    code = party.code()
    assert redeemed(party, door, code=code).status_code == 200
    with later(parties, seconds=7):
        used = told(parties, redeemed(party, door, code=code))["refusal"]
    assert (used["check"], used["facts"]) == ("code_used", {"seconds_ago": 7})
    code = party.code()
    with later(parties, seconds=75):
        expired = told(parties, redeemed(party, door, code=code))["refusal"]
    assert (expired["check"], expired["facts"]) == ("code_expired", {"seconds_ago": 15, "life": 60})


def test_refresh_tokens_say_what_became_of_them(parties: Parties) -> None:
    party = parties.client(is_confidential=True)
    tokens = party.tokens(scope="openid profile")
    wider = told(parties, party.refresh(tokens["refresh_token"], scope="openid email"))
    facts = {"sent": "email", "granted": "openid profile"}
    assert (wider["error"], wider["refusal"]["facts"]) == ("invalid_scope", facts)
    assert party.refresh(tokens["refresh_token"]).status_code == 200
    with later(parties, seconds=60):
        reused = told(parties, party.refresh(tokens["refresh_token"]))["refusal"]
        ended = told(parties, party.refresh(tokens["refresh_token"]))["refusal"]
    assert (reused["check"], reused["facts"], ended["check"]) == ("refresh_used", {"seconds_ago": 60}, "family_ended")


def test_scopes_and_grants_that_are_not_registered_are_named(parties: Parties) -> None:
    service = parties.client(is_confidential=True, grants=["client_credentials"], scopes=["admin:users"], redirects=[])
    secret_by_mistake = "gX8tT-0rQzP5"
    refused = asked(service, grant_type="client_credentials", scope=f"admin:oauth admin:users {secret_by_mistake}")
    assert told(parties, refused)["refusal"]["facts"] == {"sent": "admin:oauth …", "registered": "admin:users"}
    assert "registered for this client" in page(parties, refused)
    refused = asked(service, grant_type="refresh_token", refresh_token="x")
    facts = {"sent": "refresh_token", "registered": "client_credentials"}
    assert told(parties, refused)["refusal"]["facts"] == facts


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
def test_the_right_secret_by_the_wrong_method_is_told_so_at_every_endpoint(
    parties: Parties, path: str, door: str
) -> None:
    strict = parties.client(is_confidential=True, auth_method="client_secret_post")
    form = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
    auth = (strict.client_id, strict.secret or "")
    refused = parties.nobody.post(f"/api/oauth/{path}", data=form, auth=auth, content_type=DOORS[door])
    said = told(parties, refused)["refusal"]
    assert (said["check"], said["client_id"]) == ("method", strict.client_id)
    assert said["facts"] == {"sent": "client_secret_basic", "registered": "client_secret_post"}
    assert strict.secret not in page(parties, refused)
    wrong = parties.nobody.post(f"/api/oauth/{path}", data=form, auth=(strict.client_id, "x"), content_type=DOORS[door])
    assert place(wrong) == "/errors/client-authentication"


@pytest.mark.parametrize(
    ("claims", "check", "facts"),
    [
        (
            {"aud": "https://elsewhere.example.com/token?x=1"},
            "assertion_audience",
            {"sent": "https://elsewhere.example.com/token?…", "expected": ISSUER},
        ),
        ({"iat": None, "exp": -100}, "assertion_expired", {"seconds_ago": 100}),
        ({"iat": 90, "exp": 150}, "assertion_iat", {"seconds_ahead": 90}),
        ({"exp": 3600}, "assertion_lives_too_long", {"life": 3600, "longest": 300}),
        ({"jti": None}, "assertion_jti", {}),
    ],
)
def test_an_assertion_that_the_client_signed_says_what_is_wrong_with_it(
    parties: Parties, claims: dict[str, Any], check: str, facts: dict[str, Any]
) -> None:
    service = signer(parties)
    now = int(service.now())
    changed = {
        name: now + value if name in {"iat", "exp"} and value is not None else value for name, value in claims.items()
    }
    refused = parties.nobody.post("/api/oauth/token", data=service.form(service.assertion(**changed), **CREDENTIALS))
    said = told(parties, refused)["refusal"]
    parties_now = said["facts"].pop("now", now)
    assert abs(parties_now - now) <= 1
    assert (said["check"], {**facts, **said["facts"]}) == (check, said["facts"])
    assert CAUSES[check] in page(parties, refused)


CREDENTIALS = {"grant_type": "client_credentials"}


def signer(parties: Parties) -> Signer:
    """A service that signs, new for each test."""
    party = parties.client(
        is_confidential=True,
        auth_method="private_key_jwt",
        jwks=jwks_of(jwk_of(KEY)),
        grants=["client_credentials"],
        redirects=[],
        scopes=["admin:users"],
    )
    return Signer(party.client_id, KEY, lambda: parties.clock.now.timestamp())


def test_an_assertion_by_another_key_learns_nothing(parties: Parties) -> None:
    service = signer(parties)
    forged = service.assertion(key=ECKey.generate_key("P-256"), aud="https://elsewhere.example.com")
    refused = parties.nobody.post("/api/oauth/token", data=service.form(forged, **CREDENTIALS))
    assert place(refused) == "/errors/client-authentication"


@pytest.mark.parametrize("door", DOORS)
def test_who_did_not_prove_itself_gets_the_same_page_whatever_is_true(parties: Parties, door: str) -> None:
    spa, code, foreign = parties.client(), parties.spa.code(), parties.client(is_confidential=True).code()
    used = spa.code()
    assert redeemed(spa, door, code=used).status_code == 200
    with later(parties, seconds=70):
        grants = [redeemed(spa, door, code=each) for each in (code, foreign, used, spa.code(), "never-was")][:3]
        grants.append(redeemed(spa, door, code="never-was"))
    assert {answer.text for answer in grants} == {grants[0].text}
    assert place(grants[0]) == "/errors/code"
    people = [("web", "wrong"), ("nobody", "wrong"), (spa.client_id, "wrong")]
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    clients = [
        parties.nobody.post("/api/oauth/token", data=form, auth=each, content_type=DOORS[door]) for each in people
    ]
    assert {answer.text for answer in clients} == {clients[0].text}
    read = page(parties, clients[0])
    assert "Use the registered method" in read
    assert "What happened" not in read
    assert "refusal" not in told(parties, grants[0])


def test_a_public_client_is_told_by_the_topic_what_the_answer_said(parties: Parties) -> None:
    refused = redeemed(parties.spa, code_verifier=None)
    assert place(refused) == "/errors/verifier-missing"
    assert "send that very one as code_verifier" in page(parties, refused)


def test_nobody_is_told_of_a_code_or_token_of_another_client(parties: Parties) -> None:
    one, other = parties.client(is_confidential=True), parties.client(is_confidential=True)
    refused = [redeemed(other, code=code) for code in (one.code(), "never-was")]
    refused += [other.refresh(token) for token in (one.tokens()["refresh_token"], "never-was")]
    said = [told(parties, each)["refusal"] for each in refused]
    assert [(each["check"], each["facts"]) for each in said] == [
        ("code_unknown", {}),
        ("code_unknown", {}),
        ("refresh_unknown", {}),
        ("refresh_unknown", {}),
    ]


def test_it_is_forgotten_after_an_hour_and_under_any_other_address(parties: Parties) -> None:
    refused = redeemed(parties.client(is_confidential=True), code_verifier=None)
    known = place(refused)
    with later(parties, minutes=59):
        assert "What happened" in page(parties, refused)
    with later(parties, minutes=61):
        assert "is gone by now" in page(parties, refused)
    for path in (known[:-1] + ("A" if known[-1] != "A" else "B"), known.replace("verifier-missing", "code")):
        found = parties.nobody.get(path, headers=ENGLISH)
        assert (found.status_code, "What happened" in found.text) == (200, False)
    assert parties.nobody.get("/errors/never-was").status_code == 404


def test_what_is_kept_holds_no_secret_and_is_escaped(parties: Parties) -> None:
    party = parties.client(is_confidential=True)
    code = party.code()
    sent = "https://client.example.com/<script>alert(1)</script>"
    refused = redeemed(party, code=code, redirect_uri=sent)
    read = page(parties, refused)
    assert "<script>alert" not in read
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in read
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        found = services.explanations.find(place(refused).rpartition("/")[2])
    kept = json.dumps([found.cause.check, dict(found.cause.facts), found.client_id, found.topic])
    assert not any(secret in kept + read for secret in (code, party.secret or "-", VERIFIER, CHALLENGE))


def test_a_flood_of_mistakes_is_kept_up_to_a_limit_and_answered_all_the_same(parties: Parties) -> None:
    party = parties.client(is_confidential=True)
    answers = [asked(party, grant_type="refresh_token", refresh_token="x") for _ in range(MOST_A_MINUTE + 2)]
    assert all(answer.status_code == 400 for answer in answers)
    assert [place(answer).count("/") for answer in answers[-2:]] == [2, 2]
    assert place(answers[0]).count("/") == 3


def test_a_success_keeps_nothing(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []
    with parties.app.app_context():
        monkeypatch.setattr(parties.app.extensions["services"].explanations, "keep", lambda *about: kept.append(about))
    assert redeemed(parties.client(is_confidential=True)).status_code == 200
    assert kept == []


def test_every_page_is_there_in_both_languages(parties: Parties) -> None:
    assert {*BY_DESCRIPTION.values(), *BY_ERROR.values(), "request", AUTHORIZATION} == set(TOPICS)
    for topic, known in TOPICS.items():
        for tag in ("en", "ko"):
            found = parties.nobody.get(f"/errors/{topic}", headers={"Accept-Language": tag})
            assert (found.status_code, known.error in found.text) == (200, True)
            assert (known.title in found.text) == (tag == "en")


def test_only_what_may_be_kept_is_kept() -> None:
    assert address("https://a.example/b?code=1#x") == "https://a.example/b?…"
    assert address("https://a.example/b#token=1") == "https://a.example/b#…"
    assert address("https://user:password@a.example/") == "…"
    assert address("gX8tT-0rQzP5") == "…"
    assert address("https://[") == "…"
    assert len(address("https://a.example/" + "x" * 9000)) < 310
    assert scope_names({"openid", "read:profile", "eyJhbGciOiJFUzI1NiJ9", "0123", "ü"}) == "openid read:profile …"
    assert set(FACTS) >= {"sent", "expected", "registered", "granted", "length", "seconds_ago"}


LOCAL = "http://localhost:3010/cb"
AT_A_DESK: dict[str, dict[str, Any]] = {
    "in development": {"in_development": True},
    "on localhost": {"redirects": [REDIRECT_URI, LOCAL]},
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", AT_A_DESK)
def test_whoever_develops_a_public_client_reads_what_became_of_a_code(parties: Parties, kind: str, door: str) -> None:
    spa = parties.client(**AT_A_DESK[kind])
    code = spa.code()
    assert redeemed(spa, door, code=code).status_code == 200
    with later(parties, seconds=9):
        used = told(parties, redeemed(spa, door, code=code))["refusal"]
    assert (used["check"], used["facts"], used["client_id"]) == ("code_used", {"seconds_ago": 9}, spa.client_id)
    code = spa.code()
    with later(parties, seconds=61):
        expired = told(parties, redeemed(spa, door, code=code))["refusal"]
    assert (expired["check"], expired["facts"]) == ("code_expired", {"seconds_ago": 1, "life": 60})
    assert "as soon as it is there" in expired["fix"]
    # A code of another client is told like one that never was.
    for foreign in (parties.spa.code(), "never-was"):
        assert told(parties, redeemed(spa, door, code=foreign))["refusal"]["check"] == "code_unknown"


def test_a_client_that_was_stopped_is_told_nothing_though_it_is_in_development(parties: Parties) -> None:
    client = parties.client(is_confidential=True, in_development=True)
    auth = (client.client_id, "wrong")
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    assert told(parties, parties.nobody.post("/api/oauth/token", data=form, auth=auth))["refusal"]["check"] == "secret"
    assert parties.run("clients", "disable", client.client_id).exit_code == 0
    for secret in ("wrong", client.secret or ""):
        refused = parties.nobody.post("/api/oauth/token", data=form, auth=(client.client_id, secret))
        assert place(refused) == "/errors/client-authentication"


@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
def test_a_wrong_secret_is_told_by_its_length_and_never_shown(parties: Parties, path: str) -> None:
    client = parties.client(is_confidential=True, in_development=True)
    sent = " wrong-secret-of-somebody\n"
    form = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
    refused = parties.nobody.post(f"/api/oauth/{path}", data=form, auth=(client.client_id, sent))
    said = told(parties, refused)["refusal"]
    facts = {"sent": "client_secret_basic", "registered": "client_secret", "length": len(sent), "spaces": 2}
    assert (said["check"], said["facts"]) == ("secret", facts)
    read = page(parties, refused)
    assert not any(secret in read for secret in (sent.strip(), client.secret or "-"))
    assert f"clients rotate-secret -- {client.client_id}" in read


def challenged(parties: Parties, refused: TestResponse) -> tuple[str, dict[str, Any]]:
    """Where a challenge leads, and what a program reads there."""
    (uri,) = re.findall(r'error_uri="([^"]*)"', refused.headers["WWW-Authenticate"])
    path = urlsplit(uri).path
    return path, dict(parties.nobody.get(path, headers={**ENGLISH, "Accept": "application/json"}).json)


DOORS_OF_TOKENS = ("/api/oauth/userinfo", "/api/v1/auth/me", "/api/admin/oauth/service/clients")


@pytest.mark.parametrize("path", DOORS_OF_TOKENS)
def test_the_holder_of_a_token_reads_what_it_says_at_every_door(parties: Parties, path: str) -> None:
    party = parties.client(is_confidential=True)
    tokens, now = party.tokens(), int(parties.clock.now.timestamp())

    def asked_with(token: str) -> tuple[str, dict[str, Any]]:
        refused = parties.nobody.get(path, headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 401
        where, said = challenged(parties, refused)
        read = parties.nobody.get(where, headers={**ENGLISH, "Accept": "text/html"}).text
        assert token not in read
        return where, said

    _, said = asked_with(tokens["id_token"])
    facts = {"kind": "JWT", "sent": party.client_id, "expected": ISSUER}
    assert (said["error"], said["refusal"]["check"], said["refusal"]["facts"]) == ("invalid_token", "token_kind", facts)
    with later(parties, seconds=3600):
        _, said = asked_with(tokens["access_token"])
        exp = said["refusal"]["facts"]["exp"]
        assert (said["refusal"]["check"], exp - now) == ("token_expired", 3600)
        assert said["refusal"]["facts"]["now"] - exp == said["refusal"]["facts"]["seconds_ago"] == 0
    # What the portal knows about it besides is told to nobody: that it was ended, for one.
    assert (
        parties.nobody.post(
            "/api/oauth/revoke", data={"token": tokens["access_token"]}, auth=(party.client_id, party.secret or "")
        ).status_code
        == 200
    )
    for token in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"][:-4] + "AAAA", "x.y.z"):
        where, said = asked_with(token)
        assert (where, "refusal" in said) == ("/errors/token", False)


def test_a_browser_that_names_no_scope_of_the_client_reads_which_there_are(parties: Parties) -> None:
    spa = parties.client(in_development=True, scopes=["openid", "profile", "admin:oauth"])
    for mode in ("query", "fragment"):
        location = spa.authorize(scope="nothing:here gX8tT-0rQzP5", response_mode=mode).location
        (uri,) = parse_qs(urlsplit(location.replace("#", "?")).query)["error_uri"]
        said = parties.nobody.get(urlsplit(uri).path, headers={**ENGLISH, "Accept": "application/json"}).json
        facts = {"sent": "nothing:here …", "registered": "openid profile"}
        assert (said["refusal"]["check"], said["refusal"]["facts"]) == ("authorization_scope", facts)


def test_what_goes_to_an_application_says_no_more_because_an_administrator_is_logged_in(parties: Parties) -> None:
    add_person(parties.app, "root@example.com", is_admin=True)
    browser = parties.app.test_client()
    assert log_in(browser, email="root@example.com").status_code == 303
    shop = RelyingParty(browser, parties.client().client_id)
    (uri,) = parse_qs(urlsplit(shop.authorize(scope="nothing:here").location).query)["error_uri"]
    assert uri == f"{ISSUER}/errors/scope"


def test_each_cause_says_what_happened_and_most_what_mends_it() -> None:
    assert set(FIXES) | set(COMMANDS) <= set(CAUSES)
    # Of these the checks of the topic say what to do.
    assert set(CAUSES) - set(FIXES) == {"person_inactive", "refresh_repeated_too_often", "assertion_header"}
