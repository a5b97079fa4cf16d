"""Secrets of clients: one, or two for as long as an operator says; keys in their place. On both engines."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from joserfc.jwk import ECKey

from app.models import Client, ClientSecret
from app.services.foundation.environment import sha256
from tests.cli.test_clients import created, recorded, row, shown
from tests.cli.test_commands import run
from tests.clock import Clock

OPTIONS = ("--confidential", "--scope", "admin:oauth", "--grant", "client_credentials")
KEY = ECKey.generate_key("P-256")
JWKS = {"keys": [KEY.as_dict(private=False)]}


@pytest.fixture
def app(make_app: Callable[..., Flask], database_url: str) -> Flask:
    """A portal on each engine."""
    return make_app(database_url)


def works(app: Flask, secret: str | None, client_id: str = "kim") -> bool:
    """Whether the secret opens the client, by basic and by post alike."""
    form, browser = {"grant_type": "client_credentials"}, app.test_client()
    answers = [
        browser.post("/api/oauth/token", data=form, auth=(client_id, secret or "")),
        browser.post("/api/oauth/token", data={**form, "client_id": client_id, "client_secret": secret}),
    ]
    statuses = {each.status_code for each in answers}
    assert statuses in ({200}, {401})
    return statuses == {200}


def rotated(app: Flask, *options: str) -> str:
    return str(json.loads(run(app, "clients", "rotate-secret", "kim", *options, "--json"))["client_secret"])


def secrets(app: Flask) -> list[dict[str, Any]]:
    return list(json.loads(run(app, "clients", "secrets", "kim", "--json")))


def refused(app: Flask, *command: str) -> str:
    result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == 1, result.output
    return result.output


def test_a_secret_is_replaced_without_a_gap(app: Flask, clock: Clock) -> None:
    old = created(app, "kim", *OPTIONS)
    (only,) = secrets(app)
    assert (set(only), only["expires"]) == ({"id", "created", "expires"}, None)
    new = rotated(app, "--overlap", "24h")
    assert (works(app, old), works(app, new)) == (True, True)
    newest, before = secrets(app)
    assert (newest["expires"], before["id"]) == (None, only["id"])
    assert before["expires"] == (clock.now + timedelta(hours=24)).isoformat(timespec="seconds")
    clock.now += timedelta(hours=24, seconds=1)
    assert (works(app, old), works(app, new)) == (False, True)
    assert [each["id"] for each in secrets(app)] == [newest["id"]]
    # What is over is removed, and what counts is not.
    run(app, "tokens", "cleanup")
    with app.app_context():
        found = app.extensions["services"].db.session.scalars(sa.select(ClientSecret.id).filter_by(client_id="kim"))
        assert list(found) == [newest["id"]]
    assert works(app, new)
    assert [(action, details) for action, _, details in recorded(app, "kim") if "secret" in action] == [
        ("client:secret_rotated", {"overlap_seconds": 86400})
    ]


def test_without_an_overlap_every_other_secret_ends_at_once(app: Flask) -> None:
    old = created(app, "kim", *OPTIONS)
    between = rotated(app, "--overlap", "7d")
    new = rotated(app)
    assert (works(app, old), works(app, between), works(app, new)) == (False, False, True)
    assert len(secrets(app)) == 1


def test_a_third_secret_is_refused_and_changes_nothing(app: Flask) -> None:
    old, new = created(app, "kim", *OPTIONS), rotated(app, "--overlap", "1h")
    problem = refused(app, "clients", "rotate-secret", "kim", "--overlap", "1h")
    assert "Two secrets count already: end one of them first, or rotate without an overlap." in problem
    assert (works(app, old), works(app, new), len(secrets(app))) == (True, True, 2)


def test_one_of_two_is_ended(app: Flask, clock: Clock) -> None:
    old, new = created(app, "kim", *OPTIONS), rotated(app, "--overlap", "1h")
    newest, before = (each["id"] for each in secrets(app))
    said = json.loads(run(app, "clients", "end-secret", "kim", before, "--json"))
    assert said == {"client_id": "kim", "ended": before}
    assert (works(app, old), works(app, new)) == (False, True)
    # Ending the newest one takes the rotation back: the one before it counts without an end.
    last = rotated(app, "--overlap", "1h")
    run(app, "clients", "end-secret", "kim", secrets(app)[0]["id"])
    assert (works(app, new), works(app, last)) == (True, False)
    clock.now += timedelta(days=2)
    assert (works(app, new), [each["id"] for each in secrets(app)]) == (True, [newest])
    assert row(app, "kim")["secret_hash"] == sha256(new)
    ended = [details for action, _, details in recorded(app, "kim") if action == "client:secret_ended"]
    assert [set(each) for each in ended] == [{"secret"}] * 2


def test_the_only_secret_and_a_strangers_are_not_ended(app: Flask) -> None:
    secret = created(app, "kim", *OPTIONS)
    created(app, "other", *OPTIONS)
    only = secrets(app)[0]["id"]
    assert "the only secret" in refused(app, "clients", "end-secret", "kim", only)
    assert "no secret of that id" in refused(app, "clients", "end-secret", "other", only)
    assert "no secret of that id" in refused(app, "clients", "end-secret", "kim", "x")
    assert "no client of that id" in refused(app, "clients", "end-secret", "nobody", only)
    assert "no client of that id" in refused(app, "clients", "secrets", "nobody")
    assert works(app, secret)


@pytest.mark.parametrize("overlap", ["31d", "999999d", "721h"])
def test_an_overlap_has_an_end(app: Flask, overlap: str) -> None:
    secret = created(app, "kim", *OPTIONS)
    assert "at most 30 days" in refused(app, "clients", "rotate-secret", "kim", "--overlap", overlap)
    assert works(app, secret)


@pytest.mark.parametrize("overlap", ["", "24", "-1h", "1w", "h", "1.5h", "\uff11h", "1h\n"])
def test_an_overlap_is_a_number_and_a_unit(app: Flask, overlap: str) -> None:
    created(app, "kim", *OPTIONS)
    result = app.test_cli_runner().invoke(args=["clients", "rotate-secret", "kim", "--overlap", overlap])
    assert (result.exit_code, "a number and a unit" in result.output) == (2, True)


def test_a_secret_that_older_code_sets_is_the_only_one(app: Flask) -> None:
    """Before there was a table, code wrote the column of the client alone."""
    old = created(app, "kim", *OPTIONS)
    between = rotated(app, "--overlap", "1h")
    with app.app_context():
        session = app.extensions["services"].db.session
        session.execute(sa.update(Client).where(Client.client_id == "kim").values(secret_hash=sha256("theirs")))
        session.commit()
    assert (works(app, old), works(app, between), works(app, "theirs")) == (False, False, True)
    assert [each["expires"] for each in secrets(app)] == [None]
    new = rotated(app, "--overlap", "1h")
    assert (works(app, "theirs"), works(app, new), works(app, old), len(secrets(app))) == (True, True, False, 2)


def test_secrets_go_with_the_client(app: Flask) -> None:
    old = created(app, "kim", *OPTIONS)
    rotated(app, "--overlap", "1h")
    run(app, "clients", "delete", "kim", "--yes")
    created(app, "kim", *OPTIONS)
    assert (works(app, old), len(secrets(app))) == (False, 1)


def test_no_secret_is_shown_again(app: Flask) -> None:
    old = created(app, "kim", *OPTIONS) or ""
    new = rotated(app, "--overlap", "1h")
    texts = [run(app, "clients", *command) for command in (("secrets", "kim"), ("show", "kim"), ("list",))]
    texts += [json.dumps(secrets(app)), json.dumps(recorded(app, "kim"))]
    for text in texts:
        assert not {old, new, sha256(old), sha256(new)} & set(text.split())
        assert sha256(new) not in text


def test_keys_take_the_place_of_a_secret(app: Flask, tmp_path: Path) -> None:
    secret = created(app, "kim", *OPTIONS)
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(JWKS))
    update = ("clients", "update", "kim", "--auth-method", "private_key_jwt", "--jwks", str(path), "--json")
    changed = json.loads(run(app, *update))
    assert (changed["jwks"], changed["jwks_uri"], changed["changed"]) == (JWKS, None, ["auth_method", "jwks"])
    assert "client_secret" not in changed
    assert (works(app, secret), secrets(app), row(app, "kim")["secret_hash"]) == (False, [], None)
    assert json.loads(run(app, *update))["changed"] == []
    assert "This client has no secret" in refused(app, "clients", "rotate-secret", "kim")
    (line,) = [each for each in run(app, "clients", "show", "kim").splitlines() if each.startswith("jwks: ")]
    assert json.loads(line.removeprefix("jwks: ")) == JWKS
    # The address of keys takes the place of keys, and the other way round.
    address = "https://kim.example.com/jwks.json"
    changed = json.loads(run(app, "clients", "update", "kim", "--jwks-uri", address, "--json"))
    assert (changed["jwks"], changed["jwks_uri"], changed["changed"]) == (None, address, ["jwks", "jwks_uri"])
    # Back to a secret: a new one, and no keys.
    changed = json.loads(run(app, "clients", "update", "kim", "--auth-method", "client_secret_basic", "--json"))
    assert (changed["jwks_uri"], changed["changed"]) == (None, ["auth_method", "jwks_uri"])
    assert (changed["client_secret"] != secret, len(secrets(app))) == (True, 1)


def test_a_client_is_registered_with_its_keys(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(JWKS))
    keys = ("--auth-method", "private_key_jwt", "--jwks", str(path))
    assert created(app, "kim", *OPTIONS, *keys) is None
    assert (shown(app, "kim")["jwks"], secrets(app)) == (JWKS, [])
    assert created(app, "lee", *OPTIONS, *keys[:2], "--jwks-uri", "https://lee.example.com/jwks") is None


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--confidential", "--auth-method", "private_key_jwt"), "either a set of keys or the address of one"),
        (("--confidential", "--jwks-uri", "https://a.test/jwks"), "Only a client that authenticates by private_key"),
        (("--auth-method", "private_key_jwt", "--jwks-uri", "https://a.test/jwks"), "a public one with none"),
        (("--confidential", "--auth-method", "private_key_jwt", "--jwks", "PRIVATE"), "public keys only"),
        (
            (
                "--confidential",
                "--auth-method",
                "private_key_jwt",
                "--jwks",
                "PUBLIC",
                "--jwks-uri",
                "https://a.test/j",
            ),
            "either a set of keys or the address of one",
        ),
        *(
            (("--confidential", "--auth-method", "private_key_jwt", "--jwks-uri", uri), "address|URI")
            for uri in (
                "http://a.test/jwks",
                "https://user@a.test/jwks",
                "https://10.0.0.1/jwks",
                "https://169.254.169.254/jwks",
                "https://[::ffff:10.0.0.1]/jwks",
                "https://[::1]/jwks#a",
                "ftp://a.test/jwks",
                "file:///etc/passwd",
                "jwks",
                "com.example:/jwks",
            )
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(
    app: Flask, tmp_path: Path, options: tuple[str, ...], problem: str
) -> None:
    for name, is_private in (("PUBLIC", False), ("PRIVATE", True)):
        (tmp_path / name).write_text(json.dumps({"keys": [KEY.as_dict(private=is_private)]}))
    words = [str(tmp_path / word) if word in {"PUBLIC", "PRIVATE"} else word for word in options]
    said = refused(app, "clients", "create", "kim", "--grant", "refresh_token", *words)
    assert any(part in said for part in problem.split("|")), said
    assert KEY.as_dict(private=True)["d"] not in said


def test_an_address_on_this_machine_is_for_development(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    common = (*OPTIONS, "--auth-method", "private_key_jwt", "--jwks-uri", "http://127.0.0.1:9/jwks")
    assert created(app, "kim", *common) is None


def test_a_file_that_is_not_there_is_said_in_one_line(app: Flask, tmp_path: Path) -> None:
    result = app.test_cli_runner().invoke(args=["clients", "update", "kim", "--jwks", str(tmp_path / "none")])
    assert (result.exit_code, "cannot be read" in result.output) == (2, True)
