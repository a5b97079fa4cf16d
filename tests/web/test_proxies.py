"""The door: every spelling of an address is one sender, and what is none is the neighbour."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, request

from tests.relying_party import EMAIL, PASSWORD, RelyingParty, add_client, add_person, csrf_token

NEIGHBOUR = "10.0.0.9"
SPELLINGS = {
    "203.0.113.8": "203.0.113.8",
    "203.0.113.8:50123": "203.0.113.8",
    " 203.0.113.8 ": "203.0.113.8",
    '"203.0.113.8:443"': "203.0.113.8",
    "203.0.113.8:_port": "203.0.113.8",
    "::ffff:203.0.113.8": "203.0.113.8",
    "[::ffff:203.0.113.8]:443": "203.0.113.8",
    "[2001:db8::7]:443": "2001:db8::7",
    "[2001:db8::7]": "2001:db8::7",
    '"[2001:db8::7]:443"': "2001:db8::7",
    "2001:DB8:0:0::7": "2001:db8::7",
    "fe80::1%eth0": "fe80::1",
    "[fe80::1%25eth0]:80": "fe80::1",
    "for=203.0.113.8": "203.0.113.8",
    'For="[2001:db8::7]:443";proto=https': "2001:db8::7",
    "proto=https; for=203.0.113.8:1": "203.0.113.8",
    "198.51.100.1, 203.0.113.8:50123": "203.0.113.8",
    # A quote that the client left open takes nothing of what the proxy wrote.
    '"198.51.100.1, 203.0.113.8': "203.0.113.8",
    **dict.fromkeys(
        [
            *("unknown", "_hidden", "for=_hidden", "for=unknown", "", ",", "garbage", "203.0.113", "010.0.0.1"),
            *("1.2.3.4.5", "203.0.113.8:", "[203.0.113.8", "[]", "::1::", "x" * 5000, "\u00ff", "203.0.113.8 x"),
            "proto=https",
        ],
        NEIGHBOUR,
    ),
}


def seen(app: Flask, peer: str = NEIGHBOUR, **headers: str) -> str:
    """The address the application sees."""
    found: list[str | None] = []

    def look() -> None:
        found.append(request.remote_addr)

    app.before_request_funcs.setdefault(None, []).insert(0, look)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    app.test_client().get("/health", headers=named, environ_base={"REMOTE_ADDR": peer})
    return found[-1] or ""


@pytest.fixture
def behind(make_app: Callable[..., Flask]) -> Flask:
    return make_app(TRUSTED_PROXIES="1")


def test_every_spelling_becomes_the_one_address(behind: Flask) -> None:
    assert {spelled: seen(behind, X_Forwarded_For=spelled) for spelled in SPELLINGS} == SPELLINGS


def test_forwarded_is_read_where_the_usual_header_is_missing(behind: Flask) -> None:
    assert seen(behind, Forwarded='for=198.51.100.1, for="[2001:db8::7]:443";proto=https') == "2001:db8::7"
    assert seen(behind, Forwarded="for=_hidden") == NEIGHBOUR
    assert seen(behind, Forwarded="for=198.51.100.1", X_Forwarded_For="203.0.113.8") == "203.0.113.8"
    assert seen(behind) == NEIGHBOUR


def test_with_two_proxies_the_entry_of_the_outer_one_counts(make_app: Callable[..., Flask]) -> None:
    app = make_app(TRUSTED_PROXIES="2")
    assert seen(app, X_Forwarded_For="192.0.2.1, 203.0.113.8:1, 10.0.0.2:2") == "203.0.113.8"
    assert seen(app, X_Forwarded_For="203.0.113.8") == NEIGHBOUR


@pytest.mark.parametrize(
    ("peer", "address"), [("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1"), ("", ""), ("192.0.2.1",) * 2]
)
def test_the_neighbours_own_address_is_in_one_spelling_too(app: Flask, peer: str, address: str) -> None:
    assert seen(app, peer, X_Forwarded_For="203.0.113.8") == address


def guessed(app: Flask, header: Callable[[int], str], attempt: Callable[[Any, int, dict[str, str]], int]) -> list[int]:
    """What seven attempts from addresses spelled like this get."""
    return [attempt(app.test_client(), number, {"X-Forwarded-For": header(number)}) for number in range(7)]


def form(path: str, **values: str) -> Callable[[Any, int, dict[str, str]], int]:
    """An attempt by a form, at another account each time."""

    def attempt(browser: Any, number: int, headers: dict[str, str]) -> int:
        data = {"csrf_token": csrf_token(browser, path), "email": f"p{number}@example.com", **values}
        return int(browser.post(path, data=data, headers=headers).status_code)

    return attempt


def api(path: str, **values: str) -> Callable[[Any, int, dict[str, str]], int]:
    def attempt(browser: Any, number: int, headers: dict[str, str]) -> int:
        body = {"email": f"p{number}@example.com", **values}
        return int(browser.post(f"/api/v1/auth/{path}", json=body, headers=headers).status_code)

    return attempt


def client_secret(browser: Any, _: int, headers: dict[str, str]) -> int:
    data = {"grant_type": "client_credentials", "client_id": "web", "client_secret": "wrong"}
    return int(browser.post("/api/oauth/token", data=data, headers=headers).status_code)


def page(browser: Any, _: int, headers: dict[str, str]) -> int:
    return int(browser.get("/terms", headers=headers).status_code)


LOGIN = {
    "login": form("/login", password="wrong"),
    "registration": form("/register", name="Min", password="short"),
    "reset": form("/forgot-password"),
    "login by API": api("login", password="wrong"),
    "reset by API": api("forgot-password"),
}
OTHERS = {"client": client_secret, "default": page}
ONE_SENDER: dict[str, Callable[[int], str]] = {
    "ports": lambda number: f"203.0.113.8:{50000 + number}",
    "IPv6 ports": lambda number: f"[2001:db8::8]:{50000 + number}",
    "one /64": lambda number: f"2001:db8:1:2:{number:x}::1",
    "no address": lambda number: f"_hidden{number}",
}


@pytest.mark.parametrize("spelling", ONE_SENDER)
@pytest.mark.parametrize("kind", [*LOGIN, *OTHERS])
def test_one_sender_has_one_count(make_app: Callable[..., Flask], kind: str, spelling: str) -> None:
    limit = {"RATE_LIMIT_DEFAULT": "none" if kind in LOGIN else "5/minute"}
    app = make_app(TRUSTED_PROXIES="1", RATE_LIMIT_ENABLED="true", **limit)
    add_client(app, "web", is_confidential=True)
    statuses = guessed(app, ONE_SENDER[spelling], {**LOGIN, **OTHERS}[kind])
    assert (429 in statuses[:5], statuses[5:]) == (False, [429, 429])


def test_other_networks_are_other_senders_and_the_setting_says_which(make_app: Callable[..., Flask]) -> None:
    limits = {"TRUSTED_PROXIES": "1", "RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_DEFAULT": "none"}
    app = make_app(**limits)
    assert 429 not in guessed(app, lambda number: f"2001:db8:2:{number:x}::1", LOGIN["login"])
    assert 429 not in guessed(app, lambda number: f"203.0.113.{number}:1", LOGIN["login"])
    app = make_app(**limits, RATE_LIMIT_IPV6_PREFIX="48")
    assert guessed(app, lambda number: f"2001:db8:3:{number:x}::1", LOGIN["login"])[5:] == [429, 429]
    app = make_app(**limits, RATE_LIMIT_IPV6_PREFIX="128")
    assert 429 not in guessed(app, lambda number: f"2001:db8:4::{number:x}", LOGIN["login"])


def test_an_honest_repeated_refresh_through_another_port_ends_nothing(behind: Flask) -> None:
    add_person(behind)
    add_client(behind, "spa")
    browser = behind.test_client()
    data = {"csrf_token": csrf_token(browser, "/login"), "email": EMAIL, "password": PASSWORD}
    assert browser.post("/login", data=data).status_code == 303
    token = RelyingParty(browser, "spa").tokens()["refresh_token"]
    for port, agent in ((50001, "App/1"), (50002, "App/2")):
        sent = {"X-Forwarded-For": f"203.0.113.7:{port}", "User-Agent": agent}
        refresh = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "spa"}
        assert behind.test_client().post("/api/oauth/token", data=refresh, headers=sent).status_code == 200
    with behind.app_context():
        db = behind.extensions["services"].db
        rows = db.session.execute(sa.text("SELECT DISTINCT client_ip FROM refresh_tokens")).all()
        assert {row[0] for row in rows} == {"203.0.113.7"}


def warned(records: list[logging.LogRecord]) -> list[Any]:
    return [record for record in records if record.getMessage() == "proxy_not_declared"]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "fd00::1", ""])
def test_a_proxy_that_is_not_declared_is_said_once(
    app: Flask, caplog: pytest.LogCaptureFixture, peer: str, name: str
) -> None:
    for _ in range(3):
        app.test_client().get("/health", headers={name: "203.0.113.7"}, environ_base={"REMOTE_ADDR": peer})
    (record,) = warned(caplog.records)
    assert (record.levelname, record.setting) == ("WARNING", "TRUSTED_PROXIES=0")
    assert "203.0.113.7" not in str(vars(record))


def test_nothing_is_said_of_strangers_and_of_what_is_declared(
    app: Flask, behind: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    sent = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    for peer in ("203.0.113.9", "8.8.8.8", "2001:4860:4860::8888", "172.32.0.1"):
        app.test_client().get("/health", headers=sent, environ_base={"REMOTE_ADDR": peer})
    app.test_client().get("/health")
    behind.test_client().get("/health", headers=sent)
    assert warned(caplog.records) == []


@pytest.mark.parametrize(
    ("environ", "is_said"),
    [
        ({"PUBLIC_URL": "https://id.example.com"}, True),
        ({"PUBLIC_URL": "https://id.example.com", "TRUSTED_PROXIES": "1"}, False),
        ({}, False),
    ],
)
def test_the_settings_are_checked_for_a_proxy_that_must_be_there(
    make_app: Callable[..., Flask], environ: dict[str, str], is_said: bool
) -> None:
    result = make_app(**environ).test_cli_runner().invoke(args=["config", "check"])
    assert result.exit_code == 0
    assert ("but TRUSTED_PROXIES is 0" in result.output) is is_said


BROKEN = [
    "a..b",
    ".a",
    "a" * 64 + ".b",
    "a b",
    "a/b",
    "a@b",
    "a:x",
    "a:1:2",
    "[::1",
    "::1",
    "\u00e4.example",
    "",
    ",",
]


@pytest.mark.parametrize("host", BROKEN, ids=lambda host: ascii(host)[:12])
@pytest.mark.parametrize("path", ["/login", "/.well-known/jwks.json", "/no-such-page", "/static", "/api/v1/auth/me"])
def test_a_forwarded_host_that_is_none_is_not_believed(behind: Flask, path: str, host: str) -> None:
    client = behind.test_client()
    usual = client.get(path)
    answer = client.get(path, headers={"X-Forwarded-Host": host})
    assert (answer.status_code, answer.headers.get("Location")) == (usual.status_code, usual.headers.get("Location"))


@pytest.mark.parametrize("scheme", ["javascript", "a b", "://", "\u00ff", "", ",", "ftp", "https, wss"])
def test_a_forwarded_scheme_that_is_none_is_not_believed(behind: Flask, scheme: str) -> None:
    found: list[str] = []
    behind.before_request_funcs.setdefault(None, []).insert(0, lambda: found.append(request.scheme))
    assert behind.test_client().get("/login", headers={"X-Forwarded-Proto": scheme}).status_code == 200
    assert found == ["http"]


def test_what_a_proxy_says_of_host_and_scheme_is_believed(behind: Flask) -> None:
    found: list[str] = []
    behind.before_request_funcs.setdefault(None, []).insert(0, lambda: found.append(request.host_url))
    said = {"X-Forwarded-Host": "mine.example, id.example:8443", "X-Forwarded-Proto": "HTTPS"}
    assert behind.test_client().get("/login", headers=said).status_code == 200
    assert found == ["https://id.example:8443/"]
