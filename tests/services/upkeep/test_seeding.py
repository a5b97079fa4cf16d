"""What a portal begins with: nothing of a developer's desk in production, and an administrator."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask

from app.models import Group
from app.settings import ConfigurationError, Settings
from tests.cli.test_commands import run
from tests.relying_party import log_in

ISSUER = "https://id.example.com"
PASSWORD = "correct horse battery 9"


@pytest.fixture
def production(
    make_app: Callable[..., Flask], open_database: Callable[..., str], instance: Path
) -> Callable[..., Flask]:
    """A portal in production, on a new database or on one that a developer's desk has seeded."""

    def made(*, is_new: bool = True, **environ: str) -> Flask:
        kept = instance / "encryption_key"
        url = open_database("sqlite", "empty" if is_new else "seeded")
        keys = kept.read_text().strip() if kept.exists() else Fernet.generate_key().decode()
        strict = {"APP_ENV": "production", "SECRET_KEY": "s" * 40, "ENCRYPTION_KEYS": keys, "PUBLIC_URL": ISSUER}
        app = make_app(url, **{**strict, **environ})
        if is_new:
            run(app, "db", "upgrade")
        return app

    return made


def active(app: Flask) -> dict[str, dict[str, Any]]:
    rows = json.loads(run(app, "clients", "list", "--json"))
    names = [row["client_id"] for row in rows if row["active"]]
    return {name: json.loads(run(app, "clients", "show", name, "--json")) for name in names}


def test_production_makes_no_application_that_it_cannot_place(production: Callable[..., Flask]) -> None:
    app = production()
    run(app, "seed")
    found = active(app)
    assert set(found) == {"playground", "maxplatform-service"}
    assert found["playground"]["redirect_uris"] == [f"{ISSUER}/playground/callback"]
    assert "localhost" not in json.dumps(found)


def test_a_template_places_them_and_single_ones_are_placed_apart(production: Callable[..., Flask]) -> None:
    app = production(
        CLIENT_ORIGIN_TEMPLATE="https://{client}.example.com/",
        CLIENT_ORIGINS="maxlab=https://lab.example.com, maxapa=none",
    )
    run(app, "seed")
    found = active(app)
    assert "maxapa" not in found
    assert len(found) == 9
    assert found["maxlab"]["redirect_uris"] == ["https://lab.example.com/oauth/callback"]
    assert found["maxllm"]["redirect_uris"] == ["https://maxllm.example.com/oauth/callback"]
    assert found["maxllm"]["home_uri"] == "https://maxllm.example.com"
    assert "localhost" not in json.dumps(found)
    assert run(app, "seed") == "Everything is there already.\n"


def test_a_mistyped_application_is_said_and_nothing_is_seeded(production: Callable[..., Flask]) -> None:
    app = production(CLIENT_ORIGINS="maxlabs=https://lab.example.com")
    assert "none of the MAX applications: maxlabs" in run(app, "seed", fails=True)
    assert active(app) == {}


@pytest.mark.parametrize("template", ["", "https://{client}.example.com"])
def test_what_a_desk_has_seeded_moves_or_stops(production: Callable[..., Flask], template: str) -> None:
    app = production(is_new=False, CLIENT_ORIGIN_TEMPLATE=template)
    assert "localhost" in json.dumps(active(app))
    run(app, "seed")
    found = active(app)
    assert "localhost" not in json.dumps(found)
    assert ("maxlab" in found) is bool(template)
    assert found["playground"]["redirect_uris"] == [f"{ISSUER}/playground/callback"]


def test_the_first_administrator_can_come_from_a_secret_file(production: Callable[..., Flask], tmp_path: Path) -> None:
    secret = tmp_path / "admin_password"
    secret.write_text(f"{PASSWORD}\n")
    app = production(ADMIN_EMAIL="boss@example.com", ADMIN_PASSWORD_FILE=str(secret))
    assert PASSWORD not in run(app, "seed")
    assert PASSWORD not in run(app, "config", "check")
    told = json.loads(run(app, "users", "show", "boss@example.com", "--json"))
    assert (told["admin"], told["verified"]) == (True, True)
    run(app, "users", "create", "other@example.com", "--password", PASSWORD)
    assert run(app, "seed") == "Everything is there already.\n"


def test_an_account_that_came_first_does_not_keep_the_administrator_away(production: Callable[..., Flask]) -> None:
    app = production()
    run(app, "users", "create", "early@example.com", "--password", PASSWORD)
    assert "admin@example.com  password: " in run(app, "seed")


def test_a_desk_is_seeded_as_before(app: Flask) -> None:
    assert len(active(app)) == 10
    assert active(app)["maxlab"]["redirect_uris"] == ["http://localhost:3010/oauth/callback"]
    assert log_in(app.test_client()).status_code == 401


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CLIENT_ORIGIN_TEMPLATE": "https://example.com"}, "CLIENT_ORIGIN_TEMPLATE must be an origin"),
        ({"CLIENT_ORIGIN_TEMPLATE": "https://{client}.example.com/x"}, "CLIENT_ORIGIN_TEMPLATE must be an origin"),
        ({"CLIENT_ORIGIN_TEMPLATE": "https://{client}.{port}.x{"}, "CLIENT_ORIGIN_TEMPLATE must be an origin"),
        ({"CLIENT_ORIGINS": "maxlab"}, "CLIENT_ORIGINS must look like"),
        ({"CLIENT_ORIGIN_TEMPLATE": "http://{client}.example.com"}, "must be https in production"),
        ({"CLIENT_ORIGINS": "maxlab=http://localhost:3010"}, "must be https in production"),
        ({"ADMIN_PASSWORD_FILE": "/nowhere/at/all"}, "ADMIN_PASSWORD cannot be read from ADMIN_PASSWORD_FILE"),
    ],
)
def test_settings_that_cannot_be_used_are_said_in_one_line(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    strict = {"APP_ENV": "production", "SECRET_KEY": "s" * 40, "PUBLIC_URL": ISSUER, "INSTANCE_PATH": str(tmp_path)}
    keys = {"ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment({**strict, **keys, **changes})
    (problem,) = refused.value.problems
    assert said in problem


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_names_that_older_code_wrote_are_made_one_whatever_their_case(
    make_app: Callable[..., Flask], open_database: Callable[..., str], engine: str
) -> None:
    """Where two are one by now the older has the key; what is too long for one has none."""
    app = make_app(open_database(engine))
    with app.app_context():
        session = app.extensions["services"].db.session
        for number, name in enumerate(("Lab", "\uff2cAB", "\ufdfa" * 100, "max")):
            row = Group(id=str(number), name=name, kind="group", created_at=datetime(2026, 1, 1 + number, tzinfo=UTC))
            session.add(row)
        session.commit()
    run(app, "seed")
    with app.app_context():
        rows = app.extensions["services"].db.session.execute(sa.select(Group.id, Group.name_key)).all()
    keys = {row.id: row.name_key for row in rows}
    assert [keys[str(number)] for number in range(4)] == ["lab", None, None, None]
    assert "max" in keys.values()
