"""From where browsers may call: the portal and the operator's origins all, clients what a bearer token proves."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.api import AUTH, COMPATIBLE, OPERATIONS, USERS
from app.api.operations import Operation
from app.settings import Settings
from tests.api.people import ISSUER, FrontEnd, refusal
from tests.clock import Clock
from tests.portal import close
from tests.relying_party import PASSWORD, add_client, add_person

OPERATOR, CLIENT, UNKNOWN = "https://max.example.com", "https://client.example.com", "https://evil.test"
STRANGE = [UNKNOWN, "null", "", f"{ISSUER}.evil.test", "https://localhost:8000", f"{OPERATOR}:8443", f"{ISSUER}/", "*"]
CHANGING = [each for each in OPERATIONS if each.method != "GET"]
BY_COOKIE = [each for each in CHANGING if not each.access.is_bearer_only]
BY_BEARER = [each for each in CHANGING if each.access.is_bearer_only]


def named(operation: Operation) -> str:
    """How the test is called."""
    return f"{operation.method} {operation.path}"


@pytest.fixture(scope="module")
def portal(sqlite_databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A portal whose operator named an origin."""
    directory = tmp_path_factory.mktemp("origins")
    with sqlite_databases.fresh(directory, "seeded") as url:
        app = create_app(
            Settings.for_testing(directory, url, RATE_LIMIT_ENABLED="false", CORS_ORIGINS=OPERATOR), Clock()
        )
        add_person(app)
        add_client(app, "spa")
        yield app
        close(app)


@pytest.fixture(scope="module")
def front(portal: Flask) -> FrontEnd:
    """Ada's front end."""
    end = FrontEnd(portal)
    assert end.log_in().status_code == 200
    return end


def sent(front: FrontEnd, operation: Operation, prefix: str = AUTH, **headers: str) -> Any:
    """The answer to a request that changes nothing, for its body says nothing, or names nothing there is."""
    path = prefix + operation.path.replace("<session_id>", "00000000-0000-4000-8000-000000000000")
    path = path.replace("<provider>", "nobody")
    body = {"email": 1, "token": 1, "bio": 1, "refresh_token": 1}
    stranger = FrontEnd(front.app)
    stranger.token = front.token if operation.access.is_bearer_only else ""
    return stranger.send(operation.method, path, body, **headers)


def shared(response: Any) -> dict[str, str]:
    """What scripts of other origins are allowed."""
    return {name.lower(): value for name, value in response.headers if name.lower().startswith("access-control-allow")}


@pytest.mark.parametrize("origin", [*STRANGE, CLIENT])
@pytest.mark.parametrize("prefix", [AUTH, COMPATIBLE])
@pytest.mark.parametrize("operation", BY_COOKIE, ids=named)
def test_what_cookies_or_a_password_prove_is_taken_from_nowhere_else(
    front: FrontEnd, operation: Operation, prefix: str, origin: str
) -> None:
    response = sent(front, operation, prefix, Origin=origin)
    refusal(response, 403, "foreign_origin")
    assert shared(response) == {}


@pytest.mark.parametrize("origin", [ISSUER, OPERATOR, None])
@pytest.mark.parametrize("operation", CHANGING, ids=named)
def test_the_portal_the_operators_origin_and_programs_are_heard(
    front: FrontEnd, operation: Operation, origin: str | None
) -> None:
    response = sent(front, operation, **({"Origin": origin} if origin else {}))
    assert response.status_code != 403
    expected = {"access-control-allow-origin": OPERATOR, "access-control-allow-credentials": "true"}
    own = {"access-control-allow-origin": ISSUER} if origin == ISSUER and operation.access.is_bearer_only else {}
    assert shared(response) == (expected if origin == OPERATOR else own)


@pytest.mark.parametrize("origin", STRANGE)
@pytest.mark.parametrize("operation", BY_BEARER, ids=named)
def test_what_a_bearer_token_proves_is_not_taken_from_strange_pages_either(
    front: FrontEnd, operation: Operation, origin: str
) -> None:
    response = sent(front, operation, Origin=origin)
    refusal(response, 403, "foreign_origin")
    assert shared(response) == {}


@pytest.mark.parametrize("operation", BY_BEARER, ids=named)
def test_scripts_of_clients_may_do_what_a_bearer_token_proves(front: FrontEnd, operation: Operation) -> None:
    response = sent(front, operation, Origin=CLIENT)
    assert response.status_code not in {401, 403}
    assert shared(response) == {"access-control-allow-origin": CLIENT}
    assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
@pytest.mark.parametrize("operation", BY_COOKIE, ids=named)
def test_a_browser_that_says_only_how_far_away_the_page_is_is_believed(
    front: FrontEnd, operation: Operation, site: str
) -> None:
    refusal(sent(front, operation, Sec_Fetch_Site=site), 403, "foreign_origin")
    assert sent(front, operation, Sec_Fetch_Site="same-origin").status_code != 403


@pytest.mark.parametrize("path", [f"{AUTH}/me", f"{COMPATIBLE}/me", f"{USERS}/me", f"{AUTH}/sessions"])
def test_who_is_logged_in_may_be_read_by_scripts_of_clients_and_by_no_others(front: FrontEnd, path: str) -> None:
    for origin, allowed in ((CLIENT, {"access-control-allow-origin": CLIENT}), (UNKNOWN, {}), ("null", {})):
        response = front.get(path, Origin=origin)
        assert (response.status_code, shared(response)) == (200, allowed)
        assert "Origin" in response.headers["Vary"]


def asked(front: FrontEnd, operation: Operation, origin: str) -> Any:
    """What a browser asks before it lets a script send."""
    path = AUTH + re.sub(r"<\w+>", "x", operation.path)
    wanted = {"Access-Control-Request-Method": operation.method, "Access-Control-Request-Headers": "content-type"}
    return front.browser.options(path, headers={"Origin": origin, **wanted})


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_a_preflight_says_what_the_request_would_find(front: FrontEnd, operation: Operation) -> None:
    for origin in (OPERATOR, CLIENT, UNKNOWN):
        response = asked(front, operation, origin)
        allowed = shared(response)
        if origin == UNKNOWN or (origin == CLIENT and not operation.access.is_bearer_only):
            assert (response.status_code, allowed) == (200, {})
            continue
        assert (response.status_code, response.data) == (204, b"")
        assert operation.method in allowed["access-control-allow-methods"].split(", ")
        assert allowed["access-control-allow-headers"] == "Authorization, Content-Type"
        assert allowed["access-control-allow-origin"] == origin
        assert allowed.get("access-control-allow-credentials") == ("true" if origin == OPERATOR else None)


def test_the_operators_origin_logs_in_with_cookies(portal: Flask) -> None:
    end = FrontEnd(portal)
    response = end.post("/login", {"email": "ada@example.com", "password": PASSWORD}, Origin=OPERATOR)
    assert response.status_code == 200
    assert end.post("/refresh", Origin=OPERATOR).status_code == 200
    assert end.post("/refresh", Origin=CLIENT).status_code == 403


def test_the_origin_of_a_disabled_client_is_forgotten(portal: Flask, front: FrontEnd) -> None:
    add_client(portal, "leaving", redirects=["https://leaving.example.com/cb"])
    origin = "https://leaving.example.com"
    assert front.send("PUT", "/profile", {"bio": ""}, Origin=origin).status_code == 200
    assert portal.test_cli_runner().invoke(args=["clients", "disable", "leaving"]).exit_code == 0
    refusal(front.send("PUT", "/profile", {"bio": ""}, Origin=origin), 403, "foreign_origin")


def test_without_the_operators_word_clients_log_nobody_in(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    add_person(app)
    add_client(app, "spa")
    response = FrontEnd(app).post("/login", {"email": "ada@example.com", "password": PASSWORD}, Origin=CLIENT)
    refusal(response, 403, "foreign_origin")
    assert response.headers.getlist("Set-Cookie") == []
