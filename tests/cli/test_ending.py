"""Operators end sessions and tokens, and remove what is over."""

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.clock import Clock
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, log_in

Run = Callable[..., str]


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    """A portal with one person."""
    app = make_app(open_database(request.param, "seeded"))
    add_person(app)
    return app


@pytest.fixture
def web(app: Flask) -> RelyingParty:
    """A client in the browser of a person who is logged in."""
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    return RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))


@pytest.fixture
def run(app: Flask) -> Run:
    def run(*arguments: str, typed: str = "", code: int = 0) -> str:
        result = app.test_cli_runner().invoke(args=arguments, input=typed)
        assert (result.exit_code, "Traceback" in result.output) == (code, False), result.output
        return str(result.output if code else result.stdout)

    return run


def test_an_operator_sees_and_ends_one_session(web: RelyingParty, run: Run) -> None:
    tokens = web.tokens()
    (session,) = json.loads(run("sessions", "list", EMAIL, "--json"))
    assert session["ip_address"] == "127.0.0.1"
    assert session["id"] in run("sessions", "list", EMAIL)
    assert run("sessions", "end", session["id"]) == f"Ended {session['id']}.\n"
    assert web.userinfo(tokens["access_token"]).status_code == 401
    assert web.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert "error=login_required" in web.authorize(prompt="none").location
    assert json.loads(run("sessions", "list", EMAIL, "--json")) == []
    assert "There is no open session of that id." in run("sessions", "end", session["id"], code=1)


def test_an_operator_ends_all_sessions_of_one_person(app: Flask, web: RelyingParty, run: Run) -> None:
    add_person(app, "other@example.com")
    other = app.test_client()
    log_in(other, email="other@example.com")
    log_in(app.test_client())
    assert run("sessions", "end", "--user", EMAIL) == "Ended 2.\n"
    assert len(json.loads(run("sessions", "list", "other@example.com", "--json"))) == 1
    assert "error=login_required" in web.authorize(prompt="none").location


@pytest.mark.parametrize("arguments", [(), ("some-id", "--user", EMAIL)])
def test_it_is_said_which_session_or_nothing_is_done(run: Run, arguments: tuple[str, ...]) -> None:
    assert "Say which session" in run("sessions", "end", *arguments, code=2)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_an_operator_ends_the_token_that_is_typed(web: RelyingParty, run: Run, kind: str) -> None:
    tokens, others = web.tokens(), web.tokens()
    assert run("tokens", "revoke", "--stdin", typed=f"{tokens[kind]}\n") == "Ended 1.\n"
    assert run("tokens", "revoke", "--stdin", typed=f"{tokens[kind]}\n") == "Nothing was open.\n"
    assert web.userinfo(tokens["access_token"]).status_code == 401
    assert web.refresh(tokens["refresh_token"]).status_code == (200 if kind == "access_token" else 400)
    assert web.userinfo(others["access_token"]).status_code == 200


@pytest.mark.parametrize(("option", "value"), [("--user", EMAIL), ("--client", "web")])
def test_an_operator_ends_all_tokens_of_a_person_or_a_client(
    web: RelyingParty, run: Run, option: str, value: str
) -> None:
    tokens = [web.tokens() for _ in range(3)]
    assert run("tokens", "revoke", option, value) == "Ended 3.\n"
    assert [web.userinfo(each["access_token"]).status_code for each in tokens] == [401] * 3
    listed = json.loads(run("tokens", "list", "--user", EMAIL, "--json"))
    assert {row["reason"] for row in listed} == {"revoked_by_operator"}
    assert len(listed) == 3
    assert json.loads(run("tokens", "list", "--user", "admin@example.com", "--json")) == []
    assert web.tokens()["access_token"]  # who was not stopped may come again


@pytest.mark.parametrize("arguments", [(), ("--stdin", "--user", EMAIL), ("--user", EMAIL, "--client", "web")])
def test_it_is_said_which_tokens_or_nothing_is_done(web: RelyingParty, run: Run, arguments: tuple[str, ...]) -> None:
    tokens = web.tokens()
    assert "Say which tokens" in run("tokens", "revoke", *arguments, code=2)
    assert web.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--user", "nobody@example.com"), "There is no account of that e-mail or id."),
        (("--client", "nobody"), "There is no client of that id."),
    ],
)
def test_nobody_has_no_tokens(run: Run, arguments: tuple[str, ...], said: str) -> None:
    assert said in run("tokens", "revoke", *arguments, code=1)


def counted(app: Flask) -> dict[str, int]:
    tables = ("authorization_codes", "refresh_tokens", "token_families", "revoked_tokens", "user_sessions")
    with app.app_context():
        session = app.extensions["services"].db.session
        return {name: session.scalar(sa.text(f"SELECT count(*) FROM {name}")) for name in tables}  # noqa: S608


def test_what_is_over_goes_in_its_time_and_nothing_else(app: Flask, web: RelyingParty, run: Run, clock: Clock) -> None:
    ended = web.tokens()
    web.browser.post("/api/oauth/revoke", data={"token": ended["refresh_token"]}, auth=("web", web.secret or ""))
    tokens = web.tokens()
    for _ in range(5):
        tokens = web.refresh(tokens["refresh_token"]).json
    before = counted(app)
    assert set(json.loads(run("tokens", "cleanup", "--json")).values()) == {0}
    assert counted(app) == before
    clock.advance(days=2)
    assert web.refresh(tokens["refresh_token"]).status_code == 200
    gone = json.loads(run("tokens", "cleanup", "--batch", "1", "--json"))
    assert (gone["authorization_codes"], gone["revoked_tokens"], gone["refresh_tokens"]) == (2, 1, 0)
    clock.advance(days=200)
    run("tokens", "cleanup", "--batch", "2")
    assert set(counted(app).values()) == {0}
    assert log_in(app.test_client()).status_code == 303
