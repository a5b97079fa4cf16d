"""Section P, JSON APIs: what is no good request is refused in one shape, and nothing of it comes back."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.api import AUTH, COMPATIBLE, OPERATIONS
from app.api.operations import Operation
from tests.api.people import FrontEnd, fields, refusal
from tests.relying_party import EMAIL, PASSWORD
from tests.security.parties import Parties

MARKUP = "\"'><svg onload=alert(1)>{{7331*7331}}"
DEPTH = 10_000
GOOD: dict[str, dict[str, Any]] = {
    "/register": {"email": "new@example.com", "password": "password1"},
    "/login": {"email": EMAIL, "password": "wrong"},
    "/logout": {"refresh_token": "unknown"},
    "/profile": {"timezone": "nowhere"},
    "/forgot-password": {"email": "nobody@example.com"},
    "/reset-password": {"token": "unknown", "password": "violet lantern 72 harbour"},
    "/verify-email": {"token": "unknown"},
    "/change-password": {"current_password": "wrong", "new_password": "violet lantern 72 harbour"},
    "/change-email": {"email": "new@example.com", "current_password": "wrong"},
    "/link/<provider>": {"current_password": "wrong"},
    "/unlink/<provider>": {"current_password": "wrong"},
}
"""A body that is understood, for each operation that has one, and does nothing all the same."""
WITH_BODY = [each for each in OPERATIONS if each.body]
PATHS = [prefix + each.path for prefix in (AUTH, COMPATIBLE) for each in WITH_BODY]
NO_OBJECT = {
    "nothing": b"",
    "blanks": b" \n ",
    "array": b"[]",
    "object in an array": b'[{"email":"a"}]',
    "string": b'"email"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "form": b"email=a&password=b",
    "cut off": b'{"email":"a"',
    "trailing comma": b'{"email":"a",}',
    "trailing garbage": b'{"email":"a"}x',
    "two objects": b'{"email":"a"}{"email":"b"}',
    "single quotes": b"{'email':'a'}",
    "comment": b'{/* */"email":"a"}',
    "byte order mark": b'\xef\xbb\xbf{"email":"a"}',
    "UTF-16": '{"email":"a"}'.encode("utf-16"),
    "UTF-32": '{"email":"a"}'.encode("utf-32"),
    "Latin-1": b'{"email":"\xe9"}',
    "a surrogate's bytes": b'{"email":"\xed\xa0\x80"}',
    "control character": b'{"email":"\x01"}',
    "NaN": b'{"x":NaN}',
    "Infinity": b'{"x":[Infinity]}',
    "minus Infinity": b'{"x":{"y":-Infinity}}',
    "digits without end": b'{"x":' + b"9" * 5000 + b"}",
    "a member twice": b'{"email":"a","email":"b"}',
    "a member twice, within": b'{"x":[{"y":1,"y":1}]}',
    "a member twice, written differently": b'{"email":"a","\\u0065mail":"b"}',
    "arrays in arrays": b'{"x":' + b"[" * DEPTH + b"]" * DEPTH + b"}",
    "objects in objects": b'{"x":' + b'{"y":' * DEPTH + b"1" + b"}" * DEPTH + b"}",
    "arrays without end": b"[" * 100_000,
}


@pytest.fixture(scope="module")
def front(parties: Parties) -> FrontEnd:
    """Ada's front end."""
    end = FrontEnd(parties.app)
    assert end.log_in().status_code == 200
    return end


def posted(front: FrontEnd, path: str, body: bytes, kind: str = "application/json", **headers: str) -> TestResponse:
    """The answer to these very bytes."""
    method = "PUT" if path.endswith("/profile") else "DELETE" if "/unlink/" in path else "POST"
    # What would end the session is sent by somebody who has none.
    named = headers if path.endswith("/logout") else {"Authorization": f"Bearer {front.token}", **headers}
    path = path.replace("<provider>", "google")
    return front.app.test_client().open(path, method=method, data=body, content_type=kind, headers=named)


def answer_to(front: FrontEnd, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """What a body amounts to."""
    response = posted(front, path, json.dumps(body).encode())
    return response.status_code, (response.json or {}).get("error")


def test_p254_every_operation_with_a_body_is_tried() -> None:
    assert {each.path for each in WITH_BODY} == set(GOOD)


@pytest.mark.parametrize("name", NO_OBJECT)
@pytest.mark.parametrize("path", PATHS)
def test_p254_a_body_that_is_not_one_object_is_refused(front: FrontEnd, path: str, name: str) -> None:
    response = posted(front, path, NO_OBJECT[name])
    if name == "nothing" and path.endswith(("/logout", "/profile")):
        assert response.status_code == 200  # nothing has to be said there
        return
    if name == "nothing" and path.endswith("link/<provider>"):
        assert response.status_code in {400, 404}  # nor there, by an account without a password
        return
    body = refusal(response, 400, "invalid_request")
    assert body["error_description"] == "The body must be one JSON object with each member once."


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"],
)
@pytest.mark.parametrize("path", PATHS)
def test_p254_another_content_type_is_refused(front: FrontEnd, path: str, kind: str) -> None:
    good = json.dumps(GOOD[path.removeprefix(AUTH).removeprefix(COMPATIBLE)]).encode()
    refusal(posted(front, path, good, kind), 415, "invalid_request")


@pytest.mark.parametrize("path", [f"{AUTH}/refresh", f"{AUTH}/logout/all", f"{AUTH}/verify-email/resend"])
def test_p254_a_form_does_not_pass_where_no_body_is_read(front: FrontEnd, path: str) -> None:
    refusal(posted(front, path, b"a=b", "application/x-www-form-urlencoded"), 415, "invalid_request")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_p254_another_method_is_refused_with_those_there_are(front: FrontEnd, operation: Operation) -> None:
    path = AUTH + re.sub(r"<\w+>", "x", operation.path)
    taken = {each.method for each in OPERATIONS if each.path == operation.path}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - taken:
        response = front.browser.open(path, method=method, headers={"Authorization": f"Bearer {front.token}"})
        refusal(response, 405, "invalid_request")
        assert operation.method in response.headers["Allow"].split(", ")


def test_p254_too_large_a_body_is_refused_unread(front: FrontEnd) -> None:
    refusal(posted(front, f"{AUTH}/login", b'{"email":"' + b"x" * 300_000 + b'"}'), 413, "invalid_request")


@pytest.mark.parametrize("path", PATHS)
def test_p255_unknown_members_are_ignored(front: FrontEnd, path: str) -> None:
    good = GOOD[path.removeprefix(AUTH).removeprefix(COMPATIBLE)]
    claimed = {"is_admin": True, "id": 1, "__proto__": {}, "": None, "\x00": [], "user_id": ["x"], "x" * 5000: {}}
    assert answer_to(front, path, {**claimed, **good}) == answer_to(front, path, good)


WRONG = [None, True, 0, -1, 1e308, [], ["x"], {}, {"$ne": None}, "\ud800", "x" * 20_000, "\udfff\ud800"]


@pytest.mark.parametrize("value", WRONG, ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("path", [path for path in PATHS if path.startswith(AUTH)])
def test_p255_a_value_of_another_type_is_named_and_not_repeated(front: FrontEnd, path: str, value: Any) -> None:
    good = GOOD[path.removeprefix(AUTH)]
    for name in good:
        if value is None and name == "refresh_token":
            continue  # may be null
        response = posted(front, path, json.dumps({**good, name: value}).encode())
        assert set(fields(response)) == {name}
        assert ascii("x" * 100) not in response.text


@pytest.mark.parametrize("value", ["true", 1, 0, None, [], "on"])
def test_p255_a_flag_is_true_or_false_and_nothing_like_it(front: FrontEnd, value: Any) -> None:
    login = {**GOOD["/login"], "remember": value}
    assert fields(posted(front, f"{AUTH}/login", json.dumps(login).encode())).keys() == {"remember"}
    leaving = json.dumps({"logout_all_devices": value}).encode()
    assert fields(posted(front, f"{AUTH}/logout", leaving)).keys() == {"logout_all_devices"}
    assert front.is_logged_in()


@pytest.mark.parametrize("text", ["a\x00b", "\u202e", "\ufffe", "\U0010ffff", "\r\nSet-Cookie: a=b", MARKUP], ids=ascii)
@pytest.mark.parametrize("path", [path for path in PATHS if path.startswith(AUTH)])
def test_p255_strange_text_is_a_value_like_any_other(front: FrontEnd, path: str, text: str) -> None:
    good = GOOD[path.removeprefix(AUTH)]
    for name in good:
        response = posted(front, path, json.dumps({**good, name: text}).encode())
        assert response.status_code in {200, 201, 400, 401, 404, 410}
        assert text not in response.text
        assert "a=b" not in str(response.headers)


def ways_to_fail(front: FrontEnd) -> Iterator[tuple[TestResponse, int, str]]:
    """A refusal of every status there is."""
    app, token = front.app, {"Authorization": f"Bearer {front.token}"}
    browser, holder = app.test_client(), app.test_client()
    holder.set_cookie("portal_refresh", "x" * 64)
    yield posted(front, f"{AUTH}/login", b"{"), 400, "invalid_request"
    yield posted(front, f"{AUTH}/login", b"{}"), 400, "invalid_input"
    yield browser.post(f"{AUTH}/login", json=GOOD["/login"]), 401, "wrong_credentials"
    yield browser.get(f"{AUTH}/me"), 401, "unauthorized"
    yield browser.get(f"{AUTH}/me", headers={"Authorization": "Bearer x"}), 401, "invalid_token"
    yield holder.post(f"{AUTH}/refresh"), 401, "invalid_grant"
    yield browser.post(f"{AUTH}/refresh", headers={"Origin": "https://evil.test"}), 403, "foreign_origin"
    yield browser.delete(f"{AUTH}/sessions/x", headers=token), 404, "not_found"
    yield browser.get("/api/v1/nothing"), 404, "invalid_request"
    yield browser.get("/api/nothing"), 404, "invalid_request"
    yield browser.put(f"{AUTH}/login"), 405, "invalid_request"
    yield browser.post(f"{AUTH}/verify-email", json={"token": "x"}), 410, "link_gone"
    yield posted(front, f"{AUTH}/login", b"{" + b" " * 300_000), 413, "invalid_request"
    yield posted(front, f"{AUTH}/login", b"{}", "text/plain"), 415, "invalid_request"


def test_p256_every_refusal_has_the_one_documented_shape(front: FrontEnd) -> None:
    statuses = set()
    for response, status, code in ways_to_fail(front):
        described = refusal(response, status, code)
        assert all(isinstance(described[name], str) and described[name] for name in ("error", "error_description"))
        statuses.add(status)
    assert statuses == {400, 401, 403, 404, 405, 410, 413, 415}


def test_p256_a_limit_says_when_to_come_again(make_app: Callable[..., Flask]) -> None:
    browser = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="2/minute").test_client()
    for _ in range(2):
        assert browser.get(f"{AUTH}/me").status_code == 401
    response = browser.get(f"{AUTH}/me")
    refusal(response, 429, "too_many_attempts")
    assert 1 <= int(response.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("path", ["/me", "/sessions"])
def test_p256_a_fault_of_ours_tells_nothing_but_its_id(fresh: Parties, path: str) -> None:
    end = FrontEnd(fresh.app)
    end.log_in()
    with fresh.app.app_context():
        db = fresh.app.extensions["services"].db
        db.session.execute(sa.text("ALTER TABLE users RENAME TO people"))
        db.session.execute(sa.text("ALTER TABLE user_sessions RENAME TO visits"))
        db.commit()
    response = end.get(path)
    code = "server_error" if response.status_code == 500 else "temporarily_unavailable"
    refusal(response, response.status_code, code)
    assert response.status_code in {500, 503}
    for leak in ("Traceback", "sqlite", "SELECT", "users", "visits", ".py", str(fresh.directory), "sqlalchemy"):
        assert leak not in response.text


def listed(front: FrontEnd, **query: str) -> TestResponse:
    """The answer to a list with a query."""
    headers = {"Authorization": f"Bearer {front.token}"}
    return front.browser.get(f"{AUTH}/sessions", query_string=query, headers=headers)


@pytest.mark.parametrize("limit", ["-1", "0", "1000000000", "abc", str(2**63), "1e400", "１", "", "NaN"])
def test_p257_a_limit_beyond_reason_is_refused(front: FrontEnd, limit: str) -> None:
    assert set(fields(listed(front, limit=limit))) == {"limit"}


def test_p257_the_cursor_of_somebody_else_shows_nothing_of_theirs(parties: Parties) -> None:
    ends: dict[str, list[FrontEnd]] = {}
    for _ in range(2):
        email = parties.newcomer()[1]
        ends[email] = [FrontEnd(parties.app) for _ in range(3)]
        for end in ends[email]:
            end.log_in(email=email)
    one, other = (each[0] for each in ends.values())
    cursor = listed(one, limit="1").json["next"]
    own = {each["session_id"] for each in listed(other, limit="100").json["sessions"]}
    shown = listed(other, cursor=cursor)
    assert {each["session_id"] for each in shown.json["sessions"]} <= own
    assert shown.json["user_id"] == listed(other).json["user_id"] != listed(one).json["user_id"]
    for wrong in (cursor[10:], f"{cursor}AAAA", "x", "../../etc/passwd"):
        assert set(fields(listed(other, cursor=wrong))) == {"cursor"}


HIDDEN = [
    *("/.git/", "/.git/config", "/.env", "/.env.production", "/.htaccess", "/.DS_Store", "/console", "/debug"),
    *("/instance/portal.db", "/portal.db", "/instance/secret_key", "/app/errors.py", "/wsgi.py", "/requirements.txt"),
    *("/static/../app/errors.py", "/static/%2e%2e/app/errors.py", "/static/..%2fapp/errors.py", "/static//etc/passwd"),
    *("/static/sdk/../../app/errors.py", "/static/%5c..%5capp", "/templates/base.html", "/admin/../.env"),
    *("/?__debugger__=yes&cmd=resource&f=debugger.js", "/server-status", "/actuator", "/phpmyadmin", "/wp-login.php"),
    *("/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/auth", "/api/v1/auth/", "/api/v1/auth/admin", "/api/v2/auth/me"),
    *("/api/v1//auth/me", "/api/v1/auth/me/", "/api/v1/auth/ME", "/api/v1/auth/me;x=1", "/api/v1/auth/%6de/x"),
    *("/api/openapi.yaml", "/api/docs", "/api/openapi.json/", "/swagger", "/graphql", "/metrics.json"),
]


@pytest.mark.parametrize("path", HIDDEN)
def test_p259_what_is_not_there_is_not_there(front: FrontEnd, path: str) -> None:
    response = front.browser.get(path, headers={"Authorization": f"Bearer {front.token}"}, buffered=True)
    if path.startswith("/?"):
        # The parameters of Werkzeug's debugger are those of no debugger here.
        assert (response.status_code, response.mimetype) == (200, "text/html")
        assert "werkzeug" not in response.text.lower()
        return
    if "//" in path:
        # Two slashes are one, by a redirect that keeps the method.
        assert (response.status_code, response.location) == (308, f"http://localhost{path.replace('//', '/')}")
        return
    assert response.status_code == 404, response.text
    for secret in ("SECRET_KEY", "root:", "import ", "[core]", "sqlite"):
        assert secret not in response.text


def test_p259_nothing_outside_the_static_folder_is_in_it() -> None:
    static = Path(__file__).resolve().parent.parent.parent / "static"
    assert not [path for path in static.rglob("*") if path.is_symlink() or path.name.startswith(".")]


@pytest.mark.parametrize("accept", ["text/html", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "image/*", MARKUP])
def test_p260_a_refusal_is_json_whatever_is_asked_for_and_repeats_nothing(front: FrontEnd, accept: str) -> None:
    headers = {"Accept": accept, "Authorization": f"Bearer {front.token}"}
    browser = front.app.test_client()
    answers = [
        browser.get(f"/api/v1/{MARKUP}", headers=headers),
        browser.get(f"{AUTH}/sessions", query_string={"cursor": MARKUP, "limit": MARKUP}, headers=headers),
        browser.delete(f"{AUTH}/sessions/{MARKUP}", headers=headers),
        browser.get(f"{AUTH}/me", headers={**headers, "Authorization": f"Bearer {MARKUP}"}),
        browser.post(f"{AUTH}/login", json={"email": MARKUP, "password": MARKUP}, headers=headers),
        browser.post(f"{AUTH}/login", data=MARKUP, content_type=f"text/{MARKUP}", headers=headers),
        browser.post(f"{AUTH}/refresh", headers={**headers, "Cookie": f"portal_refresh={MARKUP}"}),
        browser.post(f"{AUTH}/login", json={}, headers={**headers, "Origin": f"https://{MARKUP}"}),
        browser.open(f"{AUTH}/me", method="SVG", headers=headers),
    ]
    for response in answers:
        assert 400 <= response.status_code < 500
        assert response.mimetype == "application/json"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        for part in (MARKUP, "<svg", "onload", "53743561"):
            assert part not in response.text + str(response.headers)


OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method")


@pytest.mark.parametrize("header", OVERRIDES)
def test_p261_no_header_turns_a_method_into_another(front: FrontEnd, header: str) -> None:
    own = listed(front).json["sessions"][0]["session_id"]
    token = {"Authorization": f"Bearer {front.token}"}
    for method, path in (("GET", f"{AUTH}/sessions/{own}"), ("POST", f"{AUTH}/sessions/{own}")):
        response = front.browser.open(path, method=method, headers={**token, header: "DELETE"})
        refusal(response, 405, "invalid_request")
    response = front.browser.post(f"{AUTH}/me?_method=GET", headers={**token, header: "GET"})
    refusal(response, 405, "invalid_request")
    assert front.browser.get(f"{AUTH}/me", headers={**token, header: "PUT"}).status_code == 200
    login = {"email": EMAIL, "password": PASSWORD, "_method": "POST"}
    refusal(front.browser.get(f"{AUTH}/login", query_string=login, headers={header: "POST"}), 405, "invalid_request")
    assert front.is_logged_in()
