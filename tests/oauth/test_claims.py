"""What tokens say of a person: what the granted scopes cover, in access tokens, ID tokens and at userinfo alike."""

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.models import Group, Membership, Role
from tests.conformance import id_tokens
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, log_in

OF_ACCESS_TOKENS = {"email", "is_admin", "group_id", "group_name", "role_id", "role_name"}
EVERYTHING = "openid profile email read:profile read:groups offline_access"
SCOPES = ["openid", "openid email", "openid profile", "openid read:profile", "openid read:groups", EVERYTHING]


@pytest.fixture
def app_client(app: Flask, spa: RelyingParty) -> RelyingParty:
    """A client that may have every scope about a person."""
    return RelyingParty(spa.browser, "every", add_client(app, "every", scopes=EVERYTHING.split()))


def said(token: str) -> dict[str, object]:
    """What an ID token says beyond the protocol's own claims."""
    return {name: value for name, value in id_tokens.claims(token).items() if name not in id_tokens.PROTOCOL_CLAIMS}


@pytest.mark.parametrize("scope", SCOPES)
def test_an_id_token_says_what_userinfo_says(app_client: RelyingParty, scope: str) -> None:
    tokens = app_client.tokens(scope=scope)
    told = {name: value for name, value in app_client.userinfo(tokens["access_token"]).json.items() if name != "sub"}
    assert said(tokens["id_token"]) == told
    assert ("email" in told) == ("email" in scope or "read:profile" in scope)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_refreshed_id_token_says_the_same_as_things_are_now(
    app: Flask, app_client: RelyingParty, person: str, scope: str
) -> None:
    tokens = app_client.tokens(scope=scope)
    with app.app_context():
        services = app.extensions["services"]
        services.db.session.execute(sa.text("UPDATE users SET full_name = 'Ada King'"))
        services.db.commit()
    refreshed = app_client.refresh(tokens["refresh_token"]).json
    now = app_client.userinfo(refreshed["access_token"]).json
    assert said(refreshed["id_token"]) == {name: value for name, value in now.items() if name != "sub"}
    assert now.get("name") == ("Ada King" if "profile" in scope else None)


def test_the_plan_that_is_said_is_the_one_that_counts(app: Flask, app_client: RelyingParty, person: str) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.administration.set_plan(person, "pro")
        services.overrides.add(person, plan="studio", reason="a fair")
        services.db.commit()
    tokens = app_client.tokens(scope=EVERYTHING)
    assert said(tokens["id_token"])["subscription_plan"] == "studio"
    with app.app_context():
        services.overrides.end(person)
        services.db.commit()
    refreshed = app_client.refresh(tokens["refresh_token"]).json
    assert said(refreshed["id_token"])["subscription_plan"] == "pro"


def test_a_narrowed_refresh_narrows_the_claims(app_client: RelyingParty) -> None:
    refreshed = app_client.refresh(app_client.tokens(scope=EVERYTHING)["refresh_token"], scope="openid email").json
    assert set(said(refreshed["id_token"])) == {"email", "email_verified"}
    assert OF_ACCESS_TOKENS & set(id_tokens.claims(refreshed["access_token"])) == {"email"}


@pytest.mark.parametrize(
    ("scope", "present"),
    [
        ("openid", set()),
        ("openid offline_access", set()),
        ("openid read:groups", set()),
        ("read:groups", set()),
        ("openid email", {"email"}),
        ("openid profile", OF_ACCESS_TOKENS - {"email"}),
        ("read:profile", OF_ACCESS_TOKENS),
        (EVERYTHING, OF_ACCESS_TOKENS),
    ],
)
def test_an_access_token_says_what_its_scopes_cover(
    app_client: RelyingParty, person: str, scope: str, present: set[str]
) -> None:
    tokens = app_client.tokens(scope=scope)
    for answer in (tokens, app_client.refresh(tokens["refresh_token"]).json):
        claims = id_tokens.claims(answer["access_token"])
        assert set(claims) & OF_ACCESS_TOKENS == present
        assert (claims["type"], claims["user_id"], claims["sub"], claims["scope"]) == ("access", person, person, scope)


def test_an_operator_has_every_claim_put_into_access_tokens(make_app: Callable[..., Flask]) -> None:
    app = make_app(ACCESS_TOKEN_ALL_CLAIMS="true")
    add_person(app)
    browser = app.test_client()
    log_in(browser)
    tokens = RelyingParty(browser, "spa", add_client(app, "spa")).tokens(scope="openid")
    claims = id_tokens.claims(tokens["access_token"])
    assert set(claims) >= OF_ACCESS_TOKENS
    assert (claims["email"], claims["group_name"], claims["role_name"]) == (EMAIL, "MAX", "member")
    assert said(tokens["id_token"]) == {}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, set()),
        ({"userinfo": {"name": None}}, set()),
        ({"id_token": {"email": {"essential": True}}}, {"email"}),
        ({"id_token": {"email": None, "groups": None, "sub": None}}, {"email"}),
    ],
)
def test_a_lean_id_token_has_only_what_a_request_asks_for_within_its_scopes(
    app: Flask, spa: RelyingParty, asked: dict[str, object] | None, expected: set[str]
) -> None:
    lean = RelyingParty(spa.browser, "lean", add_client(app, "lean", lean_id_token=True))
    tokens = lean.tokens(scope="openid profile email", claims=json.dumps(asked) if asked else None)
    assert set(said(tokens["id_token"])) == expected
    assert lean.userinfo(tokens["access_token"]).json["email"] == EMAIL
    refreshed = lean.refresh(tokens["refresh_token"]).json
    assert set(said(refreshed["id_token"])) == expected


def test_what_a_request_asks_for_takes_nothing_from_another_id_token(app_client: RelyingParty) -> None:
    tokens = app_client.tokens(scope="openid profile email", claims=json.dumps({"id_token": {"email": None}}))
    assert set(said(tokens["id_token"])) >= {"email", "name"}


def test_an_operator_registers_a_client_with_lean_id_tokens(app: Flask) -> None:
    for option, expected in (([], False), (["--no-lean-id-token"], False), (["--lean-id-token"], True)):
        client_id = f"c{len(option)}{expected}"
        command = ["clients", "create", client_id, "--redirect-uri", "https://c.example.com/cb", *option]
        assert app.test_cli_runner().invoke(args=command).exit_code == 0
        shown = app.test_cli_runner().invoke(args=["clients", "show", client_id, "--json"]).stdout
        assert json.loads(shown)["lean_id_token"] is expected


@pytest.mark.parametrize("scope", ["openid profile email read:groups", "openid read:groups"])
def test_an_id_token_leaves_out_lists_that_would_make_it_too_long_to_be_sent_back(
    app: Flask, app_client: RelyingParty, person: str, scope: str
) -> None:
    with app.app_context():
        services = app.extensions["services"]
        session, now = services.db.session, services.clock()
        role_id = session.scalar(sa.select(Role.id).where(Role.name == "member"))
        for number in range(300):
            group = Group(name=f"department-{number:03}", created_at=now)
            session.add(group)
            session.flush()
            session.add(Membership(user_id=person, group_id=group.id, role_id=role_id, created_at=now))
        services.db.commit()
    tokens = app_client.tokens(scope=scope)
    told = app_client.userinfo(tokens["access_token"]).json
    assert len(told["groups"]) == 301
    assert set(said(tokens["id_token"])) == set(told) - {"sub", "groups", "workspaces", "permissions"}
    hinted = app_client.authorize(prompt="none", id_token_hint=tokens["id_token"])
    assert "code=" in hinted.location
    logout = app_client.browser.get("/api/oauth/logout", query_string={"id_token_hint": tokens["id_token"]})
    assert logout.status_code == 303


def test_groups_cost_no_statement_of_their_own(app_client: RelyingParty, statements: list[str]) -> None:
    for scope in ("openid profile email read:profile", "openid read:groups"):
        code = app_client.code(scope=scope)
        statements.clear()
        tokens = app_client.redeem(code).json
        app_client.refresh(tokens["refresh_token"])
        assert statements
        assert not [each for each in statements if each.startswith("SELECT groups.")]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "kinds",
    [
        {},
        {"MAX": "group"},
        {'연구 "1실"': "workspace", "a,b\\": "group", "Z": "group", "\u00e9": "workspace", "a": "group"},
    ],
)
def test_every_group_is_told_by_its_kind(
    make_app: Callable[..., Flask], open_database: Callable[..., str], engine: str, kinds: dict[str, str]
) -> None:
    app = make_app(open_database(engine))
    person, browser = add_person(app), app.test_client()
    with app.app_context():
        services = app.extensions["services"]
        session, now = services.db.session, services.clock()
        role_id = session.scalar(sa.select(Role.id).where(Role.name == "member"))
        session.execute(sa.delete(Membership).where(Membership.user_id == person))
        for name, kind in kinds.items():
            group = session.scalar(sa.select(Group).where(Group.name == name)) or Group(name=name, created_at=now)
            group.kind = kind
            session.add(group)
            session.flush()
            session.add(Membership(user_id=person, group_id=group.id, role_id=role_id, created_at=now))
        services.db.commit()
    assert log_in(browser).status_code == 303
    client = RelyingParty(browser, "every", add_client(app, "every", scopes=EVERYTHING.split()))
    tokens = client.tokens(scope="openid read:groups offline_access")
    expected = {
        "groups": sorted(name for name, kind in kinds.items() if kind == "group"),
        "workspaces": sorted(name for name, kind in kinds.items() if kind == "workspace"),
    }
    assert said(tokens["id_token"]) == expected
    assert said(client.refresh(tokens["refresh_token"]).json["id_token"]) == expected
    assert client.userinfo(tokens["access_token"]).json == {"sub": person, **expected}


@pytest.fixture
def statements(app: Flask, client: FlaskClient) -> list[str]:
    """Every statement that SQLite runs from now on."""
    said: list[str] = []
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
        engine.dispose()
        sa.event.listen(engine, "checkout", lambda raw, *_: raw.set_trace_callback(said.append))
    return said
