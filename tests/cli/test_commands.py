"""What operators type, and what it prints."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.relying_party import log_in


def run(app: Flask, *arguments: str, fails: bool = False) -> str:
    result = app.test_cli_runner().invoke(args=arguments)
    assert (result.exit_code != 0) is fails, result.output
    assert "Traceback" not in result.output
    return result.stdout if not fails else result.output


def test_seeding_twice_changes_nothing_and_shows_nothing(app: Flask) -> None:
    before = run(app, "clients", "list", "--json")
    assert "password" not in run(app, "seed")
    assert run(app, "clients", "list", "--json") == before
    seeded = {row["client_id"] for row in json.loads(before)}
    assert {
        "maxflowstudio",
        "maxlab",
        "maxteamsync",
        "maxworkspace",
        "maxqueryhub",
        "maxllm",
        "maxapa",
        "maxmlops",
        "maxplatform-service",
        "playground",
    } == seeded


def test_users(app: Flask, client: FlaskClient) -> None:
    run(app, "users", "create", "ada@example.com", "--password", "correct horse battery 9", "--admin", "--verified")
    (ada,) = [row for row in json.loads(run(app, "users", "list", "--json")) if row["email"] == "ada@example.com"]
    assert (ada["admin"], ada["verified"], ada["plan"]) == (True, True, "free")
    assert log_in(client).status_code == 303
    run(app, "users", "set-plan", "ada@example.com", "pro")
    run(app, "users", "set-password", "ada@example.com", "--password", "another fine horse 7")
    assert client.get("/logout").location == "/logged-out"  # the session ended with the password
    assert log_in(client).status_code == 401
    assert log_in(client, password="another fine horse 7").status_code == 303
    run(app, "users", "disable", "ada@example.com")
    assert log_in(app.test_client(), password="another fine horse 7").status_code == 401


@pytest.mark.parametrize(
    "arguments",
    [
        ("users", "create", "not an e-mail", "--password", "correct horse battery 9"),
        ("users", "create", "a@example.com", "--password", "short"),
        ("users", "create", "a@example.com", "--password", "password1"),
        ("users", "create", "ADMIN@example.com", "--password", "correct horse battery 9"),
        ("users", "disable", "nobody@example.com"),
        ("users", "set-plan", "admin@example.com", "golden"),
        ("clients", "show", "nobody"),
        ("clients", "create", "maxlab", "--redirect-uri", "https://a.example.com/"),
        ("clients", "create", "x", "--redirect-uri", "http://a.example.com/"),
        ("clients", "create", "x"),
        ("clients", "create", "x", "--redirect-uri", "https://a.example.com/", "--scope", "nonsense"),
        ("clients", "create", "x", "--grant", "client_credentials"),
        ("clients", "create", "0b0e0c63-7d1c-4f0f-8a53-0d6f3f3c2f11", "--redirect-uri", "https://a.example.com/"),
        ("clients", "rotate-secret", "maxlab"),
        ("keys", "retire", "nothing"),
        ("keys", "rotate", "--algorithm", "none"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(app: Flask, arguments: tuple[str, ...]) -> None:
    assert "Error: " in run(app, *arguments, fails=True)


def test_client_secrets_are_shown_once(app: Flask, client: FlaskClient) -> None:
    made = json.loads(
        run(
            app,
            "clients",
            "create",
            "svc",
            "--confidential",
            "--grant",
            "client_credentials",
            "--scope",
            "admin:oauth",
            "--json",
        )
    )
    assert set(made) == {"client_id", "client_secret"}
    assert made["client_secret"] not in run(app, "clients", "show", "svc", "--json")
    form = {"grant_type": "client_credentials"}
    assert client.post("/api/oauth/token", data=form, auth=("svc", made["client_secret"])).status_code == 200
    renewed = json.loads(run(app, "clients", "rotate-secret", "svc", "--json"))["client_secret"]
    assert client.post("/api/oauth/token", data=form, auth=("svc", made["client_secret"])).status_code == 401
    assert client.post("/api/oauth/token", data=form, auth=("svc", renewed)).status_code == 200
    run(app, "clients", "disable", "svc")
    assert client.post("/api/oauth/token", data=form, auth=("svc", renewed)).status_code == 401


def test_keys_rotate(app: Flask) -> None:
    before = {row["kid"]: row["status"] for row in json.loads(run(app, "keys", "list", "--json"))}
    after = {row["kid"]: row["status"] for row in json.loads(run(app, "keys", "rotate", "--json"))}
    assert {after[kid] for kid, status in before.items() if status == "current"} == {"previous"}
    assert {after[kid] for kid, status in before.items() if status == "next"} == {"current"}


def test_config_check_shows_settings_without_secrets(app: Flask) -> None:
    shown = run(app, "config", "check")
    assert "JWT_ALGORITHM=ES256" in shown
    assert app.config["SECRET_KEY"] not in shown


@pytest.mark.parametrize(
    "command",
    [
        ["users", "show", "{}@example.com"],
        ["users", "create", "ada@example.com", "--name", "Ada{}"],
        ["users", "list", "--after", "{}"],
        ["users", "set-role", "admin@example.com", "{}"],
        ["sessions", "end", "{}"],
        ["sessions", "list", "{}"],
        ["clients", "create", "web", "--redirect-uri", "https://web.example.com/", "--owner", "{}"],
        ["clients", "create", "web", "--redirect-uri", "https://web.example.com/", "--description", "{}"],
        ["clients", "create", "web", "--redirect-uri", "https://web.example.com/{}"],
    ],
    ids=lambda command: " ".join(command).replace("{}", "_"),
)
def test_bytes_that_are_no_text_are_refused_in_one_line(app: Flask, command: list[str]) -> None:
    """Python hands them on as halves of surrogate pairs, which no database takes."""
    said = run(app, *(each.format("\udcff") for each in command), fails=True)
    assert said.endswith("Error: What was typed is not text in the encoding of this terminal.\n")
