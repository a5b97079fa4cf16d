"""Photos as they are served: for everybody who knows the address, for ever, and as nothing but a picture."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.account.test_photo import upload
from tests.clock import Clock
from tests.pictures import RED, encoded, opened, plain
from tests.relying_party import add_person, log_in


@pytest.fixture
def path(app: Flask) -> str:
    """Where Ada's photo is."""
    user_id = add_person(app)
    browser = app.test_client()
    log_in(browser)
    assert upload(browser, encoded(plain(RED))).status_code == 303
    with app.app_context():
        return str(app.extensions["services"].profiles.get(user_id).photo)


@pytest.mark.parametrize("size", [64, 192, 512])
def test_a_photo_is_everybodys_and_may_be_kept(client: FlaskClient, path: str, size: int) -> None:
    response = client.get(f"{path}/{size}.jpg", headers={"Origin": "https://elsewhere.example"})
    assert (response.status_code, response.mimetype) == (200, "image/jpeg")
    assert opened(response.data).size == (size, size)
    headers = response.headers
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Content-Disposition"] == 'inline; filename="photo.jpg"'
    assert not {"Set-Cookie", "Vary"} & {name.title() for name in headers.keys()}  # noqa: SIM118
    assert int(headers["Content-Length"]) == len(response.data)


def test_who_has_it_is_told_so(client: FlaskClient, path: str) -> None:
    etag = client.get(f"{path}/64.jpg").headers["ETag"]
    assert client.get(f"{path}/192.jpg").headers["ETag"] != etag
    again = client.get(f"{path}/64.jpg", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    head = client.head(f"{path}/64.jpg")
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", etag)


def test_no_session_is_looked_at_and_none_is_used(app: Flask, path: str, clock: Clock) -> None:
    browser = app.test_client()
    log_in(browser)
    clock.advance(minutes=50)
    assert "Set-Cookie" not in browser.get(f"{path}/64.jpg").headers
    clock.advance(minutes=20)
    assert browser.get("/account").status_code == 303  # seventy minutes without use, whatever pictures were loaded


@pytest.mark.parametrize("tail", ["/65.jpg", "/0.jpg", "/512.png", "/512", "", "/../512.jpg", "/-64.jpg"])
def test_other_sizes_and_kinds_are_not_there(client: FlaskClient, path: str, tail: str) -> None:
    response = client.get(path + tail)
    assert response.status_code == 404
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["0" * 32, "x" * 32, "0" * 31, "..%2f" * 6 + "ab", "%00" * 32])
def test_other_names_are_not_there(client: FlaskClient, path: str, name: str) -> None:
    assert client.get(f"/photos/{name}/64.jpg").status_code in {400, 404}


def test_nothing_can_be_sent_there(client: FlaskClient, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.open(f"{path}/64.jpg", method=method).status_code == 405
