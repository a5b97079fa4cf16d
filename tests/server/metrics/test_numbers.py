"""Each number moves by the action it names, by nothing that was taken back, and by nothing that was sent."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from app.server.metrics import exposition, meters, state
from app.server.metrics.families import FAMILIES
from app.services.delivery.outbox import DeliveryFailed
from app.services.foundation.environment import NOBODY
from app.services.record.audit import Event
from app.services.record.tally import Fact
from tests.clock import Clock
from tests.relying_party import EMAIL, NAME, PASSWORD, RelyingParty, add_client, add_person, log_in
from tests.server.metrics.reading import Reading
from tests.servers import RedisServer, running

LABEL = re.compile(r"[\w:./<>%-]*", re.ASCII)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every scrape look anew, and wait for the database as long as a slow machine needs."""
    monkeypatch.setattr(exposition, "KEPT_SECONDS", -1.0)
    monkeypatch.setattr(state, "FRESH_SECONDS", -1.0)
    monkeypatch.setattr(state, "PATIENCE_SECONDS", 60.0)


def read(app: Flask) -> Reading:
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    return Reading(answer.text)


@pytest.fixture
def web(app: Flask) -> RelyingParty:
    """A confidential client in the browser of a person who is logged in."""
    add_person(app)
    secret = add_client(app, "web", is_confidential=True, grants=["authorization_code", "refresh_token"])
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    return RelyingParty(browser, "web", secret)


def repeat(web: RelyingParty) -> None:
    token = web.tokens()["refresh_token"]
    assert web.refresh(token).json["refresh_token"] == web.refresh(token).json["refresh_token"]


def reuse(web: RelyingParty) -> None:
    token = web.tokens()["refresh_token"]
    web.refresh(web.refresh(token).json["refresh_token"])
    assert web.refresh(token).status_code == 400


def show_elsewhere(web: RelyingParty) -> None:
    app = web.browser.application
    other = RelyingParty(web.browser, "other", add_client(app, "other", is_confidential=True))
    assert other.refresh(web.tokens()["refresh_token"]).status_code == 400


def serve(web: RelyingParty) -> None:
    app = web.browser.application
    given = {"redirects": [], "scopes": ["admin:oauth"], "grants": ["client_credentials"], "is_confidential": True}
    service = RelyingParty(web.browser, "service", add_client(app, "service", **given))
    assert service.token(grant_type="client_credentials").status_code == 200


def end_all(web: RelyingParty) -> None:
    services, app = web.browser.application.extensions["services"], web.browser.application
    assert log_in(app.test_client()).status_code == 303
    with app.app_context():
        assert services.sessions.end_all(services.accounts.find(EMAIL).id, "logout_all", NOBODY) == 2
        services.db.commit()


def deliver(web: RelyingParty, failure: DeliveryFailed | None = None) -> None:
    services = web.browser.application.extensions["services"]
    with web.browser.application.app_context():
        services.outbox.add("a_kind", {}, life=timedelta(days=1))
        services.db.commit()
        (due,) = services.outbox.claim(["a_kind"], 1)
        services.outbox.failed(due, failure) if failure else services.outbox.done(due)
        services.db.commit()


def use_api(web: RelyingParty) -> None:
    said = {"email": EMAIL, "password": PASSWORD}
    assert web.browser.post("/api/v1/auth/login", json=said).status_code == 200


# What is done, and by how much each of these numbers moves.
MOVES: dict[str, tuple[Callable[[RelyingParty], object], list[tuple[str, dict[str, str], float]]]] = {
    "a code is redeemed": (
        lambda web: web.tokens(),
        [
            ("portal_tokens_total", {"grant": "authorization_code", "result": "issued"}, 1),
            ("portal_tokens_total", {}, 1),
            ("portal_events_total", {}, 0),
            ("portal_http_requests_total", {"method": "POST", "route": "/api/oauth/token", "status": "2xx"}, 1),
            ("portal_http_request_duration_seconds_count", {"route": "/api/oauth/token"}, 1),
            ("portal_denials_total", {}, 0),
        ],
    ),
    "a code is no code": (
        lambda web: web.redeem("none"),
        [
            ("portal_tokens_total", {"grant": "authorization_code", "result": "invalid_grant"}, 1),
            ("portal_denials_total", {"endpoint": "token", "error": "invalid_grant"}, 1),
            ("portal_http_requests_total", {"route": "/api/oauth/token", "status": "4xx"}, 1),
        ],
    ),
    "a grant is none": (
        lambda web: web.token(grant_type="x" * 40),
        [("portal_tokens_total", {"grant": "other", "result": "unsupported_grant_type"}, 1)],
    ),
    "a secret is wrong": (
        lambda web: RelyingParty(web.browser, "web", "wrong").redeem("none"),
        [
            ("portal_tokens_total", {"grant": "authorization_code", "result": "invalid_client"}, 1),
            ("portal_events_total", {"event": "oauth:client:authentication_failed", "result": "invalid_client"}, 1),
        ],
    ),
    "a refresh is repeated": (
        repeat,
        [
            ("portal_refresh_tokens_total", {"outcome": "rotated"}, 1),
            ("portal_refresh_tokens_total", {"outcome": "repeated"}, 1),
            ("portal_tokens_total", {"grant": "refresh_token", "result": "issued"}, 2),
        ],
    ),
    "a refresh is reused": (
        reuse,
        [
            ("portal_refresh_tokens_total", {"outcome": "rotated"}, 2),
            ("portal_refresh_tokens_total", {"outcome": "reused"}, 1),
            ("portal_tokens_total", {"grant": "refresh_token", "result": "invalid_grant"}, 1),
        ],
    ),
    "a refresh token is another client's": (
        show_elsewhere,
        [("portal_refresh_tokens_total", {"outcome": "foreign"}, 1)],
    ),
    "a service gets its token": (
        serve,
        [("portal_tokens_total", {"grant": "client_credentials", "result": "issued"}, 1)],
    ),
    "the portal's own API is used": (
        use_api,
        [
            ("portal_tokens_total", {"grant": "first_party", "result": "issued"}, 1),
            ("portal_logins_total", {"provider": "password", "result": "succeeded"}, 1),
        ],
    ),
    "somebody logs in": (
        lambda web: log_in(web.browser.application.test_client()),
        [
            ("portal_logins_total", {"provider": "password", "result": "succeeded"}, 1),
            ("portal_logins_total", {}, 1),
            ("portal_sessions_started_total", {"kind": "new"}, 1),
        ],
    ),
    "a password is wrong": (
        lambda web: log_in(web.browser.application.test_client(), password="wrong"),
        [
            ("portal_logins_total", {"provider": "password", "result": "wrong_credentials"}, 1),
            ("portal_sessions_started_total", {}, 0),
        ],
    ),
    "all are logged out": (end_all, [("portal_sessions_ended_total", {"reason": "logout_all"}, 2)]),
    "a mail arrives": (deliver, [("portal_deliveries_total", {"kind": "a_kind", "result": "arrived"}, 1)]),
    "a mail does not": (
        lambda web: deliver(web, DeliveryFailed("refused")),
        [
            ("portal_deliveries_total", {"kind": "a_kind", "result": "failed"}, 1),
            ("portal_deliveries_waiting", {"kind": "a_kind", "state": "failing"}, 1),
        ],
    ),
    "a mail never will": (
        lambda web: deliver(web, DeliveryFailed("refused", is_final=True)),
        [
            ("portal_deliveries_total", {"kind": "a_kind", "result": "given_up"}, 1),
            ("portal_deliveries_waiting", {"kind": "a_kind"}, 0),
        ],
    ),
}


@pytest.mark.parametrize("action", MOVES)
def test_a_number_moves_by_the_action_it_names(app: Flask, web: RelyingParty, action: str) -> None:
    act, expected = MOVES[action]
    before = read(app)
    act(web)
    after = read(app)
    moved = [(name, labels, after(name, **labels) - before(name, **labels)) for name, labels, _ in expected]
    assert moved == expected


def test_what_was_taken_back_never_happened(app: Flask) -> None:
    services = app.extensions["services"]
    with app.app_context():
        services.audit.record(Event.LOGIN_SUCCEEDED)
        services.db.rollback()
        services.audit.record(Event.LOGIN_SUCCEEDED, provider="kakao")
        services.db.commit()
    now = read(app)
    assert (now("portal_logins_total"), now("portal_logins_total", provider="kakao")) == (1, 1)


def test_a_refusal_that_takes_all_back_counts_itself(app: Flask) -> None:
    services = app.extensions["services"]
    with app.app_context():
        services.audit.record_refusal(Event.LOGIN_FAILED, error="disabled", provider="google")
        services.db.rollback()
    assert read(app)("portal_logins_total", provider="google", result="disabled") == 1


def test_queues_and_keys_are_as_the_database_says(
    make_app: Callable[..., Flask], clock: Clock, database_url: str
) -> None:
    app = make_app(database_url)
    services = app.extensions["services"]
    with app.app_context():
        for kind in ("a_kind", "a_kind", "another"):
            services.outbox.add(kind, {}, life=timedelta(days=1))
            services.db.commit()
            clock.advance(seconds=60)
        services.keys.rotate("ES256")
        services.db.commit()
        clock.advance(days=0.5)
    now = read(app)
    assert now("portal_state_up") == 1
    assert now("portal_deliveries_waiting", kind="a_kind", state="waiting") == 2
    assert now("portal_deliveries_oldest_seconds", kind="a_kind") == pytest.approx(43200 + 180)
    assert now("portal_deliveries_oldest_seconds", kind="another") == pytest.approx(43200 + 60)
    assert now("portal_signing_key_age_seconds", use="sig", algorithm="ES256", status="next") == pytest.approx(43200)
    assert now.labels("portal_signing_key_age_seconds", "status") == {"current", "next", "previous"}
    lives = services.keys.lives.token / timedelta(days=1)
    left = now("portal_signing_key_expires_days", algorithm="ES256", status="previous")
    assert left == pytest.approx(lives - 0.5, abs=0.01)


def test_chores_say_when_they_were_done_last(app: Flask) -> None:
    measured = meters.of(app)
    measured.chore("cleaning", is_done=False)
    assert read(app)("portal_chore_last_success_timestamp_seconds") == 0
    measured.chore("cleaning", is_done=True)
    now = read(app)
    assert now("portal_chore_runs_total", chore="cleaning", result="failed") == 1
    assert now("portal_chore_last_success_timestamp_seconds", chore="cleaning") > 1_700_000_000


def test_redis_that_is_away_is_seen(make_app: Callable[..., Flask]) -> None:
    with running(RedisServer) as server:
        app = make_app(REDIS_URL=server.url)
        assert (read(app)("portal_store_up"), read(app)("portal_store_outages_total")) == (1, 0)
        server.stop()
        store = app.extensions["services"].store
        assert [store.get("key"), store.get("key")] == [None, None]
        now = read(app)
        assert (now("portal_store_up"), now("portal_store_outages_total")) == (0, 1)
        assert now("portal_store_fallbacks_total") >= 2


def test_a_flood_of_inventions_makes_no_numbers(app: Flask, web: RelyingParty) -> None:
    before = read(app)
    for number in range(60):
        app.test_client().get(f"/invented/{number}")
        app.test_client().open("/health", method=f"METHOD{number}")
        app.test_client().get(f"/photos/{number}")
        RelyingParty(web.browser, f"client-{number}", "secret").token(grant_type=f"grant-{number}")
        web.token(grant_type="authorization_code", code=f"code-{number}")
    after = read(app)
    new = {name for name in after.numbers.keys() - before.numbers.keys() if not name[0].endswith("_bucket")}
    assert len(new) < 20
    assert (
        after("portal_http_requests_total", route="unmatched") - before("portal_http_requests_total", route="unmatched")
        > 60
    )
    assert after.labels("portal_http_requests_total", "method") <= {"GET", "POST", "other"}
    assert after("portal_http_requests_total", route="/photos/<photo_id>", status="4xx") in {0, 60}


def test_a_family_has_no_more_labels_than_it_may(app: Flask) -> None:
    for number in range(1000):
        app.extensions["services"].tally.count(Fact.DENIAL, "token", f"error_{number}")
    now = read(app)
    (family,) = [each for each in FAMILIES if each.name == "portal_denials_total"]
    assert len([name for name, _ in now.numbers if name == family.name]) <= family.most + 1
    assert now(family.name, endpoint="other", error="other") >= 1000 - family.most
    assert now(family.name) == 1000
    assert now("portal_metrics_lost_total") == 0


def test_nothing_about_a_person_and_no_secret_is_in_it(app: Flask, web: RelyingParty) -> None:
    tokens = web.tokens()
    web.userinfo(tokens["access_token"])
    again = web.refresh(tokens["refresh_token"]).json
    log_in(app.test_client(), "nobody@example.org")
    web.browser.get("/login?next=/account&hint=somebody")
    text = app.test_client().get("/metrics").text
    with app.app_context():
        user_id = app.extensions["services"].accounts.find(EMAIL).id
    secrets = [EMAIL, NAME, PASSWORD, user_id, web.secret, "nobody@example.org", "somebody", "127.0.0.1"]
    secrets += [again["access_token"], again["refresh_token"], tokens["refresh_token"], app.config["SECRET_KEY"]]
    assert [each for each in secrets if each and each in text] == []
    assert "web" not in {label for _, labels in Reading(text).numbers for _, label in labels}


def test_what_is_told_is_what_is_documented(app: Flask, web: RelyingParty) -> None:
    web.tokens()
    now = read(app)
    documented = {each.name.removesuffix("_total"): each for each in FAMILIES}
    assert set(now.families) == set(documented)
    for name, labels in now.numbers:
        base = re.sub(r"_(bucket|sum|count|total)\Z", "", name)
        family = documented[base if base in documented else name]
        assert {label for label, _ in labels} - {"le"} == set(family.labels), name
        assert all(LABEL.fullmatch(value) or value == "+Inf" for _, value in labels)
