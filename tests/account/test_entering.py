"""Every account page needs a session, a form token of its own and a form from here; tested from the route table."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.account.browsing import Facts
from tests.relying_party import EMAIL, PASSWORD, csrf_token, log_in


def routes(app: Flask, method: str) -> Iterator[str]:
    """The addresses of the blueprint that answer ``method`` and need a session."""
    for rule in app.url_map.iter_rules():
        if (
            rule.endpoint.startswith("account.")
            and method in (rule.methods or ())
            and rule.endpoint != "account.deleted"
        ):
            yield re.sub(r"<uuid:\w+>", str(uuid4()), rule.rule).replace("<client_id>", "playground")


def state(facts: Facts) -> list[object]:
    """What a form could have changed."""
    return [
        facts.all("SELECT email, username, password_hash, deletes_at, updated_at FROM users ORDER BY id"),
        facts.all("SELECT id, ended_at, token_hash FROM user_sessions ORDER BY id"),
        facts.all("SELECT id, action FROM oauth_audit_logs ORDER BY id"),
        facts.all("SELECT id FROM deliveries"),
    ]


def test_the_route_table_is_what_the_package_says(app: Flask) -> None:
    assert len(list(routes(app, "GET"))) == 14
    assert len(list(routes(app, "POST"))) == 10


def test_who_is_not_logged_in_is_led_to_the_login_page_and_back(app: Flask, ada: str) -> None:
    for path in routes(app, "GET"):
        led = app.test_client().get(path)
        assert (led.status_code, led.location) == (303, f"/login?next={path}")
        assert log_in(app.test_client(), path=led.location).location == path


def test_a_form_of_somebody_who_is_logged_out_leads_to_where_it_stood(app: Flask, ada: str) -> None:
    for path in routes(app, "POST"):
        led = app.test_client().post(path)
        assert led.status_code == 303
        browser = app.test_client()
        after = log_in(browser, path=led.location).location
        assert path.startswith(after)
        assert browser.get(after).status_code == 200, after


def test_a_page_of_a_list_is_found_again_after_logging_in(app: Flask, ada: str) -> None:
    led = app.test_client().get("/account/activity?after=abc")
    assert log_in(app.test_client(), path=led.location).location == "/account/activity?after=abc"


@pytest.mark.parametrize(
    "target", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/a%0Ab", "", "evil.test"]
)
def test_login_never_leads_away(app: Flask, ada: str, target: str) -> None:
    browser = app.test_client()
    assert log_in(browser, path=f"/login?next={target}").location == "/"
    assert browser.get(f"/login?next={target}").location == "/"


def test_no_opener_sees_an_account_page_and_nothing_keeps_it(app: Flask, browser: FlaskClient) -> None:
    for path in (*routes(app, "GET"), "/account/deleted"):
        response = browser.get(path)
        assert response.status_code == 200, path
        assert response.headers["Cache-Control"] == "no-store"
        if response.mimetype == "text/html":
            assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("token", [None, "", "forged", "another browser's"])
def test_a_form_without_its_own_token_changes_nothing(
    app: Flask, browser: FlaskClient, facts: Facts, token: str | None
) -> None:
    form = {"email": EMAIL, "current": PASSWORD, "password": "another long passphrase 7", "username": "stolen"}
    if token is not None:
        form["csrf_token"] = csrf_token(app.test_client(), "/login") if token == "another browser's" else token
    before = state(facts)
    for path in routes(app, "POST"):
        response = browser.post(path, data=form)
        assert response.status_code == 400, path
        assert "was open for a while" in response.text
        assert re.search(r'name="csrf_token"[^>]*value="[^"]+"', response.text)
        assert PASSWORD not in response.text
    assert state(facts) == before


def test_a_form_of_another_site_changes_nothing(app: Flask, browser: FlaskClient, facts: Facts) -> None:
    form = {"csrf_token": csrf_token(browser, "/account/profile"), "email": EMAIL, "username": "stolen"}
    before = state(facts)
    for path in routes(app, "POST"):
        assert browser.post(path, data=form, headers={"Origin": "https://evil.test"}).status_code == 403, path
    assert state(facts) == before


@pytest.mark.parametrize("after", ["x", "%ff", "A" * 5000, "MjAyNi0wMS0wMSAx", "MjAyNi0wMS0wMVQwMDowMDowMCswMDowMCAA"])
@pytest.mark.parametrize("page", ["sessions", "activity"])
def test_a_place_in_a_list_that_nobody_gave_out_is_refused(browser: FlaskClient, page: str, after: str) -> None:
    assert browser.get(f"/account/{page}?after={after}").status_code == 400


def test_the_persons_menu_leads_to_the_account(browser: FlaskClient) -> None:
    assert 'href="/account"' in browser.get("/").text
