"""A scope that was taken away does not come back: asked whenever a code or a token is used, not only when it was given.

It may be taken from the client, from the person's consent, or with its permission from the person's role.
"""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import Client, Consent, Membership, Role
from app.oauth.parameters import FORM
from app.services.foundation.environment import NOBODY
from tests.conformance import id_tokens
from tests.relying_party import (
    REDIRECT_URI,
    VERIFIER,
    RelyingParty,
    add_client,
    add_person,
    answer,
    csrf_token,
    log_in,
)
from tests.security.parties import decided

BY_FLASK = f"{FORM}; charset=utf-8"
"""What the layer in front of Flask leaves to Flask."""
ALL = "openid profile email offline_access read:groups manage:teams"
LESS = "openid profile email offline_access read:groups"
Take = Callable[[RelyingParty, str], None]


@pytest.fixture
def app(make_app: Callable[..., Flask], database_url: str) -> Flask:
    """A portal, once on each database."""
    app = make_app(database_url)
    user_id = add_person(app)
    with app.app_context():
        session = app.extensions["services"].db.session
        role_id = session.scalar(sa.select(Membership.role_id).where(Membership.user_id == user_id))
        session.execute(sa.update(Role).where(Role.id == role_id).values(permissions=["manage:teams", "manage:models"]))
        session.commit()
    return app


@pytest.fixture
def first(app: Flask) -> RelyingParty:
    """A client whose people are not asked, in the browser of Ada, who is logged in."""
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    return RelyingParty(browser, "first", add_client(app, "first", is_confidential=True, scopes=ALL.split()))


@pytest.fixture
def third(app: Flask, first: RelyingParty) -> RelyingParty:
    """A client that asks for consent, in the same browser."""
    secret = add_client(app, "third", is_confidential=True, scopes=ALL.split(), consent_policy="once")
    return RelyingParty(first.browser, "third", secret)


def change(app: Flask, statement: Any) -> None:
    """Run a statement that changes something."""
    with app.app_context():
        session = app.extensions["services"].db.session
        assert session.execute(statement).rowcount
        session.commit()


def code_of(client: RelyingParty, scope: str = ALL) -> str:
    """A code; whoever is asked allows it."""
    response = client.authorize(scope=scope)
    if response.location.startswith("/consent"):
        response = decided(client.browser, response.location)
    return answer(response)["code"]


def tokens_of(client: RelyingParty, scope: str = ALL) -> dict[str, Any]:
    """The answer to a whole login."""
    response = client.redeem(code_of(client, scope))
    assert (response.status_code, response.json["scope"]) == (200, scope), response.text
    return dict(response.json)


def introspected(client: RelyingParty, token: str) -> dict[str, Any]:
    """What introspection tells the token's own client."""
    response = client.browser.post(
        "/api/oauth/introspect", data={"token": token}, auth=(client.client_id, client.secret)
    )
    return dict(response.json)


@pytest.fixture
def take(app: Flask) -> Callable[[str, RelyingParty, str], None]:
    """Takes a scope away: ``take("client", third, "manage:teams")``."""

    def left(scope: str) -> list[str]:
        return [each for each in ALL.split() if each != scope]

    def from_client(client: RelyingParty, scope: str) -> None:
        with app.app_context():
            services = app.extensions["services"]
            services.clients.update(client.client_id, {"allowed_scopes": left(scope)})
            services.db.commit()

    def from_consent(client: RelyingParty, scope: str) -> None:
        change(app, sa.update(Consent).where(Consent.client_id == client.client_id).values(scopes=left(scope)))

    def from_role(client: RelyingParty, scope: str) -> None:
        change(app, sa.update(Role).where(Role.name == "member").values(permissions=["manage:models"]))

    ways: dict[str, Take] = {"client": from_client, "consent": from_consent, "role": from_role}
    return lambda where, client, scope: ways[where](client, scope)


WHERE = [
    ("third", "client", "manage:teams"),
    ("third", "consent", "manage:teams"),
    ("third", "role", "manage:teams"),
    ("third", "client", "email"),
    ("third", "consent", "email"),
    ("first", "client", "manage:teams"),
    ("first", "role", "manage:teams"),
    ("first", "client", "email"),
]


@pytest.fixture
def given(request: pytest.FixtureRequest, take: Any) -> tuple[RelyingParty, Callable[[], None], str]:
    """A client, what takes a scope away from it, and the scope that is left."""
    who, where, scope = request.param
    client = request.getfixturevalue(who)
    left = " ".join(each for each in ALL.split() if each != scope)
    return client, lambda: take(where, client, scope), left


@pytest.mark.parametrize("given", WHERE, indirect=True)
@pytest.mark.parametrize("kind", [FORM, BY_FLASK], ids=["direct", "flask"])
def test_what_was_taken_does_not_come_back_at_refresh(given: Any, kind: str) -> None:
    client, taken, left = given
    tokens = tokens_of(client)
    taken()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    auth = (client.client_id, client.secret)
    renewed = client.browser.post("/api/oauth/token", data=form, auth=auth, content_type=kind)
    assert (renewed.status_code, renewed.json["scope"]) == (200, left), renewed.text
    assert id_tokens.claims(renewed.json["access_token"])["scope"] == left
    assert ("email" in id_tokens.claims(renewed.json["id_token"])) == ("email" in left.split())
    # The repeat of a lost answer is no way round it, nor is asking for what was granted once.
    repeated = client.refresh(tokens["refresh_token"])
    assert (repeated.json["scope"], repeated.json["refresh_token"]) == (left, renewed.json["refresh_token"])
    again = client.refresh(renewed.json["refresh_token"], scope=ALL)
    assert (again.status_code, again.json["scope"]) == (200, left), again.text


@pytest.mark.parametrize("given", WHERE, indirect=True)
@pytest.mark.parametrize("kind", [FORM, BY_FLASK], ids=["direct", "flask"])
def test_what_was_taken_does_not_come_back_with_a_waiting_code(given: Any, kind: str) -> None:
    client, taken, left = given
    code = code_of(client)
    taken()
    form = {"grant_type": "authorization_code", **redemption(code)}
    auth = (client.client_id, client.secret)
    redeemed = client.browser.post("/api/oauth/token", data=form, auth=auth, content_type=kind)
    assert (redeemed.status_code, redeemed.json["scope"]) == (200, left), redeemed.text
    assert id_tokens.claims(redeemed.json["access_token"])["scope"] == left
    assert ("email" in id_tokens.claims(redeemed.json["id_token"])) == ("email" in left.split())
    assert client.refresh(redeemed.json["refresh_token"]).json["scope"] == left


def redemption(code: str) -> dict[str, str]:
    """The form of a redemption."""
    return {"code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}


@pytest.mark.parametrize("given", WHERE, indirect=True)
def test_what_was_taken_is_worth_nothing_in_tokens_that_are_out(given: Any) -> None:
    client, taken, left = given
    tokens = tokens_of(client)
    taken()
    for kind in ("access_token", "refresh_token"):
        told = introspected(client, tokens[kind])
        assert (told["active"], told["scope"]) == (True, left)
        assert ("email" in told) == ("email" in left.split())
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    for query in ("", "?x"):  # in front of Flask, and by it
        said = client.browser.get(f"/api/oauth/userinfo{query}", headers=headers)
        assert said.status_code == 200
        assert ("email" in said.json) == ("email" in left.split())


@pytest.mark.parametrize("where", ["client", "consent"])
def test_where_nothing_is_left_nothing_is_given(third: RelyingParty, take: Any, where: str) -> None:
    tokens, code = tokens_of(third, "email"), code_of(third, "email")
    take(where, third, "email")
    for refused in (third.refresh(tokens["refresh_token"]), third.redeem(code)):
        assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")
    assert (
        introspected(third, tokens["access_token"]) == introspected(third, tokens["refresh_token"]) == {"active": False}
    )
    for query in ("", "?x"):
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        said = third.browser.get(f"/api/oauth/userinfo{query}", headers=headers)
        assert (said.status_code, 'error="invalid_token"' in said.headers["WWW-Authenticate"]) == (401, True)


def test_what_is_given_back_counts_again(app: Flask, first: RelyingParty, take: Any) -> None:
    tokens = tokens_of(first)
    take("client", first, "manage:teams")
    renewed = first.refresh(tokens["refresh_token"]).json
    assert renewed["scope"] == LESS
    change(app, sa.update(Client).where(Client.client_id == "first").values(allowed_scopes=ALL.split()))
    assert first.refresh(renewed["refresh_token"]).json["scope"] == ALL


def test_asking_only_for_what_was_taken_is_refused_and_uses_nothing_up(first: RelyingParty, take: Any) -> None:
    tokens = tokens_of(first)
    take("client", first, "manage:teams")
    refused = first.refresh(tokens["refresh_token"], scope="manage:teams")
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_scope")
    wider = first.refresh(tokens["refresh_token"], scope="openid manage:models")
    assert (wider.status_code, wider.json["error"]) == (400, "invalid_scope")
    assert first.refresh(tokens["refresh_token"], scope="openid email").json["scope"] == "openid email"


@pytest.mark.parametrize("where", ["client", "consent"])
def test_access_while_away_ends_with_its_scope(third: RelyingParty, take: Any, where: str) -> None:
    tokens, code = tokens_of(third), code_of(third)
    take(where, third, "offline_access")
    assert third.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert introspected(third, tokens["refresh_token"]) == {"active": False}
    redeemed = third.redeem(code)
    assert (redeemed.status_code, "refresh_token" in redeemed.json) == (200, False)


def test_no_id_token_without_openid(first: RelyingParty, take: Any) -> None:
    tokens, code = tokens_of(first), code_of(first)
    take("client", first, "openid")
    for answered in (first.refresh(tokens["refresh_token"]), first.redeem(code)):
        assert (answered.status_code, "id_token" in answered.json) == (200, False)


def test_a_consent_row_withdrawn_by_other_means_stops_everything(app: Flask, third: RelyingParty) -> None:
    tokens, code = tokens_of(third), code_of(third)
    now = app.extensions["services"].clock()
    change(app, sa.update(Consent).where(Consent.client_id == "third").values(withdrawn_at=now))
    assert third.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert third.redeem(code).json["error"] == "invalid_grant"
    assert introspected(third, tokens["access_token"]) == {"active": False}
    assert third.userinfo(tokens["access_token"]).status_code == 401


def test_a_client_whose_people_are_asked_from_now_on_keeps_what_it_got(app: Flask, first: RelyingParty) -> None:
    tokens, online = tokens_of(first), tokens_of(first, "openid email")
    change(app, sa.update(Client).where(Client.client_id == "first").values(consent_policy="once"))
    assert first.refresh(online["refresh_token"]).json["scope"] == "openid email"
    renewed = first.refresh(tokens["refresh_token"])
    assert (renewed.status_code, renewed.json["scope"]) == (200, ALL)
    assert first.userinfo(tokens["access_token"]).status_code == 200
    # Once somebody was asked, that answer counts.
    assert tokens_of(first, "openid email offline_access")["refresh_token"]
    assert first.refresh(renewed.json["refresh_token"]).json["scope"] == "openid email offline_access"


def test_a_service_token_loses_what_its_client_lost(app: Flask) -> None:
    secret = add_client(
        app,
        "robot",
        is_confidential=True,
        grants=["client_credentials"],
        redirects=[],
        scopes=["read:profile", "admin:users"],
    )
    robot = RelyingParty(app.test_client(), "robot", secret)
    token = robot.token(grant_type="client_credentials").json["access_token"]
    only = robot.token(grant_type="client_credentials", scope="admin:users").json["access_token"]
    change(app, sa.update(Client).where(Client.client_id == "robot").values(allowed_scopes=["read:profile"]))
    assert introspected(robot, token)["scope"] == "read:profile"
    assert introspected(robot, only) == {"active": False}


def test_a_request_that_waits_gets_no_more_than_its_client_may_have_by_then(third: RelyingParty, take: Any) -> None:
    page = third.authorize(scope=ALL).location
    take("client", third, "manage:teams")
    assert third.redeem(answer(decided(third.browser, page))["code"]).json["scope"] == LESS
    # Nothing was allowed beyond that either: what comes back to the client is asked of the person.
    assert csrf_token(third.browser, third.authorize(scope=ALL, prompt="consent").location)


def test_nothing_left_for_a_request_that_waits_is_told_to_the_application(third: RelyingParty, take: Any) -> None:
    page = third.authorize(scope="email").location
    take("client", third, "email")
    response = third.browser.get(third.browser.get(page).location)
    assert answer(response)["error"] == "invalid_scope"


def test_a_consent_withdrawn_and_given_anew_revives_nothing(app: Flask, third: RelyingParty) -> None:
    tokens = tokens_of(third)
    with app.app_context():
        services = app.extensions["services"]
        user_id = services.db.session.scalar(sa.select(Consent.user_id).where(Consent.client_id == "third"))
        services.consents.withdraw(user_id, "third", NOBODY)
        services.db.commit()
    assert tokens_of(third)["scope"] == ALL
    assert third.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert third.userinfo(tokens["access_token"]).status_code == 401
