"""Who is there, as Flask-Login has it: the portal's own session says so, and no cookie of another application does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask, jsonify, render_template_string, request
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from flask_login import current_user, login_fresh, login_required, user_accessed, user_loaded_from_request
from flask_login.utils import encode_cookie

from app.services.foundation.environment import NOBODY
from app.web.sessions import begin_session
from tests.clock import Clock
from tests.relying_party import EMAIL, NAME, RelyingParty, add_client, add_person, csrf_token, log_in

USUAL = ("is_authenticated", "is_active", "is_anonymous", "name")
SEEN = " ".join(f"{{{{ current_user.{name} }}}}" for name in USUAL)


@pytest.fixture
def ada(app: Flask) -> str:
    """A person, and views that say who is there."""
    app.add_url_rule("/who", "who", lambda: jsonify(id=current_user.get_id(), fresh=login_fresh()))
    app.add_url_rule("/seen", "seen", lambda: render_template_string(SEEN))
    app.add_url_rule("/own", "own", login_required(lambda: "own"))
    return add_person(app)


def who(browser: FlaskClient, **headers: str) -> object:
    return browser.get("/who", headers=headers).json


def test_current_user_has_the_usual_properties(client: FlaskClient, ada: str) -> None:
    assert who(client) == {"id": None, "fresh": False}
    assert client.get("/seen").text.split() == ["False", "False", "True"]
    log_in(client)
    assert who(client) == {"id": ada, "fresh": True}
    assert client.get("/seen").text == f"True True False {NAME}"


def test_a_page_that_requires_a_login_leads_there_and_back(client: FlaskClient, ada: str) -> None:
    led = client.get("/own?a=b%26c")
    assert (led.status_code, led.location) == (303, "/login?next=/own?a%3Db%2526c")
    assert log_in(client, path=led.location).location == "/own?a=b%26c"
    assert client.get("/own").text == "own"


def test_a_login_is_fresh_for_as_long_as_the_row_says(client: FlaskClient, ada: str, clock: Clock) -> None:
    log_in(client)
    clock.advance(seconds=601)
    assert who(client) == {"id": ada, "fresh": False}


@pytest.mark.parametrize("values", [{"_user_id": "x", "_fresh": True}, {"_fresh": True}, {"_remember": "set"}])
def test_what_flask_login_would_keep_in_the_form_cookie_decides_nothing(
    app: Flask, client: FlaskClient, ada: str, clock: Clock, values: dict[str, object]
) -> None:
    log_in(client)
    clock.advance(seconds=601)
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    if "_user_id" in values:
        values = {**values, "_user_id": ada}
    client.set_cookie("portal_form", str(serializer.dumps(values)))
    assert who(client) == {"id": ada, "fresh": False}
    stranger = app.test_client()
    stranger.set_cookie("portal_form", str(serializer.dumps(values)))
    assert who(stranger) == {"id": None, "fresh": False}


def test_a_remember_cookie_neither_logs_in_nor_hides_who_is_there(app: Flask, client: FlaskClient, ada: str) -> None:
    """Cookies know no ports: any other program on this host that uses Flask-Login sets one, signed or not."""
    with app.app_context():
        signed = encode_cookie(ada)
    for value in (signed, f"{ada}|forged", "x"):
        stranger, browser = app.test_client(), app.test_client()
        stranger.set_cookie("remember_token", value)
        assert who(stranger) == {"id": None, "fresh": False}
        log_in(browser)
        browser.set_cookie("remember_token", value)
        assert who(browser) == {"id": ada, "fresh": True}
        assert not [name for name in browser.get("/").headers.getlist("Set-Cookie") if "remember_token" in name]


def test_it_sets_no_cookie_of_its_own(app: Flask, client: FlaskClient, ada: str) -> None:
    log_in(client, remember="y")
    for path in ("/who", "/own", "/seen", "/account", "/confirm"):
        client.get(path)
    with app.app_context():
        assert {cookie.key for cookie in client._cookies.values()} == {"portal_session", "portal_form", "portal_device"}
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    form = client.get_cookie("portal_form")
    assert serializer is not None
    assert form is not None
    assert set(serializer.loads(form.value)) == {"csrf_token"}


def test_who_is_there_changes_with_the_login_inside_one_request(app: Flask, ada: str) -> None:
    with app.test_request_context("/"):
        assert not current_user.is_authenticated
        begin_session(ada, remember=False)
        assert current_user.id == ada


def test_pages_follow_the_language_of_who_is_there(app: Flask, client: FlaskClient, ada: str) -> None:
    with app.app_context():
        app.extensions["services"].profiles.update(ada, {"locale": "ko"}, NOBODY)
        app.extensions["services"].db.commit()
    english = {"Accept-Language": "en"}
    assert '<html lang="en"' in client.get("/terms", headers=english).text
    log_in(client)
    assert '<html lang="ko"' in client.get("/terms", headers=english).text


@contextmanager
def loads_of(app: Flask) -> Iterator[list[str]]:
    """The paths of requests for which Flask-Login was asked who is there."""
    seen: list[str] = []

    def note(_: Flask, **__: object) -> None:
        seen.append(request.path)

    with (
        user_accessed.connected_to(note, app),
        user_loaded_from_request.connected_to(note, app),
    ):
        yield seen


def test_programs_never_load_it(app: Flask, client: FlaskClient, make_app: Callable[..., Flask]) -> None:
    add_person(app)
    party = RelyingParty(client, "web", add_client(app, "web", is_confidential=True))
    log_in(client)
    with loads_of(app) as seen:
        answer = party.tokens()
        assert party.userinfo(answer["access_token"]).status_code == 200
        assert party.refresh(answer["refresh_token"]).status_code == 200
        assert party.authorize(prompt="none").status_code in {302, 303}
        assert seen == []
        client.get("/")
        assert set(seen) == {"/"}


def test_a_form_that_was_sent_without_a_login_leads_to_its_page(client: FlaskClient, app: Flask, ada: str) -> None:
    for path, page in (
        ("/account/profile", "/account/profile"),
        ("/account/security/email", "/account/security/email"),
        ("/account/data/keep", "/account/data"),
        ("/account/verification", "/account"),
    ):
        assert client.post(path, data={"email": EMAIL}).location == f"/login?next={page}"
    log_in(client)
    assert csrf_token(client, "/account/profile")
