"""What administrators read of the settings, and that no secret is among it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask

from app.services.foundation.powers import CLIENTS, SYSTEM
from tests.account.browsing import csrf_token, shown
from tests.admin.offices import administrator

SECRET = "a-secret-that-nobody-reads-2718281828"
NAME = re.compile(r'class="setting-name">([A-Z0-9_]+)<')


@pytest.fixture
def app(make_app: Callable[..., Flask], tmp_path: Any) -> Flask:
    """A portal with a secret in the environment, and one in a file."""
    file = tmp_path / "metrics"
    file.write_text(f"{SECRET}\n")
    names = {"MAIL_SERVER": "mail.example.com", "MAIL_PASSWORD": SECRET, "METRICS_TOKEN_FILE": str(file)}
    return make_app(**names)


def test_every_setting_is_there_and_no_secret(app: Flask) -> None:
    office = administrator(app, SYSTEM)
    page = office.get("/admin/settings").text
    rows = list(app.extensions["services"].settings.rows())
    assert NAME.findall(page) == [row.variable for row in rows]
    for secret in (row.variable for row in rows if row.is_secret):
        part = page.partition(f'id="{secret}"')[2].partition("</tr>")[0]
        assert re.search(r">(Set|Not set)</span>", part), secret
        assert "Default:" not in part, secret
    settings = app.extensions["services"].settings
    for value in (SECRET, settings.secrets.secret_key, settings.storage.database_url, "********"):
        assert value not in page
    ways = {"MAIL_PASSWORD": "Environment", "METRICS_TOKEN": "File", "SECRET_KEY": "Made by the portal"}
    for name, way in {**ways, "MAIL_PORT": "Default"}.items():
        assert way in page.partition(f'id="{name}"')[2].partition("</tr>")[0]


def test_settings_are_found_by_name_group_and_where_they_come_from(app: Flask) -> None:
    office = administrator(app, SYSTEM)
    given = {
        "q=mail_pass": ["MAIL_PASSWORD"],
        "q=smtp+server": ["MAIL_SERVER"],
        "group=audit": ["AUDIT_CHECKPOINT_MINUTES", "AUDIT_PUBLIC_CHECKPOINTS", "AUDIT_RETENTION_DAYS"],
        "source=file": ["METRICS_TOKEN"],
        "group=secrets&set=no": ["SECRET_KEY_FALLBACKS"],
        "group=nonsense&q=mail_port": ["MAIL_PORT"],
    }
    for query, names in given.items():
        assert NAME.findall(office.get(f"/admin/settings?{query}").text) == names, query
    assert "No setting fits this" in shown(office.get("/admin/settings?q=nothing-at-all"))


def test_loose_settings_of_production_stand_above(make_app: Callable[..., Flask]) -> None:
    keys = {"SECRET_KEY": "s" * 40, "ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    app = make_app(APP_ENV="production", PUBLIC_URL="http://localhost:8000", RATE_LIMIT_ENABLED="false", **keys)
    page = shown(administrator(app, SYSTEM).get("/admin/settings"))
    assert "RATE_LIMIT_ENABLED: Nothing slows down who guesses passwords." in page
    assert "PUBLIC_URL: People reach the portal without TLS." in page
    assert "DEVELOPER_PAGES:" not in page


def test_settings_are_for_who_administers_the_system(app: Flask) -> None:
    assert administrator(app, CLIENTS).get("/admin/settings").status_code == 403


def test_what_settings_do_is_said_in_korean_and_found_by_it(app: Flask) -> None:
    office = administrator(app, SYSTEM)
    office.post("/language", data={"csrf_token": csrf_token(office, "/admin/settings"), "lang": "ko"})
    page = shown(office.get("/admin/settings?q=워커+스레드"))
    assert NAME.findall(page) == ["WEB_THREADS"]
    assert "워커 프로세스마다의 스레드 수" in page
    assert "%40" in shown(office.get("/admin/settings?q=DATABASE_URL"))
