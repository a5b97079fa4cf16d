"""Who gets into the service API, how far, and what everybody else hears, to the letter."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.api.service import OPERATIONS
from app.models import AuditLog
from tests.api.service.backends import PREFIX, Backend, service_token
from tests.relying_party import RelyingParty, add_client, add_person, log_in

REFUSED = {"detail": "Could not validate service credentials"}
SOMEBODY = "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """On SQLite: nothing here depends on the database."""
    return make_app()


def address(path: str) -> str:
    """An operation's address of something that is not there."""
    return PREFIX + path.replace("<client_id>", "nobody").replace("<", "").replace(">", "").replace(
        "user_id", SOMEBODY
    ).replace("session_id", SOMEBODY).replace("secret_id", SOMEBODY).replace("role_id", SOMEBODY).replace(
        "group_id", SOMEBODY
    )


EVERY = [(each.method, address(each.path), each.scopes) for each in OPERATIONS]


@pytest.mark.parametrize(("method", "path", "scopes"), EVERY)
def test_o241_without_a_token_that_counts_nothing_is_said(
    app: Flask, method: str, path: str, scopes: tuple[str, ...]
) -> None:
    browser = app.test_client()
    for header, is_presented in (("", False), ("Bearer ", False), ("Basic eDp5", False), ("Bearer x.y.z", True)):
        answer = browser.open(path, method=method, headers={"Authorization": header} if header else {})
        assert (answer.status_code, answer.json) == (401, REFUSED), header
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="MAX Platform"')
        assert ('error="invalid_token"' in answer.headers["WWW-Authenticate"]) is is_presented
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("method", "path", "scopes"), EVERY)
def test_o245_a_token_with_other_scopes_is_told_which_are_missing(
    app: Flask, method: str, path: str, scopes: tuple[str, ...]
) -> None:
    (needed,) = scopes
    others = {"admin:oauth", "admin:users", "admin:system"} - {needed}
    lesser = Backend(app, " ".join(sorted(others)))
    answer = lesser.send(method, path.removeprefix(PREFIX))
    assert (answer.status_code, answer.json) == (403, {"detail": f"Missing required scopes: {needed}"})
    assert f'error="insufficient_scope", scope="{needed}"' in answer.headers["WWW-Authenticate"]


def test_o242_a_person_never_gets_in_whatever_was_asked_for(app: Flask) -> None:
    """Nor an administrator: tokens of people have no scope of services."""
    add_person(app, is_admin=True)
    browser = app.test_client()
    log_in(browser)
    client = RelyingParty(browser, "greedy", add_client(app, "greedy", scopes=["openid", "admin:oauth", "profile"]))
    token = client.tokens(scope="openid profile")["access_token"]
    answer = browser.get(f"{PREFIX}/clients", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json) == (403, {"detail": "Missing required scopes: admin:oauth"})
    # A session's cookie alone is nothing here.
    assert browser.get(f"{PREFIX}/clients").status_code == 401
    refused = client.authorize(scope="openid admin:oauth").headers["Location"]
    assert "code=" not in refused or "admin" not in client.tokens(scope="openid admin:oauth")["scope"]


def test_a_token_counts_no_longer_than_its_client_does(app: Flask) -> None:
    backend, judge = Backend(app, "admin:oauth", "first"), Backend(app, "admin:full", "second")
    assert backend.get("/clients")
    judge.done("PATCH", "/clients/first", {"is_active": False})
    assert backend.get("/clients", 401) == REFUSED
    judge.done("PATCH", "/clients/first", {"is_active": True})
    assert backend.get("/clients", 401) == REFUSED


def test_a_scope_that_was_taken_from_the_client_is_gone_from_its_tokens(app: Flask) -> None:
    backend, judge = Backend(app, "admin:oauth admin:users", "first"), Backend(app, "admin:full", "second")
    assert backend.get("/users")
    judge.done("PATCH", "/clients/first", {"allowed_scopes": ["admin:oauth"]})
    assert backend.get("/users", 403) == {"detail": "Missing required scopes: admin:users"}
    assert backend.get("/clients")


def test_full_administration_stands_for_the_others(app: Flask) -> None:
    full = Backend(app, "admin:full")
    for path in ("/clients", "/users", "/sessions", "/tokens", "/tokens/denylist", "/statistics", "/audit"):
        assert full.get(path)


def test_no_script_of_another_origin_reads_or_changes_anything(app: Flask, backend: Backend) -> None:
    add_client(app, "shop", redirects=["https://shop.example/callback"])
    asked = backend.send("GET", "/clients", Origin="https://shop.example")
    assert "Access-Control-Allow-Origin" not in asked.headers
    refused = backend.send("POST", "/tokens/revoke", {"client_id": "shop"}, Origin="https://shop.example")
    assert (refused.status_code, refused.json["error"]) == (403, "foreign_origin")
    preflight = app.test_client().options(
        f"{PREFIX}/clients", headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    )
    assert "Access-Control-Allow-Origin" not in preflight.headers


@pytest.mark.parametrize(
    ("body", "mimetype", "status"),
    [
        (b"client_id=x", "application/x-www-form-urlencoded", 415),
        (b'{"client_id": "x"}', "text/plain", 415),
        (b"[1]", "application/json", 400),
        (b'{"client_id": "x"} {}', "application/json", 400),
        (b'{"client_id": "x", "client_id": "y"}', "application/json", 400),
        (b'{"client_id": NaN}', "application/json", 400),
        (b"", "application/json", 400),
        (b"[" * 20_000, "application/json", 400),
    ],
)
def test_p254_what_is_no_json_object_is_refused(backend: Backend, body: bytes, mimetype: str, status: int) -> None:
    answer = backend.app.test_client().post(
        f"{PREFIX}/clients",
        data=body,
        content_type=mimetype,
        headers={"Authorization": f"Bearer {backend.token}"},
    )
    assert (answer.status_code, answer.json["error"]) == (status, "invalid_request")


def test_p254_other_methods_are_refused_and_none_is_overridden(backend: Backend) -> None:
    answer = backend.send("PUT", "/clients", {})
    assert (answer.status_code, answer.json["error"]) == (405, "invalid_request")
    over = backend.send("GET", "/clients/playground", **{"X-HTTP-Method-Override": "DELETE"})
    assert (over.status_code, over.json["client_id"]) == (200, "playground")
    assert backend.get("/clients/playground")


@pytest.mark.parametrize("path", ["/clients", "/users", "/sessions", "/tokens", "/tokens/denylist", "/audit"])
@pytest.mark.parametrize(
    "query",
    [
        *("limit=-1", "limit=0", "limit=1000000000", "limit=abc", "limit=201", "limit=1&limit=2", "limit=%EF%BC%91"),
        *("cursor=x", "cursor=" + "A" * 300, "cursor=%00", "cursor=bm93IHg"),
    ],
)
def test_p257_a_place_that_is_none_is_refused(backend: Backend, path: str, query: str) -> None:
    refused = backend.get(f"{path}?{query}", 400)
    assert refused["error"] in {"invalid_input", "invalid_request"}


@pytest.mark.parametrize(
    "query",
    [
        *(
            "/users?search=%00",
            "/users?search=",
            "/users?is_active=maybe",
            "/sessions?user_id=all",
            "/sessions?state=x",
            "/sessions?userid=x",
            "/tokens?User_id=x",
            "/users?q=ada",
        ),
        *("/tokens?client_id=%00", "/tokens?client_id=a%20b", "/tokens?user_id=%00", "/statistics?period=1y"),
        "/users?search=" + "a" * 300,
    ],
)
def test_p255_a_filter_that_is_none_is_refused_and_never_left_out(backend: Backend, query: str) -> None:
    assert backend.get(query, 400)["error"] in {"invalid_input", "invalid_request"}


@pytest.mark.parametrize("path", ["/users/%00", "/users/x", "/sessions/%00", "/clients/%00", "/clients/a%2Fb", "/x"])
def test_what_is_not_there_is_not_found(backend: Backend, path: str) -> None:
    method = "DELETE" if path.startswith("/sessions") else "GET"
    assert backend.done(method, path, status=404)["error"] in {"not_found", "invalid_request"}


def test_what_is_done_is_on_record_as_the_services(app: Flask, backend: Backend) -> None:
    backend.done(
        "POST", "/clients", {"client_id": "new", "grant_types": ["client_credentials"], "is_confidential": True}, 201
    )
    with app.app_context():
        query = app.extensions["services"].db.session.query(AuditLog).filter_by(action="client:created")
        (row,) = query.filter_by(client_id="new")
    assert row.actor == backend.client_id


def test_a_token_of_narrower_scope_is_given_on_request(app: Flask) -> None:
    token = service_token(app, "narrow", "admin:users")
    for path, status in (("/users", 200), ("/clients", 403)):
        answer = app.test_client().get(PREFIX + path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status
