"""Accounts are changed, stopped, let in again and removed; somebody always administers."""

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.models import AuditLog, Delivery
from app.services.foundation.environment import NOBODY
from tests.cli.test_commands import run
from tests.relying_party import EMAIL, NAME, PASSWORD, RelyingParty, add_client, add_person, log_in

ADMIN = "admin@example.com"
STRONG = "another fine horse 7"


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    """A portal with one person beside the administrator."""
    app = make_app(open_database(request.param, "seeded"))
    add_person(app)
    return app


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """The person's browser."""
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    return browser


def shown(app: Flask, email: str = EMAIL) -> dict[str, Any]:
    return dict(json.loads(run(app, "users", "show", email, "--json")))


def recorded(app: Flask, action: str) -> list[tuple[str, dict[str, Any]]]:
    with app.app_context():
        query = sa.select(AuditLog).where(AuditLog.action == action)
        return [(each.actor, each.details) for each in app.extensions["services"].db.session.scalars(query)]


def mailed(app: Flask) -> list[str]:
    """The templates of the mails that wait, in order."""
    with app.app_context():
        services = app.extensions["services"]
        waiting = services.db.session.scalars(sa.select(Delivery).order_by(Delivery.created_at)).all()
        return sorted(json.loads(services.sealer.open(each.sealed))["template"] for each in waiting)


def test_what_people_say_of_themselves_can_be_set_for_them(app: Flask) -> None:
    changes = ["--name", "Ada King", "--username", "ada.king", "--locale", "en", "--timezone", "europe/london"]
    told = json.loads(run(app, "users", "update", EMAIL, *changes, "--unverified", "--json"))
    assert told == shown(app)
    expected = {"name": "Ada King", "username": "ada.king", "locale": "en", "timezone": "Europe/London"}
    assert {name: told[name] for name in expected} == expected
    assert told["verified"] is False
    assert recorded(app, "account:changed") == [("operator", {"changed": "email_verified"})]
    assert recorded(app, "account:profile:changed") == [("operator", {"fields": "full_name locale timezone username"})]
    assert "Error: " in run(app, "users", "update", EMAIL, "--username", "root", fails=True)
    assert "Say what to change" in run(app, "users", "update", EMAIL, fails=True)


def test_a_stopped_account_is_let_in_again_and_keeps_nothing(app: Flask, browser: FlaskClient) -> None:
    client = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))
    tokens = client.tokens()
    assert json.loads(run(app, "users", "disable", EMAIL, "--json")) == {"email": EMAIL, "active": False}
    assert log_in(app.test_client()).status_code == 401
    run(app, "users", "disable", EMAIL)
    assert json.loads(run(app, "users", "enable", EMAIL, "--json")) == {"email": EMAIL, "active": True}
    run(app, "users", "enable", EMAIL)
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.refresh(tokens["refresh_token"]).status_code == 400
    assert log_in(app.test_client()).status_code == 303
    assert len(recorded(app, "account:disabled")) == len(recorded(app, "account:enabled")) == 1
    assert [name for name in mailed(app) if name.startswith("account_")] == ["account_disabled", "account_enabled"]


def test_a_role_is_given_and_taken(app: Flask, browser: FlaskClient) -> None:
    client = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))
    tokens = client.tokens()
    assert json.loads(run(app, "users", "set-role", EMAIL, "admin", "--json")) == {"email": EMAIL, "role": "admin"}
    assert (shown(app)["role"], shown(app)["group"], shown(app)["admin"]) == ("admin", "MAX", True)
    assert client.userinfo(tokens["access_token"]).status_code == 401  # it says what the person was
    log_in(browser)
    tokens = client.tokens()
    assert client.userinfo(tokens["access_token"]).json["is_admin"] is True
    run(app, "users", "set-role", EMAIL, "member")
    run(app, "users", "set-role", EMAIL, "member")
    log_in(browser)
    answered = client.userinfo(client.tokens()["access_token"]).json
    assert (answered["is_admin"], answered["role_name"], answered["roles"]) == (False, "member", ["member"])
    said = recorded(app, "account:role:set")
    assert len(said) == 2
    for role in ("admin", "member"):
        assert ("operator", {"role": role, "group": "MAX"}) in said
    assert mailed(app).count("role_changed") == 2
    assert "Roles are admin, member" in run(app, "users", "set-role", EMAIL, "owner", fails=True)


def test_who_has_no_group_gets_one_with_the_role(app: Flask) -> None:
    with app.app_context():
        session = app.extensions["services"].db.session
        session.execute(sa.text("DELETE FROM memberships"))
        session.commit()
    run(app, "users", "set-role", EMAIL, "admin")
    assert (shown(app)["role"], shown(app)["group"]) == ("admin", "MAX")


@pytest.mark.parametrize("command", [["disable"], ["set-role", "member"], ["delete", "--yes"]], ids=" ".join)
def test_the_last_active_administrator_stays(app: Flask, command: list[str]) -> None:
    name, *rest = command
    assert "only active administrator" in run(app, "users", name, ADMIN, *rest, fails=True)
    assert (shown(app, ADMIN)["active"], shown(app, ADMIN)["role"]) == (True, "admin")
    run(app, "users", "set-role", EMAIL, "admin")
    run(app, "users", "disable", EMAIL)
    assert "only active administrator" in run(app, "users", name, ADMIN, *rest, fails=True)
    run(app, "users", "enable", EMAIL)
    run(app, "users", name, ADMIN, *rest)
    assert "only active administrator" in run(app, "users", "disable", EMAIL, fails=True)


def test_who_is_to_be_deleted_does_not_count(app: Flask) -> None:
    run(app, "users", "set-role", EMAIL, "admin")
    with app.app_context():
        services = app.extensions["services"]
        services.deletions.request(services.accounts.find(EMAIL).id, EMAIL, caller=NOBODY, keep_session_id=None)
        services.db.commit()
    assert "only active administrator" in run(app, "users", "disable", ADMIN, fails=True)


def test_of_two_administrators_stopped_at_once_one_stays(app: Flask) -> None:
    run(app, "users", "set-role", EMAIL, "admin")
    gate, codes = threading.Barrier(2), []

    def disable(email: str) -> None:
        gate.wait()
        codes.append(app.test_cli_runner().invoke(args=["users", "disable", email]).exit_code)

    threads = [threading.Thread(target=disable, args=(email,)) for email in (ADMIN, EMAIL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [0, 1]


def test_an_account_is_removed_at_once(app: Flask, browser: FlaskClient) -> None:
    client = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))
    tokens = client.tokens()
    assert json.loads(run(app, "users", "delete", EMAIL, "--json")) == {"email": EMAIL, "deleted": True}
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert "no account" in run(app, "users", "show", EMAIL, fails=True)
    assert recorded(app, "account:deleted") == [("operator", {})]
    assert mailed(app) == ["account_deleted"]
    add_person(app)
    assert client.userinfo(tokens["access_token"]).status_code == 401


def test_somebody_who_is_locked_out_gets_in(app: Flask) -> None:
    run(app, "users", "set-role", EMAIL, "admin")
    with app.app_context():
        services = app.extensions["services"]
        services.deletions.request(services.accounts.find(EMAIL).id, EMAIL, caller=NOBODY, keep_session_id=None)
        services.db.session.execute(sa.text("UPDATE users SET is_active = false, is_superuser = false"))
        services.db.session.execute(sa.text("DELETE FROM memberships"))
        services.db.session.commit()
    told = json.loads(run(app, "users", "recover", EMAIL, "--admin", "--json"))
    assert (told["email"], told["active"]) == (EMAIL, True)
    assert log_in(app.test_client()).status_code == 401
    assert log_in(app.test_client(), password=told["password"]).status_code == 303
    assert (shown(app)["deletes"], shown(app)["admin"], shown(app)["role"]) == (None, True, "admin")
    assert run(app, "users", "recover", EMAIL, "--password", STRONG) == f"{EMAIL} can log in.\n"
    assert log_in(app.test_client(), password=STRONG).status_code == 303
    assert mailed(app).count("password_set") == 2


def test_a_new_password_is_told(app: Flask) -> None:
    told = run(app, "users", "set-password", EMAIL, "--password", STRONG, "--json")
    assert json.loads(told) == {"email": EMAIL, "password_set": True}
    assert mailed(app) == ["password_set"]


def test_a_generated_password_is_shown_once(app: Flask) -> None:
    made = json.loads(run(app, "users", "create", "bob@example.com", "--name", NAME, "--json"))
    assert set(made) == {"email", "id", "password"}
    assert log_in(app.test_client(), "bob@example.com", password=made["password"]).status_code == 303
    given = json.loads(run(app, "users", "create", "eve@example.com", "--password", PASSWORD, "--json"))
    assert set(given) == {"email", "id"}


def commands(app: Flask) -> dict[str, set[str]]:
    """Every command of the portal by its words, with its options."""

    def below(command: Any, path: str) -> dict[str, set[str]]:
        if hasattr(command, "commands"):
            return {
                key: value
                for name, each in command.commands.items()
                for key, value in below(each, f"{path} {name}").items()
            }
        return {
            path: {name for each in command.params for name in (*each.opts, *each.secondary_opts) if name[0] == "-"}
        }

    own = ("seed", "users", "plans", "clients", "keys", "sessions", "tokens", "mail", "config")
    return {path: options for name in own for path, options in below(app.cli.commands[name], name).items()}


def test_every_command_answers_in_json(app: Flask) -> None:
    assert {path for path, options in commands(app).items() if "--json" not in options} == {"config document"}


def test_every_command_and_option_about_clients_and_people_is_documented(app: Flask) -> None:
    document = (Path(__file__).resolve().parents[2] / "docs/commands.md").read_text()
    lists = dict(re.findall(r"^(users|clients) ([a-z|-]+)$", document, re.M))
    for path, options in commands(app).items():
        noun, _, verb = path.partition(" ")
        assert verb in lists[noun].split("|") if noun in lists else f"`{path}" in document, path
        if noun in lists:
            assert {option for option in options if f"`{option}`" not in document} == set(), path
