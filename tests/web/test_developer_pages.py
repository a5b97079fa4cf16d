"""Who sees the developers' page and the playground, and that nobody else finds a trace of them."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.settings import ConfigurationError, Settings
from tests.cli.test_commands import run
from tests.relying_party import EMAIL, add_person, log_in

PAGES = ("/developers", "/playground")
NAMED_ON = ("/", "/terms", "/privacy", "/nothing-here")
METADATA = "/.well-known/openid-configuration"
STRICT = {"APP_ENV": "production", "SECRET_KEY": "s" * 40, "ENCRYPTION_KEYS": "A" * 43 + "="}
MakeApp = Callable[..., Flask]


def names_them(app: Flask, *, email: str = "") -> bool:
    browser = app.test_client()
    if email:
        log_in(browser, email=email)
    named = [path in browser.get(page).text for page in NAMED_ON for path in PAGES]
    # Errors are told on a page without navigation.
    assert any(named) == all(named[:6])
    return any(named)


def test_everyone_sees_them_in_development_without_a_login(make_app: MakeApp) -> None:
    app = make_app(APP_ENV="development")
    assert [app.test_client().get(page).status_code for page in PAGES] == [200, 200]
    assert names_them(app)
    assert app.test_client().get(METADATA).json["service_documentation"] == "http://localhost:8000/developers"


def test_only_administrators_see_them_where_it_is_said(make_app: MakeApp) -> None:
    app = make_app(DEVELOPER_PAGES="admins")
    add_person(app)
    run(app, "users", "create", "boss@example.com", "--password", "blue-otter-9041-lamp", "--admin", "--verified")
    nobody, person, admin = (app.test_client() for _ in range(3))
    log_in(person)
    log_in(admin, email="boss@example.com", password="blue-otter-9041-lamp")
    for page in (*PAGES, "/developers?client=maxlab"):
        led = nobody.get(page)
        assert led.status_code == 303
        assert led.location.startswith("/login?next=/")
        assert person.get(page).status_code == 403
        assert admin.get(page).status_code == 200
    assert not names_them(app)
    assert not names_them(app, email=EMAIL)
    assert all(path in admin.get("/").text for path in PAGES)
    assert "service_documentation" not in nobody.get(METADATA).json


def test_who_logs_in_on_the_way_arrives_at_the_page_or_is_told(make_app: MakeApp) -> None:
    app = make_app(DEVELOPER_PAGES="admins")
    add_person(app)
    browser = app.test_client()
    arrived = log_in(browser, path=browser.get("/playground").location)
    assert arrived.location == "/playground"
    answer = browser.get("/playground", headers={"Accept-Language": "en"})
    assert answer.status_code == 403
    assert "This page is for administrators of this portal." in answer.text


def test_a_login_in_the_playgrounds_window_ends_at_its_page_whoever_logged_in(make_app: MakeApp) -> None:
    assert make_app(DEVELOPER_PAGES="admins").test_client().get("/playground/callback").status_code == 200


def test_they_are_not_there_for_anybody_where_it_is_said(make_app: MakeApp) -> None:
    app = make_app(DEVELOPER_PAGES="nobody")
    run(app, "users", "create", "boss@example.com", "--password", "blue-otter-9041-lamp", "--admin", "--verified")
    nobody, browser = app.test_client(), app.test_client()
    log_in(browser, email="boss@example.com", password="blue-otter-9041-lamp")
    for page in (*PAGES, "/playground/callback"):
        assert [nobody.get(page).status_code, browser.get(page).status_code] == [404, 404]
    assert not any(path in browser.get("/").text for path in PAGES)
    assert "service_documentation" not in browser.get(METADATA).json


@pytest.mark.parametrize(
    ("environ", "audience"),
    [({}, "everyone"), (STRICT, "admins"), ({**STRICT, "DEVELOPER_PAGES": "everyone"}, "everyone")],
)
def test_what_is_not_said_follows_from_the_environment(
    tmp_path: object, environ: dict[str, str], audience: str
) -> None:
    settings = Settings.from_environment({"INSTANCE_PATH": str(tmp_path), **environ})
    assert settings.server.developer_pages == audience


def test_another_word_is_refused_with_those_there_are(tmp_path: object) -> None:
    with pytest.raises(ConfigurationError, match="DEVELOPER_PAGES must be one of everyone, admins, nobody"):
        Settings.from_environment({"INSTANCE_PATH": str(tmp_path), "DEVELOPER_PAGES": "some"})
