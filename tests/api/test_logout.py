"""Logging out by the API: what is proven is ended, at once and everywhere, and nothing else is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.models import RevokedToken, UserSession
from app.settings import ConfigurationError, Settings
from tests.api.people import CLEARED, FrontEnd, cookies, refusal
from tests.clock import Clock
from tests.mailbox import received
from tests.relying_party import RelyingParty, add_client, add_person, csrf_token

# SPEC 3, to the letter.
ANSWERS = {
    "/logout": {"status", "message", "logout_all_devices", "timestamp"},
    "/logout/all": {"status", "message", "tokens_blacklisted", "sessions_invalidated", "timestamp"},
}


def is_cleared(end: FrontEnd, response: object) -> None:
    """The browser forgets what it had."""
    assert response.headers["Clear-Site-Data"] == CLEARED  # type: ignore[attr-defined]
    made = cookies(response)  # type: ignore[arg-type]
    for name in ("portal_refresh", "portal_session"):
        assert made[name].startswith(f"{name}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0;")
    assert end.refresh_token == ""


def counted(app: Flask) -> tuple[int, int]:
    """How many sessions have ended and how many access tokens are denied."""
    with app.app_context():
        session = app.extensions["services"].db.session
        over = session.scalar(sa.select(sa.func.count()).where(UserSession.ended_at.is_not(None)))
        return over, session.scalar(sa.select(sa.func.count()).select_from(RevokedToken))


def logged_out(
    sender: FrontEnd, path: str = "/logout", body: dict[str, Any] | None = None
) -> tuple[TestResponse, tuple[int, int]]:
    """The answer, of the very shape, and how many sessions and access tokens ended."""
    before = counted(sender.browser.application)
    response = sender.post(path, body)
    after = counted(sender.browser.application)
    assert (response.status_code, set(response.json), response.json["status"]) == (200, ANSWERS[path], "success")
    ended = after[0] - before[0], after[1] - before[1]
    if path == "/logout":
        assert response.json["logout_all_devices"] is bool((body or {}).get("logout_all_devices"))
    else:
        assert (response.json["sessions_invalidated"], response.json["tokens_blacklisted"]) == ended
    return response, ended


def ended(sender: FrontEnd, path: str = "/logout", body: dict[str, Any] | None = None) -> tuple[int, int]:
    """How many sessions and access tokens a logout ended."""
    return logged_out(sender, path, body)[1]


@pytest.mark.parametrize("proof", ["all", "token", "cookie", "session"])
def test_each_proof_alone_ends_the_session_and_all_that_hangs_on_it(
    app: Flask, front: FrontEnd, another: Callable[..., FrontEnd], proof: str
) -> None:
    add_client(app, "spa")
    application, other = RelyingParty(front.browser, "spa").tokens(), another()
    cookie, sender = front.refresh_token, FrontEnd(app)
    if proof in {"all", "token"}:
        sender.token = front.token
    if proof in {"all", "cookie"}:
        sender.browser.set_cookie("portal_refresh", cookie)
    if proof in {"all", "session"}:
        sender.browser.set_cookie("portal_session", front.browser.get_cookie("portal_session").value)  # type: ignore[union-attr]
    response, count = logged_out(sender, "/logout", {})
    assert count == (1, 2)
    is_cleared(sender, response)
    refusal(front.get("/me"), 401, "invalid_token")
    assert RelyingParty(front.browser, "spa").userinfo(application["access_token"]).status_code == 401
    assert RelyingParty(front.browser, "spa").refresh(application["refresh_token"]).status_code == 400
    refusal(front.post("/refresh"), 401, "invalid_grant")
    assert "error=login_required" in RelyingParty(front.browser, "spa").authorize(prompt="none").location
    assert other.is_logged_in()


def test_a_logout_needs_no_body_and_may_be_repeated(front: FrontEnd) -> None:
    assert ended(front, "/logout") == (1, 1)
    front.token = ""
    response, count = logged_out(front)
    assert count == (0, 0)
    is_cleared(front, response)


def test_an_expired_token_alone_is_no_logout(app: Flask, front: FrontEnd, clock: Clock) -> None:
    sender = FrontEnd(app)
    sender.token = front.token
    clock.advance(minutes=15)
    refusal(sender.post("/logout"), 401, "invalid_token")
    # With the cookie it is: pages often log out long after their token went.
    assert ended(front, "/logout") == (1, 0)


@pytest.mark.parametrize("is_rotated", [False, True])
def test_the_refresh_token_of_a_first_party_client_ends_its_session(
    app: Flask, front: FrontEnd, is_rotated: bool
) -> None:
    add_client(app, "spa")
    spa = RelyingParty(front.browser, "spa")
    sent = spa.tokens()["refresh_token"]
    if is_rotated:
        assert spa.refresh(sent).status_code == 200
    assert ended(FrontEnd(app), "/logout", {"refresh_token": sent}) == (1, 3 if is_rotated else 2)
    assert not front.is_logged_in()


@pytest.mark.parametrize("token", ["", "x" * 64, "unknown", "a.b.c", "\x00", "한글"])
def test_an_unknown_refresh_token_ends_nothing(app: Flask, front: FrontEnd, token: str) -> None:
    assert ended(FrontEnd(app), "/logout", {"refresh_token": token}) == (0, 0)
    assert front.is_logged_in()


def test_the_refresh_token_of_somebody_elses_application_ends_nothing(app: Flask, front: FrontEnd) -> None:
    add_client(app, "third", consent_policy="once")
    third = RelyingParty(front.browser, "third")
    page = third.authorize().location
    token = front.browser.get(page).text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    back = front.browser.post(page, data={"csrf_token": token, "decision": "allow"}).location
    code = front.browser.get(back).location.partition("code=")[2].partition("&")[0]
    tokens = third.redeem(code).json
    assert ended(FrontEnd(app), "/logout", {"refresh_token": tokens["refresh_token"]}) == (0, 0)
    sender = FrontEnd(app)
    sender.token = tokens["access_token"]
    refusal(sender.post("/logout"), 403, "insufficient_scope")
    assert front.is_logged_in()


def test_a_token_of_somebody_else_sent_along_ends_nothing(
    app: Flask, front: FrontEnd, another: Callable[..., FrontEnd]
) -> None:
    victim = another("bob@example.com")
    add_client(app, "spa")
    stolen = RelyingParty(victim.browser, "spa").tokens()["refresh_token"]
    assert ended(front, "/logout", {"refresh_token": stolen}) == (1, 1)
    assert victim.is_logged_in()
    front.log_in()
    assert ended(front, "/logout", {"refresh_token": stolen, "logout_all_devices": True}) == (1, 1)
    assert victim.is_logged_in()


@pytest.mark.parametrize(("path", "body"), [("/logout/all", None), ("/logout", {"logout_all_devices": True})])
def test_everywhere_means_every_device_and_application_of_this_person(
    app: Flask, front: FrontEnd, another: Callable[..., FrontEnd], path: str, body: dict[str, bool] | None, clock: Clock
) -> None:
    add_client(app, "spa")
    devices, bob = [another(), another()], another("bob@example.com")
    application = RelyingParty(devices[0].browser, "spa").tokens()
    response, count = logged_out(front, path, body)
    assert count == (3, 4)
    assert response.json["timestamp"] == clock.now.isoformat().replace("+00:00", "Z")
    is_cleared(front, response)
    for device in (front, *devices):
        refusal(device.get("/me"), 401, "invalid_token")
        refusal(device.post("/refresh"), 401, "unauthorized" if device is front else "invalid_grant")
    assert RelyingParty(devices[0].browser, "spa").refresh(application["refresh_token"]).status_code == 400
    assert bob.is_logged_in()
    (told,) = [mail for mail in received(app) if mail.template == "sessions_ended"]
    assert (told.to, told.values["count"]) == ("ada@example.com", "3")


def test_a_code_that_waits_is_worthless_after_logging_out_everywhere(app: Flask, front: FrontEnd) -> None:
    add_client(app, "spa")
    spa = RelyingParty(front.browser, "spa")
    code = spa.code()
    front.post("/logout/all")
    assert spa.redeem(code).json["error"] == "invalid_grant"


@pytest.mark.parametrize(("path", "body"), [("/logout/all", None), ("/logout", {"logout_all_devices": True})])
def test_nobody_logs_out_everywhere_without_proof(
    app: Flask, front: FrontEnd, path: str, body: dict[str, bool] | None
) -> None:
    refusal(FrontEnd(app).post(path, body), 401, "unauthorized")
    stranger = FrontEnd(app)
    stranger.token = "x.y.z"
    refusal(stranger.post(path, body), 401, "invalid_token")
    assert front.is_logged_in()


@pytest.mark.parametrize(
    ("setting", "header"),
    [
        ("cache, storage", '"cache", "storage"'),
        ("storage cookies cache", '"cache", "cookies", "storage"'),
        ("cookies", '"cookies"'),
        ("off", None),
    ],
)
def test_the_operator_says_what_browsers_forget(
    make_app: Callable[..., Flask], setting: str, header: str | None
) -> None:
    app = make_app(CLEAR_SITE_DATA=setting)
    add_person(app)
    for end in ("/api/v1/auth/logout", "/logout"):
        front = FrontEnd(app)
        front.log_in()
        browser = front.browser
        if end == "/logout":
            answer = browser.post(end, data={"csrf_token": csrf_token(browser, end)})
        else:
            answer = front.post("/logout", {})
        assert answer.headers.get("Clear-Site-Data") == header
        gone = [line for line in answer.headers.getlist("Set-Cookie") if "Max-Age=0" in line]
        names = sorted(line.partition("=")[0] for line in gone)
        assert {"portal_refresh", "portal_session"} <= set(names)
        assert len(names) == len(set(names))


@pytest.mark.parametrize("setting", ["", "everything", "cache; storage", "off, cache"])
def test_what_browsers_do_not_know_is_refused_at_start(tmp_path: Path, setting: str) -> None:
    if not setting:
        assert Settings.for_testing(tmp_path).session.clear_site_data == '"cache", "storage"'
        return
    with pytest.raises(ConfigurationError, match="CLEAR_SITE_DATA must be off, or some of"):
        Settings.for_testing(tmp_path, CLEAR_SITE_DATA=setting)
