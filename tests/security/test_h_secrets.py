"""Section H, item 159: nothing the portal answers holds a key, a password of its own, or where it keeps its data."""

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.settings import Settings
from tests.databases import SqliteDatabases
from tests.portal import close
from tests.relying_party import log_in
from tests.security.answers import is_json, is_page
from tests.security.parties import Parties

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/api/oauth/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
]
PAGES = ["/", "/developers", "/playground", "/playground/callback", "/terms", "/privacy", "/login", "/register"]
PAGES += ["/logout", "/logged-out", "/select-account", "/consent", "/api/oauth/authorize", "/api/oauth/logout"]
PROGRAMS = ["/health", "/ready", "/api/oauth/userinfo", "/api/oauth/token", "/api/oauth/revoke", "/api/nothing"]
PROGRAMS += ["/api/oauth/introspect", "/api/oauth/token/validate"]
INSIDE = ["PRIVATE KEY", "Traceback", "sqlalchemy", "sqlite3.", "psycopg", "site-packages", "SELECT ", "portal.db"]


def private_parts(parties: Parties) -> dict[str, str]:
    """The private members of every signing key, opened as only the holder of the encryption key can."""
    fernet = Fernet((parties.directory / "encryption_key").read_text().strip())
    with closing(sqlite3.connect(parties.directory / "portal.db")) as database:
        sealed = [row[0] for row in database.execute("SELECT private_sealed FROM signing_keys")]
    keys = [json.loads(fernet.decrypt(each)) for each in sealed]
    members = ("d", "p", "q", "dp", "dq", "qi")
    return {f"{name} of {key['kid']}": key[name] for key in keys for name in members if name in key}


@pytest.fixture(scope="module")
def hidden(parties: Parties) -> dict[str, str]:
    """All that must not be found, by what it is."""
    found = {name: (parties.directory / name).read_text().strip() for name in ("secret_key", "encryption_key")}
    found |= {"database": parties.database_url, "directory": str(parties.directory), "source": str(ROOT)}
    found |= {text: text for text in INSIDE}
    parts = private_parts(parties)
    assert len(parts) == 2 * 1 + 2 * 6
    return {**found, **parts}


def findings(hidden: dict[str, str], response: TestResponse) -> list[str]:
    """What of it stands in an answer, in its body or its headers."""
    text = response.get_data(as_text=True) + str(response.headers)
    return [name for name, secret in hidden.items() if secret in text]


@pytest.fixture(scope="module")
def browsers(parties: Parties, sqlite_databases: SqliteDatabases) -> list[FlaskClient]:
    """Those of nobody, of Ada and of the administrator."""
    admin, seeded = parties.app.test_client(), sqlite_databases.seeded
    assert log_in(admin, email=seeded.admin_email, password=seeded.admin_password).status_code == 303
    return [parties.nobody, parties.browser, admin]


def test_h159_what_is_hidden_would_be_found(parties: Parties, hidden: dict[str, str]) -> None:
    planted = parties.nobody.get("/login", query_string={"interaction": "x"})
    for name, secret in hidden.items():
        planted.set_data(f"before{secret}after")
        assert name in findings(hidden, planted)


@pytest.mark.parametrize("path", [*PAGES, *PROGRAMS, *DOCUMENTS])
def test_h159_no_answer_holds_a_secret(
    parties: Parties, hidden: dict[str, str], browsers: list[FlaskClient], path: str
) -> None:
    for browser in browsers:
        for method in ("GET", "POST", "OPTIONS"):
            response = browser.open(path, method=method, data={"x": "y"} if method == "POST" else None)
            # Ada and the administrator stay logged in: no form here comes with its token.
            assert response.status_code in {200, 204, 302, 303, 400, 401, 404, 405, 410, 415}
            assert findings(hidden, response) == [], method


def broken(browser: FlaskClient) -> Iterator[tuple[int, TestResponse]]:
    """Requests that go wrong in every way, with the status each should have."""
    form = "application/x-www-form-urlencoded"
    for path, is_json_path in (("/login", False), ("/api/oauth/token", True)):
        yield 405, browser.delete(path)
        yield 413, browser.post(path, data=b"x" * 300_000, content_type=form)
        yield 400, browser.post(path, data=b"\xff\x00%zz", content_type=form)
        yield (
            404,
            browser.get(f"{path}/nothing/{{{{config}}}}/${{SECRET_KEY}}" if is_json_path else "/%7B%7Bconfig%7D%7D"),
        )
    yield 400, browser.get("/login?x=%00")
    yield 410, browser.get("/login?interaction={{config.SECRET_KEY}}")
    yield 403, browser.post("/login", headers={"Origin": "https://evil.test"})
    yield 415, browser.post("/api/oauth/authorize", json={})
    yield 415, browser.post("/api/oauth/token/validate", data={})
    yield 400, browser.post("/api/oauth/token/validate", data=b"{" * 5000, content_type="application/json")
    yield 401, browser.post("/api/oauth/token", data={"grant_type": "refresh_token", "client_id": "{{config}}"})
    yield 401, browser.get("/api/oauth/userinfo", headers={"Authorization": "Bearer {{config}}"})
    yield 400, browser.get("/api/oauth/logout?id_token_hint={{config}}")
    yield 400, browser.get("/api/oauth/authorize?client_id={{config}}&redirect_uri=%25s%25n")


def test_h159_no_error_holds_a_secret(parties: Parties, hidden: dict[str, str]) -> None:
    for status, response in broken(parties.nobody):
        assert response.status_code == status, response.request.url
        assert findings(hidden, response) == [], response.request.url


def static_files() -> list[str]:
    """The addresses of all files that are served as they are."""
    return [f"/static/{path.relative_to(ROOT / 'static')}" for path in (ROOT / "static").rglob("*") if path.is_file()]


def test_h159_no_static_file_holds_a_secret(parties: Parties, hidden: dict[str, str]) -> None:
    files = static_files()
    assert len(files) > 10
    for path in files:
        # What is served is the browser's: no map to sources, nothing that was left behind by an editor.
        assert path.endswith((".css", ".js", ".svg", ".d.ts", ".woff2", ".png")), path
        with parties.nobody.get(path) as response:
            assert response.status_code == 200
            assert findings(hidden, response) == [], path
            assert "sourceMappingURL" not in response.get_data(as_text=True)


KEPT = ["instance/secret_key", "instance/portal.db", "wsgi.py", "app/errors.py", ".env", ".git/config"]


@pytest.mark.parametrize("kept", KEPT)
def test_h159_no_file_beside_the_served_ones_can_be_had(parties: Parties, kept: str) -> None:
    encoded = kept.replace("/", "%2f")
    paths = [f"/{kept}", f"/static/{kept}", f"/static//{ROOT}/{kept}", f"/static/%2f{str(ROOT)[1:]}/{kept}"]
    for up in ("..", "%2e%2e", ".%2e", "%252e%252e", "..;", "....", "..\\"):
        paths += [f"/static/{up}/{kept}", f"/static/css/{up}/{up}/{kept}", f"/static/{up}%2f{encoded}"]
        paths += [f"/bootstrap/static/{up}/{up}/{up}/{kept}", f"/static/sdk/{up}/{kept.rpartition('/')[2]}"]
    for path in paths:
        # Doubled slashes are taken for one, by a redirect.
        response = parties.nobody.get(path, follow_redirects=True)
        assert (response.status_code, response.mimetype) == (404, "text/html"), path


def test_h159_a_database_that_cannot_be_reached_is_not_named(
    tmp_path: Path, sqlite_databases: SqliteDatabases, caplog: pytest.LogCaptureFixture
) -> None:
    password, host = "hidden-pass-of-the-database", "127.0.0.1:9"
    with sqlite_databases.fresh(tmp_path, "seeded"):
        url = f"postgresql://portal-role:{password}@{host}/portal-base"
        app = create_app(Settings.for_testing(tmp_path, url, RATE_LIMIT_ENABLED="false"))
    words = [password, "portal-role", "portal-base", "127.0.0.1", *INSIDE]
    with caplog.at_level(logging.DEBUG):
        judge_unavailable(app, words)
    assert password not in caplog.text
    close(app)


def judge_unavailable(app: Flask, words: list[str]) -> None:
    """Every kind of answer is 503 and says nothing of the cause."""
    browser = app.test_client()
    sent: dict[str, Any] = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "web"}
    answers = [
        browser.get(path) for path in ("/", "/login?interaction=x", "/developers", "/api/oauth/authorize?client_id=x")
    ]
    for answer in answers:
        is_page(answer, 503)
    for answer in (browser.post("/api/oauth/token", data=sent), browser.get("/.well-known/jwks.json")):
        assert set(is_json(answer, 503)) == {"error", "error_description", "request_id"}
        assert answer.json["error"] == "temporarily_unavailable"
        answers.append(answer)
    answers.append(browser.get("/ready"))
    for answer in answers:
        assert (answer.status_code, [word for word in words if word in answer.text + str(answer.headers)]) == (503, [])


def test_h159_a_statement_that_fails_is_not_shown(fresh: Parties) -> None:
    with closing(sqlite3.connect(fresh.directory / "portal.db")) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            database.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
    judge_unavailable(fresh.app, ["no such table", str(fresh.directory), *INSIDE])


def test_h159_an_answer_nobody_foresaw_says_nothing(fresh: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError(fresh.web.secret)

    monkeypatch.setattr(fresh.app.extensions["services"].keys, "published", fail)
    answer = is_json(fresh.nobody.get("/.well-known/jwks.json"), 500)
    assert set(answer) == {"error", "error_description", "request_id"}
    assert answer["error"] == "server_error"
    assert answer["error_description"] == "Something went wrong on our side. Nothing was lost; please try again."
