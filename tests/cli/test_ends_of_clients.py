"""Clients that are stopped, turned on again or deleted, by commands."""

import json

import pytest
from flask import Flask

from app.services.oversight.grants import WantedDenied
from tests.cli.test_clients import app, created, neighbour, url
from tests.cli.test_commands import run
from tests.relying_party import RelyingParty, answer, log_in

__all__ = ["app", "neighbour", "url"]


def service_token(app: Flask, client_id: str, secret: str) -> str:
    form = {"grant_type": "client_credentials"}
    answered = app.test_client().post("/api/oauth/token", data=form, auth=(client_id, secret))
    assert answered.status_code == 200, answered.text
    return str(answered.json["access_token"])


def is_active(app: Flask, secret: str, token: str) -> bool:
    """Whether a resource server is told that a token counts."""
    answered = app.test_client().post("/api/oauth/introspect", data={"token": token}, auth=("resource", secret))
    return bool(answered.json["active"])


@pytest.mark.parametrize("end", ["disable", "delete"])
def test_service_tokens_of_a_stopped_client_never_come_back(app: Flask, neighbour: Flask, end: str) -> None:
    resource = created(app, "resource", "--confidential", "--introspect-any") or ""
    make = ["--confidential", "--grant", "client_credentials", "--scope", "admin:oauth"]
    secret = json.loads(run(app, "clients", "create", "svc", *make, "--json"))["client_secret"]
    old = service_token(app, "svc", secret)
    assert is_active(neighbour, resource, old)
    run(app, "clients", end, "svc")
    assert not is_active(neighbour, resource, old)
    if end == "delete":
        secret = json.loads(run(app, "clients", "create", "svc", *make, "--json"))["client_secret"]
    else:
        run(app, "clients", "enable", "svc")
    assert not is_active(neighbour, resource, old)
    assert is_active(neighbour, resource, service_token(app, "svc", secret))


def test_a_deleted_client_takes_along_what_it_held(app: Flask, neighbour: Flask) -> None:
    secret = created(app, "gone", "--confidential", "--consent", "implicit", "--scope", "openid profile")
    browser = neighbour.test_client()
    log_in(browser)
    client = RelyingParty(browser, "gone", secret)
    tokens, waiting = client.tokens(scope="openid profile"), client.code(scope="openid")
    told = json.loads(run(app, "clients", "delete", "gone", "--json"))
    assert told == {"client_id": "gone", "deleted": True}
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.refresh(tokens.get("refresh_token", "x")).status_code == 401
    assert client.redeem(waiting).status_code == 401
    assert client.authorize().status_code == 400
    assert "no client" in run(app, "clients", "delete", "gone", fails=True)
    # Whoever takes the id next gets nothing of it, and nothing comes back to life.
    renewed = created(app, "gone", "--confidential", "--consent", "implicit", "--scope", "openid profile")
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert RelyingParty(browser, "gone", renewed).redeem(waiting).json["error"] == "invalid_grant"
    with app.app_context():
        services = app.extensions["services"]
        denied = services.grants.denied(WantedDenied(), limit=10).items
    assert {(each.client_id, each.reason) for each in denied} == {("gone", "client_deleted")}


def test_deleting_a_seeded_client_says_that_seeding_makes_it_anew(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["clients", "delete", "maxlab", "--yes"])
    assert (result.exit_code, result.stdout) == (0, "Deleted maxlab.\n")
    assert "disable it" in result.stderr


def test_a_stopped_client_can_be_turned_on_again(app: Flask, neighbour: Flask) -> None:
    created(app, "paused", "--consent", "implicit", "--scope", "openid")
    browser = neighbour.test_client()
    log_in(browser)
    client = RelyingParty(browser, "paused")
    tokens = client.tokens(scope="openid")
    assert json.loads(run(app, "clients", "disable", "paused", "--json")) == {"client_id": "paused", "active": False}
    assert client.authorize(scope="openid").status_code == 400
    assert json.loads(run(app, "clients", "enable", "paused", "--json")) == {"client_id": "paused", "active": True}
    assert "code" in answer(client.authorize(scope="openid"))
    assert client.userinfo(tokens["access_token"]).status_code == 401
