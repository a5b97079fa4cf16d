"""Mails a development portal keeps: files for one pair of eyes, pages for one machine, nothing of them elsewhere."""

import re
import stat
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.mail import MailCourier
from tests.clock import Clock
from tests.mail.queue import LINK, TO, deliver, outcome, queue

MakeApp = Callable[..., Flask]
PRODUCTION = {"APP_ENV": "production", "SECRET_KEY": "s" * 40, "ENCRYPTION_KEYS": "A" * 43 + "="}


@pytest.fixture
def folder(instance: Path) -> Path:
    return instance / "mail"


def addresses(client: FlaskClient) -> list[str]:
    """The addresses of the mails, in the order they are listed."""
    return re.findall(r'href="(/dev/mail/[^"]+)"', client.get("/dev/mail").text)


def test_a_kept_mail_is_a_file_of_its_owners_alone(app: Flask, folder: Path) -> None:
    queue(app)
    assert deliver(app) == 1
    assert outcome(app) == ("done", "")
    (file,) = folder.iterdir()
    assert file.suffix == ".eml"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert message_from_bytes(file.read_bytes(), policy=policy.default)["To"] == TO


def test_the_newest_two_hundred_stay(app: Flask, folder: Path, clock: Clock) -> None:
    for number in range(203):
        queue(app, f"a{number}@example.com")
        clock.advance(seconds=1)
    assert deliver(app) == 203
    kept = [message_from_bytes(file.read_bytes(), policy=policy.default)["To"] for file in sorted(folder.iterdir())]
    assert kept == [f"a{number}@example.com" for number in range(3, 203)]


def test_a_repeat_is_the_same_file(app: Flask, folder: Path, clock: Clock) -> None:
    """Who died before he could say that it was delivered leaves it to the next one."""
    queue(app)
    with app.app_context():
        services = app.extensions["services"]
        (due,) = services.outbox.claim(["mail"], 1)
        couriers = app.extensions["background"]._couriers
        (courier,) = [each for each in couriers if isinstance(each, MailCourier)]
        courier.prepare(due)()
    clock.advance(minutes=6)
    assert deliver(app) == 1
    assert len(list(folder.iterdir())) == 1


def test_a_folder_that_cannot_be_written_to_loses_no_mail(app: Flask, folder: Path, clock: Clock) -> None:
    folder.write_text("in the way")
    queue(app)
    assert deliver(app) == 0
    assert outcome(app) == ("waits", "not_kept")
    folder.unlink()
    clock.advance(seconds=11)
    assert deliver(app) == 1


def test_the_page_shows_the_newest_first(app: Flask, client: FlaskClient, clock: Clock) -> None:
    assert "No mail was sent yet." in client.get("/dev/mail", headers={"Accept-Language": "en"}).text
    for number in range(3):
        queue(app, f"a{number}@example.com")
        clock.advance(seconds=1)
    deliver(app)
    page = client.get("/dev/mail", headers={"Accept-Language": "en"}).text
    assert re.findall(r"a\d@example\.com", page) == ["a2@example.com", "a1@example.com", "a0@example.com"]


def test_a_mail_is_shown_as_it_is_read_and_its_links_work(app: Flask, client: FlaskClient) -> None:
    queue(app)
    deliver(app)
    (address,) = addresses(client)
    page = client.get(address)
    assert "새 비밀번호 설정" in page.text
    assert f'<a href="{LINK}" rel="noopener" target="_blank">' in page.text
    assert f'src="{address}/html" sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert f'href="{LINK}"' in client.get(f"{address}/html").text


def test_what_a_mail_holds_can_reach_nothing(app: Flask, client: FlaskClient) -> None:
    queue(app)
    deliver(app)
    (address,) = addresses(client)
    headers = client.get(f"{address}/html").headers
    assert headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-popups allow-popups-to-escape-sandbox",
    ]
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "name",
    [
        "..%2F..%2Fsecret_key",
        "20260921T060500000000-../../secret_key",
        "20260921T060500000000-00000000-0000-0000-0000-000000000000",
        "secret_key",
        ".x",
    ],
)
@pytest.mark.parametrize("part", ["", "/html"])
def test_only_names_of_mails_are_looked_up(client: FlaskClient, name: str, part: str) -> None:
    assert client.get(f"/dev/mail/{name}{part}").status_code == 404


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"APP_ENV": "development"}, 200),
        ({"APP_ENV": "development", "MAIL_SERVER": "smtp.example.com"}, 404),
        (PRODUCTION, 404),
        ({**PRODUCTION, "MAIL_SERVER": "smtp.example.com"}, 404),
    ],
)
def test_the_page_is_there_only_where_mails_are_kept(make_app: MakeApp, settings: dict[str, str], status: int) -> None:
    client = make_app(**settings).test_client()
    assert client.get("/dev/mail").status_code == status
    assert ("/dev/mail" in client.get("/developers").text) is (status == 200)


@pytest.mark.parametrize(
    ("remote", "host", "status"),
    [
        ("127.0.0.1", "localhost:8000", 200),
        ("127.0.0.1", "127.0.0.1:8000", 200),
        ("::1", "[::1]:8000", 200),
        ("192.0.2.7", "localhost:8000", 404),
        ("192.0.2.7", "192.0.2.1:8000", 404),
        ("127.0.0.1", "evil.test:8000", 404),
        ("127.0.0.1", "localhost.evil.test", 404),
        ("127.0.0.1", "192.0.2.1:8000", 404),
    ],
)
def test_others_on_the_network_see_no_mails(
    app: Flask, client: FlaskClient, remote: str, host: str, status: int
) -> None:
    """Who reads the mails can take over any account; ``evil.test`` may be made to point at this machine."""
    queue(app)
    deliver(app)
    (address,) = addresses(client)
    for path in ("/dev/mail", address, f"{address}/html"):
        answer = client.get(path, headers={"Host": host}, environ_overrides={"REMOTE_ADDR": remote})
        assert answer.status_code == status
    page = client.get("/developers", headers={"Host": host}, environ_overrides={"REMOTE_ADDR": remote})
    assert ("/dev/mail" in page.text) is (status == 200)


def test_a_portal_under_a_name_of_its_own_shows_its_mails_under_it(make_app: MakeApp) -> None:
    client = make_app(PUBLIC_URL="http://portal.test:8000").test_client()
    assert client.get("/dev/mail", headers={"Host": "portal.test:8000"}).status_code == 200


def test_the_moment_a_mail_was_queued_is_its_date(app: Flask, client: FlaskClient, clock: Clock) -> None:
    queue(app)
    queued = clock.now
    clock.advance(hours=1)
    deliver(app)
    (address,) = addresses(client)
    assert f'datetime="{queued.isoformat()}"' in client.get(address).text
    assert (queued + timedelta(hours=1)).isoformat() not in client.get(address).text
