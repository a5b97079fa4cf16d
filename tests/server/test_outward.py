"""Which requests wait for somebody outside: what the application takes for one, however its target is written."""

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Map, Rule

from app.server import outward
from app.server.connections.arrival import Arrival
from app.server.terms import Terms

NAMES = ["google", "my-id2"]
TERMS = Terms((), 1000, frozenset(), outward=outward.paths(NAMES))
PREFIXES = ("/auth", "/api/v1/auth", "/api/auth")
ROUTES = Map([Rule(f"{prefix}/<name>{step}") for prefix in PREFIXES for step in outward.STEPS])
HEAD = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLIENT = ("127.0.0.1", 40000)
PIECES = (
    *("/", "//", "auth", "%61uth", "/auth/google", "/callback", "google", "%2F", "%2f", "/api", "/v1", "/auth/my-id2"),
    *("http://", "http:", "x:", "://", "host:1", "@", "[", "]", "?", "#", ";", "=", ".", "..", "%", "%00", "%3F", "*"),
)


def outward_to(target: str) -> str | None:
    """What the server says, of the bytes that came."""
    arrival = Arrival(1000)
    arrival.add(HEAD % target.encode())
    return TERMS.outward_to(arrival.asked())


def found(target: str) -> str | None:
    """The provider that an application's routes find there, if the parser lets it through."""
    try:
        request = next(RequestParser(Config(), iter([HEAD % target.encode()]), CLIENT))
        _, environ = wsgi.create(request, None, CLIENT, CLIENT, Config())
        name = str(ROUTES.bind_to_environ(environ).match()[1]["name"])
    except Exception:  # noqa: BLE001 the parser raises many, and none but for a fault of the request
        return None
    return name if name in NAMES else None


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rest", ["", "/callback", "?next=/", "/callback?code=" + "c" * 4000 + "&state=s"])
def test_where_a_login_with_a_provider_begins_and_comes_back_is_outward(prefix: str, name: str, rest: str) -> None:
    assert outward_to(prefix + "/" + name + rest) == name
    assert found(prefix + "/" + name + rest) == name


def test_trying_a_provider_out_is_outward() -> None:
    assert TERMS.outward_to(b"POST /admin/providers/my-id2/test") == "my-id2"
    assert TERMS.outward_to(b"GET /admin/providers/my-id2") is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_the_method_does_not_matter(method: str) -> None:
    assert TERMS.outward_to(f"{method} /auth/google".encode()) == "google"


@pytest.mark.parametrize(
    "target",
    [
        *("//auth/google", "/%61uth/google", "/auth/goo%67le/callback", "/auth%2Fgoogle", "/auth/google#part"),
        *("http://host/auth/google", "http://host//auth/google?x", "http:/auth/google?://", "auth/google?://"),
    ],
)
def test_a_target_that_is_written_otherwise_is_outward_too(target: str) -> None:
    assert found(target) == outward_to(target) == "google"


@pytest.mark.parametrize(
    "target",
    [
        *("/", "/login", "/auth", "/auth/", "/auth/acme", "/auth/acme/callback", "/auth/google/", "/auth/Google"),
        *("/auth/google/callback/", "/auth/google/unlink", "/api/v2/auth/google", "/login?next=/auth/google", "*"),
        *("/api/v1/auth/login", "/api/oauth/token", "/x/auth/google", "http://auth/google", "http://[/auth/google"),
    ],
)
def test_nothing_else_is(target: str) -> None:
    assert found(target) is outward_to(target) is None


@pytest.mark.parametrize("asked", [b"", b"GET", b"GET ", b"\r\n"])
def test_what_is_no_request_is_none(asked: bytes) -> None:
    assert TERMS.outward_to(asked) is None


def test_without_providers_nothing_is_outward() -> None:
    assert Terms((), 1000, frozenset(), outward=outward.paths([])).outward_to(b"GET /auth/google") is None


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join))
@settings(max_examples=500, deadline=None)
@example("x:auth/google?://")
def test_no_way_of_writing_it_leads_to_a_provider_past_the_server(target: str) -> None:
    assert found(target) in {None, outward_to(target)}
