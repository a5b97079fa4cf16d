"""Clients are registered, changed, stopped and removed; what counts, counts in every process at once."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import AuditLog, Client
from tests.cli.test_commands import run
from tests.clock import Clock
from tests.relying_party import EMAIL, REDIRECT_URI, RelyingParty, add_person, answer, log_in

OTHER = "https://client.example.com/other"
# Each column an operator decides on: its option, a value to set, what the row holds then, what `show` calls it.
OPTIONS: list[tuple[list[str], str, Any, str]] = [
    (["--name", "Notes"], "name", "Notes", "name"),
    (["--description", "Writes things down"], "description", "Writes things down", "description"),
    (["--redirect-uri", OTHER], "redirect_uris", [OTHER], "redirect_uris"),
    (
        ["--post-logout-redirect-uri", OTHER],
        "post_logout_redirect_uris",
        [OTHER],
        "post_logout_redirect_uris",
    ),
    (["--scope", "openid email"], "allowed_scopes", ["openid", "email"], "scopes"),
    (["--grant", "authorization_code"], "grant_types", ["authorization_code"], "grant_types"),
    (["--consent", "always"], "consent_policy", "always", "consent"),
    (["--auth-method", "client_secret_post"], "auth_method", "client_secret_post", "auth_method"),
    (["--no-pkce"], "require_pkce", False, "require_pkce"),
    (["--id-token-alg", "ES256"], "id_token_signed_response_alg", "ES256", "id_token_signed_response_alg"),
    (["--access-lifetime", "120"], "access_token_seconds", 120, "access_token_seconds"),
    (["--refresh-lifetime", "7200"], "refresh_token_seconds", 7200, "refresh_token_seconds"),
    (["--introspect-any"], "can_introspect_any", True, "introspect_any"),
    (["--logo", "/static/img/mark.svg"], "logo_uri", "/static/img/mark.svg", "logo_uri"),
    (["--home", "https://client.example.com"], "home_uri", "https://client.example.com", "home_uri"),
    (
        ["--policy-uri", "https://client.example.com/privacy"],
        "policy_uri",
        "https://client.example.com/privacy",
        "policy_uri",
    ),
    (["--tos-uri", "https://client.example.com/terms"], "tos_uri", "https://client.example.com/terms", "tos_uri"),
    (
        ["--contact", "help@client.example.com", "--contact", "02-123-4567"],
        "contacts",
        ["help@client.example.com", "02-123-4567"],
        "contacts",
    ),
    (["--listed"], "is_listed", True, "listed"),
    (["--in-development"], "in_development", True, "in_development"),
    (["--lean-id-token"], "lean_id_token", True, "lean_id_token"),
    (
        ["--backchannel-logout-uri", "https://client.example.com/bye"],
        "backchannel_logout_uri",
        "https://client.example.com/bye",
        "backchannel_logout_uri",
    ),
]
DECIDED_ELSEWHERE = {"client_id", "secret_hash", "is_active", "generation", "created_at", "updated_at"}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, open_database: Callable[..., str]) -> str:
    return open_database(request.param, "seeded")


@pytest.fixture
def app(make_app: Callable[..., Flask], url: str) -> Flask:
    """A portal with one person, where operators type."""
    app = make_app(url)
    add_person(app)
    return app


@pytest.fixture
def neighbour(app: Flask, make_app: Callable[..., Flask], url: str) -> Flask:
    """Another process of the same portal, which has been serving for a while."""
    return make_app(url)


def created(app: Flask, client_id: str, *options: str) -> str | None:
    shown = run(app, "clients", "create", client_id, "--redirect-uri", REDIRECT_URI, *options, "--json")
    secret: str | None = json.loads(shown)["client_secret"]
    return secret


def shown(app: Flask, client_id: str) -> dict[str, Any]:
    return dict(json.loads(run(app, "clients", "show", client_id, "--json")))


def row(app: Flask, client_id: str) -> Any:
    with app.app_context():
        session = app.extensions["services"].db.session
        return session.execute(sa.select(Client.__table__).where(Client.client_id == client_id)).mappings().one()


def recorded(app: Flask, client_id: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Action, actor and details of what is on record about a client, in order."""
    with app.app_context():
        query = sa.select(AuditLog).where(AuditLog.client_id == client_id).order_by(AuditLog.created_at, AuditLog.id)
        found = app.extensions["services"].db.session.scalars(query)
        return [(each.action, each.actor, each.details) for each in found]


def test_every_column_an_operator_decides_on_has_its_option() -> None:
    columns = set(Client.__table__.columns.keys()) - DECIDED_ELSEWHERE
    assert columns == {column for _, column, _, _ in OPTIONS} | {
        "is_confidential",
        "owner_id",
        "optional_scopes",
        "jwks",
        "jwks_uri",
    }


@pytest.mark.parametrize(("options", "column", "value", "name"), OPTIONS, ids=[each[1] for each in OPTIONS])
def test_what_is_said_at_the_beginning_can_be_said_later(
    app: Flask, options: list[str], column: str, value: object, name: str
) -> None:
    created(app, "later", "--confidential")
    before = shown(app, "later")
    changed = json.loads(run(app, "clients", "update", "later", *options, "--json"))
    assert (row(app, "later")[column], changed[name], changed["changed"]) == (value, value, [column])
    assert shown(app, "later") == {key: item for key, item in changed.items() if key != "changed"}
    assert {key for key in before if before[key] != changed[key]} - {"updated"} == {name}
    at_once = ["clients", "create", "at-once", "--confidential", *options]
    run(app, *at_once, *([] if column == "redirect_uris" else ["--redirect-uri", REDIRECT_URI]))
    assert row(app, "at-once")[column] == value


def test_what_people_may_leave_out_is_among_what_the_client_may_have(app: Flask) -> None:
    scope = ("--scope", "openid email profile")
    created(app, "asking", *scope, "--optional-scope", "email profile")
    assert shown(app, "asking")["optional_scopes"] == ["email", "profile"]
    # What is taken away is no longer optional either.
    changed = json.loads(run(app, "clients", "update", "asking", "--remove-scope", "profile", "--json"))
    assert (changed["optional_scopes"], changed["changed"]) == (["email"], ["allowed_scopes", "optional_scopes"])
    run(app, "clients", "update", "asking", "--optional-scope", "")
    assert row(app, "asking")["optional_scopes"] == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--optional-scope", "openid"], "openid cannot be optional"),
        (["--optional-scope", "email openid"], "openid cannot be optional"),
        (["--optional-scope", "read:groups"], "one that the client may have"),
        (["--optional-scope", "nonsense"], "one that the client may have"),
        (["--optional-scope", "email", "--consent", "implicit"], "never asked"),
        (["--policy-uri", "http://client.example.com/privacy"], "https://"),
        (["--policy-uri", "javascript:alert(1)"], "https://"),
        (["--policy-uri", "/privacy"], "https://"),
        (["--tos-uri", "https://user@client.example.com/"], "https://"),
        (["--tos-uri", 'https://client.example.com/"onclick=x'], "https://"),
        (["--contact", "two\nlines"], "one line"),
        (["--contact", "x" * 255], "one line"),
        (["--contact", "\u202egro.elpmaxe"], "one line"),
        ([part for each in range(6) for part in ("--contact", str(each))], "at most 5"),
    ],
    ids=str,
)
def test_what_cannot_be_said_on_the_consent_page_is_refused(app: Flask, options: list[str], problem: str) -> None:
    given = ["asking", "--redirect-uri", REDIRECT_URI, "--scope", "openid email"]
    assert problem in run(app, "clients", "create", *given, *options, fails=True)
    run(app, "clients", "create", *given)
    before = row(app, "asking")
    assert problem in run(app, "clients", "update", "asking", *options, fails=True)
    assert row(app, "asking") == before


def test_an_owner_is_named_by_address_and_can_be_taken_away(app: Flask) -> None:
    created(app, "owned", "--owner", EMAIL.upper())
    assert shown(app, "owned")["owner"] == EMAIL
    assert run(app, "clients", "update", "owned", "--owner", "") == "Changed owned: owner_id.\n"
    assert shown(app, "owned")["owner"] is None
    assert "no account" in run(app, "clients", "update", "owned", "--owner", "nobody@example.com", fails=True)


def test_what_may_be_absent_is_taken_away_by_nothing(app: Flask) -> None:
    created(app, "bare", "--logo", "/a.svg", "--home", "https://a.example.com", "--access-lifetime", "60")
    run(app, "clients", "update", "bare", "--policy-uri", "https://a.example.com/p", "--contact", "help@a.example.com")
    run(app, "clients", "update", "bare", "--logo", "", "--home", "", "--access-lifetime", "0")
    run(app, "clients", "update", "bare", "--policy-uri", "", "--tos-uri", "", "--contact", "")
    found = shown(app, "bare")
    names = ("logo_uri", "home_uri", "access_token_seconds", "policy_uri", "tos_uri")
    assert [found[name] for name in names] == [None] * 5
    assert found["contacts"] == []


@pytest.mark.parametrize("what", ["redirect-uri", "post-logout-redirect-uri"])
def test_addresses_are_replaced_added_and_taken_away(app: Flask, what: str) -> None:
    created(app, "many", f"--{what}", OTHER)
    name = what.replace("-", "_") + "s"
    base = [REDIRECT_URI] if what == "redirect-uri" else []
    assert shown(app, "many")[name] == [*base, OTHER]
    run(app, "clients", "update", "many", f"--add-{what}", f"{OTHER}/2", f"--add-{what}", OTHER)
    assert shown(app, "many")[name] == [*base, OTHER, f"{OTHER}/2"]
    run(app, "clients", "update", "many", f"--remove-{what}", OTHER, f"--add-{what}", f"{OTHER}/3")
    assert shown(app, "many")[name] == [*base, f"{OTHER}/2", f"{OTHER}/3"]
    run(app, "clients", "update", "many", f"--{what}", OTHER)
    assert shown(app, "many")[name] == [OTHER]
    assert "not registered" in run(app, "clients", "update", "many", f"--remove-{what}", f"{OTHER}/4", fails=True)
    assert "not a valid" in run(app, "clients", "update", "many", f"--add-{what}", "https://[x/", fails=True)
    assert shown(app, "many")[name] == [OTHER]


def test_scopes_are_added_and_taken_away(app: Flask) -> None:
    created(app, "scoped", "--scope", "openid email")
    run(app, "clients", "update", "scoped", "--add-scope", "profile", "--remove-scope", "email")
    assert shown(app, "scoped")["scopes"] == ["openid", "profile"]


def test_one_mistyped_address_costs_no_client_id(app: Flask, neighbour: Flask) -> None:
    run(app, "clients", "create", "mistyped", "--redirect-uri", "https://client.exmaple.com/callback")
    browser = neighbour.test_client()
    assert log_in(browser).status_code == 303
    client = RelyingParty(browser, "mistyped")
    assert client.authorize(scope=None).status_code == 400
    preflight = {"Origin": "https://client.example.com", "Access-Control-Request-Method": "POST"}
    asked = "/api/oauth/token"
    assert "Access-Control-Allow-Origin" not in browser.options(asked, headers=preflight).headers
    run(
        app,
        "clients",
        "update",
        "mistyped",
        "--redirect-uri",
        REDIRECT_URI,
        "--scope",
        "openid",
        "--consent",
        "implicit",
    )
    assert client.authorize(scope=None, redirect_uri="https://client.exmaple.com/callback").status_code == 400
    assert "code" in answer(client.authorize(scope="openid"))
    allowed = browser.options(asked, headers=preflight).headers["Access-Control-Allow-Origin"]
    assert allowed == "https://client.example.com"


def test_two_changes_of_one_moment_are_both_noticed(app: Flask, neighbour: Flask) -> None:
    """The clock of these tests stands still, as that of another node may lag behind."""
    browser = neighbour.test_client()
    for client_id in ("one", "two"):
        created(app, client_id)

    def origins() -> set[str]:
        with neighbour.app_context():
            return set(neighbour.extensions["services"].clients.browser_origins())

    before = origins()
    for client_id in ("two", "one"):
        run(app, "clients", "update", client_id, "--redirect-uri", f"https://{client_id}.example.com/cb")
        assert f"https://{client_id}.example.com" in origins() - before
    assert browser.get("/").status_code == 200


def test_a_change_is_on_record_with_the_names_of_what_changed(app: Flask, clock: Clock) -> None:
    secret = created(app, "watched", "--confidential")
    for command in (
        ["update", "watched", "--name", "Notes", "--access-lifetime", "120"],
        ["update", "watched", "--name", "Notes"],
        *(["disable", "watched"], ["enable", "watched"], ["enable", "watched"], ["delete", "watched"]),
    ):
        clock.advance(seconds=1)
        said = run(app, "clients", *command)
        assert ("is so already" in said) is (command[2:] == ["--name", "Notes"])
    found = recorded(app, "watched")
    assert [action for action, _, _ in found] == [
        "client:created",
        "client:changed",
        "client:disabled",
        "client:enabled",
        "client:deleted",
    ]
    assert {actor for _, actor, _ in found} == {"operator"}
    assert found[1][2] == {"changed": "access_token_seconds name"}
    assert secret not in str(found)


@pytest.mark.parametrize(
    ("is_confidential", "options"),
    [
        (False, ["--no-pkce"]),
        (False, ["--introspect-any"]),
        (False, ["--grant", "client_credentials"]),
        (False, ["--auth-method", "client_secret_basic"]),
        (True, ["--auth-method", "none"]),
        (True, ["--public", "--auth-method", "client_secret_post"]),
        (True, ["--public", "--no-pkce"]),
        (True, ["--remove-redirect-uri", REDIRECT_URI]),
        (True, ["--scope", "nonsense"]),
        (True, ["--name", "\u202etxet"]),
        (True, ["--name", ""]),
        (True, ["--description", "two\nlines"]),
        (True, ["--logo", "http://a.example.com/x.png"]),
        (True, ["--logo", "//a.example.com/x.png"]),
        (True, ["--home", "javascript:alert(1)"]),
        (True, ["--home", "https://user:pw@a.example.com"]),
        (True, ["--access-lifetime", "29"]),
        (True, ["--refresh-lifetime", "59"]),
        (True, ["--redirect-uri", "http://a.example.com/"]),
        (True, ["--backchannel-logout-uri", "http://a.example.com/"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_changes(
    app: Flask, is_confidential: bool, options: list[str]
) -> None:
    created(app, "steady", *(["--confidential"] if is_confidential else []))
    before = dict(row(app, "steady"))
    said = run(app, "clients", "update", "steady", *options, fails=True)
    assert said.startswith("Error: ")
    assert said.count("\n") == 1
    assert dict(row(app, "steady")) == before
    assert [action for action, _, _ in recorded(app, "steady")] == ["client:created"]


@pytest.mark.parametrize("options", [["--no-pkce"], ["--introspect-any"], ["--access-lifetime", "1"]], ids=" ".join)
def test_what_cannot_be_is_not_registered_either(app: Flask, options: list[str]) -> None:
    run(app, "clients", "create", "never", "--redirect-uri", REDIRECT_URI, *options, fails=True)
    assert "no client" in run(app, "clients", "show", "never", fails=True)


@pytest.mark.parametrize("options", [[], ["--id-token-alg", "HS256"], ["--access-lifetime", "1d"], ["--grant", "x"]])
def test_what_means_nothing_is_said(app: Flask, options: list[str]) -> None:
    created(app, "steady")
    run(app, "clients", "update", "steady", *options, fails=True)


@pytest.mark.parametrize("command", ["update", "delete", "rotate-secret"])
def test_the_portals_own_client_stays_as_it_is(app: Flask, command: str) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.first_party.client()
        services.db.commit()
    options = ["--name", "Not me"] if command == "update" else []
    assert "portal's own" in run(app, "clients", command, "portal", *options, fails=True)


def test_without_pkce_a_code_needs_no_verifier_but_one_that_was_announced_counts(app: Flask) -> None:
    secret = created(app, "old-library", "--confidential", "--no-pkce", "--consent", "implicit", "--scope", "openid")
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    client = RelyingParty(browser, "old-library", secret)
    plain = client.code(scope="openid", code_challenge=None, code_challenge_method=None)
    assert client.redeem(plain).json["error"] == "invalid_grant"  # a verifier nobody announced
    assert client.redeem(plain, code_verifier=None).status_code == 200
    protected = client.code(scope="openid")
    assert client.redeem(protected, code_verifier=None).json["error"] == "invalid_grant"
    assert client.redeem(protected).status_code == 200
    run(app, "clients", "update", "old-library", "--pkce")
    refused = answer(client.authorize(scope="openid", code_challenge=None, code_challenge_method=None))
    assert refused["error"] == "invalid_request"


def test_the_developers_page_says_what_going_without_pkce_costs(app: Flask) -> None:
    created(app, "old-library", "--confidential", "--no-pkce", "--listed", "--home", "https://client.example.com")
    for language, words in (("en", ("nonce", "without PKCE")), ("ko", ("nonce", "PKCE 없음"))):
        page = app.test_client().get("/developers", headers={"Accept-Language": language}).text
        assert "clients update CLIENT_ID --no-pkce" in page
        assert all(word in page for word in words)


def test_who_becomes_confidential_gets_a_secret_and_who_becomes_public_loses_it(app: Flask) -> None:
    created(app, "turned", "--consent", "implicit", "--scope", "openid")
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    public = RelyingParty(browser, "turned")
    tokens = public.tokens(scope="openid")
    told = json.loads(run(app, "clients", "update", "turned", "--confidential", "--json"))
    assert (told["confidential"], told["auth_method"]) == (True, "client_secret")
    assert public.userinfo(tokens["access_token"]).status_code == 401
    confidential = RelyingParty(browser, "turned", told["client_secret"])
    assert public.redeem(public.code(scope="openid")).status_code == 401
    assert confidential.tokens(scope="openid")
    assert told["client_secret"] not in run(app, "clients", "show", "turned")
    run(app, "clients", "update", "turned", "--public")
    assert row(app, "turned")["secret_hash"] is None
    assert RelyingParty(browser, "turned").tokens(scope="openid")


def test_a_lifetime_counts_from_the_next_token_on(app: Flask) -> None:
    created(app, "brief", "--consent", "implicit", "--scope", "profile")
    browser = app.test_client()
    log_in(browser)
    client = RelyingParty(browser, "brief")
    run(app, "clients", "update", "brief", "--access-lifetime", "45", "--refresh-lifetime", "90")
    tokens = client.tokens(scope="profile")
    assert (tokens["expires_in"], tokens["refresh_expires_in"]) == (45, 90)


def test_a_code_on_its_way_to_an_address_that_was_taken_away_is_worth_nothing(app: Flask) -> None:
    created(app, "moved", "--redirect-uri", OTHER, "--consent", "implicit", "--scope", "openid")
    browser = app.test_client()
    log_in(browser)
    client = RelyingParty(browser, "moved")
    code = client.code(scope="openid", redirect_uri=OTHER)
    run(app, "clients", "update", "moved", "--remove-redirect-uri", OTHER)
    assert client.redeem(code, redirect_uri=OTHER).json["error"] == "invalid_grant"
