"""Logs: one harmless line per event, an id for every request, nothing secret."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, g

from app.server import logs
from app.settings import Settings

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
KEYS = {
    "APP_ENV": "production",
    "SECRET_KEY": "k" * 40,
    "ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "PUBLIC_URL": "https://id.example.com",
}


class Output:
    """Standard error so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    @property
    def text(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def last(self) -> dict[str, object]:
        parsed: dict[str, object] = json.loads(self.lines[-1])
        return parsed


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Output:
    return Output(capsys)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def portal(tmp_path: Path, **environ: str) -> Flask:
    app = Flask("portal")
    logs.configure(app, Settings.from_environment({"INSTANCE_PATH": str(tmp_path), **environ}))

    @app.get("/page")
    def page() -> str:
        logging.getLogger("app.page").info("page_shown", extra={"client_id": "maxlab"})
        return str(g.request_id)

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError(f"failed with {JWT}")

    return app


@pytest.fixture
def production(tmp_path: Path, output: Output) -> Flask:
    return portal(tmp_path, **KEYS)


@pytest.fixture
def development(tmp_path: Path, output: Output) -> Flask:
    return portal(tmp_path)


def test_production_writes_one_json_object_per_event(production: Flask, output: Output) -> None:
    answer = production.test_client().get("/page")
    line = output.last
    assert str(line.pop("time")).endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "app.page",
        "event": "page_shown",
        "client_id": "maxlab",
        "request_id": answer.text,
    }


def test_development_writes_lines_for_people(development: Flask, output: Output) -> None:
    answer = development.test_client().get("/page")
    assert output.lines[-1].endswith(f" INFO    app.page page_shown client_id=maxlab request_id={answer.text}")


def test_a_bug_is_logged_with_its_traceback_and_id_but_without_credentials(production: Flask, output: Output) -> None:
    answer = production.test_client().get("/broken?code=secret-code")
    assert answer.status_code == 500
    assert output.last["request_id"] == answer.headers["X-Request-ID"]
    assert "RuntimeError" in str(output.last["exc_info"])
    assert JWT not in output.text
    assert "secret-code" not in output.text


def test_every_answer_names_its_request(production: Flask) -> None:
    client = production.test_client()
    ids = [client.get(path).headers["X-Request-ID"] for path in ("/page", "/page", "/absent")]
    assert len(set(ids)) == 3
    assert all(len(request_id) == 32 for request_id in ids)


def test_an_id_from_outside_is_ignored_without_a_trusted_proxy(production: Flask) -> None:
    answer = production.test_client().get("/page", headers={"X-Request-ID": "given-by-client"})
    assert answer.text != "given-by-client"


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        ("a1b2c3d4", True),
        ("6f9619ff-8b86-d011-b42d-00c04fc964ff", True),
        ("short", False),
        ("x" * 65, False),
        ("with space", False),
        ("<script>alert(1)</script>", False),
        ("12345678\tx", False),
        ("１２３４５６７８", False),
        ("", False),
    ],
)
def test_only_a_plain_id_of_a_trusted_proxy_is_kept(tmp_path: Path, output: Output, sent: str, is_kept: bool) -> None:
    client = portal(tmp_path, TRUSTED_PROXIES="1").test_client()
    answer = client.get("/page", environ_overrides={"HTTP_X_REQUEST_ID": sent})
    assert (answer.text == sent) is is_kept


@pytest.mark.parametrize(
    "sent", ["a\r\nforged line", "a\nb", "\x1b[31mred\x1b[0m", "a\x00b", "a\x85b", "a\u2028b", "\u202egnp"]
)
@pytest.mark.parametrize("environment", ["production", "development"])
def test_an_event_stays_one_line_without_control_characters(
    request: pytest.FixtureRequest, output: Output, environment: str, sent: str
) -> None:
    request.getfixturevalue(environment)
    logging.getLogger("app").warning("refused", extra={"user_agent": sent, "nested": {"list": [sent]}})
    assert output.text.count("\n") == 1
    assert output.text.rstrip("\n").isprintable()


@pytest.mark.parametrize("environment", ["production", "development"])
def test_fields_that_are_secrets_are_replaced(request: pytest.FixtureRequest, output: Output, environment: str) -> None:
    request.getfixturevalue(environment)
    fields = dict.fromkeys(["password", "client_secret", "access_token", "Authorization", "cookie"], "hunter2")
    logging.getLogger("app").info("tried", extra={**fields, "form": {"password": "hunter2"}, "client_id": "maxlab"})
    assert "hunter2" not in output.text
    assert "maxlab" in output.text


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        (f"token {JWT} refused", "token [redacted] refused"),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [redacted]"),
        ("Authorization: Basic bWF4OnNlY3JldA==", "Authorization: Basic [redacted]"),
        ("GET /oauth/authorize?code=abc&state=x HTTP/1.1", "GET /oauth/authorize?… HTTP/1.1"),
        ("https://app.example.com/cb?code=abc", "https://app.example.com/cb?…"),
        ("postgresql://portal:hunter2@db:5432/portal", "postgresql://portal:[redacted]@db:5432/portal"),
        ("redis://:hunter2@redis:6379/0", "redis://:[redacted]@redis:6379/0"),
        ("is it 12:30? yes", "is it 12:30? yes"),
        ("a@example.com", "a@example.com"),
        ("http://localhost:8000/health", "http://localhost:8000/health"),
    ],
)
def test_what_looks_like_a_credential_is_replaced_and_nothing_else(text: str, logged: str) -> None:
    assert logs.harmless("reason", text) == logged


def test_a_value_sent_to_fill_the_disk_is_cut(production: Flask, output: Output) -> None:
    logging.getLogger("app").info("refused", extra={"user_agent": "x" * 1_000_000})
    assert len(output.text) < 3000


def test_configuring_twice_writes_every_event_once(production: Flask, tmp_path: Path, output: Output) -> None:
    portal(tmp_path, **KEYS)
    logging.getLogger("app").info("once")
    assert len(output.lines) == 1


@pytest.mark.parametrize("name", ["authlib.oauth2", "sqlalchemy.engine"])
def test_libraries_that_print_tokens_or_parameters_stay_quiet(tmp_path: Path, output: Output, name: str) -> None:
    portal(tmp_path, LOG_LEVEL="DEBUG")
    logging.getLogger(name).debug("hunter2")
    assert output.text == ""


def access_line(output: Output, *, is_json: bool, path: str = "/login", agent: str = "probe") -> str:
    """What is written about an answer of 12 bytes."""
    lines = logs.AccessLines(is_json=is_json)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "192.0.2.1", "HTTP_USER_AGENT": agent}
    headers = [("Content-Length", "12"), ("X-Request-ID", "a1b2c3d4")]
    lines.add(environ, 200, headers, 0, 3.14159)
    assert output.text == ""
    lines.flush()
    lines.flush()
    return output.text


def test_an_answer_is_one_json_object_in_production(output: Output) -> None:
    line = json.loads(access_line(output, is_json=True))
    assert str(line.pop("time")).endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "gunicorn.access",
        "event": "request",
        "method": "GET",
        "path": "/login",
        "status": 200,
        "bytes": 12,
        "milliseconds": 3.1,
        "ip": "192.0.2.1",
        "user_agent": "probe",
        "request_id": "a1b2c3d4",
    }


def test_an_answer_is_one_line_for_people_in_development(output: Output) -> None:
    assert access_line(output, is_json=False)[8:] == (
        " INFO    gunicorn.access request method=GET path=/login status=200 bytes=12 milliseconds=3.1 ip=192.0.2.1 "
        "user_agent=probe request_id=a1b2c3d4\n"
    )


@pytest.mark.parametrize(
    "sent", ['a"\r\nforged line', "a\nb", "\x1b[31mred\x1b[0m", "a\x00b", "a\x85b", "\x9b31m", "a\u2028b", "\u202egnp"]
)
@pytest.mark.parametrize("is_json", [True, False])
def test_an_access_line_stays_one_line_without_control_characters(output: Output, is_json: bool, sent: str) -> None:
    text = access_line(output, is_json=is_json, path=f"/{sent}", agent=sent)
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    if is_json:
        assert (json.loads(text)["path"], json.loads(text)["user_agent"]) == (f"/{sent}", sent)


@pytest.mark.parametrize("is_json", [True, False])
def test_an_access_line_holds_no_credential_and_no_endless_value(output: Output, is_json: bool) -> None:
    text = access_line(output, is_json=is_json, path=f"/{JWT}", agent=f"Bearer abcdefgh12345678 {'x' * 5000}")
    assert JWT not in text
    assert "abcdefgh12345678" not in text
    assert len(text) < 1000
