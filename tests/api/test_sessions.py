"""The list of sessions: one's own, a page at a time, and the end of each."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from flask import Flask

from app.services.foundation.environment import Caller
from tests.api.people import FrontEnd, fields, refusal
from tests.clock import Clock

SESSION = {
    *("session_id", "device_name", "ip_address", "user_agent"),
    *("created_at", "last_accessed", "access_count", "current"),
}


def open_more(app: Flask, clock: Clock, user_id: str, count: int) -> None:
    """Sessions of a person, one a second."""
    with app.app_context():
        services = app.extensions["services"]
        for number in range(count):
            clock.advance(seconds=1)
            services.sessions.start(user_id, Caller(f"192.0.2.{number}", "Mozilla/5.0 (X11; Linux) Firefox/140.0"))
        services.db.commit()


def test_a_session_is_described_and_ones_own_is_marked(
    front: FrontEnd, ada: str, another: Callable[..., FrontEnd], clock: Clock
) -> None:
    clock.advance(minutes=1)
    another()
    body = front.get("/sessions").json
    assert set(body) == {"user_id", "active_sessions", "sessions", "next"}
    assert (body["user_id"], body["active_sessions"], body["next"]) == (ada, 2, None)
    newest, oldest = body["sessions"]
    assert set(newest) == set(oldest) == SESSION
    assert (newest["current"], oldest["current"]) == (False, True)
    assert (oldest["ip_address"], oldest["user_agent"]) == ("127.0.0.1", front.browser.environ_base["HTTP_USER_AGENT"])
    assert newest["last_accessed"] == clock.now.isoformat().replace("+00:00", "Z")


def test_a_long_list_comes_in_parts_that_neither_miss_nor_repeat(
    app: Flask, front: FrontEnd, ada: str, clock: Clock
) -> None:
    open_more(app, clock, ada, 44)
    seen: list[str] = []
    path, parts = "/sessions?limit=20", 0
    while True:
        body = front.get(path).json
        assert body["active_sessions"] == 45
        seen += [each["session_id"] for each in body["sessions"]]
        parts += 1
        if body["next"] is None:
            break
        path = f"/sessions?limit=20&cursor={body['next']}"
    assert (parts, len(seen), len(set(seen))) == (3, 45, 45)


def test_an_ended_session_is_gone_from_the_list_and_over_at_once(
    front: FrontEnd, another: Callable[..., FrontEnd]
) -> None:
    other = another()
    (target,) = [each["session_id"] for each in front.get("/sessions").json["sessions"] if not each["current"]]
    response = front.send("DELETE", f"/sessions/{target}")
    assert (response.status_code, response.json) == (200, {"status": "success", "message": "Session terminated"})
    refusal(other.get("/me"), 401, "invalid_token")
    refusal(other.post("/refresh"), 401, "invalid_grant")
    assert front.get("/sessions").json["active_sessions"] == 1
    refusal(front.send("DELETE", f"/sessions/{target}"), 404, "not_found")
    assert front.is_logged_in()


def test_ones_own_session_can_be_ended_too(front: FrontEnd) -> None:
    (own,) = front.get("/sessions").json["sessions"]
    assert front.send("DELETE", f"/sessions/{own['session_id']}").status_code == 200
    refusal(front.get("/me"), 401, "invalid_token")


@pytest.mark.parametrize("prefix", ["/api/v1/auth", "/api/auth"])
def test_somebody_elses_session_is_as_unknown_as_one_that_never_was(
    front: FrontEnd, another: Callable[..., FrontEnd], prefix: str
) -> None:
    bob = another("bob@example.com")
    (his,) = [each["session_id"] for each in bob.get("/sessions").json["sessions"]]
    answers = [front.send("DELETE", f"{prefix}/sessions/{each}") for each in (his, uuid4())]
    bodies = [refusal(answer, 404, "not_found") for answer in answers]
    assert bodies[0]["error_description"] == bodies[1]["error_description"]
    assert bob.is_logged_in()


@pytest.mark.parametrize("name", ["x", "1", "%00", "..", "0" * 36, "' or 1=1--", "%ED%A0%80", "x" * 5000, "all"])
def test_what_is_no_id_is_unknown(front: FrontEnd, name: str) -> None:
    response = front.send("DELETE", f"/sessions/{name}")
    assert response.status_code in {404, 405}
    assert front.is_logged_in()


@pytest.mark.parametrize(
    "value", ["-1", "0", "101", "1000000000", "abc", "", "1.0", "1e2", "１", "٣", " 1", "+1", "1_0"]
)
def test_a_limit_beyond_reason_is_refused(front: FrontEnd, value: str) -> None:
    response = front.browser.get(
        "/api/v1/auth/sessions", query_string={"limit": value}, headers={"Authorization": f"Bearer {front.token}"}
    )
    assert set(fields(response)) == {"limit"}


@pytest.mark.parametrize("value", ["x", "AAAA", "Mjk5OQ", "x" * 201, "%ED%A0%80", "e30="])
def test_a_cursor_nobody_gave_is_refused(front: FrontEnd, value: str) -> None:
    assert set(fields(front.get(f"/sessions?cursor={value}"))) == {"cursor"}


def test_a_parameter_twice_is_refused_and_an_unknown_one_ignored(front: FrontEnd) -> None:
    refusal(front.get("/sessions?limit=1&limit=2"), 400, "invalid_request")
    assert front.get("/sessions?limit=1&page=2&user_id=x").json["active_sessions"] == 1
