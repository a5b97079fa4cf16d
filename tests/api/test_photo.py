"""The photo by the API: bytes in, an address out; what is no photo is refused in the documented shape."""

import json
from base64 import urlsafe_b64decode
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.api.people import FrontEnd, fields, refusal
from tests.pictures import BLUE, RED, bomb, encoded, is_near, opened, plain
from tests.relying_party import RelyingParty, add_client, add_person, log_in
from tests.security.parties import decided

PNG = encoded(plain(RED))


@pytest.fixture
def front(app: Flask) -> FrontEnd:
    """Ada's front end."""
    add_person(app)
    front = FrontEnd(app)
    assert front.log_in().status_code == 200
    return front


def put(
    front: FrontEnd, data: bytes, kind: str = "image/png", prefix: str = "/api/v1/auth", **more: str
) -> TestResponse:
    headers = {"Authorization": f"Bearer {front.token}", **more}
    return front.browser.put(f"{prefix}/photo", data=data, content_type=kind, headers=headers)


@pytest.mark.parametrize("prefix", ["/api/v1/auth", "/api/auth"])
@pytest.mark.parametrize("kind", ["image/png", "image/x-anything", "application/octet-stream"])
def test_a_photo_is_put_and_deleted(front: FrontEnd, prefix: str, kind: str) -> None:
    answer = put(front, PNG, kind, prefix)
    assert answer.status_code == 200
    address = answer.json["avatar_url"]
    assert address.startswith("http://localhost:8000/photos/")
    assert front.get("/me").json["avatar_url"] == address
    stored = opened(front.browser.get(urlsplit(address).path).data)
    assert is_near(stored.getpixel((9, 9)), RED)
    assert put(front, encoded(plain(BLUE), "JPEG"), kind, prefix).json["avatar_url"] != address
    removed = front.browser.delete(f"{prefix}/photo", headers={"Authorization": f"Bearer {front.token}"})
    assert (removed.status_code, removed.json["avatar_url"]) == (200, None)
    assert front.send("DELETE", "/photo").status_code == 200


def test_what_was_answered_can_be_sent_back_unchanged(front: FrontEnd) -> None:
    address = put(front, PNG).json["avatar_url"]
    same = front.send("PUT", "/profile", {"avatar_url": address, "bio": "new"})
    assert (same.status_code, same.json["avatar_url"], same.json["bio"]) == (200, address, "new")
    assert front.browser.get(urlsplit(address).path).status_code == 200
    assert front.send("PUT", "/profile", {"avatar_url": None}).json["avatar_url"] is None
    assert front.browser.get(urlsplit(address).path).status_code == 404


def test_another_address_counts_again_once_the_photo_is_gone(front: FrontEnd) -> None:
    front.send("PUT", "/profile", {"avatar_url": "https://example.com/a.png"})
    put(front, PNG)
    assert front.send("DELETE", "/photo").json["avatar_url"] == "https://example.com/a.png"
    put(front, PNG)
    front.send("PUT", "/profile", {"avatar_url": "https://example.com/b.png"})
    assert front.send("DELETE", "/photo").json["avatar_url"] == "https://example.com/b.png"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "This file is not a picture"),
        (b"GIF89a<script>", "This picture is damaged"),
        (b'{"a": 1}', "This file is not a picture"),
        (bomb(), "too many pixels"),
        (PNG[:60], "damaged"),
    ],
)
def test_what_is_no_photo_is_refused_by_name(front: FrontEnd, data: bytes, words: str) -> None:
    assert words in fields(put(front, data))["photo"]
    assert front.get("/me").json["avatar_url"] is None


def test_too_much_and_other_things_are_refused(front: FrontEnd) -> None:
    refusal(put(front, PNG + bytes(5_000_000)), 413, "invalid_request")
    for kind in ("text/html", "application/json", "multipart/form-data; boundary=x", "video/mp4"):
        refusal(put(front, PNG, kind), 415, "invalid_request")
    assert front.get("/me").json["avatar_url"] is None


def test_it_takes_the_token_of_a_first_party_client(app: Flask, front: FrontEnd) -> None:
    token, front.token = front.token, ""
    refusal(front.browser.put("/api/v1/auth/photo", data=PNG, content_type="image/png"), 401, "unauthorized")
    refusal(front.browser.delete("/api/v1/auth/photo"), 401, "unauthorized")
    add_client(app, "third", consent_policy="once")
    browser = app.test_client()
    log_in(browser)
    party = RelyingParty(browser, "third")
    page = party.authorize().location
    code = decided(browser, page).location.partition("code=")[2].partition("&")[0]
    front.token = party.redeem(code).json["access_token"]
    refusal(put(front, PNG), 403, "insufficient_scope")
    front.token = token
    refusal(put(front, PNG, Origin="https://evil.test"), 403, "foreign_origin")
    assert front.get("/me").json["avatar_url"] is None


def test_photos_of_two_people_are_apart(app: Flask, front: FrontEnd) -> None:
    add_person(app, "bob@example.com")
    bob = FrontEnd(app)
    bob.log_in("bob@example.com")
    hers, his = put(front, PNG).json["avatar_url"], put(bob, encoded(plain(BLUE))).json["avatar_url"]
    assert bob.send("DELETE", "/photo").json["avatar_url"] is None
    assert front.get("/me").json["avatar_url"] == hers
    assert front.browser.get(urlsplit(hers).path).status_code == 200
    assert front.browser.get(urlsplit(his).path).status_code == 404


def test_id_tokens_name_it_too(app: Flask, front: FrontEnd) -> None:
    address = put(front, PNG).json["avatar_url"]
    add_client(app, "app")
    browser = app.test_client()
    log_in(browser)
    body = RelyingParty(browser, "app").tokens()["id_token"].split(".")[1]
    assert json.loads(urlsafe_b64decode(body + "=="))["picture"] == address
