"""The account by the API: who may see what, and what may be changed by whom."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import Client
from tests.api.people import NEW_PASSWORD, FrontEnd, fields, refusal
from tests.clock import Clock
from tests.databases import SqliteDatabases
from tests.mailbox import Mail, received
from tests.relying_party import EMAIL, NAME, PASSWORD, RelyingParty, add_client

USER = {
    *("id", "username", "full_name", "email", "email_verified", "avatar_url", "bio", "locale", "timezone"),
    *("subscription_plan", "is_admin", "group_id", "group_name", "role_id", "role_name", "permissions"),
    *("groups", "workspaces", "created_at", "updated_at", "last_login_at"),
}
BEARER_ROUTES = [
    ("GET", "/me", None),
    ("GET", "/api/v1/users/me", None),
    ("PUT", "/profile", {"bio": "mine"}),
    ("GET", "/sessions", None),
    ("DELETE", "/sessions/00000000-0000-4000-8000-000000000000", None),
    ("POST", "/verify-email/resend", None),
    ("POST", "/change-password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}),
    ("POST", "/change-email", {"email": "new@example.com", "current_password": PASSWORD}),
]


def mailed(app: Flask, template: str) -> Mail:
    """The one mail of that kind since the last time."""
    (mail,) = [each for each in received(app) if each.template == template]
    return mail


@pytest.mark.parametrize("path", ["/me", "/api/v1/users/me", "/api/auth/me"])
def test_a_person_is_described_in_full(front: FrontEnd, ada: str, path: str) -> None:
    response = front.get(path)
    assert (response.status_code, set(response.json)) == (200, USER)
    assert (response.json["id"], response.json["email"], response.json["full_name"]) == (ada, EMAIL, NAME)
    assert (response.json["groups"], response.json["workspaces"]) == (["MAX"], [])
    assert "password" not in response.text


@pytest.mark.parametrize(
    ("scope", "hidden"),
    [
        ("openid profile", {"email", "email_verified", "groups", "workspaces"}),
        ("openid profile email", {"groups", "workspaces"}),
        ("profile read:groups", {"email", "email_verified"}),
        ("read:profile", {"groups", "workspaces"}),
    ],
)
@pytest.mark.parametrize("policy", ["implicit", "once"])
def test_an_application_sees_what_its_scopes_cover(
    app: Flask, front: FrontEnd, scope: str, hidden: set[str], policy: str
) -> None:
    add_client(app, "spa", scopes=[*scope.split()], consent_policy="implicit")
    front.token = RelyingParty(front.browser, "spa").tokens(scope=scope)["access_token"]
    if policy == "once":
        demote(app, "spa")
    seen = front.get("/me")
    assert seen.status_code == 200
    assert {name for name in ("email", "email_verified", "groups", "workspaces") if seen.json[name] is None} == hidden


def demote(app: Flask, client_id: str) -> None:
    """Make the client one of somebody else's, which holds the tokens it got."""
    with app.app_context():
        services = app.extensions["services"]
        services.db.session.execute(
            sa.update(Client).where(Client.client_id == client_id).values(consent_policy="once")
        )
        services.db.commit()


@pytest.mark.parametrize(("method", "path", "body"), BEARER_ROUTES)
def test_who_shows_no_good_token_is_told_how_to_come_in(
    app: Flask, front: FrontEnd, clock: Clock, method: str, path: str, body: Any
) -> None:
    good = front.token
    for header, code in (
        ("", "unauthorized"),
        ("Bearer", "unauthorized"),
        ("Basic YTpi", "unauthorized"),
        ("Bearer x.y.z", "invalid_token"),
        (f"Bearer {good}x", "invalid_token"),
        (f"Bearer {front.refresh_token}", "invalid_token"),
    ):
        # The browser's cookies are there all the time, and prove nothing here.
        response = front.send(method, path, body, Authorization=header)
        refusal(response, 401, code)
        challenge = response.headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer realm="MAX Platform"')
        assert ('error="invalid_token"' in challenge) == (code == "invalid_token")
    response = front.browser.open(f"/api/v1/auth{path}?access_token={good}", method=method, json=body)
    assert response.status_code in {401, 404}
    clock.advance(minutes=15)
    refusal(front.send(method, path, body), 401, "invalid_token")


@pytest.mark.parametrize(("method", "path", "body"), BEARER_ROUTES)
def test_other_applications_and_services_are_refused(
    app: Flask, front: FrontEnd, sqlite_databases: SqliteDatabases, method: str, path: str, body: Any
) -> None:
    add_client(app, "spa", scopes=["openid", "email"])
    foreign = RelyingParty(front.browser, "spa").tokens(scope="openid email")["access_token"]
    demote(app, "spa")
    secret = sqlite_databases.seeded.service_secret
    service = RelyingParty(app.test_client(), "maxplatform-service", secret)
    granted = service.token(grant_type="client_credentials", scope="read:profile").json["access_token"]
    for token in (foreign, granted):
        response = front.send(method, path, body, Authorization=f"Bearer {token}")
        refusal(response, 403, "insufficient_scope")
        assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]


def test_a_first_party_application_may_do_what_the_portal_may(app: Flask, front: FrontEnd) -> None:
    add_client(app, "spa", scopes=["openid"])
    front.token = RelyingParty(front.browser, "spa").tokens(scope="openid")["access_token"]
    assert front.get("/sessions").status_code == 200
    assert front.send("PUT", "/profile", {"bio": "by an application"}).json["email"] is None
    refusal(front.get("/me"), 403, "insufficient_scope")


def test_a_profile_changes_where_it_is_told_to_and_nowhere_else(front: FrontEnd, clock: Clock) -> None:
    before = front.get("/me").json
    clock.advance(minutes=1)
    change = {"full_name": "Ada L.", "avatar_url": "https://example.com/a.png", "bio": "One\nTwo", "locale": "en"}
    after = front.send("PUT", "/profile", change).json
    assert after == {**before, **change, "updated_at": after["updated_at"]}
    assert after["updated_at"] != before["updated_at"]
    assert front.send("PUT", "/profile", {"avatar_url": None}).json["avatar_url"] is None
    assert front.send("PUT", "/profile", {}).json == front.get("/me").json


def test_nothing_else_can_be_changed_by_a_profile(front: FrontEnd) -> None:
    before = front.get("/me").json
    claimed = {"is_admin": True, "role_name": "admin", "email": "x@example.com", "email_verified": False, "id": "1"}
    more = {"subscription_plan": "enterprise", "password": "x", "permissions": [], "is_active": False}
    assert front.send("PUT", "/profile", {**claimed, **more}).json == before


def test_all_that_is_wrong_with_a_profile_is_named_and_nothing_changed(front: FrontEnd) -> None:
    before = front.get("/me").json
    wrong = {"username": "!", "timezone": "Nowhere", "avatar_url": "http://example.com/a.png", "bio": "fine"}
    assert set(fields(front.send("PUT", "/profile", wrong))) == {"username", "timezone", "avatar_url"}
    types = {"username": 1, "locale": ["ko"], "bio": None, "full_name": {}}
    assert fields(front.send("PUT", "/profile", types)) == dict.fromkeys(types, "This must be a string.")
    assert front.get("/me").json == before


def test_a_new_password_ends_every_other_session(app: Flask, front: FrontEnd, another: Callable[..., FrontEnd]) -> None:
    other, cookie = another(), front.browser.get_cookie("portal_session")
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert front.post("/change-password", body).json["status"] == "success"
    assert front.is_logged_in()
    assert front.browser.get_cookie("portal_session").value != cookie.value  # type: ignore[union-attr]
    assert front.post("/refresh").status_code == 200
    refusal(other.get("/me"), 401, "invalid_token")
    refusal(other.post("/refresh"), 401, "invalid_grant")
    refusal(FrontEnd(app).log_in(), 401, "wrong_credentials")
    assert FrontEnd(app).log_in(password=NEW_PASSWORD).status_code == 200
    assert mailed(app, "password_changed").to == EMAIL


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"current_password": "wrong"}, "current_password"),
        ({"new_password": "password1"}, "new_password"),
        ({"new_password": "short"}, "new_password"),
        ({"current_password": None}, "current_password"),
    ],
)
def test_a_password_that_cannot_be_changed_stays(app: Flask, front: FrontEnd, change: Any, field: str) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD, **change}
    assert set(fields(front.post("/change-password", body))) == {field}
    assert FrontEnd(app).log_in().status_code == 200


def test_a_new_address_counts_once_it_is_proven(app: Flask, front: FrontEnd) -> None:
    body = {"email": "New@example.com", "current_password": PASSWORD}
    assert front.post("/change-email", body).json["status"] == "success"
    assert front.get("/me").json["email"] == EMAIL
    assert mailed(app, "change_email").to == "new@example.com"
    assert fields(front.post("/change-email", {**body, "current_password": "wrong"})).keys() == {"current_password"}
    assert fields(front.post("/change-email", {**body, "email": "none"})).keys() == {"email"}


def test_an_address_is_proven_by_the_mailed_token_once(app: Flask) -> None:
    end = FrontEnd(app)
    end.token = end.post("/register", {"email": "new@example.com", "password": PASSWORD}).json["access_token"]
    token = mailed(app, "verify_email").token
    refusal(end.post("/verify-email", {"token": f"{token}x"}), 410, "link_gone")
    assert end.get("/me").json["email_verified"] is False
    assert FrontEnd(app).post("/verify-email", {"token": token}).json["status"] == "success"
    assert end.get("/me").json["email_verified"] is True
    refusal(end.post("/verify-email", {"token": token}), 410, "link_gone")
    assert end.post("/verify-email/resend").json["status"] == "success"


def test_a_forgotten_password_is_set_anew_by_the_mailed_token(app: Flask, front: FrontEnd) -> None:
    known = FrontEnd(app).post("/forgot-password", {"email": EMAIL.upper()})
    unknown = FrontEnd(app).post("/forgot-password", {"email": "nobody@example.com"})
    assert (known.status_code, known.json) == (unknown.status_code, unknown.json)
    token = mailed(app, "reset_password").token
    weak = FrontEnd(app).post("/reset-password", {"token": token, "password": "password1"})
    assert set(fields(weak)) == {"password"}
    refusal(FrontEnd(app).post("/verify-email", {"token": token}), 410, "link_gone")
    done = FrontEnd(app).post("/reset-password", {"token": token, "password": NEW_PASSWORD})
    assert (done.status_code, set(done.json)) == (200, {"status", "message"})
    refusal(front.get("/me"), 401, "invalid_token")
    refusal(front.post("/refresh"), 401, "invalid_grant")
    refusal(FrontEnd(app).post("/reset-password", {"token": token, "password": NEW_PASSWORD}), 410, "link_gone")
    assert FrontEnd(app).log_in(password=NEW_PASSWORD).status_code == 200


def test_who_asks_for_links_too_often_has_to_wait(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_LOGIN="2/minute")
    for email in ("nobody@example.com", "nobody@example.com"):
        assert FrontEnd(app).post("/forgot-password", {"email": email}).status_code == 200
    refusal(FrontEnd(app).post("/forgot-password", {"email": "nobody@example.com"}), 429, "too_many_attempts")


def test_a_portal_that_sends_no_mail_promises_none(
    make_app: Callable[..., Flask], open_database: Callable[..., str], instance: Path
) -> None:
    url = open_database()
    secret, sealing = ((instance / name).read_text().strip() for name in ("secret_key", "encryption_key"))
    app = make_app(url, APP_ENV="production", SECRET_KEY=secret, ENCRYPTION_KEYS=sealing)
    end = FrontEnd(app)
    end.token = end.post("/register", {"email": "new@example.com", "password": PASSWORD}).json["access_token"]
    refusal(end.post("/forgot-password", {"email": EMAIL}), 404, "not_found")
    refusal(end.post("/verify-email/resend"), 404, "not_found")
    refusal(end.post("/change-email", {"email": "x@example.com", "current_password": PASSWORD}), 404, "not_found")
