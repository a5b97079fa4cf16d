"""Who sees ``/metrics``: an address of its own, a token, in development this machine; no header decides it."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask

from app.server.answering import LISTENER
from app.server.metrics.layers import FORWARDED
from app.settings import ConfigurationError, Settings
from tests.server.metrics.reading import Reading

TOKEN = "a-token-of-some-length"
APART = {LISTENER: ("127.0.0.1", 9100)}


PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "k" * 40,
    "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "PUBLIC_URL": "https://portal.example.com",
}


@pytest.fixture
def make(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Makes a portal in production."""
    return lambda **environ: make_app(**{**PRODUCTION, **environ})


def status(app: Flask, path: str = "/metrics", method: str = "GET", **environ: Any) -> int:
    return app.test_client().open(path, method=method, environ_overrides=environ).status_code


def test_it_is_what_prometheus_reads_and_nobody_keeps(app: Flask) -> None:
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert Reading(answer.text)("portal_build_info", database="sqlite") == 1
    assert app.test_client().head("/metrics").data == b""
    assert status(app, method="POST") == 405


def test_in_production_it_is_not_there(make: Callable[..., Flask]) -> None:
    app = make()
    assert status(app) == 404
    assert status(app, HTTP_AUTHORIZATION="Bearer ") == 404


@pytest.mark.parametrize(
    "foreign",
    [
        {"REMOTE_ADDR": "192.0.2.1"},
        {"HTTP_HOST": "portal.example.com"},
        {"HTTP_HOST": "127.0.0.1.example.com"},
        {"HTTP_HOST": "localhost@example.com"},
        {"HTTP_HOST": ""},
        *({name: "127.0.0.1"} for name in FORWARDED),
    ],
)
def test_in_development_only_this_machine_sees_it(app: Flask, foreign: dict[str, str]) -> None:
    assert status(app, **foreign) == 404


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_in_development_this_machine_sees_it_by_any_of_its_names(app: Flask, host: str) -> None:
    assert status(app, HTTP_HOST=host) == 200


def test_what_a_trusted_proxy_says_of_the_sender_opens_nothing(make_app: Callable[..., Flask]) -> None:
    app = make_app(TRUSTED_PROXIES="1")
    assert status(app, REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR="127.0.0.1") == 404


def test_a_token_opens_it_wherever_one_is(make: Callable[..., Flask]) -> None:
    app = make(METRICS_TOKEN=TOKEN)
    far = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "192.0.2.2"}
    assert status(app, HTTP_AUTHORIZATION=f"Bearer {TOKEN}", **far) == 200
    assert status(app, HTTP_AUTHORIZATION=f"bearer {TOKEN}", **far) == 200


@pytest.mark.parametrize(
    "shown", ["", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer \xff\xfe"]
)
def test_another_token_does_not(make: Callable[..., Flask], shown: str) -> None:
    answer = make(METRICS_TOKEN=TOKEN).test_client().get("/metrics", headers={"Authorization": shown})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert answer.headers["Cache-Control"] == "no-store"
    assert "portal_" not in answer.text


def test_the_token_is_asked_for_on_this_machine_too(make_app: Callable[..., Flask]) -> None:
    assert status(make_app(METRICS_TOKEN=TOKEN)) == 401


def test_a_token_in_the_address_is_none(make: Callable[..., Flask]) -> None:
    assert status(make(METRICS_TOKEN=TOKEN), f"/metrics?token={TOKEN}&access_token={TOKEN}") == 401


def test_an_address_of_its_own_is_the_only_one(make: Callable[..., Flask]) -> None:
    app = make(METRICS_BIND="127.0.0.1:9100")
    assert status(app, **APART) == 200
    assert status(app, **{LISTENER: ("127.0.0.1", 8000)}) == 404
    assert status(app, **{LISTENER: "/run/portal.sock"}, HTTP_HOST="localhost:9100", SERVER_PORT="9100") == 404
    assert status(app) == 404


def test_nothing_else_is_at_that_address(make: Callable[..., Flask]) -> None:
    app = make(METRICS_BIND="127.0.0.1:9100")
    for path in ("/", "/health", "/login", "/metrics/", "/api/oauth/token"):
        assert status(app, path, **APART) == 404
    assert status(app, "/health") == 200


def test_with_both_the_token_is_asked_for_there(make: Callable[..., Flask]) -> None:
    app = make(METRICS_BIND="127.0.0.1:9100", METRICS_TOKEN=TOKEN)
    assert status(app, **APART) == 401
    assert status(app, **APART, HTTP_AUTHORIZATION=f"Bearer {TOKEN}") == 200
    assert status(app, HTTP_AUTHORIZATION=f"Bearer {TOKEN}") == 404


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"METRICS_TOKEN": "fifteen-letters"}, "METRICS_TOKEN must have 16 or more characters"),
        ({"METRICS_TOKEN": "two words, which is none"}, "METRICS_TOKEN must be of letters, digits"),
        ({"METRICS_TOKEN": "비밀번호비밀번호비밀번호비밀번호"}, "METRICS_TOKEN must be of letters, digits"),
        ({"METRICS_BIND": "9100"}, "METRICS_BIND must be a host and a port"),
        ({"METRICS_BIND": "127.0.0.1:0"}, "METRICS_BIND must be a host and a port"),
        ({"METRICS_BIND": "::1:9100 "}, "METRICS_BIND must be a host and a port"),
        ({"METRICS_BIND": "127.0.0.1:8000"}, "METRICS_BIND must have another port than PORT"),
    ],
)
def test_what_cannot_be_meant_is_a_problem(instance: Any, environ: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Settings.for_testing(instance, **environ)


def test_the_token_is_never_shown(make_app: Callable[..., Flask]) -> None:
    app = make_app(METRICS_TOKEN=TOKEN)
    assert TOKEN not in app.test_cli_runner().invoke(args=["config", "check"]).output
    shown = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert shown.status_code == 200
    assert TOKEN not in shown.text
